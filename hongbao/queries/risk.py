"""Risk views: the explanation of a judgement, and a profile's picture."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.ids import parse_packet_id
from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record, decode
from hongbao.errors import DecisionNotFound, InvalidPacketId
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in, answer_in
from hongbao.queries.guards import guards_in_force, guards_named, remembered
from hongbao.store import CaseView, DeviceRow, JudgedRow, ProfileRow
from hongbao.units import iso, iso_or_none

if TYPE_CHECKING:
    from hongbao.answers import (
        ConditionLine,
        Explained,
        IndicatorLine,
        JudgedLine,
        PackRules,
        PartLine,
        Pictured,
        ReplayedLine,
        ReplayedRisk,
        RuleLine,
    )
    from hongbao.domain.risk.forest import Forest
    from hongbao.domain.risk.habit import Habit
    from hongbao.domain.risk.indicators import Key
    from hongbao.domain.risk.judge import Decision
    from hongbao.domain.risk.pack import Condition, Pack, Report, Rule

OWN_MODEL = "own"
"""What a model is called that was learned from a home's own history."""

OF_ONE_ACT = frozenset({"amount_fen", "times_usual", "reaction_ms", "just_below", "same_pair"})
"""Indicators that only an act with its amount, its packet and its people has."""


class _Measured(NamedTuple):
    """The measurements of one act: indicators, the model's score, and the rules that fired."""

    values: Mapping[Key, int]
    score: int | None
    out_fen: int  # that had gone out on that day, the act included
    fired: Collection[str]

    def of(self, key: Key) -> int:
        from hongbao.domain.risk.indicators import SCORE

        return (self.score or 0) if key.indicator == SCORE else self.values.get(key, 0)


_NOTHING = _Measured({}, None, 0, ())


def why(home: Home, subject: str) -> Explained:
    """
    Explain how each attempt at a request of this profile was judged.

    *subject* is the request's id, or that of a packet, which this profile sent or claimed from.
    Every value is the one that was measured then; the rules are those of the pack of that
    time. Raises DecisionNotFound.
    """
    with home.looking():
        me = home.me
        request_ids = [subject]
        rows = [*home.store.judged(me.id, request_id=subject)]
        if not rows and (named := _requested_about(home, subject, me)):
            request_ids = named
            rows = [row for each in named for row in home.store.judged(me.id, request_id=each)]
        records = [(row, home.read_back(decode, row.risk)) for row in rows]
        decisions = [
            _explained(home, row, record, record.asked)
            for row, record in records
            if record.asked is not None
        ]
    if not decisions:
        raise DecisionNotFound(subject)
    return {"request_id": request_ids[0], "profile": me.name, "decisions": decisions}


class Stopped(NamedTuple):
    """A request that risk control stopped: in which *entry*, and what was asked for."""

    entry: int
    request_id: str
    what: str
    amount_fen: int
    verdict: str
    at: str


def stopped(home: Home, limit: int) -> list[Stopped]:
    """Return the requests of this profile that were stopped, the newest first, up to *limit*."""
    with home.looking():
        newest = deque(home.store.judged(home.me.id, stopped=True), maxlen=limit)
        records = [(row, home.read_back(decode, row.risk)) for row in reversed(newest)]
    return [
        Stopped(
            row.entry,
            row.request_id,
            str(record.asked.seen.what),
            record.asked.seen.amount_fen,
            str(record.verdict),
            iso(row.at),
        )
        for row, record in records
        if record.asked is not None
    ]


def _requested_about(home: Home, packet_id: str, me: ProfileRow) -> list[str]:
    """Return the requests by which *me* sent a packet, or claimed from it."""
    try:
        row = home.store.packet(parse_packet_id(packet_id))
    except InvalidPacketId:
        return []
    if row is None:
        return []
    paid = home.store.message(outcome=row.entry)
    sending = next(home.store.acts(message=paid.number)) if paid else act_in(home, row.entry)
    return [
        *([sending.request_id] if row.packet.sender == me.id else []),
        *(
            claim.request_id
            for claim in home.store.claims(row.packet.number)
            if claim.profile == me.id
        ),
    ]


def _explained(home: Home, row: JudgedRow, record: Record, asked: Asked) -> JudgedLine:
    from hongbao.domain.risk.judge import decide, decide_again, keys_of
    from hongbao.domain.risk.measures import Look, day_out_fen
    from hongbao.domain.risk.way_out import allowed_amount, allowed_from

    pack, forest = guards_named(home, record.pack, record.model)
    habit, what = _habit_before(home, row), asked.seen.what
    out_fen = day_out_fen(Look(habit, asked, pack.night))
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
        "cases": [
            case.id
            for case in home.store.cases(CaseView.OPENED, entries=range(row.entry, row.entry + 1))
        ],
        "rules": [_rule_line(rule, measured) for rule in pack.rules if what in rule.acts],
        "reports": [
            _report_line(report, measured) for report in pack.reports if what in report.acts
        ],
        "model_parts": _parts(forest, values),
        "error": answer_in(home, row.entry).get("error"),
        "allowed_fen": amount_fen,
        "allowed_from": None if from_s is None else iso(datetime.fromtimestamp(from_s, UTC)),
    }


def _habit_before(home: Home, row: JudgedRow) -> Habit:
    """Return the habits of the profile of *row* just before it."""
    from hongbao.domain.risk.habit import NEW, after

    habit = NEW
    for earlier in home.store.judged(row.profile, before=row.entry):
        seen = home.read_back(decode, earlier.risk).seen
        habit = habit if seen is None else after(habit, seen)
    return habit


def replay(
    home: Home, pack: Pack, *, since: datetime | None = None, limit: int = 20
) -> ReplayedRisk:
    """
    Judge all acts, or those *since* a moment, by *pack* instead; nothing is touched.

    Each act is judged upon what had really happened until then: what another answer would have
    led to is unknown. Up to *limit* of the acts that would be answered differently are
    named, the latest first.
    """
    from hongbao.domain.risk.judge import decide

    with home.looking():
        forest = guards_in_force(home, home.row).forest
        totals: Counter[tuple[Verdict, Verdict]] = Counter()
        changes: deque[ReplayedLine] = deque(maxlen=limit)
        for row, record, habit in history(home):
            if record.asked is None or (since is not None and row.at < since):
                continue
            again = decide(pack, forest, habit, record.asked)
            if record.pack == pack.ref and _had_passed(record, again):
                again = again.but_for(Verdict.CHALLENGE)
            totals[record.verdict, again.verdict] += 1
            if again.verdict is not record.verdict:
                changes.append(_change(home, row, record, again))
    return {
        "pack": pack.ref,
        "model": None if forest is None else forest.ref,
        "since": iso_or_none(since),
        "acts": totals.total(),
        "changed": sum(acts for (before, after), acts in totals.items() if before != after),
        "totals": [
            {"before": str(before), "after": str(after), "acts": acts}
            for (before, after), acts in sorted(totals.items(), key=lambda total: -total[1])
        ],
        "changes": list(reversed(changes)),
    }


def history(home: Home) -> Iterator[tuple[JudgedRow, Record, Habit]]:
    """Yield every recorded act with what was remembered of its profile just before it."""
    from hongbao.domain.risk.habit import NEW, after

    habits: dict[int, Habit] = {}
    for row in home.store.judged():
        record, habit = home.read_back(decode, row.risk), habits.get(row.profile, NEW)
        yield row, record, habit
        if record.seen is not None:
            habits[row.profile] = after(habit, record.seen)


def _change(home: Home, row: JudgedRow, record: Record, again: Decision) -> ReplayedLine:
    assert record.asked is not None
    return {
        "entry": row.entry,
        "at": iso(row.at),
        "profile": home.profile_by_id(row.profile).name,
        "act": str(record.asked.seen.what),
        "amount_fen": record.asked.seen.amount_fen,
        "before": str(record.verdict),
        "before_rule": record.rule,
        "after": str(again.verdict),
        "after_rule": None if again.rule is None else again.rule.id,
    }


def risk_picture(home: Home, name: str | None = None) -> Pictured:
    """Return the risk view of a profile. Raises ProfileNotFound."""
    from hongbao.domain.risk.habit import china_day_number
    from hongbao.domain.risk.measures import usual_fen
    from hongbao.domain.risk.places import PLACES

    with home.looking():
        who = home.me if name is None else home.profile_named(name)
        now, guards = home.now(), guards_in_force(home, home.row)
        habit = remembered(home, who.id).habit
        let_in = [row for row in home.store.devices(who.id) if row.is_let_in]
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
            "indicators": _measured_now(home, who, device, habit, now, guards.pack),
            "stops": sum(1 for _stop in home.store.judged(who.id, stopped=True)),
            "open_challenges": len(home.store.challenges(who.id, now)),
            "open_cases": len(home.store.cases(CaseView.WAITING, profile=who.id)),
            "at": iso(now),
        }


def _measured_now(
    home: Home,
    who: ProfileRow,
    device: DeviceRow | None,
    habit: Habit,
    now: datetime,
    pack: Pack,
) -> list[IndicatorLine]:
    """Measure what *pack* asks as if *who* were about to send a packet, of no amount yet."""
    from hongbao.domain.risk.indicators import INDICATORS

    seen = Seen(int(now.timestamp()), What.SEND, city=device.city if device else 0)
    standing = home.store.standing(who.id, device.id if device else 0)
    asked = Asked(
        seen,
        age_days=(now - who.opened_at).days,
        channels=home.channels(who),
        cards=standing.cards,
        device_age_hours=int((now - device.since).total_seconds()) // 3600 if device else 0,
        devices=standing.devices,
        device_profiles=standing.device_profiles,
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


def risk_rules(home: Home, pack: Pack | None = None) -> PackRules:
    """Return the rules of *pack*, or of the active one, as they are written."""
    with home.looking():
        guards = guards_in_force(home, home.row)
    pack = guards.pack if pack is None else pack
    return pack_rules(pack, None if guards.forest is None else guards.forest.ref)


def risk_packs(home: Home) -> list[str]:
    """Return the packs that were ever used here, as `risk_pack_text` takes them."""
    with home.looking():
        return home.store.rules("risk_pack")


def risk_pack_text(home: Home, ref: str) -> str | None:
    """Return the text of the pack that was used here as *ref*, ``standard/1``, if one was."""
    with home.looking():
        return home.store.rules("risk_pack", ref)


def pack_rules(pack: Pack, model: str | None) -> PackRules:
    """Return the answer about *pack*; *model* is the one that is used with it."""
    return {
        "pack": pack.ref,
        "title": pack.title["en"],
        "title_zh": pack.title["zh"],
        "model": model,
        "rules": [_rule_line(rule, _NOTHING) for rule in pack.rules],
        "reports": [_report_line(report, _NOTHING) for report in pack.reports],
        "text": pack.text,
    }


def _rule_line(rule: Rule, measured: _Measured) -> RuleLine:
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


def _report_line(report: Report, measured: _Measured) -> RuleLine:
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


def _condition_line(condition: Condition, measured: _Measured) -> ConditionLine:
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
    """Return the further condition of a lowered limit: the day's payments exceed it."""
    return {
        "indicator": "day_out_fen",
        "unit": "fen",
        "value": out_fen,
        "at_least": day_fen + 1,
        "at_most": None,
        "holds": out_fen > day_fen,
    }


def _parts(forest: Forest | None, values: Mapping[Key, int]) -> list[PartLine]:
    """Return each key's contribution to the model's score of an act, the greatest first."""
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


def _had_passed(record: Record, again: Decision) -> bool:
    """
    Return whether *record* can only be what was left once a challenge had been passed.

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
