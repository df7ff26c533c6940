"""The desk itself: the one way in which every act is done."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar, cast

from hongbao.domain.chain import canonical, digest, line
from hongbao.domain.channel import ASKED_AS
from hongbao.domain.ids import check_request_id
from hongbao.domain.pin import Pin
from hongbao.domain.risk.acts import JUDGED, Seen, What
from hongbao.domain.risk.record import Record
from hongbao.errors import (
    Busy,
    ChallengeRequired,
    HongbaoError,
    InsufficientBalance,
    PaymentPending,
    PinError,
    PinLocked,
    RequestConflict,
    WrongPin,
    WrongPinOrCode,
    WrongPinOrIdentity,
    recall,
)
from hongbao.store import (
    DeviceRow,
    EntryRow,
    Head,
    Holder,
    HomeRow,
    MessageRow,
    OperatorRow,
    PinRow,
    ProfileRow,
)
from hongbao.units import iso
from hongbao.vault import Vault
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.judging import Judging, Stopped
from hongbao.wallet.signing import Signed
from hongbao.wallet.tries import as_tries, later_of, used_up

if TYPE_CHECKING:
    from hongbao.answers import Answer, NotDone
    from hongbao.vault import TriesFolder

A = TypeVar("A", bound="Answer")
D = TypeVar("D", bound=Doing)

AskPin = Callable[[], Pin]
"""Gives the payment PIN when an act asks for it, which is after everything typed is checked."""


class Private:
    """
    Personal data that somebody typed: it stands in a request, and in the ledger, by its mark alone.

    It is no text, so that nothing can write it down by mistake.
    """

    __slots__ = ("kind", "text")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text

    def __repr__(self) -> str:
        return f"Private({self.kind})"

    def mark(self, vault: Vault, generation: int | None = None) -> bytes:
        """Return the mark by which *vault* knows it again, under *generation* (`Vault.blind`)."""
        return vault.blind(self.kind, self.text, generation=generation)


class Identity(NamedTuple):
    """The real name and the ID number that somebody typed."""

    real_name: Private
    id_number: Private

    def as_inputs(self) -> dict[str, object]:
        return {"id_number": self.id_number, "real_name": self.real_name}


AskCode = Callable[[], str]
"""Gives what an authenticator shows now, where a profile has one."""

REMEMBERED = {str(what): what for what in What if what not in JUDGED}
"""Acts that risk control does not judge, and yet knows a person's habits by."""

INSTRUCTING = frozenset(act for act in ASKED_AS.values() if act != "refund")
"""Acts that put a payment on its way, and are answered by what becomes of it."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _no_code() -> str:
    raise EOFError


class Desk(Judging):
    """
    What every window needs to change anything.

    Every change goes through `_act`: look, check, post, answer. What the desk answers is what is
    kept in the entry, so that the same request gets the same answer again. What institutions do
    for it afterwards goes through `_step`.
    """

    _rehearsing = False

    ask_code: "AskCode" = staticmethod(_no_code)
    """Gives the code that an authenticator shows, of whoever has one."""

    face: "Callable[[str], bool] | None" = None
    """
    Shows a challenge to whoever is there, and says whether it was passed.

    None where nobody is. What was typed for the act, such as the PIN, need not be typed again.
    """

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
        signed: bool = True,
        any_device: bool = False,
        by: Callable[[ProfileRow], DeviceRow] | None = None,
        noted: bool = True,
        after: int = 0,
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

        The act is *signed* by the device it comes from, and believed only where the signature
        fits, unless it is the platform that acts by itself; *any_device* lets one in that waits
        for it, or whose session was ended, and *by* gives the device where it is not the one that
        is acted from. What risk control stops is an act of its own, and what it answered is raised
        once that stands; where it is a challenge, and a person answers it, the act is done after
        all. The head is *noted* beside the keys, unless this ledger is not in its place yet.
        The entry's number is the next one, and greater than *after*.
        """
        if request_id is not None:
            check_request_id(request_id)
            if part is not None:
                request_id = f"{request_id}/{part}"
        inputs_digest = self._digest(asked or act, inputs)
        stopped: HongbaoError | None = None
        written = act
        with self.keys.sharing():  # until the head is noted, nobody puts another ledger here
            try:
                with (
                    self._keys_with_their_devices(dry_run=dry_run),
                    self.changing(*changing, dry_run=dry_run),
                ):
                    if founding is not None and self.store.home() is None:
                        founding()
                    home = self._home_at(at)
                    me = self.me if profile is None else profile()
                    if request_id is not None:
                        first: A | None = self._first_answer(request_id, me, asked or act, inputs)
                        if first is not None:
                            return first
                    head = self.store.head()
                    doing = Act(
                        self,
                        entry=max(head.entry, after) + 1,
                        now=self._now(home, head),
                        home=home,
                        me=me,
                        inputs=inputs_digest,
                        request_id=request_id,
                    )
                    signature: Signed | None = None
                    try:
                        if signed:
                            row = self.device(me) if by is None else by(me)
                            signature = self._signed(act, doing, head, row, any_device=any_device)
                        answer = work(doing)
                        if act in REMEMBERED:
                            doing.record = Record(self._seen(doing, REMEMBERED[act]))
                    except Stopped as stop:
                        answer = cast(A, self._stop(act, doing, stop.error))
                        written, stopped = stop.act, stop.error
                    mac = self._append(written, doing, inputs_digest, answer, head, signature)
            except HongbaoError as error:
                if error.final and request_id is not None and not (dry_run or self._rehearsing):
                    self._remember_refusal(request_id, inputs_digest, error)
                raise
            if noted and not dry_run:
                self._note(doing.entry, mac)
        if stopped is not None:
            if dry_run or not self._is_answered(stopped):
                raise stopped
            return self._act(
                act,
                inputs,
                work,
                request_id=request_id,
                changing=changing,
                founding=founding,
                profile=profile,
                at=at,
                asked=asked,
                signed=signed,
                any_device=any_device,
                by=by,
            )
        return cast(A, {**answer, "dry_run": True}) if dry_run else answer

    def _is_answered(self, stopped: HongbaoError) -> bool:
        """Have a challenge answered by whoever is there; say whether one was there, and right."""
        if not isinstance(stopped, ChallengeRequired) or self.face is None or self._rehearsing:
            return False
        answered = self.face(str(stopped.facts["challenge"]))
        self._watch.skip()
        return answered

    def _signed(
        self, act: str, doing: Act, head: Head, row: DeviceRow | None, *, any_device: bool
    ) -> Signed:
        """
        Let the device *row* sign *doing*, and believe it, before anything else is looked at.

        The first act of somebody who has no device yet lets this machine in.

        Raises DeviceNotEnrolled, DevicePending or SessionCut; Stopped where the signature does not
        fit.
        """
        row = row or self._enrol_first(doing.me)
        if not any_device:
            self._check_device(row)
        signature = self._sign(act, doing, head, row)
        distrust = self._distrusted(act, doing, head, row, signature)
        if distrust is not None:
            raise self._cut(doing, row, distrust)
        doing.device = row
        return signature

    def _seen(self, doing: Act, what: What) -> Seen:
        city = doing.device.city if doing.device else 0
        return Seen(int(doing.now.timestamp()), what, city=city)

    def _stop(self, act: str, doing: Act, error: HongbaoError) -> "NotDone":
        """Write down that risk control stopped *act*, and return what is told of it."""
        asked = doing.request_id
        doing.request_id = f"/stopped/{doing.entry}"  # the request itself may be made again
        doing.once_entered(lambda: self.store.add_stop(doing.entry, doing.me.id, asked))
        told: NotDone = {
            "request_id": asked,
            "at": iso(doing.now),
            "profile": doing.me.name,
            "asked": act,
            "error": error.as_dict(),
        }
        return told

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
        at: datetime | None = None,
    ) -> bool:
        """
        Do *work* as `_step` does, where it is about the money of *profile*.

        *at* is the moment that it belongs to, as `_act` has it.
        """

        def begin(**facts: Any) -> Act:
            return Act(self, me=self._profile_by_id(profile), **facts)

        return self._stepped(act, begin, request_id, work, stage, at)

    def _stepped(
        self,
        act: str,
        begin: Callable[..., D],
        request_id: str,
        work: Callable[[D], Mapping[str, object] | None],
        stage: int,
        at: datetime | None = None,
    ) -> bool:
        with self.keys.sharing():
            with self.changing(), self._watch.apart():
                home, head = self._home_at(at), self.store.head()
                doing = begin(
                    entry=head.entry + 1,
                    now=self._now(home, head),
                    home=home,
                    request_id=request_id,
                )
                answer = work(doing)
                if answer is None:
                    return False
                self._watch.lap(stage)
                mac = self._append(act, doing, b"", answer, head)
            self._note(head.entry + 1, mac)
        return True

    def _home_at(self, at: datetime | None) -> HomeRow:
        """Return the home as it is in this transaction, its clock turned to *at* if need be."""
        if at is not None:
            self.store.set_virtual_clock(max(at, self.now()))
        return self.home

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
            with self._keys_with_their_devices(dry_run=True), self.changing(dry_run=True):
                yield
        finally:
            self._rehearsing = False

    def _append(
        self,
        act: str,
        doing: Doing,
        inputs: bytes,
        answer: Mapping[str, object],
        head: Head,
        signature: Signed | None = None,
    ) -> bytes:
        me, amount_fen, balance_fen, record = None, 0, None, None
        if isinstance(doing, Act):
            record = doing.record
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
            risk=None if record is None else record.encode(),
            device=None if signature is None else signature.device,
            session=None if signature is None else signature.session,
            signature=None if signature is None else signature.signature,
        )
        lines = [line(transfer) for transfer in doing.transfers]
        sealed = unsealed.sealed_fields
        mac = self.vault.chain_mac(head.mac, canonical(sealed, lines))
        self.store.append(sealed, mac, message=doing.message, took=self._watch.taken())
        self.store.post(doing.entry, doing.transfers)
        if isinstance(doing, Act) and record is not None:
            if record.asked is not None:
                self._keep_guards(doing.home)
            if record.seen is not None:
                self._remember(doing, record.seen)
        for write in doing.to_write:
            write()
        if doing.chance.drawn != doing.home.dice_drawn:
            self.store.set_dice_drawn(doing.chance.drawn)
        return mac

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
            return self._first_answer(request_id, me, act, inputs)

    def _digest(
        self, act: str, inputs: Mapping[str, object], generation: int | None = None
    ) -> bytes:
        """Return what tells two requests of one id apart; what is private counts by its mark."""
        return digest(
            act,
            {
                name: value.mark(self.vault, generation).hex()
                if isinstance(value, Private)
                else value
                for name, value in inputs.items()
            },
        )

    def _was_asked(self, before: bytes, act: str, inputs: Mapping[str, object]) -> bool:
        """Return whether *before* is the digest of the same request, under whichever keys."""
        if not any(isinstance(value, Private) for value in inputs.values()):
            return before == self._digest(act, inputs)
        return any(
            before == self._digest(act, inputs, generation)
            for generation in self.vault.blind_generations()
        )

    def _first_answer(
        self, request_id: str, me: ProfileRow, act: str, inputs: Mapping[str, object]
    ) -> Any:
        """Return what *request_id* was answered before, raise what it was refused with, or None."""
        entry = self.store.requested(request_id, me.id)
        if entry is not None:
            if not self._was_asked(entry.inputs, act, inputs):
                raise RequestConflict(request_id)
            return {**self._answer_of(entry), "replayed": True}
        refused = self.store.refused(request_id, me.id)
        if refused is not None:
            before, told = refused
            if not self._was_asked(before, act, inputs):
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
            if self.store.hold_on_message(message.number) is not None:
                return cast("Answer", json.loads(self.store.answer_of(message.entry)))
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
        with self.changing():
            self.store.remember_refusal(request_id, self.me.id, inputs, told)

    # --- authorise -------------------------------------------------------------------------------

    def _authorise(
        self,
        pin: AskPin,
        operator: OperatorRow | None = None,
        *,
        identity: Identity | None = None,
        code: bool = True,
    ) -> Pin:
        """
        Ask for the payment PIN (支付验证), or for *operator*'s own, check it, and return it.

        A locked PIN is not asked for. An attempt is counted durably before it is looked at. Tries
        and the last cleared try are two numbers that only grow, so that a right PIN clears what
        came before it and never a guess that is under way at the same moment.

        Whoever has an authenticator is asked for its *code* as well, and who they say they are, by
        their *identity*, has to be right too: all of it together is one try.

        Which of it was wrong is not told: whoever does not know the PIN learns nothing of the rest.

        Raises WrongPin, WrongPinOrCode, WrongPinOrIdentity or PinLocked; InvalidCode, where nothing
        was tried.
        """
        with self.looking():
            holder = Holder("operator", operator.id) if operator else Holder("profile", self.me.id)
            asks_code = code and operator is None and self.me.totp_secret is not None
            tried = self._tried(holder)
            if tried is not None:
                _check_unlocked(tried, self.now())
        if tried is None:
            self._give_up_on(holder)
        self._watch.lap(1)
        typed = pin()
        shown = self._ask_code() if asks_code else None
        self._watch.skip()
        with self._trying(holder):
            if code and operator is None and self._has_authenticator(holder) != asks_code:
                raise Busy  # another process has just added, or removed, it
            self._try(typed, holder, shown, identity)
        self._watch.lap(2)
        return typed

    def _ask_code(self) -> str:
        from hongbao.vault.authenticator import parse_code

        return parse_code(self.ask_code())

    def _has_authenticator(self, holder: Holder) -> bool:
        return self._profile_by_id(holder.id).totp_secret is not None

    @contextmanager
    def _trying(self, holder: Holder) -> Iterator[None]:
        """Be the only one who tries *holder*'s PIN, in a home that stays as it is meanwhile."""
        with (
            self._under_these_keys(),
            self.keys.one_try_at_a_time(holder.label),
            self._as_it_was_opened(),
        ):
            self._check_generation()
            yield

    def _try(self, pin: Pin, holder: Holder, code: str | None, identity: Identity | None) -> None:
        before, counted = self._count_pin_try(holder)

        def wrong() -> HongbaoError:
            """Return one and the same refusal, whichever of what was asked for is wrong."""
            left = self.policy.pin.attempts_left(counted.tries - counted.cleared)
            if counted.locked_until is not None:
                return PinLocked(locked_until_at=counted.locked_until)
            if identity is not None:
                return WrongPinOrIdentity(attempts_left=left)
            if code is not None:
                return WrongPinOrCode(attempts_left=left)
            return WrongPin(attempts_left=left)

        try:
            if not self.vault.pin_matches(holder.number, pin, before.hash):
                raise wrong()
            step = None if code is None else self._step_of(code, holder)
            if code is not None and step is None:
                raise wrong()
            if identity is not None and not self._is_of(identity, holder.id):
                raise wrong()
            renewed = None
            if self.vault.pin_needs_rehash(before.hash):
                renewed = self.vault.hash_pin(holder.number, pin)
            with self.changing((holder.table, holder.id)):
                if step is not None:
                    if step <= self._last_step(holder):  # somebody else was quicker
                        raise wrong()
                    self.store.set_totp_step(holder.id, step)
                self._clear(holder, counted, wait=step is not None)
                if renewed is not None and self.store.pin_of(holder).hash == before.hash:
                    self.store.set_pin(holder, renewed)  # not changed meanwhile
        except PinError:
            raise
        except Exception:
            with suppress(HongbaoError):  # as it is, it stays counted
                self._uncount(holder, before)
            raise

    def _count_pin_try(self, holder: Holder) -> tuple[PinRow, PinRow]:
        """Count a try, and return what was tried before it and with it."""
        rules = self.policy.pin
        with self.changing((holder.table, holder.id)):
            before, now = self._tried(holder), self.now()
            if before is None:
                raise Busy  # it was there when we looked
            _check_unlocked(before, now)
            hours = rules.hours_locked(before.tries + 1 - before.cleared)
            counted = before._replace(
                tries=before.tries + 1,
                locked_until=now + timedelta(hours=hours) if hours else None,
            )
            self._keep_tried(holder, counted)
        return before, counted

    def _clear(self, holder: Holder, counted: PinRow, *, wait: bool) -> None:
        """
        Forgive the try that was *counted*, which was right, and those before it.

        The note need not *wait* for the disk where the ledger, which does, has all that is in it.
        """
        known = self._tried(holder)
        assert known is not None
        cleared = max(known.cleared, counted.tries)
        locked = known.tries - cleared >= self.policy.pin.attempts_max
        until = known.locked_until if locked else None
        self._keep_tried(holder, known._replace(cleared=cleared, locked_until=until), wait=wait)

    def _uncount(self, holder: Holder, before: PinRow) -> None:
        """Take back a try that nobody could judge: it was neither right nor wrong."""
        with self.changing((holder.table, holder.id)):
            self._keep_tried(holder, before, back=True)

    # --- what was tried at a PIN -----------------------------------------------------------------

    @property
    def tries(self) -> "TriesFolder":
        """The counts of tries beside the keys."""
        from hongbao.vault import TriesFolder

        return TriesFolder(self.env.keys, self.vault)

    def _tried(self, holder: Holder) -> PinRow | None:
        """
        Return *holder*'s PIN with what was tried at it: the greater of the two counts.

        None is that the count beside the keys is gone where there has to be one.
        """
        row, noted = self.store.pin_of(holder), self.tries.read(holder.label)
        if noted is None:
            return None if self.keys.counts_tries() else row
        return later_of(row, noted)

    def _last_step(self, holder: Holder) -> int:
        """Return the last time step whose code *holder*'s authenticator has been used with."""
        noted = self.tries.read(holder.label)
        return max(self._profile_by_id(holder.id).totp_step, 0 if noted is None else noted.step)

    def _keep_tried(
        self, holder: Holder, row: PinRow, *, back: bool = False, wait: bool = True
    ) -> None:
        """Keep what was tried, beside the keys first; *back* is that it may be less than before."""
        step = self._last_step(holder) if holder.table == "profile" else 0
        tries = as_tries(row, step)
        if back:
            self.tries.set(holder.label, tries)
        else:
            self.tries.note(holder.label, tries, wait=wait)
        self.store.set_pin_tries(
            holder, tries=row.tries, cleared=row.cleared, locked_until=row.locked_until
        )

    def _give_up_on(self, holder: Holder) -> NoReturn:
        """
        Lock *holder*'s PIN, whose count of tries is gone: as many may have been made as there are.

        Raises PinLocked.
        """
        with self._trying(holder), self.changing((holder.table, holder.id)):
            lost = used_up(self.store.pin_of(holder), self.policy.pin, self.now())
            self._keep_tried(holder, lost, back=True)
        assert lost.locked_until is not None
        raise PinLocked(locked_until_at=lost.locked_until)

    def _step_of(self, code: str, holder: Holder) -> int | None:
        """Return the time step that *code* is of, if it is one of *holder*'s and not used yet."""
        from hongbao.vault.authenticator import matching_step

        row = self._profile_by_id(holder.id)
        assert row.totp_secret is not None
        secret = bytes.fromhex(self.vault.unseal(holder.id, "totp_secret", row.totp_secret))
        return matching_step(secret, code, self.now(), self._last_step(holder))

    def _is_of(self, identity: Identity, profile: int) -> bool:
        """Return whether *identity* is that of the person behind *profile*."""
        known = self.store.person_of_id_number(identity.id_number.mark(self.vault))
        return known == (self._profile_by_id(profile).person, identity.real_name.mark(self.vault))

    def _check_balance(self, doing: Act, needed_fen: int) -> None:
        """Refuse what the balance does not hold, and say which way money could come in."""
        if doing.balance_fen >= needed_fen:
            return
        from hongbao.domain.limits import factor_level, room_fen

        me = doing.me
        missing_fen = needed_fen - doing.balance_fen
        room = room_fen(
            self._policy_of(doing.home),
            self.tier(me),
            self.store.usage_of(me.person),
            doing.now,
            self._opened_at(me),
            factor_level(self.factors(me)),
            "topup",
        )
        raise InsufficientBalance(
            needed_fen=needed_fen,
            available_fen=doing.balance_fen,
            has_card=bool(self.store.cards(me.id)),
            topup_max_fen=missing_fen if room is None else room,
        )

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
            factor_level(self.factors(doing.me)),
            flow,
            amount_fen,
        )


def _check_unlocked(tried: PinRow, now: datetime) -> None:
    if tried.locked_until is not None and now < tried.locked_until:
        raise PinLocked(locked_until_at=tried.locked_until)
