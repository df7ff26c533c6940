"""The judgement of one act by a risk pack's rules and a model."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from hongbao.domain.risk.acts import Asked, Verdict, What
from hongbao.domain.risk.forest import Forest
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key
from hongbao.domain.risk.measures import Look, Measure, day_out_fen
from hongbao.domain.risk.pack import Condition, Pack, Report, Rule

_STRICTER = {verdict: place for place, verdict in enumerate(Verdict)}


class Decision(NamedTuple):
    """
    The decision on an act, and everything it was based on.

    *rule* is the strictest of those that *fired*, the first of them in the pack where several are
    as strict; None if the act is allowed. *values* are what was measured, in the order of
    `keys_of`; *score* is the model's, None without one.
    """

    verdict: Verdict
    rule: Rule | None
    fired: tuple[Rule, ...]
    reports: tuple[Report, ...]
    values: tuple[int, ...]
    score: int | None

    def but_for(self, verdict: Verdict) -> "Decision":
        """Return the decision without the rules that answer *verdict*."""
        rest = tuple(rule for rule in self.fired if rule.answer is not verdict)
        rule = _strictest(rest)
        return self._replace(verdict=_answer(rule), rule=rule, fired=rest)


def keys_of(pack: Pack, forest: Forest | None) -> tuple[Key, ...]:
    """Return all that is measured of an act: what the rules ask, then what the model does."""
    return _plan(pack, () if forest is None else forest.keys).keys


def decide(pack: Pack, forest: Forest | None, habit: Habit, asked: Asked) -> Decision:
    """
    Answer the act *asked* by *pack* and *forest*, upon what *habit* remembers from before it.

    The same arguments always give the same decision.
    """
    keys, measures, rules, reports = _plan(pack, () if forest is None else forest.keys)
    night, what = pack.night, asked.seen.what
    values = {
        key: taken(Look(habit, asked, key.window_s, key.of_fen, night))
        for key, taken in zip(keys, measures, strict=True)
    }
    out_fen = day_out_fen(Look(habit, asked, 0, 0, night))
    score = None if forest is None else forest.score([values[key] for key in forest.keys])
    return _decided(rules[what], reports[what], values, score, out_fen)


def decide_again(
    pack: Pack, forest: Forest | None, values: Sequence[int], what: What, out_fen: int
) -> Decision:
    """
    Answer by *values* that were measured once, in the order of `keys_of`, as `decide` did then.

    *out_fen* is what had gone out on that day, the act included.
    """
    keys, _measures, rules, reports = _plan(pack, () if forest is None else forest.keys)
    measured = dict(zip(keys, values, strict=True))
    score = None if forest is None else forest.score([measured[key] for key in forest.keys])
    return _decided(rules[what], reports[what], measured, score, out_fen)


class _Plan(NamedTuple):
    """The plan of judging by one pack and one model, computed before the first act."""

    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]  # of each key
    rules: Mapping[What, tuple[Rule, ...]]
    reports: Mapping[What, tuple[Report, ...]]


@lru_cache(maxsize=8)
def _plan(pack: Pack, model_keys: tuple[Key, ...]) -> _Plan:
    keys = tuple(dict.fromkeys((*pack.keys, *model_keys)))
    return _Plan(
        keys,
        tuple(INDICATORS[key.indicator].taken for key in keys),
        {what: tuple(rule for rule in pack.rules if what in rule.acts) for what in What},
        {what: tuple(report for report in pack.reports if what in report.acts) for what in What},
    )


def _decided(
    rules: tuple[Rule, ...],
    reports: tuple[Report, ...],
    values: Mapping[Key, int],
    score: int | None,
    out_fen: int,
) -> Decision:
    fired = tuple(
        rule
        for rule in rules
        if _all_hold(rule.when, values, score) and (rule.day_fen is None or out_fen > rule.day_fen)
    )
    rule = _strictest(fired)
    return Decision(
        verdict=_answer(rule),
        rule=rule,
        fired=fired,
        reports=tuple(report for report in reports if _all_hold(report.when, values, score)),
        values=tuple(values.values()),
        score=score,
    )


def _strictest(fired: Sequence[Rule]) -> Rule | None:
    return max(fired, key=lambda rule: _STRICTER[rule.answer], default=None)


def _answer(rule: Rule | None) -> Verdict:
    return Verdict.ALLOW if rule is None else rule.answer


def _all_hold(when: tuple[Condition, ...], values: Mapping[Key, int], score: int | None) -> bool:
    for condition in when:
        # Without a model there is no score, and nothing that asks for one holds.
        value = score if condition.key.indicator == SCORE else values[condition.key]
        if value is None or not condition.holds(value):
            return False
    return True
