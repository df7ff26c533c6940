"""Profiles: creation, switching, and their PINs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from hongbao.changes.home import KeepRules, SetReadings
from hongbao.changes.people import AddProfile, SetPin
from hongbao.domain.dates import china_day
from hongbao.domain.identity import IdNumber, parse_id_number
from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.pin import OF_SANDBOXES, Pin, check_strength
from hongbao.domain.policy import Policy
from hongbao.domain.text import name_key, parse_profile_name, refuse_look_alike
from hongbao.env import Env
from hongbao.errors import (
    Damaged,
    HomeExists,
    HomeNotFound,
    LedgerTaken,
    NameTaken,
    NotIntact,
    StateAltered,
)
from hongbao.home.opened import Home
from hongbao.home.opening import key_folder, make_ledger
from hongbao.queries.profiles import profile_line
from hongbao.store import SANDBOX_MARK, Holder, HomeRow, ProfileRow
from hongbao.units import iso_or_none
from hongbao.wallet.acts import Act
from hongbao.wallet.again import repeated
from hongbao.wallet.authorise import AskPin, Identity, authorise, tries_folder
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.signing import enrol_first
from hongbao.wallet.unit_of_work import Private, perform

if TYPE_CHECKING:
    from hongbao.answers import Founded, PinChanged, ProfileLine
    from hongbao.home.clusters import Access

DEMO_DICE = "demo"
"""The seed of a demo's chance, where no other is given."""


class _NewHome(NamedTuple):
    """The choices when a home is created."""

    policy: Policy
    clock: datetime | None
    dice: str | None
    demo: bool
    sandbox: bool = False

    def complete(self, now: datetime) -> _NewHome:
        """Return it with what a demo leaves to us: a clock that starts *now*, and a seed."""
        if not self.demo:
            return self
        return self._replace(
            clock=self.clock or now.replace(microsecond=0),
            dice=DEMO_DICE if self.dice is None else self.dice,
        )

    @property
    def chosen(self) -> bool:
        """Whether something was chosen that cannot be had in a home that is there already."""
        return self.clock is not None or self.dice is not None

    @property
    def seed(self) -> bytes | None:
        """The seed of all chance; None is the system's own."""
        if self.dice is None:
            return None
        return (SANDBOX_MARK if self.sandbox else b"") + self.dice.encode()


def found(
    env: Env,
    name: str,
    *,
    pin: AskPin,
    policy: Policy,
    clock: datetime | None = None,
    dice: str | None = None,
    demo: bool = False,
    sandbox: bool = False,
    passphrase: Callable[[], str] | None = None,
    request_id: str | None = None,
    access: Access | None = None,
) -> tuple[Home, Founded]:
    """
    Make a profile called *name*, and the home around it if this is the first.

    *policy*, *clock* (a virtual one that starts there) and *dice* (a seed for all chance, so
    that the same commands give the same ledger) are a new home's to choose; *demo* chooses
    those of the two that are not given. A *sandbox* is marked as one for ever. The PIN is asked
    for before anything is made. With *access*, a new home's ledger is made on a cluster.

    Raises InvalidName, NameTaken, LookAlike, HomeExists, LedgerTaken, WeakPin and what `Home.open`
    raises.
    """
    name, made_keys = parse_profile_name(name), False
    try:
        home = Home.open(env, profile=name, passphrase=passphrase)
    except HomeNotFound:
        chosen = pin()
        if not sandbox:
            check_strength(chosen, None)
        keys = key_folder(env)
        made_keys = not keys.exists()
        home = Home(env, keys, *make_ledger(env, keys, passphrase, access), name)
        if sandbox:
            home.play()
        pin = lambda: chosen  # noqa: E731 - asked for once
    else:
        if access is not None:
            home.close()
            raise HomeExists
    with ExitStack() as closing:
        closing.enter_context(home)
        new = _NewHome(policy, clock, dice, demo, sandbox)
        try:
            answer = _join(home, name, pin, new, request_id)
        except NotIntact:
            if access is not None and made_keys:
                _give_way(home, access)
            raise
        closing.pop_all()  # it stays open for the caller
    return home, answer


def _give_way(home: Home, access: Access) -> None:
    """Raise LedgerTaken if another machine was faster: what was made here is taken away."""
    from hongbao.home.clusters import forget

    if _is_ours(home):
        return
    home.close()
    forget(home.env, home.keys, home.vault)
    raise LedgerTaken(where=access.address.where) from None


def _is_ours(home: Home) -> bool:
    """Return whether the ledger is no wallet's yet, or sealed by the keys of *home*."""
    try:
        if home.store.home() is not None:
            home.check_state(("home", 1))
    except (Damaged, StateAltered):
        return False
    return True


def _check_look(home: Home, name: str) -> None:
    refuse_look_alike(name, (profile.name for profile in home.store.profiles()))


def _join(home: Home, name: str, pin: AskPin, new: _NewHome, request_id: str | None) -> Founded:
    """Add the profile *name*, and where there is no home yet, the home as *new* has it."""
    inputs: dict[str, object] = {
        "name": name,
        "clock": iso_or_none(new.clock),
        "dice": new.dice,
    }
    if new.demo:  # not the time it means, which is another one when it is requested again
        inputs["demo"] = True
    new = new.complete(home.env.now())
    exists = home.store.home() is not None
    taken, hashed = home.store.profile(name_key(name)) is not None, ""
    if taken:
        first: Founded | None = earlier_answer(home, "init", inputs, request_id)
        if first is not None:
            return first
    if exists and new.chosen:
        raise HomeExists
    if taken:
        raise NameTaken(name)
    _check_look(home, name)
    chosen = pin()
    check_pin_strength(home, chosen, None)

    def founding() -> HomeRow:
        nonlocal exists
        exists = False
        home.know_policy(new.policy)
        return HomeRow(
            made_at=new.clock or home.env.now(),
            virtual_at=new.clock,
            generation=home.vault.generation,
            retired=None,
            policy=new.policy.ref,
            current_profile=None,
            dice=new.seed,
            dice_drawn=0,
        )

    def made(row: HomeRow) -> ProfileRow:
        nonlocal taken, hashed
        profile = home.store.profile(name_key(name))
        taken = profile is not None
        if profile is not None:
            return profile
        number = home.store.next_number("profile")
        hashed = home.vault.hash_pin(number, chosen)  # slow: before a key of a device is made
        return ProfileRow(
            id=number,
            name=name,
            person=home.store.next_number("person"),
            account=Account(PLATFORM, Kind.BALANCE, number),
            opened_at=home.time_of(row, home.store.head()),
            real_name=None,
            id_number=None,
            refund_to="card",
        )

    def work(doing: Act) -> Founded:
        if exists and new.chosen:  # another process was faster
            raise HomeExists
        if taken:
            raise NameTaken(name)
        _check_look(home, name)
        me, policy = doing.me, home.policy_of(doing.home_row)
        if not exists:
            doing.change(KeepRules("policy", policy.ref, policy.text))
        tries_folder(home).start(Holder("profile", me.id).label)
        doing.change(AddProfile(me, name_key(name), hashed))
        if doing.home_row.current_profile is None:
            doing.set_home(current_profile=me.id)
        return {
            **doing.common,
            "profile": me.name,
            "tier": policy.tier_for(False, 0).name,
            "policy": policy.ref,
            "clock": "real" if doing.home_row.virtual_at is None else "virtual",
        }

    exists = True
    return perform(
        home,
        "init",
        inputs,
        work,
        request_id=request_id,
        founding=founding,
        profile=made,
        by=lambda doing: enrol_first(home, doing),
    )


@repeated
def use(home: Home, name: str) -> ProfileLine:
    """Act as *name* from now on, where no profile is named. Raises ProfileNotFound."""
    with home.changing():
        row = home.profile_named(name)
        home.store.apply([SetReadings(home.row._replace(current_profile=row.id))])
    return profile_line(home, row, row.id)


def change_pin(
    home: Home, old: AskPin, new: AskPin, *, request_id: str | None = None
) -> PinChanged:
    """Replace the payment PIN. Raises WrongPin, PinLocked, InvalidPin or WeakPin."""
    first: PinChanged | None = earlier_answer(home, "pin_change", {}, request_id)
    if first is not None:
        authorise(home, new)  # the requested PIN is already set: only one who knows it learns that
        return first
    authorise(home, old)
    chosen = new()
    check_new_pin(home, chosen)
    hashed = home.vault.hash_pin(home.me.id, chosen)

    def work(doing: Act) -> PinChanged:
        doing.change(SetPin(Holder("profile", doing.me.id), hashed))
        return {**doing.common, "profile": doing.me.name}

    return perform(home, "pin_change", {}, work, request_id=request_id)


def check_new_pin(home: Home, pin: Pin) -> None:
    """Raise WeakPin if *pin* is easily guessed, or the birth date of the one who acts."""
    me, birth_date = home.me, None
    if me.id_number is not None:
        number = home.vault.unseal(me.id, "id_number", me.id_number)
        birth_date = parse_id_number(number, china_day(home.now())).birth_date
    check_pin_strength(home, pin, birth_date)


def as_identity(name: str, number: IdNumber) -> Identity:
    """Return a real *name* and an ID *number* as requests are made of them."""
    return Identity(Private("real_name", name), Private("id_number", number.number))


def check_pin_strength(home: Home, pin: Pin, birth_date: date | None) -> None:
    """Refuse a weak *pin* (see `check_strength`), except a sandbox's own, which is no secret."""
    if not (home.is_sandbox and pin.same_as(Pin(OF_SANDBOXES))):
        check_strength(pin, birth_date)
