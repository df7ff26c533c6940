"""``hongbao webhook``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    caller,
    listing,
    listing_group,
    new_app,
    webhook_urls,
)
from hongbao.errors import FileNotReadable, WebhookNotGenuine
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import WebhookChecked, WebhookRemoved, WebhookSecret
    from hongbao.commands.caller import Caller
    from hongbao.delivery.hooks import Hook, Hooks
    from hongbao.delivery.signing import Secret
    from hongbao.home.opened import Home

app = new_app(cls=listing_group("watching:WEBHOOKS"))

REQUEST_MAX = 1 << 20

Url = Annotated[
    str,
    Argument(metavar="URL", autocompletion=webhook_urls, help=N_("the webhook's URL")),
]

SecretFile = Annotated[
    str | None,
    Option(
        "--secret-file",
        metavar="FILE",
        help=N_("read the secret from FILE instead of making one; - is standard input"),
    ),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Manage the webhooks that events are sent to."),
    help=N_(
        "Without a command, it lists them. `hongbao watch --webhook URL` sends. "
        "Requests are signed by Standard Webhooks, with a secret that you and the "
        "receiver know."
    ),
    epilog=(
        "hongbao webhook\n"
        "hongbao webhook add http://127.0.0.1:8000/hook\n"
        "hongbao webhook verify request.txt --secret-file secret.txt"
    ),
)
def webhook(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("watching:WEBHOOKS"),
    short_help=N_("List the webhooks."),
    epilog="hongbao webhook list",
)
def list_webhooks(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Add a webhook, and show its secret once."),
    help=N_(
        "Events are sent to this machine only; with --any-host to any other. The secret "
        "is kept sealed in the wallet."
    ),
    epilog="hongbao webhook add http://127.0.0.1:8000/hook",
)
def add(
    ctx: Context,
    url: Annotated[str, Argument(metavar="URL", help=N_("the webhook's URL"))],
    secret_file: SecretFile = None,
    any_host: Annotated[
        bool, Option("--any-host", help=N_("let events leave this machine"))
    ] = False,
) -> None:
    from hongbao.units import iso

    call = caller(ctx)
    given = _secret_in(call, secret_file)
    with _hooks(call) as (home, hooks):
        secret = given or _new_secret(home)
        hook = hooks.add(url, secret, any_host=any_host, at=iso(home.env.now()))
    _answer_secret(call, hook, None if given else secret)


@app.command(
    "rotate",
    cls=Command,
    short_help=N_("Give a webhook a new secret."),
    help=N_(
        "The secret before it signs as well, so that the receiver can change at any "
        "moment; --finish retires it."
    ),
    epilog="hongbao webhook rotate http://127.0.0.1:8000/hook",
)
def rotate(
    ctx: Context,
    url: Url,
    secret_file: SecretFile = None,
    finish: Annotated[
        bool, Option("--finish", help=N_("sign with the newest secret alone"))
    ] = False,
) -> None:
    call = caller(ctx)
    given = None if finish else _secret_in(call, secret_file)
    with _hooks(call) as (home, hooks):
        made = None if finish or given else _new_secret(home)
        hook = hooks.rotate(url, given or made)
    _answer_secret(call, hook, made)


@app.command(
    "remove",
    cls=Command,
    short_help=N_("Remove a webhook and its secrets."),
    epilog="hongbao webhook remove http://127.0.0.1:8000/hook",
)
def remove(ctx: Context, url: Url) -> None:
    from hongbao.ui import watching as screen

    call = caller(ctx)
    with _hooks(call) as (_home, hooks):
        removed = hooks.remove(url)
    answer: WebhookRemoved = {"webhook": removed.url}
    call.answer(answer, screen.show_removed)


@app.command(
    "verify",
    cls=Command,
    short_help=N_("Check a received request, and say what is wrong with it."),
    help=N_(
        "FILE has the request as it was received: its headers, an empty line, and the "
        "body byte for byte. It needs no wallet."
    ),
    epilog="hongbao webhook verify request.txt --secret-file secret.txt",
)
def verify(
    ctx: Context,
    secret_file: Annotated[
        str,
        Option(
            "--secret-file",
            metavar="FILE",
            help=N_("the file with the secret; two lines while it is rotated"),
        ),
    ],
    request: Annotated[
        str, Argument(metavar="FILE", help=N_("the request; - is standard input"))
    ] = "-",
    body: Annotated[
        str | None,
        Option("--body", metavar="FILE", help=N_("the file with the body alone")),
    ] = None,
    any_time: Annotated[bool, Option("--any-time", help=N_("accept a request of any age"))] = False,
) -> None:
    from hongbao.delivery import signing
    from hongbao.inputs import read_lines
    from hongbao.ui import watching as screen
    from hongbao.units import iso

    call = caller(ctx)
    lines = read_lines(secret_file, 2, secret=True)
    secrets = [signing.Secret.in_line(line) for line in lines if line.strip()]
    secrets = secrets or [signing.Secret("")]
    headers, content = _parted(_read(request))
    if body is not None:
        content = _read(body)
    now = None if any_time else call.env.now()
    found = signing.problems(headers, content, secrets, now)
    if found:
        raise WebhookNotGenuine(problem=found[0], problems=found)
    sent_at = datetime.fromtimestamp(int(headers[signing.TIMESTAMP]), UTC)
    answer: WebhookChecked = {"id": headers[signing.ID], "sent_at": iso(sent_at), "genuine": True}
    call.answer(answer, screen.show_checked)


# --- shared ---------------------------------------------------------------------------------------


@contextmanager
def _hooks(call: "Caller") -> "Iterator[tuple[Home, Hooks]]":
    from hongbao.delivery.cursors import notes_of
    from hongbao.delivery.hooks import Hooks

    with call.wallet() as wallet:
        yield wallet.home, Hooks(notes_of(wallet.home))


def _list(ctx: Context) -> None:
    from hongbao.ui import watching as screen

    call = caller(ctx)
    with _hooks(call) as (_home, hooks):
        found = hooks.all()
    lines = [
        {
            "webhook": hook.url,
            "secrets": len(hook.secrets),
            "any_host": hook.any_host,
            "added_at": hook.added_at,
        }
        for hook in found
    ]
    call.answer_list({"webhooks": lines}, screen.WEBHOOKS)


def _secret_in(call: "Caller", file: str | None) -> "Secret | None":
    if file is None:
        return None
    from hongbao.delivery.signing import Secret

    return Secret.in_line(call.secret_line(file))


def _new_secret(home: "Home") -> "Secret":
    from hongbao.delivery.signing import Secret

    return Secret.new(home.vault.random)


def _answer_secret(call: "Caller", hook: "Hook", shown: "Secret | None") -> None:
    from hongbao.ui import watching as screen

    answer: WebhookSecret = {
        "webhook": hook.url,
        "secret": None if shown is None else shown.reveal(),
        "secrets": len(hook.secrets),
        "any_host": hook.any_host,
        "added_at": hook.added_at,
    }
    call.answer(answer, screen.show_secret)


def _read(file: str) -> bytes:
    """Return the bytes of *file*, as they are. Raises FileNotReadable and InvalidPath."""
    from hongbao.paths import typed_path

    try:
        if file == "-":
            return sys.stdin.buffer.read(REQUEST_MAX)
        with typed_path(file).open("rb") as opened:
            return opened.read(REQUEST_MAX)
    except OSError as error:
        raise FileNotReadable(path=file, reason=error.strerror or os.strerror(0)) from None


def _parted(request: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers of a *request*, by their names in lower case, and its body."""
    head, body = request, b""
    for end in (b"\r\n\r\n", b"\n\n"):
        if end in request:
            head, _end, body = request.partition(end)
            break
    headers = {}
    for line in head.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers, body
