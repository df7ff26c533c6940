"""Delivery: cursors, programs, webhooks."""

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    NotFound,
    NotIntact,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_


class InvalidCursor(UsageError):
    """A cursor's name is 1 to 64 letters, digits, hyphens or underscores."""

    cursor: str = example("my cursor", kw_only=False, shape=shortened)

    sentence = N_("{cursor} cannot name a cursor")
    advice = N_("use up to 64 letters, digits, - and _, beginning with a letter or a digit")


class CursorInUse(HongbaoError):
    """Another process reads with this cursor: each would take events from the other."""

    cursor: str = example("till")

    exit_code = ExitCode.BUSY
    sentence = N_("another hongbao is reading with the cursor {cursor}")
    advice = N_("stop it, or choose another name with --cursor")


class NoSuchEvent(UsageError):
    """No event is ever called that."""

    event: str = example("payed", kw_only=False, shape=shortened)

    sentence = N_("no event is called {event}")
    advice = N_(
        "use one such as new_packet, claimed, finished, refunded, held or settled; "
        "`hongbao events --json` shows others"
    )


class EventNotSeen(NotFound):
    """The time was over before what a watcher waited for had happened."""

    seconds: int = example(10)

    sentence = N_("what you waited for did not happen in time ({seconds} s)")


class InvalidProgram(UsageError):
    """What --exec names is no command line: it is empty, or a quotation mark is not closed."""

    program: str = example("notify-send 'new", kw_only=False, shape=shortened)

    sentence = N_("{program} is not a command line: it is empty, or a quotation mark is open")


class InvalidUrl(UsageError):
    """A webhook's URL cannot be used; *problem* is one of the keys below."""

    url: str = example("ftp://127.0.0.1/", kw_only=False, shape=shortened)
    problem: str = example(
        "scheme",
        words={
            "characters": N_("it has spaces, or characters outside ASCII"),
            "fragment": N_("it has a fragment, behind #"),
            "no_host": N_("it names no host"),
            "password": N_("it has a user name; the signature says who sends"),
            "scheme": N_("it begins with neither http:// nor https://"),
            "unreadable": N_("it is not a URL"),
        },
    )

    sentence = N_("{url} cannot be a webhook: {problem}")


class NotLoopback(UsageError):
    """A webhook's host is another machine, and that is not allowed."""

    host: str = example("example.com")

    sentence = N_("{host} is not this machine")
    advice = N_("allow events to leave this machine with `hongbao webhook add URL --any-host`")


class WebhookExists(UsageError):
    """There is a webhook at this URL; its secret is not shown again."""

    webhook: str = example("http://127.0.0.1:8000/")

    sentence = N_("there is a webhook at {webhook}")
    advice = N_("for a new secret, use `hongbao webhook rotate {webhook}`")


class WebhookNotFound(NotFound):
    """There is no webhook at this URL."""

    webhook: str = example("http://127.0.0.1:8000/")

    sentence = N_("there is no webhook at {webhook}")
    advice = N_("add it, and get its secret: `hongbao webhook add {webhook}`")


class InvalidWebhookSecret(UsageError):
    """A webhook's secret is whsec_ and 24 to 64 bytes in base64."""

    sentence = N_("this is not a webhook's secret: whsec_ and 24 to 64 bytes in base64")


WEBHOOK_PROBLEMS = {
    "no_id": N_("the header webhook-id is missing"),
    "no_timestamp": N_("the header webhook-timestamp is missing"),
    "no_signature": N_("the header webhook-signature is missing"),
    "timestamp_unreadable": N_("webhook-timestamp is not a number of seconds since 1970"),
    "timestamp_in_milliseconds": N_("webhook-timestamp is in milliseconds, not in seconds"),
    "too_old": N_("it was sent more than five minutes ago"),
    "too_new": N_("it is dated more than five minutes ahead"),
    "no_v1": N_("no signature begins with v1 and a comma"),
    "version_missing": N_("the signature fits, but v1 and a comma before it are missing"),
    "body_line_end": N_("the signature fits a body with another end of its last line"),
    "secret_not_decoded": N_("it was signed with the text of the secret, which is base64"),
    "hexadecimal": N_("the signature is in hexadecimal, not in base64"),
    "signature_differs": N_("no signature fits the body, the ID, the time and the secret"),
}


class WebhookNotGenuine(NotIntact):
    """A request is not one that was signed with this secret, or not now; *problem* says why."""

    problem: str = example("signature_differs", words=WEBHOOK_PROBLEMS)
    problems: list[str] = example(["signature_differs"])

    sentence = N_("this request is not genuine: {problem}")


class UndeliveredEvents(HongbaoError):
    """Deliveries were given up after the last try."""

    count: int = example(2)

    exit_code = ExitCode.UNDELIVERED
    sentence = N_("deliveries that were given up: {count}")
    advice = N_(
        "see them with `hongbao events deliveries`; send them again with `hongbao events resend`"
    )


class DeliveriesPending(HongbaoError):
    """Deliveries wait for another try, by the next watcher with the same cursor."""

    count: int = example(2)
    cursor: str = example("default")

    exit_code = ExitCode.PENDING
    sentence = N_("deliveries that wait for another try: {count}")
    advice = N_("the next watcher with the cursor {cursor} and the same targets tries again")
