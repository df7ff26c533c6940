"""``hongbao verify-statement``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.caller import Caller
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.errors import HomeLocked, HomeNotFound, InvalidPublicKey, Unanswered
from hongbao.paths import typed_path
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.wallet import Wallet

app = new_app()


@app.command(
    cls=Command,
    short_help=N_("Verify a statement or receipt: is it as signed, and by whom."),
    help=N_(
        "If this wallet signed it, it is also compared with the ledger, and "
        "changes are listed. With --key no wallet is needed. Exits with 19 if it "
        "is not genuine."
    ),
    epilog=(
        "hongbao verify-statement november.beancount\n"
        "hongbao verify-statement november.csv --key 5d0c…9a17"
    ),
)
def verify_statement(
    ctx: Context,
    file: Annotated[str, Argument(metavar="FILE", help=N_("a statement, or a receipt"))],
    signature: Annotated[
        str | None,
        Option("--sig", metavar="FILE", help=N_("its signature, if that is a file elsewhere")),
    ] = None,
    key: Annotated[
        str | None,
        Option("--key", metavar="KEY", help=N_("a public key that you trust, or a file with it")),
    ] = None,
) -> None:
    from hongbao.statements._proofs.verification import Judge, refusal
    from hongbao.ui import signatures

    call = caller(ctx)
    keys = frozenset() if key is None else frozenset({_public_key(call, key)})
    with _home(call, is_needed=key is None) as wallet:
        verdict = Judge(wallet, keys).judge(
            typed_path(file), None if signature is None else typed_path(signature)
        )
    error = refusal(verdict, key_named=key is not None)
    if error is None:
        call.answer(verdict, signatures.show_verified)
        return
    if not call.as_json:
        call.answer(verdict, signatures.show_verified)
    raise error


def _public_key(call: Caller, text: str) -> bytes:
    """Return the key that *text* is, or that is in the file it names; or InvalidPublicKey."""
    typed = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", typed):
        if re.fullmatch(r"[0-9a-f]{40,}…?", typed):
            raise InvalidPublicKey(text)  # a key with a digit too many or too few, and no file
        typed = call.secret_line(text).strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", typed):
        raise InvalidPublicKey(typed)
    return bytes.fromhex(typed)


@contextmanager
def _home(call: Caller, *, is_needed: bool) -> Iterator["Wallet | None"]:
    """
    Open the home that may know the file, or yield None if none is here.

    One that is locked has to be opened, unless a key was given that may do without.
    """
    try:
        opened = call.wallet()
        wallet = opened.__enter__()
    except HomeNotFound:
        yield None
        return
    except (HomeLocked, Unanswered):
        if is_needed:
            raise
        yield None
        return
    try:
        yield wallet
    finally:
        opened.__exit__(None, None, None)
