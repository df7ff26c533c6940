"""``hongbao import``."""
# ruff: noqa: N999 - the command is called so, and only `import_module` opens its file

from enum import StrEnum
from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import DryRun, RequestId, bill_ids, caller, listing, new_app
from hongbao.errors import ConflictingOptions
from hongbao.paths import typed_path
from hongbao.words import N_

app = new_app()


class BillFormat(StrEnum):
    """The sources of bills that can be read."""

    WECHAT = "wechat"


@app.command(
    "import",
    cls=listing("bills:BILLS"),
    short_help=N_("Import a WeChat Pay bill, to compare it with your records."),
    help=N_(
        "FILE is a CSV or XLSX bill from WeChat Pay, or one that `hongbao export` "
        "has written. Its rows are kept in a separate book: no money moves, and no "
        "account changes."
    ),
    epilog=(
        "hongbao import bill.xlsx\n"
        "hongbao compare\n"
        "hongbao import --list\n"
        "hongbao import --remove bl_04HMASWS"
    ),
)
def bring_in(
    ctx: Context,
    file: Annotated[
        str | None, Argument(metavar="FILE", help=N_("the bill, as CSV or XLSX"))
    ] = None,
    _form: Annotated[
        BillFormat,
        Option("--format", metavar="FORMAT", help=N_("the bill's source; only wechat so far")),
    ] = BillFormat.WECHAT,
    listed: Annotated[bool, Option("--list", help=N_("list the imported bills"))] = False,
    remove: Annotated[
        str | None,
        Option(
            "--remove",
            metavar="BILL",
            autocompletion=bill_ids,
            help=N_("remove an imported bill, by its ID"),
        ),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import bills

    asked = {"FILE": file is not None, "--list": listed, "--remove": remove is not None}
    named = [name for name, given in asked.items() if given]
    if len(named) > 1:
        raise ConflictingOptions(named[0], named[1], command=ctx.command_path)
    call = caller(ctx)
    if not listed and call.list_options and named:
        raise ConflictingOptions(named[0], call.list_options[0], command=ctx.command_path)
    if not named:
        raise wrong_usage(
            "Missing argument 'FILE'.",
            command=ctx.command_path,
            placeholders=ctx.command.placeholders,
        )
    with call.wallet() as wallet:
        if listed:
            found = wallet.bills()
            call.answer_list({"bills": found}, bills.BILLS)
            if not found:
                call.hint(N_("import one with `hongbao import FILE`"))
            return
        if remove is not None:
            removed = wallet.remove_bill(remove, request_id=request_id, dry_run=dry_run)
            call.answer(removed, bills.show_removed)
            return
        assert file is not None
        from hongbao.statements._bills.file import BillFile

        bill = BillFile(str(typed_path(file)))
        imported = wallet.bring_in(bill, file=bill.name, request_id=request_id, dry_run=dry_run)
    call.answer(imported, bills.show_imported)
    call.hint(N_("compare it with your records: `hongbao compare`"))
