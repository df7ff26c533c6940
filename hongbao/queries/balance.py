"""The balance: available, in packets, held, and on its way."""

from typing import TYPE_CHECKING

from hongbao.home.opened import Home
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import Balance


def balance(home: Home) -> "Balance":
    """Return the available money, the money in packets, and the sum."""
    with home.looking():
        me, now = home.me, home.now()
        available_fen = home.balance_fen(me)
        sums = home.store.sums(me.id, now)
    later_fen = min(sums.maturing_fen, available_fen)
    from_at = sums.matures_at
    return {
        "profile": me.name,
        "available_fen": available_fen,
        "withdrawable_fen": available_fen - later_fen,
        "withdrawable_later_fen": later_fen,
        "withdrawable_from": iso(from_at) if later_fen and from_at else None,
        "frozen_fen": sums.open_fen,
        "due_back_fen": sums.due_back_fen,
        "held_fen": sums.held_fen,
        "on_its_way_fen": sums.on_its_way_fen,
        "unanswered": sums.unanswered,
        "total_fen": available_fen + sums.all_fen,
        "at": iso(now),
    }
