"""Opening a packet at a real terminal: keys, signals, and whom nothing is shown to move."""

import os
import pty
import re
import select
import signal
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.shell import COMMAND, LINES, Said, Shell, plain

FRAME_SHOWN = "\x1b[?2026l"
CURSOR_ON = "\x1b[?25h"
TOLD = "from 小明 · share 3 of 3 · balance"


def claimed(shell: Shell, **variables: str) -> Said:
    variables = {"HONGBAO_MOTION": "", **variables}
    return shell.at_terminal("claim", shell.packets["lucky"], **variables)  # type: ignore[arg-type]


def frames(said: str) -> int:
    return said.count(FRAME_SHOWN)


def after_the_motion(said: Said) -> str:
    """Return what is left on the screen: that which was drawn has been erased."""
    return plain(said.out.rpartition(CURSOR_ON)[2])


def test_an_opening_moves_and_then_says_what_it_says_without(shell: Shell) -> None:
    still = claimed(shell.copied_to(shell.home.with_name("still")), HONGBAO_MOTION="off")
    moved = claimed(shell)
    assert (0, 0) == (still.code, moved.code)
    assert not frames(still.out)
    assert frames(moved.out) > 5
    assert plain(still.out) == after_the_motion(moved)
    assert TOLD in plain(still.out)
    assert re.search(r"\n★ luckiest: \w+ · \d+\.\d\d\n", plain(still.out))
    _is_well_drawn(moved.out)


def _is_well_drawn(said: str) -> None:
    """Look at what was written: each frame whole, and nothing that a terminal would answer."""
    drawn = re.findall(r"\x1b\[\?2026h(.*?)\x1b\[\?2026l", said, re.DOTALL)
    assert frames(said) == len(drawn) == said.count("\x1b[?2026h")
    assert all("\x1b[9A\r" in frame for frame in drawn[1:])
    assert said.rindex(CURSOR_ON) > said.rindex("\x1b[?25l")
    assert not re.search(r"\x1b\[\d*[cn]", said)


@pytest.mark.parametrize(
    "variables",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}, {"ACCESSIBLE": "1"}],
    ids=lambda variables: next(iter(variables)),
)
def test_nothing_moves_where_it_is_not_wanted(shell: Shell, variables: dict[str, str]) -> None:
    said = claimed(shell, **variables)
    assert 0 == said.code
    assert "\x1b[?" not in said.out


def test_a_key_ends_it_and_reaches_the_shell_whole(shell: Shell) -> None:
    said = shell.at_terminal(
        *("--norc", "-i"),
        argv=["/bin/bash"],
        replies=[
            ("$ ", f"{COMMAND[0]} claim {shell.packets['lucky']}\n"),
            (FRAME_SHOWN, "echo $((6 * 7))-whole\nexit\n"),
        ],
        HONGBAO_MOTION="",
        PS1="$ ",
    )
    assert 0 == said.code
    assert TOLD in plain(said.out)
    assert "42-whole" in plain(said.out)
    assert "not found" not in said.out
    assert frames(said.out) < 15


def test_ctrl_c_ends_it_and_the_share_is_told(shell: Shell) -> None:
    said = shell.at_terminal(
        *("claim", shell.packets["lucky"]), replies=[(FRAME_SHOWN, "\x03")], HONGBAO_MOTION=""
    )
    assert 0 == said.code
    assert TOLD in after_the_motion(said)
    assert frames(said.out) < 15


def test_what_was_typed_before_it_keeps_it_from_beginning(shell: Shell) -> None:
    with at_terminal(shell) as (terminal, _process):
        os.write(terminal, b"next\n")
        said = read_until(terminal, "balance")
    assert not frames(said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_leaves_the_terminal_as_it_was(shell: Shell, number: signal.Signals) -> None:
    with at_terminal(shell) as (terminal, process):
        before = termios.tcgetattr(terminal)
        said = read_until(terminal, FRAME_SHOWN)
        assert before != termios.tcgetattr(terminal)  # no echo, and every key at once
        os.kill(process, number)
        said += read_until(terminal, CURSOR_ON)
        _, status = os.waitpid(process, 0)
        assert -number == os.waitstatus_to_exitcode(status)
        assert before == termios.tcgetattr(terminal)


def test_a_stop_leaves_it_as_it_was_too_and_the_rest_is_told_later(shell: Shell) -> None:
    with at_terminal(shell) as (terminal, process):
        before = termios.tcgetattr(terminal)
        read_until(terminal, FRAME_SHOWN)
        os.kill(process, signal.SIGTSTP)
        read_until(terminal, CURSOR_ON)
        assert before == termios.tcgetattr(terminal)
        os.kill(process, signal.SIGCONT)
        assert TOLD in plain(read_until(terminal, "balance"))


@contextmanager
def at_terminal(shell: Shell) -> Iterator[tuple[int, int]]:
    """Have the claim run at a terminal of its own, which stays open after it."""
    process, terminal = pty.fork()
    if process == 0:
        environment = shell.environment(TERM="xterm-256color", HONGBAO_MOTION="")
        os.execve(COMMAND[0], [*COMMAND, "claim", shell.packets["lucky"]], environment)
    termios.tcsetwinsize(terminal, (LINES, 80))
    try:
        yield terminal, process
    finally:
        os.close(terminal)


def read_until(terminal: int, wanted: str) -> str:
    said, ends_at = "", time.monotonic() + 20
    while wanted not in said and time.monotonic() < ends_at:
        if select.select([terminal], [], [], 0.5)[0]:
            said += os.read(terminal, 1 << 16).decode(errors="replace")
    assert wanted in said
    return said
