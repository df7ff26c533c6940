"""Signing at the desk: every act is signed by a device of the person who asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.chain import statement
from hongbao.domain.text import name_key
from hongbao.errors import (
    BadSignature,
    DeviceKeyMissing,
    DeviceNotEnrolled,
    DevicePending,
    HeldByRisk,
    HongbaoError,
    ReplayedNonce,
    SessionCut,
)
from hongbao.store import DeviceRow, Head, ProfileRow
from hongbao.wallet.acts import Act
from hongbao.wallet.opened import Opened

if TYPE_CHECKING:
    from hongbao.vault import DeviceKeys

FIRST = "{profile}-{number}"
"""What the devices are called that nobody gave a name."""

TELLING_FAULTS = "device_fault"
"""The act that tells a demo's device what to do wrong: it is not the device that does it."""


class Signed(NamedTuple):
    """A request as its device signs it; *nonce* is the number that its entry is to have."""

    device: int
    session: int
    nonce: int
    signature: bytes


class Signing(Opened):
    """The device's side, which signs, and the platform's, which believes nothing else."""

    _device_keys: "tuple[int, DeviceKeys] | None" = None
    _made_keys: list[bytes] | None = None

    @property
    def device_keys(self) -> "DeviceKeys":
        """The keys of the devices that are this machine."""
        known = self._device_keys
        if known is None or known[0] != self.vault.generation:
            from hongbao.vault import DeviceKeys

            known = (self.vault.generation, DeviceKeys(self.env.keys, self.vault))
            self._device_keys = known
        return known[1]

    def device(self, me: ProfileRow) -> DeviceRow | None:
        """
        Return the device that *me* acts from: the one named behind an @, or the first one here.

        A profile of a home that is older than devices has none.

        Raises DeviceNotEnrolled, or DeviceKeyMissing where its key is not on this machine.
        """
        if self._device_name is not None:
            row = self.store.device_of(me.id, name_key(self._device_name))
            if row is None or row.state == "removed":
                raise DeviceNotEnrolled(device=self._device_name, profile=me.name)
            return self._held_here(row)
        rows = [row for row in self.store.devices_of(me.id) if row.state != "removed"]
        here = [row for row in rows if self.device_keys.holds(row.public_key)]
        if not here:
            if rows:
                raise DeviceKeyMissing(device=rows[0].name)
            return None
        return next((row for row in here if row.is_let_in), here[0])

    def _held_here(self, row: DeviceRow) -> DeviceRow:
        """Return *row*. Raises DeviceKeyMissing where this machine cannot sign for it."""
        if not self.device_keys.holds(row.public_key):
            raise DeviceKeyMissing(device=row.name)
        return row

    def factors(self, me: ProfileRow) -> tuple[str, ...]:
        """
        Return what authenticates a payment of *me* from this device.

        That is the payment PIN; a code, where there is an authenticator, because then it is always
        asked for; and the device's signature, where the ID number vouches for the device.
        """
        try:
            device = self.device(me)
        except HeldByRisk:  # limits are looked at from anywhere; an act was refused before this
            device = None
        certified = device is not None and device.state == "certified"
        return (
            "pin",
            *(("totp",) if me.totp_secret is not None else ()),
            *(("signature",) if certified else ()),
        )

    def _enrol_first(self, me: ProfileRow) -> DeviceRow:
        """Let this machine in as the first device of *me*, in the act that is being done."""
        if self.store.devices_of(me.id):  # they were all removed: nobody is let in unasked again
            raise DeviceNotEnrolled(device=self._free_device_name(me.name), profile=me.name)
        row = self._make_device(self._free_device_name(me.name))
        self.store.enrol(me.id, row.id, "approved", self.now())
        enrolled = self.store.device_of(me.id, name_key(row.name))
        assert enrolled is not None
        return enrolled

    def _make_device(self, name: str) -> DeviceRow:
        """Make a device that nobody has let in yet, with a key on this machine."""
        public_key = self.device_keys.create()
        assert self._made_keys is not None
        self._made_keys.append(public_key)
        self.store.add_device(
            name=name, name_key=name_key(name), public_key=public_key, at=self.now()
        )
        row = self.store.device_named(name_key(name))
        assert row is not None
        return row

    @contextmanager
    def _keys_with_their_devices(self, *, dry_run: bool) -> Iterator[None]:
        """
        Destroy what keys were made within, where their devices did not come about.

        Killed in between, a process leaves the file of a key that no device has, which opens
        nothing.
        """
        if self._made_keys is not None:  # it is one of several steps of a dry run
            yield
            return
        made = self._made_keys = []
        came_about = False
        try:
            yield
            came_about = not dry_run
        finally:
            self._made_keys = None
            if not came_about:
                for public_key in made:
                    self.device_keys.remove(public_key)

    def _free_device_name(self, profile: str) -> str:
        number = 1
        while self.store.device_named(name_key(FIRST.format(profile=profile, number=number))):
            number += 1
        return FIRST.format(profile=profile, number=number)

    # --- one act ---------------------------------------------------------------------------------

    def _sign(self, act: str, doing: Act, before: Head, row: DeviceRow) -> Signed:
        """Sign *act* as the device *row* does; a demo's may have been told to do it wrong."""
        nonce, fault = doing.entry, None if act == TELLING_FAULTS else row.fault
        if fault == "replay":
            nonce = before.entry
        said = statement(
            doing.me.id, row.id, row.session, act, doing.request_id, doing.inputs, nonce, before.mac
        )
        signature = self.device_keys.sign(row.public_key, said)
        if fault == "forge":
            signature = bytes(64)
        return Signed(row.id, row.session, nonce, signature)

    def _distrusted(
        self, act: str, doing: Act, before: Head, row: DeviceRow, signed: Signed
    ) -> HongbaoError | None:
        """
        Return why the platform does not believe what is *signed*; None where it does.

        The nonce is the number of the entry to come and the statement names the MAC before it, so
        that a request which was seen once can never be made again, nor put elsewhere.
        """
        from hongbao.vault import verify

        if signed.nonce != before.entry + 1:
            return ReplayedNonce(device=row.name)
        said = statement(
            doing.me.id,
            signed.device,
            signed.session,
            act,
            doing.request_id,
            doing.inputs,
            signed.nonce,
            before.mac,
        )
        if signed.session != row.session or not verify(row.public_key, said, signed.signature):
            return BadSignature(device=row.name)
        return None

    def _check_this_machine(self, me: ProfileRow) -> None:
        """
        Raise unless this machine could sign as a device that *me* has let in.

        For what is no act, and yet done in somebody's name. A home that is older than devices has
        none to ask for. Raises DeviceKeyMissing, DeviceKeyDamaged, DevicePending or SessionCut.
        """
        row = self.device(me)
        if row is not None:
            self._check_device(row)
            self.device_keys.check(row.public_key)

    def _check_device(self, row: DeviceRow) -> None:
        """Raise DevicePending or SessionCut where the device may not act."""
        if row.state == "pending":
            raise DevicePending(device=row.name)
        if row.cut_at is not None:
            raise SessionCut(device=row.name)
