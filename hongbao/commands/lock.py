"""``hongbao lock``."""

from typing import Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Lock this wallet with a passphrase."),
    help=N_(
        "Nothing opens it without the passphrase, and a forgotten one cannot be "
        "recovered. It takes your payment PIN. Programs name a file in "
        "HONGBAO_PASSPHRASE_FILE. On a locked wallet, this changes the passphrase."
    ),
    epilog="hongbao lock",
)
def lock(
    ctx: Context,
    passphrase_file: Annotated[
        str | None,
        Option(
            "--passphrase-file",
            metavar="FILE",
            help=N_("read the new passphrase from FILE; - is standard input"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin or passphrase_file is None) as wallet:
        chosen = call.new_passphrase(passphrase_file, wallet)
        changed = wallet.lock(chosen, pin=call.pin)
    call.answer(changed, home.show_locked)
    call.hint(N_("unlock it for good with `hongbao unlock`"))
