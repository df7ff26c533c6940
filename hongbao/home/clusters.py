"""
A home whose ledger is on a cluster: where it notes the address, and how the two are opened.

In the place of the ledger's file there is ``ledger.toml``, which has the address in clear. The
password of the database's user is sealed next to the keys, so that commands open the ledger without
asking for it; HONGBAO_LEDGER_PASSWORD_FILE names another one. The keys are as they always are.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hongbao.engines.mysql.address import Address, parse_address
from hongbao.env import Env
from hongbao.errors import (
    Damaged,
    HomeLocked,
    HomeNotFound,
    HongbaoError,
    InvalidLedgerAddress,
    LedgerGone,
    LedgerTaken,
    LedgerUnreachable,
)
from hongbao.home.log import MachineLog
from hongbao.home.places import cluster_note
from hongbao.store import Store
from hongbao.vault import KeyFolder, Notes, Vault
from hongbao.vault.files import make_folder, read, replace
from hongbao.vault.witness import MemoryLost, Witness

__all__ = ["Access", "Address", "access_of", "make", "open_noted", "parse_address", "reach"]

_PASSWORD = "ledger-password"  # noqa: S105 - the name of a note
_BEGINNING = "# This wallet's ledger is on a cluster. The password is not here: it is sealed.\n"
_LINE = re.compile(r'address = "([^"\\]+)"')


class Access(NamedTuple):
    """The way to a ledger on a cluster: its address, and its user's password if there is one."""

    address: Address
    password: str | None

    def __repr__(self) -> str:
        return f"Access({str(self.address)!r})"


def reach(access: Access, vault: Vault) -> Store:
    """
    Open the ledger that *access* leads to, under *vault*'s keys.

    Raises HomeNotFound where no ledger is, Damaged where it is one of other keys.
    """
    from hongbao.engines.mysql.engine import Ledger  # an address alone needs no engine

    store = Ledger.open(access.address, access.password, vault.page_key)
    try:
        home = store.home()
        if home is None:
            raise HomeNotFound
        if home.generation != vault.generation:
            raise Damaged(path=store.where)
    except BaseException:
        store.close()
        raise
    return store


def check_nodes(store: Store) -> None:
    """
    Raise what is wrong with a node of *store*'s address that answers: it will be used some day.

    One that does not answer may be down, which is no reason to refuse the others.
    """
    for refused in nodes_of(store).values():
        if refused is not None and not isinstance(refused, LedgerUnreachable):
            raise refused


def nodes_of(store: Store) -> dict[str, HongbaoError | None]:
    """Return the nodes of *store*'s address, each with why it cannot be used; None if it can."""
    from hongbao.engines.mysql.engine import Ledger

    assert isinstance(store, Ledger)
    return store.nodes()


def nodes_at(access: Access, vault: Vault) -> dict[str, HongbaoError | None]:
    """Return the same of the nodes that *access* names, where no ledger was opened."""
    from hongbao.engines.mysql.engine import Ledger
    from hongbao.vault.columns import ColumnKey

    return Ledger(access.address, access.password, ColumnKey(vault.page_key)).nodes()


def begun_again(store: Store) -> int:
    """Return how often the cluster has undone a transaction of *store*, which began again."""
    from hongbao.engines.mysql.engine import Ledger

    assert isinstance(store, Ledger)
    return store.begun_again


@contextmanager
def open_noted(
    env: Env, keys: KeyFolder, passphrase: Callable[[], str] | None
) -> Iterator[tuple[Vault, Store]]:
    """
    Open keys and ledger together, as `hongbao.home.opening.open_ledger` does.

    Neither new keys nor a copy come to a ledger on a cluster, so nothing of them can be unfinished.
    """
    address = noted_address(env)
    while True:
        vault = keys.open(passphrase)
        with keys.sharing():
            if keys.is_current(vault):
                keys.know_restore()
                try:
                    store = reach(Access(address, _password(env, vault)), vault)
                except HomeNotFound:
                    if has_seen_more(env, vault):
                        raise LedgerGone(where=address.where) from None
                    raise
                yield vault, store
                return
        _settle(keys)


def has_seen_more(env: Env, vault: Vault) -> bool:
    """Return whether this machine has seen more of a log than that it was begun."""
    try:
        seen = Witness(env.keys, vault).memory().seen
    except MemoryLost:
        return False
    return (seen.origin.epoch, seen.size) > (1, 1)


def make(
    env: Env, keys: KeyFolder, passphrase: Callable[[], str] | None, access: Access | None
) -> tuple[Vault, Store]:
    """
    Open the ledger that *access* leads to, and make it, and the *keys*, if they are not there yet.

    Without *access* it is the one that is noted: of a home that was being made before. The address
    is noted before the ledger gets its first entry.

    Raises LedgerTaken where another home has been made in that database.
    """
    from hongbao.engines.mysql.engine import Ledger

    while True:
        is_new = not keys.exists()
        vault = keys.create() if is_new else keys.open(passphrase)
        try:
            with keys.sharing():
                if keys.is_current(vault):
                    keys.know_restore()
                    if access is None:
                        access = Access(noted_address(env), _password(env, vault))
                    store = Ledger.create(access.address, access.password, vault.page_key)
                    try:
                        if _is_taken(store):
                            raise LedgerTaken(where=store.where)
                        check_nodes(store)
                        MachineLog(env, vault, store).begin()
                        note(env, vault, access)
                    except BaseException:
                        store.close()
                        raise
                    return vault, store
        except HongbaoError:
            if is_new:
                keys.forget(vault)
            raise
        _settle(keys)


def forget(env: Env, keys: KeyFolder, vault: Vault) -> None:
    """Take away the note of a ledger and the keys that were made for it: it became another's."""
    cluster_note(env).unlink(missing_ok=True)
    Notes(env.keys, vault).remove(_PASSWORD)
    Witness(env.keys, vault).forget()
    keys.forget(vault)


def _is_taken(store: Store) -> bool:
    """Return whether the ledger is a wallet's already, be it under these keys or others."""
    try:
        return store.home() is not None
    except Damaged:
        return True


def _settle(keys: KeyFolder) -> None:
    """Wait for a process that changes the wrapping; take away what none of ours has begun."""
    with keys.alone():
        try:
            keys.open(None)
        except HomeLocked:
            return  # by a new passphrase, which has to be typed first
        keys.abandon_rekey()
        keys.abandon_restore()


def copy_to(store: Store, path: Path, vault: Vault) -> None:
    """
    Write one moment of the ledger *store* to a file at *path*, encrypted under *vault*'s keys.

    It is the same as a copy of a ledger in a file, with one chain in the place of lanes. Raises
    StorageRefused.
    """
    from hongbao.auditing.context import Context, Noted
    from hongbao.auditing.rechained import rechained
    from hongbao.engines.mysql.engine import Ledger
    from hongbao.engines.sqlcipher.copying import fill
    from hongbao.vault import DeviceKeys, verify

    assert isinstance(store, Ledger)
    with store.snapshot():
        context = Context(store, vault, verify, DeviceKeys(path.parent, vault), Noted(None))
        fill(path, vault.page_key, store, rechained(context))


# --- what is noted --------------------------------------------------------------------------------


def note(env: Env, vault: Vault, access: Access) -> None:
    """Note *access* as the way to this home's ledger: the password first, which is sealed."""
    passwords = Notes(env.keys, vault)
    if access.password is None:
        passwords.remove(_PASSWORD)
    else:
        passwords.write_sealed(_PASSWORD, [access.password.encode()])
    make_folder(env.data)
    text = f'{_BEGINNING}address = "{access.address}"\n'
    replace(cluster_note(env), text.encode())


def noted_address(env: Env) -> Address:
    """Return the address that this home notes. Raises Damaged if it cannot be read."""
    path = cluster_note(env)
    try:
        lines = read(path).decode().splitlines()
        (found,) = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
        line = _LINE.fullmatch(found)
        if line is None:
            raise ValueError
        return parse_address(line[1])
    except FileNotFoundError:
        raise HomeNotFound from None
    except (ValueError, InvalidLedgerAddress):
        raise Damaged(path=str(path)) from None


def grants_for(env: Env, user: str) -> tuple[str, str, list[str]]:
    """
    Return the noted database, *user* as SQL has it, and what lets that user do what acts do there.

    Raises ValueError if it cannot be the name of a user, and Damaged.
    """
    from hongbao.engines.mysql.schema import account_of, grants

    database, account = noted_address(env).database, account_of(user)
    return database, account, [f"{grant};" for grant in grants(database, account)]


def access_of(env: Env, vault: Vault) -> Access:
    """Return the way to this home's ledger."""
    return Access(noted_address(env), _password(env, vault))


def _password(env: Env, vault: Vault) -> str | None:
    """Return the password that a variable names a file of, or else the one that is sealed."""
    named = env.variables.get("HONGBAO_LEDGER_PASSWORD_FILE")
    if named:
        from hongbao.inputs import read_lines

        return read_lines(named, 1, secret=True)[0]
    lines = Notes(env.keys, vault).sealed_lines(_PASSWORD)
    return lines[-1].decode() if lines else None
