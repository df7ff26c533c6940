"""``hongbao pin``."""

from typing import Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, Group, RequestId, caller, new_app
from hongbao.words import N_

app = new_app(cls=Group)


@app.callback(
    short_help=N_("Change the payment PIN."),
    epilog="hongbao pin change",
)
def pin(_ctx: Context) -> None:
    pass  # it holds the one command there is, and room for more


@app.command(
    "change",
    cls=Command,
    short_help=N_("Set a new payment PIN."),
    help=N_(
        "hongbao asks for both, and for the new one twice. If both files are "
        "standard input, its second line is the new PIN."
    ),
    epilog="hongbao pin change\nhongbao pin change --pin-file old.txt --new-pin-file new.txt",
)
def change(
    ctx: Context,
    new_pin_file: Annotated[
        str | None,
        Option(
            "--new-pin-file",
            metavar="FILE",
            help=N_("read the new payment PIN from FILE; - is standard input"),
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import people

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin) as wallet:
        changed = wallet.change_pin(
            call.pin,
            lambda: call.new_pin(new_pin_file, check=wallet.check_new_pin),
            request_id=request_id,
        )
    call.answer(changed, people.show_pin_changed)
