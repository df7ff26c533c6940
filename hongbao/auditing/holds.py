"""Checks of holds: what is held has an open case, and each case exactly its money."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from hongbao.auditing.look import Look
from hongbao.auditing.sealed import has
from hongbao.domain.ledger import Kind, Reason
from hongbao.units import from_micros, iso, yuan

_ENDS = {"released": "release", "returned": "return"}

_HOLDS = """
    SELECT hold.number, hold.id, hold.state, hold.amount_fen, hold.until, hold.ends, hold.closed,
        CASE WHEN hold.message IS NOT NULL THEN 'withdraw'
            WHEN packet.entry = hold.entry THEN 'send' ELSE 'claim' END AS what,
        CASE WHEN hold.message IS NOT NULL THEN message.entry = hold.entry
                AND message.amount_fen = hold.amount_fen AND message.profile = hold.profile
            WHEN packet.entry = hold.entry THEN packet.total_fen = hold.amount_fen
                AND packet.sender = hold.profile
            ELSE claim.amount_fen = hold.amount_fen AND claim.profile = hold.profile END,
        opened.act, opened.answer, shut.act, shut.at, shut.answer,
        shut.profile IS iif(claim.packet IS NOT NULL AND hold.state IN ('returned', 'rejected'),
            packet.sender, hold.profile),
        message.state, message.outcome,
        coalesce(kept.credits_fen, 0), coalesce(kept.debits_fen, 0),
        (SELECT group_concat(taker.kind || ' ' || reason) FROM transfer
            JOIN account AS taker ON taker.id = credit
            WHERE transfer.entry = hold.closed AND debit = kept.id)
    FROM review_case AS hold
    LEFT JOIN packet ON packet.number = hold.packet
    LEFT JOIN message ON message.number = hold.message
    LEFT JOIN entry AS opened ON opened.id = hold.entry
    LEFT JOIN entry AS shut ON shut.id = hold.closed
    LEFT JOIN claim ON claim.packet = hold.packet AND claim.entry = hold.entry
    LEFT JOIN account AS kept ON kept.book = 'platform' AND kept.kind = 'held'
        AND kept.owner = hold.number
    WHERE hold.kind = 'hold'
"""


class _Hold(NamedTuple):
    """One hold as it stands, beside the entries that began it and ended it."""

    number: int
    id: str
    state: str
    amount_fen: int
    until: int
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
        """Say whether all of it fits together."""
        return self._is_as_begun() and self._has_its_money() and self._has_ended_so()

    def _is_as_begun(self) -> bool:
        facts = {"case": self.id, "until": iso(from_micros(self.until)), "ends": self.ends}
        return (
            self.opened_as == self.what
            and bool(self.is_about_that)
            and has(_part(self.opened, "held"), facts)
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
            and has(self.ended, {"case": self.id, "held": self.what, "ended": self.state})
            and (by_itself is None or (by_itself == self.ends and self.ended_at >= self.until))
            and self._went_its_way()
        )

    def _went_its_way(self) -> bool:
        is_free = self.state in ("released", "approved")
        if self.what == "withdraw":
            return (self.message_outcome == self.closed) is not is_free
        if not is_free:
            return self.went in [f"{kind} {Reason.RETURN}" for kind in (Kind.BALANCE, Kind.PENDING)]
        kind = Kind.PACKET if self.what == "send" else Kind.BALANCE
        return self.went == f"{kind} {Reason.RELEASE}"


class Holds(Look):
    """Whether what is held is what cases say, and nothing else is."""

    def _held(self) -> Iterator[str]:
        for row in self._rows(_HOLDS):
            hold = _Hold(*row)
            if not hold.is_sound():
                kept_fen = hold.in_fen - hold.out_fen
                yield f"{hold.id}: {yuan(hold.amount_fen)}, {hold.state} / {yuan(kept_fen)}"
        for owner, fen in self._rows(
            "SELECT owner, credits_fen - debits_fen FROM account WHERE kind = 'held'"
            " AND NOT EXISTS (SELECT 1 FROM review_case"
            "  WHERE number = owner AND review_case.kind = 'hold')"
        ):
            yield f"case {owner}: {yuan(fen)}"


def _part(answer: str, name: str) -> str:
    """Return what a sealed *answer* has under *name*, as JSON; nothing where it has none."""
    try:
        return json.dumps(json.loads(answer)[name])
    except (ValueError, KeyError, TypeError):
        return ""
