"""``hongbao device``."""

from typing import Annotated, Any

from hongbao.commands.choices import (
    CITY,
    CUT_DEVICE,
    DEVICE,
    DEVICE_FAULT,
    NEW_DEVICE,
    OTHER_DEVICE,
    WAITING_DEVICE,
    Asked,
    argument,
)
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import (
    Command,
    DryRun,
    RequestId,
    caller,
    listing,
    listing_group,
    new_app,
)
from hongbao.errors import NoSuchFault
from hongbao.words import N_

app = new_app(cls=listing_group("devices:DEVICES"))

FAULTS = ("replay", "forge")
NONE = "none"


def _called(offered: Asked) -> Any:
    """Return the argument that names a device, of which there are those *offered*."""
    return argument(offered, metavar="DEVICE", help=N_("the device's name"))


IdFile = Annotated[
    str | None,
    Option(
        "--id-file",
        metavar="FILE",
        help=N_("prove your identity: your name and then your ID number, one line each"),
    ),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Manage your authorised devices, each with its own key."),
    help=N_(
        "Without a command, it lists them. Every act is signed by a device: this "
        "machine's first one, or the one after an @, as in `-p NAME@tablet`."
    ),
    epilog=(
        "hongbao device\n"
        "hongbao device add tablet\n"
        "hongbao device approve tablet\n"
        "hongbao balance -p 小明@tablet"
    ),
)
def device(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx)


@app.command(
    "list",
    cls=listing("devices:DEVICES"),
    short_help=N_("List your devices and their state."),
    epilog="hongbao device list",
)
def list_devices(ctx: Context) -> None:
    _list(ctx)


@app.command(
    "add",
    cls=Command,
    short_help=N_("Request a device; it waits until you approve it."),
    help=N_(
        "Its key is kept on this machine. With --id-file it is approved at once, "
        "and its signature counts as a second factor. If you name someone else's "
        "device on this machine, you share that device."
    ),
    epilog="hongbao device add tablet\nhongbao device add tablet --id-file me.txt",
)
def add(
    ctx: Context,
    name: Annotated[str, _called(NEW_DEVICE)],
    id_file: IdFile = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    identity = None if id_file is None else call.identity(id_file)
    with call.wallet(hushed=call.asks_pin) as wallet:
        added = wallet.add_device(
            name, pin=call.pin, identity=identity, request_id=request_id, dry_run=dry_run
        )
    call.answer(added, devices.show_changed)
    if added["state"] == "pending":
        call.hint(
            N_("approve it from a device of yours: `hongbao device approve {device}`"),
            device=added["device"],
        )


@app.command(
    "approve",
    cls=Command,
    short_help=N_("Approve a device that is waiting."),
    help=N_(
        "Run it on an approved device. With --id-file it runs on any device and "
        "certifies the new one: its signature counts as a second factor. That also "
        "works for your first device."
    ),
    epilog="hongbao device approve tablet\nhongbao device approve 小明-1 --id-file me.txt",
)
def approve(
    ctx: Context,
    name: Annotated[str, _called(WAITING_DEVICE)],
    id_file: IdFile = None,
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    identity = None if id_file is None else call.identity(id_file)
    with call.wallet(hushed=call.asks_pin) as wallet:
        approved = wallet.approve_device(
            name, pin=call.pin, identity=identity, request_id=request_id, dry_run=dry_run
        )
    call.answer(approved, devices.show_changed)


@app.command(
    "remove",
    cls=Command,
    short_help=N_("Remove a device and destroy its key."),
    help=N_(
        "Run it on another device than that one. If other profiles share the "
        "device, its key is kept for them."
    ),
    epilog="hongbao device remove tablet",
)
def remove(
    ctx: Context,
    name: Annotated[str, _called(OTHER_DEVICE)],
    request_id: RequestId = None,
    dry_run: DryRun = False,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin) as wallet:
        removed = wallet.remove_device(name, pin=call.pin, request_id=request_id, dry_run=dry_run)
    call.answer(removed, devices.show_removed)


@app.command(
    "login",
    cls=Command,
    short_help=N_("Log in again after a session was ended for safety."),
    epilog="hongbao device login\nhongbao device login tablet",
)
def login(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(
            metavar="DEVICE",
            autocompletion=CUT_DEVICE.complete,
            help=N_("the device (default: the one you are using)"),
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin) as wallet:
        begun = wallet.login(name, pin=call.pin, request_id=request_id)
    call.answer(begun, devices.show_logged_in)


@app.command(
    "move",
    cls=Command,
    short_help=N_("Set the city of the device you are using."),
    epilog="hongbao device move shanghai\nhongbao device move 广州 -p 小明@tablet",
)
def move(
    ctx: Context,
    city: Annotated[
        str,
        argument(
            CITY, metavar="CITY", help=N_("a large city, such as shanghai or 上海, or unknown")
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
    short_help=N_("Make a demo device's next request invalid."),
    help=N_("Only in a demo wallet (`hongbao init NAME --demo`)."),
    epilog="hongbao device fault 小明-1 replay\nhongbao device fault 小明-1 none",
)
def fault(
    ctx: Context,
    name: Annotated[str, _called(DEVICE)],
    how: Annotated[
        str,
        argument(
            DEVICE_FAULT,
            metavar="FAULT",
            help=N_("replay: a nonce that was used before; forge: a forged signature; or none"),
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
        answer = wallet.set_device_fault(
            name, None if wanted == NONE else wanted, request_id=request_id, dry_run=dry_run
        )
    call.answer(answer, devices.show_fault_set)


def _list(ctx: Context) -> None:
    from hongbao.ui import devices

    call = caller(ctx)
    with call.wallet() as wallet:
        lines = wallet.devices()
    call.answer_list({"devices": lines}, devices.DEVICES)
