"""
Where events are published to: the brokers, and a topic of theirs.

    kafka://HOST[:PORT][,HOST[:PORT]…]/TOPIC

It never has a password: that comes from a file of settings.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from hongbao.errors import InvalidTarget
from hongbao.rows import Row

PORTS = {"kafka": 9092}
"""The schemes that are known, each with its usual port."""

TOPIC_LENGTH_MAX = 128
HOSTS_MAX = 32

_HOST = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?::(?P<port>\d{1,5}))?"
)
_TOPIC = re.compile(r"[A-Za-z0-9._-]+")


class Target(Row):
    """A parsed target; `str` gives its one written form."""

    scheme: str
    hosts: tuple[str, ...]  # each with its port
    topic: str

    def __str__(self) -> str:
        return f"{self.scheme}://{','.join(self.hosts)}/{self.topic}"


def parse_target(text: str) -> Target:
    """
    Parse *text*, as a person typed it or as `str` wrote it.

    >>> str(parse_target("kafka://b1,b2:9094/ledger"))
    'kafka://b1:9092,b2:9094/ledger'

    Raises InvalidTarget, which repeats nothing of it.
    """
    scheme, _, rest = text.strip().partition("://")
    if scheme not in PORTS:
        raise InvalidTarget(problem="scheme")
    places, _slash, topic = rest.partition("/")
    if "@" in places:
        raise InvalidTarget(problem="user")
    hosts = tuple(_host(place, PORTS[scheme]) for place in places.split(","))
    if len(hosts) > HOSTS_MAX:
        raise InvalidTarget(problem="no_host")
    if not topic:
        raise InvalidTarget(problem="no_topic")
    is_topic = _TOPIC.fullmatch(topic) is not None and topic not in (".", "..")
    if not is_topic or len(topic) > TOPIC_LENGTH_MAX:
        raise InvalidTarget(problem="topic")
    return Target(scheme, hosts, topic)


def _host(text: str, port: int) -> str:
    found = _HOST.fullmatch(text)
    if found is None:
        raise InvalidTarget(problem="no_host")
    number = port if found["port"] is None else int(found["port"])
    if not 1 <= number <= 65535:
        raise InvalidTarget(problem="port")
    return f"{found['name']}:{number}"


class Message(Row):
    """
    One message: what it says, under which *key*, with which *headers*.

    Messages of a key arrive in their order. One without a key is for every partition of the topic.
    """

    key: str | None
    value: bytes
    headers: tuple[tuple[str, str], ...]


class ProducerLost(Exception):
    """The library has given up on messages: begin again with another one, from the cursor."""


class Broker(Protocol):
    """Takes messages for a target. What goes wrong for good is raised in our words."""

    @property
    def trouble(self) -> str:
        """Why the last connection to a broker failed, in the library's words; empty if none did."""
        ...

    def connect(self, beat: Callable[[bool], None]) -> None:
        """
        Find the topic; *beat* is called while it waits, and says if none answers.

        What *beat* raises ends this, as it ends `send`. Raises TopicNotFound, BrokerRefused and
        TopicForgets.
        """
        ...

    def send(self, messages: Sequence[Message], beat: Callable[[bool], None]) -> None:
        """
        Send *messages*, and return when all of them are acknowledged.

        Raises BrokerRefused, TopicNotFound and ProducerLost.
        """
        ...

    def close(self) -> None:
        """Let go of the brokers, and of what they have not acknowledged."""
        ...
