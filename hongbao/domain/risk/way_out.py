"""What would have been allowed instead: a smaller amount, or the same act later."""

from collections.abc import Callable

from hongbao.domain.risk.acts import Asked, Verdict
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.indicators import Key

Verdicts = Callable[[Asked], Verdict]
"""Judges an act as it was judged, except for what is changed of it."""


def allowed_amount(verdict_on: Verdicts, asked: Asked) -> int | None:
    """
    Return the largest amount, in fen, that would have been allowed at the same moment.

    None where no smaller amount would have been. Rules grow stricter with the amount, so this is a
    search by halves; where a pack has a rule that does not, what is returned is still an amount
    that is allowed.
    """
    low, high = 0, asked.seen.amount_fen
    while high - low > 1:
        middle = (low + high) // 2
        if _allows(verdict_on, asked, amount_fen=middle):
            low = middle
        else:
            high = middle
    return low or None


def allowed_from(
    verdict_on: Verdicts, asked: Asked, habit: Habit, keys: tuple[Key, ...]
) -> int | None:
    """
    Return when the same act would be allowed if nothing is done until then, in seconds since 1970.

    Indicators with a window change only where a remembered act leaves one, so only these moments
    are looked at, and the hours of the day to come. None where waiting does not help within what
    the windows reach.
    """
    now = asked.seen.at
    windows = {key.window_s for key in keys if key.window_s}
    moments = {seen.at + window for seen in habit.recent for window in windows}
    moments |= {(now // 3600 + hour) * 3600 for hour in range(1, 25)}
    return next(
        (at for at in sorted(moments) if at > now and _allows(verdict_on, asked, at=at)), None
    )


def _allows(verdict_on: Verdicts, asked: Asked, **changes: int) -> bool:
    seen = asked.seen._replace(**changes)  # type: ignore[arg-type]
    return verdict_on(asked._replace(seen=seen)) is Verdict.ALLOW
