"""``hongbao status``, and ``hongbao`` alone."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hongbao.commands.caller import Caller, addressed
from hongbao.commands.declared import (
    Context,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.env import sandbox_folder
from hongbao.errors import HomeLocked, HomeNotFound
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Status, Today

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Show today at a glance: money, packets, what waits, what is next."),
    help=N_(
        "`hongbao` alone shows the same. It changes nothing and asks nothing. "
        "Without a wallet, it shows how to begin."
    ),
    epilog="hongbao status\nhongbao status -p 小红",
)
def status(ctx: Context) -> None:
    answer_status(caller(ctx))


def answer_status(call: Caller) -> None:
    """Answer what there is today, or how to begin."""
    call.answer(_status(call), lambda answer: _show(answer, partial(_addressed, call)))


def _status(call: Caller) -> "Status":
    home = str(call.env.home)
    try:
        with call.wallet(asking=False) as wallet:
            today = wallet.today()
    except HomeNotFound:
        begin = "hongbao sandbox"
        if sandbox_folder(call.env.variables).exists():
            begin += " shell"
        return {"home": home, "locked": False, "wallet": None, "next": begin}
    except HomeLocked:
        return {"home": home, "locked": True, "wallet": None, "next": "hongbao unlock"}
    command = _addressed(call, _next(today))
    return {"home": home, "locked": False, "wallet": today, "next": command}


def _addressed(call: Caller, command: str) -> str:
    """Return *command* for the profile that was named."""
    return addressed(f"`{command}`", call.named_profile).strip("`")


def _next(today: "Today") -> str:
    """Return the one command that is most worth typing now."""
    for packet in today["claimable"]:
        return f"hongbao claim {packet['packet']}"
    if today["due"]:
        return "hongbao refund"
    if today["unanswered"]:
        return "hongbao settle"
    for case in today["cases"]:
        return f"hongbao review show {case['case']}"
    for packet in today["open"]:
        return f"hongbao show {packet['packet']}"
    if today["available_fen"]:
        return "hongbao send 6.66 --count 3"
    return "hongbao topup 100" if today["cards"] else "hongbao card add"


def _show(answer: "Status", as_typed: Callable[[str], str]) -> None:
    from hongbao.ui.status import show_status

    show_status(answer, as_typed)
