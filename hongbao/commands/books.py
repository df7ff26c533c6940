"""``hongbao books``."""

from typing import Annotated

import typer

from hongbao.commands.choices import TRACEABLE, argument
from hongbao.commands.options import caller, listing, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("books:ACCOUNTS", pictured=True),
    short_help=N_("Show the books of the platform, the banks and the central bank."),
    help=N_(
        "With --diff they are shown before and after the last act that moved "
        "money, or the one that you name: any ID that `trace` takes, a batch, or "
        "an entry's number."
    ),
    epilog=(
        "hongbao books\nhongbao books --diff\nhongbao books --diff 22\nhongbao books hb_7Q2M4K9X"
    ),
)
def books(
    ctx: typer.Context,
    subject: Annotated[
        str | None,
        argument(
            TRACEABLE,
            metavar="SUBJECT",
            help=N_("the ID of a packet, request, message or batch, an entry's number, or `last`"),
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help=N_("before and after one act (default: the last)"))
    ] = False,
) -> None:
    from hongbao.ui import books as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.books(subject, diff=diff)
    call.answer_list(shown, screen.ACCOUNTS, screen.show_books)
    if not shown["diff"]:
        call.hint(N_("see what the last act changed with `hongbao books --diff`"))
