"""Risk control, looked at: why an act was answered so, and how history would be answered anew."""

import json
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from hongbao.answers import (
    ConditionLine,
    Explained,
    GuardsUsed,
    IndicatorLine,
    JudgedLine,
    PackRules,
    PartLine,
    Pictured,
    ReplayedLine,
    ReplayedRisk,
    RuleLine,
)
from hongbao.domain.ids import parse_packet_id
from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record, decode
from hongbao.errors import Busy, DecisionNotFound, InvalidPacketId, RiskPackVersionReused
from hongbao.store import DeviceRow, JudgedRow, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.judging import Guards
from hongbao.wallet.operators import By
from hongbao.wallet.rules import Rules

if TYPE_CHECKING:
    from hongbao.domain.risk.forest import Forest
    from hongbao.domain.risk.habit import Habit
    from hongbao.domain.risk.indicators import Key
    from hongbao.domain.risk.judge import Decision
    from hongbao.domain.risk.pack import Condition, Pack, Report, Rule

OWN_MODEL = "own"
"""What a model is called that was learned from a home's own history."""

OF_ONE_ACT = frozenset({"amount_fen", "times_usual", "reaction_ms", "just_below", "same_pair"})
"""Indicators that only an act with its amount, its packet and its people has."""


class Risk(Rules):
    """What can be asked of the guards, and which rules they follow."""

    # --- why -------------------------------------------------------------------------------------

    def why(self, subject: str) -> Explained:
        """
        Explain how each attempt at a request of this profile was judged.

        *subject* is the request's id, or that of a packet, which this profile sent or claimed from.
        Every value is the one that was measured then; the rules are those of the pack of that
        time. Raises DecisionNotFound.
        """
        with self.looking():
            me = self.me
            request_ids = [subject]
            entries = self._attempts(subject, me)
            if not entries and (named := self._requested_about(subject, me)):
                request_ids = named
                entries = [entry for each in named for entry in self._attempts(each, me)]
            rows = [row for row in map(self.store.judged_in, entries) if row is not None]
            records = [(row, self._read_back(decode, row.risk)) for row in rows]
            decisions = [
                self._explained(row, record, record.asked)
                for row, record in records
                if record.asked is not None
            ]
        if not decisions:
            raise DecisionNotFound(subject)
        return {"request_id": request_ids[0], "profile": me.name, "decisions": decisions}

    def _attempts(self, request_id: str, me: ProfileRow) -> list[int]:
        """Return the entries in which *request_id* of *me* was stopped, and the one it made."""
        made = self.store.requested(request_id, me.id)
        return [*self.store.stops_of(request_id, me.id), *([] if made is None else [made.id])]

    def _requested_about(self, packet_id: str, me: ProfileRow) -> list[str]:
        """Return the requests by which *me* sent a packet, or claimed from it."""
        try:
            row = self.store.packet(parse_packet_id(packet_id))
        except InvalidPacketId:
            return []
        if row is None:
            return []
        paid = self.store.message_paying(row.entry)
        sending = self.store.acts_about(paid.number)[0] if paid else self.store.act_of(row.entry)
        return [
            *([sending.request_id] if row.packet.sender == me.id else []),
            *(
                claim.request_id
                for claim in self.store.claims(row.packet.number)
                if claim.profile == me.id
            ),
        ]

    def _explained(self, row: JudgedRow, record: Record, asked: Asked) -> JudgedLine:
        from hongbao.domain.risk.judge import decide, decide_again, keys_of
        from hongbao.domain.risk.measures import Look, day_out_fen
        from hongbao.domain.risk.way_out import allowed_amount, allowed_from

        pack, forest = self._guards_named(record.pack, record.model)
        habit, what = self._habit_before(row), asked.seen.what
        out_fen = day_out_fen(Look(habit, asked, 0, 0, pack.night))
        again = decide_again(pack, forest, record.values, what, out_fen)
        fired = {rule.id for rule in again.fired} | {report.id for report in again.reports}
        values = dict(zip(keys_of(pack, forest), record.values, strict=True))
        measured = _Measured(values, record.score, out_fen, fired)
        amount_fen, from_s = None, None
        if record.verdict is not Verdict.ALLOW and record.challenge is None:

            def verdict_on(changed: Asked) -> Verdict:
                return decide(pack, forest, habit, changed).verdict

            conditions = tuple(condition for rule in pack.rules for condition in rule.when)
            amount_fen = allowed_amount(verdict_on, asked)
            from_s = allowed_from(verdict_on, asked, habit, conditions)
        return {
            "entry": row.entry,
            "at": iso(row.at),
            "act": row.act,
            "what": str(what),
            "amount_fen": asked.seen.amount_fen,
            "pack": record.pack,
            "model": record.model,
            "verdict": str(record.verdict),
            "rule": record.rule,
            "score": record.score,
            "challenge": record.challenge,
            "cases": [case.id for case in self.store.cases_of_entry(row.entry)],
            "rules": [_rule_line(rule, measured) for rule in pack.rules if what in rule.acts],
            "reports": [
                _report_line(report, measured) for report in pack.reports if what in report.acts
            ],
            "model_parts": _parts(forest, values),
            "error": json.loads(row.answer).get("error"),
            "allowed_fen": amount_fen,
            "allowed_from": None if from_s is None else iso(datetime.fromtimestamp(from_s, UTC)),
        }

    def _habit_before(self, row: JudgedRow) -> "Habit":
        """Return what was remembered of the profile of *row* just before it."""
        from hongbao.domain.risk.habit import NEW, after

        habit = NEW
        for earlier in self.store.judged(row.profile, row.entry):
            seen = self._read_back(decode, earlier.risk).seen
            habit = habit if seen is None else after(habit, seen)
        return habit

    # --- replay ----------------------------------------------------------------------------------

    def replay(
        self, pack: "Pack", *, since: datetime | None = None, limit: int = 20
    ) -> ReplayedRisk:
        """
        Judge all acts, or those *since* a moment, by *pack* instead; nothing is touched.

        Each act is judged upon what had really happened until then: what another answer would have
        led to, nobody can know. Up to *limit* of the acts that would be answered differently are
        named, the latest first.
        """
        from hongbao.domain.risk.judge import decide

        with self.looking():
            forest = self._guards(self.home).forest
            totals: Counter[tuple[Verdict, Verdict]] = Counter()
            changes: deque[ReplayedLine] = deque(maxlen=limit)
            for row, record, habit in self._history():
                if record.asked is None or (since is not None and row.at < since):
                    continue
                again = decide(pack, forest, habit, record.asked)
                if record.pack == pack.ref and _had_passed(record, again):
                    again = again.but_for(Verdict.CHALLENGE)
                totals[record.verdict, again.verdict] += 1
                if again.verdict is not record.verdict:
                    changes.append(self._change(row, record, again))
        return {
            "pack": pack.ref,
            "model": None if forest is None else forest.ref,
            "since": None if since is None else iso(since),
            "acts": totals.total(),
            "changed": sum(acts for (before, after), acts in totals.items() if before != after),
            "totals": [
                {"before": str(before), "after": str(after), "acts": acts}
                for (before, after), acts in sorted(totals.items(), key=lambda total: -total[1])
            ],
            "changes": list(reversed(changes)),
        }

    def _history(self) -> "Iterator[tuple[JudgedRow, Record, Habit]]":
        """Yield every recorded act with what was remembered of its profile just before it."""
        from hongbao.domain.risk.habit import NEW, after

        habits: dict[int, Habit] = {}
        for row in self.store.judged():
            record, habit = self._read_back(decode, row.risk), habits.get(row.profile, NEW)
            yield row, record, habit
            if record.seen is not None:
                habits[row.profile] = after(habit, record.seen)

    def _change(self, row: JudgedRow, record: Record, again: "Decision") -> ReplayedLine:
        assert record.asked is not None
        return {
            "entry": row.entry,
            "at": iso(row.at),
            "profile": self._profile_by_id(row.profile).name,
            "act": str(record.asked.seen.what),
            "amount_fen": record.asked.seen.amount_fen,
            "before": str(record.verdict),
            "before_rule": record.rule,
            "after": str(again.verdict),
            "after_rule": None if again.rule is None else again.rule.id,
        }

    # --- show ------------------------------------------------------------------------------------

    def risk_picture(self, name: str | None = None) -> Pictured:
        """Return what risk control knows of a profile. Raises ProfileNotFound."""
        from hongbao.domain.risk.habit import china_day_number
        from hongbao.domain.risk.measures import usual_fen
        from hongbao.domain.risk.places import PLACES

        with self.looking():
            who = self.me if name is None else self._profile_named(name)
            now, guards = self.now(), self._guards(self.home)
            habit: Habit = self._habit(who.id)
            let_in = [row for row in self.store.devices_of(who.id) if row.is_let_in]
            device = let_in[0] if let_in else None
            is_today = china_day_number(int(now.timestamp())) == habit.day
            home_city = max(habit.cities, key=lambda city: habit.cities[city], default=0)
            return {
                "profile": who.name,
                "pack": guards.pack.ref,
                "model": None if guards.forest is None else guards.forest.ref,
                "device": None if device is None else device.name,
                "city": PLACES[device.city].code if device and device.city else None,
                "acts": habit.acts,
                "usual_fen": usual_fen(habit),
                "today_in_fen": habit.day_in_fen if is_today else 0,
                "today_out_fen": habit.day_out_fen if is_today else 0,
                "first_at": _instant(habit.first_at) if habit.acts else None,
                "last_at": _instant(habit.recent[-1].at) if habit.recent else None,
                "home_city": PLACES[home_city].code if home_city else None,
                "hours": list(habit.hours),
                "indicators": self._measured_now(who, device, habit, now, guards.pack),
                "stops": self.store.stops_count(who.id),
                "open_challenges": len(self.store.challenges_of(who.id, now)),
                "open_cases": self.store.open_cases_count(who.id),
                "at": iso(now),
            }

    def _measured_now(
        self, who: ProfileRow, device: DeviceRow | None, habit: "Habit", now: datetime, pack: "Pack"
    ) -> list[IndicatorLine]:
        """Measure what *pack* asks as if *who* were about to send a packet, of no amount yet."""
        from hongbao.domain.risk.indicators import INDICATORS

        seen = Seen(int(now.timestamp()), What.SEND, city=device.city if device else 0)
        cards, devices, profiles = self.store.standing_of(who.id, device.id if device else 0)
        asked = Asked(
            seen,
            age_days=(now - who.opened_at).days,
            channels=self.channels(who),
            cards=cards,
            device_age_hours=int((now - device.since).total_seconds()) // 3600 if device else 0,
            devices=devices,
            device_profiles=profiles,
            clock_back_s=0,
        )
        return [
            {
                "indicator": str(key),
                "unit": str(INDICATORS[key.indicator].unit),
                "guard": str(INDICATORS[key.indicator].guard),
                "value": INDICATORS[key.indicator].measure(habit, asked, key, pack.night),
            }
            for key in pack.keys
            if key.indicator not in OF_ONE_ACT
        ]

    def risk_rules(self, pack: "Pack | None" = None) -> PackRules:
        """Return the rules of *pack*, or of the one in force, as they are written."""
        with self.looking():
            guards = self._guards(self.home)
        pack = guards.pack if pack is None else pack
        return pack_rules(pack, None if guards.forest is None else guards.forest.ref)

    def risk_packs(self) -> list[str]:
        """Return the packs that were ever used here, as `risk_pack_text` takes them."""
        with self.looking():
            return self.store.risk_packs()

    def risk_pack_text(self, ref: str) -> str | None:
        """Return the text of the pack that was used here as *ref*, ``standard/1``, if one was."""
        with self.looking():
            return self.store.risk_pack(ref)

    # --- use and train ---------------------------------------------------------------------------

    def use_risk_pack(
        self,
        pack: "Pack",
        *,
        by: By | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> GuardsUsed:
        """
        Put *pack* in force for the whole home.

        The ledger keeps its text, because decisions name the pack that made them. Where the home
        has operators, one of them answers for it (*by*), and so for the model: whoever finds a
        wallet open does not make its rules milder.

        Raises RulesNeedOperator or OperatorNotFound, what `_authorise` raises, and
        RiskPackVersionReused where another text went by the same name and version.
        """
        inputs = {"pack": pack.ref, "text": pack.text}
        first: GuardsUsed | None = self._answered("risk_use", inputs, request_id)
        if first is not None:
            return first
        operator = self._answering(by)

        def work(doing: Act) -> GuardsUsed:
            before = self._begin_change(doing, operator)
            known = self.store.risk_pack(pack.ref)
            if known is None:
                self.store.keep_risk_pack(pack.ref, pack.text)
            elif known != pack.text:
                raise RiskPackVersionReused(pack.ref)
            self.store.set_risk_pack(pack.ref)
            return self._guards_used(doing, before, pack.ref, before.forest, operator)

        return self._act("risk_use", inputs, work, request_id=request_id, dry_run=dry_run)

    def train_model(
        self, *, by: By | None = None, request_id: str | None = None, dry_run: bool = False
    ) -> GuardsUsed:
        """
        Learn a model from this home's own history, and ask it from now on.

        Raises what `use_risk_pack` raises of *by*, TrainerMissing where scikit-learn is not
        installed, and TooLittleHistory.
        """
        from hongbao.domain.risk.forest import parse_forest
        from hongbao.training import train

        before: GuardsUsed | None = self._answered("risk_train", {}, request_id)
        if before is not None:
            return before
        operator = self._answering(by)
        with self.looking():
            guards = self._guards(self.home)
            keys = self._model_keys(guards)
            vectors = list(self._vectors(guards.pack, keys))
            version = self._next_model_version()
        text = train(
            vectors, keys, seed=version, name=OWN_MODEL, version=version, source="this home"
        )
        forest = parse_forest(text, OWN_MODEL)

        def work(doing: Act) -> GuardsUsed:
            if self.store.risk_model(forest.ref) is not None:
                raise Busy  # another process has learned one meanwhile
            answer = self._ask_from_now_on(doing, forest, operator)
            answer["acts"] = len(vectors)
            return answer

        return self._act("risk_train", {}, work, request_id=request_id, dry_run=dry_run)

    def use_shipped_model(
        self, *, by: By | None = None, request_id: str | None = None, dry_run: bool = False
    ) -> GuardsUsed:
        """Ask the model again that ships with hongbao. Raises what `use_risk_pack` does of *by*."""
        from hongbao.domain.risk.forest import parse_forest
        from hongbao.packs import MODEL, model_text

        forest = parse_forest(model_text(), MODEL)
        operator = self._answering(by)

        def work(doing: Act) -> GuardsUsed:
            return self._ask_from_now_on(doing, forest, operator)

        return self._act("risk_model", {}, work, request_id=request_id, dry_run=dry_run)

    def _begin_change(self, doing: Act, operator: str | None) -> Guards:
        """Keep what was in force until now, so that there is something to come from."""
        self._check_answered(operator is not None)  # somebody may have become one meanwhile
        self._keep_guards(doing.home)
        return self._guards(doing.home)

    def _ask_from_now_on(self, doing: Act, forest: "Forest", operator: str | None) -> GuardsUsed:
        """Put the model *forest* beside the pack that is in force."""
        before = self._begin_change(doing, operator)
        if self.store.risk_model(forest.ref) is None:
            self.store.keep_risk_model(forest.ref, forest.text)
        self.store.set_risk_model(forest.ref)
        return self._guards_used(doing, before, before.pack.ref, forest, operator)

    def _guards_used(
        self,
        doing: Act,
        before: Guards,
        pack: str,
        forest: "Forest | None",
        operator: str | None,
    ) -> GuardsUsed:
        return {
            "request_id": doing.request_id,
            "at": iso(doing.now),
            "pack": pack,
            "model": None if forest is None else forest.ref,
            "before": before.pack.ref,
            "before_model": None if before.forest is None else before.forest.ref,
            "operator": operator,
        }

    def _model_keys(self, guards: Guards) -> "tuple[Key, ...]":
        """Return what models are asked with: the same as the one in force, or as the shipped."""
        from hongbao.domain.risk.forest import parse_forest
        from hongbao.packs import MODEL, model_text

        forest = guards.forest or parse_forest(model_text(), MODEL)
        return forest.keys

    def _vectors(self, pack: "Pack", keys: "tuple[Key, ...]") -> Iterator[list[int]]:
        """Measure everything that was done: what was stopped is no example of ordinary life."""
        from hongbao.domain.risk.indicators import INDICATORS

        for _row, record, habit in self._history():
            asked = record.asked
            if asked is not None and record.seen is not None:
                yield [
                    INDICATORS[key.indicator].measure(habit, asked, key, pack.night) for key in keys
                ]

    def _next_model_version(self) -> int:
        version = 1
        while self.store.risk_model(f"{OWN_MODEL}/{version}") is not None:
            version += 1
        return version


def pack_rules(pack: "Pack", model: str | None) -> PackRules:
    """Return what *pack* says, as an answer; *model* is the one that is asked beside it."""
    return {
        "pack": pack.ref,
        "title": pack.title["en"],
        "title_zh": pack.title["zh"],
        "model": model,
        "rules": [_rule_line(rule, _NOTHING) for rule in pack.rules],
        "reports": [_report_line(report, _NOTHING) for report in pack.reports],
        "text": pack.text,
    }


class _Measured(NamedTuple):
    """What was measured of one act: the indicators, the model's score, and which rules fired."""

    values: "Mapping[Key, int]"
    score: int | None
    out_fen: int  # that had gone out on that day, the act included
    fired: Collection[str]

    def of(self, key: "Key") -> int:
        from hongbao.domain.risk.indicators import SCORE

        return (self.score or 0) if key.indicator == SCORE else self.values.get(key, 0)


_NOTHING = _Measured({}, None, 0, ())


def _rule_line(rule: "Rule", measured: _Measured) -> RuleLine:
    conditions = [_condition_line(condition, measured) for condition in rule.when]
    if rule.day_fen is not None:
        conditions.append(_limit_line(rule.day_fen, measured.out_fen))
    return {
        "rule": rule.id,
        "guard": str(rule.guard),
        "answer": str(rule.answer),
        "acts": _in_order(rule.acts),
        "hold_hours": rule.hold_hours or None,
        "then": rule.ends or None,
        "delay_days": rule.delay_days or None,
        "day_fen": rule.day_fen,
        "fired": rule.id in measured.fired,
        "conditions": conditions,
        "why": dict(rule.says),
    }


def _report_line(report: "Report", measured: _Measured) -> RuleLine:
    return {
        "rule": report.id,
        "guard": "",
        "answer": report.kind,
        "acts": _in_order(report.acts),
        "hold_hours": None,
        "then": None,
        "delay_days": None,
        "day_fen": None,
        "fired": report.id in measured.fired,
        "conditions": [_condition_line(condition, measured) for condition in report.when],
        "why": dict(report.says),
    }


def _in_order(acts: Collection[What]) -> list[str]:
    return [str(what) for what in What if what in acts]


def _condition_line(condition: "Condition", measured: _Measured) -> ConditionLine:
    from hongbao.domain.risk.indicators import INDICATORS

    value = measured.of(condition.key)
    return {
        "indicator": str(condition.key),
        "unit": str(INDICATORS[condition.key.indicator].unit),
        "value": value,
        "at_least": condition.at_least,
        "at_most": condition.at_most,
        "holds": condition.holds(value),
    }


def _limit_line(day_fen: int, out_fen: int) -> ConditionLine:
    """Return what a lowered limit asks besides: that more goes out in the day than it lets."""
    return {
        "indicator": "day_out_fen",
        "unit": "fen",
        "value": out_fen,
        "at_least": day_fen + 1,
        "at_most": None,
        "holds": out_fen > day_fen,
    }


def _parts(forest: "Forest | None", values: "Mapping[Key, int]") -> list[PartLine]:
    """Return what made an act look strange, or ordinary, to the model: the greatest first."""
    from hongbao.domain.risk.indicators import INDICATORS

    if forest is None:
        return []
    return [
        {
            "indicator": str(key),
            "unit": str(INDICATORS[key.indicator].unit),
            "value": values[key],
            "points": points,
        }
        for key, points in forest.contributions([values[key] for key in forest.keys])
        if points
    ]


def _had_passed(record: Record, again: "Decision") -> bool:
    """
    Tell whether *record* can only be what was left once a challenge had been passed.

    Such an act was stopped by a rule that is milder than the challenge.
    """
    return (
        again.verdict is Verdict.CHALLENGE
        and record.seen is None
        and record.verdict is Verdict.LIMIT
        and again.but_for(Verdict.CHALLENGE).verdict is Verdict.LIMIT
    )


def _instant(seconds: int) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))
