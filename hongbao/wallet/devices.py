"""Devices at the desk: which sign for a profile, and the authenticator beside them."""

from collections.abc import Callable

from hongbao.answers import (
    DeviceChanged,
    DeviceFaultSet,
    DeviceLine,
    DeviceMoved,
    DeviceRemoved,
    LoggedIn,
    TotpChanged,
    TotpShown,
)
from hongbao.domain.limits import factor_level
from hongbao.domain.risk.places import PLACES, place_called
from hongbao.domain.text import name_key, parse_device_name
from hongbao.errors import (
    AlreadyApproved,
    AuthenticatorExists,
    CodeNotRepeated,
    DeviceExists,
    DeviceInUse,
    DeviceNotFound,
    DevicePending,
    NoAuthenticator,
    NoSuchFault,
    NotADemoHome,
    NotIdentified,
    SessionCut,
    UnknownCity,
)
from hongbao.store import DeviceRow, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.desk import AskPin, Identity
from hongbao.wallet.people import People, as_identity
from hongbao.wallet.signing import TELLING_FAULTS

FAULTS = ("replay", "forge")
"""What a demo's device can be told to do wrong with its next request."""

NOWHERE = "unknown"

Typed = tuple[str, str]
"""A real name and an ID number, as somebody typed them."""


class Devices(People):
    """What a person does about the devices that they act from."""

    def devices(self) -> list[DeviceLine]:
        """Return the devices that this profile has let in, or is asked to, oldest first."""
        with self.looking():
            me = self.me
            rows = [row for row in self.store.devices_of(me.id) if row.state != "removed"]
            current = self._acting(rows)
            return [self._device_line(me, row, current) for row in rows]

    def _acting(self, rows: list[DeviceRow]) -> int | None:
        """Return which of *rows* would sign now, if one would."""
        if self._device_name is not None:
            rows = [row for row in rows if name_key(row.name) == name_key(self._device_name)]
        here = [row for row in rows if self.device_keys.holds(row.public_key)]
        chosen = next((row for row in here if row.is_let_in), here[0] if here else None)
        return None if chosen is None else chosen.id

    def _device_line(self, me: ProfileRow, row: DeviceRow, current: int | None) -> DeviceLine:
        return {
            "device": row.name,
            "state": row.state,
            "current": row.id == current,
            "here": self.device_keys.holds(row.public_key),
            "city": PLACES[row.city].code,
            "session": row.session,
            "cut_at": None if row.cut_at is None else iso(row.cut_at),
            "since": iso(row.since),
            "shared_with": [name for name in self.store.profiles_on(row.id) if name != me.name],
            "fault": row.fault,
        }

    # --- letting in ------------------------------------------------------------------------------

    def add_device(
        self,
        name: str,
        *,
        pin: AskPin,
        identity: Typed | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> DeviceChanged:
        """
        Ask that the device *name*, which is this machine, be let in; it signs that itself.

        A new name is a new key. The name of a device that another profile of this home has let in
        is that device, shared. It waits until it is approved; with the *identity* of whose profile
        it is, it is certified at once.

        Raises InvalidDeviceName, NotIdentified, DeviceExists, DeviceKeyMissing where a shared one
        is another machine, and what `_authorise` raises.
        """
        name = parse_device_name(name)
        proof = self._proof(identity)
        inputs = {"device": name_key(name), **({} if proof is None else proof.as_inputs())}
        first: DeviceChanged | None = self._answered("device_add", inputs, request_id)
        if first is not None:
            return first
        self._check_new(self.me, name)
        self._check_identified(proof)
        self._authorise(pin, identity=proof)
        state = "pending" if proof is None else "certified"

        def asking(me: ProfileRow) -> DeviceRow:
            self._check_new(me, name)
            if not self.store.devices_of(me.id):  # of a home that is older than devices
                self._enrol_first(me)
            shared = self.store.device_named(name_key(name))
            return self._make_device(name) if shared is None else self._held_here(shared)

        def work(doing: Act) -> DeviceChanged:
            assert doing.device is not None
            self._check_session(doing)
            self.store.enrol(doing.me.id, doing.device.id, state, doing.now)
            return self._device_changed(doing, doing.device, state)

        return self._act(
            "device_add",
            inputs,
            work,
            request_id=request_id,
            dry_run=dry_run,
            any_device=True,
            by=asking,
        )

    def approve_device(
        self,
        name: str,
        *,
        pin: AskPin,
        identity: Typed | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> DeviceChanged:
        """
        Let the device *name* in, from one that is in already.

        With the *identity* of whose profile it is, from any device; the device is certified then:
        its signature vouches for the person, and counts as a factor of authentication.

        Raises DeviceNotFound, AlreadyApproved, NotIdentified, and what `_authorise` raises.
        """
        proof = self._proof(identity)
        inputs = {"device": name_key(name), **({} if proof is None else proof.as_inputs())}
        first: DeviceChanged | None = self._answered("device_approve", inputs, request_id)
        if first is not None:
            return first
        state = "approved" if proof is None else "certified"
        self._waiting(self.me, name, state)
        self._check_identified(proof)
        self._authorise(pin, identity=proof)

        def work(doing: Act) -> DeviceChanged:
            self._check_session(doing)
            row = self._waiting(doing.me, name, state)
            if row.is_let_in:
                self.store.certify(doing.me.id, row.id)
            else:
                self.store.enrol(doing.me.id, row.id, state, doing.now)
            return self._device_changed(doing, row, state)

        return self._act(
            "device_approve",
            inputs,
            work,
            request_id=request_id,
            dry_run=dry_run,
            any_device=proof is not None,
        )

    def remove_device(
        self,
        name: str,
        *,
        pin: AskPin,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> DeviceRemoved:
        """
        Let the device *name* in no more; its key is destroyed where no other profile has it in.

        Raises DeviceNotFound, DeviceInUse for the device that is acted from, and what `_authorise`
        raises.
        """
        inputs = {"device": name_key(name)}
        first: DeviceRemoved | None = self._answered("device_remove", inputs, request_id)
        if first is None:
            self._device_called(self.me, name)
            self._authorise(pin)

        def work(doing: Act) -> DeviceRemoved:
            assert doing.device is not None
            row = self._device_called(doing.me, name)
            if row.id == doing.device.id:
                raise DeviceInUse(device=row.name, profile=doing.me.name)
            self.store.enrol(doing.me.id, row.id, "removed", doing.now)
            retired = not self.store.is_used(row.id)
            if retired:
                self.store.retire_device(row.id)
            return {
                **self._device_changed(doing, row, "removed"),
                "key_destroyed": retired and self.device_keys.holds(row.public_key),
            }

        removed = first or self._act(
            "device_remove", inputs, work, request_id=request_id, dry_run=dry_run
        )
        if not dry_run:
            self._destroy_retired_keys()
        return removed

    def _destroy_retired_keys(self) -> None:
        """Destroy the keys of devices that nobody has in any more, also those a crash has left."""
        for public_key in self.store.retired_keys():
            if self.device_keys.holds(public_key):
                self.device_keys.remove(public_key)

    def _device_changed(self, doing: Act, row: DeviceRow, state: str) -> DeviceChanged:
        return {**doing.common, "profile": doing.me.name, "device": row.name, "state": state}

    # --- what is checked -------------------------------------------------------------------------

    def _device_called(self, me: ProfileRow, name: str) -> DeviceRow:
        row = self.store.device_of(me.id, name_key(name))
        if row is None or row.state == "removed":
            raise DeviceNotFound(name)
        return row

    def _check_new(self, me: ProfileRow, name: str) -> None:
        row = self.store.device_of(me.id, name_key(name))
        if row is not None and row.state != "removed":
            raise DeviceExists(device=row.name, profile=me.name)

    def _waiting(self, me: ProfileRow, name: str, state: str) -> DeviceRow:
        """Return the device *name*, for which *state* would be something new."""
        row = self._device_called(me, name)
        if row.state == "certified" or row.state == state:
            raise AlreadyApproved(device=row.name)
        return row

    def _check_session(self, doing: Act) -> None:
        """Raise SessionCut: an identity lets a device in, but ends no distrust."""
        assert doing.device is not None
        if doing.device.cut_at is not None:
            raise SessionCut(device=doing.device.name)

    def _proof(self, identity: Typed | None) -> Identity | None:
        return None if identity is None else as_identity(*self.read_identity(*identity))

    def _check_identified(self, proof: Identity | None) -> None:
        me = self.me
        if proof is not None and me.id_number is None:
            raise NotIdentified(profile=me.name)

    # --- sessions, places, faults ----------------------------------------------------------------

    def login(
        self, name: str | None = None, *, pin: AskPin, request_id: str | None = None
    ) -> LoggedIn:
        """
        Begin a new session on the device *name*, or on the one that is acted from.

        A session is the device's: it begins anew for every profile that has let the device in.

        Raises DeviceNotFound, DeviceKeyMissing, DevicePending, and what `_authorise` raises.
        """
        inputs = {"device": None if name is None else name_key(name)}
        first: LoggedIn | None = self._answered("device_login", inputs, request_id)
        if first is not None:
            return first
        self._logging_in(self.me, name)
        self._authorise(pin)

        def work(doing: Act) -> LoggedIn:
            row = doing.device
            assert row is not None
            self.store.begin_session(row.id)
            return {
                **doing.common,
                "profile": doing.me.name,
                "device": row.name,
                "session": row.session + 1,
            }

        return self._act(
            "device_login",
            inputs,
            work,
            request_id=request_id,
            any_device=True,
            by=lambda me: self._logging_in(me, name) or self._enrol_first(me),
        )

    def _logging_in(self, me: ProfileRow, name: str | None) -> DeviceRow | None:
        row = self.device(me) if name is None else self._held_here(self._device_called(me, name))
        if row is not None and row.state == "pending":
            raise DevicePending(device=row.name)
        return row

    def move(
        self, city: str, *, request_id: str | None = None, dry_run: bool = False
    ) -> DeviceMoved:
        """
        Say that the device which is acted from is in *city* now; unknown takes that back.

        Raises UnknownCity.
        """
        place = PLACES[0] if city.strip().casefold() == NOWHERE else place_called(city)
        if place is None:
            raise UnknownCity(city)

        def work(doing: Act) -> DeviceMoved:
            row = doing.device
            assert row is not None
            self.store.set_city(row.id, place.number)
            return {
                **doing.common,
                "profile": doing.me.name,
                "device": row.name,
                "city": place.code,
                "before": PLACES[row.city].code,
            }

        inputs = {"city": place.code}
        return self._act("device_move", inputs, work, request_id=request_id, dry_run=dry_run)

    def set_device_fault(
        self,
        name: str,
        fault: str | None,
        *,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> DeviceFaultSet:
        """
        Tell the device *name* to do its next request wrong; None takes that back.

        ``replay`` signs with a nonce that was used, ``forge`` with a signature that is none. Either
        ends the session, and the fault with it.

        Raises NoSuchFault, NotADemoHome or DeviceNotFound.
        """
        if fault is not None and fault not in FAULTS:
            raise NoSuchFault(place=name, text=fault, known=", ".join((*FAULTS, "none")))

        def work(doing: Act) -> DeviceFaultSet:
            if not doing.home.is_demo:
                raise NotADemoHome
            row = self._device_called(doing.me, name)
            self.store.set_device_fault(row.id, fault)
            return {**doing.common, "device": row.name, "device_fault": fault}

        return self._act(
            TELLING_FAULTS,
            {"device": name_key(name), "fault": fault},
            work,
            request_id=request_id,
            dry_run=dry_run,
            any_device=True,
        )

    # --- authenticators --------------------------------------------------------------------------

    def totp(self) -> TotpShown:
        """Return whether there is an authenticator, and what authenticates a payment by now."""
        with self.looking():
            me = self.me
            factors = self.factors(me)
        return {
            "profile": me.name,
            "authenticator": me.totp_secret is not None,
            "factors": list(factors),
            "level": factor_level(factors),
        }

    def add_totp(
        self,
        share: Callable[[bytes, str], str],
        *,
        pin: AskPin,
        request_id: str | None = None,
    ) -> TotpChanged:
        """
        Give this profile an authenticator: from now on each PIN is asked for with its code.

        *share* is given the new secret and the profile's name, hands them to the authenticator, and
        returns the code that it shows then: what cannot show one is not added.

        Raises AuthenticatorExists, CodeNotRepeated, InvalidCode, and what `_authorise` raises.
        """
        from hongbao.vault.authenticator import matching_step, new_secret

        first: TotpChanged | None = self._answered("totp_add", {}, request_id)
        if first is not None:
            return first
        me = self.me
        if me.totp_secret is not None:
            raise AuthenticatorExists(profile=me.name)
        row = self.device(me)
        if row is not None:  # before a secret is handed out for nothing
            self._check_device(row)
        self._authorise(pin)
        secret = new_secret(self.vault.random)
        step = matching_step(secret, share(secret, me.name), self.now(), 0)
        if step is None:
            raise CodeNotRepeated

        def work(doing: Act) -> TotpChanged:
            if doing.me.totp_secret is not None:  # another process was quicker
                raise AuthenticatorExists(profile=doing.me.name)
            self.store.set_totp(
                doing.me.id, self.vault.seal(doing.me.id, "totp_secret", secret.hex())
            )
            self.store.set_totp_step(doing.me.id, step)
            return {**doing.common, "profile": doing.me.name, "authenticator": True}

        return self._act("totp_add", {}, work, request_id=request_id)

    def is_answered(self, act: str, request_id: str | None) -> bool:
        """Return whether *act*, which takes no inputs, was done under that id before."""
        return self._answered(act, {}, request_id) is not None

    def remove_totp(
        self, *, pin: AskPin, identity: Typed | None = None, request_id: str | None = None
    ) -> TotpChanged:
        """
        Take this profile's authenticator away, with its code, or, where it is lost, an *identity*.

        Raises NoAuthenticator, NotIdentified, and what `_authorise` raises.
        """
        proof = self._proof(identity)
        inputs = {} if proof is None else proof.as_inputs()
        first: TotpChanged | None = self._answered("totp_remove", inputs, request_id)
        if first is not None:
            return first
        self._check_authenticator(self.me)
        self._check_identified(proof)
        self._authorise(pin, identity=proof, code=proof is None)

        def work(doing: Act) -> TotpChanged:
            self._check_authenticator(doing.me)
            self.store.set_totp(doing.me.id, None)
            return {**doing.common, "profile": doing.me.name, "authenticator": False}

        return self._act("totp_remove", inputs, work, request_id=request_id)

    def _check_authenticator(self, me: ProfileRow) -> None:
        if me.totp_secret is None:
            raise NoAuthenticator(profile=me.name)
