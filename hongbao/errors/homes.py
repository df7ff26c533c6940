"""A home: its ledger, its keys, its passphrase, and the disk that it is on."""

from datetime import datetime
from typing import ClassVar

from hongbao.errors.base import (
    LEFT_OUT,
    THEN,
    ExitCode,
    HongbaoError,
    Locked,
    NotFound,
    NotIntact,
    Unusable,
    UsageError,
    example,
)
from hongbao.words import N_

_BEGUN = N_("your request may have been carried out, in whole or in part; see `hongbao history`")
"""What to do where something was begun before the disk, or another process, came in between."""


class NotADemoHome(UsageError):
    """Faults are simulated only in a demo home, whose clock and seed are the user's."""

    sentence = N_("faults can be simulated only in a demo wallet")
    advice = N_("create one with `hongbao init NAME --demo`, in a folder that HONGBAO_HOME names")


class EventNotFound(NotFound):
    """No event has that number yet, or not any more."""

    event: int = example(120)
    last: int = example(57)

    sentence = N_("there is no event {event}; the last one is {last}")
    advice = N_("see the newest with `hongbao events`; after a restore, continue from there")


class ClockBackwards(UsageError):
    """A ledger's clock only goes forward."""

    now_at: datetime = example(THEN)

    sentence = N_("the ledger's clock is at {now_at}; it only goes forward")


class HomeExists(UsageError):
    """
    A home's policy, first clock and dice are chosen when it is made, and not later.

    Where it was to be made on a cluster, *ledger* is the place of the ledger that it has.
    """

    ledger: str = example("lessons/wallet/data/ledger.db", default=LEFT_OUT)

    sentence = N_(
        "this wallet already exists; its clock, seed and policy were chosen when it was created"
    )
    _sentence_with_ledger = N_("this wallet already exists; its ledger is in {ledger}")
    advice = N_(
        "advance the clock with `hongbao clock advance DURATION`, change the "
        "policy with `hongbao policy use POLICY`"
    )
    _advice_with_ledger = N_(
        "move it to a cluster: `hongbao backup FILE`, then `hongbao restore FILE --ledger ADDRESS`"
    )

    def chosen_sentence(self) -> str:
        return self._sentence_with_ledger if "ledger" in self.facts else self.sentence

    def chosen_advice(self) -> str | None:
        return self._advice_with_ledger if "ledger" in self.facts else self.advice


class HomeNotFound(NotFound):
    """There is no ledger here yet, or none in *path*, which the environment names."""

    path: str = example("lessons/wallet", default=LEFT_OUT)

    sentence = N_("there is no wallet in {path}, which HONGBAO_HOME names")
    _sentence_without_path = N_("there is no wallet here yet")
    advice = N_("play in a sandbox: `hongbao sandbox`; or create your own: `hongbao init NAME`")

    def chosen_sentence(self) -> str:
        return self.sentence if "path" in self.facts else self._sentence_without_path


class Busy(HongbaoError):
    """Another process kept the write lock for longer than we wait."""

    exit_code = ExitCode.BUSY
    sentence = N_("another hongbao is writing to this wallet")
    advice = N_("nothing was changed; try again")

    def chosen_advice(self) -> str:
        return _BEGUN if self.begun else self.advice


class Damaged(NotIntact):
    """The ledger or its keys do not fit together, or cannot be read."""

    path: str = example(
        "~/.local/share/hongbao/data/ledger.db", also=("mysql://pay@db1,db2/ledger",)
    )

    in_backup = False
    """Whether it is a backup that was to be restored: the ledger itself is as it was."""

    sentence = N_("{path} is damaged, or does not match these keys")
    advice = N_(
        "see what can be kept with `hongbao repair`, or restore a good backup with "
        "`hongbao restore FILE`"
    )
    _advice_on_cluster = N_("see what is wrong with `hongbao check`")

    def chosen_advice(self) -> str:
        if self.in_backup:
            return N_("restore a good backup with `hongbao restore FILE`")
        if self.begun:
            return _BEGUN
        return self._advice_on_cluster if "://" in self.path else self.advice


class NothingToRepair(UsageError):
    """Every page of the ledger is whole, and every check of it passes."""

    sentence = N_("there is nothing to repair: the ledger is whole, and every check of it passes")
    advice = N_("if something else is wrong, `hongbao check` names it")


class KeysLost(NotIntact):
    """The keys of a home are gone or damaged, and without them nothing of it can be read."""

    path: str = example("~/.local/share/hongbao/keys")

    sentence = N_("the keys in {path} are lost: nothing opens without them, and no backup either")
    advice = N_("put your copy of the keys folder back in its place, then try again")


class Unrepairable(NotIntact):
    """Too much of a ledger is lost for anything of it to be proven; a *backup* may be whole."""

    reason: str = example("its first page cannot be read")
    backup: str = example("monday.hongbao", default=LEFT_OUT)

    sentence = N_("the ledger cannot be repaired: {reason}")
    advice = N_("restore a backup with `hongbao restore FILE`")
    _advice_with_backup = N_("restore the backup that is whole: `hongbao restore {backup}`")

    _reasons: ClassVar[tuple[str, ...]] = (
        N_("the ledger is gone"),
        N_("its first page cannot be read"),
        N_("its first entry cannot be proven"),
        N_("what is true of the whole wallet cannot be proven"),
        N_("nothing that is proven makes a whole ledger"),
        N_("the repaired ledger does not pass every check"),
    )

    def chosen_advice(self) -> str | None:
        return self._advice_with_backup if "backup" in self.facts else self.advice


class LabLedger(NotIntact):
    """A ledger of the laboratory, which broken engines write, stands where a wallet's should."""

    path: str = example("~/.local/share/hongbao/data/ledger.db")

    sentence = N_("{path} is a throw-away ledger of the laboratory, not of a wallet")
    advice = N_("restore a good backup with `hongbao restore FILE`")


class NotLabLedger(UsageError):
    """A file without the mark is not touched by an engine of the laboratory."""

    path: str = example("~/.local/share/hongbao/data/ledger.db")

    sentence = N_("{path} is not a ledger of the laboratory; its engines use no other")


class ChecksFailed(NotIntact):
    """`hongbao check` found something wrong; the findings say what."""

    failed: int = example(1)
    findings: list[dict[str, object]] = example([])

    sentence = N_("failed checks: {failed}")


class RecordsIncomplete(NotIntact):
    """Something that has to be kept is missing, or is not what was written."""

    failed: int = example(1)
    findings: list[dict[str, object]] = example([])

    sentence = N_("the records are not complete; failed checks: {failed}")
    advice = N_("see what is wrong, and what to do, with `hongbao check`")


class RolledBack(NotIntact):
    """The ledger ends before an entry that these keys have already seen."""

    last_entry: int = example(6)
    noted_entry: int = example(8)

    sentence = N_(
        "the ledger ends at entry {last_entry}, but entry {noted_entry} was seen: "
        "this is an older or shortened copy"
    )
    advice = N_("restore the newest backup with `hongbao restore FILE`, or accept this copy there")


class OlderCopy(NotIntact):
    """A copy that was to be restored is not the newest state these keys have seen."""

    last_entry: int = example(6)
    noted_entry: int = example(8)

    sentence = N_(
        "this backup ends at entry {last_entry} and lacks entry {noted_entry}, "
        "which was seen: everything since would be lost"
    )
    advice = N_("restore a newer backup, or accept this one with --yes")


class HistoryReplaced(NotIntact):
    """The ledger has the noted entry, but not with the noted seal."""

    noted_entry: int = example(8)

    sentence = N_("entry {noted_entry} is not the one that was seen: the history was replaced")
    advice = N_("restore a good backup with `hongbao restore FILE`")


class StateAltered(NotIntact):
    """A row that this command stands on is not the one that an act has left and sealed."""

    table: str = example("profile")
    key: str = example("1")

    sentence = N_("a stored row was altered: {table} {key} is not as it was sealed")
    advice = Damaged.advice


class HomeLocked(Locked):
    """The home's key is wrapped by a passphrase that was not given."""

    sentence = N_("this wallet is locked by a passphrase")
    advice = N_("unlock it with `hongbao unlock`, or name a file in HONGBAO_PASSPHRASE_FILE")


class WrongPassphrase(Locked):
    """The passphrase does not open the home's key."""

    sentence = N_("the passphrase is wrong")


class WeakPassphrase(UsageError):
    """A passphrase stands alone against an offline search, so it has a least length."""

    length_min: int = example(8)

    sentence = N_("a passphrase needs at least {length_min} characters")


class CommonPassphrase(WeakPassphrase):
    """A passphrase is long enough, and still one of the first that a search would try."""

    sentence = N_("this passphrase is too easy to guess")
    advice = N_("use a few words that do not belong together")


class PassphraseMismatch(UsageError):
    """A new passphrase is typed twice, and the second one was another."""

    sentence = N_("the two passphrases differ")
    advice = N_("nothing was changed; try again")


class KeyringUnavailable(Unusable):
    """The system keyring, or the extra that reaches it, is not there."""

    reason: str = example("its Python package is missing")

    sentence = N_("the system keyring cannot be used: {reason}")
    advice = N_("install `hongbao[keyring]`, or use a passphrase")


class NewerHome(Unusable):
    """The home was written by a later version, whose rules this one does not know."""

    form: int = example(9)
    known: int = example(1)

    sentence = N_(
        "this wallet was written by a newer hongbao (form {form}; this one knows up to {known})"
    )
    advice = N_("upgrade hongbao")


class OlderHome(Unusable):
    """The home was written by a version that was never released, in a form no longer read."""

    form: int = example(4)
    known: int = example(5)

    sentence = N_(
        "this wallet was written by an early hongbao (form {form}; this one reads {known})"
    )
    advice = N_(
        "export its statements with the version that made it; a new one starts in another folder"
        " (`HONGBAO_HOME`)"
    )


class StorageRefused(Unusable):
    """The disk is full, read-only, or not ours to write."""

    # What systems say most often: marked here, so that they are said in the reader's language.
    _reasons: ClassVar[tuple[str, ...]] = (
        N_("Permission denied"),
        N_("Read-only file system"),
        N_("No space left on device"),
        N_("Disk quota exceeded"),
        N_("File too large"),
        N_("Cannot allocate memory"),
        N_("No such file or directory"),
        N_("Not a directory"),
        N_("Is a directory"),
        N_("File name too long"),
        N_("Too many open files"),
        N_("Input/output error"),
        N_("Bad file descriptor"),
        N_("File exists"),
        # and the engine:
        N_("database or disk is full"),
        N_("attempt to write a readonly database"),
        N_("unable to open database file"),
        # and of the log of a recording that plays itself:
        N_("a command is missing there"),
    )

    path: str = example("~/.local/share/hongbao/data/ledger.db")
    reason: str = example("No space left on device")

    sentence = N_("cannot write to {path}: {reason}")
    advice = N_("nothing was changed; free some space or fix the permissions, then try again")
    _advice_temporary = N_(
        "free some space where temporary folders are, or name another place in `TMPDIR`; "
        "then try again"
    )
    _advice_folder = N_("nothing was changed; name a file, not a folder")
    is_temporary = False
    """Whether it is a place that was lent: then nothing is said of the user's own wallet."""

    def chosen_advice(self) -> str:
        if self.is_temporary:
            return self._advice_temporary
        is_folder = self.facts["reason"] == "Is a directory" and type(self) is StorageRefused
        if is_folder and not self.begun:  # of the wallet's own files, none was named by anyone
            return self._advice_folder
        return _BEGUN if self.begun else self.advice


class StorageUnreadable(StorageRefused):
    """A file of the home is there, but the system does not let us read it."""

    reason: str = example("Permission denied")

    sentence = N_("cannot read {path}: {reason}")
    advice = N_("nothing was changed; fix the permissions, then try again")


class ForeignFile(StorageUnreadable):
    """In the place of one of the home's own files is something that might not be ours to write."""

    reason: str = example("it is a link")

    sentence = N_("{path} is not used: {reason}")
    advice = N_(
        "nothing was changed; put a regular file that you own in its place, without other links"
    )


class SandboxNotFound(NotFound):
    """There is no sandbox in this folder."""

    path: str = example("lessons/sandbox")
    command: str = example("hongbao sandbox", also=("hongbao sandbox --fresh",))

    sentence = N_("there is no sandbox in {path}")
    advice = N_("make one with `{command}`")


class NewHomeTaken(UsageError):
    """A repaired home is made in a new folder, never in one that is there."""

    path: str = example("repaired")

    sentence = N_("{path} is there already; a repaired wallet gets a new folder")
    advice = N_("name a folder that does not exist yet")
