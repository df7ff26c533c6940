"""``hongbao sandbox``."""

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Command, Group, caller, new_app, whole
from hongbao.commands.rules import read_policy
from hongbao.commands.shells import marked_shell
from hongbao.env import sandbox_folder
from hongbao.errors import ConflictingOptions, HomeNotFound, SandboxExists, SandboxNotFound
from hongbao.paths import absolute_path
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import SandboxMade
    from hongbao.commands.caller import Caller

app = new_app(cls=Group)

At = Annotated[
    str | None,
    Option("--at", metavar="FOLDER", help=N_("the sandbox's folder")),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Make a ready wallet to play in: people, money, a packet to open."),
    help=N_(
        "It makes a new folder and touches nothing else. The people have ID numbers and cards "
        "that are no one's, and PIN 888888, which a sandbox types for you. Its clock is virtual, "
        "its randomness is fixed, and it is marked as a sandbox for ever."
    ),
    epilog=("hongbao sandbox\nhongbao sandbox shell\nhongbao sandbox --at lesson --people 5"),
)
def sandbox(
    ctx: Context,
    people: Annotated[
        int,
        Option(
            "--people",
            metavar="COUNT",
            parser=whole("--people", 2, 100_000),
            help=N_("how many people"),
        ),
    ] = 3,
    empty: Annotated[
        bool, Option("--empty", help=N_("people with money, and no packets yet"))
    ] = False,
    fresh: Annotated[
        bool, Option("--fresh", help=N_("make another one next to the first"))
    ] = False,
    at: At = None,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    call = caller(ctx)
    if fresh and at is not None:
        raise ConflictingOptions("--fresh", "--at", command=ctx.command_path)
    made = _made(call, at, people=people, empty=empty, fresh=fresh)
    usual = Path(made["home"]) == _folder(call, None)
    call.answer(made, lambda made: _show(made, usual=usual))


def _made(
    call: "Caller", at: str | None, *, people: int, empty: bool, fresh: bool
) -> "SandboxMade":
    from hongbao.wallet.sandbox import make_sandbox

    policy, first = read_policy("standard"), _folder(call, at)
    folders = [first] if not fresh else _numbered(first)
    for folder in folders:
        try:
            return make_sandbox(
                call.env, folder, policy, people=people, empty=empty, chosen=at is not None
            )
        except SandboxExists:
            if not fresh:
                raise
    raise AssertionError("there is always another number")


def _numbered(folder: Path) -> Iterator[Path]:
    """Yield *folder*, and then the same with 2, 3 and so on at its end."""
    yield folder
    for number in count(2):
        yield folder.with_name(f"{folder.name}-{number}")


def _folder(call: "Caller", at: str | None) -> Path:
    return sandbox_folder(call.env.variables) if at is None else absolute_path(at)


def _show(made: "SandboxMade", *, usual: bool) -> None:
    from hongbao.ui.sandbox import show_sandbox

    show_sandbox(made, shell=Path(os.environ.get("SHELL", "")).name, usual=usual)


# --- a shell in it -------------------------------------------------------------------------------


@app.command(
    cls=Command,
    short_help=N_("Open a shell in the sandbox; `exit` leaves it."),
    help=N_("Every hongbao that is typed there uses the sandbox. The prompt says so."),
    epilog="hongbao sandbox shell\nhongbao sandbox shell --at lesson",
)
def shell(ctx: Context, at: At = None) -> None:
    from hongbao.wallet import Wallet

    call = caller(ctx)
    folder = _folder(call, at)
    try:
        with Wallet.open(call.env._replace(home=folder)) as wallet:
            is_sandbox = wallet.home.is_sandbox
    except HomeNotFound:
        is_sandbox = False
    if not is_sandbox:
        ways = "" if at is None else f" --at {quote(at)}"
        if folder.exists():  # it is something else, and stays as it is
            ways = " --fresh"
        raise SandboxNotFound(path=str(folder), command=f"hongbao sandbox{ways}")
    call.remark(N_("a shell in the sandbox {path}; `exit` leaves it"), path=folder)
    call.hint(N_("see what waits with `hongbao status`"))
    more = {"HONGBAO_HOME": str(folder)}
    with marked_shell(call.env.variables, more, "sandbox") as (command, variables):
        subprocess.run(command, env=variables, check=False)  # noqa: S603 - your own shell
