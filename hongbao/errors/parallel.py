"""Processes that are played at once: their gate, and races."""

from hongbao.errors.base import NotIntact, Unusable, example
from hongbao.words import N_


class GateGone(Unusable):
    """
    The gate at which this process waits for its turn was closed, or is not there.

    Whoever plays a story's `race` or `together` keeps it, and sets the variable HONGBAO_GATE.
    """

    path: str = example("gate/3")

    sentence = N_("the gate {path} is gone; nobody gives turns at it")
    advice = N_("outside of stories, HONGBAO_GATE has to be unset: `unset HONGBAO_GATE`")


class NoGates(Unusable):
    """A story has a `race` or `together`, and this system has no FIFOs to build its gate from."""

    sentence = N_("this system cannot play a story's `race` or `together`")
    advice = N_("they need a Unix, such as Linux or macOS")


class MoneyLost(NotIntact):
    """
    A race is over, and money is missing: what was claimed and what is left is not what was sent.

    That is a fault of hongbao's. If *lost_fen* is below zero, more was paid than there was.
    """

    lost_fen: int = example(1)
    total_fen: int = example(8_888)

    sentence = N_("of {total_fen}, {lost_fen} is lost")


class RaceStuck(Unusable):
    """Processes of a race did not end within a minute, and were ended."""

    failed: int = example(1)

    sentence = N_("processes that did not end: {failed}")
