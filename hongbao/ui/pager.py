"""The pager: a list that is longer than the terminal is read in the reader's own program."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hongbao.ui.script import columns

USUAL = "less"
NONE = ("", "cat")
"""What is named as a pager to have none."""

_LESS = {"LESS": "FRX", "LESSCHARSET": "utf-8"}
"""
How `less` runs for who has no settings of it, as with git: it ends where all of it fits on the
screen, shows colours, and leaves what was read on the screen.
"""

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def chosen(setting: str | None, variables: Mapping[str, str]) -> list[str]:
    """
    Return the pager's command: of the *setting*, else of ``PAGER``, else `less`; empty for none.

    >>> chosen(None, {"PAGER": "more -d"}), chosen("", {"PAGER": "more"}), chosen("cat", {})
    (['more', '-d'], [], [])
    """
    named = variables.get("PAGER") if setting is None else setting
    named = USUAL if named is None else named.strip()
    if named in NONE or variables.get("TERM") == "dumb":
        return []
    try:
        return shlex.split(named)
    except ValueError:  # a quotation mark without another
        return []


def paged(show: Callable[[], None], command: list[str], variables: Mapping[str, str]) -> None:
    """Do *show*, which prints, and let its output be read with *command* if it is long."""
    screen, sys.stdout = sys.stdout, _Held(sys.stdout)
    try:
        show()
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = screen
    width, height = shutil.get_terminal_size()
    if rows_of(text, width) <= height or not _read(text, command, variables):
        print(text, end="")


def rows_of(text: str, width: int) -> int:
    """Return how many rows *text* fills on a terminal that is *width* columns wide."""
    lines = _ESCAPE.sub("", text).splitlines()
    return sum(max(-(-columns(line) // max(width, 1)), 1) for line in lines)


def _read(text: str, command: list[str], variables: Mapping[str, str]) -> bool:
    """Return whether *command* was there and has shown *text*."""
    import subprocess

    environment = dict(variables)
    if "LESS" not in environment:
        environment |= _LESS
    sys.stdout.flush()
    was_stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal was_stopped
        was_stopped = True  # Ctrl-C is the pager's: it stops a search there

    before = signal.signal(signal.SIGINT, stop)
    try:
        pager = subprocess.Popen(  # noqa: S603 - it is what this person has chosen
            command, stdin=subprocess.PIPE, env=environment
        )
        pager.communicate(
            text.encode(sys.stdout.encoding, sys.stdout.errors or "strict")
        )  # who has read enough may go
        return pager.returncode == 0 or was_stopped
    except OSError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)


class _Held(io.StringIO):
    """Output that is held back from the terminal, and looks like one to what prints it."""

    def __init__(self, screen: Any) -> None:
        super().__init__()
        self._screen = screen

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._screen.encoding)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._screen.fileno())
