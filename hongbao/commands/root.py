"""The command `hongbao` itself: what comes before every command, and what it does alone."""

from typing import Annotated

from hongbao.commands.declared import Context, Finished, Option, new_app
from hongbao.commands.options import caller
from hongbao.commands.table import NAMES
from hongbao.words import N_

REPAIRING = frozenset({"alias", "config", "help", "version", "why"})
"""The commands that work with settings that cannot be read: by them they are put right."""

app = new_app()


@app.callback(
    invoke_without_command=True,
    short_help=N_("A terminal wallet for red packets (红包), on a real double-entry ledger."),
    epilog="hongbao sandbox\nhongbao demo\nhongbao init 小明",
)
def hongbao(
    ctx: Context,
    version: Annotated[
        bool, Option("--version", "-V", help=N_("show the version and exit"))
    ] = False,
) -> None:
    if version:
        from hongbao.commands.version import answer_version

        answer_version(caller(ctx))
        raise Finished
    if not (ctx.invoked_subcommand in REPAIRING or caller(ctx).asks_help):
        caller(ctx).check_settings(NAMES)
        if ctx.invoked_subcommand in caller(ctx).settings.aliases:
            caller(ctx).remark(
                N_("note: your alias {alias} is ignored, since hongbao has a command of that name"),
                alias=ctx.invoked_subcommand,
            )
    if ctx.invoked_subcommand is None:
        if caller(ctx).settings.bare == "help" and not caller(ctx).as_json:
            from hongbao.commands.overview import overview

            print(overview(caller(ctx), app))
            return
        from hongbao.commands.status import answer_status

        answer_status(caller(ctx))
