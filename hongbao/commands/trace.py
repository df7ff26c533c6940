"""``hongbao trace``."""

from typing import Annotated

import typer

from hongbao.commands.choices import TRACEABLE, argument
from hongbao.commands.options import caller, listing, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("trace:TRACE"),
    short_help=N_("Trace a packet or payment: each step, what moved, how long it took."),
    help=N_(
        "A packet is shown from its sending to its refund, and a payment with what "
        "the bank did. --json has every claim of a large packet."
    ),
    epilog="hongbao trace hb_7Q2M4K9X\nhongbao trace NU20260216000012",
)
def trace(
    ctx: typer.Context,
    subject: Annotated[
        str,
        argument(
            TRACEABLE,
            metavar="SUBJECT",
            help=N_("the ID of a packet, request or message, or `last` for the newest"),
        ),
    ],
) -> None:
    from hongbao.ui import trace as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        traced = wallet.trace(subject)
    call.answer_list(traced, screen.TRACE, screen.show_trace)
    if traced["state"] == "unknown":
        call.hint(N_("check its outcome with `hongbao settle`"))
