"""``hongbao unlock``."""

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
    short_help=N_("Unlock the wallet, so that this device opens it without a passphrase."),
    epilog="hongbao unlock\nhongbao unlock --passphrase-file passphrase.txt",
)
def unlock(
    ctx: Context,
    keyring: Annotated[
        bool,
        Option("--keyring", help=N_("keep the key in the system's keyring instead of a file")),
    ] = False,
    passphrase_file: Annotated[
        str | None,
        Option(
            "--passphrase-file",
            metavar="FILE",
            help=N_("read the passphrase from FILE; - is standard input"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    call.passphrase_file = passphrase_file
    with call.wallet() as wallet:
        changed = wallet.unlock(keyring=keyring)
    call.answer(changed, home.show_unlocked)
