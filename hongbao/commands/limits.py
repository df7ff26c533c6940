"""``hongbao limits``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import caller, listing, new_app, titles
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("money:LIMITS"),
    short_help=N_("Show each limit: used, left, and when it resets."),
    epilog="hongbao limits\nhongbao limits -p 小红",
)
def limits(ctx: Context) -> None:
    from hongbao.ui import money

    call = caller(ctx)
    with call.wallet() as wallet:
        found, tiers = wallet.limits(), titles(wallet)
    call.answer_list(found, money.LIMITS, lambda answer: money.show_limits(answer, tiers))
