"""
The terminal that prompts are on: its echo, what was typed ahead, and the state it is left in.

Only a command that prompts needs `signal` and `termios`, and Windows has no `termios`: the
functions import them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

DEVICE = "/dev/tty"
"""The terminal that controls this process, even if its streams are pipes."""


class NoTerminal(EOFError):
    """No prompt is possible: there is no terminal."""


def has_raw_mode() -> bool:
    """Return whether single keys can be read from standard input, and drawn on standard error."""
    try:
        import termios
    except ImportError:
        return False
    try:
        termios.tcgetattr(0)
    except termios.error:
        return False
    return os.isatty(2)


def forget_typed_ahead(descriptor: int = 0) -> None:
    """Drop what was typed before anyone could see the question that it would answer."""
    with suppress(ImportError):
        import termios

        with suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIFLUSH)


@contextmanager
def kept(
    descriptor: int, resumed: Callable[[], None], left: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """
    Leave the terminal as it is now, however this ends: normally, by SIGTERM or by SIGHUP.

    While the process is stopped (SIGTSTP) the terminal is as it was, too; when it continues, the
    present state comes back, and *resumed* draws again what the shell has written over. *left* is
    called before a signal ends the process, for modes of the terminal that are not in its state.
    """
    import signal
    import termios

    before = termios.tcgetattr(descriptor)
    handlers: dict[signal.Signals, Any] = {}

    def end(number: int, _frame: object) -> None:
        left()
        _set(descriptor, before)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def stop(number: int, _frame: object) -> None:
        present = termios.tcgetattr(descriptor)
        _set(descriptor, before)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, stop)  # from here on, it continues
        if _is_ours(descriptor):
            _set(descriptor, present)
            resumed()

    for number, handler in ((signal.SIGTERM, end), (signal.SIGHUP, end), (signal.SIGTSTP, stop)):
        if signal.getsignal(number) is signal.SIG_DFL:
            handlers[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        _set(descriptor, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _set(descriptor: int, state: Any) -> None:
    """Set the terminal's *state*, without dropping a key; one that is gone has none."""
    import termios

    with suppress(termios.error):
        termios.tcsetattr(descriptor, termios.TCSADRAIN, state)


def _is_ours(descriptor: int) -> bool:
    """Return whether we are in front: in the background, to touch the terminal would stop us."""
    with suppress(OSError):
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False


_SEQUENCES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1b[5~": "pageup",
    "\x1b[6~": "pagedown",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    " ": "space",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "interrupt",
    "\x04": "end",
    "": "end",
}
"""How terminals write the keys that have a name here."""

_REST_SECONDS = 0.05
"""How long the rest of a key's sequence may take; later, it was Esc alone."""


@contextmanager
def single_keys(resumed: Callable[[], None]) -> Iterator[Callable[[float | None], str | None]]:
    """
    Read single keys from standard input, unseen, until this ends (see `kept`, and `has_raw_mode`).

    Yield a function that waits so many seconds, or for ever, for a key, and returns its name or its
    character; None if none came. Ctrl-C is a key as well.
    """
    import select
    import termios

    def ready(seconds: float | None) -> bool:
        return bool(select.select([0], [], [], seconds)[0])

    def read(seconds: float | None) -> str | None:
        if not ready(seconds):
            return None
        typed = os.read(0, 1)
        if typed == b"\x1b":
            while len(typed) < 8 and ready(_REST_SECONDS):
                typed += os.read(0, 1)
                if (len(typed) > 2 and typed[-1:].isalpha()) or typed.endswith(b"~"):
                    break
        else:
            while typed and (typed[0] & 0xC0 == 0xC0) and len(typed) < _utf8_length(typed[0]):
                typed += os.read(0, 1)
        text = typed.decode("utf-8", "replace")
        return _SEQUENCES.get(text, text)

    with kept(0, resumed):
        state = termios.tcgetattr(0)
        state[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        _set(0, state)
        yield read


def _utf8_length(first: int) -> int:
    """Return how many bytes the character has that begins with the byte *first*."""
    return 2 if first < 0xE0 else 3 if first < 0xF0 else 4


class Terminal:
    """
    Asks on the terminal itself: standard output stays data, and standard input stays free.

    A question that is left (Ctrl-C, Ctrl-D) leaves the cursor on a new line. A line that was
    begun and not ended is no answer.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._question = ""
        self._has_asked_secret = False
        self._closing: ExitStack | None = None

    def hush(self) -> None:
        """
        Turn echo off until `unhush`: a secret will be asked for, and may be typed ahead.

        Without a terminal, or in the background, nothing happens.
        """
        if self._closing is None:
            with ExitStack() as closing:
                if self._take(closing):
                    self._echo(on=False)
                    self._closing = closing.pop_all()

    def _take(self, closing: ExitStack) -> bool:
        """Take the terminal until *closing* is closed; return whether there is one to take."""
        try:
            descriptor = os.open(DEVICE, os.O_RDWR)
        except OSError:
            return False
        closing.callback(os.close, descriptor)
        if not _is_ours(descriptor):
            return False
        closing.enter_context(kept(descriptor, self._ask_again))
        self._descriptor = descriptor
        closing.callback(setattr, self, "_descriptor", None)
        return True

    def unhush(self) -> None:
        """
        Turn echo on again.

        What was typed behind a secret goes nowhere: it may be the same secret again. Where
        none was asked for, it is the next command, and stays.
        """
        if self._closing is None:
            return
        if self._has_asked_secret and self._descriptor is not None:
            forget_typed_ahead(self._descriptor)
        self._has_asked_secret = False
        self._closing.close()
        self._closing = None

    def ask(self, question: str) -> str:
        """Return the line that is typed after *question*. Raises NoTerminal and EOFError."""
        with ExitStack() as closing:
            if self._descriptor is None and not self._take(closing):
                return _line_of_streams(question)
            assert self._descriptor is not None
            self._echo(on=True)
            if self._closing is not None:
                closing.callback(self._echo, on=False)
            return self._line(self._descriptor, question)

    def ask_secret(self, question: str) -> str:
        """
        Return the line that is typed, unseen, after *question* (see `ask`).

        What was typed before it could be read is dropped, and so is what follows the line: neither
        may reach the shell. Echo stays off until `unhush`, for there may be another secret.
        """
        self.hush()
        if self._descriptor is None:
            return _secret_of_console(question)
        self._has_asked_secret = True
        forget_typed_ahead(self._descriptor)
        try:
            line = self._line(self._descriptor, question)
            _write(self._descriptor, "\n")  # the Enter was not echoed
            return line
        finally:
            forget_typed_ahead(self._descriptor)

    def _line(self, descriptor: int, question: str) -> str:
        try:
            self._question = question
            _write(descriptor, question)
            _wait_for_line(descriptor)
            with os.fdopen(os.dup(descriptor), encoding="utf-8") as keyboard:
                line = keyboard.readline()
            if not line.endswith("\n"):
                raise EOFError
        except (EOFError, KeyboardInterrupt):
            _wait_for_interrupt(descriptor)
            _write(descriptor, "\n")
            raise
        finally:
            self._question = ""
        return line.rstrip("\r\n")

    def _ask_again(self) -> None:
        if self._descriptor is not None and self._question:
            _write(self._descriptor, self._question)

    def _echo(self, *, on: bool) -> None:
        import termios

        assert self._descriptor is not None
        state = termios.tcgetattr(self._descriptor)
        state[3] = state[3] | termios.ECHO if on else state[3] & ~termios.ECHO
        _set(self._descriptor, state)


def _wait_for_line(descriptor: int) -> None:
    """
    Wait until a line can be read, or until a signal's handler raises.

    A signal that comes right before a read would be noticed after it, which is after a key that
    may never be typed. A descriptor that each signal writes to ends the wait in either case.
    """
    import select
    import signal

    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    before = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        ready: list[int] = []
        while descriptor not in ready:
            ready = select.select([descriptor, woken], [], [])[0]
            if woken in ready:
                os.read(woken, 512)  # its handler has run by the next line
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(waker)


def _wait_for_interrupt(descriptor: int) -> None:
    """
    Wait until the terminal has done all that Ctrl-C makes it do.

    Linux sends the signal first, and then drops what was written and is not on the screen yet;
    the process that asks for the terminal's state waits for that.
    """
    import termios

    with suppress(termios.error):
        termios.tcgetattr(descriptor)


def _write(descriptor: int, text: str) -> None:
    left = text.encode()
    while left:
        left = left[os.write(descriptor, left) :]


def _line_of_streams(question: str) -> str:
    # No terminal device by that name: Windows, or none at all. What is asked may show a secret.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NoTerminal
    sys.stderr.write(question)
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
        if not line.endswith("\n"):
            raise EOFError
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")
        raise
    return line.rstrip("\r\n")


def _secret_of_console(question: str) -> str:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # getpass would fall back to echoing the secret; having no terminal is a separate answer.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except getpass.GetPassWarning:
            raise NoTerminal from None
