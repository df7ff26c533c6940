"""The desk itself: a home opened for one profile, and the one way every act is done."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from hongbao.domain.chain import canonical, digest, line
from hongbao.domain.channel import ASKED_AS
from hongbao.domain.ids import check_request_id
from hongbao.domain.ids import request_id as make_request_id
from hongbao.domain.ledger import Transfer
from hongbao.domain.pin import Pin
from hongbao.domain.text import name_key
from hongbao.env import Env
from hongbao.errors import (
    Busy,
    Damaged,
    HistoryReplaced,
    HomeNotFound,
    HongbaoError,
    PaymentPending,
    PinLocked,
    ProfileNotFound,
    RequestConflict,
    RolledBack,
    StorageRefused,
    WrongPin,
    recall,
)
from hongbao.store import (
    EntryRow,
    Head,
    Holder,
    HomeRow,
    MessageRow,
    OperatorRow,
    ProfileRow,
    Store,
)
from hongbao.units import iso
from hongbao.vault import Cost, KeyFolder, Vault

if TYPE_CHECKING:
    from hongbao.answers import Answer, Balance
    from hongbao.domain.policy import Policy, Tier

A = TypeVar("A", bound="Answer")

AskPin = Callable[[], Pin]
"""Gives the payment PIN when an act asks for it, which is after everything typed is checked."""

FACTORS = ("pin",)
"""What authenticates an act: the payment PIN alone."""

INSTRUCTING = frozenset(act for act in ASKED_AS.values() if act != "refund")
"""Acts that put a payment on its way, and are answered by what becomes of it."""

LEDGER = "ledger.db"
"""The ledger's file name in a home's ``data/``."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Doing:
    """
    An act while it is being done: what its work may look at, and what it wants written.

    *entry* is the id that the act's entry will have; *now* is the ledger's clock. The work adds
    transfers with `post`, draws with *chance*, and says with *packet*, *counterparty* and *message*
    what its entry is about. Rows that name the entry wait until it stands (`once_entered`).
    """

    def __init__(
        self, desk: "Desk", *, entry: int, now: datetime, home: HomeRow, request_id: str | None
    ) -> None:
        self.entry = entry
        self.now = now
        self.home = home
        self.chance = Chance(desk.env.chance, home)
        self.request_id = request_id or make_request_id(self.chance(16))
        self.packet: int | None = None
        self.counterparty: int | None = None
        self.message: int | None = None
        self.transfers: list[Transfer] = []
        self.to_write: list[Callable[[], None]] = []

    def post(self, *transfers: Transfer) -> None:
        """Add *transfers* to the act."""
        self.transfers += transfers

    def once_entered(self, write: Callable[[], None]) -> None:
        """
        Have *write* called as soon as the entry stands.

        A row that named an entry still to come would make the engine look, with each new entry,
        through every such row that there is.
        """
        self.to_write.append(write)

    @property
    def common(self) -> "Answer":
        """What every answer begins with."""
        return {"request_id": self.request_id, "at": iso(self.now)}


class Act(Doing):
    """An act that is about one profile, *me*; *balance_fen* follows what is posted."""

    def __init__(self, desk: "Desk", *, me: ProfileRow, **facts: Any) -> None:
        super().__init__(desk, **facts)
        self.me = me
        self.before_fen = self.balance_fen = desk.store.held_fen(me.account)

    def post(self, *transfers: Transfer) -> None:
        mine = self.me.account.id
        for transfer in transfers:
            self.transfers.append(transfer)
            if transfer.debit.id == mine:
                self.balance_fen -= transfer.amount_fen
            if transfer.credit.id == mine:
                self.balance_fen += transfer.amount_fen


D = TypeVar("D", bound=Doing)


class Desk:
    """
    A home, opened: its keys, its ledger and the profile that acts.

    Every change goes through `_act`: look, check, post, answer. What the desk answers is what is
    kept in the entry, so that the same request gets the same answer again.
    """

    def __init__(
        self, env: Env, keys: KeyFolder, vault: Vault, store: Store, name: str | None
    ) -> None:
        self.env = env
        self.keys = keys
        self.vault = vault
        self.store = store
        self._name = name
        self._policies: dict[str, Policy] = {}
        self._rehearsing = False
        self._laps: dict[int, int] = {}
        self._lap_at = perf_counter_ns()

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

        *passphrase* is asked where the home is locked by one. The ledger has to reach the head
        that was noted beside the keys, unless the caller is *trusting*, as `check` is, which is
        there for a ledger that does not.

        Raises HomeNotFound, HomeLocked, WrongPassphrase, Damaged, NewerHome, RolledBack or
        HistoryReplaced.
        """
        keys, ledger = key_folder(env), env.data / LEDGER
        if not keys.exists():
            with suppress(OSError):
                if ledger.stat().st_size:
                    raise Damaged(path=str(env.keys))
            raise HomeNotFound
        try:
            vault, store = open_ledger(ledger, keys, passphrase)
        except HomeNotFound:
            if keys.head() is not None:
                raise Damaged(path=str(ledger)) from None  # gone or empty, and it was more once
            raise
        desk = cls(env, keys, vault, store, profile)
        try:
            home = desk.home
            if home.retired is not None:
                vault.adopt_retired(home.retired)
            if not trusting:
                desk.check_head()
        except BaseException:
            desk.close()
            raise
        return desk

    def close(self) -> None:
        self.store.close()
        self.keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def check_head(self) -> None:
        """Raise RolledBack or HistoryReplaced unless the ledger still has the noted head."""
        noted = self.keys.head()
        if noted is None:
            return
        entry, mac = noted
        found = self.store.mac_of(entry)
        if found is None:
            raise RolledBack(last_entry=self.store.head().entry, noted_entry=entry)
        if found != mac:  # neither is a secret: statements print them
            raise HistoryReplaced(noted_entry=entry)

    # --- what everyone at the desk looks at ------------------------------------------------------

    @property
    def home(self) -> HomeRow:
        home = self.store.home()
        if home is None:
            raise HomeNotFound
        return home

    @property
    def me(self) -> ProfileRow:
        """The profile that acts, as it is now."""
        if self._name is not None:
            return self._profile_named(self._name)
        current = self.home.current_profile
        row = None if current is None else self.store.profile_by_id(current)
        if row is None:
            raise HomeNotFound
        return row

    def _profile_named(self, name: str) -> ProfileRow:
        row = self.store.profile(name_key(name))
        if row is None:
            raise ProfileNotFound(name)
        return row

    @property
    def policy(self) -> "Policy":
        """The rules in force."""
        return self._policy_of(self.home)

    def _policy_of(self, home: HomeRow) -> "Policy":
        ref = home.policy
        assert ref is not None
        if ref not in self._policies:
            from hongbao.domain.policy import parse_policy  # reading the balance needs no rules

            text = self.store.policy_text(ref)
            assert text is not None
            self._policies[ref] = parse_policy(text, ref)
        return self._policies[ref]

    def now(self) -> datetime:
        """
        Return the ledger's time.

        A virtual clock stands still until it is turned. Neither it nor the real one is ever behind
        the last entry, so that turning the system's clock back opens no lock, and no packet that
        the ledger has seen expire.
        """
        return self._now(self.home, self.store.head())

    def _now(self, home: HomeRow, head: Head) -> datetime:
        now = self.env.now() if home.virtual_at is None else home.virtual_at
        return now if head.at is None else max(now, head.at)

    def balance(self) -> "Balance":
        """Return what is spendable, what waits in packets, and both together."""
        with self.looking():
            me, now = self.me, self.now()
            available_fen = self.store.held_fen(me.account)
            frozen_fen, due_back_fen = self.store.in_packets_fen(me.id, now)
            on_its_way_fen = sum(self.store.pending_fen(me.id))
            maturing_fen, from_at = self.store.maturing_fen(me.id, now)
        later_fen = min(maturing_fen, available_fen)
        return {
            "profile": me.name,
            "available_fen": available_fen,
            "withdrawable_fen": available_fen - later_fen,
            "withdrawable_later_fen": later_fen,
            "withdrawable_from": iso(from_at) if later_fen and from_at else None,
            "frozen_fen": frozen_fen,
            "due_back_fen": due_back_fen,
            "on_its_way_fen": on_its_way_fen,
            "total_fen": available_fen + frozen_fen + due_back_fen + on_its_way_fen,
            "at": iso(now),
        }

    def tier(self, profile: ProfileRow) -> "Tier":
        return self.policy.tier_for(profile.id_number is not None, self.channels(profile))

    def channels(self, profile: ProfileRow) -> int:
        """Return how many independent sources vouch for *profile*."""
        from hongbao.domain.policy import channels_of

        banks = (card.bank for card in self.store.cards(profile.id))
        return channels_of(profile.id_number is not None, banks)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Let several looks see one and the same moment of the ledger; nothing waits for them."""
        with self._under_these_keys(), self.store.snapshot():
            yield

    @contextmanager
    def _under_these_keys(self) -> Iterator[None]:
        """Say Busy rather than Damaged where another process has just given the home new keys."""
        try:
            yield
        except (Damaged, StorageRefused):  # the engine takes what it cannot read for either
            if self._has_other_keys():
                raise Busy from None
            raise

    def _has_other_keys(self) -> bool:
        if self.keys.rekeying:
            return False
        try:
            if self.keys.pending_rekey(None) is not None:  # which waits for one that is alive
                self.keys.close()
                return True
            return self.keys.open(None).fingerprint != self.vault.fingerprint
        except Busy:
            return True
        except HongbaoError:
            return False

    # --- one act ---------------------------------------------------------------------------------

    def _act(
        self,
        act: str,
        inputs: Mapping[str, object],
        work: Callable[[Act], A],
        *,
        request_id: str | None = None,
        part: str | None = None,
        dry_run: bool = False,
        changing: tuple[tuple[str, object], ...] = (),
        founding: Callable[[], None] | None = None,
        profile: Callable[[], ProfileRow] | None = None,
        at: datetime | None = None,
        asked: str | None = None,
    ) -> A:
        """
        Do *work* as one act: one transaction, one entry, one answer.

        The same *request_id* with the same *inputs* gets the first answer again, marked
        ``replayed``; with other inputs it is a RequestConflict. An id that was refused for good
        stays refused. *part* tells the acts of one request apart where it has several. A *dry_run*
        is the whole act, rolled back.

        *founding* makes the home where there is none yet. *profile* gives whose money it is about,
        where that is not the profile that acts. *at* is the moment that a due act belongs to: the
        clock is turned there first, and never back. *asked* is what was asked for, where the act
        is only the first step of it.
        """
        if request_id is not None:
            check_request_id(request_id)
            if part is not None:
                request_id = f"{request_id}/{part}"
        inputs_digest = digest(asked or act, inputs)
        try:
            with self._under_these_keys(), self.store.transaction(*changing, dry_run=dry_run):
                if founding is not None and self.store.home() is None:
                    founding()
                home = self._home_at(at)
                me = self.me if profile is None else profile()
                if request_id is not None:
                    first: A | None = self._first_answer(request_id, me, inputs_digest)
                    if first is not None:
                        return first
                head = self.store.head()
                doing = Act(
                    self,
                    entry=head.entry + 1,
                    now=self._now(home, head),
                    home=home,
                    me=me,
                    request_id=request_id,
                )
                answer = work(doing)
                mac = self._append(act, doing, inputs_digest, answer, head)
        except HongbaoError as error:
            if error.final and request_id is not None and not (dry_run or self._rehearsing):
                self._remember_refusal(request_id, inputs_digest, error)
            raise
        if dry_run:
            return cast(A, {**answer, "dry_run": True})
        self._note(head.entry + 1, mac)
        return answer

    def _step(
        self,
        act: str,
        request_id: str,
        work: Callable[[Doing], Mapping[str, object] | None],
        *,
        stage: int,
    ) -> bool:
        """
        Do *work* as one step of an institution: a transaction and an entry that nobody asked for.

        Work that answers None found that there is nothing left to do, and nothing is written.
        *stage* says which of the eight steps its time counts for.
        """
        return self._stepped(act, lambda **facts: Doing(self, **facts), request_id, work, stage)

    def _step_for(
        self,
        act: str,
        request_id: str,
        work: Callable[[Act], Mapping[str, object] | None],
        *,
        profile: int,
        stage: int,
    ) -> bool:
        """Do *work* as `_step` does, where it is about the money of *profile*."""

        def begin(**facts: Any) -> Act:
            return Act(self, me=self._profile_by_id(profile), **facts)

        return self._stepped(act, begin, request_id, work, stage)

    def _stepped(
        self,
        act: str,
        begin: Callable[..., D],
        request_id: str,
        work: Callable[[D], Mapping[str, object] | None],
        stage: int,
    ) -> bool:
        with self._under_these_keys(), self.store.transaction(), self._timed():
            home, head = self._home_at(None), self.store.head()
            doing = begin(
                entry=head.entry + 1, now=self._now(home, head), home=home, request_id=request_id
            )
            answer = work(doing)
            if answer is None:
                return False
            self._lap(stage)
            mac = self._append(act, doing, b"", answer, head)
        self._note(head.entry + 1, mac)
        return True

    def _home_at(self, at: datetime | None) -> HomeRow:
        """Return the home as it is in this transaction, its clock turned to *at* if need be."""
        if at is not None:
            self.store.set_virtual_clock(max(at, self.now()))
        home = self.home
        if home.generation != self.vault.generation:
            raise Busy  # another process is giving the home new keys
        return home

    def _note(self, entry: int, mac: bytes) -> None:
        if not self._rehearsing:
            self.keys.note_head(entry, mac)

    @contextmanager
    def _rehearsal(self, dry_run: bool) -> Iterator[None]:
        """Undo all acts within at the end, where it is a *dry_run* of several steps."""
        if not dry_run:
            yield
            return
        self._rehearsing = True
        try:
            with self._under_these_keys(), self.store.transaction(dry_run=True):
                yield
        finally:
            self._rehearsing = False

    def _lap(self, step: int) -> None:
        """Count the time since the last call as spent on one of the eight steps."""
        now = perf_counter_ns()
        self._laps[step] = self._laps.get(step, 0) + now - self._lap_at
        self._lap_at = now

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Time a step of its own, leaving alone what was counted for the act around it."""
        around, self._laps = self._laps, {}
        self._skip()
        try:
            yield
        finally:
            self._laps = around
            self._skip()

    def _skip(self) -> None:
        """Let the time since the last `_lap` count for nothing: somebody was typing, or asleep."""
        self._lap_at = perf_counter_ns()

    def _append(
        self, act: str, doing: Doing, inputs: bytes, answer: Mapping[str, object], head: Head
    ) -> bytes:
        me, amount_fen, balance_fen = None, 0, None
        if isinstance(doing, Act):
            me, balance_fen = doing.me.id, doing.balance_fen
            amount_fen = balance_fen - doing.before_fen
        unsealed = EntryRow(
            id=doing.entry,
            act=act,
            profile=me,
            request_id=doing.request_id,
            inputs=inputs,
            packet=doing.packet,
            counterparty=doing.counterparty,
            amount_fen=amount_fen,
            balance_fen=balance_fen,
            policy=doing.home.policy,
            at=doing.now,
            clock="real" if doing.home.virtual_at is None else "virtual",
            answer=_ENCODER.encode(answer),
            generation=self.vault.generation,
            mac=b"",
        )
        lines = [line(transfer) for transfer in doing.transfers]
        sealed = unsealed.sealed_fields
        mac = self.vault.chain_mac(head.mac, canonical(sealed, lines))
        took = " ".join(f"{step}:{nanos // 1000}" for step, nanos in self._laps.items()) or None
        self._laps.clear()
        self.store.append(sealed, mac, message=doing.message, took=took)
        self.store.post(doing.entry, doing.transfers)
        for write in doing.to_write:
            write()
        if doing.chance.drawn != doing.home.dice_drawn:
            self.store.set_dice_drawn(doing.chance.drawn)
        return mac

    def _profile_by_id(self, profile: int) -> ProfileRow:
        row = self.store.profile_by_id(profile)
        assert row is not None
        return row

    def _answered(self, act: str, inputs: Mapping[str, object], request_id: str | None) -> Any:
        """
        Return what this request was answered before, or None.

        An act that asks for the PIN looks here before it looks at anything else: a request that
        was done is told again even where what it needed (a card, the old PIN) is gone by now. It
        does nothing, and tells nothing that `history` would not.
        """
        if request_id is None:
            return None
        check_request_id(request_id)
        with self.looking():
            me = self.me
            if self.store.requested_parts(request_id, me.id):
                raise RequestConflict(request_id)  # it was a refund of everything due
            return self._first_answer(request_id, me, digest(act, inputs))

    def _first_answer(self, request_id: str, me: ProfileRow, inputs: bytes) -> Any:
        """Return what *request_id* was answered before, raise what it was refused with, or None."""
        entry = self.store.requested(request_id, me.id)
        if entry is not None:
            if entry.inputs != inputs:
                raise RequestConflict(request_id)
            return {**self._answer_of(entry), "replayed": True}
        refused = self.store.refused(request_id, me.id)
        if refused is not None:
            before, told = refused
            if before != inputs:
                raise RequestConflict(request_id)
            raise recall(json.loads(told))
        return None

    def _answer_of(self, entry: EntryRow) -> "Answer":
        """Return what the request of *entry* came to, or raise what it did."""
        message = self.store.message_of_entry(entry.id) if entry.act in INSTRUCTING else None
        if message is None:
            return cast("Answer", json.loads(entry.answer))
        return self._outcome(message)

    def _outcome(self, message: MessageRow) -> "Answer":
        """
        Return what *message* came to.

        Raises what it came to where that is a refusal, and PaymentPending where nobody knows yet.
        """
        if message.outcome is None:
            raise self._pending(message)
        answer = json.loads(self.store.answer_of(message.outcome))
        if answer.get("error") is not None:
            raise recall(answer["error"])
        return cast("Answer", answer)

    def _pending(self, message: MessageRow) -> PaymentPending:
        return PaymentPending(
            payment=message.id,
            amount_fen=message.amount_fen,
            card=self.store.card(message.card).name,
            bank=message.bank,
        )

    def _remember_refusal(self, request_id: str, inputs: bytes, error: HongbaoError) -> None:
        told = json.dumps(error.as_dict(), ensure_ascii=False)
        with self.store.transaction():
            self.store.remember_refusal(request_id, self.me.id, inputs, told)

    # --- authorise -------------------------------------------------------------------------------

    def _authorise(self, pin: AskPin, operator: OperatorRow | None = None) -> Pin:
        """
        Ask for the payment PIN (支付验证), or for *operator*'s own, check it, and return it.

        A locked PIN is not asked for. An attempt is counted durably before it is looked at. Tries
        and the last cleared try are two numbers that only grow, so that a right PIN clears what
        came before it and never a guess that is under way at the same moment.

        Raises WrongPin or PinLocked.
        """
        with self.looking():
            holder = Holder("operator", operator.id) if operator else Holder("profile", self.me.id)
            until = self.store.pin_of(holder).locked_until
            if until is not None and self.now() < until:
                raise PinLocked(locked_until_at=until)
        self._lap(1)
        typed = pin()
        self._skip()
        with self._under_these_keys():  # while the PIN was typed, the home may have got new ones
            self._try(typed, holder)
        self._lap(2)
        return typed

    def _try(self, pin: Pin, holder: Holder) -> None:
        rules = self.policy.pin
        with self.store.transaction((holder.table, holder.id)):
            known, now = self.store.pin_of(holder), self.now()
            cleared = known.cleared
            if known.locked_until is not None:
                if now < known.locked_until:
                    raise PinLocked(locked_until_at=known.locked_until)
                cleared = known.tries
            this_try = known.tries + 1
            left = rules.attempts_max - (this_try - cleared)
            locked_until = now + timedelta(hours=rules.lock_hours) if left <= 0 else None
            self.store.set_pin_tries(
                holder, tries=this_try, cleared=cleared, locked_until=locked_until
            )
        if not self.vault.pin_matches(holder.number, pin, known.hash):
            if locked_until is not None:
                raise PinLocked(locked_until_at=locked_until)
            raise WrongPin(attempts_left=left)
        matched = known.hash
        renewed = None
        if self.vault.pin_needs_rehash(matched):
            renewed = self.vault.hash_pin(holder.number, pin)
        with self.store.transaction((holder.table, holder.id)):
            known = self.store.pin_of(holder)
            cleared = max(known.cleared, this_try)
            self.store.set_pin_tries(
                holder,
                tries=known.tries,
                cleared=cleared,
                locked_until=(
                    known.locked_until if known.tries - cleared >= rules.attempts_max else None
                ),
            )
            if renewed is not None and known.hash == matched:  # not changed meanwhile
                self.store.set_pin(holder, renewed)

    def _check_limits(self, doing: Act, flow: str, amount_fen: int) -> None:
        """Refuse *amount_fen* over *flow* where the profile's tier has no room for it."""
        from hongbao.domain.limits import check_limits, factor_level

        policy = self._policy_of(doing.home)
        check_limits(
            policy,
            self.tier(doing.me),
            self.store.usage_of(doing.me.person),
            doing.now,
            self._opened_at(doing.me),
            factor_level(FACTORS),
            flow,
            amount_fen,
        )

    def _opened_at(self, profile: ProfileRow) -> datetime:
        """Return since when the person behind *profile* is here."""
        return min(p.opened_at for p in self.store.profiles_of_person(profile.person))


class Chance:
    """
    Random bytes for one act.

    A demo home has dice instead: each draw is the next number of a stream that its seed fixes, so
    that the same commands give the same ledger again. Keys and salts never come from here.
    """

    def __init__(self, random: Callable[[int], bytes], home: HomeRow) -> None:
        self._random = random
        self._dice = home.dice
        self.drawn = home.dice_drawn

    def __call__(self, length: int) -> bytes:
        if self._dice is None:
            return self._random(length)
        import hmac

        self.drawn += 1
        assert length <= 32  # what SHA-256 gives
        return hmac.digest(self._dice, b"%d" % self.drawn, "sha256")[:length]


def key_folder(env: Env) -> KeyFolder:
    """Return the folder that the keys of *env*'s home are in."""
    if env.hash_cost is None:
        return KeyFolder(env.keys)
    return KeyFolder(env.keys, cost=Cost(*env.hash_cost))


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
