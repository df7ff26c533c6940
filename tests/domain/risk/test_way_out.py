"""What would have been allowed instead is allowed, and one fen more is not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.habit import NEW, Habit, after
from hongbao.domain.risk.indicators import Key
from hongbao.domain.risk.judge import decide
from hongbao.domain.risk.measures import NEVER
from hongbao.domain.risk.pack import Condition, Pack, parse_pack
from hongbao.domain.risk.way_out import allowed_amount, allowed_from, later
from hongbao.packs import names, text_of
from tests.every import every

NOON = 1_771_214_400  # 2026-02-16 12:00 in China
MINUTE, HOUR, DAY = 60, 3600, 86_400
BEIJING, SHANGHAI = 1, 10

PACKS = {name: parse_pack(text_of(name), name) for name in names()}

HEAD = """
name = "test"
version = 1
title = { en = "test", zh = "测试" }
night = { from = 0, to = 8 }
challenge = { minutes = 10, tries = 3 }
review = { four_eyes = "5000.00" }
records = { keep_years = 10 }
"""
RULE = """
[[rule]]
id = "asked"
guard = "account"
acts = ["send", "claim"]
when = [%s]
answer = "refuse"
says = { en = "no", zh = "否" }
"""


def pack_of(*when: str) -> Pack:
    """Return a pack of one rule, which asks *when*."""
    return parse_pack(
        HEAD + RULE % ", ".join(f"{{ indicator = {asked} }}" for asked in when), "test"
    )


ASKED = Asked(
    Seen(NOON, What.SEND, 20_000),
    age_days=100,
    channels=3,
    cards=1,
    device_age_hours=1000,
    devices=1,
    device_profiles=1,
    clock_back_s=0,
)

acts = st.builds(
    Seen,
    st.integers(0, 5 * MINUTE) | st.integers(0, 3 * DAY),
    st.sampled_from(What),
    st.integers(1, 3_000_000),
    st.integers(0, 5),
    st.integers(-1, 4000),
    st.sampled_from([0, BEIJING, SHANGHAI]),
)
habits = st.lists(acts, max_size=80)
asked = st.builds(
    Asked,
    st.builds(
        Seen,
        st.integers(NOON, NOON + DAY),
        st.sampled_from([What.SEND, What.GIVE, What.CLAIM, What.TOPUP, What.WITHDRAW]),
        st.integers(1, 3_000_000),
        st.integers(0, 5),
        st.integers(-1, 4000),
        st.sampled_from([0, BEIJING, SHANGHAI]),
    ),
    age_days=st.integers(0, 400),
    channels=st.integers(0, 5),
    cards=st.integers(0, 3),
    device_age_hours=st.integers(0, 100),
    devices=st.integers(1, 4),
    device_profiles=st.integers(1, 10),
    clock_back_s=st.integers(0, 400),
)


def lived(seens: list[Seen], until: int) -> Habit:
    """Return the habit of acts that follow one another, the last of them just before *until*."""
    gaps = sum(seen.at for seen in seens)
    habit, at = NEW, until - gaps - 1
    for seen in seens:
        at += seen.at
        habit = after(habit, seen._replace(at=at))
    return habit


def verdicts(pack: Pack, habit: Habit):
    return lambda asked: decide(pack, None, habit, asked).verdict


def conditions(pack: Pack):
    return tuple(condition for rule in pack.rules for condition in rule.when)


@settings(max_examples=150, deadline=None)
@given(habits, asked, st.sampled_from(sorted(PACKS)))
def test_a_way_out_is_one(seens: list[Seen], act: Asked, name: str):
    """
    The amount is allowed and one fen more is not; at the moment the whole act is allowed.
    """
    pack, habit = PACKS[name], lived(seens, act.seen.at)
    verdict_on = verdicts(pack, habit)
    if verdict_on(act) is Verdict.ALLOW:
        return

    amount_fen = allowed_amount(verdict_on, act)
    at = allowed_from(verdict_on, act, habit, conditions(pack))

    if amount_fen is not None:
        less, more = (
            verdict_on(act._replace(seen=act.seen._replace(amount_fen=fen)))
            for fen in (amount_fen, amount_fen + 1)
        )
        assert Verdict.ALLOW is less
        assert Verdict.ALLOW is not more
        assert amount_fen < act.seen.amount_fen
    if at is not None:
        assert at > act.seen.at
        assert Verdict.ALLOW is verdict_on(later(act, at))


LARGE = '"amount_fen", at_least = "100.00"'


def test_the_largest_amount_that_a_threshold_leaves():
    """
    A rule from 100.00 on leaves 99.99, and waiting does not help.
    """
    pack = pack_of(LARGE)
    verdict_on = verdicts(pack, NEW)

    assert 9_999 == allowed_amount(verdict_on, ASKED)
    assert None is allowed_from(verdict_on, ASKED, NEW, conditions(pack))


def test_nobody_chooses_what_a_claim_brings():
    """
    So no smaller amount is named for it.
    """
    act = ASKED._replace(seen=Seen(NOON, What.CLAIM, 50_000))

    assert None is allowed_amount(verdicts(pack_of(LARGE), NEW), act)


FAILED = What.CHALLENGE_FAILED


@every(
    ("when", "act", "seens", "expected"),
    [
        # A device that is old enough in 21 hours.
        (
            '"device_age_hours", at_most = 23',
            ASKED._replace(device_age_hours=3),
            [],
            NOON + 21 * HOUR,
        ),
        # Beijing is 1,067 km away, and a little more than an hour at a thousand an hour.
        (
            '"speed_kmh", at_least = 1000',
            ASKED._replace(seen=Seen(NOON, What.SEND, city=SHANGHAI)),
            [Seen(NOON - 10 * MINUTE, What.CLAIM, city=BEIJING)],
            NOON - 10 * MINUTE + 1067 * HOUR // 1000 + 1,
        ),
        # Two challenges failed: the first of them leaves the hour.
        (
            '"failed_challenges", window = "1h", at_least = 2',
            ASKED,
            [Seen(NOON - 50 * MINUTE, FAILED), Seen(NOON, FAILED)],
            NOON + 10 * MINUTE,
        ),
        # A profile that is new: on the seventh day it no longer is.
        ('"age_days", at_most = 6', ASKED._replace(age_days=2), [], NOON + 5 * DAY),
        # A PIN that was changed an hour ago.
        (
            '"since_pin_change_min", at_most = 1440',
            ASKED,
            [Seen(NOON - HOUR, What.PIN_CHANGE)],
            NOON - HOUR + 1441 * MINUTE,
        ),
        # A claim at once, and a claim after two seconds.
        (
            '"reaction_ms", at_most = 1999',
            ASKED._replace(seen=Seen(NOON, What.CLAIM, reaction_ms=300)),
            [],
            NOON + 2,
        ),
        # The night ends at eight.
        (
            '"night", at_least = 1',
            ASKED._replace(seen=Seen(NOON - 9 * HOUR, What.SEND)),
            [],
            NOON - 4 * HOUR,
        ),
        # What went out today is forgotten at midnight.
        (
            '"day_out_fen", at_least = "300.00"',
            ASKED,
            [Seen(NOON - HOUR, What.SEND, 20_000)],
            NOON + 12 * HOUR,
        ),
        # An account that woke an hour ago has slept it off a day later.
        (
            '"dormant_days", window = "24h", at_least = 30',
            ASKED,
            [Seen(NOON - 99 * DAY, What.SEND), Seen(NOON - HOUR, What.SEND)],
            NOON + 23 * HOUR,
        ),
    ],
)
def test_the_moment_from_which_it_is_allowed(
    when: str, act: Asked, seens: list[Seen], expected: int
):
    """
    It is the first one, to the second.
    """
    habit, pack = NEW, pack_of(when)
    for seen in seens:
        habit = after(habit, seen)
    verdict_on = verdicts(pack, habit)

    found = allowed_from(verdict_on, act, habit, conditions(pack))

    assert expected == found
    assert Verdict.ALLOW is not verdict_on(later(act, expected - 1))


# --- what is tried --------------------------------------------------------------------------------


@every(
    ("amount_fen", "allowed_fen", "found"),
    [
        *((20_000, 0, None), (20_000, 1, 1), (20_000, 19_999, 19_999), (20_000, 6_666, 6_666)),
        *((1, 0, None), (2, 1, 1), (2, 0, None), (10**13, 3_333_333_333, 3_333_333_333)),
    ],
)
def test_an_amount_is_searched_by_halves(amount_fen, allowed_fen, found):
    """
    Of ten billion amounts, forty-four are asked for; no fen and the whole amount never are.
    """
    tried: list[int] = []

    def verdict(each: Asked) -> Verdict:
        tried.append(each.seen.amount_fen)
        assert len(tried) <= 44
        assert 0 < each.seen.amount_fen < amount_fen
        return Verdict.ALLOW if each.seen.amount_fen <= allowed_fen else Verdict.HOLD

    asked = ASKED._replace(seen=ASKED.seen._replace(amount_fen=amount_fen))

    assert found == allowed_amount(verdict, asked)


def test_a_later_act_is_older_in_whole_days_and_hours():
    """
    The milliseconds since a packet go on from none at all, and stop where they are endless.
    """
    claim = ASKED._replace(seen=Seen(NOON, What.CLAIM, 5, reaction_ms=0))

    assert claim._replace(
        seen=Seen(NOON + DAY + HOUR, What.CLAIM, 5, reaction_ms=1000 * (DAY + HOUR)),
        age_days=101,
        device_age_hours=1025,
    ) == later(claim, NOON + DAY + HOUR)
    assert (100, 1000) == later(claim, NOON + HOUR - 1)[1:5:3]
    assert (100, 1023) == later(claim, NOON + DAY - 1)[1:5:3]
    assert NEVER == later(claim, NOON + 12 * DAY).seen.reaction_ms
    assert -1 == later(ASKED, NOON + DAY).seen.reaction_ms


HOURS = [NOON + hour * HOUR for hour in range(1, 49)]
CLAIMED = ASKED._replace(seen=Seen(NOON, What.CLAIM, 5, reaction_ms=400, city=SHANGHAI))
INSTANTLY = CLAIMED._replace(seen=CLAIMED.seen._replace(reaction_ms=0))
NO: tuple[tuple[Seen, ...], int, tuple[Condition, ...]] = ((), 0, ())
OLD = (
    Seen(NOON - 50, What.PIN_CHANGE, city=BEIJING),
    Seen(NOON - 20, What.PIN_CHANGE),
    Seen(NOON - 10, What.TOPUP, 5, city=SHANGHAI),
)


@every(
    ("asked", "recent", "woke_at", "conditions", "beside_hours"),
    [
        (ASKED, (), 0, (), []),
        # No claim: nothing is waited for but what the conditions say.
        (ASKED, OLD, 0, (), []),
        (CLAIMED, (), 0, (), [NOON + 2]),  # 1,500 ms after the packet a claim is no longer quick
        (INSTANTLY, (), 0, (), [NOON + 2]),
        (INSTANTLY._replace(seen=CLAIMED.seen._replace(reaction_ms=500)), *NO, [NOON + 2]),
        (INSTANTLY._replace(seen=CLAIMED.seen._replace(reaction_ms=600)), *NO, [NOON + 1]),
        (
            *(ASKED, (ASKED.seen,), 0, (Condition(Key("acts", 1), 3, None),)),
            [NOON + 1],
        ),
        (
            *(ASKED, OLD, NOON - 30, (Condition(Key("acts", 60), 3, None),)),
            [NOON + 10, NOON + 30, NOON + 40, NOON + 50],
        ),
        (
            *(ASKED, (), NOON - 30, (Condition(Key("acts", 60), 3, None),)),
            [NOON + 30],
        ),
        (ASKED, OLD, NOON - 30, (Condition(Key("acts", 10), 3, None),), []),
        (CLAIMED, (), 0, (Condition(Key("reaction_ms"), None, 9_399),), [NOON + 2, NOON + 9]),
        (CLAIMED, (), 0, (Condition(Key("reaction_ms"), None, 9_400),), [NOON + 2, NOON + 10]),
        (INSTANTLY, (), 0, (Condition(Key("reaction_ms"), None, 5_000),), [NOON + 2, NOON + 6]),
        (CLAIMED, (), 0, (Condition(Key("reaction_ms"), 5_000, None),), [NOON + 2]),
        (ASKED, (), 0, (Condition(Key("reaction_ms"), None, 5_000),), []),
        (ASKED, (), 0, (Condition(Key("age_days"), None, 102),), [NOON + 3 * DAY]),
        (ASKED, (), 0, (Condition(Key("age_days"), 102, None),), []),
        (ASKED, (), 0, (Condition(Key("age_days"), None, 99),), []),
        (
            *(ASKED, (), 0, (Condition(Key("device_age_hours"), None, 1049),)),
            [NOON + 50 * HOUR],
        ),
        (ASKED, (), 0, (Condition(Key("device_age_hours"), 1049, None),), []),
        (
            *(ASKED, OLD, 0, (Condition(Key("since_pin_change_min"), None, 4),)),
            [NOON + 250, NOON + 280],
        ),
        (ASKED, OLD, 0, (Condition(Key("since_pin_change_min"), 4, None),), []),
        # From Beijing to Shanghai it is 1,067 km: at below 1,000 km/h that takes 3,841.2 s.
        (
            *(CLAIMED, OLD, 0, (Condition(Key("speed_kmh"), 1000, None),)),
            [NOON + 2, NOON - 50 + 3842],
        ),
        (CLAIMED, OLD, 0, (Condition(Key("speed_kmh"), None, 1000),), [NOON + 2]),
        (CLAIMED, OLD, 0, (Condition(Key("speed_kmh"), 0, None),), [NOON + 2]),
    ],
)
def test_only_moments_are_tried_at_which_something_changes(
    asked, recent, woke_at, conditions, beside_hours
):
    """
    Each hour of two days, and what the conditions wait for; never now or before.
    """
    tried: list[int] = []

    def verdict(each: Asked) -> Verdict:
        assert each == later(asked, each.seen.at)
        tried.append(each.seen.at)
        return Verdict.HOLD

    habit = NEW._replace(recent=recent, woke_at=woke_at)

    assert allowed_from(verdict, asked, habit, conditions) is None
    assert sorted({*HOURS, *beside_hours}) == tried


def test_an_hour_begins_on_the_clock():
    """
    The next one first, wherever in an hour it is asked; the first that is allowed is told.
    """
    asked = ASKED._replace(seen=ASKED.seen._replace(at=NOON + 1799))
    tried: list[int] = []

    def verdict(each: Asked) -> Verdict:
        tried.append(each.seen.at)
        return Verdict.ALLOW if len(tried) == 2 else Verdict.HOLD

    assert NOON + 2 * HOUR == allowed_from(verdict, asked, NEW, ())
    assert [NOON + HOUR, NOON + 2 * HOUR] == tried
