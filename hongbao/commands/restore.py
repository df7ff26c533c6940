"""``hongbao restore``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.errors import Unanswered
from hongbao.paths import typed_path
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Replace the ledger with a backup."),
    help=N_(
        "The newest entry is noted next to the keys, so hongbao notices an older "
        "backup. It restores one only after you confirm, because everything since "
        "then is lost."
    ),
    epilog="hongbao restore 2026-11-23.hongbao",
)
def restore(
    ctx: Context,
    file: Annotated[str, Argument(metavar="FILE", help=N_("a backup made by `hongbao backup`"))],
) -> None:
    from hongbao.ui import home
    from hongbao.wallet.homes import restore as put_back

    call = caller(ctx)

    def accepts(last_entry: int, noted_entry: int) -> bool:
        facts = {"last": last_entry, "noted": noted_entry}
        if call.yes:
            call.remark(
                N_("this backup ends at entry {last}; the newest seen was {noted}"), **facts
            )
            return True
        try:
            call.confirm(
                N_(
                    "this backup ends at entry {last}, but the newest seen was {noted}; "
                    "everything in between will be lost. Restore it?"
                ),
                **facts,
            )
        except Unanswered:  # then the refusal says what would have been asked
            return False
        return True

    call.close_home()
    path = typed_path(file)
    changed = call.unlocked(
        lambda passphrase: put_back(call.env, path, passphrase=passphrase, accept_older=accepts)
    )
    call.leave_terminal()
    call.answer(changed, home.show_restored)
    call.hint(N_("re-check the ledger with `hongbao check`"))
