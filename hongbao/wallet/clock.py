"""The virtual clock: advanced, with everything that falls due on the way."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hongbao.changes.home import SetReadings
from hongbao.domain.dates import YEAR_LAST, next_cut_off
from hongbao.errors import ClockBackwards, InvalidDuration, InvalidInstant, NotClaimable
from hongbao.home.opened import Home
from hongbao.store import PacketView
from hongbao.units import iso
from hongbao.wallet.again import repeated
from hongbao.wallet.refund import DUE_AT_ONCE, refund_packet
from hongbao.wallet.releasing import end_due_holds
from hongbao.wallet.settlement import resolve, settle

if TYPE_CHECKING:
    from hongbao.answers import ClockShown

_END = datetime(YEAR_LAST, 12, 31, tzinfo=UTC)
"""The latest time of a clock: no later date can be typed, and packets still have to expire."""

_TICK = timedelta(microseconds=1)


def clock(home: Home) -> ClockShown:
    """Return which clock this home has, and what it says."""
    home_row = home.row
    kind = "real" if home_row.virtual_at is None else "virtual"
    return {
        "clock": kind,
        "at": iso(home.now()),
        "holds": [],
        "refunds": [],
        "resolved": [],
        "settled": [],
    }


def advance_clock(home: Home, by: timedelta) -> ClockShown:
    """Turn the clock forward *by* that much (see `set_clock`). Raises InvalidDuration."""
    now = home.now()
    if by > _END - now:
        raise InvalidDuration(f"{by.days}d")
    return set_clock(home, now + by)


def set_clock(home: Home, at: datetime) -> ClockShown:
    """
    Put the home on a virtual clock at *at*, letting happen what falls due until then.

    What falls due happens in order, each at its own due time, so that one long turn leaves the
    same ledger as many short ones. Raises ClockBackwards or InvalidInstant.
    """
    if at > _END:
        raise InvalidInstant(iso(at))
    now = home.now()
    if at < now:
        raise ClockBackwards(now_at=now)
    turned: ClockShown = {
        "clock": "virtual",
        "at": iso(at),
        "holds": [],
        "refunds": [],
        "resolved": [],
        "settled": [],
    }
    settled_at = _turn(home, now) - _TICK  # a cut-off that is now has not been, perhaps
    while True:
        turned["resolved"] += resolve(home, asking=False)
        patience = timedelta(days=home.policy.refund.give_up_days)
        waiting = home.store.next_due(home.now(), patience)
        cut_off = _cut_off_after(home, settled_at) if waiting.is_unfinished else None
        moments = (waiting.hold_end, waiting.refund, waiting.delivery, cut_off)
        due_at = min((moment for moment in moments if moment is not None), default=_END)
        if due_at > at:
            break
        turned["holds"] += end_due_holds(home, due_at)
        _refund_expired(home, due_at, turned)
        _turn(home, due_at)
        if due_at == cut_off:
            settled_at = due_at
            settled = settle(home)
            turned["resolved"] += settled["resolved"]
            if settled["batch"] is not None:
                turned["settled"].append(settled)
    turned["at"] = iso(_turn(home, at))
    return turned


@repeated
def _turn(home: Home, at: datetime) -> datetime:
    """Advance a virtual clock to *at*, unless it is later already; return its time."""
    with home.changing():
        home.store.apply([SetReadings(home.row._replace(virtual_at=max(at, home.now())))])
        return home.now()


def _refund_expired(home: Home, at: datetime, turned: ClockShown) -> None:
    for row in home.store.packets(PacketView.DUE, None, at, DUE_AT_ONCE):
        with suppress(NotClaimable):  # another process was faster; it is not due any more
            refunded = refund_packet(
                home, row.packet.id, sender=row.packet.sender, at=row.packet.expires_at
            )
            turned["refunds"].append(refunded)


def _cut_off_after(home: Home, at: datetime) -> datetime:
    """Return the first cut-off after *at*."""
    return next_cut_off(max(at, home.now() - _TICK), home.policy.settlement.cut_off)
