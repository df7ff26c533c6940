"""Restoring a backup: in the place of the ledger's file, or to a cluster."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.answers import HomeChanged
from hongbao.domain.ids import ENTRIES, NUMBERS
from hongbao.env import Env
from hongbao.errors import Damaged, HomeNotFound, HongbaoError, OlderCopy
from hongbao.home.opened import Home
from hongbao.home.opening import finish_restore, forget, incoming, key_folder, settle
from hongbao.home.places import LEDGER, is_on_cluster
from hongbao.store import has_gaps
from hongbao.vault import KeyFolder, Vault
from hongbao.vault.files import storage, sync
from hongbao.wallet.copies import Older, head_missing, known_of, opened_copy, remember_restoring

if TYPE_CHECKING:
    from hongbao.home.clusters import Access


def restore(
    env: Env,
    file: Path,
    *,
    access: "Access | None" = None,
    passphrase: Callable[[], str] | None = None,
    accept_older: Callable[[int, int | None], bool],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> HomeChanged:
    """
    Put the copy in *file* in the ledger's place, or on a cluster, to which *access* leads.

    A home whose ledger is on a cluster has it restored there, unless *access* is to another one.

    The head noted next to the keys shows whether the copy is the newest state these keys have seen;
    where it is not, *accept_older* is asked, with the last entry of the copy and the one that was
    seen, or None where that cannot be known. *progress* hears how many rows of how many have come
    to a cluster, which takes long. No process is kept waiting, so afterwards everything is checked
    again. A ledger too damaged to be written into is set aside, not deleted. The
    restoring itself is an act of the restored ledger, which remembers by it what it may have lost.

    Killed anywhere, the next command finishes or undoes it (see `KeyFolder.begin_restore`); to a
    cluster, the same call (see `put_on_cluster`).

    Raises FileNotReadable, Damaged where *file* is no ledger of these keys, OlderCopy, or Busy.
    """
    keys = key_folder(env)
    if not keys.exists():
        raise HomeNotFound
    ledger = env.data / LEDGER
    accepted: Older | None = None
    try:
        while True:
            vault = keys.open(passphrase)
            with keys.alone():
                with suppress(Damaged, HomeNotFound):  # that is what the copy is for
                    left_open = settle(ledger, keys)
                    if left_open is not None:
                        left_open[1].close()
                if not keys.has_keys_of(vault):
                    continue
                keys.know_restore()
                answer = _restored(env, file, access, vault, keys, accepted, progress)
            if not isinstance(answer, Older):
                return answer
            accepted = answer
            if not accept_older(*accepted):
                assert accepted.noted_entry is not None
                raise OlderCopy(last_entry=accepted.last_entry, noted_entry=accepted.noted_entry)
    except HongbaoError as error:
        error.begun = keys.begun
        raise
    finally:
        keys.close()


def _restored(
    env: Env,
    file: Path,
    access: "Access | None",
    vault: Vault,
    keys: KeyFolder,
    accepted: Older | None,
    progress: Callable[[int, int], None],
) -> HomeChanged | Older:
    if access is None and not is_on_cluster(env):
        return _put_back(env, file, vault, keys, accepted)
    from hongbao.home.clusters import access_of
    from hongbao.wallet.moving import put_on_cluster

    there = access_of(env, vault) if access is None else access
    return put_on_cluster(env, file, there, vault, keys, accepted, progress)


def _put_back(
    env: Env, file: Path, vault: Vault, keys: KeyFolder, accepted: Older | None
) -> HomeChanged | Older:
    """Restore *file*, unless it is older and just that was not *accepted*."""
    ledger = env.data / LEDGER
    coming = incoming(ledger)
    forget(coming)  # a killed one's log would be taken for this one's
    try:
        copy = opened_copy(file, coming, vault)
        try:
            before, noted = copy.head(), keys.head()
            missing = head_missing(keys, copy)
            if missing is not None and Older(before.entry, missing) != accepted:
                return Older(before.entry, missing)
            tried, last_entry = known_of(ledger, vault)
            if noted is not None:
                last_entry = max(last_entry, noted[0])
            most = (NUMBERS if has_gaps(copy) else ENTRIES) // 2
            answer = remember_restoring(
                Home(env, keys, vault, copy, None),
                file,
                before.entry,
                None if noted is None else noted[0],
                tried,
                last_entry if last_entry < most else 0,  # or it is made up
            )
            after = copy.head()
        finally:
            copy.close()
        with storage(coming), coming.open("rb+") as whole:
            sync(whole.fileno())
        keys.abandon_rekey()  # of a ledger that cannot be read: this one is under the present keys
        keys.begin_restore(after.entry, after.mac)
        finish_restore(ledger, keys, vault)
        return answer
    finally:
        if not keys.restoring:
            forget(coming)
