"""
Repair: a new home made of what a damaged one's own seals prove, and nothing else.

An entry is proven by the chain from the first entry on, a row of state by its own seal, and all
other rows follow from entries and are checked against them. The chain is what all institutions'
books have in common, so the new home is as the old one was after the last entry that is proven: a
moment at which every book agreed with every other. What came after a gap is not kept, even where
its own seal is whole: it stands on a past that is lost, and its money on no book. It is listed, so
that people can make it good. A backup fills a gap where it has the entries that fit into it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hongbao.auditing import LEDGER_ALONE, Auditor
from hongbao.auditing.channel import how_far_banks_are
from hongbao.auditing.context import Context, Noted
from hongbao.auditing.people import maturing_of
from hongbao.auditing.proven import Proven, digest_of, unproven_state
from hongbao.auditing.walk import walk
from hongbao.changes.home import SealAgain
from hongbao.domain.ids import ENTRIES
from hongbao.engines.sqlcipher import Ledger
from hongbao.engines.sqlcipher.salvage import Salvaged, Wreck
from hongbao.errors import (
    Damaged,
    HistoryReplaced,
    HomeNotFound,
    HongbaoError,
    KeysLost,
    NewHomeTaken,
    NothingToRepair,
    StorageUnreadable,
    Unrepairable,
)
from hongbao.home.opened import Home
from hongbao.home.opening import incoming, key_folder
from hongbao.home.places import LEDGER, refuse_on_cluster
from hongbao.outputs import check_outside
from hongbao.queries.check import check
from hongbao.questions import Question
from hongbao.store import RESTORE, SEALED
from hongbao.units import from_micros, iso
from hongbao.vault.files import storage, sync
from hongbao.wallet.copies import carry_tries
from hongbao.wallet.unit_of_work import perform
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Answer, Repair, RepairAct, RepairBackup, RepairPerson
    from hongbao.env import Env
    from hongbao.store import RowKey
    from hongbao.vault import Vault
    from hongbao.wallet.acts import Act

_LOGS = ("", "-wal")
"""The files of a ledger that a copy of it needs; the engine makes the others again."""

_TRIED = LEDGER_ALONE - {"state"}
"""What a trial is checked by: rows of state are proven before it, and sealed again after it."""

_TEXTS = ("policy", "risk_pack", "risk_model")
"""Tables of rules, of which hongbao ships some: their seals prove them wherever they are from."""

_COPIES_MAX = 5
"""How often a ledger is copied that others write to during the copy."""


def repair(
    env: Env,
    into: Path | None = None,
    *,
    backups: Sequence[Path] = (),
    passphrase: Callable[[], str] | None = None,
    agrees: Callable[[Repair], bool] = lambda _found: True,
) -> Repair:
    """
    Return what of the damaged home of *env* can be kept, and make a new home of it in *into*.

    Without *into* nothing is made. *backups* fill gaps, and are offered instead where one of them
    has all that would be kept. *agrees* is asked before anything is made. The old home is only
    read.

    The new home is made under another name next to its own, and renamed when it is whole and has
    been checked: killed anywhere, there is none, and this can be done again.

    Raises NothingToRepair, KeysLost, Unrepairable, HistoryReplaced, NewHomeTaken or InsideHome.
    """
    refuse_on_cluster(env, "repair")
    keys = key_folder(env)
    ledger = env.data / LEDGER
    if not keys.exists():
        if not ledger.exists():
            raise HomeNotFound
        raise KeysLost(path=str(env.keys))
    if into is not None:
        check_outside(into, env.data, env.keys, env.home)
        with storage(into):
            if os.path.lexists(into):
                raise NewHomeTaken(path=str(into))
    try:
        vaults = keys.peek(passphrase)
    except (Damaged, StorageUnreadable) as error:
        raise KeysLost(path=str(error.facts["path"])) from None
    with _scratch_folder(into) as scratch, ExitStack() as closing:
        bench = _Bench(env, scratch, vaults, closing)
        found = bench.survey(backups)
        if into is None:
            return found
        if not agrees(found):
            return found
        made = bench.make(found)
        with storage(into):
            try:
                made.rename(into)
            except OSError:
                if not os.path.lexists(into):
                    raise
                raise NewHomeTaken(path=str(into)) from None
        return {**found, "into": str(into)}


@contextmanager
def _scratch_folder(into: Path | None) -> Iterator[Path]:
    """Make a folder to work in, on the disk of *into* if there is one, and remove it at the end."""
    with storage(into or Path(tempfile.gettempdir())):
        if into is None:
            scratch = Path(tempfile.mkdtemp(prefix="hongbao-repair-"))
        else:
            into.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # ours alone, and no one has seen it


class _Backup(NamedTuple):
    """A backup of the same history: a copy of it here, and how far it goes."""

    file: Path
    copy: Path
    entry: int
    is_whole: bool


class _Bench:
    """One repair: copies of what there is, and the ledger that is made of them, in *scratch*."""

    def __init__(self, env: Env, scratch: Path, vaults: list[Vault], closing: ExitStack) -> None:
        self._env = env
        self._scratch = scratch
        self._vault = vaults[0]
        self._vaults = vaults
        self._closing = closing
        self._taken = scratch / "taken.db"
        self._trial = scratch / "trial.db"
        self._torn: set[str] = set()
        self._copies = 0

    # --- what there is ---------------------------------------------------------------------------

    def survey(self, backups: Sequence[Path]) -> Repair:
        """Find what can be kept, and leave the ledger that it makes as the trial."""
        wreck = self._wreck(backups)
        noted = self._noted()
        with self._salvaged(wreck) as taken:
            before = self._wealth(taken)
            known = self._backups(backups, taken)
            own = taken.count_entries()
            for backup in known:
                self._fill(taken, backup)
            added = taken.count_entries() - own
            names = {row.id: row.name for row in taken.profiles()}
            if taken.home() is None:
                raise _hopeless(N_("what is true of the whole wallet cannot be proven"), known)
            context = self._context(taken)
            proven = Proven(context)
            walk(context, [proven])
            if not proven.ends:
                raise _hopeless(N_("its first entry cannot be proven"), known)
            taken.flush()
            kept = self._last_sound(proven.ends)
            if kept is None:
                raise _hopeless(N_("nothing that is proven makes a whole ledger"), known)
            if noted is not None and noted[0] <= kept and taken.mac_of(noted[0]) != noted[1]:
                raise HistoryReplaced(noted_entry=noted[0])
            last = max(taken.head().entry, 0 if noted is None else noted[0])
            last = last if last < ENTRIES // 2 else taken.head().entry  # or it is made up
            lost = taken.lost_after(kept)
            is_shortened = taken.head().entry < last and "entry" not in self._torn
        with self._opened(self._trial) as trial:
            after = trial.wealth()
        if kept == last:
            before = {**after}  # as the proven entries left it, not as other rows have it
        elif is_shortened:
            before = None
        everyone = sorted({*after, *(before or {})}, key=lambda who: (who is None, who or 0))
        return {
            "home": str(self._env.home),
            "into": None,
            "pages": wreck.unreadable_pages(),
            "kept_entry": kept,
            "last_entry": last,
            "lost": last - kept,
            "from_backups": added,
            "people": [_person(who, names, before, after) for who in everyone],
            "acts": [_lost_act(row, proven.whole) for row in lost],
            "backups": [_offered(backup, kept) for backup in known],
        }

    def _wreck(self, backups: Sequence[Path]) -> Wreck:
        """
        Open a copy of the damaged ledger, by the key that its pages are under.

        Raises Unrepairable if it cannot be opened at all, and NothingToRepair if it is sound.
        """
        ledger = self._env.data / LEDGER
        if not ledger.is_file():
            raise _hopeless(N_("the ledger is gone"), self._backups(backups, None))
        copy = self._copied(ledger)
        for vault in self._vaults:
            with suppress(Damaged):
                wreck = Wreck(copy, vault.page_key)
                self._closing.callback(wreck.close)
                self._vault = vault
                break
        else:
            reason = N_("its first page cannot be read")
            raise _hopeless(reason, self._backups(backups, None))
        if not wreck.unreadable_pages() and self._is_sound(copy):
            raise NothingToRepair
        return wreck

    def _copied(self, ledger: Path) -> Path:
        """Copy *ledger* with its log, as they are at one moment, into the scratch folder."""
        self._copies += 1
        copy = self._scratch / f"copy-{self._copies}.db"
        for _ in range(_COPIES_MAX):
            before = _seen(ledger)
            for log in _LOGS:
                source = ledger.with_name(ledger.name + log)
                target = copy.with_name(copy.name + log)
                target.unlink(missing_ok=True)
                try:
                    with suppress(FileNotFoundError):
                        shutil.copyfile(source, target)
                except OSError as error:
                    reason = error.strerror or "?"
                    raise StorageUnreadable(path=str(source), reason=reason) from None
            if _seen(ledger) == before:
                break
        return copy

    def _is_sound(self, copy: Path) -> bool:
        """Return whether the ledger in *copy* passes every check, and has the noted head."""
        try:
            with self._opened(copy) as store:
                self._adopt(store)
                noted = self._noted()
                head = None if noted is None else store.head(noted[0])
                if noted is not None and (head is None or head.mac != noted[1]):
                    return False
                return self._passes(store, LEDGER_ALONE)
        except HongbaoError:
            return False

    @contextmanager
    def _opened(self, copy: Path) -> Iterator[Salvaged]:
        store = Salvaged.open(copy, self._vault.page_key)
        try:
            yield store
        finally:
            store.close()

    def _noted(self) -> tuple[int, bytes] | None:
        """Return the head that is noted next to the keys; None if no note is whole."""
        try:
            return key_folder(self._env).head()
        except (Damaged, StorageUnreadable):
            return None

    def _adopt(self, store: Ledger) -> None:
        home = store.home()
        if home is not None and home.retired is not None:
            self._vault.adopt_retired(home.retired)

    def _passes(self, store: Ledger, names: Collection[str]) -> bool:
        findings = Auditor(self._context(store)).findings(names)
        return all(line["ok"] for line in findings)

    def _context(self, store: Ledger) -> Context:
        from hongbao.vault import DeviceKeys, verify
        from hongbao.vault.verifying import cores

        devices = DeviceKeys(self._env.keys, self._vault)
        return Context(store, self._vault, verify, devices, Noted(None), threads=cores())

    # --- what is proven --------------------------------------------------------------------------

    @contextmanager
    def _salvaged(self, wreck: Wreck) -> Iterator[Salvaged]:
        """Take what *wreck* has, without what is not as its own seal says."""
        taken = Salvaged.begin(self._taken, self._vault.page_key)
        try:
            self._torn = taken.take(wreck)
            taken.take_names_of_accounts(wreck)
            self._prove(taken, wreck)
            yield taken
        finally:
            taken.close()

    def _prove(self, taken: Salvaged, wreck: Wreck) -> None:
        """
        Drop rows of state that nothing proves.

        A seal that is lost is made again of the row that it sealed, if an index still knows of it:
        whether it was that one, the seal of its entry shows. So do the texts of rules that hongbao
        ships.
        """
        with suppress(Damaged):  # then what it would open is not proven either
            self._adopt(taken)
        for table, ref, text in _shipped():
            if taken.has_seal(table, ref):
                taken.keep_text(table, ref, text)
        states = {
            (table, key): values
            for table in SEALED
            for key, values in taken.audit(Question.STATES, table)
        }
        newest = {row: seals[0][0] for row, seals in taken.seals().items()}
        for place, key, entry in taken.unread_seals(wreck):
            newest[place, key] = max(entry, newest.get((place, key), 0))
        for (place, key), entry in newest.items():
            generation = taken.generation_of(entry)
            if generation is not None and (place, key) in states:
                digest = digest_of(self._vault, place, key, states[place, key], generation)
                taken.add_seal(place, key, entry, digest)
        for table, key in unproven_state(taken, self._vault, taken.seals()):
            taken.drop_state(table, key)

    def _wealth(self, taken: Salvaged) -> dict[int | None, int | None] | None:
        """
        Return what everyone had, as the damaged ledger says; None if that cannot be read.

        So it is for whom its accounts and their transfers contradict each other.
        """
        stored = None if "account" in self._torn else taken.wealth()
        if "transfer" in self._torn:
            return None if stored is None else {**stored}
        taken.add_up()
        moved = taken.wealth()
        if stored is None:
            return {**moved}
        everyone = stored.keys() | moved.keys()
        return {
            who: stored.get(who) if stored.get(who, 0) == moved.get(who, 0) else None
            for who in everyone
        }

    def _last_sound(self, ends: list[int]) -> int | None:
        """
        Return the last of *ends* after which the ledger passes every check, and leave it as trial.

        What a later entry needs may be lost where an earlier one needs nothing of it, so the last
        is found by halves.
        """
        if self._try(ends[-1]):
            return ends[-1]
        low, high = -1, len(ends) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if self._try(ends[middle]):
                low = middle
            else:
                high = middle
        return ends[low] if low >= 0 and self._try(ends[low]) else None

    def _try(self, last: int) -> bool:
        """Make the trial, the ledger as it was after entry *last*; return whether it is sound."""
        for log in ("-wal", "-shm", ""):
            self._trial.with_name(self._trial.name + log).unlink(missing_ok=True)
        shutil.copyfile(self._taken, self._trial)
        with self._opened(self._trial) as trial:
            try:
                trial.sleep()
                trial.roll_back(last)
                rest = self._context(trial)
                trial.set_bank_messages(how_far_banks_are(rest))
                trial.set_maturing(maturing_of(rest))
                trial.wake()
                return not trial.lacks_state() and self._passes(trial, _TRIED)
            except HongbaoError:
                return False

    # --- backups ---------------------------------------------------------------------------------

    def _backups(self, files: Sequence[Path], taken: Salvaged | None) -> list[_Backup]:
        """Return those of *files* that are backups of this ledger, the newest first."""
        files = [*files, incoming(self._env.data / LEDGER)]
        found = [self._backup(file, taken) for file in files if file.is_file()]
        return sorted(filter(None, found), key=lambda backup: -backup.entry)

    def _backup(self, file: Path, taken: Salvaged | None) -> _Backup | None:
        copy = self._copied(file)
        try:
            with self._opened(copy) as store:
                head = store.head()
                self._adopt(store)
                is_whole = self._passes(store, LEDGER_ALONE)
        except HongbaoError:
            return None
        mac = None if taken is None else taken.mac_of(head.entry)
        if taken is not None and mac is None and (taken.is_skipped(head.entry) or not head.entry):
            return None  # of a history that a restore has ended
        return _Backup(file, copy, head.entry, is_whole) if mac in (None, head.mac) else None

    def _fill(self, taken: Salvaged, backup: _Backup) -> None:
        """Take from *backup* what is lost here."""
        with suppress(Damaged):
            wreck = Wreck(backup.copy, self._vault.page_key)
            try:
                taken.take(wreck, entries=lambda entry: not taken.is_skipped(entry))
                self._prove(taken, wreck)
            finally:
                wreck.close()

    # --- the new home ----------------------------------------------------------------------------

    def make(self, found: Repair) -> Path:
        """Make the new home of the trial, and return its folder, which is still to be renamed."""
        made = self._scratch / "home"
        env = self._env._replace(home=made)
        with storage(made):
            _copy_folder(self._env.home, made)
            env.data.mkdir(mode=0o700, exist_ok=True)
            self._trial.rename(env.data / LEDGER)
        keys = key_folder(env)
        with Home(env, keys, self._vault, self._open_made(env), None) as home:
            if home.row.is_sandbox:
                home.play()
            home.trusting = True  # what was proven is sealed only now
            remember_repair(home, found)
            head = home.store.head()
            keys.reset_head(head.entry, head.mac)
            failed = [line["check"] for line in check(home)["findings"] if not line["ok"]]
        if set(failed) - {"devices"}:
            raise _hopeless(N_("the repaired ledger does not pass every check"), [])
        with storage(made):
            for path in made.rglob("*"):
                if path.is_file():
                    with path.open("rb+") as file:
                        sync(file.fileno())
        return made

    def _open_made(self, env: Env) -> Ledger:
        return Ledger.open(env.data / LEDGER, self._vault.page_key)


def remember_repair(home: Home, found: Repair) -> None:
    """
    Write down in a repaired ledger what it lacks, and seal its state again.

    Its number is greater than that of any entry which is known of what is lost, as after a restore:
    no number is given twice.
    """
    rows = tuple(
        _row_key(table, key)
        for table in sorted(SEALED)
        for key, _values in home.store.audit(Question.STATES, table)
    )

    def work(doing: Act) -> Answer:
        carry_tries(home, doing, {})
        doing.request_id = f"{RESTORE}{doing.entry:09d}"
        doing.change(SealAgain(rows))
        answer: dict[str, object] = {
            **doing.common,
            "copied_entry": found["kept_entry"],
            "last_entry": doing.entry - 1,
            "acts": found["lost"],
            "people": [
                {"profile": line["profile"], "lost_fen": line["lost_fen"]}
                for line in found["people"]
                if line["profile"] is not None and line["lost_fen"] != 0
            ],
        }
        return answer  # type: ignore[return-value]

    inputs = {"entry": found["kept_entry"]}
    perform(home, "repaired", inputs, work, signed=False, noted=False, after=found["last_entry"])


def _row_key(table: str, key: str) -> RowKey:
    if table in ("policy", "risk_pack", "risk_model"):
        return (table, key)
    return (table, *map(int, key.split("/")))


def _shipped() -> Iterator[tuple[str, str, str]]:
    """Yield the rules that hongbao ships: table, name under which a ledger keeps them, text."""
    from hongbao import packs, policies
    from hongbao.domain.policy import parse_policy
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.domain.risk.pack import parse_pack

    for name in policies.names():
        text = policies.text_of(name)
        yield "policy", parse_policy(text, name).ref, text
    for name in packs.names():
        text = packs.text_of(name)
        yield "risk_pack", parse_pack(text, name).ref, text
    forest = parse_forest(packs.model_text(), packs.MODEL)
    yield "risk_model", forest.ref, forest.text


def _copy_folder(home: Path, made: Path) -> None:
    """Copy what is next to the ledger: keys, notes and settings, and nothing of a restore."""
    of_before = ("restoring", "restored", "checkpoint")
    left_out = shutil.ignore_patterns(f"*{LEDGER}*", ".hongbao-*", *of_before)
    shutil.copytree(home, made, ignore=left_out, symlinks=True)
    made.chmod(0o700)


def _seen(ledger: Path) -> list[tuple[int, int] | None]:
    """Return the size and time of *ledger* and its log."""
    found: list[tuple[int, int] | None] = []
    for log in _LOGS:
        try:
            seen = ledger.with_name(ledger.name + log).stat()
        except OSError:
            found.append(None)
        else:
            found.append((seen.st_size, seen.st_mtime_ns))
    return found


def _hopeless(reason: str, backups: Sequence[_Backup]) -> Unrepairable:
    whole = next((backup for backup in backups if backup.is_whole), None)
    if whole is None:
        return Unrepairable(reason=reason)
    return Unrepairable(reason=reason, backup=str(whole.file))


def _person(
    who: int | None,
    names: dict[int, str],
    before: dict[int | None, int | None] | None,
    after: dict[int | None, int],
) -> RepairPerson:
    kept_fen = after.get(who, 0)
    before_fen = None if before is None else before.get(who, 0)
    return {
        "profile": None if who is None else names.get(who),
        "before_fen": before_fen,
        "kept_fen": kept_fen,
        "lost_fen": None if before_fen is None else before_fen - kept_fen,
    }


def _lost_act(row: tuple[int, str, str | None, int, int], whole: Collection[int]) -> RepairAct:
    entry, act, profile, amount_fen, at = row
    return {
        "entry": entry,
        "at": iso(from_micros(at)),
        "act": act,
        "profile": profile,
        "amount_fen": amount_fen,
        "sealed": entry in whole,
    }


def _offered(backup: _Backup, kept: int) -> RepairBackup:
    return {
        "file": str(backup.file),
        "entry": backup.entry,
        "is_better": backup.is_whole and backup.entry >= kept,
    }
