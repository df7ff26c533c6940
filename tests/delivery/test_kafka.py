"""
Publishing to Kafka, by real processes that are killed: to mock brokers, and to Apache Kafka itself.

HONGBAO_KAFKA names the folder with Kafka's jars (tools/kafka fetches them); without it only the
mock brokers are there. HONGBAO_RELAY_ROUNDS says how often something is killed.
"""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hongbao.delivery import publications
from hongbao.delivery.kafka import KafkaBroker
from hongbao.delivery.publishing import Relay
from hongbao.delivery.targets import parse_target
from hongbao.wallet.restoring import restore
from tests.cli.shell import COMMAND, Said, Shell
from tests.delivery.broker import Consumer
from tests.delivery.brokers import HAS_KAFKA, Kafka, Mock, attributes, messages
from tests.delivery.papers import MECHANISMS, PASSWORD, USER, Authority, sealed_with
from tests.delivery.test_publishing import agrees, entries, held, live
from tests.wallet.world import LI, World

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("HONGBAO_RELAY_ROUNDS", "8"))
PAGE = Path(__file__).parents[2] / "docs/howto/follow-a-ledger-with-kafka.md"

BROKERS = [
    "mock",
    pytest.param(
        "kafka",
        marks=[
            pytest.mark.kafka,
            pytest.mark.skipif(not HAS_KAFKA, reason="HONGBAO_KAFKA names no jars"),
        ],
    ),
]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.new("ours")


@pytest.fixture(scope="module")
def kafka(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    folder = tmp_path_factory.mktemp("kafka")
    hosts = {"right": "127.0.0.1", "other": "example.com"}
    papers = [authority.sign(folder, name, host) for name, host in hosts.items()]
    broker = Kafka(folder / "broker", papers, authority.write(folder / "ours.pem"))
    yield broker
    broker.close()


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "kafka":
        yield request.getfixturevalue("kafka")
        return
    mock = Mock()
    yield mock
    mock.close()


AT = """
import sys
from datetime import datetime
from hongbao import cli
from hongbao.commands import caller
from hongbao.env import system_env
now = datetime.fromisoformat(sys.argv.pop(1))
vars(caller)["system_env"] = lambda: system_env()._replace(now=lambda: now)
raise SystemExit(cli.main(sys.argv[1:]))
"""
"""The command at the world's moment, which the machine's clock is ahead of."""


def shell_of(world: World) -> Shell:
    return Shell(world.folder, "246813")


class Following:
    """A relay that follows, in a process of its own."""

    def __init__(self, shell: Shell, target: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "events", "publish", "--to", target, "--follow", "--json"],
            env=shell.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        assert "ready" == json.loads(line)["event"]

    def end(self, kind: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(kind)
        _out, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


def interrupted(shell: Shell, *argv: str) -> tuple[str, Said]:
    """
    Publish as *argv* says, and press Ctrl-C at the first line for people, which has to end it soon.

    Return that line, and what was said after it.
    """
    relay = subprocess.Popen(
        [*COMMAND, *argv],
        env=shell.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert relay.stderr is not None
    line = relay.stderr.readline()
    relay.send_signal(signal.SIGINT)
    try:
        out, err = relay.communicate(timeout=20)
    finally:
        relay.kill()
    return line, Said(relay.returncode, out, err)


def program(folder: Path) -> Path:
    """Return the consumer of the page, which notices sooner that one of it was killed."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len([line for line in text.splitlines() if line.strip()]) <= 35
    before = '"enable.auto.commit": False'
    assert 1 == text.count(before)
    path = folder / "follow.py"
    sooner = '"session.timeout.ms": 3000, "heartbeat.interval.ms": 500'
    path.write_text(text.replace(before, f"{before}, {sooner}"), "utf-8")
    return path


def table(file: Path) -> tuple[list[int], dict[str, int]]:
    """Return the entries that the page's consumer has, and what its accounts add up to."""
    if not file.exists():
        return [], {}
    with sqlite3.connect(file) as db:
        try:
            rows = [json.loads(data) for (data,) in db.execute("SELECT data FROM event")]
            (query,) = re.findall(r"one query: `(SELECT [^`]*)`", PAGE.read_text("utf-8"))
            sums = dict(db.execute(query))
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error) or "locked" in str(error)  # noqa: PT017
            return [], {}
    return sorted(row["entry"] for row in rows), {name: fen for name, fen in sums.items() if fen}


def test_whatever_is_killed_the_consumer_of_the_page_has_each_act_once(
    world: World, broker: Any, tmp_path: Path
):
    """
    Relays that are killed, stopped and asked to end, acts and consumers that are killed, a broker
    that is killed and started again, and a backup that is restored while a relay follows: each act
    of the ledger is in the consumer's table once, in order, to the fen.
    """
    topic = f"killed-{tmp_path.name}"
    broker.make(topic)
    target = f"kafka://{broker.address}/{topic}"
    shell, dice = shell_of(world), random.Random(20260217)
    argv = [sys.executable, program(tmp_path), broker.address, topic, tmp_path / "events.db"]
    consumer = subprocess.Popen(argv, stderr=subprocess.PIPE, encoding="utf-8")
    relay, ended = Following(shell, target), 0
    relay.ready()
    for number in range(ROUNDS):
        live(world)
        acting = subprocess.Popen(
            [sys.executable, "-P", "-c", AT, world.at.isoformat(), "topup", "1", "-p", LI],
            env=shell.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(dice.random())
        acting.kill()
        acting.wait()
        if number == 1:
            world.zhang.backup(tmp_path / "backup")
            world.close()
        if number == ROUNDS - 2:
            restore(world.env, tmp_path / "backup", accept_older=lambda _last, _noted: True)
            live(world)
        time.sleep(dice.random() / 2)
        kind = dice.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
        if number % 3 == 1:  # one that is stopped, and wakes up behind another's back
            relay.process.send_signal(signal.SIGSTOP)
            code, error = shell.refuses("events", "publish", "--to", target)
            assert (15, "already_publishing") == (code, error["code"])
            relay.process.send_signal(signal.SIGCONT)
        if number == ROUNDS // 2 and isinstance(broker, Kafka):
            broker.kill()
            live(world)
            broker.start()
        code, said = relay.end(kind)
        assert "Traceback" not in said
        assert code == (-signal.SIGKILL if kind == signal.SIGKILL else 0), said
        ended += 1
        if number % 4 == 2:
            assert consumer.poll() is None, consumer.communicate()
            consumer.kill()
            consumer.communicate()
            consumer = subprocess.Popen(argv, stderr=subprocess.PIPE, encoding="utf-8")
        relay = Following(shell, target)
        relay.ready()
    live(world)
    relay.end(signal.SIGKILL)
    shell.does("events", "publish", "--to", target)
    (status,) = shell.answers("events", "status")["publications"]
    with world.open() as wallet:
        expected = entries(wallet), held(wallet)
    until = time.monotonic() + 90
    while table(tmp_path / "events.db") != expected and time.monotonic() < until:
        assert consumer.poll() is None, consumer.communicate()
        time.sleep(0.2)
    consumer.kill()
    consumer.communicate()

    assert expected == table(tmp_path / "events.db")
    assert (0, None) == (status["behind"], status["holder"])
    sent = messages(broker.address, topic)
    sys.stderr.write(f"relays ended: {ended}, messages: {len(sent)}, acts: {len(expected[0])}\n")
    assert len(sent) >= len(expected[0])
    for message in sent:
        lane = attributes(message).get("lane")
        assert message.key() == (None if lane is None else lane.encode())


def test_two_relays_at_once_double_the_count_of_who_does_not_look_at_numbers(
    world: World, broker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    What would be without the lease. Who keeps one number a lane is right even so.
    """
    topic = f"two-{tmp_path.name}"
    broker.make(topic)
    target = parse_target(f"kafka://{broker.address}/{topic}")
    live(world)
    for _relay in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(publications, "_of_note", lambda *_all, **_named: None)
            Relay(
                str(target),
                lambda: KafkaBroker(target, {}, None),
                open_home=lambda: world.open().home,
                report=lambda _said: None,
                now=lambda: world.at,
                structured=False,
            ).run(follow=False)
    naive, careful = 0, Consumer()
    sent = messages(broker.address, topic)
    for message in sent:
        naive += json.loads(message.value())["act"] == "claim"
        careful.take_one(attributes(message), json.loads(message.value()))

    agrees(world, careful)
    claims = [one for one in careful.taken if one["data"]["act"] == "claim"]
    assert claims
    assert naive == 2 * len(claims)
    assert careful.dropped == len(careful.taken)


def test_a_broker_that_is_away_is_waited_for(world: World, tmp_path: Path):
    """
    It is said once, and Ctrl-C ends the waiting at once; without --follow it ends by itself.
    """
    shell = shell_of(world)
    publish = ("events", "publish", "--to", "kafka://127.0.0.1:1/ledger")

    line, waiting = interrupted(shell, *publish, "--follow")
    _line, once = interrupted(shell, *publish)

    # why comes behind it, if the library has said so by then
    assert line.startswith("no broker of kafka://127.0.0.1:1/ledger answers; waiting for one")
    assert (0, "") == (waiting.code, waiting.err)
    assert (130, "") == (once.code, once.out), once.err
    assert "what was acknowledged is noted" in once.err


@pytest.mark.kafka
@pytest.mark.skipif(not HAS_KAFKA, reason="HONGBAO_KAFKA names no jars")
def test_a_topic_that_is_missing_or_forgets_is_refused(world: World, kafka: Kafka):
    """
    And one that takes only small messages refuses an event: nothing is sent behind it.
    """
    shell = shell_of(world)
    target = f"kafka://{kafka.address}/"
    assert (10, "topic_not_found") == _refused(shell, f"{target}none")
    kafka.make("forgetful", **{"cleanup.policy": "compact"})
    assert (21, "topic_forgets") == _refused(shell, f"{target}forgetful")
    kafka.make("small", **{"max.message.bytes": "100"})
    assert (21, "broker_refused") == _refused(shell, f"{target}small")
    assert [] == messages(kafka.address, "small")


def _refused(shell: Shell, target: str) -> tuple[int, str]:
    code, error = shell.refuses("events", "publish", "--to", target)
    return code, error["code"]


@pytest.mark.kafka
@pytest.mark.skipif(not HAS_KAFKA, reason="HONGBAO_KAFKA names no jars")
def test_only_a_broker_with_the_right_certificate_gets_the_password(
    world: World, kafka: Kafka, authority: Authority, tmp_path: Path
):
    """
    Another authority's, another host's, none and a wrong password: nothing is sent, and it is said
    why. With the right ones each mechanism publishes everything.
    """
    live(world)
    shell, path = shell_of(world), tmp_path / "kafka.properties"
    ours = authority.write(tmp_path / "ours.pem")
    other = Authority.new("ours").write(tmp_path / "other.pem")
    right, elsewhere = kafka.secured

    def settings(ca: Path = ours, mechanism: str = MECHANISMS[0], password: str = PASSWORD) -> None:
        path.touch(0o600)
        path.write_text(
            f"security.protocol=SASL_SSL\nssl.ca.location={ca}\nsasl.mechanism={mechanism}\n"
            f"sasl.username={USER}\nsasl.password={password}\n"
        )

    def publish(address: str, *more: str) -> list[str]:
        return ["events", "publish", "--to", f"kafka://{address}/secured", *more]

    def refused(address: str, word: str) -> None:
        said = shell(*publish(address, "--settings", str(path), "--json"))
        *_waiting, last = said.err.splitlines()  # for a slow machine it is away at first
        error = json.loads(last)["error"]
        assert (21, "broker_refused") == (said.code, error["code"])
        assert word in error["reason"]
        assert "midnight" not in said.err

    kafka.make("secured")
    settings(other)
    refused(right, "certificate verify failed")
    settings()
    refused(elsewhere, "certificate verify failed")
    for mechanism in MECHANISMS:
        settings(mechanism=mechanism, password="before-midnight")
        refused(right, "uthentication failed")
    settings()
    for address, more in ((kafka.address, ["--settings", str(path)]), (right, [])):
        line, _said = interrupted(shell, *publish(address, "--follow", *more))
        assert f"no broker of kafka://{address}/secured answers" in line
        assert "Disconnected" in line
    assert [] == messages(kafka.address, "secured")

    for mechanism in MECHANISMS:
        settings(mechanism=mechanism)
        assert "published events" in shell.does(*publish(right, "--settings", str(path))).out
        live(world)
    shell.does(*publish(right, "--settings", str(path)))
    consumer = Consumer()
    for message in messages(kafka.address, "secured"):
        consumer.take_one(attributes(message), json.loads(message.value()))
    agrees(world, consumer)
    assert not consumer.dropped


@pytest.mark.kafka
@pytest.mark.skipif(not HAS_KAFKA, reason="HONGBAO_KAFKA names no jars")
def test_a_broker_that_wants_a_certificate_of_the_client_takes_ours_alone(
    world: World, kafka: Kafka, authority: Authority, tmp_path: Path
):
    """
    In PEM, with a key that a password protects, or in PKCS#12. Without one, or with one of another
    authority, publishing ends at once with the broker's reason, with --follow too.
    """
    live(world)
    shell, path = shell_of(world), tmp_path / "kafka.properties"
    ca = authority.write(tmp_path / "ours.pem")
    ours = authority.sign(tmp_path, "client", "pay.example")
    other = Authority.new("ours").sign(tmp_path, "stranger", "pay.example")
    key, store = sealed_with(PASSWORD, ours)
    kafka.make("mutual")

    def publish(*settings: str, follow: bool = False) -> Said:
        path.touch(0o600)
        lines = ["security.protocol=SSL", f"ssl.ca.location={ca}", *settings]
        path.write_text("\n".join(lines) + "\n")
        typed = ["events", "publish", "--to", f"kafka://{kafka.mutual}/mutual"]
        typed += ["--settings", str(path), "--json"]
        return shell(*typed, *["--follow"] * follow)

    def refused(word: str, *settings: str) -> None:
        for follow in (False, True):
            begun = time.monotonic()
            said = publish(*settings, follow=follow)
            assert time.monotonic() - begun < 20
            error = json.loads(said.err.splitlines()[-1])["error"]
            assert (21, "broker_refused") == (said.code, error["code"])
            assert word in error["reason"]

    def of(certificate: Path, private: Path) -> list[str]:
        return [f"ssl.certificate.location={certificate}", f"ssl.key.location={private}"]

    refused("alert bad certificate")
    refused("alert certificate unknown", *of(other, other))
    assert [] == messages(kafka.address, "mutual")
    assert [] == shell.answers("events", "status")["publications"]

    protected = [*of(ours, key), f"ssl.key.password={PASSWORD}"]
    packed = [f"ssl.keystore.location={store}", f"ssl.keystore.password={PASSWORD}"]
    for settings in (of(ours, ours), protected, packed):
        said = publish(*settings)
        assert 0 == said.code, said
        assert json.loads(said.out)["events"]
        live(world)
    wrong = publish(*of(ours, key), "ssl.key.password=before-midnight")
    assert "broker_settings_refused" == json.loads(wrong.err)["error"]["code"]
    assert "midnight" not in wrong.err
    assert 0 == publish(*of(ours, ours)).code
    consumer = Consumer()
    for message in messages(kafka.address, "mutual"):
        consumer.take_one(attributes(message), json.loads(message.value()))
    agrees(world, consumer)
    assert not consumer.dropped
