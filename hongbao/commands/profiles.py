"""``hongbao profiles``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import (
    caller,
    listing,
    new_app,
    titles,
)
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("people:PROFILES"),
    short_help=N_("List the profiles in this wallet."),
    help=N_("Names and ID numbers are masked."),
    epilog="hongbao profiles",
)
def profiles(ctx: Context) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet() as wallet:
        found, tiers = wallet.profiles(), titles(wallet)
        call.say_sandbox(wallet)
    call.answer_list({"profiles": found}, people.profiles_with(tiers))
