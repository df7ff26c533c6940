"""``hongbao balance``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import caller, listing, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("money:BALANCE"),
    short_help=N_("Show your balance: available, in packets, and in all."),
    epilog="hongbao balance\nhongbao balance --json",
)
def balance(ctx: Context) -> None:
    from hongbao.ui import money

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.balance()
    call.answer_list(found, money.BALANCE, money.show_balance)
    if found["due_back_fen"]:
        call.hint(N_("return the unclaimed amounts with `hongbao refund`"))
    if found["unanswered"]:
        call.hint(N_("a payment is pending; check it with `hongbao settle`"))
