"""Checks of payments: messages, money in transit, settlements, and banks' suspense accounts."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import at, facts_in, has
from hongbao.domain.channel import (
    ASKED_AS,
    BOOKED_AS,
    CHANNEL_MARKS,
    DIRECTIONS,
    FINAL,
    GIVEN_BACK_AS,
    INSUFFICIENT,
    REFUSED_FOR,
    Fault,
)
from hongbao.domain.dates import day_key
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import PLATFORM, Kind, Reason
from hongbao.domain.policy import parse_policy
from hongbao.errors import InvalidPolicy
from hongbao.questions import Question
from hongbao.units import from_micros, yuan


def check_transit(context: Context) -> Iterator[str]:
    """Compare what each side has on its way with the messages that put it there."""
    held = context.held_by_kind()
    ours: dict[tuple[str, str], int] = defaultdict(int)
    theirs: dict[tuple[str, str], int] = defaultdict(int)
    for bank, direction, ours_fen, theirs_fen in context.rows(Question.IN_TRANSIT):
        ours[bank, direction] = ours_fen
        theirs[bank, direction] = theirs_fen
    incoming = context.by_owner(PLATFORM, Kind.INCOMING)
    outgoing = context.by_owner(PLATFORM, Kind.OUTGOING)
    for bank, number in BANK_NUMBERS.items():
        for name, held_fen, added_fen in (
            (f"{PLATFORM}, in from {bank}", -incoming[number], ours[bank, "debit"]),
            (f"{PLATFORM}, out to {bank}", outgoing[number], ours[bank, "credit"]),
            (f"{bank}, out", held[bank, Kind.OUTGOING], theirs[bank, "debit"]),
            (f"{bank}, in", -held[bank, Kind.INCOMING], theirs[bank, "credit"]),
        ):
            if held_fen != added_fen:
                yield f"{name}: {yuan(held_fen)} / {yuan(added_fen)}"


def check_messages(context: Context) -> Iterator[str]:
    """Yield payments whose state, outcome and frozen money disagree."""
    frozen = context.by_owner(PLATFORM, Kind.PENDING)
    numbers = set()
    for row in context.rows(Question.PAYMENTS):
        payment = _Payment(*row)
        numbers.add(payment.number)
        if not payment.is_sound(frozen[payment.number]):
            yield f"{payment.id}: {payment.state}"
    for number, fen in frozen.items():
        if number not in numbers and fen:
            yield f"message {number}: {yuan(fen)}"
    yield from _as_banks_have_them(context)


def _as_banks_have_them(context: Context) -> Iterator[str]:
    """Compare how far each bank is with a payment with the last entry that says so."""
    for payment, bank, place, theirs, follows in how_far_banks_are(context):
        if (place, theirs) != (bank, follows):
            yield f"{payment}: {theirs[0]}, {bank}"


def how_far_banks_are(
    context: Context,
) -> Iterator[tuple[str, str, str | None, list[object], list[object]]]:
    """
    Yield each payment that a bank knows: its id, its bank, and what is kept of that bank.

    Then what follows from the last entry about it: its state, why it was refused, and when a
    queued one is booked.
    """
    seconds: dict[str | None, int] = {}
    for payment, bank, place, *theirs, facts, when, ref in context.rows(Question.BANK_MESSAGES):
        if facts is not None and ref not in seconds:
            seconds[ref] = _slow_seconds(context, ref)
        said = facts_in("bank", facts)
        state, fault = said.get("state"), said.get("fault")
        reason = REFUSED_FOR.get(str(fault), INSUFFICIENT) if state == "refused" else None
        ready_at = None
        if state == "queued" and fault == Fault.SLOW:
            ready_at = when + seconds[ref] * 1_000_000
        yield payment, bank, place, theirs, [state, reason, ready_at]


def _slow_seconds(context: Context, ref: str | None) -> int:
    """Return how slow a bank is by the policy *ref*; 0 where it cannot be read any more."""
    if ref is None:  # taken out of its entry
        return 0
    try:
        policy = parse_policy(context.store.rules("policy", ref) or "", ref)
    except InvalidPolicy:
        return 0
    return policy.channel.slow_seconds


def check_batches(context: Context) -> Iterator[str]:
    """Yield settlements that differ from the sum of their payments."""
    for batch, bank in context.rows(Question.UNBALANCED_BATCH_LINES):
        yield f"batch {batch}: {bank}"
    for batch, facts, moved_fen, gross_fen in context.rows(Question.BATCHES):
        sealed = {"batch": batch, "net_fen": moved_fen, "gross_fen": gross_fen}
        if facts is None or not has("settle", facts, sealed):
            yield str(batch)


def check_suspense(context: Context) -> Iterator[str]:
    """
    Compare each bank's suspense accounts with what its statement leaves unexplained.

    What it owes the channel for a message less what it has moved for it at its customer's
    account is what it is short of, or has too much of.
    """
    held = context.held_by_kind()
    left = context.rows(Question.UNEXPLAINED_BY_BANKS)
    unexplained: Mapping[str, int] = defaultdict(int, left)
    for bank in BANK_NUMBERS:
        suspense_fen = -held[bank, Kind.SHORTAGE] - held[bank, Kind.SURPLUS]
        if suspense_fen != unexplained[bank]:
            yield f"{bank}: {yuan(suspense_fen)} / {yuan(unexplained[bank])}"
    for line, message in context.rows(Question.UNSOUND_BANK_LINES):
        yield f"{message}: line {line}"
    for place, number in context.rows(Question.MISNUMBERED_LINES):
        yield f"{place}: {number}"
    for number, act, facts, *sealed in context.rows(Question.CORRECTIONS):
        if act != "correct" or not has(act, facts, dict(zip(_CORRECTED, sealed, strict=True))):
            yield f"{sealed[0]}: correction {number}"


_CORRECTED = ("payment", "bank", "kind", "direction", "amount_fen", "reason", "operator")
"""What the entry of a correction says of it."""


class _Payment(NamedTuple):
    """One payment with the entries that began it, sent it and ended it."""

    number: int
    id: str
    channel: str
    bank: str
    card: str | None
    direction: str
    reason: str
    amount_fen: int
    fee_fen: int
    terms: str
    due_at: int
    day: str
    state: str
    bank_state: str | None
    asked_as: str | None
    asked: str
    asked_at: int | None
    sent_at: int | None
    came_as: str | None
    came_to: str
    fits_asking: int
    fits_outcome: int
    hold: str | None  # the state of the case that holds it, or that ended with its outcome
    is_return: int  # it brings back what was held
    moved_fen: int
    was_silent: int  # the bank did not answer, once

    def is_sound(self, frozen_fen: int) -> bool:
        """Return whether all of it fits together; *frozen_fen* is what is frozen for it."""
        return self._is_as_asked() and self._has_come_so_far() and self._has_moved(frozen_fen)

    def _is_as_asked(self) -> bool:
        sealed: dict[str, object] = {"payment": self.id, "amount_fen": self.amount_fen}
        sealed["refunded_to" if self.reason == Reason.REFUND else "card"] = self.card
        if self.reason == Reason.WITHDRAW:
            sealed["fee_fen"] = self.fee_fen
        elif self.fee_fen:
            return False
        if self.reason == Reason.SEND:
            sealed["terms"] = _parsed(self.terms)
        elif _parsed(self.terms) != self._terms():
            return False
        due_at = self.asked_at
        if self.reason == Reason.REFUND:
            due_at = at(self.asked_as, self.asked, "arrives_at")
        asked_as = {ASKED_AS.get(self.reason)}  # type: ignore[call-overload]
        if self.is_return:
            asked_as = {"returned", "rejected"}
        return (
            self.asked_as in asked_as
            and bool(self.fits_asking)
            and has(self.asked_as, self.asked, sealed)
            and due_at == self.due_at
            and self.id.startswith(CHANNEL_MARKS.get(self.channel, self.channel))
            and self.direction == DIRECTIONS.get(self.reason)  # type: ignore[call-overload]
        )

    def _terms(self) -> dict[str, object]:
        """Return the terms that what it was asked for has; those of a packet are sealed whole."""
        said = facts_in(self.asked_as, self.asked)
        if self.reason == Reason.WITHDRAW:
            return {"free_left_fen": said.get("free_left_fen")}
        if self.is_return and said.get("held") == "claim":
            return {"case": said.get("case")}
        return {}

    def _has_come_so_far(self) -> bool:
        since = self.due_at if self.sent_at is None else self.sent_at
        if self.day != day_key(from_micros(since)):
            return False
        # A refund may be given up before it has ever set out.
        held_back = self.hold in ("returned", "rejected")
        given_up = self.state == "rejected" and (self.reason == Reason.REFUND or held_back)
        if self.hold in ("open", "escalated") and self.state != "created":
            return False
        if (self.sent_at is None) != (self.state == "created") and not given_up:
            return False
        if self.state not in FINAL:
            is_silent = self.state == "unknown"
            return self.came_as is None and is_silent == bool(self.was_silent)
        accepted = self.state == "accepted"
        acts = BOOKED_AS if accepted else GIVEN_BACK_AS
        came_as = acts.get(self.reason)  # type: ignore[call-overload]
        return (
            self.came_as == (self.hold if held_back else came_as)
            and bool(self.fits_outcome)
            and (
                accepted
                or has(self.came_as, self.came_to, {"state": self.state, "bank": self.bank})
            )
        )

    def _has_moved(self, frozen_fen: int) -> bool:
        final, accepted = self.state in FINAL, self.state == "accepted"
        goes_out = self.reason in (Reason.WITHDRAW, Reason.REFUND)
        waits_fen = self.amount_fen + self.fee_fen if goes_out and not final else 0
        return (
            self.moved_fen == (self.amount_fen if accepted else 0)
            and frozen_fen == waits_fen
            and (not accepted or self.bank_state == "booked")
            and (accepted or not final or self.bank_state != "booked")
        )


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
