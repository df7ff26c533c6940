"""Reconciliation: what agrees is silent, and each way to disagree has its own name."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.channel import FINAL, Direction, MessageState
from hongbao.domain.reconciliation import (
    Difference,
    DifferenceKind,
    LineStatus,
    Match,
    Open,
    OurLine,
    Reconciliation,
    TheirLine,
    compare,
    reconcile,
)
from tests.every import every

NOON = datetime(2026, 2, 16, 4, tzinfo=UTC)
AWAY = {"debit": "credit", "credit": "debit"}

directions = st.sampled_from([*Direction])
amounts_fen = st.integers(1, 500)


def name(number: int) -> str:
    return f"NU20260216{number:06d}"


def ours(
    number: int = 1, direction: str = "debit", amount_fen: int = 100, state: str = "accepted"
) -> OurLine:
    return OurLine(name(number), direction, amount_fen, state, NOON)


def theirs(
    number: int = 1,
    direction: str = "debit",
    amount_fen: int = 100,
    status: str = "BOOK",
    reference: str = "ICBC-000001",
) -> TheirLine:
    return TheirLine(reference, name(number), direction, amount_fen, status, NOON)


def numbered(lines: list[TheirLine]) -> list[TheirLine]:
    """Sort *lines* as a bank does, and give each a reference of its own."""
    return [
        line._replace(reference=f"ICBC-{number:06d}")
        for number, line in enumerate(sorted(lines, key=lambda line: line.message), start=1)
    ]


our_lines = st.lists(
    st.builds(ours, st.integers(1, 9), directions, amounts_fen, st.sampled_from([*MessageState])),
    unique_by=lambda line: line.message,
).map(sorted)
their_lines = st.lists(
    st.builds(theirs, st.integers(1, 9), directions, amounts_fen, st.sampled_from([*LineStatus])),
    max_size=20,
).map(numbered)


@st.composite
def agreeing(draw: Any) -> tuple[list[OurLine], list[TheirLine]]:
    """Draw a day of ours, and one of the many ways in which a bank can agree with it."""
    mine, lines = draw(our_lines), []
    for message, direction, amount_fen, state, _ in mine:
        number = int(message[-6:])
        line = theirs(number, direction, amount_fen)
        fix = line._replace(status="CORR")
        undo = fix._replace(direction=AWAY[direction])
        undone = line._replace(status="RVRS")
        more = draw(amounts_fen)
        ways = {
            True: [
                [line],
                [undone, line],
                [fix],
                [undone, fix],
                [line, line, undo],
                [line._replace(amount_fen=amount_fen + more), undo._replace(amount_fen=more)],
                [line._replace(direction=AWAY[direction]), fix, fix],
            ],
            False: [[], [undone], [line, undo], [undone, undone]],
        }
        if MessageState(state) in FINAL:
            lines += draw(st.sampled_from(ways[state == "accepted"]))
        else:
            lines += draw(st.sampled_from([*ways[True], *ways[False], [line, line]]))
    return mine, numbered(lines)


@given(agreeing())
def test_what_agrees_is_silent(day):
    """
    However the bank came to it: booked once, undone and booked again, or corrected. Matched is
    what both have as done; what we do not know yet is open, and differs from nothing.
    """
    mine, lines = day

    found = reconcile(iter(mine), iter(lines))

    accepted = [line.amount_fen for line in mine if line.state == "accepted"]
    unresolved = [line for line in mine if MessageState(line.state) not in FINAL]
    assert Reconciliation((), len(accepted), sum(accepted), len(unresolved)) == found


def lost(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    del lines[at]


def unheard_of(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    del mine[at]


def rejected(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    mine[at] = mine[at]._replace(state="rejected")


def reversed_by_us(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    mine[at] = mine[at]._replace(state="reversed")


def undone(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    lines[at] = lines[at]._replace(status="RVRS")


def twice(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    lines.insert(at, lines[at]._replace(reference="ICBC-999999"))


def too_much(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    lines[at] = lines[at]._replace(amount_fen=lines[at].amount_fen + 1)


def too_little(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    mine[at] = mine[at]._replace(amount_fen=mine[at].amount_fen + 1)


def wrong_way(mine: list[OurLine], lines: list[TheirLine], at: int) -> None:
    lines[at] = lines[at]._replace(direction=AWAY[lines[at].direction])


MUTATIONS = [
    # What goes wrong, its name, what we and they have of 100, and whether the customer is owed.
    (lost, "shortage", 100, 0, False),
    (unheard_of, "surplus", 0, 100, True),
    (rejected, "surplus", 0, 100, True),
    (reversed_by_us, "surplus", 0, 100, True),
    (undone, "state", 100, 0, False),
    (twice, "duplicate", 100, 200, True),
    (too_much, "amount", 100, 101, True),
    (too_little, "amount", 101, 100, False),
    (wrong_way, "amount", 100, -100, False),
]


@pytest.mark.parametrize("case", MUTATIONS, ids=lambda case: case[0].__name__)
@given(st.lists(directions, min_size=1, max_size=5), st.data())
def test_each_single_change_is_named_by_its_kind(case, ways, data):
    """
    One thing gone wrong in a day is one difference, with its message, amounts and references; the
    other messages still match.
    """
    mutate, kind, ours_fen, theirs_fen, too_much_moved = case
    mine = [ours(number, way) for number, way in enumerate(ways)]
    lines = numbered([theirs(number, way) for number, way in enumerate(ways)])
    at = data.draw(st.integers(0, len(ways) - 1))
    mutate(mine, lines, at)

    found = reconcile(mine, lines)

    (difference,) = found.differences
    assert len(ways) - 1 == found.matched_count
    assert 100 * (len(ways) - 1) == found.matched_fen
    assert 0 == found.open_count
    assert kind == difference.kind
    assert (name(at), ways[at]) == (difference.message, difference.direction)
    assert (ours_fen, theirs_fen) == (difference.ours_fen, difference.theirs_fen)
    assert abs(ours_fen - theirs_fen) == difference.amount_fen
    assert (AWAY[ways[at]] if too_much_moved else ways[at]) == difference.correction
    assert difference.references == tuple(
        line.reference for line in lines if line.message == name(at)
    )


@every(
    ("kind", "mine", "lines"),
    [
        # Nothing is ours: that it was booked twice, undone once or turned round changes no name.
        ("surplus", None, [("debit", 100, "BOOK"), ("debit", 100, "BOOK")]),
        ("surplus", "rejected", [("debit", 100, "BOOK"), ("debit", 100, "RVRS")]),
        ("surplus", "reversed", [("credit", 100, "BOOK")]),
        ("surplus", "rejected", [("credit", 100, "CORR")]),
        # Ours is accepted.
        ("duplicate", "accepted", [("debit", 60, "BOOK"), ("debit", 60, "BOOK")]),
        ("duplicate", "accepted", [("debit", 100, "BOOK")] * 3 + [("credit", 100, "CORR")]),
        ("amount", "accepted", [("debit", 40, "BOOK"), ("debit", 40, "BOOK")]),
        ("amount", "accepted", [("debit", 100, "BOOK")] * 2 + [("credit", 150, "CORR")]),
        ("amount", "accepted", [("debit", 100, "BOOK"), ("credit", 100, "BOOK")]),
        ("amount", "accepted", [("debit", 150, "BOOK"), ("credit", 10, "BOOK")]),
        ("amount", "accepted", [("debit", 100, "RVRS"), ("debit", 50, "BOOK")]),
        ("state", "accepted", [("debit", 100, "RVRS"), ("debit", 50, "CORR")]),
        ("state", "accepted", [("debit", 100, "RVRS"), ("debit", 100, "RVRS")]),
        ("shortage", "accepted", [("debit", 50, "CORR")]),
    ],
)
def test_when_several_names_fit_the_documented_order_decides(kind, mine, lines):
    """
    Surplus, duplicate, amount, state, shortage: the first that applies.
    """
    our = [] if mine is None else [ours(state=mine)]

    found = reconcile(our, [theirs(1, *line) for line in lines])

    assert [kind] == [difference.kind for difference in found.differences]


def test_a_surplus_is_told_in_the_direction_in_which_the_money_went():
    """
    Whatever we asked for: what they moved the other way is to be moved back that way.
    """
    (difference,) = compare([ours(state="rejected")], [theirs(direction="credit", amount_fen=70)])

    expected = Difference(
        kind=DifferenceKind.SURPLUS,
        message=name(1),
        direction=Direction.CREDIT,
        ours_fen=0,
        theirs_fen=70,
        amount_fen=70,
        references=("ICBC-000001",),
    )
    assert expected == difference
    assert isinstance(difference, Difference)
    assert Direction.DEBIT is difference.correction


@given(our_lines, their_lines)
def test_corrections_of_the_amount_end_every_difference(mine, lines):
    """
    In any two records, however confused: after one correction a difference, of its amount and its
    way, nothing differs, and every accepted message matches.
    """
    corrections = [
        TheirLine("", d.message, d.correction, d.amount_fen, LineStatus.CORRECTED, NOON)
        for d in reconcile(mine, lines).differences
    ]

    found = reconcile(mine, numbered([*lines, *corrections]))

    assert () == found.differences
    assert len([line for line in mine if line.state == "accepted"]) == found.matched_count
    assert all(correction.amount_fen > 0 for correction in corrections)


@every("state", ["created", "sent", "unknown"])
@every("lines", [[], [theirs()], [theirs(), theirs(reference="ICBC-000002")]])
def test_what_we_do_not_know_yet_is_open_and_no_difference(state, lines):
    """
    Whether the bank has it, has it twice or not at all: a query comes first.
    """
    (verdict,) = compare([ours(state=state)], lines)

    references = tuple(line.reference for line in lines)
    assert Open(name(1), "debit", 100, 100 * len(lines), references) == verdict


def test_what_neither_has_is_not_spoken_of():
    """
    A rejected payment that never reached the bank, and one that it corrected away.
    """
    mine = [ours(1, state="rejected"), ours(2, state="reversed")]
    lines = [theirs(2), theirs(2, "credit", status="CORR"), theirs(3, status="RVRS")]

    assert [] == [*compare(mine, lines)]


def test_a_day_of_any_length_takes_the_memory_of_one_message():
    """
    Two endless streams are compared as far as anyone asks, and read no further than that.
    """
    read = []

    def endless() -> Iterator[OurLine]:
        for number in count(1):
            read.append(number)
            yield ours(number)

    verdicts = [*islice(compare(endless(), map(theirs, count(1))), 500)]

    assert [Match(name(number), "debit", 100) for number in range(1, 501)] == verdicts
    assert len(read) <= 502


@pytest.mark.parametrize("which", [0, 1])
def test_both_streams_are_read_to_their_ends(which):
    """
    A statement's sums are checked behind its last line, so that line is always passed.
    """
    ended = []

    def watched() -> Iterator[Any]:
        yield (ours(), theirs())[which]
        ended.append(True)

    assert 1 == len(reconcile(*((watched(), []), ([], watched()))[which]).differences)
    assert [True] == ended


@every(
    ("mine", "lines"),
    [
        ([ours(2), ours(1)], []),
        ([], [theirs(2), theirs(1)]),
        ([ours(1), ours(3)], [theirs(3), theirs(2)]),
        ([ours(2), ours(1)], [theirs(1), theirs(2)]),
        ([ours(1), ours(1)], [theirs(1)]),
        ([ours(1), ours(2), ours(1)], []),
        ([], [theirs(1), theirs(2), theirs(1)]),
    ],
)
def test_a_stream_out_of_order_is_refused(mine, lines):
    """
    Rather than told as differences that are none.
    """
    with pytest.raises(ValueError, match="NU20260216"):
        reconcile(mine, lines)


@every(
    ("mine", "lines"),
    [
        ([ours(state="perhaps")], []),
        ([ours(direction="sideways")], []),
        ([], [theirs(status="INFO")]),
        ([], [theirs(direction="sideways")]),
        ([ours()], [theirs(direction="DBIT")]),
    ],
)
def test_a_word_that_nobody_knows_is_refused(mine, lines):
    """
    A state, status or direction that is misspelt counts neither way.
    """
    with pytest.raises(ValueError, match="is not a valid"):
        reconcile(mine, lines)


def test_a_days_result_counts_what_is_open_and_what_agrees():
    """
    Messages and their money; a difference is kept whole.
    """
    mine = [
        *(ours(number, state="sent") for number in (1, 2, 3)),
        *(ours(number, amount_fen=number) for number in (4, 5)),
        ours(6),
    ]
    lines = [*(theirs(number, amount_fen=number) for number in (4, 5)), theirs(7, "credit", 8)]

    assert reconcile(mine, lines) == Reconciliation(
        (
            Difference(DifferenceKind.SHORTAGE, name(6), Direction.DEBIT, 100, 0, 100, ()),
            Difference(
                *(DifferenceKind.SURPLUS, name(7), Direction.CREDIT, 0, 8, 8),
                ("ICBC-000001",),
            ),
        ),
        *(2, 9, 3),
    )


def test_a_line_without_a_message_is_refused():
    """
    It would be compared with nothing.
    """
    with pytest.raises(ValueError, match="comes after"):
        [*compare([], [theirs()._replace(message="")])]
