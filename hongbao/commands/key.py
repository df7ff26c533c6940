"""``hongbao key``."""

from hongbao.commands.declared import Context
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Show your public key, which verifies what you sign."),
    help=N_(
        "Statements and receipts are signed by it. It is not secret: give it to "
        "anyone who verifies yours, over a trusted channel."
    ),
    epilog="hongbao key\nhongbao key > xiaoming.key",
)
def key(ctx: Context) -> None:
    from hongbao.ui import signatures

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.public_keys()
    call.answer(shown, signatures.show_key)
