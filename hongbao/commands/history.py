"""``hongbao history``."""

from typing import Annotated, Literal

from hongbao.commands.declared import (
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import (
    Limit,
    caller,
    listing,
    new_app,
    other_names,
    whole,
)
from hongbao.commands.period import Last, Since, Until, check_one_way
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = new_app()

LIMIT = 20


def _kinds(incomplete: str) -> list[str]:
    from hongbao.queries.history import ACTS

    return [name for name in ACTS if name.startswith(incomplete)]


@app.command(
    cls=listing("records:HISTORY", pictured=True, by="sums:SUMS", chart="sums:BALANCES"),
    short_help=N_("Show your movements, newest first."),
    help=N_("Days are China's; a day or a month at --to is included whole."),
    epilog=(
        "hongbao history\nhongbao history --last 2w\nhongbao history --by month\n"
        "hongbao history --chart"
    ),
)
def history(
    ctx: Context,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    kind: Annotated[
        str | None,
        Option(
            "--kind",
            metavar="KIND",
            autocompletion=_kinds,
            help=N_(
                "only this kind, as the table calls it, or topup, withdraw, withdraw_returned,"
                " send, claim, refund, refund_to_balance, released, returned, approved or rejected"
            ),
        ),
    ] = None,
    counterparty: Annotated[
        str | None,
        Option(
            "--with",
            metavar=PROFILE_NAME,
            autocompletion=other_names,
            help=N_("only with this person"),
        ),
    ] = None,
    limit: Limit = LIMIT,
    before: Annotated[
        int | None,
        Option(
            "--before",
            metavar="ENTRY",
            parser=whole("--before", 1),
            help=N_("only entries before this one: the next page"),
        ),
    ] = None,
    by: Annotated[
        Literal["day", "month", "person", "kind"] | None,
        Option("--by", help=N_("add the movements up")),
    ] = None,
    chart: Annotated[bool, Option("--chart", help=N_("draw the balance over time"))] = False,
) -> None:
    from hongbao.ui import records, sums, wording

    call = caller(ctx)
    check_one_way(ctx, last, since, until)
    if by is not None or chart:
        others: dict[str, object] = {"--limit": limit != LIMIT, "--before": before is not None}
        if chart:
            others = {"--by": by, "--kind": kind, "--with": counterparty, **others}
        _refuse_both(ctx, "--chart" if chart else "--by", others)
    acts = None if kind is None else wording.acts_called(kind)
    if acts == ():
        choices = ", ".join(f"'{name}'" for name in wording.acts_choices())
        raise wrong_usage(
            f"Invalid value for '--kind': '{kind}' is not one of {choices}.",
            command=ctx.command_path,
        )
    with call.wallet() as wallet:
        if chart:
            balances = wallet.balance_over_time(since=since, until=until, last=last)
            call.answer_list(balances, sums.BALANCES, sums.show_balances)
            return
        if by is not None:
            added = wallet.sums(
                by, since=since, until=until, last=last, acts=acts, counterparty=counterparty
            )
            call.answer_list(added, sums.SUMS, sums.show_sums)
            return
        found = wallet.history(
            since=since,
            until=until,
            last=last,
            acts=acts,
            counterparty=counterparty,
            before=before,
            limit=limit,
        )
    call.answer_list(found, records.HISTORY, records.show_history)
    if found["pending"]:
        call.hint(N_("a payment is pending; check it with `hongbao settle`"))
    if found["more"]:
        call.hint(
            N_("see earlier ones: add `--before {entry}`"), entry=found["movements"][-1]["entry"]
        )


def _refuse_both(ctx: Context, option: str, others: dict[str, object]) -> None:
    for other, is_typed in others.items():
        if is_typed:
            raise ConflictingOptions(option, other, command=ctx.command_path)
