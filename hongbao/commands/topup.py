"""``hongbao topup``."""

from typing import Annotated

from hongbao.commands.choices import AMOUNT, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import DryRun, MoneyCommand, RequestId, caller, card_names, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=MoneyCommand,
    short_help=N_("Top up from a bank card (充值)."),
    epilog="hongbao topup 500\nhongbao topup 88.88 --card icbc-0003",
)
def topup(
    ctx: Context,
    amount: Annotated[int, argument(AMOUNT, metavar="AMOUNT", help=N_("the amount, in yuan"))],
    card: Annotated[
        str | None,
        Option(
            "--card",
            metavar="CARD",
            autocompletion=card_names,
            help=N_("the card (default: the first one bound)"),
        ),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import money

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin) as wallet:
        topped_up = wallet.topup(
            amount, pin=call.pin, card=card, request_id=request_id, dry_run=dry_run
        )
    call.answer(topped_up, money.show_topped_up)
