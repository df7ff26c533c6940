"""
The books replayed: every entry that moved money, and what each account held before and after it.

It is found from the transfers alone, by running totals, forward and back; the ledger is read once,
and what its accounts say they hold is not looked at. In the end it has to be the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import CENTRAL, PLATFORM, SIDES, Account, Kind, Reason, Transfer
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.queries.books import ORDER, PEOPLES, act_called, acts_of, book_shown, owner_named
from hongbao.questions import Question
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import AccountLine, BookReplayed

_SUMMED = PEOPLES | {Kind.DEPOSIT}
"""Accounts of which there are many: those that an entry leaves alone are added up."""

_EMPTIED = frozenset({Kind.PACKET, Kind.PENDING, Kind.HELD})
"""Accounts that are done with once they are empty, and not counted then."""


class Recorded(NamedTuple):
    """An entry that moved money, and its transfers."""

    entry: int
    act: str
    at: datetime
    profile: str | None
    request_id: str
    transfers: tuple[Transfer, ...]


class Replay:
    """
    The entries in order, and the books as they were after one of them: *place*, from 0 on.

    Before the first one, at place 0, nothing has moved.
    """

    def __init__(self, entries: Iterable[Recorded], names: dict[Account, str | None]) -> None:
        self.entries = tuple(entries)
        self._names = names
        self.place = 0
        self._held: dict[Account, int] = {}
        self._moves: dict[Account, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def held(self) -> dict[Account, int]:
        """What each account that has moved by now holds, on its own side."""
        return dict(self._held)

    def go_to(self, place: int) -> None:
        """Go forward or back to the books after the first *place* entries."""
        assert 0 <= place <= len(self.entries)
        while self.place < place:
            self._apply(self.entries[self.place], 1)
            self.place += 1
        while self.place > place:
            self.place -= 1
            self._apply(self.entries[self.place], -1)

    def _apply(self, entry: Recorded, way: int) -> None:
        for debit, credit, amount_fen, _reason in entry.transfers:
            for account, side in ((debit, "debit"), (credit, "credit")):
                more_fen = amount_fen if SIDES[account.kind] == side else -amount_fen
                self._held[account] = self._held.get(account, 0) + way * more_fen
                self._moves[account] = self._moves.get(account, 0) + way
                if not self._moves[account]:  # back to before it first moved
                    assert not self._held.pop(account)
                    del self._moves[account]

    def place_of(self, entry: int) -> int:
        """Return the place of *entry*, or of the last before it that moved money."""
        return sum(each.entry <= entry for each in self.entries)

    def shown(self) -> BookReplayed:
        """Return the books before and after the entry at this place, which is not place 0."""
        recorded = self.entries[self.place - 1]
        after = self.held
        self.go_to(self.place - 1)
        before = self.held
        self.go_to(self.place + 1)
        lines = self._lines(before, after)
        return {
            "place": self.place,
            "count": len(self.entries),
            "profile": recorded.profile,
            "at": iso(recorded.at),
            "diff": True,
            "entry": recorded.entry,
            "act": recorded.act,
            "request_id": None if recorded.request_id.startswith("/") else recorded.request_id,
            "transfers": [
                {
                    "book": debit.book,
                    "debit": str(debit.kind),
                    "credit": str(credit.kind),
                    "amount_fen": amount_fen,
                    "reason": str(reason),
                }
                for debit, credit, amount_fen, reason in recorded.transfers
            ],
            "books": [
                book_shown(code, lines[code])
                for code in (PLATFORM, *BANK_NUMBERS, CENTRAL)
                if code in lines
            ],
        }

    def _lines(
        self, before: dict[Account, int], after: dict[Account, int]
    ) -> dict[str, list[AccountLine]]:
        """Return the lines of each book: what did not change is summed up by its kind."""
        found: dict[tuple[str, Kind, int], AccountLine] = {}
        for account, held_fen in after.items():
            before_fen = before.get(account, 0)
            is_alone = account.kind not in _SUMMED or (
                before_fen != held_fen and account.kind is not Kind.DEPOSIT
            )
            if not is_alone and account.kind in _EMPTIED and not held_fen:
                continue
            key = (account.book, account.kind, account.owner if is_alone else 0)
            line = found.setdefault(
                key,
                {
                    "kind": str(account.kind),
                    "owner": self._names[account] if is_alone else None,
                    "side": SIDES[account.kind],
                    "before_fen": 0,
                    "held_fen": 0,
                    "count": 0,
                },
            )
            line["before_fen"] += before_fen
            line["held_fen"] += held_fen
            line["count"] += 1
        lines: dict[str, list[AccountLine]] = defaultdict(list)
        for (book, _kind, _owner), line in sorted(
            found.items(), key=lambda each: (ORDER[each[0][1]], each[0][2] == 0, each[0][2])
        ):
            lines[book].append(line)
        return lines


def replay(home: Home) -> Replay:
    """Return the replay of all that was moved, at its beginning."""
    with home.looking():
        names: dict[Account, str | None] = {}
        entries = [*_recorded(home)]
        for recorded in entries:
            for debit, credit, _amount_fen, _reason in recorded.transfers:
                for account in (debit, credit):
                    if account not in names:
                        names[account] = owner_named(home, account.kind, account.owner)
        return Replay(entries, names)


def _recorded(home: Home) -> Iterator[Recorded]:
    rows = home.store.audit(Question.SEALED_TRANSFERS)
    for entry, moved in groupby(rows, key=lambda row: int(row[0])):
        transfers = tuple(
            Transfer(
                Account(book, Kind(giver), giver_owner),
                Account(book, Kind(taker), taker_owner),
                amount_fen,
                Reason(reason),
            )
            for _entry, book, giver, giver_owner, taker, taker_owner, amount_fen, reason in moved
        )
        act = act_in(home, entry)
        called = act_called(home, act)
        yield Recorded(entry, called, act.at, act.profile_name, act.request_id, transfers)


def place_named(home: Home, replayed: Replay, subject: str | None) -> int:
    """
    Return the place of the entry that *subject* names (see `hongbao.queries.books`), or the first.

    Raises InvalidPacketId, PacketNotFound or RequestNotFound.
    """
    if subject is None:
        return min(1, len(replayed))
    with home.looking():
        acts = acts_of(home, subject)
    entry = int(subject) if re.fullmatch("[1-9][0-9]{0,17}", subject) else acts[-1].entry
    return max(replayed.place_of(entry), min(1, len(replayed)))


def sentences(home: Home, entry: int) -> list[tuple[str, dict[str, object]]]:
    """Return what happened in *entry*, as the codes and facts of `hongbao.queries.trace`."""
    from hongbao.home.witness import Written
    from hongbao.queries.explain import steps_of

    return [(step["says"], step["facts"]) for step in steps_of(home, [Written(entry, [])])]
