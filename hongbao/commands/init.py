"""``hongbao init``."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.choices import NEW_PROFILE, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.home import PasswordFile, chosen_ledger
from hongbao.commands.options import (
    Command,
    RequestId,
    caller,
    new_app,
    policy_names,
    titles,
)
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.commands.rules import read_policy
from hongbao.domain.dates import parse_instant
from hongbao.errors import HomeExists
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Create a profile, and the wallet if this is the first."),
    help=N_(
        "A wallet's policy, virtual clock and seed are chosen when it is created. "
        "A virtual clock moves only with `hongbao clock`; a seed makes every draw "
        "repeatable. Both are for demos and lessons."
    ),
    epilog=(
        "hongbao init 小明\n"
        "hongbao init demo --demo\n"
        "hongbao init demo --clock 2026-02-16T20:00:00+08:00 --dice 2026"
    ),
)
def init(
    ctx: Context,
    name: Annotated[
        str,
        argument(NEW_PROFILE, metavar=PROFILE_NAME, help=N_("the profile's name")),
    ],
    policy: Annotated[
        str | None,
        Option(
            "--policy",
            metavar="POLICY",
            autocompletion=policy_names,
            help=N_("the policy: a name or a file"),
        ),
    ] = None,
    clock: Annotated[
        datetime | None,
        Option(
            "--clock",
            metavar="INSTANT",
            parser=parse_instant,
            help=N_("use a virtual clock that starts then"),
        ),
    ] = None,
    dice: Annotated[
        str | None,
        Option("--dice", metavar="SEED", help=N_("fix all randomness by SEED")),
    ] = None,
    demo: Annotated[
        bool,
        Option(
            "--demo",
            help=N_("a demo wallet: virtual clock, fixed seed, banks with simulated faults"),
        ),
    ] = False,
    ledger: Annotated[
        str | None,
        Option(
            "--ledger",
            metavar="ADDRESS",
            help=N_("keep the ledger on a cluster, at this address"),
        ),
    ] = None,
    password_file: PasswordFile = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.home.opening import place_of
    from hongbao.home.places import has_ledger
    from hongbao.ui import people
    from hongbao.wallet import Wallet

    call = caller(ctx)
    rules = read_policy(policy or "standard")
    is_new = not has_ledger(call.env)
    if not is_new and not _is_noted(call, ledger):
        if ledger is not None:
            raise HomeExists(ledger=place_of(call.env))
        if policy is not None:
            raise HomeExists
    access = chosen_ledger(ctx, call, ledger, password_file)
    if call.asks_pin:
        call.env.hush()
    wallet, founded = call.unlocked(
        lambda passphrase: Wallet.found(
            call.env,
            name,
            pin=call.first_pin,
            policy=rules,
            clock=clock,
            dice=dice,
            demo=demo,
            passphrase=passphrase,
            request_id=request_id,
            access=access,
        )
    )
    call.leave_terminal()
    call.close_home()
    with wallet:
        tiers = titles(wallet)
    call.answer(founded, lambda answer: people.show_founded(answer, tiers))
    if access is not None:
        call.remark(N_("the ledger is in {path}"), path=access.address.where)
    elif is_new:
        call.remark(N_("the ledger is in {path}, encrypted"), path=call.env.home)
    if demo or clock is not None:
        call.remark(
            N_("this wallet's clock is virtual; advance it with `hongbao clock advance 1h`")
        )
    if demo or dice is not None:
        call.remark(N_("randomness is fixed by a seed: for demos only, never for secrets"))
    if is_new:
        call.hint(N_("bind a card with `hongbao card add`; small sums need no `hongbao identify`"))
    else:
        call.hint(
            N_("use `-p {name}` for one command, or switch with `hongbao use {name}`"), name=name
        )


def _is_noted(call: "Caller", ledger: str | None) -> bool:
    """Return whether *ledger* is noted: it is of an `init` that was killed, or of a wallet."""
    from hongbao.home.clusters import noted_address, parse_address
    from hongbao.home.places import is_on_cluster

    return (
        ledger is not None
        and is_on_cluster(call.env)
        and noted_address(call.env) == parse_address(ledger)
    )
