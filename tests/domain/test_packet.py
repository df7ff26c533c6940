"""Who may resolve a packet, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from hongbao.domain.packet import (
    DealRule,
    Hold,
    Packet,
    PacketKind,
    PacketState,
    check_claim,
    check_refund,
)
from hongbao.errors import (
    AlreadyClaimed,
    NotForYou,
    NothingToRefund,
    NotYourPacket,
    OwnPacket,
    PacketExpired,
    PacketFinished,
    PacketHeld,
    PacketNotExpired,
    PacketRefunded,
)
from tests.every import every

SENDER, FRIEND, STRANGER = 1, 2, 3
SENT = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
EXPIRY = SENT + timedelta(hours=24)
INSTANT = timedelta(microseconds=1)

LUCKY = Packet(
    number=1,
    id="hb_7Q2M4K9X",
    sender=SENDER,
    recipient=None,
    kind=PacketKind.LUCKY,
    deal=DealRule.DOUBLE_MEAN,
    total_fen=1000,
    count=3,
    share_max_fen=20000,
    claimed_fen=0,
    claimed_count=0,
    created_at=SENT,
    expires_at=EXPIRY,
    closed_at=None,
)
SINGLE = LUCKY._replace(count=1)
EXCLUSIVE = SINGLE._replace(kind=PacketKind.EXCLUSIVE, deal=DealRule.EQUAL, recipient=FRIEND)
FINISHED = LUCKY._replace(claimed_fen=1000, claimed_count=3, closed_at=SENT)
FREED_AT = SENT + timedelta(hours=5)
FREED = LUCKY._replace(hold=Hold(case=1, until=FREED_AT, ends="release"))
SENT_BACK = LUCKY._replace(hold=Hold(case=1, until=FREED_AT, ends="return"))
WHY = {"en": "looked at first", "zh": "先核实"}
REFUNDED = LUCKY._replace(claimed_fen=400, claimed_count=1, closed_at=EXPIRY)


def claim(packet, who, at=SENT, *, claimed_fen=None, sender_may_claim=True):
    check_claim(packet, who, now=at, claimed_fen=claimed_fen, sender_may_claim=sender_may_claim)


def facts_of(packet, refusal):
    """Return what a refusal of *packet* says next to its sentence."""
    moments: dict[type[Exception], dict[str, datetime | None]] = {
        PacketRefunded: {"refunded_at": packet.closed_at},
        PacketExpired: {"expires_at": EXPIRY},
        PacketNotExpired: {"expires_at": EXPIRY},
    }
    return {"packet": packet.id, **moments.get(refusal, {})}


@every(
    ("packet", "at", "state"),
    [
        (LUCKY, SENT, PacketState.OPEN),
        (LUCKY, EXPIRY - INSTANT, PacketState.OPEN),
        (LUCKY, EXPIRY, PacketState.EXPIRED),
        (FREED, SENT, PacketState.HELD),
        (FREED, FREED_AT - INSTANT, PacketState.HELD),
        (FREED, FREED_AT, PacketState.OPEN),
        (FREED, EXPIRY, PacketState.EXPIRED),
        (SENT_BACK, FREED_AT - INSTANT, PacketState.HELD),
        (SENT_BACK, FREED_AT, PacketState.EXPIRED),
        (FINISHED, SENT, PacketState.FINISHED),
        (FINISHED, EXPIRY, PacketState.FINISHED),
        (REFUNDED, EXPIRY, PacketState.REFUNDED),
    ],
)
def test_a_packet_is_in_one_state_at_each_moment(packet, at, state):
    """
    The line between open and expired is one instant wide, and belongs to expired.
    """
    assert state is packet.state(at)


@every("at", [SENT, EXPIRY - INSTANT, EXPIRY, EXPIRY + INSTANT])
@every("packet", [LUCKY, FINISHED, REFUNDED])
def test_what_can_be_claimed_cannot_be_refunded_and_the_other_way_round(packet, at):
    """
    At every moment of an unresolved packet exactly one of the two is possible; of a resolved one
    neither is.
    """
    possible = []
    for name, attempt in (
        ("claim", lambda: claim(packet, FRIEND, at)),
        ("refund", lambda: check_refund(packet, SENDER, now=at)),
    ):
        try:
            attempt()
        except (
            NothingToRefund,
            PacketExpired,
            PacketFinished,
            PacketNotExpired,
            PacketRefunded,
        ):
            continue
        possible.append(name)

    expected = [] if packet.closed_at else ["claim" if at < EXPIRY else "refund"]
    assert expected == possible


@every(
    ("packet", "who", "at", "refusal"),
    [
        (EXCLUSIVE, STRANGER, SENT, NotForYou),
        (EXCLUSIVE, STRANGER, EXPIRY, NotForYou),  # said before the expiry, which it outlasts
        (EXCLUSIVE, SENDER, SENT, OwnPacket),
        (SINGLE, SENDER, SENT, OwnPacket),
        (FINISHED, FRIEND, SENT, PacketFinished),
        (FINISHED, FRIEND, EXPIRY, PacketFinished),
        (REFUNDED, FRIEND, EXPIRY, PacketRefunded),
        (LUCKY, FRIEND, EXPIRY, PacketExpired),
    ],
)
def test_each_claim_that_is_too_late_or_not_ones_own_has_its_own_answer(packet, who, at, refusal):
    """
    A person is told what they can least change about it.
    """
    with pytest.raises(refusal) as refused:
        claim(packet, who, at)
    assert facts_of(packet, refusal) == refused.value.facts


@pytest.mark.parametrize(
    ("packet", "who"), [(LUCKY, FRIEND), (LUCKY, SENDER), (SINGLE, FRIEND), (EXCLUSIVE, FRIEND)]
)
def test_a_share_is_there_for_whom_it_is_meant(packet, who):
    """
    A group's packet opens for its sender too, a single one for anyone else, an exclusive one for
    the person it names.
    """
    claim(packet, who)

    assert packet.state(SENT) is PacketState.OPEN


def test_a_policy_can_keep_senders_from_their_own_packets():
    """
    Whether a sender may share in a group's packet is the policy's to say.
    """
    with pytest.raises(OwnPacket):
        claim(LUCKY, SENDER, sender_may_claim=False)


@pytest.mark.parametrize("packet", [LUCKY, FINISHED, REFUNDED])
def test_who_has_a_share_is_told_so_whatever_became_of_the_packet(packet):
    """
    One claim a person and packet; the answer says what it was.
    """
    with pytest.raises(AlreadyClaimed) as refusal:
        claim(packet, FRIEND, EXPIRY, claimed_fen=321)

    assert {"packet": packet.id, "amount_fen": 321} == refusal.value.facts


@pytest.mark.parametrize(
    ("packet", "who", "at", "refusal"),
    [
        (LUCKY, SENDER, EXPIRY - INSTANT, PacketNotExpired),
        (LUCKY, FRIEND, EXPIRY, NotYourPacket),
        (FINISHED, SENDER, EXPIRY, NothingToRefund),
        (REFUNDED, SENDER, EXPIRY, PacketRefunded),
    ],
)
def test_a_refund_that_is_early_twice_or_somebody_elses_is_refused(packet, who, at, refusal):
    """
    Only the sender gets the rest back, once, and not before the packet expires.
    """
    with pytest.raises(refusal) as refused:
        check_refund(packet, who, now=at)
    assert facts_of(packet, refusal) == refused.value.facts


def test_what_is_left_is_what_was_not_claimed():
    """
    Remaining money and remaining shares follow from what was claimed.
    """
    assert (600, 2) == (REFUNDED.remaining_fen, REFUNDED.shares_left)


@pytest.mark.parametrize("packet", [FREED, SENT_BACK])
def test_what_is_held_can_neither_be_claimed_nor_refunded(packet):
    """
    Both are told until when, and why; whose packet it is not is told that first.
    """
    for attempt in (
        lambda: check_claim(
            packet, FRIEND, now=SENT, claimed_fen=None, sender_may_claim=True, why=WHY
        ),
        lambda: check_refund(packet, SENDER, now=SENT, why=WHY),
    ):
        with pytest.raises(PacketHeld) as refused:
            attempt()
        facts = {"packet": packet.id, "until_at": FREED_AT, "why": WHY}
        assert facts == {name: refused.value.facts[name] for name in facts}
    with pytest.raises(NotYourPacket):
        check_refund(packet, STRANGER, now=SENT, why=WHY)
