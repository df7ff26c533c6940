"""Claim after expiry: only the refund looks at the clock, and no one looks at the refund."""

from hongbao.errors import AlreadyClaimed, PacketFinished
from hongbao.lab.engine import Engine
from hongbao.lab.ledger import Books, Sent


class Broken(Engine):
    name = "expiry"

    def check_claim(self, books: Books, person: str, packet: Sent) -> None:
        """Ask only whether a share is left, and never whether it is too late."""
        for move in books.claims(packet.id):
            if move.person == person:
                raise AlreadyClaimed(packet.id, amount_fen=move.amount_fen)
        if packet.claimed_count >= packet.count:
            raise PacketFinished(packet.id)
