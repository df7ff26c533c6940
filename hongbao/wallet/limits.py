"""Limits and balance: whether an amount is within what a profile has left."""

from hongbao.errors import InsufficientBalance
from hongbao.home.opened import Home
from hongbao.queries.devices import authentication_factors
from hongbao.wallet.acts import Act


def check_balance(home: Home, doing: Act, needed_fen: int) -> None:
    """Refuse what the balance does not hold, and say which way money could come in."""
    with home.checking("balance") as seen:
        if seen is not None:
            seen.update(needed_fen=needed_fen, available_fen=doing.balance_fen)
        _check_balance(home, doing, needed_fen)


def _check_balance(home: Home, doing: Act, needed_fen: int) -> None:
    if doing.balance_fen >= needed_fen:
        return
    from hongbao.domain.limits import factor_level, room_fen

    me = doing.me
    missing_fen = needed_fen - doing.balance_fen
    room = room_fen(
        home.policy_of(doing.home_row),
        home.tier(me),
        home.store.usage_of(me.person),
        doing.now,
        home.member_since(me),
        factor_level(authentication_factors(home, me)),
        "topup",
    )
    raise InsufficientBalance(
        needed_fen=needed_fen,
        available_fen=doing.balance_fen,
        has_card=bool(home.store.cards(me.id)),
        topup_max_fen=missing_fen if room is None else room,
    )


def check_limits(home: Home, doing: Act, flow: str, amount_fen: int) -> None:
    """Refuse *amount_fen* over *flow* where the profile's tier has no room for it."""
    from hongbao.domain.limits import check_limits, factor_level, states

    with home.checking("limits") as seen:
        asked = (
            home.policy_of(doing.home_row),
            home.tier(doing.me),
            home.store.usage_of(doing.me.person),
            doing.now,
            home.member_since(doing.me),
            factor_level(authentication_factors(home, doing.me)),
        )
        if seen is not None:
            seen["tier"] = asked[1].name
            seen["limits"] = [
                {
                    "period": state.limit.period,
                    "limit_fen": state.limit.amount_fen,
                    "used_fen": state.used_fen,
                    "left_fen": state.left_fen,
                }
                for state in states(*asked)
                if flow in state.limit.counts
            ]
        check_limits(*asked, flow, amount_fen)
