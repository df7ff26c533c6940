"""``hongbao lab race`` and ``hongbao lab do``: broken engines by turns, and by hand."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated, cast

from hongbao.commands.declared import (
    App,
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, one_of
from hongbao.paths import typed_path
from hongbao.words import N_, use_language

if TYPE_CHECKING:
    from hongbao.answers import LabDone
    from hongbao.lab.engine import Turn

FAULTS = (
    *("float", "rounding", "oversell", "expiry", "double-refund", "utc-day", "reused-key"),
    *("pin", "biased-deal", "lost-update", "in-flight"),
)
"""The names of the faults, for a shell that completes them: the laboratory is not opened for it."""

USUAL = "oversell"


def add_to(app: App) -> None:
    """Add both commands to *app*, which is the laboratory's."""
    app.command(
        "race",
        cls=Command,
        short_help=N_("Play every order in which two commands can have their turns."),
        help=N_(
            "It plays the `together` of a story in every order, on the broken engine and on "
            "hongbao, and shows the shortest order that loses money. With -o that is a story, "
            "which `hongbao play` plays on hongbao, and with --engine on the broken engine."
        ),
        epilog="hongbao lab race --all\nhongbao lab race lost-update -o loss.txt",
    )(race)
    app.command(
        "do",
        cls=Command,
        short_help=N_("Type one command to a broken engine."),
        help=N_(
            "Its ledger is a marked text file in the folder that HONGBAO_HOME names. `init` makes "
            "it, and `check` says what is lost. `hongbao play --engine` types every command so."
        ),
        epilog="hongbao lab do oversell claim hb_7Q2M4K9X -p Alice",
        context_settings={"ignore_unknown_options": True},
    )(do)


def race(
    ctx: Context,
    name: Annotated[
        str,
        Argument(
            metavar="FAULT",
            autocompletion=one_of(*FAULTS),
            show_default=False,
            help=N_("a fault that `lab` lists; default: `oversell`"),
        ),
    ] = USUAL,
    every: Annotated[bool, Option("--all", help=N_("show all orders, as a tree"))] = False,
    story: Annotated[
        str | None,
        Option(
            "--story",
            metavar="FILE",
            help=N_("a story of your own with one `together`; default: the fault's"),
        ),
    ] = None,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="FILE", help=N_("write the losing order to FILE")),
    ] = None,
) -> None:
    from hongbao.lab.faults import STORIES, fault
    from hongbao.lab.orders import described, every_order
    from hongbao.outputs import save_as
    from hongbao.story import read
    from hongbao.ui.orders import show_orders

    call = caller(ctx)
    if call.as_json:
        use_language("en")
    fault(name)
    path = STORIES / f"{name}.txt" if story is None else typed_path(story)
    source = path.name if story is None else story
    found = every_order(name, read(path, source), call.env)
    shown = described(name, source, path.read_text(encoding="utf-8"), found)
    file = None if output is None else call.output(output)
    if file is not None and shown["text"] is not None:
        text = shown["text"].encode()
        save_as(file, lambda out: out.write(text), replace=True)
    command = _played_by(name, output)
    call.answer(shown, lambda shown: show_orders(shown, all_of_them=every, command=command))


def _played_by(name: str, output: str | None) -> str:
    """Return the command that plays the losing order, or the one that writes it first."""
    if output is None:
        return f"hongbao lab race {name} -o loss.txt"
    return f"hongbao play --engine {name} {quote(output)}"


def do(
    ctx: Context,
    name: Annotated[
        str,
        Argument(
            metavar="FAULT", autocompletion=one_of(*FAULTS), help=N_("a fault that `lab` lists")
        ),
    ],
    words: Annotated[list[str], Argument(metavar="TEXT", help=N_("a command, as hongbao has it"))],
) -> None:
    from hongbao.lab.process import typed
    from hongbao.lab.spoken import sorted_words
    from hongbao.ui.orders import show_done
    from hongbao.words import say

    call = caller(ctx)
    if call.profile is not None:
        words = [*words, "-p", call.profile]
    turns: list[Turn] = []
    try:
        answer = typed(name, sorted_words(words), call.env, turns)
    finally:
        told = [say(each.said.sentence, **each.said.facts) for each in turns]
    done = cast("LabDone", {"engine": name, "turns": told, **answer})
    call.answer(done, show_done)
