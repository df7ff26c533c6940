"""Books: every institution's accounts, now, or before and after one act."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from hongbao.domain.identity import BANK_NUMBERS, BANKS
from hongbao.domain.ledger import CENTRAL, PLATFORM, SIDES, Kind
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.queries.trace import CORRECTED, moved_lines, requested, resolve_subject
from hongbao.store import ActRow, ChangeRow, PacketRow
from hongbao.units import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hongbao.answers import AccountLine, BookShown, BooksShown

PEOPLES = frozenset({Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD})
"""Accounts with an owner, which are shown singly if an act changed them."""

ORDER = {
    kind: place
    for place, kind in enumerate(
        (
            *(Kind.RESERVE, Kind.SETTLEMENT, Kind.ISSUE, Kind.INCOMING, Kind.SHORTAGE),
            *(Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD, Kind.DEPOSIT, Kind.OUTGOING),
            *(Kind.SURPLUS, Kind.FEES, Kind.BANK_RESERVE, Kind.PLATFORM_RESERVE),
        )
    )
}


def books(home: Home, subject: str | None = None, *, diff: bool = False) -> BooksShown:
    """
    Return every book of the home; with *diff* or a *subject*, before and after one act.

    *subject* is what `trace` takes, a batch, or an entry's number; without one it is
    the last act that moved money. All steps of a payment through the channel are one act.

    Raises InvalidPacketId, PacketNotFound or RequestNotFound.
    """
    with home.looking():
        acts = acts_of(home, subject) if diff or subject is not None else []
        changes = home.store.moved([act.entry for act in acts]).accounts if acts else ()
        lines = _book_lines(home, changes)
        asked = acts[0] if acts else None
        moved = moved_lines(home, (act.entry for act in acts)) if acts else {}
        return {
            "at": iso(acts[-1].at if acts else home.now()),
            "diff": diff or subject is not None,
            "entry": acts[-1].entry if acts else None,
            "act": None if asked is None else act_called(home, asked),
            "request_id": (
                None if asked is None or asked.request_id.startswith("/") else asked.request_id
            ),
            "transfers": [line for act in acts for line in moved.get(act.entry, [])],
            "books": [
                book_shown(code, lines[code])
                for code in (PLATFORM, *BANK_NUMBERS, CENTRAL)
                if code in lines
            ],
        }


def acts_of(home: Home, subject: str | None = None) -> list[ActRow]:
    """
    Return the entries of the act that *subject* names, or of the last one that moved money.

    All steps of a payment through the channel are one act. Raises what `books` does.
    """
    if subject is None:
        last = home.store.act()
        return [] if last is None else _whole(home, last)
    settled = home.store.act(batch=subject.strip().upper())
    if settled is not None:
        return [settled]
    act = requested(home, subject.strip())
    if act is not None:
        return _whole(home, act)
    if re.fullmatch("[1-9][0-9]{0,17}", subject.strip()):
        named = home.store.act(int(subject))
        if named is not None:
            return _whole(home, named)
    message = home.store.message(subject.strip().upper())
    if message is not None and message.profile == home.me.id:
        return _whole(home, act_in(home, message.entry))
    meant = resolve_subject(home, subject)
    assert isinstance(meant, PacketRow)
    return _whole(home, act_in(home, meant.entry))


def _whole(home: Home, act: ActRow) -> list[ActRow]:
    """Return every step of the payment that *act* was one of; a correction stands alone."""
    if act.message is None or act.act == CORRECTED:
        return [act]
    return [each for each in home.store.acts(message=act.message) if each.act != CORRECTED]


def act_called(home: Home, act: ActRow) -> str:
    """Return the name of *act*: a step of a payment is called as the payment is."""
    if act.message is None or act.act == CORRECTED:
        return act.act
    return str(home.store.message(act.message).reason)


def _book_lines(home: Home, changes: Iterable[ChangeRow]) -> dict[str, list[AccountLine]]:
    """
    Return the lines of each book, as they were before and after the act that made *changes*.

    What is held now, less all that has moved since, is what was held before.
    """
    found: dict[tuple[str, Kind, int], AccountLine] = {}
    everywhere = (PLATFORM, *BANK_NUMBERS, CENTRAL)
    for book, kind, owner, accounts, held_fen in home.store.held(everywhere):
        found[book, kind, owner] = _account_line(home, kind, owner, held_fen, accounts)
    for change in changes:
        owner = 0 if change.kind in PEOPLES or change.kind is Kind.DEPOSIT else change.owner
        key = (change.book, change.kind, owner)
        if key not in found:  # of what was open then, nothing is any more
            found[key] = _account_line(home, *key[1:], 0, 0)
        line, then_fen = found[key], change.held_fen - change.since_fen
        after_fen = then_fen + change.own_fen
        line["before_fen"] -= change.since_fen
        line["held_fen"] += change.own_fen - change.since_fen
        if change.kind in (Kind.PACKET, Kind.PENDING, Kind.HELD):  # empty ones are not counted
            line["count"] += bool(after_fen) - bool(change.held_fen)
        if change.kind in PEOPLES and change.own_fen:
            line["before_fen"] -= then_fen
            line["held_fen"] -= after_fen
            line["count"] -= bool(after_fen) if change.kind is not Kind.BALANCE else 1
            own = _account_line(home, *change[1:3], after_fen, 1)
            own["before_fen"] = then_fen
            found[change[:3]] = own
    lines: dict[str, list[AccountLine]] = defaultdict(list)
    for (book, kind, owner), line in sorted(
        found.items(), key=lambda each: (ORDER[each[0][1]], each[0][2] == 0, each[0][2])
    ):
        is_rest = kind in PEOPLES and owner == 0
        if not (is_rest and line["count"] == 0 and line["held_fen"] == 0):
            lines[book].append(line)
    return lines


def _account_line(home: Home, kind: Kind, owner: int, held_fen: int, accounts: int) -> AccountLine:
    return {
        "kind": str(kind),
        "owner": _owner(home, kind, owner) if owner else None,
        "side": SIDES[kind],
        "before_fen": held_fen,
        "held_fen": held_fen,
        "count": accounts,
    }


def owner_named(home: Home, kind: Kind, owner: int) -> str | None:
    """Return the name of who an account of *kind* is kept for; None if it is no one's."""
    return _owner(home, kind, owner) if owner and kind is not Kind.DEPOSIT else None


def _owner(home: Home, kind: Kind, owner: int) -> str:
    match kind:
        case Kind.BALANCE:
            return home.profile_by_id(owner).name
        case Kind.PACKET:
            return home.store.packet(owner).packet.id
        case Kind.PENDING:
            return home.store.message(owner).id
        case Kind.HELD:
            return home.store.case(owner).id
    return BANKS[owner - 1].code


def book_shown(code: str, lines: list[AccountLine]) -> BookShown:
    """Return the book *code* with these *lines*."""

    def added(side: str) -> int:
        return sum(line["held_fen"] for line in lines if line["side"] == side)

    return {
        "book": code,
        "accounts": lines,
        "debits_fen": added("debit"),
        "credits_fen": added("credit"),
    }
