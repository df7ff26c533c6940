"""``hongbao show``."""

from typing import Annotated

from hongbao.commands.choices import PACKET, argument
from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("packets:SHARES", pictured=True),
    short_help=N_("Show a red packet: its shares, and the time left."),
    help=N_("Once it is closed, --json has the seed that proves every share."),
    epilog="hongbao show hb_7Q2M4K9X",
)
def show(
    ctx: Context,
    packet: Annotated[
        str,
        argument(PACKET, metavar="PACKET", help=N_("the packet's ID, or `last` for the newest")),
    ],
) -> None:
    from hongbao.ui import packets

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.show(packet)
    call.answer_list(shown, packets.SHARES, packets.show_packet)
    if shown["state"] == "expired" and shown["yours"]:
        call.hint(
            N_("return the unclaimed amount: `hongbao refund {packet}`"), packet=shown["packet"]
        )
