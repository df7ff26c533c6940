"""Alternatives to a refused act: a smaller amount, or the same act later."""

from collections.abc import Callable, Iterator

from hongbao.domain.risk.acts import Asked, Verdict, What
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.measures import NEVER, QUICK_MS
from hongbao.domain.risk.pack import Condition
from hongbao.domain.risk.places import distance_km

Verdicts = Callable[[Asked], Verdict]
"""Judges an act as it was judged, except for what is changed of it."""

_HOUR_S = 3600
_DAY_S = 86_400
_HOURS_TRIED = 48
"""Of how many hours to come each one is tried: the day that ends, and the next one whole."""

_MOMENTS_MAX = 2000


def allowed_amount(verdict_on: Verdicts, asked: Asked) -> int | None:
    """
    Return the largest amount, in fen, that would have been allowed at the same moment.

    None if no smaller amount would have been, and for a claim, whose amount is drawn. Rules
    grow stricter with the amount, so this is a search by halves; where a pack has a rule that does
    not, what is returned is still allowed, and one fen more is not.
    """
    if asked.seen.what is What.CLAIM:
        return None
    low, high = 0, asked.seen.amount_fen
    while high - low > 1:
        middle = (low + high) // 2
        seen = asked.seen._replace(amount_fen=middle)
        if verdict_on(asked._replace(seen=seen)) is Verdict.ALLOW:
            low = middle
        else:
            high = middle
    return low or None


def allowed_from(
    verdict_on: Verdicts, asked: Asked, habit: Habit, conditions: tuple[Condition, ...]
) -> int | None:
    """
    Return when the same act would be allowed if nothing is done until then, in seconds since 1970.

    *conditions* are all that the pack has. Only moments are tried at which one of them may change:
    a remembered act leaves a window, an age or a time is reached, the distance has had the time to
    be travelled, an hour or a day begins. None if none of these helps.
    """
    now = asked.seen.at
    moments = sorted({at for at in _moments(asked, habit, conditions) if at > now})
    return next(
        (at for at in moments[:_MOMENTS_MAX] if verdict_on(later(asked, at)) is Verdict.ALLOW), None
    )


def later(asked: Asked, at: int) -> Asked:
    """
    Return the same act at a later moment: the profile, the device and the packet are older then.

    Ages are known in whole days and hours, so the one that results is never above the true one.
    """
    passed_s = at - asked.seen.at
    reaction_ms = asked.seen.reaction_ms
    if reaction_ms >= 0:
        reaction_ms = min(reaction_ms + 1000 * passed_s, NEVER)
    return asked._replace(
        seen=asked.seen._replace(at=at, reaction_ms=reaction_ms),
        age_days=asked.age_days + passed_s // _DAY_S,
        device_age_hours=asked.device_age_hours + passed_s // _HOUR_S,
    )


def _moments(asked: Asked, habit: Habit, conditions: tuple[Condition, ...]) -> Iterator[int]:
    now, reaction_ms = asked.seen.at, asked.seen.reaction_ms
    for hour in range(1, _HOURS_TRIED + 1):
        yield (now // _HOUR_S + hour) * _HOUR_S
    for window_s in {condition.key.window_s for condition in conditions} - {0}:
        for seen in habit.recent:
            yield seen.at + window_s
        yield habit.woke_at + window_s
    if reaction_ms >= 0:
        yield now + (QUICK_MS - reaction_ms) // 1000 + 1
    for condition in conditions:
        least, most = condition.at_least, condition.at_most
        match condition.key.indicator:
            case "reaction_ms" if most is not None and reaction_ms >= 0:
                yield now + (most - reaction_ms) // 1000 + 1
            case "age_days" if most is not None:
                yield now + (most + 1 - asked.age_days) * _DAY_S
            case "device_age_hours" if most is not None:
                yield now + (most + 1 - asked.device_age_hours) * _HOUR_S
            case "since_pin_change_min" if most is not None:
                for seen in habit.recent:
                    if seen.what is What.PIN_CHANGE:
                        yield seen.at + (most + 1) * 60
            case "speed_kmh" if least:
                for seen in habit.recent:
                    way_km = distance_km(seen.city, asked.seen.city)
                    yield seen.at + way_km * _HOUR_S // least + 1
