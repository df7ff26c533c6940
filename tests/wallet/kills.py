"""Killing the desk: a child that is ended, without a word, at the n-th thing it does."""

import os
import shutil
import signal
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao.vault import KeyFolder
from tests.vault.processes import WRITES, run
from tests.wallet.world import World

EFFECTS = ("pwrite", "replace", "unlink", "mkdir", "utime")
"""What `os` does that another process sees, besides making a file with `open`."""

STATEMENTS = (
    *("COMMIT", "INSERT", "UPDATE", "DELETE", "CREATE", "VACUUM INTO"),
    *("PRAGMA journal_mode", "PRAGMA user_version =", "PRAGMA rekey", "PRAGMA wal_checkpoint"),
)
"""What SQL does that another connection sees, where no transaction is open."""

SWEEPS = pytest.mark.parametrize(
    "everywhere",
    [
        pytest.param(False, id="at-boundaries"),
        pytest.param(True, id="everywhere", marks=pytest.mark.slow),
    ],
)
"""
In each run acts are killed before each effect that others can see; what lies between two of them,
a question or a statement of an open transaction, leaves the same behind. `make test-all` does not
take our word for that, and kills everywhere.
"""


class Named(Protocol):
    """An act that is to be killed."""

    @property
    def name(self) -> str: ...


def daily_and_everywhere(kinds: Iterable[Named], daily: Collection[str]) -> list[Any]:
    """Return each of *kinds* with whether it is killed everywhere: the *daily* ones are not."""
    return [
        *(pytest.param(kind, False, id=kind.name) for kind in kinds if kind.name in daily),
        *(
            pytest.param(kind, True, id=f"{kind.name}-everywhere", marks=pytest.mark.slow)
            for kind in kinds
        ),
    ]


def steps(everywhere: bool, stride: int = 1) -> Iterator[int]:
    """
    Yield where to kill an act, for as long as it is asked.

    An act that does the same again and again, such as turning the clock by days, is killed at one
    boundary in *stride* unless it is killed *everywhere*; an odd stride meets each kind of them.
    """
    return count(1, 1 if everywhere else stride)


def killed_at(
    step: int, act: Callable[[], object], *, everywhere: bool, from_the_start: bool = False
) -> bool:
    """
    Run *act* in a child that is killed before the *step*-th thing that others can see, or, if it is
    to be killed *everywhere*, as it begins or has done the *step*-th thing that it does at all.

    Such things are SQL statements, noting the head and what the vault and the desk do to files.
    Opening the home is only counted *from_the_start*: otherwise *act* calls `count_from_here`.
    Returns False where the act was over before: then every step was tried.
    """

    def body() -> None:
        _Steps.left = step if from_the_start else None
        if everywhere:
            _watch_everything()
        else:
            _watch_effects()
        act()

    status = run(body)
    assert status in (0, -signal.SIGKILL), "the act raised"
    _Steps.left = None
    return status != 0


def count_from_here(step: int) -> None:
    _Steps.left = step


Act = Callable[[World, Callable[[], None]], object]
"""What is to be killed in a world; it calls what it is given where counting begins."""


def victims(
    world: World,
    folder: Path,
    act: Act,
    *,
    everywhere: bool,
    stride: int = 1,
    thinned: int = 1,
    from_the_start: bool = False,
) -> Iterator[tuple[World, bool]]:
    """
    Yield a copy of *world* for each place where *act* is killed in it, and that it was killed;
    then one in which the act was over before.

    *Everywhere*, each copy has a process of its own that is killed. At boundaries, what a kill
    would leave is the home as others see it there, which is copied in passing: one process does
    for all of them. An act of thousands of steps is *thinned*: killed at each n-th of them, which
    with an odd number meets each kind, or one sweep alone takes twenty minutes.
    """
    if not everywhere:
        yield from _pictured(world, folder, act, stride, from_the_start)
        return
    for step in count(1, thinned):
        victim = world.copy(folder / f"killed-{step}")
        begin = partial(count_from_here, step) if not from_the_start else _begun
        was_killed = killed_at(
            step, partial(act, victim, begin), everywhere=True, from_the_start=from_the_start
        )
        yield victim, was_killed
        victim.close()
        if not was_killed:
            return


def _pictured(
    world: World, folder: Path, act: Act, stride: int, from_the_start: bool
) -> Iterator[tuple[World, bool]]:
    over = world.copy(folder / "over")
    taken = count(1)

    def picture() -> None:
        _Steps.left = None  # copying is no step of the act
        shutil.copytree(over.folder, folder / f"killed-{next(taken)}")
        _Steps.left = stride

    def body() -> None:
        _Steps.reached = picture
        _Steps.left = 1 if from_the_start else None
        _watch_effects()
        act(over, _begun if from_the_start else partial(count_from_here, 1))

    assert 0 == run(body), "the act raised"
    for number in count(1):
        if not (folder / f"killed-{number}").exists():
            break
        victim = World(folder / f"killed-{number}", world.at)
        victim.chances = world.chances
        yield victim, True
        victim.close()
    yield over, False
    over.close()


def _begun() -> None:
    """Count on: it was begun from the start."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Steps:
    left: int | None = None
    reached: Callable[[], None] = _kill


def _step() -> None:
    if _Steps.left is None:
        return
    _Steps.left -= 1
    if _Steps.left == 0:
        _Steps.reached()


def _watch_everything() -> None:
    """Count what this process does from now on; it is a child, and nothing is put back."""
    _trace(lambda: lambda _: _step())
    _around(KeyFolder, "note_head")
    for name in WRITES:
        _around(os, name)


def _watch_effects() -> None:
    """Count what others can see of this process from now on."""
    _trace(_effects_of_sql)
    opened = os.open

    def watched(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            _step()
        return opened(path, flags, *arguments, **named)

    vars(os)["open"] = watched
    for name in EFFECTS:
        _before(os, name)


def _effects_of_sql() -> Callable[[str], None]:
    inside = False

    def told(statement: str) -> None:
        nonlocal inside
        if statement.startswith(("COMMIT", "ROLLBACK")):
            inside = False
        if not inside and statement.startswith(STATEMENTS):
            _step()
        if statement.startswith("BEGIN"):
            inside = True

    return told


def _trace(watcher: Callable[[], Callable[[str], None]]) -> None:
    """Let every connection that is made tell a watcher of its own what it executes."""
    connect = engine.connect

    def watched(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(watcher())
        return connection

    engine.connect = watched


def _before(place: Any, name: str) -> None:
    real = getattr(place, name)

    def call(*arguments: Any, **named: Any) -> Any:
        _step()
        return real(*arguments, **named)

    setattr(place, name, call)


def _around(place: Any, name: str) -> None:
    real = getattr(place, name)

    def call(*arguments: Any, **named: Any) -> Any:
        _step()
        answer = real(*arguments, **named)
        _step()
        return answer

    setattr(place, name, call)
