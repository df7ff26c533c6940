"""Payment messages, bank lines, faults, settlement batches and corrections."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from hongbao.domain.channel import Direction, Fault, FaultRow, MessageState
from hongbao.domain.ledger import Reason
from hongbao.engines.sql.engine import NOT_HELD, Engine, marks, write_one
from hongbao.errors import Damaged
from hongbao.store import (
    BankMessageRow,
    BatchRow,
    ClearingDay,
    CorrectionRow,
    MessageRow,
    MessageView,
    Overtaken,
)
from hongbao.units import from_micros, to_micros

if TYPE_CHECKING:
    from hongbao.domain.reconciliation import OurLine, TheirLine
    from hongbao.domain.settlement import Gross


# --- messages, as the platform has them -----------------------------------------------------------


def add_message(engine: Engine, row: MessageRow) -> None:
    engine.write(
        "INSERT INTO message (number, id, channel, bank, card, profile, direction, reason,"
        " amount_fen, fee_fen, packet, terms, created_at, due_at, entry, day, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.number,
        row.id,
        row.channel,
        row.bank,
        row.card,
        row.profile,
        row.direction,
        row.reason,
        row.amount_fen,
        row.fee_fen,
        row.packet,
        json.dumps(row.terms, ensure_ascii=False),
        to_micros(row.created_at),
        to_micros(row.due_at),
        row.entry,
        row.day,
        row.state,
    )


@overload
def message(engine: Engine, which: int) -> MessageRow: ...


@overload
def message(
    engine: Engine, which: str = "", *, entry: int | None = None, outcome: int | None = None
) -> MessageRow | None: ...


def message(
    engine: Engine, which: int | str = "", *, entry: int | None = None, outcome: int | None = None
) -> MessageRow | None:
    if isinstance(which, int):
        return _numbered(engine, which)
    if entry is not None:
        row = engine.row(f"{_MESSAGES} WHERE entry = ?", entry)
    elif outcome is not None:
        row = engine.row(f"{_MESSAGES} WHERE outcome = ?", outcome)
    else:
        row = engine.row(f"{_MESSAGES} WHERE id = ?", which)
    return _message(row) if row else None


def _numbered(engine: Engine, number: int) -> MessageRow:
    return _message(engine.existing(engine.row(f"{_MESSAGES} WHERE number = ?", number)))


def messages(
    engine: Engine,
    view: MessageView,
    *,
    profile: int | None = None,
    packet: int | None = None,
    now: datetime | None = None,
) -> list[MessageRow]:
    values: list[object]
    match view:
        case MessageView.UNDER_WAY:
            values = [profile]
        case MessageView.RETURNING:
            values = [packet]
        case _:
            values = [now and to_micros(now), profile]
    rows = engine.rows(f"{_MESSAGES} WHERE {_VIEWS[view]}", *values)
    return [_message(row) for row in rows]


def set_message_sent(engine: Engine, number: int, day: str) -> None:
    write_one(
        engine,
        "UPDATE message SET state = 'sent', day = ? WHERE number = ? AND outcome IS NULL",
        day,
        number,
    )


def set_message_unknown(engine: Engine, number: int) -> None:
    write_one(
        engine,
        "UPDATE message SET state = 'unknown' WHERE number = ? AND outcome IS NULL",
        number,
    )


def set_message_outcome(engine: Engine, number: int, state: MessageState, entry: int) -> None:
    write_one(
        engine,
        "UPDATE message SET state = ?, outcome = ? WHERE number = ? AND outcome IS NULL",
        state,
        entry,
        number,
    )


# --- messages, as the banks have them -------------------------------------------------------------


def bank_message(engine: Engine, number: int) -> BankMessageRow | None:
    row = engine.row(
        "SELECT message, bank, state, reason, ready_at FROM bank_message WHERE message = ?",
        number,
    )
    if row is None:
        return None
    number, bank, state, reason, ready_at = row
    ready = None if ready_at is None else from_micros(ready_at)
    return BankMessageRow(number, bank, state, reason, ready)


def keep_bank_message(engine: Engine, row: BankMessageRow) -> None:
    """Keep how far a bank has come with a message, in place of what was kept before."""
    engine.write(
        "INSERT INTO bank_message (message, bank, state, reason, ready_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (message) DO UPDATE SET"
        " state = excluded.state, reason = excluded.reason, ready_at = excluded.ready_at",
        row.message,
        row.bank,
        row.state,
        row.reason,
        None if row.ready_at is None else to_micros(row.ready_at),
    )


def add_bank_line(
    engine: Engine,
    message: MessageRow,
    direction: Direction,
    amount_fen: int,
    status: str,
    day: str,
    entry: int,
) -> None:
    """Add a line to the statement of the message's bank for *day*."""
    number = engine.by_moment("bank_line")
    if number is None:
        (number,) = engine.row(
            "SELECT coalesce(max(number), 0) + 1 FROM bank_line WHERE bank = ?", message.bank
        )
    engine.write(
        "INSERT INTO bank_line (bank, number, message, direction, amount_fen, status, day,"
        " entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        message.bank,
        number,
        message.number,
        direction,
        amount_fen,
        status,
        day,
        entry,
    )


# --- two sides to compare -------------------------------------------------------------------------


def clearing(
    engine: Engine, bank: str, day: str | None = None, *, message: int | None = None
) -> ClearingDay:
    ours, values = _narrowed("message", "number", bank, day, message)
    theirs, _ = _narrowed("line", "message", bank, day, message)
    return ClearingDay(
        _ours(engine, ours, *values),
        _theirs(engine, theirs, *values),
        _corrections(engine, ours, *values),
    )


def _narrowed(
    table: str, number: str, bank: str, day: str | None, message: int | None
) -> tuple[str, list[object]]:
    """Return which rows of *table* are meant; its column *number* says of which message."""
    where, values = f"{table}.bank = ?", list[object]([bank])
    if day is not None:
        where, values = f"{where} AND {table}.day = ?", [bank, day]
    if message is not None:  # found by its number: not by the index of days
        where, values = where.replace(table, f"+{table}"), [*values, message]
        where = f"{where} AND {table}.{number} = ?"
    return where, values


def _ours(engine: Engine, where: str, *values: object) -> "Iterator[OurLine]":
    from hongbao.domain.reconciliation import OurLine

    for *fields, at in engine.each(
        "SELECT id, direction, amount_fen, state, created_at FROM message"
        f" WHERE {where} ORDER BY id",
        *values,
    ):
        yield OurLine._make([*fields, from_micros(at)])


def _theirs(engine: Engine, where: str, *values: object) -> "Iterator[TheirLine]":
    from hongbao.domain.reconciliation import TheirLine

    for bank, number, *fields, at in engine.each(
        "SELECT line.bank, line.number, message.id, line.direction, line.amount_fen, status,"
        " entry.at FROM bank_line AS line JOIN message ON message.number = line.message"
        " JOIN entry ON entry.id = line.entry"
        f" WHERE {where} ORDER BY message.id, line.number",
        *values,
    ):
        yield TheirLine._make([_reference(bank, number), *fields, from_micros(at)])


def _corrections(engine: Engine, where: str, *values: object) -> Iterator[CorrectionRow]:
    for number, kind, amount_fen in engine.rows(
        "SELECT message.number, kind, correction.amount_fen FROM correction"
        f" JOIN message ON message.number = correction.message WHERE {where}"
        " ORDER BY correction.id",
        *values,
    ):
        yield CorrectionRow(_numbered(engine, number), kind, amount_fen)


# --- faults ---------------------------------------------------------------------------------------


def faults(engine: Engine) -> list[tuple[FaultRow, datetime]]:
    rows = engine.rows(
        "SELECT place, fault, fault.amount_fen, at FROM fault JOIN entry ON entry.id = entry"
        " ORDER BY place, fault.amount_fen"
    )
    return [
        (FaultRow(place, Fault(fault), amount_fen or None), from_micros(at))
        for place, fault, amount_fen, at in rows
    ]


def set_fault(engine: Engine, row: FaultRow, entry: int) -> None:
    engine.write(
        "INSERT OR REPLACE INTO fault (place, fault, amount_fen, entry) VALUES (?, ?, ?, ?)",
        row.place,
        row.fault,
        row.amount_fen or 0,
        entry,
    )


def clear_faults(engine: Engine, place: str) -> None:
    engine.write("DELETE FROM fault WHERE place = ?", place)


# --- settlement -----------------------------------------------------------------------------------


def unsettled(engine: Engine) -> "list[Gross]":
    from hongbao.domain.settlement import Gross

    rows = engine.rows(
        "SELECT bank, sum(direction = 'debit'), sum(iif(direction = 'debit', amount_fen, 0)),"
        " sum(direction = 'credit'), sum(iif(direction = 'credit', amount_fen, 0))"
        " FROM message INDEXED BY message_unsettled"
        " WHERE state = 'accepted' AND batch IS NULL GROUP BY bank ORDER BY bank"
    )
    return [Gross(*row) for row in rows]


def add_batch(engine: Engine, row: BatchRow, lines: "Iterable[Gross]") -> None:
    engine.write(
        "INSERT INTO batch (number, id, entry) VALUES (?, ?, ?)", row.number, row.id, row.entry
    )
    for line in lines:
        engine.write(
            "INSERT INTO batch_line (batch, bank, in_count, in_fen, out_count, out_fen)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            row.number,
            *line,
        )


def settle_messages(engine: Engine, batch: int, heard: Callable[[int], None] | None) -> None:
    if engine.has_lanes:
        _settle_each(engine, batch, heard)
        return
    done = 0
    while True:
        filled = engine.write(
            "UPDATE message SET batch = ? WHERE number IN (SELECT number FROM (SELECT number"
            " FROM message INDEXED BY message_unsettled WHERE state = 'accepted'"
            " AND batch IS NULL AND bank IN (SELECT bank FROM batch_line WHERE batch = ?)"
            " ORDER BY number LIMIT ?) AS waiting)",
            batch,
            batch,
            _AT_ONCE,
        )
        if not filled:
            return
        done += filled
        if heard is not None:
            heard(done)


def _settle_each(engine: Engine, batch: int, heard: Callable[[int], None] | None) -> None:
    """
    Settle the messages that this snapshot has, and no other that is accepted meanwhile.

    Each is found by its number alone, as another index has locks between its rows: so no other act
    waits for it, and it waits for none.
    """
    done, last = 0, 0
    while numbers := [
        number
        for (number,) in engine.rows(
            "SELECT number FROM message WHERE state = 'accepted' AND batch IS NULL AND number > ?"
            " AND bank IN (SELECT bank FROM batch_line WHERE batch = ?) ORDER BY number LIMIT ?",
            last,
            batch,
            _WRITTEN_AT_ONCE,
        )
    ]:
        met = engine.write(
            "UPDATE message INDEXED BY PRIMARY SET batch = ?"
            f" WHERE state = 'accepted' AND batch IS NULL AND number IN ({marks(numbers)})",
            batch,
            *numbers,
        )
        if met != len(numbers):
            raise Overtaken("a message was settled")
        done, last = done + met, numbers[-1]
        if heard is not None:
            heard(done)


# --- corrections and operators --------------------------------------------------------------------


def add_correction(
    engine: Engine,
    message: int,
    kind: str,
    direction: Direction,
    amount_fen: int,
    why: str,
    operator: int,
    entry: int,
) -> None:
    engine.write(
        "INSERT INTO correction (message, kind, direction, amount_fen, why, operator, entry)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        message,
        kind,
        direction,
        amount_fen,
        why,
        operator,
        entry,
    )


# --- maturing claims ------------------------------------------------------------------------------


def add_maturing(engine: Engine, profile: int, from_at: datetime, amount_fen: int) -> None:
    engine.write(
        "INSERT INTO maturing (profile, from_at, amount_fen) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET amount_fen = amount_fen + excluded.amount_fen",
        profile,
        to_micros(from_at),
        amount_fen,
    )


# --- looking --------------------------------------------------------------------------------------


_AT_ONCE = 10_000
"""How many messages are put into a batch together, between two words of how far it is."""

_WRITTEN_AT_ONCE = 1_000
"""The same, where they are named one by one."""

_DUE = f"outcome IS NULL AND due_at <= ?1 AND (?2 IS NULL OR profile = ?2) AND {NOT_HELD}"

_VIEWS = {
    MessageView.UNDER_WAY: "profile = ? AND outcome IS NULL ORDER BY number",
    MessageView.RETURNING: "packet = ? ORDER BY number",
    MessageView.DUE: f"{_DUE} ORDER BY due_at, number",
    MessageView.UNSENT: f"{_DUE} AND state <> 'unknown' ORDER BY due_at, number",
    MessageView.LATE: (
        "number IN (SELECT message FROM bank_message"
        "  WHERE bank_message.state IN ('queued', 'late'))"
        " AND outcome IS NOT NULL AND (?2 IS NULL OR profile = ?2) ORDER BY number"
    ),
}
"""How each view is found and ordered; those that wait at the moment ?1, of profile ?2."""

_MESSAGES = (
    "SELECT number, id, channel, bank, card, profile, direction, reason, amount_fen, fee_fen,"
    " packet, terms, created_at, due_at, entry, day, state, outcome, batch FROM message"
)


def _message(row: Any) -> MessageRow:
    fields: list[Any] = list(row)
    try:
        fields[6] = Direction(fields[6])
        fields[7] = Reason(fields[7])
        fields[11] = json.loads(fields[11])
        fields[16] = MessageState(fields[16])
    except ValueError:  # edited past the table's own rule
        raise Damaged(path=str(row[1])) from None
    fields[12] = from_micros(fields[12])
    fields[13] = from_micros(fields[13])
    return MessageRow(*fields)


def _reference(bank: str, number: int) -> str:
    """
    Return the bank's own id of its line *number*.

    >>> _reference("icbc", 12)
    'ICBC-000012'
    """
    return f"{bank.upper()}-{number:06d}"
