"""A stopwatch: how long each of the eight steps of an act takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns


class Stopwatch:
    """
    Time, counted by step.

    It measures, and knows nothing of what time it is: two runs of the same commands differ in it
    and in nothing else.
    """

    __slots__ = ("_at", "_nanos")

    def __init__(self) -> None:
        self._nanos: dict[int, int] = {}
        self._at = perf_counter_ns()

    def lap(self, step: int) -> None:
        """Count the time since the last call for *step*."""
        now = perf_counter_ns()
        self._nanos[step] = self._nanos.get(step, 0) + now - self._at
        self._at = now

    def skip(self) -> None:
        """Discard the time since the last call: a person was typing, or the process slept."""
        self._at = perf_counter_ns()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Time what is within for itself, and leave alone what was counted around it."""
        around, self._nanos = self._nanos, {}
        self.skip()
        try:
            yield
        finally:
            self._nanos = around
            self.skip()

    def taken(self) -> str | None:
        """
        Return the microseconds of each step so far, and begin again; None if there are none.

        It is written as ``1:300 2:110000``.
        """
        taken = " ".join(f"{step}:{nanos // 1000}" for step, nanos in self._nanos.items())
        self._nanos.clear()
        return taken or None
