"""A dry run says what would happen, never that it has, and leaves everything as it was."""

import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from hongbao import words
from hongbao.commands.house import root_command
from hongbao.packs import text_of
from hongbao.ui.dry_runs import WOULD
from tests.cli.shell import Shell

TYPED = {
    # Every command that takes --dry-run, and how it is typed on the home below.
    "identify": ["-p 小红 --name 李四 --id-number 110105199003078510"],
    "card add": ["9999050000000009"],
    "card remove": ["0003"],
    "card refunds": ["card", "balance"],
    "policy use": ["pboc-2015 --operator 老王"],
    "topup": ["5"],
    "withdraw": ["5", "0.5"],
    "send": ["5", "5 --count 2", "--each 5 --count 2", "5 --to 小红", "66 --to 小红"],
    "refund": [""],
    "bank fault": ["icbc timeout", "icbc off"],
    "settle": [""],
    "reconcile resolve": ["{payment} --reason counted --operator 老王"],
    "device add": ["phone"],
    "device approve": ["tablet"],
    "device remove": ["tablet"],
    "device move": ["shanghai"],
    "device fault": ["小明-1 replay", "小明-1 forge", "小明-1 none"],
    "risk use": ["standard --operator 老王"],
    "risk train": ["--shipped --operator 老王"],
    "review approve": ["{case} --operator 老王 --reason fine"],
    "review reject": ["{case} --operator 老王 --reason odd"],
    "review escalate": ["{case} --operator 老王 --reason large"],
    "import": ["{bill}", "--remove {imported}"],
}

HOLDING = """
[[rule]]
id = "large"
guard = "transaction"
acts = ["give"]
when = [{ indicator = "amount_fen", at_least = "50.00" }]
answer = "hold"
hold_hours = 240
then = "return"
says = { en = "this is reviewed first", zh = "需先核实" }
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, dict[str, str]]:
    """A demo home with something for each command to do, and what that is called."""
    shell = Shell(tmp_path_factory.mktemp("busy") / "home", "246813")
    beside = shell.home.parent
    pack = text_of("strict").replace('name = "strict"', 'name = "mine"')
    (beside / "mine.toml").write_text(pack.partition("# --- device")[0] + HOLDING, "utf-8")
    pin = str(shell.pin_file)
    said = shell.plays(
        ("init", "小明", "--demo"),
        ("init", "小红"),
        ("identify", "--name", "张三", "--id-number", "11010519491231002X"),
        ("card", "add", "9999010000000003"),
        ("topup", "500"),
        ("topup", "444.10"),
        ("reconcile",),
        ("export", "--format", "wechat", "-o", str(beside / "first.csv")),
        ("import", str(beside / "first.csv")),
        ("send", "1", "--count", "2"),
        ("export", "--format", "wechat", "-o", str(beside / "bill.csv")),
        ("device", "add", "tablet"),
        ("operator", "add", "老王", "--new-pin-file", pin),
        ("risk", "use", str(beside / "mine.toml"), "--operator", "老王", "--pin-file", pin),
        ("send", "66", "--to", "小红"),
    )
    assert [22, 23] == [each.code for each in said if each.code], [each.err for each in said]
    return shell, {
        "case": shell.answers("review")["cases"][0]["case"],
        "payment": re.findall("[NU][UP][0-9]{14}", said[6].out)[0],
        "imported": re.findall("bl_[0-9A-Z]{8}", said[8].out)[0],
        "bill": str(beside / "bill.csv"),
    }


def rehearsable(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the words of each command that takes --dry-run."""
    if any(param.name == "dry_run" for param in command.params):
        yield " ".join(words)
    for name in getattr(command, "commands", ()):
        inner = command.get_command(typer.Context(command), name)
        yield from rehearsable(inner, (*words, name))


def test_every_command_with_a_dry_run_is_typed_here():
    """
    A new one is added to the list above, or this says which one is missing.
    """
    assert set(rehearsable(root_command())) == set(TYPED)


@pytest.mark.parametrize(("language", "word"), [("en", "would"), ("zh_CN", "将")])
def test_a_dry_run_says_what_would_happen(
    busy: tuple[Shell, dict[str, str]], language: str, word: str
):
    """
    In every line that says what was done otherwise; then that nothing was, and no next step.
    """
    shell, names = busy
    pin = ["--pin-file", str(shell.pin_file)]
    lines = [
        [*command.split(), *rest.format_map(names).split(), "--dry-run", *pin]
        for command, typed in TYPED.items()
        for rest in typed
    ]
    before = shell.ledger()

    told = shell.screens(*lines, columns=100, HONGBAO_LANG=language)

    for line, screen in zip(lines, told, strict=True):
        assert word in screen or line[0] == "refund", (line, screen)
        assert {"en": "hint:", "zh_CN": "提示："}[language] not in screen, (line, screen)
    assert before == shell.ledger()


def test_a_refund_is_rehearsed(tmp_path: Path):
    """
    On the real clock it waits until somebody asks: with -n it goes on waiting.
    """
    shell = Shell(tmp_path / "home", "246813")
    shell.plays(
        ("init", "小明"),
        ("card", "add", "9999010000000003"),
        ("topup", "5"),
        ("send", "2"),
        ("send", "1", "--from", "icbc-0003"),
        now="2026-02-16T20:00:00+08:00",
    )
    later = "2026-02-17T21:00:00+08:00"

    first, again = shell.plays(("refund", "-n"), ("refund", "-n"), now=later)

    assert first.out == again.out
    assert 2 == len(re.findall("^would return ", first.out, re.MULTILINE))


def test_a_sentence_that_says_what_would_be_done_says_what_is_done():
    """
    With the same facts, so that none is left out of the rehearsal; and none for a sentence of old.
    """
    said = gettext.translation(words.DOMAIN, words.LOCALE, ["zh_CN"])._catalog  # type: ignore[attr-defined]

    assert set() == set(WOULD) - set(said)
    for done, would in WOULD.items():
        assert set(re.findall(r"\{\w+\}", done)) == set(re.findall(r"\{\w+\}", would))
        assert "would" in would
