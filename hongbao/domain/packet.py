"""A packet: its terms, and who may claim or refund it when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, unique

from hongbao import errors
from hongbao.rows import Row

STEPS = ("create", "authorise", "freeze", "notify", "claim", "allocate", "settle", "refund")
"""The eight steps of a packet's life, in their order."""


@unique
class PacketKind(StrEnum):
    """The three kinds of packet."""

    LUCKY = "lucky"  # 拼手气: shares differ by chance
    EQUAL = "equal"  # 普通: every share is the same
    EXCLUSIVE = "exclusive"  # 专属: one share, for one named person


@unique
class DealRule(StrEnum):
    """The deal rule; a packet records its own."""

    DOUBLE_MEAN = "double-mean"  # drawn at each claim (二倍均值法), every position alike on average
    SHUFFLED = "shuffled"  # dealt up front, struck at each claim: alike in variance too
    EQUAL = "equal"


@unique
class PacketState(StrEnum):
    """The state of a packet at one moment."""

    HELD = "held"  # put on hold by risk control, before it could be claimed
    OPEN = "open"
    FINISHED = "finished"  # every share claimed
    EXPIRED = "expired"  # over time, and the rest not yet refunded
    REFUNDED = "refunded"


class Hold(Row):
    """The hold on a packet, which cannot be claimed; *ends* says how it ends at *until*."""

    case: int
    until: datetime
    ends: str  # release, return

    def is_over(self, now: datetime) -> bool:
        """Return whether its moment has come, whether or not anyone has ended it yet."""
        return now >= self.until


class Packet(Row):
    """A packet's terms, which never change, and how far it has come."""

    number: int
    id: str
    sender: int
    recipient: int | None
    kind: PacketKind
    deal: DealRule
    total_fen: int
    count: int  # type: ignore[assignment]  # a tuple's own count is not missed
    share_max_fen: int
    claimed_fen: int
    claimed_count: int
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    hold: Hold | None = None

    @property
    def remaining_fen(self) -> int:
        """The unclaimed amount, refunded or not."""
        return self.total_fen - self.claimed_fen

    @property
    def shares_left(self) -> int:
        return self.count - self.claimed_count

    def state(self, now: datetime) -> PacketState:
        """
        Return the packet's state at *now*.

        A packet is closed by its last claim or by its refund; between them lies the one line that
        decides: it can be claimed exactly while ``now < expires_at``. Before that it may be held,
        exactly while ``now < until``; from then on it is what the hold ends in.
        """
        if self.shares_left == 0:
            return PacketState.FINISHED
        if self.closed_at is not None:
            return PacketState.REFUNDED
        if self.hold is not None:
            if not self.hold.is_over(now):
                return PacketState.HELD
            if self.hold.ends == "return":
                return PacketState.EXPIRED
        return PacketState.OPEN if now < self.expires_at else PacketState.EXPIRED


def check_claim(
    packet: Packet,
    claimant: int,
    *,
    now: datetime,
    claimed_fen: int | None,
    sender_may_claim: bool,
    why: Mapping[str, str] | None = None,
) -> None:
    """
    Raise unless *claimant* may take a share of *packet* at *now*.

    *claimed_fen* is what this person took before; a sender may share in their own packet where the
    policy says so (*sender_may_claim*) and it has more than one share. *why* is what the rule says
    that holds a packet. What is said first, when several refusals apply, is what the person can
    least change: that it is not theirs, that they already have a share, and then the packet's own
    end.

    Raises NotForYou, OwnPacket, AlreadyClaimed, PacketFinished, PacketRefunded, PacketExpired or
    PacketHeld.
    """
    if claimant == packet.sender and (packet.count == 1 or not sender_may_claim):
        raise errors.OwnPacket(packet.id)
    if packet.recipient is not None and claimant != packet.recipient:
        raise errors.NotForYou(packet.id)
    if claimed_fen is not None:
        raise errors.AlreadyClaimed(packet.id, amount_fen=claimed_fen)
    match packet.state(now):
        case PacketState.FINISHED:
            raise errors.PacketFinished(packet.id)
        case PacketState.REFUNDED:
            assert packet.closed_at is not None
            raise errors.PacketRefunded(packet.id, refunded_at=packet.closed_at)
        case PacketState.EXPIRED:
            raise errors.PacketExpired(packet.id, expires_at=packet.expires_at)
        case PacketState.HELD:
            raise _held(packet, why)
        case PacketState.OPEN:
            return


def check_refund(
    packet: Packet, asker: int, *, now: datetime, why: Mapping[str, str] | None = None
) -> None:
    """
    Raise unless what is left of *packet* may go back to its sender at *now*, asked by *asker*.

    *why* is what the rule says that holds it. Raises NotYourPacket, NothingToRefund,
    PacketRefunded, PacketNotExpired or PacketHeld.
    """
    if asker != packet.sender:
        raise errors.NotYourPacket(packet.id)
    match packet.state(now):
        case PacketState.FINISHED:
            raise errors.NothingToRefund(packet.id)
        case PacketState.REFUNDED:
            assert packet.closed_at is not None
            raise errors.PacketRefunded(packet.id, refunded_at=packet.closed_at)
        case PacketState.OPEN:
            raise errors.PacketNotExpired(packet.id, expires_at=packet.expires_at)
        case PacketState.HELD:
            raise _held(packet, why)
        case PacketState.EXPIRED:
            return


def _held(packet: Packet, why: Mapping[str, str] | None) -> errors.PacketHeld:
    assert packet.hold is not None
    assert why is not None
    return errors.PacketHeld(packet.id, until_at=packet.hold.until, why=why)
