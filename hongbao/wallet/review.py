"""Review at the desk: cases, what operators decide of them, and what is kept for those who ask."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, cast

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
from hongbao.store import CaseRow, OperatorRow, OpinionRow
from hongbao.units import iso
from hongbao.wallet.acts import Act, Doing
from hongbao.wallet.holds import HoldOver
from hongbao.wallet.judging import read_guards
from hongbao.wallet.operators import By, parse_reason
from hongbao.wallet.reconciling import Reconciling
from hongbao.wallet.records import Records

if TYPE_CHECKING:
    from hongbao.domain.risk.pack import Pack, Report, Rule

S = TypeVar("S")

KEPT = ("pages", "chain", "head", "cases", "held")
"""The checks that say whether anything is missing of what has to be kept."""

_STAGE = 8
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
    """What an operator's word comes to: the act that it is, and whose money it is about."""

    outcome: Outcome
    act: str
    profile: int | None


class _Overtaken(Exception):
    """Somebody else spoke between the look and the act: what was planned is to be planned anew."""


class _Who(TypedDict):
    person: int
    profile: str
    real_name: str | None
    id_number: str | None


class Review(Reconciling, Records):
    """What the reviewer sees, and says."""

    # --- looking ---------------------------------------------------------------------------------

    def cases(
        self, *, closed: bool = False, limit: int = 20, unmasked_by: By | None = None
    ) -> CaseList:
        """
        Return the cases that wait, oldest first; with *closed*, all of them, newest first.

        Personal data is masked; what *unmasked_by* is shown of it is written into the chain.

        Raises OperatorNotFound, and what `_authorise` raises.
        """

        def look(masked: bool) -> CaseList:
            rows = self.store.cases(closed=closed, limit=limit + 1)
            return {
                "cases": [self._case_line(row, masked=masked) for row in rows[:limit]],
                "more": len(rows) > limit,
                "masked": masked,
                "at": iso(self.now()),
            }

        if unmasked_by is None:
            with self.looking():
                return look(masked=True)
        return self._unmasked(
            unmasked_by,
            lambda _doing: look(masked=False),
            lambda seen: {"shown": "list", "cases": [line["case"] for line in seen["cases"]]},
        )

    def case(self, case: str, *, unmasked_by: By | None = None) -> CaseShown:
        """
        Return one case with its evidence, and what was said of it; masked as `cases` has it.

        Raises InvalidCaseId or CaseNotFound, and what `cases` raises.
        """
        case_id = parse_case_id(case)

        def look(masked: bool) -> CaseShown:
            file = self._case_file(self._case_called(case_id), masked=masked)
            return {**file, "masked": masked, "at": iso(self.now())}

        if unmasked_by is None:
            with self.looking():
                return look(masked=True)
        with self.looking():
            self._case_called(case_id)
        return self._unmasked(
            unmasked_by,
            lambda _doing: look(masked=False),
            lambda _seen: {"shown": "case", "case": case_id},
        )

    @contextmanager
    def review_report(
        self,
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
            last = self._unmasked(
                unmasked_by,
                lambda doing: doing.entry,
                lambda entry: {
                    "shown": "report",
                    "from": None if since is None else iso(since),
                    "to": None if until is None else iso(until),
                    "count": self.store.count_cases(self._span(since, until, entry)),
                },
            )
        with self.looking():
            span = self._span(since, until, last)
            masked = unmasked_by is None
            yield ReviewReport(
                since=since,
                until=until,
                masked=masked,
                count=self.store.count_cases(span),
                head=self._head_line(span.stop - 1),
                lines=(
                    self._case_file(row, masked=masked) for row in [*self.store.cases_between(span)]
                ),
            )

    def _unmasked(
        self,
        by: By,
        look: Callable[[Doing], S],
        told: Callable[[S], Mapping[str, object]],
    ) -> S:
        """Return what *look* finds once it is written down, as *told*, who has seen it."""
        operator = self._operator_named(by.operator)
        self._authorise(by.pin, operator)
        seen: list[S] = []

        def work(doing: Doing) -> Mapping[str, object]:
            doing.request_id = f"/unmasked/{doing.entry}"
            seen[:] = [look(doing)]
            return {**doing.common, "operator": operator.name, **told(seen[0])}

        self._step("unmasked", "/unmasked", work, stage=1)
        return seen[0]

    # --- one case --------------------------------------------------------------------------------

    def _case_called(self, case_id: str) -> CaseRow:
        row = self.store.case(case_id)
        if row is None:
            raise CaseNotFound(case_id)
        return row

    def _case_line(self, row: CaseRow, *, masked: bool) -> CaseLine:
        record, rule = self._evidence(row)
        return self._line_of_case(row, record, rule, self.store.opinions(row.number), masked)

    def _line_of_case(
        self,
        row: CaseRow,
        record: Record | None,
        rule: "Rule | Report | None",
        opinions: list[OpinionRow],
        masked: bool,
    ) -> CaseLine:
        act = self.store.act_of_case(row.number)
        asked = None if record is None else record.asked
        return {
            "case": row.id,
            "kind": row.kind,
            "state": row.state,
            "rule": row.rule,
            "why": {"en": row.rule, "zh": row.rule} if rule is None else dict(rule.says),
            "what": act.act if asked is None else str(asked.seen.what),
            "amount_fen": row.amount_fen,
            **self._who(row.profile, masked),
            "opened_at": iso(act.at),
            "until": None if row.until is None else iso(row.until),
            "ends": row.ends,
            "second_needed": row.state in WAITING and standing(_spoken(opinions)) is not None,
        }

    def _case_file(self, row: CaseRow, *, masked: bool) -> CaseFile:
        record, rule = self._evidence(row)
        opinions = self.store.opinions(row.number)
        act = self.store.act_of_case(row.number)
        four_eyes_fen = self._pack_of(record).four_eyes_fen
        other = act.counterparty
        return {
            **self._line_of_case(row, record, rule, opinions, masked),
            "entry": row.entry,
            "request_id": act.request_id,
            "packet": act.packet,
            "payment": act.payment,
            "counterparty": mask_profile_name(other) if masked and other else other,
            "pack": None if record is None else record.pack,
            "model": None if record is None else record.model,
            "score": None if record is None else record.score,
            "conditions": self._conditions(record, rule),
            "two_needed": needs_two(CaseFacts(row.state, row.amount_fen), four_eyes_fen),
            "four_eyes_fen": four_eyes_fen,
            "opinions": [_opinion(opinion) for opinion in opinions],
            "closed_at": None if row.closed is None else iso(self.store.entry_at(row.closed)),
        }

    def _who(self, profile: int, masked: bool) -> _Who:
        row = self._profile_by_id(profile)
        name, number = (
            None if sealed is None else self.vault.unseal(row.id, place, sealed)
            for place, sealed in (("real_name", row.real_name), ("id_number", row.id_number))
        )
        return {
            "person": row.person,
            "profile": mask_profile_name(row.name) if masked else row.name,
            "real_name": mask_real_name(name) if masked and name else name,
            "id_number": mask_id_number(number) if masked and number else number,
        }

    # --- evidence --------------------------------------------------------------------------------

    def _evidence(self, row: CaseRow) -> "tuple[Record | None, Rule | Report | None]":
        """Return how what *row* is about was judged, and the rule that opened it."""
        judged = self.store.judged_in(row.entry)
        if judged is None:  # by card, it was judged before the bank was asked
            paid = self.store.message_paying(row.entry)
            judged = None if paid is None else self.store.judged_in(paid.entry)
        record = None if judged is None else self._read_back(decode, judged.risk)
        if record is None or record.asked is None:
            return None, None
        pack = self._pack_of(record)
        rules = pack.rules if row.kind == CaseKind.HOLD else pack.reports
        return record, next((rule for rule in rules if rule.id == row.rule), None)

    def _pack_of(self, record: Record | None) -> "Pack":
        """Return the rules of that time, which decide how many eyes a case takes, too."""
        text = None if record is None else self.store.risk_pack(record.pack)
        if record is None or text is None:
            return self._guards(self.home).pack
        return read_guards(text, record.pack, None, "").pack

    def _conditions(
        self, record: Record | None, rule: "Rule | Report | None"
    ) -> list[ConditionLine]:
        from hongbao.domain.risk.indicators import INDICATORS, SCORE

        if record is None or rule is None:
            return []
        # The model's own come behind those of the rules: see `hongbao.domain.risk.judge.keys_of`.
        values = dict(zip(self._pack_of(record).keys, record.values, strict=False))
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

    # --- deciding --------------------------------------------------------------------------------

    def decide(self, case: str, verb: Verb, *, why: str, by: By, dry_run: bool = False) -> Decided:
        """
        Let an operator have their say of a case, with a reason, and carry out what it comes to.

        A hold whose moment has come is over, whoever would still speak. How many have to agree is
        what the rules said by which the case was opened (see `hongbao.domain.cases.decide_case`).

        Raises MissingReason, UnprintableText or TextTooLong; InvalidCaseId, CaseNotFound,
        OperatorNotFound, CaseClosed, SameOperator; what `_authorise` raises.
        """
        why, case_id = parse_reason(why), parse_case_id(case)
        with self.looking():
            operator = self._operator_named(by.operator)
        with self._rehearsal(dry_run):  # a hold whose moment has come is ended within
            self._planned(case_id, operator, verb)
        self._authorise(by.pin, operator)
        told: dict[str, Any] | None = None
        while told is None:
            with self._rehearsal(dry_run):
                plan = self._planned(case_id, operator, verb)
                try:
                    told = self._speak(case_id, plan, operator, verb, why)
                except (_Overtaken, HoldOver):
                    continue
                if told.get("held") is not None:
                    self._carry_on(cast(HoldEnded, told))
        decided = self._decided(told, self._case_called(case_id))
        return {**decided, "dry_run": True} if dry_run else decided

    def _decided(self, told: Mapping[str, Any], case: CaseRow) -> Decided:
        """Return what an operator is told of it: whose balance it was is not theirs to know."""
        return {
            "request_id": told["request_id"],
            "at": told["at"],
            "case": case.id,
            "kind": case.kind,
            "verb": told["verb"],
            "operator": told["operator"],
            "reason": told["reason"],
            "state": told["case_state"],
            "second_needed": told["second_needed"],
            "amount_fen": case.amount_fen,
            "profile": mask_profile_name(self._profile_by_id(case.profile).name),
            "held": told.get("held"),
            "packet": told.get("packet"),
            "payment": told.get("payment"),
            "refunded_to": told.get("refunded_to"),
            "arrives_at": told.get("arrives_at"),
        }

    def _planned(self, case_id: str, operator: OperatorRow, verb: Verb) -> _Plan:
        """Plan what *verb* comes to by now, once a hold that is over has ended."""
        while True:
            try:
                with self.looking():
                    return self._plan(self._case_called(case_id), operator, verb, self.now())
            except HoldOver as over:
                self._end_hold(over.case)

    def _plan(self, case: CaseRow, operator: OperatorRow, verb: Verb, now: datetime) -> _Plan:
        if case.closed is not None:
            closed_at = self.store.entry_at(case.closed)
            raise CaseClosed(case.id, state=case.state, closed_at=closed_at)
        if case.until is not None and now >= case.until:
            raise HoldOver(case.number)
        outcome = decide_case(
            CaseFacts(case.state, case.amount_fen),
            _spoken(self.store.opinions(case.number)),
            operator.id,
            verb,
            self._pack_of(self._evidence(case)[0]).four_eyes_fen,
        )
        if not outcome.closed:
            return _Plan(outcome, "escalated" if verb is Verb.ESCALATE else "opinion", None)
        # Nobody is told that they were suspected: only what money was held is its owner's affair.
        is_held = case.kind == CaseKind.HOLD
        return _Plan(outcome, str(outcome.state), self._case_owner(case, verb) if is_held else None)

    def _speak(
        self, case_id: str, plan: _Plan, operator: OperatorRow, verb: Verb, why: str
    ) -> dict[str, Any]:
        """Write down what was said, as *plan* has it, and return that; or raise _Overtaken."""
        told: dict[str, Any] = {}

        def work(doing: Doing) -> Mapping[str, object]:
            case = self._case_called(case_id)
            if case.closed is not None or self._plan(case, operator, verb, doing.now) != plan:
                raise _Overtaken
            doing.once_entered(
                lambda: self.store.add_opinion(
                    entry=doing.entry,
                    case=case.number,
                    operator=operator.id,
                    verb=str(verb),
                    reason=why,
                )
            )
            said_before = len(self.store.opinions(case.number))
            doing.request_id = f"/{case_id}/{said_before + 1}"
            told.clear()
            told.update(self._carried_out(doing, case, plan.outcome))
            told.update(
                kind=case.kind,
                verb=str(verb),
                operator=operator.name,
                reason=why,
                case_state=str(plan.outcome.state),
                second_needed=plan.outcome.second_needed,
            )
            return told

        if plan.profile is None:
            self._step(plan.act, f"/{case_id}", work, stage=_STAGE)
        else:
            self._step_for(plan.act, f"/{case_id}", work, profile=plan.profile, stage=_STAGE)
        return told

    def _carried_out(self, doing: Doing, case: CaseRow, outcome: Outcome) -> Mapping[str, Any]:
        if outcome.closed and isinstance(doing, Act):
            is_free = outcome.state is CaseState.APPROVED
            return (self._free if is_free else self._give_back)(case, doing)
        if outcome.closed:
            doing.once_entered(
                lambda: self.store.close_case(case.number, str(outcome.state), doing.entry)
            )
        elif outcome.state != case.state:
            doing.once_entered(lambda: self.store.escalate_case(case.number))
        return {**doing.common, "case": case.id}

    # --- records ---------------------------------------------------------------------------------

    def records_kept(self) -> RecordsKept:
        """
        Return how far back the records go, and whether anything is missing of them.

        The chain is sealed again from its first entry to its last. One snapshot is judged, so that
        it may run while others write.
        """
        with self.looking():
            checked = self.check(KEPT)
            row, pack = self.store.records_kept(), self._guards(self.home).pack
            keep_until = (
                None if row.first_at is None else years_after(row.first_at, pack.keep_years)
            )
            return {
                "complete": checked["ok"],
                "entries": row.entries,
                "first_at": None if row.first_at is None else iso(row.first_at),
                "last_at": None if row.last_at is None else iso(row.last_at),
                "keep_years": pack.keep_years,
                "keep_until": None if keep_until is None else iso(keep_until),
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
                "at": iso(self.now()),
            }


def _spoken(opinions: list[OpinionRow]) -> list[tuple[int, str]]:
    return [(opinion.operator, opinion.verb) for opinion in opinions]


def _opinion(row: OpinionRow) -> OpinionLine:
    return {"verb": row.verb, "operator": row.name, "reason": row.reason, "at": iso(row.at)}
