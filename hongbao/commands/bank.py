"""``hongbao bank``."""

import sys
from datetime import datetime
from typing import Annotated

from hongbao.answers import StatementIssued
from hongbao.commands.choices import BANK, BANK_FAULT, PLACE, argument
from hongbao.commands.declared import (
    Context,
    Kind,
    Option,
)
from hongbao.commands.options import (
    STANDARD_OUTPUT,
    Command,
    DryRun,
    Output,
    RequestId,
    bank_codes,
    caller,
    listing,
    new_app,
)
from hongbao.domain.channel import Fault
from hongbao.domain.dates import china_day, parse_instant
from hongbao.domain.money import parse_yuan
from hongbao.domain.policy import CHANNELS
from hongbao.errors import NoSuchFault
from hongbao.words import N_


def _named(words: list[str], _commands: object) -> list[str]:
    """Return *words* with the command that a bank's code alone means: to show it."""
    return ["show", *words] if words[0].casefold() in bank_codes("") else words


app = new_app(cls=Kind("clearing:BANKS", implied=_named))

OFF = "off"

_FAULTS = [str(fault) for fault in Fault]


BankCode = Annotated[
    str,
    argument(BANK, metavar="BANK", help=N_("a bank's code: icbc, cmb, ccb, abc or boc")),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show the demo banks and simulate faults."),
    help=N_("Without a command, it lists them."),
    epilog=(
        "hongbao bank\n"
        "hongbao bank icbc\n"
        "hongbao bank fault icbc timeout\n"
        "hongbao bank fault icbc off"
    ),
)
def bank(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("clearing:BANKS"),
    short_help=N_("List the banks: their deposits and their faults."),
    epilog="hongbao bank list",
)
def list_banks(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "show",
    cls=listing("clearing:BANKS"),
    short_help=N_("Show one bank."),
    epilog="hongbao bank show icbc",
)
def show(ctx: Context, bank: BankCode) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.bank(bank)
    call.answer_list(
        shown, clearing.BANKS._replace(rows=""), lambda answer: clearing.show_banks([answer])
    )


@app.command(
    "fault",
    cls=Command,
    short_help=N_("Simulate a fault at a bank or channel; off clears it."),
    help=N_(
        "Only in a demo wallet (`hongbao init NAME --demo`). There the amounts "
        "444.01, 444.02 and so on fail automatically, in the order of the list."
    ),
    epilog=(
        "hongbao bank fault icbc timeout\n"
        "hongbao bank fault cmb decline --amount 66.66\n"
        "hongbao bank fault netsunion down\n"
        "hongbao bank fault icbc off"
    ),
)
def fault(
    ctx: Context,
    place: Annotated[
        str,
        argument(PLACE, metavar="PLACE", help=N_("a bank's code, netsunion or unionpay")),
    ],
    how: Annotated[
        str,
        argument(
            BANK_FAULT,
            metavar="FAULT",
            help=N_(
                "timeout, lost, late, slow, decline, insufficient, closed, down, duplicate-answer,"
                " surplus, shortage, wrong-amount, wrong-state, double-booking; or off"
            ),
        ),
    ],
    amount: Annotated[
        int | None,
        Option(
            "--amount", metavar="AMOUNT", parser=parse_yuan, help=N_("only payments of this amount")
        ),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import clearing

    wanted = how.strip().casefold()
    if wanted not in (*_FAULTS, OFF):
        raise NoSuchFault(place=place, text=how, known=", ".join((*_FAULTS, OFF)))
    call = caller(ctx)
    with call.wallet() as wallet:
        answer = wallet.set_fault(
            place,
            None if wanted == OFF else Fault(wanted),
            amount_fen=amount,
            request_id=request_id,
            dry_run=dry_run,
        )
    call.answer(answer, clearing.show_fault_set)
    if answer["faults"]:
        call.hint(N_("clear it with `hongbao bank fault {place} off`"), place=answer["bank"])


@app.command(
    "statement",
    cls=Command,
    short_help=N_("Write a bank's signed statement for one day."),
    help=N_("A CSV with the terms of camt.053; `hongbao reconcile --statement FILE` reads it."),
    epilog="hongbao bank statement icbc --date 2026-02-16 -o icbc.csv",
)
def statement(
    ctx: Context,
    bank: BankCode,
    day: Annotated[
        datetime | None,
        Option(
            "--date",
            metavar="DATE",
            parser=parse_instant,
            help=N_("the day, in China (default: today)"),
        ),
    ] = None,
    output: Output = STANDARD_OUTPUT,
) -> None:
    from hongbao.outputs import save_as
    from hongbao.ui import clearing

    call = caller(ctx)
    path = call.output(output, streams=True)
    with call.wallet() as wallet, wallet.looking():
        day = day or wallet.now()
        header, lines = wallet.bank_statement(bank, china_day(day))
        to_stdout = output == STANDARD_OUTPUT
        if to_stdout and not call.as_json:
            for line in lines:
                sys.stdout.buffer.write(line.encode())
            return
        text = "".join(lines) if to_stdout else None
        if text is None:
            written = (line.encode() for line in lines)
            save_as(path, lambda out: out.writelines(written), replace=call.yes)
        public_key = wallet.bank_key(bank).hex()
    issued: StatementIssued = {
        "bank": header.bank,
        "date": header.day.isoformat(),
        "file": None if to_stdout else str(path),
        "count": header.entry_count,
        "credit_fen": header.credit_fen,
        "debit_fen": header.debit_fen,
        "public_key": public_key,
    }
    if text is not None:
        issued["text"] = text
    call.answer(issued, clearing.show_statement_issued)


def _list(ctx: Context) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet() as wallet:
        banks, channels = (
            wallet.banks(),
            [line for line in wallet.faults() if line["bank"] in CHANNELS],
        )
    call.answer_list(
        {"banks": banks, "channel_faults": channels},
        clearing.BANKS,
        lambda _answer: clearing.show_banks(banks, channels),
    )
