"""Changes of people: profiles, persons, operators, their PINs and authenticators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.store import Holder, ProfileRow, Touched


class AddProfile(Row):
    """Add the profile *row*, and the person behind it until they say who they are."""

    row: ProfileRow
    name_key: str
    pin_hash: str

    @property
    def touches(self) -> Touched:
        return (
            ("profile", self.row.id),
            ("person", self.row.person),
        )


class AddOperator(Row):
    """Add an operator, who may put books right and is no user of the wallet."""

    operator: int
    name: str
    name_key: str
    pin_hash: str
    made_at: datetime

    @property
    def touches(self) -> Touched:
        return (("operator", self.operator),)


class SetPin(Row):
    """Make *pin_hash* what the holder's PIN is compared with."""

    holder: Holder
    pin_hash: str

    @property
    def touches(self) -> Touched:
        return ((self.holder.table, self.holder.id),)


class SetPinTries(Row):
    """Count a try at the holder's PIN: not an act, and next to the keys as well."""

    holder: Holder
    tries: int
    cleared: int
    locked_until: datetime | None

    @property
    def touches(self) -> Touched:
        return (("pin", self.holder.label),)


class SetTotp(Row):
    """Keep the sealed *secret* of the profile's authenticator; None is that there is none."""

    profile: int
    secret: bytes | None

    @property
    def touches(self) -> Touched:
        return (("profile", self.profile),)


class SetTotpStep(Row):
    """Remember the last time step whose code was used: no code counts twice."""

    profile: int
    step: int

    @property
    def touches(self) -> Touched:
        return (("pin", f"profile-{self.profile}"),)


class SetRefundTo(Row):
    """Choose where packets that a card paid for are refunded *to*: card or balance."""

    profile: int
    to: str

    @property
    def touches(self) -> Touched:
        return (("profile", self.profile),)


class Identify(Row):
    """Identify *profile* as *person*, whose usage now includes the profile's."""

    profile: ProfileRow
    person: int
    id_number_index: bytes
    real_name_index: bytes
    id_number: bytes
    real_name: bytes

    @property
    def touches(self) -> Touched:
        return (
            ("profile", self.profile.id),
            ("person", self.profile.person),
            ("person", self.person),
        )


class Reseal(Row):
    """Replace what is sealed of *profile* by the same under a new key."""

    profile: int
    real_name: bytes | None
    id_number: bytes | None
    totp_secret: bytes | None

    @property
    def touches(self) -> Touched:
        return (("profile", self.profile),)


class ReindexPerson(Row):
    """Replace the blind indexes of *person* by those under a new key."""

    person: int
    id_number_index: bytes
    real_name_index: bytes

    @property
    def touches(self) -> Touched:
        return (("person", self.person),)
