"""Publishing from a cluster: in the order of the log, whatever commits late, and after a loss."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from hongbao.delivery.envelope import message_of
from hongbao.delivery.publications import publications, taken
from hongbao.delivery.targets import Message
from hongbao.engines.mysql.engine import Ledger
from hongbao.errors import AlreadyPublishing, RelayReplaced
from hongbao.queries.publishing import Event, _data_of, _lane, reader_of
from hongbao.wallet import Wallet
from hongbao.wallet.sealing import seal
from tests.cluster.nodes import Cluster, connect
from tests.cluster.test_machines import does
from tests.cluster.test_sealing import Shared
from tests.cluster.worlds import OnCluster, worlds_on
from tests.delivery.broker import Consumer, Hole, MemoryBroker
from tests.delivery.brokers import Mock, attributes, messages
from tests.delivery.test_publishing import TARGET, publish
from tests.wallet.world import CARD, LI, OTHER_CARD, WANG, YUAN, ZHANG, id_number, right

pytestmark = pytest.mark.cluster


@pytest.fixture
def world(one_node: Cluster, tmp_path: Path) -> Any:
    """Zhang, who is identified and has money; Li, who has a card; Wang."""
    world = worlds_on(one_node)(tmp_path / "home")
    zhang = world.found(ZHANG)
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(1000 * YUAN, pin=right)
    world.found(LI).add_card(OTHER_CARD, pin=right)
    world.found(WANG)
    yield world
    world.close()


@pytest.fixture
def shared(one_node: Cluster, tmp_path: Path) -> Shared:
    return Shared(one_node, one_node.create_database("hongbao_published"), tmp_path)


def below(wallet: Wallet) -> Ledger:
    assert isinstance(wallet.store, Ledger)
    return wallet.store


def held(wallet: Wallet) -> dict[str, int]:
    """Return what profiles and packets have, as the ledger has it."""
    rows = below(wallet).rows(
        "SELECT account.kind, owner, packet.id, credits_fen - debits_fen FROM account"
        " LEFT JOIN packet ON packet.number = owner"
        " WHERE book = 'platform' AND account.kind IN ('balance', 'packet')"
    )
    found = {
        f"{kind}/{name if kind == 'packet' else owner}": int(fen)
        for kind, owner, name, fen in rows
        if fen
    }
    return dict(sorted(found.items()))


def agrees(wallet: Wallet, consumer: Consumer) -> None:
    accounts = consumer.accounts().items()
    assert held(wallet) == {
        name: fen for name, fen in accounts if name.startswith(("balance/", "packet/"))
    }
    entries = [entry for (entry,) in below(wallet).rows("SELECT id FROM entry ORDER BY id")]
    assert entries == consumer.entries()


def sealed(world: OnCluster) -> None:
    with world.open() as wallet:
        seal(wallet.home)


def live(world: OnCluster) -> None:
    world.turn(seconds=5)
    packet = world.zhang.send(5 * YUAN, pin=right, count=3)["packet"]
    world.turn(seconds=1)
    world.li.claim(packet)
    world.turn(seconds=1)
    world.wang.claim(packet)
    world.turn(seconds=1)
    world.li.topup(20 * YUAN, pin=right)
    world.turn(seconds=1)
    world.zhang.settle()
    world.close()


def test_every_act_is_published_once_when_it_is_sealed(world: OnCluster):
    """
    And not before; read in steps of a leaf, and by a reader that counts anew, it is the same.
    """
    broker, consumer = MemoryBroker(), Consumer()
    sealed(world)
    publish(world, broker)
    live(world)
    assert 0 == publish(world, broker)
    for _time in range(2):
        sealed(world)
        publish(world, broker)
        live(world)
    sealed(world)
    publish(world, broker)

    consumer.take(broker.arrived)
    assert not consumer.dropped
    with world.open() as wallet:
        agrees(wallet, consumer)
        whole = reader_of(wallet.home).read(wallet.home, None, 10_000)
        spot, steps, reader = None, list[Event](), reader_of(wallet.home)
        while spot != whole.spot:
            again = reader_of(wallet.home).read(wallet.home, spot, 2)
            batch = reader.read(wallet.home, spot, 2)
            assert batch.events == again.events
            steps += batch.events
            spot = batch.spot
        assert list(whole.events) == steps
        assert (0, None) == reader.behind(wallet.home, spot)
        assert len(steps) == reader.behind(wallet.home, None)[0]


def test_a_slow_commit_is_lost_by_a_relay_that_goes_by_numbers_and_not_by_this_one(
    world: OnCluster, monkeypatch: pytest.MonkeyPatch
):
    """
    A claim that got its number first commits last. The consumer of the other relay sees the hole.
    """
    first = world.zhang.send(5 * YUAN, pin=right, count=3)["packet"]
    world.turn(seconds=1)
    sealed(world)
    world.close()
    slow, quick, reading = world.open(LI), world.open(WANG), world.open()
    with reading.home.looking():
        before = reading.home.store.head().entry
    began, go_on, leave = threading.Event(), threading.Event(), Ledger.leave

    def late(self: Ledger, error: BaseException | None, *, undo: bool) -> None:
        if self is slow.store and self.wrote:
            began.set()
            assert go_on.wait(30)
        leave(self, error, undo=undo)

    monkeypatch.setattr(Ledger, "leave", late)
    claiming = threading.Thread(target=slow.claim, args=(first,))
    claiming.start()
    assert began.wait(30)
    world.turn(seconds=1)
    quick.refunds_to("balance")
    by_numbers = list[Message]()
    seen = before
    for _look in range(2):
        with reading.home.looking():
            rows = list(reading.home.store.acts(after=seen))
            seen = max([row.entry for row in rows], default=seen)
            data = _data_of(reading.home, rows)
            for row in rows:
                number = reading.home.store.log.led_upto(  # type: ignore[union-attr]
                    f"packet/{row.packet}", 10**6
                )
                event = Event(_lane(row), number, 1, row.entry, row.at, data[row.entry])
                by_numbers.append(message_of(event, 1, structured=False))
        go_on.set()
        claiming.join()
    monkeypatch.undo()
    world.turn(seconds=1)
    world.open(WANG).claim(first)
    with reading.home.looking():
        (row,) = reading.home.store.acts(after=seen)
        data = _data_of(reading.home, [row])
        event = Event(_lane(row), 3, 1, row.entry, row.at, data[row.entry])
        by_numbers.append(message_of(event, 1, structured=False))
    fooled = Consumer()
    fooled.last[f"packet/{first}"] = 1  # that it was sent
    with pytest.raises(Hole):
        fooled.take(by_numbers)

    broker, consumer = MemoryBroker(), Consumer()
    seal(reading.home)
    publish(world, broker)
    consumer.take(broker.arrived)
    with world.open() as wallet:
        agrees(wallet, consumer)


def test_a_relay_that_was_not_heard_of_is_replaced_and_may_not_move_the_cursor(world: OnCluster):
    """
    As long as it is heard of nobody else gets the target.
    """
    sealed(world)
    one, other = world.open(), world.open()
    with taken(one.home, TARGET) as paused:
        with pytest.raises(AlreadyPublishing), taken(other.home, TARGET):
            pass
        paused.move(paused.place)
        with connect(world.cluster, world.cluster.nodes[0], database=world.address.database) as db:
            with db.cursor() as cursor:
                cursor.execute("UPDATE publication SET until = 0")
            db.commit()
        with taken(other.home, TARGET) as newer:
            assert paused.fence + 1 == newer.fence
            for late in (paused.renew, lambda: paused.move(paused.place)):
                with pytest.raises(RelayReplaced):
                    late()
            newer.move(newer.place)
            (known,) = publications(one.home)
            assert newer.fence == known.fence
            assert known.holder is not None


@pytest.mark.slow
def test_a_loss_is_told_and_what_is_gone_is_void(shared: Shared):
    """
    Commits are lost, the cursor with them; an epoch records it, and other acts follow.
    """
    mock = Mock()
    topic = "lost"
    mock.make(topic)
    target = f"kafka://{mock.address}/{topic}"
    machine = shared.first
    does(machine, "topup 300 -p Ann")
    does(machine, f"events publish --to {target}")
    dump = shared.tables()
    for fen in (20, 30):
        does(machine, f"topup {fen} -p Ann")
    does(machine, f"events publish --to {target}")
    shared.put_back(dump)
    assert "lost commits" in does(machine, f"events publish --to {target}", 19)
    does(machine, "home epoch --yes --give-up")
    does(machine, "topup 7 -p Ann")
    said = json.loads(does(machine, f"events publish --to {target} --json"))
    (status,) = json.loads(does(machine, "events status --json"))["publications"]

    consumer = Consumer()
    sent = messages(mock.address, topic)
    notices = [message for message in sent if attributes(message)["type"] == "hongbao.epoch.v1"]
    mock.close()
    for message in sent:
        consumer.take_one(attributes(message), json.loads(message.value()), message.partition())
    assert (2, 0, 2) == (said["epoch"], status["behind"], status["epoch"])
    assert 4 == len(notices)
    (balance,) = [fen for name, fen in consumer.accounts().items() if name.startswith("balance/")]
    assert 30_700 == balance
    count = shared.sql("SELECT count(*) FROM entry")[0][0]
    assert count == len(consumer.taken)
