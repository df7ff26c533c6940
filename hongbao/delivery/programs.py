"""Programs: each event is the standard input of a separate process."""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from hongbao.delivery.sending import Letter, Outcome
from hongbao.errors import InvalidProgram

SECONDS_MAX = 30

_WITHHELD = frozenset(
    {
        "HONGBAO_PIN_FILE",
        "HONGBAO_TOTP_FILE",
        "HONGBAO_PASSPHRASE_FILE",
        "HONGBAO_LEDGER_PASSWORD_FILE",
    }
)
"""Variables that say where secrets are."""


def parse_program(text: str) -> list[str]:
    """
    Return the words of a command line; no shell looks at it. Raises InvalidProgram.

    >>> parse_program("notify-send 'a red packet'")
    ['notify-send', 'a red packet']
    """
    try:
        words = shlex.split(text)
    except ValueError:
        raise InvalidProgram(text) from None
    if not words or not words[0]:
        raise InvalidProgram(text)
    return words


class ProgramTarget:
    """
    A program that events are handed to, one process for each.

    It has taken the event if it ends with 0 within the time limit. What it prints goes to
    standard error, because standard output is the watcher's own.
    """

    def __init__(
        self, text: str, variables: Mapping[str, str], *, seconds: float = SECONDS_MAX
    ) -> None:
        self._text = text
        self._words = parse_program(text)
        self._variables = {
            name: value for name, value in variables.items() if name not in _WITHHELD
        }
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self._text

    def hand_over(self, letter: Letter) -> Outcome:
        try:
            process = subprocess.Popen(  # noqa: S603 - what this person has typed
                self._words,
                stdin=subprocess.PIPE,
                stdout=2,
                env=self._variables,
                start_new_session=True,
            )
        except (OSError, ValueError):
            return Outcome("not_started", is_answer=False)
        self._process = process
        try:
            process.communicate(letter.body + b"\n", timeout=self._seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
            return Outcome("timeout")
        finally:
            self._process = None
        code = process.returncode
        return Outcome(None, code) if code == 0 else Outcome("exit_code", code)

    def stop(self) -> None:
        if (process := self._process) is not None:
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End *process*, and what it has started."""
    if process.poll() is not None:
        return
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
