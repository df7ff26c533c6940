"""``hongbao verify``."""

from typing import Annotated, Any, cast

from hongbao.commands.choices import CLOSED, argument
from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import (
    caller,
    listing,
    new_app,
)
from hongbao.errors import Unfair
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("packets:VERIFIED"),
    short_help=N_("Recompute a closed packet's shares from public data."),
    help=N_(
        "Exits with 19 if they differ. docs/concepts/fairness.md does it in ten lines of Python."
    ),
    epilog="hongbao verify hb_7Q2M4K9X",
)
def verify(
    ctx: Context,
    packet: Annotated[
        str,
        argument(CLOSED, metavar="PACKET", help=N_("the packet's ID, or `last` for the newest")),
    ],
) -> None:
    from hongbao.ui import packets

    call = caller(ctx)
    with call.wallet() as wallet:
        verified = wallet.verify(packet)
    if not verified["fair"]:
        if not call.as_json:
            call.answer_list(verified, packets.VERIFIED, packets.show_verified)
        raise Unfair(
            verified["packet"],
            commitment_holds=verified["commitment_holds"],
            shares=cast(list[dict[str, Any]], verified["shares"]),
        )
    call.answer_list(verified, packets.VERIFIED, packets.show_verified)
    if verified["scripted"]:
        call.remark(packets.SCRIPTED)
