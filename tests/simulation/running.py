"""Many lives from one seed: how far they came, what they reached, and what was found."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import process_time

from tests.simulation.plan import Lived, live

LENGTHS = (3_000, 6_000, 6_000, 12_000)
"""How many turns a life has: in a long one there is more to go wrong, and a short one is shrunk."""


@dataclass
class Ran:
    """So many lives, with all that they came to."""

    lives: int = 0
    turns: int = 0
    commands: int = 0
    checked: int = 0
    seconds: float = 0.0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, lived: Lived, seconds: float) -> None:
        self.lives += 1
        self.turns += lived.turns
        self.commands += lived.commands
        self.checked += lived.life.checked
        self.seconds += seconds
        self.counts += lived.life.counts

    def __str__(self) -> str:
        rate = self.turns / self.seconds if self.seconds else 0
        return (
            f"{self.lives} lives, {self.turns} steps ({rate:.0f} a second of CPU),"
            f" {self.commands} commands, {self.checked} whole checks"
        )

    def reached(self) -> str:
        """Return how often each command came to what."""
        acts: dict[str, list[str]] = {}
        for (act, came), count in sorted(self.counts.items(), key=lambda one: (one[0][0], -one[1])):
            acts.setdefault(act, []).append(f"{came} {count}")
        return "\n".join(f"{act:14} {' · '.join(came)}" for act, came in acts.items())


def lives(seed: str, steps: int) -> Iterator[tuple[str, int]]:
    """Return the seed and the length of each life, until there are so many *steps* in all."""
    rng, drawn = random.Random(f"lives {seed}"), 0
    number = 0
    while drawn < steps:
        number += 1
        turns = min(rng.choice(LENGTHS), max(steps - drawn, 0))
        yield f"{seed}.{number}", turns
        drawn += turns


def simulate(
    seed: str, steps: int, watch: Callable[[Ran], None] = lambda _ran: None
) -> tuple[Ran, Lived | None]:
    """Play lives of about so many *steps* in all; stop at the first that fails, and return it."""
    ran = Ran()
    for name, turns in lives(seed, steps):
        began = process_time()
        lived = live(name, turns)
        ran.add(lived, process_time() - began)
        if lived.failed is not None:
            return ran, lived
        watch(ran)
    return ran, None


def chosen(steps: int, seed: str = "1") -> tuple[str, int]:
    """Return the seed and the number of steps: the environment's, or these."""
    return os.environ.get("HONGBAO_SIM_SEED", seed), int(os.environ.get("HONGBAO_SIM_STEPS", steps))
