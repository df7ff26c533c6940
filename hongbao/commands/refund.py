"""``hongbao refund``."""

from typing import Annotated

from hongbao.commands.choices import DUE, argument
from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import (
    DryRun,
    MoneyCommand,
    RequestId,
    caller,
    new_app,
)
from hongbao.words import N_

app = new_app()


@app.command(
    cls=MoneyCommand,
    short_help=N_("Return expired packets' unclaimed amounts the way they were paid."),
    help=N_("Without a packet, it returns everything that is due."),
    epilog="hongbao refund\nhongbao refund hb_7Q2M4K9X",
)
def refund(
    ctx: Context,
    packet: Annotated[
        str | None,
        argument(DUE, metavar="PACKET", help=N_("the packet's ID, or `last` for the newest")),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import packets

    call = caller(ctx)
    with call.wallet() as wallet:
        if packet is None:
            refunds = wallet.refund_due(request_id=request_id, dry_run=dry_run)
        else:
            refunds = wallet.refund(packet, request_id=request_id, dry_run=dry_run)
    call.answer(refunds, packets.show_refunds)
