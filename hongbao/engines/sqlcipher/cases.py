"""Review cases and operators' opinions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, overload

from hongbao.engines.sqlcipher.books import ACTS, Books, act_row
from hongbao.store import ActRow, CaseRow, OpinionRow, RecordsRow
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

    @overload
    def case(self, which: int) -> CaseRow: ...

    @overload
    def case(
        self,
        which: str = "",
        *,
        holding: int | None = None,
        last_of: tuple[int, str] | None = None,
    ) -> CaseRow | None: ...

    def case(
        self,
        which: int | str = "",
        *,
        holding: int | None = None,
        last_of: tuple[int, str] | None = None,
    ) -> CaseRow | None:
        if isinstance(which, int):
            return _case(self.existing(self.row(f"{_CASES} WHERE number = ?", which)))
        if holding is not None:
            row = self.row(f"{_CASES} WHERE message = ? AND closed IS NULL", holding)
        elif last_of is not None:
            row = self.row(
                f"{_CASES} WHERE profile = ? AND rule = ? ORDER BY number DESC LIMIT 1", *last_of
            )
        else:
            row = self.row(f"{_CASES} WHERE id = ?", which)
        return _case(row) if row else None

    def cases_opened(self, entries: range) -> Iterator[CaseRow]:
        for row in self.each(
            f"{_CASES} WHERE entry >= ? AND entry < ? ORDER BY entry, number",
            entries.start,
            entries.stop,
        ):
            yield _case(row)

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

    def operator_acts(self) -> Iterator[ActRow]:
        for row in self.each(_OPERATOR_ACTS):
            yield act_row(row)

    def cases(
        self, *, closed: bool = False, limit: int = -1, profile: int | None = None
    ) -> list[CaseRow]:
        where, values = ("true", []) if profile is None else ("profile = ?", [profile])
        rest = "ORDER BY number DESC" if closed else "AND closed IS NULL ORDER BY number"
        rows = self.rows(f"{_CASES} WHERE {where} {rest} LIMIT ?", *values, limit)
        return [_case(row) for row in rows]

    def holds(
        self, *, packet: int | None = None, ended: datetime | None = None, limit: int = -1
    ) -> list[CaseRow]:
        if packet is not None:
            rows = self.rows(
                f"{_CASES} WHERE packet = ? AND kind = 'hold' ORDER BY number LIMIT ?",
                packet,
                limit,
            )
        else:
            rows = self.rows(
                f"{_CASES} WHERE closed IS NULL AND until <= ? ORDER BY until, number LIMIT ?",
                None if ended is None else to_micros(ended),
                limit,
            )
        return [_case(row) for row in rows]

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
