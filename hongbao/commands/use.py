"""``hongbao use``."""

from typing import Annotated

from hongbao.commands import last_refusal
from hongbao.commands.choices import OTHER_PROFILE, argument
from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import (
    Command,
    caller,
    new_app,
)
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.words import N_

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Switch to another profile."),
    help=N_("For one command only, use `-p NAME`."),
    epilog="hongbao use 小红",
)
def use(
    ctx: Context,
    name: Annotated[
        str,
        argument(OTHER_PROFILE, metavar=PROFILE_NAME, help=N_("the profile's name")),
    ],
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet() as wallet:
        used = wallet.use(name)
        is_sandbox = wallet.home.is_sandbox
    last_refusal.forget(call)
    call.answer(used, people.show_used)
    if call.settings.default_profile and not is_sandbox:
        call.remark(
            N_("note: your setting default_profile is {name}, and goes before this choice"),
            name=call.settings.default_profile,
        )
