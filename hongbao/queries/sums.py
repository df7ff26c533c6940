"""What a profile's movements add up to, and how the balance went."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from hongbao.domain.dates import Span, start_of_last
from hongbao.home.opened import Home
from hongbao.queries.history import ACTS, Names, check_range, entry_span, profile_names
from hongbao.store import Movement
from hongbao.units import iso, iso_of_micros

if TYPE_CHECKING:
    from hongbao.answers import BalanceOverTime, HistorySums, SumLine

GROUPS: dict[str, Callable[[Movement, Names], str | None]] = {
    "day": lambda movement, _names: iso_of_micros(movement.micros)[:10],
    "month": lambda movement, _names: iso_of_micros(movement.micros)[:7],
    "person": lambda movement, names: names(movement.counterparty),
    "kind": lambda movement, _names: movement.act,
}
"""What movements can be added up by; those with no other person are one group."""

IN_ORDER_OF_TIME = ("day", "month")


def sums(
    home: Home,
    by: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: Span | None = None,
    acts: Collection[str] | None = None,
    counterparty: str | None = None,
) -> HistorySums:
    """
    Return what the movements that fit (see `history`) add up to *by* one of `GROUPS`.

    Days and months are in order of time; people and kinds begin with those that moved the most.
    As in a statement, only what moved the balance is added up. Raises what `history` does.
    """
    check_range(since, until)
    with home.looking():
        me = home.me
        if last is not None:
            since = start_of_last(last, home.now())
        other = None if counterparty is None else home.profile_named(counterparty).id
        movements = home.store.movements(
            me.id,
            entry_span(home, since, until),
            acts=ACTS if acts is None else (*acts,),
            counterparty=other,
            newest_first=False,
        )
        group_of, names = GROUPS[by], profile_names(home)
        found: dict[str | None, SumLine] = {}
        whole = _nothing(None)
        for movement in movements:
            group = group_of(movement, names)
            for line in (found.setdefault(group, _nothing(group)), whole):
                line["count"] += 1
                line["in_fen"] += max(movement.amount_fen, 0)
                line["out_fen"] += max(-movement.amount_fen, 0)
                line["net_fen"] += movement.amount_fen
        groups = [*found.values()]
        if by not in IN_ORDER_OF_TIME:
            groups.sort(key=lambda line: -line["in_fen"] - line["out_fen"])
        return {
            "profile": me.name,
            "by": by,
            "count": whole["count"],
            "in_fen": whole["in_fen"],
            "out_fen": whole["out_fen"],
            "net_fen": whole["net_fen"],
            "groups": groups,
        }


def _nothing(group: str | None) -> SumLine:
    return {"group": group, "count": 0, "in_fen": 0, "out_fen": 0, "net_fen": 0}


def balance_over_time(
    home: Home,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: Span | None = None,
) -> BalanceOverTime:
    """
    Return the balance after each movement of a period, in order of time, and before the first.

    Raises ProfileNotFound or InvalidRange.
    """
    check_range(since, until)
    with home.looking():
        me, now = home.me, home.now()
        if last is not None:
            since = start_of_last(last, now)
        span = entry_span(home, since, until)
        balances = home.store.totals(me.id, span)
        movements = home.store.movements(me.id, span, acts=ACTS, newest_first=False)
        return {
            "profile": me.name,
            "begins_at": iso(max(since or me.opened_at, me.opened_at)),
            "ends_at": iso(now if until is None else min(until, now)),
            "opening_fen": balances.opening_fen,
            "closing_fen": balances.closing_fen,
            "points": [
                {
                    "entry": each.entry,
                    "at": iso_of_micros(each.micros),
                    "balance_fen": each.balance_fen,
                }
                for each in movements
                if each.amount_fen
            ],
        }
