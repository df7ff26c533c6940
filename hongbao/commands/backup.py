"""``hongbao backup``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Copy the encrypted ledger to a file, while others can write."),
    help=N_("The keys are not in it: it opens only with this wallet's `keys` folder."),
    epilog="hongbao backup 2026-11-23.hongbao",
)
def backup(
    ctx: Context,
    file: Annotated[
        str, Argument(metavar="FILE", help=N_("the file to write; --yes overwrites it"))
    ],
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet() as wallet:
        changed = wallet.backup(call.output(file), replace=call.yes)
    call.answer(changed, home.show_backed_up)
    call.hint(N_("keep it apart from {path}, which opens it"), path=call.env.keys)
