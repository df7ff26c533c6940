"""``hongbao profiles``."""

import typer

from hongbao.commands.options import Command, caller, new_app, titles
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("List the profiles in this wallet."),
    help=N_("Names and ID numbers are masked."),
    epilog="hongbao profiles",
)
def profiles(ctx: typer.Context) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet() as wallet:
        found, tiers = wallet.profiles(), titles(wallet)
    call.answer({"profiles": found}, lambda answer: people.show_profiles(answer["profiles"], tiers))
