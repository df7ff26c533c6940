"""Double refund: whether a packet has expired is checked, and not whether its money went back."""

from datetime import datetime

from hongbao.errors import PacketNotExpired
from hongbao.lab.engine import Engine
from hongbao.lab.ledger import Books, Sent


class Broken(Engine):
    name = "double-refund"

    def check_refund(self, books: Books, person: str, packet: Sent) -> None:
        """Ask only whether it is time."""
        expires_at = datetime.fromisoformat(packet.expires_at)
        if books.now < expires_at:
            raise PacketNotExpired(packet.id, expires_at=expires_at)
