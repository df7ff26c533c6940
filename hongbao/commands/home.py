"""``hongbao home``."""

from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import Command, Group, caller, new_app
from hongbao.commands.rules import Answering, answering
from hongbao.domain.dates import parse_duration
from hongbao.errors import (
    Busy,
    ClusterRefused,
    LedgerDenied,
    LedgerUnreachable,
    NodeNotTrusted,
    Unanswered,
)
from hongbao.home.places import is_on_cluster
from hongbao.paths import typed_path
from hongbao.words import N_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hongbao.answers import Sealed
    from hongbao.commands.caller import Caller
    from hongbao.home.clusters import Access
    from hongbao.wallet import Wallet

app = new_app(cls=Group)

PasswordFile = Annotated[
    str | None,
    Option(
        "--ledger-password-file",
        metavar="FILE",
        help=N_("read the database user's password from FILE; - is standard input"),
    ),
]


def chosen_ledger(
    ctx: Context, call: "Caller", address: str | None, password_file: str | None
) -> "Access | None":
    """
    Return the way to the ledger on a cluster whose *address* was typed, if one was.

    Raises what `Caller.ledger_access` raises, and refuses a password for no ledger: it would end
    in a file, though the user meant a cluster.
    """
    if address is not None:
        return call.ledger_access(address, password_file)
    if password_file is not None:
        raise wrong_usage("Missing option '--ledger'.", command=ctx.command_path)
    return None


@app.callback(
    invoke_without_command=True,
    short_help=N_("Show where this wallet is, and let more machines use one on a cluster."),
    help=N_(
        "Without a command, it shows where the wallet and its ledger are. More machines can use "
        "a ledger on a cluster: each is invited, joins, and has its own devices."
    ),
    epilog="hongbao home invite shop.invitation\nhongbao home seal --every 1s",
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
    from hongbao.wallet import machines

    call = caller(ctx)
    try:
        # Where the ledger's log is refused, this says what there is.
        with call.wallet(trusting=is_on_cluster(call.env)) as wallet:
            shown = wallet.shown()
    except (LedgerUnreachable, LedgerDenied, ClusterRefused, NodeNotTrusted):
        if not call.as_json:
            screens.show_nodes(call.unlocked(lambda phrase: machines.nodes(call.env, phrase)))
        raise
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
    from hongbao.outputs import check_free, check_writable
    from hongbao.ui import home as screens
    from hongbao.wallet import machines

    call = caller(ctx)
    machines.check_shared(call.env)
    path = call.output(file)  # before a passphrase is typed twice for nothing
    check_free(path, call.yes)
    check_writable(path)
    with call.wallet(hushed=call.asks_pin or passphrase_file is None) as wallet:
        chosen = call.new_passphrase(passphrase_file, wallet)
        changed = wallet.invite(path, chosen, pin=call.pin, replace=call.yes)
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
    call.passphrase_file, call.passphrase_option = passphrase_file, "--passphrase-file"
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

    def accepts(epoch: int, size: int) -> bool:
        try:
            call.confirm(
                N_(
                    "what this machine has seen of the log is gone, so it cannot tell whether "
                    "anything is missing. Begin again with leaf {size} of epoch {epoch}?"
                ),
                epoch=epoch,
                size=size,
            )
        except Unanswered:  # then the refusal says what would have been asked
            return False
        return True

    machines.check_shared(call.env)
    access = call.ledger_access(address, password_file)
    call.close_home()
    shown = call.unlocked(
        lambda passphrase: machines.reconnect(
            call.env, access, passphrase=passphrase, accept=accepts
        )
    )
    call.answer(shown, screens.show_home)


@app.command(
    "grants",
    cls=Command,
    short_help=N_("Print the SQL that lets a database user do what commands do."),
    help=N_(
        "The owner of the tables runs it; then the machines connect as that user, who can only "
        "add to most tables. It only prints, and changes nothing."
    ),
    epilog="hongbao home grants pay | mariadb -h db1 -u ledger_owner -p",
)
def grants(
    ctx: Context,
    user: Annotated[
        str,
        Argument(
            metavar="USER", help=N_("the database's user, also with a host: `pay`, `pay@10.0.0.%`")
        ),
    ],
) -> None:
    from hongbao.ui import home as screens
    from hongbao.wallet import machines

    call = caller(ctx)
    call.answer(machines.grants(call.env, user), screens.show_grants)


@app.command(
    "seal",
    cls=Command,
    short_help=N_("Seal what has changed on a cluster into the ledger's log."),
    help=N_(
        "Commands seal what they have changed themselves. With --every, it continues until "
        "Ctrl-C, for what programs change; with --json it prints one document per line, whenever "
        "something was added. Several may run at the same time."
    ),
    epilog="hongbao home seal\nhongbao home seal --every 1s --json",
)
def seal(
    ctx: Context,
    every: Annotated[
        timedelta | None,
        Option(
            "--every",
            metavar="DURATION",
            parser=parse_duration,
            help=N_("continue until Ctrl-C, and seal again after this time, such as 1s"),
        ),
    ] = None,
) -> None:
    from hongbao.commands.caller import talk
    from hongbao.commands.stopping import stopped_by_signals
    from hongbao.commands.streams import ServiceLines
    from hongbao.ui import home as screens

    call, stopping, lines = caller(ctx), Event(), ServiceLines(talk)
    with call.wallet() as wallet, stopped_by_signals(stopping.set):
        if every is None:
            call.answer(wallet.seal(), screens.show_sealed)
            return
        for sealed in _sealing(call, wallet, every, stopping):
            with lines.line():
                if call.as_json:
                    call.answer_in_lines([sealed])
                else:
                    screens.show_sealed(sealed)
    lines.end()


def _sealing(
    call: "Caller", wallet: "Wallet", every: timedelta, stopping: Event
) -> "Iterator[Sealed]":
    """
    Yield the first step, and each that adds something or finds another lane torn.

    Why nothing can be sealed is said once, and not each second.
    """
    last: Sealed | None = None
    said: str | None = None
    while True:
        try:
            sealed = wallet.seal()
        except (Busy, LedgerUnreachable) as problem:  # nodes come back
            if said != problem.message:
                said = problem.message
                call.remark(N_("not sealed: {problem}"), problem=said)
        else:
            said = None
            if last is None or sealed["leaves"] or sealed["torn"] != last["torn"]:
                yield sealed
            last = sealed
        if stopping.wait(every.total_seconds()):
            return


@app.command(
    "log",
    cls=Command,
    short_help=N_("Write a cluster's log to a folder, for programs that verify it."),
    help=N_(
        "The folder has the signed checkpoint and the tiles of each epoch, in the form of C2SP's "
        "tlog-tiles. It has numbers and hashes, and no names or amounts. Write it there again "
        "when the log has grown."
    ),
    epilog="hongbao home log ledger-log",
)
def log(
    ctx: Context,
    folder: Annotated[str, Argument(metavar="FOLDER", help=N_("the folder to write to"))],
) -> None:
    from hongbao.ui import home as screens

    call = caller(ctx)
    with call.wallet() as wallet:
        exported = wallet.export_log(call.output(folder))
    call.answer(exported, screens.show_exported)


@app.command(
    "epoch",
    cls=Command,
    short_help=N_("Record what a cluster lost, so that its ledger can be used again."),
    help=N_(
        "It shows what is missing, asks, and begins another epoch of the log, which names it. "
        "Run it on each machine that refuses the ledger, after you have found out what was lost. "
        "Once the wallet has operators, one of them must approve."
    ),
    epilog="hongbao home epoch --operator Wu",
)
def epoch(
    ctx: Context,
    operator: Answering = None,
    give_up: Annotated[
        bool,
        Option(
            "--give-up",
            help=N_("also give up acts that are gone, so that they are not to be repeated"),
        ),
    ] = False,
) -> None:
    from hongbao.ui import home as screens

    call = caller(ctx)
    asks = call.asks_pin if operator is None else call.asks_operator_pin
    with call.wallet(trusting=True, hushed=asks) as wallet:
        lost = wallet.loss(give_up=give_up)
        if not call.as_json:
            screens.show_loss(lost)
        call.confirm(N_("open another epoch, which records this loss?"))
        by = answering(call, operator) or call.pin
        opened = wallet.open_epoch(lost, by=by, give_up=give_up)
    call.answer(opened, screens.show_epoch)
    if lost["acts"] and not give_up:
        call.hint(N_("repeat the acts that are gone: `hongbao home repeat`"))


@app.command(
    "repeat",
    cls=Command,
    short_help=N_("Repeat acts of this machine that a cluster lost, each once."),
    help=N_(
        "It goes through the acts that devices here were answered and that the ledger lacks, in "
        "their order, shows the command of each, asks, and runs it under the same request ID. "
        "It asks for PINs again, once per profile. What is refused now stays listed. Record a "
        "loss of what was sealed first: `hongbao home epoch`."
    ),
    epilog="hongbao home repeat\nhongbao home repeat --yes --pin-file pin.txt",
)
def repeat(ctx: Context) -> None:
    from hongbao.commands.repeating import repeated
    from hongbao.ui import home as screens

    call = caller(ctx)
    call.answer(repeated(call), screens.show_repeated)
