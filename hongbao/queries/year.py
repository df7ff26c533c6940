"""A year of red packets: what a profile has received and sent in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.dates import china_day, start_of_day
from hongbao.domain.deal import luckiest
from hongbao.domain.lunar import lunar_year, new_years_eve
from hongbao.domain.packet import PacketKind
from hongbao.home.opened import Home
from hongbao.queries.history import entry_span
from hongbao.store import ClaimRow, PacketRow
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import Year, YearMonth

PACKETS_MIN = 3
"""A year with fewer packets has no title yet."""

_GENEROUS_TIMES = 2
_STREAK_MIN = 3
_QUICK = timedelta(seconds=3)
_COLLECTOR_MIN = 10

_MICROSECOND = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)
_SENT_BACK = ("returned", "rejected")


class _Received(NamedTuple):
    """A packet that was received: the share in it, and all shares."""

    packet: PacketRow
    mine: ClaimRow
    claims: Sequence[ClaimRow]

    @property
    def after(self) -> timedelta:
        return self.mine.at - self.packet.packet.created_at

    @property
    def is_compared(self) -> bool:
        """Whether one of those who claimed is the luckiest."""
        packet = self.packet.packet
        return packet.kind is PacketKind.LUCKY and 1 < packet.count == len(self.claims)

    @property
    def is_luckiest(self) -> bool:
        best = luckiest([claim.amount_fen for claim in self.claims])
        return self.claims[best].profile == self.mine.profile


class _Sums:
    """What the packets of a year, from *first* to *last*, come to: packet by packet, none kept."""

    def __init__(self, first: date, last: date) -> None:
        self.received_count = self.received_fen = self.sent_count = self.sent_fen = 0
        self.best: _Received | None = None
        self.fastest: _Received | None = None
        self.given = Counter[str]()
        self.greetings = Counter[str]()
        self.streak = self._running = 0
        self.months: dict[str, YearMonth] = {}
        for number in range(first.year * 12 + first.month, last.year * 12 + last.month + 1):
            key = f"{(number - 1) // 12}-{(number - 1) % 12 + 1:02}"
            self.months[key] = {"month": key, "received_fen": 0, "sent_fen": 0}

    def receive(self, each: _Received, *, is_own: bool) -> None:
        fen = each.mine.amount_fen
        self.received_count += 1
        self.received_fen += fen
        self._month(each.mine.at)["received_fen"] += fen
        if self.best is None or fen > self.best.mine.amount_fen:
            self.best = each
        if each.is_compared:
            self._running = self._running + 1 if each.is_luckiest else 0
            self.streak = max(self.streak, self._running)
        if is_own:
            return
        self.given[each.packet.sender_name] += fen
        if self.fastest is None or each.after < self.fastest.after:
            self.fastest = each

    def send(self, row: PacketRow) -> None:
        fen = row.packet.total_fen
        self.sent_count += 1
        self.sent_fen += fen
        self._month(row.packet.created_at)["sent_fen"] += fen
        if row.greeting:
            self.greetings[row.greeting] += 1

    def _month(self, at: datetime) -> YearMonth:
        return self.months[china_day(at).isoformat()[:7]]


def year(home: Home, number: int | None = None, *, lunar: bool = False) -> Year:
    """
    Return the year *number* of this profile's red packets; without a number the current one.

    A *lunar* year is from New Year's Eve up to the next one. What went back to its sender, because
    risk control held it, was neither received nor sent.
    """
    with home.looking():
        me, now = home.me, home.now()
        today = china_day(now)
        if number is None:
            number = lunar_year(today) if lunar else today.year
        first, after = (
            (new_years_eve(number), new_years_eve(number + 1))
            if lunar
            else (date(number, 1, 1), date(number + 1, 1, 1))
        )
        last = after - _ONE_DAY
        sums = _Sums(first, last)
        _add_packets(home, entry_span(home, start_of_day(first), start_of_day(after)), sums)
        best, fastest = sums.best, sums.fastest
        generous, generous_fen = _first(sums.given)
        greeting, greeting_count = _first(sums.greetings)
        found: Year = {
            "profile": me.name,
            "year": number,
            "lunar": lunar,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "at": iso(now),
            "sandbox": home.is_sandbox,
            "title": None,
            "received_count": sums.received_count,
            "received_fen": sums.received_fen,
            "sent_count": sums.sent_count,
            "sent_fen": sums.sent_fen,
            "luckiest_fen": None if best is None else best.mine.amount_fen,
            "luckiest_shares": None if best is None else best.packet.packet.count,
            "luckiest_sender": None if best is None else best.packet.sender_name,
            "fastest_micros": None if fastest is None else fastest.after // _MICROSECOND,
            "fastest_sender": None if fastest is None else fastest.packet.sender_name,
            "generous": generous,
            "generous_fen": generous_fen,
            "streak": sums.streak,
            "greeting": greeting,
            "greeting_count": greeting_count,
            "months": [*sums.months.values()],
        }
        found["title"] = _title(found)
        return found


def _first(counter: Counter[str]) -> tuple[str | None, int]:
    """Return what *counter* has the most of, and how much; None if it has nothing."""
    return next(iter(counter.most_common(1)), (None, 0))


def _add_packets(home: Home, span: range, sums: _Sums) -> None:
    """Add up what was received and what was sent in the entries of *span*, in order of time."""
    me = home.me.id
    for act in home.store.movements(me, span, acts=("claim", "send"), newest_first=False):
        row = None if act.packet is None else home.store.packet(act.packet)
        if row is None or act.status == "came_back":
            continue
        if act.act == "send":
            sums.send(row)
            continue
        claims = home.store.claims(row.packet.number)
        mine = next(claim for claim in claims if claim.profile == me)
        if mine.hold not in _SENT_BACK:
            sums.receive(_Received(row, mine, claims), is_own=row.packet.sender == me)


def _title(found: Year) -> str | None:
    """Return the title that fits this year the best, as a code."""
    if found["received_count"] + found["sent_count"] < PACKETS_MIN:
        return None
    if found["sent_fen"] >= _GENEROUS_TIMES * found["received_fen"]:
        return "generous"
    if found["streak"] >= _STREAK_MIN:
        return "lucky"
    micros = found["fastest_micros"]
    if micros is not None and micros < _QUICK // _MICROSECOND:
        return "quick"
    return "collector" if found["received_count"] >= _COLLECTOR_MIN else "sociable"
