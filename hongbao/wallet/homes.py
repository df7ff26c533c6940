"""The home itself: locked and unlocked, under new keys, and backed up."""

from contextlib import suppress
from pathlib import Path

from hongbao.answers import Answer, HomeChanged
from hongbao.auditing.private import card_number, check_person, place_of_card
from hongbao.changes.cards import ResealCard
from hongbao.changes.people import ReindexPerson, Reseal
from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Damaged, HomeNotFound, HongbaoError, NotOnCluster, StorageRefused
from hongbao.home.opened import Home
from hongbao.home.opening import finish_rekey, open_ledger
from hongbao.queries.devices import check_this_machine
from hongbao.questions import Question
from hongbao.vault import Vault
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.unit_of_work import perform
from hongbao.words import N_


class _CopyUnreadable(Exception):
    """A copy is not what it was copied from: the disk has lost some of it."""


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


def home_changed(home: Home) -> HomeChanged:
    """Return the answer about the home after any change of it."""
    return {
        "home": str(home.env.home),
        "wrapping": home.keys.wrapping(),
        "generation": home.vault.generation,
    }
