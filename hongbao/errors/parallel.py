"""Processes that are played at once: their gate."""

from hongbao.errors.base import Unusable, example
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
