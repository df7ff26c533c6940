"""``hongbao risk``."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.commands.rules import Answering, answering, read_pack
from hongbao.commands.window import (
    Command,
    DryRun,
    Group,
    Limit,
    RequestId,
    caller,
    pack_names,
    packet_ids,
    profile_names,
    window,
)
from hongbao.domain.dates import parse_instant
from hongbao.errors import HomeNotFound
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller

app = window(cls=Group)

Pack = Annotated[
    str,
    typer.Argument(
        metavar="PACK", autocompletion=pack_names, help=N_("a name, name/version, or a file")
    ),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Why an act was stopped, and the rules that decide it."),
    help=N_("Without a command, it shows what risk control knows of this profile."),
    epilog=(
        "hongbao risk why 7K2M9QXA\n"
        "hongbao risk show\n"
        "hongbao risk replay --pack mine.toml --since 2026-11-01"
    ),
)
def risk(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        _show(caller(ctx), None)


@app.command(
    cls=Command,
    short_help=N_("Explain how a request was judged."),
    help=N_(
        "Every rule that looks at such an act, with what was measured and what it asks; what the"
        " model found strange; and what would have been allowed."
    ),
    epilog="hongbao risk why 7K2M9QXA\nhongbao risk why 7K2M9QXA --json",
)
def why(
    ctx: typer.Context,
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST",
            autocompletion=packet_ids,
            help=N_("the request id of what was asked for, or a packet's id"),
        ),
    ],
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        explained = wallet.why(request)
    call.answer(explained, screen.show_explained)


@app.command(
    cls=Command,
    short_help=N_("Show what risk control knows of a profile."),
    epilog="hongbao risk show\nhongbao risk show 李四",
)
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar=PROFILE_NAME,
            autocompletion=profile_names,
            help=N_("whose picture; yours without it"),
        ),
    ] = None,
) -> None:
    _show(caller(ctx), name)


@app.command(
    cls=Command,
    short_help=N_("Print the rules in force, or a pack as the file it is."),
    help=N_("With --text it prints the file itself, to begin one of your own from."),
    epilog="hongbao risk rules\nhongbao risk rules standard --text > mine.toml",
)
def rules(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="PACK", autocompletion=pack_names, help=N_("a name, name/version, or a file")
        ),
    ] = None,
    as_text: Annotated[bool, typer.Option("--text", help=N_("print the file itself"))] = False,
) -> None:
    from hongbao.queries.risk import pack_rules
    from hongbao.ui import risk as screen

    call = caller(ctx)
    try:
        with call.wallet() as wallet:
            found = wallet.risk_rules(None if name is None else read_pack(name, wallet))
    except HomeNotFound:  # rules can be read before there is a home that they guard
        found = pack_rules(read_pack(name or "standard"), None)
    if as_text:
        call.answer(found, lambda answer: print(answer["text"], end=""))
    else:
        call.answer(found, screen.show_rules)


@app.command(
    cls=Command,
    short_help=N_("Judge history by another pack, and touch nothing."),
    help=N_("It says which acts would have been answered differently."),
    epilog=(
        "hongbao risk replay --pack mine.toml\n"
        "hongbao risk replay --pack standard --since 2026-11-01"
    ),
)
def replay(
    ctx: typer.Context,
    pack: Annotated[
        str,
        typer.Option(
            "--pack",
            metavar="PACK",
            autocompletion=pack_names,
            help=N_("a name, name/version, or a file"),
        ),
    ],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="INSTANT",
            parser=parse_instant,
            help=N_("from this day or moment on"),
        ),
    ] = None,
    limit: Limit = 20,
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        replayed = wallet.replay(read_pack(pack, wallet), since=since, limit=limit)
    call.answer(replayed, screen.show_replayed)
    if replayed["changed"] > len(replayed["changes"]):
        call.hint(N_("more of them with `--limit {count}`"), count=replayed["changed"])


@app.command(
    cls=Command,
    short_help=N_("Put another pack of rules in force for the whole home."),
    help=N_(
        "The ledger keeps its text: every decision names the pack that made it. Once the home has"
        " operators, one of them answers for its rules."
    ),
    epilog="hongbao risk use ./mine.toml\nhongbao risk use standard",
)
def use(
    ctx: typer.Context,
    name: Pack,
    operator: Answering = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        pack, by = read_pack(name, wallet), answering(call, operator)
        used = wallet.use_risk_pack(pack, by=by, request_id=request_id, dry_run=dry_run)
    call.answer(used, screen.show_guards_used)
    call.hint(N_("`hongbao risk rules` shows what it asks"))


@app.command(
    cls=Command,
    short_help=N_("Learn from this home what acts usually look like."),
    help=N_(
        "It needs the extra `hongbao[train]`; what is learned is kept as plain data and read"
        " without it. With --shipped, the model that comes with hongbao is asked again."
    ),
    epilog="hongbao risk train\nhongbao risk train --shipped",
)
def train(
    ctx: typer.Context,
    shipped: Annotated[
        bool, typer.Option("--shipped", help=N_("go back to the model that ships with hongbao"))
    ] = False,
    operator: Answering = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        learn = wallet.use_shipped_model if shipped else wallet.train_model
        used = learn(by=answering(call, operator), request_id=request_id, dry_run=dry_run)
    call.answer(used, screen.show_guards_used)


def _show(call: "Caller", name: str | None) -> None:
    from hongbao.ui import risk as screen

    with call.wallet() as wallet:
        picture = wallet.risk_picture(name)
    call.answer(picture, screen.show_picture)
