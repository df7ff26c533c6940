"""Risk control's tables: packs, models, habits, stops and challenges."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from hongbao.engines.sql.engine import Engine
from hongbao.store import ChallengeRow, HabitRow, JudgedRow, KeptHabit
from hongbao.units import from_micros, to_micros

# --- habits ---------------------------------------------------------------------------------------


def habit(engine: Engine, profile: int, known: int | None = None) -> KeptHabit:
    text = "text" if known is None else "''"
    row = engine.row(f"SELECT upto, {text} FROM habit WHERE profile = ?", profile)
    upto = row[0] if row else 0
    records = engine.rows(
        "SELECT id, risk FROM entry WHERE profile = ? AND id > ? AND risk IS NOT NULL ORDER BY id",
        profile,
        upto if known is None else known,
    )
    return KeptHabit(HabitRow(*row) if row else None, records)


def keep_habit(engine: Engine, profile: int, row: HabitRow) -> None:
    engine.write(KEEP_HABIT, profile, *row)


KEEP_HABIT = (
    "INSERT INTO habit (profile, upto, text) VALUES (?, ?, ?)"
    " ON CONFLICT (profile) DO UPDATE SET upto = excluded.upto, text = excluded.text"
)


# --- what did not happen --------------------------------------------------------------------------


def add_stop(engine: Engine, entry: int, profile: int, request_id: str) -> None:
    """Remember that the act asked for as *request_id* was stopped, in *entry*."""
    engine.write(
        "INSERT INTO stop (entry, profile, request_id) VALUES (?, ?, ?)",
        entry,
        profile,
        request_id,
    )


# --- what was judged ------------------------------------------------------------------------------


def judged(
    engine: Engine,
    profile: int | None = None,
    *,
    entry: int | None = None,
    before: int | None = None,
    request_id: str | None = None,
    stopped: bool = False,
) -> Iterator[JudgedRow]:
    given: dict[str, Sequence[object]]
    if request_id is not None:
        given = {_TRIED: [request_id, profile] * 2}
    elif stopped:
        given = {_STOPPED: [profile]}
    else:
        asked = {"profile = ?": profile, "id = ?": entry, "id < ?": before}
        given = {where: [value] for where, value in asked.items() if value is not None}
    where = " AND ".join(["risk IS NOT NULL", *given])
    values = (value for values in given.values() for value in values)
    for row in engine.each(f"{_JUDGED} WHERE {where} ORDER BY id", *values):
        yield _judged(row)


# --- challenges -----------------------------------------------------------------------------------


def add_challenge(engine: Engine, row: ChallengeRow) -> None:
    engine.write(
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


@overload
def challenges(engine: Engine, *, called: str) -> list[ChallengeRow]: ...


@overload
def challenges(
    engine: Engine, profile: int, now: datetime, *, passed: bytes | None = None
) -> list[ChallengeRow]: ...


def challenges(
    engine: Engine,
    profile: int | None = None,
    now: datetime | None = None,
    *,
    passed: bytes | None = None,
    called: str | None = None,
) -> list[ChallengeRow]:
    values: list[object]
    if called is not None or now is None:
        where, values = "id = ?", [called]
    else:
        where, values = "profile = ? AND expires_at > ?", [profile, to_micros(now)]
        if passed is None:
            where += " AND state = 'open'"
        else:
            where, values = f"{where} AND inputs = ? AND state = 'passed'", [*values, passed]
    rows = engine.rows(f"{_CHALLENGES} WHERE {where} ORDER BY number", *values)
    return [_challenge(row) for row in rows]


def count_try(engine: Engine, challenge: int) -> None:
    engine.write("UPDATE challenge SET tries = tries + 1 WHERE number = ?", challenge)


def pass_challenge(engine: Engine, challenge: int, until: datetime) -> None:
    """Pass *challenge*: its request may succeed once, before *until*."""
    engine.write(
        "UPDATE challenge SET state = 'passed', expires_at = ? WHERE number = ?",
        to_micros(until),
        challenge,
    )


def set_challenge(engine: Engine, challenge: int, state: str, used: int | None = None) -> None:
    engine.write(
        "UPDATE challenge SET state = ?, used = ? WHERE number = ?", state, used, challenge
    )


_STOPPED = "id IN (SELECT entry FROM stop WHERE profile = ?)"

_TRIED = (
    "id IN (SELECT entry FROM stop WHERE request_id = ? AND profile = ?"
    " UNION ALL SELECT id FROM entry WHERE request_id = ? AND profile = ?)"
)
"""The acts that were stopped when a request was made, and the one that it made."""

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
