"""Indicators: what an act is measured by, each as one whole number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import NamedTuple

from hongbao.domain.money import parse_yuan
from hongbao.domain.risk import measures as m
from hongbao.domain.risk.acts import IN, OUT, Asked, Guard, What
from hongbao.domain.risk.habit import Habit
from hongbao.domain.risk.measures import Comparing, Look, Night, Plain, Windowed
from hongbao.errors import InvalidAmount
from hongbao.rows import Row
from hongbao.units import yuan
from hongbao.words import N_

WINDOW_MAX_S = 366 * 86_400
"""The longest window: a year."""

SCORE = "score"
"""The indicator that the model gives; every other is measured."""

# --- keys -----------------------------------------------------------------------------------------


class Key(NamedTuple):
    """The key of a measurement: an indicator, with the time window or the amount that it needs."""

    indicator: str
    window_s: int = 0  # how far to look back; 0 where the indicator has no window
    of_fen: int = 0  # an amount to compare with; 0 where the indicator compares with none

    def __str__(self) -> str:
        """
        Return the key as rules, models and people write it.

        >>> print(Key("claims", 600), Key("just_below", 86_400, 2_000_000), Key("night"))
        claims/10m just_below:20000.00/24h night
        """
        of = f":{yuan(self.of_fen)}" if self.of_fen else ""
        return f"{self.indicator}{of}" + (f"/{window(self.window_s)}" if self.window_s else "")


def parse_key(text: str) -> Key:
    """
    Read what `Key.__str__` writes. Raises ValueError, which says what is wrong with it.

    >>> parse_key("claims/10m")
    Key(indicator='claims', window_s=600, of_fen=0)
    >>> parse_key("claims")
    Traceback (most recent call last):
    ValueError: claims needs a window
    """
    match = _KEY.fullmatch(text)
    if match is None:
        raise ValueError("an indicator is written as in claims/10m")
    of, length = match["of"], match["window"]
    try:
        of_fen = 0 if of is None else parse_yuan(of)
    except InvalidAmount as error:
        raise ValueError(str(error)) from None
    key = Key(match["name"], 0 if length is None else parse_window(length), of_fen)
    check_key(key)
    return key


def check_key(key: Key) -> None:
    """Raise ValueError, which says why, unless *key* names an indicator with all that it needs."""
    indicator = INDICATORS.get(key.indicator)
    if indicator is None:
        raise ValueError("there is no such indicator")
    for has, needs, thing in (
        (key.window_s, indicator.windowed, "a window"),
        (key.of_fen, indicator.of, "an amount to compare with"),
    ):
        if needs and not has:
            raise ValueError(f"{indicator.name} needs {thing}")
        if has and not needs:
            raise ValueError(f"{indicator.name} does not take {thing}")


def parse_window(text: str) -> int:
    """
    Read the length of a window, one number and its unit, as seconds. Raises ValueError.

    >>> parse_window("90s"), parse_window("10m"), parse_window("24h"), parse_window("7d")
    (90, 600, 86400, 604800)
    """
    match = _LENGTH.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= WINDOW_MAX_S:
        raise ValueError("a window is written as in 10m, 24h or 30d, and is at most 366d")
    return seconds


def window(seconds: int) -> str:
    """
    Write the length of a window as `parse_window` reads it, in the largest unit that fits.

    A single day is 24 hours: it is not one of the calendar's.

    >>> window(90), window(600), window(86_400), window(7 * 86_400)
    ('90s', '10m', '24h', '7d')
    """
    for unit, length in _UNITS.items():
        if seconds % length == 0 and (unit != "d" or seconds > length):
            return f"{seconds // length}{unit}"
    raise AssertionError(seconds)


_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_KEY = re.compile(r"(?P<name>[a-z_]{1,40})(?::(?P<of>[^/]{1,20}))?(?:/(?P<window>[^/]{1,12}))?")


# --- the table ------------------------------------------------------------------------------------


@unique
class Unit(StrEnum):
    """The unit of a value."""

    COUNT = "count"
    FEN = "fen"
    TENTHS = "tenths"  # of how many times as much
    PERMILLE = "permille"
    FLAG = "flag"  # 1 is yes, 0 is no
    MS = "ms"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    KM = "km"
    KMH = "km/h"


class Indicator(Row):
    """One thing that an act is measured by."""

    name: str
    guard: Guard
    unit: Unit
    label: str  # what it is, for people; say it with `hongbao.words._`
    taken: Plain | Windowed | Comparing
    windowed: bool = False  # looks back over a window, over RECENT acts at most
    of: bool = False  # compares with an amount that the rule gives

    def measure(self, habit: Habit, asked: Asked, key: Key, night: Night) -> int:
        """
        Return the value of *key*, which names this indicator, for what is *asked*.

        The act asked counts itself; *habit* is what is remembered from before it. *night* is from
        which hour to which of China's clock it is night.
        """
        taken, needs = self.taking(key)
        return taken(Look(habit, asked, night), *needs)

    def taking(self, key: Key) -> tuple[Callable[..., int], tuple[int, ...]]:
        """Return the function that takes the value of *key*, and what it needs besides a `Look`."""
        needs = (*([key.window_s] if self.windowed else ()), *([key.of_fen] if self.of else ()))
        return self.taken, needs


def _given(look: Look) -> int:
    raise AssertionError(f"the model gives the score of {look.seen}")


_U = Unit
_PLAIN, _WINDOW, _WINDOW_OF = (False, False), (True, False), (True, True)

_Row = tuple[str, Unit, tuple[bool, bool], Plain | Windowed | Comparing, str]

_TABLE: Mapping[Guard, tuple[_Row, ...]] = {
    Guard.BEHAVIOUR: (
        ("acts", _U.COUNT, _WINDOW, m.acts, N_("acts")),
        ("sends", _U.COUNT, _WINDOW, m.count({What.SEND, What.GIVE}), N_("packets sent")),
        ("claims", _U.COUNT, _WINDOW, m.count({What.CLAIM}), N_("packets claimed")),
        ("quick_claims", _U.COUNT, _WINDOW, m.quick_claims, N_("packets claimed instantly")),
        ("reaction_ms", _U.MS, _PLAIN, m.reaction_ms, N_("time taken to claim")),
        ("steady", _U.COUNT, _WINDOW, m.steady, N_("acts at regular intervals")),
        ("unlike_self", _U.PERMILLE, _PLAIN, m.unlike_self, N_("unusual order of acts")),
        (
            "failed_challenges",
            _U.COUNT,
            _WINDOW,
            m.count({What.CHALLENGE_FAILED}),
            N_("failed challenges"),
        ),
        (SCORE, _U.PERMILLE, _PLAIN, _given, N_("model score")),
    ),
    Guard.TRANSACTION: (
        ("amount_fen", _U.FEN, _PLAIN, lambda look: look.seen.amount_fen, N_("this amount")),
        ("times_usual", _U.TENTHS, _PLAIN, m.times_usual, N_("times the usual amount")),
        ("in_fen", _U.FEN, _WINDOW, m.total_fen(IN), N_("received")),
        ("out_fen", _U.FEN, _WINDOW, m.total_fen(OUT), N_("paid out")),
        ("day_in_fen", _U.FEN, _PLAIN, m.day_in_fen, N_("received today")),
        ("day_out_fen", _U.FEN, _PLAIN, m.day_out_fen, N_("paid out today")),
        ("night", _U.FLAG, _PLAIN, m.is_night, N_("at night in China")),
        ("hour_rare", _U.PERMILLE, _PLAIN, m.hour_rare, N_("unusual hour")),
        ("just_below", _U.COUNT, _WINDOW_OF, m.just_below, N_("amounts just below")),
        ("same_pair", _U.COUNT, _WINDOW, m.same_pair, N_("acts with the same person")),
        ("senders", _U.COUNT, _WINDOW, m.others(What.CLAIM), N_("people claimed from")),
        ("recipients", _U.COUNT, _WINDOW, m.others(What.GIVE), N_("people given to")),
        ("pass_through", _U.PERMILLE, _WINDOW, m.pass_through, N_("share of income paid out")),
        ("rounds", _U.COUNT, _WINDOW, m.rounds, N_("send-and-claim rounds")),
        ("speed_kmh", _U.KMH, _PLAIN, m.speed_kmh, N_("speed since the last place")),
        ("away_km", _U.KM, _PLAIN, m.away_km, N_("distance from the usual city")),
    ),
    Guard.ACCOUNT: (
        ("age_days", _U.DAYS, _PLAIN, lambda look: look.asked.age_days, N_("age of the profile")),
        ("channels", _U.COUNT, _PLAIN, lambda look: look.asked.channels, N_("identity sources")),
        ("cards", _U.COUNT, _PLAIN, lambda look: look.asked.cards, N_("bank cards bound")),
        ("dormant_days", _U.DAYS, _WINDOW, m.dormant_days, N_("inactive before")),
    ),
    Guard.DEVICE: (
        (
            "device_age_hours",
            _U.HOURS,
            _PLAIN,
            lambda look: look.asked.device_age_hours,
            N_("device authorised for"),
        ),
        ("devices", _U.COUNT, _PLAIN, lambda look: look.asked.devices, N_("authorised devices")),
        (
            "device_profiles",
            _U.COUNT,
            _PLAIN,
            lambda look: look.asked.device_profiles,
            N_("profiles on this device"),
        ),
        (
            "new_devices",
            _U.COUNT,
            _WINDOW,
            m.count({What.DEVICE_ADD}),
            N_("newly authorised devices"),
        ),
        (
            "since_pin_change_min",
            _U.MINUTES,
            _PLAIN,
            m.since_pin_change_min,
            N_("time since the PIN change"),
        ),
    ),
    Guard.DATA: (
        (
            "clock_back_s",
            _U.SECONDS,
            _PLAIN,
            lambda look: look.asked.clock_back_s,
            N_("clock turned back by"),
        ),
    ),
}

INDICATORS: Mapping[str, Indicator] = MappingProxyType(
    {
        name: Indicator(name, guard, unit, label, taken, *needs)
        for guard, rows in _TABLE.items()
        for name, unit, needs, taken, label in rows
    }
)
"""Every indicator by its name."""
