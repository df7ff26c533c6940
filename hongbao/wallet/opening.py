"""Opening a home: its keys and its ledger together, and what a rekey that was cut off has left."""

from collections.abc import Callable
from pathlib import Path

from hongbao.env import Env
from hongbao.errors import Damaged, HomeNotFound, StorageRefused
from hongbao.store import Store
from hongbao.vault import Cost, KeyFolder, Vault
from hongbao.vault.files import close_to_writers

LEDGER = "ledger.db"
"""The ledger's file name in a home's ``data/``."""


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
    if not key_folder(env).exists():  # then it is no folder of ours
        return {}
    found = {
        folder: close_to_writers(folder, private=folder != env.home)
        for folder in (env.home, env.data, env.keys)
    }
    return {folder: closed for folder, closed in found.items() if closed is not None}


def open_ledger(
    ledger: Path, keys: KeyFolder, passphrase: Callable[[], str] | None
) -> tuple[Vault, Store]:
    """
    Open keys and ledger together, and bring to its end a rekey that was cut off.

    Another process may rekey between our look at the keys and ours at the ledger. Then the two do
    not fit, and both are looked at again; while a rekey is under way, the key folder makes us wait.
    """
    while True:
        vault = keys.open(passphrase)
        pending = keys.pending_rekey(passphrase)
        if pending is not None:
            return _mended(ledger, keys, keys.open(passphrase), pending)
        try:
            return vault, _fitting(ledger, vault)
        except Damaged:
            moved_on = keys.pending_rekey(passphrase) is not None
            if not moved_on and keys.open(passphrase).fingerprint == vault.fingerprint:
                raise


def _fitting(ledger: Path, vault: Vault) -> Store:
    """
    Open *ledger*, or raise HomeNotFound where no home is in it yet.

    Raises Damaged where its pages or its rows are not under *vault*'s keys.
    """
    store = Store.open(ledger, vault.page_key)
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


def _mended(ledger: Path, keys: KeyFolder, vault: Vault, pending: Vault) -> tuple[Vault, Store]:
    """
    Finish or undo the rekey from *vault* to *pending* that its process did not live to end.

    A rekey seals the rows anew in one transaction and encrypts the pages anew in another; the
    ledger's own generation and the key that opens its pages tell how far it had come. Where there
    is no room to encrypt them, the ledger stays open between the two, and the next opening tries
    again.
    """
    page_key = vault.page_key
    try:
        store = Store.open(ledger, page_key)
    except Damaged:
        page_key = pending.page_key
        store = Store.open(ledger, page_key)
    home = store.home()
    if home is None or home.generation == vault.generation:
        keys.abandon_rekey()
        return vault, store
    try:
        finish_rekey(store, keys, pending)
    except StorageRefused:
        store.close()
        keys.close()  # which lets others in
        return pending, Store.open(ledger, page_key)
    return pending, store


def finish_rekey(store: Store, keys: KeyFolder, new: Vault) -> None:
    """Encrypt the pages of *store*, whose rows *new* has sealed already, and forget the old key."""
    store.rekey(new.page_key)
    keys.finish_rekey()
