"""Formats of amounts and instants: whole fen as yuan, UTC as China's time."""

from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "+08:00")
"""China keeps one time zone and no daylight saving, so no time-zone data is needed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHINA_EPOCH = datetime(1970, 1, 1, 8)  # noqa: DTZ001 - China's clock, without saying so
_MICROSECOND = timedelta(microseconds=1)


def yuan(amount_fen: int) -> str:
    """
    Write *amount_fen* as yuan with exactly two decimals.

    >>> yuan(6666), yuan(5), yuan(-110)
    ('66.66', '0.05', '-1.10')
    """
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), 100)
    return f"{sign}{whole}.{fen:02d}"


def to_micros(at: datetime) -> int:
    """
    Write an aware *at* as whole microseconds since 1970 in UTC, without passing through a float.

    >>> to_micros(datetime(1970, 1, 1, 8, 0, 1, tzinfo=CHINA))
    1000000
    """
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """
    Read what `to_micros` wrote, as an aware UTC datetime.

    >>> from_micros(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + micros * _MICROSECOND


def iso_of_micros(micros: int) -> str:
    """
    Write what `to_micros` wrote as `iso` does, in half the time: a statement has many instants.

    >>> iso_of_micros(to_micros(datetime(2026, 2, 16, 12, 0, 0, 5, tzinfo=UTC)))
    '2026-02-16T20:00:00.000005+08:00'
    """
    return f"{(_CHINA_EPOCH + micros * _MICROSECOND).isoformat()}+08:00"


def iso(at: datetime) -> str:
    """
    Write *at* for programs: ISO 8601 at +08:00, with microseconds only where there are any.

    >>> iso(datetime(2026, 2, 16, 12, 0, tzinfo=UTC))
    '2026-02-16T20:00:00+08:00'
    """
    return at.astimezone(CHINA).isoformat()


def iso_or_none(at: datetime | None) -> str | None:
    """Write *at* as `iso` does, or None where there is none."""
    return None if at is None else iso(at)


def clock(at: datetime) -> str:
    """
    Write *at* for people: China's date and time, to the second.

    >>> clock(datetime(2026, 2, 16, 12, 0, tzinfo=UTC))
    '2026-02-16 20:00:00'
    """
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
