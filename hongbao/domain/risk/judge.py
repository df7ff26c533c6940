"""The judgement of one act by a risk pack's rules and a model."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from hongbao.domain.risk.acts import Asked, Verdict, What
from hongbao.domain.risk.forest import Forest
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key
from hongbao.domain.risk.measures import Look, day_out_fen
from hongbao.domain.risk.pack import Pack, Report, Rule

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
    plan = _plan(pack, () if forest is None else forest.keys)
    look = Look(habit, asked, pack.night)
    values = tuple([taken(look, *needs) for taken, needs in plan.measures])
    return _decided(plan, forest, values, asked.seen.what, day_out_fen(look))


def decide_again(
    pack: Pack, forest: Forest | None, values: Sequence[int], what: What, out_fen: int
) -> Decision:
    """
    Answer by *values* that were measured once, in the order of `keys_of`, as `decide` did then.

    *out_fen* is what had gone out on that day, the act included.
    """
    plan = _plan(pack, () if forest is None else forest.keys)
    if len(values) != len(plan.keys):
        raise ValueError("not the values of these rules and this model")
    return _decided(plan, forest, tuple(values), what, out_fen)


_Bound = tuple[int, int | None, int | None]
"""A condition: the place of the value that it asks, and what that is at least and at most."""

R = TypeVar("R", Rule, Report)


class _Plan(NamedTuple):
    """The plan of judging by one pack and one model, computed before the first act."""

    keys: tuple[Key, ...]
    measures: tuple[tuple[Callable[..., int], tuple[int, ...]], ...]  # of each key
    asked_by_model: tuple[int, ...]  # the places of the model's keys
    rules: Mapping[What, tuple[tuple[Rule, tuple[_Bound, ...]], ...]]
    reports: Mapping[What, tuple[tuple[Report, tuple[_Bound, ...]], ...]]


@lru_cache(maxsize=8)
def _plan(pack: Pack, model_keys: tuple[Key, ...]) -> _Plan:
    keys = tuple(dict.fromkeys((*pack.keys, *model_keys)))
    places = {key: place for place, key in enumerate(keys)}
    places[Key(SCORE)] = len(keys)  # behind all that is measured

    def bounds(rule: Rule | Report) -> tuple[_Bound, ...]:
        return tuple((places[one.key], one.at_least, one.at_most) for one in rule.when)

    def among(rules: Sequence[R], what: What) -> tuple[tuple[R, tuple[_Bound, ...]], ...]:
        return tuple((rule, bounds(rule)) for rule in rules if what in rule.acts)

    return _Plan(
        keys,
        tuple(INDICATORS[key.indicator].taking(key) for key in keys),
        tuple(places[key] for key in model_keys),
        {what: among(pack.rules, what) for what in What},
        {what: among(pack.reports, what) for what in What},
    )


def _decided(
    plan: _Plan, forest: Forest | None, values: tuple[int, ...], what: What, out_fen: int
) -> Decision:
    score = None if forest is None else forest.score([values[at] for at in plan.asked_by_model])
    known = (*values, score)
    fired = tuple(
        [
            rule
            for rule, bounds in plan.rules[what]
            if _all_hold(bounds, known) and (rule.day_fen is None or out_fen > rule.day_fen)
        ]
    )
    rule = _strictest(fired)
    return Decision(
        verdict=_answer(rule),
        rule=rule,
        fired=fired,
        reports=tuple([report for report, at in plan.reports[what] if _all_hold(at, known)]),
        values=values,
        score=score,
    )


def _strictest(fired: Sequence[Rule]) -> Rule | None:
    return max(fired, key=lambda rule: _STRICTER[rule.answer], default=None)


def _answer(rule: Rule | None) -> Verdict:
    return Verdict.ALLOW if rule is None else rule.answer


def _all_hold(bounds: tuple[_Bound, ...], known: tuple[int | None, ...]) -> bool:
    for place, at_least, at_most in bounds:
        value = known[place]
        if value is None:  # without a model there is no score, and nothing that asks for one holds
            return False
        if at_least is not None and value < at_least:
            return False
        if at_most is not None and value > at_most:
            return False
    return True
