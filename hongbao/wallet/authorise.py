"""Authorisation (支付验证): the payment PIN, an authenticator's code, an identity; one try each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from hongbao.changes.people import SetPin, SetPinTries, SetTotpStep
from hongbao.domain.pin import Pin
from hongbao.errors import (
    Busy,
    HongbaoError,
    PinError,
    PinLocked,
    WrongPin,
    WrongPinOrCode,
    WrongPinOrIdentity,
)
from hongbao.home.opened import Home
from hongbao.home.tries import as_tries, later_of, used_up
from hongbao.store import Holder, OperatorRow, PinRow
from hongbao.wallet.acts import Doing
from hongbao.wallet.again import repeated
from hongbao.wallet.unit_of_work import Private, perform_step

if TYPE_CHECKING:
    from hongbao.store import Change
    from hongbao.vault import Tries, TriesFolder

AskPin = Callable[[], Pin]
"""Gives the payment PIN when an act asks for it, which is after everything typed is checked."""


class Identity(NamedTuple):
    """A real name and an ID number, as typed."""

    real_name: Private
    id_number: Private

    def as_inputs(self) -> dict[str, object]:
        return {"id_number": self.id_number, "real_name": self.real_name}


def authorise(
    home: Home,
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

    With an authenticator its *code* is needed as well, or instead of it the identity, by
    their *identity*, has to be right too: all of it together is one try.

    It is not said which of them was wrong: without the PIN nothing is learned of the rest.

    Where it was typed on a terminal, a wrong one is asked for again: each is one try.

    Raises WrongPin, WrongPinOrCode, WrongPinOrIdentity or PinLocked; InvalidCode, where nothing
    was tried.
    """
    while True:
        try:
            return _authorise(home, pin, operator, identity, code=code)
        except (WrongPin, WrongPinOrCode) as error:
            if not home.asks_again(error):
                raise


def _authorise(
    home: Home, pin: AskPin, operator: OperatorRow | None, identity: Identity | None, *, code: bool
) -> Pin:
    with home.looking():
        holder = Holder("operator", operator.id) if operator else Holder("profile", home.me.id)
        if operator is not None:
            home.check_state(("operator", operator.id))
        asks_code = code and operator is None and home.me.totp_secret is not None
        tried = tries_of(home, holder)
        if tried is not None:
            with home.checking("pin_lock"):
                _check_unlocked(tried, home.now())
    if tried is None:
        _give_up_on(home, holder)
    home.watch.lap(1)
    typed = pin()
    shown = _ask_code(home) if asks_code else None
    home.watch.skip()
    with home.checking("pin") as seen, _trying(home, holder):
        if seen is not None:
            seen["operator"] = None if operator is None else operator.name
            seen["factors"] = ["pin", *(["totp"] if shown else ())]
        if code and operator is None and _has_authenticator(home, holder) != asks_code:
            raise Busy  # another process has just added, or removed, it
        _try(home, typed, holder, shown, identity)
    home.watch.lap(2)
    return typed


def _ask_code(home: Home) -> str:
    from hongbao.vault.authenticator import parse_code

    return parse_code(home.ask_code())


def _has_authenticator(home: Home, holder: Holder) -> bool:
    return home.profile_by_id(holder.id).totp_secret is not None


@contextmanager
def _trying(home: Home, holder: Holder) -> Iterator[None]:
    """Be the only one who tries *holder*'s PIN, in a home that does not change in between."""
    with (
        home.one_turn(),
        home.under_these_keys(),
        home.keys.one_try_at_a_time(holder.label),
        home.as_it_was_opened(),
    ):
        home.check_generation()
        yield


def _try(home: Home, pin: Pin, holder: Holder, code: str | None, identity: Identity | None) -> None:
    before, counted = _count_pin_try(home, holder)

    def wrong() -> HongbaoError:
        """Return the same refusal for every wrong factor."""
        left = home.policy.pin.attempts_left(counted.tries - counted.cleared)
        if counted.locked_until is not None:
            return PinLocked(locked_until_at=counted.locked_until)
        if identity is not None:
            return WrongPinOrIdentity(attempts_left=left)
        if code is not None:
            return WrongPinOrCode(attempts_left=left)
        return WrongPin(attempts_left=left)

    try:
        if not home.vault.pin_matches(holder.number, pin, before.hash):
            raise wrong()
        step = None if code is None else _step_of(home, code, holder)
        if code is not None and step is None:
            raise wrong()
        if identity is not None and not _is_of(home, identity, holder.id):
            raise wrong()
        if not _is_passed(home, holder, counted, step):
            raise wrong()
        if home.vault.pin_needs_rehash(before.hash):
            _renew(home, holder, before.hash, pin)
    except PinError:
        raise
    except Exception:
        with suppress(HongbaoError):  # as it is, it stays counted
            _uncount(home, holder, before)
        raise


def _renew(home: Home, holder: Holder, before: str, pin: Pin) -> None:
    """Hash *holder*'s *pin* by today's parameters, in a separate entry: it is sealed state."""
    renewed = home.vault.hash_pin(holder.number, pin)

    def work(doing: Doing) -> Mapping[str, object] | None:
        if home.store.pin(holder).hash != before:
            return None  # it was changed in between
        doing.request_id = f"/{holder.label}/pin/{doing.entry}"
        doing.change(SetPin(holder, renewed))
        return {**doing.common, "pin_of": holder.label}

    perform_step(home, "pin_renewed", f"/{holder.label}/pin", work, step=2)


@repeated
def _count_pin_try(home: Home, holder: Holder) -> tuple[PinRow, PinRow]:
    """
    Count a try, and return what was tried before it and with it.

    Where the ledger cannot be written, the try is not made, and the note next to the keys, which is
    written first, goes back: a full disk would lock a PIN without a single wrong one.
    """
    rules, noted = home.policy.pin, None
    try:
        with home.changing((holder.table, holder.id)):
            noted, now = noted_tries(home, holder), home.now()
            if noted is None:
                raise Busy  # it was there when we looked
            before = later_of(home.store.pin(holder), noted)
            _check_unlocked(before, now)
            hours = rules.hours_locked(before.tries + 1 - before.cleared)
            counted = before._replace(
                tries=before.tries + 1,
                locked_until=now + timedelta(hours=hours) if hours else None,
            )
            keep_tries(home, holder, counted)
    except PinError:
        raise
    except Exception:
        if noted is not None:
            with suppress(HongbaoError):  # as it is, it stays counted
                tries_folder(home).take_back(holder.label, noted)
        raise
    return before, counted


@repeated
def _is_passed(home: Home, holder: Holder, counted: PinRow, step: int | None) -> bool:
    """Forgive the try that was *counted*; return False where *step*'s code was used since."""
    with home.changing((holder.table, holder.id)):
        if step is not None:
            if step <= last_step_of(home, holder):  # another process was faster
                return False
            home.store.apply([SetTotpStep(holder.id, step)])
        _clear(home, holder, counted, wait=step is not None)
    return True


def _clear(home: Home, holder: Holder, counted: PinRow, *, wait: bool) -> None:
    """
    Forgive the try that was *counted*, which was right, and those before it.

    The note need not *wait* for the disk where the ledger, which does, has all that is in it.
    """
    known = tries_of(home, holder)
    assert known is not None
    cleared = max(known.cleared, counted.tries)
    locked = known.tries - cleared >= home.policy.pin.attempts_max
    until = known.locked_until if locked else None
    keep_tries(home, holder, known._replace(cleared=cleared, locked_until=until), wait=wait)


@repeated
def _uncount(home: Home, holder: Holder, before: PinRow) -> None:
    """Undo the count of a try that was not judged: it was neither right nor wrong."""
    with home.changing((holder.table, holder.id)):
        keep_tries(home, holder, before, back=True)


def tries_folder(home: Home) -> "TriesFolder":
    """The counts of tries next to the keys."""
    from hongbao.vault import TriesFolder

    return TriesFolder(home.env.keys, home.vault)


def tries_of(home: Home, holder: Holder) -> PinRow | None:
    """
    Return *holder*'s PIN with what was tried at it: the greater of the two counts.

    None means that the count next to the keys is gone.
    """
    noted = noted_tries(home, holder)
    return None if noted is None else later_of(home.store.pin(holder), noted)


def noted_tries(home: Home, holder: Holder) -> "Tries | None":
    """
    Return what this machine has noted of the tries at *holder*'s PIN; None if that is gone.

    On a cluster it may have been noted on another machine. There the ledger's own count stands,
    which no one at this machine can put back.
    """
    noted = tries_folder(home).read(holder.label)
    if noted is None and home.store.file is None:
        step = home.profile_by_id(holder.id).totp_step if holder.table == "profile" else 0
        return as_tries(home.store.pin(holder), step)
    return noted


def last_step_of(home: Home, holder: Holder) -> int:
    """Return the last time step whose code *holder*'s authenticator has been used with."""
    noted = tries_folder(home).read(holder.label)
    return max(home.profile_by_id(holder.id).totp_step, 0 if noted is None else noted.step)


def keep_tries(
    home: Home, holder: Holder, row: PinRow, *, back: bool = False, wait: bool = True
) -> None:
    """Store the count of tries, next to the keys first; *back* allows it to fall."""
    changes: list[Change] = [SetPinTries(holder, row.tries, row.cleared, row.locked_until)]
    step = last_step_of(home, holder) if holder.table == "profile" else 0
    if step and step > home.profile_by_id(holder.id).totp_step:
        changes.append(SetTotpStep(holder.id, step))  # what was noted by one that was killed
    tries = as_tries(row, step)
    if back:
        tries_folder(home).set(holder.label, tries)
    else:
        tries_folder(home).note(holder.label, tries, wait=wait)
    home.store.apply(changes)


@repeated
def _give_up_on(home: Home, holder: Holder) -> NoReturn:
    """
    Lock *holder*'s PIN, whose count of tries is gone: as many may have been made as there are.

    Raises PinLocked.
    """
    with _trying(home, holder), home.changing((holder.table, holder.id)):
        lost = used_up(home.store.pin(holder), home.policy.pin, home.now())
        keep_tries(home, holder, lost, back=True)
    assert lost.locked_until is not None
    raise PinLocked(locked_until_at=lost.locked_until)


def _step_of(home: Home, code: str, holder: Holder) -> int | None:
    """Return the time step that *code* is of, if it is one of *holder*'s and not used yet."""
    from hongbao.vault.authenticator import matching_step

    row = home.profile_by_id(holder.id)
    if row.totp_secret is None:
        raise Busy  # another process has taken it away while the PIN was looked at
    secret = bytes.fromhex(home.vault.unseal(holder.id, "totp_secret", row.totp_secret))
    return matching_step(secret, code, home.now(), last_step_of(home, holder))


def _is_of(home: Home, identity: Identity, profile: int) -> bool:
    """Return whether *identity* is that of the person behind *profile*."""
    row = home.profile_by_id(profile)
    indexes = (private.mark(home.vault) for private in (identity.real_name, identity.id_number))
    return (row.real_name_index, row.id_number_index) == tuple(indexes)


def _check_unlocked(tried: PinRow, now: datetime) -> None:
    if tried.locked_until is not None and now < tried.locked_until:
        raise PinLocked(locked_until_at=tried.locked_until)
