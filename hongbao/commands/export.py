"""``hongbao export``."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hongbao.answers import Exported
from hongbao.commands.window import STANDARD_OUTPUT, Command, Output, caller, window
from hongbao.domain.dates import parse_instant, parse_period_end
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = window()


@app.command(
    cls=Command,
    short_help=N_("Write your statement as a file that other programs read."),
    help=N_("Days are China's; a day or a month at --to is meant whole."),
    epilog=(
        "hongbao export --format csv > statement.csv\n"
        "hongbao export --from 2026-11 --to 2026-11 -o november.csv"
    ),
)
def export(
    ctx: typer.Context,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help=N_("csv, json or jsonl; by itself what FILE ends in")
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", metavar="INSTANT", parser=parse_instant, help=N_("from this day or moment on")
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="INSTANT",
            parser=parse_period_end,
            help=N_("up to this day, or before this moment"),
        ),
    ] = None,
    output: Output = STANDARD_OUTPUT,
) -> None:
    from hongbao import statements
    from hongbao.ui import records

    call = caller(ctx)
    to_stdout = output == STANDARD_OUTPUT
    if form is None:
        form = "json" if to_stdout and call.as_json else statements.format_of(output)
    if form is None:
        raise typer.BadParameter("Missing option '--format'.")
    if form not in statements.FORMATS:
        choices = ", ".join(f"'{name}'" for name in statements.FORMATS)
        raise typer.BadParameter(f"'{form}' is not one of {choices}.", param_hint="'--format'")
    if call.as_json and to_stdout and form != "json":
        raise ConflictingOptions("--json", f"--format {form}", command=ctx.command_path)
    path = Path(output).expanduser()
    with call.wallet() as wallet, wallet.statement(since=since, until=until) as statement:
        if to_stdout:
            statements.write(statement, form, sys.stdout.buffer)
            return
        statements.save(statement, form, path, replace=call.yes)
    exported: Exported = {
        "profile": statement.profile,
        "file": str(path),
        "format": form,
        "count": statement.count,
        "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen,
        "head": statement.head,
    }
    call.answer(exported, records.show_exported)
