"""``hongbao home``."""

from typing import Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import Command, Group, caller, new_app
from hongbao.errors import Unanswered
from hongbao.paths import typed_path
from hongbao.words import N_

app = new_app(cls=Group)

PasswordFile = Annotated[
    str | None,
    Option(
        "--ledger-password-file",
        metavar="FILE",
        help=N_("read the database user's password from FILE; - is standard input"),
    ),
]


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show where this wallet is, and let more machines use one on a cluster."),
    help=N_(
        "Without a command, it shows where the wallet and its ledger are. More machines can use "
        "a ledger on a cluster: each is invited, joins, and has its own devices."
    ),
    epilog="hongbao home\nhongbao home invite shop.invitation\nhongbao home join shop.invitation",
)
def home(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        _show(ctx)


@app.command(
    "show",
    cls=Command,
    short_help=N_("Show where this wallet and its ledger are, and what opens it."),
    epilog="hongbao home show",
)
def show(ctx: Context) -> None:
    _show(ctx)


def _show(ctx: Context) -> None:
    from hongbao.ui import home as screens

    call = caller(ctx)
    with call.wallet() as wallet:
        shown = wallet.shown()
    call.answer(shown, screens.show_home)


@app.command(
    "invite",
    cls=Command,
    short_help=N_("Write an invitation for one more machine to a file."),
    help=N_(
        "The file has this wallet's keys, sealed by a new passphrase. One machine can join with "
        "it, once. Send the two by different ways, and delete the file afterwards."
    ),
    epilog="hongbao home invite shop.invitation",
)
def invite(
    ctx: Context,
    file: Annotated[
        str, Argument(metavar="FILE", help=N_("the file to write; --yes overwrites it"))
    ],
    passphrase_file: Annotated[
        str | None,
        Option(
            "--passphrase-file",
            metavar="FILE",
            help=N_("read the new passphrase from FILE; - is standard input"),
        ),
    ] = None,
) -> None:
    from hongbao.ui import home as screens

    call = caller(ctx)
    with call.wallet(hushed=call.asks_pin or passphrase_file is None) as wallet:
        chosen = call.new_passphrase(passphrase_file, wallet)
        changed = wallet.invite(call.output(file), chosen, pin=call.pin, replace=call.yes)
    call.answer(changed, screens.show_invited)
    call.hint(N_("on the other machine: `hongbao home join FILE`"))


@app.command(
    "join",
    cls=Command,
    short_help=N_("Use the wallet that an invitation is for on this machine, too."),
    epilog="hongbao home join shop.invitation",
)
def join(
    ctx: Context,
    file: Annotated[
        str, Argument(metavar="FILE", help=N_("an invitation made by `hongbao home invite`"))
    ],
    passphrase_file: Annotated[
        str | None,
        Option(
            "--passphrase-file",
            metavar="FILE",
            help=N_("read the invitation's passphrase from FILE; - is standard input"),
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    from hongbao.ui import home as screens
    from hongbao.wallet import machines

    call = caller(ctx)
    call.passphrase_file = passphrase_file
    path = typed_path(file)
    invited = call.unlocked(lambda passphrase: machines.opened(call.env, path, passphrase))
    password = call.ledger_password(invited.address, password_file)
    call.leave_terminal()
    changed = machines.join(call.env, invited, password)
    call.answer(changed, screens.show_joined)
    call.hint(N_("authorise this machine: `hongbao device add DEVICE`"))


@app.command(
    "connect",
    cls=Command,
    short_help=N_("Change the address, or the password, that this machine connects with."),
    epilog="hongbao home connect mysql://pay@db4,db5,db6/ledger",
)
def connect(
    ctx: Context,
    address: Annotated[
        str,
        Argument(metavar="ADDRESS", help=N_("the ledger's address on the cluster, no password")),
    ],
    password_file: PasswordFile = None,
) -> None:
    from hongbao.ui import home as screens
    from hongbao.wallet import machines

    call = caller(ctx)

    def accepts(last_entry: int, noted_entry: int) -> bool:
        try:
            call.confirm(
                N_(
                    "the ledger there ends at entry {last}, and entry {noted}, which this machine "
                    "has seen, is not in it. Accept that it is lost?"
                ),
                last=last_entry,
                noted=noted_entry,
            )
        except Unanswered:  # then the refusal says what would have been asked
            return False
        return True

    access = call.ledger_access(address, password_file)
    call.close_home()
    shown = call.unlocked(
        lambda passphrase: machines.reconnect(
            call.env, access, passphrase=passphrase, accept=accepts
        )
    )
    call.answer(shown, screens.show_home)
