"""``hongbao challenge``."""

from typing import Annotated

from hongbao.commands.choices import CHALLENGE, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    caller,
    listing,
    listing_group,
    new_app,
)
from hongbao.commands.placeholders import ANSWER
from hongbao.words import N_

app = new_app(cls=listing_group("challenges:CHALLENGES"))


@app.callback(
    invoke_without_command=True,
    short_help=N_("Answer risk control's challenges (人机验证)."),
    help=N_("Without a command, it lists the open challenges."),
    epilog="hongbao challenge answer ch_04HMASWS",
)
def challenge(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("challenges:CHALLENGES"),
    short_help=N_("List the open challenges."),
    epilog="hongbao challenge list",
)
def list_challenges(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "answer",
    cls=Command,
    short_help=N_("Answer a challenge; the same request then succeeds once."),
    epilog="hongbao challenge answer ch_04HMASWS\nhongbao challenge answer ch_04HMASWS --answer 7",
)
def answer(
    ctx: Context,
    challenge_id: Annotated[
        str,
        argument(
            CHALLENGE, metavar="CHALLENGE", help=N_("the challenge's ID, or `last` for the newest")
        ),
    ],
    text: Annotated[
        str | None,
        Option(
            "--answer",
            metavar=ANSWER,
            help=N_("the number counted; hongbao asks if you leave it out"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import challenges

    call = caller(ctx)
    with call.wallet() as wallet:
        if text is None:
            passed = call.answer_challenge(wallet, challenge_id)
        else:
            passed = wallet.answer_challenge(challenge_id, text)
    call.answer(passed, challenges.show_passed)


def _list(ctx: Context) -> None:
    from hongbao.ui import challenges

    call = caller(ctx)
    with call.wallet() as wallet:
        waiting = wallet.challenges()
    call.answer_list({"challenges": waiting}, challenges.CHALLENGES)
    if waiting:
        call.hint(
            N_("answer one with `hongbao challenge answer {challenge}`"),
            challenge=waiting[0]["challenge"],
        )
