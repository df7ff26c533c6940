"""``hongbao rekey``."""

import typer

from hongbao.commands.window import Command, caller, window
from hongbao.words import N_

app = window()


@app.command(
    cls=Command,
    short_help=N_("Encrypt everything anew under a new master key."),
    help=N_("Copies that were made before cannot be opened any more."),
    epilog="hongbao rekey",
)
def rekey(ctx: typer.Context) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet() as wallet:
        call.confirm(N_("copies made before can never be opened again; go on?"))
        changed = wallet.rekey()
    call.answer(changed, home.show_rekeyed)
    call.hint(N_("make a new copy with `hongbao backup FILE`"))
