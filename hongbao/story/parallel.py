"""
Several processes at once, behind one gate: nobody goes on before all have come.

In a race the gate then stands open, and chance decides who is first. Otherwise exactly one of them
has its turn at the ledger at any time; all others wait for theirs or have ended, so what comes of
it depends on the order of turns alone.
"""

import os
import selectors
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from typing import Any, NamedTuple, Self

from hongbao.errors import NoGates
from hongbao.gate import CAN_BE, Gate
from hongbao.story.folders import lent_folder
from hongbao.story.running import Started, end

Next = Callable[[Sequence[int]], int]
"""Chooses whose turn it is, among the numbers of all who wait, in rising order."""


class Ended(NamedTuple):
    """
    How one of them ended; *exit_code* is None if it was silent for too long.

    The instants are of the monotonic clock. *ready_at* is None if it ended before it came to the
    gate.
    """

    exit_code: int | None
    said: list[bytes]  # on each of its outputs
    started_at: float
    ready_at: float | None
    ended_at: float | None


class Played(NamedTuple):
    """How all ended, in the order in which they were started, and how they came to it."""

    ended: list[Ended]
    turns: list[int]  # who had each turn; none in a race
    opened_at: float | None  # when the gate opened for all; None unless it did


def in_order(order: Iterable[int]) -> Next:
    """
    Give turns in *order*, which starts over for as long as anyone wants one.

    >>> following = in_order([2, 1])
    >>> [following(waiting) for waiting in ([1, 2], [1, 2], [1, 2], [1])]
    [2, 1, 2, 1]
    """
    upcoming = list(order)

    def following(waiting: Sequence[int]) -> int:
        place = next(n for n, number in enumerate(upcoming) if number in waiting)
        number = upcoming[place]
        upcoming[:] = upcoming[place + 1 :] + upcoming[: place + 1]
        return number

    return following


def by_seed(seed: str) -> Next:
    """
    Give turns as *seed* has them drawn: the same ones everywhere.

    >>> following = by_seed("lesson")
    >>> [following((1, 2, 3)) for _ in range(6)]
    [1, 3, 3, 2, 2, 2]
    """
    drawn = 0

    def following(waiting: Sequence[int]) -> int:
        nonlocal drawn
        drawn += 1
        draw = sha256(f"hongbao together {seed} {drawn}".encode()).digest()
        return waiting[int.from_bytes(draw) % len(waiting)]

    return following


def at_once(
    starts: Sequence[Callable[[dict[str, str]], Started]],
    following: Next | None,
    *,
    seconds_max: float,
    watch: Callable[["Children"], None] = lambda _children: None,
) -> Played:
    """
    Start them all, each with the variable that gives it its place, and wait for their ends.

    *following* says whose turn it is, and None lets all go at once. If nothing happens for
    *seconds_max*, what still runs is ended. *watch* is called whenever something has happened.
    Whatever is raised, none of them is left, nor their gate.

    Raises NoGates where the system has none.
    """
    if not CAN_BE:
        raise NoGates
    with (
        lent_folder("gate") as lent,
        Gate(lent / "gate", len(starts)) as gate,
        Children(gate) as children,
    ):
        for number, start in enumerate(starts, start=1):
            children.start(number, start)
        return _played(gate, children, following, seconds_max, watch)


def _played(
    gate: Gate,
    children: "Children",
    following: Next | None,
    seconds_max: float,
    watch: Callable[["Children"], None],
) -> Played:
    turns: list[int] = []
    opened_at = None
    while children.running:
        watch(children)
        if children.waiting == children.running.keys():
            if following is None:
                opened_at = time.monotonic()
                for number in children.waiting:
                    gate.admit(number, freely=True)
                children.waiting.clear()
            else:
                turns.append(following(sorted(children.waiting)))
                children.waiting.remove(turns[-1])
                gate.admit(turns[-1])
        if not children.heard(seconds_max):
            break
    watch(children)
    return Played(children.outcomes(), turns, opened_at)


class Children:
    """All processes: which are running or wait, how the others ended, and what each has said."""

    def __init__(self, gate: Gate) -> None:
        self.running: dict[int, Started] = {}
        self.waiting: set[int] = set()
        self.ended: dict[int, int] = {}
        """The exit codes of those who have ended, in this order."""
        self.started_at: dict[int, float] = {}
        self.ready_at: dict[int, float] = {}
        self.ended_at: dict[int, float] = {}
        self._said: dict[int, list[bytes]] = {}
        self._open: dict[int, int] = {}
        self._gate = gate
        self._selector = selectors.DefaultSelector()
        self._selector.register(gate, selectors.EVENT_READ, None)

    def start(self, number: int, start: Callable[[dict[str, str]], Started]) -> None:
        self.started_at[number] = time.monotonic()
        child = self.running[number] = start(self._gate.place(number))
        self._said[number] = [b""] * len(child.outputs)
        self._open[number] = len(child.outputs)
        for which, output in enumerate(child.outputs):
            self._selector.register(output, selectors.EVENT_READ, (number, which))

    def heard(self, seconds_max: float) -> bool:
        """Wait until something happens; return whether anything did, within *seconds_max*."""
        ready = self._selector.select(seconds_max)
        for key, _events in ready:
            if key.data is not None:
                self._read(key.fd, key.fileobj, *key.data)
        for number in self._gate.asked():
            self.ready_at.setdefault(number, time.monotonic())
            self.waiting.add(number)
        self.waiting &= self.running.keys()  # without those who were killed as they waited
        return bool(ready)

    def _read(self, descriptor: int, output: Any, number: int, which: int) -> None:
        piece = b""
        with suppress(OSError):  # how Linux says that a terminal's other side is closed
            piece = os.read(descriptor, 1 << 16)
        self._said[number][which] += piece
        if piece:
            return
        self._selector.unregister(output)
        self._open[number] -= 1
        if not self._open[number]:
            self.ended_at[number] = time.monotonic()
            self.ended[number] = self._left(number).wait()

    def _left(self, number: int) -> Started:
        child = self.running.pop(number)
        for output in child.outputs:
            output.close()
        return child

    def outcomes(self) -> list[Ended]:
        return [
            Ended(
                self.ended.get(number),
                said,
                self.started_at[number],
                self.ready_at.get(number),
                self.ended_at.get(number),
            )
            for number, said in self._said.items()
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        """End those that still run, with all that they have started."""
        with ExitStack() as rest:
            rest.callback(self._selector.close)
            for number, child in list(self.running.items()):
                end(child.pid)
                rest.callback(child.wait)
                rest.callback(self._left, number)
