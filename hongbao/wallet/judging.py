"""Judging at the desk: risk control answers each act inside its own transaction."""

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.domain.risk.acts import Asked, Seen, Verdict, What
from hongbao.domain.risk.record import Record
from hongbao.errors import (
    ChallengeRequired,
    Damaged,
    HongbaoError,
    InvalidModel,
    InvalidRiskPack,
    LoweredLimit,
    RefusedByRisk,
    SessionEnded,
)
from hongbao.store import CaseRow, ChallengeRow, DeviceRow, HomeRow
from hongbao.wallet.acts import Act
from hongbao.wallet.signing import Signing

if TYPE_CHECKING:
    from hongbao.domain.risk.forest import Forest
    from hongbao.domain.risk.habit import Habit
    from hongbao.domain.risk.judge import Decision
    from hongbao.domain.risk.pack import Pack, Report, Rule


class Guards(NamedTuple):
    """The rules in force, and the model that is asked beside them."""

    pack: "Pack"
    forest: "Forest | None"


@lru_cache(maxsize=8)
def read_guards(pack: str, named: str, model: str | None, called: str) -> Guards:
    """
    Read a *pack*'s text and a *model*'s, which are *named* and *called* so where they are refused.

    Reading takes milliseconds, and what was read never changes: a process does it once.
    """
    from hongbao.domain.risk.forest import parse_forest
    from hongbao.domain.risk.pack import parse_pack

    return Guards(parse_pack(pack, named), None if model is None else parse_forest(model, called))


class Stopped(Exception):
    """
    Risk control does not let an act happen.

    Nothing was written yet. That it was stopped is a fact like any other: the desk writes it down
    as an entry called *act*, and then tells *error*.
    """

    def __init__(self, act: str, error: HongbaoError) -> None:
        super().__init__(act)
        self.act = act
        self.error = error


class Judging(Signing):
    """Steps 2 and 5, as risk control sees them."""

    def _guards(self, home: HomeRow) -> Guards:
        """
        Return the pack and the model in force.

        A home that is older than risk control gets the shipped ones with its first act.
        """
        refs = (home.risk_pack, home.risk_model)
        if self._known_guards is None or self._known_guards[0] != refs:
            self._known_guards = (refs, self._read_guards(home))
        return self._known_guards[1]

    _known_guards: "tuple[tuple[str | None, str | None], Guards] | None" = None

    def _read_guards(self, home: HomeRow) -> Guards:
        from hongbao.packs import MODEL, STANDARD, model_text, text_of

        if home.risk_pack is None:
            return read_guards(text_of(STANDARD), STANDARD, model_text(), MODEL)
        return self._guards_named(home.risk_pack, home.risk_model)

    def _guards_named(self, pack: str, model: str | None) -> Guards:
        """Return the rules and the model that a record names: this home keeps every one."""
        text = self.store.risk_pack(pack)
        if text is None:
            raise Damaged(path=str(self.store.path))
        learned = None if model is None else self.store.risk_model(model)
        try:
            return read_guards(text, pack, learned, str(model))
        except (InvalidRiskPack, InvalidModel):  # both were read before they were kept
            raise Damaged(path=str(self.store.path)) from None

    def _keep_guards(self, home: HomeRow) -> None:
        """Keep the shipped pack and model where this home has none: decisions name them."""
        if home.risk_pack is not None:
            return
        guards = self._guards(home)
        if self.store.risk_pack(guards.pack.ref) is None:
            self.store.keep_risk_pack(guards.pack.ref, guards.pack.text)
        self.store.set_risk_pack(guards.pack.ref)
        if guards.forest is not None:
            if self.store.risk_model(guards.forest.ref) is None:
                self.store.keep_risk_model(guards.forest.ref, guards.forest.text)
            self.store.set_risk_model(guards.forest.ref)

    # --- one act ---------------------------------------------------------------------------------

    def _judge(
        self, doing: Act, what: What, amount_fen: int, *, other: int = 0, reaction_ms: int = -1
    ) -> "Decision":
        """
        Let risk control look at an act before anything of it is written.

        *other* is the profile at the other end, and *reaction_ms* what a claim took since its
        packet was there. What is answered, and why, is kept in the act's entry. A verdict of hold
        or delay is for the caller to carry out; reports open their cases by themselves. A challenge
        that was passed before answers for itself alone: whatever else there is to say is said.

        Raises Stopped.
        """
        from hongbao.domain.risk.judge import decide

        asked = self._asked(doing, what, amount_fen, other, reaction_ms)
        guards = self._guards(doing.home)
        doing.habit = self._habit(doing.me.id)
        decision = decide(guards.pack, guards.forest, doing.habit, asked)
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
        passed = None
        if decision.verdict is Verdict.CHALLENGE:
            passed = self.store.passed_challenge(doing.me.id, doing.inputs, doing.now)
        if passed is not None:
            decision = decision.but_for(Verdict.CHALLENGE)
        if decision.rule is not None and decision.verdict in _STOPS:
            doing.record = doing.record._replace(
                seen=None, verdict=decision.verdict, rule=decision.rule.id
            )
            raise self._stopped(doing, guards, decision, decision.rule)
        if passed is not None:
            self._use_up(doing, passed)
        for report in decision.reports:
            self._open_report(doing, report, asked)
        return decision

    def _remember_amount(self, doing: Act, amount_fen: int) -> None:
        """Remember *amount_fen* of what is done: a claim's is drawn only once it is allowed."""
        record = doing.record
        assert record is not None
        assert record.seen is not None
        doing.record = record._replace(seen=record.seen._replace(amount_fen=amount_fen))

    def _asked(
        self, doing: Act, what: What, amount_fen: int, other: int, reaction_ms: int
    ) -> Asked:
        me, device = doing.me, doing.device
        assert device is not None
        cards, devices, profiles = self.store.standing_of(me.id, device.id)
        back = doing.now - self.env.now() if doing.home.virtual_at is None else timedelta()
        return Asked(
            Seen(int(doing.now.timestamp()), what, amount_fen, other, reaction_ms, device.city),
            age_days=(doing.now - me.opened_at).days,
            channels=self.channels(me) if cards or me.id_number else 0,
            cards=cards,
            device_age_hours=(doing.now - device.since) // _HOUR,
            devices=devices,
            device_profiles=profiles,
            clock_back_s=max(back // _SECOND, 0),
        )

    def _habit(self, profile: int) -> "Habit":
        from hongbao.domain.risk.habit import NEW, decode

        text = self.store.habit(profile)
        return NEW if text is None else self._read_back(decode, text)

    def _remember(self, doing: Act, seen: Seen) -> None:
        """Let the habit of whoever acts follow what was *seen*, in the transaction of the act."""
        from hongbao.domain.risk.habit import after, encode

        me = doing.me.id
        habit = self._habit(me) if doing.habit is None else doing.habit
        self.store.keep_habit(me, encode(after(habit, seen)))

    def _use_up(self, doing: Act, passed: ChallengeRow) -> None:
        """Let *doing* be the one act that the challenge *passed* lets happen."""
        assert doing.record is not None
        doing.record = doing.record._replace(challenge=passed.id)
        doing.once_entered(lambda: self.store.set_challenge(passed.number, "used", doing.entry))

    def _stopped(self, doing: Act, guards: Guards, decision: "Decision", rule: "Rule") -> Stopped:
        facts: dict[str, Any] = {"rule": rule.id, "why": dict(rule.says)}
        asked = {"request_id": doing.request_id, **facts}
        match decision.verdict:
            case Verdict.CHALLENGE:
                challenge = self._set_challenge(doing, guards)
                return Stopped("challenged", ChallengeRequired(challenge=challenge.id, **facts))
            case Verdict.LIMIT:
                assert rule.day_fen is not None
                return Stopped("limited", LoweredLimit(limit_fen=rule.day_fen, **asked))
            case Verdict.CUT:
                assert doing.device is not None
                return self._cut(
                    doing, doing.device, SessionEnded(device=doing.device.name, **facts)
                )
        return Stopped("refused", RefusedByRisk(**asked))

    def _cut(self, doing: Act, device: DeviceRow, error: HongbaoError) -> Stopped:
        """End the session of *device* with what it has just asked for."""
        doing.once_entered(lambda: self.store.cut_session(device.id, doing.now))
        return Stopped("cut", error)

    def _set_challenge(self, doing: Act, guards: Guards) -> ChallengeRow:
        from hongbao.domain.ids import challenge_id
        from hongbao.domain.puzzle import make_puzzle

        drawn = challenge_id(doing.chance(8))
        while self.store.challenge(drawn) is not None:
            drawn = challenge_id(doing.chance(8))
        row = ChallengeRow(
            number=self.store.next_challenge(),
            id=drawn,
            profile=doing.me.id,
            entry=doing.entry,
            inputs=doing.inputs,
            puzzle=make_puzzle(doing.chance).encode(),
            expires_at=doing.now + timedelta(minutes=guards.pack.challenge_minutes),
        )
        doing.once_entered(lambda: self.store.add_challenge(row))
        return row

    # --- cases -----------------------------------------------------------------------------------

    def _open_case(self, doing: Act, **facts: Any) -> CaseRow:
        """Open a case about what is being done; it stands once the entry does."""
        from hongbao.domain.ids import case_id

        drawn = case_id(doing.chance(8))
        while self.store.case(drawn) is not None:
            drawn = case_id(doing.chance(8))
        number = max([self.store.next_case(), *(row.number + 1 for row in doing.cases)])
        row = CaseRow(number=number, id=drawn, profile=doing.me.id, entry=doing.entry, **facts)
        doing.cases.append(row)
        doing.once_entered(lambda: self.store.add_case(row))
        return row

    def _open_report(self, doing: Act, report: "Report", asked: Asked) -> None:
        """Open the case that *report* asks for, unless one of the same day says it already."""
        from hongbao.domain.dates import day_key

        last = self.store.last_case(doing.me.id, report.id)
        if last is not None:
            told_on = day_key(self.store.entry_at(last.entry))
            if last.closed is None or told_on == day_key(doing.now):
                return
        self._open_case(
            doing,
            kind=report.kind,
            rule=report.id,
            amount_fen=asked.seen.amount_fen,
            packet=None,
            message=None,
            until=None,
            ends=None,
        )


_STOPS = frozenset({Verdict.LIMIT, Verdict.CHALLENGE, Verdict.REFUSE, Verdict.CUT})
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
