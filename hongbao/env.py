"""The environment: folders, clock, randomness, and prompts."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from hongbao.paths import absolute_path


class NoTerminal(EOFError):
    """No prompt is possible: there is no terminal."""


class Env(NamedTuple):
    """
    The world, as a value that is passed in.

    *home* holds ``data/`` and ``keys/``; *now* is the system's clock in UTC; *chance* returns that
    many random bytes; *ask* shows a question on the terminal and returns the line typed;
    *ask_secret* does the same without showing it. Both raise NoTerminal where none is, and a plain
    EOFError if the person ends the input (Ctrl-D) instead of answering.
    *hash_cost* is what one try at a new PIN or passphrase costs (Argon2id's passes, KiB and lanes);
    None is the safe's own choice, and the only one for people who are not a test.
    """

    home: Path
    now: Callable[[], datetime]
    chance: Callable[[int], bytes]
    ask: Callable[[str], str]
    ask_secret: Callable[[str], str]
    variables: Mapping[str, str]
    hash_cost: tuple[int, int, int] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def keys(self) -> Path:
        return self.home / "keys"


def system_env() -> Env:
    """Return the real world: this machine's clock, chance, terminal and environment."""
    return Env(
        home=_home(os.environ),
        now=lambda: datetime.now(UTC),
        chance=os.urandom,
        ask=_ask,
        ask_secret=_ask_secret,
        variables=os.environ,
    )


def forbid_core_dumps() -> None:
    """
    Forbid core dumps, so that a crash writes no memory to the disk.

    Secrets are in it, and Python cannot wipe them. A system that hands dumps to a program instead
    of writing them may ask that program alone.
    """
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit, and no dumps
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _home(variables: Mapping[str, str]) -> Path:
    if chosen := variables.get("HONGBAO_HOME"):
        return absolute_path(chosen)
    import platformdirs  # a quarter of a start-up that HONGBAO_HOME spares

    return absolute_path(platformdirs.user_data_dir("hongbao", appauthor=False))


def _ask(question: str) -> str:
    """Ask on the terminal itself: standard output stays data, standard input stays free."""
    try:
        with (
            open("/dev/tty", "w", encoding="utf-8") as screen,
            open("/dev/tty", encoding="utf-8") as keyboard,
        ):
            screen.write(question)
            screen.flush()
            line = keyboard.readline()
    except OSError:
        # No terminal device by that name: Windows, or none at all. What is asked may show a secret.
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise NoTerminal from None
        print(question, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


def _ask_secret(question: str) -> str:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # getpass would fall back to echoing the secret; having no terminal is a separate answer.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except getpass.GetPassWarning:
            raise NoTerminal from None
