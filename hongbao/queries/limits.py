"""Limits: what applies to a profile now, what is used, and when they reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.limits import LimitState, factor_level, states
from hongbao.home.opened import Home
from hongbao.queries.devices import authentication_factors
from hongbao.store import ProfileRow
from hongbao.units import iso, iso_or_none

if TYPE_CHECKING:
    from hongbao.answers import LimitLine, Limits


def free_withdrawal_left_fen(home: Home, profile: ProfileRow) -> int:
    """Return the free withdrawals that the person behind *profile* has left."""
    used = home.store.usage_of(profile.person).used_lifetime_fen(frozenset({"withdraw"}))
    return max(home.policy.withdraw.free_fen - used, 0)


def limit_states(home: Home, profile: ProfileRow) -> tuple[LimitState, ...]:
    """Return what is used and left of every limit that applies to *profile* now."""
    return states(
        home.policy,
        home.tier(profile),
        home.store.usage_of(profile.person),
        home.now(),
        home.member_since(profile),
        factor_level(authentication_factors(home, profile)),
    )


def limits(home: Home) -> Limits:
    """Return every rule that applies to this profile now: used, left, and when room returns."""
    with home.looking():
        me, now, policy = home.me, home.now(), home.policy
        lines: list[LimitLine] = [
            {
                "id": state.limit.id,
                "period": state.limit.period,
                "counts": sorted(state.limit.counts),
                "limit_fen": state.limit.amount_fen,
                "used_fen": state.used_fen,
                "left_fen": state.left_fen,
                "returns_at": iso_or_none(state.returns_at),
                "confidence": state.limit.confidence,
            }
            for state in limit_states(home, me)
        ]
        return {
            "profile": me.name,
            "tier": home.tier(me).name,
            "policy": policy.ref,
            "channels": home.channels(me),
            "factors": list(authentication_factors(home, me)),
            "limits": lines,
            "share_max_fen": policy.packet.share_max_fen,
            "shares_max": policy.packet.shares_max,
            "packet_max_fen": policy.packet.packet_max_fen,
            "expires_hours": policy.packet.expires_hours,
            "withdraw_free_left_fen": free_withdrawal_left_fen(home, me),
            "profiles_of_person": len(home.store.profiles(person=me.person)),
            "profiles_max": policy.profiles_per_person,
            "unconfirmed": list(policy.unconfirmed),
            "at": iso(now),
        }
