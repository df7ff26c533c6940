"""The ledger's clock, and what falls due when it is turned."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hongbao.answers import ClockShown
from hongbao.domain.dates import YEAR_LAST, next_cut_off
from hongbao.errors import ClockBackwards, InvalidDuration, InvalidInstant, NotClaimable
from hongbao.units import iso
from hongbao.wallet.packets import DUE_AT_ONCE
from hongbao.wallet.settlement import Settlement

_END = datetime(YEAR_LAST, 12, 31, tzinfo=UTC)
"""Where clocks stop: nobody can type a later date, and packets still have to expire."""

_TICK = timedelta(microseconds=1)


class Clock(Settlement):
    """Reading the clock, and turning it forward."""

    def clock(self) -> ClockShown:
        """Return which clock this home has, and what it says."""
        home = self.home
        kind = "real" if home.virtual_at is None else "virtual"
        return {
            "clock": kind,
            "at": iso(self.now()),
            "holds": [],
            "refunds": [],
            "resolved": [],
            "settled": [],
        }

    def advance_clock(self, by: timedelta) -> ClockShown:
        """Turn the clock forward *by* that much (see `set_clock`). Raises InvalidDuration."""
        now = self.now()
        if by > _END - now:
            raise InvalidDuration(f"{by.days}d")
        return self.set_clock(now + by)

    def set_clock(self, at: datetime) -> ClockShown:
        """
        Put the home on a virtual clock at *at*, letting happen what falls due until then.

        What falls due happens in order, each at its own due time, so that one long turn leaves the
        same ledger as many short ones. Raises ClockBackwards or InvalidInstant.
        """
        if at > _END:
            raise InvalidInstant(iso(at))
        now = self.now()
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
        settled_at = self._turn(now) - _TICK  # a cut-off that is now has not been, perhaps
        while True:
            turned["resolved"] += self._resolve(asking=False)
            cut_off = self._cut_off_after(settled_at)
            moments = (
                self.store.next_hold_end(),
                self.store.next_expiry(),
                self._next_delivery(),
                cut_off,
            )
            due_at = min((moment for moment in moments if moment is not None), default=_END)
            if due_at > at:
                break
            turned["holds"] += self._end_holds(due_at)
            self._refund_expired(due_at, turned)
            self._turn(due_at)
            if due_at == cut_off:
                settled_at = due_at
                settled = self.settle()
                turned["resolved"] += settled["resolved"]
                if settled["batch"] is not None:
                    turned["settled"].append(settled)
        turned["at"] = iso(self._turn(at))
        return turned

    def _turn(self, at: datetime) -> datetime:
        """Let a virtual clock say *at*, unless it is later already; return what it says."""
        with self.changing():
            self.store.set_virtual_clock(max(at, self.now()))
            return self.now()

    def _refund_expired(self, at: datetime, turned: ClockShown) -> None:
        for row in self.store.due(at, None, DUE_AT_ONCE):
            with suppress(NotClaimable):  # somebody else was quicker; it is not due any more
                refunded = self._refund(
                    row.packet.id, sender=row.packet.sender, at=row.packet.expires_at
                )
                turned["refunds"].append(refunded)

    def _next_delivery(self) -> datetime | None:
        """Return when a refund next sets out for its card, or is given up."""
        patience = timedelta(days=self.policy.refund.give_up_days)
        return self.store.next_delivery(self.now(), patience)

    def _cut_off_after(self, at: datetime) -> datetime | None:
        """Return the first cut-off after *at*; None where there would be nothing to do at it."""
        if not self.store.has_unfinished_payments():
            return None
        return next_cut_off(max(at, self.now() - _TICK), self.policy.settlement.cut_off)
