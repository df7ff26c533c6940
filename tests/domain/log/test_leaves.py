"""Leaves: one encoding each, and what reading all of them finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.log.checkpoint import Checkpoint, Malformed, Origin
from hongbao.domain.log.leaves import (
    LEAF_BYTES_MAX,
    UNSEALED,
    Epoch,
    Fault,
    Moved,
    Sealed,
    Wrong,
    decode,
    faults,
)
from hongbao.domain.log.merkle import EMPTY, Edge
from hongbao.domain.log.sealing import Lane, LaneTorn, moved, step
from tests.domain.log.trees import checkpoints
from tests.every import every

numbers = st.integers(0, 2**63 - 1)
indexes = st.tuples(numbers, numbers)
leaves = st.builds(
    Moved,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    numbers,
    numbers,
    st.binary(max_size=32),
    st.none() | indexes,
) | st.builds(
    Epoch,
    numbers,
    st.none() | checkpoints,
    st.lists(checkpoints, max_size=3).map(tuple),
    st.lists(indexes, max_size=3).map(tuple),
)


@given(leaves, leaves)
def test_a_leaf_has_one_encoding_and_no_other_has_it(leaf, other):
    """
    It is read as it was written, and differs in its bytes wherever it differs.
    """
    assert leaf == decode(leaf.encode())
    assert (leaf == other) == (leaf.encode() == other.encode())


MOVED = b'["moved",1,"profile/7",2,5,"6162",[1,12]]'
HEAD = Checkpoint(Origin("0" * 16, 1), 9, bytes(32))
EPOCH = Epoch(2, HEAD, (), ()).encode()


@every(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"moved"',
        b"[" * LEAF_BYTES_MAX,
        b"\xff",
        MOVED + b" ",
        MOVED.replace(b",2,", b", 2,"),
        MOVED.replace(b",2,", b",2.0,"),
        MOVED.replace(b",2,", b",true,"),
        MOVED.replace(b",2,", b',"2",'),
        MOVED.replace(b",2,", b",null,"),
        MOVED.replace(b",12]", b",false]"),
        MOVED.replace(b"[1,", b"[true,"),
        MOVED.replace(b",12]", b"]"),
        MOVED.replace(b",12]", b",12,13]"),
        MOVED.replace(b"[1,12]", b"12"),
        MOVED.replace(b",[1,12]", b""),
        MOVED.replace(b"[1,12]", b"[1,12],13"),
        MOVED.replace(b",5,", b",true,"),
        MOVED.replace(b'"moved",1,', b'"moved",2,'),
        MOVED.replace(b'"moved",1,', b'"moved",true,'),
        MOVED.replace(b"6162", b"616"),
        MOVED.replace(b"6162", b"6A"),
        MOVED.replace(b'"6162"', b"6162"),
        MOVED.replace(b'"profile/7"', b"7"),
        MOVED.replace(b"profile", b"\\u0070rofile"),
        MOVED.replace(b"profile", b"\\ud800"),
        MOVED.replace(b"moved", b"move"),
        MOVED.replace(b"5", b"1" * 5000),
        EPOCH.replace(b'"epoch",1,2', b'"epoch",1,true'),
        EPOCH.replace(b"[],[]", b"[],[1]"),
        EPOCH.replace(b"[],[]", b"[],[[1]]"),
        EPOCH.replace(b"[],[]", b"[],[[1,true]]"),
        EPOCH.replace(b"[],[]", b"[null],[]"),
        EPOCH.replace(b"[],[]", b"[1],[]"),
        EPOCH.replace(b"[],[]", b'["x"],[]'),
        EPOCH.replace(b"[],[]", b"[],[],[]"),
        EPOCH.replace(b",[],[]", b",[]"),
        EPOCH.replace(b"[],[]", b"null,null"),
        b'["epoch",1,1,1,[],[]]',
    ],
)
def test_what_is_no_leaf_is_not_read(content):
    """
    Of another shape or kind, or the same one written in another way.
    """
    with pytest.raises(Malformed):
        decode(content)


def test_a_hundred_abandoned_heads_fit():
    """
    In what a tiled log takes for one entry.
    """
    head = Checkpoint(Origin("f" * 16, 10**9 - 1), 2**63 - 1, bytes([255] * 32))

    assert len(Epoch(10**9 - 1, head, (head,) * 100, ()).encode()) < LEAF_BYTES_MAX


FIRST = Epoch(1, None, (), ())
A2 = Moved("a", 0, 2, b"a2", None)
B1 = Moved("b", 0, 1, b"b1", None)
A5 = Moved("a", 2, 5, b"a5", (1, 1))
LANES = {("a", 2): b"a2", ("a", 5): b"a5", ("a", 6): b"a6", ("b", 1): b"b1"}


def found(*epochs, lanes=LANES):
    contents = [
        (number, [leaf if isinstance(leaf, bytes) else leaf.encode() for leaf in leaves])
        for number, leaves in epochs
    ]
    return faults(contents, lambda lane, number: lanes.get((lane, number)))


def test_a_log_that_is_whole():
    """
    Nothing is wrong, and each lane's latest leaf is known.
    """
    a, b = Sealed(5, b"a5", (1, 3)), Sealed(1, b"b1", (1, 2))

    assert ([], {"a": a, "b": b}) == found((1, [FIRST, A2, B1, A5]))
    assert ([], {}) == found()


def test_lanes_continue_in_the_next_epoch():
    """
    What was kept needs no leaf of its own there.
    """
    second = Epoch(2, HEAD, (), ())

    assert ([], {"a": Sealed(5, b"a5", (2, 1)), "b": Sealed(1, b"b1", (1, 2))}) == found(
        (1, [FIRST, A2, B1]), (2, [second, A5])
    )


@every(
    ("leaves", "fault"),
    [
        ((A2,), Fault((1, 0), None, Wrong.OUT_OF_PLACE)),
        ((FIRST._replace(number=2),), Fault((1, 0), None, Wrong.OUT_OF_PLACE)),
        ((FIRST, A2, FIRST), Fault((1, 2), None, Wrong.OUT_OF_PLACE)),
        ((FIRST, b"[]"), Fault((1, 1), None, Wrong.OUT_OF_PLACE)),
        ((b"",), Fault((1, 0), None, Wrong.OUT_OF_PLACE)),
        ((FIRST, A2, A5._replace(before=None)), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, A5._replace(before=(1, 0))), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, A5._replace(before=(2, 1))), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, A5._replace(after=1)), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, A5._replace(after=3)), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A5), Fault((1, 1), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, A2), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2, Moved("a", 2, 2, b"a2", (1, 1))), Fault((1, 2), "a", Wrong.UNCONNECTED)),
        ((FIRST, A2._replace(head=b"x")), Fault((1, 1), "a", Wrong.TORN)),
        ((FIRST, A2._replace(upto=7)), Fault((1, 1), "a", Wrong.TORN)),
    ],
)
def test_each_fault_is_named(leaves, fault):
    """
    By its leaf, its lane, and what is wrong.
    """
    assert [fault] == found((1, leaves))[0]


def test_a_lane_that_an_epoch_names_begins_again():
    """
    It has no fault before, and its next leaf covers it from its beginning; others stay as they are.
    """
    lanes = {("a", 1): b"another", ("b", 1): b"b1"}
    second = Epoch(2, HEAD, (), ((1, 3),))
    again = Moved("a", 0, 1, b"another", None)
    old = (1, [FIRST, A2, B1, A5])
    torn = [Fault((1, 1), "a", Wrong.TORN), Fault((1, 3), "a", Wrong.TORN)]

    assert torn == found(old, lanes=lanes)[0]
    assert ([], {"b": Sealed(1, b"b1", (1, 2))}) == found(old, (2, [second]), lanes=lanes)
    assert ([], {"a": Sealed(1, b"another", (2, 1)), "b": Sealed(1, b"b1", (1, 2))}) == found(
        old, (2, [second, again]), lanes=lanes
    )
    unnamed = Fault((2, 1), "a", Wrong.UNCONNECTED)
    assert [*torn, unnamed] == found(old, (2, [second._replace(torn=()), again]), lanes=lanes)[0]


def test_a_torn_lane_may_be_named_again():
    """
    By the next epoch too, before anything of it was sealed; what is no lane's leaf names none.
    """
    second, third = (Epoch(number, HEAD, (), ((1, 1), (1, 0), (7, 7))) for number in (2, 3))

    assert ([], {}) == found((1, [FIRST, A2]), (2, [second]), (3, [third]))


def test_a_step_appends_what_moved():
    """
    Each lane's leaf points at the one before it, and the checkpoint is over all of them.
    """
    origin = Origin("0" * 16, 1)
    edge = Edge()
    first = step(origin, edge, [FIRST])
    second = step(origin, edge, [moved(Lane("a", 2, b"a2", UNSEALED, None))])
    sealed = Sealed(2, b"a2", (1, 1))
    third = step(origin, edge, [moved(Lane("a", 5, b"a5", sealed, b"a2"))])

    assert [0, 1, 2] == [one.first for one in (first, second, third)]
    assert [1, 2, 3] == [one.checkpoint.size for one in (first, second, third)]
    assert A2 == decode(second.leaves[0])
    assert A5 == decode(third.leaves[0])
    assert [(0, 2)] == [(level, place) for level, place, _hash in third.tiled]
    assert origin == third.checkpoint.origin
    assert edge.root() == third.checkpoint.root != EMPTY


@every(
    "lane",
    [
        Lane("a", 2, b"a2", Sealed(5, b"a5", (1, 3)), None),  # gone
        Lane("a", 0, b"", Sealed(5, b"a5", (1, 3)), None),
        Lane("a", 5, b"x5", Sealed(5, b"a5", (1, 3)), b"x5"),  # another entry in its place
        Lane("a", 7, b"x7", Sealed(5, b"a5", (1, 3)), b"x5"),  # and others after it
        Lane("a", 7, b"a7", Sealed(5, b"a5", (1, 3)), None),
        Lane("a", 5, b"a5", Sealed(5, b"a5", (1, 3)), b"a5"),  # it has not moved at all
    ],
)
def test_a_lane_that_does_not_continue_is_not_sealed(lane):
    """
    And named.
    """
    with pytest.raises(LaneTorn, match=r"\Aa\Z") as torn:
        moved(lane)
    assert lane == torn.value.lane
