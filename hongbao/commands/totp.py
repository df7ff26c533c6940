"""``hongbao totp``."""

from pathlib import Path
from typing import Annotated, BinaryIO

from hongbao.answers import TotpCode
from hongbao.commands.caller import Caller
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, Group, RequestId, caller, new_app
from hongbao.errors import FileExists, HongbaoError, InvalidSecret, SecretFileExists
from hongbao.units import iso
from hongbao.words import N_, say

app = new_app(cls=Group)


@app.callback(
    invoke_without_command=True,
    short_help=N_("Manage an authenticator app, required with the PIN."),
    help=N_("Without a command, it shows whether you have one, and which factors a payment takes."),
    epilog="hongbao totp\nhongbao totp add\nhongbao send 8.88 --totp-file code.txt",
)
def totp(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _show(ctx)


@app.command(
    "show",
    cls=Command,
    short_help=N_("Show whether you have one, and which factors a payment takes."),
    epilog="hongbao totp show",
)
def show(ctx: Context) -> None:
    _show(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Add one: enter its key in the app, and the app's code here."),
    help=N_(
        "The key is shown on the terminal only. With --secret-file it is written "
        "to a new file instead, which scripts can use as an authenticator: keep it "
        "like a PIN."
    ),
    epilog="hongbao totp add\nhongbao totp add --secret-file totp.txt",
)
def add(
    ctx: Context,
    secret_file: Annotated[
        str | None,
        Option("--secret-file", metavar="FILE", help=N_("write the secret to FILE, a new file")),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    path = None if secret_file is None else call.output(secret_file)
    with call.wallet(hushed=call.asks_pin) as wallet:
        written = False

        def share(secret: bytes, profile: str) -> str:
            nonlocal written
            from hongbao.vault.authenticator import base32, code_at, uri

            if path is None:
                return _typed_back(call, base32(secret), uri(secret, profile))
            _write(path, f"{base32(secret)}\n{uri(secret, profile)}\n")
            written = True
            return code_at(_read(call, str(path)), wallet.now())

        if path is not None and path.exists() and not wallet.is_answered("totp_add", request_id):
            raise SecretFileExists(path=str(path))
        try:
            added = wallet.add_totp(share, pin=call.pin, request_id=request_id)
        except HongbaoError as error:
            if written and path is not None and not (error.begun or wallet.home.begun):
                path.unlink(missing_ok=True)  # what was written opens nothing
            raise
    call.answer(added, devices.show_totp_changed)
    call.hint(N_("see your limits: `hongbao limits`"))


def _typed_back(call: Caller, key: str, address: str) -> str:
    groups = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    shown = say(N_("key of the new authenticator: {key}"), key=groups)
    text = "\n".join([*_drawn(address), shown, address])
    return call.ask_below(text, N_("the code it shows now"), flag="--secret-file")


def _drawn(address: str) -> list[str]:
    """Return *address* as a QR code to scan, if the terminal has room for one above the rest."""
    from hongbao.statements._proofs.qr import blocks
    from hongbao.ui import screen, signatures

    rows = signatures.fitting(blocks(address), lines=_LINES_BELOW) if screen.is_terminal() else None
    return [] if rows is None else [signatures.as_printed(rows)]


_LINES_BELOW = 4
"""The key, its address on two lines, and the question."""


def _write(path: Path, text: str) -> None:
    from hongbao.outputs import save_as

    def fill(out: BinaryIO) -> None:
        out.write(text.encode())

    try:
        save_as(path, fill, replace=False)
    except FileExists:
        raise SecretFileExists(path=str(path)) from None


def _read(call: Caller, file: str) -> bytes:
    from hongbao.vault.authenticator import parse_secret

    secret = parse_secret(call.secret_line(file))
    if secret is None:
        raise InvalidSecret(path=file)
    return secret


@app.command(
    "remove",
    cls=Command,
    short_help=N_("Remove the authenticator; only the PIN is needed then."),
    help=N_("It takes the PIN and a code; if you lost the app, use --id-file instead of the code."),
    epilog="hongbao totp remove\nhongbao totp remove --id-file me.txt",
)
def remove(
    ctx: Context,
    id_file: Annotated[
        str | None,
        Option(
            "--id-file",
            metavar="FILE",
            help=N_("prove your identity: your name and then your ID number, one line each"),
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    identity = None if id_file is None else call.identity(id_file)
    with call.wallet(hushed=call.asks_pin) as wallet:
        removed = wallet.remove_totp(pin=call.pin, identity=identity, request_id=request_id)
    call.answer(removed, devices.show_totp_changed)


@app.command(
    "code",
    cls=Command,
    short_help=N_("Show an authenticator's current code, from its secret file."),
    help=N_("It goes by the ledger's clock, as the check of codes does. Each code works once."),
    epilog="hongbao totp code --secret-file totp.txt",
)
def code(
    ctx: Context,
    secret_file: Annotated[
        str,
        Option(
            "--secret-file",
            metavar="FILE",
            help=N_("the file that `hongbao totp add` wrote; - is standard input"),
        ),
    ],
) -> None:
    from hongbao.ui import devices
    from hongbao.vault.authenticator import code_at, next_code_at

    call = caller(ctx)
    secret = _read(call, secret_file)
    with call.wallet() as wallet:
        now = wallet.now()
    shown: TotpCode = {
        "code": code_at(secret, now),
        "at": iso(now),
        "next_at": iso(next_code_at(now)),
    }
    call.answer(shown, devices.show_code)


def _show(ctx: Context) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.totp()
    call.answer(shown, devices.show_totp)
    if not shown["authenticator"]:
        call.hint(N_("add one with `hongbao totp add`"))
