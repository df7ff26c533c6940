"""Publishing: brokers, topics, and who publishes."""

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    NotFound,
    NotIntact,
    Unusable,
    UsageError,
    example,
)
from hongbao.words import N_


class InvalidTarget(UsageError):
    """Where events are to be published cannot be read. It is not repeated: it may hold a secret."""

    problem: str = example(
        "scheme",
        words={
            "scheme": N_("it does not begin with kafka://"),
            "no_host": N_("it names no host"),
            "no_topic": N_("it names no topic"),
            "topic": N_("a topic has letters, digits, dots, underscores and hyphens"),
            "port": N_("a port is a number from 1 to 65535"),
            "user": N_("it has a user name or a password; they come from a file"),
        },
    )

    sentence = N_("events cannot be published there: {problem}")
    advice = N_("write `kafka://HOST:PORT/TOPIC`, with commas between several hosts")


class KafkaMissing(Unusable):
    """The library that speaks to Kafka is not installed, or is too old."""

    sentence = N_("publishing to Kafka needs confluent-kafka, which is not installed")
    advice = N_("install it with `pip install 'hongbao[kafka]'`")


class InvalidBrokerSettings(UsageError):
    """A line of the file with a broker's settings cannot be used. What it says is not repeated."""

    path: str = example("kafka.properties")
    line: int = example(3)
    problem: str = example(
        "unknown",
        words={
            "not_a_setting": N_("it is not a line of the form `name=value`"),
            "unknown": N_("it is not a setting of how to connect"),
            "open": N_("the file has a password, and others can read it: `chmod 600`"),
            "unreadable": N_("the file that it names is missing or cannot be read"),
        },
    )

    sentence = N_("line {line} of {path}: {problem}")
    advice = N_("docs/howto/follow-a-ledger-with-kafka.md lists what may be set")


class BrokerSettingsRefused(UsageError):
    """The library cannot connect with these settings; *reason* is its own word, in English."""

    path: str = example("kafka.properties")
    reason: str = example("sasl.username and sasl.password must be set")

    sentence = N_("the settings in {path} cannot be used: {reason}")
    advice = N_("docs/howto/follow-a-ledger-with-kafka.md lists what may be set")


class TopicNotFound(NotFound):
    """The broker has no such topic. It is not made here: how many partitions it has is for good."""

    topic: str = example("hongbao")

    sentence = N_("the broker has no topic {topic}")
    advice = N_("make it, with as many partitions as you will ever want, and without compaction")


class TopicForgets(Unusable):
    """A topic keeps only the last message of each key, so that events would be erased."""

    topic: str = example("hongbao")

    sentence = N_("the topic {topic} is compacted: it would forget all events but the last of each")
    advice = N_("set its cleanup.policy to `delete`, or publish to another topic")


class BrokerRefused(Unusable):
    """A broker does not take an event; *reason* is its own word, in English."""

    target: str = example("kafka://127.0.0.1:9092/hongbao")
    reason: str = example("Broker: Topic authorization failed")

    sentence = N_("{target} takes no events: {reason}")
    advice = N_("nothing is lost: correct that, and publish again")


class BrokerAway(HongbaoError):
    """No broker has answered in time; what was published before is noted."""

    target: str = example("kafka://127.0.0.1:9092/hongbao")
    seconds: int = example(30)
    reason: str = example("Connect to ipv4#127.0.0.1:9092 failed: Connection refused")

    exit_code = ExitCode.PENDING
    sentence = N_("no broker of {target} has answered for {seconds} s: {reason}")
    advice = N_("nothing is lost: publish again later; with --follow it is waited for")


class PublishingInterrupted(HongbaoError):
    """Ctrl-C while events were published: those that were acknowledged are noted."""

    exit_code = ExitCode.INTERRUPTED
    sentence = N_("interrupted; what was acknowledged is noted, the rest is published next time")
    advice = N_("see how far it is with `hongbao events status`")


class AlreadyPublishing(HongbaoError):
    """Another hongbao publishes to this target: two would send events out of their order."""

    target: str = example("kafka://127.0.0.1:9092/hongbao")
    holder: str = example("shop-2 (4711)")

    exit_code = ExitCode.BUSY
    sentence = N_("another hongbao is publishing to {target}: {holder}")
    advice = N_("let it run; this one can take over when that one has ended")


class RelayReplaced(HongbaoError):
    """Another hongbao has taken over publishing to this target, since this one was not heard of."""

    target: str = example("kafka://127.0.0.1:9092/hongbao")
    fence: int = example(3)

    exit_code = ExitCode.BUSY
    sentence = N_("another hongbao has taken over publishing to {target}")
    advice = N_("let it run; what this one has sent twice, receivers drop by its number")


class PublicationDiverged(NotIntact):
    """The ledger is not the one whose events were published, and does not say what became of it."""

    sentence = N_("this is not the ledger whose events were published, or it was put back by hand")
    advice = N_("publish to another topic, and have receivers begin again with it")
