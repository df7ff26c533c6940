"""Claims judged in bulk: measured by running sums, and the same to the last bit."""

import os
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.risk.acts import JUDGED, Asked, Seen, Verdict, What
from hongbao.domain.risk.claims import NOTHING, SUMMED, TAKEN, ClaimJudge
from hongbao.domain.risk.habit import NEW, after
from hongbao.domain.risk.indicators import INDICATORS, SCORE
from hongbao.domain.risk.judge import decide
from hongbao.domain.risk.magnitude import halved_permille
from hongbao.packs import MODEL, STANDARD, model_text, text_of
from hongbao.queries.guards import Guards, read_guards

GUARDS = read_guards(text_of(STANDARD), STANDARD, model_text(), MODEL)

MINUTE, DAY = 60, 86_400

EXAMPLES = int(os.environ.get("HONGBAO_BULK_EXAMPLES", "8"))


def test_every_indicator_is_taken_of_a_claim():
    assert INDICATORS.keys() - {SCORE} == TAKEN.keys() | SUMMED | NOTHING | {*Asked._fields[1:]}


def seen(draw: Any, at: int, what: What) -> Seen:
    """Return an act at *at*, often with the same few people, amounts and cities."""
    return Seen(
        at,
        what,
        draw(st.sampled_from((0, 1, 888, 18_000_00, 19_999_99, 49_000_00))),
        draw(st.integers(0, 4)),
        draw(st.sampled_from((0, 900, 1500, 1501, 60_000))) if what is What.CLAIM else -1,
        draw(st.sampled_from((0, 0, 1, 10))),
    )


@st.composite
def lives(draw: Any) -> tuple[list[Seen], list[Asked]]:
    """Return what a person has done, and claims of theirs that follow."""
    at = 1_790_000_000
    gaps = st.sampled_from((0, 1, 5, 5, 5, 61, 10 * MINUTE, 3 * 3600, DAY, 31 * DAY))
    acts, claims = [], []
    whats = draw(st.lists(st.sampled_from([*What, *[What.CLAIM] * 10]), max_size=90))
    for what in whats:
        at += draw(gaps)
        acts.append(seen(draw, at, what))
    for _ in range(draw(st.integers(1, 5))):
        at += draw(gaps)
        numbers = st.integers(0, 400)
        claims.append(
            Asked(seen(draw, at, What.CLAIM), *(draw(numbers) for _ in Asked._fields[1:]))
        )
    return acts, claims


@pytest.mark.parametrize(
    "guards", [GUARDS, GUARDS._replace(forest=None)], ids=["with-model", "without"]
)
@settings(max_examples=EXAMPLES)
@given(lives())
def test_a_claim_is_judged_as_it_is_alone(guards: Guards, life: tuple[list[Seen], list[Asked]]):
    """
    Every value and the score, after any acts; what no rule speaks of is what is allowed.
    """
    acts, claims = life
    habit = after(NEW, *acts)
    judge = ClaimJudge(*guards)
    ready = judge.habit(habit)

    for asked in claims:
        decision = decide(guards.pack, guards.forest, habit, asked)
        judged = judge.judge(ready, asked)

        assert (decision.values, decision.score) == (judged.values, judged.score)
        if judged.is_plain:
            assert decision.verdict is Verdict.ALLOW
            assert not decision.reports
        else:
            assert decision.fired or decision.reports
        habit = after(habit, asked.seen)
        ready.add(asked.seen)
        assert habit == ready.habit()
        assert list(habit.steps.items()) == list(ready.habit().steps.items())
        assert list(habit.cities.items()) == list(ready.habit().cities.items())


@settings(max_examples=EXAMPLES)
@given(lives())
def test_any_act_is_remembered_as_it_is_alone(life: tuple[list[Seen], list[Asked]]):
    """
    Also acts that are no claims, and more of them than the running sums hold.
    """
    acts, _claims = life
    acts = [act._replace(at=act.at + 400 * DAY * lap) for lap in range(8) for act in acts]
    ready = ClaimJudge(*GUARDS).habit(NEW)
    for act in acts:
        ready.add(act)

    assert after(NEW, *acts) == ready.habit()
    assert JUDGED >= {What.CLAIM}


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 10**9))
def test_a_score_is_what_the_exact_fraction_rounds_to(seed: int):
    """
    Without making a fraction for each act.
    """
    for part in (seed, 60 * seed, 10_244_771 * 30):
        exact = round(1000 * 2 ** Fraction(-part, 10_244_771 * 60))
        assert exact == halved_permille(part, 10_244_771 * 60)
