"""``hongbao serve``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.caller import Caller, talk
from hongbao.commands.declared import Context, Option
from hongbao.commands.options import Command, caller, new_app, whole
from hongbao.commands.stopping import stopped_by_signals
from hongbao.commands.streams import ServiceLines, forget_output
from hongbao.documents import to_json
from hongbao.errors import ConflictingOptions, HomeNotFound, NotAllDone
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import ServeLine
    from hongbao.home.opened import Home
    from hongbao.serving.service import Service

app = new_app()

PORT_MAX = 65_535


@app.command(
    cls=Command,
    short_help=N_("Do what falls due: refunds, ends of holds, settlement."),
    help=N_(
        "For everyone in the wallet: unclaimed money goes back when a packet expires, holds end "
        "when their time is over, banks are queried about pending payments, and each cut-off "
        "settles with the banks. It looks every second until Ctrl-C or SIGTERM. What fails is "
        "reported, and tried again after a pause. Two at once never do a thing twice."
    ),
    epilog="hongbao serve\nhongbao serve --once\nhongbao serve --json",
)
def serve(
    ctx: Context,
    once: Annotated[
        bool, Option("--once", help=N_("do what is due now, and end: for cron"))
    ] = False,
    claims: Annotated[
        bool,
        Option(
            "--claims",
            help=N_("take claims at a socket in the wallet's folder, and do them in groups"),
        ),
    ] = False,
    listen: Annotated[
        int | None,
        Option(
            "--listen",
            metavar="PORT",
            parser=whole("--listen", 0, PORT_MAX),
            help=N_("take claims at this port of 127.0.0.1, too"),
        ),
    ] = None,
    metrics: Annotated[
        int | None,
        Option(
            "--metrics",
            metavar="PORT",
            parser=whole("--metrics", 0, PORT_MAX),
            help=N_("serve metrics for Prometheus at this port of 127.0.0.1"),
        ),
    ] = None,
) -> None:
    call = caller(ctx)
    if once:
        for option, is_given in (
            ("--claims", claims),
            ("--listen", listen is not None),
            ("--metrics", metrics is not None),
        ):
            if is_given:
                raise ConflictingOptions("--once", option, command=ctx.command_path)
        _once(call)
        return
    if claims and not call.env.home.exists():
        raise HomeNotFound
    from hongbao.serving.notifying import READY, STOPPING, notify
    from hongbao.serving.service import Service

    screen = _Screen(call)

    def tell(line: "ServeLine") -> None:
        screen.put(line)
        if line["event"] == "ready":
            notify(READY, call.env.variables)

    with Service(
        lambda: _opened(call), tell, now=call.env.now, patient=not call.can_be_asked
    ) as service:

        def stop() -> None:
            notify(STOPPING, call.env.variables)
            _stop(service)

        try:
            with (
                service.server.listening(
                    call.env.socket if claims else None, port=listen, metrics_port=metrics
                ),
                stopped_by_signals(stop),
            ):
                service.run()
            screen.end()
        except KeyboardInterrupt:  # the second one: the act in hand was not done
            if not service.is_stopped:
                raise
            forget_output()


def _once(call: Caller) -> None:
    """Do what is due now. Raises NotAllDone if some of it could not be done."""
    from hongbao.serving.service import serve_once
    from hongbao.ui.due import not_done_yet, show_served

    with call.wallet() as wallet:
        served = serve_once(wallet.home)
    if not served["failed"]:
        call.answer(served, show_served)
        return
    if not call.as_json:
        call.answer(served, show_served)
        for failed in served["failed"]:
            talk(not_done_yet(failed))
    raise NotAllDone(failed=len(served["failed"]), served={**served})


@contextmanager
def _opened(call: Caller) -> "Iterator[Home]":
    with call.wallet() as wallet:
        yield wallet.home


def _stop(service: "Service") -> None:
    """Stop *service* after the act in hand, or its prompt for a passphrase at once."""
    service.stop()
    if service.is_opening:
        raise KeyboardInterrupt


class _Screen:
    """Where the service's lines go: for people, what goes wrong is on standard error."""

    def __init__(self, call: Caller) -> None:
        self._call = call
        self._lines = ServiceLines(talk)

    def end(self) -> None:
        """Forget lines that could not be printed."""
        self._lines.end()

    def put(self, line: "ServeLine") -> None:
        """Print one line of the service."""
        if self._call.as_json:
            with self._lines.line():
                print(to_json(line, encoding=sys.stdout.encoding))
            return
        from hongbao.ui.due import not_done_yet, show_line

        if line["event"] == "failed":
            for failed in line["failed"]:
                talk(not_done_yet(failed))
            return
        with self._lines.line():
            show_line(line)
