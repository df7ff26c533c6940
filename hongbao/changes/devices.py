"""Changes of devices, and of their enrolments by profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.store import Touched


class AddDevice(Row):
    """Add a device, which no profile has enrolled yet."""

    device: int
    name: str
    name_key: str
    public_key: bytes
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)


class RetireDevice(Row):
    """Free the name of *device*, which no profile has enrolled any more."""

    device: int

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)


class Enrol(Row):
    """Set the enrolment of *device* by *profile* from *at* on."""

    profile: int
    device: int
    state: str  # pending, approved, certified, removed
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("enrolment", self.profile, self.device),)


class Certify(Row):
    """Certify *device* for *profile*: its signature counts as a factor."""

    profile: int
    device: int

    @property
    def touches(self) -> Touched:
        return (("enrolment", self.profile, self.device),)


class CutSession(Row):
    """End the session of *device*, and the simulated fault of a demo's."""

    device: int
    at: datetime

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)


class BeginSession(Row):
    """Begin the next session of *device*."""

    device: int

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)


class SetCounter(Row):
    """Remember the last counter that *device* has signed an act with."""

    device: int
    counter: int

    @property
    def touches(self) -> Touched:
        return (("counter", self.device),)


class SetCity(Row):
    """Set the city of *device*."""

    device: int
    city: int

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)


class SetDeviceFault(Row):
    """Set the fault of a demo's *device*."""

    device: int
    fault: str | None

    @property
    def touches(self) -> Touched:
        return (("device", self.device),)
