"""Money on its way to a card: every format says how it stood when the period ended."""

import csv
import io
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from beancount import loader
from beancount.core import data

from hongbao.domain.channel import Fault
from hongbao.errors import PaymentPending
from hongbao.wallet import Wallet
from tests.statements.reading import written
from tests.wallet import channels
from tests.wallet.channels import BANK, FEN, break_at, pay, unclaimed
from tests.wallet.risks import HOLD_HOURS, holding, with_pack
from tests.wallet.world import CARD, YUAN, ZHANG, World, right, tail

BALANCE, TRANSIT = "Assets:Hongbao:Balance", "Assets:Hongbao:InTransit"


@pytest.fixture
def demo(tmp_path: Path) -> Any:
    world = channels.demo(tmp_path / "home")
    yield world
    world.close()


def on_card() -> str:
    return f"Assets:Bank:{BANK.upper()}:{tail(CARD)}"


class Read(NamedTuple):
    """What two readers make of a period: beancount's balances, and a bill's rows by their kind."""

    journal: dict[str, int]
    bill: list[tuple[str, str, str, str]]


def read(world: World, since: datetime | None = None, until: datetime | None = None) -> Read:
    with world.open(ZHANG) as desk, desk.statement(since=since, until=until) as opened:
        journal = written(opened, "beancount").decode()
        bill = written(opened, "wechat").decode("utf-8-sig")
    entries, errors, _ = loader.load_string(journal)
    assert [] == errors
    balances: Counter[str] = Counter()
    postings: list[Any] = [each for entry in data.filter_txns(entries) for each in entry.postings]
    for posting in postings:
        balances[posting.account] += int(posting.units.number * 100)
    rows = [*csv.reader(io.StringIO(bill))][17:]
    said = [(row[1], row[6], row[7], row[10]) for row in rows if row[7] != "充值完成"]
    return Read({name: fen for name, fen in balances.items() if fen}, said)


def now(world: World) -> datetime:
    with world.open(ZHANG) as desk, desk.looking():
        return desk.now()


def turned(world: World, **by: float) -> datetime:
    """Turn the clock on, and return the moment that it has come to."""
    with world.open(ZHANG) as desk:
        desk.advance_clock(timedelta(**by))
    return now(world)


def test_a_pending_withdrawal_is_in_transit_until_the_bank_has_answered(demo: World):
    """
    The month that ended before says so for ever; the next one tells that it arrived.
    """
    break_at(demo, Fault.TIMEOUT)
    with Wallet.open(demo.env, profile=ZHANG) as desk, pytest.raises(PaymentPending):
        pay(desk, "withdraw")
    midnight = turned(demo, hours=1)
    pending = read(demo, until=midnight)
    break_at(demo, None)
    with Wallet.open(demo.env, profile=ZHANG) as desk:
        desk.settle()
    turned(demo, hours=1)

    assert FEN == pending.journal[TRANSIT]
    assert ("零钱提现", "零钱", "提现处理中", "服务费¥0.00") == pending.bill[0]
    assert pending == read(demo, until=midnight)
    later = read(demo, since=midnight)
    assert (-FEN, FEN) == (later.journal[TRANSIT], later.journal[on_card()])
    assert [] == later.bill
    whole = read(demo)
    assert TRANSIT not in whole.journal
    assert whole.journal[on_card()] == pending.journal[on_card()] + FEN
    assert "提现已到账" == whole.bill[0][2]


def test_a_withdrawal_that_came_back_never_was_on_the_bank(demo: World):
    """
    Neither in the period in which it came back, nor in the one in which it set out.
    """
    before = read(demo).journal
    break_at(demo, Fault.LOST)
    with Wallet.open(demo.env, profile=ZHANG) as desk, pytest.raises(PaymentPending):
        pay(desk, "withdraw", 1_500 * YUAN)
    midnight = turned(demo, hours=1)
    pending = read(demo, until=midnight)
    break_at(demo, None)
    with Wallet.open(demo.env, profile=ZHANG) as desk:
        desk.settle()

    assert {
        **before,
        BALANCE: before[BALANCE] - 1_500_50,
        TRANSIT: 1_500_50,
    } == pending.journal  # the fee is not the platform's before the money has arrived
    back = ("零钱充值", "零钱", "已全额退款", "提现退回")
    later = read(demo, since=midnight)
    assert ([back], -1_500_50) == (later.bill, later.journal[TRANSIT])
    whole = read(demo)
    assert before == whole.journal
    assert [back, ("零钱提现", "零钱", "提现失败", "服务费¥0.50")] == whole.bill


@pytest.mark.parametrize("is_free", [True, False])
def test_a_held_withdrawal_has_not_set_out(demo: World, is_free: bool):
    """
    It is looked at first; then it arrives, or comes back.
    """
    with_pack(demo, holding("withdraw", then="release" if is_free else "return"))
    demo.zhang.withdraw(10 * YUAN, pin=right)
    assert ("零钱提现", "零钱", "提现审核中", "服务费¥0.00") == read(demo).bill[0]
    assert 10 * YUAN == read(demo).journal[TRANSIT]

    turned(demo, hours=HOLD_HOURS)

    after = read(demo)
    assert TRANSIT not in after.journal
    assert (("提现已到账",) if is_free else ("已全额退款", "提现失败")) == tuple(
        row[2] for row in after.bill
    )


def test_a_refund_to_a_card_says_how_far_it_has_come(demo: World):
    """
    On its way for a working day; then there, or, where the card has gone, in the balance.
    """
    sent = read(demo).journal
    unclaimed(demo)
    middle = turned(demo, seconds=1)
    on_its_way = read(demo, until=middle)
    demo.zhang.remove_card(tail(CARD), pin=right)
    turned(demo, days=5)

    assert FEN == on_its_way.journal[TRANSIT]
    assert "已退款￥100.00，银行处理中" in {
        row[2] for row in on_its_way.bill if row[0] == "微信红包-退款"
    }
    assert on_its_way == read(demo, until=middle)
    after = read(demo)
    assert TRANSIT not in after.journal
    assert sent[BALANCE] + FEN == after.journal[BALANCE]
    states = [row[2] for row in after.bill if row[0] == "微信红包-退款"]
    assert ["已退款￥100.00，未能退回银行卡"] == states


def test_a_refund_that_arrives_in_the_next_period_is_told_there(demo: World):
    """
    So that journals which follow each other come to the same as one of the whole.
    """
    unclaimed(demo)
    middle = turned(demo, seconds=1)
    turned(demo, days=5)

    first, second, whole = read(demo, until=middle), read(demo, since=middle), read(demo)

    assert (FEN, -FEN) == (first.journal[TRANSIT], second.journal[TRANSIT])
    assert TRANSIT not in whole.journal
    for account in {*whole.journal} - {"Equity:Opening-Balances", BALANCE}:
        parts = first.journal.get(account, 0) + second.journal.get(account, 0)
        assert whole.journal[account] == parts


def test_json_and_csv_say_how_each_payment_stood(demo: World):
    """
    In a field of its own, for programs.
    """
    break_at(demo, Fault.TIMEOUT)
    with Wallet.open(demo.env, profile=ZHANG) as desk, pytest.raises(PaymentPending):
        pay(desk, "withdraw")

    with demo.open(ZHANG) as desk, desk.statement() as opened:
        lines = [*opened.lines]
        table = [*csv.DictReader(io.StringIO(written(opened, "csv").decode("utf-8-sig")))]

    assert ["done", "on_its_way"] == [line["status"] for line in lines]
    assert ["done", "on_its_way"] == [row["status"] for row in table[1:-1]]
