"""``hongbao compare``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import bill_ids, caller, listing, new_app
from hongbao.commands.period import Since, Until
from hongbao.errors import BillDiffers
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("bills:COMPARED"),
    short_help=N_("Compare an imported bill with your records."),
    help=N_(
        "Shows the rows that only one side has and those that disagree; with "
        "--all, every row. Rows are matched by their transaction number or, if the "
        "bill has its own numbers, by amount, kind and time. Exits with 23 if "
        "anything differs."
    ),
    epilog="hongbao compare\nhongbao compare bl_04HMASWS --from 2026-11 --to 2026-11 --all",
)
def compare(
    ctx: Context,
    bill: Annotated[
        str | None,
        Argument(
            metavar="BILL",
            autocompletion=bill_ids,
            help=N_("the bill's ID (default: the latest import)"),
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[
        bool, Option("--all", help=N_("also show the rows that both sides have"))
    ] = False,
) -> None:
    from hongbao.statements._bills import comparison
    from hongbao.ui import bills

    call = caller(ctx)
    with call.wallet() as wallet, wallet.looking():
        brought = wallet.imported(bill, since=since, until=until)
        # A bill may be of a time to which a virtual clock has not come.
        begins_at = min(brought.begins_at, wallet.now())
        with wallet.statement(since=begins_at, until=brought.ends_at) as statement:
            compared = comparison.compared(statement, brought, everything=everything)
    if compared["ok"]:
        call.answer_list(compared, bills.COMPARED, bills.show_compared)
        return
    if not call.as_json:
        call.answer_list(compared, bills.COMPARED, bills.show_compared)
    count = sum(line["verdict"] != "both" for line in compared["lines"])
    raise BillDiffers(count=count, **compared)
