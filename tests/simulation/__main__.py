"""
Simulate until it is stopped, or for so many steps: ``make simulate SEED=7 STEPS=100000``.

Each life is played from a seed of its own. The first that fails is made as short as it can be, and
told as a story that `hongbao play` plays.
"""

import os
import sys
import time

from tests.simulation.plan import again
from tests.simulation.running import Ran, chosen, simulate
from tests.simulation.shrinking import Shrinker, story

SECONDS = 10
FOR_EVER = 10**15


def tell(what: object) -> None:
    """Show *what*, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """Simulate, and return 1 where something was found."""
    seed, steps = chosen(FOR_EVER, seed=str(int.from_bytes(os.urandom(4))))
    told = time.monotonic()

    def watch(ran: Ran) -> None:
        nonlocal told
        if time.monotonic() > told + SECONDS:
            told = time.monotonic()
            tell(ran)

    tell(f"seed {seed}")
    began = Ran()
    try:
        began, failed = simulate(seed, steps, watch)
    except KeyboardInterrupt:
        return 130
    tell(began)
    tell(began.reached())
    if failed is None or failed.failed is None:
        return 0
    tell(f"\nfound in the life of seed {failed.seed}: {failed.failed.what}\nmaking it shorter …")
    twice = again(failed.seed, failed.rounds)
    if twice.failed is None:
        tell("played again, it does not fail: it is not the same twice")
    short = Shrinker(failed).shrunk()
    for one in short.rounds:
        for command in one.commands:
            tell(f"  {command} -> {short.life.outcomes.get(command.number)}")
        if len(one.commands) > 1:
            tell(f"  turns given: {one.switches}")
    tell(f"\n{story(short)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
