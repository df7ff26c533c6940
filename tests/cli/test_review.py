"""The reviewer's desk at the counter: whose PIN is asked for, what is shown, what is written."""

import json
import stat
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.shell import Shell, plain

WANG, LI = "975312", "864209"

PACK = """
name = "mine"
version = 1
title = { en = "mine", zh = "我的" }
night = { from = 0, to = 8 }
challenge = { minutes = 10, tries = 3 }
review = { four_eyes = "100.00" }
records = { keep_years = 5 }

[[rule]]
id = "big"
guard = "transaction"
acts = ["send", "give", "withdraw"]
when = [{ indicator = "amount_fen", at_least = "20.00" }]
answer = "hold"
hold_hours = 24
then = "return"
says = { en = "worth a look", zh = "先核实" }

[[report]]
id = "told"
kind = "suspicious"
acts = ["send"]
when = [{ indicator = "amount_fen", at_least = "100.00" }]
says = { en = "much at once", zh = "单笔金额较大" }
"""

SIZES = [40, 80, 120]


@pytest.fixture(scope="module")
def _reviewing(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The same home with two operators and three cases: two held packets, one of them large."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("reviewing") / "home")
    _furnish(shell)
    said = shell.plays(
        ("risk", "use", "./mine.toml"),
        ("operator", "add", "老王", "--new-pin-file", "wang"),
        *[("operator", "add", "小李", "--operator", "老王", "--pin-file", "wang")],
        ("send", "30", "--count", "3"),
        ("send", "130", "--count", "3"),
    )
    assert [2] == [each.code for each in said if each.code]  # nobody there to type 小李's
    shell.does(
        *("operator", "add", "小李", "--operator", "老王", "--pin-file", _beside(shell, "wang")),
        *("--new-pin-file", _beside(shell, "li")),
    )
    return shell


def _furnish(shell: Shell) -> None:
    for name, text in (("mine.toml", PACK), ("wang", WANG), ("li", LI)):
        (shell.home.parent / name).write_text(f"{text}\n", encoding="utf-8")


def _beside(shell: Shell, name: str) -> str:
    return str(shell.home.parent / name)


@pytest.fixture
def desk(_reviewing: Shell, tmp_path: Path) -> Shell:
    shell = _reviewing.copied_to(tmp_path / "home")
    _furnish(shell)
    return shell


def waiting(shell: Shell) -> list[str]:
    return [row["case"] for row in shell.answers("review")["cases"]]


def by(shell: Shell, name: str = "老王") -> tuple[str, ...]:
    pin = {"老王": "wang", "小李": "li"}[name]
    return ("--operator", name, "--pin-file", _beside(shell, pin))


# --- who is asked --------------------------------------------------------------------------------


def test_the_terminal_asks_for_the_operators_pin(desk: Shell):
    """
    By name, so that nobody types their payment PIN there; it is asked for once.
    """
    case = waiting(desk)[0]

    said = desk.at_terminal(
        *("review", "approve", case, "--operator", "老王", "--reason", "wedding"),
        replies=[("the operator's PIN: ", f"{WANG}\n")],
    )

    assert 0 == said.code
    assert f"approved {case} · released 30.00 of 小*" in plain(said.out)


def test_a_users_pin_file_is_never_an_operators(desk: Shell):
    """
    HONGBAO_PIN_FILE names the payment PIN's; where nobody can be asked, it says which option.
    """
    case = waiting(desk)[0]
    before = desk.ledger()

    code, error = desk.refuses("review", "reject", case, "--operator", "老王", "--reason", "x")

    assert (2, "unanswered", "--pin-file") == (code, error["code"], error["flag"])
    assert before == desk.ledger()


def test_a_further_operator_is_vouched_for_at_the_terminal(desk: Shell):
    """
    First the PIN of who answers for it, then the new one, twice.
    """
    said = desk.at_terminal(
        *("operator", "add", "小吴", "--operator", "小李"),
        replies=[
            ("the operator's PIN: ", f"{LI}\n"),
            ("new PIN of the operator, six digits: ", "753190\n"),
            ("the same PIN again: ", "753190\n"),
        ],
    )

    assert 0 == said.code
    assert "added operator 小吴 · approved by 小李" in plain(said.out)
    code, error = desk.refuses("operator", "add", "小周")
    assert (2, "operator_needed") == (code, error["code"])


@pytest.mark.parametrize(
    "typed",
    [
        ("review", "list", "--unmasked"),
        ("review", "report", "--format", "json", "--unmasked"),
        ("review", "report"),
        ("review", "report", "--format", "xml"),
        ("review", "report", "--format", "jsonl"),
        ("review", "approve", "rc_04HMASWS", "--operator", "老王"),
        ("review", "approve", "rc_04HMASWS", "--reason", "x"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_asked(desk: Shell, typed: tuple[str, ...]):
    """
    As every wrong command line is: with exit code 2, and nothing was done.
    """
    before = desk.ledger()

    assert 2 == desk(*typed).code
    assert before == desk.ledger()


# --- what is shown -------------------------------------------------------------------------------


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", SIZES)
def test_no_line_is_wider_than_the_terminal(desk: Shell, columns: int, language: str):
    """
    With a reason as long as one can be, and whatever is in it; amounts and ids stay whole.
    """
    small, told, large = waiting(desk)
    reason = "[bold red]" + "很" * 80
    desk.does("review", "escalate", small, "--reason", reason, *by(desk))
    desk.does("review", "reject", large, "--reason", "one", *by(desk))
    assert "suspicious" == desk.answers("review", "show", told)["kind"]

    screens = desk.screens(
        ("review",),
        ("review", "list", "--all"),
        *(("review", "show", case) for case in (small, large, told)),
        ("review", "records"),
        ("operator", "log"),
        ("events", "--limit", "20"),
        columns=columns,
        HONGBAO_LANG=language,
    )

    for screen in screens:
        wide = [line for line in plain(screen).splitlines() if cell_len(line) > columns]
        assert [] == wide
    for case, amount in ((small, "30.00"), (large, "130.00"), (told, "130.00")):
        assert case in screens[0]
        assert amount in plain(screens[0])
    assert "[bold red]很" in plain(screens[2])


def test_nobodys_name_is_on_the_screen(desk: Shell):
    """
    Neither the profile's nor the person's, in no output of either kind; with a PIN, both are.
    """
    case = waiting(desk)[0]
    typed = [("review", "list"), ("review", "show", case), ("review", "report", "--format", "csv")]

    masked = [desk.does(*line).out for line in typed]
    masked += [json.dumps(desk.answers(*line), ensure_ascii=False) for line in typed[:2]]
    shown = [desk.does(*line, "--unmasked", *by(desk)).out for line in typed]

    for text in masked:
        assert not any(name in text for name in ("小明", "张三", "11010519491231002X"))
    for text in shown:
        assert all(name in text for name in ("小明", "张三", "11010519491231002X"))


def test_events_tell_that_a_reviewer_decided_and_no_more(desk: Shell):
    """
    The packet's people see who let it go; of what was reported, nobody sees whose it was.
    """
    held, told, _ = waiting(desk)
    desk.does("review", "approve", held, "--reason", "x", *by(desk))
    for name in ("老王", "小李"):
        desk.does("review", "reject", told, "--reason", "x", *by(desk, name))

    events = desk.answers("events", "--limit", "3")["events"]

    assert [
        ("老王", "approved", "小明"),
        ("老王", "opinion", None),
        ("小李", "rejected", None),
    ] == [(event["actor"], event["act"], event["profile"]) for event in events]
    assert events[0]["packet"] is not None
    assert (None, None) == (events[2]["packet"], events[2]["payment"])


def test_a_pipe_gets_tab_separated_lines(desk: Shell):
    """
    One for each case; more under a case that is shown.
    """
    rows = [line.split("\t") for line in desk.does("review").lines]

    assert {14} == {len(row) for row in rows}
    assert waiting(desk) == [row[0] for row in rows]
    shown = [line.split("\t") for line in desk.does("review", "show", rows[0][0]).lines]
    assert ["case", "act", "judged", "evidence"] == [row[0] for row in shown]


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "form"), [("cases.csv", "csv"), ("cases.json", "json")])
def test_a_report_is_a_file_of_its_owner(desk: Shell, tmp_path: Path, name: str, form: str):
    """
    The format is what its name ends in; it replaces another only where that was asked for.
    """
    path = tmp_path / name

    written = desk.answers("review", "report", "-o", str(path))

    assert (form, 3, True) == (written["format"], written["count"], written["masked"])
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert path.read_bytes() == desk.run(
        [*_command(), "review", "report", "--format", form]
    ).out.encode().replace(b"\n", b"\r\n" if form == "csv" else b"\n")
    code, error = desk.refuses("review", "report", "-o", str(path))
    assert (2, "file_exists") == (code, error["code"])
    assert 0 == desk("review", "report", "-o", str(path), "--yes").code


def _command() -> list[str]:
    from tests.cli.shell import COMMAND

    return COMMAND


def test_a_report_on_standard_output_is_one_document(desk: Shell):
    """
    With --json, json is meant; another format beside it is a contradiction.
    """
    document = desk.answers("review", "report")

    assert waiting(desk) == [case["case"] for case in document["cases"]]
    assert 2 == desk("review", "report", "--format", "csv", "--json").code


def test_records_of_a_whole_home_are_complete(desk: Shell):
    """
    As one document, and as lines that begin with the verdict.
    """
    kept = desk.answers("review", "records")

    assert (True, 5, 2, 1) == (
        kept["complete"],
        kept["keep_years"],
        kept["holds"],
        kept["suspicious"],
    )
    assert "complete" == desk.does("review", "records").lines[0]


def test_the_shell_completes_operators_and_cases(desk: Shell):
    """
    What waits, and who may decide it.
    """
    case = waiting(desk)[0]

    offered = desk(
        COMP_WORDS=f"hongbao review show {case[:4]}",
        COMP_CWORD="3",
        _HONGBAO_COMPLETE="complete_bash",
    )

    assert case in offered.out
