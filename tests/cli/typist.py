"""A person at a virtual terminal: keys go in one by one, and a screen is looked at (pyte)."""

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pyte

from tests import warm
from tests.cli.shell import COMMAND, SECONDS_MAX, Shell

UP, DOWN, ESC, ENTER, BACKSPACE = "\x1b[A", "\x1b[B", "\x1b", "\r", "\x7f"
CTRL_C, CTRL_D = "\x03", "\x04"


def pasted(text: str) -> str:
    """Return the keys by which a terminal says that *text* was pasted."""
    return f"\x1b[200~{text}\x1b[201~"


class Typist:
    """A running command, its terminal and what stands on it."""

    def __init__(
        self,
        command: warm.Warm,
        ours: int,
        theirs: int,
        size: tuple[int, int],
        given_state: list[object],
    ) -> None:
        self.command = command
        self._ours = ours
        self._theirs = theirs
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.bells = 0
        self.raw = b""
        self.given_state = given_state

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, text: str) -> str:
        """Wait until *text* stands on the screen, and return the screen."""
        self._wait(lambda: text in self.screen, f"no {text!r} on")
        return self.screen

    def until_cursor(self, text: str) -> None:
        """
        Wait until the cursor stands in a line that begins with *text*.

        What is drawn may come in two parts, so the text can be there before the cursor is.
        """
        self._wait(lambda: self.cursor_line.startswith(text), f"no cursor at {text!r} on")

    def _wait(self, is_seen: Callable[[], bool], missing: str) -> None:
        ends_at = time.monotonic() + SECONDS_MAX
        while not is_seen():
            has_ended = self.command.has_ended()
            comes_more = self._read(0.05) or not has_ended
            is_late = time.monotonic() > ends_at
            assert comes_more > is_late, f"{missing}:\n{self.screen}"

    def settle(self, seconds: float = 0.25) -> str:
        """Return the screen after nothing more has come for a while."""
        while self._read(seconds):
            pass
        return self.screen

    @property
    def screen(self) -> str:
        # A wide character fills two cells, of which the second is empty.
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def cursor_line(self) -> str:
        return self._screen.display[self._screen.cursor.y].rstrip()

    @property
    def marks_pastes(self) -> bool:
        return 2004 << 5 in self._screen.mode  # as pyte keeps a private mode

    def ends(self) -> int:
        """Return the exit code, when all that was written is on the screen."""
        ends_at = time.monotonic() + SECONDS_MAX
        while not self.command.has_ended():
            assert time.monotonic() < ends_at, f"still running:\n{self.screen}"
            self._read(0.02)
        code = self.command.wait(SECONDS_MAX)
        while self._read(0):
            pass
        return code

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.command.pid, number)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    @property
    def state(self) -> list[object]:
        return list(termios.tcgetattr(self._theirs))

    def left_for_the_shell(self) -> str:
        """Return what was typed and not read: the shell would run it."""
        if not select.select([self._theirs], [], [], 0)[0]:
            return ""
        return os.read(self._theirs, 65536).decode()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        chunk = os.read(self._ours, 65536)
        self.raw += chunk
        self.bells += chunk.count(b"\a")
        self._stream.feed(chunk)
        return True


@contextmanager
def typing(
    shell: Shell,
    *typed: str,
    ahead: str = "",
    columns: int = 80,
    rows: int = 24,
    output: int | None = None,
    **variables: str,
) -> Iterator[Typist]:
    """
    Start the command *typed* at a terminal of that size; *ahead* is typed before it begins.

    *output* is where standard output goes instead, as in a pipe.
    """
    environment = shell.environment(
        **{"TERM": "xterm-256color", "HONGBAO_PIN_FILE": "", **variables}
    )
    with ExitStack() as closing:
        ours, theirs = pty.openpty()
        closing.callback(os.close, ours)
        closing.callback(os.close, theirs)
        termios.tcsetwinsize(theirs, (rows, columns))
        given_state = list(termios.tcgetattr(theirs))  # before the command can change it
        if ahead:
            os.write(ours, ahead.encode())
        command = closing.enter_context(
            warm.started(
                COMMAND[0],
                typed,
                variables=environment,
                streams=[theirs, theirs if output is None else output, theirs],
                is_terminal=True,
            )
        )
        yield Typist(command, ours, theirs, (columns, rows), given_state)
