"""``hongbao trace``."""

from typing import Annotated

from hongbao.commands.choices import TRACEABLE, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = new_app()


@app.command(
    cls=listing("trace:TRACE", pictured=True),
    short_help=N_("Trace a packet or payment: each step, what moved, how long it took."),
    help=N_(
        "A packet is shown from its sending to its refund, and a payment with what "
        "the bank did. --json has every claim of a large packet. --diagram draws who sent what "
        "to whom, and --svg saves that drawing."
    ),
    epilog=(
        "hongbao trace hb_7Q2M4K9X\nhongbao trace NU20260216000012\n"
        "hongbao trace last --diagram\nhongbao trace last --mermaid > flow.mmd"
    ),
)
def trace(
    ctx: Context,
    subject: Annotated[
        str,
        argument(
            TRACEABLE,
            metavar="SUBJECT",
            help=N_("the ID of a packet, request or message, or `last` for the newest"),
        ),
    ],
    diagram: Annotated[
        bool, Option("--diagram", help=N_("draw the sequence of who sent what to whom"))
    ] = False,
    mermaid: Annotated[
        bool, Option("--mermaid", help=N_("print that sequence as text in Mermaid"))
    ] = False,
) -> None:
    from hongbao.ui import trace as screen

    call = caller(ctx)
    drawn = [name for name, is_so in (("--diagram", diagram), ("--mermaid", mermaid)) if is_so]
    others = [*drawn[1:], *(call.list_options if drawn else ())]
    others += [*call.pictures] if mermaid else []
    if drawn and others:
        raise ConflictingOptions(drawn[0], others[0], command=ctx.command_path)
    with call.wallet() as wallet:
        traced = wallet.trace(subject)
    if mermaid:
        from hongbao.ui.sequence import mermaid as text_of
        from hongbao.ui.sequence import sequence

        said = {"subject": traced["subject"], "mermaid": text_of(sequence(traced))}
        call.answer(said, lambda said: print(said["mermaid"], end=""))
        return
    if diagram or call.pictures:
        from hongbao.ui.diagram import show_diagram

        call.answer_drawn(traced, screen.TRACE, show_diagram)
    else:
        call.answer_list(traced, screen.TRACE, screen.show_trace)
    if traced["state"] == "unknown":
        call.hint(N_("check its outcome with `hongbao settle`"))
