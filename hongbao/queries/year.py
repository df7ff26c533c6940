"""A year of red packets: what a profile has received and sent in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
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
        received, sent = _packets(home, entry_span(home, start_of_day(first), start_of_day(after)))
        from_others = [each for each in received if each.packet.packet.sender != me.id]
        best = max(received, key=lambda each: each.mine.amount_fen, default=None)
        fastest = min(from_others, key=lambda each: each.after, default=None)
        given = Counter[str]()
        for each in from_others:
            given[each.packet.sender_name] += each.mine.amount_fen
        generous, generous_fen = _first(given)
        greetings = Counter(row.greeting for row in sent if row.greeting)
        greeting, greeting_count = _first(greetings)
        found: Year = {
            "profile": me.name,
            "year": number,
            "lunar": lunar,
            "first_day": first.isoformat(),
            "last_day": (after - _ONE_DAY).isoformat(),
            "at": iso(now),
            "sandbox": home.is_sandbox,
            "title": None,
            "received_count": len(received),
            "received_fen": sum(each.mine.amount_fen for each in received),
            "sent_count": len(sent),
            "sent_fen": sum(row.packet.total_fen for row in sent),
            "luckiest_fen": None if best is None else best.mine.amount_fen,
            "luckiest_shares": None if best is None else best.packet.packet.count,
            "luckiest_sender": None if best is None else best.packet.sender_name,
            "fastest_micros": None if fastest is None else fastest.after // _MICROSECOND,
            "fastest_sender": None if fastest is None else fastest.packet.sender_name,
            "generous": generous,
            "generous_fen": generous_fen,
            "streak": _streak(received),
            "greeting": greeting,
            "greeting_count": greeting_count,
            "months": _months(first, after - _ONE_DAY, received, sent),
        }
        found["title"] = _title(found)
        return found


def _first(counter: Counter[str]) -> tuple[str | None, int]:
    """Return what *counter* has the most of, and how much; None if it has nothing."""
    return next(iter(counter.most_common(1)), (None, 0))


def _packets(home: Home, span: range) -> tuple[list[_Received], list[PacketRow]]:
    """Return what was received and what was sent in the entries of *span*, in order of time."""
    received: list[_Received] = []
    sent: list[PacketRow] = []
    me = home.me.id
    for act in home.store.movements(me, span, acts=("claim", "send"), newest_first=False):
        row = None if act.packet is None else home.store.packet(act.packet)
        if row is None or act.status == "came_back":
            continue
        if act.act == "send":
            sent.append(row)
            continue
        claims = home.store.claims(row.packet.number)
        mine = next(claim for claim in claims if claim.profile == me)
        if mine.hold not in _SENT_BACK:
            received.append(_Received(row, mine, claims))
    return received, sent


def _streak(received: Sequence[_Received]) -> int:
    """Return how often in a row, at most, the one who received was the luckiest."""
    longest = running = 0
    for each in received:
        if each.is_compared:
            running = running + 1 if each.is_luckiest else 0
            longest = max(longest, running)
    return longest


def _months(
    first: date, last: date, received: Sequence[_Received], sent: Sequence[PacketRow]
) -> list[YearMonth]:
    """Return what was received and sent in each month that has a day from *first* to *last*."""
    months: dict[str, YearMonth] = {}
    for number in range(first.year * 12 + first.month, last.year * 12 + last.month + 1):
        key = f"{(number - 1) // 12}-{(number - 1) % 12 + 1:02}"
        months[key] = {"month": key, "received_fen": 0, "sent_fen": 0}
    for each in received:
        months[china_day(each.mine.at).isoformat()[:7]]["received_fen"] += each.mine.amount_fen
    for row in sent:
        months[china_day(row.packet.created_at).isoformat()[:7]]["sent_fen"] += row.packet.total_fen
    return [*months.values()]


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
