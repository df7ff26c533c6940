"""Processes that are played at once: their gate, and races."""

from hongbao.errors.base import NotIntact, Unusable, UsageError, example
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


class NoBlock(UsageError):
    """What is played in every order is the one `together` of a story; *found* says how many are."""

    source: str = example("lesson.txt")
    found: int = example(0)

    sentence = N_("story {source} has to have one `together`, and has {found}")
    advice = N_("of the faults, `oversell` and `lost-update` have one")


class TooManyOrders(UsageError):
    """A block has more orders than anyone would read: each command more makes it many times."""

    orders_max: int = example(1000)

    sentence = N_("the turns of the `together` can be ordered in more ways than {orders_max}")
    advice = N_("take a command out of it")


class LabLoss(NotIntact):
    """`check` on a broken engine has found what its fault has lost: that is what it is for."""

    engine: str = example("oversell")
    lost_fen: int = example(500)

    sentence = N_("the engine {engine} has lost {lost_fen}; its ledger is a throw-away one")
