"""Rounding up an equal split: the shares add up to more than the total."""

from math import ceil

from hongbao.domain.deal import Draw
from hongbao.lab.engine import Engine
from hongbao.lab.ledger import Sent


class Broken(Engine):
    name = "rounding"

    def deal(self, remaining_fen: int, shares_left: int, packet: Sent, draw: Draw) -> int:
        """Divide the total by the count, and round up, for every share alike."""
        return ceil(packet.total_fen / packet.count)
