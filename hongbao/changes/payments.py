"""Changes of payments: messages, their states, settlements, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hongbao.domain.channel import Direction, FaultRow, MessageState
    from hongbao.domain.settlement import Gross
    from hongbao.store import BankMessageRow, BatchRow, MessageRow, Touched


class AddMessage(Row):
    """Add a payment, as the platform has it."""

    row: MessageRow

    @property
    def touches(self) -> Touched:
        return (("message", self.row.number),)


class SetMessageSent(Row):
    """Note that a message was sent, on a clearing *day* of China's."""

    number: int
    day: str

    @property
    def touches(self) -> Touched:
        return (("message", self.number),)


class SetMessageUnknown(Row):
    """Note that its bank is silent about a message."""

    number: int

    @property
    def touches(self) -> Touched:
        return (("message", self.number),)


class SetMessageOutcome(Row):
    """Make *state* what a message came to, in *entry*."""

    number: int
    state: MessageState
    entry: int

    @property
    def touches(self) -> Touched:
        return (("message", self.number),)


class KeepBankMessage(Row):
    """Keep how far a bank has come with a message, in place of what was kept before."""

    row: BankMessageRow

    @property
    def touches(self) -> Touched:
        return (("message", self.row.message),)


class AddBankLine(Row):
    """Add a line to the statement of the message's bank for *day*."""

    message: MessageRow
    direction: Direction
    amount_fen: int
    status: str
    day: str
    entry: int

    @property
    def touches(self) -> Touched:
        return (("message", self.message.number),)


class SetFault(Row):
    """Set a fault of a demo's bank or channel."""

    row: FaultRow
    entry: int

    @property
    def touches(self) -> Touched:
        return (("fault", self.row.place),)


class ClearFaults(Row):
    """Clear the faults of a demo's bank or channel."""

    place: str

    @property
    def touches(self) -> Touched:
        return (("fault", self.place),)


class AddBatch(Row):
    """Add a settlement with a line for each bank."""

    row: BatchRow
    lines: Iterable[Gross]

    @property
    def touches(self) -> Touched:
        return (("batch", self.row.number),)


class SettleMessages(Row):
    """Put what is unsettled of the batch's banks into it; *heard* gets the number so far."""

    batch: int
    heard: Callable[[int], None] | None

    @property
    def touches(self) -> Touched:
        return (("batch", self.batch),)


class AddCorrection(Row):
    """Add what puts a difference between two books right."""

    message: int
    kind: str
    direction: Direction
    amount_fen: int
    why: str
    operator: int
    entry: int

    @property
    def touches(self) -> Touched:
        return (("message", self.message),)
