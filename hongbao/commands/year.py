"""``hongbao year``."""

from typing import Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.domain.dates import YEAR_FIRST
from hongbao.domain.lunar import LUNAR_YEAR_LAST
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("year:YEAR", pictured=True),
    short_help=N_("Show a year of your red packets."),
    help=N_(
        "What you received and sent, your luckiest share, your fastest claim, the friend who gave"
        " the most, and each month as bars. Nothing leaves this computer."
    ),
    epilog=("hongbao year\nhongbao year --lunar\nhongbao year --year 2026 --svg year.svg"),
)
def year(
    ctx: Context,
    number: Annotated[
        int | None,
        Option(
            "--year",
            metavar="YEAR",
            between=(YEAR_FIRST, LUNAR_YEAR_LAST),
            help=N_("this year (default: the current one)"),
        ),
    ] = None,
    lunar: Annotated[
        bool,
        Option("--lunar", help=N_("from New Year's Eve to the next New Year's Eve")),
    ] = False,
) -> None:
    from hongbao.ui import year as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.year(number, lunar=lunar)
    call.answer_list(found, screen.YEAR, screen.show_year)
    if found["title"] is None:
        call.hint(N_("send a red packet: `hongbao send 8.88 --count 3`"))
