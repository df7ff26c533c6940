"""Looking back: the history page by page, and statements that add up for any period."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongbao import errors
from hongbao.domain.packet import PacketKind
from hongbao.units import from_micros
from hongbao.wallet import Wallet
from tests.wallet.acts import DAY, half_claimed
from tests.wallet.test_check import live
from tests.wallet.world import CARD, LI, NOON, WANG, YUAN, ZHANG, World, card, right, tail

PEOPLE = (ZHANG, LI, WANG)


@pytest.fixture(scope="session")
def busy(_people: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A home in which a lot has happened, to be looked at by many tests."""
    world = _people.copy(tmp_path_factory.mktemp("looked-at") / "home")
    for _ in range(3):
        half_claimed(world)
        world.turn(hours=5, minutes=7)
        world.li.topup(3 * YUAN, pin=right)
        world.turn(hours=9)
    return live(world)


@pytest.fixture
def lived(world: World) -> World:
    """Zhang's six movements: topup, topup, send by card, send, withdraw, refund to the card."""
    zhang = world.zhang
    world.turn(hours=1)
    zhang.topup(2000 * YUAN, pin=right)
    world.turn(hours=1)
    by_card = zhang.send(10 * YUAN, count=2, paid_from=tail(CARD), pin=right)["packet"]
    world.li.claim(by_card)
    world.turn(hours=1)
    mine = zhang.send(20 * YUAN, count=2, pin=right)["packet"]
    world.wang.claim(mine)
    world.turn(hours=1)
    zhang.withdraw(1500 * YUAN, pin=right)
    world.at = NOON + timedelta(hours=2) + DAY
    zhang.refund(by_card)
    return world


def test_each_movement_says_what_it_did(lived: World):
    """
    Signed amounts, the balance after it, the card and what it did to the card, the fee.
    """
    lines = lived.zhang.history()["movements"]

    took_fen = lived.li.balance()["available_fen"]
    cmb = f"cmb-{tail(CARD)}"
    assert [
        ("refund", 0, 1479_50, cmb, 10_00 - took_fen, None),
        ("withdraw", -1500_50, 1479_50, cmb, 1500_00, 50),
        ("send", -20_00, 2980_00, None, None, None),
        ("send", 0, 3000_00, cmb, -10_00, None),
        ("topup", 2000_00, 3000_00, cmb, -2000_00, None),
        ("topup", 1000_00, 1000_00, cmb, -1000_00, None),
    ] == [
        (
            line["act"],
            line["amount_fen"],
            line["balance_fen"],
            line["card"],
            line["card_fen"],
            line["fee_fen"],
        )
        for line in lines
    ]


def test_a_claim_names_who_sent_it_and_a_packet_whom_it_is_for(world: World):
    """
    The counterparty is the other person, where there is one.
    """
    packet = world.zhang.send(YUAN, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right)["packet"]
    world.li.claim(packet)

    [claim] = world.li.history()["movements"]
    sent = world.zhang.history()["movements"][0]

    assert (ZHANG, packet, "exclusive") == (
        claim["counterparty"],
        claim["packet"],
        claim["packet_kind"],
    )
    assert LI == sent["counterparty"]
    assert [claim] == world.li.history(counterparty="zhang")["movements"]
    assert [] == world.li.history(counterparty=WANG)["movements"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_pages_follow_one_another_without_a_gap(limit: int, lived: World):
    """
    Each page goes on where the one before ended, and the last one says that it is.
    """
    whole = lived.zhang.history()["movements"]

    pages, before = [], None
    while True:
        page = lived.zhang.history(limit=limit, before=before)
        pages.append(page["movements"])
        if not page["more"]:
            break
        before = page["movements"][-1]["entry"]

    assert whole == [line for page in pages for line in page]
    assert all(limit == len(page) for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_a_period_has_its_beginning_and_not_its_end(lived: World):
    """
    From and until are instants: the first one belongs to the period, the second does not.
    """

    def acts(**period: Any) -> list[str]:
        return [line["act"] for line in lived.zhang.history(**period)["movements"]]

    at = NOON + timedelta(hours=3)
    assert ["send"] == acts(since=at, until=at + timedelta(microseconds=1))
    assert [] == acts(since=at, until=at)
    assert ["send", "topup", "topup"] == acts(until=at)
    assert ["refund", "withdraw"] == acts(since=at + timedelta(microseconds=1))
    with pytest.raises(errors.InvalidRange):
        acts(since=at, until=at - timedelta(microseconds=1))


def test_one_kind_of_act_can_be_asked_for(lived: World):
    """
    By its name, together with everything else.
    """
    history = lived.zhang.history(acts=["topup"], limit=1)

    assert [2000_00] == [line["amount_fen"] for line in history["movements"]]
    assert history["more"]


def test_acts_that_move_no_money_are_no_movements(world: World):
    """
    Binding a card, choosing a policy, changing a PIN: entries, but no lines of a statement.
    """
    world.wang.add_card(card(2, 5), pin=right)

    assert [] == world.wang.history()["movements"]


def instants(world: World) -> st.SearchStrategy[datetime]:
    """Draw instants from where something happens: at an entry, and a microsecond around it."""
    times = sorted({row[10] for row in world.dump()["entry"]})
    return st.sampled_from([time + by for time in times for by in (-1, 0, 1)]).map(from_micros)


@pytest.mark.slow
def test_any_period_opens_with_what_the_one_before_closed_with(busy: World):
    """
    Opening balance plus all movements is the closing balance; in and out are their sums; and of two
    periods that meet, the second opens with what the first closed with. Periods may be open ended.
    """
    at = instants(busy)

    @given(st.sampled_from(PEOPLE), st.tuples(at, at, at), st.booleans(), st.booleans())
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    def adds_up(
        name: str, edges: tuple[datetime, ...], from_the_start: bool, to_the_end: bool
    ) -> None:
        start, middle, end = sorted(edges)
        first = None if from_the_start else start
        last = None if to_the_end else end
        with Wallet.open(busy.env, profile=name) as desk:
            before, after = balances(desk, first, middle), balances(desk, middle, last)
            whole = balances(desk, first, last)
            held_fen = desk.balance()["available_fen"]

        assert before[1] == after[0]
        assert (before[0], after[1]) == whole
        assert not from_the_start or whole[0] == 0
        assert not to_the_end or whole[1] == held_fen

    adds_up()


def balances(desk: Wallet, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return a statement's opening and closing balance, having added up all that is between."""
    with desk.statement(since=since, until=until) as statement:
        lines = list(statement.lines)
    moved = [line["amount_fen"] for line in lines]
    assert statement.opening_fen + sum(moved) == statement.closing_fen
    assert sum(fen for fen in moved if fen > 0) == statement.in_fen
    assert -sum(fen for fen in moved if fen < 0) == statement.out_fen
    assert len(lines) == statement.count
    balance_fen = statement.opening_fen
    for line in lines:
        balance_fen += line["amount_fen"]
        assert balance_fen == line["balance_fen"]
    return statement.opening_fen, statement.closing_fen


def test_a_statement_is_one_moment_of_the_ledger(world: World):
    """
    What happens while it is read is not in it.
    """
    with world.zhang.statement() as statement:
        lines = iter(statement.lines)
        first = next(lines)
        world.open(ZHANG).topup(YUAN, pin=right)
        rest = list(lines)

    assert (1, 1000 * YUAN) == (1 + len(rest), statement.closing_fen)
    assert 1000 * YUAN == first["amount_fen"]


def test_a_statement_carries_the_sealed_head_it_ends_at(world: World):
    """
    Printed, it says by which state of the chain it is true.
    """
    world.zhang.topup(YUAN, pin=right)

    with world.zhang.statement() as statement:
        list(statement.lines)

    last = world.dump()["entry"][-1]
    assert {"entry": last[0], "mac": last[14].hex()} == statement.head


def test_nobody_of_that_name_is_said_so(world: World):
    """
    A counterparty that is nobody is not an empty history.
    """
    with pytest.raises(errors.ProfileNotFound):
        world.zhang.history(counterparty="Zhao")
