"""``hongbao export``."""

import sys
from typing import Annotated

from hongbao.answers import Exported
from hongbao.commands.caller import Caller
from hongbao.commands.choices import FORMAT, TEXT_FORMAT
from hongbao.commands.declared import (
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import STANDARD_OUTPUT, Command, ask_for, caller, new_app
from hongbao.commands.period import Last, Since, Until, check_one_way
from hongbao.domain.text import parse_account_root
from hongbao.errors import ConflictingOptions
from hongbao.words import N_, language

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Export your statement to a file for other programs."),
    help=N_(
        "Formats: wechat, wechat-xlsx; beancount, hledger, ledger; ofx, camt053; "
        "xlsx, csv, json, jsonl; html, pdf. Each is signed, and `hongbao "
        "verify-statement` checks it. Days are China's; a day, a month or a year "
        "at --to is included whole."
    ),
    epilog=(
        "hongbao export --from 2026-11 --to 2026-11 -o november.xlsx\n"
        "hongbao export --last 30d --format beancount > hongbao.beancount"
    ),
)
def export(
    ctx: Context,
    form: Annotated[
        str | None,
        Option(
            "--format",
            metavar="FORMAT",
            autocompletion=FORMAT.complete,
            help=N_("default: FILE's extension"),
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    output: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            help=N_("write to FILE, or into a folder under the usual name; - is standard output"),
        ),
    ] = None,
    masked: Annotated[
        bool, Option("--mask", help=N_("hide other people's names and all free text"))
    ] = False,
    full: Annotated[
        bool,
        Option(
            "--full",
            help=N_("write your name, ID number and card numbers in full; asks for the PIN"),
        ),
    ] = False,
    root: Annotated[
        str,
        Option(
            "--root",
            metavar="TEXT",
            parser=parse_account_root,
            help=N_("the wallet's account name in journals, as in `Assets:Hongbao:Balance`"),
        ),
    ] = "Hongbao",
) -> None:
    from hongbao import statements
    from hongbao.outputs import is_folder
    from hongbao.ui import progress, records

    call = caller(ctx)
    if output is None:
        output = _usual_folder(call)
    to_stdout = output == STANDARD_OUTPUT
    to_folder = not to_stdout and is_folder(output)
    check_one_way(ctx, last, since, until)
    if full and masked:
        raise ConflictingOptions("--full", "--mask", command=ctx.command_path)
    if form is None and not to_folder:
        form = "json" if to_stdout and call.as_json else statements.format_by_ending(output)
    if form is None:
        form = ask_for(ctx, "form", TEXT_FORMAT if to_stdout and sys.stdout.isatty() else FORMAT)
    if form not in statements.FORMATS:
        choices = ", ".join(f"'{name}'" for name in statements.FORMATS)
        raise wrong_usage(
            f"Invalid value for '--format': '{form}' is not one of {choices}.",
            command=ctx.command_path,
        )
    if call.as_json and to_stdout and form != "json":
        raise ConflictingOptions("--json", f"--format {form}", command=ctx.command_path)
    if full and not statements.has_place_for_holder(form):
        raise ConflictingOptions("--full", f"--format {form}", command=ctx.command_path)
    path = call.output(output, streams=True)
    style = statements.Style(language(), root, call.env.variables.get("HONGBAO_FONT"))
    with (
        call.wallet(hushed=full and call.asks_pin) as wallet,
        wallet.statement(
            since=since, until=until, last=last, masked=masked, full=call.pin if full else None
        ) as statement,
        progress.counting(N_("writing"), call.may_move) as counted,
    ):
        call.say_sandbox(wallet)
        total = statement.sums.count_at_most * statements.passes(form)

        def watch(line: int) -> None:
            if line % progress.STEP == 0:
                counted(line, total)

        if to_stdout:
            statements.write(statement, form, sys.stdout.buffer, style, watch=watch)
            return
        if to_folder:
            path /= statements.file_name(statement, form)
        signature = statements.save(statement, form, path, call.yes, style, watch=watch)
    exported: Exported = {
        "profile": statement.profile,
        "file": str(path),
        "format": form,
        "count": statement.count,
        "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen,
        "head": statement.head,
        "signature_file": None if signature is None else str(signature),
        "public_key": statement.signer.public_key.hex(),
    }
    call.answer(exported, records.show_exported)


def _usual_folder(call: Caller) -> str:
    """Return where a statement goes without ``-o``; no setting moves what a program reads."""
    folder = call.settings.export_folder
    if folder is None or call.as_json or not sys.stdout.isatty():
        return STANDARD_OUTPUT
    return f"{folder}/"
