"""Opening a home: its keys and its ledger together, and recovery of interrupted changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.env import Env
from hongbao.errors import (
    Damaged,
    HomeLocked,
    HomeNotFound,
    StorageRefused,
    StorageUnreadable,
)
from hongbao.home.places import LEDGER, is_on_cluster
from hongbao.store import LedgerFile, Store
from hongbao.vault import Cost, KeyFolder, Vault
from hongbao.vault.files import close_to_writers

if TYPE_CHECKING:
    from hongbao.engines.sqlcipher import Ledger
    from hongbao.home.clusters import Access


def key_folder(env: Env) -> KeyFolder:
    """Return the folder that the keys of *env*'s home are in."""
    if env.hash_cost is None:
        return KeyFolder(env.keys)
    return KeyFolder(env.keys, cost=Cost(*env.hash_cost))


def close_home(env: Env) -> dict[Path, bool]:
    """
    Close the home of *env* to others who could write to it: its keys and its ledger to everyone.

    Return the folders to which they could, each with whether it could be closed. What others may
    have put there is looked at whenever a file of it is opened (see `hongbao.vault.files`).
    """
    try:
        if not key_folder(env).exists():  # then it is no folder of ours
            return {}
    except StorageUnreadable:  # the next opening says so; here an act may have been done already
        return {}
    found = {
        folder: close_to_writers(folder, private=folder != env.home)
        for folder in (env.home, env.data, env.keys)
    }
    return {folder: closed for folder, closed in found.items() if closed is not None}


def place_of(env: Env) -> str:
    """Return the place of the ledger of *env*'s home, as messages name it."""
    if not is_on_cluster(env):
        return str(env.data / LEDGER)
    from hongbao.home.clusters import noted_address

    return noted_address(env).where


@contextmanager
def open_ledger(
    env: Env, keys: KeyFolder, passphrase: Callable[[], str] | None
) -> Iterator[tuple[Vault, Store]]:
    """
    Open keys and ledger together, and bring to its end what was cut off: a rekey, or a restore.

    Within, they stay as they were found; the ledger is the caller's to close.

    No process is kept waiting during the passphrase prompt, so the keys may change; then
    they are looked at again.
    """
    if is_on_cluster(env):
        from hongbao.home.clusters import open_noted

        with open_noted(env, keys, passphrase) as opened:
            yield opened
        return
    ledger = env.data / LEDGER
    while True:
        vault = keys.open(passphrase)
        with keys.sharing():
            if keys.is_current(vault):
                keys.know_restore()
                yield vault, _fitting(ledger, vault)
                return
        left_open = settle(ledger, keys)
        if left_open is not None:
            with keys.sharing():
                keys.know_restore()
                yield left_open
            return


def make_ledger(
    env: Env,
    keys: KeyFolder,
    passphrase: Callable[[], str] | None,
    access: "Access | None" = None,
) -> tuple[Vault, Store]:
    """
    Open the ledger of *env*'s home, and make it, and the *keys*, if they are not there yet.

    With *access* it is made on a cluster.
    """
    if access is not None or is_on_cluster(env):
        from hongbao.home.clusters import make

        return make(env, keys, passphrase, access)
    ledger = env.data / LEDGER
    while True:
        vault = keys.open(passphrase) if keys.exists() else keys.create()
        with keys.sharing():
            if keys.is_current(vault):
                keys.know_restore()
                return vault, _make_file(ledger, vault.page_key)
        settle(ledger, keys)


def settle(ledger: Path, keys: KeyFolder) -> "tuple[Vault, Ledger] | None":
    """
    Finish or undo what a process did not live to end: see `_mended` and `finish_restore`.

    Call it with keys that were opened. Returns what `_mended` had to leave open.
    """
    with keys.alone():
        try:
            vault = keys.open(None)
        except HomeLocked:
            return None  # by a new passphrase, which is to be asked for first
        pending = keys.pending_rekey(None)
        if pending is not None:
            try:
                return _mended(ledger, keys, vault, pending)
            finally:
                keys.leave_rekey()
        finish_restore(ledger, keys, vault)
    return None


def _open_file(path: Path, page_key: bytes) -> "Ledger":
    from hongbao.engines.sqlcipher import Ledger  # which a ledger on a cluster does not need

    return Ledger.open(path, page_key)


def _make_file(path: Path, page_key: bytes) -> "Ledger":
    from hongbao.engines.sqlcipher import Ledger

    return Ledger.create(path, page_key)


def _fitting(ledger: Path, vault: Vault) -> "Ledger":
    """
    Open *ledger*, or raise HomeNotFound where no home is in it yet.

    Raises Damaged if its pages or its rows are not under *vault*'s keys.
    """
    store = _open_file(ledger, vault.page_key)
    try:
        home = store.home()
        if home is None:
            raise HomeNotFound
        if home.generation != vault.generation:
            raise Damaged(path=str(ledger))
    except BaseException:
        store.close()
        raise
    return store


def _mended(
    ledger: Path, keys: KeyFolder, vault: Vault, pending: Vault
) -> "tuple[Vault, Ledger] | None":
    """
    Finish or undo the rekey from *vault* to *pending* that its process did not live to end.

    A rekey seals the rows again in one transaction and encrypts the pages again in another; the
    ledger's own generation and the key that opens its pages tell how far it had come. Where there
    is no room to encrypt them, the ledger stays open between the two, and is returned so; the next
    opening tries again.
    """
    page_key = vault.page_key
    try:
        store = _open_file(ledger, page_key)
    except Damaged:
        page_key = pending.page_key
        store = _open_file(ledger, page_key)
    try:
        home = store.home()
        if home is None or home.generation == vault.generation:
            keys.abandon_rekey()
        else:
            finish_rekey(store, keys, pending)
    except StorageRefused:
        return pending, _open_file(ledger, page_key)
    finally:
        store.close()
    return None


def finish_rekey(store: LedgerFile, keys: KeyFolder, new: Vault) -> None:
    """Encrypt the pages of *store*, whose rows *new* has sealed already, and forget the old key."""
    home = store.home()
    if home is None or home.generation != new.generation:
        raise Damaged(path=str(store.path))  # the old key may be the only one that fits
    store.rekey(new.page_key)
    keys.finish_rekey()


# --- another ledger in its place ------------------------------------------------------------------


def incoming(ledger: Path) -> Path:
    """Return where a copy lies that is about to take the place of *ledger*."""
    return ledger.with_name(f"{LEDGER}.incoming")


def finish_restore(ledger: Path, keys: KeyFolder, vault: Vault) -> None:
    """
    Put the ledger that was announced to *keys* in its place, and accept its end as the head.

    It is whole next to the present one until it has come, so this can be done again wherever it
    was cut off. Where it is gone, and has not come, the present ledger stays.

    Raises StorageRefused if there is no room for it: until there is, no act runs.
    """
    mark = keys.pending_restore()
    if mark is None:
        return
    came = _open_at(incoming(ledger), vault, mark)
    if came is not None:
        try:
            _replace(ledger, came, vault)
        finally:
            came.close()
    else:
        present = _open_at(ledger, vault, mark)
        if present is None:
            keys.abandon_restore()
            return
        present.close()
    forget(incoming(ledger))
    keys.finish_restore()


def _open_at(path: Path, vault: Vault, mark: tuple[int, bytes]) -> "Ledger | None":
    """Open the ledger at *path* if its last entry is the one of *mark*."""
    try:
        store = _open_file(path, vault.page_key)
    except (Damaged, HomeNotFound):
        return None
    try:
        head = store.head()
        if (head.entry, head.mac) == mark:
            return store
    except Damaged:
        pass
    store.close()
    return None


def _replace(ledger: Path, copy: "Ledger", vault: Vault) -> None:
    """Make *ledger* hold what *copy* holds, through the engine where the ledger still opens."""
    try:
        _overwrite(ledger, copy, vault)
    except Damaged:
        _set_aside(ledger)
        _overwrite(ledger, copy, vault)


def _overwrite(ledger: Path, copy: "Ledger", vault: Vault) -> None:
    current = _make_file(ledger, vault.page_key)
    try:
        current.overwrite_with(copy)
    finally:
        current.close()


def _set_aside(ledger: Path) -> None:
    """Move a ledger that does not open out of the way; it may still be evidence."""
    try:
        for suffix in ("-wal", "-shm", ""):  # a new ledger must never find the old one's log
            path = ledger.with_name(ledger.name + suffix)
            if path.exists():
                path.replace(path.with_name(f"damaged-{path.name}"))
    except OSError as error:
        raise StorageRefused(path=str(ledger), reason=error.strerror or str(error)) from None


def forget(path: Path) -> None:
    """Remove a ledger and the engine's files next to it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
