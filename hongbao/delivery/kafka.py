"""
Kafka: a producer that neither loses a message nor sends one before an earlier one.

It is idempotent, waits for all replicas that are in sync, never gives a message up because time is
over, and stops where one of them fails, rather than going on behind a hole.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from hongbao.delivery.targets import Message, ProducerLost, Target
from hongbao.errors import (
    BrokerRefused,
    BrokerSettingsRefused,
    InvalidBrokerSettings,
    KafkaMissing,
    TopicForgets,
    TopicNotFound,
)
from hongbao.inputs import read_whole

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer

_SAFE = {
    "enable.idempotence": True,
    "acks": "all",
    "enable.gapless.guarantee": True,
    "message.timeout.ms": 0,  # endless: one that times out is a hole
    "partitioner": "murmur2_random",  # where Java's clients put a key, too
    "allow.auto.create.topics": False,
}
"""What no file of settings changes."""

_USUAL = {
    "client.id": "hongbao",
    "linger.ms": 5,
    "reconnect.backoff.max.ms": 2000,
}

_ALLOWED = re.compile(
    r"(ssl|sasl|socket|broker|reconnect|metadata|topic\.metadata)\..+|security\.protocol"
    r"|client\.(id|rack)|compression\.(type|codec|level)|linger\.ms|batch\.size"
    r"|message\.max\.bytes|request\.timeout\.ms"
)
_SECRET = re.compile(
    r"sasl\.password|sasl\.jaas\.config|ssl\.(key|keystore)\.(password|pem)"
    r"|sasl\.oauthbearer\..*secret"
)
_FILE = re.compile(r"ssl\.(ca|certificate|crl|key|keystore)\.location")
_SETTINGS_BYTES_MAX = 1 << 16

_ASKING_SECONDS = 2.0
_SILENT_SECONDS = 3.0
"""How long nothing is acknowledged before that is worth telling."""


def read_settings(path: Path) -> dict[str, str]:
    """
    Return the settings in the file at *path*, as Kafka's own programs write them: ``name=value``.

    Only how to connect may be set. Raises what `read_whole` raises, and InvalidBrokerSettings.
    """
    text = read_whole(path, _SETTINGS_BYTES_MAX)
    is_open = bool(path.stat().st_mode & 0o077)
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        name, sign, value = (part.strip() for part in line.partition("="))
        problem = "not_a_setting" if not sign or not value else None
        if problem is None and (_ALLOWED.fullmatch(name) is None or name in _SAFE):
            problem = "unknown"
        if problem is None and _SECRET.fullmatch(name) and is_open:
            problem = "open"
        if problem is None and _FILE.fullmatch(name) and not _can_be_read(Path(value)):
            problem = "unreadable"
        if problem is not None:
            raise InvalidBrokerSettings(path=str(path), line=number, problem=problem)
        found[name] = value
    return found


def _can_be_read(path: Path) -> bool:
    """Return whether *path* is a file that can be read, or a folder, as authorities may be in."""
    if path.is_dir() or str(path) == "probe":  # where the system has its authorities
        return True
    try:
        path.open("rb").close()
    except (OSError, ValueError):
        return False
    return True


def library() -> Any:
    """Return confluent-kafka. Raises KafkaMissing."""
    try:
        import confluent_kafka
    except ImportError:
        raise KafkaMissing from None
    return confluent_kafka


class _Log:
    """Takes what the library logs, and keeps why a connection failed; the rest comes as errors."""

    def __init__(self) -> None:
        self.failure = ""

    @property
    def is_refusal(self) -> bool:
        """Whether the broker has refused this client, which does not pass."""
        alert = _ALERT.search(self.failure)
        return alert is not None and int(alert[1]) in _REFUSALS

    def log(self, _level: int, _form: str, *said: str) -> None:
        if said[0] == "FAIL":
            self.failure = _plain(said[-1].rpartition("]: ")[2])


_ALERT = re.compile(r"SSL alert number (\d+)")
_REFUSALS = frozenset({40, *range(42, 50), 70, 71, 116})
"""
TLS alerts that are about who asks: no certificate, one that is not trusted or valid any more, no
version or cipher in common. The library takes them for a lost connection, since with TLS 1.3 they
come after the handshake.
"""


class KafkaBroker:
    """The brokers of a *target*, connected to with *settings* (see `read_settings`)."""

    def __init__(self, target: Target, settings: Mapping[str, str], path: Path | None) -> None:
        self._target = target
        self._kafka = library()
        self._config: dict[str, Any] = {
            **_USUAL,
            **settings,
            **_SAFE,
            "bootstrap.servers": ",".join(target.hosts),
        }
        self._log = _Log()
        self._partitions: list[int] = []
        self._failed: KafkaError | None = None
        self._is_away = False
        self._left = 0
        try:
            self._producer: Producer = self._kafka.Producer(
                {**self._config, "error_cb": self._note, "logger": self._log}
            )
        except (self._kafka.KafkaException, ValueError, TypeError) as error:
            reason = _without_secrets(settings, _refusal(error))
            raise BrokerSettingsRefused(path=str(path), reason=reason) from None

    @property
    def trouble(self) -> str:
        return self._log.failure

    def connect(self, beat: Callable[[bool], None]) -> None:
        topic = self._target.topic
        while True:
            try:
                found = self._producer.list_topics(topic, timeout=_ASKING_SECONDS).topics[topic]
            except self._kafka.KafkaException as error:
                self._poll(0)
                self._check()
                if not _may_pass(error.args[0]):
                    raise self._in_words(error.args[0]) from None
                beat(True)
                continue
            if found.error is None:
                break
            if not _may_pass(found.error) or found.error.name() in _NO_TOPIC:
                raise self._in_words(found.error)
            beat(True)
        self._partitions = sorted(found.partitions)
        self._check_keeps(topic)
        self._is_away = False
        beat(False)

    def _check_keeps(self, topic: str) -> None:
        """Raise TopicForgets if the topic is compacted; who may not see that is not warned."""
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.admin._config import ConfigResource

        asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
        config: Any = {**self._config, "logger": _Log()}
        admin = AdminClient(config)  # has to be there until the answer is
        try:
            found = admin.describe_configs([asked], request_timeout=3)[asked].result()
        except self._kafka.KafkaException as error:
            if error.args[0].name() in _NOT_SHOWN:
                return
            raise self._in_words(error.args[0]) from None
        if "compact" in found["cleanup.policy"].value:
            raise TopicForgets(topic=topic)

    def send(self, messages: Sequence[Message], beat: Callable[[bool], None]) -> None:
        self._left = 0
        heard_at = monotonic()
        for message in messages:
            for partition in [None] if message.key is not None else self._partitions:
                while not self._taken(message, partition):
                    self._poll(0.1)
                    self._check()
                    beat(self._is_away)
        left = self._left
        while self._left:
            self._poll(0.2)
            self._check()
            if self._left < left:
                left, heard_at, self._is_away = self._left, monotonic(), False
            beat(self._is_away or monotonic() - heard_at > _SILENT_SECONDS)
        beat(False)

    def _taken(self, message: Message, partition: int | None) -> bool:
        """Hand *message* to the library; False if it has too many already."""
        produce: Any = self._producer.produce  # which has no word for "wherever the key says"
        try:
            produce(
                self._target.topic,
                value=message.value,
                key=message.key,
                headers=[(name, value.encode()) for name, value in message.headers],
                on_delivery=self._report,
                **({} if partition is None else {"partition": partition}),
            )
        except BufferError:
            return False
        except self._kafka.KafkaException as error:
            raise self._in_words(error.args[0]) from None
        self._left += 1
        return True

    def close(self) -> None:
        try:
            self._producer.purge()
            self._producer.flush(1)
        except self._kafka.KafkaException:
            return  # it has given up on all of them already

    def _poll(self, seconds: float) -> None:
        """Let the library report what has happened, for at most so long."""
        try:
            self._producer.poll(seconds)
        except self._kafka.KafkaException as error:  # so it reports what is fatal
            self._note(error.args[0])

    # --- what the library says -------------------------------------------------------------------

    def _report(self, error: "KafkaError | None", _message: object) -> None:
        if error is None:
            self._left -= 1
        elif self._failed is None or _is_fatal(self._failed):
            self._failed = error  # what says why, rather than that all is over

    def _note(self, error: "KafkaError") -> None:
        """Note what concerns no message in particular."""
        if error.name() == "_ALL_BROKERS_DOWN":
            self._is_away = True
        elif error.name() in _FOR_GOOD or _is_fatal(error):
            self._failed = self._failed or error

    def _check(self) -> None:
        """Raise what the library has reported; its messages say better than itself what failed."""
        if self._log.is_refusal:
            raise BrokerRefused(target=str(self._target), reason=self._log.failure)
        if self._failed is None:
            return
        until = monotonic() + _ASKING_SECONDS
        while _is_fatal(self._failed) and self._left and monotonic() < until:
            self._poll(0.1)
        raise self._in_words(self._failed)

    def _in_words(self, error: "KafkaError") -> Exception:
        if _is_fatal(error) or error.name() in _UNSENT:
            return ProducerLost(error.str())
        if error.name() in _NO_TOPIC:
            return TopicNotFound(topic=self._target.topic)
        return BrokerRefused(target=str(self._target), reason=_plain(error.str()))


_NO_TOPIC = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})
_NOT_SHOWN = frozenset(
    {
        *("TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"),
        *("_UNSUPPORTED_FEATURE", "UNSUPPORTED_VERSION", "_TIMED_OUT"),
    }
)
"""Why a topic's settings may stay unknown."""

_FOR_GOOD = frozenset({"_AUTHENTICATION", "_SSL"})
_AWAY = frozenset({"_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE"})


_UNSENT = frozenset({"_PURGE_QUEUE", "_PURGE_INFLIGHT", "_GAPLESS_GUARANTEE"})


_ABOUT = re.compile(r" \(after \d+ms in state \w+(?:, \d+ identical error\(s\) suppressed)?\)$")
_CALLED = re.compile(r"^(?:\w+://)?(\S+)/(?:bootstrap|\d+): ")


def _plain(said: str) -> str:
    """
    Return what the library has *said* of a connection without what only its makers read.

    >>> _plain("ssl://b1:9093/bootstrap: handshake failed (after 12ms in state SSL_HANDSHAKE)")
    'b1:9093: handshake failed'
    """
    return _CALLED.sub(r"\1: ", _ABOUT.sub("", said))


def _refusal(error: Exception) -> str:
    """Return the library's own words for settings that it does not take."""
    said = error.args[0] if error.args else ""
    words = str(said if isinstance(said, str) else said.str())
    return words.removeprefix("Failed to create producer: ")


def _without_secrets(settings: Mapping[str, str], text: str) -> str:
    for name, value in settings.items():
        if _SECRET.fullmatch(name):
            text = text.replace(value, "…")
    return text


def _is_fatal(error: "KafkaError") -> bool:
    return error.fatal() or error.name() == "_FATAL"


def _may_pass(error: "KafkaError") -> bool:
    return error.name() in _AWAY or error.retriable()
