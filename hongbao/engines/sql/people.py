"""Profiles, the persons behind them, and their cards."""

from datetime import datetime
from typing import Any

from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.engines.sql.books import open_account
from hongbao.engines.sql.engine import Engine
from hongbao.store import CardRow, DepositRow, Holder, OperatorRow, PinRow, ProfileRow
from hongbao.units import from_micros, to_micros

# --- profiles and persons -------------------------------------------------------------------------


def profile(engine: Engine, who: int | str) -> ProfileRow | None:
    where = "name_key" if isinstance(who, str) else "profile.id"
    row = engine.row(f"{_PROFILES} WHERE {where} = ?", who)
    return _profile(row) if row else None


def profiles(
    engine: Engine,
    *,
    person: int | None = None,
    device: int | None = None,
    id_number: bytes | None = None,
) -> list[ProfileRow]:
    values: list[object]
    if device is not None:
        where, values = f"WHERE profile.id IN ({_AUTHORISED})", [device]
    elif person is not None:
        where, values = "WHERE profile.person = ?", [person]
    elif id_number is not None:
        where, values = f"WHERE profile.person = ({_IDENTIFIED})", [id_number]
    else:
        where, values = "", []
    rows = engine.rows(f"{_PROFILES} {where} ORDER BY profile.id", *values)
    return [_profile(row) for row in rows]


def add_profile(engine: Engine, row: ProfileRow, name_key: str, pin_hash: str) -> None:
    engine.write("INSERT INTO person (id) VALUES (?)", row.person)
    open_account(engine, row.account)
    engine.write(
        "INSERT INTO profile (id, name, name_key, person, opened_at, pin_hash)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row.id,
        row.name,
        name_key,
        row.person,
        to_micros(row.opened_at),
        pin_hash,
    )


# --- PINs -----------------------------------------------------------------------------------------


def pin(engine: Engine, holder: Holder) -> PinRow:
    hashed, tries, cleared, until = engine.row(
        "SELECT pin_hash, pin_tries, pin_cleared, pin_locked_until"
        f" FROM {holder.table} WHERE id = ?",
        holder.id,
    )
    return PinRow(hashed, tries, cleared, None if until is None else from_micros(until))


def set_pin(engine: Engine, holder: Holder, pin_hash: str) -> None:
    engine.write(f"UPDATE {holder.table} SET pin_hash = ? WHERE id = ?", pin_hash, holder.id)


def set_pin_tries(
    engine: Engine, holder: Holder, tries: int, cleared: int, locked_until: datetime | None
) -> None:
    engine.write(
        f"UPDATE {holder.table} SET pin_tries = ?, pin_cleared = ?, pin_locked_until = ?"
        " WHERE id = ?",
        tries,
        cleared,
        locked_until and to_micros(locked_until),
        holder.id,
    )


# --- operators ------------------------------------------------------------------------------------


def add_operator(
    engine: Engine, operator: int, name: str, name_key: str, pin_hash: str, made_at: datetime
) -> None:
    engine.write(
        "INSERT INTO operator (id, name, name_key, pin_hash, made_at) VALUES (?, ?, ?, ?, ?)",
        operator,
        name,
        name_key,
        pin_hash,
        to_micros(made_at),
    )


def operators(engine: Engine, name_key: str | None = None) -> list[OperatorRow]:
    rows = engine.rows(
        "SELECT id, name FROM operator WHERE ?1 IS NULL OR name_key = ?1 ORDER BY id", name_key
    )
    return [OperatorRow(*row) for row in rows]


# --- identity of a person -------------------------------------------------------------------------


def set_refund_to(engine: Engine, profile: int, to: str) -> None:
    engine.write("UPDATE profile SET refund_to = ? WHERE id = ?", to, profile)


def identify(
    engine: Engine,
    profile: ProfileRow,
    person: int,
    id_number_index: bytes,
    real_name_index: bytes,
    id_number: bytes,
    real_name: bytes,
) -> None:
    """Identify *profile* as *person*, whose usage now includes the profile's."""
    engine.write(
        "UPDATE person SET id_number_index = ?, real_name_index = ? WHERE id = ?",
        id_number_index,
        real_name_index,
        person,
    )
    engine.write(
        "UPDATE profile SET person = ?, id_number = ?, real_name = ? WHERE id = ?",
        person,
        id_number,
        real_name,
        profile.id,
    )
    if person == profile.person:
        return
    for table, key in (("usage", "day"), ("usage_year", "year")):
        engine.write(
            f"INSERT INTO {table} (person, flow, {key}, used_fen)"
            f" SELECT ?, flow, {key}, fen"
            f" FROM (SELECT flow, {key}, used_fen AS fen FROM {table} WHERE person = ?) AS moved"
            " WHERE TRUE ON CONFLICT DO UPDATE SET used_fen = used_fen + excluded.used_fen",
            person,
            profile.person,
        )
        engine.write(f"DELETE FROM {table} WHERE person = ?", profile.person)
    engine.write("DELETE FROM person WHERE id = ?", profile.person)


def reseal(
    engine: Engine,
    profile: int,
    real_name: bytes | None,
    id_number: bytes | None,
    totp_secret: bytes | None,
) -> None:
    """Replace what is sealed of *profile* by the same under a new key."""
    engine.write(
        "UPDATE profile SET real_name = ?, id_number = ?, totp_secret = ? WHERE id = ?",
        real_name,
        id_number,
        totp_secret,
        profile,
    )


def reindex_person(
    engine: Engine, person: int, id_number_index: bytes, real_name_index: bytes
) -> None:
    engine.write(
        "UPDATE person SET id_number_index = ?, real_name_index = ? WHERE id = ?",
        id_number_index,
        real_name_index,
        person,
    )


# --- cards ----------------------------------------------------------------------------------------


def cards(engine: Engine, profile: int | None = None, *, removed: bool = False) -> list[CardRow]:
    where, values = ("true", ()) if profile is None else ("card.profile = ?", (profile,))
    if not removed:
        where += " AND card.removed_at IS NULL"
    return [_card(row) for row in engine.rows(f"{_CARDS} {where} ORDER BY card.id", *values)]


def card(engine: Engine, card: int) -> CardRow:
    return _card(engine.row(f"{_CARDS} card.id = ?", card))


def deposit(engine: Engine, number_index: bytes) -> DepositRow | None:
    row = engine.row(
        "SELECT bank, id, EXISTS (SELECT 1 FROM card"
        " WHERE deposit = deposit.id AND removed_at IS NULL)"
        " FROM deposit WHERE card_number_index = ?",
        number_index,
    )
    return row and DepositRow(Account(row[0], Kind.DEPOSIT, row[1]), bool(row[2]))


def open_deposit(engine: Engine, deposit: int, bank: str, number_index: bytes) -> None:
    open_account(engine, Account(bank, Kind.DEPOSIT, deposit))
    engine.write(
        "INSERT INTO deposit (id, bank, card_number_index) VALUES (?, ?, ?)",
        deposit,
        bank,
        number_index,
    )


def bind_card(
    engine: Engine,
    card: int,
    profile: int,
    name: str,
    deposit: int,
    number: bytes,
    tail: str,
    at: datetime,
) -> None:
    engine.write(
        "INSERT INTO card (id, profile, name, deposit, number, tail, bound_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        card,
        profile,
        name,
        deposit,
        number,
        tail,
        to_micros(at),
    )


def remove_card(engine: Engine, card: int, at: datetime) -> None:
    engine.write("UPDATE card SET removed_at = ? WHERE id = ?", to_micros(at), card)


def reseal_card(engine: Engine, card: CardRow, number: bytes, number_index: bytes) -> None:
    engine.write("UPDATE card SET number = ? WHERE id = ?", number, card.id)
    engine.write(
        "UPDATE deposit SET card_number_index = ? WHERE id = ?",
        number_index,
        card.deposit.owner,
    )


_PROFILES = (
    "SELECT profile.id, name, profile.person, profile.id, opened_at, real_name, id_number,"
    " refund_to, totp_secret, totp_step, real_name_index, id_number_index"
    " FROM profile LEFT JOIN person ON person.id = profile.person"
)
_IDENTIFIED = "SELECT id FROM person WHERE id_number_index = ?"
_AUTHORISED = (
    "SELECT profile FROM enrolment WHERE device = ? AND state IN ('approved', 'certified')"
)
_CARDS = (
    "SELECT card.id, card.profile, card.name, deposit.bank, card.tail, card.number,"
    " deposit.id, card.bound_at, card.removed_at, deposit.card_number_index"
    " FROM card JOIN deposit ON deposit.id = card.deposit WHERE"
)


def _profile(row: Any) -> ProfileRow:
    fields: list[Any] = list(row)
    fields[3] = Account(PLATFORM, Kind.BALANCE, fields[3])
    fields[4] = from_micros(fields[4])
    return ProfileRow(*fields)


def _card(row: Any) -> CardRow:
    fields: list[Any] = list(row)
    fields[6] = Account(fields[3], Kind.DEPOSIT, fields[6])
    fields[7] = from_micros(fields[7])
    fields[8] = None if fields[8] is None else from_micros(fields[8])
    return CardRow(*fields)
