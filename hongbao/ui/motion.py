"""
Motion: the one place that draws one frame over another.

The act that is shown has happened before, and its answer is printed afterwards as plain text:
motion decides nothing, and nothing is lost without it. A key ends it, and is left unread for the
shell.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from hongbao.settings import Settings
from hongbao.ui.opening import HEIGHT, WIDTH_MIN, Lines
from hongbao.ui.picture import COLOURS, Run, Style
from hongbao.ui.screen import can_show, is_terminal

FRAME_SECONDS = 1 / 30

_ROWS_MIN = HEIGHT + 1
_DRAWN_WITH = "▀▄▗▖▝▘★✦✧·福封"

Frames = Callable[[float, int], Lines]
"""The lines that are shown some seconds after the beginning, on a terminal so many columns wide."""

# --- whether -------------------------------------------------------------------------------------


def is_wanted(settings: Settings, variables: Mapping[str, str]) -> bool:
    """Return whether frames are shown to who has these *settings* and *variables*: in colour."""
    return may_move(settings, variables) and not variables.get("NO_COLOR")


def may_move(settings: Settings, variables: Mapping[str, str]) -> bool:
    """Return whether anything may move for who has these *settings* and *variables*."""
    return (
        settings.motion != "off"
        and settings.prompts != "plain"
        and variables.get("TERM", "") not in ("", "dumb")
        and not any(variables.get(name) for name in ("CI", "ACCESSIBLE", "REDUCED_MOTION"))
    )


def is_possible() -> bool:
    """Return whether there is a terminal to draw on, large enough, and one to be skipped from."""
    if not (is_terminal() and can_show(_DRAWN_WITH) and sys.stdin and sys.stdin.isatty()):
        return False
    try:
        import termios  # noqa: F401 - where it is missing, keys cannot be looked at and left

        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        in_front = os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (ImportError, OSError):
        return False
    return in_front and columns >= WIDTH_MIN and rows >= _ROWS_MIN


# --- how -----------------------------------------------------------------------------------------


def play(frames: Frames, seconds: float) -> None:
    """Show *frames* for *seconds*, or until a key is typed, and leave the screen as it was."""
    _Player(frames, seconds).play()


_ALL_AT_ONCE, _SHOWN = "\x1b[?2026h", "\x1b[?2026l"
"""Between the two a terminal that knows them draws nothing; others pass them over."""

_CURSOR_OFF, _CURSOR_ON = "\x1b[?25l", "\x1b[?25h"
_LINE_END = "\x1b[K\n"
_BELOW = "\x1b[J"
EMPTY_SCREEN = "\x1b[2J\x1b[H"
"""Clears a terminal, for one who shows one thing after another."""


class _Player:
    """Frames as they are played: how many lines of them are on the screen, and whether to end."""

    def __init__(self, frames: Frames, seconds: float) -> None:
        self._frames = frames
        self._seconds = seconds
        self._height = 0
        self._is_over = False
        self._before: list[Any] | None = None

    def play(self) -> None:
        sys.stdout.flush()
        size = os.get_terminal_size(sys.stdout.fileno())
        with self._signals():
            try:
                self._take_terminal()
                began = time.monotonic()
                self._look_for_key(0)
                while not self._is_over and (gone := time.monotonic() - began) < self._seconds:
                    if os.get_terminal_size(sys.stdout.fileno()) != size:
                        break  # the terminal has wrapped the lines: they are no longer where we are
                    self._draw(self._frames(gone, size.columns))
                    self._look_for_key(FRAME_SECONDS)
            finally:
                self._give_terminal_back()

    def _look_for_key(self, seconds: float) -> None:
        """Wait for a key, which stays where it is, until the next frame is due."""
        if select.select([sys.stdin], [], [], seconds)[0]:
            self._is_over = True

    def _draw(self, lines: Lines) -> None:
        _write(drawn(lines, over=self._height))
        self._height = len(lines)

    def _take_terminal(self) -> None:
        """Have keys neither echoed nor kept until Enter, so that `select` sees them at once."""
        import termios

        terminal = sys.stdin.fileno()
        self._before = termios.tcgetattr(terminal)
        quiet = termios.tcgetattr(terminal)
        quiet[3] &= ~(termios.ICANON | termios.ECHO)
        # TCSADRAIN, because TCSAFLUSH would discard what has been typed.
        termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
        _write(_CURSOR_OFF)

    def _give_terminal_back(self) -> None:
        """Leave screen and keyboard as they were; it may be called again."""
        if self._before is None:
            return
        import termios

        before, self._before = self._before, None
        with suppress(termios.error):  # a terminal that has hung up keeps no settings
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
        _write(f"{_up(self._height)}{_BELOW}{_CURSOR_ON}")
        self._height = 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let Ctrl-C end the motion and nothing else, and no signal leave the terminal changed."""
        wanted = {
            signal.SIGINT: self._end,
            **dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP), self._leave),
        }
        before = {number: signal.getsignal(number) for number in wanted}
        heard = [number for number in wanted if before[number] not in (signal.SIG_IGN, None)]
        for number in heard:
            signal.signal(number, wanted[number])
        try:
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])

    def _end(self, _number: int, _frame: object) -> None:
        self._is_over = True

    def _leave(self, number: int, _frame: object) -> None:
        """Give the terminal back, and let the signal *number* do what it does by default."""
        self._is_over = True
        self._give_terminal_back()
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)  # it has been stopped and continued


class Board:
    """
    A few lines on standard error, drawn over one another while something happens.

    They are gone at the end. Nothing is drawn where there is no terminal.
    """

    def __init__(self, *, is_wanted: bool) -> None:
        self._height = 0
        self._drawn_at = 0.0
        self._is_wanted = is_wanted

    def __enter__(self) -> Self:
        if self._is_wanted:
            self._put(_CURSOR_OFF)
        return self

    def show(self, lines: Callable[[int], Lines]) -> None:
        """Draw *lines*, for a terminal that many columns wide, unless it is too soon for that."""
        now = time.monotonic()
        if not self._is_wanted or now - self._drawn_at < FRAME_SECONDS:
            return
        self._drawn_at = now
        shown = lines(os.get_terminal_size(sys.stderr.fileno()).columns)
        self._put(drawn(shown, over=self._height))
        self._height = len(shown)

    def __exit__(self, *_raised: object) -> None:
        if self._is_wanted:
            self._put(f"{_up(self._height)}{_BELOW}{_CURSOR_ON}")

    def _put(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _write(text: str) -> None:
    """
    Write *text* to the terminal at once, past the buffer, which a signal may have interrupted.

    A terminal that takes nothing is reported where the answer is printed.
    """
    data = text.encode(sys.stdout.encoding or "utf-8", "replace")
    with suppress(OSError):
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]


def drawn(lines: Lines, *, over: int) -> str:
    """Return what draws *lines*, *over* that many that were drawn before."""
    text = "".join(f"{ansi(line)}{_LINE_END}" for line in lines)
    return f"{_ALL_AT_ONCE}{_up(over)}{text}{_SHOWN}"


def _up(lines: int) -> str:
    return f"\x1b[{lines}A\r" if lines else ""


def ansi(line: Sequence[Run]) -> str:
    """Return *line* with escapes for its styles, without plain blanks at its end."""
    escaped, plain = "", Style()
    for run in line:
        style = run.style
        codes = [
            *(code for code, is_on in enumerate(style[2:], 1) if is_on),
            *([30 + COLOURS.index(style.colour)] if style.colour else ()),
            *([40 + COLOURS.index(style.background)] if style.background else ()),
        ]
        text = run.text
        escaped += text if style == plain else f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m"
    return escaped.rstrip(" ")
