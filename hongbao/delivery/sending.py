"""
Couriers: each hands events to one target, in its thread, and tries again if it fails.

A target that does not answer at all keeps what is for it in order: the courier tries the first
letter again, and the others wait behind it. One that answers that it does not take a letter gets
the others in between. No target waits for another.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Condition, Thread
from time import monotonic
from typing import NamedTuple, Protocol

from hongbao.delivery.tries import DELIVERED, FAILED, GIVEN_UP, Tries, Try

WAITS = (1, 4, 16, 64, 256, 1024, 4096)
"""The seconds of real time between the tries at one delivery: eight, in an hour and a half."""


class Letter(NamedTuple):
    """An event on its way to a target: its *body* is the same bytes at each try."""

    id: str
    event: int
    at: datetime
    body: bytes


class Outcome(NamedTuple):
    """
    What a target did with a letter.

    *why* is a code for what went wrong; None if it was taken. *is_answer* is false if there was
    none: the next letter would fare alike. What is *final* would fail again.
    """

    why: str | None
    status: int | None = None
    is_answer: bool = True
    is_final: bool = False


class Target(Protocol):
    """What events are handed to."""

    @property
    def name(self) -> str:
        """How it was typed."""
        ...

    def hand_over(self, letter: Letter) -> Outcome:
        """Hand *letter* over, and return what became of it; it ends within a time limit."""
        ...

    def stop(self) -> None:
        """End what `hand_over` is doing in another thread, as soon as possible."""
        ...


class Report(NamedTuple):
    """What a courier tells the one who waits: a *tried* delivery, or what broke the courier."""

    tried: Try | None
    error: BaseException | None = None


class _Due(NamedTuple):
    letter: Letter
    tries: int
    at: float


class Courier(Thread):
    """The thread that hands letters to one *target*, and reports each try."""

    def __init__(
        self,
        target: Target,
        *,
        cursor: str,
        tries: Tries,
        now: Callable[[], datetime],
        reports: "SimpleQueue[Report]",
        waits: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name=f"courier of {target.name}", daemon=True)
        self.target = target
        self._cursor = cursor
        self._tries = tries
        self._now = now
        self._reports = reports
        self._waits = WAITS if waits is None else waits
        self._changed = Condition()
        self._fresh: deque[Letter] = deque()
        self._late: list[_Due] = []
        self._is_down = False
        self._is_closed = False
        self._is_busy = False

    def put(self, letter: Letter) -> None:
        """Take *letter*, behind those that are there already."""
        with self._changed:
            self._fresh.append(letter)
            self._changed.notify()

    def put_again(self, letter: Letter, tries: int, wait_seconds: float) -> None:
        """Take *letter*, which was tried before, to try it again after *wait_seconds*."""
        wait_seconds = min(max(wait_seconds, 0), max(self._waits, default=0))  # a clock may turn
        with self._changed:
            self._late.append(_Due(letter, tries, monotonic() + wait_seconds))
            self._changed.notify()

    def close(self) -> None:
        """Hand nothing more over, and end what is being handed over."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self.target.stop()

    @property
    def rests(self) -> bool:
        """Whether all that is left has been tried, or waits behind what has."""
        with self._changed:
            return not self._is_busy and (self._is_down or not self._fresh)

    @property
    def left(self) -> int:
        """How many letters are neither delivered nor given up."""
        with self._changed:
            return len(self._fresh) + len(self._late) + self._is_busy

    def run(self) -> None:
        """Hand over what is due, until `close`."""
        try:
            while (due := self._next()) is not None:
                self._deliver(due)
        except BaseException as error:  # noqa: BLE001 - the one who waits raises it again
            self._reports.put(Report(None, error))

    def _next(self) -> _Due | None:
        """Return the next letter when it is due; None if there will be none."""
        with self._changed:
            self._is_busy = False
            while not self._is_closed:
                first = min(self._late, key=lambda due: due.at, default=None)
                if first is not None and first.at <= monotonic():
                    self._late.remove(first)
                    self._is_busy = True
                    return first
                if self._fresh and not self._is_down:
                    self._is_busy = True
                    return _Due(self._fresh.popleft(), 0, 0)
                self._changed.wait(None if first is None else max(first.at - monotonic(), 0))
        return None

    def _deliver(self, due: _Due) -> None:
        began = monotonic()
        outcome = self.target.hand_over(due.letter)
        took_ms = int((monotonic() - began) * 1000)
        if self._is_closed and outcome.why is not None:
            return  # it was cut off
        number = due.tries + 1
        is_last = outcome.is_final or number > len(self._waits)
        wait = None if outcome.why is None or is_last else self._waits[number - 1]
        now = self._now()
        tried = Try(
            cursor=self._cursor,
            target=self.target.name,
            id=due.letter.id,
            event=due.letter.event,
            number=number,
            at=now,
            state=DELIVERED if outcome.why is None else GIVEN_UP if is_last else FAILED,
            status=outcome.status,
            why=outcome.why,
            took_ms=took_ms,
            next_at=None if wait is None else now + timedelta(seconds=wait),
        )
        self._tries.note(tried)
        with self._changed:
            self._is_down = not outcome.is_answer and wait is not None
            if wait is not None:
                self._late.append(_Due(due.letter, number, monotonic() + wait))
            self._is_busy = False
        self._reports.put(Report(tried))
