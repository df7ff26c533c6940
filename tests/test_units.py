"""How amounts and instants are written."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from hongbao import units
from tests.every import every


@every(
    ("amount_fen", "text"),
    [
        (0, "0.00"),
        (1, "0.01"),
        (10, "0.10"),
        (6666, "66.66"),
        (-5, "-0.05"),
        (10**15, "1" + "0" * 13 + ".00"),
    ],
)
def test_fen_are_written_as_yuan_with_two_decimals(amount_fen, text):
    """
    Exactly, whatever the size, and with the sign before the yuan.
    """
    assert text == units.yuan(amount_fen)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_an_instant_survives_being_stored(naive):
    """
    Microseconds since 1970 lose nothing, not even the last microsecond.
    """
    at = naive.replace(tzinfo=UTC)

    assert at == units.from_micros(units.to_micros(at))


def test_programs_and_people_are_told_chinas_time():
    """
    Whatever zone an instant came in, it is told at +08:00.
    """
    at = datetime(2026, 2, 16, 7, 0, tzinfo=timezone(timedelta(hours=-5)))

    assert "2026-02-16T20:00:00+08:00" == units.iso(at)
    assert "2026-02-16 20:00:00" == units.clock(at)
