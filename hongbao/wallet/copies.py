"""A copy of a ledger that is to come back: opened, compared with what was seen, and noted in it."""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from hongbao.answers import Answer, HomeChanged
from hongbao.changes.people import SetPinTries, SetTotpStep
from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Damaged, FileNotReadable, HomeNotFound, StorageRefused
from hongbao.home.opened import Home
from hongbao.home.places import is_on_cluster
from hongbao.home.tries import as_tries, holders, later_of, tried_in, used_up
from hongbao.questions import Question
from hongbao.store import RESTORE, Holder, PinRow, Store
from hongbao.vault import KeyFolder, Tries, Vault
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import tries_folder
from hongbao.wallet.homes import home_changed
from hongbao.wallet.unit_of_work import perform
from hongbao.words import N_


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


def check_copy(source: Path) -> None:
    """Raise FileNotReadable if no file can be read at *source*, before anything is asked."""
    _opened(source).close()


def _opened(source: Path) -> BinaryIO:
    if source.exists() and not source.is_file():  # a device might never end
        raise FileNotReadable(path=str(source), reason=N_("it is not a file"))
    try:
        return source.open("rb")
    except OSError as error:
        raise FileNotReadable(path=str(source), reason=error.strerror or str(error)) from None


def _copy(source: Path, target: Path) -> None:
    content = _opened(source)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            content,
            open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(content, out)
    except OSError as error:
        raise StorageRefused(path=str(target), reason=error.strerror or str(error)) from None
