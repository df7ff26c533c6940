"""``hongbao lab``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hongbao.commands.options import Command, caller, listing_group, new_app, one_of
from hongbao.words import N_, use_language

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller

RUN = "run"

FAULTS = (
    *("float", "rounding", "oversell", "expiry", "double-refund", "utc-day", "reused-key"),
    *("pin", "biased-deal", "lost-update", "in-flight"),
)
"""The names of the faults, for a shell that completes them: the laboratory is not opened for it."""


class Laboratory(listing_group("lab:FAULTS")):  # type: ignore[misc]
    """`hongbao lab FAULT` runs the experiment NAME, unless that is a command of the group."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            args = [RUN, *args]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a shell may offer: the faults, too."""
        found = super().shell_complete(ctx, incomplete)
        item = type(next(iter(found or super().shell_complete(ctx, ""))))
        return [*found, *(item(name) for name in FAULTS if name.startswith(incomplete))]


app = new_app(cls=Laboratory)


@app.callback(
    invoke_without_command=True,
    short_help=N_("See famous faults lose money, next to hongbao."),
    help=N_(
        "Without a command, it lists the faults; `hongbao lab FAULT` runs one. A small broken "
        "engine and hongbao play the same story, on throw-away ledgers. Your wallet is not touched."
    ),
    epilog="hongbao lab\nhongbao lab oversell",
)
def lab(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from hongbao.lab.experiments import all_described
    from hongbao.ui import lab as screen

    call = _speaking(ctx)
    call.answer_list({"faults": all_described()}, screen.FAULTS)


@app.command(
    RUN,
    cls=Command,
    short_help=N_("Run an experiment; `hongbao lab FAULT` is short for it."),
    help=N_(
        "It shows what both engines do and lose, what a detector finds in their ledgers, a public "
        "example, and the rule that prevents the fault."
    ),
    epilog="hongbao lab run oversell\nhongbao lab oversell --json",
)
def run(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="FAULT", autocompletion=one_of(*FAULTS), help=N_("a fault that `lab` lists")
        ),
    ],
) -> None:
    from hongbao.lab.experiments import experiment
    from hongbao.lab.watching import watched
    from hongbao.ui import lab as screen

    call = _speaking(ctx)
    shown = experiment(name, call.env, watch=watched(call.play))
    seconds = screen.ROW_SECONDS * len(shown["rows"])
    call.play(lambda gone, width: screen.frame(shown, gone, width), seconds)
    call.answer(shown, screen.show_experiment)


def _speaking(ctx: typer.Context) -> "Caller":
    """Return the caller; programs get the same in every language."""
    call = caller(ctx)
    if call.as_json:
        use_language("en")
    return call
