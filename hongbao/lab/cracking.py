"""
Cracking a PIN, for real: six digits are tried one after the other on what a stolen ledger holds.

What is measured is this machine, with one process and no tricks. A thief has more of both, so the
times are the most that it takes and not the least.
"""

import hashlib
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import NamedTuple

from hongbao.domain.policy import PinRules
from hongbao.lab.pins import FAST, SALT
from hongbao.vault.primitives import RFC_9106_LOW_MEMORY, Cost, hash_encoded

PINS = 10**6
"""How many PINs of six digits there are."""

STEP = 10_000
"""How many of them are tried between two looks at the clock."""

SLOW_TRIES = 3
"""How many tries at the slow hash are measured."""

_NANOS = 10**9


class Tried(NamedTuple):
    """How far a search has come: the last PIN, how many were tried, and in how long."""

    pin: str
    tries: int
    nanos: int
    is_found: bool

    @property
    def per_second(self) -> int:
        return self.tries * _NANOS // max(self.nanos, 1)


def crack(hashed: str) -> Iterator[Tried]:
    """Try all PINs on the fast hash *hashed*, in order, and say now and then how far it is."""
    kind, _bar, digest = hashed.partition("|")
    assert kind == FAST
    nanos = 0
    for first in range(0, PINS, STEP):
        began = perf_counter_ns()
        number = _searched(range(first, first + STEP), digest)
        nanos += perf_counter_ns() - began  # and not what was done in between, such as drawing
        is_found = number is not None
        last = first + STEP - 1 if number is None else number
        yield Tried(f"{last:06d}", last + 1, nanos, is_found)
        if is_found:
            return


def _searched(numbers: range, digest: str) -> int | None:
    """Return which of *numbers* is the PIN with this *digest*, if one of them is."""
    sha256 = hashlib.sha256
    for number in numbers:
        if sha256(SALT + b"%06d" % number).hexdigest() == digest:
            return number
    return None


def slow_try_nanos(cost: Cost = RFC_9106_LOW_MEMORY) -> int:
    """Return how long one try at the slow hash takes here, at the *cost* that hongbao chooses."""
    began = perf_counter_ns()
    for number in range(SLOW_TRIES):
        hash_encoded(f"{number:06d}".encode(), SALT, cost)
    return (perf_counter_ns() - began) // SLOW_TRIES


def locked_days(rules: PinRules) -> int:
    """Return the days that all PINs take at least at the wallet itself, which locks them."""
    return PINS // rules.attempts_max * rules.lock_hours // 24


Watch = Callable[[Iterator[Tried]], Tried]
"""Shows a search while it runs, and returns its end."""


def unwatched(search: Iterator[Tried]) -> Tried:
    """Let *search* run unseen, and return its end."""
    tried = next(search)
    for tried in search:  # noqa: B007 - the last one
        pass
    return tried
