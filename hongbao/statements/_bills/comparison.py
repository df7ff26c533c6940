"""
Comparison of an imported bill with this home's records, each row in a bill's words.

Our side is what `hongbao export --format wechat` would write for the same period, so that a bill of
ours that was imported is compared with exactly what it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from hongbao.domain.bill import BillRow, Direction, direction_of, start_of_minute
from hongbao.domain.comparison import Match, Row, Verdict, compare
from hongbao.domain.ids import parse_movement_id
from hongbao.statements._wechat import row_of
from hongbao.units import CHINA, iso

if TYPE_CHECKING:
    from hongbao.answers import Compared, ComparedLine, ComparedRow, ComparedSum, MovementLine
    from hongbao.queries.bills import Bill
    from hongbao.queries.statement import Statement

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_SAID = {
    Verdict.BOTH: "both",
    Verdict.DIFFER: "differ",
    Verdict.OURS: "home",
    Verdict.THEIRS: "bill",
}


def compared(statement: Statement, bill: Bill, *, everything: bool = False) -> Compared:
    """
    Compare *bill* with the *statement* of its whole period, all in memory.

    The answer has what does not agree, and with *everything* what does, too.
    """
    lines = [*statement.lines]
    marks = {found[0] for line in lines if (found := parse_movement_id(line["id"])) is not None}

    def is_ours(number: str) -> bool:
        found = parse_movement_id(number)
        return found is not None and found[0] in marks

    # Where the bill's times are minutes, a row of ours at the edge of a part that was requested
    # may be one of the bill's in it. One that is not is of another part.
    begin, end = bill.since, bill.until
    if bill.to_minute:
        begin = max(start_of_minute(begin), bill.begins_at)
        end = min(start_of_minute(end - _SECOND) + _MINUTE, bill.ends_at)
    ours = (row for row in _ours(lines) if begin <= row.at < end)
    theirs = (_theirs(row)._replace(to_minute=bill.to_minute) for row in bill.rows)
    matches = [
        match
        for match in compare(ours, theirs, ours_by_number=is_ours)
        if match.theirs is not None or bill.since <= match.at < bill.until
    ]
    return {
        "profile": statement.profile,
        "bill": bill.id,
        "begins_at": iso(bill.since),
        "ends_at": iso(bill.until - _SECOND),
        "ok": all(match.verdict is Verdict.BOTH for match in matches),
        "by_id": sum(match.by_id for match in matches),
        "by_time": sum(match.verdict is Verdict.BOTH and not match.by_id for match in matches),
        "sums": [*_sums(matches)],
        "lines": [
            _line(match) for match in matches if everything or match.verdict is not Verdict.BOTH
        ],
    }


def _ours(lines: Iterable[MovementLine]) -> Iterator[Row]:
    for line in lines:
        row = row_of(line)
        if row is not None:
            yield Row(
                id=row.number,
                at=row.at.replace(tzinfo=CHINA),
                direction=direction_of(row.way),
                amount_fen=row.amount_fen,
                kind=row.kind,
                state=row.status,
                counterparty=row.other,
                place=line["entry"],
            )


def _theirs(row: BillRow) -> Row:
    return Row(
        id=row.id,
        at=row.at,
        direction=row.direction,
        amount_fen=row.amount_fen,
        kind=row.kind,
        state=row.state,
        counterparty=row.counterparty,
        place=row.number,
    )


def _sums(matches: Iterable[Match]) -> Iterator[ComparedSum]:
    """Yield what each verdict adds up to, in each book that has any of it."""
    sums: dict[tuple[Verdict, str], dict[str, int]] = {
        (verdict, book): {"count": 0, **dict.fromkeys(Direction, 0)}
        for verdict in Verdict
        for book in ("bill", "home")
    }
    for match in matches:
        for book, row in (("bill", match.theirs), ("home", match.ours)):
            if row is not None:
                found = sums[match.verdict, book]
                found["count"] += 1
                found[row.direction] += row.amount_fen
    for (verdict, book), found in sums.items():
        if {verdict, book} not in ({Verdict.OURS, "bill"}, {Verdict.THEIRS, "home"}):
            yield {
                "verdict": _SAID[verdict],
                "book": book,
                "count": found["count"],
                "in_fen": found[Direction.IN],
                "out_fen": found[Direction.OUT],
                "neutral_fen": found[Direction.NEUTRAL],
            }


def _line(match: Match) -> ComparedLine:
    by = None
    if match.ours is not None and match.theirs is not None:
        by = "id" if match.by_id else "time"
    return {
        "verdict": _SAID[match.verdict],
        "by": by,
        "differs": [*match.differs],
        "bill": None if match.theirs is None else _row(match.theirs),
        "home": None if match.ours is None else _row(match.ours),
    }


def _row(row: Row) -> ComparedRow:
    return {
        "id": row.id,
        "at": iso(row.at),
        "kind": row.kind,
        "counterparty": row.counterparty,
        "direction": row.direction,
        "amount_fen": row.amount_fen,
        "state": row.state,
    }
