"""The home itself: lock and unlock, rekey, backup and restore."""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hongbao.answers import Answer, HomeChanged
from hongbao.auditing.private import card_number, check_person, place_of_card
from hongbao.changes.cards import ResealCard
from hongbao.changes.people import ReindexPerson, Reseal, SetPinTries, SetTotpStep
from hongbao.domain.ids import ENTRIES, NUMBERS
from hongbao.engines.sqlcipher import Ledger
from hongbao.env import Env
from hongbao.errors import (
    Damaged,
    FileNotReadable,
    HomeNotFound,
    HongbaoError,
    NotOnCluster,
    OlderCopy,
    StorageRefused,
)
from hongbao.home.opened import Home
from hongbao.home.opening import (
    LEDGER,
    finish_rekey,
    finish_restore,
    forget,
    incoming,
    is_on_cluster,
    key_folder,
    open_ledger,
    settle,
)
from hongbao.home.tries import as_tries, holders, later_of, tried_in, used_up
from hongbao.queries.devices import check_this_machine
from hongbao.questions import Question
from hongbao.store import RESTORE, Holder, PinRow, Store, has_gaps
from hongbao.vault import KeyFolder, Tries, Vault
from hongbao.vault.files import storage, sync
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise, tries_folder
from hongbao.wallet.unit_of_work import perform
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.home.clusters import Access


class _CopyUnreadable(Exception):
    """A copy is not what it was copied from: the disk has lost some of it."""


class _Restored(Answer):
    """The facts of a restore: it skips the numbers between these two."""

    copied_entry: int  # the last one of the copy
    last_entry: int  # the last one that was ever given


class Older(NamedTuple):
    """
    A copy that is not the newest state, or may not be: where it ends, and what was seen.

    *noted_entry* is None where there may be newer ones, of which nothing is noted here.
    """

    last_entry: int
    noted_entry: int | None


def lock(home: Home, passphrase: str, *, pin: AskPin) -> HomeChanged:
    """
    Wrap the home's key with *passphrase* alone, for a person who knows the PIN of a profile.

    This machine has to be one of that profile's devices, too: one who finds a home open does
    not shut its owner out. Raises DeviceKeyMissing, DeviceKeyDamaged, DevicePending or
    SessionCut; what `authorise` raises; WeakPassphrase or CommonPassphrase.
    """
    check_this_machine(home, home.me)
    authorise(home, pin)
    home.keys.lock(home.vault, passphrase, [row.name for row in home.store.profiles()])
    return home_changed(home)


def unlock(home: Home, *, keyring: bool = False) -> HomeChanged:
    """
    Wrap the home's key with a device key again, in a file or in the system's *keyring*.

    Raises KeyringUnavailable.
    """
    if keyring:
        home.keys.use_keyring(home.vault)
    else:
        home.keys.unlock(home.vault)
    return home_changed(home)


def rekey(home: Home) -> HomeChanged:
    """
    Give the home a new master key: every page and everything sealed is encrypted again.

    Killed anywhere, the next command finishes or undoes it. Copies made before can no longer
    be opened. What was sealed into the chain stays as it is, under the key of its time.

    Raises Damaged, and changes nothing, where a sealed value is not what its row says; and
    NotOnCluster, where other machines have the same keys.
    """
    file, old = home.store.file, home.vault
    if file is None:
        raise NotOnCluster("rekey")
    new = home.keys.begin_rekey(old)

    def work(doing: Act) -> Answer:
        _reseal(home, doing, old, new)
        home.vault = new  # so that the first new seal is set upon the last old one
        return doing.common

    try:
        perform(home, "rekey", {"generation": new.generation}, work)
    except BaseException:
        home.vault = old
        with suppress(HongbaoError):  # what is left undone, the next opening does
            if home.row.generation == old.generation:
                home.keys.abandon_rekey()
        raise
    try:
        finish_rekey(file, home.keys, new)
    except StorageRefused:
        home.store.close()
        with open_ledger(home.env, home.keys, None) as (_, ledger):
            home.store = ledger
        raise
    return home_changed(home)


def _reseal(home: Home, doing: Act, old: Vault, new: Vault) -> None:
    """
    Seal again everything that is sealed.

    Raises Damaged, where a value does not belong where it is: under new keys it would.
    """

    def again(profile: int, place: str, sealed: bytes | None) -> bytes | None:
        if sealed is None:
            return None
        return new.seal(profile, place, old.unseal(profile, place, sealed))

    for row in home.store.profiles():
        check_person(old, row)
        doing.change(
            Reseal(
                row.id,
                real_name=again(row.id, "real_name", row.real_name),
                id_number=again(row.id, "id_number", row.id_number),
                totp_secret=again(row.id, "totp_secret", row.totp_secret),
            )
        )
        if row.id_number is not None and row.real_name is not None:
            doing.change(
                ReindexPerson(
                    row.person,
                    new.blind("id_number", old.unseal(row.id, "id_number", row.id_number)),
                    new.blind("real_name", old.unseal(row.id, "real_name", row.real_name)),
                )
            )
    for card in home.store.cards(removed=True):
        number = card_number(old, card)
        doing.change(
            ResealCard(
                card,
                new.seal(card.profile, place_of_card(card.id), number),
                new.blind("card_number", number),
            )
        )
    retired = new.seal_retired(old)
    new.adopt_retired(retired)
    doing.set_home(generation=new.generation, retired=retired)


def backup(home: Home, file: Path, *, replace: bool = False) -> HomeChanged:
    """
    Write an encrypted copy of the ledger to *file*, one moment of it, while others write.

    The keys are not in it: it opens only with this home's ``keys/``.

    It is opened again and read to its end before it has its name, so what is called a copy is
    one. Raises FileExists unless *replace*, InsideHome, and StorageRefused.
    """
    from hongbao.outputs import check_outside, save_by_name

    check_outside(file, home.env.data, home.env.keys)
    changed = home_changed(home)  # once the copy is there, nothing is read that may fail
    entries = []

    def make(copy: Path) -> None:
        _copy_of(home, copy)
        entries.append(_last_entry_of(home, copy))

    try:
        # Until it has its name, no new keys come: it would be a copy that nothing opens.
        with home.under_these_keys(), home.as_it_was_opened():
            save_by_name(file, make, replace)
    except _CopyUnreadable:
        reason = N_("what was written there cannot be read back")
        raise StorageRefused(path=str(file), reason=reason) from None
    return changed | {"file": str(file), "entry": entries[-1]}


def _copy_of(home: Home, copy: Path) -> None:
    """Write one moment of the ledger to *copy*, as a file under this home's keys."""
    if home.store.file is not None:
        home.store.file.copy_to(copy)
        return
    from hongbao.home.clusters import copy_to

    copy_to(home.store, copy, home.vault)


def _last_entry_of(home: Home, copy: Path) -> int:
    """Return the last entry of *copy*, just made, after opening it under this home's key."""
    try:
        made = Ledger.open(copy, home.vault.page_key)
        try:
            head, problems = made.head(), [*made.audit(Question.FILE_PROBLEMS)]
        finally:
            made.close()
    except (Damaged, HomeNotFound):
        raise _CopyUnreadable from None
    there = home.store.head(head.entry)
    if there is not None and home.store.has_lanes:  # of which the copy has made one chain
        there = there._replace(mac=head.mac)
    if problems or there != head:
        raise _CopyUnreadable
    return head.entry


def remember_restoring(
    home: Home,
    file: Path,
    entry: int,
    noted_entry: int | None,
    tried: Mapping[Holder, Tries],
    last_entry: int,
) -> HomeChanged:
    """
    Write down in a copy which ended at *entry* that it comes back as the ledger.

    Its number is greater than *last_entry*, the newest that is known of what is lost: no number
    of an entry is ever given twice, and nothing whose id hangs on one.

    This is the last entry of what takes the present ledger's place, so there is no moment at
    which a copy has come, which is unknown.

    What was *tried* at PINs since stays tried, and a code that was used stays used: coming back
    from a copy buys no guesses, and nothing twice.
    """
    retired = home.row.retired
    if retired is not None:
        home.vault.adopt_retired(retired)
    changed = home_changed(home) | {"file": str(file), "entry": entry}
    if noted_entry is not None:
        changed["noted_entry"] = noted_entry
    inputs = {"entry": entry, "noted_entry": noted_entry}

    def work(doing: Act) -> _Restored:
        carry_tries(home, doing, tried)
        doing.request_id = f"{RESTORE}{doing.entry:09d}"
        return {**doing.common, "copied_entry": entry, "last_entry": doing.entry - 1}

    # Unsigned, because the copy may know other devices; unnoted, because it has not come yet.
    perform(home, "restore", inputs, work, signed=False, noted=False, after=last_entry)
    return changed


def carry_tries(home: Home, doing: Act, tried: Mapping[Holder, Tries]) -> None:
    """
    Let the tries at every PIN outlive the ledger that they were made in.

    *tried* is what the ledger knew that another one takes the place of.
    """
    for holder in holders(home.store):
        row, step = _tried_since(home, holder, tried, doing.now)
        doing.change(
            SetPinTries(holder, tries=row.tries, cleared=row.cleared, locked_until=row.locked_until)
        )
        if step:
            doing.change(SetTotpStep(holder.id, step))
        tries_folder(home).set(holder.label, as_tries(row, step))


def _tried_since(
    home: Home, holder: Holder, tried: Mapping[Holder, Tries], now: datetime
) -> tuple[PinRow, int]:
    """
    Return the tries at *holder*'s PIN by all that can be read, and the last step used.

    If the count next to the keys is gone, it is unknown, and the PIN is locked.
    """
    from hongbao.vault.authenticator import step_at

    row, before = home.store.pin(holder), tried.get(holder)
    noted = tries_folder(home).read(holder.label)
    if noted is None and is_on_cluster(home.env):  # it may have been typed on others alone
        noted = as_tries(row, 0)
    known = [tries for tries in (before, noted) if tries is not None]
    for tries in known:
        row = later_of(row, tries)
    if noted is None:
        row = used_up(row, home.policy.pin, now)
    if holder.table != "profile":
        return row, 0
    steps = [tries.step for tries in known]
    # Of a clock that was turned back with the ledger, what it accepts now.
    step = min(max(steps, default=0), step_at(now) + 1)
    return row, max(step, home.profile_by_id(holder.id).totp_step)


def home_changed(home: Home) -> HomeChanged:
    """Return the answer about the home after any change of it."""
    return {
        "home": str(home.env.home),
        "wrapping": home.keys.wrapping(),
        "generation": home.vault.generation,
    }


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
    from hongbao.wallet.restoring import put_on_cluster

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


def opened_copy(file: Path, coming: Path, vault: Vault) -> Ledger:
    """Copy *file* to *coming*, and open that. Raises Damaged if it is no ledger of these keys."""
    _copy(file, coming)
    try:
        copy = Ledger.open(coming, vault.page_key)
    except (Damaged, HomeNotFound):
        raise _no_backup(file) from None
    try:
        if copy.home() is None or [*copy.audit(Question.FILE_PROBLEMS)]:
            raise _no_backup(file)
    except BaseException:
        copy.close()
        raise
    return copy


def head_missing(keys: KeyFolder, copy: Store) -> int | None:
    """Return the entry that is noted next to *keys* if *copy* does not have it as it is noted."""
    noted = keys.head()
    if noted is None:
        return None
    entry, mac = noted
    found = copy.head(entry)
    return None if found is not None and found.mac == mac else entry


def _no_backup(file: Path) -> Damaged:
    error = Damaged(path=str(file))
    error.in_backup = True
    return error


def known_of(ledger: Path, vault: Vault) -> tuple[Mapping[Holder, Tries], int]:
    """
    Return the facts of *ledger*, as far as it can be read.

    That is what was tried with PINs and codes, and its last entry.
    """
    try:
        current = Ledger.open(ledger, vault.page_key)
    except (Damaged, HomeNotFound):
        return {}, 0
    try:
        last_entry = current.head().entry
        return tried_in(current), last_entry
    except Damaged:
        return {}, 0
    finally:
        current.close()


def _copy(source: Path, target: Path) -> None:
    if source.exists() and not source.is_file():  # a device might never end
        raise FileNotReadable(path=str(source), reason=N_("it is not a file"))
    try:
        content = source.open("rb")
    except OSError as error:
        raise FileNotReadable(path=str(source), reason=error.strerror or str(error)) from None
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            content,
            open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(content, out)
    except OSError as error:
        raise StorageRefused(path=str(target), reason=error.strerror or str(error)) from None
