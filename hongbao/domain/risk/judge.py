"""Judging: what a pack's rules and a model make of one act."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hongbao.domain.risk.acts import Asked, Verdict, What
from hongbao.domain.risk.forest import Forest
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.indicators import INDICATORS, SCORE, Key
from hongbao.domain.risk.measures import Look, day_out_fen
from hongbao.domain.risk.pack import Condition, Pack, Report, Rule

_STRICTER = {verdict: place for place, verdict in enumerate(Verdict)}


class Decision(NamedTuple):
    """
    How an act is answered, and all that it was answered by.

    *rule* is the strictest of those that *fired*, the first of them in the pack where several are
    as strict; None where the act is allowed. *values* are what was measured, in the order of
    `keys_of`; *score* is the model's, None without one.
    """

    verdict: Verdict
    rule: Rule | None
    fired: tuple[Rule, ...]
    reports: tuple[Report, ...]
    values: tuple[int, ...]
    score: int | None


def keys_of(pack: Pack, forest: Forest | None) -> tuple[Key, ...]:
    """Return all that is measured of an act: what the rules ask, then what the model does."""
    asked = pack.keys
    return asked if forest is None else asked + tuple(k for k in forest.keys if k not in asked)


def decide(pack: Pack, forest: Forest | None, habit: Habit, asked: Asked) -> Decision:
    """
    Answer the act *asked* by *pack* and *forest*, upon what *habit* remembers from before it.

    The same arguments always give the same decision.
    """
    night = pack.night
    values = {
        key: INDICATORS[key.indicator].taken(Look(habit, asked, key.window_s, key.of_fen, night))
        for key in keys_of(pack, forest)
    }
    out_fen = day_out_fen(Look(habit, asked, 0, 0, night))
    score = None if forest is None else forest.score([values[key] for key in forest.keys])
    return _decided(pack, asked.seen.what, values, score, out_fen)


def decide_again(
    pack: Pack, forest: Forest | None, values: Sequence[int], what: What, out_fen: int
) -> Decision:
    """
    Answer by *values* that were measured once, in the order of `keys_of`, as `decide` did then.

    *out_fen* is what had gone out on that day, the act included.
    """
    measured = dict(zip(keys_of(pack, forest), values, strict=True))
    score = None if forest is None else forest.score([measured[key] for key in forest.keys])
    return _decided(pack, what, measured, score, out_fen)


def _decided(
    pack: Pack, what: What, values: Mapping[Key, int], score: int | None, out_fen: int
) -> Decision:
    fired = tuple(
        rule
        for rule in pack.rules
        if what in rule.acts
        and _all_hold(rule.when, values, score)
        and (rule.day_fen is None or out_fen > rule.day_fen)
    )
    rule = max(fired, key=lambda rule: _STRICTER[rule.answer], default=None)
    return Decision(
        verdict=Verdict.ALLOW if rule is None else rule.answer,
        rule=rule,
        fired=fired,
        reports=tuple(
            report
            for report in pack.reports
            if what in report.acts and _all_hold(report.when, values, score)
        ),
        values=tuple(values.values()),
        score=score,
    )


def _all_hold(when: tuple[Condition, ...], values: Mapping[Key, int], score: int | None) -> bool:
    return all(
        condition.holds(values[condition.key])
        if condition.key.indicator != SCORE
        else score is not None and condition.holds(score)
        for condition in when
    )
