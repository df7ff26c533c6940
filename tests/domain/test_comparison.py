"""Every row of both books is said something of, once, and it matters neither how nor whose."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.comparison import TOLERANCE, Match, Row, Verdict, compare
from hongbao.units import CHINA
from tests.every import every

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=CHINA)
SECOND = timedelta(seconds=1)
TAKEN_FOR_THE_OTHER = {
    Verdict.OURS: Verdict.THEIRS,
    Verdict.THEIRS: Verdict.OURS,
    Verdict.BOTH: Verdict.BOTH,
    Verdict.DIFFER: Verdict.DIFFER,
}


def row(number: str = "1", seconds: int = 0, amount_fen: int = 100, **facts: Any) -> Row:
    told = {
        "direction": "out",
        "kind": "转账",
        "state": "支付成功",
        "counterparty": "小红",
        "place": 1,
    }
    return Row(id=number, at=NOON + seconds * SECOND, amount_fen=amount_fen, **{**told, **facts})


def seen(ours: Sequence[Row], theirs: Sequence[Row]) -> list[tuple[str, str | None, str | None]]:
    """Return what is said, and of which rows by their numbers."""
    return [
        (str(match.verdict), match.ours and match.ours.id, match.theirs and match.theirs.id)
        for match in compare(ours, theirs)
    ]


def test_the_same_books_agree():
    """
    Row by row, in the order of time.
    """
    book = [row("2", 60), row("1", 0), row("3", 90, direction="in")]

    matches = compare(book, book[::-1])

    assert ["1", "2", "3"] == [match.ours.id for match in matches if match.ours]
    assert {Verdict.BOTH} == {match.verdict for match in matches}
    assert all(match.by_id for match in matches)


@every(
    ("field", "value"),
    [
        ("amount_fen", 101),
        ("direction", "in"),
        ("at", NOON + SECOND),
        ("state", "已全额退款"),
        ("kind", "微信红包"),
    ],
)
def test_what_two_rows_of_one_number_disagree_on_is_named(field: str, value: Any):
    """
    One fen, one second, one word.
    """
    [match] = compare([row()], [row()._replace(**{field: value})])

    assert (Verdict.DIFFER, (field,)) == (match.verdict, match.differs)


def test_whom_it_was_with_is_not_compared():
    """
    Everybody calls people as they like.
    """
    [match] = compare([row()], [row(counterparty="红红")])

    assert Verdict.BOTH is match.verdict


def test_a_row_that_one_book_lacks_stands_alone():
    """
    On either side.
    """
    assert [("ours", "1", None)] == seen([row("1")], [])
    assert [("theirs", None, "1")] == seen([], [row("1")])


@every(
    ("apart", "verdicts"),
    [
        (timedelta(0), {"both"}),
        (TOLERANCE, {"both"}),
        (-TOLERANCE, {"both"}),
        (TOLERANCE + SECOND, {"ours", "theirs"}),
        (-TOLERANCE - SECOND, {"ours", "theirs"}),
    ],
)
def test_without_a_common_number_time_decides(apart: timedelta, verdicts: set[str]):
    """
    Five minutes either way, and not a second more.
    """
    theirs = row("4200")._replace(at=NOON + apart)

    assert verdicts == {said for said, *_ in seen([row("1")], [theirs])}


@pytest.mark.parametrize(
    "changes", [{"amount_fen": 101}, {"direction": "in"}, {"kind": "微信红包"}]
)
def test_without_a_common_number_all_else_has_to_be_the_same(changes: dict[str, Any]):
    """
    Two things of another amount, way or kind are two things.
    """
    assert {"ours", "theirs"} == {
        said for said, *_ in seen([row("1")], [row("4200")._replace(**changes)])
    }


def test_the_nearest_in_time_belong_together():
    """
    Not the first of those that are near enough.
    """
    theirs = [row("a", 0), row("b", 200), row("c", 210)]

    assert [
        ("theirs", None, "a"),
        ("theirs", None, "b"),
        ("both", "1", "c"),
    ] == seen([row("1", 220)], theirs)


def test_a_number_comes_before_time():
    """
    A row that is nearer in time has to look elsewhere.
    """
    assert [
        ("theirs", None, "4200"),
        ("differ", "1", "1"),
    ] == sorted(seen([row("1", 0)], [row("1", 200), row("4200", 0)]), reverse=True)


def test_a_row_of_our_own_number_is_no_other_thing_of_ours():
    """
    What the bill has under a number that this home gave and does not have any more stays alone.
    """
    ours, theirs = [row("HB-1")], [row("HB-2")]

    [one, two] = compare(ours, theirs, ours_by_number=lambda number: number.startswith("HB"))

    assert {Verdict.OURS, Verdict.THEIRS} == {one.verdict, two.verdict}


def test_a_number_that_stands_twice_has_to_stand_twice_on_the_other_side():
    """
    And the one of the same amount is taken first.
    """
    theirs = [row("1", 0, 70), row("1", 1, 50)]

    assert [("theirs", 70), ("both", 50)] == [
        (str(match.verdict), match.theirs and match.theirs.amount_fen)
        for match in compare([row("1", 1, 50)], theirs)
    ]


def test_a_book_without_numbers_is_compared_by_time():
    """
    No number is not a number that all of them share.
    """
    [match] = compare([row("", 0)], [row("", 60)])

    assert (Verdict.BOTH, False) == (match.verdict, match.by_id)


rows = st.lists(
    st.builds(
        row,
        st.sampled_from(["", *"abcdef"]),
        st.integers(0, 1500),
        st.integers(1, 3),
        direction=st.sampled_from(["in", "out", "neutral"]),
        kind=st.sampled_from(["转账", "微信红包"]),
        state=st.sampled_from(["支付成功", "已全额退款"]),
        place=st.integers(1, 99),
    ),
    max_size=25,
)


def said_of(matches: Sequence[Match]) -> Counter[Any]:
    return Counter((match.ours, match.theirs, match.by_id) for match in matches)


@given(rows, rows)
def test_every_row_of_both_books_is_in_exactly_one_match(ours: list[Row], theirs: list[Row]):
    """
    Nothing is lost, nothing is counted twice, and the sums of all matches are those of the books.
    """
    matches = compare(ours, theirs)

    assert Counter(ours) == Counter(match.ours for match in matches if match.ours)
    assert Counter(theirs) == Counter(match.theirs for match in matches if match.theirs)
    assert all(match.ours or match.theirs for match in matches)


@given(rows, rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(ours: list[Row], theirs: list[Row], dice: random.Random):
    """
    A bill that is sorted otherwise is the same bill.
    """
    before = compare(ours, theirs)
    dice.shuffle(ours)
    dice.shuffle(theirs)

    assert before == compare(ours, theirs)


@given(rows, rows)
def test_it_does_not_matter_which_book_is_called_ours(ours: list[Row], theirs: list[Row]):
    """
    What one lacks, the other has alone; each verdict has as many rows and the same sums.
    """

    def sums(matches: list[Match], *, turned: bool) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for match in matches:
            verdict = TAKEN_FOR_THE_OTHER[match.verdict] if turned else match.verdict
            for one, book in ((match.ours, "ours"), (match.theirs, "theirs")):
                if one is not None:
                    other = {"ours": "theirs", "theirs": "ours"}[book] if turned else book
                    found[verdict, other, one.direction] += one.amount_fen
                    found[verdict, other, "count"] += 1
        return found

    assert sums(compare(ours, theirs), turned=False) == sums(compare(theirs, ours), turned=True)


@given(rows, rows)
def test_nearest_first_is_what_looking_at_all_pairs_finds(ours: list[Row], theirs: list[Row]):
    """
    The distances in time of those that were matched so are what trying every pair gives.
    """
    ours = [one._replace(id="") for one in ours]
    theirs = [one._replace(id="") for one in theirs]
    found = sorted(
        abs(match.ours.at - match.theirs.at)
        for match in compare(ours, theirs)
        if match.ours and match.theirs
    )

    pairs = sorted(
        (abs(one.at - two.at), first, second)
        for first, one in enumerate(ours)
        for second, two in enumerate(theirs)
        if (one.amount_fen, one.direction, one.kind) == (two.amount_fen, two.direction, two.kind)
        and abs(one.at - two.at) <= TOLERANCE
    )
    taken: set[tuple[str, int]] = set()
    expected = []
    for apart, first, second in pairs:
        if not {("ours", first), ("theirs", second)} & taken:
            taken |= {("ours", first), ("theirs", second)}
            expected.append(apart)
    assert expected[:1] == found[:1]
    assert not any(
        one.amount_fen == two.amount_fen
        and one.direction == two.direction
        and one.kind == two.kind
        and abs(one.at - two.at) <= TOLERANCE
        for one in (match.ours for match in compare(ours, theirs) if match.theirs is None)
        for two in (match.theirs for match in compare(ours, theirs) if match.ours is None)
        if one is not None and two is not None
    )


def test_many_rows_of_one_amount_within_minutes_are_compared_at_once():
    """
    No two rows need be looked at more than a few times: this would take minutes otherwise.
    """
    ours = [row(f"o{number}", number % 300) for number in range(20_000)]
    theirs = [row(f"t{number}", number % 300) for number in range(20_000)]

    assert 20_000 == sum(match.verdict is Verdict.BOTH for match in compare(ours, theirs))


@every(
    ("ours", "theirs", "differs"),
    [
        ((0, True), (59, False), ()),
        ((0, False), (59, True), ()),
        ((10, True), (50, True), ()),
        ((0, False), (59, False), ("at",)),
        ((0, True), (60, False), ("at",)),
        ((-1, False), (0, True), ("at",)),
    ],
)
def test_a_time_without_seconds_is_any_of_its_minute(ours, theirs, differs):
    """
    On either side; the minute before or after is another time.
    """
    [match] = compare(*([row("1", at, to_minute=is_to)] for at, is_to in (ours, theirs)))

    assert differs == match.differs


@every("length", range(2, 7))
def test_alternating_rows_pair_up_along_the_whole_line(length):
    """
    From the first of them to the last, as far as they go.
    """
    books: tuple[list[Row], list[Row]] = ([], [])
    for place in range(length * 2):
        books[place % 2].append(row(f"{place}", place // 2 * 1000 + place % 2 * (place + 1)))

    pairs = [(match.ours, match.theirs) for match in compare(*books)]

    assert [*zip(*books, strict=True)] == pairs


def test_of_one_moment_ours_comes_first():
    """
    And then theirs, whichever number is the lower.
    """
    assert [("ours", "2", None), ("theirs", None, "1")] == (
        seen([row("2", amount_fen=5)], [row("1", amount_fen=6)])
    )


@every(
    ("ours", "theirs", "pairs"),
    [
        ([100, 250], [0, 130], {(100, 130), (250, 0)}),
        ([0, 50, 70], [75, 100, 160], {(70, 75), (50, 100), (0, 160)}),
        # What stands on both sides of a pair are neighbours, and again on both sides of the next.
        ([0, 130, 210], [100, 200, 290], {(210, 200), (130, 100), (0, 290)}),
        ([290, 160, 80], [190, 90, 0], {(80, 90), (160, 190), (290, 0)}),
        ([0, 400], [100, 301], {(0, 100), (400, 301)}),
        ([0], [300, 301], {(0, 300)}),
        ([0, 1], [2], {(1, 2)}),
    ],
)
def test_the_nearest_are_taken_first_and_then_what_stood_around_them(ours, theirs, pairs):
    """
    In seconds after noon; further apart than five minutes nothing belongs together.
    """
    for one, two, turned in ((ours, theirs, False), (theirs, ours, True)):
        matches = compare(
            [row("", at, place=at) for at in one], [row("", at, place=at) for at in two]
        )

        found = {(m.ours.place, m.theirs.place) for m in matches if m.ours and m.theirs}
        assert pairs == ({(b, a) for a, b in found} if turned else found)
