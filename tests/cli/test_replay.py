"""`hongbao books --replay`: keys at a terminal, lines in a pipe."""

import json
import signal
from pathlib import Path

import pytest

from tests import warm
from tests.cli.shell import Shell
from tests.cli.typist import CTRL_C, DOWN, ENTER, ESC, typing

RIGHT, LEFT, HOME, END = "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F"
PAGE_DOWN, PAGE_UP = "\x1b[6~", "\x1b[5~"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("walked") / "home", "246813")
    said = shell.plays(
        ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "2026"),
        ("init", "小红"),
        ("card", "add", "9999010000000003"),
        ("topup", "300"),
        ("send", "10", "--count", "2"),
        ("claim", "last", "-p", "小红"),
        ("settle",),
    )
    assert [] == [each.err for each in said if each.code]
    return shell


def test_keys_walk_forward_and_back(walked: Shell):
    """
    As a presenter's remote sends them, too; the screen is as it was in the end.
    """
    with typing(walked, "books", "--replay", rows=40) as person:
        first = person.until("1 of 6")
        assert "account opened · entry 3" in first
        for key, wanted in (
            (RIGHT, "2 of 6"),
            (PAGE_DOWN, "3 of 6"),
            (" ", "4 of 6"),
            ("n", "5 of 6"),
            (PAGE_UP, "4 of 6"),
            (LEFT, "3 of 6"),
            ("p", "2 of 6"),
            (END, "6 of 6"),
            (RIGHT, "6 of 6"),
            (HOME, "1 of 6"),
            ("b", "1 of 6"),
        ):
            person.type(key)
            assert wanted in person.until(wanted)
        person.type("9")
        person.until("go to entry: 9")
        person.type(ENTER)
        person.until("entry 9")
        person.type("q")
        assert 0 == person.ends()
        assert person.given_state == person.state


def test_a_walk_holds_nobody_up_and_leaves_the_screen_when_it_is_ended(walked: Shell):
    """
    Others pay meanwhile; a signal gives the terminal back.
    """
    with typing(walked, "books", "--replay", rows=40) as person:
        person.until("1 of 6")
        walked.does("balance")
        walked.does("limits", "-p", "小红")
        walked.does("send", "1", "-n")
        person.kill(signal.SIGTERM)
        assert -signal.SIGTERM == person.ends()
        assert person.raw.endswith(b"\x1b[?1049l\x1b[?25h")
        assert person.given_state == person.state


def test_a_walk_does_not_keep_the_tests_own_parent_from_other_commands(walked: Shell):
    """
    A fork that has played its turns is followed by another while somebody is at a terminal.

    The parent used to wait for the walk, which waits for a key: one run in eight hung for ever.
    """
    with typing(walked, "books", "--replay", rows=40) as person:
        person.until("1 of 6")
        for _ in range(warm.TURNS + 1):
            walked.does("--version")
        person.type(ESC)
        assert 0 == person.ends()


def test_each_entry_says_what_happened(walked: Shell):
    """
    In the words of a trace, above the Ts.
    """
    with typing(walked, "books", "--replay", "last", rows=40) as person:
        person.until(" of 6")
        person.type(HOME)
        person.until("1 of 6")
        for _ in range(3):
            person.type(RIGHT)
        screen = person.until("4 of 6")
        assert "小明 funded 10.00 for 2 to claim" in screen
        assert "packet hb_" in screen
        assert "+10.00" in screen
        person.type(CTRL_C)
        assert 0 == person.ends()


def test_a_small_screen_is_scrolled(walked: Shell):
    """
    Up and down; the next entry begins at its top again, and it still says how to leave.
    """
    with typing(walked, "books", "--replay", columns=40, rows=12) as person:
        assert "q leaves" in person.until("1/6")
        person.type(END)
        person.until("6/6")
        before = person.settle()
        person.type(DOWN)
        person.type(DOWN)
        assert before != person.settle()
        person.type(ESC)
        assert 0 == person.ends()


def test_a_pipe_gets_each_change_on_a_line(walked: Shell):
    """
    In order; with --json a document for each entry.
    """
    rows = [row.split("\t") for row in walked.does("books", "--replay").lines]
    entries = [json.loads(row) for row in walked.does("books", "--replay", "--json").lines]

    assert [*range(1, 7)] == [entry["place"] for entry in entries]
    assert {6} == {entry["count"] for entry in entries}
    assert list(dict.fromkeys(row[0] for row in rows)) == [str(e["entry"]) for e in entries]
    assert ["send", "小明", "platform", "balance", "小明", "credit", "300.00", "290.00"] in [
        row[2:] for row in rows
    ]
    started = walked.does("books", "--replay", str(entries[3]["entry"]), "--json").lines
    assert entries[3:] == [json.loads(row) for row in started]


def test_a_plain_terminal_gets_all_entries_one_below_the_other(walked: Shell):
    """
    For readers of screens, too.
    """
    with typing(walked, "books", "--replay", "--no-pager", rows=200, ACCESSIBLE="1") as person:
        assert 0 == person.ends()
        assert 6 == person.screen.count("before → after")


def test_what_does_not_go_together_is_refused(walked: Shell, tmp_path: Path):
    """
    A walk is no picture.
    """
    for options in (("--diff",), ("--svg", str(tmp_path / "a.svg"))):
        code, error = walked.refuses("books", "--replay", *options)
        assert (2, "conflicting_options") == (code, error["code"])
