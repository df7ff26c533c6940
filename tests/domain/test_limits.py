import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import policies
from hongbao.domain.dates import day_key, start_of_day
from hongbao.domain.limits import LimitState, check_limits, factor_level, room_fen, states
from hongbao.domain.policy import Limit, Period, Policy, Tier, Title, Year, parse_policy
from hongbao.errors import LimitExceeded
from hongbao.units import CHINA
from tests.every import every

STANDARD = parse_policy(policies.text_of("standard"), "standard")
PBOC = parse_policy(policies.text_of("pboc-2015"), "pboc-2015")

SEND = frozenset({"send_balance"})
NOON = datetime(2026, 2, 16, 12, 0, tzinfo=CHINA)
OPENED = datetime(2024, 5, 20, 9, 30, tzinfo=CHINA)
TICK = timedelta(microseconds=1)

ZONES = ("UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati")
instants = st.integers(0, 40 * 365 * 86_400 * 10**6).map(
    lambda micros: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)
years = st.sampled_from(("calendar", "rolling", "opening"))


@dataclass
class Book:
    """Counters as the store keeps them: fen by China's day and flow."""

    used: dict[tuple[str, str], int] = field(default_factory=dict)

    def use(self, at: datetime, amount_fen: int, flow: str = "send_balance") -> "Book":
        key = (day_key(at), flow)
        self.used[key] = self.used.get(key, 0) + amount_fen
        return self

    def used_fen(self, flows: frozenset[str], first_day: str, last_day: str) -> int:
        return sum(
            fen
            for (day, flow), fen in self.used.items()
            if flow in flows and first_day <= day <= last_day
        )

    def used_lifetime_fen(self, flows: frozenset[str]) -> int:
        return self.used_fen(flows, "", "~")

    def first_used_day(self, flows: frozenset[str], first_day: str, last_day: str) -> str | None:
        return min(
            (
                day
                for (day, flow), fen in self.used.items()
                if flow in flows and first_day <= day <= last_day and fen > 0
            ),
            default=None,
        )


def a_limit(period: Period, amount_fen: int, counts: frozenset[str] = SEND) -> Limit:
    return Limit(f"{period}-{amount_fen}", period, amount_fen, counts)


def a_tier(*limits: Limit) -> Tier:
    return Tier("someone", Title("someone", "某人"), False, 0, limits)


def a_policy(year: Year) -> Policy:
    return STANDARD._replace(year=year)


def refusal(
    tier: Tier,
    book: Book,
    amount_fen: int,
    *,
    now: datetime = NOON,
    policy: Policy = STANDARD,
    factors: int = 1,
    flow: str = "send_balance",
) -> LimitExceeded | None:
    try:
        check_limits(policy, tier, book, now, OPENED, factors, flow, amount_fen)
    except LimitExceeded as exc:
        return exc
    return None


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Put this process's clock on the wall of another zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


# --- when room returns ---------------------------------------------------------------------------


@given(instants, st.sampled_from(ZONES))
def test_a_days_quota_returns_exactly_at_midnight_in_china(now, zone_name):
    """
    Not at midnight in UTC (08:00 in Beijing), nor at the machine's own.
    """
    tier = a_tier(a_limit("day", 1000_00))
    book = Book().use(now, 1000_00)

    with zone(zone_name):
        refused = refusal(tier, book, 1, now=now)
        assert refused is not None
        returns_at = refused.facts["returns_at"]

        assert isinstance(returns_at, datetime)
        assert "00:00:00+08:00" == returns_at.astimezone(CHINA).timetz().isoformat()
        assert timedelta(0) < returns_at - now <= timedelta(days=1)
        assert refusal(tier, book, 1, now=returns_at - TICK) is not None
        assert refusal(tier, book, 1000_00, now=returns_at) is None


@given(years, instants, st.lists(st.integers(0, 400), min_size=1, max_size=5), st.data())
def test_a_years_room_first_returns_at_the_moment_that_is_told(year, now, days_ago, data):
    """
    Until that moment nothing comes back, and at it something does, for every kind of year.
    """
    opened_at = now - timedelta(days=data.draw(st.integers(0, 3000)))
    book = Book()
    for days in days_ago:
        book.use(now - timedelta(days=days), 1_00)
    tier = a_tier(a_limit("year", 1000_00))

    def used_fen(at: datetime) -> int:
        return states(a_policy(year), tier, book, at, opened_at, 1)[0].used_fen

    (state,) = states(a_policy(year), tier, book, now, opened_at, 1)

    if state.used_fen == 0:
        assert state.returns_at is None
    else:
        assert state.returns_at is not None
        assert now < state.returns_at
        assert state.used_fen == used_fen(state.returns_at - TICK)
        assert state.used_fen > used_fen(state.returns_at)


@every(
    ("year", "used_on", "returns_on"),
    [
        ("calendar", date(2026, 1, 1), date(2027, 1, 1)),
        ("calendar", date(2026, 12, 31), date(2027, 1, 1)),
        ("rolling", date(2026, 2, 16), date(2027, 2, 16)),
        ("rolling", date(2028, 2, 28), date(2029, 2, 28)),
        ("rolling", date(2028, 2, 29), date(2029, 3, 1)),
        ("rolling", date(2027, 2, 28), date(2028, 2, 28)),
        ("rolling", date(2027, 3, 1), date(2028, 3, 1)),
        ("opening", date(2026, 2, 16), date(2026, 5, 20)),
        ("opening", date(2026, 5, 19), date(2026, 5, 20)),
        ("opening", date(2026, 5, 20), date(2027, 5, 20)),
    ],
)
def test_a_year_ends_where_its_kind_says(year, used_on, returns_on):
    """
    On 1 January, a year after each day's use, or on the anniversary of the opening.
    """
    tier = a_tier(a_limit("year", 100_00))
    book = Book().use(start_of_day(used_on), 100_00)

    (state,) = states(a_policy(year), tier, book, start_of_day(used_on), OPENED, 1)

    assert start_of_day(returns_on) == state.returns_at


@every(
    ("used_on", "returns_on"),
    [
        (date(2028, 2, 29), date(2029, 3, 1)),
        (date(2029, 2, 28), date(2029, 3, 1)),
        (date(2029, 3, 1), date(2030, 3, 1)),
        (date(2032, 2, 28), date(2032, 2, 29)),
        (date(2032, 2, 29), date(2033, 3, 1)),
    ],
)
def test_a_leap_days_anniversary_is_the_first_of_march_where_there_is_none(used_on, returns_on):
    """
    An account opened on 29 February keeps its date in leap years.
    """
    opened_at = start_of_day(date(2028, 2, 29))
    tier = a_tier(a_limit("year", 100_00))
    book = Book().use(start_of_day(used_on), 100_00)

    (state,) = states(a_policy("opening"), tier, book, start_of_day(used_on), opened_at, 1)

    assert start_of_day(returns_on) == state.returns_at


def test_a_rolling_year_gives_room_back_day_by_day():
    """
    The oldest day's use falls away first, and alone.
    """
    tier = a_tier(a_limit("year", 100_00))
    book = Book().use(NOON - timedelta(days=300), 30_00).use(NOON, 70_00)

    refused = refusal(tier, book, 40_00, policy=a_policy("rolling"))

    assert refused is not None
    returns_at = datetime(2026, 4, 22, tzinfo=CHINA)
    assert returns_at == refused.facts["returns_at"]
    (then,) = states(a_policy("rolling"), tier, book, returns_at, OPENED, 1)
    assert 30_00 == then.left_fen


def test_what_is_more_than_the_whole_limit_never_gets_room():
    """
    Waiting cannot help, so no moment is promised; one fen less and it can.
    """
    tier = a_tier(a_limit("day", 1000_00))
    book = Book().use(NOON, 1)

    hopeless, hopeful = refusal(tier, book, 1000_01), refusal(tier, book, 1000_00)

    assert hopeless is not None
    assert hopeful is not None
    assert hopeless.facts["returns_at"] is None
    assert datetime(2026, 2, 17, tzinfo=CHINA) == hopeful.facts["returns_at"]


@pytest.mark.parametrize("period", ["single", "lifetime"])
def test_room_never_returns_to_a_single_payment_or_a_lifetime(period):
    """
    A lifetime's quota is gone for good, and a single payment's was never used.
    """
    tier = a_tier(a_limit(period, 100_00))
    book = Book().use(NOON - timedelta(days=4000), 100_00)

    refused = refusal(tier, book, 100_01)

    assert refused is not None
    assert refused.facts["returns_at"] is None
    assert [None] == [state.returns_at for state in states(STANDARD, tier, book, NOON, OPENED, 1)]


def test_a_refund_gives_quota_back_to_the_day_it_came_from():
    """
    What a day's counter loses is room in that day's year, and not in today.
    """
    yesterday = NOON - timedelta(days=1)
    tier = a_tier(a_limit("day", 10_00), a_limit("year", 20_00))
    book = Book().use(yesterday, 10_00).use(NOON, 10_00).use(yesterday, -10_00)

    day, year = states(STANDARD, tier, book, NOON, OPENED, 1)

    assert (10_00, 0) == (day.used_fen, day.left_fen)
    assert (10_00, 10_00) == (year.used_fen, year.left_fen)


# --- who is asked, and who answers first ---------------------------------------------------------


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_limit_refuses_exactly_what_is_beyond_it(used_fen, amount_fen):
    """
    The last fen of room can be used, and not one more.
    """
    tier = a_tier(a_limit("day", 100))

    refused = refusal(tier, Book().use(NOON, used_fen), amount_fen)

    assert (used_fen + amount_fen > 100) == (refused is not None)
    if refused is not None:
        assert max(100 - used_fen, 0) == refused.facts["left_fen"]


def test_limits_answer_in_one_fixed_order():
    """
    Single, day, year, lifetime, whatever their order in the file; the smallest first in each.
    """
    limits = [
        a_limit("lifetime", 1),
        a_limit("year", 10),
        a_limit("year", 9),
        a_limit("day", 5),
        a_limit("single", 19),
    ]
    told = []

    while limits:
        refused = refusal(a_tier(*limits), Book(), 20)
        assert refused is not None
        told.append(refused.facts["limit"])
        limits = [limit for limit in limits if limit.id != refused.facts["limit"]]

    assert ["single-19", "day-5", "year-9", "year-10", "lifetime-1"] == told


def test_only_what_a_limit_counts_is_asked_and_counted():
    """
    Paying by card neither uses nor meets a limit on payments from balance.
    """
    tier = a_tier(a_limit("day", 100_00))
    book = Book().use(NOON, 500_00, "send_card").use(NOON, 60_00)

    assert refusal(tier, book, 500_00, flow="send_card") is None
    assert refusal(tier, book, 40_00) is None
    assert refusal(tier, book, 40_01) is not None


def test_flows_that_a_limit_counts_share_its_room():
    """
    Three ways out of an unverified wallet, one quota of 1,000 a day.
    """
    tier = STANDARD.tier_for(False, 0)
    book = Book().use(NOON, 300_00).use(NOON, 300_00, "send_card").use(NOON, 300_00, "withdraw")

    assert refusal(tier, book, 100_00, flow="withdraw") is None
    for flow in ("send_balance", "send_card", "withdraw"):
        assert refusal(tier, book, 100_01, flow=flow) is not None
    assert refusal(tier, book, 1_000_000_00, flow="topup") is None


@every(("factors", "room_fen"), [(0, 1000_00), (1, 1000_00), (2, 5000_00)])
@every("channels", [3, 5])
def test_the_daily_ladder_goes_by_how_a_payment_is_authenticated(channels, factors, room_fen):
    """
    1,000 a day with one factor, 5,000 with two, and by agreement with an e-signature.
    """
    tier = PBOC.tier_for(True, channels)

    assert refusal(tier, Book(), room_fen, policy=PBOC, factors=factors) is None
    assert refusal(tier, Book(), room_fen + 1, policy=PBOC, factors=factors) is not None
    assert refusal(tier, Book(), 100_000_00, policy=PBOC, factors=3) is None


def test_what_was_paid_with_more_factors_counts_towards_the_lower_rung():
    """
    The ladder caps what is paid in a day, however each payment was authenticated.
    """
    tier = PBOC.tier_for(True, 5)
    book = Book().use(NOON, 5000_00)

    refused = refusal(tier, book, 1, policy=PBOC, factors=1)

    assert refused is not None
    assert "class-3-day-under-two-factors" == refused.facts["limit"]
    assert 0 == refused.facts["left_fen"]


@every(
    ("factors", "level"),
    [
        ([], 0),
        (["pin"], 1),
        (["totp", "signature"], 1),
        (["pin", "totp"], 2),
        (["pin", "biometric", "totp"], 2),
        (["pin", "signature"], 3),
        (["pin", "totp", "signature"], 3),
    ],
)
def test_a_level_counts_kinds_of_factors_and_sets_a_signature_apart(factors, level):
    """
    Two things that one holds are one kind; only a signature reaches the top.
    """
    assert level == factor_level(factors)


def test_an_unidentified_person_can_do_nothing_under_the_announcement():
    """
    Not even bring money in, which could not leave again.
    """
    tier = PBOC.tier_for(False, 0)

    for flow in ("send_balance", "send_card", "topup", "withdraw"):
        assert refusal(tier, Book(), 1, policy=PBOC, flow=flow) is not None


def test_withdrawing_counts_in_class_one_only():
    """
    Its 1,000 in a lifetime is for payments and withdrawals together.
    """
    book = Book().use(NOON - timedelta(days=4000), 600_00)

    assert refusal(PBOC.tier_for(True, 1), book, 400_01, policy=PBOC, flow="withdraw") is not None
    assert refusal(PBOC.tier_for(True, 1), book, 400_00, policy=PBOC, flow="withdraw") is None
    for channels in (3, 5):
        tier = PBOC.tier_for(True, channels)
        assert refusal(tier, book, 10**12, policy=PBOC, flow="withdraw") is None


def test_what_is_left_is_never_below_nothing():
    """
    Usage from a time of wider limits leaves no room, and no debt either.
    """
    tier = a_tier(a_limit("day", 10_00))

    (state,) = states(STANDARD, tier, Book().use(NOON, 25_00), NOON, OPENED, 1)

    assert (25_00, 0) == (state.used_fen, state.left_fen)


# --- all of an answer -----------------------------------------------------------------------------


def test_a_refusal_says_all_that_decided():
    """
    The first limit that counts the flow, whichever others do not; its period, tier and amounts.
    """
    other = a_limit("single", 1, frozenset({"withdraw"}))
    tier = a_tier(other, a_limit("day", 1000_00))

    refused = refusal(tier, Book().use(NOON, 999_99), 2)

    assert refused is not None
    assert {
        "limit": "day-100000",
        "period": "day",
        "tier": "someone",
        "amount_fen": 2,
        "limit_fen": 1000_00,
        "used_fen": 999_99,
        "left_fen": 1,
        "returns_at": datetime(2026, 2, 17, tzinfo=CHINA),
        "identifying_helps": True,
    } == refused.facts


@every(
    ("is_identified", "others", "helps"),
    [
        (False, (False, True), True),
        (True, (False, True), False),
        (False, (False, False), False),
        (True, (False, False), False),
    ],
)
def test_identifying_helps_whom_a_better_tier_awaits(is_identified, others, helps):
    """
    Not whoever is verified, and nobody where every tier is open to anyone.
    """
    tier = a_tier(a_limit("single", 1))._replace(requires_identity=is_identified)
    tiers = tuple(a_tier()._replace(requires_identity=each) for each in others)

    refused = refusal(tier, Book(), 2, policy=STANDARD._replace(tiers=tiers))

    assert refused is not None
    assert helps is refused.facts["identifying_helps"]


@pytest.mark.parametrize(
    ("year", "returns_at"),
    [
        ("calendar", datetime(2027, 1, 1, tzinfo=CHINA)),
        ("opening", datetime(2026, 5, 20, tzinfo=CHINA)),
        ("rolling", datetime(2027, 2, 16, tzinfo=CHINA)),
    ],
)
def test_a_refusal_goes_by_the_policys_year(year, returns_at):
    """
    A calendar's, one since the account was opened, or one back from now.
    """
    refused = refusal(a_tier(a_limit("year", 10)), Book().use(NOON, 10), 1, policy=a_policy(year))

    assert refused is not None
    assert returns_at == refused.facts["returns_at"]


def test_the_states_are_of_the_limits_that_hold():
    """
    Each with what is used and left of it, in the order in which they are asked.
    """
    single, day, ever = a_limit("single", 500), a_limit("day", 300), a_limit("lifetime", 1000)
    ladder = a_limit("day", 200)._replace(id="ladder", below_factors=2)
    tier = a_tier(ever, day, ladder, single)
    book = Book().use(NOON, 250).use(NOON - timedelta(days=1), 100)
    midnight = datetime(2026, 2, 17, tzinfo=CHINA)

    of_two = states(STANDARD, tier, book, NOON, OPENED, 2)
    of_one = states(STANDARD, tier, book, NOON, OPENED, 1)

    assert of_two == (
        LimitState(single, 0, 500, None),
        LimitState(day, 250, 50, midnight),
        LimitState(ever, 350, 650, None),
    )
    assert of_one == (of_two[0], LimitState(ladder, 250, 0, midnight), *of_two[1:])


@pytest.mark.parametrize(
    ("flow", "factors", "year", "room"),
    [
        ("send_balance", 2, "calendar", 50),
        ("send_balance", 1, "calendar", 0),
        ("topup", 1, "calendar", 90),
        ("topup", 1, "opening", 80),
        ("withdraw", 1, "calendar", None),
    ],
)
def test_the_room_over_a_flow_is_what_its_narrowest_limit_leaves(flow, factors, year, room):
    """
    Of those that hold; where none counts the flow, any amount has room.
    """
    tier = a_tier(
        a_limit("single", 500),
        a_limit("day", 300),
        a_limit("day", 200)._replace(below_factors=2),
        a_limit("year", 100, frozenset({"topup"})),
    )
    book = Book().use(NOON, 250).use(NOON, 10, "topup")
    book.use(datetime(2025, 12, 31, tzinfo=CHINA), 10, "topup")

    assert room == room_fen(a_policy(year), tier, book, NOON, OPENED, factors, flow)
