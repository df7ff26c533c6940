"""``hongbao review``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, cast

from hongbao.commands.choices import (
    CASE,
    OPEN_CASE,
    OPERATOR,
    REASON,
    REPORT_FORMAT,
    argument,
    option,
)
from hongbao.commands.declared import (
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import (
    STANDARD_OUTPUT,
    Command,
    DryRun,
    Limit,
    MoneyCommand,
    Output,
    ask_for,
    caller,
    listing,
    listing_group,
    new_app,
    one_of,
    operator_names,
)
from hongbao.commands.period import Since, Until
from hongbao.commands.placeholders import OPERATOR_NAME
from hongbao.domain.cases import Verb
from hongbao.errors import ConflictingOptions, RecordsIncomplete
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import ReportWritten
    from hongbao.commands.caller import Caller
    from hongbao.wallet.operators import By

app = new_app(cls=listing_group("review:CASES"))

_CASE_HELP = N_("the case's ID, or `last` for the newest")

CaseId = Annotated[str, argument(OPEN_CASE, metavar="CASE", help=_CASE_HELP)]
AnyCaseId = Annotated[str, argument(CASE, metavar="CASE", help=_CASE_HELP)]
Operator = Annotated[
    str,
    option(
        OPERATOR,
        "--operator",
        metavar=OPERATOR_NAME,
        help=N_("the operator who decides: hongbao asks for this PIN"),
    ),
]
Reason = Annotated[
    str,
    option(REASON, "--reason", metavar="TEXT", help=N_("the reason, for later readers")),
]
Unmasked = Annotated[
    bool,
    Option("--unmasked", help=N_("show names and ID numbers, with an operator's PIN")),
]
Looker = Annotated[
    str | None,
    Option(
        "--operator",
        metavar=OPERATOR_NAME,
        autocompletion=operator_names,
        help=N_("the operator who looks; --unmasked asks for this PIN"),
    ),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Manage risk cases: list, show and decide them (人工审核)."),
    help=N_("Without a command, it lists the open cases. Personal data is masked."),
    epilog=(
        "hongbao review\n"
        "hongbao review show rc_04HMASWS\n"
        "hongbao review approve rc_04HMASWS --operator Wu --reason salary"
    ),
)
def review(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("review:CASES"),
    short_help=N_("List the open cases, oldest first."),
    help=N_("With --all, also the closed ones, newest first."),
    epilog="hongbao review list\nhongbao review list --all --limit 100",
)
def list_cases(
    ctx: Context,
    closed: Annotated[bool, Option("--all", help=N_("also the closed ones"))] = False,
    limit: Limit = 20,
    unmasked: Unmasked = False,
    operator: Looker = None,
) -> None:
    _list(ctx, closed=closed, limit=limit, unmasked_by=_looker(ctx, unmasked, operator))


@app.command(
    cls=Command,
    short_help=N_("Show a case: its evidence and the opinions on it."),
    epilog=(
        "hongbao review show rc_04HMASWS\nhongbao review show rc_04HMASWS --unmasked --operator Wu"
    ),
)
def show(
    ctx: Context, case: AnyCaseId, unmasked: Unmasked = False, operator: Looker = None
) -> None:
    from hongbao.ui import review as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.case(case, unmasked_by=_looker(ctx, unmasked, operator))
    call.answer(shown, screen.show_case)


@app.command(
    cls=MoneyCommand,
    short_help=N_("Approve: release held money."),
    epilog="hongbao review approve rc_04HMASWS --operator Wu --reason wedding",
)
def approve(
    ctx: Context, case: CaseId, reason: Reason, operator: Operator, dry_run: DryRun = False
) -> None:
    _decide(ctx, case, Verb.APPROVE, reason, operator, dry_run)


@app.command(
    cls=MoneyCommand,
    short_help=N_("Reject: return held money."),
    epilog="hongbao review reject rc_04HMASWS --operator Wu --reason theft",
)
def reject(
    ctx: Context, case: CaseId, reason: Reason, operator: Operator, dry_run: DryRun = False
) -> None:
    _decide(ctx, case, Verb.REJECT, reason, operator, dry_run)


@app.command(
    cls=Command,
    short_help=N_("Escalate: require two operators to agree (maker-checker)."),
    epilog="hongbao review escalate rc_04HMASWS --operator Wu --reason unsure",
)
def escalate(
    ctx: Context, case: CaseId, reason: Reason, operator: Operator, dry_run: DryRun = False
) -> None:
    _decide(ctx, case, Verb.ESCALATE, reason, operator, dry_run)


@app.command(
    cls=Command,
    short_help=N_("Export a period's cases, with evidence and opinions."),
    help=N_("Days are China's; a day or a month at --to is included whole."),
    epilog=(
        "hongbao review report --format csv > cases.csv\n"
        "hongbao review report --from 2026-11 --to 2026-11 -o cases.json"
    ),
)
def report(
    ctx: Context,
    form: Annotated[
        str | None,
        Option(
            "--format",
            metavar="FORMAT",
            autocompletion=one_of("csv", "json"),
            help=N_("csv or json (default: FILE's extension)"),
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    output: Output = STANDARD_OUTPUT,
    unmasked: Unmasked = False,
    operator: Looker = None,
) -> None:
    from hongbao import statements
    from hongbao.outputs import save_as
    from hongbao.statements import _review as forms
    from hongbao.ui import review as screen

    call = caller(ctx)
    to_stdout = output == STANDARD_OUTPUT
    if form is None:
        by_ending = statements.format_by_ending(output, forms.FORMATS)
        form = "json" if to_stdout and call.as_json else by_ending
    if form is None:
        form = ask_for(ctx, "form", REPORT_FORMAT)
    if form not in forms.FORMATS:
        choices = ", ".join(f"'{name}'" for name in forms.FORMATS)
        raise wrong_usage(
            f"Invalid value for '--format': '{form}' is not one of {choices}.",
            command=ctx.command_path,
        )
    if call.as_json and to_stdout and form != "json":
        raise ConflictingOptions("--json", f"--format {form}", command=ctx.command_path)
    path, name = call.output(output, streams=True), form
    looker = _looker(ctx, unmasked, operator)
    with (
        call.wallet() as wallet,
        wallet.review_report(since=since, until=until, unmasked_by=looker) as found,
    ):
        if to_stdout:
            forms.write(found, name, sys.stdout.buffer)
            return
        save_as(path, lambda out: forms.write(found, name, out), replace=call.yes)
    written: ReportWritten = {
        "file": str(path),
        "format": name,
        "count": found.count,
        "masked": found.masked,
        "head": found.head,
    }
    call.answer(written, screen.show_report_written)


@app.command(
    cls=Command,
    short_help=N_("Show whether the records are complete, and how long they are kept."),
    help=N_("Exits with 19 if anything is missing."),
    epilog="hongbao review records",
)
def records(ctx: Context) -> None:
    from hongbao.ui import review as screen

    call = caller(ctx)
    with call.wallet(trusting=True) as wallet:
        kept = wallet.records_kept()
    if not kept["complete"]:
        if not call.as_json:
            call.answer(kept, screen.show_records)
        failed = [finding for finding in kept["findings"] if not finding["ok"]]
        raise RecordsIncomplete(failed=len(failed), findings=cast(list[dict[str, Any]], failed))
    call.answer(kept, screen.show_records)


def _list(
    ctx: Context, *, closed: bool = False, limit: int = 20, unmasked_by: "By | None" = None
) -> None:
    from hongbao.ui import review as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        listed = wallet.cases(closed=closed, limit=limit, unmasked_by=unmasked_by)
    call.answer_list(listed, screen.cases_in(listed))
    if listed["more"]:
        call.hint(N_("see more: add `--limit {limit}`"), limit=limit * 2)


def _decide(ctx: Context, case: str, verb: Verb, reason: str, operator: str, dry_run: bool) -> None:
    from hongbao.ui import review as screen
    from hongbao.wallet.operators import By

    call = caller(ctx)
    with call.wallet(hushed=call.asks_operator_pin) as wallet:
        decided = wallet.decide(
            case, verb, why=reason, by=By(operator, call.operator_pin), dry_run=dry_run
        )
    call.answer(decided, screen.show_decided)
    if decided["payment"] is not None and decided["refunded_to"] is None:
        _tell_of_payment(call, decided["payment"])


def _tell_of_payment(call: "Caller", payment: str) -> None:
    call.hint(N_("its payer follows it with `hongbao trace {payment}`"), payment=payment)


def _looker(ctx: Context, unmasked: bool, operator: str | None) -> "By | None":
    """Return the operator who looks at personal data; None if it stays masked."""
    from hongbao.wallet.operators import By

    if unmasked and operator is None:
        raise wrong_usage("Missing option '--operator'.", command=ctx.command_path)
    if not unmasked or operator is None:
        return None
    return By(operator, caller(ctx).operator_pin)
