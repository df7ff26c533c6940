"""Receipts of what was held: each says how it stands, and none says the same payment twice."""

import pytest

from hongbao.wallet import Wallet
from tests.wallet.test_holds import (
    ENDINGS,
    SOURCES,
    end,
    held_claim,
    held_send,
    held_withdrawal,
)
from tests.wallet.world import CARD, LI, ZHANG, World, tail

FREE = pytest.mark.parametrize("free", [True, False])
BACK = {"by itself": "returned", "by a reviewer": "rejected"}


def told(wallet: Wallet) -> list[tuple[str, str, int, str, str, str, str | None]]:
    """Return what the receipts of all that moved a profile's money say, each once."""
    ids = [line["id"] for line in wallet.history(limit=100)["movements"]]
    made = dict.fromkeys(wallet.receipt(movement)[0] for movement in reversed(ids))
    return [
        (each.act, each.status, each.amount_fen, each.out_of, each.into, each.payer, each.payee)
        for each in made
        if each.act != "topup"
    ]


@SOURCES
@ENDINGS
@FREE
def test_a_held_packets_receipt_says_how_it_stands(
    world: World, paid_from: str, way: str, free: bool
):
    """
    It went on, which is no payment of its own, or came back, which is one.
    """
    place = paid_from if paid_from == "balance" else f"cmb-{tail(CARD)}"
    sent = ("send", 1000, place, "packet", ZHANG, None)
    held = held_send(world, "release" if free else "return", paid_from=paid_from)
    before = told(world.zhang)

    end(world, held["held"]["case"], way, free=free)

    assert [_standing(sent, "held")] == before
    if free:
        assert [_standing(sent, "done")] == told(world.zhang)
    else:
        back = (BACK[way], 1000, "packet", place, ZHANG, ZHANG)
        status = "done" if place == "balance" else "on_its_way"
        assert [_standing(sent, "came_back"), _standing(back, status)] == told(world.zhang)


@SOURCES
@ENDINGS
@FREE
def test_a_held_shares_receipt_says_how_it_stands(
    world: World, paid_from: str, way: str, free: bool
):
    """
    To whoever claimed it; where it came back, it is the sender who has a receipt of that.
    """
    place = paid_from if paid_from == "balance" else f"cmb-{tail(CARD)}"
    _, held = held_claim(world, "release" if free else "return", paid_from=paid_from)
    claimed = ("claim", held["amount_fen"], "packet", "balance", ZHANG, LI)
    before = told(world.li)

    end(world, held["held"]["case"], way, free=free)

    assert [_standing(claimed, "held")] == before
    assert [_standing(claimed, "done" if free else "came_back")] == told(world.li)
    back = (BACK[way], held["amount_fen"], "packet", place, ZHANG, ZHANG)
    status = "done" if place == "balance" else "on_its_way"
    assert ([] if free else [_standing(back, status)]) == told(world.zhang)[1:]


@ENDINGS
@FREE
def test_a_held_withdrawals_receipt_says_how_it_stands(world: World, way: str, free: bool):
    """
    On its way to the card it is still the same payment.
    """
    card = f"cmb-{tail(CARD)}"
    asked = ("withdraw", 1000, "balance", card, ZHANG, ZHANG)
    held = held_withdrawal(world, "release" if free else "return")
    before = told(world.zhang)

    end(world, held["held"]["case"], way, free=free)

    assert [_standing(asked, "held")] == before
    if free:
        assert [_standing(asked, "done")] == told(world.zhang)
    else:
        back = (BACK[way], 1000, card, "balance", ZHANG, ZHANG)
        assert [_standing(asked, "came_back"), _standing(back, "done")] == told(world.zhang)


def _standing(facts: tuple[object, ...], status: str) -> tuple[object, ...]:
    return (facts[0], status, *facts[1:])
