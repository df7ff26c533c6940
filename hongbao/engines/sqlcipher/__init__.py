"""The default engine: the ledger in one SQLCipher file."""

from collections.abc import Iterator
from typing import Any

from hongbao.engines.sqlcipher import (
    acts as act_queries,
)
from hongbao.engines.sqlcipher import (
    books,
    channel,
    external,
    history,
    people,
    risk,
    writing,
)
from hongbao.engines.sqlcipher import (
    cases as case_queries,
)
from hongbao.engines.sqlcipher import (
    devices as device_queries,
)
from hongbao.engines.sqlcipher import (
    packets as packet_queries,
)
from hongbao.engines.sqlcipher import (
    state as state_queries,
)
from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import Question


class Ledger(Engine):
    """
    One open ledger: the verbs of `hongbao.store.Store`, each a function of the engine.

    A function is written where its rows are, with the engine as its first argument; here it only
    gets its place. What a function's signature is, the type checker holds against the interface.
    """

    # --- the chain and the state that it seals ---------------------------------------------------
    apply = writing.apply
    state = state_queries.state
    home = books.home
    rules = books.rules
    balance_fen = books.balance_fen
    head = books.head
    entry = books.entry
    append = books.append
    requested = books.requested
    refused = books.refused

    # --- people and their devices ----------------------------------------------------------------
    profile = people.profile
    profiles = people.profiles
    pin = people.pin
    operators = people.operators
    person = people.person
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
    waiting = channel.waiting
    bank_message = channel.bank_message
    our_lines = channel.our_lines
    their_lines = channel.their_lines
    is_on_day = channel.is_on_day
    faults = channel.faults
    unsettled = channel.unsettled
    corrections = channel.corrections
    maturing_fen = channel.maturing_fen
    bank_accounts = channel.bank_accounts
    batch = channel.batch

    # --- risk and review -------------------------------------------------------------------------
    habit = risk.habit
    stops = risk.stops
    judged = risk.judged
    challenges = risk.challenges
    case = case_queries.case
    cases_opened = case_queries.cases_opened
    records_kept = case_queries.records_kept
    operator_acts = case_queries.operator_acts
    cases = case_queries.cases
    holds = case_queries.holds
    opinions = case_queries.opinions

    # --- the past --------------------------------------------------------------------------------
    bills = external.bills
    bill_rows = external.bill_rows
    usage_of = history.usage_of
    span = history.span
    movements = history.movements
    totals = history.totals
    acts = act_queries.acts
    refund_of = act_queries.refund_of
    last_act_that_moved = act_queries.last_act_that_moved
    moved = act_queries.moved
    held = act_queries.held
    changes = act_queries.changes

    def audit(self, question: Question, *values: object) -> Iterator[Any]:
        from hongbao.engines.sqlcipher.audit import audit  # long texts that only checks need

        return audit(self, question, *values)
