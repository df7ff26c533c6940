"""Risk control inside an act: what the five guards say of it, and what follows."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hongbao import errors
from hongbao.changes.cases import AddCase
from hongbao.changes.devices import CutSession
from hongbao.changes.guards import AddChallenge, KeepHabit, SetChallenge
from hongbao.changes.home import KeepRules
from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record
from hongbao.errors import HongbaoError
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.queries.guards import Guards, Remembered, guards_in_force, remembered
from hongbao.store import CaseRow, ChallengeRow, DeviceRow, HabitRow
from hongbao.wallet.acts import Act, Doing

if TYPE_CHECKING:
    from hongbao.domain.risk.judge import Decision
    from hongbao.domain.risk.pack import Report, Rule


class Stopped(Exception):
    """
    Risk control does not let an act happen.

    Nothing was written yet. That it was stopped is a fact like any other: it is written down
    as an entry called *act*, and then tells *error*.
    """

    def __init__(self, act: str, error: HongbaoError) -> None:
        super().__init__(act)
        self.act = act
        self.error = error


_STOPS = frozenset({Verdict.LIMIT, Verdict.CHALLENGE, Verdict.REFUSE, Verdict.CUT})

KEPT_EVERY = 16
"""
How many records there may be behind a habit that is kept, before the act that reads them keeps it.

With few a habit is written often, with many it is long to derive: of 1, 16, 32 and 64, an act is
done soonest with 16.
"""

_HOUR = timedelta(hours=1)

_SECOND = timedelta(seconds=1)


def keep_guards(home: Home, doing: Act) -> None:
    """Keep the shipped pack and model where this home has none: decisions name them."""
    if doing.home_row.risk_pack is not None:
        return
    guards = guards_in_force(home, doing.home_row)
    keep_rules(home, doing, "risk_pack", guards.pack.ref, guards.pack.text)
    doing.set_home(risk_pack=guards.pack.ref)
    if guards.forest is not None:
        keep_rules(home, doing, "risk_model", guards.forest.ref, guards.forest.text)
        doing.set_home(risk_model=guards.forest.ref)


def keep_rules(home: Home, doing: Doing, kind: str, ref: str, text: str) -> None:
    """Keep the *text* of rules as *ref*, unless it was kept before."""
    kept = KeepRules(kind, ref, text)
    if kept not in doing.changes and home.store.rules(kind, ref) is None:
        doing.change(kept)


def judge(
    home: Home, doing: Act, what: What, amount_fen: int, *, other: int = 0, reaction_ms: int = -1
) -> "Decision":
    """
    Judge an act by risk control, before anything of it is written (see `_judge`).

    Raises Stopped.
    """
    with home.checking("risk") as seen:
        return _judge(home, doing, what, amount_fen, other, reaction_ms, seen)


def _judge(
    home: Home,
    doing: Act,
    what: What,
    amount_fen: int,
    other: int,
    reaction_ms: int,
    seen: dict[str, object] | None,
) -> "Decision":
    """
    Judge an act by risk control.

    *other* is the profile at the other end, and *reaction_ms* what a claim took since its
    packet was there. What is answered, and why, is kept in the act's entry. A verdict of hold
    or delay is for the caller to carry out; reports open their cases themselves. A challenge
    that was passed before answers for itself alone: other stops still apply.

    Raises Stopped.
    """
    from hongbao.domain.risk.judge import decide

    asked = _asked(home, doing, what, amount_fen, other, reaction_ms)
    guards = guards_in_force(home, doing.home_row)
    known = remembered(home, doing.me.id)
    if known.since_kept >= KEPT_EVERY:
        _keep_habit(doing, known)
    decision = decide(guards.pack, guards.forest, known.habit, asked)
    doing.record = Record(
        asked.seen,
        asked,
        guards.pack.ref,
        None if guards.forest is None else guards.forest.ref,
        decision.verdict,
        None if decision.rule is None else decision.rule.id,
        tuple(report.id for report in decision.reports),
        decision.values,
        decision.score,
    )
    if seen is not None:
        seen.update(
            pack=guards.pack.ref,
            rules=sum(what in rule.acts for rule in guards.pack.rules),
            fired=[rule.id for rule in decision.fired],
            verdict=str(decision.verdict),
            score=decision.score,
        )
    passed = None
    if decision.verdict is Verdict.CHALLENGE:
        passed = next(
            iter(home.store.challenges(doing.me.id, doing.now, passed=doing.inputs)), None
        )
    if passed is not None:
        decision = decision.but_for(Verdict.CHALLENGE)
    if decision.rule is not None and decision.verdict in _STOPS:
        doing.record = doing.record._replace(
            seen=None, verdict=decision.verdict, rule=decision.rule.id
        )
        raise _stopped(home, doing, guards, decision, decision.rule)
    if passed is not None:
        _use_up(doing, passed)
    for report in decision.reports:
        _open_report(home, doing, report, asked)
    return decision


def remember_amount(doing: Act, amount_fen: int) -> None:
    """Remember *amount_fen* of what is done: a claim's is drawn only once it is allowed."""
    record = doing.record
    assert record is not None
    assert record.seen is not None
    doing.record = record._replace(seen=record.seen._replace(amount_fen=amount_fen))


def _asked(
    home: Home, doing: Act, what: What, amount_fen: int, other: int, reaction_ms: int
) -> Asked:
    me, device = doing.me, doing.device
    assert device is not None
    standing = home.store.standing(me.id, device.id)
    back = doing.now - home.env.now() if doing.home_row.virtual_at is None else timedelta()
    return Asked(
        Seen(int(doing.now.timestamp()), what, amount_fen, other, reaction_ms, device.city),
        age_days=(doing.now - me.opened_at).days,
        channels=home.channels(me) if standing.cards or me.id_number else 0,
        cards=standing.cards,
        device_age_hours=(doing.now - device.since) // _HOUR,
        devices=standing.devices,
        device_profiles=standing.device_profiles,
        clock_back_s=max(back // _SECOND, 0),
    )


def _keep_habit(doing: Act, known: Remembered) -> None:
    """Keep what is *known* before *doing*, so that the acts behind it have less to read."""
    from hongbao.domain.risk.habit import encode

    doing.change(KeepHabit(doing.me.id, HabitRow(known.upto, encode(known.habit))))


def _use_up(doing: Act, passed: ChallengeRow) -> None:
    """Mark the challenge *passed* as used by *doing*."""
    assert doing.record is not None
    doing.record = doing.record._replace(challenge=passed.id)
    doing.change(SetChallenge(passed.number, "used", doing.entry))


def _stopped(home: Home, doing: Act, guards: Guards, decision: "Decision", rule: "Rule") -> Stopped:
    facts: dict[str, Any] = {"rule": rule.id, "why": dict(rule.says)}
    asked = {"request_id": doing.request_id, **facts}
    match decision.verdict:
        case Verdict.CHALLENGE:
            challenge = _set_challenge(home, doing, guards)
            return Stopped("challenged", errors.ChallengeRequired(challenge=challenge.id, **facts))
        case Verdict.LIMIT:
            assert rule.day_fen is not None
            return Stopped("limited", errors.LoweredLimit(limit_fen=rule.day_fen, **asked))
        case Verdict.CUT:
            assert doing.device is not None
            return cut(doing, doing.device, errors.SessionEnded(device=doing.device.name, **facts))
    return Stopped("refused", errors.RefusedByRisk(**asked))


def cut(doing: Act, device: DeviceRow, error: HongbaoError) -> Stopped:
    """End the session of *device* with what it has just asked for."""
    doing.change(CutSession(device.id, doing.now))
    return Stopped("cut", error)


def _set_challenge(home: Home, doing: Act, guards: Guards) -> ChallengeRow:
    from hongbao.domain.ids import challenge_id
    from hongbao.domain.puzzle import make_puzzle

    drawn = challenge_id(doing.chance(8))
    while home.store.challenges(called=drawn):
        drawn = challenge_id(doing.chance(8))
    row = ChallengeRow(
        number=home.store.next_number("challenge"),
        id=drawn,
        profile=doing.me.id,
        entry=doing.entry,
        inputs=doing.inputs,
        puzzle=make_puzzle(doing.chance).encode(),
        expires_at=doing.now + timedelta(minutes=guards.pack.challenge_minutes),
    )
    doing.change(AddChallenge(row))
    return row


def open_case(home: Home, doing: Act, **facts: Any) -> CaseRow:
    """Open a case about what is being done; it stands once the entry does."""
    from hongbao.domain.ids import case_id

    drawn = case_id(doing.chance(8))
    while home.store.case(drawn) is not None:
        drawn = case_id(doing.chance(8))
    number = max([home.store.next_number("review_case"), *(row.number + 1 for row in doing.cases)])
    row = CaseRow(number=number, id=drawn, profile=doing.me.id, entry=doing.entry, **facts)
    doing.cases.append(row)
    doing.change(AddCase(row))
    return row


def _open_report(home: Home, doing: Act, report: "Report", asked: Asked) -> None:
    """Open the case that *report* asks for, unless one of the same day says it already."""
    from hongbao.domain.dates import day_key

    last = home.store.case(last_of=(doing.me.id, report.id))
    if last is not None:
        told_on = day_key(act_in(home, last.entry).at)
        if last.closed is None or told_on == day_key(doing.now):
            return
    open_case(
        home,
        doing,
        kind=report.kind,
        rule=report.id,
        amount_fen=asked.seen.amount_fen,
        packet=None,
        message=None,
        until=None,
        ends=None,
    )
