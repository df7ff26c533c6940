"""Risk control's tables: packs, models, habits, stops and challenges."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hongbao.engines.sqlcipher.books import Books
from hongbao.store import ChallengeRow, HabitRow, JudgedRow
from hongbao.units import from_micros, to_micros


class Risk(Books):
    """The guards' own papers."""

    # --- habits ----------------------------------------------------------------------------------

    def habit(self, profile: int) -> HabitRow | None:
        row = self.row("SELECT upto, text FROM habit WHERE profile = ?", profile)
        return HabitRow(*row) if row else None

    def _keep_habit(self, profile: int, row: HabitRow) -> None:
        self._write(
            "INSERT INTO habit (profile, upto, text) VALUES (?, ?, ?)"
            " ON CONFLICT (profile) DO UPDATE SET upto = excluded.upto, text = excluded.text",
            profile,
            *row,
        )

    def records_after(self, profile: int, entry: int) -> list[tuple[int, str]]:
        return self.rows(
            "SELECT id, risk FROM entry WHERE profile = ? AND id > ? AND risk IS NOT NULL"
            " ORDER BY id",
            profile,
            entry,
        )

    # --- what did not happen ---------------------------------------------------------------------

    def _add_stop(self, entry: int, profile: int, request_id: str) -> None:
        """Remember that the act asked for as *request_id* was stopped, in *entry*."""
        self._write(
            "INSERT INTO stop (entry, profile, request_id) VALUES (?, ?, ?)",
            entry,
            profile,
            request_id,
        )

    def stops_of(self, request_id: str, profile: int) -> list[int]:
        rows = self.rows(
            "SELECT entry FROM stop WHERE request_id = ? AND profile = ? ORDER BY entry",
            request_id,
            profile,
        )
        return [int(row[0]) for row in rows]

    def stops_count(self, profile: int) -> int:
        return int(self.row("SELECT count(*) FROM stop WHERE profile = ?", profile)[0])

    # --- what was judged -------------------------------------------------------------------------

    def judged(self, profile: int | None = None, until: int | None = None) -> Iterator[JudgedRow]:
        for row in self.each(
            f"{_JUDGED} WHERE risk IS NOT NULL AND (?1 IS NULL OR profile = ?1)"
            " AND (?2 IS NULL OR id < ?2) ORDER BY id",
            profile,
            until,
        ):
            yield _judged(row)

    def judged_in(self, entry: int) -> JudgedRow | None:
        row = self.row(f"{_JUDGED} WHERE id = ? AND risk IS NOT NULL", entry)
        return _judged(row) if row else None

    # --- challenges ------------------------------------------------------------------------------

    def _add_challenge(self, row: ChallengeRow) -> None:
        self._write(
            "INSERT INTO challenge (number, id, profile, entry, inputs, puzzle, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row.number,
            row.id,
            row.profile,
            row.entry,
            row.inputs,
            row.puzzle,
            to_micros(row.expires_at),
        )

    def challenge(self, challenge_id: str) -> ChallengeRow | None:
        row = self.row(f"{_CHALLENGES} WHERE id = ?", challenge_id)
        return _challenge(row) if row else None

    def challenges_of(self, profile: int, now: datetime) -> list[ChallengeRow]:
        rows = self.rows(
            f"{_CHALLENGES} WHERE profile = ? AND state = 'open' AND expires_at > ?"
            " ORDER BY number",
            profile,
            to_micros(now),
        )
        return [_challenge(row) for row in rows]

    def passed_challenge(self, profile: int, inputs: bytes, now: datetime) -> ChallengeRow | None:
        row = self.row(
            f"{_CHALLENGES} WHERE profile = ? AND inputs = ? AND state = 'passed'"
            " AND expires_at > ? ORDER BY number LIMIT 1",
            profile,
            inputs,
            to_micros(now),
        )
        return _challenge(row) if row else None

    def _count_try(self, challenge: int) -> None:
        self._write("UPDATE challenge SET tries = tries + 1 WHERE number = ?", challenge)

    def _pass_challenge(self, challenge: int, until: datetime) -> None:
        """Pass *challenge*: its request may succeed once, before *until*."""
        self._write(
            "UPDATE challenge SET state = 'passed', expires_at = ? WHERE number = ?",
            to_micros(until),
            challenge,
        )

    def _set_challenge(self, challenge: int, state: str, used: int | None = None) -> None:
        self._write(
            "UPDATE challenge SET state = ?, used = ? WHERE number = ?", state, used, challenge
        )


_JUDGED = "SELECT id, profile, at, act, request_id, facts, risk FROM entry"


def _judged(row: Any) -> JudgedRow:
    entry, profile, at, *rest = row
    return JudgedRow(entry, profile, from_micros(at), *rest)


_CHALLENGES = (
    "SELECT number, id, profile, entry, inputs, puzzle, expires_at, tries, state FROM challenge"
)


def _challenge(row: Any) -> ChallengeRow:
    fields: list[Any] = list(row)
    fields[6] = from_micros(fields[6])
    return ChallengeRow(*fields)
