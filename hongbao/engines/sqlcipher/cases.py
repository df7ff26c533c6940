"""Review cases and operators' opinions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hongbao.engines.sqlcipher.books import Books
from hongbao.store import CaseActRow, CaseRow, OperatorActRow, OpinionRow, RecordsRow
from hongbao.units import from_micros, to_micros


class Cases(Books):
    """Review cases and opinions in SQL."""

    def _add_case(self, row: CaseRow) -> None:
        self._write(
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

    def case(self, case_id: str) -> CaseRow | None:
        row = self.row(f"{_CASES} WHERE id = ?", case_id)
        return _case(row) if row else None

    def case_numbered(self, number: int) -> CaseRow:
        return _case(self.row(f"{_CASES} WHERE number = ?", number))

    def cases_between(self, entries: range) -> Iterator[CaseRow]:
        for row in self.each(
            f"{_CASES} WHERE entry >= ? AND entry < ? ORDER BY entry, number",
            entries.start,
            entries.stop,
        ):
            yield _case(row)

    def act_of_case(self, number: int) -> CaseActRow:
        at, *fields = self.row(
            "SELECT entry.at, act, request_id, packet.id, message.id, profile.name FROM review_case"
            " JOIN entry ON entry.id = review_case.entry"
            " LEFT JOIN packet ON packet.number = coalesce(review_case.packet, entry.packet)"
            " LEFT JOIN message ON message.number = coalesce(review_case.message, entry.message)"
            " LEFT JOIN profile ON profile.id = entry.counterparty WHERE review_case.number = ?",
            number,
        )
        return CaseActRow(from_micros(at), *fields)

    def count_cases(self, entries: range) -> int:
        row = self.row(
            "SELECT count(*) FROM review_case WHERE entry >= ? AND entry < ?",
            entries.start,
            entries.stop,
        )
        return int(row[0])

    def records_kept(self) -> RecordsRow:
        cases = dict(self.rows("SELECT kind, count(*) FROM review_case GROUP BY kind"))
        first, last, entries, judged = self.row(
            "SELECT min(at), max(at), count(*), count(verdict) FROM entry"
        )
        stopped, waiting, opinions, by_operators = self.row(
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

    def operator_acts(self) -> Iterator[OperatorActRow]:
        for entry, at, *rest in self.each(_OPERATOR_ACTS):
            yield OperatorActRow(entry, from_micros(at), *rest)

    def cases(self, *, closed: bool, limit: int) -> list[CaseRow]:
        where = "ORDER BY number DESC" if closed else "WHERE closed IS NULL ORDER BY number"
        return [_case(row) for row in self.rows(f"{_CASES} {where} LIMIT ?", limit)]

    def open_cases_count(self, profile: int) -> int:
        row = self.row(
            "SELECT count(*) FROM review_case WHERE profile = ? AND closed IS NULL", profile
        )
        return int(row[0])

    def cases_of_entry(self, entry: int) -> list[CaseRow]:
        return [_case(row) for row in self.rows(f"{_CASES} WHERE entry = ? ORDER BY number", entry)]

    def last_case(self, profile: int, rule: str) -> CaseRow | None:
        row = self.row(
            f"{_CASES} WHERE profile = ? AND rule = ? ORDER BY number DESC LIMIT 1", profile, rule
        )
        return _case(row) if row else None

    def holds_on_packet(self, packet: int) -> list[CaseRow]:
        rows = self.rows(f"{_CASES} WHERE packet = ? AND kind = 'hold' ORDER BY number", packet)
        return [_case(row) for row in rows]

    def hold_on_message(self, message: int) -> CaseRow | None:
        row = self.row(f"{_CASES} WHERE message = ? AND closed IS NULL", message)
        return _case(row) if row else None

    def ended_holds(self, now: datetime, limit: int) -> list[CaseRow]:
        rows = self.rows(
            f"{_CASES} WHERE closed IS NULL AND until <= ? ORDER BY until, number LIMIT ?",
            to_micros(now),
            limit,
        )
        return [_case(row) for row in rows]

    def next_hold_end(self) -> datetime | None:
        row = self.row("SELECT min(until) FROM review_case WHERE closed IS NULL")
        return None if row[0] is None else from_micros(row[0])

    def held_fen_of(self, profile: int) -> int:
        row = self.row(
            "SELECT coalesce(sum(review_case.amount_fen + coalesce(fee_fen, 0)), 0)"
            " FROM review_case LEFT JOIN message ON message.number = message"
            " LEFT JOIN packet ON packet.entry = review_case.entry"
            " WHERE review_case.profile = ? AND closed IS NULL AND review_case.kind = 'hold'"
            " AND packet.number IS NULL",
            profile,
        )
        return int(row[0])

    def _close_case(self, number: int, state: str, entry: int) -> None:
        self._write(
            "UPDATE review_case SET state = ?, closed = ? WHERE number = ?", state, entry, number
        )

    def _escalate_case(self, number: int) -> None:
        self._write("UPDATE review_case SET state = 'escalated' WHERE number = ?", number)

    def _hold_packet(self, packet: int, case: int | None) -> None:
        """Put *packet* on hold in *case*; None releases it."""
        self._write("UPDATE packet SET held = ? WHERE number = ?", case, packet)

    def _add_opinion(self, entry: int, case: int, operator: int, verb: str, reason: str) -> None:
        self._write(
            "INSERT INTO opinion (entry, review_case, operator, verb, reason)"
            " VALUES (?, ?, ?, ?, ?)",
            entry,
            case,
            operator,
            verb,
            reason,
        )

    def opinions(self, case: int) -> list[OpinionRow]:
        rows = self.rows(
            "SELECT opinion.entry, operator.id, operator.name, verb, reason, entry.at FROM opinion"
            " JOIN operator ON operator.id = opinion.operator"
            " JOIN entry ON entry.id = opinion.entry WHERE review_case = ? ORDER BY opinion.entry",
            case,
        )
        return [_opinion(row) for row in rows]


_OPERATOR_ACTS = (
    "SELECT entry.id, at, act, facts, operator.name FROM entry"
    " JOIN operator ON operator.id = entry.operator"
    " WHERE entry.operator IS NOT NULL ORDER BY entry.id DESC"
)

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
