"""What a witness takes, what it refuses, and which it says that is."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.log.checkpoint import Checkpoint, Origin
from hongbao.domain.log.leaves import Epoch, Leaf, Moved
from hongbao.domain.log.merkle import Nodes
from hongbao.domain.log.witness import Forked, Inconsistent, RolledBack, Unaccounted, judge
from tests.domain.log.trees import Tree

NAME = "0123456789abcdef"


def moved(name: str) -> Moved:
    return Moved(name, 0, 1, b"head of " + name.encode(), None)


class Ledger:
    """The logs of each epoch, as one database offers them."""

    def __init__(self) -> None:
        self.leaves: dict[int, list[bytes]] = {}

    def epoch(self, number: int, first: Leaf, *others: str) -> "Ledger":
        self.leaves[number] = [leaf.encode() for leaf in (first, *map(moved, others))]
        return self

    def head(self, epoch: int, size: int | None = None) -> Checkpoint:
        leaves = self.leaves[epoch][:size]
        return Checkpoint(Origin(NAME, epoch), len(leaves), Tree(leaves).roots[-1])

    def nodes(self, checkpoint: Checkpoint) -> Nodes:
        leaves = self.leaves.get(checkpoint.origin.epoch, [])
        return Tree(leaves).nodes(checkpoint.size)

    def opening(self, epoch: int) -> bytes:
        return (self.leaves.get(epoch) or [b""])[0]


FIRST = Epoch(1, None, (), ())


def whole() -> Ledger:
    return Ledger().epoch(1, FIRST, *"abcdefg")


def refused(seen: Checkpoint, offered: Checkpoint, ledger: Ledger) -> type[Inconsistent] | None:
    """Return as what *offered* is refused."""
    try:
        judge(seen, offered, ledger)
    except Inconsistent as found:
        said = found
    else:
        return None
    assert (seen, offered) == (said.seen, said.offered)
    assert repr(seen.text) in str(said)
    return type(said)


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_log_that_grows_is_taken_and_one_that_shrinks_is_not(seen, offered):
    """
    By any step, also by none.
    """
    ledger = whole()

    assert (None if offered >= seen else RolledBack) == refused(
        ledger.head(1, seen), ledger.head(1, offered), ledger
    )


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 7))
def test_another_history_is_a_fork(seen, offered, at):
    """
    Where it is as long as what was seen, or longer, and differs in it; before, it is a shorter one.
    """
    other = whole()
    other.leaves[1][at] = moved("another").encode()
    expected = RolledBack if offered < seen else Forked if at < seen else None

    assert expected == refused(whole().head(1, seen), other.head(1, offered), other)


def test_what_cannot_be_shown_is_not_taken():
    """
    A checkpoint without its tiles proves nothing.
    """
    ledger = whole()
    seen, offered = ledger.head(1, 3), ledger.head(1, 8)
    ledger.leaves.clear()

    assert Forked is refused(seen, offered, ledger)
    assert None is refused(offered, offered, ledger)


def test_another_platforms_log_is_not_this_one():
    """
    Even one that begins in the same way.
    """
    ledger = whole()
    seen = ledger.head(1, 3)
    other = ledger.head(1)._replace(origin=Origin("f" * 16, 1))

    assert Forked is refused(seen, other, ledger)


def lossy(*abandoned: Checkpoint, kept: int = 4) -> Ledger:
    """The ledger after it lost all but *kept* leaves, and an operator opened another epoch."""
    ledger = whole()
    ledger.leaves[1] = ledger.leaves[1][:kept]
    return ledger.epoch(2, Epoch(2, ledger.head(1), abandoned, ()), "x", "y")


def test_a_new_epoch_continues_what_it_kept():
    """
    Whoever has seen no more than that goes on; whoever has seen what was lost does not.
    """
    ledger = lossy()

    for size in range(1, 9):
        expected = None if size <= 4 else Unaccounted
        assert expected == refused(whole().head(1, size), ledger.head(2), ledger)


def test_a_new_epoch_continues_what_it_names():
    """
    Exactly the heads that it abandons.
    """
    ledger = lossy(whole().head(1, 6), whole().head(1, 8))

    assert {6: None, 7: Unaccounted, 8: None} == {
        size: refused(whole().head(1, size), ledger.head(2), ledger) for size in (6, 7, 8)
    }


def test_a_fork_in_what_was_kept_has_to_be_named():
    """
    Also where it is no longer than what was kept.
    """
    other = Ledger().epoch(1, FIRST, "another")

    assert Unaccounted is refused(other.head(1), lossy().head(2), lossy())
    assert None is refused(other.head(1), (named := lossy(other.head(1))).head(2), named)


def test_an_epoch_does_not_end():
    """
    Back from a later one to an earlier one is a loss, too.
    """
    ledger = lossy()

    assert RolledBack is refused(ledger.head(2), ledger.head(1), ledger)


def test_a_machine_may_miss_epochs():
    """
    Each one's first leaf leads to the one before; any of them may name what was seen.
    """
    ledger = lossy()
    late = whole().head(1, 7)
    ledger.epoch(3, Epoch(3, ledger.head(2, 2), (ledger.head(2),), ()), "z")
    assert None is refused(whole().head(1, 4), ledger.head(3), ledger)
    assert None is refused(ledger.head(2, 2), ledger.head(3), ledger)
    assert None is refused(ledger.head(2), ledger.head(3), ledger)
    assert Unaccounted is refused(late, ledger.head(3), ledger)

    ledger.epoch(4, Epoch(4, ledger.head(3), (late,), ()))

    assert None is refused(late, ledger.head(4), ledger)
    assert None is refused(whole().head(1, 4), ledger.head(4), ledger)


def test_an_epochs_number_is_never_used_again():
    """
    One that was lost is left out: who has seen it learns that it was abandoned, or does not go on.
    """
    lost = lossy().head(2)
    ledger = whole().epoch(3, Epoch(3, whole().head(1), (), ()))
    named = whole().epoch(3, Epoch(3, whole().head(1), (lost,), ()))

    assert Unaccounted is refused(lost, ledger.head(3), ledger)
    assert None is refused(lost, named.head(3), named)
    assert None is refused(whole().head(1, 5), ledger.head(3), ledger)


def test_an_epoch_that_kept_nothing():
    """
    Where the whole log was lost, every head that was seen has to be named.
    """
    seen = whole().head(1, 3)
    ledger = Ledger().epoch(2, Epoch(2, None, (), ()))
    named = Ledger().epoch(2, Epoch(2, None, (seen,), ()))

    assert Unaccounted is refused(seen, ledger.head(2), ledger)
    assert None is refused(seen, named.head(2), named)


def another_number(ledger: Ledger) -> None:
    ledger.epoch(2, Epoch(3, ledger.head(1), (ledger.head(1),), ()))


def another_log(ledger: Ledger) -> None:
    kept = ledger.head(1)._replace(origin=Origin("f" * 16, 1))
    ledger.epoch(2, Epoch(2, kept, (ledger.head(1),), ()))


def the_same_epoch(ledger: Ledger) -> None:
    kept = ledger.head(1)._replace(origin=Origin(NAME, 2))
    ledger.epoch(2, Epoch(2, kept, (ledger.head(1),), ()))


def no_opening(ledger: Ledger) -> None:
    ledger.epoch(2, moved("a"))


def no_leaf(ledger: Ledger) -> None:
    ledger.leaves[2][0] = b"[]"


def empty(ledger: Ledger) -> None:
    ledger.leaves[2].clear()


@pytest.mark.parametrize(
    "change", [another_number, another_log, the_same_epoch, no_opening, no_leaf, empty]
)
def test_what_opens_an_epoch_is_its_first_leaf(change: Callable[[Ledger], None]):
    """
    And names the epoch before, of the same log; otherwise it abandons nothing that was seen.
    """
    ledger = lossy()
    seen = ledger.head(1)
    change(ledger)

    assert Forked is refused(seen, ledger.head(2), ledger)


def test_a_first_leaf_has_to_be_proven():
    """
    A database cannot show another one than that which the checkpoint has.
    """
    ledger, named = lossy(), lossy(whole().head(1))
    offered = ledger.head(2)
    ledger.leaves[2][0] = named.leaves[2][0]

    assert Forked is refused(whole().head(1), offered, ledger)
    ledger.leaves[2] = ledger.leaves[2][:1]
    assert Forked is refused(whole().head(1), offered, ledger)
    assert Forked is refused(whole().head(1), ledger.head(2, 0), ledger)
