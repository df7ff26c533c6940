"""Profiles, the persons behind them, and their cards."""

from datetime import datetime
from typing import Any

from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.engines.sqlcipher.books import Books
from hongbao.store import CardRow, DepositRow, Holder, OperatorRow, PersonRow, PinRow, ProfileRow
from hongbao.units import from_micros, to_micros


class People(Books):
    """Profiles, persons, operators and cards in SQL."""

    # --- profiles and persons --------------------------------------------------------------------

    def profile(self, who: int | str) -> ProfileRow | None:
        where = "name_key" if isinstance(who, str) else "profile.id"
        row = self.row(f"SELECT {_PROFILE} FROM profile WHERE {where} = ?", who)
        return _profile(row) if row else None

    def profiles(self, *, person: int | None = None, device: int | None = None) -> list[ProfileRow]:
        if device is not None:
            where, values = f"WHERE id IN ({_AUTHORISED})", [device]
        elif person is not None:
            where, values = "WHERE person = ?", [person]
        else:
            where, values = "", []
        rows = self.rows(f"SELECT {_PROFILE} FROM profile {where} ORDER BY id", *values)
        return [_profile(row) for row in rows]

    def _add_profile(self, row: ProfileRow, name_key: str, pin_hash: str) -> None:
        self._write("INSERT INTO person (id) VALUES (?)", row.person)
        self._open_account(row.account)
        self._write(
            "INSERT INTO profile (id, name, name_key, person, opened_at, pin_hash)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            row.id,
            row.name,
            name_key,
            row.person,
            to_micros(row.opened_at),
            pin_hash,
        )

    # --- PINs ------------------------------------------------------------------------------------

    def pin(self, holder: Holder) -> PinRow:
        hashed, tries, cleared, until = self.row(
            "SELECT pin_hash, pin_tries, pin_cleared, pin_locked_until"
            f" FROM {holder.table} WHERE id = ?",
            holder.id,
        )
        return PinRow(hashed, tries, cleared, None if until is None else from_micros(until))

    def _set_pin(self, holder: Holder, pin_hash: str) -> None:
        self._write(f"UPDATE {holder.table} SET pin_hash = ? WHERE id = ?", pin_hash, holder.id)

    def _set_pin_tries(
        self, holder: Holder, tries: int, cleared: int, locked_until: datetime | None
    ) -> None:
        self._write(
            f"UPDATE {holder.table} SET pin_tries = ?, pin_cleared = ?, pin_locked_until = ?"
            " WHERE id = ?",
            tries,
            cleared,
            locked_until and to_micros(locked_until),
            holder.id,
        )

    # --- operators -------------------------------------------------------------------------------

    def _add_operator(
        self, operator: int, name: str, name_key: str, pin_hash: str, made_at: datetime
    ) -> None:
        self._write(
            "INSERT INTO operator (id, name, name_key, pin_hash, made_at) VALUES (?, ?, ?, ?, ?)",
            operator,
            name,
            name_key,
            pin_hash,
            to_micros(made_at),
        )

    def operator(self, name_key: str) -> OperatorRow | None:
        row = self.row("SELECT id, name FROM operator WHERE name_key = ?", name_key)
        return row and OperatorRow(*row)

    def operators(self) -> list[OperatorRow]:
        return [OperatorRow(*row) for row in self.rows("SELECT id, name FROM operator ORDER BY id")]

    # --- identity of a person --------------------------------------------------------------------

    def _set_refund_to(self, profile: int, to: str) -> None:
        self._write("UPDATE profile SET refund_to = ? WHERE id = ?", to, profile)

    def _identify(
        self,
        profile: ProfileRow,
        person: int,
        id_number_index: bytes,
        real_name_index: bytes,
        id_number: bytes,
        real_name: bytes,
    ) -> None:
        """Identify *profile* as *person*, whose usage now includes the profile's."""
        self._write(
            "UPDATE person SET id_number_index = ?, real_name_index = ? WHERE id = ?",
            id_number_index,
            real_name_index,
            person,
        )
        self._write(
            "UPDATE profile SET person = ?, id_number = ?, real_name = ? WHERE id = ?",
            person,
            id_number,
            real_name,
            profile.id,
        )
        if person == profile.person:
            return
        for table, key in (("usage", "day"), ("usage_year", "year")):
            self._write(
                f"INSERT INTO {table} (person, flow, {key}, used_fen)"
                f" SELECT ?, flow, {key}, used_fen FROM {table} WHERE person = ?"
                " ON CONFLICT DO UPDATE SET used_fen = used_fen + excluded.used_fen",
                person,
                profile.person,
            )
            self._write(f"DELETE FROM {table} WHERE person = ?", profile.person)
        self._write("DELETE FROM person WHERE id = ?", profile.person)

    def _reseal(
        self,
        profile: int,
        real_name: bytes | None,
        id_number: bytes | None,
        totp_secret: bytes | None,
    ) -> None:
        """Replace what is sealed of *profile* by the same under a new key."""
        self._write(
            "UPDATE profile SET real_name = ?, id_number = ?, totp_secret = ? WHERE id = ?",
            real_name,
            id_number,
            totp_secret,
            profile,
        )

    def person(self, who: int | bytes) -> PersonRow | None:
        where = "id" if isinstance(who, int) else "id_number_index"
        row = self.row(
            f"SELECT id, real_name_index, id_number_index FROM person WHERE {where} = ?", who
        )
        return row and PersonRow(*row)

    def _reindex_person(self, person: int, id_number_index: bytes, real_name_index: bytes) -> None:
        self._write(
            "UPDATE person SET id_number_index = ?, real_name_index = ? WHERE id = ?",
            id_number_index,
            real_name_index,
            person,
        )

    # --- cards -----------------------------------------------------------------------------------

    def cards(self, profile: int | None = None, *, removed: bool = False) -> list[CardRow]:
        where, values = ("true", ()) if profile is None else ("card.profile = ?", (profile,))
        if not removed:
            where += " AND card.removed_at IS NULL"
        return [_card(row) for row in self.rows(f"{_CARDS} {where} ORDER BY card.id", *values)]

    def card(self, card: int) -> CardRow:
        return _card(self.row(f"{_CARDS} card.id = ?", card))

    def deposit(self, number_index: bytes) -> DepositRow | None:
        row = self.row(
            "SELECT bank, id, EXISTS (SELECT 1 FROM card"
            " WHERE deposit = deposit.id AND removed_at IS NULL)"
            " FROM deposit WHERE card_number_index = ?",
            number_index,
        )
        return row and DepositRow(Account(row[0], Kind.DEPOSIT, row[1]), bool(row[2]))

    def _open_deposit(self, deposit: int, bank: str, number_index: bytes) -> None:
        self._open_account(Account(bank, Kind.DEPOSIT, deposit))
        self._write(
            "INSERT INTO deposit (id, bank, card_number_index) VALUES (?, ?, ?)",
            deposit,
            bank,
            number_index,
        )

    def _bind_card(
        self,
        card: int,
        profile: int,
        name: str,
        deposit: int,
        number: bytes,
        tail: str,
        at: datetime,
    ) -> None:
        self._write(
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

    def _remove_card(self, card: int, at: datetime) -> None:
        self._write("UPDATE card SET removed_at = ? WHERE id = ?", to_micros(at), card)

    def _reseal_card(self, card: CardRow, number: bytes, number_index: bytes) -> None:
        self._write("UPDATE card SET number = ? WHERE id = ?", number, card.id)
        self._write(
            "UPDATE deposit SET card_number_index = ? WHERE id = ?",
            number_index,
            card.deposit.owner,
        )


_PROFILE = (
    "id, name, person, id, opened_at, real_name, id_number, refund_to, totp_secret, totp_step"
)
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
