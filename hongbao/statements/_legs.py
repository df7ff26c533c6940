"""
Legs: a movement as two accounts and an amount, for accounting programs.

A withdrawal's fee is a separate leg, so that the amount fits the bank's, and because some
programs refuse an entry of three legs.

What has not come to its card by the end of the period is in transit, and so is what never did: what
comes back comes from there, in this period or a later one. So statements that follow each other add
up to the same for any periods.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hongbao.answers import MovementLine


class Place(StrEnum):
    """A place of money in the holder's own books."""

    BALANCE = "balance"
    CARD = "card"
    TRANSIT = "transit"  # on its way to a card
    RECEIVED = "received"  # income: what was claimed
    GIVEN = "given"  # expense: what was sent, less what came back
    FEES = "fees"


class Leg(NamedTuple):
    """*amount_fen*, above zero, that went *out_of* one place and *into* another."""

    id: str
    kind: str
    out_of: Place
    into: Place
    amount_fen: int

    @property
    def balance_fen(self) -> int:
        """The change of the balance: negative is out."""
        return self.amount_fen * ((self.into is Place.BALANCE) - (self.out_of is Place.BALANCE))


def legs(line: "MovementLine") -> Iterator[Leg]:
    """
    Yield the legs of *line*, of which those at the balance add up to what it did there.

    One that moved nothing has none: a claim that is held, say, which comes when it is released.
    """
    amount_fen, card_fen = line["amount_fen"], line["card_fen"] or 0
    is_done = line["status"] == "done"
    card = Place.CARD if is_done else Place.TRANSIT
    fees = Place.FEES if is_done else Place.TRANSIT
    match line["act"]:
        case "topup":
            yield from _leg(line, "topup", Place.CARD, Place.BALANCE, amount_fen)
        case "refund_to_balance":
            yield from _leg(line, "refund_to_balance", Place.TRANSIT, Place.BALANCE, amount_fen)
        case "withdraw":
            yield from _leg(line, "withdraw", Place.BALANCE, card, card_fen)
            yield from _fee(line, "fee", Place.BALANCE, fees, -amount_fen - card_fen)
        case "withdraw_returned" | "returned" | "rejected" if line["packet"] is None:
            yield from _leg(line, "withdraw_returned", Place.TRANSIT, Place.BALANCE, -card_fen)
            yield from _fee(
                line, "fee_returned", Place.TRANSIT, Place.BALANCE, amount_fen + card_fen
            )
        case "paid_out":
            yield from _leg(line, "paid_out", Place.TRANSIT, Place.CARD, card_fen)
            yield from _fee(line, "fee", Place.TRANSIT, Place.FEES, line["fee_fen"] or 0)
        case "refund_arrived":
            yield from _leg(line, "refund_arrived", Place.TRANSIT, Place.CARD, card_fen)
        case "send" if card_fen:
            yield from _leg(line, "send", Place.CARD, Place.GIVEN, -card_fen)
        case "send":
            yield from _leg(line, "send", Place.BALANCE, Place.GIVEN, -amount_fen)
        case "claim" | "released" | "approved":
            yield from _leg(line, "claim", Place.RECEIVED, Place.BALANCE, amount_fen)
        case "refund" | "returned" | "rejected" if card_fen > 0:
            yield from _leg(line, "refund", Place.GIVEN, card, card_fen)
        case "refund" | "returned" | "rejected":
            yield from _leg(line, "refund", Place.GIVEN, Place.BALANCE, amount_fen)
        case act:
            raise AssertionError(f"no leg is known for {act!r}")


def _leg(
    line: "MovementLine", kind: str, out_of: Place, into: Place, amount_fen: int, suffix: str = ""
) -> Iterator[Leg]:
    if amount_fen:
        assert amount_fen > 0
        yield Leg(line["id"] + suffix, kind, out_of, into, amount_fen)


def _fee(
    line: "MovementLine", kind: str, out_of: Place, into: Place, amount_fen: int
) -> Iterator[Leg]:
    yield from _leg(line, kind, out_of, into, amount_fen, "-fee")
