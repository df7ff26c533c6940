"""A hint is a command that does what it says, typed as it is shown, by whoever it is shown to."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import split
from typing import NamedTuple

import pytest

from hongbao.errors import InsufficientBalance, LedgerDenied, LimitExceeded, kinds
from hongbao.why import declared_example
from tests.cli.advice import STATES, Shown
from tests.cli.shell import Said, Shell
from tests.cli.transcripts import HOMES, founded, furnish

UNANSWERED = re.compile(r"needs an answer|is locked by a passphrase")
"""How a command ends that asks for what only a person has."""


def pattern(hint: str) -> re.Pattern[str]:
    """Return what finds *hint* in what a command says, with its commands addressed."""
    parts = re.split(r"(\{\w+\}|`[^`]*`)", hint)
    return re.compile(
        "".join(
            ".+?"
            if part.startswith("{")
            else "`[^`]*`"
            if part.startswith("`")
            else re.escape(part)
            for part in parts
        )
    )


def shown(hint: str, said: Said) -> str | None:
    """Return *hint* as it is shown in what a command *said*, on one line."""
    found = pattern(hint).search(" ".join((said.out + said.err).split("\n")))
    return None if found is None else found[0]


def to_type(state: Shown, told: str, key: str) -> list[str]:
    """Return the commands in a hint, as its reader types them; *key* is one that was shown."""
    return [
        _filled(state, typed).replace("{key}", key)
        for typed in re.findall(r"`([^`]*)`", told)
        if not typed.startswith(("pip ", "hongbao["))
    ]


def _filled(state: Shown, typed: str) -> str:
    for word, meant in state.fill.items():
        typed = re.sub(rf"(?<![^\s@]){re.escape(word)}(?!\S)", meant, typed)
    if typed.startswith("-p "):
        typed = f"balance {typed}"
    elif typed.startswith("-"):
        typed = f"{state.fill.get('typed', state.typed)} {typed}"
    return typed.removeprefix("hongbao ").partition(" > ")[0]


def samples() -> dict[str, str]:
    """Return the hints of the gallery by the codes of its refusals, and of three more like them."""
    limited = declared_example(InsufficientBalance, topup_max_fen=5_000)
    at_the_top = declared_example(LimitExceeded, returns_at=None, identifying_helps=False)
    return {
        **{kind.code: declared_example(kind).hint or "" for kind in kinds()},
        "ledger_denied:rights": declared_example(LedgerDenied, problem="rights").hint or "",
        "insufficient_balance:limited": limited.hint or "",
        "limit_exceeded:at the top": at_the_top.hint or "",
    }


class Played(NamedTuple):
    """A hint that was shown in a state, in a home of its own."""

    hint: str
    state: Shown
    shell: Shell


def played(folder: Path, states: Sequence[tuple[str, Shown]]) -> Iterator[tuple[Played, Said]]:
    """Yield each of *states*, played until it shows its hint."""
    homes = {"empty", *(state.home for _, state in states)}
    models = {name: founded(folder / name, HOMES[name]) for name in homes}
    told = samples()
    stages: list[Played] = []
    for number, (hint, state) in enumerate(states):
        shell = models[state.home].copied_to(folder / str(number) / "home")
        furnish(shell)
        (shell.home.parent / "xiaoming.txt").write_text("张三\n11010519491231002X\n", "utf-8")
        stages.append(Played(hint, state, shell))
    first = acted(
        models["empty"],
        [
            (each.shell, each.state.before if each.state.damage else lines(each.state, told))
            for each in stages
        ],
    )
    for each in stages:
        if each.state.damage is not None:
            each.state.damage(each.shell)
    harmed = [each for each in stages if each.state.damage is not None]
    second = iter(acted(models["empty"], [(each.shell, [each.state.typed]) for each in harmed]))
    for each, said in zip(stages, first, strict=True):
        if each.state.typed in told:
            yield each, Said(0, "", told[each.state.typed])
        else:
            yield each, (next(second) if each.state.damage else said)[-1]


def lines(state: Shown, told: Mapping[str, str]) -> list[str]:
    return [*state.before, *([] if state.typed in told else [state.typed])]


def acted(shell: Shell, acts: Sequence[tuple[Shell, Sequence[str]]]) -> list[list[Said]]:
    """Type the lines of each act in its home, all in one process."""
    told = json.dumps([each.act(*(split(line) for line in typed)) for each, typed in acts])
    return shell.play(told)


ALL = [
    (hint, state) for hint, states in STATES.items() for state in states if not state.needs_servers
]


@pytest.mark.parametrize(
    "states",
    [
        pytest.param(ALL[::9], id="some"),
        pytest.param(ALL, id="all", marks=pytest.mark.slow),
    ],
)
def test_a_hint_does_what_it_says(tmp_path: Path, states: Sequence[tuple[str, Shown]]):
    """
    Typed in the state in which it is shown, it succeeds, or asks for what only its reader has.
    """
    silent: list[object] = []
    hints: list[tuple[Played, list[str]]] = []
    for each, said in played(tmp_path, states):
        told = _on_screen(each.hint, said) if each.state.on_screen else shown(each.hint, said)
        if told is None:
            silent.append((each.hint, each.state.typed, said))
            continue
        hints.append((each, to_type(each.state, told, key_shown(each.shell, said))))
    answers = acted(hints[0][0].shell, [(each.shell, typed) for each, typed in hints])
    failed = [
        (each.state.typed, line, said.code, said.err.splitlines()[:2])
        for (each, typed), all_said in zip(hints, answers, strict=True)
        for line, said in zip(typed, all_said, strict=True)
        if said.code not in each.state.ends and not UNANSWERED.search(said.err)
    ]

    assert [] == silent
    assert [] == failed


def _on_screen(hint: str, said: Said) -> str:
    """Return *hint* with the payment that a command has named."""
    payments = re.findall(r"\b(?:NU|UP)\d{14}", said.out)
    return hint.replace("{message}", payments[-1]) if payments else hint


def key_shown(shell: Shell, said: Said) -> str:
    """Return a public key that was shown: by a command, or in a statement that came from others."""
    path = shell.home.parent / "theirs.json"
    theirs = path.read_text("utf-8") if path.exists() else ""
    signed = re.findall(r'"public_key": ?"([0-9a-f]{64})"', theirs)
    found: list[str] = [*signed, *re.findall(r"[0-9a-f]{64}", said.out), ""]
    return found[0]


def test_a_hint_is_for_the_profile_that_acted(shell: Shell):
    """
    Whether it was named by an option or by the environment, and for programs, too.
    """
    shell.plays(("send", "9", "--count", "3"))
    typed = ("claim", shell.packets["equal"])

    option, variable, program, alone = shell.plays(
        (*typed, "-p", "小红"),
        ("HONGBAO_PROFILE=小红", *typed),
        (*typed, "-p", "小红", "--json"),
        ("show", shell.packets["equal"] + "X"),
    )

    expected = f"see it with `hongbao show {shell.packets['equal']} -p 小红`"
    assert expected in option.err
    assert expected in variable.err
    assert expected == json.loads(program.err)["error"]["hint"]
    assert " -p " not in alone.err
