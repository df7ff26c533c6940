"""Each indicator is one whole number: of what is remembered, and of what is asked now."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.risk.acts import JUDGED, Asked, Guard, Seen, What
from hongbao.domain.risk.habit import DORMANT_S, NEW, RECENT, Habit, after, china_hour
from hongbao.domain.risk.indicators import (
    INDICATORS,
    SCORE,
    WINDOW_MAX_S,
    Key,
    Unit,
    parse_key,
    parse_window,
    window,
)
from hongbao.domain.risk.magnitude import magnitude, ratio_tenths
from hongbao.domain.risk.measures import ACTS_MIN, NEVER, OUTS_MIN, QUICK_MS
from hongbao.domain.risk.places import distance_km
from tests.every import every

NEW_YEAR = 1_771_214_400  # 2026-02-16 12:00 in China
MINUTE, HOUR, DAY = 60, 3600, 86_400
NIGHT = (23, 6)
BEIJING, SHANGHAI = 1, 10

SEND, GIVE, CLAIM = What.SEND, What.GIVE, What.CLAIM
TOPUP, WITHDRAW = What.TOPUP, What.WITHDRAW

MEASURED = [name for name in INDICATORS if name != SCORE]
WINDOWED = [name for name in MEASURED if INDICATORS[name].windowed]

whats = st.sampled_from(What)
seens = st.builds(
    Seen,
    st.integers(0, 5) | st.integers(0, 2 * DAY) | st.integers(0, 3 * DORMANT_S),
    whats,
    st.integers(0, 10**7),
    st.integers(0, 6),
    st.integers(-1, 4000),
    st.integers(0, 6),
)
lives = st.lists(seens, max_size=RECENT + 20).map(
    lambda made: [
        seen._replace(at=at)
        for seen, at in zip(made, accumulate((s.at for s in made), initial=NEW_YEAR), strict=False)
    ]
)
lengths = st.sampled_from([1, 10 * MINUTE, HOUR, DAY, 30 * DAY, WINDOW_MAX_S])


def lived(acts: list[Seen]) -> Habit:
    habit = NEW
    for seen in acts:
        habit = after(habit, seen)
    return habit


def ask(seen: Seen, **facts: int) -> Asked:
    everyday = {
        "age_days": 400,
        "channels": 3,
        "cards": 1,
        "device_age_hours": 9000,
        "devices": 1,
        "device_profiles": 1,
        "clock_back_s": 0,
    }
    return Asked(seen, **(everyday | facts))


def key_of(name: str, window_s: int = DAY) -> Key:
    """Return a key with all that the indicator *name* needs."""
    indicator = INDICATORS[name]
    return Key(name, window_s if indicator.windowed else 0, 2_000_000 if indicator.of else 0)


def value(text: str, acts: list[Seen], now: Seen, **facts: int) -> int:
    key = parse_key(text)
    return INDICATORS[key.indicator].measure(lived(acts), ask(now, **facts), key, NIGHT)


def at(seconds: int, what: What = SEND, amount_fen: int = 100, other: int = 0, **more: int) -> Seen:
    """Return an act so many seconds after noon on New Year's Eve."""
    return Seen(NEW_YEAR + seconds, what, amount_fen, other, **more)


def days(count: int, what: What = SEND, **more: int) -> list[Seen]:
    """Return one act a day, always at noon; the last was a day before New Year's Eve."""
    return [at(-DAY * (count - n), what, **more) for n in range(count)]


# --- the table ------------------------------------------------------------------------------------


def test_every_guard_looks_at_something():
    """
    All five dimensions are measured.
    """
    assert set(Guard) == {indicator.guard for indicator in INDICATORS.values()}


def test_an_indicator_is_found_by_its_own_name():
    """
    And says in words of its own what it is.
    """
    assert list(INDICATORS) == [indicator.name for indicator in INDICATORS.values()]
    assert len(INDICATORS) == len({indicator.label for indicator in INDICATORS.values()})


@every("name", INDICATORS)
def test_an_amounts_name_ends_in_fen(name):
    """
    So a rule's author, and who reads a value, know how it is written.
    """
    assert name.endswith("_fen") == (INDICATORS[name].unit is Unit.FEN)


def test_the_score_is_not_measured_here():
    """
    Only a model gives it: to measure it would be our own mistake.
    """
    with pytest.raises(AssertionError):
        value(SCORE, [], at(0))


@given(lives, seens, st.sampled_from(MEASURED), lengths)
def test_every_value_of_every_life_is_a_whole_number(acts, seen, name, window_s):
    """
    None is below zero, and none is anything but an int: they are stored and compared as such.
    """
    habit = lived(acts)
    asked = ask(seen._replace(at=habit.recent[-1].at if acts else NEW_YEAR))

    measured = INDICATORS[name].measure(habit, asked, key_of(name, window_s), NIGHT)

    assert int is type(measured)
    assert measured >= 0


@every("name", MEASURED)
@every("what", sorted(JUDGED))
def test_a_first_act_can_be_measured(name, what):
    """
    Somebody who has done nothing has no habits, and that is no reason to stumble.
    """
    assert 0 <= INDICATORS[name].measure(NEW, ask(at(0, what)), key_of(name), NIGHT)


@given(lives, st.sampled_from(sorted(JUDGED)))
def test_shares_are_at_most_a_thousand(acts, what):
    """
    A permille that surprises cannot surprise more than fully.
    """
    habit = lived(acts)
    asked = ask(Seen(habit.recent[-1].at if acts else NEW_YEAR, what, 100))

    for name in ("unlike_self", "hour_rare"):
        assert INDICATORS[name].measure(habit, asked, Key(name), NIGHT) <= 1000


# --- keys -----------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(INDICATORS)), st.integers(1, WINDOW_MAX_S), st.integers(1, 10**13))
def test_a_key_is_read_as_it_was_written(name, window_s, of_fen):
    """
    Models and decisions keep keys as text.
    """
    indicator = INDICATORS[name]
    key = Key(name, window_s if indicator.windowed else 0, of_fen if indicator.of else 0)

    assert key == parse_key(str(key))


@every(
    ("text", "reason"),
    [
        ("", "an indicator is written as in claims/10m"),
        ("claims/", "an indicator is written as in claims/10m"),
        ("claims/10m/10m", "an indicator is written as in claims/10m"),
        ("Claims/10m", "an indicator is written as in claims/10m"),
        (" claims/10m", "an indicator is written as in claims/10m"),
        ("claims/10m\n", "a window is written as in 10m, 24h or 30d, and is at most 366d"),
        ("luck/10m", "there is no such indicator"),
        ("claims", "claims needs a window"),
        ("night/24h", "night does not take a window"),
        ("just_below/24h", "just_below needs an amount to compare with"),
        ("claims:5.00/24h", "claims does not take an amount to compare with"),
        ("just_below:0/24h", "amount '0' is not yuan with at most two decimals"),
        ("just_below:1e3/24h", "amount '1e3' is not yuan with at most two decimals"),
    ],
)
def test_what_is_no_key_is_refused_with_a_reason(text, reason):
    """
    Whoever wrote the rule or the model learns what is wrong with it.
    """
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  (its sentence is compared)
        parse_key(text)

    assert reason == str(refusal.value)


@given(st.integers(1, WINDOW_MAX_S))
def test_a_window_is_read_as_it_was_written(seconds):
    """
    Whatever its length, there is one way to write it.
    """
    assert seconds == parse_window(window(seconds))


@every(
    "text",
    ["", "10", "m", "0m", "010m", "1.5h", "-1h", "1h30m", "367d", "9" * 9 + "d", "１m", "1M"],
)
def test_what_is_no_window_is_refused(text):
    """
    Nothing, no unit, no number, two of them, or longer than a year.
    """
    with pytest.raises(ValueError, match="a window is written as in 10m"):
        parse_window(text)


# --- windows --------------------------------------------------------------------------------------


def in_window(acts: list[Seen], now: Seen, window_s: int) -> list[Seen]:
    """Return the slow way round what a window holds."""
    return [seen for seen in acts[-RECENT:] if seen.at > now.at - window_s] + [now]


@given(lives, st.integers(0, 3 * DAY), whats, lengths)
def test_a_window_holds_what_happened_in_it_and_the_act_itself(acts, later, what, window_s):
    """
    Acts are found from the end of the line; looking at each of them finds the same.
    """
    now = Seen((acts[-1].at if acts else NEW_YEAR) + later, what, 250, 3, 900, 2)
    held = in_window(acts, now, window_s)
    kinds = [seen.what for seen in held]
    expected = {
        "acts": len(held),
        "sends": kinds.count(SEND) + kinds.count(GIVE),
        "claims": kinds.count(CLAIM),
        "failed_challenges": kinds.count(What.CHALLENGE_FAILED),
        "new_devices": kinds.count(What.DEVICE_ADD),
        "rounds": min(kinds.count(SEND), kinds.count(CLAIM)),
        "same_pair": sum(seen.other == 3 for seen in held),
        "senders": len({seen.other for seen in held if seen.what is CLAIM and seen.other}),
        "recipients": len({seen.other for seen in held if seen.what is GIVE and seen.other}),
        "in_fen": sum(seen.amount_fen for seen in held if seen.what in (CLAIM, TOPUP)),
        "out_fen": sum(seen.amount_fen for seen in held if seen.what in (SEND, GIVE, WITHDRAW)),
    }
    habit = lived(acts)

    assert expected == {
        name: INDICATORS[name].measure(habit, ask(now), Key(name, window_s), NIGHT)
        for name in expected
    }


@given(lives, st.sampled_from(sorted(JUDGED)))
def test_a_longer_window_counts_no_less(acts, what):
    """
    What happened in the last minutes happened in the last hours too.
    """
    habit = lived(acts)
    asked = ask(Seen(habit.recent[-1].at if acts else NEW_YEAR, what, 100, 1))
    growing = set(WINDOWED) - {"pass_through"}

    for name in growing:
        values = [
            INDICATORS[name].measure(habit, asked, key_of(name, window_s), NIGHT)
            for window_s in (MINUTE, HOUR, DAY, 30 * DAY)
        ]
        assert sorted(values) == values, name


def test_an_act_leaves_a_window_when_it_is_as_old_as_the_window_is_long():
    """
    Ten minutes are the six hundred seconds up to now, and now is one of them.
    """
    acts = [at(0, CLAIM)]

    assert 2 == value("claims/10m", acts, at(599, CLAIM))
    assert 1 == value("claims/10m", acts, at(600, CLAIM))


def test_counts_look_at_the_latest_acts_only():
    """
    However much one does at once: the act asked, and the 64 before it.
    """
    assert RECENT + 1 == value("claims/24h", [at(0, CLAIM)] * 100, at(0, CLAIM))


def test_what_is_asked_counts_only_as_what_it_is():
    """
    A sending is no claim.
    """
    assert 1 == value("claims/1h", [at(0, CLAIM)], at(1, SEND))


# --- behaviour ------------------------------------------------------------------------------------


def test_a_claim_is_quick_within_one_and_a_half_seconds():
    """
    The border is quick; what is no claim has no reaction and is none.
    """
    acts = [
        at(0, CLAIM, reaction_ms=0),
        at(0, CLAIM, reaction_ms=QUICK_MS),
        at(0, CLAIM, reaction_ms=QUICK_MS + 1),
        at(0, SEND, reaction_ms=-1),
    ]

    assert 2 == value("quick_claims/1h", acts, at(1, CLAIM, reaction_ms=9000))
    assert 3 == value("quick_claims/1h", acts, at(1, CLAIM, reaction_ms=80))


def test_only_a_claim_has_a_reaction():
    """
    Where there is none it is longer than any rule asks for.
    """
    assert 80 == value("reaction_ms", [], at(0, CLAIM, reaction_ms=80))
    assert NEVER == value("reaction_ms", [], at(0, SEND))


@every(
    ("moments", "run"),
    [
        ([0, 60, 120, 180], 4),
        ([0, 60, 126, 186], 4),  # 66 is a tenth more than 60
        ([0, 60, 127, 187], 2),  # 67 is not, and ends the run of 60
        ([0, 300, 360, 420], 3),
        ([0, 0, 0, 0], 1),  # at once is not regular
        ([0, 60, 120, 120], 1),
        ([0, 0, 60, 120], 3),
        ([0, 1, 2, 3], 4),
        ([180], 1),
    ],
)
def test_acts_are_steady_while_their_gaps_are_alike(moments, run):
    """
    The latest run counts: its longest gap is at most a tenth more than its shortest.
    """
    *before, now = (at(seconds) for seconds in moments)

    assert run == value("steady/1h", before, now)


def test_another_kind_of_act_does_not_break_a_rhythm():
    """
    Nor does it belong to one.
    """
    acts = [at(0), at(30, CLAIM), at(60), at(61, TOPUP), at(120)]

    assert 4 == value("steady/1h", acts, at(180))
    assert 2 == value("steady/1h", acts, at(190, CLAIM))


def test_a_rhythm_older_than_the_window_is_not_heard():
    """
    Only what is in the window makes a run.
    """
    acts = [at(60 * n) for n in range(10)]

    assert 5 == value("steady/5m", acts, at(600))
    assert 11 == value("steady/1h", acts, at(600))


def test_a_step_never_made_is_wholly_unlike_a_person():
    """
    Whoever only ever sends has never withdrawn.
    """
    acts = days(ACTS_MIN)

    assert 1000 == value("unlike_self", acts, at(0, WITHDRAW))
    assert 0 == value("unlike_self", acts, at(0, SEND))


def test_a_step_is_judged_by_what_came_before_it():
    """
    To send after a claim is this person's way; to send after sending is not.
    """
    claims_then_sends = [at(-DAY * (60 - n), CLAIM if n % 2 else SEND) for n in range(60)]

    usual = value("unlike_self", claims_then_sends, at(0, SEND))
    unusual = value("unlike_self", claims_then_sends, at(0, CLAIM))

    assert usual < 200
    assert unusual > 800


def test_a_stranger_to_us_is_never_unlike_itself():
    """
    Below thirty acts nobody knows what is usual for a person.
    """
    assert 0 == value("unlike_self", days(ACTS_MIN - 1), at(0, WITHDRAW))


# --- transaction ----------------------------------------------------------------------------------


def test_an_amount_is_compared_with_the_persons_own():
    """
    Ten times the usual is a hundred tenths; half of it is five.
    """
    acts = days(OUTS_MIN, amount_fen=2000)

    assert 100 == value("times_usual", acts, at(0, SEND, 20_000))
    assert 10 == value("times_usual", acts, at(0, WITHDRAW, 2000))
    assert 5 == value("times_usual", acts, at(0, GIVE, 1000))


def test_one_large_payment_hardly_moves_what_is_usual():
    """
    A mean of the amounts would be carried away by it.
    """
    acts = [*days(20, amount_fen=2000), at(-1, SEND, 20_000_000)]

    assert value("times_usual", acts, at(0, SEND, 20_000)) > 60


@pytest.mark.parametrize(
    ("acts", "what"), [(days(OUTS_MIN - 1), SEND), (days(OUTS_MIN), CLAIM), ([], SEND)]
)
def test_without_a_usual_amount_nothing_is_compared(acts, what):
    """
    Too few payments, or money that comes in.
    """
    assert 0 == value("times_usual", acts, at(0, what, 10**9))


@given(st.integers(1, 10**13), st.integers(1, 10**13))
def test_magnitudes_stand_in_the_order_of_amounts(a, b):
    """
    And the step between two says their ratio, to a tenth where they are alike.
    """
    assert (magnitude(a) <= magnitude(b)) or a > b
    assert abs(ratio_tenths(magnitude(a) - magnitude(b)) * b - 10 * a) <= max(a, b)


def test_the_days_money_is_added_to_this_acts():
    """
    Exactly, and only in this act's direction.
    """
    acts = [at(-DAY, SEND, 999), at(-2, SEND, 500), at(-1, CLAIM, 70)]

    assert 530 == value("day_out_fen", acts, at(0, SEND, 30))
    assert 70 == value("day_in_fen", acts, at(0, SEND, 30))
    assert 500 == value("day_out_fen", acts, at(0, CLAIM, 30))
    assert 100 == value("day_in_fen", acts, at(0, CLAIM, 30))


def test_the_days_money_forgets_nothing_but_the_day_before():
    """
    It does not end with the latest acts, as windows do, but with midnight in China.
    """
    acts = [at(0, SEND, 1)] * 200

    assert 201 == value("day_out_fen", acts, at(12 * HOUR - 1, SEND, 1))
    assert 1 == value("day_out_fen", acts, at(12 * HOUR, SEND, 1))
    assert 1 == value("day_in_fen", [at(0, CLAIM, 9)], at(12 * HOUR, CLAIM, 1))
    assert RECENT + 1 == value("out_fen/24h", acts, at(1, SEND, 1))


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ((23, 6), {23, 0, 1, 2, 3, 4, 5}),
        ((0, 6), {0, 1, 2, 3, 4, 5}),
        ((0, 0), set()),
        ((22, 0), {22, 23}),
    ],
)
def test_night_is_by_chinas_clock(night, hours):
    """
    It may go over midnight; its first hour belongs to it, and the hour that it ends with does not.
    """
    measure = INDICATORS["night"].measure
    moments = [at(hour * HOUR) for hour in range(24)]

    assert hours == {
        china_hour(seen.at) for seen in moments if measure(NEW, ask(seen), Key("night"), night)
    }


def test_an_hour_is_rare_where_little_was_done_around_it():
    """
    An hour to either side is not another habit, also over midnight.
    """
    acts = days(ACTS_MIN)  # always at noon

    assert [0, 0, 0] == [value("hour_rare", acts, at(HOUR * n)) for n in (-1, 0, 1)]
    assert [1000, 1000] == [value("hour_rare", acts, at(HOUR * n)) for n in (-2, 2)]

    nightly = [seen._replace(at=seen.at + 11 * HOUR) for seen in acts]  # at 23 o'clock

    assert 0 == value("hour_rare", nightly, at(12 * HOUR))
    assert 1000 == value("hour_rare", nightly, at(13 * HOUR))


def test_no_hour_is_rare_for_whom_we_hardly_know():
    """
    Below thirty judged acts; what is only remembered does not count.
    """
    acts = [*days(ACTS_MIN - 1), *[at(-1, What.PIN_CHANGE)] * 30]

    assert 0 == value("hour_rare", acts, at(6 * HOUR))


@every(
    ("amount_fen", "counts"),
    [(1_799_999, 0), (1_800_000, 1), (1_999_999, 1), (2_000_000, 0), (2_000_001, 0)],
)
def test_just_below_is_the_last_tenth_under_a_threshold(amount_fen, counts):
    """
    To the fen: nine tenths belong to it, and the threshold itself does not.
    """
    assert counts == value("just_below:20000.00/24h", [], at(0, SEND, amount_fen))


def test_just_below_a_threshold_of_a_few_fen():
    """
    Nine tenths of 15 fen are more than 13.
    """
    assert 0 == value("just_below:0.15/24h", [], at(0, SEND, 13))
    assert 1 == value("just_below:0.15/24h", [], at(0, SEND, 14))


def test_money_that_comes_in_is_not_just_below_with_what_goes_out():
    """
    Only acts in this act's direction are counted together.
    """
    acts = [at(0, TOPUP, 1_900_000), at(1, CLAIM, 1_900_000), at(2, GIVE, 1_900_000)]

    assert 2 == value("just_below:20000.00/24h", acts, at(3, WITHDRAW, 1_900_000))
    assert 3 == value("just_below:20000.00/24h", acts, at(3, TOPUP, 1_900_000))


def test_nobody_in_particular_is_no_pair():
    """
    Packets for whoever comes are not all for the same person.
    """
    assert 0 == value("same_pair/24h", [at(0, SEND, other=0)] * 5, at(1, SEND, other=0))
    assert 3 == value("same_pair/24h", [at(0, GIVE, other=7)] * 2, at(1, CLAIM, other=7))


def test_people_are_counted_once():
    """
    Nobody in particular is not one of them.
    """
    acts = [at(0, CLAIM, other=other) for other in (1, 2, 2, 0)] + [at(0, GIVE, other=9)]

    assert 3 == value("senders/24h", acts, at(1, CLAIM, other=3))
    assert 2 == value("senders/24h", acts, at(1, CLAIM, other=1))
    assert 2 == value("recipients/24h", acts, at(1, GIVE, other=1))


def test_money_passes_through_when_it_goes_out_as_it_came_in():
    """
    In permille of what came in, with this act: more may go out than came.
    """
    acts = [at(0, TOPUP, 600), at(1, CLAIM, 400), at(2, SEND, 100)]

    assert 950 == value("pass_through/1h", acts, at(3, WITHDRAW, 850))
    assert 1600 == value("pass_through/1h", acts, at(3, WITHDRAW, 1500))
    assert 0 == value("pass_through/1h", acts, at(3, TOPUP, 850))
    assert 0 == value("pass_through/1h", [], at(3, WITHDRAW, 850))


def test_speed_is_from_the_last_known_city_to_this_one():
    """
    Two hours from Beijing to Shanghai is a plane.
    """
    acts = [at(0, city=BEIJING), at(HOUR, city=0)]

    assert distance_km(BEIJING, SHANGHAI) // 2 == value(
        "speed_kmh", acts, at(2 * HOUR, city=SHANGHAI)
    )
    assert 0 == value("speed_kmh", acts, at(2 * HOUR, city=BEIJING))


def test_who_is_elsewhere_at_once_took_a_minute():
    """
    Nothing is divided by zero, and it is faster than anything that flies.
    """
    there = at(0, city=SHANGHAI)

    assert 60 * distance_km(BEIJING, SHANGHAI) == value("speed_kmh", [at(0, city=BEIJING)], there)


@pytest.mark.parametrize("acts", [[], [at(0)]])
def test_without_two_places_there_is_no_speed(acts):
    """
    Whoever does not say where they are does not travel.
    """
    assert 0 == value("speed_kmh", acts, at(60, city=SHANGHAI))
    assert 0 == value("speed_kmh", [at(0, city=SHANGHAI)], at(60))


def test_away_is_from_where_one_mostly_is():
    """
    Of two cities that are as usual, the first is home.
    """
    acts = [at(0, city=BEIJING), at(1, city=SHANGHAI), at(2, city=SHANGHAI)]
    far = distance_km(BEIJING, SHANGHAI)

    assert (0, far) == (
        value("away_km", acts, at(3, city=SHANGHAI)),
        value("away_km", acts, at(3, city=BEIJING)),
    )
    assert (far, 0) == (
        value("away_km", acts[:2], at(3, city=SHANGHAI)),
        value("away_km", acts[:2], at(3, city=BEIJING)),
    )
    assert 0 == value("away_km", acts, at(3))


# --- account, device and data ---------------------------------------------------------------------


def test_the_act_that_wakes_a_profile_knows_how_long_it_slept():
    """
    From the thirtieth day on.
    """
    assert 30 == value("dormant_days/24h", [at(0)], at(DORMANT_S))
    assert 0 == value("dormant_days/24h", [at(0)], at(DORMANT_S - 1))
    assert 400 == value("dormant_days/24h", [at(0)], at(400 * DAY + HOUR))


def test_a_profile_has_just_woken_up_while_the_window_lasts():
    """
    Whoever takes over a sleeping profile may change its PIN first, and send only then.
    """
    acts = [at(0), at(100 * DAY, What.PIN_CHANGE)]

    assert 100 == value("dormant_days/24h", acts, at(101 * DAY - 1))
    assert 0 == value("dormant_days/24h", acts, at(101 * DAY))


def test_a_pin_was_changed_so_many_minutes_ago():
    """
    The last time counts, and whole minutes; where none is remembered it was never.
    """
    acts = [at(0, What.PIN_CHANGE), at(HOUR, What.PIN_CHANGE), at(HOUR + 30)]

    assert 2 == value("since_pin_change_min", acts, at(HOUR + 179))
    assert NEVER == value("since_pin_change_min", [], at(0))
    assert NEVER == value("since_pin_change_min", acts + [at(2 * HOUR)] * RECENT, at(3 * HOUR))


@every(
    "name",
    [
        *("age_days", "channels", "cards", "device_age_hours", "devices", "device_profiles"),
        "clock_back_s",
    ],
)
def test_what_the_desk_knows_is_taken_as_it_says(name):
    """
    Each under its own name.
    """
    assert 77 == value(name, [], at(0), **{name: 77})


def test_the_amount_is_this_acts_own():
    """
    Not that of any other.
    """
    assert 6666 == value("amount_fen", [at(0, SEND, 1)], at(1, SEND, 6666))


# --- exactly --------------------------------------------------------------------------------------


def measured(name: str, habit: Habit, seen: Seen, window_s: int = 0) -> int:
    key = Key(name, window_s)
    return INDICATORS[name].measure(habit, ask(seen), key, NIGHT)


def test_a_window_begins_after_as_long_as_it_is():
    """
    Of three acts, the first is as old as the window and the second is a second younger.
    """
    habit = lived([at(-11), at(-10), at(-9), at(-1)])

    assert [1, 2, 3, 4, 5] == [
        measured("acts", habit, at(0), window_s) for window_s in (1, 9, 10, 11, 12)
    ]


def test_how_unlike_itself_an_act_is_follows_from_its_steps():
    """
    Ten steps: three of five after a claim led to sending, and seven of all did.
    """
    habit = NEW._replace(
        acts=ACTS_MIN,
        recent=(at(-3, TOPUP), at(-2, TOPUP), at(-1, CLAIM)),
        steps={"cs": 3, "cc": 2, "ts": 4, "tc": 1},
    )

    # 1000 − 1000 × (3 × 10 + 10 × 7) ÷ ((5 + 10) × 10), whose 666.6 is cut to 666
    assert 334 == measured("unlike_self", habit, at(0))
    assert 0 == measured("unlike_self", habit._replace(acts=ACTS_MIN - 1), at(0))


@every(
    ("outs_magnitude", "amount_fen", "tenths"),
    # The mean is cut to whole thousandths: 0.9 of one is none, and 1,024 fen are 2^10.
    [(OUTS_MIN - 1, 1024, 10_240), (OUTS_MIN, 1024, 10_233), (OUTS_MIN * 10_000, 1024, 10)],
)
def test_an_amount_is_as_many_times_the_usual_one(outs_magnitude, amount_fen, tenths):
    """
    In tenths, rounded.
    """
    habit = NEW._replace(outs=OUTS_MIN, outs_magnitude=outs_magnitude)

    assert tenths == measured("times_usual", habit, at(0, amount_fen=amount_fen))


@every(
    ("hour", "rare"),
    [(0, 1000 - 1000 * 24 // 41), (23, 1000 - 1000 * 10 // 41), (22, 1000 - 1000 * 3 // 41)],
)
def test_the_hours_around_go_over_midnight(hour, rare):
    """
    One act at 22, two at 23, seven at midnight, fifteen at one, sixteen at noon.
    """
    hours = [0] * 24
    hours[22], hours[23], hours[0], hours[1], hours[12] = 1, 2, 7, 15, 16
    seen = at((hour - 12) * HOUR)

    assert rare == measured("hour_rare", NEW._replace(hours=tuple(hours)), seen)


def test_a_share_of_income_is_cut_to_whole_permille():
    """
    Two of three is 666.
    """
    habit = lived([at(-2, CLAIM, 3)])

    assert 666 == measured("pass_through", habit, at(0, SEND, 2), 60)


@every(("step", "tenths"), [(10_000, 10_240), (-10_000, 0), (585, 15), (-3322, 1)])
def test_a_step_of_magnitude_is_a_factor(step, tenths):
    """
    Ten thousand thousandths are 2^10.
    """
    assert tenths == ratio_tenths(step)
