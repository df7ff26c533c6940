"""A habit follows the acts of one profile: the latest one by one, all of them in sums."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.dates import china_day
from hongbao.domain.risk.acts import IN, JUDGED, OUT, Seen, What
from hongbao.domain.risk.habit import (
    DORMANT_S,
    LETTERS,
    NEW,
    RECENT,
    Habit,
    after,
    china_day_number,
    china_hour,
    decode,
    encode,
)
from hongbao.domain.risk.magnitude import amount_of, magnitude
from hongbao.domain.risk.measures import OUTS_MIN, usual_fen
from hongbao.units import CHINA
from tests.every import every

NEW_YEAR = 1_771_214_400  # 2026-02-16 12:00 in China
DAY = 86_400

gaps = st.one_of(
    st.integers(0, 3), st.integers(0, 3 * DAY), st.integers(DORMANT_S - 2, 2 * DORMANT_S)
)
steps = st.tuples(
    gaps,
    st.sampled_from(What),
    st.integers(0, 10**13),
    st.integers(0, 50),
    st.integers(-1, 10**6),
    st.integers(0, 44),
)


def in_time(made: list[tuple[int, What, int, int, int, int]]) -> list[Seen]:
    moments = accumulate((gap for gap, *_ in made), initial=NEW_YEAR)
    return [Seen(at, *step[1:]) for at, step in zip(moments, made, strict=False)]


lives = st.lists(steps, max_size=RECENT + 20).map(in_time)


def lived(acts: list[Seen]) -> Habit:
    habit = NEW
    for seen in acts:
        habit = after(habit, seen)
    return habit


def a_busy_life(acts: int) -> Habit:
    """Return what a person leaves who does everything, everywhere, with everyone."""
    whats = (*sorted(JUDGED),) * 5 + (*What,)
    return lived(
        [
            Seen(
                NEW_YEAR + 7919 * n,
                whats[n * 31 % len(whats)],
                n * 7907 % 20_000 + 1,
                n * 37 % 60,
                n * 104_729 % 600_000,
                n % 3 + 1,
            )
            for n in range(acts)
        ]
    )


# --- kept -----------------------------------------------------------------------------------------


@given(lives)
def test_a_habit_is_read_as_it_was_written(acts):
    """
    Every fact, of every kind of act, after any life: what is decoded is what was encoded.
    """
    habit = lived(acts)

    assert habit == decode(encode(habit))


@given(lives)
def test_what_was_read_goes_on_as_what_was_never_written_down(acts):
    """
    A ledger that is closed between any two acts remembers the same, to the letter.
    """
    habit = NEW
    for seen in acts:
        habit = after(decode(encode(habit)), seen)

    assert encode(lived(acts)) == encode(habit)


@given(lives)
def test_a_habit_is_plain_json_of_whole_numbers(acts):
    """
    No float is in it, and nothing that another reader of JSON would stumble over.
    """
    text = encode(lived(acts))

    assert text.isascii()
    assert "." not in text
    assert json.loads(text)


def test_every_kind_of_act_has_a_letter_of_its_own():
    """
    A kind that is added is given one, and no two are taken for each other.
    """
    assert set(What) == set(LETTERS)
    assert len(What) == len(set(LETTERS.values()))
    assert {1} == set(map(len, LETTERS.values()))


@every(
    "text",
    [
        *("", "{", "[]", "{}", "null", "7"),
        encode(NEW).replace('"acts":0', '"deeds":0'),
        encode(NEW).replace('"what":""', '"what":"?"').replace('"at":[]', '"at":[1]'),
        encode(NEW).replace('"at":[]', '"at":[1]'),
        encode(NEW).replace('"cities":[]', '"cities":[1,2,3]'),
        encode(NEW).replace('"day":[0,0,0]', '"day":[0,0]'),
        encode(NEW).replace('"day":[0,0,0]', '"day":0'),
    ],
)
def test_what_is_no_habit_is_refused(text):
    """
    Whatever is missing, cut off, or of another form, it is the one error that a caller expects.
    """
    with pytest.raises(ValueError):  # noqa: PT011  (json's own is one too)
        decode(text)


def test_a_full_habit_is_read_followed_and_written_in_no_time():
    """
    It happens in each act's transaction: a tenth of a millisecond, and here ten times that, so
    that a busy machine does not fail it.
    """
    text = encode(a_busy_life(1000))
    claim = Seen(NEW_YEAR + 10**7, What.CLAIM, 88, 3, 2400, 1)

    def seconds() -> float:
        begun = time.perf_counter()
        for _ in range(100):
            encode(after(decode(text), claim))
        return (time.perf_counter() - begun) / 100

    assert min(seconds() for _ in range(5)) < 0.001


# --- the latest -----------------------------------------------------------------------------------


@given(lives)
def test_the_latest_acts_are_kept_one_by_one(acts):
    """
    In their order, the newest last, and never more than there is room for.
    """
    assert tuple(acts[-RECENT:]) == lived(acts).recent


def test_an_act_that_nothing_came_after_is_no_step():
    """
    A first act has no act before it.
    """
    assert {} == lived([Seen(NEW_YEAR, What.SEND)]).steps


def test_time_that_runs_backwards_is_our_own_mistake():
    """
    The ledger's clock never goes back, so nobody has to ask what an earlier act would mean.
    """
    habit = lived([Seen(NEW_YEAR, What.SEND)])

    with pytest.raises(AssertionError):
        after(habit, Seen(NEW_YEAR - 1, What.SEND))


def test_two_acts_at_one_moment_are_two():
    """
    A clock that stands still is allowed: a demo's does.
    """
    assert 2 == len(lived([Seen(NEW_YEAR, What.SEND)] * 2).recent)


# --- sums -----------------------------------------------------------------------------------------


@given(lives)
def test_sums_are_over_all_acts_ever(acts):
    """
    Also over those that the latest have pushed out.
    """
    habit = lived(acts)
    outs = [seen.amount_fen for seen in acts if seen.what in OUT]
    hours = Counter(china_hour(seen.at) for seen in acts if seen.what in JUDGED)

    assert len(acts) == habit.acts
    assert (len(outs), sum(map(magnitude, outs))) == (habit.outs, habit.outs_magnitude)
    assert tuple(hours[hour] for hour in range(24)) == habit.hours
    assert Counter(seen.city for seen in acts if seen.city) == habit.cities
    assert Counter(LETTERS[a.what] + LETTERS[b.what] for a, b in pairwise(acts)) == habit.steps
    assert (acts[0].at if acts else 0) == habit.first_at


@given(lives)
def test_a_days_money_is_exact(acts):
    """
    What came in and went out since midnight in China, however many acts it took.
    """
    habit = lived(acts)
    today = [seen for seen in acts if china_day_number(seen.at) == habit.day]

    assert sum(seen.amount_fen for seen in today if seen.what in IN) == habit.day_in_fen
    assert sum(seen.amount_fen for seen in today if seen.what in OUT) == habit.day_out_fen


def test_a_new_day_begins_at_midnight_in_china():
    """
    The last second belongs to the day before.
    """
    midnight = NEW_YEAR + 12 * 3600
    evening = lived([Seen(midnight - 1, What.SEND, 500), Seen(midnight - 1, What.CLAIM, 7)])

    assert (7, 500) == (evening.day_in_fen, evening.day_out_fen)

    morning = after(evening, Seen(midnight, What.SEND, 30))

    assert (0, 30) == (morning.day_in_fen, morning.day_out_fen)


@given(st.integers(0, 2**32))
def test_hours_and_days_are_those_of_chinas_calendar(at):
    """
    As the calendar has it, without asking it: whole seconds are enough.
    """
    local = datetime.fromtimestamp(at, UTC).astimezone(CHINA)

    assert local.hour == china_hour(at)
    first = china_day(datetime.fromtimestamp(0, UTC))
    assert (local.date() - first).days == china_day_number(at)


# --- waking ---------------------------------------------------------------------------------------


def test_who_did_nothing_for_thirty_days_wakes_up():
    """
    When it woke, and how long it had slept, is remembered while it is awake.
    """
    asleep = lived([Seen(NEW_YEAR, What.SEND)])
    woken = after(asleep, Seen(NEW_YEAR + DORMANT_S, What.PIN_CHANGE))
    awake = after(woken, Seen(NEW_YEAR + DORMANT_S + 60, What.SEND))

    assert (0, 0) == (asleep.woke_at, asleep.gap_s)
    assert (NEW_YEAR + DORMANT_S, DORMANT_S) == (woken.woke_at, woken.gap_s)
    assert (NEW_YEAR + DORMANT_S, DORMANT_S) == (awake.woke_at, awake.gap_s)


def test_a_second_less_than_thirty_days_is_no_sleep():
    """
    The border belongs to the sleepers.
    """
    acts = [Seen(NEW_YEAR, What.SEND), Seen(NEW_YEAR + DORMANT_S - 1, What.SEND)]

    assert (0, 0) == (lived(acts).woke_at, lived(acts).gap_s)


@every(
    ("outs", "outs_magnitude", "usual"),
    [
        (0, 0, None),
        (OUTS_MIN - 1, 10_000, None),
        (OUTS_MIN, OUTS_MIN * 1000, 2),
        (OUTS_MIN, OUTS_MIN * 1000 - 1, 2),
        (OUTS_MIN, OUTS_MIN * 10_000, 1024),
        # 2^9.999 is 1023.29; the mean's rest is left out, as 2^9.9995 would be 1024.
        (OUTS_MIN, OUTS_MIN * 10_000 - 1, 1023),
        (OUTS_MIN + 1, (OUTS_MIN + 1) * 14_288, 20_004),
    ],
)
def test_a_usual_amount_is_the_mean_of_magnitudes(outs, outs_magnitude, usual):
    """
    And none for whoever has paid out too seldom.
    """
    assert usual == usual_fen(NEW._replace(outs=outs, outs_magnitude=outs_magnitude))


@every(("size", "amount_fen"), [(0, 1), (1000, 2), (2000, 4), (9999, 1023), (500, 1), (600, 2)])
def test_an_amount_is_two_to_its_magnitude(size, amount_fen):
    """
    In whole thousandths, rounded.
    """
    assert amount_fen == amount_of(size)
