"""The shelf with the books of all three tiers: as they stand, or before and after one act."""

import re
from collections import defaultdict

from hongbao.answers import (
    AccountLine,
    BookShown,
    BooksShown,
)
from hongbao.domain.identity import BANK_NUMBERS, BANKS
from hongbao.domain.ledger import CENTRAL, PLATFORM, SIDES, Kind
from hongbao.store import ActRow, ChangeRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.tracing import CORRECTED, Tracing

_PEOPLES = frozenset({Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD})
"""Accounts that are somebody's, and shown by themselves where an act changed them."""

_ORDER = {
    kind: place
    for place, kind in enumerate(
        (
            *(Kind.RESERVE, Kind.SETTLEMENT, Kind.ISSUE, Kind.INCOMING, Kind.SHORTAGE),
            *(Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD, Kind.DEPOSIT, Kind.OUTGOING),
            *(Kind.SURPLUS, Kind.FEES, Kind.BANK_RESERVE, Kind.PLATFORM_RESERVE),
        )
    )
}


class Shelf(Tracing):
    """What the desk can tell of where money is."""

    def books(self, subject: str | None = None, *, diff: bool = False) -> BooksShown:
        """
        Return every book of the home; with *diff* or a *subject*, before and after one act.

        *subject* is what `trace` takes, a batch, or an entry's number; without one it is
        the last act that moved money. All steps of a payment through the channel are one act.

        Raises InvalidPacketId, PacketNotFound or RequestNotFound.
        """
        with self.looking():
            acts = self._one_act(subject) if diff or subject is not None else []
            changes = self.store.changes([act.entry for act in acts]) if acts else []
            lines = self._lines(changes)
            asked = acts[0] if acts else None
            moved = self._moved(act.entry for act in acts) if acts else {}
            return {
                "at": iso(acts[-1].at if acts else self.now()),
                "diff": diff or subject is not None,
                "entry": acts[-1].entry if acts else None,
                "act": None if asked is None else self._act_called(asked),
                "request_id": (
                    None if asked is None or asked.request_id.startswith("/") else asked.request_id
                ),
                "transfers": [line for act in acts for line in moved.get(act.entry, [])],
                "books": [
                    _book(code, lines[code])
                    for code in (PLATFORM, *BANK_NUMBERS, CENTRAL)
                    if code in lines
                ],
            }

    def _one_act(self, subject: str | None) -> list[ActRow]:
        """Return the entries of the act that *subject* names, or of the last one that moved any."""
        if subject is None:
            last = self.store.last_act_that_moved()
            return [] if last is None else self._whole(last)
        entry = self.store.batch_entry(subject.strip().upper())
        if entry is not None:
            return [self.store.act_of(entry)]
        act = self._requested(subject.strip())
        if act is not None:
            return self._whole(act)
        if re.fullmatch("[1-9][0-9]{0,17}", subject.strip()):
            number = int(subject)
            if self.store.mac_of(number) is not None:
                return self._whole(self.store.act_of(number))
        message = self.store.message_called(subject.strip().upper())
        if message is not None and message.profile == self.me.id:
            return self._whole(self.store.act_of(message.entry))
        meant = self._meant(subject)
        assert isinstance(meant, PacketRow)
        return self._whole(self.store.act_of(meant.entry))

    def _whole(self, act: ActRow) -> list[ActRow]:
        """Return every step of the payment that *act* was one of; a correction stands alone."""
        if act.message is None or act.act == CORRECTED:
            return [act]
        return [each for each in self.store.acts_about(act.message) if each.act != CORRECTED]

    def _act_called(self, act: ActRow) -> str:
        if act.message is None or act.act == CORRECTED:
            return act.act
        return str(self.store.message(act.message).reason)

    def _lines(self, changes: list[ChangeRow]) -> dict[str, list[AccountLine]]:
        """
        Return the lines of each book, as they were before and after the act that made *changes*.

        What is held now, less all that has moved since, is what was held before.
        """
        found: dict[tuple[str, Kind, int], AccountLine] = {}
        for book, kind, owner, accounts, held_fen in self.store.held([bank.code for bank in BANKS]):
            found[book, kind, owner] = self._account_line(kind, owner, held_fen, accounts)
        for change in changes:
            owner = 0 if change.kind in _PEOPLES or change.kind is Kind.DEPOSIT else change.owner
            key = (change.book, change.kind, owner)
            if key not in found:  # of what was open then, nothing is any more
                found[key] = self._account_line(*key[1:], 0, 0)
            line, then_fen = found[key], change.held_fen - change.since_fen
            after_fen = then_fen + change.own_fen
            line["before_fen"] -= change.since_fen
            line["held_fen"] += change.own_fen - change.since_fen
            if change.kind in (Kind.PACKET, Kind.PENDING, Kind.HELD):  # empty ones are not counted
                line["count"] += bool(after_fen) - bool(change.held_fen)
            if change.kind in _PEOPLES and change.own_fen:
                line["before_fen"] -= then_fen
                line["held_fen"] -= after_fen
                line["count"] -= bool(after_fen) if change.kind is not Kind.BALANCE else 1
                own = self._account_line(*change[1:3], after_fen, 1)
                own["before_fen"] = then_fen
                found[change[:3]] = own
        lines: dict[str, list[AccountLine]] = defaultdict(list)
        for (book, kind, owner), line in sorted(
            found.items(), key=lambda each: (_ORDER[each[0][1]], each[0][2] == 0, each[0][2])
        ):
            is_rest = kind in _PEOPLES and owner == 0
            if not (is_rest and line["count"] == 0 and line["held_fen"] == 0):
                lines[book].append(line)
        return lines

    def _account_line(self, kind: Kind, owner: int, held_fen: int, accounts: int) -> AccountLine:
        return {
            "kind": str(kind),
            "owner": self._owner(kind, owner) if owner else None,
            "side": SIDES[kind],
            "before_fen": held_fen,
            "held_fen": held_fen,
            "count": accounts,
        }

    def _owner(self, kind: Kind, owner: int) -> str:
        match kind:
            case Kind.BALANCE:
                return self._profile_by_id(owner).name
            case Kind.PACKET:
                return self.store.packet_numbered(owner)
            case Kind.PENDING:
                return self.store.message(owner).id
            case Kind.HELD:
                return self.store.case_numbered(owner).id
        return BANKS[owner - 1].code


def _book(code: str, lines: list[AccountLine]) -> BookShown:
    def added(side: str) -> int:
        return sum(line["held_fen"] for line in lines if line["side"] == side)

    return {
        "book": code,
        "accounts": lines,
        "debits_fen": added("debit"),
        "credits_fen": added("credit"),
    }
