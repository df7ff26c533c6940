"""``hongbao device``."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from hongbao.commands.window import (
    Command,
    DryRun,
    Group,
    RequestId,
    caller,
    device_names,
    devices_cut_off,
    other_devices,
    waiting_devices,
    window,
)
from hongbao.errors import NoSuchFault
from hongbao.words import N_

app = window(cls=Group)

FAULTS = ("replay", "forge")
NONE = "none"


def _called(offered: Callable[[typer.Context, str], list[str]] | None) -> Any:
    """Return the argument that names a device, of which a shell offers those that are *offered*."""
    return typer.Argument(
        metavar="DEVICE", autocompletion=offered, help=N_("what the device is called")
    )


IdFile = Annotated[
    str | None,
    typer.Option(
        "--id-file",
        metavar="FILE",
        help=N_("prove who you are: your name and then your ID number, a line each"),
    ),
]


def _cities(incomplete: str) -> list[str]:
    from hongbao.domain.risk.places import PLACES

    return [place.code for place in PLACES if place.code.startswith(incomplete)]


def _ways(incomplete: str) -> list[str]:
    return [way for way in (*FAULTS, NONE) if way.startswith(incomplete)]


@app.callback(
    invoke_without_command=True,
    short_help=N_("The devices that may act for you, each with a key of its own."),
    help=N_(
        "Without a command, it lists them. Every act is signed by the device that it comes from:"
        " the first one here, or the one behind an @, as in `-p NAME@tablet`."
    ),
    epilog=(
        "hongbao device\n"
        "hongbao device add tablet\n"
        "hongbao device approve tablet\n"
        "hongbao balance -p 小明@tablet"
    ),
)
def device(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=Command,
    short_help=N_("List your devices: which may act, and where they are."),
    epilog="hongbao device list",
)
def list_devices(ctx: typer.Context) -> None:
    _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Ask to let a device in; it waits until you approve it."),
    help=N_(
        "It gets a key on this machine. With --id-file it need not wait, and its signature counts"
        " as a factor of authentication. The name of somebody else's device here means that device,"
        " shared."
    ),
    epilog="hongbao device add tablet\nhongbao device add tablet --id-file me.txt",
)
def add(
    ctx: typer.Context,
    name: Annotated[str, _called(None)],
    id_file: IdFile = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    identity = None if id_file is None else call.identity(id_file)
    with call.wallet() as wallet:
        added = wallet.add_device(
            name, pin=call.pin, identity=identity, request_id=request_id, dry_run=dry_run
        )
    call.answer(added, devices.show_changed)
    if added["state"] == "pending":
        call.hint(
            N_("let it in from a device that you have: `hongbao device approve {device}`"),
            device=added["device"],
        )


@app.command(
    "approve",
    cls=Command,
    short_help=N_("Let a device in that waits for it."),
    help=N_(
        "From a device that is in already; with --id-file from any, and the device is certified"
        " then: its signature counts as a factor of authentication. That is for the first one, too."
    ),
    epilog="hongbao device approve tablet\nhongbao device approve 小明-1 --id-file me.txt",
)
def approve(
    ctx: typer.Context,
    name: Annotated[str, _called(waiting_devices)],
    id_file: IdFile = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    identity = None if id_file is None else call.identity(id_file)
    with call.wallet() as wallet:
        approved = wallet.approve_device(
            name, pin=call.pin, identity=identity, request_id=request_id, dry_run=dry_run
        )
    call.answer(approved, devices.show_changed)


@app.command(
    "remove",
    cls=Command,
    short_help=N_("Let a device in no more, and destroy its key."),
    help=N_(
        "From another device than that one. Where other profiles share the device, its key stays"
        " for them."
    ),
    epilog="hongbao device remove tablet",
)
def remove(
    ctx: typer.Context,
    name: Annotated[str, _called(other_devices)],
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        removed = wallet.remove_device(name, pin=call.pin, request_id=request_id, dry_run=dry_run)
    call.answer(removed, devices.show_removed)


@app.command(
    "login",
    cls=Command,
    short_help=N_("Begin a new session after one was ended for safety."),
    epilog="hongbao device login\nhongbao device login tablet",
)
def login(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="DEVICE",
            autocompletion=devices_cut_off,
            help=N_("the device; the one that you act from"),
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        begun = wallet.login(name, pin=call.pin, request_id=request_id)
    call.answer(begun, devices.show_logged_in)


@app.command(
    "move",
    cls=Command,
    short_help=N_("Say which city the device is in that you act from."),
    epilog="hongbao device move shanghai\nhongbao device move 广州 -p 小明@tablet",
)
def move(
    ctx: typer.Context,
    city: Annotated[
        str,
        typer.Argument(
            metavar="CITY",
            autocompletion=_cities,
            help=N_("a large city, as shanghai or 上海; or unknown"),
        ),
    ],
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        moved = wallet.move(city, request_id=request_id, dry_run=dry_run)
    call.answer(moved, devices.show_moved)


@app.command(
    "fault",
    cls=Command,
    short_help=N_("Tell a demo's device to do its next request wrong."),
    help=N_("Only in a demo home (`hongbao init NAME --demo`)."),
    epilog="hongbao device fault 小明-1 replay\nhongbao device fault 小明-1 none",
)
def fault(
    ctx: typer.Context,
    name: Annotated[str, _called(device_names)],
    how: Annotated[
        str,
        typer.Argument(
            metavar="FAULT",
            autocompletion=_ways,
            help=N_("replay: a nonce that was used before; forge: no true signature; or none"),
        ),
    ],
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    wanted = how.strip().casefold()
    if wanted not in (*FAULTS, NONE):
        raise NoSuchFault(place=name, text=how, known=", ".join((*FAULTS, NONE)))
    call = caller(ctx)
    with call.wallet() as wallet:
        told = wallet.set_device_fault(
            name, None if wanted == NONE else wanted, request_id=request_id, dry_run=dry_run
        )
    call.answer(told, devices.show_fault_set)


def _list(ctx: typer.Context) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        lines = wallet.devices()
    call.answer({"devices": lines}, lambda answer: devices.show_devices(answer["devices"]))
    if not lines:
        call.hint(N_("the next thing that you do lets this machine in"))
