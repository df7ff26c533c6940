"""``hongbao repair``."""

from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import Argument, Context, Option
from hongbao.commands.options import Command, caller, new_app
from hongbao.paths import typed_path
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Repair

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Make a new wallet of what can be proven of a damaged one."),
    help=N_(
        "Without FOLDER it only shows what would be kept and lost, and whose. The damaged "
        "wallet is read and never written to. A backup that has everything repair would "
        "keep is better, and is named first; older ones fill gaps."
    ),
    epilog="hongbao repair\nhongbao repair --backup monday.hongbao repaired",
)
def repair(
    ctx: Context,
    folder: Annotated[
        str | None,
        Argument(
            metavar="FOLDER",
            show_default=False,
            help=N_("where to make the new wallet (default: make none)"),
        ),
    ] = None,
    backups: Annotated[
        list[str] | None,
        Option(
            "--backup",
            metavar="FILE",
            show_default=False,
            help=N_("a backup to compare and to fill gaps from; may be repeated"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import repairs
    from hongbao.wallet.repair import repair as put_right

    call = caller(ctx)
    into = None if folder is None else typed_path(folder)
    files = [typed_path(file) for file in backups or ()]

    def agrees(found: "Repair") -> bool:
        call.leave_terminal()
        if not (call.as_json or call.yes):
            repairs.show_found(found)
        better = repairs.better_backup(found)
        if better is not None:
            call.remark(
                N_("{path} has everything that would be kept: restoring it is better"), path=better
            )
        call.confirm(N_("make a wallet of what can be kept in {path}?"), path=into)
        return True

    found = call.unlocked(
        lambda passphrase: put_right(
            call.env, into, backups=files, passphrase=passphrase, agrees=agrees
        )
    )
    call.leave_terminal()
    call.answer(found, repairs.show_repair)
    better = repairs.better_backup(found)
    if found["into"] is not None:
        call.hint(
            N_("to use it, set HONGBAO_HOME to {path}; keep the damaged one as evidence"),
            path=found["into"],
        )
    elif better is not None:
        call.hint(N_("restore the backup: `hongbao restore {path}`"), path=better)
    else:
        call.hint(N_("make the repaired wallet with `hongbao repair FOLDER`"))
