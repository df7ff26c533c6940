"""Which acts share a lane, and so cannot both be the next: too few, and money is made twice."""

import pytest

from hongbao.domain.lanes import (
    FREE,
    PLATFORM,
    SHARED,
    content_of,
    is_taken_from,
    lane_of_row,
    lanes_of,
)
from hongbao.domain.ledger import SIDES, Kind
from tests.every import every

BALANCE = ("platform", "balance", 3)
OWNED = {
    "balance": "profile",
    "packet": "packet",
    "pending": "payment",
    "held": "case",
    "deposit": "deposit",
}


def lanes(*moves, profile=None, packet=None, payment=None, rows=()) -> set[str]:
    return lanes_of(profile, packet, payment, moves, rows)


@every(("kind", "owner"), [*OWNED.items()])
def test_an_account_of_something_is_in_its_lane_whether_it_gives_or_gets(kind: str, owner: str):
    """
    Both change what the next act about it decides on.
    """
    account = ("platform", kind, 9)

    assert {f"{owner}/9", "profile/3"} == lanes((account, BALANCE)) == lanes((BALANCE, account))


def test_every_kind_of_account_is_of_something_or_shared():
    """
    A new kind without a lane would let two acts take the same money.
    """
    assert {*SIDES} == {*SHARED, *map(Kind, OWNED)}
    assert SHARED.isdisjoint(OWNED)


@every("kind", sorted(SHARED))
def test_what_everybody_shares_is_in_a_lane_only_when_it_is_taken_from(kind: str):
    """
    A thousand top-ups add to what is in transit, and do not wait for each other.
    """
    account = ("platform", kind, 1)
    into, out_of = (account, BALANCE), (BALANCE, account)
    if SIDES[Kind(kind)] == "credit":  # a debit takes from it
        into, out_of = out_of, into

    assert {"profile/3"} == lanes(into)
    assert {"profile/3", PLATFORM} == lanes(out_of)


@every("kind", sorted(SIDES))
def test_money_is_taken_from_an_account_on_the_side_that_is_not_its_own(kind: str):
    """
    An account of credits falls by a debit, one of debits by a credit.
    """
    is_of_credits = SIDES[Kind(kind)] == "credit"

    assert is_of_credits is is_taken_from(("platform", kind, 1), credited=False)
    assert is_of_credits is not is_taken_from(("platform", kind, 1), credited=True)


def test_an_account_of_no_kind_is_in_the_lane_of_the_platform():
    """
    Who edited the row does not choose where it is missed.
    """
    assert {PLATFORM, "profile/3"} == lanes((("platform", "attic", 1), BALANCE))


@every(
    ("table", "key", "lane"),
    [
        ("profile", "3", "profile/3"),
        ("packet", "7", "packet/7"),
        ("person", "2", "person/2"),
        ("card", "5", "card/5"),
        ("deposit", "4", "deposit/4"),
        ("enrolment", "3/1", "profile/3"),
        ("maturing", "3/20260217", "profile/3"),
        ("habit", "3/night", "profile/3"),
        ("challenge", "6", "challenge/6"),
        ("challenge_tries", "6", "challenge/6"),
        ("usage", "2/topup/20260217", "person/2"),
        ("message", "8", "payment/8"),
        ("review_case", "1", "case/1"),
        ("external_bill", "1/2", "bill/1"),
        ("pin", "profile-3", "profile/3"),
        ("pin", "operator-3", PLATFORM),
        ("device", "1", PLATFORM),
        ("home", "1", PLATFORM),
        ("policy", "standard@2", PLATFORM),
    ],
)
def test_a_row_is_in_the_lane_of_what_its_key_begins_with(table: str, key: str, lane: str):
    """
    A table that is not listed is the platform's: slower, and never wrong.
    """
    assert lane == lane_of_row(table, key)
    assert {lane} == lanes(rows=[(table, key)])


def test_rows_that_need_no_lane_bring_none():
    """
    What every act of a device changes, and what is only added, would make all acts wait.
    """
    assert {"counter", "refusal", "stop"} == FREE
    assert {"profile/3"} == lanes(profile=3, rows=[(table, "1") for table in FREE])


@pytest.mark.parametrize(
    ("about", "lane"),
    [({"profile": 3}, "profile/3"), ({"packet": 7}, "packet/7"), ({"payment": 8}, "payment/8")],
)
def test_an_act_is_in_the_lane_of_what_it_is_about(about: dict[str, int], lane: str):
    """
    Also when it moves nothing: what it was decided on must not have changed.
    """
    assert {lane} == lanes(**about)
    assert {lane, "person/2"} == lanes(**about, rows=[("usage", "2/topup/20260217")])


def test_an_act_about_nothing_is_in_the_lane_of_the_platform():
    """
    No act is in no lane: it would be sealed nowhere.
    """
    assert {PLATFORM} == lanes()
    assert {PLATFORM} == lanes((("platform", "reserve", 1), ("platform", "outgoing", 1)))


def test_two_acts_of_one_packet_have_other_contents():
    """
    The number in each lane is sealed with the act, so no two can change places.
    """
    act = '[[1,"claim"],[],[]]'

    assert b'[[[1,"claim"],[],[]],["packet/7",1]]' == content_of(act, [("packet/7", 1)])
    assert content_of(act, [("packet/7", 1)]) != content_of(act, [("packet/7", 2)])
    assert content_of(act, [("a", 1), ("b", 1)]) != content_of(act, [("b", 1), ("a", 1)])
