"""``hongbao restore``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.home import PasswordFile, chosen_ledger
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
        "then is lost. With --ledger it is restored to an empty database on a cluster, and "
        "used there from now on."
    ),
    epilog=(
        "hongbao restore 2026-11-23.hongbao\n"
        "hongbao restore old.hongbao --ledger mysql://pay@db1,db2/ledger"
    ),
)
def restore(
    ctx: Context,
    file: Annotated[str, Argument(metavar="FILE", help=N_("a backup made by `hongbao backup`"))],
    ledger: Annotated[
        str | None,
        Option(
            "--ledger",
            metavar="ADDRESS",
            help=N_("restore to the empty database at this address of a cluster"),
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    from hongbao.home.opening import place_of
    from hongbao.home.places import LEDGER, SET_ASIDE, is_on_cluster
    from hongbao.ui import home
    from hongbao.ui.progress import counting
    from hongbao.wallet.copies import check_copy
    from hongbao.wallet.restoring import restore as put_back

    call = caller(ctx)

    def accepts(last_entry: int, noted_entry: int | None) -> bool:
        if noted_entry is None:
            call.confirm(
                N_(
                    "this backup ends at entry {last}; what the cluster has done since then will "
                    "be lost, and this machine does not know how much that is. Restore it?"
                ),
                last=last_entry,
            )
            return True
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
    if ledger is not None:  # before its password is typed for nothing
        check_copy(path)
    access = chosen_ledger(ctx, call, ledger, password_file)
    had_file = (call.env.data / LEDGER).exists()
    with counting(N_("restoring"), lambda: not call.as_json and call.may_move()) as progress:
        changed = call.unlocked(
            lambda passphrase: put_back(
                call.env,
                path,
                access=access,
                passphrase=passphrase,
                accept_older=accepts,
                progress=progress,
            )
        )
    call.leave_terminal()
    call.answer(changed, home.show_restored)
    if is_on_cluster(call.env):
        call.remark(N_("the ledger is in {path}"), path=place_of(call.env))
        if had_file:
            aside = call.env.data / SET_ASIDE
            call.remark(N_("the ledger that was a file here is kept as {path}"), path=aside)
    call.hint(N_("re-check the ledger with `hongbao check`"))
