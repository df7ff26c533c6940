"""Claims judged in bulk: measured by running sums, and the same to the last bit."""

import os
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.risk.acts import JUDGED, Asked, Guard, Seen, Verdict, What
from hongbao.domain.risk.claims import AT_ONCE, NOTHING, SUMMED, TAKEN, ClaimJudge
from hongbao.domain.risk.habit import NEW, after
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key
from hongbao.domain.risk.judge import decide
from hongbao.domain.risk.magnitude import halved_permille
from hongbao.domain.risk.pack import Condition, Pack, Report, Rule
from hongbao.packs import MODEL, STANDARD, model_text, text_of
from hongbao.queries.guards import Guards, read_guards
from tests.every import every

GUARDS = read_guards(text_of(STANDARD), STANDARD, model_text(), MODEL)

MINUTE, DAY = 60, 86_400

EXAMPLES = int(os.environ.get("HONGBAO_BULK_EXAMPLES", "8"))


def test_every_indicator_is_taken_of_a_claim():
    known = TAKEN.keys() | SUMMED | NOTHING | {*AT_ONCE, *Asked._fields[1:]}
    assert INDICATORS.keys() - {SCORE} == known
    windowed = {name for name, indicator in INDICATORS.items() if indicator.windowed}
    assert windowed - NOTHING == TAKEN.keys() | SUMMED


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
        assert {int} == {*map(type, judged.values)}  # a record says each of them as it is
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


@pytest.mark.parametrize("hour", range(24))
def test_a_claim_is_judged_as_it_is_alone_at_every_hour(hour: int):
    """
    Also around midnight: the hours before and behind it are neighbours.
    """
    at = 1_790_000_000 // DAY * DAY + hour * 3600
    acts = [Seen(at + n * DAY - n % 4 * 3600, What.CLAIM, 1, n % 3, 5000) for n in range(30)]
    asked = Asked(Seen(at + 30 * DAY, What.CLAIM, 1, 2, 5000), *range(1, len(Asked._fields)))
    judge, habit = ClaimJudge(*GUARDS), after(NEW, *acts)

    assert decide(*GUARDS, habit, asked).values == judge.judge(judge.habit(habit), asked).values


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


# --- long lives -----------------------------------------------------------------------------------

KEYS = tuple(
    Key(name, window_s if indicator.windowed else 0, of_fen if indicator.of else 0)
    for name, indicator in INDICATORS.items()
    if name != SCORE
    for window_s in ((10 * MINUTE, DAY, 30 * DAY, 366 * DAY) if indicator.windowed else (0,))
    for of_fen in ((20_000_00, 50_000_00) if indicator.of else (0,))
)


NEAR = (17_000_00, 17_999_99, 18_000_00, 19_999_99, 20_000_00, 49_000_00, 50_000_00)
"""Amounts about which it is asked whether they are just below 20,000 and 50,000 yuan."""


def pack_of(*rules: Rule, reports: tuple[Report, ...] = ()) -> Pack:
    """Return the standard pack with these rules alone, and a night from 22 to 5."""
    conditions = [*(one.when for one in rules), *(one.when for one in reports)]
    keys = dict.fromkeys(one.key for when in conditions for one in when)
    measured = tuple(key for key in keys if key.indicator != SCORE)
    return GUARDS.pack._replace(rules=rules, reports=reports, keys=measured, night=(22, 5))


def rule_of(*when: Condition, what: What = What.CLAIM) -> Rule:
    return Rule("r", Guard.DATA, frozenset({what}), when, Verdict.CHALLENGE, {})


def long_life(number: int) -> list[Seen]:
    """Return from 25 to 254 acts, most of them claims, of which each *number* has its own."""
    chance = Random(number)
    at, acts = 1_790_000_000 + number * 3_999, []
    whats = [*What, *[What.CLAIM] * 8, *[What.SEND, What.GIVE] * 2]
    for _ in range(25 + number * 37 % 230):
        at += chance.choice(
            (0, 1, 5, 5, 61, 10 * MINUTE, 3 * 3600, 7 * 3600, DAY, 30 * DAY, 31 * DAY)
        )
        what = chance.choice(whats)
        acts.append(
            Seen(
                *(at, what, chance.choice((0, 1, 888, *NEAR))),
                *(chance.randrange(5), chance.choice((0, 1500, 1501, 60_000, -1))),
                chance.choice((0, 0, 1, 10)),
            )
        )
    return acts


@pytest.mark.parametrize("number", range(24))
def test_every_indicator_is_the_same_after_a_long_life(number):
    """
    Longer than all that is remembered one by one, and long enough to have habits.
    """
    *acts, last = long_life(number)
    pack = pack_of(rule_of(*(Condition(key, 0, None) for key in KEYS)))
    habit = after(NEW, *acts)
    judge = ClaimJudge(pack, None)
    ready = judge.habit(habit)
    for later_s in (0, 1, 7 * 3600, 40 * DAY):
        claim = last._replace(at=last.at + later_s, what=What.CLAIM)
        asked = Asked(claim, 11, 12, 13, 14, 15, 16, 17)
        decision = decide(pack, None, habit, asked)

        assert decision.values == judge.judge(ready, asked).values
        habit = after(habit, claim)
        ready.add(claim)
        assert habit == ready.habit()


@every("with_score", [False, True])
@every("number", range(5, 10))
def test_a_claim_is_plain_if_nothing_speaks_of_it(number, with_score):
    """
    Each condition counts, at its least and at its most, in rules and in reports, for claims alone.
    """
    chance = Random(number)
    *acts, last = long_life(number)
    habit = after(NEW, *acts)
    asked = Asked(last._replace(what=What.CLAIM), 11, 12, 13, 14, 15, 16, 17)
    forest = GUARDS.forest if with_score else None
    whole = pack_of(rule_of(*(Condition(key, 0, None) for key in KEYS)))
    measured = decide(whole, GUARDS.forest, habit, asked)
    known = {**dict(zip(KEYS, measured.values, strict=False)), Key(SCORE): measured.score or 0}
    plain = 0
    for turn in range(25):
        conditions = []
        for key in (chance.choice(KEYS), Key(SCORE) if turn % 3 == 0 else chance.choice(KEYS)):
            least = chance.choice((None, None, known[key], known[key], known[key] + 1))
            most = chance.choice((None, None, known[key], known[key], known[key] - 1))
            conditions.append(Condition(key, least, most))
        rule = rule_of(*conditions, what=chance.choice((What.CLAIM, What.CLAIM, What.SEND)))
        report = Report("r", "large", rule.acts, rule.when, {})
        for pack in (pack_of(rule), pack_of(reports=(report,))):
            decision = decide(pack, forest, habit, asked)
            judge = ClaimJudge(pack, forest)
            judged = judge.judge(judge.habit(habit), asked)

            assert judged.is_plain == (not decision.fired and not decision.reports)
            assert (decision.values, decision.score) == (judged.values, judged.score)
            plain += judged.is_plain
    assert 0 < plain < 50


def claims(*gaps: int) -> list[Seen]:
    return [Seen(1_790_000_000 + at, What.CLAIM, 5, 1) for at in accumulate(gaps)]


@every(
    "acts",
    [
        [],
        *(long_life(number)[:length] for number in (9, 19) for length in (29, 30, 31)),
        *(claims(0, *gaps) for gaps in ((10, 11, 10), (11, 10), (10, 12), (12, 10), (10,) * 9)),
        [Seen(1_790_000_000, What.PIN_CHANGE), *claims(60, 10)],
        [*claims(0, 1), *(Seen(1_790_000_000 + 2 * DAY, What.SEND, 5),) * 5],
        long_life(6),
    ],
    ids=len,
)
def test_a_claim_after_special_lives_is_measured_alike(acts):
    """
    With just enough acts for habits, gaps of just a tenth more, a PIN that was changed first, more
    packets than claims, and more acts than the running sums hold, which are added one by one.
    """
    pack = pack_of(rule_of(*(Condition(key, 0, None) for key in KEYS)))
    judge = ClaimJudge(pack, None)
    ready, habit = judge.habit(NEW), after(NEW, *acts)
    for act in acts:
        ready.add(act)
    last = acts[-1].at if acts else 1_790_000_000

    for gap in (10, 11, 12):
        asked = Asked(Seen(last + gap, What.CLAIM, 5, 1, 700), 11, 12, 13, 14, 15, 16, 17)
        assert decide(pack, None, habit, asked).values == judge.judge(ready, asked).values
    assert habit == ready.habit()
