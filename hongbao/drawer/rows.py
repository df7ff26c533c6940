"""The rows that the drawer hands out."""

from datetime import datetime
from typing import NamedTuple

from hongbao.domain.ledger import Account
from hongbao.domain.packet import Packet
from hongbao.units import to_micros


class HomeRow(NamedTuple):
    """What is true of the whole home."""

    made_at: datetime
    virtual_at: datetime | None
    generation: int
    retired: bytes | None
    policy: str | None
    current_profile: int | None
    dice: bytes | None
    dice_drawn: int


class ProfileRow(NamedTuple):
    """One profile."""

    id: int
    name: str
    person: int
    account: Account
    opened_at: datetime
    real_name: bytes | None
    id_number: bytes | None
    pin_hash: str
    pin_tries: int
    pin_cleared: int
    pin_locked_until: datetime | None


class CardRow(NamedTuple):
    """One bound card, and the account behind it."""

    id: int
    profile: int
    name: str
    bank: str
    tail: str
    number: bytes
    deposit: Account
    bound_at: datetime
    removed_at: datetime | None


class PacketRow(NamedTuple):
    """A packet with what only the drawer and the desk need of it."""

    packet: Packet
    account: Account
    entry: int
    card: int | None
    seed: bytes
    greeting: str
    cover: str | None
    sender_name: str
    recipient_name: str | None


class ClaimRow(NamedTuple):
    """One claimed share."""

    at: datetime
    seat: int
    profile: int
    profile_name: str
    amount_fen: int
    request_id: str


class EntryRow(NamedTuple):
    """One act, as it stands in the chain."""

    id: int
    act: str
    profile: int | None
    request_id: str
    inputs: bytes
    packet: int | None
    counterparty: int | None
    amount_fen: int
    balance_fen: int | None
    policy: str | None
    at: datetime
    clock: str
    answer: str
    generation: int
    mac: bytes

    @property
    def sealed_fields(self) -> tuple[object, ...]:
        """Everything that the entry's MAC covers besides its transfers and the entry before."""
        return (
            self.id,
            self.act,
            self.profile,
            self.request_id,
            self.inputs,
            self.packet,
            self.counterparty,
            self.amount_fen,
            self.balance_fen,
            self.policy,
            to_micros(self.at),
            self.clock,
            self.answer,
            self.generation,
        )


class Movement(NamedTuple):
    """One line of a profile's history."""

    entry: int
    act: str
    at: datetime
    request_id: str
    amount_fen: int
    balance_fen: int
    packet: str | None
    packet_kind: str | None
    counterparty: str | None
    answer: str


class Head(NamedTuple):
    """The last entry of the chain."""

    entry: int
    mac: bytes
    at: datetime | None


EMPTY_HEAD = Head(0, bytes(32), None)
