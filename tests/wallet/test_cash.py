"""Money in and out: cards, top-ups, withdrawals with their fee, and limits."""

from datetime import datetime, timedelta

import pytest

from hongbao import errors
from hongbao.domain.packet import PacketKind
from hongbao.units import CHINA, iso
from hongbao.wallet import Wallet
from tests.wallet.acts import DAY
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OPENING_FEN,
    OTHER_CARD,
    YUAN,
    ZHANG,
    World,
    card,
    changed,
    id_number,
    policy,
    right,
    tail,
)

BEFORE_FEN = 1000 * YUAN
"""What Zhang's balance holds to begin with."""


def deposit_fen(world: World, number: str) -> int:
    """Return what the bank holds for a card, whoever has it bound or nobody."""
    with Wallet.open(world.env) as desk:
        found = desk.store.deposit(desk.vault.blind("card_number", number))
        assert found is not None
        return desk.store.balance_fen(found.account)


# --- cards --------------------------------------------------------------------------------------


def test_a_new_card_has_the_policys_sum_at_its_bank(world: World):
    """
    The demo bank opens an account; the balance gets nothing of it.
    """
    answer = world.wang.add_card(card(2, 7), pin=right)

    assert f"ccb-{card(2, 7)[-4:]}" == answer["card"]
    assert ("ccb", f"**** {card(2, 7)[-4:]}") == (answer["bank"], answer["number"])
    assert OPENING_FEN == deposit_fen(world, card(2, 7))
    assert 0 == world.wang.balance()["total_fen"]


def test_a_card_that_comes_back_keeps_its_account(world: World):
    """
    Removing and adding a card makes no money: its account is the one it had.
    """
    world.zhang.remove_card(tail(CARD), pin=right)
    assert [] == world.zhang.cards()

    world.zhang.add_card(CARD, pin=right)

    assert OPENING_FEN - BEFORE_FEN == deposit_fen(world, CARD)
    assert {} == world.findings()


def test_a_card_goes_from_one_person_to_another(world: World):
    """
    A removed card can be bound by somebody else, with what its account holds.
    """
    world.zhang.remove_card(tail(CARD), pin=right)

    world.wang.add_card(CARD, pin=right)
    world.wang.topup(OPENING_FEN - BEFORE_FEN, pin=right)

    assert 0 == deposit_fen(world, CARD)
    with pytest.raises(errors.InsufficientCard):
        world.wang.topup(1, pin=right)


def test_a_card_is_bound_once(world: World):
    """
    Neither its holder nor anyone else binds a bound card again.
    """
    for desk in (world.zhang, world.li):
        with pytest.raises(errors.CardInUse) as refused:
            desk.add_card(CARD, pin=right)
        assert CARD not in str(refused.value.as_dict())


def test_two_cards_of_one_bank_and_tail_have_two_names(world: World):
    """
    The second of two cards that look alike is called by another name.
    """
    first = card(3, 5)
    twin = next(n for n in (card(3, s) for s in range(6, 99_999)) if n[-4:] == first[-4:])

    names = [world.wang.add_card(number, pin=right)["card"] for number in (first, twin)]

    assert [f"abc-{first[-4:]}", f"abc-{first[-4:]}-2"] == names


def test_a_bank_may_open_accounts_with_nothing_in_them(world: World):
    """
    A policy whose cards open empty binds them all the same.
    """
    world.zhang.use_policy(changed(card_opening='"0.00"'))

    world.wang.add_card(card(2, 7), pin=right)

    assert 0 == deposit_fen(world, card(2, 7))
    with pytest.raises(errors.InsufficientCard):
        world.wang.topup(1, pin=right)
    assert {} == world.findings()


def test_the_last_four_digits_or_the_whole_name_call_a_card(world: World):
    """
    Where none is named, the one that was bound first pays.
    """
    world.zhang.add_card(card(2, 7), pin=right)

    used = [
        world.zhang.topup(YUAN, pin=right, card=name)["card"]
        for name in (None, tail(CARD), f" CMB-{tail(CARD)} ", tail(card(2, 7)))
    ]

    assert [f"cmb-{tail(CARD)}"] * 3 + [f"ccb-{tail(card(2, 7))}"] == used


# --- in and out ---------------------------------------------------------------------------------


def test_a_topup_moves_money_from_the_card_to_the_balance(world: World):
    """
    What comes in is what the card gave.
    """
    answer = world.zhang.topup(12_34, pin=right)

    assert (12_34, BEFORE_FEN + 12_34) == (answer["amount_fen"], answer["balance_fen"])
    assert OPENING_FEN - BEFORE_FEN - 12_34 == deposit_fen(world, CARD)


def test_a_card_gives_no_more_than_it_holds(world: World):
    """
    To the fen.
    """
    with pytest.raises(errors.InsufficientCard):
        world.zhang.topup(OPENING_FEN - BEFORE_FEN + 1, pin=right)

    world.zhang.topup(OPENING_FEN - BEFORE_FEN, pin=right)

    assert OPENING_FEN == world.zhang.balance()["available_fen"]


def test_money_goes_back_to_another_bank_than_it_came_from(world: World):
    """
    The banks settle through the central bank; every book still balances.
    """
    world.zhang.add_card(card(4, 9), pin=right)

    world.zhang.withdraw(400 * YUAN, card=tail(card(4, 9)), pin=right)

    assert OPENING_FEN + 400 * YUAN == deposit_fen(world, card(4, 9))
    assert {} == world.findings()


@pytest.mark.parametrize(
    ("amount_fen", "fee_fen"),
    [(10_00, 10), (100_00, 10), (150_00, 15), (1000_10, 100), (1000_50, 100), (1005_00, 101)],
)
def test_the_fee_is_the_one_on_real_bills(amount_fen: int, fee_fen: int, world: World):
    """
    0.1 %, at least 0.10, on top; rounded to the fen as bills are (FACTS §1).
    """
    world.zhang.topup(2000 * YUAN, pin=right)
    world.zhang.withdraw(1000 * YUAN, pin=right)

    answer = world.zhang.withdraw(amount_fen, pin=right)

    assert fee_fen == answer["fee_fen"]
    assert 2000 * YUAN - amount_fen - fee_fen == answer["balance_fen"]
    assert OPENING_FEN - 2000 * YUAN + amount_fen == deposit_fen(world, CARD)
    assert {} == world.findings()


def test_the_first_thousand_in_a_lifetime_is_free(world: World):
    """
    A first withdrawal of 2,000 costs 1: only what is beyond the free quota is charged.
    """
    world.zhang.topup(2000 * YUAN, pin=right)

    answer = world.zhang.withdraw(2000 * YUAN, pin=right)

    assert (100, 0) == (answer["fee_fen"], answer["free_left_fen"])
    assert BEFORE_FEN - 100 == answer["balance_fen"]


def test_the_free_quota_is_counted_down_and_never_returns(world: World):
    """
    It is a lifetime's: another year changes nothing.
    """
    first = world.zhang.withdraw(300 * YUAN, pin=right)
    world.turn(days=800)
    second = world.zhang.withdraw(600 * YUAN, pin=right)

    assert (700 * YUAN, 0) == (first["free_left_fen"], first["fee_fen"])
    assert (100 * YUAN, 0) == (second["free_left_fen"], second["fee_fen"])
    assert 100 * YUAN == world.zhang.limits()["withdraw_free_left_fen"]


def test_the_free_quota_is_one_persons_over_all_profiles(world: World):
    """
    Profiles with one ID number share it.
    """
    world.zhang.withdraw(1000 * YUAN, pin=right)
    world.li.topup(100 * YUAN, pin=right)

    world.li.identify("张三", id_number(1), pin=right)

    assert 10 == world.li.withdraw(50 * YUAN, pin=right)["fee_fen"]


def test_a_fee_is_told_before_it_is_paid(world: World):
    """
    The dry run has the fee in it.
    """
    world.zhang.topup(2000 * YUAN, pin=right)

    rehearsed = world.zhang.withdraw(1500 * YUAN, pin=right, dry_run=True)

    assert (50, 1000 * YUAN) == (
        rehearsed["fee_fen"],
        world.zhang.limits()["withdraw_free_left_fen"],
    )


# --- limits -------------------------------------------------------------------------------------


def only_limit(desk: Wallet):
    [line] = desk.limits()["limits"]
    return line


def test_a_limit_is_used_shown_and_refused_alike(world: World):
    """
    Li is not identified: 1,000 a day. What `limits` shows is what a refusal says.
    """
    world.li.topup(2000 * YUAN, pin=right)
    world.li.send(600 * YUAN, count=3, pin=right)

    line = only_limit(world.li)
    with pytest.raises(errors.LimitExceeded) as refused:
        world.li.send(400 * YUAN + 1, count=3, pin=right)

    midnight = datetime(2026, 2, 17, tzinfo=CHINA)
    assert ("unverified-day", 600 * YUAN, 400 * YUAN) == (
        line["id"],
        line["used_fen"],
        line["left_fen"],
    )
    assert iso(midnight) == line["returns_at"]
    facts = refused.value.facts
    assert (600 * YUAN, 400 * YUAN, midnight) == (
        facts["used_fen"],
        facts["left_fen"],
        facts["returns_at"],
    )
    world.li.send(400 * YUAN, count=3, pin=right)


def test_room_returns_at_chinas_midnight(world: World):
    """
    Not at UTC's, which is eight in the morning in China.
    """
    world.li.topup(2000 * YUAN, pin=right)
    world.li.send(1000 * YUAN, count=5, pin=right)
    world.at = datetime(2026, 2, 16, 23, 59, 59, 999_999, tzinfo=CHINA)
    with pytest.raises(errors.LimitExceeded):
        world.li.send(1, pin=right)

    world.turn(microseconds=1)

    world.li.send(1000 * YUAN, count=5, pin=right)


def test_quota_goes_back_to_the_day_it_was_taken_from(world: World):
    """
    A refund the next day leaves that day's own room alone.
    """
    world.li.topup(3000 * YUAN, pin=right)
    world.li.send(800 * YUAN, count=4, pin=right)
    world.turn(hours=13)  # the next day in China
    world.li.send(900 * YUAN, count=5, pin=right)
    world.turn(hours=11)
    world.li.refund_due()

    line = only_limit(world.li)

    assert (900 * YUAN, 100 * YUAN) == (line["used_fen"], line["left_fen"])
    assert {} == world.findings()


def test_quota_that_comes_back_the_same_day_can_be_used_again(world: World):
    """
    A packet that lasts an hour gives its quota back to the day it is still.
    """
    world.zhang.use_policy(changed(expires_hours="1"))
    world.li.topup(2000 * YUAN, pin=right)
    packet = world.li.send(1000 * YUAN, count=5, pin=right)["packet"]
    taken_fen = world.wang.claim(packet)["amount_fen"]
    world.turn(hours=1)
    with pytest.raises(errors.LimitExceeded):
        world.li.send(1, pin=right)

    world.li.refund(packet)

    assert taken_fen == only_limit(world.li)["used_fen"]
    world.li.send(1000 * YUAN - taken_fen, count=5, pin=right)


def test_quota_goes_back_to_last_year(world: World):
    """
    A packet of New Year's Eve that is refunded in the new year costs the new year nothing.
    """
    world.at = datetime(2026, 12, 31, 23, 0, tzinfo=CHINA)
    world.zhang.send(500 * YUAN, count=5, pin=right)
    world.turn(hours=24)
    assert 0 == only_limit(world.zhang)["used_fen"]

    world.zhang.refund_due()

    assert 0 == only_limit(world.zhang)["used_fen"]
    assert [(1, "send_balance", "2026", 0)] == [
        row for row in world.dump()["usage_year"] if row[:2] == (1, "send_balance")
    ]


def test_a_year_that_begins_when_one_came_is_counted_from_then_on(world: World):
    """
    Over New Year's Day: what is refused, and what a refusal for lack of funds proposes to top up.
    """
    yearly = changed(year='"opening"', period='"year"', counts='["topup"]')
    world.zhang.use_policy(yearly)
    world.li.topup(600 * YUAN, pin=right)
    world.turn(days=364)

    with pytest.raises(errors.LimitExceeded) as above:
        world.li.topup(400 * YUAN + 1, pin=right)
    with pytest.raises(errors.InsufficientBalance) as short:
        world.li.send(1001 * YUAN, count=10, pin=right)

    assert 600 * YUAN == above.value.facts["used_fen"]
    assert 400 * YUAN == short.value.facts["topup_max_fen"]
    world.turn(days=1)
    world.li.topup(400 * YUAN + 1, pin=right)


def test_paying_by_card_counts_where_the_policy_says_so(world: World):
    """
    For who is not identified it does, for who is it does not.
    """
    world.li.send(600 * YUAN, count=3, paid_from=tail(OTHER_CARD), pin=right)
    world.zhang.send(600 * YUAN, count=3, paid_from=tail(CARD), pin=right)

    assert 600 * YUAN == only_limit(world.li)["used_fen"]
    assert 0 == only_limit(world.zhang)["used_fen"]


def test_a_refund_to_the_card_gives_its_quota_back_too(world: World):
    """
    To the flow that it was taken from, even where the card is gone and the balance got the money.
    """
    for removed in (False, True):
        packet = world.li.send(300 * YUAN, count=3, paid_from=tail(OTHER_CARD), pin=right)["packet"]
        if removed:
            world.li.remove_card(tail(OTHER_CARD), pin=right)
        world.at += DAY
        world.li.refund(packet)

    assert {"send_card"} == {row[1] for row in world.dump()["usage"] if row[0] == 2}
    assert {0} == {row[3] for row in world.dump()["usage"] if row[0] == 2}
    assert {} == world.findings()


def test_profiles_of_one_person_share_their_limits(world: World):
    """
    One ID number, one year's quota, whichever profile uses it.
    """
    world.li.identify("张三", id_number(1), pin=right)

    world.zhang.send(100 * YUAN, pin=right)

    assert 100 * YUAN == only_limit(world.li)["used_fen"]
    assert 2 == world.li.limits()["profiles_of_person"]


def test_class_one_may_pay_a_thousand_in_its_lifetime(world: World):
    """
    The regulation's first class: the ID alone, 1,000 in a lifetime, withdrawals counted in.
    """
    world.wang.identify("王五", id_number(5), pin=right)
    packet = world.zhang.send(900 * YUAN, count=5, pin=right)["packet"]
    got_fen = world.wang.claim(packet)["amount_fen"]
    world.zhang.use_policy(policy("pboc-2015"))
    assert "class-1" == world.wang.limits()["tier"]

    world.wang.send(got_fen - 100, pin=right)
    world.turn(days=400)

    assert got_fen - 100 == only_limit(world.wang)["used_fen"]
    assert only_limit(world.wang)["returns_at"] is None


def test_each_bank_that_vouches_raises_the_class(world: World):
    """
    Three sources make class II, five make class III: the ID and two banks, then four.
    """
    world.zhang.use_policy(policy("pboc-2015"))
    tiers = [world.zhang.limits()["tier"]]

    for bank in (0, 2, 3):
        answer = world.zhang.add_card(card(bank, 70 + bank), pin=right)
        tiers.append(answer["tier"])

    assert ["class-1", "class-2", "class-2", "class-3"] == tiers
    assert "class-2" == world.zhang.remove_card(tail(CARD), pin=right)["tier"]


def test_entries_name_the_policy_that_allowed_them(world: World):
    """
    Each entry keeps the policy and version in force, and the ledger keeps their text.
    """
    world.zhang.topup(YUAN, pin=right)
    other = changed(expires_hours="48")
    answer = world.zhang.use_policy(other)
    world.zhang.topup(YUAN, pin=right)

    assert ("standard@2", other.ref) == (answer["before"], answer["policy"])
    acts = [(row[1], row[9]) for row in world.dump()["entry"]]
    assert [
        ("instruct_topup", "standard@2"),
        ("sent", "standard@2"),
        ("bank", "standard@2"),
        ("topup", "standard@2"),
        ("policy_use", "standard@2"),
        ("instruct_topup", other.ref),
        ("sent", other.ref),
        ("bank", other.ref),
        ("topup", other.ref),
    ] == acts[-9:]
    assert sorted(["standard@2", other.ref]) == world.zhang.policies()


def test_a_packet_keeps_the_terms_it_was_sent_with(world: World):
    """
    A policy that changes later changes no packet that is out already.
    """
    packet = world.zhang.send(300 * YUAN, count=2, pin=right)["packet"]

    world.zhang.use_policy(changed(share_max='"100.00"', expires_hours="1"))
    world.turn(hours=23)

    world.li.claim(packet)
    assert iso(NOON + DAY) == world.zhang.show(packet)["expires_at"]
    with pytest.raises(errors.ShareAboveCap):
        world.zhang.send(300 * YUAN, count=2, pin=right)
    assert {} == world.findings()


def test_a_policy_that_changes_while_the_pin_is_typed_is_the_one_that_counts(world: World):
    """
    What the entry names as the policy that allowed it is the one that was asked.
    """

    def slowly():
        world.li.use_policy(changed(share_max='"5.00"'))
        return right()

    with pytest.raises(errors.ShareAboveCap):
        world.zhang.send(10 * YUAN, count=1, pin=slowly)


def test_a_card_that_is_removed_while_the_pin_is_typed_pays_nothing(world: World):
    """
    The card is looked at again once nobody else can write.
    """

    def slowly():
        world.open(ZHANG).remove_card(tail(CARD), pin=right)
        return right()

    before_fen = deposit_fen(world, CARD)
    with pytest.raises(errors.CardNotFound):
        world.zhang.send(10 * YUAN, paid_from=tail(CARD), pin=slowly)

    assert before_fen == deposit_fen(world, CARD)


def test_what_is_frozen_is_shown_apart(world: World):
    """
    Available, in packets, due back, and the sum of all three: a sender's money never disappears.
    """
    world.zhang.send(100 * YUAN, count=2, pin=right)
    world.turn(hours=12)
    world.zhang.send(50 * YUAN, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right)

    early = world.zhang.balance()
    world.turn(hours=12)
    late = world.zhang.balance()

    assert (850 * YUAN, 150 * YUAN, 0) == (
        early["available_fen"],
        early["frozen_fen"],
        early["due_back_fen"],
    )
    assert (850 * YUAN, 50 * YUAN, 100 * YUAN) == (
        late["available_fen"],
        late["frozen_fen"],
        late["due_back_fen"],
    )
    assert BEFORE_FEN == early["total_fen"] == late["total_fen"]
    assert iso(NOON + timedelta(days=1)) == late["at"]
