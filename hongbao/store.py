"""The ledger's interface: typed rows, and its verbs in the domain's words."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol, overload

from hongbao.domain.chain import Act, encoded, line
from hongbao.domain.channel import MessageState
from hongbao.domain.ids import NUMBERS
from hongbao.domain.numbers import micros_of
from hongbao.errors import Busy, LedgerUnreachable
from hongbao.rows import Row
from hongbao.units import from_micros, to_micros
from hongbao.words import N_

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path
    from typing import Self

    from hongbao.domain.bill import Kept
    from hongbao.domain.channel import Direction, FaultRow, MessageState
    from hongbao.domain.fairness import DrawInput
    from hongbao.domain.ledger import Account, Kind, Reason, Transfer
    from hongbao.domain.limits import Usage
    from hongbao.domain.log.checkpoint import Checkpoint
    from hongbao.domain.log.leaves import Sealed
    from hongbao.domain.log.sealing import Lane, Step
    from hongbao.domain.log.tiles import Tile
    from hongbao.domain.packet import Packet
    from hongbao.domain.reconciliation import OurLine, TheirLine
    from hongbao.domain.settlement import Gross
    from hongbao.questions import Question

RowKey = tuple[str, *tuple[int | str, ...]]
"""A row by its table and key, such as ``("profile", 3)``."""

Touched = tuple[RowKey, ...]

SEALED = frozenset(
    {
        *("home", "policy", "risk_pack", "risk_model"),
        *("profile", "person", "operator", "card", "deposit", "device", "enrolment", "challenge"),
    }
)
"""
The tables whose rows are sealed by the act that leaves them so.

What the other tables hold follows from the chain, and `check` adds it up again.
"""


def key_of(row: RowKey) -> str:
    """Return the key of *row* as one text: ``3``, or ``3/1`` where it has two parts."""
    return "/".join(map(str, row[1:]))


class RuleBroken(Exception):
    """
    A change breaks a rule that the engine keeps, so nothing of its transaction is done.

    No act asks for one: it decided on what it has read under the same lock. So this is a mistake
    of ours, or the ledger was edited.
    """


class Overtaken(RuleBroken):
    """
    A row that belongs to no lane is not as the act has read it.

    With lanes another act was first, and this one is done again.
    """


class Again(Busy):
    """
    The engine has undone a transaction, for the sake of another one: it is to be done again.

    *elsewhere* says that the node is the reason, and that the engine has gone on to another. Where
    it is not done again, it is what it looks like: the ledger was busy.
    """

    code = "busy"

    def __init__(self, *, elsewhere: bool) -> None:
        super().__init__()
        self.elsewhere = elsewhere


class NodeLost(LedgerUnreachable):
    """
    A node was lost while one moment of it was looked at: no other node has that moment.

    The engine has gone on to another node, so a query may begin again there.
    """

    code = "ledger_unreachable"
    sentence = N_("the node of {where} that was being read does not answer any more")
    advice = N_("nothing was changed; try again: another node is asked then")


class Change(Protocol):
    """One decided change of the ledger."""

    @property
    def touches(self) -> Touched: ...

    def __iter__(self) -> Iterator[Any]: ...


RESTORE = "/restore/"
"""What the request id of a `restore` begins with; its entry's number follows, in nine digits."""


SANDBOX_MARK = b"\xffsandbox\xff"
"""
What a sandbox's seed begins with: it is not UTF-8, as every seed that is typed is.

The seed is sealed with the home's row, so a mark that is put there or taken away is found.
"""


class HomeRow(Row):
    """The row of the home itself."""

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
    def is_sandbox(self) -> bool:
        """Whether it was made by `hongbao sandbox`; no seed that is typed begins with its mark."""
        return self.dice is not None and self.dice.startswith(SANDBOX_MARK)

    @property
    def is_demo(self) -> bool:
        """Whether faults can be simulated: a demo home, whose clock and seed are the user's."""
        return self.virtual_at is not None and self.dice is not None

    @property
    def is_scripted(self) -> bool:
        """Whether a seed decides its luck while its clock is real, so that nothing else says so."""
        return self.virtual_at is None and self.dice is not None


class ProfileRow(Row):
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
    real_name_index: bytes | None = None  # the person's blind indexes, once they are verified
    id_number_index: bytes | None = None


class DeviceRow(Row):
    """A device, as one profile has let it in."""

    id: int
    name: str
    public_key: bytes
    city: int
    session: int
    counter: int  # no request of the device is new unless it has a greater one
    cut_at: datetime | None
    fault: str | None
    state: str  # pending, approved, certified, removed
    since: datetime

    @property
    def is_let_in(self) -> bool:
        return self.state in ("approved", "certified")


class StandingRow(Row):
    """The risk facts of a profile on a device."""

    cards: int  # of the profile
    devices: int  # that the profile has authorised
    device_profiles: int  # that have authorised the device
    others: int  # other profiles that have authorised the device, or were requested to


class BillFileRow(Row):
    """A bill of another institution's, and the act that imported it."""

    number: int
    id: str
    entry: int


class OperatorRow(Row):
    """An operator: may correct books, and is not a user of the wallet."""

    id: int
    name: str


class JudgedRow(Row):
    """An act with the record of how it was judged; of others, of what is remembered."""

    entry: int
    profile: int
    at: datetime
    act: str
    request_id: str
    facts: str
    risk: str


class HabitRow(Row):
    """A profile's habit as it was once kept: it follows from the records up to entry *upto*."""

    upto: int
    text: str


class KeptHabit(Row):
    """What a habit is derived from: the one last kept, and entries with risk records since."""

    kept: HabitRow | None
    records: list[tuple[int, str]]


class ChallengeRow(Row):
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


class CaseView(Enum):
    """Which cases, in which order."""

    WAITING = auto()
    """Those that wait for a reviewer, oldest first."""
    ALL = auto()
    """All of them, newest first."""
    OPENED = auto()
    """Those that one of *entries* opened, oldest first."""
    HOLDS = auto()
    """Holds of *packet* or a share of it, also former ones, oldest first."""
    ENDED = auto()
    """Holds that have ended by *until* without a reviewer, the earliest first."""


class OpinionRow(Row):
    """An operator's opinion on a case."""

    entry: int
    operator: int
    name: str
    verb: str  # approve, reject, escalate
    reason: str
    at: datetime


class CaseRow(Row):
    """A case that a reviewer looks at, and what operators said of it."""

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
    ends: str | None  # release, return: how a hold ends automatically
    state: str = "open"
    closed: int | None = None
    opinions: tuple[OpinionRow, ...] = ()  # in order


class RecordsRow(Row):
    """The number of records, and the time of the first."""

    first_at: datetime | None
    last_at: datetime | None
    entries: int
    judged: int  # of them, with what risk control measured
    stopped: int  # what it did not let happen
    cases: dict[str, int]  # of each kind
    waiting: int
    opinions: int
    by_operators: int  # entries that operators made


class Holder(Row):
    """The holder of a PIN: a profile, or an operator."""

    table: str
    id: int

    @property
    def number(self) -> int:
        """The number that identifies the holder among both kinds."""
        return self.id if self.table == "profile" else -self.id

    @property
    def label(self) -> str:
        """The name of the files about the holder's PIN."""
        return f"{self.table}-{self.id}"


class PinRow(Row):
    """A holder's PIN, and how often it was tried."""

    hash: str
    tries: int
    cleared: int
    locked_until: datetime | None


class CardRow(Row):
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


class DepositRow(Row):
    """A bank account behind a card number; the account's owner is its id."""

    account: Account
    is_bound: bool  # to a profile, now


class MessageView(Enum):
    """Which messages, in which order."""

    UNDER_WAY = auto()
    """Those of *profile* without an outcome, oldest first."""
    RETURNING = auto()
    """Those that carry money of *packet* back to its card, oldest first."""
    DUE = auto()
    """
    Those without an outcome that are due by *now*, the longest due first.

    One that is held waits for the end of its case.
    """
    UNSENT = auto()
    """The same without those that a bank has been silent about."""
    LATE = auto()
    """Those that the platform has given up and a bank has not, oldest first."""


class PacketView(Enum):
    """Which packets, in which order."""

    SENT = auto()
    """Those that a profile sent, newest first."""
    RECEIVED = auto()
    """Those that a profile has a share of, newest first."""
    CLAIMABLE = auto()
    """Open ones that a profile has no share of yet and did not send, the first to expire first."""
    CLAIMABLE_OR_OWN = auto()
    """The same with those for several that the profile sent."""
    OPEN = auto()
    """Those that a profile sent and that can be claimed, the first to expire first."""
    DUE = auto()
    """
    Those whose refund is due, the longest due first.

    One that is held is not there before its hold is ended.
    """


class SumsRow(Row):
    """What a profile has besides their balance, and what of it matures."""

    open_fen: int  # in packets that can be claimed
    due_back_fen: int  # in packets that are due back
    held_fen: int  # in held packets, shares, and withdrawals with their fees
    on_its_way_fen: int  # to a card, withdrawn or refunded; what is held has not set out
    unanswered: int  # payments that a bank has not answered yet
    maturing_fen: int  # of the balance, what cannot be withdrawn yet
    matures_at: datetime | None  # when the first of it can be

    @property
    def all_fen(self) -> int:
        """What the profile has besides their balance, together."""
        return self.open_fen + self.due_back_fen + self.held_fen + self.on_its_way_fen


class NextDue(Row):
    """When what is waiting falls due next."""

    hold_end: datetime | None  # when a hold ends, or ended, automatically
    refund: datetime | None  # when an open packet's refund is, or was, due
    delivery: datetime | None  # when a waiting message is due, or is given up
    is_unfinished: bool  # whether anything waits for an answer, or for the next settlement


class PacketRow(Row):
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


class MessageRow(Row):
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


class BankMessageRow(Row):
    """The same payment, as its bank has it."""

    message: int
    bank: str
    state: str  # queued, booked, refused, reversed
    reason: str | None = None
    ready_at: datetime | None = None


class BatchRow(Row):
    """One settlement."""

    number: int
    id: str
    entry: int


class CorrectionRow(Row):
    """A difference that was put right."""

    message: MessageRow
    kind: str
    amount_fen: int


class ClearingDay(Row):
    """A bank's clearing day on both sides; each is asked for when it is iterated over."""

    ours: Iterator[OurLine]
    """The platform's messages, by id."""
    theirs: Iterator[TheirLine]
    """The lines of the bank's statement, by message and in its own order."""
    corrections: Iterator[CorrectionRow]
    """The differences about the platform's messages that were put right, in order."""


class ClaimRow(Row):
    """One claimed share."""

    at: datetime
    seat: int
    profile: int
    profile_name: str
    amount_fen: int
    request_id: str
    drawn: DrawInput
    entry: int
    hold: str | None = None  # the state of the case that holds it, or held it


class EntryRow(Row):
    """One act, as it is in the chain."""

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
    facts: str
    generation: int
    operator: int | None = None  # who answers for it
    risk: str | None = None
    verdict: str | None = None  # what the risk record says, where it is looked for
    reports: int | None = None
    challenge: str | None = None
    device: int | None = None
    session: int | None = None
    counter: int | None = None
    signature: bytes | None = None
    message: int | None = None  # which payment it is about

    @property
    def sealed_fields(self) -> tuple[object, ...]:
        """Return everything of the act's own that its seal covers."""
        return (*self[:10], to_micros(self.at), *self[11:])


class Decided(Row):
    """
    An act as it is put into the chain, once its changes are applied.

    *written* is the act as a seal covers it, where that was written out already.
    """

    fields: tuple[object, ...]  # see `EntryRow.sealed_fields`
    transfers: Sequence[Transfer]
    rows: Sequence[tuple[RowKey, bytes | None]]  # of state, with the digests that seal them
    took: str | None  # how long each step was, by its number: a measurement, and not sealed
    written: str | None = None


def as_sealed(act: Decided) -> Act:
    """Return the parts of *act* that a seal covers."""
    rows = [(row[0], key_of(row), digest) for row, digest in act.rows]
    return Act(act.fields, [line(transfer) for transfer in act.transfers], rows)


def written_out(act: Decided) -> str:
    """Return *act* as a seal covers it."""
    return encoded(as_sealed(act)) if act.written is None else act.written


Seal = Callable[[bytes, bytes], bytes]
"""Gives the MAC that seals an entry's bytes upon the MAC before (see `Vault.chain_mac`)."""


class ActRow(Row):
    """One act as it was done: what its entry has, and the names of what it refers to."""

    entry: int
    act: str
    profile: int | None
    request_id: str
    inputs: bytes
    packet: int | None
    message: int | None
    at: datetime
    facts: str
    balance_fen: int | None
    duration: str | None
    profile_name: str | None
    packet_id: str | None
    message_id: str | None
    counterparty: str | None
    operator: str | None

    @property
    def took(self) -> Mapping[int, int]:
        """How long each step was, in microseconds."""
        laps = (lap.partition(":") for lap in (self.duration or "").split())
        return {int(step): int(micros) for step, _colon, micros in laps}


class RequestRow(Row):
    """What became of a request."""

    act: ActRow | None  # that it made
    refusal: tuple[bytes, str] | None  # its inputs' digest, and the error that stays


class MovedRow(Row):
    """One transfer, by the kinds of its accounts."""

    entry: int
    book: str
    debit: str
    credit: str
    amount_fen: int
    reason: str


class HeldRow(Row):
    """The sum of accounts of a kind; *owner* is 0 if they have several owners."""

    book: str
    kind: Kind
    owner: int
    accounts: int
    held_fen: int


class ChangeRow(Row):
    """An account: what it holds, how that changed since some act, and by that act itself."""

    book: str
    kind: Kind
    owner: int
    held_fen: int
    since_fen: int
    own_fen: int


class ChangedRow(Row):
    """What an entry has added to an account of the platform's book, or taken from it."""

    entry: int
    kind: Kind
    owner: int
    fen: int


class Moved(Row):
    """What some entries have moved; each is asked for when it is iterated over."""

    transfers: Iterator[MovedRow]
    """Their transfers, in order."""
    accounts: Iterator[ChangeRow]
    """Every account that has moved since the first of them."""


class TotalsRow(Row):
    """What movements of a span add up to, and the balance around them."""

    movements: int
    in_fen: int
    out_fen: int
    opening_fen: int  # the balance before the span
    closing_fen: int  # and after it
    entries: int  # the profile's in the span, of any act


class Movement(Row):
    """One line of a profile's history."""

    entry: int
    act: str
    micros: int  # when, as `hongbao.units.to_micros` has it
    request_id: str
    amount_fen: int
    balance_fen: int
    packet: str | None
    packet_kind: str | None
    shares: int | None
    greeting: str | None
    refunded_fen: int | None  # of a packet that was sent, before the span's end
    counterparty: int | None  # the other profile
    facts: str | None  # None where the columns say it all: a claim, a packet from the balance
    status: str  # how its payment, or its hold, stood before the span's end
    asked: int | None  # the entry that asked for the payment of which this one is the outcome

    @property
    def at(self) -> datetime:
        return from_micros(self.micros)


class Head(Row):
    """The last entry of the chain."""

    entry: int
    mac: bytes
    at: datetime | None
    restored: int
    """
    The entry by which the ledger last came back from a copy, or 0.

    It is greater than any entry of the ledger that was lost by it, and so than any number that was
    given there.
    """


EMPTY_HEAD = Head(0, bytes(32), None, 0)


class StateRow(Row):
    """A row of `SEALED`, and the last seal of it."""

    values: tuple[Any, ...] | None  # that a seal covers; None if the row is gone
    generation: int | None  # of the keys that it was sealed under; None if it never was
    digest: bytes | None  # None if it was sealed as gone


class Store(Protocol):
    """
    One open ledger.

    Reads outside `transaction` see the last committed state. No caller depends on the engine.
    """

    # --- engine ----------------------------------------------------------------------------------

    has_lanes: bool
    """
    Whether each profile and packet has its chain, or there is one for all.

    With lanes, numbers of acts have gaps, an act may come that has a smaller number than one that
    was there before it, and each act is sealed apart.
    """

    @property
    def where(self) -> str:
        """The ledger's place, as messages name it."""
        ...

    @property
    def file(self) -> LedgerFile | None:
        """The same ledger as the one file that it is; None where it is none."""
        ...

    @property
    def log(self) -> LogStore | None:
        """The log of its checkpoints; None where the ledger is a file, which has none."""
        ...

    def close(self) -> None: ...

    def lane_versions(self, names: Collection[str]) -> Mapping[str, int]:
        """
        Return the versions of the lanes *names* that there are.

        What was read of a lane's rows is true while its version is the same.
        """
        ...

    @property
    def lanes_left(self) -> Mapping[str, int]:
        """The versions in which the last transaction left the lanes that it wrote to."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction or a snapshot is open."""
        ...

    def transaction(
        self, *changing: tuple[str, object], dry_run: bool = False
    ) -> AbstractContextManager[None]:
        """
        Read, decide and write as if no one else did, all or nothing.

        The embedded engine has one lock for everything, taken at the start because every act reads
        before it writes. One with a lane for each profile and packet reads one snapshot, and
        raises Again at the end where a lane has moved that the transaction has written to.

        *changing* names what the act is about to change, as ``("packet", id)`` or
        ``("profile", number)``: with lanes, acts on the same one wait here for each other, and need
        not begin again. A dry run does the whole work, then rolls it back.

        Raises Busy when the lock cannot be had, StorageRefused when the disk says no.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """
        Open a snapshot: several reads see the same committed state; nothing waits for them.

        A snapshot within another is the same one.
        """
        ...

    def next_number(self, table: str) -> int:
        """
        Return the number that the next row of *table* will have: one that was never given before.

        Not in the ledger that a copy has taken the place of, either (see `Head.restored`).
        """
        ...

    # --- state -----------------------------------------------------------------------------------

    def apply(self, changes: Iterable[Change]) -> None:
        """
        Apply *changes* in their order, within the transaction that they were decided in.

        With lanes, those that the rows belong to must not have moved (see `transaction`).
        """
        ...

    def state(self, row: RowKey) -> StateRow:
        """Return a row of `SEALED` as it is, and what it was last sealed with."""
        ...

    # --- books -----------------------------------------------------------------------------------

    def home(self) -> HomeRow | None: ...

    @overload
    def rules(self, kind: str) -> list[str]: ...

    @overload
    def rules(self, kind: str, ref: str) -> str | None:
        """
        Return the refs of all rules of *kind* that were ever kept, or the text of one of them.

        There are three kinds: policy, risk_pack and risk_model.
        """
        ...

    def balance_fen(self, account: Account) -> int:
        """Return the balance of *account*, counted on its own side."""
        ...

    def balances_fen(self, profile: int) -> tuple[int, int]:
        """Return *profile*'s balance as its account has it, and as its last entry sealed it."""
        ...

    def held(self, books: Sequence[str], kinds: Collection[Kind] | None = None) -> list[HeldRow]:
        """
        Return the sum of the accounts of each kind, or of some *kinds*, in *books*.

        Who an account is kept for tells lines apart only where that is an institution.
        """
        ...

    def moved(self, entries: Collection[int]) -> Moved:
        """Return what *entries* have moved."""
        ...

    @overload
    def head(self) -> Head: ...

    @overload
    def head(self, entry: int) -> Head | None:
        """
        Return the chain's last entry, or entry 0; in an open group it has no MAC yet.

        Of an *entry*, return the one whose MAC seals it: it, or the last of its group.
        """
        ...

    def settled(self, now: datetime) -> Head:
        """
        Return the last entry before which none is still to come, where the clock shows *now*.

        Who follows what happens reads to there. With one chain it is the head.
        """
        ...

    def next_entry(self, home: HomeRow, now: datetime, after: int = 0) -> tuple[int, datetime]:
        """
        Return the number and the moment of the next act, where *home*'s clock shows *now*.

        The moment is not before that of any act there is, and the number is greater than any
        act's, and than *after*. Later acts have greater numbers.
        """
        ...

    def append(self, acts: Sequence[Decided], seal: Seal, *, more: bool = False) -> bytes | None:
        """
        Put *acts* into the chain, sealed with *seal*, and move what they move; return the last MAC.

        Their changes were applied before (`apply`). With *more* to come in this transaction they
        are a group that continues, and may have no MAC yet: the next call without *more* seals them
        as well, and may have no acts itself.
        """
        ...

    @overload
    def request(self, request_id: str, profile: int | None) -> RequestRow: ...

    @overload
    def request(self, *, among: Collection[tuple[str, int]]) -> Collection[tuple[str, int]]:
        """
        Return what became of *profile*'s request *request_id*.

        Or, of requests with their profiles, which *among* them were made before.
        """
        ...

    def act(
        self,
        entry: int | None = None,
        *,
        batch: int | str | None = None,
        closing: tuple[int, datetime] | None = None,
        among: Sequence[str] = ("refund",),
    ) -> ActRow | None:
        """
        Return one act, if it is there: that of *entry*, or the settlement of a *batch*.

        Or the one *among* these kinds that closed a packet at a moment (*closing*); without any of
        them, the newest that moved any money.
        """
        ...

    def acts(
        self,
        *,
        message: int | None = None,
        claims_of: int | None = None,
        parts_of: tuple[str, int] | None = None,
        after: int = 0,
        limit: int = -1,
        by_operators: bool = False,
        among: Collection[int] | None = None,
    ) -> Iterator[ActRow]:
        """
        Yield acts, oldest first.

        All of any institution about *message*, the claims of a packet, the parts of a request of a
        profile, those *among* some entries, or those of all profiles *after* an entry. Or those *by
        operators*, newest first.
        """
        ...

    def changed(self, entries: Collection[int]) -> list[ChangedRow]:
        """Return what each of *entries* has added to each account of the platform's book."""
        ...

    def acts_counted(
        self, *, after: int = 0, upto: int = NUMBERS, about: Sequence[int | None] | None = None
    ) -> dict[int | None, int]:
        """
        Return how many acts each profile has after one entry and up to another; None has the rest.

        Only those *about* some packets are counted, or about None.
        """
        ...

    # --- people ----------------------------------------------------------------------------------

    def profile(self, who: int | str) -> ProfileRow | None:
        """Return the profile with this id, or with this name's key."""
        ...

    def profiles(
        self,
        *,
        person: int | None = None,
        device: int | None = None,
        id_number: bytes | None = None,
    ) -> list[ProfileRow]:
        """
        Return profiles by id: all, or some.

        Those of *person*, those of the person with this blind index of an *id_number*, or those
        that have authorised *device*.
        """
        ...

    def pin(self, holder: Holder) -> PinRow: ...

    def operators(self, name_key: str | None = None) -> list[OperatorRow]:
        """Return all operators by id, or the one with this name's key."""
        ...

    def cards(self, profile: int | None = None, *, removed: bool = False) -> list[CardRow]:
        """Return everyone's cards or *profile*'s, oldest first; with *removed*, former ones too."""
        ...

    def card(self, card: int) -> CardRow: ...

    def deposit(self, number_index: bytes) -> DepositRow | None:
        """Return the bank account behind a card number, found by its blind index."""
        ...

    # --- devices ---------------------------------------------------------------------------------

    def devices(self, profile: int | None, name_key: str | None = None) -> list[DeviceRow]:
        """
        Return the devices that *profile* ever authorised, or that wait, oldest first.

        With None, those that were retired: devices without a profile. With the key of a name, only
        the one that has it: with the enrolment of *profile*, or without one.
        """
        ...

    def standing(self, profile: int, device: int) -> StandingRow: ...

    # --- packets ---------------------------------------------------------------------------------

    @overload
    def packet(self, which: int) -> PacketRow: ...

    @overload
    def packet(self, which: str = "", *, entry: int | None = None) -> PacketRow | None:
        """Return the packet with this number or id, or the one that *entry* sent."""
        ...

    def packets(
        self, view: PacketView, profile: int | None, now: datetime, limit: int
    ) -> list[PacketRow]:
        """Return the packets of a *view* of *profile*'s, or of everyone's, in its order."""
        ...

    def sums(self, profile: int, now: datetime) -> SumsRow:
        """Return what *profile* has besides their balance, and what of it matures."""
        ...

    def next_due(self, now: datetime, patience: timedelta) -> NextDue:
        """Return what falls due next; a message is given up after *patience*."""
        ...

    def claims(self, packet: int, profile: int | None = None) -> list[ClaimRow]:
        """Return the claims of *packet*, or that of *profile*, by seat."""
        ...

    # --- channel ---------------------------------------------------------------------------------

    @overload
    def message(self, which: int) -> MessageRow: ...

    @overload
    def message(
        self, which: str = "", *, entry: int | None = None, outcome: int | None = None
    ) -> MessageRow | None:
        """Return the message with this number or id, that *entry* instructed, or with *outcome*."""
        ...

    def messages(
        self,
        view: MessageView,
        *,
        profile: int | None = None,
        packet: int | None = None,
        now: datetime | None = None,
    ) -> list[MessageRow]:
        """Return the messages of a *view*, of *profile* or of everyone, in its order."""
        ...

    def bank_message(self, number: int) -> BankMessageRow | None: ...

    def clearing(
        self, bank: str, day: str | None = None, *, message: int | None = None
    ) -> ClearingDay:
        """Return what is kept of *bank* and clearing *day*, of one *message*, or of both."""
        ...

    def faults(self) -> list[tuple[FaultRow, datetime]]:
        """Return the simulated faults, and since when."""
        ...

    def unsettled(self) -> list[Gross]:
        """Return the unsettled amounts of each bank for the next batch."""
        ...

    # --- risk ------------------------------------------------------------------------------------

    def habit(self, profile: int, known: int | None = None) -> KeptHabit:
        """
        Return the habit last kept of *profile*, and the records since, oldest first.

        Where the habit up to the entry *known* is known, the one kept is returned without its
        text, and the records are those behind *known*.
        """
        ...

    @overload
    def challenges(self, *, called: str) -> list[ChallengeRow]: ...

    @overload
    def challenges(
        self, profile: int, now: datetime, *, passed: bytes | None = None
    ) -> list[ChallengeRow]:
        """
        Return *profile*'s challenges that can still be answered, oldest first.

        With *passed*, instead those passed for these inputs that can still be used. Or the one
        that is *called* so, of any profile.
        """
        ...

    def judged(
        self,
        profile: int | None = None,
        *,
        entry: int | None = None,
        before: int | None = None,
        request_id: str | None = None,
        stopped: bool = False,
    ) -> Iterator[JudgedRow]:
        """
        Yield the acts with a risk record, oldest first.

        Those of *profile* or of everyone, the one of *entry*, or those *before* an entry. Of a
        request of *profile*, those that were stopped and the one that it made; or all *stopped*.
        """
        ...

    # --- cases -----------------------------------------------------------------------------------

    @overload
    def case(self, which: int) -> CaseRow: ...

    @overload
    def case(
        self,
        which: str = "",
        *,
        holding: int | None = None,
        last_of: tuple[int, str] | None = None,
    ) -> CaseRow | None:
        """
        Return the case with this number or id.

        Or the open one *holding* a message, or the last of a profile by a rule.
        """
        ...

    def cases(
        self,
        view: CaseView,
        *,
        profile: int | None = None,
        entries: range = range(0),
        packet: int | None = None,
        until: datetime | None = None,
        limit: int = -1,
    ) -> list[CaseRow]:
        """Return the cases of a *view*, about *profile* or anyone, in its order."""
        ...

    def records_kept(self) -> RecordsRow:
        """Count the records that are kept."""
        ...

    # --- external --------------------------------------------------------------------------------

    def bills(self, profile: int | None, *, called: str | bytes | None = None) -> list[BillFileRow]:
        """
        Return the bills of *profile* that were not removed, in the order they came.

        Only the one that is *called* so, by its id or its digest. Without a profile, any bill that
        ever had the id, also one that was removed.
        """
        ...

    def bill_rows(
        self, number: int, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Kept]:
        """Yield the rows of bill *number*, in its order, from *since* on and before *until*."""
        ...

    # --- history ---------------------------------------------------------------------------------

    def usage_of(self, person: int) -> Usage: ...

    def span(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        last: int | None = None,
    ) -> range:
        """
        Return which entries were made from *since* on and before *until*, or the *last* ones.

        Entries' times never run back, so this is a search by halves: a period is found at once,
        however long the ledger. Where a restore has left a gap in the numbers, what comes after it
        stands for all of them.
        """
        ...

    def movements(
        self,
        profile: int,
        span: range,
        *,
        acts: Sequence[str],
        counterparty: int | None = None,
        limit: int = -1,
        newest_first: bool = True,
        end: int | None = None,
        asked_before: int | None = None,
    ) -> Iterator[Movement]:
        """
        Yield what *acts* did to *profile*'s money in the entries of *span*.

        With *asked_before*, only what came of payments that an earlier entry than that asked for.

        What came back of a packet is added up to the entry *end*, or to the span's own end, and how
        a payment's state is as of then.
        """
        ...

    def totals(self, profile: int, span: range, acts: Sequence[str] = ()) -> TotalsRow:
        """
        Return what the movements of *span* add up to, for which it reads them all.

        Without *acts*, none is read: there are only the balances and the number of entries.
        """
        ...

    # --- looking ---------------------------------------------------------------------------------

    # --- audit -----------------------------------------------------------------------------------

    def audit(self, question: Question, *values: object) -> Iterator[Any]:
        """Yield the rows that answer *question*, whose columns it names, of these *values*."""
        ...


class WitnessRow(Row):
    """What a witness has acknowledged last, in a *note* signed by the machine's key *public*."""

    name: str
    epoch: int
    size: int
    note: bytes
    public: bytes
    seal: bytes
    at: datetime


class LedRow(Row):
    """An entry that *lane* leads, and its *number* there."""

    lane: str
    number: int
    entry: int


class PublicationRow(Row):
    """
    How far events were published to a *target*, by the relay with this *fence*.

    *place* is the cursor as `hongbao.delivery.publications` writes it, under a *seal*.
    """

    target: str
    place: bytes
    seal: bytes
    fence: int
    holder: str
    seconds: int  # for which the holder publishes alone, from now on; 0 if it is over


class LogStore(Protocol):
    """
    The log of a ledger that several machines share: its leaves, checkpoints and witnesses.

    A step of the sealer, and what it was decided on, is within one `Store.transaction`. Nothing
    that is read here is trusted: checkpoints and witnesses' rows are under the home's seals, and
    the rest is proven by a checkpoint.
    """

    def newest(self, witness: str = "") -> tuple[Checkpoint, bytes, tuple[int, int] | None] | None:
        """
        Return the newest checkpoint of the newest epoch, and its seal; by one causal read.

        The third is the epoch and the size that *witness* has acknowledged. None before the log
        has its first leaf.
        """
        ...

    def lanes_moved(self, count: int | None = None, since: datetime | None = None) -> list[Lane]:
        """
        Return lanes that are not as they are sealed, also those that are shorter or gone.

        At most *count* of them: those that have waited longest. With *since* only lanes whose last
        act is not older are compared: it is for speed alone, since acts commit in another order
        than they got their moments in.
        """
        ...

    def sealed_lanes(self) -> dict[str, Sealed]:
        """Return how far each lane is sealed, without those of which nothing is."""
        ...

    def unsealed_count(self, since: datetime | None = None) -> int:
        """Return how many lanes with an act *since* then have moved since they were sealed."""
        ...

    def former_seal(self, entry: int) -> bytes | None:
        """
        Return the MAC that sealed *entry* in the one chain of a backup that has come here.

        It is that of the last in its group; None if the entry came later. Statements name it.
        """
        ...

    def unsealed(self, lane: str) -> Lane:
        """Return a lane as if none of it were sealed."""
        ...

    def append(self, before: Checkpoint | None, step: Step, seal: bytes) -> None:
        """
        Insert a step, whose checkpoint has *seal*, and close the epoch of *before* if it is new.

        Raises Again unless *before* is still the newest checkpoint, and its epoch open; RuleBroken
        where rows are there that no step has inserted.
        """
        ...

    def forget(self, lanes: Iterable[str]) -> None:
        """Have nothing sealed of these lanes, of which nothing is left."""
        ...

    def tile(self, epoch: int, tile: Tile) -> bytes:
        """Return the hashes of a tile, as many of them as there are."""
        ...

    def leaves(self, epoch: int, size: int, first: int = 0) -> Iterator[bytes]:
        """Yield leaves of an epoch, of its first *size*; ``b""`` for one that is not there."""
        ...

    def checkpoints(self) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Yield epoch, size, root and seal of every checkpoint there was, in their order."""
        ...

    def macs(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """Return the MACs of the entries at *places*, each a lane and a number, as far as known."""
        ...

    def led(self, spans: Sequence[tuple[str, int, int]]) -> list[LedRow]:
        """
        Return the entries of *spans* that their lane leads, in the order of each lane.

        A span is a lane and two numbers in it: its entries after the first, up to the second. An
        entry is led by the lane of its packet; without a packet by its profile's, and without
        either by the last of its lanes in the order of their names.
        """
        ...

    def led_upto(self, lane: str, number: int) -> int:
        """Return how many entries up to *number* *lane* leads."""
        ...

    def publication(self, target: str) -> PublicationRow | None:
        """Return how far events were published to *target*."""
        ...

    def publications(self) -> list[PublicationRow]:
        """Return how far events were published, by target."""
        ...

    def take_publication(self, row: PublicationRow, seconds: int) -> bool:
        """
        Let the holder of *row*, which has the next fence, publish alone for some *seconds*.

        False if another one has it, by the database's clock. Raises Again if it was just taken.
        """
        ...

    def keep_publication(self, row: PublicationRow, seconds: int) -> bool:
        """
        Note how far *row* says that events were published, and go on for some *seconds*.

        False if it was taken by another since: no row with this fence is there any more.
        """
        ...

    def acknowledged(self, witness: str) -> WitnessRow | None:
        """Return what a witness has acknowledged last."""
        ...

    def witnesses(self) -> list[WitnessRow]:
        """Return what each witness has acknowledged last."""
        ...

    def acknowledge(self, row: WitnessRow) -> None:
        """Note what a witness has seen, unless it has acknowledged more."""
        ...


class LedgerFile(Store, Protocol):
    """
    An open ledger that is one file on this machine.

    Only what opens, copies and replaces a home asks for this; an engine on a cluster has none.
    """

    path: Path

    def is_in_place(self) -> bool:
        """Return whether the file that is open here is still the one at its path."""
        ...

    def copy_to(self, path: Path) -> None:
        """
        Write a copy of the ledger to *path*, encrypted with the same key, while others write.

        The copy is one consistent moment. Raises StorageRefused if *path* cannot be written.
        """
        ...

    def overwrite_with(self, other: Self) -> None:
        """
        Replace everything in this ledger by what is in *other*, as one transaction.

        Other processes that have this ledger open see the new state next, and lose
        nothing that was confirmed before.

        Raises Busy if another process keeps it from being written.
        """
        ...

    def rekey(self, page_key: bytes) -> None:
        """
        Encrypt every page with *page_key* from now on; done whole or not at all.

        The write-ahead log is emptied at once, so that no page under the old key stays in the file;
        if a reader has been reading for long, this is done when it is through.

        Raises StorageRefused if there is no room for it. Then the pages are as they were, but
        this connection is of no use any more.
        """
        ...


def has_gaps(store: Store) -> bool:
    """Return whether acts are numbered by the time: with lanes, and in a copy that had them."""
    if store.has_lanes:
        return True
    home, second = store.home(), next(store.acts(after=1, limit=1), None)
    if home is None or second is None:
        return False
    return micros_of(second.entry) == to_micros(second.at) - to_micros(home.made_at)
