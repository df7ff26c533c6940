"""Changes of risk control's own records: habits, stops, challenges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.store import ChallengeRow, HabitRow, Touched


class KeepHabit(Row):
    """Keep what is remembered of a profile, so that there is less to read for its next act."""

    profile: int
    row: HabitRow

    @property
    def touches(self) -> Touched:
        return (("habit", self.profile),)


class AddStop(Row):
    """Remember that the act asked for as *request_id* was stopped, in *entry*."""

    entry: int
    profile: int
    request_id: str

    @property
    def touches(self) -> Touched:
        return (("stop", self.entry),)


class AddChallenge(Row):
    """Add a challenge that stands before an act."""

    row: ChallengeRow

    @property
    def touches(self) -> Touched:
        return (("challenge", self.row.number),)


class CountTry(Row):
    """Count an answer to a challenge before it is looked at."""

    challenge: int

    @property
    def touches(self) -> Touched:
        return (("challenge_tries", self.challenge),)


class PassChallenge(Row):
    """Pass *challenge*: its request may succeed once, before *until*."""

    challenge: int
    until: datetime

    @property
    def touches(self) -> Touched:
        return (("challenge", self.challenge),)


class SetChallenge(Row):
    """End a challenge: failed, or used by an act."""

    challenge: int
    state: str
    used: int | None = None

    @property
    def touches(self) -> Touched:
        return (("challenge", self.challenge),)
