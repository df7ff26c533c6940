"""The rows that the drawer hands out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from hongbao.domain.channel import Direction, MessageState
from hongbao.domain.ledger import Account, Kind, Reason
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
    risk_pack: str | None = None
    risk_model: str | None = None

    @property
    def is_demo(self) -> bool:
        """Whether banks can be told to fail: time and chance here are nobody's but the user's."""
        return self.virtual_at is not None and self.dice is not None

    @property
    def is_scripted(self) -> bool:
        """Whether a seed decides its luck while its clock is real, so that nothing else says so."""
        return self.virtual_at is None and self.dice is not None


class ProfileRow(NamedTuple):
    """One profile."""

    id: int
    name: str
    person: int
    account: Account
    opened_at: datetime
    real_name: bytes | None
    id_number: bytes | None
    refund_to: str  # card or balance: where what a card paid for goes back to
    totp_secret: bytes | None = None
    totp_step: int = 0


class DeviceRow(NamedTuple):
    """A device, as one profile has let it in."""

    id: int
    name: str
    public_key: bytes
    city: int
    session: int
    cut_at: datetime | None
    fault: str | None
    state: str  # pending, approved, certified, removed
    since: datetime

    @property
    def is_let_in(self) -> bool:
        return self.state in ("approved", "certified")


class BillFileRow(NamedTuple):
    """A bill of another institution's, as it was brought in; *answer* is what was told then."""

    number: int
    id: str
    entry: int
    answer: str


class OperatorRow(NamedTuple):
    """Somebody who may put books right, and is no user of the wallet."""

    id: int
    name: str


class JudgedRow(NamedTuple):
    """An act with the record of how it was judged; of others, of what is remembered."""

    entry: int
    profile: int
    at: datetime
    act: str
    request_id: str
    answer: str
    risk: str


class ChallengeRow(NamedTuple):
    """A question that stands before an act."""

    number: int
    id: str
    profile: int
    entry: int
    inputs: bytes
    puzzle: str
    expires_at: datetime
    tries: int = 0
    state: str = "open"  # open, passed, failed, used


class CaseRow(NamedTuple):
    """A case that a reviewer looks at."""

    number: int
    id: str
    kind: str  # hold, large, suspicious
    profile: int
    rule: str
    amount_fen: int
    entry: int
    packet: int | None
    message: int | None
    until: datetime | None
    ends: str | None  # release, return: what becomes of a hold by itself
    state: str = "open"
    closed: int | None = None


class CaseActRow(NamedTuple):
    """The act that a case is about."""

    at: datetime
    act: str
    request_id: str
    packet: str | None
    payment: str | None
    counterparty: str | None


class OpinionRow(NamedTuple):
    """What an operator said of a case."""

    entry: int
    operator: int
    name: str
    verb: str  # approve, reject, escalate
    reason: str
    at: datetime


class RecordsRow(NamedTuple):
    """How much is kept, and since when."""

    first_at: datetime | None
    last_at: datetime | None
    entries: int
    judged: int  # of them, with what risk control measured
    stopped: int  # what it did not let happen
    cases: dict[str, int]  # of each kind
    waiting: int
    opinions: int
    by_operators: int  # entries that operators made


class Holder(NamedTuple):
    """Who has a PIN: a profile, or an operator."""

    table: str
    id: int

    @property
    def number(self) -> int:
        """What tells the holder apart from every other one of either kind."""
        return self.id if self.table == "profile" else -self.id

    @property
    def label(self) -> str:
        """What the files are called that are about the holder's PIN."""
        return f"{self.table}-{self.id}"


class PinRow(NamedTuple):
    """A holder's PIN, and how often it was tried."""

    hash: str
    tries: int
    cleared: int
    locked_until: datetime | None


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
    number_index: bytes  # the account's


class Marks(NamedTuple):
    """The blind indexes that a person is known by; None until somebody said who they are."""

    real_name: bytes | None
    id_number: bytes | None


class PacketRow(NamedTuple):
    """A packet with what only the ledger and acts need of it."""

    packet: Packet
    account: Account
    entry: int
    card: int | None
    seed: bytes
    greeting: str
    cover: str | None
    sender_name: str
    recipient_name: str | None


class MessageRow(NamedTuple):
    """One payment through the channel, as the platform has it."""

    number: int
    id: str
    channel: str
    bank: str
    card: int
    profile: int
    direction: Direction
    reason: Reason
    amount_fen: int
    fee_fen: int
    packet: int | None
    terms: Mapping[str, Any]
    created_at: datetime
    due_at: datetime
    entry: int
    day: str
    state: MessageState = MessageState.CREATED
    outcome: int | None = None
    batch: int | None = None


class BankMessageRow(NamedTuple):
    """The same payment, as its bank has it."""

    message: int
    bank: str
    state: str  # queued, booked, refused, reversed
    reason: str | None = None
    ready_at: datetime | None = None


class BatchRow(NamedTuple):
    """One settlement."""

    number: int
    id: str
    entry: int


class ClaimRow(NamedTuple):
    """One claimed share."""

    at: datetime
    seat: int
    profile: int
    profile_name: str
    amount_fen: int
    request_id: str
    hold: str | None = None  # the state of the case that holds it, or held it


UNGUARDED = (None, None, None, None)
"""An entry's risk, device, session and signature where nobody judged it and nobody signed."""


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
    risk: str | None = None
    device: int | None = None
    session: int | None = None
    signature: bytes | None = None

    @property
    def sealed_fields(self) -> tuple[object, ...]:
        """
        Everything that the entry's MAC covers besides its transfers and the entry before.

        How it was judged and who signed it are covered where they are there: entries of ledgers
        before the third form have neither.
        """
        fields = (
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
        guarded = (self.risk, self.device, self.session, self.signature)
        return fields if guarded == UNGUARDED else fields + guarded


class ActRow(NamedTuple):
    """One act, as somebody looks at it who wants to know what was done, and how long it took."""

    entry: int
    act: str
    profile: int | None
    request_id: str
    packet: int | None
    message: int | None
    at: datetime
    answer: str
    took: Mapping[int, int]  # microseconds, by the number of the step


class TakenRow(NamedTuple):
    """One claimed share, with the act of claiming it."""

    seat: int
    profile: str
    amount_fen: int
    act: ActRow


class MovedRow(NamedTuple):
    """One transfer, by the kinds of its accounts."""

    entry: int
    book: str
    debit: str
    credit: str
    amount_fen: int
    reason: str


class HeldRow(NamedTuple):
    """What accounts of a kind hold together; *owner* is 0 where they are several people's."""

    book: str
    kind: Kind
    owner: int
    accounts: int
    held_fen: int


class ChangeRow(NamedTuple):
    """An account: what it holds, how that changed since some act, and by that act itself."""

    book: str
    kind: Kind
    owner: int
    held_fen: int
    since_fen: int
    own_fen: int


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
    shares: int | None
    greeting: str | None
    refunded_fen: int | None  # of a packet that was sent, before the span's end
    counterparty: str | None
    answer: str
    status: str  # how its payment, or its hold, stood before the span's end
    asked: int | None  # the entry that asked for the payment of which this one is the outcome


class EventRow(NamedTuple):
    """One entry, as whoever watches the home sees it."""

    entry: int
    at: datetime
    act: str
    profile_name: str | None
    packet: str | None
    message: str | None
    answer: str


class Head(NamedTuple):
    """The last entry of the chain."""

    entry: int
    mac: bytes
    at: datetime | None


EMPTY_HEAD = Head(0, bytes(32), None)
