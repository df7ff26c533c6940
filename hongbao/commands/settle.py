"""``hongbao settle``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import (
    DryRun,
    caller,
    listing,
    new_app,
)
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("clearing:SETTLED", moves_money=True),
    short_help=N_("Check pending payments, and settle with the banks (清算)."),
    help=N_(
        "The banks' and the platform's debts are netted, and only the net amount "
        "moves at the central bank. A virtual clock settles automatically at each "
        "cut-off."
    ),
    epilog="hongbao settle",
)
def settle(ctx: Context, dry_run: DryRun = False) -> None:
    from hongbao.ui import clearing
    from hongbao.ui.progress import counting

    call = caller(ctx)
    with call.wallet() as wallet, counting(N_("settling"), call.may_move) as progress:
        settled = wallet.settle(progress=progress, dry_run=dry_run)
    call.answer_list(settled, clearing.SETTLED, clearing.show_settled)
