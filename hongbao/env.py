"""The environment: folders, clock, randomness, and prompts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hongbao.paths import absolute_path
from hongbao.rows import Row
from hongbao.terminal import NoTerminal, Terminal

__all__ = ["Env", "NoTerminal", "chance_from", "forbid_core_dumps", "system_env"]


class Env(Row):
    """
    The world, as a value that is passed in.

    *home* holds ``data/`` and ``keys/``; *now* is the system's clock in UTC; *chance* returns that
    many random bytes; *ask* shows a question on the terminal and returns the line typed;
    *ask_secret* does the same without showing it. Both raise NoTerminal where none is, and a plain
    EOFError if the person ends the input (Ctrl-D) instead of answering. *hush* turns the echo off
    before a secret is asked for, and *unhush* turns it on again (see `hongbao.terminal`).
    *take_turn* waits for this process's turn at the ledger, where others give it one.
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
    hush: Callable[[], None] = lambda: None
    unhush: Callable[[], None] = lambda: None
    take_turn: Callable[[], None] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def socket(self) -> Path:
        """Where a service for claims listens, if there is one."""
        return self.home / "serve.sock"


def system_env() -> Env:
    """Return the real world: this machine's clock, chance, terminal and environment."""
    terminal = Terminal()
    return Env(
        home=_home(os.environ),
        now=lambda: datetime.now(UTC),
        chance=os.urandom,
        ask=terminal.ask,
        ask_secret=terminal.ask_secret,
        variables=os.environ,
        hush=terminal.hush,
        unhush=terminal.unhush,
        take_turn=_turns(os.environ),
    )


def _turns(variables: Mapping[str, str]) -> Callable[[], None] | None:
    """Return how to wait for a turn at the gate that *variables* name, if they name one."""
    place = variables.get("HONGBAO_GATE")
    if not place:
        return None
    from hongbao.gate import Place  # only where several processes are played at once

    return Place(place).take_turn


def sandbox_folder(variables: Mapping[str, str]) -> Path:
    """Return where a sandbox is made: next to where a home is, and never in a chosen home."""
    usual = _home({name: text for name, text in variables.items() if name != "HONGBAO_HOME"})
    return usual.with_name(f"{usual.name}-sandbox")


def lessons_folder(variables: Mapping[str, str]) -> Path:
    """Return where lessons happen: next to where a home is, and never in a chosen home."""
    usual = _home({name: text for name, text in variables.items() if name != "HONGBAO_HOME"})
    return usual.with_name(f"{usual.name}-lessons")


def chance_from(seed: str) -> Callable[[], float]:
    """Return dice for a simulation, which throw from 0 to 1 what follows from *seed* alone."""
    from random import Random  # only a simulation throws so often

    return Random(seed).random  # noqa: S311 - nothing is kept secret by it


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
    if sys.platform == "linux" and not {"XDG_DATA_HOME", "ANDROID_DATA"} & variables.keys():
        return absolute_path("~/.local/share/hongbao")
    import platformdirs  # says the same of Linux, and wakes a dozen libraries for it

    return absolute_path(platformdirs.user_data_dir("hongbao", appauthor=False))
