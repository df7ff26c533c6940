"""People at the desk: making a profile, saying who one is, changing the PIN."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple, Self

from hongbao.answers import Founded, Identified, PinChanged, ProfileLine
from hongbao.domain.dates import china_day
from hongbao.domain.identity import (
    IdNumber,
    mask_id_number,
    mask_real_name,
    parse_id_number,
    parse_real_name,
)
from hongbao.domain.pin import Pin, check_strength
from hongbao.domain.policy import Policy
from hongbao.domain.text import name_key, parse_profile_name
from hongbao.env import Env
from hongbao.errors import (
    AlreadyIdentified,
    HomeExists,
    HomeNotFound,
    IdentityMismatch,
    NameTaken,
    TooManyProfiles,
)
from hongbao.store import Holder, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.desk import AskPin, Desk, Identity, Private
from hongbao.wallet.opening import LEDGER, key_folder, make_ledger

DEMO_DICE = "demo"
"""The seed of a demo's chance, where no other is given."""


class People(Desk):
    """What a person does about themselves."""

    @classmethod
    def found(
        cls,
        env: Env,
        name: str,
        *,
        pin: AskPin,
        policy: Policy,
        clock: datetime | None = None,
        dice: str | None = None,
        demo: bool = False,
        passphrase: Callable[[], str] | None = None,
        request_id: str | None = None,
    ) -> tuple[Self, Founded]:
        """
        Make a profile called *name*, and the home around it if this is the first.

        *policy*, *clock* (a virtual one that starts there) and *dice* (a seed for all chance, so
        that the same commands give the same ledger) are a new home's to choose; *demo* chooses
        those of the two that are not given. The PIN is asked for before anything is made.

        Raises InvalidName, NameTaken, HomeExists, WeakPin and what `Opened.open` raises.
        """
        name = parse_profile_name(name)
        try:
            desk = cls.open(env, profile=name, passphrase=passphrase)
        except HomeNotFound:
            chosen = _strong(pin)
            keys = key_folder(env)
            desk = cls(env, keys, *make_ledger(env.data / LEDGER, keys, passphrase), name)
            pin = lambda: chosen  # noqa: E731 - asked for once
        with ExitStack() as closing:
            closing.enter_context(desk)
            answer = desk._join(name, pin, _NewHome(policy, clock, dice, demo), request_id)
            closing.pop_all()  # it stays open for the caller
        return desk, answer

    def _join(self, name: str, pin: AskPin, new: "_NewHome", request_id: str | None) -> Founded:
        """Add the profile *name*, and where there is no home yet, the home as *new* has it."""
        inputs: dict[str, object] = {
            "name": name,
            "clock": None if new.clock is None else iso(new.clock),
            "dice": new.dice,
        }
        if new.demo:  # not the moment it stands for, which is another one when it is asked again
            inputs["demo"] = True
        new = new.complete(self.env.now())
        exists = self.store.home() is not None
        taken = self.store.profile(name_key(name)) is not None
        if taken:
            first: Founded | None = self._answered("init", inputs, request_id)
            if first is not None:
                return first
        if exists and new.chosen:
            raise HomeExists
        if taken:
            raise NameTaken(name)
        chosen = _strong(pin)

        def founding() -> None:
            nonlocal exists
            exists = False
            self.store.keep_policy(new.policy.ref, new.policy.text)
            self.store.make_home(
                made_at=new.clock or self.env.now(),
                generation=self.vault.generation,
                policy=new.policy.ref,
            )
            if new.clock is not None:
                self.store.set_virtual_clock(new.clock)
            if new.dice is not None:
                self.store.set_dice(new.dice.encode())

        def made() -> ProfileRow:
            nonlocal taken
            profile = self.store.profile(name_key(name))
            taken = profile is not None
            if profile is not None:
                return profile
            number = self.store.next_profile()
            self.tries.start(Holder("profile", number).label)
            added = self.store.add_profile(
                number,
                name=name,
                name_key=name_key(name),
                pin_hash=self.vault.hash_pin(number, chosen),
                opened_at=self.now(),
            )
            if self.home.current_profile is None:
                self.store.set_current_profile(number)
            return added

        def work(doing: Act) -> Founded:
            if exists and new.chosen:  # somebody else was quicker
                raise HomeExists
            if taken:
                raise NameTaken(name)
            return {
                **doing.common,
                "profile": doing.me.name,
                "tier": self.tier(doing.me).name,
                "policy": self.policy.ref,
                "clock": "real" if doing.home.virtual_at is None else "virtual",
            }

        exists = True
        return self._act(
            "init", inputs, work, request_id=request_id, founding=founding, profile=made
        )

    def profiles(self) -> list[ProfileLine]:
        """Return everyone in the home, personal data masked, oldest first."""
        with self.looking():
            current = self.home.current_profile
            return [self._profile_line(row, current) for row in self.store.profiles()]

    def _profile_line(self, row: ProfileRow, current: int | None) -> ProfileLine:
        return {
            "profile": row.name,
            "current": row.id == current,
            "tier": self.tier(row).name,
            "real_name": self._masked(row, "real_name"),
            "id_number": self._masked(row, "id_number"),
            "cards": len(self.store.cards(row.id)),
            "opened_at": iso(row.opened_at),
        }

    def _masked(self, row: ProfileRow, place: str) -> str | None:
        sealed = row.real_name if place == "real_name" else row.id_number
        if sealed is None:
            return None
        mask = mask_real_name if place == "real_name" else mask_id_number
        return mask(self.vault.unseal(row.id, place, sealed))

    def use(self, name: str) -> ProfileLine:
        """Act as *name* from now on, where no profile is named. Raises ProfileNotFound."""
        with self.changing():
            row = self._profile_named(name)
            self.store.set_current_profile(row.id)
        return self._profile_line(row, row.id)

    def change_pin(self, old: AskPin, new: AskPin, *, request_id: str | None = None) -> PinChanged:
        """Replace the payment PIN. Raises WrongPin, PinLocked, InvalidPin or WeakPin."""
        first: PinChanged | None = self._answered("pin_change", {}, request_id)
        if first is not None:
            self._authorise(new)  # what was asked for is in force: only who knows it is told so
            return first
        self._authorise(old)
        me = self.me
        chosen = new()
        birth_date = None
        if me.id_number is not None:
            number = self.vault.unseal(me.id, "id_number", me.id_number)
            birth_date = parse_id_number(number, china_day(self.now())).birth_date
        check_strength(chosen, birth_date)
        hashed = self.vault.hash_pin(me.id, chosen)

        def work(doing: Act) -> PinChanged:
            self.store.set_pin(Holder("profile", doing.me.id), hashed)
            return {**doing.common, "profile": doing.me.name}

        return self._act("pin_change", {}, work, request_id=request_id)

    def read_identity(self, name: str, id_number: str) -> tuple[str, IdNumber]:
        """Read a real name and an ID number. Raises InvalidRealName or InvalidIdNumber."""
        return parse_real_name(name), parse_id_number(id_number, china_day(self.now()))

    def identify(
        self,
        real_name: str,
        id_number: str,
        *,
        pin: AskPin,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> Identified:
        """
        Say who this profile is (实名认证); limits follow from it.

        One ID number on several profiles is one person, who shares one set of limits.

        Raises InvalidRealName, InvalidIdNumber, WrongPin, PinLocked, AlreadyIdentified,
        IdentityMismatch, TooManyProfiles, or WeakPin where the PIN is the birth date.
        """
        name, number = self.read_identity(real_name, id_number)
        identity = as_identity(name, number)
        inputs = identity.as_inputs()
        first: Identified | None = self._answered("identify", inputs, request_id)
        if first is not None:
            return first
        chosen = self._authorise(pin)
        check_strength(chosen, number.birth_date)

        def work(doing: Act) -> Identified:
            me = doing.me
            if me.id_number is not None:
                real = self._masked(me, "real_name")
                raise AlreadyIdentified(profile=me.name, real_name=real or "")
            policy = self.policy
            name_index, id_index = (private.mark(self.vault) for private in identity)
            known = self.store.person_of_id_number(id_index)
            person = me.person
            if known is not None:
                person, their_name = known
                if their_name != name_index:
                    raise IdentityMismatch
                if len(self.store.profiles_of_person(person)) >= policy.profiles_per_person:
                    raise TooManyProfiles(profiles_max=policy.profiles_per_person)
            self.store.identify(
                me,
                person=person,
                id_number_index=id_index,
                real_name_index=name_index,
                id_number=self.vault.seal(me.id, "id_number", number.number),
                real_name=self.vault.seal(me.id, "real_name", name),
            )
            return {
                **doing.common,
                "profile": me.name,
                "real_name": mask_real_name(name),
                "id_number": mask_id_number(number.number),
                "tier": self.tier(self.me).name,
                "profiles_of_person": len(self.store.profiles_of_person(person)),
            }

        return self._act(
            "identify",
            inputs,
            work,
            request_id=request_id,
            dry_run=dry_run,
            any_device=self._is_stranded(self.me),
        )

    def _is_stranded(self, me: ProfileRow) -> bool:
        """
        Return whether none of the devices that *me* let in is this machine.

        Whoever never said who they are could not prove it to let this one in, and would be locked
        out for good; so they may say it now, from a device that still waits.

        Accepted: so may whoever has the home and its PIN, but none of its devices' keys.
        """
        rows = self.store.devices_of(me.id)
        return not any(row.is_let_in and self.device_keys.holds(row.public_key) for row in rows)


class _NewHome(NamedTuple):
    """What is for whoever makes a home to choose."""

    policy: Policy
    clock: datetime | None
    dice: str | None
    demo: bool

    def complete(self, now: datetime) -> "_NewHome":
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


def as_identity(name: str, number: IdNumber) -> Identity:
    """Return a real *name* and an ID *number* as requests are made of them."""
    return Identity(Private("real_name", name), Private("id_number", number.number))


def _strong(pin: AskPin) -> Pin:
    chosen = pin()
    check_strength(chosen, None)
    return chosen
