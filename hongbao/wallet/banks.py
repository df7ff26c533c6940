"""The demo banks: what each does with a message, on its own book and in its own time."""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from hongbao.answers import Carried
from hongbao.domain.channel import (
    UNANSWERED,
    Direction,
    Fault,
    FaultRow,
    fault_for,
    wrong_amount_fen,
)
from hongbao.domain.clearing import (
    Branch,
    bank_books,
    bank_moves_customer,
    bank_reverses,
    bank_skips_customer,
)
from hongbao.domain.ledger import Account, Kind, Reason, Transfer
from hongbao.domain.reconciliation import LineStatus
from hongbao.store import BankMessageRow, MessageRow
from hongbao.wallet.acts import Doing
from hongbao.wallet.desk import Desk


def stage_of(message: MessageRow) -> int:
    """Return which of the eight steps *message* belongs to: freezing money, or its refund."""
    return 8 if message.reason is Reason.REFUND else 3


class Word(Enum):
    """What a bank says of a message."""

    BOOKED = auto()
    REFUSED = auto()
    PROCESSING = auto()
    NOT_FOUND = auto()


class Reply(NamedTuple):
    """A bank's answer; *times* is how often it gave it."""

    word: Word
    reason: str | None = None
    times: int = 1


_WORDS = {
    "queued": Word.PROCESSING,
    "booked": Word.BOOKED,
    "late": Word.BOOKED,
    "refused": Word.REFUSED,
    "reversed": Word.NOT_FOUND,
}

_REFUSING = {
    Fault.DECLINE: "declined",
    Fault.INSUFFICIENT: "insufficient",
    Fault.CLOSED: "closed",
    Fault.SURPLUS: "declined",
}


class Banks(Desk):
    """
    The other side of the channel.

    A bank knows a message by its id alone and books it once, however often it arrives. It keeps
    its own word of it, which the platform hears only in an answer.
    """

    # --- what a bank does ------------------------------------------------------------------------

    def _bank_receives(self, message: MessageRow) -> Reply | None:
        """Hand *message* to its bank; None is silence."""
        fault = self._fault_at(message)
        if fault in (Fault.LOST, Fault.DOWN) or self._is_down(message):
            return None
        if self.store.bank_message(message.number) is None:
            self._bank_acts(message, fault)
        if fault in (Fault.TIMEOUT, Fault.LATE, Fault.SLOW):
            return None
        return self._bank_word(message, times=2 if fault is Fault.DUPLICATE_ANSWER else 1)

    def _bank_is_asked(self, message: MessageRow) -> Reply | None:
        """Ask the bank what became of *message*; None is silence."""
        if self._switched(message.bank) in UNANSWERED - {Fault.LATE, Fault.SLOW}:
            return None
        if self._is_down(message):
            return None
        known = self.store.bank_message(message.number)
        if known is None:
            return Reply(Word.NOT_FOUND)
        if known.state == "queued":
            if known.ready_at is None:  # in a queue that nobody looks at
                return Reply(Word.NOT_FOUND)
            if self.now() < known.ready_at:
                return Reply(Word.PROCESSING)
            self._bank_acts(message, None)
        return self._bank_word(message)

    def _bank_word(self, message: MessageRow, times: int = 1) -> Reply:
        known = self.store.bank_message(message.number)
        if known is None:
            return Reply(Word.NOT_FOUND)
        return Reply(_WORDS[known.state], known.reason, times)

    def _bank_has_booked(self, message: MessageRow) -> bool:
        known = self.store.bank_message(message.number)
        return known is not None and known.state == "booked"

    def _bank_acts(self, message: MessageRow, fault: Fault | None) -> None:
        """Have the bank book, queue or refuse *message*, as one step of its own."""

        def work(doing: Doing) -> Carried | None:
            known = self.store.bank_message(message.number)
            if known is not None and (known.state != "queued" or fault is not None):
                return None  # it was quicker than we thought
            if self.store.message(message.number).outcome is not None:
                return None  # it was told meanwhile not to (冲正), and minds that
            if fault in (Fault.LATE, Fault.SLOW):
                wait = timedelta(seconds=self._policy_of(doing.home).channel.slow_seconds)
                ready_at = doing.now + wait if fault is Fault.SLOW else None
                self._bank_keeps(message, "queued", ready_at=ready_at)
                return self._told(doing, message, "queued", fault)
            return self._bank_books(doing, message, fault)

        self._step("bank", f"/{message.id}/bank", work, stage=stage_of(message))

    def _bank_books(self, doing: Doing, message: MessageRow, fault: Fault | None) -> Carried:
        branch = self._branch(message)
        way, amount_fen = message.direction, message.amount_fen
        customer_fen = self.store.held_fen(branch.deposit)
        refusal = _REFUSING.get(fault) if fault else None
        if way is Direction.DEBIT and customer_fen < amount_fen:
            refusal, fault = "insufficient", None
        if refusal is not None and fault is not Fault.SURPLUS:
            self._bank_keeps(message, "refused", reason=refusal)
            return self._told(doing, message, "refused", fault)
        transfers, lines = _booked(branch, message, fault, customer_fen)
        doing.post(*transfers)
        for status, fen in lines:
            self._bank_line(doing, message, way, fen, message.day, status)
        state = "booked" if refusal is None else "refused"
        self._bank_keeps(message, state, reason=refusal)
        return self._told(doing, message, state, fault)

    def _bank_wakes(self, message: MessageRow) -> bool:
        """Have the bank book a *message* that it finds at the bottom of its queue."""

        def work(doing: Doing) -> Carried | None:
            known = self.store.bank_message(message.number)
            if known is None or known.state != "queued":
                return None
            branch = self._branch(message)
            if (
                message.direction is Direction.DEBIT
                and self.store.held_fen(branch.deposit) < message.amount_fen
            ):
                self._bank_keeps(message, "refused", reason="insufficient")
                return self._told(doing, message, "refused", Fault.LATE)
            doing.post(bank_books(branch, message.amount_fen, message.reason, message.direction))
            self._bank_line(doing, message, message.direction, message.amount_fen, message.day)
            self._bank_keeps(message, "late")
            return self._told(doing, message, "late", Fault.LATE)

        return self._step("bank", f"/{message.id}/late", work, stage=stage_of(message))

    def _bank_undoes(self, message: MessageRow) -> bool:
        """Have the bank undo what it booked too late (冲正)."""

        def work(doing: Doing) -> Carried | None:
            known = self.store.bank_message(message.number)
            if known is None or known.state != "late":
                return None
            branch, way = self._branch(message), message.direction
            held_fen = self.store.held_fen(branch.deposit)
            if way is Direction.CREDIT and held_fen < message.amount_fen:
                return None  # it was spent: that waits until there is some again
            doing.post(bank_reverses(branch, message.amount_fen, way))
            self._bank_line(doing, message, way.opposite, message.amount_fen, message.day)
            self._bank_keeps(message, "reversed")
            return self._told(doing, message, "reversed")

        return self._step("bank", f"/{message.id}/undone", work, stage=stage_of(message))

    def _bank_line(
        self,
        doing: Doing,
        message: MessageRow,
        way: Direction,
        amount_fen: int,
        day: str,
        status: LineStatus = LineStatus.BOOKED,
    ) -> None:
        doing.once_entered(
            lambda: self.store.add_bank_line(
                message,
                direction=way,
                amount_fen=amount_fen,
                status=status,
                day=day,
                entry=doing.entry,
            )
        )

    def _bank_keeps(
        self,
        message: MessageRow,
        state: str,
        *,
        reason: str | None = None,
        ready_at: datetime | None = None,
    ) -> None:
        self.store.keep_bank_message(
            BankMessageRow(message.number, message.bank, state, reason, ready_at)
        )

    def _told(
        self, doing: Doing, message: MessageRow, state: str, fault: Fault | None = None
    ) -> Carried:
        """Return what a step of *message* is answered with: how far it is, for who acts."""
        doing.message = message.number
        return {
            **doing.common,
            "payment": message.id,
            "channel": message.channel,
            "bank": message.bank,
            "amount_fen": message.amount_fen,
            "card": self.store.card(message.card).name,
            "state": str(state),
            "fault": None if fault is None else str(fault),
            "error": None,
        }

    def _branch(self, message: MessageRow) -> Branch:
        def own(kind: Kind) -> Account:
            return self.store.account(message.bank, kind)

        return Branch(
            deposit=self.store.card(message.card).deposit,
            incoming=own(Kind.INCOMING),
            outgoing=own(Kind.OUTGOING),
            shortage=own(Kind.SHORTAGE),
            surplus=own(Kind.SURPLUS),
        )

    # --- what they were told to do wrong ---------------------------------------------------------

    def _faults(self) -> list[FaultRow]:
        """Return what goes wrong in this home; nothing does where it is not a demo home."""
        if not self.home.is_demo:
            return []
        return [row for row, _since in self.store.faults()]

    def _fault_at(self, message: MessageRow) -> Fault | None:
        return self._fault(message.bank, message.amount_fen)

    def _fault(self, place: str, amount_fen: int) -> Fault | None:
        if not self.home.is_demo:
            return None
        return fault_for(self._faults(), place, amount_fen)

    def _is_down(self, message: MessageRow) -> bool:
        """Tell whether the channel that carries *message* is down: then nothing gets through."""
        return self._fault(message.channel, message.amount_fen) is Fault.DOWN

    def _switched(self, place: str) -> Fault | None:
        """Return what goes wrong at *place* whatever the amount."""
        return next(
            (row.fault for row in self._faults() if row.place == place and row.amount_fen is None),
            None,
        )


def _booked(
    branch: Branch, message: MessageRow, fault: Fault | None, customer_fen: int
) -> tuple[list[Transfer], list[tuple[LineStatus, int]]]:
    """Return what a bank moves for *message*, and the lines of its statement, as *fault* has it."""
    way, amount_fen, reason = message.direction, message.amount_fen, message.reason
    right = bank_books(branch, amount_fen, reason, way)
    line = (LineStatus.BOOKED, amount_fen)
    match fault:
        case Fault.SURPLUS:
            return [bank_moves_customer(branch, amount_fen, way)], [line]
        case Fault.SHORTAGE:
            return [bank_skips_customer(branch, amount_fen, way)], []
        case Fault.WRONG_STATE:
            undone = bank_moves_customer(branch, amount_fen, way.opposite)
            return [right, undone], [(LineStatus.REVERSED, amount_fen)]
        case Fault.WRONG_AMOUNT:
            wrong_fen = wrong_amount_fen(amount_fen)
            if wrong_fen < amount_fen:
                transfers = [
                    bank_books(branch, wrong_fen, reason, way),
                    bank_skips_customer(branch, amount_fen - wrong_fen, way),
                ]
                return transfers, [(LineStatus.BOOKED, wrong_fen)]
            if way is Direction.CREDIT or customer_fen >= wrong_fen:
                twice = bank_moves_customer(branch, wrong_fen - amount_fen, way)
                return [right, twice], [(LineStatus.BOOKED, wrong_fen)]
        case Fault.DOUBLE_BOOKING if way is Direction.CREDIT or customer_fen >= 2 * amount_fen:
            return [right, bank_moves_customer(branch, amount_fen, way)], [line, line]
    return [right], [line]
