"""Brokers for the tests: librdkafka's own mock of Kafka, and Apache Kafka itself where it is."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.delivery.papers import MECHANISMS, PASSWORD, USER

PARTITIONS = 4

FOLDER = os.environ.get("HONGBAO_KAFKA")
"""Where Kafka's jars are (tools/kafka fetches them)."""

HAS_KAFKA = FOLDER is not None and shutil.which("java") is not None

_CLUSTER = "AAAAAAAAQACAAAAAAAAAAQ"
_MOCK = """
import sys
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0}
mock = AdminClient(settings)
found = mock.list_topics(timeout=10)
print(",".join(f"{each.host}:{each.port}" for each in found.brokers.values()), flush=True)
sys.stdin.read()
"""


class Mock:
    """Mock brokers, in a process of their own; topics appear when they are asked for."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MOCK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address

    def make(self, topic: str) -> None:
        """Have *topic* appear."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.address, "log_level": 0})
        producer.list_topics(topic, timeout=10)

    def close(self) -> None:
        self._process.communicate("")


_SECURED = """\
sasl.enabled.mechanisms={mechanisms}
listener.name.{name}.ssl.keystore.type=PEM
listener.name.{name}.ssl.keystore.location={papers}
listener.name.{name}.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
"""


_MUTUAL = """\
listener.name.mutual.ssl.keystore.type=PEM
listener.name.mutual.ssl.keystore.location={papers}
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location={authority}
listener.name.mutual.ssl.client.auth=required
"""


class Kafka:
    """
    Apache Kafka, one broker in KRaft mode, with its data in *folder*.

    With *papers*, files with a key and a certificate, it has one more address for each, in
    *secured*: there it takes only TLS, and only `USER` with their password. With the certificate of
    an *authority* it has one in *mutual*, with the first papers: there a client has to have a
    certificate of that authority, and needs no password.
    """

    def __init__(
        self, folder: Path, papers: Sequence[Path] = (), authority: Path | None = None
    ) -> None:
        assert FOLDER is not None
        ports = _free_ports(3 + len(papers))
        self.address = f"127.0.0.1:{ports[0]}"
        self.mutual = f"127.0.0.1:{ports[2]}"
        self.secured = [f"127.0.0.1:{port}" for port in ports[3:]]
        self._port = ports[0]
        self._folder = folder
        self._jars = str(Path(FOLDER) / "*")
        folder.mkdir(parents=True)
        self._settings = folder / "server.properties"
        listeners = [f"PLAINTEXT://{self.address}", f"CONTROLLER://127.0.0.1:{ports[1]}"]
        listeners += [f"SECURED{n}://{address}" for n, address in enumerate(self.secured)]
        kinds = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
        kinds += [f"SECURED{n}:SASL_SSL" for n in range(len(papers))]
        secured = [
            _SECURED.format(
                name=f"secured{n}",
                papers=path,
                mechanisms=",".join(MECHANISMS),
                user=USER,
                password=PASSWORD,
            )
            for n, path in enumerate(papers)
        ]
        if authority is not None:
            listeners.append(f"MUTUAL://{self.mutual}")
            kinds.append("MUTUAL:SSL")
            secured.append(_MUTUAL.format(papers=papers[0], authority=authority))
        self._settings.write_text(
            f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{ports[1]}
listeners={",".join(listeners)}
listener.security.protocol.map={",".join(kinds)}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
num.partitions={PARTITIONS}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
{"".join(secured)}"""
        )
        argv = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._settings)]
        if papers:
            argv += ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
        self._java(*argv)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _argv(self, *words: str) -> list[str]:
        quick = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        return ["java", *quick, "-cp", self._jars, *words]

    def _java(self, *words: str) -> None:
        subprocess.run(self._argv(*words), check=True, capture_output=True, cwd=self._folder)

    def start(self) -> None:
        """Start it, and return when it answers."""
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                self._argv("kafka.Kafka", str(self._settings)),
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        for _try in range(1200):
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except ConnectionRefusedError:
                assert self._process.poll() is None, (self._folder / "log.txt").read_text()
                time.sleep(0.1)
            else:
                return
        raise AssertionError("Kafka does not answer")

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def make(self, topic: str, **config: str) -> None:
        """Make a *topic*."""
        from confluent_kafka import admin as kafka

        admin = kafka.AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        asked = kafka.NewTopic(topic, PARTITIONS, 1, config=config)  # type: ignore[attr-defined]
        for made in admin.create_topics([asked]).values():
            made.result(60)

    def close(self) -> None:
        self.kill()


def messages(address: str, topic: str) -> list[Any]:
    """Return every message of *topic*, partition by partition."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer: Any = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "all",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    found: list[list[Any]] = [[] for _ in range(PARTITIONS)]
    ended: set[int] = set()
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    try:
        while len(ended) < PARTITIONS:
            message = consumer.poll(30)
            assert message is not None
            if message.error() is None:
                found[message.partition()].append(message)
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
    finally:
        consumer.close()
    return [message for partition in found for message in partition]


def attributes(message: Any) -> dict[str, str]:
    """Return the headers of a *message* that are CloudEvents' attributes."""
    return {name.removeprefix("ce_"): value.decode() for name, value in message.headers()}


def _free_ports(count: int) -> Sequence[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
