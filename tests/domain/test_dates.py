"""Dates: read in China's time whatever the machine's, and days that end at its midnight."""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import units
from hongbao.domain.dates import (
    DURATION_MAX,
    Span,
    china_day,
    day_key,
    days_after_midnight,
    next_cut_off,
    next_day,
    next_year,
    parse_duration,
    parse_instant,
    parse_period_end,
    parse_span,
    start_of_day,
    start_of_last,
    working_days_after,
    year_key,
    years_after,
)
from hongbao.errors import InvalidDuration, InvalidInstant, InvalidSpan, shortened
from hongbao.units import CHINA
from tests.every import every

instants = st.datetimes(
    datetime(2000, 1, 2),  # noqa: DTZ001
    datetime(2200, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@every(
    ("text", "utc"),
    [
        ("2026-02-16T20:00:00+08:00", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16T20:00:00", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16 20:00", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16T12:00:00Z", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16T07:00-05:00", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16T17:30+05:30", "2026-02-16T12:00:00+00:00"),
        ("2026-02-16T20:00:00.5", "2026-02-16T12:00:00.500000+00:00"),
        ("2026-02-16T20:00:00.000001+08:00", "2026-02-16T12:00:00.000001+00:00"),
        ("2026-02-16", "2026-02-15T16:00:00+00:00"),
        ("2026-02", "2026-01-31T16:00:00+00:00"),
        ("2026", "2025-12-31T16:00:00+00:00"),
        ("2000-01-01", "1999-12-31T16:00:00+00:00"),
        ("2200-12-31T23:59:59", "2200-12-31T15:59:59+00:00"),
        ("2024-02-29", "2024-02-28T16:00:00+00:00"),
    ],
)
def test_instants_are_read_into_utc(text, utc):
    """
    Without an offset a time is China's; a day or a month is its start there.
    """
    assert utc == parse_instant(text).isoformat()


@every(
    ("text", "months", "days"),
    [
        *(("1d", 0, 1), ("3w", 0, 21), ("2mo", 2, 0), ("1y", 12, 0), ("2y3mo4w5d", 27, 33)),
        *(("100y", 1200, 0), ("1200mo", 1200, 0), ("36525d", 0, 36525), ("5217w6d", 0, 36525)),
    ],
)
def test_a_span_is_months_and_days(text, months, days):
    """
    A year is twelve months and a week seven days; the longest is a hundred years.
    """
    assert Span(months, days) == parse_span(text)


@every(
    "text",
    [
        *(
            "",
            "0d",
            "0y0mo",
            "1",
            "d",
            "1m",
            "1h",
            "1D",
            "-1d",
            "1d1w",
            "1mo1y",
            " 1d",
            "1d\n",
            "１d",
        ),
        *("101y", "100y1mo", "1201mo", "36526d", "5218w", "12345y", "1201mo36526d", "1d1d"),
    ],
)
def test_what_is_no_span_is_refused(text):
    """
    Nothing at all, units in another order, a minute, and more than a hundred years.
    """
    with pytest.raises(InvalidSpan) as refusal:
        parse_span(text)

    assert shortened(text) == refusal.value.facts["text"]


@every(
    ("months", "days", "now", "first_day"),
    [
        (0, 1, "2026-11-30T12:00:00+08:00", "2026-11-30"),
        (0, 31, "2026-11-30T12:00:00+08:00", "2026-10-31"),
        (1, 0, "2026-11-30T12:00:00+08:00", "2026-10-31"),
        (1, 0, "2026-11-29T15:59:59+00:00", "2026-10-30"),
        (1, 0, "2026-11-29T16:00:00+00:00", "2026-10-31"),
        (1, 0, "2026-03-31T12:00:00+08:00", "2026-03-01"),
        (1, 0, "2024-03-31T12:00:00+08:00", "2024-03-01"),
        (1, 0, "2026-03-28T12:00:00+08:00", "2026-03-01"),
        (1, 0, "2026-03-27T12:00:00+08:00", "2026-02-28"),
        (1, 0, "2026-01-15T12:00:00+08:00", "2025-12-16"),
        (11, 0, "2026-12-31T12:00:00+08:00", "2026-02-01"),
        (12, 0, "2026-12-31T12:00:00+08:00", "2026-01-01"),
        (13, 2, "2026-02-16T12:00:00+08:00", "2025-01-15"),
    ],
)
def test_the_last_of_a_span_begins_at_a_midnight(months, days, now, first_day):
    """
    Today is one of its days, and a month ago is never a day that there was not.
    """
    begins = start_of_last(Span(months, days), datetime.fromisoformat(now))

    assert f"{first_day}T00:00:00+08:00" == begins.astimezone(CHINA).isoformat()
    assert UTC is begins.tzinfo


@every(
    ("at", "years", "later"),
    [
        ("2026-02-16T23:30:00+08:00", 1, "2027-02-16T15:30:00+00:00"),
        ("2024-02-29T00:00:00+08:00", 4, "2028-02-28T16:00:00+00:00"),
        ("2024-02-29T00:00:00+08:00", 1, "2025-02-28T16:00:00+00:00"),
        # In China it is the 1 March already.
        ("2024-02-29T17:00:00+00:00", 1, "2025-02-28T17:00:00+00:00"),
        ("2024-02-28T17:00:00+00:00", 3, "2027-02-28T17:00:00+00:00"),
    ],
)
def test_years_later_is_the_same_day_in_china(at, years, later):
    """
    The 1 March where a year has no 29 February.
    """
    found = years_after(datetime.fromisoformat(at), years)

    assert later == found.isoformat()
    assert UTC is found.tzinfo


@every(
    "text",
    [
        *(
            "",
            "202",
            "2026-13",
            "2026-00",
            "2026-02-30",
            "2026-2-3",
            "20260216",
            "16-02-2026",
            "now",
        ),
        *(
            "2026-02-16T",
            "2026-02-16T20",
            "2026-02-16T24:00",
            "2026-02-16T20:60",
            "2026-02-16T20:00:60",
        ),
        *(
            "2026-02-16T20:00:00.",
            "2026-02-16T20:00:00.1234567",
            "2026-02-16T20:00:00,5",
            "2026-02-16t20:00",
        ),
        *(
            "2026-02-16T20:00+8",
            "2026-02-16T20:00+0800",
            "2026-02-16T20:00+24:00",
            "2026-02-16T20:00+08:60",
        ),
        *(
            "2026-02-16+08:00",
            "2026-02-16T20:00 Z",
            " 2026-02-16",
            "2026-02-16\n",
            "２０２６-02-16",
            "٢٠٢٦-02-16",
        ),
        *(
            "1999-12-31",
            "2201-01-01",
            "0000-01-01",
            "-2026-01-01",
            "2026-02-16T20:00Z\x00",
            "2" * 1_000_000,
        ),
    ],
)
def test_what_is_no_instant_is_refused(text):
    """
    Days that do not exist, guesses at order or offset, and years out of reach, at both readers.
    """
    for parse in (parse_instant, parse_period_end):
        with pytest.raises(InvalidInstant) as refusal:
            parse(text)

        assert len(str(refusal.value)) < 120


@given(instants)
def test_instants_are_read_back_as_they_were_shown(at):
    """
    `units.iso` and `parse_instant` are inverses, to the microsecond.
    """
    assert at == parse_instant(units.iso(at))


@every(
    ("text", "end"),
    [
        ("2026-11-30", "2026-12-01"),
        ("2026", "2027-01-01"),
        ("2026-11", "2026-12-01"),
        ("2026-12", "2027-01-01"),
        ("2026-12-31", "2027-01-01"),
        ("2024-02", "2024-03-01"),
        ("2200-12-31", "2200-12-31T24"),
        ("2026-11-30T12:00", "2026-11-30T12:00"),
    ],
)
def test_an_end_is_inclusive(text, end):
    """
    Until the 30th includes all of the 30th, and until a month all of it; an instant is itself.
    """
    if end.endswith("T24"):
        assert start_of_day(date(2201, 1, 1)) == parse_period_end(text)
    else:
        assert parse_instant(end) == parse_period_end(text)


@every(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("25h", timedelta(hours=25)),
        ("7d", timedelta(days=7)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0d1s", timedelta(seconds=1)),
        ("007d", timedelta(days=7)),
        ("36525d", DURATION_MAX),
    ],
)
def test_durations_are_sums_of_units(text, length):
    """
    Days, hours, minutes and seconds, each at most once and in this order.
    """
    assert length == parse_duration(text)


@every(
    "text",
    [
        *(
            "",
            "0s",
            "0d0h",
            "5",
            "h",
            "-1h",
            "+1h",
            "1.5h",
            "1e3s",
            "12h1d",
            "1h1h",
            "1h 30m",
            " 1h",
            "1h\n",
        ),
        *(
            "１h",
            "1H",
            "1w",
            "1y",
            "36525d1s",
            "999999999d",
            "9" * 30 + "s",
            "٣h",
            "1d" * 5_000_000,
        ),
    ],
)
def test_what_is_no_duration_is_refused(text):
    """
    Nothing, less than nothing, fractions, other orders, and more than a hundred years.
    """
    with pytest.raises(InvalidDuration) as refusal:
        parse_duration(text)

    assert len(str(refusal.value)) < 120


def test_a_quota_does_not_return_at_eight_in_the_morning():
    """
    A fault seen elsewhere: days keyed to UTC. In Beijing 07:59 and 08:00 are one day, and midnight
    parts two.
    """
    assert day_key(parse_instant("2026-11-23T07:59")) == day_key(parse_instant("2026-11-23T08:00"))
    assert "2026-11-22" == day_key(parse_instant("2026-11-22T23:59:59.999999"))
    assert "2026-11-23" == day_key(parse_instant("2026-11-23T00:00"))
    assert "2026" == year_key(parse_instant("2026-12-31T23:59:59.999999"))
    assert "2027" == year_key(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Shanghai"])
def test_the_machines_own_zone_does_not_matter(zone, monkeypatch):
    """
    Whatever ``TZ`` says, text, days and years are China's.
    """
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        at = parse_instant("2026-12-31T23:59")

        assert "2026-12-31T15:59:00+00:00" == at.isoformat()
        assert ("2026-12-31", "2026") == (day_key(at), year_key(at))
        assert "2026-12-31T16:00:00+00:00" == next_day(at).isoformat()
        assert "2027-01-01T15:59:00+00:00" == working_days_after(at, 1).isoformat()
        assert "2026-12-31T16:30:00+00:00" == next_cut_off(at, time_of_day(0, 30)).isoformat()
    finally:
        monkeypatch.undo()
        time.tzset()


@given(instants)
def test_days_and_years_follow_on_without_a_gap(at):
    """
    An instant lies in its own day, the next one begins where it ends, and keys change right there.
    """
    last = timedelta(microseconds=1)

    assert start_of_day(china_day(at)) <= at < next_day(at)
    assert timedelta(days=1) == next_day(at) - start_of_day(china_day(at))
    assert day_key(at) == day_key(next_day(at) - last) < day_key(next_day(at))
    assert year_key(at) == year_key(next_year(at) - last) < year_key(next_year(at))
    assert at < next_year(at)
    assert UTC == next_day(at).tzinfo == next_year(at).tzinfo == start_of_day(china_day(at)).tzinfo


@every(
    ("start", "days", "end"),
    [
        ("02-16", 0, "02-16"),
        ("02-16", 1, "02-17"),
        ("02-16", 4, "02-20"),
        ("02-16", 5, "02-23"),
        ("02-16", 30, "03-30"),
        ("02-20", 1, "02-23"),
        ("02-20", 3, "02-25"),
        ("02-20", 6, "03-02"),
        ("02-21", 0, "02-21"),
        ("02-21", 1, "02-24"),
        ("02-22", 1, "02-24"),
        ("02-22", 5, "03-02"),
    ],
)
def test_working_days_leave_out_the_weekend(start, days, end):
    """
    16 February 2026 is a Monday; what happens at a weekend is counted from its Monday.
    """
    at = parse_instant(f"2026-{start}T12:00")

    assert parse_instant(f"2026-{end}T12:00") == working_days_after(at, days)


def test_the_weekend_is_chinas():
    """
    Friday evening in London is Saturday in Beijing, and Sunday evening is Monday.
    """
    friday = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
    sunday = datetime(2026, 2, 22, 18, 0, tzinfo=UTC)

    assert parse_instant("2026-02-24T02:00") == working_days_after(friday, 1)
    assert parse_instant("2026-02-24T02:00") == working_days_after(sunday, 1)


@given(instants, st.integers(1, 60))
def test_a_working_day_ends_on_one_and_is_the_days_before_and_one_more(at, days):
    """
    Nothing arrives at a weekend, the time of day stays, and days add up.
    """
    then = working_days_after(at, days)

    assert then.astimezone(CHINA).weekday() < 5
    assert at.astimezone(CHINA).time() == then.astimezone(CHINA).time()
    assert working_days_after(working_days_after(at, 1), days) == working_days_after(at, days + 1)
    assert UTC == then.tzinfo


@given(instants, st.times(timezones=st.none()))
def test_the_next_cut_off_lies_ahead_and_within_a_day(at, cut_off):
    """
    It is the cut-off's time in China, after *at* by no more than 24 hours, and never *at* itself.
    """
    then = next_cut_off(at, cut_off)

    assert cut_off == then.astimezone(CHINA).time()
    assert at < then <= at + timedelta(days=1)
    assert then == next_cut_off(then - timedelta(microseconds=1), cut_off)
    assert then + timedelta(days=1) == next_cut_off(then, cut_off)
    assert UTC == then.tzinfo


def test_a_cut_off_before_eight_in_the_morning_is_chinas_too():
    """
    07:59 in Beijing is still the day before in UTC.
    """
    morning = time_of_day(7, 59)

    assert parse_instant("2026-02-16T07:59") == next_cut_off(
        parse_instant("2026-02-16T00:30"), morning
    )
    assert parse_instant("2026-02-17T07:59") == next_cut_off(
        parse_instant("2026-02-16T07:59"), morning
    )


@every(
    ("at", "days", "then"),
    [
        ("2026-02-16T12:00", 0, "2026-02-16T12:00"),
        ("2026-02-16T00:00", 0, "2026-02-16T00:00"),
        ("2026-02-16T12:00", 1, "2026-02-17T00:00"),
        ("2026-02-16T00:00", 1, "2026-02-17T00:00"),
        ("2026-02-16T07:59", 1, "2026-02-17T00:00"),
        ("2026-02-16T23:59:59.999999", 1, "2026-02-17T00:00"),
        ("2026-12-31T12:00", 2, "2027-01-02T00:00"),
    ],
)
def test_days_after_are_counted_by_chinas_midnights(at, days, then):
    """
    T+1 is the next midnight, however near it is; T+0 is at once.
    """
    assert parse_instant(then) == days_after_midnight(parse_instant(at), days)


def test_an_instant_without_a_zone_is_our_own_mistake():
    """
    A naive datetime would silently take the machine's zone.
    """
    with pytest.raises(AssertionError):
        day_key(datetime(2026, 11, 23))  # noqa: DTZ001
