"""``hongbao identify``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, DryRun, RequestId, caller, new_app, titles
from hongbao.commands.placeholders import CARD_NUMBER, ID_NUMBER, REAL_NAME
from hongbao.domain.identity import bank_of, parse_card_number, parse_real_name
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.wallet import Wallet

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Verify your identity; this sets your limits."),
    help=N_(
        "Small sums need no verified identity: `hongbao limits` shows what yours are. "
        "hongbao prompts for what you leave out, and does not show the ID number. "
        "Shells remember arguments: use the prompts, or keep them in a file."
    ),
    epilog=(
        "hongbao identify\n"
        "hongbao identify --demo\n"
        "hongbao identify --id-file me.txt --card 9999010000000003"
    ),
)
def identify(
    ctx: Context,
    name: Annotated[
        str | None,
        Option(
            "--name",
            metavar=REAL_NAME,
            parser=parse_real_name,
            help=N_("your name as on the ID card"),
        ),
    ] = None,
    id_number: Annotated[
        str | None,
        Option(
            "--id-number",
            metavar=ID_NUMBER,
            help=N_("your resident ID number (shells remember arguments)"),
        ),
    ] = None,
    id_file: Annotated[
        str | None,
        Option(
            "--id-file",
            metavar="FILE",
            help=N_(
                "read the name and then the ID number from FILE, a line each; - is standard input"
            ),
        ),
    ] = None,
    demo: Annotated[bool, Option("--demo", help=N_("use an ID number that is no one's"))] = False,
    card: Annotated[
        str | None,
        Option(
            "--card",
            metavar=CARD_NUMBER,
            parser=parse_card_number,
            help=N_("bind this bank card too"),
        ),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    for option, value in (("--name", name), ("--id-number", id_number)):
        if id_file is not None and value is not None:
            raise ConflictingOptions("--id-file", option, command=ctx.command_path)
    for option, value in (("--id-file", id_file), ("--id-number", id_number)):
        if demo and value is not None:
            raise ConflictingOptions("--demo", option, command=ctx.command_path)
    if card is not None:
        bank_of(card)
    if id_file is not None:
        name, id_number = call.identity(id_file)
    hushed = (demo or name is not None) and (id_number is None or call.asks_pin)
    with call.wallet(hushed=hushed) as wallet:
        if demo:
            demo_name, id_number = wallet.demo_identity()
            name = name or demo_name
        if name is None:
            question = N_("your name as on the ID card")
            name = call.ask(question, flag="--name", read=parse_real_name)
        if id_number is None:
            question = N_("resident ID number")
            id_number = call.ask_secret(question, flag="--id-file", read=_id_number(wallet))
        pin = call.same_pin
        identified: dict[str, Any] = dict(
            wallet.identify(name, id_number, pin=pin, request_id=request_id, dry_run=dry_run)
        )
        bound = None
        if card is not None:
            bound = wallet.add_card(
                card,
                pin=pin,
                request_id=None if request_id is None else f"{request_id}.card",
                dry_run=dry_run,
            )
            identified |= {"tier": bound["tier"], "card": bound}
        tiers = titles(wallet)
        has_card = bool(wallet.cards())

    def show(answer: Any) -> None:
        people.show_identified(answer, tiers)
        if bound is not None:
            people.show_card_added(bound)

    call.answer(identified, show)
    call.hint(
        N_("see your limits: `hongbao limits`")
        if has_card
        else N_("bind a bank card with `hongbao card add`")
    )


def _id_number(wallet: "Wallet") -> Callable[[str], str]:
    """Return a reader of an ID number as it was typed, which says at once what is wrong with it."""

    def read(text: str) -> str:
        wallet.read_id_number(text)
        return text

    return read
