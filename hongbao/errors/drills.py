"""Drills: what they are held with, and what they have found."""

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    NotIntact,
    Unusable,
    UsageError,
    example,
)
from hongbao.words import N_


class InvalidSites(UsageError):
    """The sites of a drill do not fit the nodes of its address, or are not in two cities."""

    nodes: int = example(2)

    sentence = N_("no drill is possible at these sites; nodes in the address: {nodes}")
    advice = N_("name a site for each node, two of them in the first city: `--sites a-1,a-2,b-1`")


class DrillInterrupted(HongbaoError):
    """Ctrl-C in a drill: its nodes and its database stay as they are at that moment."""

    exit_code = ExitCode.INTERRUPTED
    sentence = N_("interrupted; nodes that are away stay away, and the drill's ledger stays")
    advice = N_("start the nodes that are away, and drop the drill's database")


class DrillCommandFailed(Unusable):
    """The command that a drill has for its nodes has failed."""

    command: str = example("./nodes kill shanghai-1")
    reason: str = example("exit 1")
    drilling: bool = example(True, also=(False,), default=True)

    sentence = N_("{command} has failed: {reason}")
    advice = N_("the drill ended there; see how the nodes are before the next one")
    _advice_before = N_("the drill has not begun, and no node was touched")

    def chosen_advice(self) -> str:
        return self.advice if self.facts["drilling"] else self._advice_before


class DrillStuck(Unusable):
    """No client was answered for a minute after a step of a drill that should have helped."""

    seconds: int = example(60)

    sentence = N_("no client was answered within {seconds} s")
    advice = N_("the drill ended there; see how the nodes are before the next one")


class DrillFoundFaults(NotIntact):
    """
    The answers in a drill are not what is in the ledger, or *nodes* fail `check`.

    *lost* were confirmed and are gone, *twice* are there more than once, *changed* are there
    otherwise, *unasked* are there though no client got that answer; of *unresolved* nothing is
    known, and *poorer* profiles have another balance than their answers say. Clusters of the Galera
    kind are known to lose commits; otherwise it is a fault of hongbao's.
    """

    lost: int = example(1)
    twice: int = example(0)
    changed: int = example(0)
    unasked: int = example(0)
    unresolved: int = example(0)
    poorer: int = example(1)
    nodes: int = example(0)

    sentence = N_(
        "the ledger is not what the answers say: lost {lost}, twice {twice}, changed {changed}, "
        "unrequested {unasked}, unresolved {unresolved}, wrong balances {poorer}, "
        "nodes that fail `check` {nodes}"
    )
