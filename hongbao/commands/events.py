"""``hongbao events``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated

from hongbao.answers import EventLine, Events
from hongbao.commands.caller import Caller, talk
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    Limit,
    caller,
    listing,
    listing_group,
    new_app,
    webhook_urls,
    whole,
)
from hongbao.commands.stopping import stopped_by_signals
from hongbao.commands.streams import ServiceLines, answering, forget_output
from hongbao.documents import to_json
from hongbao.errors import Busy, EventNotFound, PublishingInterrupted, UndeliveredEvents
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import PublicationLine, PublishingLine
    from hongbao.home.opened import Home
    from hongbao.wallet import Wallet

app = new_app(cls=listing_group("events:EVENTS"))

LOST = N_("event {event} is in a ledger that a backup has replaced")

LOOK_SECONDS = 0.2
"""How often a watcher looks; a look that finds nothing reads one row."""


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show what happened in the wallet, in order."),
    help=N_(
        "Each event says who did what to which packet or payment. With --follow it "
        "continues until Ctrl-C, and --json prints one document per line."
    ),
    epilog=(
        "hongbao events\nhongbao events --after 120\nhongbao events --follow\n"
        "hongbao events deliveries\nhongbao events resend 120"
    ),
)
def events(
    ctx: Context,
    after: Annotated[
        int | None,
        Option(
            "--after",
            metavar="EVENT",
            parser=whole("--after", 0),
            help=N_("only events after this one; 0 starts with the first"),
        ),
    ] = None,
    limit: Limit = 20,
    follow: Annotated[
        bool,
        Option("--follow", "-f", help=N_("keep running, and show each event as it happens")),
    ] = False,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from hongbao.ui import events as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.events(after=after, limit=limit)
        if found["lost"]:
            call.remark(LOST, event=after)
        if not follow:
            call.answer_list(
                found, screen.EVENTS, lambda answer: screen.show_events(answer["events"])
            )
            if found["more"]:
                _tell_of_more(call, wallet, found, after, limit)
            return
        if call.layout.is_for_programs:
            screen.EVENTS.print_rows([], call.layout)
        try:
            seen = _follow(call, wallet, found, limit)
        except KeyboardInterrupt:  # that is how a watcher leaves
            forget_output()  # it may have been printed already
            return
    _follow_on(call, seen, limit)


@app.command(
    "deliveries",
    cls=listing("watching:DELIVERIES"),
    short_help=N_("List the tries at handing events to programs and webhooks."),
    help=N_("Exits with 25 if a delivery was given up and not made since."),
    epilog="hongbao events deliveries\nhongbao events deliveries --given-up",
)
def deliveries(
    ctx: Context,
    only_given_up: Annotated[
        bool, Option("--given-up", help=N_("only deliveries that were given up"))
    ] = False,
    dismiss: Annotated[
        bool, Option("--dismiss", help=N_("do without the deliveries that were given up"))
    ] = False,
    limit: Limit = 20,
) -> None:
    from hongbao.delivery.cursors import notes_of
    from hongbao.delivery.tries import DISMISSED, Tries, as_line, given_up
    from hongbao.ui import watching as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        record = Tries(notes_of(wallet.home))
        if dismiss:
            for each in given_up(record.all()):
                record.note(each._replace(state=DISMISSED, at=wallet.env.now(), next_at=None))
        tries = record.all()
    lost = given_up(tries)
    shown = (lost if only_given_up else tries)[-limit:]
    call.answer_list({"deliveries": [as_line(each) for each in shown]}, screen.DELIVERIES)
    if lost:
        raise UndeliveredEvents(count=len(lost))


@app.command(
    "resend",
    cls=listing("watching:DELIVERIES"),
    short_help=N_("Send an event to webhooks again, under the same ID."),
    help=N_(
        "Without EVENT, every delivery to a webhook that was given up. Each is tried "
        "once, at once; it exits with 25 if one fails."
    ),
    epilog="hongbao events resend 120\nhongbao events resend\n"
    "hongbao events resend 120 --webhook http://127.0.0.1:8000/hook",
)
def resend(
    ctx: Context,
    event: Annotated[
        str | None,
        Argument(metavar="EVENT", help=N_("the event: its number, or its ID")),
    ] = None,
    webhook: Annotated[
        str | None,
        Option(
            "--webhook",
            metavar="URL",
            autocompletion=webhook_urls,
            help=N_("only to this webhook"),
        ),
    ] = None,
) -> None:
    from hongbao.delivery.cursors import notes_of
    from hongbao.delivery.hooks import Hooks
    from hongbao.delivery.resending import resend as send_again
    from hongbao.delivery.tries import DELIVERED, Tries, as_line
    from hongbao.ui import watching as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        notes = notes_of(wallet.home)
        number = None if event is None else _number(wallet, event)
        tried = send_again(wallet.home, Hooks(notes), Tries(notes), number, webhook)
    call.answer_list({"deliveries": [as_line(each) for each in tried]}, screen.DELIVERIES)
    failed = [each for each in tried if each.state != DELIVERED]
    if failed:
        raise UndeliveredEvents(count=len(failed))


@app.command(
    "publish",
    cls=Command,
    short_help=N_("Publish the events to Kafka, for programs on other machines."),
    help=N_(
        "Each event is sent at least once, in order, with its lane and its number there. It "
        "continues where it stopped, and ends when everything is acknowledged; with --follow it "
        "continues until Ctrl-C or SIGTERM. It exits with 17 if no broker answers."
    ),
    epilog=(
        "hongbao events publish --to kafka://127.0.0.1:9092/ledger\n"
        "hongbao events publish --to kafka://b1,b2:9094/ledger --follow"
    ),
)
def publish(
    ctx: Context,
    to: Annotated[
        str,
        Option(
            "--to",
            metavar="URL",
            help=N_("the brokers and the topic, as in the examples"),
        ),
    ],
    follow: Annotated[
        bool, Option("--follow", "-f", help=N_("keep running, and publish events as they happen"))
    ] = False,
    settings: Annotated[
        str | None,
        Option(
            "--settings",
            metavar="FILE",
            help=N_("a file with settings of how to connect: TLS, user and password"),
        ),
    ] = None,
    structured: Annotated[
        bool,
        Option(
            "--structured", help=N_("put CloudEvents' attributes into the JSON, not in headers")
        ),
    ] = False,
) -> None:
    from functools import partial

    from hongbao.delivery.kafka import KafkaBroker, library, read_settings
    from hongbao.delivery.publishing import Relay
    from hongbao.delivery.targets import parse_target

    call = caller(ctx)
    target = parse_target(to)
    path = None if settings is None else Path(settings)
    said = {} if path is None else read_settings(path)
    library()
    screen = _Publishing(call, follow=follow)
    relay = Relay(
        str(target),
        partial(KafkaBroker, target, said, path),
        open_home=lambda: _opened(call),
        report=screen.put,
        now=call.env.now,
        structured=structured,
    )
    try:
        with stopped_by_signals(relay.stop):
            relay.run(follow=follow)
        screen.end()
        if relay.is_stopped and not follow:
            raise PublishingInterrupted
    except KeyboardInterrupt:  # the second one: what is in flight may arrive, and is sent again
        if not follow:
            raise PublishingInterrupted from None
        if not relay.is_stopped:
            raise
        forget_output()


@app.command(
    "status",
    cls=listing("publishing:PUBLICATIONS"),
    short_help=N_("Show how far events were published, and what waits."),
    epilog="hongbao events status\nhongbao events status --json",
)
def status(ctx: Context) -> None:
    from hongbao.delivery.publications import publications
    from hongbao.queries.publishing import reader_of, unsealed
    from hongbao.ui import publishing as screen
    from hongbao.units import iso_or_none

    call = caller(ctx)
    with call.wallet() as wallet:
        home = wallet.home
        found: list[PublicationLine] = []
        for each in publications(home):
            count, since = reader_of(home).behind(home, each.place.spot)
            found.append(
                {
                    "target": each.target,
                    "published": each.place.published,
                    "behind": count,
                    "since": iso_or_none(since),
                    "epoch": each.place.spot and each.place.spot.epoch,
                    "at": iso_or_none(each.place.at),
                    "holder": each.holder,
                    "fence": each.fence,
                }
            )
        waiting = unsealed(home)
    call.answer_list({"publications": found, "unsealed": waiting}, screen.PUBLICATIONS)


@contextmanager
def _opened(call: Caller) -> "Iterator[Home]":
    with call.wallet() as wallet:
        yield wallet.home


class _Publishing:
    """Where a relay's lines go: for people, what is waited for is on standard error."""

    def __init__(self, call: Caller, *, follow: bool) -> None:
        self._call, self._follow = call, follow
        self._lines = ServiceLines(talk)

    def end(self) -> None:
        """Forget lines that could not be printed."""
        self._lines.end()

    def put(self, said: "PublishingLine") -> None:
        """Print one line of the relay; without --follow only the last, and what it waits for."""
        from hongbao.ui import publishing as screen

        if not self._call.as_json and said["event"] in ("waiting", "again"):
            talk(screen.trouble(said))
        elif not self._follow:
            if said["event"] == "done":
                self._call.answer(said, screen.show_published)
        elif self._call.as_json:
            with self._lines.line():
                print(to_json(said, encoding=sys.stdout.encoding))
        else:
            with self._lines.line():
                screen.show_said(said)


def _number(wallet: "Wallet", typed: str) -> int:
    """Return the number of the event that was *typed*. Raises InvalidNumber and EventNotFound."""
    from hongbao.domain.ids import event_number
    from hongbao.queries.watching import event_in

    number = event_number(typed)
    if number is None:
        return whole("EVENT", 1)(typed)
    if event_in(wallet.home, number)["id"] != typed.strip():
        raise EventNotFound(event=number, last=wallet.events(limit=1)["last"])
    return number


def _tell_of_more(
    call: Caller, wallet: "Wallet", found: Events, after: int | None, limit: int
) -> None:
    events = found["events"]
    if after is None:
        before = wallet.events(limit=limit + len(events))["events"][0]["event"] - 1
        call.hint(N_("see earlier ones: `hongbao events --after {event}`"), event=before)
    else:
        call.hint(N_("continue: add `--after {event}`"), event=events[-1]["event"])


def _follow(call: Caller, wallet: "Wallet", found: Events, limit: int) -> int:
    """
    Print the *found* events and all that follow; return when another ledger has come.

    Returns the last event that was printed: a restore is the next one after it.
    """
    seen = found["last"]
    while True:
        for event in found["events"]:
            if event["event"] <= found["last"]:  # another may still come before what is newer
                _tell(call, event)
                seen = event["event"]
        if seen >= found["last"]:
            sleep(LOOK_SECONDS)
        try:
            found = wallet.events(after=seen, limit=limit)
        except Busy:
            return seen


def _follow_on(call: Caller, seen: int, limit: int) -> None:
    """Continue after the event *seen*, each time the home has new keys or another ledger."""
    try:
        while True:
            sleep(LOOK_SECONDS)
            with suppress(Busy), call.wallet() as wallet:
                seen = _follow(call, wallet, wallet.events(after=seen, limit=limit), limit)
    except KeyboardInterrupt:
        forget_output()


def _tell(call: Caller, event: EventLine) -> None:
    from hongbao.ui import events as screen

    with answering():
        if call.as_json:
            shown = event if call.columns is None else screen.EVENTS.chosen(event, call.columns)
            print(to_json(shown, encoding=sys.stdout.encoding))
        elif call.list_options:
            screen.EVENTS.print_rows([event], call.layout, is_more=True)
        else:
            screen.show_event(event)
