"""``hongbao operator``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    Limit,
    caller,
    listing,
    listing_group,
    new_app,
    operator_names,
)
from hongbao.commands.placeholders import OPERATOR_NAME
from hongbao.words import N_

app = new_app(cls=listing_group("clearing:OPERATORS"))


@app.callback(
    invoke_without_command=True,
    short_help=N_("Manage operators, who correct books and decide cases."),
    help=N_("Without a command, it lists them. An operator is not a user of the wallet."),
    epilog="hongbao operator add 老王\nhongbao operator log 老王",
)
def operator(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Add an operator with a separate PIN."),
    help=N_(
        "You add the first operator, with your payment PIN. Later ones need an "
        "existing operator's PIN, asked first."
    ),
    epilog="hongbao operator add 老王\nhongbao operator add 小李 --operator 老王",
)
def add(
    ctx: Context,
    name: Annotated[str, Argument(metavar=OPERATOR_NAME, help=N_("the operator's name"))],
    by: Annotated[
        str | None,
        Option(
            "--operator",
            metavar=OPERATOR_NAME,
            autocompletion=operator_names,
            help=N_("the operator who approves: hongbao asks for this PIN first"),
        ),
    ] = None,
    new_pin_file: Annotated[
        str | None,
        Option(
            "--new-pin-file",
            metavar="FILE",
            help=N_("read the operator's new PIN from FILE; - is standard input"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import clearing
    from hongbao.wallet.operators import By

    call = caller(ctx)
    hushed = call.asks_pin if by is None else call.asks_operator_pin
    with call.wallet(hushed=hushed or new_pin_file is None) as wallet:
        added = wallet.add_operator(
            name,
            pin=lambda: call.new_operator_pin(new_pin_file),
            by=call.pin if by is None else By(by, call.operator_pin),
        )
    call.answer(added, clearing.show_operator_added)


@app.command(
    "list",
    cls=listing("clearing:OPERATORS"),
    short_help=N_("List the operators."),
    epilog="hongbao operator list",
)
def list_operators(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "log",
    cls=listing("review:OPERATOR_LOG"),
    short_help=N_("Show the acts of operators, in order."),
    epilog="hongbao operator log\nhongbao operator log 老王 --limit 100",
)
def log(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(
            metavar=OPERATOR_NAME,
            autocompletion=operator_names,
            help=N_("only this operator (default: all)"),
        ),
    ] = None,
    limit: Limit = 20,
) -> None:
    from hongbao.ui import review

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.operator_log(name, limit=limit)
    call.answer_list(found, review.OPERATOR_LOG, review.show_operator_log)
    if found["more"]:
        call.hint(N_("see earlier ones: add `--limit {limit}`"), limit=limit * 2)


def _list(ctx: Context) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet() as wallet:
        operators = wallet.operators()
    call.answer_list(
        {"operators": operators},
        clearing.OPERATORS,
        lambda answer: clearing.show_operators(answer["operators"]),
    )
    if not operators:
        call.hint(N_("add one with `hongbao operator add NAME`"))
