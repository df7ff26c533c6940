"""
Accounts that everybody's acts add to: nobody waits for them, and they are read as one.

Two people's payments are interleaved at each COMMIT of the one with all of the other's, on a server
that waits for no lock: whoever would have to wait begins again, and that is counted.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pymysql.connections import Connection

from hongbao.changes.home import SetHome
from hongbao.changes.payments import AddBankLine, AddMessage
from hongbao.domain.channel import Direction
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.lanes import PLATFORM as LANE
from hongbao.domain.lanes import SHARED, lanes_of
from hongbao.domain.ledger import LEGAL, PLATFORM, SIDES, Account, Kind, Reason, Transfer
from hongbao.engines import sqlcipher
from hongbao.engines.mysql import engine as engine_module
from hongbao.engines.mysql import lanes as lanes_module
from hongbao.engines.mysql import session
from hongbao.engines.mysql.engine import Ledger
from hongbao.errors import Busy, HongbaoError, PacketRefunded
from hongbao.store import Again, PacketView, RuleBroken, Store
from hongbao.wallet import Wallet, again
from hongbao.wallet.refund import refund_packet
from hongbao.wallet.settlement import _close_batch
from tests.cluster.databases import Databases
from tests.cluster.nodes import Cluster, connect
from tests.cluster.worlds import OnCluster, worlds_on
from tests.engines.acts import (
    BANK,
    DAY,
    HOME,
    T1,
    TOPUP_FEN,
    act,
    add,
    balance,
    decide,
    found,
    seal,
    topup,
)
from tests.engines.acts import LI as LI_NUMBER
from tests.engines.cases import MESSAGE
from tests.wallet.guards import pack_of
from tests.wallet.world import CARD, LI, YUAN, ZHANG, World, card, id_number, right, tail

pytestmark = pytest.mark.cluster

Act = Callable[[Wallet], object]


@pytest.fixture
def world(
    one_node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OnCluster]:
    """Two people with cards of one bank and money, who have each sent a packet by card."""
    monkeypatch.setitem(session.PATIENCE, "innodb_lock_wait_timeout", "0")
    made = worlds_on(one_node)(tmp_path / "home")
    for serial, (name, number) in enumerate({ZHANG: CARD, LI: card(1, 444)}.items(), start=1):
        wallet = made.found(name)
        if serial == 1:
            wallet.use_risk_pack(pack_of("no-rules"))
        wallet.identify("张三", id_number(serial), pin=right)
        wallet.add_card(number, pin=right)
        wallet.topup(100 * YUAN, pin=right)
        wallet.send(YUAN, count=1, paid_from=tail(number), pin=right)
    made.at += timedelta(days=20)
    yield made
    made.close()


PAYMENTS: dict[str, Act] = {
    "topup": lambda wallet: wallet.topup(YUAN, pin=right),
    "withdraw": lambda wallet: wallet.withdraw(YUAN, pin=right),
    "send": lambda wallet: wallet.send(
        YUAN, count=1, paid_from=wallet.cards()[0]["card"], pin=right
    ),
    "refund": lambda wallet: wallet.refund_due(),
}


def meanwhile(
    patch: pytest.MonkeyPatch, wallet: Wallet, at: int, do: Callable[[], object], world: World
) -> list[int]:
    """
    Have something done right before the *at*-th COMMIT of *wallet*; return a count of them.

    The clock goes on in between: acts of one moment may get one number.
    """
    commit, seen = Connection.commit, [0]

    def committed(connection: Any) -> None:
        store: Any = wallet.home.store
        if connection is store._db:
            seen[0] += 1
            if seen[0] == at:
                world.turn(seconds=1)
                do()
                world.turn(seconds=1)
        commit(connection)

    patch.setattr(Connection, "commit", committed)
    return seen


def purge(cluster: Cluster) -> None:
    """
    Have the node remove the rows that are deleted, and not only marked so.

    Where a unique key has been before, InnoDB locks its neighbours until the COMMIT to look for it,
    and who adds one of those waits that long: a moment, unless the COMMIT is held up as it is here.
    """
    cluster.nodes[0].sql("SET GLOBAL innodb_max_purge_lag_wait = 0", seconds=60)


def undone(patch: pytest.MonkeyPatch) -> list[int]:
    """Return how often anything has begun again from now on."""
    counted, seen = Ledger._count_undone, [0]

    def count_one(ledger: Ledger) -> None:
        seen[0] += 1
        counted(ledger)

    patch.setattr(Ledger, "_count_undone", count_one)
    return seen


@pytest.mark.parametrize("name", PAYMENTS)
def test_payments_of_two_people_do_not_wait_for_each_other(
    name: str, world: OnCluster, one_node: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """
    At whichever of its commits the one is, all that the other does begins and ends meanwhile.

    But for those who meet in a slot by chance: one pair of payments in seventeen. Here none does.
    """
    monkeypatch.setattr(lanes_module, "SLOTS", 1_000_003)
    zhang, li = world.open(ZHANG), world.open(LI)
    began_again = undone(monkeypatch)
    for at in count(1):
        purge(one_node)
        with monkeypatch.context() as patch:
            seen = meanwhile(patch, zhang, at, lambda: [do(li) for do in PAYMENTS.values()], world)
            PAYMENTS[name](zhang)
        if seen[0] < at:
            break
        if name == "refund":  # of another packet
            PAYMENTS["send"](zhang)
            world.turn(days=1, seconds=1)
    assert at > (1 if name == "refund" else 3)
    assert [0] == began_again
    assert {} == world.findings()


def test_where_everybody_adds_to_one_row_they_wait(
    world: OnCluster, monkeypatch: pytest.MonkeyPatch
):
    """The control: what the test above proves is what slots do."""
    zhang, li = world.open(ZHANG), world.open(LI)
    monkeypatch.setattr(engine_module, "SHARED", frozenset())
    monkeypatch.setattr(again, "TRIES_MAX", 2)
    monkeypatch.setattr(engine_module, "PAUSE_MICROS", 1)
    began_again = undone(monkeypatch)
    for at in range(1, 9):
        with monkeypatch.context() as patch, suppress(HongbaoError):
            meanwhile(patch, zhang, at, lambda: PAYMENTS["topup"](li), world)
            PAYMENTS["topup"](zhang)
    assert began_again != [0]


# --- settlement -----------------------------------------------------------------------------------


def test_a_payment_that_is_booked_during_settlement_waits_for_the_next_one(
    world: OnCluster, one_node: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """Neither waits, and what is settled is what was accepted when it began."""
    zhang, li = world.open(ZHANG), world.open(LI)
    began_again = undone(monkeypatch)
    zhang.settle()
    zhang.topup(3 * YUAN, pin=right)
    purge(one_node)
    with monkeypatch.context() as patch:
        meanwhile(patch, zhang, 1, lambda: li.topup(5 * YUAN, pin=right), world)
        assert 3 * YUAN == zhang.settle()["gross_fen"]
    assert 5 * YUAN == zhang.settle()["gross_fen"]
    for at in count(1):
        with monkeypatch.context() as patch:
            seen = meanwhile(patch, li, at, partial(_close_batch, zhang.home), world)
            li.topup(YUAN, pin=right)
        if seen[0] < at:
            break
    assert at > 3
    assert [0] == began_again
    assert {} == world.findings()


def test_two_settlements_take_each_fen_once(world: OnCluster, monkeypatch: pytest.MonkeyPatch):
    """The second one waits for the first, and then finds nothing to do."""
    zhang, li = world.open(ZHANG), world.open(LI)
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0)
    with monkeypatch.context() as patch:
        meanwhile(patch, zhang, 1, lambda: _is_busy(li.settle), world)
        assert zhang.settle()["batch"] is not None
    assert li.settle()["batch"] is None
    assert {} == world.findings()


def test_two_services_that_refund_one_packet_are_a_queue(
    world: OnCluster, monkeypatch: pytest.MonkeyPatch
):
    zhang, li = world.open(ZHANG), world.open(LI)
    [row, *_] = zhang.home.store.packets(PacketView.DUE, None, zhang.home.now(), 1)
    refund = partial(refund_packet, packet=row.packet.id, sender=row.packet.sender)
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0)
    with monkeypatch.context() as patch:
        meanwhile(patch, zhang, 1, lambda: _is_busy(lambda: refund(li.home)), world)
        assert YUAN == refund(zhang.home)["amount_fen"]
    with pytest.raises(PacketRefunded):
        refund(li.home)
    assert {} == world.findings()


def _is_busy(act: Callable[[], object]) -> None:
    with pytest.raises(Busy):
        act()


# --- one account ----------------------------------------------------------------------------------


def test_slots_are_read_as_one_account(one_node: Cluster, tmp_path: Path):
    """By queries, by `check`, and by a backup, whose file has one row for each account."""
    world = worlds_on(one_node)(tmp_path / "home")
    people = [world.found(name) for name in ("A", "B", "C")]
    for serial, wallet in enumerate(people, start=1):
        wallet.add_card(card(1, serial), pin=right)
        wallet.topup(serial * YUAN, pin=right)
    wallet, incoming = people[0], Account(PLATFORM, Kind.INCOMING, BANK_NUMBERS["cmb"])
    store = wallet.home.store
    database = world.address.database
    with connect(one_node, one_node.nodes[0], database=database) as link, link.cursor() as cursor:
        cursor.execute(_SLOTS_OF_INCOMING)
        slots = cursor.fetchall()
    assert ((1, YUAN), (2, 2 * YUAN), (3, 3 * YUAN)) == slots
    assert 6 * YUAN == store.balance_fen(incoming)
    [held] = store.held([PLATFORM], [Kind.INCOMING])
    assert (1, 6 * YUAN) == tuple(held)[3:]
    wallet.settle()
    assert 0 == store.balance_fen(incoming)
    assert 6 * YUAN == store.balance_fen(Account(PLATFORM, Kind.RESERVE))
    wallet.topup(YUAN, pin=right)
    assert {} == world.findings()

    file = tmp_path / "backup"
    wallet.backup(file)
    copy = sqlcipher.Ledger.open(file, wallet.vault.page_key)
    columns = "id, book, kind, owner, side, debits_fen, credits_fen"
    accounts = copy.rows(f"SELECT {columns} FROM account ORDER BY id")
    copy.close()
    assert sorted(world.dump()["account"]) == [*map(tuple, accounts)]
    world.close()


_SLOTS_OF_INCOMING = (
    "SELECT slot, account_slot.debits_fen FROM account_slot JOIN account ON account = id"
    " WHERE book = 'platform' AND kind = 'incoming' ORDER BY slot"
)

DAMAGE = {
    "UPDATE account_slot SET debits_fen = debits_fen + 1 WHERE debits_fen > 0 LIMIT 1": "accounts",
    "DELETE FROM account_slot LIMIT 1": "accounts",
    "INSERT INTO account_slot SELECT id, 3, 0, 5 FROM account WHERE kind = 'balance' LIMIT 1": (
        "accounts"
    ),
    "INSERT INTO account_slot VALUES (7, 0, 0, 1)": "pages",
    "DELETE FROM bank_line LIMIT 1": "suspense",
    "UPDATE bank_line SET number = number + 1 LIMIT 1": "suspense",
}
"""What an administrator may do to slots, and to lines of banks, and the check that finds it."""


def test_what_was_done_to_a_slot_or_a_banks_line_is_found(one_node: Cluster, tmp_path: Path):
    world = worlds_on(one_node)(tmp_path / "home")
    for serial, name in enumerate((ZHANG, LI), start=1):
        wallet = world.found(name)
        wallet.add_card(card(1, serial), pin=right)
        wallet.topup(5 * YUAN, pin=right)
        wallet.withdraw(5 * YUAN, pin=right)
    assert {} == world.findings()
    database = world.address.database
    for statement, check in DAMAGE.items():
        with connect(one_node, one_node.nodes[0], database=database) as link:
            with link.cursor() as cursor:
                kept = {}
                for table in ("account_slot", "bank_line"):
                    cursor.execute(f"SELECT * FROM {table}")
                    kept[table] = cursor.fetchall()
                assert cursor.execute(statement)
                link.commit()
            found = world.findings()
            assert check in found, (statement, found)
            with link.cursor() as cursor:
                for table, rows in kept.items():
                    cursor.execute(f"DELETE FROM {table}")
                    marks = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            link.commit()
    assert {} == world.findings()
    world.close()


# --- the engine -----------------------------------------------------------------------------------


def test_what_takes_from_an_account_of_everybodys_takes_no_more_than_there_is(databases: Databases):
    """It may be in slots, all of it; and two who take at once take one after the other."""
    store, other = databases.create(), databases.open()
    found(store)
    incoming, reserve = Account(PLATFORM, Kind.INCOMING, 1), Account(PLATFORM, Kind.RESERVE)

    def settle(ledger: Store, fen: int) -> None:
        add(
            ledger,
            transfers=[Transfer(reserve, incoming, fen, Reason.SETTLE)],
            profile=None,
            request_id=f"{fen}",
        )

    with pytest.raises(RuleBroken), store.transaction():
        settle(store, TOPUP_FEN + 1)
    act(store, transfers=[topup(LI_NUMBER, 5)])
    with store.transaction():
        settle(store, TOPUP_FEN)
        settle(store, 4)
        with pytest.raises(Again), other.transaction():
            settle(other, 2)
    assert 1 == store.balance_fen(incoming)
    with pytest.raises(RuleBroken), other.transaction():
        settle(other, 2)
    act(store, transfers=[topup(LI_NUMBER, 1)])
    with other.transaction():
        settle(other, 2)
    assert 0 == store.balance_fen(incoming)
    assert TOPUP_FEN + 6 == store.balance_fen(reserve)


def test_a_group_moves_all_accounts_by_one_statement(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Whose numbers are asked for at once; and its entries and transfers are added together."""
    said: list[str] = []
    ran = engine_module._ran

    def run(connection: Any, sql: str, values: Any) -> Any:
        said.append(sql)
        return ran(connection, sql, values)

    with store.transaction():
        entry = store.head().entry
        group = [
            decide(store, transfers=[topup(1 + number % 3, 10)], entry=entry + 1 + number)
            for number in range(30)
        ]
        monkeypatch.setattr(engine_module, "_ran", run)
        store.append(group, seal)
        monkeypatch.undo()
    assert 1 == sum(sql.startswith("UPDATE account ") for sql in said)
    assert 1 == sum(sql.startswith("INSERT INTO account_slot") for sql in said)
    assert len(said) < 12, said
    assert {TOPUP_FEN + 100, 100} == {store.balance_fen(balance(number)) for number in (1, 2, 3)}


@pytest.mark.parametrize("virtual_at", [None, T1])
def test_two_lines_of_a_bank_at_once_are_no_mistake_of_ours(
    virtual_at: datetime | None, databases: Databases
):
    """On a demo's clock both count to one number: the later act begins again, and counts on."""
    store, other = databases.create(), databases.open()
    found(store)
    act(store, SetHome(HOME._replace(virtual_at=virtual_at)))

    def booked(ledger: Store, number: int, meanwhile: Callable[[], object]) -> None:
        message = MESSAGE._replace(number=number, id=f"message-{number}")
        with ledger.transaction():
            home = ledger.home()
            assert home is not None
            entry, at = ledger.next_entry(home, T1 + timedelta(seconds=number))
            meanwhile()
            line = AddBankLine(message, Direction.DEBIT, 500, "BOOK", DAY, entry)
            told: dict[str, Any] = {"entry": entry, "at": at, "profile": None, "message": number}
            add(ledger, AddMessage(message._replace(entry=entry)), line, **told)

    first = partial(booked, store, 1, lambda: None)
    if virtual_at is None:
        booked(other, 2, first)
    else:
        with pytest.raises(Again):
            booked(other, 2, first)
        booked(other, 2, lambda: None)
    lines = [line[0] for line in store.clearing(BANK).theirs]
    assert 2 == len(set(lines))
    assert virtual_at is None or lines == ["CMB-000001", "CMB-000002"]


def test_only_the_platform_takes_from_accounts_of_everybodys():
    """Every legal transfer: what takes from one that all add to is in the platform's lane."""
    taking = set()
    for debit, credit, _reason in LEGAL:
        move = ("b", debit, 1), ("b", credit, 1)
        lanes = lanes_of(3, None, 7, [move], [])
        takes = (debit in SHARED and SIDES[debit] == "credit") or (
            credit in SHARED and SIDES[credit] == "debit"
        )
        assert takes == (LANE in lanes), (debit, credit)
        taking |= {debit, credit} if takes else set()
    assert {Kind.RESERVE, Kind.INCOMING, Kind.OUTGOING, Kind.SETTLEMENT} < taking
    assert Kind.BALANCE not in SHARED
