"""The lunar year's table, computed again from the sun and the moon."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from hongbao.domain import lunar
from hongbao.units import CHINA

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


def at(julian_day: float) -> date:
    """Return China's day of a moment of dynamical time; about 70 seconds ahead of a clock."""
    moment = _J2000 + timedelta(days=julian_day - 2451545.0) - timedelta(seconds=70)
    return moment.astimezone(CHINA).date()


def sun_longitude(julian_day: float) -> float:
    """Return the sun's apparent longitude in degrees (Meeus, Astronomical Algorithms, 25)."""
    t = (julian_day - 2451545.0) / 36525
    anomaly = math.radians(357.52911 + 35999.05029 * t - 0.0001537 * t * t)
    centre = (
        (1.914602 - 0.004817 * t) * math.sin(anomaly)
        + (0.019993 - 0.000101 * t) * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
    )
    node = math.radians(125.04 - 1934.136 * t)
    mean = 280.46646 + 36000.76983 * t + 0.0003032 * t * t
    return (mean + centre - 0.00569 - 0.00478 * math.sin(node)) % 360


def new_moon(k: int) -> float:
    """Return the moment of the new moon number *k* since 2000 (Meeus, 49; the largest terms)."""
    t = k / 1236.85
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    sun = math.radians(2.5534 + 29.10535670 * k - 0.0000014 * t * t)
    moon = math.radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t)
    latitude = math.radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t)
    node = math.radians(124.7746 - 1.56375588 * k + 0.0020672 * t * t)
    return (
        2451550.09766
        + 29.530588861 * k
        + 0.00015437 * t * t
        - 0.40720 * math.sin(moon)
        + 0.17241 * e * math.sin(sun)
        + 0.01608 * math.sin(2 * moon)
        + 0.01039 * math.sin(2 * latitude)
        + 0.00739 * e * math.sin(moon - sun)
        - 0.00514 * e * math.sin(moon + sun)
        + 0.00208 * e * e * math.sin(2 * sun)
        - 0.00111 * math.sin(moon - 2 * latitude)
        - 0.00057 * math.sin(moon + 2 * latitude)
        + 0.00056 * e * math.sin(2 * moon + sun)
        - 0.00042 * math.sin(3 * moon)
        + 0.00042 * e * math.sin(sun + 2 * latitude)
        + 0.00038 * e * math.sin(sun - 2 * latitude)
        - 0.00024 * e * math.sin(2 * moon - sun)
        - 0.00017 * math.sin(node)
    )


def day_of_longitude(degrees: int, near: date) -> date:
    """Return the day, at most 20 days from *near*, on which the sun reaches *degrees*."""
    low = 2451545.0 + (near - date(2000, 1, 1)).days - 20
    high = low + 40
    while high - low > 1e-5:
        middle = (low + high) / 2
        behind = (sun_longitude(middle) - degrees + 180) % 360 < 180
        low, high = (middle, high) if behind else (low, middle)
    return at(low)


def new_years_day(year: int) -> date:
    """
    Return the second new moon after that of the month of the winter solstice, which is the 11th.

    It is the third if the 11th or 12th month is followed by a leap month: where there are 13
    months up to the next 11th, that is the first in which the sun reaches no multiple of 30.
    """
    solstices = [day_of_longitude(270, date(y, 12, 21)) for y in (year - 1, year)]
    k = round((year - 2000) * 12.3685) - 4
    moons = [at(new_moon(n)) for n in range(k, k + 20)]
    first, last = (
        max(n for n, day in enumerate(moons) if day <= solstice) for solstice in solstices
    )
    if last - first == 13:
        for place in (1, 2):
            begin, end = moons[first + place], moons[first + place + 1]
            middle = begin + (end - begin) / 2
            terms = [day_of_longitude(degrees, middle) for degrees in (270, 300, 330)]
            if not any(begin <= term < end for term in terms):
                return moons[first + 3]
    return moons[first + 2]


def test_the_table_is_what_the_sky_says():
    """
    Every year of it.
    """
    years = range(2000, 2000 + len(lunar.NEW_YEARS_DAYS))
    told = {year: lunar.new_years_eve(year) + timedelta(days=1) for year in years}

    assert 2100 == years[-1] == lunar.LUNAR_YEAR_LAST + 1
    assert {} == {
        year: (told[year], day) for year in years if (day := new_years_day(year)) != told[year]
    }


@pytest.mark.parametrize(
    ("day", "year"),
    [("2026-02-15", 2025), ("2026-02-16", 2026), ("2026-12-31", 2026), ("2027-02-04", 2026)],
)
def test_new_years_eve_begins_the_year(day: str, year: int):
    assert year == lunar.lunar_year(date.fromisoformat(day))
