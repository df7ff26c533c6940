"""Checks of profiles: balances that follow one another, and usage counters."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import part_of
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.policy import parse_policy
from hongbao.errors import InvalidPolicy
from hongbao.questions import Question
from hongbao.units import from_micros, to_micros, yuan


def check_balances(context: Context) -> Iterator[str]:
    """Yield entries whose balance does not follow from the previous one."""
    last: dict[int, int] = {}
    for entry, profile, amount_fen, balance_fen, moved_fen in context.rows(
        Question.BALANCES_BY_ENTRY
    ):
        if amount_fen != moved_fen or balance_fen != last.get(profile, 0) + amount_fen:
            yield f"entry {entry}"
        last[profile] = balance_fen or 0
    for profile, name, held_fen in context.rows(Question.BALANCES_BY_PROFILE):
        if held_fen is None:
            yield f"{name}: no account"
        elif held_fen != last.get(profile, 0):
            yield f"{name}: {yuan(held_fen)} / {yuan(last.get(profile, 0))}"


def check_maturing(context: Context) -> Iterator[str]:
    """Yield claims withdrawable later whose amounts differ from the claims."""
    added: dict[tuple[int, int], int] = defaultdict(int)
    days = {ref: _claims_after(context, ref) for (ref,) in context.rows(Question.POLICIES)}
    for profile, since, amount_fen, policy, act, facts in context.rows(Question.CLAIMS_TO_MATURE):
        delayed = part_of(act, facts, "delayed")
        moments = [to_micros(datetime.fromisoformat(delayed["until"]))] if delayed else []
        if days.get(policy):
            from_at = days_after_midnight(from_micros(since), days[policy])
            moments.append(to_micros(from_at))
        if moments:
            added[profile, max(moments)] += amount_fen
    for profile, from_at, fen in context.rows(Question.MATURING):
        if added.pop((profile, from_at), 0) != fen:
            yield f"profile {profile}: {yuan(fen)}"
    for (profile, _from_at), fen in added.items():
        yield f"profile {profile}: 0.00 / {yuan(fen)}"


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
