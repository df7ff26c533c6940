"""Limits: how much a tier's limits leave, and when they reset."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

from hongbao import errors
from hongbao.domain.dates import china_day, day_key, next_day, next_year, start_of_day
from hongbao.domain.policy import PERIODS, Limit, Policy, Tier, Year
from hongbao.rows import Row

_ONE_DAY = timedelta(days=1)

_FACTOR_KINDS = {
    "pin": "known",  # 仅客户本人知悉的要素
    "totp": "held",  # 仅客户本人持有并特有的要素
    "signature": "held",  # by the device's own key: an e-signature (电子签名)
    "biometric": "inborn",  # 客户本人生理特征要素
}
_SIGNATURES = frozenset({"signature"})


class Usage(Protocol):
    """
    The usage of one person so far, over all profiles with the same ID number.

    Days are China's, written ``2026-02-16``; both ends of a span belong to it.
    """

    def used_fen(self, flows: frozenset[str], first_day: str, last_day: str) -> int:
        """Return the usage by *flows* in the span."""
        ...

    def used_lifetime_fen(self, flows: frozenset[str]) -> int:
        """Return the lifetime usage by *flows*."""
        ...

    def first_used_day(self, flows: frozenset[str], first_day: str, last_day: str) -> str | None:
        """Return the span's earliest day on which *flows* still use something, if there is one."""
        ...


class LimitState(Row):
    """
    The state of one limit: used, left, and when it resets.

    *returns_at* is None if nothing is used, and where nothing ever returns (a single payment's
    limit, a lifetime's).
    """

    limit: Limit
    used_fen: int
    left_fen: int
    returns_at: datetime | None


def factor_level(factors: Collection[str]) -> int:
    """
    Return the level of authentication by *factors* (``pin``, ``totp``, ``signature``, …).

    The announcement counts *kinds* of factors (known, held, inborn), and sets those with a
    certificate or an e-signature apart: 0 and 1 are fewer than two kinds, 2 is two kinds without a
    signature, 3 is two kinds with one. Source: PBoC announcement 2015 no. 43, articles 22 and 24.

    >>> factor_level(["pin"]), factor_level(["pin", "totp"]), factor_level(["pin", "signature"])
    (1, 2, 3)
    """
    kinds = {_FACTOR_KINDS[factor] for factor in factors}
    if len(kinds) >= 2 and not _SIGNATURES.isdisjoint(factors):
        return 3
    return min(len(kinds), 2)


def states(
    policy: Policy, tier: Tier, usage: Usage, now: datetime, opened_at: datetime, factors: int
) -> tuple[LimitState, ...]:
    """
    Return the state of each limit of *tier* for authentication level *factors*.

    They come in the order in which `check_limits` asks them.
    """
    return tuple(
        _state(limit, policy.year, usage, now, opened_at) for limit in _in_force(tier, factors)
    )


def check_limits(
    policy: Policy,
    tier: Tier,
    usage: Usage,
    now: datetime,
    opened_at: datetime,
    factors: int,
    flow: str,
    amount_fen: int,
) -> None:
    """
    Refuse *amount_fen* over *flow* with `LimitExceeded` if a limit of *tier* has no room for it.

    Limits are asked in one fixed order, and the first that refuses is the one that is reported: a
    single payment's, then the day's, the year's and the lifetime's; within a period the smallest
    amount first. Only limits that count *flow* and hold for authentication level *factors* are
    asked.

    The error's *returns_at* is when this limit gets some room back, not a promise that it will be
    enough. It is None if waiting cannot help: nothing ever returns, or *amount_fen* alone is
    more than the whole limit.
    """
    for limit in _in_force(tier, factors):
        if flow not in limit.counts:
            continue
        state = _state(limit, policy.year, usage, now, opened_at)
        if amount_fen > state.left_fen:
            raise errors.LimitExceeded(
                limit=limit.id,
                period=limit.period,
                tier=tier.name,
                amount_fen=amount_fen,
                limit_fen=limit.amount_fen,
                used_fen=state.used_fen,
                returns_at=state.returns_at if amount_fen <= limit.amount_fen else None,
                identifying_helps=any(
                    other.requires_identity and not tier.requires_identity for other in policy.tiers
                ),
            )


def room_fen(
    policy: Policy,
    tier: Tier,
    usage: Usage,
    now: datetime,
    opened_at: datetime,
    factors: int,
    flow: str,
) -> int | None:
    """Return the most that `check_limits` lets through over *flow* now; None is any amount."""
    return min(
        (
            state.left_fen
            for state in states(policy, tier, usage, now, opened_at, factors)
            if flow in state.limit.counts
        ),
        default=None,
    )


def _in_force(tier: Tier, factors: int) -> list[Limit]:
    """Return the limits that hold for *factors*, in the order in which they are asked."""
    return sorted(
        (
            limit
            for limit in tier.limits
            if limit.below_factors is None or factors < limit.below_factors
        ),
        key=lambda limit: (PERIODS.index(limit.period), limit.amount_fen, limit.id),
    )


def _state(
    limit: Limit, year: Year, usage: Usage, now: datetime, opened_at: datetime
) -> LimitState:
    flows = limit.counts
    returns_at = None
    if limit.period == "single":
        used_fen = 0
    elif limit.period == "lifetime":
        used_fen = usage.used_lifetime_fen(flows)
    else:
        first, ends_at = _window("day" if limit.period == "day" else year, now, opened_at)
        first_day, today = first.isoformat(), day_key(now)
        used_fen = usage.used_fen(flows, first_day, today)
        if used_fen > 0:
            returns_at = ends_at
            if ends_at is None and (oldest := usage.first_used_day(flows, first_day, today)):
                returns_at = start_of_day(_years_after(date.fromisoformat(oldest), 1))
    return LimitState(limit, used_fen, max(limit.amount_fen - used_fen, 0), returns_at)


def _window(
    length: Literal["day"] | Year, now: datetime, opened_at: datetime
) -> tuple[date, datetime | None]:
    """
    Return the earliest day that is still counted *now*, and when all that is counted falls away.

    A rolling year is today and everything after the same date a year ago, so it never ends: each
    day's use falls away on its own, a year later, and None is returned for the end.
    """
    today = china_day(now)
    if length == "day":
        return today, next_day(now)
    if length == "calendar":
        return date(today.year, 1, 1), next_year(now)
    if length == "opening":
        opened = china_day(opened_at)
        years = today.year - opened.year
        if _years_after(opened, years) > today:
            years -= 1
        return _years_after(opened, years), start_of_day(_years_after(opened, years + 1))
    leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year - 1, day=28 if leap_day else today.day) + _ONE_DAY, None


def _years_after(day: date, years: int) -> date:
    """
    Return the same date *years* later. Where 29 February is missing, it is 1 March.

    The year before then has its last day on the last of February, as the Civil Code says of
    periods that end in a month without the day (民法典, article 202).
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
