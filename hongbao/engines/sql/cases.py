"""Review cases and operators' opinions."""

from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, cast, overload

from hongbao.engines.sql.engine import Engine, write_one
from hongbao.store import CaseRow, CaseView, OpinionRow, RecordsRow
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
        (row,) = engine.existing(_found(engine, "number = ?", which) or None)
        return cast("CaseRow", row)
    if holding is not None:
        rows = _found(engine, "message = ? AND closed IS NULL", holding)
    elif last_of is not None:
        newest = "review.number DESC"
        rows = _found(engine, "profile = ? AND rule = ?", *last_of, order=newest, limit=1)
    else:
        rows = _found(engine, "id = ?", which)
    return rows[0] if rows else None


def cases(
    engine: Engine,
    view: CaseView,
    *,
    profile: int | None = None,
    entries: range = range(0),
    packet: int | None = None,
    until: datetime | None = None,
    limit: int = -1,
) -> list[CaseRow]:
    where, order = _VIEWS[view]
    asked: dict[CaseView, list[object]] = {
        CaseView.OPENED: [entries.start, entries.stop],
        CaseView.HOLDS: [packet],
        CaseView.ENDED: [until and to_micros(until)],
    }
    values = asked.get(view, [])
    if profile is not None:
        where, values = f"{where} AND profile = ?", [*values, profile]
    return _found(engine, where, *values, order=order, limit=limit)


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


def close_case(engine: Engine, number: int, state: str, entry: int) -> None:
    write_one(
        engine,
        "UPDATE review_case SET state = ?, closed = ? WHERE number = ? AND closed IS NULL",
        state,
        entry,
        number,
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


_VIEWS = {
    CaseView.WAITING: ("closed IS NULL", "review.number"),
    CaseView.ALL: ("TRUE", "review.number DESC"),
    CaseView.OPENED: ("entry >= ? AND entry < ?", "review.entry, review.number"),
    CaseView.HOLDS: ("packet = ? AND kind = 'hold'", "review.number"),
    CaseView.ENDED: ("closed IS NULL AND until <= ?", "review.until, review.number"),
}
"""How each view is found, and how it is ordered."""


def _found(
    engine: Engine, where: str, *values: object, order: str = "review.number", limit: int = -1
) -> list[CaseRow]:
    rows = engine.rows(
        "SELECT review.number, review.id, review.kind, review.profile, review.rule,"
        " review.amount_fen, review.entry, review.packet, review.message, review.until,"
        " review.ends, review.state, review.closed,"
        " opinion.entry, operator.id, operator.name, verb, reason, said.at"
        f" FROM (SELECT * FROM review_case AS review WHERE {where} ORDER BY {order} LIMIT ?)"
        " AS review LEFT JOIN opinion ON opinion.review_case = review.number"
        " LEFT JOIN operator ON operator.id = opinion.operator"
        " LEFT JOIN entry AS said ON said.id = opinion.entry"
        f" ORDER BY {order}, opinion.entry",
        *values,
        limit,
    )
    return [_case([*group]) for _, group in groupby(rows, itemgetter(0))]


def _case(rows: list[Any]) -> CaseRow:
    fields: list[Any] = list(rows[0][:_OPINION])
    fields[9] = None if fields[9] is None else from_micros(fields[9])
    fields.append(tuple(_opinion(row[_OPINION:]) for row in rows if row[-1] is not None))
    return CaseRow(*fields)


def _opinion(row: Any) -> OpinionRow:
    entry, operator, name, verb, reason, at = row
    return OpinionRow(entry, operator, name, verb, reason, from_micros(at))


_OPINION = 13
"""Where the columns of an opinion begin, behind those of its case."""
