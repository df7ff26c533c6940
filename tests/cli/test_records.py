"""`trace` and `books` as they are typed: on a terminal, in a pipe, as JSON, in both languages."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from hongbao.domain.packet import STEPS
from tests.cli.shell import Shell, plain

TIMES_OUT = "444.01"


@pytest.fixture(scope="session")
def dealt(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The New Year's home, with a payment in doubt, one that is settled, and a large packet."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("dealt") / "home")
    people = [f"guest{number}" for number in range(12)]
    said = shell.plays(
        ("settle",),
        ("topup", TIMES_OUT, "--request-id", "in-doubt"),
        *(("init", name) for name in people),
        ("send", "36", "--count", "13"),
        *(("claim", "{1}", "-p", name) for name in people),
    )
    assert [1] == [place for place, each in enumerate(said) if each.code]
    shell.packets["large"] = re.findall("hb_[0-9A-Z]{8}", said[14].out)[0]
    return shell


def looks(shell: Shell) -> list[tuple[str, ...]]:
    return [
        *(("trace", shell.packets[name]) for name in ("refunded", "equal", "exclusive", "large")),
        ("trace", "in-doubt"),
        ("books",),
        ("books", "--diff"),
        ("books", "in-doubt"),
        ("books", shell.packets["exclusive"]),
    ]


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("columns", [40, 80])
def test_every_look_fits_the_terminal(dealt: Shell, columns: int, language: str):
    """
    In either language; a hint's command may stand out, so that it can be copied.
    """
    for screen in dealt.screens(*looks(dealt), columns=columns, HONGBAO_LANG=language):
        assert "Traceback" not in screen
        lines = [line for line in plain(screen).splitlines() if "`" not in line]
        assert [] == [line for line in lines if cell_len(line) > columns]
        assert language == "en" or "settle " not in screen or "清算结算" in screen


def test_a_packet_of_many_shares_has_a_line_for_each_claim(dealt: Shell):
    """
    The first six and the last three; all of them are in the document.
    """
    packet = dealt.packets["large"]

    (screen,) = dealt.screens(("trace", packet), columns=80)
    lines = plain(screen).splitlines()

    claims = [line for line in lines if re.fullmatch(r"   .*guest\d+  \d+/13 .* \d+\.\d\d", line)]
    assert ["1", *"23456", "10", "11", "12"] == [
        re.findall(r"(\d+)/13", line)[0] for line in claims
    ]
    assert "   … and 3 more; see each with --json" in lines
    assert "⑤ claim ⑥ allocate ⑦ settle" in lines
    steps = dealt.answers("trace", packet)["steps"]
    assert 12 == sum(step["says"] == "credited" for step in steps)


def test_a_new_day_is_said(dealt: Shell):
    """
    A refund comes a day later, and has the date above it.
    """
    (screen,) = dealt.screens(("trace", dealt.packets["refunded"]), columns=80)

    lines = plain(screen).splitlines()
    assert lines[0].endswith("· refunded · 2026-02-15")
    assert lines[lines.index("2026-02-16") + 1].startswith("⑧ refund")


def test_a_payment_in_doubt_says_what_to_do(dealt: Shell):
    """
    On standard error, where a pipe does not take it.
    """
    said = dealt.does("trace", "in-doubt")

    assert "hint: check its outcome with `hongbao settle`" in said.err
    assert ["create", "authorise", "freeze", "freeze", "freeze"] == [
        line.split("\t")[1] for line in said.lines[:-5]
    ]
    assert said.lines[-4:-2] == ["kind\ttopup", "state\tunknown"]


def test_a_pipe_gets_the_same_in_every_language(dealt: Shell):
    """
    A line for each step, and for each account; behind the steps, what the trace is about.
    """
    for look in looks(dealt):
        english, chinese = (dealt.does(*look, HONGBAO_LANG=code).out for code in ("en", "zh_CN"))
        assert english == chinese
        assert ({8, 2} if look[0] == "trace" else {6}) == {
            len(line.split("\t")) for line in english.splitlines()
        }


def test_programs_get_all_of_it(dealt: Shell):
    """
    Eight named steps with whole numbers; books whose sides are equal.
    """
    traced = dealt.answers("trace", dealt.packets["exclusive"])
    books = dealt.answers("books", "--diff")

    assert set(STEPS[:4]) <= {step["name"] for step in traced["steps"]}
    assert traced["banks_touched"]
    assert isinstance(traced["took_micros"], int)
    assert "claim" == books["act"]
    assert all(book["debits_fen"] == book["credits_fen"] for book in books["books"])


def test_books_take_the_entry_that_they_print(dealt: Shell):
    """
    With --diff and without; what was never written is refused.
    """
    last = dealt.answers("books", "--diff")

    again = dealt.answers("books", str(last["entry"]))
    topup = next(
        row["entry"] for row in dealt.answers("history")["movements"] if row["act"] == "topup"
    )

    assert last == again == dealt.answers("books", "--diff", str(last["entry"]))
    assert ("topup", topup) == tuple(
        dealt.answers("books", str(topup))[key] for key in ("act", "entry")
    )
    for unwritten in ("0", "999999", "9" * 5000):
        assert (10, "request_not_found") == (
            dealt.refuses("books", unwritten)[0],
            dealt.refuses("books", unwritten)[1]["code"],
        )


def test_what_is_not_there_is_refused_with_what_could_be(dealt: Shell, tmp_path: Path):
    """
    Exit code 10, and 2 for a wrong character.
    """
    code, error = dealt.refuses("trace", "nothing-of-mine")
    assert (10, "request_not_found") == (code, error["code"])
    assert "nothing-of-mine" in error["message"]
    assert (10, "request_not_found") == (
        dealt.refuses("books", "in-doubt", "--profile", "小红")[0],
        dealt.refuses("trace", "in-doubt", "--profile", "小红")[1]["code"],
    )
    wrong = dealt.packets["equal"][:-1] + ("0" if dealt.packets["equal"][-1] != "0" else "1")
    assert (2, "invalid_packet_id") == (
        dealt.refuses("trace", wrong)[0],
        dealt.refuses("books", wrong)[1]["code"],
    )


def test_a_subject_is_completed(dealt: Shell):
    """
    Payments in doubt first, then packets.
    """
    said = dealt(COMP_WORDS="hongbao trace ", COMP_CWORD="2", _HONGBAO_COMPLETE="complete_bash")

    offered = said.out.split()
    assert dealt.answers("trace", "in-doubt")["subject"] == offered[0]
    assert dealt.packets["large"] in offered


def test_a_document_is_one_line_in_a_pipe(dealt: Shell):
    """
    As every command answers.
    """
    said = dealt.does("books", "--json")

    assert 1 == len(said.lines)
    assert not json.loads(said.out)["diff"]


LISTS = (
    "card list",
    "operator",
    "operator list",
    "operator log",
    "history",
    "packets",
    "challenge list",
    "review list",
    "import --list",
    "totp",
)


def test_a_list_of_nothing_says_so(empty: Shell, tmp_path: Path):
    """
    Silence would leave open whether there is nothing or something went wrong.
    """
    bare = empty.copied_to(tmp_path / "home")
    bare.does("init", "小明")
    for command, screen in zip(
        LISTS, bare.screens(*(line.split() for line in LISTS), columns=80), strict=True
    ):
        said = [line for line in plain(screen).splitlines() if line and "hint: " not in line]
        assert (command, 1) == (command, len(said))
    assert 0 == bare.answers("review", "records")["judged"]


# --- a history's kinds and its time --------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "acts"),
    [
        ("topup", {"topup"}),
        ("topped up", {"topup"}),
        ("Top-up", {"topup"}),
        ("充值", {"topup"}),
        ("sent", {"send"}),
        ("returned", {"refund"}),
        ("refund", {"refund"}),
    ],
)
def test_a_kind_is_what_the_table_calls_it(new_year: Shell, typed: str, acts: set[str]):
    """
    In either language, whichever is spoken, or the word that programs have.
    """
    found = new_year.answers("history", "--kind", typed)["movements"]

    assert acts == {row["act"] for row in found}


def test_every_word_of_the_table_is_a_kind(new_year: Shell):
    """
    Both languages; and what is none is refused with what there is.
    """
    for language in ("en", "zh_CN"):
        said = new_year.screens(("history",), columns=100, HONGBAO_LANG=language)[0]
        words = {line[18:30].split("  ")[0].strip() for line in plain(said).splitlines()[1:]}
        for word in words - {""}:
            assert new_year.answers("history", "--kind", word)["movements"], word

    code, error = new_year.refuses("history", "--kind", "nonsense")
    assert (2, "usage") == (code, error["code"])
    assert "'topup'" in error["message"]


def test_a_history_goes_back_as_far_as_is_said(new_year: Shell):
    """
    In the same words as a statement's.
    """
    today = new_year.answers("history", "--last", "1d")["movements"]
    all_of_it = new_year.answers("history", "--last", "1mo")["movements"]

    assert {"2026-02-16"} == {row["at"][:10] for row in today}
    assert all_of_it == new_year.answers("history")["movements"]
    assert len(today) < len(all_of_it)
    for typed in (("--last", "1m"), ("--last", "1d", "--to", "2026")):
        assert 2 == new_year("history", *typed).code
