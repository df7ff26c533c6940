"""The unit of work: how every act is authorised, applied and answered."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hongbao import errors
from hongbao.changes.devices import SetCounter
from hongbao.changes.guards import AddStop
from hongbao.changes.home import RememberRefusal, SetHome, SetReadings
from hongbao.changes.people import AddOperator
from hongbao.domain.cases import OPERATOR_ACTS
from hongbao.domain.chain import digest, state
from hongbao.domain.channel import ASKED_AS
from hongbao.domain.facts import Columns, as_text, pack, unpack
from hongbao.domain.ids import check_request_id
from hongbao.domain.risk.acts import JUDGED, Seen, What
from hongbao.domain.risk.record import Record
from hongbao.domain.text import name_key
from hongbao.errors import HomeNotFound, HongbaoError, recall
from hongbao.home.opened import Home
from hongbao.queries.acts import answer_in, answer_to
from hongbao.queries.devices import acting_device, check_may_act
from hongbao.queries.history import doer
from hongbao.render import render_read
from hongbao.store import (
    SEALED,
    ActRow,
    Decided,
    DeviceRow,
    EntryRow,
    HomeRow,
    MessageRow,
    ProfileRow,
    key_of,
)
from hongbao.units import iso
from hongbao.vault import Vault
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.again import repeated
from hongbao.wallet.risk_control import Stopped, cut, keep_guards
from hongbao.wallet.signing import Signed, keys_with_their_devices, sign
from hongbao.words import shell_word

if TYPE_CHECKING:
    from hongbao.answers import Answer, NotDone
    from hongbao.home.kept import Kept, KeptAct
    from hongbao.store import Change, RowKey

A = TypeVar("A", bound="Answer")

D = TypeVar("D", bound=Doing)


class Private:
    """
    Personal data as typed: a request, and the ledger, have only its mark.

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


REMEMBERED = {str(what): what for what in What if what not in JUDGED}
"""Acts that risk control does not judge, and yet knows a person's habits by."""

INSTRUCTING = frozenset(act for act in ASKED_AS.values() if act != "refund")
"""Acts that put a payment on its way, and are answered by what becomes of it."""


@repeated
def perform(
    home: Home,
    act: str,
    inputs: Mapping[str, object],
    work: Callable[[Act], A],
    *,
    request_id: str | None = None,
    part: str | None = None,
    dry_run: bool = False,
    founding: Callable[[], HomeRow] | None = None,
    profile: Callable[[HomeRow], ProfileRow] | None = None,
    at: datetime | None = None,
    asked: str | None = None,
    signed: bool = True,
    any_device: bool = False,
    by: Callable[[Act], DeviceRow] | None = None,
    presented: Callable[[Act], Signed] | None = None,
    noted: bool = True,
    after: int = 0,
    changing: Sequence[tuple[str, object]] = (),
) -> A:
    """
    Do *work* as one act: it is decided, then its changes are applied, under one entry.

    The same *request_id* with the same *inputs* gets the first answer again, marked
    ``replayed``; with other inputs it is a RequestConflict. An id that was refused for good
    stays refused. *part* tells the acts of one request apart where it has several. A *dry_run*
    is an act that is decided, and not applied: no one waits for it.

    *founding* gives what is true of the home where there is none yet. *profile* gives whose money
    it is about, if that is not the profile that acts. *at* is the moment that a due act belongs
    to: the clock is turned there first, and never back. *asked* is what was asked for, where the
    act is only the first step of it.

    The act is *signed* by the device it comes from, and believed only where the signature
    fits, unless the platform acts automatically; *any_device* accepts one that waits
    for it, or whose session was ended, and *by* gives the device where it is not the one that
    is acted from. A request that comes with the code of a session is not signed: *presented*
    checks that, and gives what takes the place of a signature. What risk control stops is a
    separate act, and its answer is raised once that stands; where it is a challenge, and a person
    answers it, the act is done after all. The head is *noted* next to the keys, unless this ledger
    is not in its place yet.
    The entry's number is the next one, and greater than *after*. What it is about to be *changing*,
    where that is known before anything is read, it waits for (see `Store.transaction`).
    """
    if dry_run and home.witness is not None and not home.rehearsing:
        with rehearsal(home, dry_run):  # only what was applied can be looked at
            return perform(
                home,
                act,
                inputs,
                work,
                request_id=request_id,
                part=part,
                dry_run=dry_run,
                founding=founding,
                profile=profile,
                at=at,
                asked=asked,
                signed=signed,
                any_device=any_device,
                by=by,
                presented=presented,
                noted=noted,
                after=after,
                changing=changing,
            )
    whole = request_id
    if request_id is not None:
        check_request_id(request_id)
        if part is not None:
            request_id = f"{request_id}/{part}"
    inputs_digest = _digest(home, asked or act, inputs)

    keeping = partial(_kept_act, home, asked or act, whole)
    kept = _kept_acts(home)
    promised = {} if kept is None else kept.counters()
    stopped: HongbaoError | None = None
    doing: Act | None = None
    signature: Signed | None = None
    written, only_decided = act, dry_run and not home.rehearsing
    with home.keys.sharing():  # until the head is noted, no restore replaces the ledger
        try:
            with (
                keys_with_their_devices(home, dry_run=dry_run),
                home.looking() if only_decided else home.changing(*changing),
            ):
                before = home.store.home()
                home_row = _home_at(home, before or _founded(founding), at)
                me = home.me if profile is None else profile(home_row)
                if request_id is not None:
                    first: A | None = _first_answer(home, request_id, me, asked or act, inputs)
                    if first is not None:
                        return first
                entry, now = home.next_entry(home_row, after)
                doing = Act(
                    home,
                    entry=entry,
                    now=now,
                    home_row=home_row,
                    home_before=before,
                    me=me,
                    inputs=inputs_digest,
                    request_id=request_id,
                )
                try:
                    if presented is not None:
                        signature = presented(doing)
                    elif signed:
                        row = acting_device(home, me) if by is None else by(doing)
                        if kept is not None:
                            asking = (doing.request_id, me.id, inputs_digest)
                            kept.check(
                                row.id, row.name, promised.get(row.id, 0), row.counter, asking
                            )
                        signature = _signed(home, act, doing, row, any_device=any_device)
                    answer = work(doing)
                    if act in REMEMBERED:
                        doing.record = Record(_seen(doing, REMEMBERED[act]))
                except Stopped as stop:
                    answer = cast(A, _stop(act, doing, stop.error))
                    written, stopped = stop.act, stop.error
                mac, answered = _append(
                    home,
                    written,
                    doing,
                    inputs_digest,
                    answer,
                    signature,
                    only_decided=only_decided,
                )
                answer = cast(A, answered)
        except errors.OutcomeUnknown:
            if kept is not None and signature is not None and doing is not None and not dry_run:
                kept.add([keeping(signature, doing)], answered=False)
            raise
        except HongbaoError as error:
            if error.final and request_id is not None and not (dry_run or home.rehearsing):
                _remember_refusal(home, request_id, inputs_digest, error)
            raise
        if noted and not dry_run:
            note_head(home, doing.entry, mac)
        if signature is not None and stopped is None and not dry_run:
            if kept is not None:
                kept.add([keeping(signature, doing)])
            elif home.answered is not None and not home.rehearsing:
                home.answered.append(keeping(signature, doing))
    if stopped is not None:
        if dry_run or not _is_answered(home, stopped):
            raise stopped
        return perform(
            home,
            act,
            inputs,
            work,
            request_id=request_id,
            founding=founding,
            profile=profile,
            at=at,
            asked=asked,
            signed=signed,
            any_device=any_device,
            by=by,
            presented=presented,
            changing=changing,
        )
    return cast(A, {**answer, "dry_run": True}) if dry_run else answer


def _kept_acts(home: Home) -> "Kept | None":
    """Return what devices were answered, where a cluster may lose it; not within other acts."""
    if home.store.log is None or home.store.in_transaction:
        return None
    from hongbao.home.kept import Kept  # which a ledger in a file has no use for

    return Kept(home)


def _kept_act(
    home: Home, act: str, whole: str | None, signature: Signed, doing: Act
) -> "tuple[int, KeptAct]":
    """Return the act to keep, and its device; *whole* is the id that its request came with."""
    from hongbao.home.kept import KeptAct, beginning

    request = doing.request_id
    line = "" if home.typed is None else _typed_again(home.typed, doing.me.name, request, whole)
    facts = (signature.counter, doing.me.id, request, act, doing.entry, line)
    return signature.device, KeptAct(*facts, beginning(doing.inputs))


def _typed_again(typed: Sequence[str], profile: str, request: str, whole: str | None) -> str:
    """
    Return the command that was *typed*, so that it is the same request of *profile* again.

    It is empty for a request that is not the command's own, as that of a session or a challenge
    which came up on the way: the command again would not be that request.
    """
    end = typed.index("--") if "--" in typed else len(typed)
    options = typed[:end]
    named = [word.partition("=")[2] for word in options if word.startswith("--request-id=")]
    named += [id_ for word, id_ in pairwise(options) if word == "--request-id"]
    if whole is not None and whole not in named:
        return ""
    words = [word for word in options if word != "--json"]
    if not {"-p", "--profile"} & {word.partition("=")[0] for word in options}:
        words += ["-p", profile]
    if not named:
        words += ["--request-id", request.partition("/")[0]]  # of a part, that of the whole
    return " ".join(map(shell_word, ["hongbao", *words, *typed[end:]]))


def _is_answered(home: Home, stopped: HongbaoError) -> bool:
    """Have a challenge answered at the terminal; return whether it was, and rightly."""
    if not isinstance(stopped, errors.ChallengeRequired) or home.face is None or home.rehearsing:
        return False
    if home.group is not None:  # no prompt while the others of a group wait
        return False
    answered = home.face(str(stopped.facts["challenge"]))
    home.watch.skip()
    return answered


def _signed(home: Home, act: str, doing: Act, row: DeviceRow, *, any_device: bool) -> Signed:
    """
    Let the device *row* sign *doing*, before anything else is checked.

    Raises DevicePending or SessionCut; Stopped where the signature does not fit.
    """
    with home.checking("signature") as seen:
        if seen is not None:
            seen["device"] = row.name
        if not any_device:
            check_may_act(row)
        try:
            signature = sign(home, act, doing, row)
        except (errors.ReplayedNonce, errors.BadSignature) as error:
            raise cut(doing, row, error) from None
        if seen is not None:
            seen["counter"] = signature.counter
    doing.device = row
    return signature


def _seen(doing: Act, what: What) -> Seen:
    city = doing.device.city if doing.device else 0
    return Seen(int(doing.now.timestamp()), what, city=city)


def _stop(act: str, doing: Act, error: HongbaoError) -> "NotDone":
    """Record that risk control stopped *act*, and return the answer about it."""
    asked = doing.request_id
    doing.request_id = f"/stopped/{doing.entry}"  # the request itself may be made again
    doing.change(AddStop(doing.entry, doing.me.id, asked))
    answered: NotDone = {
        "request_id": asked,
        "at": iso(doing.now),
        "profile": doing.me.name,
        "asked": act,
        "error": error.as_dict(),
    }
    return answered


def perform_step(
    home: Home,
    act: str,
    request_id: str,
    work: Callable[[Doing], Mapping[str, object] | None],
    *,
    step: int,
    changing: Sequence[tuple[str, object]] = (),
) -> bool:
    """
    Do *work* as an act of an institution: a transaction and an entry without a request.

    Work that answers None found that there is nothing left to do, and nothing is written.
    *step* says which of the eight steps its time counts for, and *changing* is what `perform` has.
    """

    def begin(**facts: Any) -> Doing:
        return Doing(home, **facts)

    return _stepped(home, act, begin, request_id, work, step, changing=changing)


def perform_step_for(
    home: Home,
    act: str,
    request_id: str,
    work: Callable[[Act], Mapping[str, object] | None],
    *,
    profile: int,
    step: int,
    at: datetime | None = None,
    changing: Sequence[tuple[str, object]] = (),
) -> bool:
    """
    Do *work* as `perform_step` does, if it is about the money of *profile*.

    *at* is the moment that it belongs to, as `perform` has it.
    """

    def begin(**facts: Any) -> Act:
        return Act(home, me=home.profile_by_id(profile), **facts)

    return _stepped(home, act, begin, request_id, work, step, at=at, changing=changing)


@repeated
def _stepped(
    home: Home,
    act: str,
    begin: Callable[..., D],
    request_id: str,
    work: Callable[[D], Mapping[str, object] | None],
    step: int,
    *,
    at: datetime | None = None,
    changing: Sequence[tuple[str, object]] = (),
) -> bool:
    with home.keys.sharing():
        with home.changing(*changing), home.watch.apart():
            before = home.row
            home_row = _home_at(home, before, at)
            entry, now = home.next_entry(home_row)
            doing = begin(
                entry=entry,
                now=now,
                home_row=home_row,
                home_before=before,
                request_id=request_id,
            )
            answer = work(doing)
            if answer is None:
                return False
            home.watch.lap(step)
            mac, _answer = _append(home, act, doing, b"", answer)
        note_head(home, entry, mac)
    return True


def _founded(founding: Callable[[], HomeRow] | None) -> HomeRow:
    """Return the home row that this act creates. Raises HomeNotFound if it creates none."""
    if founding is None:
        raise HomeNotFound
    return founding()


def _home_at(home: Home, row: HomeRow, at: datetime | None) -> HomeRow:
    """Return *row* with its clock turned to *at*, if need be."""
    return row if at is None else row._replace(virtual_at=max(at, home.now()))


def note_head(home: Home, entry: int, mac: bytes | None) -> None:
    """Note the chain's head next to the keys, but not yet for a group or a dry run."""
    if not home.rehearsing and home.group is None:
        assert mac is not None
        home.begun = True
        if home.store.log is None:  # or the witness of the log remembers
            home.keys.note_head(entry, mac)


@contextmanager
def rehearsal(home: Home, dry_run: bool) -> Iterator[None]:
    """Undo all acts within at the end, if it is a *dry_run* of several steps."""
    if not dry_run:
        yield
        return
    assert home.group is None  # what a group has done is never rolled back in part
    home.rehearsing = True
    try:
        with keys_with_their_devices(home, dry_run=True), home.changing(dry_run=True):
            try:
                yield
            finally:
                if home.witness is not None:
                    home.witness.read(home, undone=True)
    finally:
        home.rehearsing = False


def _append(
    home: Home,
    act: str,
    doing: Doing,
    inputs: bytes,
    answer: Mapping[str, object],
    signature: Signed | None = None,
    *,
    only_decided: bool = False,
) -> tuple[bytes | None, dict[str, Any]]:
    """
    Apply what was decided, and seal it; return the MAC, and the answer that its facts give.

    In a group, the seal comes with the last act, and there is no MAC yet.

    What is *only_decided* is not applied: a dry run gets its answer, and leaves nothing.
    """
    me, amount_fen, balance_fen, record = None, 0, None, None
    policy = doing.home_before.policy if doing.home_before else doing.home_row.policy
    if isinstance(doing, Act):
        record = doing.record
        me, balance_fen = doing.me.id, doing.balance_fen
        amount_fen = balance_fen - doing.before_fen
    verdict, reports, challenge = (None, None, None) if record is None else record.columns
    columns = Columns(doing.request_id, iso(doing.now), balance_fen)
    facts = pack(act, answer, columns)
    answered = render_read(act, unpack(act, facts), columns)
    if only_decided:
        return None, answered
    if isinstance(doing, Act) and record is not None and record.asked is not None:
        keep_guards(home, doing)
    doing.set_home(dice_drawn=doing.chance.drawn)
    doing.change(*_home_changed(doing.home_before, doing.home_row))
    if signature is not None:
        doing.change(SetCounter(signature.device, signature.counter))
    entry = EntryRow(
        id=doing.entry,
        act=act,
        profile=me,
        request_id=doing.request_id,
        inputs=inputs,
        packet=doing.packet,
        counterparty=doing.counterparty,
        amount_fen=amount_fen,
        balance_fen=balance_fen,
        policy=policy,
        at=doing.now,
        clock="real" if doing.home_row.virtual_at is None else "virtual",
        facts=as_text(facts),
        generation=home.vault.generation,
        operator=_operator_of(home, act, doing, answer),
        risk=None if record is None else record.encode(),
        verdict=verdict,
        reports=reports,
        challenge=challenge,
        device=None if signature is None else signature.device,
        session=None if signature is None else signature.session,
        counter=None if signature is None else signature.counter,
        signature=None if signature is None else signature.signature,
        message=doing.message,
    )
    home.store.apply(doing.changes)
    decided = Decided(
        entry.sealed_fields,
        doing.transfers,
        [(row, _digest_of(home, row)) for row in _touched(doing.changes)],
        home.watch.taken(),
    )
    if home.witness is not None:
        home.witness.wrote(entry.id, asked=bool(inputs))
    mac = home.store.append([decided], home.vault.chain_mac, more=home.group is not None)
    if home.group is not None:
        home.group.append(entry.id)
    return mac, answered


def _operator_of(home: Home, act: str, doing: Doing, answer: Mapping[str, object]) -> int | None:
    """Return the operator who answers for *act*, as its *answer* names them."""
    name = doer(answer) if act in OPERATOR_ACTS else None
    if name is None:
        return None
    for row in home.store.operators(name_key(name)):
        return row.id
    added = (change for change in doing.changes if isinstance(change, AddOperator))
    return next((change.operator for change in added if change.name_key == name_key(name)), None)


def _home_changed(before: HomeRow | None, after: HomeRow) -> "list[Change]":
    """Return the home's state *after* an act, if it differs from *before*."""
    if after == before:
        return []
    readings: dict[str, Any] = {"virtual_at": None, "dice_drawn": 0, "current_profile": None}
    if before is not None and before._replace(**readings) == after._replace(**readings):
        return [SetReadings(after)]
    return [SetHome(after)]


def _touched(changes: "list[Change]") -> "list[RowKey]":
    """Return the rows of state that *changes* touch, in the one order that they are sealed in."""
    rows = {row for change in changes for row in change.touches if row[0] in SEALED}
    return sorted(rows, key=lambda row: (row[0], key_of(row)))


def _digest_of(home: Home, row: "RowKey") -> bytes | None:
    """Return the digest of *row* as it is now; None if it is gone."""
    values = home.store.state(row).values
    if values is None:
        return None
    return home.vault.row_mac(state(row[0], key_of(row), values))


def replayed_answer(
    home: Home, act: str, inputs: Mapping[str, object], request_id: str | None
) -> Any:
    """
    Return the first answer to this request, or None.

    An act that asks for the PIN looks here before it looks at anything else: a request that
    was done is answered again even where what it needed (a card, the old PIN) is gone by now. It
    does nothing, and tells nothing that `history` would not.
    """
    if request_id is None:
        return None
    check_request_id(request_id)
    with home.looking():
        me = home.me
        if any(home.store.acts(parts_of=(request_id, me.id), limit=1)):
            raise errors.RequestConflict(request_id)  # it was a refund of everything due
        return _first_answer(home, request_id, me, act, inputs)


def _digest(
    home: Home, act: str, inputs: Mapping[str, object], generation: int | None = None
) -> bytes:
    """Return the digest of a request; private inputs count by their mark."""
    return digest(
        act,
        {
            name: value.mark(home.vault, generation).hex() if isinstance(value, Private) else value
            for name, value in inputs.items()
        },
    )


def _was_asked(home: Home, before: bytes, act: str, inputs: Mapping[str, object]) -> bool:
    """Return whether *before* is the digest of the same request, under any keys."""
    if not any(isinstance(value, Private) for value in inputs.values()):
        return before == _digest(home, act, inputs)
    return any(
        before == _digest(home, act, inputs, generation)
        for generation in home.vault.blind_generations()
    )


def _first_answer(
    home: Home, request_id: str, me: ProfileRow, act: str, inputs: Mapping[str, object]
) -> Any:
    """Return the first answer to *request_id*, raise its refusal, or return None."""
    entry, refused = home.store.request(request_id, me.id)
    if entry is not None:
        if not _was_asked(home, entry.inputs, act, inputs):
            raise errors.RequestConflict(request_id)
        return {**_answer_of(home, entry), "replayed": True}
    if refused is not None:
        before, answered = refused
        if not _was_asked(home, before, act, inputs):
            raise errors.RequestConflict(request_id)
        raise recall(json.loads(answered))
    return None


def _answer_of(home: Home, entry: ActRow) -> "Answer":
    """Return the answer of *entry*'s request, or raise its refusal."""
    message = home.store.message(entry=entry.entry) if entry.act in INSTRUCTING else None
    if message is None:
        return cast("Answer", answer_to(home, entry))
    return outcome(home, message)


def outcome(home: Home, message: MessageRow) -> "Answer":
    """
    Return the outcome of *message*.

    Raises what it came to where that is a refusal, and PaymentPending if it is not known yet.
    """
    if message.outcome is None:
        if home.store.case(holding=message.number) is not None:
            return cast("Answer", answer_in(home, message.entry))
        raise pending_payment(home, message)
    answer = answer_in(home, message.outcome)
    if answer.get("error") is not None:
        raise recall(answer["error"])
    return cast("Answer", answer)


def pending_payment(home: Home, message: MessageRow) -> "errors.PaymentPending":
    """Return the error for a *message* whose outcome is not known yet."""
    return errors.PaymentPending(
        payment=message.id,
        amount_fen=message.amount_fen,
        card=home.store.card(message.card).name,
        bank=message.bank,
    )


@repeated
def _remember_refusal(home: Home, request_id: str, inputs: bytes, error: HongbaoError) -> None:
    with home.changing():
        home.store.apply([refusal_of(home, request_id, home.me.id, inputs, error)])


def refusal_of(
    home: Home, request_id: str, profile: int, inputs: bytes, error: HongbaoError
) -> RememberRefusal:
    """Return what remembers that *profile*'s request was refused for good with *error*."""
    answered = json.dumps(error.as_dict(), ensure_ascii=False)
    refused = state("refusal", f"{request_id}/{profile}", (inputs, answered))
    mac, generation = home.vault.row_mac(refused), home.vault.generation
    return RememberRefusal(request_id, profile, inputs, answered, generation, mac)
