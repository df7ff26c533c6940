"""``hongbao withdraw``."""

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
    short_help=N_("Move money out to a bank card (提现)."),
    help=N_(
        "Everyone's first 1,000 yuan are free under the standard policy; above "
        "that the fee is 0.1 %, at least 0.10, and is added. `-n` shows it in "
        "advance."
    ),
    epilog="hongbao withdraw 100\nhongbao withdraw 2000 --card icbc-0003 -n",
)
def withdraw(
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
        withdrawn = wallet.withdraw(
            amount, pin=call.pin, card=card, request_id=request_id, dry_run=dry_run
        )
    call.answer(withdrawn, money.show_withdrawn)
    if not dry_run:
        call.remark(N_("free withdrawals left: {free_fen}"), free_fen=withdrawn["free_left_fen"])
