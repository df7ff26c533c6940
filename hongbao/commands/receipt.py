"""``hongbao receipt``."""

import sys
from enum import StrEnum
from typing import Annotated

from hongbao.answers import ReceiptWritten
from hongbao.commands.choices import RECEIPT, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import (
    STANDARD_OUTPUT,
    Command,
    Output,
    caller,
    new_app,
)
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

app = new_app()


class Form(StrEnum):
    """The formats of a receipt."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"
    QR = "qr"
    PDF = "pdf"


@app.command(
    cls=Command,
    short_help=N_("Write one payment's signed receipt, which anyone can verify."),
    help=N_(
        "A packet means its sending or, if it was not yours, your claim. `hongbao "
        "verify-statement` verifies a receipt."
    ),
    epilog=(
        "hongbao receipt hb_7Q2M4K9X\n"
        "hongbao receipt NU20260216000012 --mask -o receipt.svg\n"
        "hongbao receipt hb_7Q2M4K9X --format qr"
    ),
)
def receipt(
    ctx: Context,
    subject: Annotated[
        str,
        argument(
            RECEIPT,
            metavar="SUBJECT",
            help=N_("the ID of a packet, movement, payment or request, or `last` for the newest"),
        ),
    ],
    form: Annotated[
        Form | None,
        Option("--format", help=N_("default: FILE's extension, or text")),
    ] = None,
    output: Output = STANDARD_OUTPUT,
    masked: Annotated[
        bool, Option("--mask", help=N_("hide other people's names and all free text"))
    ] = False,
) -> None:
    from hongbao.outputs import save_as
    from hongbao.statements._proofs import slip as slips
    from hongbao.statements._proofs.receipt import sealed
    from hongbao.ui import signatures

    call = caller(ctx)
    to_stdout = output == STANDARD_OUTPUT
    if form is None:
        form = Form.JSON if to_stdout and call.as_json else _form_of(output)
    if call.as_json and to_stdout and form is not Form.JSON:
        raise ConflictingOptions("--json", f"--format {form}", command=ctx.command_path)
    path = call.output(output, streams=True)
    font = call.env.variables.get("HONGBAO_FONT")
    with call.wallet() as wallet:
        asked, signer = wallet.receipt(subject, masked=masked)
        made = sealed(asked, signer)
        call.say_sandbox(wallet)
        if not to_stdout:
            save_as(path, lambda out: slips.write(made, form, out, signer, font), call.yes)
        elif form is Form.PDF:
            slips.write(made, form, sys.stdout.buffer, signer, font)
    if to_stdout:
        if form is Form.QR:
            rows = signatures.fitting(slips.blocks(made))
            if rows is not None:
                call.answer({"receipt": made.line}, lambda _: signatures.show_code(rows))
            else:
                call.answer({"receipt": made.line}, lambda answer: print(answer["receipt"]))
                call.remark(N_("the QR code does not fit here; its content is"))
                call.hint(N_("write it to a file with `--format svg -o FILE`"))
        elif form is not Form.PDF:
            call.answer(made.shown(), lambda _: slips.write(made, form, sys.stdout.buffer, signer))
        return
    written: ReceiptWritten = {
        "file": str(path),
        "format": str(form),
        "id": made.shown()["id"],
        "public_key": made.shown()["public_key"],
    }
    call.answer(written, signatures.show_receipt_written)


_ENDINGS = {".txt": Form.TEXT, ".json": Form.JSON, ".svg": Form.SVG, ".pdf": Form.PDF}


def _form_of(output: str) -> Form:
    """
    Return the format by the extension of a file; without one it is a slip.

    Raises UnknownEnding.
    """
    from hongbao.outputs import check_ending

    ending = check_ending(output, _ENDINGS)
    return _ENDINGS[ending] if ending else Form.TEXT
