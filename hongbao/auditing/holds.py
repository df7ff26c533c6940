"""Checks of holds: what is held has an open case, and each case exactly its money."""

from collections.abc import Iterator
from typing import NamedTuple

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import has, part_of
from hongbao.domain.ledger import Kind, Reason
from hongbao.questions import Question
from hongbao.units import from_micros, iso, yuan

_ENDS = {"released": "release", "returned": "return"}


class _Hold(NamedTuple):
    """One hold with the entries that began it and ended it."""

    number: int
    id: str
    state: str
    amount_fen: int
    until: int | None
    ends: str
    closed: int | None
    what: str
    is_about_that: int | None
    opened_as: str | None
    opened: str
    ended_as: str | None
    ended_at: int
    ended: str
    fits_owner: int
    message_state: str | None
    message_outcome: int | None
    in_fen: int
    out_fen: int
    went: str | None

    def is_sound(self) -> bool:
        """Return whether all of it fits together."""
        return self._is_as_begun() and self._has_its_money() and self._has_ended_so()

    def _is_as_begun(self) -> bool:
        if self.until is None:
            return False
        facts = {"case": self.id, "until": iso(from_micros(self.until)), "ends": self.ends}
        held = part_of(self.opened_as, self.opened, "held")
        return (
            self.opened_as == self.what
            and bool(self.is_about_that)
            and all(held.get(name) == value for name, value in facts.items())
        )

    def _has_its_money(self) -> bool:
        if self.what == "withdraw":  # it is frozen as any withdrawal's is
            return self.in_fen == self.out_fen == 0
        out_fen = 0 if self.closed is None else self.amount_fen
        return (self.in_fen, self.out_fen) == (self.amount_fen, out_fen)

    def _has_ended_so(self) -> bool:
        if self.closed is None:
            return self.message_state in (None, "created")
        by_itself = _ENDS.get(self.state)
        return (
            self.ended_as == self.state
            and bool(self.fits_owner)
            and has(
                self.ended_as, self.ended, {"case": self.id, "held": self.what, "ended": self.state}
            )
            and (by_itself is None or (by_itself == self.ends and self._was_due()))
            and self._went_its_way()
        )

    def _was_due(self) -> bool:
        return self.until is not None and self.ended_at >= self.until

    def _went_its_way(self) -> bool:
        is_free = self.state in ("released", "approved")
        if self.what == "withdraw":
            return (self.message_outcome == self.closed) is not is_free
        if not is_free:
            return self.went in [f"{kind} {Reason.RETURN}" for kind in (Kind.BALANCE, Kind.PENDING)]
        kind = Kind.PACKET if self.what == "send" else Kind.BALANCE
        return self.went == f"{kind} {Reason.RELEASE}"


def check_held(context: Context) -> Iterator[str]:
    """Yield holds whose case, amount and destination disagree."""
    for row in context.rows(Question.HOLDS):
        hold = _Hold(*row)
        if not hold.is_sound():
            kept_fen = hold.in_fen - hold.out_fen
            yield f"{hold.id}: {yuan(hold.amount_fen)}, {hold.state} / {yuan(kept_fen)}"
    for owner, fen in context.rows(Question.HELD_WITHOUT_CASE):
        yield f"case {owner}: {yuan(fen)}"
