"""`--explain`: what an act did, read from what it did."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from hongbao import words
from hongbao.commands.house import root_command
from hongbao.ui import explain, trace
from hongbao.ui.script import Sheet, columns
from tests.cli.shell import Shell, plain
from tests.every import every

MOVES_MONEY = (
    *("send", "claim", "refund", "topup", "withdraw", "settle", "clock set", "clock advance"),
    *("review approve", "review reject", "reconcile resolve"),
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("begun") / "home", "246813")
    said = shell.plays(
        ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "2026"),
        ("init", "小红"),
        ("init", "小刚"),
        ("card", "add", "9999010000000003"),
        ("topup", "300"),
        ("send", "10", "--count", "2"),
        ("claim", "last", "-p", "小红"),
    )
    assert [] == [each.err for each in said if each.code]
    return shell


@pytest.fixture
def wallet(begun: Shell, tmp_path: Path) -> Shell:
    return begun.copied_to(tmp_path / "home")


def explained(shell: Shell, *typed: str) -> dict[str, Any]:
    """Return what the command, done or refused, says of itself."""
    said = shell(*typed, "--explain", "--json")
    document = json.loads(said.out or said.err)
    found: dict[str, Any] = document["explained"]
    return found


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command of *group* with its name."""
    context = typer.Context(group)
    for name in getattr(group, "commands", ()):
        command = group.get_command(context, name)
        yield " ".join((*words, name)), command
        yield from commands(command, (*words, name))


def test_every_command_that_moves_money_explains_itself():
    """
    By one option, which is declared once.
    """
    house = root_command()

    assert set(MOVES_MONEY) == {
        name for name, command in commands(house) if command.kind.moves_money
    }


def same_steps(shell: Shell, what: str) -> None:
    done = json.loads(shell.does(*what.split(), "--explain", "--json").out)
    subject = done.get("packet") or done["payment"]
    entries = {step["entry"] for step in done["explained"]["steps"]}
    traced = [step for step in shell.answers("trace", subject)["steps"] if step["entry"] in entries]

    def bare(step: dict[str, Any]) -> dict[str, Any]:
        return {key: step[key] for key in step if key not in ("checks", "took_micros", "messages")}

    assert sorted(map(json.dumps, map(bare, done["explained"]["steps"]))) == sorted(
        map(json.dumps, map(bare, traced))
    )
    assert [] != [step for step in traced if step["movements"]]


def test_each_acts_steps_are_those_of_its_trace(wallet: Shell):
    """
    Read from the same ledger: nothing is shown that did not happen, and nothing is left out.
    """
    for what in (
        *("topup 5", "send 8 --count 2", "send 8 --from icbc-0003", "withdraw 5"),
        "claim last -p 小刚",
    ):
        same_steps(wallet, what)


def test_what_goes_into_a_pipe_is_the_answer_alone(wallet: Shell, tmp_path: Path):
    """
    The narration is on standard error, above whatever else is said there.
    """
    other = wallet.copied_to(tmp_path / "other" / "home")
    plainly, narrated = other("send", "5"), wallet("send", "5", "--explain")

    assert plainly.out == narrated.out
    assert narrated.err.endswith(plainly.err)
    assert narrated.err.startswith("① create")
    assert " ms" not in narrated.err
    assert "explained" not in wallet.answers("send", "5")


def test_it_repeats_to_the_byte(wallet: Shell, tmp_path: Path):
    """
    In another home with the same seed: no duration is in it.
    """
    other = wallet.copied_to(tmp_path / "other" / "home")
    for typed in (("send", "5", "--count", "2"), ("claim", "last", "-p", "小刚"), ("settle",)):
        one, two = (each.does(*typed, "--explain", "--json") for each in (wallet, other))
        assert one.out == two.out
        assert (wallet(*typed, "--explain").err) == (other(*typed, "--explain").err)


def test_a_dry_run_is_explained_and_leaves_nothing(wallet: Shell):
    """
    Its steps are read before it is undone.
    """
    before = wallet.ledger()
    for typed in (
        ("send", "5", "-n"),
        ("topup", "5", "-n"),
        ("withdraw", "5", "-n"),
        ("settle", "-n"),
    ):
        shown = explained(wallet, *typed)
        assert shown["undone"]
        assert [] != shown["steps"]
        assert any(step["movements"] for step in shown["steps"])
    assert before == wallet.ledger()
    assert (
        "dry run: these steps were done, and undone" in wallet("send", "5", "-n", "--explain").err
    )


REFUSED = {
    "the packet's terms": (("send", "1000"), "terms"),
    "a limit": (("send", "1001", "--count", "9"), "limits"),
    "the balance": (("send", "600", "--count", "9"), "balance"),
    "claimed": (("claim", "last", "-p", "小红"), "claimable"),
    "too early": (("refund", "last"), "refundable"),
    "a bank that is down": (("topup", "444.08"), "route"),
    "before any check": (("send", "5", "--to", "小白"), None),
}


def test_a_refusal_says_which_check_stopped_it(wallet: Shell):
    """
    What passed before, what did not, and that nothing was written.
    """
    packet = wallet.answers("packets")["packets"][0]["packet"]
    before = wallet.ledger()
    for name, (typed, check) in REFUSED.items():
        refused = explained(wallet, *(packet if word == "last" else word for word in typed))[
            "refused"
        ]
        assert check == refused["check"], name
        assert [] == refused["entries"]
        failed = [each["check"] for each in refused["checks"] if not each["passed"]]
        assert failed == ([] if check is None else [check])
    assert before == wallet.ledger()
    assert "nothing was written and no money moved" in wallet("send", "1000", "--explain").err


def test_a_wrong_pin_is_said_to_be_counted(wallet: Shell, tmp_path: Path):
    """
    And nothing else of it is shown.
    """
    (tmp_path / "wrong").write_text("111222\n")
    said = wallet("send", "5", "--explain", "--pin-file", str(tmp_path / "wrong"))

    assert 14 == said.code
    assert "✗ PIN" in said.err
    assert "the attempt was counted, and nothing else changed" in said.err
    assert "111222" not in said.err + said.out


def test_what_is_written_of_a_refusal_is_named(wallet: Shell):
    """
    A forged request logs a device out, and a bank's silence is an entry: no money moved.
    """
    wallet.does("device", "fault", "小明-1", "forge")
    refused = explained(wallet, "send", "5")["refused"]
    assert ("signature", 1, False) == (refused["check"], len(refused["entries"]), refused["moved"])
    wallet.does("device", "login")

    wallet.does("bank", "fault", "icbc", "decline")
    declined = explained(wallet, "topup", "5")
    assert declined["refused"]["check"] is None
    assert not declined["refused"]["moved"]
    assert "bank_declined" in [step["says"] for step in declined["steps"]]


@every("language", ["en", "zh_CN"])
@every("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(begun: Shell, language: str, width: int):
    """
    And every check has a name in both languages.
    """
    from contextlib import redirect_stdout

    words.use_language(language)
    shown = explained(begun, "send", "5", "-n")
    sheet = Sheet(width)
    with redirect_stdout(sheet):
        explain.show_explained(shown)  # type: ignore[arg-type]
        for each in ("send", "1000"), ("claim", "hb_7Q2M4K9X"):
            explain.show_explained(explained(begun, *each))  # type: ignore[arg-type]
    assert [] == [row for row in plain(sheet.getvalue()).splitlines() if columns(row) > width]


def test_every_check_has_a_name_and_every_step_a_sentence():
    """
    The checks are named where they are made.
    """
    import re

    house = Path(trace.__file__).parents[1]
    source = "\n".join(path.read_text("utf-8") for path in (house / "wallet").glob("*.py"))
    made = set(re.findall(r'checking\("(\w+)"\)', source))

    assert made == set(explain._TITLES)
