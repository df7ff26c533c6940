"""The count of tries at a PIN, in the ledger and next to the keys: the greater one counts."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hongbao.store import Holder, PinRow, Store
from hongbao.units import from_micros, to_micros
from hongbao.vault import Tries

if TYPE_CHECKING:
    from hongbao.domain.policy import PinRules


def later_of(row: PinRow, noted: Tries) -> PinRow:
    """
    Return *row* with what was tried later, by its own count or by what is *noted*.

    Both only grow: a count that is behind is an older one that was put back.
    """
    if (row.tries, row.cleared) >= (noted.tried, noted.cleared):
        return row
    locked = noted.locked_until_us
    return row._replace(
        tries=noted.tried,
        cleared=noted.cleared,
        locked_until=from_micros(locked) if locked else None,
    )


def as_tries(row: PinRow, step: int) -> Tries:
    """Return the tries in *row*, with an authenticator's last *step*, to be noted."""
    locked = row.locked_until
    return Tries(row.tries, row.cleared, step, 0 if locked is None else to_micros(locked))


def holders(store: Store) -> list[Holder]:
    """Return everyone who has a PIN."""
    return [
        *(Holder("profile", row.id) for row in store.profiles()),
        *(Holder("operator", row.id) for row in store.operators()),
    ]


def tried_in(store: Store) -> dict[Holder, Tries]:
    """Return the tries at each PIN, as *store* has them."""
    steps = {row.id: row.totp_step for row in store.profiles()}
    return {
        holder: as_tries(store.pin(holder), steps[holder.id] if holder.table == "profile" else 0)
        for holder in holders(store)
    }


def used_up(row: PinRow, rules: "PinRules", now: datetime) -> PinRow:
    """Return *row* as if so many tries had been wrong that its PIN is locked for the longest."""
    wrong = rules.attempts_max
    while rules.hours_locked(wrong) < rules.hours_locked(wrong + rules.attempts_max):
        wrong += rules.attempts_max
    until = now + timedelta(hours=rules.hours_locked(wrong))
    return row._replace(
        tries=max(row.tries, row.cleared + wrong),
        locked_until=max(row.locked_until or until, until),
    )
