"""Checks of profiles: balances that follow one another, and usage counters."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from hongbao.auditing.sealed import part_of
from hongbao.auditing.walk import PLACE
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.ledger import Kind
from hongbao.domain.policy import parse_policy
from hongbao.errors import InvalidPolicy
from hongbao.questions import Question
from hongbao.units import from_micros, to_micros, yuan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

_PROFILE, _AMOUNT, _BALANCE = PLACE["profile"], PLACE["amount_fen"], PLACE["balance_fen"]


class Balances:
    """
    Follows each balance from entry to entry, up to what the account has now.

    An entry says what it moved and what it left: the first is compared with its transfers, the
    second with what the one before has left.
    """

    def __init__(self, context: Context) -> None:
        self.found: list[str] = []
        self._accounts = {
            profile: (name, held_fen)
            for profile, name, held_fen in context.rows(Question.BALANCES_BY_PROFILE)
        }
        self._with_account = {
            profile for profile, (_name, fen) in self._accounts.items() if fen is not None
        }
        self.last: dict[int, int] = {}
        if context.unread is not None:
            self.last |= context.unread.balances

    def take(self, step: Step) -> None:
        profile = step.fields[_PROFILE]
        if profile not in self._with_account:
            return
        amount_fen, balance_fen = step.fields[_AMOUNT], step.fields[_BALANCE]
        moved_fen = 0
        for _book, giver, giver_owner, taker, taker_owner, fen, _reason in step.lines:
            if taker == Kind.BALANCE and taker_owner == profile:
                moved_fen += fen
            if giver == Kind.BALANCE and giver_owner == profile:
                moved_fen -= fen
        if amount_fen != moved_fen or balance_fen != self.last.get(profile, 0) + amount_fen:
            self.found.append(f"entry {step.entry}")
        self.last[profile] = balance_fen or 0

    def end(self, strays: list[int]) -> None:  # noqa: ARG002 - the chain's
        for profile, (name, held_fen) in self._accounts.items():
            last_fen = self.last.get(profile, 0)
            if held_fen is None:
                self.found.append(f"{name}: no account")
            elif held_fen != last_fen:
                self.found.append(f"{name}: {yuan(held_fen)} / {yuan(last_fen)}")


def check_maturing(context: Context) -> Iterator[str]:
    """Yield claims withdrawable later whose amounts differ from the claims."""
    added = maturing_of(context)
    for profile, from_at, fen in context.rows(Question.MATURING):
        if added.pop((profile, from_at), 0) != fen:
            yield f"profile {profile}: {yuan(fen)}"
    for (profile, _from_at), fen in added.items():
        yield f"profile {profile}: 0.00 / {yuan(fen)}"


def maturing_of(context: Context) -> dict[tuple[int, int], int]:
    """Return what cannot be withdrawn yet, by profile and moment, as it follows from claims."""
    added: dict[tuple[int, int], int] = defaultdict(int)
    days = {ref: _claims_after(context, ref) for (ref,) in context.rows(Question.POLICIES)}
    # Where no policy delays claims, only a judgement that did more than allow one may have.
    question = Question.CLAIMS_TO_MATURE if any(days.values()) else Question.CLAIMS_TO_JUDGE
    for profile, since, amount_fen, policy, act, facts in context.rows(question):
        delayed = part_of(act, facts, "delayed")
        moments = [to_micros(datetime.fromisoformat(delayed["until"]))] if delayed else []
        if days.get(policy):
            from_at = days_after_midnight(from_micros(since), days[policy])
            moments.append(to_micros(from_at))
        if moments:
            added[profile, max(moments)] += amount_fen
    return added


def _claims_after(context: Context, ref: str) -> int:
    try:
        policy = parse_policy(context.store.rules("policy", ref) or "", ref)
    except InvalidPolicy:  # edited: what it said of claims is lost
        return 0
    return policy.settlement.claims_after_days


def check_usage(context: Context) -> Iterator[str]:
    """Yield limit counters that differ from what they count."""
    for question in (Question.USAGE_BY_DAY, Question.USAGE_BY_YEAR):
        for person, flow, when, counted_fen, moved_fen in context.rows(question):
            yield f"person {person}, {flow}, {when}: {yuan(counted_fen)} / {yuan(moved_fen)}"
