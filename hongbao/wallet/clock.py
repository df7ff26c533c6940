"""The ledger's clock, and what falls due when it is turned."""

from datetime import datetime, timedelta

from hongbao.answers import ClockShown, Refunded
from hongbao.errors import ClockBackwards, NotClaimable
from hongbao.units import iso
from hongbao.wallet.packets import DUE_AT_ONCE, Packets


class Clock(Packets):
    """Reading the clock, and turning it forward."""

    def clock(self) -> ClockShown:
        """Return which clock this home has, and what it says."""
        home = self.home
        kind = "real" if home.virtual_at is None else "virtual"
        return {"clock": kind, "at": iso(self.now()), "refunds": []}

    def advance_clock(self, by: timedelta) -> ClockShown:
        """Turn the home's clock forward *by* that much (see `set_clock`)."""
        return self.set_clock(self.now() + by)

    def set_clock(self, at: datetime) -> ClockShown:
        """
        Put the home on a virtual clock at *at*, letting happen what falls due until then.

        What falls due happens in order, each at its own due time, so that one long turn leaves the
        same ledger as many short ones. Raises ClockBackwards.
        """
        now = self.now()
        if at < now:
            raise ClockBackwards(now_at=now)
        refunds: list[Refunded] = []
        while True:
            with self.store.transaction():
                due = self.store.due(at, None, DUE_AT_ONCE)
                if not due:
                    self.store.set_virtual_clock(max(at, self.now()))
                    return {"clock": "virtual", "at": iso(self.now()), "refunds": refunds}
            for row in due:
                try:
                    refunds.append(
                        self._refund(
                            row.packet.id,
                            sender=row.packet.sender,
                            at=max(row.packet.expires_at, now),
                        )
                    )
                except NotClaimable:  # somebody else was quicker; it is not due any more
                    continue
