"""The opened home: its keys, its ledger and its profile; every act and query is given one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from hongbao import errors
from hongbao.domain.chain import state
from hongbao.domain.text import name_key
from hongbao.env import Env
from hongbao.errors import (
    Busy,
    Damaged,
    HistoryReplaced,
    HomeNotFound,
    HongbaoError,
    RolledBack,
    StateAltered,
    StorageRefused,
)
from hongbao.home.opening import close_home, key_folder, open_ledger, place_of
from hongbao.home.places import has_ledger, is_on_cluster
from hongbao.home.stopwatch import Stopwatch
from hongbao.home.witness import Witness
from hongbao.store import Head, HomeRow, MessageRow, ProfileRow, StateRow, Store, key_of
from hongbao.vault import KeyFolder, Vault

if TYPE_CHECKING:
    from hongbao.domain.policy import Policy, Tier
    from hongbao.home.kept import KeptAct
    from hongbao.store import RowKey
    from hongbao.vault import DeviceKeys

T = TypeVar("T")


def _no_code() -> str:
    raise EOFError


class Home:
    """A home, opened: its keys, its ledger, and the profile that looks, or acts."""

    def __init__(
        self, env: Env, keys: KeyFolder, vault: Vault, ledger: Store, name: str | None
    ) -> None:
        self.env = env
        self.keys = keys
        self.vault = vault
        self.store = ledger
        self.profile_name, self.device_name = name, None
        if name is not None and "@" in name:
            named, _at, self.device_name = name.partition("@")
            self.profile_name = named or None
        self._policies: dict[str, Policy] = {}
        self._checked: set[RowKey] = set()
        self.is_sandbox = False
        """Whether it is a sandbox, which holds no one's money and whose PINs everyone knows."""
        self.trusting = False
        """Whether rows are taken as they are: for `check`, which judges them."""
        self.watch = Stopwatch()
        self.witness: Witness | None = None
        """Who sees what acts do, if anyone wants it explained."""
        self._has_turn = False
        self.begun = False
        """Whether an act was done: what fails then does not say that nothing was changed."""
        self.compared_at_ns: int | None = None
        """When all lanes were last compared with what is sealed of them, by the system's ticks."""
        self.rehearsing = False
        """Whether all that is done now will be rolled back: several acts of one dry run."""
        self.group: list[int] | None = None
        """The entries of acts that are done together now (`hongbao.wallet.group.together`)."""
        self.typed: Sequence[str] | None = None
        """The command that was typed, without the program's name; None if this is no command's."""
        self.answered: list[tuple[int, KeptAct]] | None = None
        """What devices are answered by the acts of a group, where a cluster may lose it."""
        self.ask_code: Callable[[], str] = _no_code
        """Asks for the code of an authenticator."""
        self.asks_again: Callable[[HongbaoError], bool] = lambda _error: False
        """Takes note of a wrong PIN or code; returns whether it is asked for again."""
        self.face: Callable[[str], bool] | None = None
        """
        Shows a challenge at the terminal, and returns whether it was passed.

        None without a terminal. What was typed for the act, such as the PIN, is kept.
        """
        self.caught_up_messages: list[MessageRow] = []
        """Payments that ended during this command and had been left unanswered by one before."""
        self.known_device_keys: tuple[int, DeviceKeys] | None = None
        self.made_device_keys: list[bytes] | None = None
        self.known_guards: tuple[tuple[str | None, str | None], Any] | None = None
        self.known_habits: dict[int, Any] = {}
        self.met_habits: set[int] = set()
        """Whose habits were derived in this transaction, or since the last."""

    @classmethod
    def open(
        cls,
        env: Env,
        *,
        profile: str | None = None,
        passphrase: Callable[[], str] | None = None,
        trusting: bool = False,
    ) -> Self:
        """
        Open the home of *env* for *profile*, or for the one chosen with `use`.

        ``alice@tablet`` is Alice, at a device of hers that is called tablet; ``@tablet`` is the one
        was chosen, at theirs.

        *passphrase* is asked where the home is locked by one. The ledger has to reach the head
        that was noted next to the keys, unless the caller is *trusting*, as `check` is, which is
        there for a ledger that does not.

        Raises HomeNotFound, HomeLocked, WrongPassphrase, Damaged, NewerHome, RolledBack or
        HistoryReplaced.
        """
        keys = key_folder(env)
        if not keys.exists():
            if has_ledger(env):
                raise Damaged(path=str(env.keys))
            raise HomeNotFound
        close_home(env)
        was_noted = False
        while True:
            try:
                with open_ledger(env, keys, passphrase) as (vault, store):
                    return cls._opened(env, keys, vault, store, profile, trusting=trusting)
            except HomeNotFound:
                if was_noted:
                    raise Damaged(path=place_of(env)) from None  # it was more than that once
                if keys.head() is None:
                    raise
                # A head is noted after its ledger: another process may have founded it just now.
                was_noted = True

    @classmethod
    def _opened(
        cls,
        env: Env,
        keys: KeyFolder,
        vault: Vault,
        ledger: Store,
        profile: str | None,
        *,
        trusting: bool,
    ) -> Self:
        opened = cls(env, keys, vault, ledger, profile)
        try:
            row = opened.row
            if row.is_sandbox:
                opened.play()
            if row.retired is not None:
                vault.adopt_retired(row.retired)
            opened.trusting = trusting
            if not trusting:
                opened.check_head()
                opened.check_state(("home", 1))
        except BaseException:
            opened.close()
            raise
        return opened

    def play(self) -> None:
        """Be a sandbox."""
        self.is_sandbox = True
        self.vault.hash_cheaply()

    def close(self) -> None:
        self.store.close()
        self.keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, HongbaoError) and (self.begun or self.keys.begun):
                error.begun = True
            if isinstance(error, _UNREADABLE) and self._has_other_keys():
                busy = Busy()
                busy.begun = error.begun
                raise busy from None
        finally:
            self.close()

    def check_head(self) -> None:
        """
        Raise RolledBack or HistoryReplaced unless the ledger still has the noted head.

        Of a ledger with a log it is the checkpoint that was seen last: see `MachineLog.look`.
        """
        with self.as_it_was_opened():
            if self.store.log is not None:
                from hongbao.home.log import MachineLog  # which a ledger in a file has no use for

                MachineLog(self.env, self.vault, self.store).look()
                return
            noted = self.keys.head()
            if noted is None:
                return
            entry, mac = noted
            found = self.store.head(entry)
            if found is None:
                raise RolledBack(last_entry=self.store.head().entry, noted_entry=entry)
            if found.mac != mac:  # neither is a secret: statements print them
                raise HistoryReplaced(noted_entry=entry)

    def check_state(self, *rows: "RowKey") -> None:
        """
        Compare *rows* of state with what was sealed last of each, the first time it is stood on.

        Raises StateAltered, or Busy if the home has got new keys, which seal every row again.
        """
        unseen = [row for row in rows if row not in self._checked]
        if self.trusting or not unseen:
            return
        with self.store.snapshot():
            for row in unseen:
                if not self._is_sealed(row, self.store.state(row)):
                    self.check_generation()
                    raise StateAltered(table=row[0], key=key_of(row))
        self._checked.update(unseen)

    def _is_sealed(self, row: "RowKey", found: StateRow) -> bool:
        if found.values is None or found.generation is None:
            return False
        sealed = state(row[0], key_of(row), found.values)
        try:
            return self.vault.row_mac(sealed, generation=found.generation) == found.digest
        except Damaged:  # under keys that this home never had
            return False

    @property
    def row(self) -> HomeRow:
        home = self.store.home()
        if home is None:
            raise HomeNotFound
        return home

    @property
    def me(self) -> ProfileRow:
        """The profile that acts, as it is now."""
        row = self._named_or_chosen()
        self.check_state(("profile", row.id))
        return row

    def _named_or_chosen(self) -> ProfileRow:
        if self.profile_name is not None:
            return self.profile_named(self.profile_name)
        current = self.row.current_profile
        row = None if current is None else self.store.profile(current)
        if row is None:
            raise HomeNotFound
        return row

    def balance_fen(self, profile: ProfileRow) -> int:
        """
        Return the balance of *profile*, which its last entry has sealed.

        Raises StateAltered if its account has another one: a page of the file is authentic
        however old it is, and with an old one put back, spent money would be there again.
        """
        held_fen, left_fen = self.store.balances_fen(profile.id)
        if held_fen != left_fen and not self.trusting:
            raise StateAltered(table="account", key=str(profile.id))
        return held_fen

    def profile_by_id(self, profile: int) -> ProfileRow:
        row = self.store.profile(profile)
        assert row is not None
        return row

    def profile_named(self, name: str) -> ProfileRow:
        row = self.store.profile(name_key(name))
        if row is None:
            raise errors.ProfileNotFound(name)
        return row

    @property
    def policy(self) -> "Policy":
        """The active rules."""
        return self.policy_of(self.row)

    def know_policy(self, policy: "Policy") -> None:
        """Know *policy*, which the ledger does not keep yet, by its ref."""
        self._policies[policy.ref] = policy

    def policy_of(self, row: HomeRow) -> "Policy":
        """Return the rules that were active when *row* was read."""
        ref = row.policy
        assert ref is not None
        if ref not in self._policies:
            from hongbao.domain.policy import parse_policy  # reading the balance needs no rules
            from hongbao.parsed import loads

            self.check_state(("policy", ref))
            text = self.store.rules("policy", ref)
            assert text is not None
            self._policies[ref] = parse_policy(text, ref, loads)
        return self._policies[ref]

    def now(self) -> datetime:
        """
        Return the ledger's time.

        A virtual clock stands still until it is turned. Neither it nor the real one is ever behind
        the last entry, so that turning the system's clock back opens no lock, and no packet that
        the ledger has seen expire.
        """
        return self.time_of(self.row, self.store.head())

    def time_of(self, row: HomeRow, head: Head) -> datetime:
        """Return the ledger's time by what *row* and *head* say (see `now`)."""
        now = self._clock(row)
        return now if head.at is None else max(now, head.at)

    def next_entry(self, row: HomeRow, after: int = 0) -> tuple[int, datetime]:
        """Return the number, greater than *after*, and the moment of the next act."""
        return self.store.next_entry(row, self._clock(row), after)

    def _clock(self, row: HomeRow) -> datetime:
        return self.env.now() if row.virtual_at is None else row.virtual_at

    def tier(self, profile: ProfileRow, banks: Iterable[str] | None = None) -> "Tier":
        """Return the tier of *profile*, or of one whose cards are of these *banks*."""
        is_known = profile.id_number is not None
        return self.policy.tier_for(is_known, self.channels(profile, banks))

    def channels(self, profile: ProfileRow, banks: Iterable[str] | None = None) -> int:
        """Return the number of independent identity sources of *profile*."""
        from hongbao.domain.policy import channels_of

        if banks is None:
            banks = (card.bank for card in self.store.cards(profile.id))
        return channels_of(profile.id_number is not None, banks)

    def member_since(self, profile: ProfileRow) -> datetime:
        """Return since when the person behind *profile* is here."""
        return min(p.opened_at for p in self.store.profiles(person=profile.person))

    def checking(self, check: str) -> "AbstractContextManager[dict[str, object] | None]":
        """Let a witness, if there is one, see the *check* within; it gives a place for facts."""
        return nullcontext() if self.witness is None else self.witness.checking(check)

    # --- with others -----------------------------------------------------------------------------

    @contextmanager
    def looking(self) -> Iterator[None]:
        """
        Open a snapshot, so that several queries see the same ledger; nothing waits for them.

        As soon as that moment is fixed, the home may get new keys or another ledger.
        """
        with self.under_these_keys(), ExitStack() as snapshot:
            if not self.store.in_transaction:
                with self.as_it_was_opened():
                    snapshot.enter_context(self.store.snapshot())
                    self.check_generation()
            yield

    @contextmanager
    def changing(self, *rows: tuple[str, object], dry_run: bool = False) -> Iterator[None]:
        """
        Read, decide and write under one write lock, all or nothing (see `Store.transaction`).

        Every change to the ledger passes here, and it is here that a process waits for its turn,
        if it has a place at a gate. Raises Busy if the home has got new keys or another ledger
        since it was opened.
        """
        if self.store.in_transaction:  # it is a part of that
            yield
            return
        with (
            self.one_turn(),
            self.in_our_words(),
            self.under_these_keys(),
            self.as_it_was_opened(),
            self._knowing(dry_run=dry_run),
            self.store.transaction(*rows, dry_run=dry_run),
        ):
            self.check_generation()
            yield

    @contextmanager
    def _knowing(self, *, dry_run: bool) -> Iterator[None]:
        """Forget what is derived of a transaction within that is undone: nothing of it is true."""
        self.met_habits.clear()
        done = False
        try:
            yield
            done = not dry_run
        finally:
            if not done:
                for profile in self.met_habits:
                    self.known_habits.pop(profile, None)

    @contextmanager
    def one_turn(self) -> Iterator[None]:
        """
        Wait for this process's turn at the ledger, if it has a place at a gate.

        Everything within is one turn. Code that holds another lock around the ledger's takes its
        turn first, so that the turn never goes to a process that would wait for that lock.
        """
        if self.env.take_turn is None or self._has_turn:
            yield
            return
        self.env.take_turn()
        self._has_turn = True
        try:
            yield
        finally:
            self._has_turn = False

    def is_in_place(self) -> bool:
        """
        Return whether the ledger that is open here is still this home's.

        See `LedgerFile`. It may have moved to a cluster, or to another one.
        """
        file = self.store.file
        if file is None:
            return place_of(self.env) == self.store.where
        return file.is_in_place() and not is_on_cluster(self.env)

    @contextmanager
    def as_it_was_opened(self) -> Iterator[None]:
        """Keep keys and ledger as they are for a while. Raises Busy if it is another by now."""
        with self.keys.sharing():
            if self.keys.was_restored():
                if self.is_in_place():  # closed once: what was looked up may not be in it
                    self.keys.know_restore()
                    self.known_habits.clear()
                raise Busy
            if self.keys.restoring and not self.keys.is_alone:
                raise Busy  # by a process that was killed; the next opening finishes it
            yield

    def check_generation(self) -> None:
        home = self.store.home()
        if home is not None and home.generation != self.vault.generation:
            raise Busy  # the home has got new keys, or was killed while it got them

    def read_back(self, read: Callable[[str], T], text: str) -> T:
        """Return the result of *read* on a *text* of the ledger. Raises Damaged if it fails."""
        try:
            return read(text)
        except ValueError:
            raise Damaged(path=self.store.where) from None

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        """
        Raise Damaged instead of an error that is not ours where `check` finds the ledger wrong.

        An older page that was put back is authentic: rows contradict each other, and an act may
        break a rule of the tables, or meet what no act has written.
        """
        try:
            yield
        except (HongbaoError, OSError, EOFError):
            raise
        except Exception as error:
            if self.store.in_transaction or not self._is_contradictory():
                raise
            raise Damaged(path=self.store.where) from error

    def _is_contradictory(self) -> bool:
        from hongbao.auditing import LEDGER_ALONE, Auditor
        from hongbao.auditing.context import Context, Noted
        from hongbao.vault import DeviceKeys, verify

        try:
            with self.store.snapshot():
                devices = DeviceKeys(self.keys.path, self.vault)
                context = Context(self.store, self.vault, verify, devices, Noted(None))
                findings = Auditor(context).findings(LEDGER_ALONE)
                return not all(line["ok"] for line in findings)
        except HongbaoError:
            return True

    @contextmanager
    def under_these_keys(self) -> Iterator[None]:
        """Raise Busy instead of Damaged if another process has just rekeyed the home."""
        try:
            yield
        except _UNREADABLE:  # the engine takes what it cannot read for either
            if self._has_other_keys():
                raise Busy from None
            raise

    def _has_other_keys(self) -> bool:
        if self.keys.rekeying:
            return False
        try:
            return not self.keys.is_current(self.vault)
        except HongbaoError:
            return False


_UNREADABLE = (Damaged, StorageRefused)
