"""Packets at the desk: what each kind gives, to whom, until when, and how it can be proved."""

from datetime import timedelta

import pytest

from hongbao import errors
from hongbao.answers import PacketShown
from hongbao.domain.fairness import DrawInput, Terms, commitment, recompute
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.units import iso
from hongbao.wallet import Wallet
from tests.wallet.acts import DAY, expired, half_claimed, sent
from tests.wallet.test_cash import deposit_fen
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OPENING_FEN,
    WANG,
    YUAN,
    ZHANG,
    World,
    changed,
    right,
    tail,
)

MICROSECOND = timedelta(microseconds=1)


# --- sending ------------------------------------------------------------------------------------


def test_sending_freezes_the_money_in_the_packet(world: World):
    """
    The balance gives it, the packet holds it, and the answer says what was promised.
    """
    answer = world.zhang.send(88_88, count=5, cover="马年", pin=right)

    assert {
        "request_id": answer["request_id"],
        "at": "2026-02-16T12:00:00+08:00",
        "packet": answer["packet"],
        "kind": "lucky",
        "deal": "double-mean",
        "total_fen": 88_88,
        "count": 5,
        "share_max_fen": 200 * YUAN,
        "recipient": None,
        "greeting": "恭喜发财，大吉大利",
        "cover": "马年",
        "paid_from": "balance",
        "payment": None,
        "commitment": answer["commitment"],
        "expires_at": "2026-02-17T12:00:00+08:00",
        "balance_fen": 1000 * YUAN - 88_88,
        "held": None,
        "scripted": False,
    } == answer
    assert 88_88 == world.zhang.balance()["frozen_fen"]


def test_a_packet_paid_by_card_leaves_the_balance_alone(world: World):
    """
    The card gives it through the channel; the balance stays what it was.
    """
    answer = world.zhang.send(100 * YUAN, count=2, paid_from=tail(CARD), pin=right)

    assert (f"cmb-{tail(CARD)}", 1000 * YUAN) == (answer["paid_from"], answer["balance_fen"])
    assert OPENING_FEN - 1100 * YUAN == deposit_fen(world, CARD)
    assert 100 * YUAN == world.zhang.balance()["frozen_fen"]


@pytest.mark.parametrize(
    ("total_fen", "count"),
    [(1, 1), (100, 100), (200 * YUAN, 1), (20_000 * YUAN, 100), (40_000, 2)],
)
@pytest.mark.parametrize("deal", [DealRule.DOUBLE_MEAN, DealRule.SHUFFLED])
def test_the_smallest_and_the_largest_packets_can_be_sent(
    total_fen: int, count: int, deal: DealRule, world: World
):
    """
    One fen a share and 200 yuan a share are packets, and so is the largest of all.
    """
    world.zhang.topup(20_000 * YUAN, pin=right)

    packet = world.zhang.send(total_fen, count=count, deal=deal, pin=right)["packet"]

    assert total_fen == world.zhang.show(packet)["remaining_fen"]
    assert 1 <= world.li.claim(packet)["amount_fen"] <= 200 * YUAN


def test_two_packets_never_have_one_id(world: World, monkeypatch):
    """
    An id that is taken is drawn again.
    """
    first = world.zhang.send(YUAN, pin=right, request_id="one")["packet"]
    drawn = world.chances
    world.chances -= 1  # the last draw was the id: the next packet's seed is it, so put it back
    stale = iter([b"\0" * 32, world._chance(8), b"\x55" * 8])
    world.chances = drawn
    monkeypatch.setattr(World, "_chance", lambda self, length: next(stale)[:length])

    second = world.zhang.send(YUAN, pin=right, request_id="two")["packet"]

    assert first != second


@pytest.mark.parametrize(
    "how",
    [
        {"total_fen": 100, "count": 3, "kind": PacketKind.EQUAL},
        {"total_fen": 100, "count": 2, "kind": PacketKind.EXCLUSIVE, "recipient": LI},
        {"total_fen": 100, "kind": PacketKind.EXCLUSIVE},
        {"total_fen": 100, "kind": PacketKind.LUCKY, "recipient": LI},
    ],
    ids=["unequal", "several", "nobody", "lucky"],
)
def test_a_packet_that_contradicts_itself_is_a_mistake_of_ours(how, world: World):
    """
    No command can ask for it; the ledger itself would refuse it too.
    """
    with pytest.raises(AssertionError):
        world.zhang.send(pin=right, **how)


# --- claiming -----------------------------------------------------------------------------------


def everyone(world: World, count: int):
    """Yield *count* desks, none of them Zhang's."""
    yield world.li
    yield world.wang
    for number in range(count - 2):
        yield world.found(f"P{number}")


@pytest.mark.parametrize("deal", [DealRule.DOUBLE_MEAN, DealRule.SHUFFLED])
def test_all_shares_of_a_lucky_packet_are_its_total(deal: DealRule, world: World):
    """
    Each claimer's balance grows by what the claim says, and the last one closes the packet.
    """
    packet = world.zhang.send(99_99, count=6, deal=deal, pin=right)["packet"]

    claims = []
    for desk in everyone(world, 6):
        claim = desk.claim(packet)
        assert claim["amount_fen"] == claim["balance_fen"] == desk.balance()["available_fen"]
        claims.append(claim)

    assert 99_99 == sum(claim["amount_fen"] for claim in claims)
    assert [1, 2, 3, 4, 5, 6] == [claim["seat"] for claim in claims]
    assert [False] * 5 + [True] == [claim["finished"] for claim in claims]
    assert 0 == world.zhang.balance()["frozen_fen"]
    assert {} == world.findings()


def test_equal_shares_are_equal(world: World):
    """
    To the fen, and for everyone.
    """
    packet = world.zhang.send(300, count=3, kind=PacketKind.EQUAL, pin=right)["packet"]

    assert [100, 100, 100] == [desk.claim(packet)["amount_fen"] for desk in everyone(world, 3)]


def test_an_exclusive_packet_is_one_persons(world: World):
    """
    The person named takes it whole; anybody else is told whose it is not.
    """
    answer = world.zhang.send(
        66_66, kind=PacketKind.EXCLUSIVE, recipient="li", greeting="给你", pin=right
    )

    with pytest.raises(errors.NotForYou):
        world.wang.claim(answer["packet"])
    claim = world.li.claim(answer["packet"])

    assert LI == answer["recipient"]
    assert (66_66, "给你", ZHANG) == (claim["amount_fen"], claim["greeting"], claim["sender"])


def test_a_sender_shares_in_a_group_packet_and_not_in_one_for_one(world: World):
    """
    As the policy has it; where it says no, not even in a group packet.
    """
    group = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    alone = world.zhang.send(10 * YUAN, count=1, pin=right)["packet"]

    assert world.zhang.claim(group)["amount_fen"] > 0
    with pytest.raises(errors.OwnPacket):
        world.zhang.claim(alone)
    world.zhang.use_policy(changed(sender_may_claim_group="false"))
    group = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    with pytest.raises(errors.OwnPacket):
        world.zhang.claim(group)
    assert [] == [line for line in world.zhang.packets("claimable") if line["yours"]]


def test_an_id_is_read_as_people_write_it(world: World):
    """
    Small letters, a hyphen, no prefix: it is the same packet.
    """
    packet = sent()(world)
    bare = packet.removeprefix("hb_").lower()

    assert packet == world.li.claim(f" {bare[:4]}-{bare[4:]} ")["packet"]


# --- until when ---------------------------------------------------------------------------------


def test_a_packet_can_be_claimed_until_the_instant_it_expires(world: World):
    """
    A microsecond before, yes; at that very instant, no. For a refund it is the other way round.
    """
    packet = sent()(world)

    world.at = NOON + DAY - MICROSECOND
    with pytest.raises(errors.PacketNotExpired):
        world.zhang.refund(packet)
    taken_fen = world.li.claim(packet)["amount_fen"]
    world.turn(microseconds=1)
    with pytest.raises(errors.PacketExpired) as late:
        world.wang.claim(packet)
    back = world.zhang.refund(packet)

    assert NOON + DAY == late.value.facts["expires_at"]
    assert 10 * YUAN == taken_fen + back["refunded_fen"]
    assert {} == world.findings()


def test_an_expired_packet_cannot_be_claimed_though_nobody_has_refunded_it(world: World):
    """
    Whether the refund has been run makes no difference to who is too late.
    """
    packet = sent()(world)
    world.turn(days=300)

    with pytest.raises(errors.PacketExpired):
        world.wang.claim(packet)

    assert "expired" == world.zhang.show(packet)["state"]


def test_turning_the_system_clock_back_opens_no_packet_that_the_ledger_saw_expire(world: World):
    """
    The ledger's clock never runs behind its last entry.
    """
    packet = sent()(world)
    world.turn(days=2)
    world.li.topup(YUAN, pin=right)

    world.at = NOON

    with pytest.raises(errors.PacketExpired):
        world.wang.claim(packet)
    assert iso(NOON + timedelta(days=2)) == world.wang.clock()["at"]


# --- refunds ------------------------------------------------------------------------------------


def test_what_nobody_claimed_goes_back_the_way_it_came(world: World):
    """
    To the balance what the balance paid, at once; to the card what the card paid, a working day
    later: until then it is on its way, and neither here nor there.
    """
    by_balance = half_claimed(world)
    by_card = sent(paid_from=tail(CARD))(world)
    taken_fen = world.li.claim(by_card)["amount_fen"]
    left_fen = world.zhang.show(by_balance)["remaining_fen"]
    world.at += DAY

    [first] = world.zhang.refund(by_balance)["refunds"]
    [second] = world.zhang.refund(by_card)["refunds"]

    assert ("balance", left_fen) == (first["refunded_to"], first["amount_fen"])
    assert (f"cmb-{tail(CARD)}", 10 * YUAN - taken_fen) == (
        second["refunded_to"],
        second["amount_fen"],
    )
    back_fen = 10 * YUAN - taken_fen
    assert 990 * YUAN + left_fen == second["balance_fen"]
    assert [iso(NOON + DAY), iso(NOON + 2 * DAY)] == [first["arrives_at"], second["arrives_at"]]
    assert OPENING_FEN - 1010 * YUAN == deposit_fen(world, CARD)
    assert back_fen == world.zhang.balance()["on_its_way_fen"]
    world.at += DAY - MICROSECOND
    assert [] == world.zhang.settle(dry_run=True)["resolved"]
    world.at += MICROSECOND
    assert [back_fen] == [line["amount_fen"] for line in world.zhang.settle()["resolved"]]
    assert OPENING_FEN - 1010 * YUAN + back_fen == deposit_fen(world, CARD)
    assert 0 == world.zhang.balance()["on_its_way_fen"]
    assert {} == world.findings()


def test_a_refund_whose_card_goes_while_it_is_on_its_way_reaches_the_balance(world: World):
    """
    Nothing waits for a card that is not there any more, nor reaches whoever has bound it since.
    """
    packet = expired(paid_from=tail(CARD))(world)
    [refund] = world.zhang.refund(packet)["refunds"]
    world.zhang.remove_card(tail(CARD), pin=right)
    world.wang.add_card(CARD, pin=right)
    world.at += DAY

    [line] = world.zhang.settle()["resolved"]

    assert ("refund", "rejected", packet) == (line["act"], line["state"], line["packet"])
    assert 1000 * YUAN + refund["amount_fen"] == world.zhang.balance()["available_fen"]
    assert OPENING_FEN - 1010 * YUAN == deposit_fen(world, CARD)
    assert {} == world.findings()


def test_a_card_that_is_gone_gets_nothing_back(world: World):
    """
    The balance gets it instead, even where somebody else has bound the card since.
    """
    packet = sent(paid_from=tail(CARD))(world)
    world.zhang.remove_card(tail(CARD), pin=right)
    world.wang.add_card(CARD, pin=right)
    world.at += DAY

    [refund] = world.zhang.refund(packet)["refunds"]

    assert ("balance", True, 1010 * YUAN) == (
        refund["refunded_to"],
        refund["card_gone"],
        refund["balance_fen"],
    )
    assert OPENING_FEN - 1010 * YUAN == deposit_fen(world, CARD)
    assert {} == world.findings()


def test_a_packet_is_refunded_once(world: World):
    """
    The second time it is told when the first was.
    """
    packet = expired()(world)
    world.zhang.refund(packet)
    world.turn(hours=1)

    with pytest.raises(errors.PacketRefunded) as again:
        world.zhang.refund(packet)

    assert NOON + DAY == again.value.facts["refunded_at"]


def test_only_the_sender_gets_a_refund(world: World):
    """
    Nobody else can ask for one, not even to the sender's benefit.
    """
    packet = expired()(world)

    for desk in (world.li, world.wang):
        with pytest.raises(errors.NotYourPacket):
            desk.refund(packet)
        assert 0 == desk.refund_due()["refunded_fen"]


def test_everything_that_is_due_comes_back_the_longest_due_first(world: World):
    """
    And nothing that is not due yet.
    """
    first = sent()(world)
    world.turn(hours=1)
    second = sent()(world)
    world.turn(hours=1)
    third = sent()(world)
    world.at = NOON + DAY + timedelta(hours=1)

    told = world.zhang.refund_due()

    assert [first, second] == [refund["packet"] for refund in told["refunds"]]
    assert 20 * YUAN == told["refunded_fen"]
    assert "open" == world.zhang.show(third)["state"]


# --- looking ------------------------------------------------------------------------------------


def test_a_packet_tells_its_whole_story(world: World):
    """
    Who got what and when; the luckiest once it is finished; the seed once it is closed.
    """
    packet = world.zhang.send(10 * YUAN, count=2, pin=right, request_id="new-year")["packet"]
    world.turn(seconds=5)
    first = world.li.claim(packet)
    half = world.wang.show(packet)
    world.turn(seconds=5, milliseconds=700)
    second = world.wang.claim(packet)

    shown = world.wang.show(packet)

    assert ("open", 1, first["amount_fen"], 10 * YUAN - first["amount_fen"]) == (
        half["state"],
        half["claimed_count"],
        half["claimed_fen"],
        half["remaining_fen"],
    )
    assert (None, None, None) == (half["seed"], half["finished_in_seconds"], half["closed_at"])
    assert [False] == [share["luckiest"] for share in half["shares"]]
    assert ("finished", 10, 0, second["amount_fen"]) == (
        shown["state"],
        shown["finished_in_seconds"],
        shown["remaining_fen"],
        shown["yours_fen"],
    )
    amounts_fen = [first["amount_fen"], second["amount_fen"]]
    assert amounts_fen == [share["amount_fen"] for share in shown["shares"]]
    assert [amounts_fen[0] >= amounts_fen[1], amounts_fen[1] > amounts_fen[0]] == [
        share["luckiest"] for share in shown["shares"]
    ]
    assert [LI, WANG] == [share["profile"] for share in shown["shares"]]
    assert half["commitment"] == commitment(terms(shown), bytes.fromhex(shown["seed"] or ""))


def terms(shown: PacketShown) -> Terms:
    """Return what the commitment of a packet binds, from what everybody is shown."""
    return Terms(*(shown[name] for name in Terms._fields))  # type: ignore[literal-required]


def test_among_equals_the_first_is_luckiest(world: World):
    """
    Two shares of one fen: the earlier one wins; a refunded packet has no luckiest, nor has an
    equal one.
    """
    tied = world.zhang.send(2, count=2, pin=right)["packet"]
    equal = world.zhang.send(2, count=2, kind=PacketKind.EQUAL, pin=right)["packet"]
    unfinished = world.zhang.send(200, count=2, pin=right)["packet"]
    for packet in (tied, equal):
        world.li.claim(packet)
        world.wang.claim(packet)
    world.li.claim(unfinished)
    world.at += DAY
    world.zhang.refund(unfinished)

    assert [True, False] == [share["luckiest"] for share in world.zhang.show(tied)["shares"]]
    assert [False, False] == [share["luckiest"] for share in world.zhang.show(equal)["shares"]]
    assert [False] == [share["luckiest"] for share in world.zhang.show(unfinished)["shares"]]


def test_packets_are_listed_by_what_they_are_to_me(world: World):
    """
    Claimable, sent, received; and all of them once, the newest first.
    """
    world.li.topup(100 * YUAN, pin=right)
    mine = world.li.send(YUAN, pin=right)["packet"]
    open_one = sent()(world)
    for_wang = sent(count=1, kind=PacketKind.EXCLUSIVE, recipient=WANG)(world)
    taken = half_claimed(world)

    def ids(which):
        return [line["packet"] for line in world.li.packets(which)]

    assert [open_one] == ids("claimable")
    assert [mine] == ids("sent")
    assert [taken] == ids("received")
    assert [taken, open_one, mine] == ids(None)
    assert for_wang in [line["packet"] for line in world.wang.packets("claimable")]
    assert [taken] == [line["packet"] for line in world.li.packets(limit=1)]
    world.at += DAY
    assert [] == ids("claimable")


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"deal": DealRule.SHUFFLED},
        {"kind": PacketKind.EQUAL},
        {"kind": PacketKind.EXCLUSIVE, "recipient": LI, "count": 1},
    ],
    ids=["double-mean", "shuffled", "equal", "exclusive"],
)
def test_a_closed_packet_can_be_proved_fair(how, world: World):
    """
    Every share follows from what is public, whether the packet is finished or refunded.
    """
    packet = sent(**how)(world)
    world.li.claim(packet, luck="八方来财")
    if "recipient" not in how:
        with pytest.raises(errors.NotYetRevealed):
            world.li.verify(packet)
        world.at += DAY
        world.zhang.refund(packet)

    proof, shown = world.wang.verify(packet), world.wang.show(packet)

    assert (True, True) == (proof["fair"], proof["commitment_holds"])
    assert [share["amount_fen"] for share in shown["shares"]] == recompute(
        terms(shown),
        bytes.fromhex(shown["seed"] or ""),
        [DrawInput(bytes.fromhex(share["nonce"]), share["luck"]) for share in shown["shares"]],
    )


def fair(desk: Wallet, packet: str) -> bool:
    """Say whether *packet* is proved fair; one that is not what was published is not."""
    try:
        return desk.verify(packet)["fair"]
    except errors.Damaged:
        return False


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE packet SET seed = randomblob(32)",
        "UPDATE claim SET amount_fen = amount_fen + 1",
        "UPDATE claim SET nonce = zeroblob(16)",
        "UPDATE claim SET luck = 'mine'",
        "UPDATE packet SET share_max_fen = share_max_fen - 1",
        "UPDATE packet SET deal = 'equal', kind = 'equal'",
        "UPDATE packet SET total_fen = total_fen + 1",
        "UPDATE packet SET count = 1",
        "UPDATE packet SET deal = 'loaded'",
        "UPDATE entry SET facts = '[1]' WHERE act = 'send'",
        "UPDATE entry SET facts = 'x' WHERE act = 'send'",
    ],
)
def test_a_packet_that_was_tampered_with_is_not_fair(edit: str, world: World):
    """
    Whatever of it was changed, the proof fails in words: it is not fair, or not that packet.
    """
    packet = world.zhang.send(10_01, count=2, pin=right)["packet"]
    world.li.claim(packet)
    world.wang.claim(packet)
    assert world.li.verify(packet)["fair"]
    world.close()

    world.edit(edit)

    assert not fair(world.li, packet)


# --- where a share stands ------------------------------------------------------------------------


def test_the_luckiest_so_far_is_known_from_the_second_share_on(world: World):
    packet = sent(total_fen=100 * YUAN, count=3)(world)
    world.li.claim(packet)
    assert (None, 0, False, 1) == world.li.standing(packet)

    world.wang.claim(packet)
    shares = world.zhang.show(packet)["shares"]
    best = max(shares, key=lambda share: share["amount_fen"])
    for name in (LI, WANG):
        standing = world.open(name).standing(packet)
        assert (best["profile"], best["amount_fen"]) == standing[:2]
        assert (name == best["profile"]) is standing.is_mine


def test_equal_shares_have_no_luckiest(world: World):
    packet = sent(kind=PacketKind.EQUAL)(world)
    world.li.claim(packet)
    world.wang.claim(packet)
    assert world.li.standing(packet).luckiest is None


def test_claims_are_counted_for_a_day(world: World):
    packets = [sent()(world) for _ in range(3)]
    last = packets.pop()
    for packet in packets:
        world.li.claim(packet)
    assert 2 == world.li.standing(last).claims_in_a_day
    world.at += DAY + MICROSECOND
    assert 0 == world.li.standing(last).claims_in_a_day
