"""Devices and their enrolments by profiles."""

from datetime import datetime
from typing import Any

from hongbao.engines.sql.engine import LAST_RESTORE, Engine, write_first
from hongbao.store import DeviceRow, StandingRow
from hongbao.units import from_micros, to_micros


def devices(engine: Engine, profile: int | None, name_key: str | None = None) -> list[DeviceRow]:
    values: list[object]
    if profile is not None:
        query, values = f"{_DEVICES} WHERE enrolment.profile = ?", [profile]
        if name_key is not None:
            query, values = f"{query} AND device.name_key = ?", [profile, name_key]
    elif name_key is not None:
        query, values = f"{_DEVICES_ALONE} WHERE name_key = ?", [name_key]
    else:
        query, values = _DEVICES_ALONE, []
    rows = engine.rows(f"{query} ORDER BY device.id", *values)
    if profile is None and name_key is None:
        rows = [row for row in rows if _RETIRED in row[-1]]
    return [_device(row) for row in rows]


def standing(engine: Engine, profile: int, device: int) -> StandingRow:
    return StandingRow(
        *engine.row(
            "SELECT"
            " (SELECT count(*) FROM card WHERE profile = ?1 AND removed_at IS NULL),"
            " (SELECT count(*) FROM enrolment WHERE profile = ?1"
            "  AND state IN ('approved', 'certified')),"
            " (SELECT count(*) FROM enrolment WHERE device = ?2"
            "  AND state IN ('approved', 'certified')),"
            " (SELECT count(*) FROM enrolment WHERE device = ?2"
            "  AND state <> 'removed' AND profile <> ?1)",
            profile,
            device,
        )
    )


def add_device(
    engine: Engine, device: int, name: str, name_key: str, public_key: bytes, at: datetime
) -> None:
    engine.write(
        "INSERT INTO device (id, name, name_key, public_key, made_at, city)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        device,
        name,
        name_key,
        public_key,
        to_micros(at),
        0,
    )


def retire_device(engine: Engine, device: int) -> None:
    """Free the name of *device*, which no profile has enrolled any more."""
    (name_key,) = engine.row("SELECT name_key FROM device WHERE id = ?", device)
    engine.write(
        "UPDATE device SET name_key = ? WHERE id = ?", f"{name_key}{_RETIRED}{device}", device
    )


def enrol(engine: Engine, profile: int, device: int, state: str, at: datetime) -> None:
    """Set the enrolment of *device* by *profile* from *at* on: pending, approved, certified…"""
    engine.write(
        "INSERT INTO enrolment (profile, device, state, since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (profile, device) DO UPDATE SET"
        " state = excluded.state, since = excluded.since",
        profile,
        device,
        state,
        to_micros(at),
    )


def certify(engine: Engine, profile: int, device: int) -> None:
    """Certify *device* for *profile*: its signature counts as a factor."""
    engine.write(
        "UPDATE enrolment SET state = 'certified' WHERE profile = ? AND device = ?",
        profile,
        device,
    )


def cut_session(engine: Engine, device: int, at: datetime) -> None:
    """End the session of *device*; a demo device's fault has happened by then."""
    engine.write("UPDATE device SET cut_at = ?, fault = NULL WHERE id = ?", to_micros(at), device)


def begin_session(engine: Engine, device: int) -> None:
    engine.write("UPDATE device SET session = session + 1, cut_at = NULL WHERE id = ?", device)


MOVE_COUNTER = "UPDATE device SET counter = ? WHERE id = ? AND counter < ?"


def set_counter(engine: Engine, device: int, counter: int) -> None:
    write_first(engine, MOVE_COUNTER, [(counter, device, counter)])


def set_city(engine: Engine, device: int, city: int) -> None:
    engine.write("UPDATE device SET city = ? WHERE id = ?", city, device)


def set_device_fault(engine: Engine, device: int, fault: str | None) -> None:
    engine.write("UPDATE device SET fault = ? WHERE id = ?", fault, device)


# --- authenticators -------------------------------------------------------------------------------


def set_totp(engine: Engine, profile: int, secret: bytes | None) -> None:
    """Keep the sealed *secret* of *profile*'s authenticator; None is that there is none."""
    engine.write("UPDATE profile SET totp_secret = ? WHERE id = ?", secret, profile)


def set_totp_step(engine: Engine, profile: int, step: int) -> None:
    """Remember the last time step whose code was used: no code counts twice."""
    engine.write("UPDATE profile SET totp_step = max(totp_step, ?) WHERE id = ?", step, profile)


_RETIRED = "#"
"""A character that is in no name."""

_COUNTER = f"max(counter, {LAST_RESTORE})"
"""
The greatest counter that a device may have signed with.

An act takes its device's counter no further than its own number, so what was signed in a ledger
that a copy has taken the place of is not new after the restore.
"""

_DEVICES = (
    f"SELECT device.id, device.name, public_key, city, session, {_COUNTER}, cut_at, fault, state,"
    " since, name_key FROM enrolment JOIN device ON device.id = enrolment.device"
)

_DEVICES_ALONE = (
    f"SELECT id, name, public_key, city, session, {_COUNTER}, cut_at, fault, '',"
    " made_at, name_key"
    " FROM device"
)


def _device(row: Any) -> DeviceRow:
    device, name, public_key, city, session, counter, cut_at, fault, state, since, _ = row
    return DeviceRow(
        device,
        name,
        bytes(public_key),
        city,
        session,
        counter,
        None if cut_at is None else from_micros(cut_at),
        fault,
        state,
        from_micros(since),
    )
