"""``hongbao check``."""

from typing import Any, cast

from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import (
    caller,
    listing,
    new_app,
)
from hongbao.errors import ChecksFailed
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("records:FINDINGS"),
    short_help=N_("Re-check the whole ledger and report every discrepancy."),
    help=N_(
        "Exits with 19 if anything is wrong. docs/reference/ledger.md says what each check proves."
    ),
    epilog="hongbao check",
)
def check(ctx: Context) -> None:
    from hongbao.ui import records

    call = caller(ctx)
    with call.wallet(trusting=True) as wallet:
        checked = wallet.check()
        call.say_sandbox(wallet)
    if not checked["ok"]:
        if not call.as_json:
            call.answer_list(checked, records.FINDINGS, records.show_checked)
        failed = [finding for finding in checked["findings"] if not finding["ok"]]
        raise ChecksFailed(failed=len(failed), findings=cast(list[dict[str, Any]], failed))
    call.answer_list(checked, records.FINDINGS, records.show_checked)
