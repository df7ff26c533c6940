"""Publishing: every act once, in a lane without gaps, whatever happens to relay and ledger."""

import json
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hongbao.delivery import publishing
from hongbao.delivery.envelope import EVENT_BYTES_MAX, message_of, source
from hongbao.delivery.kafka import KafkaBroker, read_settings
from hongbao.delivery.publications import publications, taken
from hongbao.delivery.publishing import Relay
from hongbao.delivery.targets import ProducerLost, parse_target
from hongbao.domain.identity import BANKS
from hongbao.errors import (
    AlreadyPublishing,
    BrokerRefused,
    BrokerSettingsRefused,
    InvalidBrokerSettings,
    InvalidTarget,
    PublicationDiverged,
)
from hongbao.queries.publishing import reader_of
from hongbao.ui.publishing import PUBLICATIONS
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.delivery.broker import Consumer, Hole, MemoryBroker
from tests.delivery.papers import Authority
from tests.every import every
from tests.wallet.world import LI, WANG, YUAN, ZHANG, World, below, right

TARGET = "kafka://127.0.0.1:9092/ledger"


def relay(world: World, broker: MemoryBroker, said: list[Any] | None = None) -> Relay:
    return Relay(
        TARGET,
        lambda: broker,
        open_home=lambda: world.open().home,
        report=[].append if said is None else said.append,
        now=lambda: world.at,
        structured=False,
    )


def publish(world: World, broker: MemoryBroker, said: list[Any] | None = None) -> int:
    running = relay(world, broker, said)
    running.run(follow=False)
    world.close()
    return running.events


def held(wallet: Wallet) -> dict[str, int]:
    """Return what every account of the platform holds, as the ledger has it."""
    store = below(wallet)
    names = {
        "packet": dict(store.rows("SELECT number, id FROM packet")),
        "pending": dict(store.rows("SELECT number, id FROM message")),
        "held": dict(store.rows("SELECT number, id FROM review_case")),
        "incoming": {number: bank.code for number, bank in enumerate(BANKS, 1)},
        "outgoing": {number: bank.code for number, bank in enumerate(BANKS, 1)},
    }
    found = {}
    for kind, owner, fen in store.rows(
        "SELECT kind, owner, abs(credits_fen - debits_fen) FROM account WHERE book = 'platform'"
    ):
        name = f"{kind}/{names.get(kind, {}).get(owner, owner)}" if owner else kind
        if fen:
            found[name] = fen
    return dict(sorted(found.items()))


def entries(wallet: Wallet) -> list[int]:
    return [entry for (entry,) in below(wallet).rows("SELECT id FROM entry ORDER BY id")]


def agrees(world: World, consumer: Consumer) -> None:
    """The consumer has each act of the ledger once, and the same money in every account."""
    with world.open() as wallet:
        assert entries(wallet) == consumer.entries()
        assert held(wallet) == consumer.accounts()


def live(world: World) -> None:
    """Send, claim, refund, top up and withdraw."""
    packet = world.zhang.send(5 * YUAN, pin=right, count=3)["packet"]
    world.li.claim(packet)
    world.li.topup(20 * YUAN, pin=right)
    world.wang.claim(packet)
    other = world.zhang.send(3 * YUAN, pin=right, count=2)["packet"]
    world.li.claim(other)
    world.turn(hours=25)
    world.zhang.refund_due()
    world.zhang.settle()
    world.close()


def test_every_act_is_published_once_and_its_money_adds_up(world: World):
    """
    In one go, or a few events at a time; each lane has its numbers from 1, and no name is in it.
    """
    live(world)
    consumer, broker = Consumer(), MemoryBroker()

    assert publish(world, broker) == len(broker.arrived)
    consumer.take(broker.arrived)
    agrees(world, consumer)
    assert not consumer.dropped
    assert 0 == publish(world, broker)
    assert broker.connected == 2  # with nothing to send, too
    live(world)
    before = len(broker.arrived)
    assert publish(world, broker) == len(broker.arrived) - before
    consumer.take(broker.arrived[before:])
    agrees(world, consumer)
    assert {f"profile/{n}" for n in (1, 2, 3)} < consumer.last.keys()
    assert all(len(message.value) < EVENT_BYTES_MAX // 8 for message in broker.arrived)
    said = b"".join(message.value for message in broker.arrived).decode()
    for name in (ZHANG, LI, WANG, "张三"):
        assert name not in said


@pytest.mark.slow
def test_events_that_are_read_in_steps_have_the_same_numbers(world: World):
    """
    A reader that counts anew at every step gives the same as one that keeps its counts.
    """
    live(world)
    with world.open() as wallet:
        whole = reader_of(wallet.home).read(wallet.home, None, 10_000)
        kept, spot = reader_of(wallet.home), None
        events: list[Any] = []
        fresh: list[Any] = []
        while len(events) < len(whole.events):
            again = reader_of(wallet.home).read(wallet.home, spot, 3)
            batch = kept.read(wallet.home, spot, 3)
            fresh += again.events
            events += batch.events
            spot = batch.spot

        assert list(whole.events) == events == fresh
        assert (0, None) == kept.behind(wallet.home, spot)
        count, since = kept.behind(wallet.home, None)
        assert (len(events), events[0].at) == (count, since)


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_relay_that_dies_sends_again_and_the_consumer_drops_it(world: World, acknowledged: bool):
    """
    Before anything is acknowledged, or between the acknowledgement and the cursor.
    """
    live(world)
    broker, consumer = MemoryBroker(), Consumer()

    def die() -> None:
        raise BrokerRefused(target=TARGET, reason="gone")

    publish(world, broker)
    live(world)
    if acknowledged:
        broker.after = die
    else:
        broker.before = die
    with pytest.raises(BrokerRefused):
        publish(world, broker)
    world.close()
    broker.before = broker.after = lambda: None
    publish(world, broker)

    consumer.take(broker.arrived)
    agrees(world, consumer)
    assert bool(consumer.dropped) == acknowledged


@pytest.mark.slow
def test_a_producer_that_has_given_up_is_replaced_and_begins_at_the_cursor(world: World):
    """
    What is sent after it begins with the first message that it did not get acknowledged.
    """
    live(world)
    broker, consumer = MemoryBroker(), Consumer()
    failures = [1]

    def fail() -> None:
        if failures:
            failures.pop()
            raise ProducerLost

    broker.after = fail
    publish(world, broker)

    consumer.take(broker.arrived)
    agrees(world, consumer)
    assert consumer.dropped


@pytest.mark.slow
def test_a_producer_that_gives_up_again_and_again_ends_the_relay(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    With the library's reason; and the next relay sends everything.
    """
    monkeypatch.setattr(publishing, "_PAUSE_SECONDS", 0)
    broker, consumer = MemoryBroker(), Consumer()

    def fail() -> None:
        raise ProducerLost("too large")

    broker.before = fail
    with pytest.raises(BrokerRefused) as refused:
        publish(world, broker)
    world.close()
    broker.before = lambda: None
    publish(world, broker)

    assert "too large" == refused.value.facts["reason"]
    consumer.take(broker.arrived)
    agrees(world, consumer)


@pytest.mark.slow
def test_a_consumer_notices_a_hole(world: World):
    """
    Any message that is missing, if the lane has a later one.
    """
    live(world)
    broker = MemoryBroker()
    publish(world, broker)
    lanes = [dict(message.headers)["ce_lane"] for message in broker.arrived]

    noticed = 0
    for at, lane in enumerate(lanes):
        consumer = Consumer()
        try:
            consumer.take(broker.arrived[:at] + broker.arrived[at + 1 :])
        except Hole:
            noticed += 1
        else:
            assert lane not in lanes[at + 1 :]
    assert noticed > len(lanes) // 2


@pytest.mark.slow
def test_a_restore_is_told_and_what_it_took_away_is_void(world: World, tmp_path: Path):
    """
    Also where a second backup brings back acts that were void; and for who begins afterwards.
    """
    broker, consumer = MemoryBroker(), Consumer()
    older, newer = tmp_path / "older", tmp_path / "newer"
    world.zhang.backup(older)
    live(world)
    publish(world, broker)
    world.zhang.backup(newer)
    live(world)
    publish(world, broker)
    world.close()
    for copy in (older, newer):
        restore(world.env, copy, accept_older=lambda _last, _noted: True)
        said: list[Any] = []
        live(world)
        publish(world, broker, said)
        assert "epoch" in [line["event"] for line in said]

    consumer.take(broker.arrived)
    agrees(world, consumer)
    with world.open() as wallet:
        (place,) = publications(wallet.home)
        assert place.place.published > len(consumer.taken)


@pytest.mark.slow
def test_another_ledger_in_its_place_is_refused(world: World, tmp_path: Path):
    """
    A folder that was put back by hand, and has gone another way since, has no record of that.
    """
    broker = MemoryBroker()
    publish(world, broker)
    live(world)
    before = world.copy(tmp_path / "before")
    live(world)
    publish(world, broker)
    notes = (world.env.data / "delivery").glob("publish-*")
    kept = {note.name: note.read_bytes() for note in notes}
    before.at = world.at
    before.li.topup(7 * YUAN, pin=right)
    before.close()
    for name, content in kept.items():
        (before.env.data / "delivery" / name).write_bytes(content)
    live(before)

    with pytest.raises(PublicationDiverged):
        publish(before, broker)
    before.close()


@pytest.mark.slow
def test_new_keys_change_nothing(world: World):
    """
    After a rekey it goes on where it was.
    """
    broker, consumer = MemoryBroker(), Consumer()
    live(world)
    publish(world, broker)
    world.zhang.rekey()
    world.close()
    live(world)
    publish(world, broker)

    consumer.take(broker.arrived)
    agrees(world, consumer)
    assert not consumer.dropped


def test_a_second_relay_is_refused_and_told_who_has_it(world: World):
    """
    While one publishes; to another target it may. Each one's fence is greater than the last.
    """
    with world.open() as wallet:
        with taken(wallet.home, TARGET) as first:
            with pytest.raises(AlreadyPublishing) as refused, taken(wallet.home, TARGET):
                pass
            assert str(os.getpid()) in str(refused.value.facts["holder"])
            assert refused.value.facts["holder"] == publications(wallet.home)[0].holder
            with taken(wallet.home, f"{TARGET}-2"):
                pass
        with taken(wallet.home, TARGET) as second:
            assert first.fence + 1 == second.fence
            assert [TARGET] == [each.target for each in publications(wallet.home)]


@every(
    ("typed", "problem"),
    [
        ("127.0.0.1/x", "scheme"),
        ("nats://127.0.0.1/x", "scheme"),
        ("kafka:///x", "no_host"),
        ("kafka://a,,b/x", "no_host"),
        ("kafka://a b/x", "no_host"),
        ("kafka://a", "no_topic"),
        ("kafka://a/", "no_topic"),
        ("kafka://a/x y", "topic"),
        ("kafka://a/x/y", "topic"),
        ("kafka://a/..", "topic"),
        ("kafka://a/" + "x" * 200, "topic"),
        ("kafka://a:0/x", "port"),
        ("kafka://a:70000/x", "port"),
        ("kafka://me:secret@a/x", "user"),
    ],
)
def test_a_target_that_is_none_is_refused_and_not_repeated(typed: str, problem: str):
    with pytest.raises(InvalidTarget) as refused:
        parse_target(typed)
    assert problem == refused.value.facts["problem"]
    assert "secret" not in str(refused.value)


def test_a_target_has_one_written_form():
    assert "kafka://[::1]:9092,b:1/x.y-z" == str(parse_target("kafka://[::1],b:1/x.y-z"))


SETTINGS = """\
# how to connect
security.protocol = SASL_SSL
! and who
sasl.username=pay
sasl.password=s3=cret
"""


def test_settings_are_read_as_kafkas_own_programs_write_them(tmp_path: Path):
    path = tmp_path / "kafka.properties"
    path.write_text(SETTINGS)
    path.chmod(0o600)

    assert {
        "security.protocol": "SASL_SSL",
        "sasl.username": "pay",
        "sasl.password": "s3=cret",
    } == read_settings(path)


@every(
    ("text", "mode", "line", "problem"),
    [
        (SETTINGS, 0o640, 5, "open"),
        ('sasl.jaas.config=x.PlainLoginModule required password="s3=cret";', 0o604, 1, "open"),
        ("sasl.username", 0o600, 1, "not_a_setting"),
        ("sasl.username=", 0o600, 1, "not_a_setting"),
        ("\nacks=0", 0o600, 2, "unknown"),
        ("enable.idempotence=false", 0o600, 1, "unknown"),
        ("message.timeout.ms=5", 0o600, 1, "unknown"),
        ("plugin.library.paths=/tmp/x.so", 0o600, 1, "unknown"),
        ("partitioner=random", 0o600, 1, "unknown"),
        ("ssl.ca.location=/\nssl.key.location=/nowhere/client.key", 0o644, 2, "unreadable"),
        ("ssl.ca.location=probe\nssl.certificate.location=\x00", 0o644, 2, "unreadable"),
    ],
)
def test_settings_that_would_lose_events_or_show_a_password_are_refused(
    tmp_path: Path, text: str, mode: int, line: int, problem: str
):
    """
    And a file that is not there, of which the library only says that the system refused it.
    """
    path = tmp_path / "kafka.properties"
    path.write_text(text)
    path.chmod(mode)

    with pytest.raises(InvalidBrokerSettings) as refused:
        read_settings(path)
    assert {"path": str(path), "line": line, "problem": problem} == refused.value.facts
    assert "s3" not in str(refused.value)


def test_an_envelope_is_cloudevents_in_either_mode(world: World):
    """
    In structured mode the same attributes and data are one document.
    """
    with world.open() as wallet:
        event = reader_of(wallet.home).read(wallet.home, None, 1).events[0]
    binary = message_of(event, 630962, structured=False)
    structured = message_of(event, 630962, structured=True)

    headers = dict(binary.headers)
    assert "application/json" == headers.pop("content-type")
    document = json.loads(structured.value)
    assert json.loads(binary.value) == document.pop("data") == event.data
    assert "application/json" == document.pop("datacontenttype")
    assert headers == {f"ce_{name}": str(value) for name, value in document.items()}
    assert {"1.0", source(630962), "hongbao.init.v1", "1/profile/1/1"} <= set(headers.values())
    assert "profile/1" == binary.key == structured.key


def test_settings_that_the_library_refuses_are_told_in_its_words_without_the_password():
    """
    Also one that only Java's programs know, which has a password in it.
    """
    target = parse_target(TARGET)
    secret = 'x.PlainLoginModule required password="s3=cret";'
    for said, word in (
        ({"security.protocol": "TLS"}, "security.protocol"),
        ({"sasl.jaas.config": secret}, "JAAS"),
        ({"sasl.mechanism": "s3=cret", "sasl.password": "s3=cret"}, "…"),
    ):
        with pytest.raises(BrokerSettingsRefused) as refused:
            KafkaBroker(target, {"security.protocol": "SASL_SSL", **said}, Path("k.properties"))
        assert word in str(refused.value.facts["reason"])
        assert "s3=cret" not in str(refused.value)


@pytest.mark.parametrize("width", [40, 80])
def test_a_target_is_shown_whole_and_its_numbers_have_names(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Targets may differ in their last letter only, which is what a narrow column would cut.
    """
    line = {"published": 1234, "behind": 5, "since": "2026-02-17T20:04:11+08:00", "holder": "b (4)"}
    targets = [{"target": f"{TARGET}-{each}", **line} for each in (1, 2)]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    PUBLICATIONS.draw(targets)
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)

    assert [] == [line for line in shown.splitlines() if len(line) > width]
    for word in (f"{TARGET}-1", f"{TARGET}-2", "published", "behind", "since", "publishing"):
        assert word in shown


def test_a_target_that_has_never_acknowledged_anything_is_not_listed(world: World):
    """
    It may have been mistyped. While someone tries it is, and so it is from the first event on.
    """
    broker = MemoryBroker()

    def refuses() -> None:
        with world.open() as wallet:
            assert [TARGET] == [each.target for each in publications(wallet.home)]
        raise BrokerRefused(target=TARGET, reason="no")

    broker.before = refuses
    with pytest.raises(BrokerRefused):
        publish(world, broker)
    with world.open() as wallet:
        assert [] == publications(wallet.home)
    broker.before = lambda: None
    assert publish(world, broker)
    with world.open() as wallet:
        assert [TARGET] == [each.target for each in publications(wallet.home)]


def test_settings_that_are_refused_leave_no_trace(world: World):
    """
    They are tried before the target is taken, and before it is said that it is published to.
    """
    said: list[Any] = []
    running = Relay(
        TARGET,
        lambda: KafkaBroker(parse_target(TARGET), {"security.protocol": "TLS"}, Path("k")),
        open_home=lambda: world.open().home,
        report=said.append,
        now=lambda: world.at,
        structured=False,
    )
    with (
        world.open() as wallet,
        taken(wallet.home, TARGET),
        pytest.raises(BrokerSettingsRefused),
    ):
        running.run(follow=True)
    assert [] == said


def test_a_broker_that_refuses_the_client_at_the_end_of_the_handshake_is_not_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    With TLS 1.3 the library takes that for a lost connection.
    """
    monkeypatch.setattr("hongbao.delivery.kafka._ASKING_SECONDS", 0.1)
    monkeypatch.setattr("hongbao.delivery.publishing.AWAY_SECONDS", 5)
    ours = Authority.new("ours")
    with picky(ours, ours.sign(tmp_path, "broker", "127.0.0.1")) as port:
        target = parse_target(f"kafka://127.0.0.1:{port}/ledger")
        settings = {"security.protocol": "SSL"}
        settings |= {"ssl.ca.location": str(ours.write(tmp_path / "ca.pem"))}
        running = Relay(
            str(target),
            lambda: KafkaBroker(target, settings, None),
            open_home=lambda: world.open().home,
            report=lambda _said: None,
            now=lambda: world.at,
            structured=False,
        )
        with pytest.raises(BrokerRefused, match="certificate required"):
            running.run(follow=False)


@contextmanager
def picky(authority: Authority, papers: Path) -> Iterator[int]:
    """Listen at a port where only clients with a certificate of *authority* are welcome."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())

    def serve() -> None:
        with suppress(OSError):  # of the listener, which is closed in the end
            while True:
                link, _address = listener.accept()
                with suppress(OSError), context.wrap_socket(link, server_side=True):
                    raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
