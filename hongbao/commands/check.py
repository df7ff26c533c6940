"""``hongbao check``."""

from typing import Annotated, Any, cast

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import (
    caller,
    listing,
    new_app,
)
from hongbao.errors import ChecksFailed, ConflictingOptions
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("records:FINDINGS"),
    short_help=N_("Re-check the whole ledger and report every discrepancy."),
    help=N_(
        "Exits with 19 if anything is wrong. docs/reference/ledger.md says what each check proves. "
        "For 30 days, entries that a whole check has proven are compared with what they were "
        "then, and not proven again."
    ),
    epilog="hongbao check | hongbao check --all | hongbao check --new",
)
def check(
    ctx: Context,
    everything: Annotated[
        bool, Option("--all", help=N_("prove everything again, every signature too"))
    ] = False,
    new: Annotated[
        bool, Option("--new", help=N_("read only what is new since the last whole check"))
    ] = False,
) -> None:
    from hongbao.queries.check import Scope
    from hongbao.ui import records
    from hongbao.ui.progress import counting

    if everything and new:
        raise ConflictingOptions("--all", "--new", command=ctx.command_path)
    scope = Scope.ALL if everything else Scope.NEW if new else Scope.USUAL
    call = caller(ctx)
    with (
        call.wallet(trusting=True) as wallet,
        counting(N_("checking"), call.may_move) as progress,
    ):
        checked = wallet.check(scope=scope, progress=progress)
        call.say_sandbox(wallet)
    if not checked["ok"]:
        if not call.as_json:
            call.answer_list(checked, records.FINDINGS, records.show_checked)
        failed = [finding for finding in checked["findings"] if not finding["ok"]]
        raise ChecksFailed(failed=len(failed), findings=cast(list[dict[str, Any]], failed))
    call.answer_list(checked, records.FINDINGS, records.show_checked)
