"""``hongbao operator``."""

from typing import Annotated

import typer

from hongbao.commands.window import Command, Group, caller, window
from hongbao.words import N_

app = window(cls=Group)


@app.callback(
    invoke_without_command=True,
    short_help=N_("Who may put books right: operators, with PINs of their own."),
    help=N_("Without a command, it lists them. An operator is no user of the wallet."),
    epilog="hongbao operator add 老王",
)
def operator(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Make somebody an operator, with a PIN of their own."),
    epilog="hongbao operator add 老王 --pin-file operator-pin",
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("what the operator is called"))],
) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet() as wallet:
        added = wallet.add_operator(name, pin=call.first_operator_pin)
    call.answer(added, clearing.show_operator_added)


@app.command(
    "list",
    cls=Command,
    short_help=N_("List the operators."),
    epilog="hongbao operator list",
)
def list_operators(ctx: typer.Context) -> None:
    _list(ctx)


def _list(ctx: typer.Context) -> None:
    from hongbao.ui import clearing

    call = caller(ctx)
    with call.wallet() as wallet:
        operators = wallet.operators()
    call.answer(
        {"operators": operators}, lambda answer: clearing.show_operators(answer["operators"])
    )
    if not operators:
        call.hint(N_("make one with `hongbao operator add NAME`"))
