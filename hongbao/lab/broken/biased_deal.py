"""Biased dealing: each share is drawn from all that is left, so the first take most of it."""

from hongbao.domain.deal import Draw
from hongbao.lab.engine import SHARE_MAX_FEN, Engine
from hongbao.lab.ledger import Sent


class Broken(Engine):
    name = "biased-deal"

    def deal(self, remaining_fen: int, shares_left: int, packet: Sent, draw: Draw) -> int:
        """Draw from 1 to all but a fen for each of the others."""
        return uniform_share(remaining_fen, shares_left, SHARE_MAX_FEN, draw)


def uniform_share(remaining_fen: int, shares_left: int, cap_fen: int, draw: Draw) -> int:
    """Return a share of *remaining_fen*, any that leaves the others their fen being as likely."""
    if shares_left == 1:
        return remaining_fen
    least_fen = max(1, remaining_fen - (shares_left - 1) * cap_fen)
    most_fen = min(cap_fen, remaining_fen - (shares_left - 1))
    return least_fen + draw(most_fen - least_fen + 1)
