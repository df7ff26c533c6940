"""
Machines that share a ledger on a cluster: one invites another, which joins.

An invitation is a file with the home's master key, wrapped by a passphrase (Argon2id),
and with the ledger's address and the last checkpoint of its log that was seen. One machine can join
with it: the
ledger notes its id in the act `home_join`. The devices that sign are each machine's own.

Accepted: who has the file and its passphrase has the home's keys, whether it was used or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.log.checkpoint import Checkpoint, Malformed, parse_checkpoint
from hongbao.errors import (
    AlreadyJoined,
    Damaged,
    HomeNotFound,
    HongbaoError,
    InvalidDatabaseUser,
    InvalidLedgerAddress,
    InvitationUsed,
    NotAnInvitation,
    NotShared,
    OtherLedger,
    StateAltered,
    WitnessLost,
    WrongPassphrase,
)
from hongbao.home.log import MachineLog
from hongbao.home.opened import Home
from hongbao.home.opening import key_folder
from hongbao.home.places import has_ledger, is_on_cluster
from hongbao.queries.acts import facts_of
from hongbao.queries.devices import check_this_machine
from hongbao.vault import Notes
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.homes import home_changed
from hongbao.wallet.sealing import afterwards
from hongbao.wallet.unit_of_work import perform_step

if TYPE_CHECKING:
    from hongbao.answers import ClusterShown, Grants, HomeChanged, HomeShown, NodeShown
    from hongbao.env import Env
    from hongbao.home.clusters import Access, Address
    from hongbao.vault import KeyFolder, Vault
    from hongbao.wallet.acts import Doing

FORMAT = 2
"""The form of an invitation; a file of another form is refused rather than guessed at."""

SIZE_MAX = 64 * 1024
"""No invitation is larger: a wrong file need not be read to its end."""

_ID_BYTES = 8
_MACHINE = "machine"


def shown(home: Home) -> HomeShown | ClusterShown:
    """Return where the home and its ledger are, and what opens it on this machine."""
    if home.store.file is not None:
        return {**home_changed(home), "ledger": home.store.where, "shared": False}
    from hongbao.home.clusters import nodes_of
    from hongbao.wallet.lost import found_lost
    from hongbao.wallet.sealing import log_shown

    return {
        **home_changed(home),
        "ledger": home.store.where,
        "shared": True,
        "nodes": _shown_nodes(nodes_of(home.store)),
        "log": log_shown(home),
        "lost": found_lost(home),
    }


def nodes(env: Env, passphrase: Callable[[], str] | None) -> list[NodeShown]:
    """Return which nodes of the noted address can be used, also where the ledger cannot."""
    from hongbao.home.clusters import access_of, nodes_at

    vault = key_folder(env).open(passphrase)
    return _shown_nodes(nodes_at(access_of(env, vault), vault))


def _shown_nodes(nodes: Mapping[str, HongbaoError | None]) -> list[NodeShown]:
    return [
        {"node": node, "error": None if refused is None else refused.as_dict()}
        for node, refused in nodes.items()
    ]


def grants(env: Env, user: str) -> Grants:
    """
    Return the statements by which the ledger's owner lets a *user* do what acts do, and no more.

    Only the noted address is read. Raises NotShared, and InvalidDatabaseUser.
    """
    from hongbao.home.clusters import grants_for

    if not key_folder(env).exists():
        raise HomeNotFound
    if not is_on_cluster(env):
        raise NotShared
    try:
        database, account, statements = grants_for(env, user)
    except ValueError:
        raise InvalidDatabaseUser(user) from None
    return {"database": database, "user": account, "statements": statements}


def check_shared(env: Env) -> None:
    """
    Raise NotShared of a ledger that is a file, before a passphrase or a password is typed for it.

    Without a wallet, HomeNotFound.
    """
    if not key_folder(env).exists():
        raise HomeNotFound
    if not is_on_cluster(env):
        raise NotShared


def invite(
    home: Home, file: Path, passphrase: str, *, pin: AskPin, replace: bool = False
) -> HomeChanged:
    """
    Write an invitation for one more machine to *file*, opened by *passphrase* alone.

    As for `lock`, it takes the PIN of a profile and one of its devices: the keys are not handed on
    by one who only finds a home open.

    Raises NotShared, WeakPassphrase, FileExists unless *replace*, InsideHome, StorageRefused, and
    what `authorise` raises.
    """
    from hongbao.outputs import check_outside, save_by_name
    from hongbao.vault.files import replace as write

    if home.store.file is not None:
        raise NotShared
    check_outside(file, home.env.data, home.env.keys)
    check_this_machine(home, home.me)
    authorise(home, pin)
    names = [row.name for row in home.store.profiles()]
    content = _written(home, passphrase, names)
    save_by_name(file, lambda path: write(path, content), replace)
    return home_changed(home) | {"file": str(file)}


def _written(home: Home, passphrase: str, names: list[str]) -> bytes:
    from hongbao.home.clusters import noted_address

    number = home.vault.random(_ID_BYTES).hex()
    seen = MachineLog(home.env, home.vault, home.store).look()
    inside = {"address": str(noted_address(home.env)), "seen": seen.text}
    document = {
        "hongbao": "invitation",
        "format": FORMAT,
        "id": number,
        "keys": home.keys.invitation(home.vault, passphrase, names),
        "sealed": home.vault.seal(0, _place(number), json.dumps(inside)).hex(),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _place(number: str) -> str:
    return f"invitation/{number}"


class Invitation(NamedTuple):
    """An invitation that was opened."""

    id: str
    vault: Vault
    address: Address
    seen: Checkpoint


def opened(env: Env, file: Path, passphrase: Callable[[], str]) -> Invitation:
    """
    Open the invitation in *file* with its *passphrase*.

    Raises AlreadyJoined where there is a home already, FileNotReadable, NotAnInvitation or
    WrongPassphrase.
    """
    from hongbao.home.clusters import parse_address
    from hongbao.inputs import read_whole

    if key_folder(env).exists() and has_ledger(env):
        raise AlreadyJoined(path=str(env.home))
    text = read_whole(file, SIZE_MAX)
    try:
        document = json.loads(text)
        if document["hongbao"] != "invitation" or document["format"] != FORMAT:
            raise ValueError
        number, record = str(document["id"]), document["keys"]
        vault = key_folder(env).invited(record, passphrase())
        sealed = bytes.fromhex(document["sealed"])
        inside = json.loads(vault.unseal(0, _place(number), sealed))
        address = parse_address(inside["address"])
        return Invitation(number, vault, address, parse_checkpoint(inside["seen"]))
    except WrongPassphrase:
        raise
    except (
        Damaged,
        InvalidLedgerAddress,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        Malformed,
    ):
        raise NotAnInvitation(path=str(file)) from None


def join(env: Env, invited: Invitation, password: str | None) -> HomeChanged:
    """
    Make the home of *env* one of the machines that share the ledger it is *invited* to.

    The keys come first, then the act in the ledger, then the note of its address: killed anywhere,
    the same invitation can be used again on this machine, and on no other.

    Raises OtherLedger where the ledger is not that of the keys, and what `MachineLog.judge` raises
    where it does not continue what the inviting machine has seen; AlreadyJoined; InvitationUsed;
    and what reaching a cluster raises.
    """
    from hongbao.home.clusters import Access, check_nodes, note, reach

    access = Access(invited.address, password)
    keys = key_folder(env)
    try:
        store = reach(access, invited.vault)
    except (HomeNotFound, Damaged):
        raise OtherLedger(where=invited.address.where) from None
    with Home(env, keys, invited.vault, store, None) as home:
        check_nodes(store)
        log = _checked_log(home, invited)
        _check_unused(home, invited.id, _machine(env, keys, invited.vault))
        _adopt(env, keys, invited.vault)
        log.begin(invited.seen)
        log.look()
        machine = _machine(env, keys, invited.vault)
        assert machine is not None
        note_use(home, invited.id, machine)
        note(env, invited.vault, access)
        afterwards(home)
        return home_changed(home)


def _checked_log(home: Home, invited: Invitation) -> MachineLog:
    """Return the log, if it is that of the keys, and has what the inviting machine had seen."""
    try:
        _check_keys(home)
    except StateAltered:
        raise OtherLedger(where=home.store.where) from None
    log = MachineLog(home.env, invited.vault, home.store)
    log.judge(invited.seen, log.newest())
    return log


def _check_keys(home: Home) -> None:
    """Raise StateAltered unless the ledger is sealed by the home's keys."""
    row = home.row
    if row.retired is not None:
        home.vault.adopt_retired(row.retired)
    home.check_state(("home", 1))


def _adopt(env: Env, keys: KeyFolder, vault: Vault) -> None:
    """Keep the keys here, and a name for this machine; both stay if this is cut off."""
    keys.adopt(vault)
    notes = Notes(env.keys, vault)
    if notes.read(_MACHINE) is None:
        notes.write(_MACHINE, vault.random(_ID_BYTES).hex().encode())


def _machine(env: Env, keys: KeyFolder, vault: Vault) -> str | None:
    """
    Return the name that this machine got when it began to join with these keys; None if it has not.

    Raises AlreadyJoined where other keys are here.
    """
    if not keys.exists():
        return None
    if not keys.has_keys_of(vault):
        raise AlreadyJoined(path=str(env.home))
    name = Notes(env.keys, vault).read(_MACHINE)
    return None if name is None else name.decode("ascii", "replace")


def _request_of(number: str) -> str:
    return f"/joined/{number}"


def _check_unused(home: Home, number: str, machine: str | None) -> bool:
    """Return whether *machine* has used the invitation itself. Raises InvitationUsed."""
    act = home.store.request(_request_of(number), None).act
    if act is None:
        return False
    if machine is None or facts_of(home, act)["machine"] != machine:
        raise InvitationUsed(entry=act.entry)
    return True


def note_use(home: Home, number: str, machine: str) -> None:
    """
    Note in the ledger that *machine* has joined by invitation *number*; once, however often asked.

    Raises InvitationUsed if it was another machine.
    """

    def work(doing: Doing) -> Mapping[str, object] | None:
        if _check_unused(home, number, machine):
            return None
        doing.request_id = _request_of(number)
        return {**doing.common, "invitation": number, "machine": machine}

    perform_step(home, "home_join", _request_of(number), work, step=1)


def reconnect(
    env: Env,
    access: Access,
    *,
    passphrase: Callable[[], str] | None = None,
    accept: Callable[[int, int], bool],
) -> HomeShown | ClusterShown:
    """
    Reach the ledger by *access* from now on, on this machine: nodes were moved, or a new password.

    The way that was noted before is not tried: it may lead nowhere. Where this machine has lost its
    memory of the log, *accept* is asked whether it begins again with what is there, which has that
    epoch and size.

    Raises NotShared; OtherLedger where it leads to another ledger; and what `MachineLog.look`
    raises.
    """
    from hongbao.home.clusters import check_nodes, note, reach

    check_shared(env)
    keys = key_folder(env)
    vault = keys.open(passphrase)
    keys.know_restore()  # the way that it has left is not gone
    try:
        store = reach(access, vault)
    except (HomeNotFound, Damaged):
        raise OtherLedger(where=access.address.where) from None
    with Home(env, keys, vault, store, None) as home:
        check_nodes(store)
        try:
            _check_keys(home)
        except StateAltered:
            raise OtherLedger(where=access.address.where) from None
        log = MachineLog(env, vault, store)
        try:
            log.look()
        except WitnessLost:
            newest = log.newest()
            if not accept(newest.origin.epoch, newest.size):
                raise
            log.begin_again()
        note(env, vault, access)
        return shown(home)
