"""``hongbao clock``."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
)
from hongbao.commands.options import Group, MoneyCommand, caller, new_app
from hongbao.domain.dates import parse_duration, parse_instant
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller
    from hongbao.wallet import Wallet

app = new_app(cls=Group)


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show the clock, or advance a virtual one."),
    help=N_(
        "By default it is the real clock. Advancing it makes the wallet's clock "
        "virtual for good, and everything due in between happens in order."
    ),
    epilog="hongbao clock\nhongbao clock advance 25h",
)
def clock(ctx: Context) -> None:
    from hongbao.ui import home

    if ctx.invoked_subcommand is not None:
        return
    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.clock()
    call.answer(shown, home.show_clock)


@app.command(
    "set",
    cls=MoneyCommand,
    short_help=N_("Advance the clock to a given time."),
    epilog="hongbao clock set 2026-02-16T20:00:00+08:00",
)
def set_clock(
    ctx: Context,
    instant: Annotated[
        datetime,
        Argument(
            metavar="INSTANT", parser=parse_instant, help=N_("a date, or a date and time, in China")
        ),
    ],
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet() as wallet:
        if instant >= wallet.now():
            _agree(call, wallet)
        turned = wallet.set_clock(instant)
    call.answer(turned, home.show_turned)


@app.command(
    "advance",
    cls=MoneyCommand,
    short_help=N_("Advance the clock by a duration."),
    epilog="hongbao clock advance 25h\nhongbao clock advance 1d12h",
)
def advance(
    ctx: Context,
    duration: Annotated[
        timedelta,
        Argument(
            metavar="DURATION",
            parser=parse_duration,
            help=N_("90s, 30m, 25h, 7d, or a sum like 1d12h"),
        ),
    ],
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet() as wallet:
        _agree(call, wallet)
        turned = wallet.advance_clock(duration)
    call.answer(turned, home.show_turned)


def _agree(call: "Caller", wallet: "Wallet") -> None:
    """Ask before a home leaves the real clock, to which it never comes back."""
    if wallet.clock()["clock"] == "real":
        call.confirm(N_("this wallet will never follow the real clock again; advance it?"))
