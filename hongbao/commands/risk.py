"""``hongbao risk``."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.choices import REQUEST, argument
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    DryRun,
    Group,
    Limit,
    RequestId,
    caller,
    listing,
    new_app,
    pack_names,
    profile_names,
)
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.commands.rules import Answering, answering, read_pack
from hongbao.domain.dates import parse_instant
from hongbao.errors import HomeNotFound
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller

app = new_app(cls=Group)

Pack = Annotated[
    str,
    Argument(metavar="PACK", autocompletion=pack_names, help=N_("a name, name/version, or a file")),
]


Everything = Annotated[
    bool, Option("--all", help=N_("show everything, not only what matters most"))
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Explain risk decisions, and manage risk packs."),
    help=N_("Without a command, it shows this profile's risk view."),
    epilog=(
        "hongbao risk why 7K2M9QXA\n"
        "hongbao risk show\n"
        "hongbao risk replay --pack mine.toml --since 2026-11-01"
    ),
)
def risk(ctx: Context, everything: Everything = False) -> None:
    if ctx.invoked_subcommand is None:
        _show(caller(ctx), None, everything=everything)


@app.command(
    cls=Command,
    short_help=N_("Explain how a request was judged."),
    help=N_(
        "Shows the rules that fired, with the measured value and the threshold, "
        "the model's score, and what would have been allowed; with --all, every "
        "rule for such an act."
    ),
    epilog="hongbao risk why 7K2M9QXA\nhongbao risk why 7K2M9QXA --json",
)
def why(
    ctx: Context,
    request: Annotated[
        str,
        argument(
            REQUEST,
            metavar="REQUEST",
            help=N_("the request's ID, or a packet's, or `last` for the newest"),
        ),
    ],
    everything: Everything = False,
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        explained = wallet.why(request)
    call.answer(explained, partial(screen.show_explained, everything=everything))


@app.command(
    cls=Command,
    short_help=N_("Show a profile's risk view."),
    epilog="hongbao risk show\nhongbao risk show 李四",
)
def show(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(
            metavar=PROFILE_NAME,
            autocompletion=profile_names,
            help=N_("the profile (default: you)"),
        ),
    ] = None,
    everything: Everything = False,
) -> None:
    _show(caller(ctx), name, everything=everything)


@app.command(
    cls=listing("risk:RULES"),
    short_help=N_("Print the active rules, or a risk pack's file."),
    help=N_("With --text it prints the file itself, to start your own from it."),
    epilog="hongbao risk rules\nhongbao risk rules standard --text > mine.toml",
)
def rules(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(
            metavar="PACK", autocompletion=pack_names, help=N_("a name, name/version, or a file")
        ),
    ] = None,
    as_text: Annotated[bool, Option("--text", help=N_("print the file itself"))] = False,
    everything: Everything = False,
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
        show = partial(screen.show_rules, everything=everything)
        call.answer_list(found, screen.RULES, show)


@app.command(
    cls=listing("risk:REPLAYED"),
    short_help=N_("Judge history by another risk pack; changes nothing."),
    help=N_("It shows the acts that would be answered differently."),
    epilog=(
        "hongbao risk replay --pack mine.toml\n"
        "hongbao risk replay --pack standard --since 2026-11-01"
    ),
)
def replay(
    ctx: Context,
    pack: Annotated[
        str,
        Option(
            "--pack",
            metavar="PACK",
            autocompletion=pack_names,
            help=N_("a name, name/version, or a file"),
        ),
    ],
    since: Annotated[
        datetime | None,
        Option(
            "--since",
            metavar="INSTANT",
            parser=parse_instant,
            help=N_("from this day or time"),
        ),
    ] = None,
    limit: Limit = 20,
) -> None:
    from hongbao.ui import risk as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        replayed = wallet.replay(read_pack(pack, wallet), since=since, limit=limit)
    call.answer_list(replayed, screen.REPLAYED, screen.show_replayed)
    if replayed["changed"] > len(replayed["changes"]):
        call.hint(N_("see more: add `--limit {count}`"), count=replayed["changed"])


@app.command(
    cls=Command,
    short_help=N_("Activate another risk pack for the whole wallet."),
    help=N_(
        "The ledger keeps its text: every decision names the risk pack that made "
        "it. Once the wallet has operators, one of them must approve."
    ),
    epilog="hongbao risk use ./mine.toml\nhongbao risk use standard",
)
def use(
    ctx: Context,
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
    call.hint(N_("see its rules: `hongbao risk rules`"))


@app.command(
    cls=Command,
    short_help=N_("Train the risk model on this wallet's history."),
    help=N_(
        "Training needs the extra `hongbao[train]`; the model is kept as plain "
        "data and needs no extra. With --shipped, the model that comes with "
        "hongbao is used again."
    ),
    epilog="hongbao risk train\nhongbao risk train --shipped",
)
def train(
    ctx: Context,
    shipped: Annotated[
        bool, Option("--shipped", help=N_("use the model that comes with hongbao again"))
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


def _show(call: "Caller", name: str | None, *, everything: bool) -> None:
    from hongbao.ui import risk as screen

    with call.wallet() as wallet:
        picture = wallet.risk_picture(name)
    call.answer(picture, partial(screen.show_picture, everything=everything))
