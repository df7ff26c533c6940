"""``hongbao watch``."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Literal

from hongbao.commands.caller import Caller, talk
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, cursor_names, new_app, webhook_urls, whole
from hongbao.commands.stopping import stopped_by_signals
from hongbao.commands.streams import answering, forget_output
from hongbao.documents import to_json
from hongbao.domain.dates import parse_duration
from hongbao.errors import DeliveriesPending, NoSuchEvent, UndeliveredEvents
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import WatchedEvent, WatchReady
    from hongbao.delivery.sending import Report, Target
    from hongbao.delivery.tries import Try
    from hongbao.home.opened import Home
    from hongbao.ui.watching import Screen
    from hongbao.vault import Notes

app = new_app()


def _kinds(incomplete: str) -> list[str]:
    from hongbao.queries.watching import known_kinds

    return sorted(kind for kind in known_kinds() if kind.startswith(incomplete))


@app.command(
    cls=Command,
    short_help=N_("Follow what happens to you, or to everyone, as it happens."),
    help=N_(
        "It runs until Ctrl-C, or until --for, --count or --until ends it. In a pipe, "
        "and with --json, it prints one document per line, the first of them when it is "
        "ready. With --exec or --webhook each event is handed over at least once: the "
        "cursor moves only after that."
    ),
    epilog=(
        "hongbao watch\n"
        "hongbao watch --all --json --cursor till\n"
        "hongbao watch --until finished --for 1m\n"
        "hongbao watch --webhook http://127.0.0.1:8000/hook"
    ),
)
def watch(
    ctx: Context,
    everyone: Annotated[
        bool, Option("--all", help=N_("all that happens in the wallet, not only to you"))
    ] = False,
    after: Annotated[
        int | None,
        Option(
            "--after",
            metavar="EVENT",
            parser=whole("--after", 0),
            help=N_("begin after this event, wherever the cursor is; 0 is before the first"),
        ),
    ] = None,
    cursor: Annotated[
        str | None,
        Option(
            "--cursor",
            metavar="CURSOR",
            autocompletion=cursor_names,
            help=N_("continue where the last watcher with this cursor stopped"),
        ),
    ] = None,
    seconds: Annotated[
        timedelta | None,
        Option(
            "--for",
            metavar="DURATION",
            parser=parse_duration,
            help=N_("stop after this time, such as 30s"),
        ),
    ] = None,
    count: Annotated[
        int | None,
        Option(
            "--count",
            metavar="COUNT",
            parser=whole("--count", 1),
            help=N_("stop after so many events"),
        ),
    ] = None,
    until: Annotated[
        str | None,
        Option(
            "--until",
            metavar="EVENT",
            autocompletion=_kinds,
            help=N_("stop after an event of this kind, such as finished"),
        ),
    ] = None,
    program: Annotated[
        str | None,
        Option(
            "--exec",
            metavar="PROGRAM",
            help=N_("run a program for each event, with the event on its standard input"),
        ),
    ] = None,
    webhook: Annotated[
        list[str] | None,
        Option(
            "--webhook",
            metavar="URL",
            autocompletion=webhook_urls,
            help=N_("post each event to a webhook (`hongbao webhook`)"),
        ),
    ] = None,
    stamp: Annotated[
        Literal["real", "virtual"] | None,
        Option(
            "--stamp",
            help=N_("the time that webhooks are signed with: the real one, or the event's"),
        ),
    ] = None,
    ready_file: Annotated[
        str | None,
        Option("--ready-file", metavar="FILE", help=N_("write the first line to FILE, too")),
    ] = None,
) -> None:
    from hongbao.delivery.cursors import DEFAULT, Cursor, check_name, notes_of
    from hongbao.delivery.sending import Courier
    from hongbao.delivery.tries import Tries, last_tries
    from hongbao.delivery.watching import Ends, Watch
    from hongbao.queries.watching import place_at

    call = caller(ctx)
    ends = Ends(None if seconds is None else int(seconds.total_seconds()), count, _kind(until))
    if cursor is not None:
        check_name(cursor)
    elif program is not None or webhook:
        cursor = DEFAULT
    output = _Output(call)
    file = None if ready_file is None else call.output(ready_file)
    if file is not None:
        _forget(file)  # of a watcher that was killed
    reports: SimpleQueue[Report] = SimpleQueue()
    with ExitStack() as closing:
        wallet = closing.enter_context(call.wallet())
        home = wallet.home
        notes = notes_of(home)
        tries = Tries(notes)
        place, kept, known = None, None, {}
        if cursor is not None:
            kept = Cursor(notes, cursor)
            closing.enter_context(kept.taken())
            if after is None:
                place = kept.place()
                known = last_tries(each for each in tries.all() if each.cursor in (cursor, ""))
        place = place or place_at(home, after)
        if kept is not None:
            kept.move(place)
        couriers = [
            Courier(target, cursor=cursor or "", tries=tries, now=home.env.now, reports=reports)
            for target in _targets(home, notes, program, webhook or [], stamp)
        ]
        profile = None if everyone else home.me.name
        if file is not None:
            closing.callback(_forget, file)
        output.begin(
            {
                "event": "ready",
                "profile": profile,
                "after": place.event,
                "cursor": cursor,
                "targets": [courier.target.name for courier in couriers],
            },
            file,
        )
        following = Watch(
            place,
            everyone=everyone,
            open_home=lambda: _opened(call, notes),
            show=output.show,
            tell=output.tell,
            reports=reports,
            couriers=couriers,
            cursor=kept,
            known=known,
            ends=ends,
        )
        try:
            with stopped_by_signals(following.stop):
                following.run(home)
        except KeyboardInterrupt:  # the second one: nothing could be finished
            forget_output()
            return
        if following.is_stopped:
            return  # that is how a watcher leaves
    if output.given_up:
        raise UndeliveredEvents(count=output.given_up)
    if following.left:
        raise DeliveriesPending(count=following.left, cursor=cursor or "")


def _forget(file: Path) -> None:
    """Remove the *file* that says that a watcher is ready; a pipe stays."""
    from hongbao.outputs import is_stream

    with suppress(OSError):
        if not is_stream(file):
            file.unlink(missing_ok=True)


def _kind(typed: str | None) -> str | None:
    """Return the kind of event that was *typed*. Raises NoSuchEvent."""
    from hongbao.queries.watching import known_kinds

    if typed is None:
        return None
    kind = typed.strip().casefold().replace("-", "_")
    if kind not in known_kinds():
        raise NoSuchEvent(typed)
    return kind


def _targets(
    home: "Home", notes: "Notes", program: str | None, webhooks: Sequence[str], stamp: str | None
) -> "Iterator[Target]":
    """Yield what events are handed to. Raises InvalidProgram, InvalidUrl and WebhookNotFound."""
    if program is not None:
        from hongbao.delivery.programs import ProgramTarget

        yield ProgramTarget(program, home.env.variables)
    if webhooks:
        from hongbao.delivery.hooks import Hooks, WebhookTarget

        hooks = Hooks(notes)
        for url in dict.fromkeys(webhooks):
            target = WebhookTarget(
                url, hooks.find, home.env.now, stamps_virtually=stamp == "virtual"
            )
            hooks.find(url)
            yield target


@contextmanager
def _opened(call: Caller, notes: "Notes") -> "Iterator[Home]":
    with call.wallet() as wallet:
        notes.use_keys_of(wallet.vault)
        yield wallet.home


class _Output:
    """What a watcher prints: lines on a terminal, documents for programs."""

    def __init__(self, call: Caller) -> None:
        self.given_up = 0
        self._call = call
        self._screen: Screen | None = None
        self._troubled: set[str] = set()

    def begin(self, ready: "WatchReady", file: "Path | None") -> None:
        """Say that nothing is missed from now on: on the screen, and in *file*."""
        if file is not None:
            from hongbao.outputs import save_as

            save_as(file, lambda out: out.write(to_json(ready).encode() + b"\n"), replace=True)
        if self._call.is_watched:
            from hongbao.ui.watching import Screen

            self._screen = Screen()
            self._screen.begin(ready)
        else:
            self._put([ready])

    def show(self, events: "Sequence[WatchedEvent]") -> None:
        """Print *events*; they have arrived when this returns."""
        if self._screen is None:
            self._put(events)
            return
        with answering():
            self._screen.show(events)

    def tell(self, tried: "Try") -> None:
        """
        Say what went wrong with a delivery.

        On a terminal that a target is in trouble, once until it takes something; and each event
        that was given up.
        """
        from hongbao.delivery.tries import DELIVERED, GIVEN_UP, as_line

        if tried.state == DELIVERED:
            self._troubled.discard(tried.target)
            return
        is_news = tried.state == GIVEN_UP or tried.target not in self._troubled
        self._troubled.add(tried.target)
        self.given_up += tried.state == GIVEN_UP
        if self._screen is None and tried.state == GIVEN_UP:
            self._put([{**as_line(tried), "event": "given_up", "number": tried.event}])
        if is_news and not self._call.as_json:
            from hongbao.ui.watching import show_tried

            talk(show_tried(as_line(tried)))

    def _put(self, documents: "Sequence[Mapping[str, object]]") -> None:
        with answering():
            for document in documents:
                print(to_json(document, encoding=sys.stdout.encoding))
