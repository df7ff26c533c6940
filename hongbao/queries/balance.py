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
        available_fen = home.store.balance_fen(me.account)
        frozen_fen, due_back_fen, held_fen, on_its_way_fen, unanswered = home.store.sums(me.id, now)
        maturing_fen, from_at = home.store.maturing_fen(me.id, now)
    later_fen = min(maturing_fen, available_fen)
    return {
        "profile": me.name,
        "available_fen": available_fen,
        "withdrawable_fen": available_fen - later_fen,
        "withdrawable_later_fen": later_fen,
        "withdrawable_from": iso(from_at) if later_fen and from_at else None,
        "frozen_fen": frozen_fen,
        "due_back_fen": due_back_fen,
        "held_fen": held_fen,
        "on_its_way_fen": on_its_way_fen,
        "unanswered": unanswered,
        "total_fen": available_fen + frozen_fen + due_back_fen + held_fen + on_its_way_fen,
        "at": iso(now),
    }
