"""``hongbao card``."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.choices import CARD, argument
from hongbao.commands.declared import (
    Argument,
    Context,
)
from hongbao.commands.options import (
    Command,
    DryRun,
    RequestId,
    caller,
    listing,
    listing_group,
    new_app,
)
from hongbao.commands.placeholders import CARD_NUMBER
from hongbao.domain.identity import BANKS, bank_of, demo_card_number, parse_card_number
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller

app = new_app(cls=listing_group("people:CARDS"))


class RefundsTo(StrEnum):
    """The destination of refunds of packets that a card paid for."""

    CARD = "card"
    BALANCE = "balance"


@app.callback(
    invoke_without_command=True,
    short_help=N_("Bind, list and remove bank cards; choose where refunds go."),
    help=N_("Without a command, it lists them. The banks here are demo banks."),
    epilog="hongbao card add 9999010000000003\nhongbao card list",
)
def card(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Bind a bank card."),
    help=N_(
        "If you leave the number out, hongbao asks for it without showing it. Demo "
        "cards begin with 999901 (ICBC) to 999905 (BOC)."
    ),
    epilog="hongbao card add 9999010000000003",
)
def add(
    ctx: Context,
    number: Annotated[
        str | None,
        Argument(metavar=CARD_NUMBER, parser=parse_card_number, help=N_("the card's number")),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    if number is not None:
        bank_of(number)
    with call.wallet(hushed=number is None or call.asks_pin) as wallet:
        if number is None:
            if call.can_be_asked:
                call.remark(N_("for a new demo card, enter {number}"), number=_new_number(call))
            number = call.ask_secret(N_("card number"), flag="NUMBER", read=_card_number)
        bound = wallet.add_card(number, pin=call.pin, request_id=request_id, dry_run=dry_run)
    call.answer(bound, people.show_card_added)
    call.hint(N_("top up with `hongbao topup 100`"))


@app.command(
    "list",
    cls=listing("people:CARDS"),
    short_help=N_("List your bank cards."),
    epilog="hongbao card list",
)
def list_cards(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "remove",
    cls=Command,
    short_help=N_("Remove a bank card."),
    help=N_("Its bank account stays, and is the same when you bind the card again."),
    epilog="hongbao card remove icbc-0003",
)
def remove(
    ctx: Context,
    card: Annotated[
        str,
        argument(CARD, metavar="CARD", help=N_("the card's name, or its last four digits")),
    ],
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin) as wallet:
        removed = wallet.remove_card(card, pin=call.pin, request_id=request_id, dry_run=dry_run)
    call.answer(removed, people.show_card_removed)


@app.command(
    "refunds",
    cls=Command,
    short_help=N_("Show or choose where refunds of packets paid by card go."),
    help=N_(
        "To the card that paid (card, the default), within a working day, or to "
        "the balance at once."
    ),
    epilog="hongbao card refunds\nhongbao card refunds balance",
)
def refunds(
    ctx: Context,
    to: Annotated[
        RefundsTo | None,
        Argument(metavar="[card|balance]", help=N_("the destination from now on")),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet() as wallet:
        found = wallet.refunds_to(
            None if to is None else to.value, request_id=request_id, dry_run=dry_run
        )
    call.answer(found, people.show_refunds_to)


def _new_number(call: "Caller") -> str:
    """Return the number of a demo card that no one here has, as far as chance can say."""
    return demo_card_number(BANKS[0], int.from_bytes(call.env.chance(4)) % 10**9)


def _card_number(text: str) -> str:
    """Return the number of a card of a known bank."""
    number = parse_card_number(text)
    bank_of(number)
    return number


def _list(ctx: Context) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet() as wallet:
        cards = wallet.cards()
    call.answer_list({"cards": cards}, people.CARDS)
    if not cards:
        call.hint(N_("bind one with `hongbao card add`"))
