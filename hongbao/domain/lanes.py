"""
Lanes: the chains of a ledger on a cluster, one for each profile, packet and person.

What an act changes, or decides on and must not find changed, belongs to lanes. Acts that share none
have nothing to do with each other; of two that share one, the later one stands on the earlier.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from hongbao.domain.chain import values
from hongbao.domain.ledger import PLATFORM as BOOK
from hongbao.domain.ledger import Kind

Holds = tuple[str, str, int]
"""An account: its book, kind and owner."""

PLATFORM = "platform"
"""The lane of the rest: rules, operators, devices, cards, banks, settlement."""

FIRST_MAC = bytes(32)
"""What the first entry of a lane is sealed upon."""

_OWNERS: dict[str, str] = {Kind.BALANCE: "profile", Kind.PACKET: "packet"}

_ROWS = {
    **{table: table for table in ("profile", "packet", "person")},
    **dict.fromkeys(("enrolment", "maturing", "habit"), "profile"),
    "usage": "person",
}
"""The tables whose rows belong to the lane of what their key begins with."""

_PIN_OF = "profile-"

FREE = frozenset({"counter", "refusal", "stop"})
"""
Rows that no lane is needed for.

A device's counter is changed only from below. A refusal is remembered once, and sealed apart,
and a stop has the number of its entry.
"""


def lane_of(account: Holds) -> str:
    """
    Return the lane that *account* belongs to.

    >>> lane_of(("platform", "balance", 3)), lane_of(("platform", "fees", 0))
    ('profile/3', 'platform')
    """
    book, kind, number = account
    owner = _OWNERS.get(kind) if book == BOOK else None
    return PLATFORM if owner is None else f"{owner}/{number}"


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


def lanes_of(
    profile: object,
    packet: object,
    accounts: Iterable[Holds],
    rows: Iterable[tuple[str, str]],
) -> set[str]:
    """Return the lanes of an act about *profile* and *packet* with its *accounts* and *rows*."""
    lanes = {lane_of(account) for account in accounts}
    lanes |= {lane_of_row(table, key) for table, key in rows if table not in FREE}
    if profile is not None:
        lanes.add(f"profile/{profile}")
    if packet is not None:
        lanes.add(f"packet/{packet}")
    return lanes or {PLATFORM}


def content_of(act: str, places: Sequence[tuple[str, int]]) -> bytes:
    """
    Return the bytes of the entry of *act*, which has these *places*: its number in each lane.

    >>> content_of("[[1],[],[]]", [("packet/2", 7), ("profile/3", 1)])
    b'[[[1],[],[]],["packet/2",7,"profile/3",1]]'
    """
    return f"[{act},[{','.join(values(chain.from_iterable(places)))}]]".encode()
