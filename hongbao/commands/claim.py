"""``hongbao claim``."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.choices import CLAIMABLE, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import MoneyCommand, RequestId, caller, new_app
from hongbao.errors import HongbaoError
from hongbao.words import N_, language

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.commands.caller import Caller
    from hongbao.wallet import Wallet

app = new_app()


@app.command(
    cls=MoneyCommand,
    short_help=N_("Open a red packet and take your share."),
    help=N_("The amount is drawn at that moment. There is no dry run: it would reveal the amount."),
    epilog="hongbao claim hb_7Q2M4K9X\nhongbao claim hb_7Q2M4K9X -p 小红",
)
def claim(
    ctx: Context,
    packet: Annotated[
        str,
        argument(CLAIMABLE, metavar="PACKET", help=N_("the packet's ID, or `last` for the newest")),
    ],
    luck: Annotated[
        str | None,
        Option(
            "--luck",
            metavar="TEXT",
            help=N_("a text of your own that takes part in the draw, at most 64 characters"),
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import packets

    call = caller(ctx)
    standing = None
    with call.wallet() as wallet:
        claimed = _claim(call, wallet, packet, luck, request_id)
        if call.is_watched:
            # The share is taken: nothing that is only shown with it may come between.
            with suppress(HongbaoError):
                standing = wallet.standing(packet)
    opening = None if standing is None else packets.opening(claimed, standing)
    if opening is not None:
        from hongbao.ui.opening import frame

        call.play(lambda t, width: frame(t, opening, width, language()), opening.seconds)
    call.answer(claimed, lambda claimed: packets.show_claimed(claimed, standing))
    if claimed["count"] > 1:
        call.hint(
            N_("that was the last share: see who was luckiest with `hongbao show {packet}`")
            if claimed["finished"]
            else N_("see the other shares with `hongbao show {packet}`"),
            packet=claimed["packet"],
        )


def _claim(
    call: "Caller", wallet: "Wallet", packet: str, luck: str | None, request_id: str | None
) -> "Claimed":
    """Claim with the service that listens in the home, if any; what is explained is done here."""

    def otherwise(request_id: str | None) -> "Claimed":
        return wallet.claim(packet, luck=luck, request_id=request_id)

    if call.explain or not call.env.socket.exists():
        return otherwise(request_id)
    from hongbao.serving.asking import claim_with_service

    return claim_with_service(
        wallet.home, packet, luck=luck, request_id=request_id, otherwise=otherwise
    )
