"""Checks of cases: each was opened by an act that says so, and is as operators have said."""

from collections.abc import Iterator
from typing import NamedTuple

from hongbao.auditing.look import Look
from hongbao.auditing.sealed import has, judged, told
from hongbao.domain.cases import WAITING, CaseFacts, CaseKind, CaseState, decide_case
from hongbao.domain.dates import day_key
from hongbao.domain.risk.pack import parse_pack
from hongbao.errors import InvalidRiskPack, SameOperator
from hongbao.units import from_micros

_SAID = frozenset({"opinion", "approved", "rejected", "escalated"})
"""The acts in which an operator says something of a case."""


class Cases(Look):
    """Whether each case has its event, and each event that asks for a case has one."""

    def _cases(self) -> Iterator[str]:
        """
        Compare each case with the act that opened it, what operators said of it, and its end.

        Whatever a report was to be opened for has its case, or one that says so already.
        """
        four_eyes: dict[str, int] = {}
        for row in self._rows(
            "SELECT review_case.number, review_case.id, review_case.kind, review_case.rule,"
            " review_case.profile IS opened.profile, review_case.amount_fen, review_case.until,"
            " review_case.state, review_case.closed, opened.answer,"
            # By card, it was judged before the bank was asked.
            " coalesce(opened.risk, (SELECT asked.risk FROM message JOIN entry AS asked"
            "  ON asked.id = message.entry WHERE message.outcome = opened.id)),"
            " shut.act, shut.at, shut.answer FROM review_case"
            " LEFT JOIN entry AS opened ON opened.id = review_case.entry"
            " LEFT JOIN entry AS shut ON shut.id = review_case.closed ORDER BY review_case.number"
        ):
            case = _Case(*row)
            if not (case.is_as_opened() and self._is_as_said(case, four_eyes)):
                yield case.id
        yield from self._said_of_nothing()
        yield from self._without_a_case()

    def _is_as_said(self, case: "_Case", four_eyes: dict[str, int]) -> bool:
        """Decide *case* again by what operators said of it; *four_eyes* remembers packs."""
        record = None if case.risk is None else judged(case.risk)
        pack = "" if record is None else record.pack
        if pack not in four_eyes:
            four_eyes[pack] = self._four_eyes_fen(pack)
        state, last = CaseState.OPEN, 0
        earlier: list[tuple[int, str]] = []
        for entry, operator, verb, reason, name, act, answer in self._store.rows(
            "SELECT opinion.entry, opinion.operator, verb, opinion.reason, operator.name, act,"
            " answer FROM opinion LEFT JOIN operator ON operator.id = opinion.operator"
            " LEFT JOIN entry ON entry.id = opinion.entry WHERE review_case = ?"
            " ORDER BY opinion.entry",
            case.number,
        ):
            if state not in WAITING or act not in _SAID:
                return False
            try:
                facts = CaseFacts(state, case.amount_fen)
                state = decide_case(facts, earlier, operator, verb, four_eyes[pack]).state
            except (SameOperator, ValueError):
                return False
            said = {"operator": name, "verb": verb, "reason": reason}
            if not has(answer, {"case": case.id, **said, "case_state": str(state)}):
                return False
            earlier.append((operator, verb))
            last = entry
        if state not in WAITING:
            return (case.state, case.closed, case.shut_as) == (state, last, state)
        if case.state in (CaseState.RELEASED, CaseState.RETURNED):
            return case.ended_by_itself()
        return (case.state, case.closed) == (state, None)

    def _four_eyes_fen(self, pack: str) -> int:
        """Return the amount from which two have to agree by *pack*; 0 where it is unreadable."""
        try:
            return parse_pack(self._store.risk_pack(pack) or "", pack).four_eyes_fen
        except InvalidRiskPack:
            return 0

    def _said_of_nothing(self) -> Iterator[str]:
        """Name entries in which an operator spoke, or a case began or ended, and none knows."""
        for (entry,) in self._rows(
            "SELECT entry.id FROM entry LEFT JOIN opinion ON opinion.entry = entry.id"
            " WHERE act IN ('opinion', 'approved', 'rejected', 'escalated')"
            " AND opinion.entry IS NULL"
            " UNION ALL SELECT entry.id FROM entry"
            " LEFT JOIN review_case ON review_case.closed = entry.id"
            " WHERE act IN ('approved', 'rejected', 'released', 'returned')"
            " AND review_case.number IS NULL"
            " UNION ALL SELECT entry.id FROM entry LEFT JOIN review_case"
            " ON review_case.id = answer ->> '$.held.case' AND review_case.entry = entry.id"
            " WHERE json_valid(answer) AND answer ->> '$.held.case' IS NOT review_case.id"
            " ORDER BY 1"
        ):
            yield f"entry {entry}"

    def _without_a_case(self) -> Iterator[str]:
        for entry, profile, when, risk in self._rows(
            "SELECT id, profile, at, risk FROM entry WHERE risk IS NOT NULL"
            " AND instr(risk, '\"reports\":[]') = 0 AND instr(risk, '\"reports\":') > 0"
            " AND act NOT IN ('challenged', 'limited', 'refused', 'cut') ORDER BY id"
        ):
            record = judged(risk)
            if record is None:
                continue  # the habits say so
            for rule in record.reports:
                other = self._store.row(
                    "SELECT review_case.entry, closed, entry.at FROM review_case"
                    " JOIN entry ON entry.id = review_case.entry"
                    " WHERE review_case.profile = ? AND rule = ? AND review_case.entry <= ?"
                    " ORDER BY number DESC LIMIT 1",
                    profile,
                    rule,
                    entry,
                )
                if other is None or not (
                    other[0] == entry
                    or other[1] is None
                    or other[1] > entry
                    or day_key(from_micros(other[2])) == day_key(from_micros(when))
                ):
                    yield f"entry {entry}: {rule}"


class _Case(NamedTuple):
    """A case as it stands, beside the entries that opened and closed it."""

    number: int
    id: str
    kind: str
    rule: str
    fits_profile: int
    amount_fen: int
    until: int | None
    state: str
    closed: int | None
    opened: str | None
    risk: str | None
    shut_as: str | None
    shut_at: int
    shut: str

    def is_as_opened(self) -> bool:
        """Say whether the act that it names did open it."""
        if not self.fits_profile or self.opened is None:
            return False
        if self.kind == CaseKind.HOLD:
            held = told(self.opened).get("held")
            return isinstance(held, dict) and (held.get("case"), held.get("rule")) == (
                self.id,
                self.rule,
            )
        record = None if self.risk is None else judged(self.risk)
        return (
            record is not None
            and record.asked is not None
            and self.rule in record.reports
            and record.asked.seen.amount_fen == self.amount_fen
        )

    def ended_by_itself(self) -> bool:
        """Say whether its moment had come, and the entry that closed it says so."""
        return (
            self.until is not None
            and self.shut_as == self.state
            and self.shut_at >= self.until
            and has(self.shut, {"case": self.id, "ended": self.state})
        )
