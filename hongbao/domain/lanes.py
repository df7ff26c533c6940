"""
Lanes: the chains of a ledger on a cluster, one for each profile, packet, payment, and so on.

What an act changes, or decides on and must not find changed, belongs to lanes. Acts that share none
have nothing to do with each other; of two that share one, the later one stands on the earlier.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import cast

from hongbao.domain.chain import values
from hongbao.domain.ledger import SIDES, Kind

Holds = tuple[str, str, int]
"""An account: its book, kind and owner."""

Move = tuple[Holds, Holds]
"""A transfer: the account that it debits, and the one that it credits."""

PLATFORM = "platform"
"""The lane of the rest: rules, operators, devices, settlement, what banks have done wrong."""

FIRST_MAC = bytes(32)
"""What the first entry of a lane is sealed upon."""

_OWNERS: dict[str, str] = {
    Kind.BALANCE: "profile",
    Kind.PACKET: "packet",
    Kind.PENDING: "payment",
    Kind.HELD: "case",
    Kind.DEPOSIT: "deposit",
}
"""The kinds of accounts of which there is one for each of something, which they belong to."""

SHARED = frozenset(SIDES) - _OWNERS.keys()
"""
The kinds of accounts that everybody's acts add to: what is in transit, fees, reserves.

Only settlement, and who puts right what a bank has done wrong, takes from one.
"""

_ROWS = {
    **{table: table for table in ("profile", "packet", "person", "card", "deposit")},
    **dict.fromkeys(("enrolment", "maturing", "habit"), "profile"),
    **dict.fromkeys(("challenge", "challenge_tries"), "challenge"),
    "usage": "person",
    "message": "payment",
    "review_case": "case",
    "external_bill": "bill",
}
"""The tables whose rows belong to the lane of what their key begins with."""

_PIN_OF = "profile-"

FREE = frozenset({"counter", "refusal", "stop"})
"""
Rows that no lane is needed for.

A device's counter is changed only from below. A refusal is remembered once, and sealed apart,
and a stop has the number of its entry.
"""


def is_taken_from(account: Holds, *, credited: bool) -> bool:
    """
    Return whether a transfer that has *account* debited, or *credited*, takes from it.

    >>> is_taken_from(("platform", "incoming", 3), credited=True)
    True
    >>> is_taken_from(("platform", "fees", 0), credited=True)
    False
    """
    return credited != (SIDES[Kind(account[1])] == "credit")


def _lane_of(account: Holds, *, credited: bool) -> str | None:
    """
    Return the lane of a move of *account*.

    What adds to one that is shared has none: nobody decides on there being so little.
    """
    _book, kind, number = account
    owner = _OWNERS.get(kind)
    if owner is not None:
        return f"{owner}/{number}"
    if kind not in SHARED:
        return PLATFORM  # an edited row's
    return PLATFORM if is_taken_from(account, credited=credited) else None


def lane_of_row(table: str, key: str) -> str:
    """
    Return the lane that the row *key* of *table* belongs to.

    >>> lane_of_row("enrolment", "3/1"), lane_of_row("device", "1"), lane_of_row("usage", "2")
    ('profile/3', 'platform', 'person/2')
    """
    if table == "pin" and key.startswith(_PIN_OF):
        return f"profile/{key.removeprefix(_PIN_OF)}"
    owner = _ROWS.get(table)
    return PLATFORM if owner is None else f"{owner}/{key.partition('/')[0]}"


def lanes_of_rows(rows: Iterable[tuple[str, str]]) -> set[str]:
    """Return the lanes of *rows*, each a table and a key."""
    return {lane_of_row(table, key) for table, key in rows if table not in FREE}


def lanes_of(
    profile: object,
    packet: object,
    payment: object,
    moves: Iterable[Move],
    rows: Iterable[tuple[str, str]],
) -> set[str]:
    """
    Return the lanes of an act about *profile*, *packet* and *payment* with its *moves* and *rows*.

    >>> topped_up = ("platform", "incoming", 1), ("platform", "balance", 3)
    >>> sorted(lanes_of(3, None, 7, [topped_up], []))
    ['payment/7', 'profile/3']
    >>> settled = ("platform", "reserve", 0), ("platform", "incoming", 1)
    >>> lanes_of(None, None, None, [settled], [])
    {'platform'}
    """
    lanes: set[str | None] = {*lanes_of_rows(rows)}
    for debit, credit in moves:
        lanes.add(_lane_of(debit, credited=False))
        lanes.add(_lane_of(credit, credited=True))
    if profile is not None:
        lanes.add(f"profile/{profile}")
    if packet is not None:
        lanes.add(f"packet/{packet}")
    if payment is not None:
        lanes.add(f"payment/{payment}")
    lanes.discard(None)
    return cast("set[str]", lanes) or {PLATFORM}


def content_of(act: str, places: Sequence[tuple[str, int]]) -> bytes:
    """
    Return the bytes of the entry of *act*, which has these *places*: its number in each lane.

    >>> content_of("[[1],[],[]]", [("packet/2", 7), ("profile/3", 1)])
    b'[[[1],[],[]],["packet/2",7,"profile/3",1]]'
    """
    return f"[{act},[{','.join(values(chain.from_iterable(places)))}]]".encode()
