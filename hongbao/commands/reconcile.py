"""``hongbao reconcile``."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

from hongbao.commands.choices import DIFFERENCE, OPERATOR, REASON, argument, option
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import (
    DryRun,
    MoneyCommand,
    bank_codes,
    caller,
    listing_group,
    new_app,
)
from hongbao.commands.placeholders import OPERATOR_NAME
from hongbao.domain.dates import china_day, parse_instant
from hongbao.errors import ConflictingOptions, DifferencesFound, FileNotReadable
from hongbao.paths import typed_path
from hongbao.words import N_

app = new_app(cls=listing_group("clearing:DIFFERENCES"))


@app.callback(
    invoke_without_command=True,
    short_help=N_("Compare the banks' statements with the platform's records (对账)."),
    help=N_("Lists each difference, and exits with 23 if one is left."),
    epilog=(
        "hongbao reconcile\n"
        "hongbao reconcile --date 2026-02-16 --bank icbc\n"
        "hongbao reconcile --statement icbc.csv"
    ),
)
def reconcile(
    ctx: Context,
    day: Annotated[
        datetime | None,
        Option(
            "--date",
            metavar="DATE",
            parser=parse_instant,
            help=N_("the day, in China (default: today)"),
        ),
    ] = None,
    bank: Annotated[
        str | None,
        Option(
            "--bank",
            metavar="BANK",
            autocompletion=bank_codes,
            help=N_("only this bank's statement"),
        ),
    ] = None,
    statement: Annotated[
        str | None,
        Option(
            "--statement",
            metavar="FILE",
            help=N_("a statement that `hongbao bank statement` wrote"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import clearing

    if ctx.invoked_subcommand is not None:
        return
    if statement is not None and (day is not None or bank is not None):
        other = "--date" if day is not None else "--bank"
        raise ConflictingOptions("--statement", other, command=ctx.command_path)
    call = caller(ctx)
    lines = None
    if statement is not None:
        path = _readable(statement)
        lines = lambda: _lines(path)  # noqa: E731
    with call.wallet() as wallet:
        reconciled = wallet.reconcile(
            None if day is None else china_day(day), bank=bank, statement=lines
        )
    if reconciled["ok"]:
        call.answer_list(reconciled, clearing.DIFFERENCES, clearing.show_reconciled)
        return
    if not call.as_json:
        call.answer_list(reconciled, clearing.DIFFERENCES, clearing.show_reconciled)
    raise DifferencesFound(
        date=reconciled["date"],
        banks=cast(list[dict[str, Any]], reconciled["banks"]),
        differences=cast(list[dict[str, Any]], reconciled["differences"]),
    )


@app.command(
    "resolve",
    cls=MoneyCommand,
    short_help=N_("Correct one difference, as an operator."),
    help=N_(
        "A correcting transfer makes the bank's customer account agree with the "
        "platform. Nothing is edited."
    ),
    epilog="hongbao reconcile resolve NU20260216000012 --operator Wu --reason dup",
)
def resolve(
    ctx: Context,
    payment: Annotated[
        str,
        argument(
            DIFFERENCE,
            metavar="PAYMENT",
            help=N_("the payment that differs: NU... or UP..., or `last` for the newest"),
        ),
    ],
    reason: Annotated[
        str, option(REASON, "--reason", metavar="TEXT", help=N_("the reason, for later readers"))
    ],
    operator: Annotated[
        str,
        option(
            OPERATOR,
            "--operator",
            metavar=OPERATOR_NAME,
            help=N_("the operator who approves: hongbao asks for this PIN"),
        ),
    ],
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet(hushed=call.asks_operator_pin) as wallet:
        corrected = wallet.correct(
            payment,
            why=reason,
            operator=operator,
            pin=call.operator_pin,
            dry_run=dry_run,
        )
    call.answer(corrected, clearing.show_corrected)


def _readable(name: str) -> Path:
    """Return the file called *name*, which is read twice. Raises FileNotReadable."""
    path = typed_path(name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        path.open("rb").close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileNotReadable(path=name, reason=reason) from None
    return path


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as text:
        yield from text
