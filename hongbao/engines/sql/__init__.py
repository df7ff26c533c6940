"""The verbs of a ledger in SQL, for every engine that speaks it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hongbao.engines.sql import (
    acts as act_queries,
)
from hongbao.engines.sql import (
    appending,
    books,
    channel,
    external,
    history,
    people,
    risk,
)
from hongbao.engines.sql import (
    cases as case_queries,
)
from hongbao.engines.sql import (
    devices as device_queries,
)
from hongbao.engines.sql import (
    packets as packet_queries,
)
from hongbao.engines.sql import (
    state as state_queries,
)
from hongbao.errors import Damaged

if TYPE_CHECKING:
    from hongbao.engines.sql.engine import Engine
    from hongbao.questions import Question

T = TypeVar("T")


class Verbs:
    """
    The verbs of `hongbao.store.Store`, each a function of a connection to an engine.

    A function is written where its rows are, with the engine as its first argument; here it only
    gets its place. What a function's signature is, the type checker holds against the interface.
    """

    # --- the chain and the state that it seals ---------------------------------------------------
    has_lanes = False
    next_number = books.next_number
    apply = state_queries.apply
    state = state_queries.state
    home = books.home
    rules = books.rules
    balance_fen = books.balance_fen
    balances_fen = books.balances_fen
    held = act_queries.held
    moved = act_queries.moved
    head = books.head
    settled = books.settled
    next_entry = books.next_entry
    append = appending.append
    request = act_queries.request
    act = act_queries.act
    acts = act_queries.acts
    acts_counted = act_queries.acts_counted
    changed = act_queries.changed

    # --- people and their devices ----------------------------------------------------------------
    profile = people.profile
    profiles = people.profiles
    pin = people.pin
    operators = people.operators
    cards = people.cards
    card = people.card
    deposit = people.deposit
    devices = device_queries.devices
    standing = device_queries.standing

    # --- packets and payments --------------------------------------------------------------------
    packet = packet_queries.packet
    packets = packet_queries.packets
    sums = packet_queries.sums
    next_due = packet_queries.next_due
    claims = packet_queries.claims
    message = channel.message
    messages = channel.messages
    bank_message = channel.bank_message
    clearing = channel.clearing
    faults = channel.faults
    unsettled = channel.unsettled

    # --- risk and review -------------------------------------------------------------------------
    habit = risk.habit
    judged = risk.judged
    challenges = risk.challenges
    case = case_queries.case
    records_kept = case_queries.records_kept
    cases = case_queries.cases

    # --- the past --------------------------------------------------------------------------------
    bills = external.bills
    bill_rows = external.bill_rows
    usage_of = history.usage_of
    span = history.span
    movements = history.movements
    totals = history.totals

    def audit(self: "Engine", question: "Question", *values: object) -> Iterator[Any]:
        from hongbao.engines.sql.audit import audit  # long texts that only checks need

        return audit(self, question, *values)

    # --- what the functions ask of any connection ------------------------------------------------
    def once(self: "Engine", name: str, read: Callable[[], T]) -> T:
        if not self.in_transaction:
            return read()
        if name not in self.read:
            self.read[name] = read()
        return cast("T", self.read[name])

    def by_moment(self, table: str) -> int | None:  # noqa: ARG002 - for engines with lanes
        return None

    def lane_versions(self, names: Collection[str]) -> Mapping[str, int]:  # noqa: ARG002
        return {}

    @property
    def lanes_left(self) -> Mapping[str, int]:
        return {}

    def existing(self: "Engine", row: Any) -> Any:
        if row is None:
            raise Damaged(path=self.where)
        return row
