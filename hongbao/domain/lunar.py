"""The lunar year: China's New Year's Eves 除夕."""

from datetime import date, timedelta

from hongbao.domain.dates import YEAR_FIRST

NEW_YEARS_DAYS = (
    *(205, 124, 212, 201, 122, 209, 129, 218, 207, 126, 214, 203, 123, 210, 131, 219, 208),
    *(128, 216, 205, 125, 212, 201, 122, 210, 129, 217, 206, 126, 213, 203, 123, 211, 131),
    *(219, 208, 128, 215, 204, 124, 212, 201, 122, 210, 130, 217, 206, 126, 214, 202, 123),
    *(211, 201, 219, 208, 128, 215, 204, 124, 212, 202, 121, 209, 129, 217, 205, 126, 214),
    *(203, 123, 211, 131, 219, 207, 127, 215, 205, 124, 212, 202, 122, 209, 129, 217, 206),
    *(126, 214, 203, 124, 210, 130, 218, 207, 127, 215, 205, 125, 212, 201, 121, 209),
)
"""
The first day of each lunar year from 2000 to 2100: 217 is 17 February.

By the rules of GB/T 33661-2017: the month of the winter solstice is the eleventh, and the first one
begins on the day of a new moon, in China. A test computes them again from the sun and the moon.
"""

LUNAR_YEAR_LAST = YEAR_FIRST + len(NEW_YEARS_DAYS) - 2
"""The last year whose end is known, too."""

_ONE_DAY = timedelta(days=1)


def new_years_eve(year: int) -> date:
    """
    Return the day before the lunar *year* begins.

    >>> new_years_eve(2026).isoformat(), new_years_eve(2027).isoformat()
    ('2026-02-16', '2027-02-05')
    """
    month, day = divmod(NEW_YEARS_DAYS[year - YEAR_FIRST], 100)
    return date(year, month, day) - _ONE_DAY


def lunar_year(day: date) -> int:
    """
    Return the lunar year of *day*, where New Year's Eve is counted to the new one.

    >>> lunar_year(date(2026, 2, 15)), lunar_year(date(2026, 2, 16))
    (2025, 2026)
    """
    return day.year if day >= new_years_eve(day.year) else day.year - 1
