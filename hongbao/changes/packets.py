"""Changes of packets, their claims, and the limits that both count for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.domain.fairness import DrawInput
    from hongbao.domain.packet import Packet
    from hongbao.store import PacketRow, Touched


class AddPacket(Row):
    """Add the packet *row*, with its account."""

    row: PacketRow

    @property
    def touches(self) -> Touched:
        return (("packet", self.row.packet.number),)


class AddClaim(Row):
    """Give *profile* the packet's next share, and close the packet with its last one."""

    packet: Packet
    profile: int
    amount_fen: int
    drawn: DrawInput
    entry: int
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("packet", self.packet.number),)


class ClosePacket(Row):
    """Close a packet whose rest went back."""

    packet: int
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("packet", self.packet),)


class HoldPacket(Row):
    """Put *packet* on hold in *case*; None releases it."""

    packet: int
    case: int | None

    @property
    def touches(self) -> Touched:
        return (("packet", self.packet),)


class AddMaturing(Row):
    """Delay the withdrawal of claimed *amount_fen* of *profile* until *from_at*."""

    profile: int
    from_at: datetime
    amount_fen: int

    @property
    def touches(self) -> Touched:
        return (("maturing", self.profile),)


class AddUsage(Row):
    """Count *amount_fen* (negative to give it back) of *flow* on *day* (``2026-11-23``)."""

    person: int
    flow: str
    day: str
    amount_fen: int

    @property
    def touches(self) -> Touched:
        return (("usage", self.person),)
