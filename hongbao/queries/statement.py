"""Statements: one snapshot of a period, with its holder, its lines and its signer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Reversible
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hongbao.auditing.private import card_number
from hongbao.domain.dates import Span, start_of_last
from hongbao.domain.identity import mask_card_number, mask_id_number, mask_real_name
from hongbao.domain.ids import REQUEST_PREFIX, account_id, home_mark
from hongbao.domain.text import mask_profile_name
from hongbao.errors import PeriodNotBegun
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.queries.check import head_line
from hongbao.queries.devices import check_this_machine
from hongbao.queries.history import ACTS, ARRIVALS, check_range, entry_span, movement_lines
from hongbao.store import CardRow, ProfileRow, TotalsRow

if TYPE_CHECKING:
    from hongbao.answers import HeadLine, HolderLine, MovementLine

HIDDEN = "***"
"""The replacement for free text in a masked statement."""


class Signer(NamedTuple):
    """The profile's key: what it signs, anyone can check who knows its public half."""

    public_key: bytes
    sign: Callable[[bytes], bytes]


Added = tuple[int, int, int]
"""What movements add up to: how many they are, money in and money out."""


class Sums:
    """
    What a statement's movements add up to.

    Who reads the movements to their end has added them up, and *settles* it. Asked for before, it
    is read out of the ledger, and every row with it. For what needs no more, such as a progress
    bar, there is a number that the movements are not more than: *count_at_most*.
    """

    def __init__(
        self, read: Callable[[], Added], count_at_most: int, known: Added | None = None
    ) -> None:
        self._read = read
        self._known = known
        self.count_at_most = count_at_most

    @classmethod
    def of(cls, count: int, in_fen: int, out_fen: int) -> Sums:
        """Return sums that are known."""
        known = (count, in_fen, out_fen)
        return cls(lambda: known, count, known)

    @property
    def known(self) -> Added:
        if self._known is None:
            self._known = self._read()
        return self._known

    def settle(self, added: Added) -> Added:
        """Return the sums: *added*, unless they had been asked for before it was known."""
        if self._known is None:
            self._known = added
        return self._known


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A profile's movements in a period, oldest first, between its opening and its closing balance.

    *head* is the last entry before the period's end, so that a closed period always gives the same
    statement. *begins_at* and *ends_at* are the period's as far as there is anything to tell:
    from the profile's making to the last entry, where an end is left open. *lines* can be
    read, from either end and as often as one likes, while the statement is open. A format that
    asks what they add up to once it has read them costs one reading less (see `Sums`).

    A payment's state is that of the period's end. One that was on its way when the period
    began has no line in it; that it came to its card is among the *arrivals*, which move nothing of
    the balance.
    """

    profile: str
    account_id: str  # the balance's, among all that a program may know; no name can change it
    holder: HolderLine
    since: datetime | None
    until: datetime | None
    begins_at: datetime
    ends_at: datetime
    opening_fen: int
    closing_fen: int
    sums: Sums
    head: HeadLine
    masked: bool
    full: bool
    signer: Signer
    lines: Reversible[MovementLine]
    arrivals: Iterable[MovementLine] = ()
    checkpoint: str | None = None  # the newest of the log that this machine has seen
    sandbox: bool = False  # of a sandbox, which a reader could take for real

    @property
    def in_fen(self) -> int:
        return self.sums.known[1]

    @property
    def out_fen(self) -> int:
        return self.sums.known[2]

    @property
    def count(self) -> int:
        return self.sums.known[0]


class _Lines:
    """Movements that are read again each time they are iterated."""

    def __init__(self, read: Callable[[bool], Iterator[MovementLine]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[MovementLine]:
        return self._read(False)

    def __reversed__(self) -> Iterator[MovementLine]:
        return self._read(True)


class _Arrivals:
    """The same, from one end."""

    def __init__(self, read: Callable[[], Iterator[MovementLine]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[MovementLine]:
        return self._read()


def check_period(home: Home, since: datetime | None, until: datetime | None) -> None:
    """Raise InvalidRange or PeriodNotBegun if no statement can be of *since* to *until*."""
    check_range(since, until)
    now = home.now()
    if since is not None and since > now:
        raise PeriodNotBegun(since=since, now_at=now)


@contextmanager
def statement(
    home: Home,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: Span | None = None,
    upto: int | None = None,
    masked: bool = False,
    full: bool = False,
) -> Iterator[Statement]:
    """
    Open this profile's statement from *since* up to but not at *until*, or of the *last* span.

    It is one moment of the ledger, however long reading it takes; with *upto*, what it was
    when that entry was the last. *masked* hides the names of others and all free text;
    *full* says the holder's name and numbers whole; `hongbao.wallet.statement` asks for the PIN
    first. Raises InvalidRange and PeriodNotBegun.
    """
    check_period(home, since, until)
    with home.looking():
        me = home.me
        if last is not None:
            since = start_of_last(last, home.now())
        span = entry_span(home, since, until, None if upto is None else upto + 1)
        around = home.store.totals(me.id, span)
        head = head_line(home, span.stop - 1)
        last_at = act_in(home, head["entry"]).at if head["entry"] else me.opened_at
        ends_at = last_at if until is None or until > home.now() else until
        yield Statement(
            profile=mask_profile_name(me.name) if masked else me.name,
            account_id=account_id(home_mark(home.row.made_at), me.id),
            holder=holder_of(home, me, ends_at, full=full),
            since=since,
            until=until,
            begins_at=since or me.opened_at,
            ends_at=ends_at,
            opening_fen=around.opening_fen,
            closing_fen=around.closing_fen,
            sums=Sums(lambda: _added(home.store.totals(me.id, span, ACTS)), around.entries),
            head=head,
            masked=masked,
            full=full,
            signer=signer(home, me),
            lines=_Lines(lambda newest_first: _stated(home, me, span, newest_first, masked)),
            arrivals=_Arrivals(lambda: _arrived(home, me, span, masked)),
            checkpoint=seen_checkpoint(home),
            sandbox=home.is_sandbox,
        )


def seen_checkpoint(home: Home) -> str | None:
    """Return the text of the newest checkpoint that this machine has seen of the ledger's log."""
    if home.store.log is None:
        return None
    from hongbao.home.log import MachineLog  # which a ledger in a file has no use for

    return MachineLog(home.env, home.vault, home.store).memory().seen.text


def _stated(
    home: Home, me: ProfileRow, span: range, newest_first: bool, masked: bool
) -> Iterator[MovementLine]:
    lines = movement_lines(
        home, home.store.movements(me.id, span, acts=ACTS, newest_first=newest_first)
    )
    return map(_masked, lines) if masked else lines


def _added(totals: TotalsRow) -> Added:
    return totals.movements, totals.in_fen, totals.out_fen


def _arrived(home: Home, me: ProfileRow, span: range, masked: bool) -> Iterator[MovementLine]:
    """Yield what came to a card in *span* and was on its way before it."""
    if span.start == 1:
        return iter(())  # nothing was asked for before the first entry
    found = home.store.movements(
        me.id, span, acts=ARRIVALS, newest_first=False, asked_before=span.start
    )
    lines = movement_lines(home, found)
    return map(_masked, lines) if masked else lines


def signer(home: Home, me: ProfileRow) -> Signer:
    """
    Return the signer for *me*: None if this machine is not one of their devices.

    One who opens a home may read everything in it, but signs nothing in another's name.
    Raises DeviceKeyMissing, DeviceKeyDamaged, DevicePending or SessionCut.
    """
    check_this_machine(home, me)
    purpose = purpose_of(me.id)
    return Signer(home.vault.public_key(purpose), lambda message: home.vault.sign(purpose, message))


def holder_of(home: Home, me: ProfileRow, at: datetime, *, full: bool) -> HolderLine:
    """Return the holder of a statement: *me*, with the cards *at* that time."""

    def opened(place: str, sealed: bytes | None, mask: Callable[[str], str]) -> str | None:
        if sealed is None:
            return None
        text = home.vault.unseal(me.id, place, sealed)
        return text if full else mask(text)

    def number(card: CardRow) -> str:
        text = card_number(home.vault, card)
        return text if full else mask_card_number(text)

    return {
        "real_name": opened("real_name", me.real_name, mask_real_name),
        "id_number": opened("id_number", me.id_number, mask_id_number),
        "cards": [
            {
                "card": card.name,
                "bank": card.bank,
                "number": number(card),
            }
            for card in home.store.cards(me.id, removed=True)
            if card.bound_at <= at and (card.removed_at is None or card.removed_at > at)
        ],
    }


def purpose_of(profile: int) -> str:
    """Return the purpose of the signing key of *profile* (see `hongbao.vault.Vault.sign`)."""
    return f"profile/{profile}"


def _masked(line: MovementLine) -> MovementLine:
    other, typed = line["counterparty"], not line["request_id"].startswith(REQUEST_PREFIX)
    return {
        **line,
        "greeting": None,
        "counterparty": None if other is None else mask_profile_name(other),
        "request_id": HIDDEN if typed else line["request_id"],
    }
