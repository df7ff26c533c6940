"""A profile's habits: its latest acts one by one, and all of them in sums."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import accumulate
from operator import sub
from typing import Any

from hongbao.domain.risk.acts import IN, JUDGED, OUT, Seen, What
from hongbao.domain.risk.magnitude import magnitude
from hongbao.rows import Row
from hongbao.units import CHINA

RECENT = 64
"""How many acts are remembered one by one."""

DORMANT_S = 30 * 86_400
"""A profile that has done nothing for this long wakes up with its next act."""

LETTERS: Mapping[What, str] = {
    What.SEND: "s",
    What.GIVE: "g",
    What.CLAIM: "c",
    What.TOPUP: "t",
    What.WITHDRAW: "w",
    What.PIN_CHANGE: "p",
    What.DEVICE_ADD: "d",
    What.CARD_ADD: "b",
    What.IDENTIFY: "i",
    What.CHALLENGE_FAILED: "f",
}
"""What is done, in one letter each, as habits are kept."""

_WHATS = {letter: what for what, letter in LETTERS.items()}
_CHINA_S = CHINA.utcoffset(None) // timedelta(seconds=1)
_DAY_S = 86_400
_HOUR_S = 3600


class Habit(Row):
    """
    The habits of one profile, derived from the records of its acts.

    Sums are over all acts ever, so that they do not forget what the latest acts have pushed out.
    """

    recent: tuple[Seen, ...] = ()  # the newest last, at most RECENT
    acts: int = 0
    outs: int = 0  # acts that pay out, and
    outs_magnitude: int = 0  # the sum of their amounts' magnitudes
    hours: tuple[int, ...] = (0,) * 24  # judged acts, by China's hour
    cities: Mapping[int, int] = {}  # acts by known city, first seen first
    steps: Mapping[str, int] = {}  # from act to act, as "sc": send, claim
    day: int = 0  # China's day of the last act, see `china_day_number`
    day_in_fen: int = 0
    day_out_fen: int = 0
    first_at: int = 0
    woke_at: int = 0  # when it last acted after a gap of DORMANT_S; 0 is never
    gap_s: int = 0  # how long that gap was


NEW = Habit()
"""A profile that has done nothing yet."""


def china_hour(at: int) -> int:
    """
    Return the hour of China's clock *at* so many seconds since 1970.

    >>> china_hour(0), china_hour(86_399)
    (8, 7)
    """
    return (at + _CHINA_S) // _HOUR_S % 24


def china_day_number(at: int) -> int:
    """
    Return which of China's days it is *at* so many seconds since 1970, counted from 1970-01-01.

    >>> china_day_number(16 * 3600 - 1), china_day_number(16 * 3600)
    (0, 1)
    """
    return (at + _CHINA_S) // _DAY_S


def after(habit: Habit, *acts: Seen) -> Habit:
    """Return *habit* as it is once *acts* have happened, in this order; none is before its last."""
    if not acts:
        return habit
    last = habit.recent[-1] if habit.recent else None
    hours, cities, steps = list(habit.hours), dict(habit.cities), dict(habit.steps)
    outs, outs_magnitude = habit.outs, habit.outs_magnitude
    day, day_in_fen, day_out_fen = habit.day, habit.day_in_fen, habit.day_out_fen
    woke_at, gap_s = habit.woke_at, habit.gap_s
    for seen in acts:
        at, what, amount_fen, _, _, city = seen
        if last is not None:
            assert at >= last.at

            if at - last.at >= DORMANT_S:
                woke_at, gap_s = at, at - last.at
            step = LETTERS[last.what] + LETTERS[what]
            steps[step] = steps.get(step, 0) + 1
        if what in JUDGED:
            hours[china_hour(at)] += 1
        if city:
            cities[city] = cities.get(city, 0) + 1
        if (today := china_day_number(at)) != day:
            day, day_in_fen, day_out_fen = today, 0, 0
        if what in IN:
            day_in_fen += amount_fen
        if what in OUT:
            day_out_fen += amount_fen
            outs += 1
            outs_magnitude += magnitude(amount_fen)
        last = seen
    return Habit(  # in the order of the fields: names would take twice as long, here
        (*habit.recent, *acts)[-RECENT:],
        habit.acts + len(acts),
        outs,
        outs_magnitude,
        tuple(hours),
        cities,
        steps,
        day,
        day_in_fen,
        day_out_fen,
        habit.first_at if habit.recent else acts[0].at,
        woke_at,
        gap_s,
    )


def encode(habit: Habit) -> str:
    """
    Return *habit* as compact JSON.

    The latest acts are kept field by field rather than act by act, because that is half the work to
    read: the first one's moment and the seconds from each to the next, then all that was done, and
    so on.

    >>> encode(after(NEW, Seen(0, What.SEND, 100)))[:52]
    '{"at":[0],"what":"s","fen":[100],"other":[0],"ms":[-'
    """
    at, what, fen, other, ms, city = zip(*habit.recent, strict=True) if habit.recent else ((),) * 6
    return _ENCODER.encode(
        {
            "at": (*at[:1], *map(sub, at[1:], at)),
            "what": "".join(map(LETTERS.__getitem__, what)),
            "fen": fen,
            "other": other,
            "ms": ms,
            "city": city,
            "acts": habit.acts,
            "outs": (habit.outs, habit.outs_magnitude),
            "hours": habit.hours,
            "cities": (*habit.cities, *habit.cities.values()),
            "steps": habit.steps,
            "day": (habit.day, habit.day_in_fen, habit.day_out_fen),
            "woke": (habit.first_at, habit.woke_at, habit.gap_s),
        }
    )


def decode(text: str) -> Habit:
    """Return the habit that `encode` wrote. Raises ValueError for any other text."""
    try:
        fields: dict[str, Any] = json.loads(text)
        columns = (
            accumulate(fields["at"]),
            map(_WHATS.__getitem__, fields["what"]),
            fields["fen"],
            fields["other"],
            fields["ms"],
            fields["city"],
        )
        outs, outs_magnitude = fields["outs"]
        known = len(fields["cities"]) // 2
        day, day_in_fen, day_out_fen = fields["day"]
        first_at, woke_at, gap_s = fields["woke"]
        return Habit(
            recent=tuple(map(Seen._make, zip(*columns, strict=True))),
            acts=fields["acts"],
            outs=outs,
            outs_magnitude=outs_magnitude,
            hours=tuple(fields["hours"]),
            cities=dict(zip(fields["cities"][:known], fields["cities"][known:], strict=True)),
            steps=fields["steps"],
            day=day,
            day_in_fen=day_in_fen,
            day_out_fen=day_out_fen,
            first_at=first_at,
            woke_at=woke_at,
            gap_s=gap_s,
        )
    except (KeyError, TypeError) as error:
        raise ValueError("no habit") from error


_ENCODER = json.JSONEncoder(separators=(",", ":"))
