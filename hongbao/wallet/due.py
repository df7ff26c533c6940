"""
What falls due: holds that are over, payments, refunds, and settlement at cut-offs.

Each is one task, done as a separate act on the ledger's clock, which is never turned here. An
act looks in its own transaction at whether there is still anything to do. So any number of
processes may do what is due at the same time, and be killed at any moment: nothing is done twice,
and what one leaves undone is due for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.channel import FINAL, MessageState
from hongbao.domain.dates import next_cut_off
from hongbao.errors import BankDown, NotClaimable
from hongbao.home.opened import Home
from hongbao.questions import Question
from hongbao.store import CaseView, MessageRow, MessageView, PacketView
from hongbao.units import from_micros
from hongbao.wallet.again import repeat
from hongbao.wallet.clearing import carry, hear_late
from hongbao.wallet.refund import DUE_AT_ONCE, refund_packet
from hongbao.wallet.releasing import ENDED_AT_ONCE, end_hold
from hongbao.wallet.settlement import LATE, resolved_line, settle
from hongbao.wallet.unit_of_work import pending_payment

if TYPE_CHECKING:
    from hongbao.answers import Done

_DAY = timedelta(days=1)


Key = tuple[str, str | None]
"""What a task is known by from one look to the next: its kind, and its subject."""


class Task(NamedTuple):
    """
    One thing that is due: *do* does it.

    It returns what it has done, or None where there was nothing left to do, and raises why it
    could not. *subject* is the case, the packet or the payment that it is about.
    """

    kind: str
    subject: str | None
    do: Callable[[], Done | None]

    @property
    def key(self) -> Key:
        return self.kind, self.subject


class Due:
    """Finds what is due, and remembers when it was settled last, and what the log has come to."""

    def __init__(self) -> None:
        self._settled_at: datetime | None = None
        self._torn: list[str] = []

    def tasks(self, home: Home) -> Iterator[Task]:
        """
        Yield what is due on *home* now; each kind is looked up when those before it are done.

        Holds come first, since the end of one may let a refund or a payment go; settlement follows,
        so that it takes all of them along, and what was done is sealed on a cluster at the end.
        """
        yield from self._holds(home)
        yield from self._payments(home)
        yield from self._refunds(home)
        yield from self._settlement(home)
        yield from self._sealing(home)

    def next_at(self, home: Home) -> datetime | None:
        """Return when the next thing falls due that can be known of now, if any; it may be past."""
        patience = timedelta(days=home.policy.refund.give_up_days)
        waiting = repeat(home, lambda: home.store.next_due(home.now(), patience))
        moments = (waiting.hold_end, waiting.refund, waiting.delivery)
        return min((moment for moment in moments if moment is not None), default=None)

    def _holds(self, home: Home) -> Iterator[Task]:
        for case in repeat(
            home,
            lambda: home.store.cases(CaseView.ENDED, until=home.now(), limit=ENDED_AT_ONCE),
        ):
            yield Task("hold", case.id, partial(_end_hold, home, case.number))

    def _payments(self, home: Home) -> Iterator[Task]:
        for message in repeat(home, lambda: home.store.messages(MessageView.DUE, now=home.now())):
            yield Task("payment", message.id, partial(_carry, home, message))
        if repeat(home, lambda: home.store.messages(MessageView.LATE)):
            yield Task("payment", None, partial(_hear_late, home))

    def _refunds(self, home: Home) -> Iterator[Task]:
        for row in repeat(
            home, lambda: home.store.packets(PacketView.DUE, None, home.now(), DUE_AT_ONCE)
        ):
            packet = row.packet
            yield Task("refund", packet.id, partial(_refund, home, packet.id, packet.sender))

    def _settlement(self, home: Home) -> Iterator[Task]:
        now = home.now()
        cut_off = next_cut_off(now, home.policy.settlement.cut_off) - _DAY
        if self._settled_at is not None and cut_off <= self._settled_at:
            return
        since = repeat(home, lambda: _unsettled_since(home))
        if since is not None and since < cut_off:
            yield Task("settlement", None, partial(self._settle, home, cut_off))
        else:
            self._settled_at = cut_off

    def _settle(self, home: Home, cut_off: datetime) -> Done | None:
        settled = settle(home)
        self._settled_at = cut_off  # what cannot be paid now waits for the next one
        found = [line for line in settled["resolved"] if line["state"] in (*FINAL, LATE)]
        if settled["batch"] is None and not found and not settled["holds"]:
            return None
        batches = [] if settled["batch"] is None else [settled]
        return {**nothing_done(), "holds": settled["holds"], "resolved": found, "settled": batches}

    def _sealing(self, home: Home) -> Iterator[Task]:
        if home.store.log is not None:
            yield Task("sealing", None, partial(self._seal, home))

    def _seal(self, home: Home) -> Done | None:
        from hongbao.wallet.sealing import seal  # which a ledger in a file does not need

        sealed, before = seal(home), self._torn
        self._torn = sealed["torn"]
        if not sealed["leaves"] and sealed["torn"] == before:
            return None
        return {**nothing_done(), "sealed": [sealed]}


def nothing_done() -> Done:
    """Return that nothing was done."""
    return {"holds": [], "refunds": [], "resolved": [], "settled": [], "sealed": []}


def _unsettled_since(home: Home) -> datetime | None:
    """Return when the first payment was accepted that no batch has settled yet."""
    with home.looking():
        ((micros,),) = home.store.audit(Question.UNSETTLED_SINCE)
    return None if micros is None else from_micros(micros)


def _end_hold(home: Home, case: int) -> Done | None:
    ended = end_hold(home, case)
    return None if ended is None else {**nothing_done(), "holds": [ended]}


def _refund(home: Home, packet: str, sender: int) -> Done | None:
    try:
        refunded = refund_packet(home, packet, sender=sender)
    except NotClaimable:  # another process was faster: it is not due any more
        return None
    return {**nothing_done(), "refunds": [refunded]}


def _carry(home: Home, message: MessageRow) -> Done | None:
    """Carry *message* on. Raises PaymentPending, or BankDown if it cannot even be sent yet."""
    if home.store.message(message.number).outcome is not None:  # another process was faster
        return None
    carried = carry(home, message.number)
    if carried.outcome is not None:
        return _resolved(home, [carried])
    if carried.state is MessageState.CREATED:
        raise BankDown(bank=carried.bank)
    raise pending_payment(home, carried)


def _hear_late(home: Home) -> Done | None:
    heard = hear_late(home)
    return _resolved(home, heard, LATE) if heard else None


def _resolved(home: Home, messages: Iterable[MessageRow], state: str | None = None) -> Done:
    lines = [resolved_line(home, message) for message in messages]
    for line in lines:
        line["state"] = state or line["state"]
    return {**nothing_done(), "resolved": lines}
