"""Checks of risk control: habits, stops and challenges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hongbao.auditing.sealed import at, has, judged, part_of
from hongbao.auditing.walk import PLACE
from hongbao.domain.risk.acts import Verdict
from hongbao.domain.risk.habit import NEW, Habit, after, decode, encode
from hongbao.domain.risk.pack import parse_pack
from hongbao.domain.risk.record import in_short
from hongbao.errors import (
    DeviceKeyDamaged,
    DeviceKeyMissing,
    InvalidRiskPack,
    StorageUnreadable,
)
from hongbao.questions import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

_PROFILE, _RISK = PLACE["profile"], PLACE["risk"]
assert PLACE["challenge"] == _RISK + 3, "the record stands before its columns"
_NOTHING = [None, None, None]

_NO_HABIT = (AssertionError, TypeError, ValueError)
"""What acts raise that no one has done, or not in this order."""

_STOPPED_AS = {
    "challenged": Verdict.CHALLENGE,
    "limited": Verdict.LIMIT,
    "refused": Verdict.REFUSE,
    "cut": Verdict.CUT,
}
"""The acts that risk control stops others by, and how it had judged those."""


def check_devices(context: Context) -> Iterator[str]:
    """
    Open the key of each device that is authorised or waits for approval.

    Of a ledger on a cluster, a key that is not here is on another machine.
    """
    is_shared = context.store.file is None
    for name, public_key in context.rows(Question.DEVICES_IN_USE):
        try:
            context.device_keys.check(public_key)
        except DeviceKeyMissing:
            if not is_shared:
                yield f"{name}: missing"
        except (DeviceKeyDamaged, StorageUnreadable):
            yield f"{name}: damaged"


class Habits:
    """
    Derives each habit that is kept again: it follows from the records in the chain alone.

    What is looked for of a record has columns next to it, which say the same.

    Behind a checkpoint a habit that is as it was then has been proven, and another one is derived
    from the one of that time.
    """

    def __init__(self, context: Context) -> None:
        self.found: list[str] = []
        self._context = context
        self._proven: Mapping[int, tuple[int, str]] = {}
        self._after = 0
        if context.behind is not None:
            self._proven, self._after = context.behind.habits, context.behind.entry
        self._kept = {
            profile: (upto, text)
            for profile, upto, text in context.rows(Question.HABITS)
            if self._proven.get(profile) != (upto, text)
        }
        self._habits: dict[int, Habit] = {}
        self._broken: set[int | None] = set()

    def take(self, step: Step) -> None:
        entry, fields = step.entry, step.fields
        if entry <= self._after:
            return
        risk, *columns = fields[_RISK : _RISK + 4]
        if risk is None and columns == _NOTHING:
            return
        profile = fields[_PROFILE]
        self._remember(entry, profile, risk, columns)
        upto, text = self._kept.get(profile, (None, None))
        if entry == upto and profile not in self._broken:
            del self._kept[profile]
            if self._text_of(profile) != text:
                self.found.append(f"profile {profile}")

    def _remember(
        self, entry: int, profile: int | None, risk: str | None, columns: list[object]
    ) -> None:
        try:
            seen, said = (None, None) if risk is None else in_short(risk)
        except ValueError:
            seen, said = None, None
        if said is None or profile is None or columns != list(said):
            self.found.append(f"entry {entry}")
            self._broken.add(profile)
        elif seen is not None and profile not in self._broken:
            try:
                self._habits[profile] = after(self._habit_of(profile), seen)
            except _NO_HABIT:  # as no act has been
                self.found.append(f"entry {entry}")
                self._broken.add(profile)

    def _text_of(self, profile: int) -> str | None:
        try:
            return encode(self._habit_of(profile))
        except _NO_HABIT:
            return None

    def _habit_of(self, profile: int) -> Habit:
        """Return the habit of *profile* so far: of what is new, and of what was proven before."""
        habit = self._habits.get(profile)
        if habit is None:
            habit = NEW if not self._after else self._habit_before(profile)
            self._habits[profile] = habit
        return habit

    def _habit_before(self, profile: int) -> Habit:
        """Return the habit of *profile* at the checkpoint, by what was kept of it and since."""
        upto, text = self._proven.get(profile, (0, None))
        habit = NEW if text is None else decode(text)
        for (risk,) in self._context.rows(Question.RECORDS_OF_PROFILE, profile, upto, self._after):
            record = judged(risk)
            if record is not None and record.seen is not None:
                habit = after(habit, record.seen)
        return habit

    def end(self, strays: list[int]) -> None:  # noqa: ARG002 - the chain's
        # Those up to no record of theirs.
        self.found += [f"profile {profile}" for profile in sorted(self._kept.keys() - self._broken)]


def check_challenges(context: Context) -> Iterator[str]:
    """Compare what did not happen, and what was asked before it may, with what was answered."""
    for entry, act, owner, facts, risk, profile, request_id, moved in context.rows(Question.STOPS):
        fits = profile is not None and profile == owner and not moved
        if not (fits and has(act, facts, {"request_id": request_id}) and _is_stopped(act, risk)):
            yield f"entry {entry}"
    yield from _asked_without_end(context)
    minutes: dict[str, int] = {}  # to answer in, by pack
    for challenge, *rest in context.rows(Question.CHALLENGES):
        if not _is_as_answered(context, _Challenge(challenge, *rest), minutes):
            yield str(challenge)


def _asked_without_end(context: Context) -> Iterator[str]:
    """Name entries that speak of a challenge which does not speak of them."""
    for (entry,) in context.rows(Question.CHALLENGE_ENTRIES_WITHOUT_CHALLENGE):
        yield f"entry {entry}"


def _is_as_answered(context: Context, row: _Challenge, minutes: dict[str, int]) -> bool:
    record = None if row.risk is None else judged(row.risk)
    if not row.fits_asking or record is None or row.tries < 0:
        return False
    if part_of("challenged", row.asked, "error").get("challenge") != row.id:
        return False
    named = {"challenge": row.id}
    was_passed = row.passed_as is not None
    if was_passed != (row.state in ("passed", "used")):
        return False
    if (row.failed_as is not None) != (row.state == "failed"):
        return False
    if was_passed:
        return (
            row.passed_as == "challenge_passed"
            and has(row.passed_as, row.passed, named)
            and row.expires_at == at(row.passed_as, row.passed, "valid_until")
            and bool(row.fits_use)
        )
    if row.failed_as is not None and not (
        row.failed_as == "challenge_failed"
        and has(row.failed_as, row.failed, named)
        and row.tries > 0
    ):
        return False
    if record.pack not in minutes:
        minutes[record.pack] = _minutes(context, record.pack)
    return row.expires_at == row.at + minutes[record.pack] * _MINUTE_MICROS


def _minutes(context: Context, pack: str) -> int:
    """Return the minutes that the risk *pack* gives to answer; 0 if it cannot be read."""
    try:
        return parse_pack(context.store.rules("risk_pack", pack) or "", pack).challenge_minutes
    except InvalidRiskPack:
        return 0


class _Challenge(NamedTuple):
    """A challenge with the entries that required it and answered it."""

    id: str
    state: str
    expires_at: int
    tries: int
    fits_asking: int
    at: int
    asked: str
    risk: str | None
    passed_as: str | None
    passed: str
    failed_as: str | None
    failed: str
    fits_use: int


_MINUTE_MICROS = 60_000_000


def _is_stopped(act: str, risk: str | None) -> bool:
    """Return whether an act that was judged so, and not done, is written down as *act*."""
    if risk is None:
        return act == "cut"  # its signature was not believed: nothing was judged
    record = judged(risk)
    return record is not None and record.seen is None and record.verdict is _STOPPED_AS.get(act)
