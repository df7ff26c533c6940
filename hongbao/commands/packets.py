"""``hongbao packets``."""

from typing import Annotated, Any

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import (
    caller,
    listing,
    new_app,
    whole,
)
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("packets:PACKETS"),
    short_help=N_("List red packets: claimable, sent and received, newest first."),
    epilog="hongbao packets\nhongbao packets --claimable -p 小红",
)
def packets(
    ctx: Context,
    claimable: Annotated[
        bool, Option("--claimable", help=N_("only packets you can claim now"))
    ] = False,
    sent: Annotated[bool, Option("--sent", help=N_("only packets you sent"))] = False,
    received: Annotated[
        bool, Option("--received", help=N_("only packets you claimed from"))
    ] = False,
    limit: Annotated[
        int,
        Option(
            "--limit", metavar="COUNT", parser=whole("--limit", 1), help=N_("at most this many")
        ),
    ] = 50,
) -> None:
    from hongbao.ui import packets as screen
    from hongbao.units import iso

    call = caller(ctx)
    wanted = {"claimable": claimable, "sent": sent, "received": received}
    chosen = [name for name, is_wanted in wanted.items() if is_wanted]
    if len(chosen) > 1:
        raise ConflictingOptions(f"--{chosen[0]}", f"--{chosen[1]}", command=ctx.command_path)
    with call.wallet() as wallet:
        found = wallet.packets(chosen[0] if chosen else None, limit=limit + 1)
        now = iso(wallet.now())
    answer: dict[str, Any] = {"at": now, "packets": found[:limit], "more": len(found) > limit}
    call.answer_list(answer, screen.packets_at(now))
    if answer["more"]:
        call.hint(N_("see more: add `--limit {limit}`"), limit=limit * 2)
    if any(packet["yours"] and packet["state"] == "expired" for packet in found):
        call.hint(N_("return the unclaimed amount: `hongbao refund`"))
