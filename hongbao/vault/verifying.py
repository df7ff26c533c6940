"""Verifying many signatures in threads: the library lets go of the interpreter's lock for each."""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

BATCH = 256
"""The signatures that are handed to a thread together: tens of milliseconds of work."""

SWITCH_SECONDS = 0.0005
"""
How long a thread that wants the interpreter waits for the one that has it.

A verifying thread wants it after each signature, which takes a tenth of a millisecond; with the
usual five milliseconds it would mostly wait.
"""


class Signed(NamedTuple):
    """What an *entry* has its signature over, and the key that it has to fit."""

    entry: int
    public_key: bytes
    said: bytes
    signature: bytes


class Verifying:
    """
    Signatures that are being verified, in *threads*: verifying lets go of the interpreter's lock.

    Only so many wait at a time, so that the memory they take does not grow with the ledger. No
    thread is begun for less than one batch.
    """

    def __init__(self, fits: Callable[[bytes, bytes, bytes], bool], threads: int) -> None:
        self._fits = fits
        self._threads = threads
        self._batch: list[Signed] = []
        self._pool: ThreadPoolExecutor | None = None
        self._interval = 0.0
        self._running: deque[Future[list[int]]] = deque()

    def add(self, signed: Signed) -> Sequence[int]:
        """Have *signed* verified, and return entries whose signatures turned out not to fit."""
        self._batch.append(signed)
        if len(self._batch) < BATCH:
            return ()
        batch, self._batch = self._batch, []
        if self._threads < _THREADS_MIN:
            return self._failed_of(batch)
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads)
            self._interval = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_SECONDS)
        self._running.append(self._pool.submit(self._failed_of, batch))
        if len(self._running) > 2 * self._threads:
            return self._running.popleft().result()
        return ()

    def end(self) -> Sequence[int]:
        """Wait for what is being verified, and return the entries as `add` does."""
        failed = [entry for running in self._running for entry in running.result()]
        failed += self._failed_of(self._batch)
        self.stop()
        return failed

    def stop(self) -> None:
        """Take nothing on any more, and wait for what has begun."""
        self._running.clear()
        self._batch = []
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)
            sys.setswitchinterval(self._interval)

    def _failed_of(self, batch: Sequence[Signed]) -> list[int]:
        return [
            signed.entry
            for signed in batch
            if not self._fits(signed.public_key, signed.said, signed.signature)
        ]


_THREADS_MIN = 2
"""With fewer, signatures are verified where the entries are read."""


def cores() -> int:
    """Return how many threads of this process can run at a time."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # where the system cannot say which are this process's
        return os.cpu_count() or 1
