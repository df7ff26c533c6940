"""Review cases and operators' opinions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, overload

from hongbao.engines.sqlcipher.books import ACTS, act_row
from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import ActRow, CaseRow, OpinionRow, RecordsRow
from hongbao.units import from_micros, to_micros


def add_case(engine: Engine, row: CaseRow) -> None:
    engine.write(
        "INSERT INTO review_case (number, id, kind, profile, rule, amount_fen, entry, packet,"
        " message, until, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.number,
        row.id,
        row.kind,
        row.profile,
        row.rule,
        row.amount_fen,
        row.entry,
        row.packet,
        row.message,
        row.until and to_micros(row.until),
        row.ends,
    )


@overload
def case(engine: Engine, which: int) -> CaseRow: ...


@overload
def case(
    engine: Engine,
    which: str = "",
    *,
    holding: int | None = None,
    last_of: tuple[int, str] | None = None,
) -> CaseRow | None: ...


def case(
    engine: Engine,
    which: int | str = "",
    *,
    holding: int | None = None,
    last_of: tuple[int, str] | None = None,
) -> CaseRow | None:
    if isinstance(which, int):
        return _case(engine.existing(engine.row(f"{_CASES} WHERE number = ?", which)))
    if holding is not None:
        row = engine.row(f"{_CASES} WHERE message = ? AND closed IS NULL", holding)
    elif last_of is not None:
        row = engine.row(
            f"{_CASES} WHERE profile = ? AND rule = ? ORDER BY number DESC LIMIT 1", *last_of
        )
    else:
        row = engine.row(f"{_CASES} WHERE id = ?", which)
    return _case(row) if row else None


def cases_opened(engine: Engine, entries: range) -> Iterator[CaseRow]:
    for row in engine.each(
        f"{_CASES} WHERE entry >= ? AND entry < ? ORDER BY entry, number",
        entries.start,
        entries.stop,
    ):
        yield _case(row)


def records_kept(engine: Engine) -> RecordsRow:
    cases = dict(engine.rows("SELECT kind, count(*) FROM review_case GROUP BY kind"))
    first, last, entries, judged = engine.row(
        "SELECT min(at), max(at), count(*), count(verdict) FROM entry"
    )
    stopped, waiting, opinions, by_operators = engine.row(
        "SELECT (SELECT count(*) FROM stop),"
        " (SELECT count(*) FROM review_case WHERE closed IS NULL),"
        " (SELECT count(*) FROM opinion), (SELECT count(operator) FROM entry)"
    )
    return RecordsRow(
        first_at=None if first is None else from_micros(first),
        last_at=None if last is None else from_micros(last),
        entries=entries,
        judged=judged,
        stopped=stopped,
        cases=cases,
        waiting=waiting,
        opinions=opinions,
        by_operators=by_operators,
    )


def operator_acts(engine: Engine) -> Iterator[ActRow]:
    for row in engine.each(_OPERATOR_ACTS):
        yield act_row(row)


def cases(
    engine: Engine, *, closed: bool = False, limit: int = -1, profile: int | None = None
) -> list[CaseRow]:
    where, values = ("true", []) if profile is None else ("profile = ?", [profile])
    rest = "ORDER BY number DESC" if closed else "AND closed IS NULL ORDER BY number"
    rows = engine.rows(f"{_CASES} WHERE {where} {rest} LIMIT ?", *values, limit)
    return [_case(row) for row in rows]


def holds(
    engine: Engine, *, packet: int | None = None, ended: datetime | None = None, limit: int = -1
) -> list[CaseRow]:
    if packet is not None:
        rows = engine.rows(
            f"{_CASES} WHERE packet = ? AND kind = 'hold' ORDER BY number LIMIT ?",
            packet,
            limit,
        )
    else:
        rows = engine.rows(
            f"{_CASES} WHERE closed IS NULL AND until <= ? ORDER BY until, number LIMIT ?",
            None if ended is None else to_micros(ended),
            limit,
        )
    return [_case(row) for row in rows]


def close_case(engine: Engine, number: int, state: str, entry: int) -> None:
    engine.write(
        "UPDATE review_case SET state = ?, closed = ? WHERE number = ?", state, entry, number
    )


def escalate_case(engine: Engine, number: int) -> None:
    engine.write("UPDATE review_case SET state = 'escalated' WHERE number = ?", number)


def hold_packet(engine: Engine, packet: int, case: int | None) -> None:
    """Put *packet* on hold in *case*; None releases it."""
    engine.write("UPDATE packet SET held = ? WHERE number = ?", case, packet)


def add_opinion(
    engine: Engine, entry: int, case: int, operator: int, verb: str, reason: str
) -> None:
    engine.write(
        "INSERT INTO opinion (entry, review_case, operator, verb, reason) VALUES (?, ?, ?, ?, ?)",
        entry,
        case,
        operator,
        verb,
        reason,
    )


def opinions(engine: Engine, case: int) -> list[OpinionRow]:
    rows = engine.rows(
        "SELECT opinion.entry, operator.id, operator.name, verb, reason, entry.at FROM opinion"
        " JOIN operator ON operator.id = opinion.operator"
        " JOIN entry ON entry.id = opinion.entry WHERE review_case = ? ORDER BY opinion.entry",
        case,
    )
    return [_opinion(row) for row in rows]


_OPERATOR_ACTS = f"{ACTS} WHERE entry.operator IS NOT NULL ORDER BY entry.id DESC"

_CASES = (
    "SELECT number, id, kind, profile, rule, amount_fen, entry, packet, message, until, ends,"
    " state, closed FROM review_case"
)


def _case(row: Any) -> CaseRow:
    fields: list[Any] = list(row)
    fields[9] = None if fields[9] is None else from_micros(fields[9])
    return CaseRow(*fields)


def _opinion(row: Any) -> OpinionRow:
    entry, operator, name, verb, reason, at = row
    return OpinionRow(entry, operator, name, verb, reason, from_micros(at))
