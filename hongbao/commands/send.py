"""``hongbao send``."""

from enum import StrEnum
from typing import Annotated

from hongbao.commands.choices import AMOUNT
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    DryRun,
    MoneyCommand,
    RequestId,
    ask_for,
    caller,
    new_app,
    other_names,
    places_to_pay_from,
    whole,
)
from hongbao.commands.placeholders import PROFILE_NAME, placeholder
from hongbao.domain.money import parse_yuan
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = new_app()


class Deal(StrEnum):
    """The deal rule of a lucky packet's shares (docs/concepts/fairness.md)."""

    DOUBLE_MEAN = "double-mean"
    SHUFFLED = "shuffled"


@app.command(
    cls=MoneyCommand,
    short_help=N_("Send a red packet; unclaimed money comes back after it expires."),
    help=N_(
        "AMOUNT with --count is split at random (拼手气). --each gives everyone the "
        "same (普通). --to is for one person only (专属)."
    ),
    epilog=(
        "hongbao send 66.66 --count 5\n"
        "hongbao send --each 8.88 --count 10\n"
        "hongbao send 52 --to 小红"
    ),
)
def send(
    ctx: Context,
    amount: Annotated[
        int | None,
        Argument(
            metavar="AMOUNT",
            parser=parse_yuan,
            help=N_("the total, in yuan"),
            show_default=False,
        ),
    ] = None,
    each: Annotated[
        int | None,
        Option(
            "--each",
            metavar="AMOUNT",
            parser=parse_yuan,
            help=N_("the amount of each share, in yuan"),
        ),
    ] = None,
    count: Annotated[
        int | None,
        Option(
            "--count",
            "-c",
            metavar="COUNT",
            parser=whole("--count", 0),
            help=N_("number of shares (default: 1)"),
        ),
    ] = None,
    to: Annotated[
        str | None,
        Option(
            "--to",
            metavar=PROFILE_NAME,
            autocompletion=other_names,
            help=N_("only for this person"),
        ),
    ] = None,
    greeting: Annotated[
        str | None,
        Option(
            "--greeting",
            "-g",
            metavar="TEXT",
            help=N_("the greeting (default: 恭喜发财，大吉大利)"),
        ),
    ] = None,
    cover: Annotated[
        str | None,
        Option("--cover", metavar="TEXT", help=N_("the cover (红包封面), at most 20 characters")),
    ] = None,
    paid_from: Annotated[
        str,
        Option(
            "--from",
            metavar="CARD",
            autocompletion=places_to_pay_from,
            help=N_("pay with this card instead of the balance"),
            show_default=False,
        ),
    ] = "balance",
    deal: Annotated[
        Deal | None,
        Option(
            "--deal", help=N_("when amounts are drawn: at each claim, or up front and shuffled")
        ),
    ] = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.domain.packet import DealRule, PacketKind
    from hongbao.ui import packets
    from hongbao.wallet.send import DEFAULT_GREETING

    call = caller(ctx)
    kind, total_fen = PacketKind.LUCKY, amount
    if each is not None:
        kind, total_fen = PacketKind.EQUAL, each * (count or 1)
        _refuse_both(ctx, "--each", {"AMOUNT": amount, "--to": to, "--deal": deal})
    elif to is not None:
        kind = PacketKind.EXCLUSIVE
        _refuse_both(ctx, "--to", {"--count": count if count != 1 else None, "--deal": deal})
    if total_fen is None:
        total_fen = ask_for(ctx, "amount", AMOUNT)
    with call.wallet(hushed=call.asks_pin) as wallet:
        sent = wallet.send(
            total_fen,
            pin=call.pin,
            count=1 if count is None else count,
            kind=kind,
            recipient=to,
            greeting=DEFAULT_GREETING if greeting is None else greeting,
            cover=cover,
            paid_from=paid_from,
            deal=DealRule(deal or Deal.DOUBLE_MEAN),
            request_id=request_id,
            dry_run=dry_run,
        )
    call.answer(sent, packets.show_sent)
    if sent.get("scripted"):
        call.remark(packets.SCRIPTED)
    if not dry_run:
        if sent.get("held") is not None:
            call.hint(N_("follow it with `hongbao show {packet}`"), packet=sent["packet"])
        elif to is not None:
            call.hint(
                N_("{name} claims it with `hongbao claim {packet} -p {name}`"),
                name=to,
                packet=sent["packet"],
            )
        else:
            call.hint(
                N_("others claim their shares with `hongbao claim {packet} -p NAME`"),
                packet=sent["packet"],
            )


def _refuse_both(ctx: Context, option: str, others: dict[str, object]) -> None:
    for other, value in others.items():
        if value is not None:
            raise ConflictingOptions(option, placeholder(other), command=ctx.command_path)
