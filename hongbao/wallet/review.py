"""Review (人工审核): cases listed, shown, decided and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, cast

from hongbao.changes.cases import AddOpinion, CloseCase, EscalateCase
from hongbao.domain.cases import (
    WAITING,
    CaseFacts,
    CaseKind,
    CaseState,
    Outcome,
    Verb,
    decide_case,
    needs_two,
    standing,
)
from hongbao.domain.dates import years_after
from hongbao.domain.identity import mask_id_number, mask_real_name
from hongbao.domain.ids import parse_case_id
from hongbao.domain.risk.record import Record, decode
from hongbao.domain.text import mask_profile_name
from hongbao.errors import CaseClosed, CaseNotFound, InvalidRange
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.queries.check import check, head_line, noted_before
from hongbao.queries.guards import guards_in_force, read_guards
from hongbao.queries.history import entry_span
from hongbao.store import CaseRow, CaseView, OperatorRow, OpinionRow
from hongbao.units import iso, iso_or_none
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.authorise import authorise
from hongbao.wallet.holds import HoldOver
from hongbao.wallet.operators import By, operator_named, parse_reason
from hongbao.wallet.releasing import carry_on, case_owner, end_hold, release_hold, return_hold
from hongbao.wallet.unit_of_work import perform_step, perform_step_for, rehearsal

if TYPE_CHECKING:
    from hongbao.answers import (
        CaseFile,
        CaseLine,
        CaseList,
        CaseShown,
        ConditionLine,
        Decided,
        HeadLine,
        HoldEnded,
        OpinionLine,
        RecordsKept,
    )
    from hongbao.domain.risk.pack import Pack, Report, Rule

S = TypeVar("S")

KEPT = ("pages", "chain", "head", "cases", "held")
"""The checks that say whether anything is missing of what has to be kept."""

_STEP = 8
"""Which of the eight steps a decision's time counts for: the last, where money finds home."""


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """
    The cases that were opened in a period, oldest first, each as it is by now.

    *head* is the last entry before the period's end. *lines* can be read once, while the report is
    open.
    """

    since: datetime | None
    until: datetime | None
    masked: bool
    count: int
    head: HeadLine
    lines: Iterator[CaseFile]


class _Plan(NamedTuple):
    """The plan of an operator's opinion: its act, and the profile whose money it is about."""

    outcome: Outcome
    act: str
    profile: int | None


class _Overtaken(Exception):
    """Another opinion came between the look and the act, which has to be planned again."""


class _Who(TypedDict):
    person: int
    profile: str
    real_name: str | None
    id_number: str | None


def cases(
    home: Home, *, closed: bool = False, limit: int = 20, unmasked_by: By | None = None
) -> CaseList:
    """
    Return the cases that wait, oldest first; with *closed*, all of them, newest first.

    Personal data is masked; what *unmasked_by* is shown of it is written into the chain.

    Raises OperatorNotFound, and what `authorise` raises.
    """

    def look(masked: bool) -> CaseList:
        rows = home.store.cases(CaseView.ALL if closed else CaseView.WAITING, limit=limit + 1)
        return {
            "cases": [_case_line(home, row, masked=masked) for row in rows[:limit]],
            "more": len(rows) > limit,
            "masked": masked,
            "at": iso(home.now()),
        }

    if unmasked_by is None:
        with home.looking():
            return look(masked=True)
    return _unmasked(
        home,
        unmasked_by,
        lambda _doing: look(masked=False),
        lambda seen: {"shown": "list", "cases": [line["case"] for line in seen["cases"]]},
    )


def case(home: Home, case: str, *, unmasked_by: By | None = None) -> CaseShown:
    """
    Return one case with its evidence, and what was said of it; masked as `cases` has it.

    Raises InvalidCaseId or CaseNotFound, and what `cases` raises.
    """
    case_id = parse_case_id(case)

    def look(masked: bool) -> CaseShown:
        file = _case_file(home, _case_called(home, case_id), masked=masked)
        return {**file, "masked": masked, "at": iso(home.now())}

    if unmasked_by is None:
        with home.looking():
            return look(masked=True)
    with home.looking():
        _case_called(home, case_id)
    return _unmasked(
        home,
        unmasked_by,
        lambda _doing: look(masked=False),
        lambda _seen: {"shown": "case", "case": case_id},
    )


@contextmanager
def review_report(
    home: Home,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    unmasked_by: By | None = None,
) -> Iterator[ReviewReport]:
    """
    Open the report on the cases that were opened from *since* up to but not at *until*.

    It is one moment of the ledger, masked as `cases` has it. Raises InvalidRange, and what
    `cases` raises.
    """
    if since is not None and until is not None and until < since:
        raise InvalidRange
    last: int | None = None
    if unmasked_by is not None:
        last = _unmasked(
            home,
            unmasked_by,
            lambda doing: doing.entry,
            lambda entry: {
                "shown": "report",
                "from": iso_or_none(since),
                "to": iso_or_none(until),
                "count": _count_cases(home, entry_span(home, since, until, entry)),
            },
        )
    with home.looking():
        span = entry_span(home, since, until, last)
        masked = unmasked_by is None
        yield ReviewReport(
            since=since,
            until=until,
            masked=masked,
            count=_count_cases(home, span),
            head=head_line(home, span.stop - 1),
            lines=(
                _case_file(home, row, masked=masked)
                for row in home.store.cases(CaseView.OPENED, entries=span)
            ),
        )


def _count_cases(home: Home, span: range) -> int:
    return len(home.store.cases(CaseView.OPENED, entries=span))


def _unmasked(
    home: Home,
    by: By,
    look: Callable[[Doing], S],
    answer: Callable[[S], Mapping[str, object]],
) -> S:
    """Return what *look* finds once it is written down, as *answer*, who has seen it."""
    operator = operator_named(home, by.operator)
    authorise(home, by.pin, operator)
    seen: list[S] = []

    def work(doing: Doing) -> Mapping[str, object]:
        doing.request_id = f"/unmasked/{doing.entry}"
        seen[:] = [look(doing)]
        return {**doing.common, "operator": operator.name, **answer(seen[0])}

    perform_step(home, "unmasked", "/unmasked", work, step=1)
    return seen[0]


def _case_called(home: Home, case_id: str) -> CaseRow:
    row = home.store.case(case_id)
    if row is None:
        raise CaseNotFound(case_id)
    return row


def _case_line(home: Home, row: CaseRow, *, masked: bool) -> CaseLine:
    record, rule = _evidence(home, row)
    return _line_of_case(home, row, record, rule, masked)


def _line_of_case(
    home: Home,
    row: CaseRow,
    record: Record | None,
    rule: Rule | Report | None,
    masked: bool,
) -> CaseLine:
    act = act_in(home, row.entry)
    asked = None if record is None else record.asked
    return {
        "case": row.id,
        "kind": row.kind,
        "state": row.state,
        "rule": row.rule,
        "why": {"en": row.rule, "zh": row.rule} if rule is None else dict(rule.says),
        "what": act.act if asked is None else str(asked.seen.what),
        "amount_fen": row.amount_fen,
        **_who(home, row.profile, masked),
        "opened_at": iso(act.at),
        "until": iso_or_none(row.until),
        "ends": row.ends,
        "second_needed": row.state in WAITING and standing(_spoken(row.opinions)) is not None,
    }


def _case_file(home: Home, row: CaseRow, *, masked: bool) -> CaseFile:
    record, rule = _evidence(home, row)
    opinions = row.opinions
    act = act_in(home, row.entry)
    four_eyes_fen = _pack_of(home, record).four_eyes_fen
    other = act.counterparty
    return {
        **_line_of_case(home, row, record, rule, masked),
        "entry": row.entry,
        "request_id": act.request_id,
        "packet": act.packet_id if row.packet is None else home.store.packet(row.packet).packet.id,
        "payment": act.message_id if row.message is None else home.store.message(row.message).id,
        "counterparty": mask_profile_name(other) if masked and other else other,
        "pack": None if record is None else record.pack,
        "model": None if record is None else record.model,
        "score": None if record is None else record.score,
        "conditions": _conditions(home, record, rule),
        "two_needed": needs_two(CaseFacts(row.state, row.amount_fen), four_eyes_fen),
        "four_eyes_fen": four_eyes_fen,
        "opinions": [_opinion(opinion) for opinion in opinions],
        "closed_at": None if row.closed is None else iso(act_in(home, row.closed).at),
    }


def _who(home: Home, profile: int, masked: bool) -> _Who:
    row = home.profile_by_id(profile)
    name, number = (
        None if sealed is None else home.vault.unseal(row.id, place, sealed)
        for place, sealed in (("real_name", row.real_name), ("id_number", row.id_number))
    )
    return {
        "person": row.person,
        "profile": mask_profile_name(row.name) if masked else row.name,
        "real_name": mask_real_name(name) if masked and name else name,
        "id_number": mask_id_number(number) if masked and number else number,
    }


def _evidence(home: Home, row: CaseRow) -> tuple[Record | None, Rule | Report | None]:
    """Return the judgement of the act that *row* is about, and the rule that opened the case."""
    judged = next(home.store.judged(entry=row.entry), None)
    if judged is None:  # by card, it was judged before the bank was asked
        paid = home.store.message(outcome=row.entry)
        judged = None if paid is None else next(home.store.judged(entry=paid.entry), None)
    record = None if judged is None else home.read_back(decode, judged.risk)
    if record is None or record.asked is None:
        return None, None
    pack = _pack_of(home, record)
    rules = pack.rules if row.kind == CaseKind.HOLD else pack.reports
    return record, next((rule for rule in rules if rule.id == row.rule), None)


def _pack_of(home: Home, record: Record | None) -> Pack:
    """Return the rules of that time, which decide how many eyes a case takes, too."""
    text = None if record is None else home.store.rules("risk_pack", record.pack)
    if record is None or text is None:
        return guards_in_force(home, home.row).pack
    return read_guards(text, record.pack, None, "").pack


def _conditions(
    home: Home, record: Record | None, rule: Rule | Report | None
) -> list[ConditionLine]:
    from hongbao.domain.risk.indicators import INDICATORS, SCORE

    if record is None or rule is None:
        return []
    # The model's own come behind those of the rules: see `hongbao.domain.risk.judge.keys_of`.
    values = dict(zip(_pack_of(home, record).keys, record.values, strict=False))
    lines: list[ConditionLine] = []
    for condition in rule.when:
        key = condition.key
        value = (record.score or 0) if key.indicator == SCORE else values[key]
        lines.append(
            {
                "indicator": str(key),
                "unit": str(INDICATORS[key.indicator].unit),
                "value": value,
                "at_least": condition.at_least,
                "at_most": condition.at_most,
                "holds": condition.holds(value),
            }
        )
    return lines


def decide(
    home: Home, case: str, verb: Verb, *, why: str, by: By, dry_run: bool = False
) -> Decided:
    """
    Record an operator's opinion on a case, with a reason, and carry out the outcome.

    A hold whose moment has come is over, even if another opinion comes. How many have to agree is
    what the rules said by which the case was opened (see `hongbao.domain.cases.decide_case`).

    Raises MissingReason, UnprintableText or TextTooLong; InvalidCaseId, CaseNotFound,
    OperatorNotFound, CaseClosed, SameOperator; what `authorise` raises.
    """
    why, case_id = parse_reason(why), parse_case_id(case)
    with home.looking():
        operator = operator_named(home, by.operator)
    with rehearsal(home, dry_run):  # a hold whose moment has come is ended within
        _planned(home, case_id, operator, verb)
    authorise(home, by.pin, operator)
    answer: dict[str, Any] | None = None
    while answer is None:
        with rehearsal(home, dry_run):
            plan = _planned(home, case_id, operator, verb)
            try:
                answer = _speak(home, case_id, plan, operator, verb, why)
            except (_Overtaken, HoldOver):
                continue
            if answer.get("held") is not None:
                carry_on(home, cast("HoldEnded", answer))
    decided = _decided(home, answer, _case_called(home, case_id))
    return {**decided, "dry_run": True} if dry_run else decided


def _decided(home: Home, answer: Mapping[str, Any], case: CaseRow) -> Decided:
    """Return the operator's answer about it, without whose balance it was."""
    return {
        "request_id": answer["request_id"],
        "at": answer["at"],
        "case": case.id,
        "kind": case.kind,
        "verb": answer["verb"],
        "operator": answer["operator"],
        "reason": answer["reason"],
        "state": answer["case_state"],
        "second_needed": answer["second_needed"],
        "amount_fen": case.amount_fen,
        "profile": mask_profile_name(home.profile_by_id(case.profile).name),
        "held": answer.get("held"),
        "packet": answer.get("packet"),
        "payment": answer.get("payment"),
        "refunded_to": answer.get("refunded_to"),
        "arrives_at": answer.get("arrives_at"),
    }


def _planned(home: Home, case_id: str, operator: OperatorRow, verb: Verb) -> _Plan:
    """Plan what *verb* comes to by now, once a hold that is over has ended."""
    while True:
        try:
            with home.looking():
                return _plan(home, _case_called(home, case_id), operator, verb, home.now())
        except HoldOver as over:
            end_hold(home, over.case)


def _plan(home: Home, case: CaseRow, operator: OperatorRow, verb: Verb, now: datetime) -> _Plan:
    if case.closed is not None:
        closed_at = act_in(home, case.closed).at
        raise CaseClosed(case.id, state=case.state, closed_at=closed_at)
    if case.until is not None and now >= case.until:
        raise HoldOver(case.number)
    outcome = decide_case(
        CaseFacts(case.state, case.amount_fen),
        _spoken(case.opinions),
        operator.id,
        verb,
        _pack_of(home, _evidence(home, case)[0]).four_eyes_fen,
    )
    if not outcome.closed:
        return _Plan(outcome, "escalated" if verb is Verb.ESCALATE else "opinion", None)
    # A suspicion is not disclosed: its subject learns only which money was held.
    is_held = case.kind == CaseKind.HOLD
    return _Plan(outcome, str(outcome.state), case_owner(home, case, verb) if is_held else None)


def _speak(
    home: Home, case_id: str, plan: _Plan, operator: OperatorRow, verb: Verb, why: str
) -> dict[str, Any]:
    """Write down what was said, as *plan* has it, and return that; or raise _Overtaken."""
    answer: dict[str, Any] = {}

    def work(doing: Doing) -> Mapping[str, object]:
        case = _case_called(home, case_id)
        if case.closed is not None or _plan(home, case, operator, verb, doing.now) != plan:
            raise _Overtaken
        doing.change(
            AddOpinion(
                entry=doing.entry,
                case=case.number,
                operator=operator.id,
                verb=str(verb),
                reason=why,
            )
        )
        doing.request_id = f"/{case_id}/{len(case.opinions) + 1}"
        answer.clear()
        answer.update(_carried_out(home, doing, case, plan.outcome))
        answer.update(
            kind=case.kind,
            verb=str(verb),
            operator=operator.name,
            reason=why,
            case_state=str(plan.outcome.state),
            second_needed=plan.outcome.second_needed,
        )
        return answer

    if plan.profile is None:
        perform_step(home, plan.act, f"/{case_id}", work, step=_STEP)
    else:
        perform_step_for(home, plan.act, f"/{case_id}", work, profile=plan.profile, step=_STEP)
    return answer


def _carried_out(home: Home, doing: Doing, case: CaseRow, outcome: Outcome) -> Mapping[str, Any]:
    if outcome.closed and isinstance(doing, Act):
        is_free = outcome.state is CaseState.APPROVED
        return (partial(release_hold, home) if is_free else partial(return_hold, home))(case, doing)
    if outcome.closed:
        doing.change(CloseCase(case.number, str(outcome.state), doing.entry))
    elif outcome.state != case.state:
        doing.change(EscalateCase(case.number))
    return {**doing.common, "case": case.id}


def records_kept(home: Home) -> RecordsKept:
    """
    Return the range of the records, and whether any are missing.

    The chain is sealed again from its first entry to its last. One snapshot is judged, so that
    it may run while others write.
    """
    before = noted_before(home)
    with home.looking():
        checked = check(home, KEPT, before=before)
        row, pack = home.store.records_kept(), guards_in_force(home, home.row).pack
        keep_until = None if row.first_at is None else years_after(row.first_at, pack.keep_years)
        return {
            "complete": checked["ok"],
            "entries": row.entries,
            "first_at": iso_or_none(row.first_at),
            "last_at": iso_or_none(row.last_at),
            "keep_years": pack.keep_years,
            "keep_until": iso_or_none(keep_until),
            "pack": pack.ref,
            "judged": row.judged,
            "stopped": row.stopped,
            "holds": row.cases.get(CaseKind.HOLD, 0),
            "large": row.cases.get(CaseKind.LARGE, 0),
            "suspicious": row.cases.get(CaseKind.SUSPICIOUS, 0),
            "waiting": row.waiting,
            "opinions": row.opinions,
            "by_operators": row.by_operators,
            "findings": checked["findings"],
            "head": checked["head"],
            "at": iso(home.now()),
        }


def _spoken(opinions: Iterable[OpinionRow]) -> list[tuple[int, str]]:
    return [(opinion.operator, opinion.verb) for opinion in opinions]


def _opinion(row: OpinionRow) -> OpinionLine:
    return {"verb": row.verb, "operator": row.name, "reason": row.reason, "at": iso(row.at)}
