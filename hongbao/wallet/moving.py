"""A backup that is restored to a cluster: one of a cluster's ledger, or of one in a file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hongbao.domain.numbers import number_of
from hongbao.errors import StorageRefused
from hongbao.home.arrival import Arrival
from hongbao.home.clusters import note
from hongbao.home.kept import Kept
from hongbao.home.log import MachineLog
from hongbao.home.opened import Home
from hongbao.home.opening import forget, incoming
from hongbao.home.places import LEDGER, SET_ASIDE, is_on_cluster
from hongbao.units import to_micros
from hongbao.vault.files import rename
from hongbao.wallet.copies import Older, head_missing, known_of, opened_copy, remember_restoring
from hongbao.wallet.homes import home_changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hongbao.answers import HomeChanged
    from hongbao.env import Env
    from hongbao.home.clusters import Access
    from hongbao.vault import KeyFolder, Vault


def put_on_cluster(
    env: Env,
    file: Path,
    access: Access,
    vault: Vault,
    keys: KeyFolder,
    accepted: Older | None,
    progress: Callable[[int, int], None],
) -> HomeChanged | Older:
    """
    Restore *file* to the empty database of *access*, and use the ledger there from now on.

    Killed anywhere, the home is as it was, or the new one; the same call finishes it. A ledger in a
    file that was this home's is set aside. Nothing is done where the backup may not be the newest
    state, and just that was not *accepted*. *progress* hears how far it has come.

    Raises DatabaseNotEmpty, and what reaching a cluster raises.
    """
    ledger = env.data / LEDGER
    coming = incoming(ledger)
    forget(coming)
    try:
        with Arrival(env, vault, access) as arrival:
            copy = opened_copy(file, coming, vault)
            try:
                before = copy.head()
                came = arrival.is_there(before.entry, before.mac)
                scratch = Home(env, keys, vault, copy, None)
                older = _older(scratch)
                if older is not None and older != accepted:
                    return older
                if not came:
                    _remember(scratch, file, older)
                    arrival.fill(copy, before.entry, before.mac, progress)
                Kept(scratch).miss()
            finally:
                copy.close()
            MachineLog(env, vault, arrival.store).look()
        keys.announce_move()
        note(env, vault, access)
        with suppress(StorageRefused):  # there may have been none
            rename(ledger, ledger.with_name(SET_ASIDE))
        changed = home_changed(scratch) | {"file": str(file), "entry": before.entry}
        if older is not None and older.noted_entry is not None:
            changed["noted_entry"] = older.noted_entry
        return changed
    finally:
        forget(coming)


def _older(scratch: Home) -> Older | None:
    """
    Return where the backup ends and what was seen, if it may not be the newest state.

    That of a cluster may never be: other machines may have done more, of which this one knows what
    its own devices did.
    """
    last = scratch.store.head().entry
    if not has_shared(scratch):
        noted = head_missing(scratch.keys, scratch.store)
        return None if noted is None else Older(last, noted)
    newest = Kept(scratch).newest()
    return Older(last, newest if newest > last else None)


def has_shared(home: Home) -> bool:
    """Return whether the ledger that these keys were used for last here was on a cluster."""
    from hongbao.home.clusters import has_seen_more

    if (home.env.data / LEDGER).exists():
        return is_on_cluster(home.env)
    return is_on_cluster(home.env) or has_seen_more(home.env, home.vault)


def _remember(scratch: Home, file: Path, older: Older | None) -> None:
    """Write down in the copy that it comes back, with a number that nothing was ever given."""
    head, home = scratch.store.head(), scratch.row
    tried, last_entry = known_of(scratch.env.data / LEDGER, scratch.vault)
    noted = None if older is None else older.noted_entry
    if has_shared(scratch) and home.virtual_at is None and home.dice is None:
        now = to_micros(scratch.env.now()) - to_micros(home.made_at)
        last_entry = max(head.entry, number_of(now, 0))
    remember_restoring(scratch, file, head.entry, noted, tried, max(last_entry, noted or 0))
