"""Red packets: refusals to send, claim or refund."""

from datetime import datetime

from hongbao.errors.base import (
    THEN,
    NotClaimable,
    NotFound,
    NotIntact,
    OverLimit,
    UsageError,
    example,
)
from hongbao.words import N_


class InvalidCount(UsageError):
    """A packet needs at least one share, and the policy caps how many."""

    count: int = example(101)
    shares_max: int = example(100)

    sentence = N_("the number of shares is 1 to {shares_max}, not {count}")


class ShareTooSmall(UsageError):
    """The total cannot give every share at least one fen."""

    total_fen: int = example(4)
    count: int = example(5)

    @property
    def least_fen(self) -> int:
        return self.count

    sentence = N_("{total_fen} among {count} leaves less than 0.01 for each share")
    advice = N_("send at least {least_fen}, or fewer shares")


class SelfRecipient(UsageError):
    """An exclusive packet is for someone else."""

    sentence = N_("you cannot send a packet to yourself")


class PacketNotFound(NotFound):
    """The id is well formed, but no packet has it."""

    packet: str = example("hb_7Q2M4K9X", kw_only=False)

    sentence = N_("there is no packet {packet}")
    advice = N_("list the packets that you can see: `hongbao packets`")


class PacketFinished(NotClaimable):
    """Every share is taken (手慢了，红包派完了)."""

    sentence = N_("too slow: every share of {packet} is taken")
    advice = N_("see who was luckier: `hongbao show {packet}`")


class NothingToRefund(NotClaimable):
    """Every share was claimed, so nothing can go back to the sender."""

    sentence = N_("every share of {packet} was claimed; there is nothing to return")
    advice = N_("see who got what: `hongbao show {packet}`")


class PacketExpired(NotClaimable):
    """24 hours are over (该红包已超过24小时)."""

    expires_at: datetime = example(THEN)

    sentence = N_("{packet} expired at {expires_at}")
    advice = N_("its sender gets the unclaimed amount back with `hongbao refund {packet}`")


class PacketRefunded(NotClaimable):
    """The unclaimed amount was already returned to the sender."""

    refunded_at: datetime = example(THEN)

    sentence = N_("{packet} was refunded at {refunded_at}")


class PacketNotExpired(NotClaimable):
    """A packet can be refunded only once it has expired."""

    expires_at: datetime = example(THEN)

    final = False
    sentence = N_("{packet} can still be claimed; it can be refunded from {expires_at}")


class AlreadyClaimed(NotClaimable):
    """One claim a person and packet."""

    amount_fen: int = example(2_645)

    sentence = N_("you already claimed {amount_fen} from {packet}")
    advice = N_("see it with `hongbao show {packet}`")


class NotForYou(NotClaimable):
    """An exclusive packet opens only for the person it names."""

    sentence = N_("{packet} is for someone else")


class NotYourPacket(NotClaimable):
    """Only its sender gets a packet's unclaimed amount back."""

    sentence = N_("someone else sent {packet}; only its sender can have the unclaimed amount back")


class OwnPacket(NotClaimable):
    """One's own packet, where the policy or the packet's kind keeps it from the sender."""

    sentence = N_("you sent {packet} yourself")


class NotYetRevealed(NotClaimable):
    """A packet's seed is secret until the packet is closed."""

    final = False
    sentence = N_("{packet} is still open; its seed is revealed when it closes")


class ShareAboveCap(OverLimit):
    """The total cannot be shared without a share above the policy's cap."""

    total_fen: int = example(100_000)
    share_max_fen: int = example(20_000)

    @property
    def count_least(self) -> int:
        return -(-self.total_fen // self.share_max_fen)

    sentence = N_(
        "a share is at most {share_max_fen}; {total_fen} needs at least {count_least} shares"
    )


class FixedShareAboveCap(OverLimit):
    """Each share has a fixed amount, above the policy's cap: more shares would not change that."""

    share_fen: int = example(30_000)
    share_max_fen: int = example(20_000)

    sentence = N_("a share is at most {share_max_fen}, not {share_fen}")


class PacketAboveCap(OverLimit):
    """The total is above what one packet may hold."""

    total_fen: int = example(3_000_000)
    packet_max_fen: int = example(2_000_000)

    sentence = N_("a packet is at most {packet_max_fen}, not {total_fen}")


class Unfair(NotIntact):
    """`hongbao verify` recomputed a packet, and what was paid is not what its draws give."""

    packet: str = example("hb_7Q2M4K9X", kw_only=False)
    commitment_holds: bool = example(True)
    shares: list[dict[str, object]] = example([])

    sentence = N_("shares of {packet} do not match their draws")
    advice = N_("see what else is wrong with `hongbao check`")
