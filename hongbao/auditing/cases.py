"""Checks of cases: each was opened by an act that says so, and is as operators have said."""

from collections.abc import Iterator
from typing import NamedTuple

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import facts_in, has, judged, part_of
from hongbao.domain.cases import WAITING, CaseFacts, CaseKind, CaseState, decide_case
from hongbao.domain.dates import day_key
from hongbao.domain.risk.pack import Pack, parse_pack
from hongbao.domain.risk.record import Record
from hongbao.errors import InvalidRiskPack, SameOperator
from hongbao.questions import Question
from hongbao.units import from_micros

_SAID = frozenset({"opinion", "approved", "rejected", "escalated"})
"""The acts in which an operator says something of a case."""


def check_cases(context: Context) -> Iterator[str]:
    """
    Compare each case with the act that opened it, what operators said of it, and its end.

    Every act that had to be reported has its case, or one that covers it already.
    """
    packs: dict[str, Pack | None] = {}
    for row in context.rows(Question.CASES):
        case = _Case(*row)
        record = None if case.risk is None else judged(case.risk)
        ref = "" if record is None else record.pack
        if ref not in packs:
            packs[ref] = _pack(context, ref)
        if not (case.is_as_opened(record, packs[ref]) and _is_as_said(context, case, packs[ref])):
            yield case.id
    yield from _said_of_nothing(context)
    yield from _without_a_case(context)


def _is_as_said(context: Context, case: "_Case", pack: Pack | None) -> bool:
    """Decide *case* again by what operators said of it, under the rules of *pack*."""
    four_eyes_fen = 0 if pack is None else pack.four_eyes_fen
    state, last = CaseState.OPEN, 0
    earlier: list[tuple[int, str]] = []
    for entry, operator, verb, reason, name, act, facts in context.rows(
        Question.OPINIONS_OF_CASE,
        case.number,
    ):
        if state not in WAITING or act not in _SAID:
            return False
        try:
            known = CaseFacts(state, case.amount_fen)
            state = decide_case(known, earlier, operator, verb, four_eyes_fen).state
        except (SameOperator, ValueError):
            return False
        said = {"operator": name, "verb": verb, "reason": reason}
        if not has(act, facts, {"case": case.id, **said, "case_state": str(state)}):
            return False
        earlier.append((operator, verb))
        last = entry
    if state not in WAITING:
        return (case.state, case.closed, case.shut_as) == (state, last, state)
    if case.state in (CaseState.RELEASED, CaseState.RETURNED):
        return case.ended_by_itself()
    return (case.state, case.closed) == (state, None)


def _pack(context: Context, ref: str) -> Pack | None:
    """Return the rules that were kept as *ref*; None where they cannot be read any more."""
    try:
        return parse_pack(context.store.rules("risk_pack", ref) or "", ref)
    except InvalidRiskPack:
        return None


def _said_of_nothing(context: Context) -> Iterator[str]:
    """Name entries in which an operator spoke, or a case began or ended, and none knows."""
    for (entry,) in context.rows(Question.CASE_ENTRIES_WITHOUT_CASE):
        yield f"entry {entry}"
    for entry, act, facts, operator in context.rows(Question.OPERATOR_ENTRIES):
        said = facts_in(act, facts)
        if said and (said.get("by") or said.get("operator")) != operator:
            yield f"entry {entry}"
    for entry, act, facts, case in context.rows(Question.HOLDING_ENTRIES):
        held = part_of(act, facts, "held")
        if held and held.get("case") != case:
            yield f"entry {entry}"


def _without_a_case(context: Context) -> Iterator[str]:
    for entry, profile, when, risk in context.rows(Question.REPORTED_ENTRIES):
        record = judged(risk)
        if record is None:
            continue  # the habits say so
        for rule in record.reports:
            other = context.row(
                Question.LAST_CASE_OF_RULE,
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
    """A case with the entries that opened and closed it."""

    number: int
    id: str
    kind: str
    rule: str
    fits_profile: int
    amount_fen: int
    until: int | None
    state: str
    closed: int | None
    packet: int | None
    message: int | None
    ends: str | None
    opened_as: str | None
    opened: str | None
    risk: str | None
    shut_as: str | None
    shut_at: int
    shut: str

    def is_as_opened(self, record: Record | None, pack: Pack | None) -> bool:
        """Return whether the act that it names did open it, as *record* says under *pack*."""
        if not self.fits_profile or self.opened is None:
            return False
        if self.kind == CaseKind.HOLD:
            held = part_of(self.opened_as, self.opened, "held")
            return (held.get("case"), held.get("rule")) == (self.id, self.rule)
        kinds = {} if pack is None else {report.id: report.kind for report in pack.reports}
        return (
            kinds.get(self.rule) == self.kind
            and (self.packet, self.message, self.until, self.ends) == (None,) * 4
            and record is not None
            and record.asked is not None
            and self.rule in record.reports
            and record.asked.seen.amount_fen == self.amount_fen
        )

    def ended_by_itself(self) -> bool:
        """Return whether its moment had come, and the entry that closed it says so."""
        return (
            self.until is not None
            and self.shut_as == self.state
            and self.shut_at >= self.until
            and has(self.shut_as, self.shut, {"case": self.id, "ended": self.state})
        )
