"""Checks of profiles: balances that follow one another, and usage counters."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from hongbao.auditing.context import Look
from hongbao.auditing.sealed import part_of
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.policy import parse_policy
from hongbao.errors import InvalidPolicy
from hongbao.store import Question
from hongbao.units import from_micros, to_micros, yuan


class People(Look):
    """Whether each person has what their entries say, and has used what their limits count."""

    def _balances(self) -> Iterator[str]:
        last: dict[int, int] = {}
        for entry, profile, amount_fen, balance_fen, moved_fen in self._rows(
            Question.BALANCES_BY_ENTRY
        ):
            if amount_fen != moved_fen or balance_fen != last.get(profile, 0) + amount_fen:
                yield f"entry {entry}"
            last[profile] = balance_fen or 0
        for profile, name, held_fen in self._rows(Question.BALANCES_BY_PROFILE):
            if held_fen != last.get(profile, 0):
                yield f"{name}: {yuan(held_fen)} / {yuan(last.get(profile, 0))}"

    def _maturing(self) -> Iterator[str]:
        added: dict[tuple[int, int], int] = defaultdict(int)
        days = {ref: self._claims_after(ref) for (ref,) in self._rows(Question.POLICIES)}
        for profile, since, amount_fen, policy, act, facts in self._rows(Question.CLAIMS_TO_MATURE):
            delayed = part_of(act, facts, "delayed")
            moments = [to_micros(datetime.fromisoformat(delayed["until"]))] if delayed else []
            if days.get(policy):
                from_at = days_after_midnight(from_micros(since), days[policy])
                moments.append(to_micros(from_at))
            if moments:
                added[profile, max(moments)] += amount_fen
        for profile, from_at, fen in self._rows(Question.MATURING):
            if added.pop((profile, from_at), 0) != fen:
                yield f"profile {profile}: {yuan(fen)}"
        for (profile, _from_at), fen in added.items():
            yield f"profile {profile}: 0.00 / {yuan(fen)}"

    def _claims_after(self, ref: str) -> int:
        try:
            policy = parse_policy(self._store.rules("policy", ref) or "", ref)
        except InvalidPolicy:  # edited: what it said of claims is lost
            return 0
        return policy.settlement.claims_after_days

    def _usage(self) -> Iterator[str]:
        for question in (Question.USAGE_BY_DAY, Question.USAGE_BY_YEAR):
            for person, flow, when, counted_fen, moved_fen in self._rows(question):
                yield f"person {person}, {flow}, {when}: {yuan(counted_fen)} / {yuan(moved_fen)}"
