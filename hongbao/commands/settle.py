"""``hongbao settle``."""

import typer

from hongbao.commands.window import Command, DryRun, caller, window
from hongbao.words import N_

app = window()


@app.command(
    cls=Command,
    short_help=N_("Ask banks for what is pending, and settle with them (清算)."),
    help=N_(
        "What banks and the platform owe each other is netted, and only the rest moves at the"
        " central bank. A virtual clock does it by itself at each cut-off."
    ),
    epilog="hongbao settle",
)
def settle(ctx: typer.Context, dry_run: DryRun = False) -> None:
    from hongbao.ui import clearing
    from hongbao.ui.progress import counting

    call = caller(ctx)
    with call.wallet() as wallet, counting(N_("settling")) as progress:
        settled = wallet.settle(progress=progress, dry_run=dry_run)
    call.answer(settled, clearing.show_settled)
