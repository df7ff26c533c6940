"""``hongbao history``."""

from enum import StrEnum
from typing import Annotated

import typer

from hongbao.commands.period import Since, Until
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.commands.window import (
    Command,
    Limit,
    caller,
    other_names,
    whole,
    window,
)
from hongbao.words import N_

app = window()


class Kind(StrEnum):
    """What moves money."""

    TOPUP = "topup"
    WITHDRAW = "withdraw"
    WITHDRAW_RETURNED = "withdraw_returned"
    SEND = "send"
    CLAIM = "claim"
    REFUND = "refund"
    REFUND_TO_BALANCE = "refund_to_balance"
    RELEASED = "released"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"


@app.command(
    cls=Command,
    short_help=N_("Show what moved your money, newest first."),
    help=N_("Days are China's; a day or a month at --to is meant whole."),
    epilog=(
        "hongbao history\nhongbao history --from 2026-11 --to 2026-11\nhongbao history --kind claim"
    ),
)
def history(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help=N_(
                "only this kind: topup, withdraw, withdraw_returned, send, claim, refund,"
                " refund_to_balance, released, returned, approved or rejected"
            ),
        ),
    ] = None,
    counterparty: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar=PROFILE_NAME,
            autocompletion=other_names,
            help=N_("only with this person"),
        ),
    ] = None,
    limit: Limit = 20,
    before: Annotated[
        int | None,
        typer.Option(
            "--before",
            metavar="ENTRY",
            parser=whole("--before", 1),
            help=N_("only entries before this one: the next page"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import records

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.history(
            since=since,
            until=until,
            act=None if kind is None else kind.value,
            counterparty=counterparty,
            before=before,
            limit=limit,
        )
    call.answer(found, records.show_history)
    if found["pending"]:
        call.hint(N_("a bank owes you an answer: ask for it with `hongbao settle`"))
    if found["more"]:
        call.hint(N_("go on with `--before {entry}`"), entry=found["movements"][-1]["entry"])
