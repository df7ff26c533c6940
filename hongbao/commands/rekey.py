"""``hongbao rekey``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Re-encrypt everything with a new master key."),
    help=N_("Earlier backups can no longer be opened."),
    epilog="hongbao rekey",
)
def rekey(ctx: Context) -> None:
    from hongbao.home.places import refuse_on_cluster
    from hongbao.ui import home

    call = caller(ctx)
    refuse_on_cluster(call.env, "rekey")  # before a question whose answer would not matter
    with call.wallet() as wallet:
        call.confirm(N_("earlier backups can never be opened again; continue?"))
        changed = wallet.rekey()
    call.answer(changed, home.show_rekeyed)
    call.hint(N_("make a new backup with `hongbao backup FILE`"))
