"""Dates: instants and durations as people type them, and China's calendar days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from hongbao.errors import InvalidDuration, InvalidInstant, InvalidSpan
from hongbao.rows import Row
from hongbao.units import CHINA

YEAR_FIRST, YEAR_LAST = 2000, 2200
"""The years that are read: wide enough to play with, narrow enough to notice a slip."""

DURATION_MAX = timedelta(days=36_525)
"""A hundred years."""

_ONE_DAY = timedelta(days=1)
_WORKING_DAYS = 5  # Monday to Friday
_INSTANT = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})"
    r"(?:-(?P<day>[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-5][0-9])?)?)?)?"
)
_MONTHS_MAX = 1_200
_SPAN = re.compile(r"(?:(\d{1,4})y)?(?:(\d{1,5})mo)?(?:(\d{1,5})w)?(?:(\d{1,6})d)?", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,10})s)?", re.ASCII)


def parse_instant(text: str) -> datetime:
    """
    Read *text* as an instant, and return it in UTC.

    A year, a month or a day means its start in China, and a time without an offset is China's,
    in any time zone of the machine.

    >>> parse_instant("2026-02-16").isoformat()
    '2026-02-15T16:00:00+00:00'
    >>> parse_instant("2026-02-16T20:00:00+08:00") == parse_instant("2026-02-16 20:00")
    True
    """
    return _read(text)[0]


def parse_period_end(text: str) -> datetime:
    """
    Read *text* as the end of a period, and return the first instant after it, in UTC.

    A day, a month or a year is meant whole: until the 30th includes the 30th. A full instant is
    itself.

    >>> parse_period_end("2026-11-30") == parse_period_end("2026-11") == parse_instant("2026-12-01")
    True
    """
    return _read(text)[1]


def parse_duration(text: str) -> timedelta:
    """
    Read *text* as a length of time: days, hours, minutes and seconds, each at most once.

    >>> parse_duration("25h"), parse_duration("1d12h")
    (datetime.timedelta(days=1, seconds=3600), datetime.timedelta(days=1, seconds=43200))
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidDuration(text)
    days, hours, minutes, seconds = (int(number) for number in match.groups(default="0"))
    whole_seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    # Compared before it becomes a timedelta, which would overflow; nothing written is zero too.
    if not 0 < whole_seconds <= DURATION_MAX // timedelta(seconds=1):
        raise InvalidDuration(text)
    return timedelta(seconds=whole_seconds)


class Span(Row):
    """A number of whole days, or of months and days: what a look back is asked for in."""

    months: int
    days: int


def parse_span(text: str) -> Span:
    """
    Read *text* as years, months, weeks and days, each at most once.

    A month is ``mo``, because ``m`` is a minute wherever else a time is typed, and a look back of a
    minute is never meant.

    >>> parse_span("30d"), parse_span("2w"), parse_span("1y3mo")
    (Span(months=0, days=30), Span(months=0, days=14), Span(months=15, days=0))
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise InvalidSpan(text)
    years, months, weeks, days = (int(number) for number in match.groups(default="0"))
    span = Span(years * 12 + months, weeks * 7 + days)
    if not any(span) or span.months > _MONTHS_MAX or span.days > DURATION_MAX.days:
        raise InvalidSpan(text)
    return span


def start_of_last(span: Span, now: datetime) -> datetime:
    """
    Return the instant, in UTC, at which the last *span* before *now* begins: a midnight in China.

    Today is one of its days. A month ago of a day that the month does not have is its last one.

    >>> now = datetime(2026, 11, 30, 12, 0, tzinfo=CHINA)
    >>> start_of_last(Span(months=0, days=30), now).astimezone(CHINA).isoformat()
    '2026-11-01T00:00:00+08:00'
    >>> start_of_last(Span(months=9, days=0), now).astimezone(CHINA).isoformat()
    '2026-03-01T00:00:00+08:00'
    """
    today = china_day(now)
    year, month = divmod(today.year * 12 + today.month - 1 - span.months, 12)
    first = date(year, month + 1, 1)
    last = (first + 31 * _ONE_DAY).replace(day=1) - _ONE_DAY
    day = first.replace(day=min(today.day, last.day))
    return start_of_day(day - span.days * _ONE_DAY + _ONE_DAY)


def china_day(at: datetime) -> date:
    """
    Return the day that it is in China *at* that instant.

    >>> china_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC)).isoformat()
    '2026-11-23'
    """
    assert at.tzinfo is not None

    return at.astimezone(CHINA).date()


def day_key(at: datetime) -> str:
    """Return China's day of *at* as a counter is filed under: ``2026-11-23``."""
    return china_day(at).isoformat()


def year_key(at: datetime) -> str:
    """Return China's year of *at* as a counter is filed under: ``2026``."""
    return str(china_day(at).year)


def start_of_day(day: date) -> datetime:
    """
    Return the instant at which *day* begins in China, in UTC.

    >>> start_of_day(date(2026, 11, 23)).isoformat()
    '2026-11-22T16:00:00+00:00'
    """
    return datetime.combine(day, time.min, CHINA).astimezone(UTC)


def next_day(at: datetime) -> datetime:
    """Return the instant, in UTC, at which the day after *at*'s begins in China."""
    return start_of_day(china_day(at) + _ONE_DAY)


def next_year(at: datetime) -> datetime:
    """Return the instant, in UTC, at which the year after *at*'s begins in China."""
    return start_of_day(date(china_day(at).year + 1, 1, 1))


def years_after(at: datetime, years: int) -> datetime:
    """
    Return the instant, in UTC, that is as far into its day in China as *at*, *years* years later.

    The day after a 29 February that a year does not have is the 1 March.

    >>> years_after(datetime(2024, 2, 29, 12, 0, tzinfo=CHINA), 10).isoformat()
    '2034-03-01T04:00:00+00:00'
    """
    here = at.astimezone(CHINA)
    try:
        later = here.replace(year=here.year + years)
    except ValueError:
        later = here.replace(year=here.year + years, month=3, day=1)
    return later.astimezone(UTC)


def days_after_midnight(at: datetime, days: int) -> datetime:
    """
    Return the instant, in UTC, at which the day *days* days after *at*'s begins in China.

    No days is *at* itself: what is due at once does not wait for a midnight.

    >>> days_after_midnight(datetime(2026, 2, 16, 12, 0, tzinfo=CHINA), 1).isoformat()
    '2026-02-16T16:00:00+00:00'
    """
    return start_of_day(china_day(at) + days * _ONE_DAY) if days else at


def working_days_after(at: datetime, days: int) -> datetime:
    """
    Return the instant, in UTC, *days* working days after *at*, at the same time of day in China.

    Working days are Monday to Friday there. What happens at a weekend is counted from its Monday,
    so one working day after a Saturday is Tuesday. Public holidays are not known here, nor the
    weekends that are worked in exchange for them. No days is *at* itself.

    >>> friday = datetime(2026, 2, 13, 12, 0, tzinfo=CHINA)
    >>> working_days_after(friday, 1).astimezone(CHINA).isoformat()
    '2026-02-16T12:00:00+08:00'
    """
    if not days:
        return at
    local = at.astimezone(CHINA)
    weekday = local.weekday()
    if weekday >= _WORKING_DAYS:
        local += (7 - weekday) * _ONE_DAY
        weekday = 0
    weeks, weekday_then = divmod(weekday + days, _WORKING_DAYS)
    return (local + timedelta(weeks=weeks, days=weekday_then - weekday)).astimezone(UTC)


def next_cut_off(at: datetime, cut_off: time) -> datetime:
    """
    Return the first instant after *at*, in UTC, at which it is *cut_off* in China.

    *at* itself never counts: what happens at a cut-off belongs to the next one.

    >>> next_cut_off(datetime(2026, 2, 16, 23, 0, tzinfo=CHINA), time(23)).isoformat()
    '2026-02-17T15:00:00+00:00'
    """
    today = datetime.combine(china_day(at), cut_off, CHINA).astimezone(UTC)
    return today if at < today else today + _ONE_DAY


def _read(text: str) -> tuple[datetime, datetime]:
    """Return the first instant that *text* means and the first one that it no longer means."""
    match = _INSTANT.fullmatch(text)
    if match is None or not YEAR_FIRST <= int(match["year"]) <= YEAR_LAST:
        raise InvalidInstant(text)
    year = int(match["year"])
    if match["month"] is None:
        return start_of_day(date(year, 1, 1)), start_of_day(date(year + 1, 1, 1))
    month = int(match["month"])
    try:
        if match["day"] is None:
            end = date(year + month // 12, month % 12 + 1, 1)
            return start_of_day(date(year, month, 1)), start_of_day(end)
        day = date(year, month, int(match["day"]))
        if match["hour"] is None:
            return start_of_day(day), start_of_day(day + _ONE_DAY)
        fraction = (match["fraction"] or "").ljust(6, "0")
        clock = time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
        local = datetime.combine(day, clock, _zone(match["offset"]))
        at = local.replace(microsecond=int(fraction)).astimezone(UTC)
    except ValueError:  # a 30th of February, an hour 24
        raise InvalidInstant(text) from None
    return at, at


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return CHINA
    if offset == "Z":
        return UTC
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    return timezone(-ahead if offset[0] == "-" else ahead)
