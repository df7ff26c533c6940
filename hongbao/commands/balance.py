"""``hongbao balance``."""

from typing import TYPE_CHECKING

import typer

from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Balance

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Show your balance: available, in packets, and in all."),
    epilog="hongbao balance\nhongbao balance --json",
)
def balance(ctx: typer.Context) -> None:
    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.balance()
    call.answer(found, _show)
    if found["due_back_fen"]:
        call.hint(N_("return the unclaimed amounts with `hongbao refund`"))
    if found["unanswered"]:
        call.hint(N_("a payment is pending; check it with `hongbao settle`"))


def _show(answer: "Balance") -> None:
    from hongbao.ui import money

    money.show_balance(answer)
