"""The ledger's clock, and what falls due when it is turned."""

from datetime import UTC, datetime, timedelta

from hongbao.answers import ClockShown, Refunded
from hongbao.domain.dates import YEAR_LAST
from hongbao.errors import ClockBackwards, InvalidDuration, InvalidInstant, NotClaimable
from hongbao.units import iso
from hongbao.wallet.packets import DUE_AT_ONCE, Packets

_END = datetime(YEAR_LAST, 12, 31, tzinfo=UTC)
"""Where clocks stop: nobody can type a later date, and packets still have to expire."""


class Clock(Packets):
    """Reading the clock, and turning it forward."""

    def clock(self) -> ClockShown:
        """Return which clock this home has, and what it says."""
        home = self.home
        kind = "real" if home.virtual_at is None else "virtual"
        return {"clock": kind, "at": iso(self.now()), "refunds": []}

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
        refunds: list[Refunded] = []
        while True:
            with self._under_these_keys(), self.store.transaction():
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
                            at=row.packet.expires_at,
                        )
                    )
                except NotClaimable:  # somebody else was quicker; it is not due any more
                    continue
