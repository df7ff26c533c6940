"""``hongbao play`` for an audience: step by step at a terminal, and at reading speed."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hongbao.commands import live
from hongbao.ui.motion import EMPTY_SCREEN
from hongbao.ui.script import columns
from tests.cli.shell import Shell
from tests.cli.typist import CTRL_C, ENTER, ESC, Typist, typing

PAGE_UP, PAGE_DOWN, LEFT, RIGHT = "\x1b[5~", "\x1b[6~", "\x1b[D", "\x1b[C"

STORY = """\
# en: Two friends.
# zh: 两个朋友。
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0

## en: Money
## zh: 钱
note en: Look at them.
note zh: 看着他们。
card add 9999010000000003        => 0
topup 50                         => 0
!pause

## en: Packet
## zh: 红包
# en: One for everyone.
# zh: 人人有份。
send 10 --count 1                => 0
balance                          => 0
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("a.txt").write_text(STORY, "utf-8")
    shell = Shell(tmp_path / "home", "246813")
    monkeypatch.setattr(shell, "environment", _in(shell, str(tmp_path / "temporary")), raising=True)
    return shell


def _in(shell: Shell, temporary: str) -> Callable[..., dict[str, str]]:
    plain = shell.environment
    return lambda **variables: plain(**{"TMPDIR": temporary, **variables})


def waits(typist: Typist, place: str) -> str:
    """Wait for the line that says that the present step is *place*."""
    return typist.until(f"{place} ")


@pytest.mark.parametrize(
    ("language", "size"),
    [pytest.param("en", 80, marks=pytest.mark.slow), ("zh", 40)],
)
def test_a_presenter_goes_forward_and_back(shell: Shell, tmp_path: Path, language: str, size: int):
    """
    A command is typed and waits; back shows it again, and nothing runs a second time.
    """
    with typing(shell, "play", "--step", "a.txt", columns=size, HONGBAO_LANG=language) as typist:
        screen = waits(typist, "1/5")
        assert "hongbao init 张三" in screen.replace("\n", "")
        assert ("Two friends." if language == "en" else "两个朋友。") in screen
        assert columns(typist.cursor_line) < size
        typist.type(PAGE_DOWN)
        waits(typist, "2/5")
        typist.type(" ")
        waits(typist, "3/5")
        typist.type(ENTER)
        waits(typist, "4/5")
        assert "50.00" in typist.screen
        [home] = (tmp_path / "temporary").glob("*/story/home")
        later = (home / "keys" / "head").read_bytes()

        typist.type(PAGE_UP)
        screen = waits(typist, "3/5")
        assert "hongbao topup 50" in screen
        assert "50.00" not in screen
        assert later != (home / "keys" / "head").read_bytes()
        typist.type(RIGHT)
        assert "50.00" in waits(typist, "4/5")
        assert later == (home / "keys" / "head").read_bytes()

        typist.type(" ")
        waits(typist, "5/5")
        typist.type(" ")
        screen = typist.until("the end" if language == "en" else "到此结束")
        assert "40.00" in screen
        typist.type("q")
        assert 0 == typist.ends()
        assert re.search(r"[0-9a-f]{64}", typist.screen.replace("\n", ""))
        assert typist.given_state == typist.state
    assert [] == list((tmp_path / "temporary").iterdir())


def test_chapters_notes_and_keys_are_at_hand(shell: Shell, tmp_path: Path):
    """
    Notes are written to a file as well; a chapter is gone to through all that lies between.
    """
    with typing(shell, "play", "--notes", "notes", "a.txt") as typist:
        waits(typist, "1/5")
        typist.type("?")
        assert "choose a chapter" in typist.until("hongbao status")
        assert re.search(r"HONGBAO_HOME=\S+/story/home hongbao", typist.screen.replace("\n", ""))
        typist.type(RIGHT)
        waits(typist, "2/5")
        typist.type("n")
        typist.until("Look at them.")
        typist.type("c")
        typist.until("chapter:")
        typist.type("Pack" + ENTER)
        screen = waits(typist, "4/5")
        assert "topped up 50.00" in screen
        assert "One for everyone." in screen
        typist.type("r")
        typist.settle()
        assert "One for everyone." in typist.screen
        typist.type("c")
        typist.until("chapter:")
        typist.type("Mon" + ENTER)
        waits(typist, "2/5")
        typist.type(LEFT)
        waits(typist, "1/5")
        typist.type(LEFT)
        waits(typist, "1/5")
        typist.type(ESC)
        assert 0 == typist.ends()
        assert "books digest" not in typist.screen
    notes = Path("notes").read_text("utf-8")
    assert "2/5 · Money\n  $ hongbao card add 9999010000000003\n  Look at them.\n" in notes
    assert [] == list((tmp_path / "temporary").iterdir())


def test_another_terminal_shows_the_notes_of_the_present_step_alone(shell: Shell):
    """
    On an empty screen each time, as a presenter reads them.
    """
    screen, terminal = os.openpty()
    with typing(shell, "play", "--notes", os.ttyname(terminal), "a.txt") as typist:
        waits(typist, "1/5")
        typist.type(PAGE_DOWN)
        waits(typist, "2/5")
        typist.type(ESC)
        assert 0 == typist.ends()
    shown = os.read(screen, 10_000).decode().split(EMPTY_SCREEN)
    os.close(screen)
    os.close(terminal)

    assert ["", "1/5", "2/5 · Money"] == [each.partition("\r\n")[0] for each in shown]
    assert "Look at them." in shown[2]


def test_what_fails_is_shown_and_the_next_chapter_plays(shell: Shell, tmp_path: Path):
    """
    With the exit code of any play, once it is over; Ctrl-C is an interruption.
    """
    Path("b.txt").write_text("## A\nbalance => 0\nbalance => 0\n## B\nbalance => 10\n", "utf-8")
    with typing(shell, "play", "--step", "b.txt", TERM="dumb") as typist:
        waits(typist, "1/3 · A ·")
        typist.type(" ")
        waits(typist, "2/3 · B ·")
        assert "b.txt:2 · A · `hongbao balance`" in typist.screen
        typist.type(" ")
        typist.until("the end")
        typist.type(" ")
        assert 24 == typist.ends()
        assert "failed expectations: 1" in typist.screen
    with typing(shell, "play", "--step", "b.txt") as typist:
        waits(typist, "1/3")
        typist.type(CTRL_C)
        assert 130 == typist.ends()
        assert typist.given_state == typist.state
    assert [] == list((tmp_path / "temporary").iterdir())


@pytest.mark.slow
def test_a_pause_waits_for_a_key_and_typing_is_seen(shell: Shell):
    """
    At reading speed; anywhere but on a terminal there is neither.
    """
    Path("c.txt").write_text("balance => 10\n!pause\nbalance => 10\n", "utf-8")
    with typing(shell, "play", "--pace", "c.txt") as typist:
        typist.until("hint:")
        typist.type(" ")  # which ends the time for reading
        screen = typist.until("press a key to continue")
        assert 1 == screen.count("$ hongbao balance")
        typist.type("x")
        while screen.count("hint:") < 2:
            screen = typist.settle(0.05)
        typist.type(" ")
        assert 0 == typist.ends()
        assert 2 == typist.screen.count("$ hongbao balance")
        assert "press a key" not in typist.screen
    said = shell("play", "--pace", "c.txt")
    assert (0, "") == (said.code, said.err)
    assert said.out == shell("play", "c.txt").out


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (["--step", "a.txt"], "terminal_needed"),
        (["--notes", "n", "a.txt"], "terminal_needed"),
        (["--step", "--check", "a.txt"], "conflicting_options"),
        (["--step", "--pace", "a.txt"], "conflicting_options"),
        (["--step", "a.txt", "a.txt"], "conflicting_options"),
        (["--pace", "--tap", "a.txt"], "conflicting_options"),
        (["--step", "--home", "x", "a.txt"], "conflicting_options"),
        (["--pace", "--accept", "a.txt"], "conflicting_options"),
    ],
)
def test_what_needs_an_audience_is_refused_without_one(shell: Shell, typed: list[str], code: str):
    """
    And so is what makes no sense for one.
    """
    said = shell("play", *typed)
    assert 2 == said.code
    assert {"terminal_needed": "needs a terminal", "conflicting_options": "together"}[code] in (
        said.err
    )


def test_more_is_read_for_longer_up_to_a_limit():
    """
    Chinese takes twice as long by the character.
    """
    assert live.reading_seconds("红包") == live.reading_seconds("abcd")
    assert live.reading_seconds("a") < live.reading_seconds("a\nb" * 5)
    assert live.PAUSE_SECONDS_MAX == live.reading_seconds("x" * 10000)
