"""Changes of cards, and of the accounts behind them at their banks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.store import CardRow, Touched


class OpenDeposit(Row):
    """Open a card's account at its *bank*: it outlives the binding."""

    deposit: int
    bank: str
    number_index: bytes

    @property
    def touches(self) -> Touched:
        return (("deposit", self.deposit),)


class BindCard(Row):
    """Bind a card to *profile*; its number is sealed."""

    card: int
    profile: int
    name: str
    deposit: int
    number: bytes
    tail: str
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("card", self.card),)


class RemoveCard(Row):
    """Unbind a card."""

    card: int
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("card", self.card),)


class ResealCard(Row):
    """Replace the sealed number and its blind index by those under a new key."""

    card: CardRow
    number: bytes
    number_index: bytes

    @property
    def touches(self) -> Touched:
        return (
            ("card", self.card.id),
            ("deposit", self.card.deposit.owner),
        )
