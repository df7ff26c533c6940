"""``hongbao policy``."""

from typing import Annotated, Any

from hongbao.answers import PolicyLine
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
    policy_names,
)
from hongbao.commands.rules import Answering, answering, read_policy
from hongbao.errors import HomeNotFound
from hongbao.words import N_

app = new_app(cls=listing_group("home:POLICIES"))


@app.callback(
    invoke_without_command=True,
    short_help=N_("List, show and choose policies: limits, fees, caps."),
    help=N_("Without a command, it lists them."),
    epilog=(
        "hongbao policy list\n"
        "hongbao policy show standard > mine.toml\n"
        "hongbao policy use mine.toml"
    ),
)
def policy(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("home:POLICIES"),
    short_help=N_("List the policies that come with hongbao or were used here."),
    epilog="hongbao policy list",
)
def list_policies(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "show",
    cls=Command,
    short_help=N_("Print a policy's file; without a name, the active one."),
    epilog="hongbao policy show pboc-2015",
)
def show(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(
            metavar="POLICY",
            autocompletion=policy_names,
            help=N_("a name, name@version, or a file"),
        ),
    ] = None,
) -> None:
    call = caller(ctx)
    try:
        with call.wallet() as wallet:
            found = wallet.policy if name is None else read_policy(name, wallet)
    except HomeNotFound:  # rules can be read before there is a home that they rule
        found = read_policy(name or "standard")
    call.answer(
        {"policy": found.ref, "text": found.text}, lambda answer: print(answer["text"], end="")
    )


@app.command(
    "use",
    cls=Command,
    short_help=N_("Activate another policy for the whole wallet."),
    help=N_(
        "The ledger keeps its text: every entry names the policy that allowed it. "
        "Once the wallet has operators, one of them must approve."
    ),
    epilog="hongbao policy use pboc-2015\nhongbao policy use ./mine.toml",
)
def use(
    ctx: Context,
    name: Annotated[
        str,
        Argument(
            metavar="POLICY",
            autocompletion=policy_names,
            help=N_("a name, name@version, or a file"),
        ),
    ],
    operator: Answering = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import home

    call = caller(ctx)
    with call.wallet(hushed=operator is not None and call.asks_operator_pin) as wallet:
        rules, by = read_policy(name, wallet), answering(call, operator)
        used = wallet.use_policy(rules, by=by, request_id=request_id, dry_run=dry_run)
    call.answer(used, home.show_policy_used)
    call.hint(N_("see your limits: `hongbao limits`"))


def _list(ctx: Context) -> None:
    from hongbao import policies
    from hongbao.ui import home

    call = caller(ctx)
    found: dict[str, PolicyLine] = {}

    def add(name: str, *, shipped: bool, current: str | None, wallet: Any = None) -> None:
        rules = read_policy(name, wallet)
        found.setdefault(
            rules.ref,
            {
                "policy": rules.ref,
                "title": rules.title.en,
                "title_zh": rules.title.zh,
                "shipped": shipped,
                "current": rules.ref == current,
            },
        )

    try:
        with call.wallet() as wallet:
            current = wallet.policy.ref
            for name in policies.names():
                add(name, shipped=True, current=current)
            for name in wallet.policies():
                add(name, shipped=False, current=current, wallet=wallet)
    except HomeNotFound:
        for name in policies.names():
            add(name, shipped=True, current=None)
    call.answer_list({"policies": [*found.values()]}, home.POLICIES)
