"""The drawer: everything that knows SQL, and nothing that decides."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlcipher3 import dbapi2 as engine

from hongbao.domain.ledger import PLATFORM, SIDES, Account, Kind, Transfer, check_transfer
from hongbao.errors import (
    Busy,
    Damaged,
    HomeNotFound,
    NewerHome,
    StorageRefused,
    StorageUnreadable,
)
from hongbao.units import from_micros, to_micros

if TYPE_CHECKING:
    from hongbao.domain.packet import Packet

FORM = 1
"""How many migrations a ledger of this version has had."""

BUSY_SECONDS = 60
"""How long a writer waits for its turn. Fifty queued claims take well under a tenth of it."""


class HomeRow(NamedTuple):
    """What is true of the whole home."""

    made_at: datetime
    virtual_at: datetime | None
    generation: int
    retired: bytes | None
    policy: str | None
    current_profile: int | None
    dice: bytes | None
    dice_drawn: int


class ProfileRow(NamedTuple):
    """One profile."""

    id: int
    name: str
    person: int
    account: Account
    opened_at: datetime
    real_name: bytes | None
    id_number: bytes | None
    pin_hash: str
    pin_tries: int
    pin_cleared: int
    pin_locked_until: datetime | None


class CardRow(NamedTuple):
    """One bound card, and the account behind it."""

    id: int
    profile: int
    name: str
    bank: str
    tail: str
    number: bytes
    deposit: Account
    bound_at: datetime
    removed_at: datetime | None


class PacketRow(NamedTuple):
    """A packet with what only the drawer and the desk need of it."""

    packet: "Packet"
    account: Account
    entry: int
    card: int | None
    seed: bytes
    greeting: str
    cover: str | None
    sender_name: str
    recipient_name: str | None


class ClaimRow(NamedTuple):
    """One claimed share."""

    at: datetime
    seat: int
    profile: int
    profile_name: str
    amount_fen: int
    request_id: str


class EntryRow(NamedTuple):
    """One act, as it stands in the chain."""

    id: int
    act: str
    profile: int | None
    request_id: str
    inputs: bytes
    packet: int | None
    counterparty: int | None
    amount_fen: int
    balance_fen: int | None
    policy: str | None
    at: datetime
    clock: str
    answer: str
    generation: int
    mac: bytes

    @property
    def sealed_fields(self) -> tuple[object, ...]:
        """Everything that the entry's MAC covers besides its transfers and the entry before."""
        return (
            self.id,
            self.act,
            self.profile,
            self.request_id,
            self.inputs,
            self.packet,
            self.counterparty,
            self.amount_fen,
            self.balance_fen,
            self.policy,
            to_micros(self.at),
            self.clock,
            self.answer,
            self.generation,
        )


class Movement(NamedTuple):
    """One line of a profile's history."""

    entry: int
    act: str
    at: datetime
    request_id: str
    amount_fen: int
    balance_fen: int
    packet: str | None
    packet_kind: str | None
    counterparty: str | None
    answer: str


class Head(NamedTuple):
    """The last entry of the chain."""

    entry: int
    mac: bytes
    at: datetime | None


EMPTY_HEAD = Head(0, bytes(32), None)


class Store:
    """
    One open ledger.

    Reads outside `transaction` see the last committed state. Every method speaks the domain's
    words; what engine lies below is nobody else's business.
    """

    def __init__(self, path: Path, connection: Any) -> None:
        self.path = path
        self._db = connection

    # --- opening and closing ---------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, page_key: bytes) -> "Store":
        """
        Open the ledger at *path*, making an empty one there first if there is none.

        Raises StorageRefused where the place cannot be written, and what `open` raises.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made by us, before the engine writes its first byte, so that it is never wider open.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StorageRefused(path=str(path), reason=error.strerror or str(error)) from None
        return cls._open(path, page_key, may_be_empty=True)

    @classmethod
    def open(cls, path: Path, page_key: bytes) -> "Store":
        """
        Open the ledger at *path* with its *page_key*, brought to today's form.

        Raises HomeNotFound where no file is or an empty one, Damaged where the key or the file is
        not right, and NewerHome where a later version has written it.
        """
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise HomeNotFound from None
        except OSError as error:
            raise StorageUnreadable(path=str(path), reason=error.strerror or "?") from None
        return cls._open(path, page_key, may_be_empty=False)

    @classmethod
    def _open(cls, path: Path, page_key: bytes, *, may_be_empty: bool) -> "Store":
        with _refusals(path):
            connection = engine.connect(
                str(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=True
            )
            try:
                store = cls(path, connection)
                store._prepare(page_key)
                store._migrate(may_be_empty)
            except BaseException:
                connection.close()
                raise
        return store

    def _prepare(self, page_key: bytes) -> None:
        execute = self._db.execute
        execute("PRAGMA cipher_log_level = NONE")  # it would write to standard error by itself
        execute(f"PRAGMA key = \"x'{page_key.hex()}'\"")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        execute("PRAGMA trusted_schema = OFF")

    def _migrate(self, may_be_empty: bool) -> None:
        form = self._form()
        if form > FORM:
            raise NewerHome(form=form, known=FORM)
        if form == FORM:
            return
        if form == 0 and not may_be_empty:
            raise HomeNotFound
        import sqlite_utils  # slow to wake, and only a change of form needs it

        from hongbao.migrations import MIGRATIONS

        if form == 0:
            self._db.execute("PRAGMA journal_mode = WAL")
        db = sqlite_utils.Database(self._db)
        with self.transaction():
            for number, migration in enumerate(MIGRATIONS[self._form() :], self._form() + 1):
                migration(db)
                self._db.execute(f"PRAGMA user_version = {number}")

    def _form(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        self._db.close()

    # --- transactions ----------------------------------------------------------------------------

    @contextmanager
    def transaction(
        self,
        *changing: tuple[str, object],  # noqa: ARG002 - for engines that lock row by row
        dry_run: bool = False,
    ) -> Iterator[None]:
        """
        Read, decide and write under one write lock, all or nothing.

        *changing* names what the act is about to change, as ``("packet", id)`` or
        ``("profile", id)``. This engine has one lock for everything, taken at the start
        (``BEGIN IMMEDIATE``) because every act reads before it writes; an engine with a lock for
        each row takes them here, in sorted order, so that two acts never wait for each other. A dry
        run does the whole work, then rolls it back.

        Raises Busy when the lock cannot be had, StorageRefused when the disk says no.
        """
        execute = self._db.execute
        try:
            execute("BEGIN IMMEDIATE")
            try:
                yield
                execute("ROLLBACK" if dry_run else "COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have rolled back by itself
                    execute("ROLLBACK")
                raise
        except engine.DatabaseError as error:
            raise _in_words(error, self.path) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let several reads see one and the same committed state; nothing waits for them."""
        with _refusals(self.path):
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:  # an unreadable page may have ended it by itself
                    self._db.execute("ROLLBACK")

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Ask in SQL: for this room, and for the auditor who looks at what it keeps."""
        try:
            return list(self._db.execute(sql, values))
        except engine.DatabaseError as error:
            raise _in_words(error, self.path) from error

    def row(self, sql: str, *values: object) -> Any:
        """Ask in SQL for one row, or None."""
        try:
            return self._db.execute(sql, values).fetchone()
        except engine.DatabaseError as error:
            raise _in_words(error, self.path) from error

    def _write(self, sql: str, *values: object) -> int:
        """Run a change and return the id of the row it made, if it made one."""
        try:
            return int(self._db.execute(sql, values).lastrowid or 0)
        except engine.DatabaseError as error:
            raise _in_words(error, self.path) from error

    # --- the home --------------------------------------------------------------------------------

    def home(self) -> HomeRow | None:
        row = self.row(
            "SELECT made_at, clock_at, generation, retired, policy, current_profile, dice,"
            " dice_drawn FROM home"
        )
        if row is None:
            return None
        made_at, clock_at, *rest = row
        return HomeRow(from_micros(made_at), clock_at and from_micros(clock_at), *rest)

    def make_home(self, *, made_at: datetime, generation: int, policy: str) -> None:
        self._write(
            "INSERT INTO home (id, made_at, generation, policy, clock) VALUES (1, ?, ?, ?, 'real')",
            to_micros(made_at),
            generation,
            policy,
        )

    def set_virtual_clock(self, at: datetime) -> None:
        self._write("UPDATE home SET clock = 'virtual', clock_at = ?", to_micros(at))

    def set_dice(self, seed: bytes) -> None:
        self._write("UPDATE home SET dice = ?", seed)

    def set_dice_drawn(self, drawn: int) -> None:
        self._write("UPDATE home SET dice_drawn = ?", drawn)

    def set_current_profile(self, profile: int) -> None:
        self._write("UPDATE home SET current_profile = ?", profile)

    def set_policy(self, ref: str) -> None:
        self._write("UPDATE home SET policy = ?", ref)

    def set_generation(self, generation: int, retired: bytes) -> None:
        self._write("UPDATE home SET generation = ?, retired = ?", generation, retired)

    def policy_text(self, ref: str) -> str | None:
        row = self.row("SELECT text FROM policy WHERE ref = ?", ref)
        # A text is long enough to go on in a page of its own. Where that page is not authentic, the
        # engine hands out zeros, and says so only when it is asked for another page.
        if row is not None and "\0" in row[0]:
            raise Damaged(path=str(self.path))
        return row and str(row[0])

    def keep_policy(self, ref: str, text: str) -> None:
        """Keep *text* for good: entries name the policy that allowed them."""
        self._write("INSERT INTO policy (ref, text) VALUES (?, ?)", ref, text)

    def policies(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT ref FROM policy ORDER BY ref")]

    # --- accounts and transfers ------------------------------------------------------------------

    def open_account(self, book: str, kind: Kind, owner: int) -> Account:
        number = self._write(
            "INSERT INTO account (book, kind, owner, side) VALUES (?, ?, ?, ?)",
            book,
            kind,
            owner,
            SIDES[kind],
        )
        return Account(number, book, kind)

    def account(self, book: str, kind: Kind, owner: int = 0) -> Account:
        """Return the one account of that *book*, *kind* and *owner*, opening it if need be."""
        row = self.row(
            "SELECT id FROM account WHERE book = ? AND kind = ? AND owner = ?", book, kind, owner
        )
        return Account(row[0], book, kind) if row else self.open_account(book, kind, owner)

    def held_fen(self, account: Account) -> int:
        """Return what *account* holds, counted on its own side."""
        row = self.row("SELECT abs(credits_fen - debits_fen) FROM account WHERE id = ?", account.id)
        return int(row[0])

    def post(self, entry: int, transfers: Iterable[Transfer]) -> list[int]:
        """
        Write *transfers* as part of *entry*, move both accounts of each, and return their ids.

        The one door through which money moves. A move that would take an account below zero is
        refused by the account itself.
        """
        ids = []
        for transfer in transfers:
            check_transfer(transfer)
            debit, credit, amount_fen, reason = transfer
            ids.append(
                self._write(
                    "INSERT INTO transfer (entry, book, debit, credit, amount_fen, reason)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    entry,
                    debit.book,
                    debit.id,
                    credit.id,
                    amount_fen,
                    reason,
                )
            )
            self._write(
                "UPDATE account SET debits_fen = debits_fen + ? WHERE id = ?", amount_fen, debit.id
            )
            self._write(
                "UPDATE account SET credits_fen = credits_fen + ? WHERE id = ?",
                amount_fen,
                credit.id,
            )
        return ids

    # --- the chain -------------------------------------------------------------------------------

    def head(self) -> Head:
        """Return the chain's last entry; entry 0 where there is none yet."""
        row = self.row("SELECT id, mac, at FROM entry ORDER BY id DESC LIMIT 1")
        return Head(row[0], row[1], from_micros(row[2])) if row else EMPTY_HEAD

    def mac_of(self, entry: int) -> bytes | None:
        row = self.row("SELECT mac FROM entry WHERE id = ?", entry)
        return row and bytes(row[0])

    def answer_of(self, entry: int) -> str:
        """Return what was answered to the act of *entry*, as JSON."""
        return str(self.row("SELECT answer FROM entry WHERE id = ?", entry)[0])

    def sealed_entries(self) -> Iterator[tuple[tuple[Any, ...], bytes]]:
        """Yield what each entry's MAC covers, as `EntryRow.sealed_fields` has it, and the MAC."""
        with _refusals(self.path):
            for row in self._db.execute(f"SELECT {_ENTRY} FROM entry ORDER BY id"):
                yield tuple(row[:-1]), bytes(row[-1])

    def sealed_transfers(self) -> Iterator[tuple[Any, ...]]:
        """Yield each transfer behind its entry's id, as `hongbao.domain.chain.line` has it."""
        with _refusals(self.path):
            yield from self._db.execute(
                "SELECT entry, book, debit, credit, amount_fen, reason FROM transfer"
                " ORDER BY entry, id"
            )

    def append(self, entry: EntryRow) -> None:
        self._write(
            "INSERT INTO entry (id, act, profile, request_id, inputs, packet, counterparty,"
            " amount_fen, balance_fen, policy, at, clock, answer, generation, mac)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry.id,
            entry.act,
            entry.profile,
            entry.request_id,
            entry.inputs,
            entry.packet,
            entry.counterparty,
            entry.amount_fen,
            entry.balance_fen,
            entry.policy,
            to_micros(entry.at),
            entry.clock,
            entry.answer,
            entry.generation,
            entry.mac,
        )

    def requested(self, request_id: str, profile: int | None) -> EntryRow | None:
        """Return the entry that *profile* made under *request_id*, if there is one."""
        row = self.row(
            f"SELECT {_ENTRY} FROM entry WHERE request_id = ? AND profile IS ?", request_id, profile
        )
        return _entry(row) if row else None

    def requested_parts(self, request_id: str, profile: int) -> list[EntryRow]:
        """Return the entries made under *request_id* as parts of one request, in order."""
        rows = self.rows(
            f"SELECT {_ENTRY} FROM entry WHERE request_id > ? AND request_id < ? AND profile = ?"
            " ORDER BY id",
            f"{request_id}/",
            f"{request_id}0",  # the character after the slash
            profile,
        )
        return [_entry(row) for row in rows]

    def refused(self, request_id: str, profile: int) -> tuple[bytes, str] | None:
        """Return the inputs' digest and the error that *request_id* was refused with for good."""
        row = self.row(
            "SELECT inputs, error FROM refusal WHERE request_id = ? AND profile = ?",
            request_id,
            profile,
        )
        return row and (bytes(row[0]), str(row[1]))

    def remember_refusal(self, request_id: str, profile: int, inputs: bytes, error: str) -> None:
        self._write(
            "INSERT OR IGNORE INTO refusal (request_id, profile, inputs, error)"
            " VALUES (?, ?, ?, ?)",
            request_id,
            profile,
            inputs,
            error,
        )

    # --- people ----------------------------------------------------------------------------------

    def profile(self, name_key: str) -> ProfileRow | None:
        return self._profile("name_key = ?", name_key)

    def profile_by_id(self, profile: int) -> ProfileRow | None:
        return self._profile("profile.id = ?", profile)

    def profiles(self) -> list[ProfileRow]:
        return [_profile(row) for row in self.rows(f"SELECT {_PROFILE} FROM profile ORDER BY id")]

    def _profile(self, where: str, value: object) -> ProfileRow | None:
        row = self.row(f"SELECT {_PROFILE} FROM profile WHERE {where}", value)
        return _profile(row) if row else None

    def next_profile(self) -> int:
        """Return the id that the next profile will have: its PIN and keys are bound to it."""
        return int(self.row("SELECT coalesce(max(id), 0) + 1 FROM profile")[0])

    def add_profile(
        self, profile: int, *, name: str, name_key: str, pin_hash: str, opened_at: datetime
    ) -> ProfileRow:
        person = self._write("INSERT INTO person DEFAULT VALUES")
        account = self.open_account(PLATFORM, Kind.BALANCE, profile)
        self._write(
            "INSERT INTO profile (id, name, name_key, person, account, opened_at, pin_hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            profile,
            name,
            name_key,
            person,
            account.id,
            to_micros(opened_at),
            pin_hash,
        )
        added = self.profile_by_id(profile)
        assert added is not None
        return added

    def set_pin(self, profile: int, pin_hash: str) -> None:
        self._write("UPDATE profile SET pin_hash = ? WHERE id = ?", pin_hash, profile)

    def set_pin_tries(
        self, profile: int, *, tries: int, cleared: int, locked_until: datetime | None
    ) -> None:
        self._write(
            "UPDATE profile SET pin_tries = ?, pin_cleared = ?, pin_locked_until = ? WHERE id = ?",
            tries,
            cleared,
            locked_until and to_micros(locked_until),
            profile,
        )

    def person_of_id_number(self, index: bytes) -> tuple[int, bytes] | None:
        """Return the person an ID number's blind *index* belongs to, and their name's index."""
        row = self.row("SELECT id, real_name_index FROM person WHERE id_number_index = ?", index)
        return row and (int(row[0]), bytes(row[1]))

    def profiles_of_person(self, person: int) -> list[ProfileRow]:
        rows = self.rows(f"SELECT {_PROFILE} FROM profile WHERE person = ? ORDER BY id", person)
        return [_profile(row) for row in rows]

    def identify(
        self,
        profile: ProfileRow,
        *,
        person: int,
        id_number_index: bytes,
        real_name_index: bytes,
        id_number: bytes,
        real_name: bytes,
    ) -> None:
        """Say who *profile* is: *person*, who from now on has used what the profile had used."""
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

    def reseal(self, profile: int, *, real_name: bytes | None, id_number: bytes | None) -> None:
        """Replace what is sealed of *profile* by the same under a new key."""
        self._write(
            "UPDATE profile SET real_name = ?, id_number = ? WHERE id = ?",
            real_name,
            id_number,
            profile,
        )

    def reindex_person(self, person: int, id_number_index: bytes, real_name_index: bytes) -> None:
        self._write(
            "UPDATE person SET id_number_index = ?, real_name_index = ? WHERE id = ?",
            id_number_index,
            real_name_index,
            person,
        )

    # --- cards -----------------------------------------------------------------------------------

    def cards(self, profile: int, *, removed: bool = False) -> list[CardRow]:
        """Return *profile*'s cards, oldest first; with *removed*, also those of before."""
        where = "" if removed else " AND card.removed_at IS NULL"
        return [
            _card(row)
            for row in self.rows(f"{_CARDS} card.profile = ?{where} ORDER BY card.id", profile)
        ]

    def card(self, card: int) -> CardRow:
        return _card(self.row(f"{_CARDS} card.id = ?", card))

    def all_cards(self) -> list[CardRow]:
        return [_card(row) for row in self.rows(f"{_CARDS} true ORDER BY card.id")]

    def deposit(self, number_index: bytes) -> tuple[int, Account] | None:
        """Return the bank account behind a card number's blind index: its id and its account."""
        row = self.row(
            "SELECT deposit.id, bank, account FROM deposit WHERE card_number_index = ?",
            number_index,
        )
        return row and (int(row[0]), Account(row[2], row[1], Kind.DEPOSIT))

    def open_deposit(self, bank: str, number_index: bytes) -> tuple[int, Account]:
        number = int(self.row("SELECT coalesce(max(id), 0) + 1 FROM deposit")[0])
        account = self.open_account(bank, Kind.DEPOSIT, number)
        self._write(
            "INSERT INTO deposit (id, bank, card_number_index, account) VALUES (?, ?, ?, ?)",
            number,
            bank,
            number_index,
            account.id,
        )
        return number, account

    def is_bound(self, deposit: int) -> bool:
        """Tell whether some profile has the card of *deposit* bound at present."""
        row = self.row("SELECT 1 FROM card WHERE deposit = ? AND removed_at IS NULL", deposit)
        return row is not None

    def bind_card(
        self, profile: int, *, name: str, deposit: int, number: bytes, tail: str, at: datetime
    ) -> CardRow:
        card = self._write(
            "INSERT INTO card (profile, name, deposit, number, tail, bound_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            profile,
            name,
            deposit,
            number,
            tail,
            to_micros(at),
        )
        return self.card(card)

    def remove_card(self, card: int, at: datetime) -> None:
        self._write("UPDATE card SET removed_at = ? WHERE id = ?", to_micros(at), card)

    def reseal_card(self, card: CardRow, number: bytes, number_index: bytes) -> None:
        self._write("UPDATE card SET number = ? WHERE id = ?", number, card.id)
        self._write(
            "UPDATE deposit SET card_number_index = ? WHERE account = ?",
            number_index,
            card.deposit.id,
        )

    # --- packets ---------------------------------------------------------------------------------

    def next_packet(self) -> int:
        return int(self.row("SELECT coalesce(max(number), 0) + 1 FROM packet")[0])

    def add_packet(self, row: PacketRow) -> None:
        packet = row.packet
        self._write(
            "INSERT INTO packet (number, id, account, entry, sender, recipient, kind, deal,"
            " total_fen, count, share_max_fen, greeting, cover, card, seed, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            packet.number,
            packet.id,
            row.account.id,
            row.entry,
            packet.sender,
            packet.recipient,
            packet.kind,
            packet.deal,
            packet.total_fen,
            packet.count,
            packet.share_max_fen,
            row.greeting,
            row.cover,
            row.card,
            row.seed,
            to_micros(packet.created_at),
            to_micros(packet.expires_at),
        )

    def packet(self, packet_id: str) -> PacketRow | None:
        row = self.row(f"{_PACKETS} WHERE packet.id = ?", packet_id)
        return _packet(row) if row else None

    def sent(self, profile: int, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.sender = ? ORDER BY packet.number DESC LIMIT ?", profile, limit
        )

    def received(self, profile: int, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.number IN (SELECT packet FROM claim WHERE profile = ?)"
            " ORDER BY packet.number DESC LIMIT ?",
            profile,
            limit,
        )

    def claimable(self, profile: int, now: datetime, *, own: bool, limit: int) -> list[PacketRow]:
        """Return open packets that *profile* has no share of yet; with *own*, also their own."""
        return self._packets(
            "packet.closed_at IS NULL AND packet.expires_at > ?"
            " AND (packet.recipient IS NULL OR packet.recipient = ?)"
            " AND (packet.sender <> ? OR (? AND packet.count > 1))"
            " AND NOT EXISTS (SELECT 1 FROM claim"
            "   WHERE claim.profile = ? AND claim.packet = packet.number)"
            " ORDER BY packet.expires_at, packet.number LIMIT ?",
            to_micros(now),
            profile,
            profile,
            own,
            profile,
            limit,
        )

    def due(self, now: datetime, sender: int | None, limit: int) -> list[PacketRow]:
        """Return packets whose refund is due at *now*, the longest due first."""
        return self._packets(
            "packet.closed_at IS NULL AND packet.expires_at <= ?"
            " AND (? IS NULL OR packet.sender = ?)"
            " ORDER BY packet.expires_at, packet.number LIMIT ?",
            to_micros(now),
            sender,
            sender,
            limit,
        )

    def in_packets_fen(self, profile: int, now: datetime) -> tuple[int, int]:
        """Return what of *profile*'s money waits in open packets, and in ones that are due back."""
        row = self.row(
            "SELECT coalesce(sum(iif(expires_at > ?1, total_fen - claimed_fen, 0)), 0),"
            " coalesce(sum(iif(expires_at > ?1, 0, total_fen - claimed_fen)), 0)"
            " FROM packet WHERE sender = ?2 AND closed_at IS NULL",
            to_micros(now),
            profile,
        )
        return int(row[0]), int(row[1])

    def _packets(self, where: str, *values: object) -> list[PacketRow]:
        return [_packet(row) for row in self.rows(f"{_PACKETS} WHERE {where}", *values)]

    def claimed_fen(self, packet: int, profile: int) -> int | None:
        """Return what *profile* took from *packet*, if anything."""
        row = self.row(
            "SELECT amount_fen FROM claim WHERE profile = ? AND packet = ?", profile, packet
        )
        return row and int(row[0])

    def add_claim(
        self, packet: "Packet", profile: int, *, amount_fen: int, entry: int, at: datetime
    ) -> None:
        """Give *profile* the packet's next share, and close the packet with its last one."""
        seat = packet.claimed_count + 1
        self._write(
            "INSERT INTO claim (packet, seat, profile, amount_fen, entry) VALUES (?, ?, ?, ?, ?)",
            packet.number,
            seat,
            profile,
            amount_fen,
            entry,
        )
        self._write(
            "UPDATE packet SET claimed_fen = claimed_fen + ?, claimed_count = ?, closed_at = ?"
            " WHERE number = ?",
            amount_fen,
            seat,
            to_micros(at) if seat == packet.count else None,
            packet.number,
        )

    def close_packet(self, packet: int, at: datetime) -> None:
        self._write("UPDATE packet SET closed_at = ? WHERE number = ?", to_micros(at), packet)

    def claims(self, packet: int) -> list[ClaimRow]:
        rows = self.rows(
            "SELECT entry.at, claim.seat, claim.profile, profile.name, claim.amount_fen,"
            " entry.request_id FROM claim JOIN profile ON profile.id = claim.profile"
            " JOIN entry ON entry.id = claim.entry WHERE claim.packet = ? ORDER BY claim.seat",
            packet,
        )
        return [ClaimRow(from_micros(row[0]), *row[1:]) for row in rows]

    # --- usage -----------------------------------------------------------------------------------

    def add_usage(self, person: int, flow: str, day: str, amount_fen: int) -> None:
        """Count *amount_fen* (negative to give it back) of *flow* on *day* (``2026-11-23``)."""
        for table, key, value in (("usage", "day", day), ("usage_year", "year", day[:4])):
            self._write(
                f"INSERT INTO {table} (person, flow, {key}, used_fen) VALUES (?, ?, ?, 0)"
                " ON CONFLICT DO NOTHING",
                person,
                flow,
                value,
            )
            self._write(
                f"UPDATE {table} SET used_fen = used_fen + ?"
                f" WHERE person = ? AND flow = ? AND {key} = ?",
                amount_fen,
                person,
                flow,
                value,
            )

    def usage_of(self, person: int) -> "StoredUsage":
        return StoredUsage(self, person)

    # --- history ---------------------------------------------------------------------------------

    def first_entry_from(self, at: datetime) -> int:
        """
        Return the id of the first entry made at *at* or later; the next one's where there is none.

        Entries are numbered without gaps and their times never run back, so this is a search by
        halves: a period is found at once, however long the ledger.
        """
        low, high = 1, self.head().entry + 1
        while low < high:
            middle = (low + high) // 2
            if self.row("SELECT at FROM entry WHERE id = ?", middle)[0] < to_micros(at):
                low = middle + 1
            else:
                high = middle
        return low

    def movements(
        self,
        profile: int,
        span: range,
        *,
        acts: Sequence[str],
        counterparty: int | None = None,
        limit: int = -1,
        newest_first: bool = True,
    ) -> Iterator[Movement]:
        """Yield what *acts* did to *profile*'s money in the entries of *span*."""
        order = "DESC" if newest_first else "ASC"
        rows = self._db.execute(
            "SELECT entry.id, entry.act, entry.at, entry.request_id, entry.amount_fen,"
            " entry.balance_fen, packet.id, packet.kind, other.name, entry.answer FROM entry"
            " LEFT JOIN packet ON packet.number = entry.packet"
            " LEFT JOIN profile AS other ON other.id = entry.counterparty"
            f" WHERE entry.profile = ? AND entry.act IN ({_marks(acts)})"
            " AND entry.id >= ? AND entry.id < ?"
            " AND (? IS NULL OR entry.counterparty = ?)"
            f" ORDER BY entry.id {order} LIMIT ?",
            (profile, *acts, span.start, span.stop, counterparty, counterparty, limit),
        )
        for row in rows:
            yield Movement(row[0], row[1], from_micros(row[2]), *row[3:])

    def balance_before(self, profile: int, entry: int) -> int:
        """Return what *profile*'s balance was just before *entry*."""
        row = self.row(
            "SELECT balance_fen FROM entry WHERE profile = ? AND id < ? ORDER BY id DESC LIMIT 1",
            profile,
            entry,
        )
        return int(row[0]) if row else 0

    def totals(self, profile: int, span: range, acts: Sequence[str]) -> tuple[int, int, int]:
        """Return how many movements *span* has, what came in with them and what went out."""
        row = self.row(
            "SELECT count(*), coalesce(sum(max(amount_fen, 0)), 0),"
            " coalesce(sum(max(-amount_fen, 0)), 0) FROM entry"
            f" WHERE profile = ? AND act IN ({_marks(acts)}) AND id >= ? AND id < ?",
            profile,
            *acts,
            span.start,
            span.stop,
        )
        return int(row[0]), int(row[1]), int(row[2])

    # --- copies ----------------------------------------------------------------------------------

    def copy_to(self, path: Path) -> None:
        """
        Write a copy of the ledger to *path*, encrypted with the same key, while others write.

        The copy is one consistent moment. Raises StorageRefused where *path* cannot be written.
        """
        with _refusals(path):
            self._db.execute("VACUUM INTO ?", (str(path),))

    def overwrite_with(self, other: "Store") -> None:
        """
        Replace everything in this ledger by what is in *other*, as one transaction.

        Other processes that have this ledger open see the new state next, and lose nothing they
        were told was done before.
        """
        with _refusals(self.path):
            try:
                other._db.backup(self._db)  # noqa: SLF001 - another of our own kind
            except MemoryError:  # so it calls a page of ours that is not authentic
                raise Damaged(path=str(self.path)) from None

    def rekey(self, page_key: bytes) -> None:
        """
        Encrypt every page with *page_key* from now on; done whole or not at all.

        The write-ahead log is emptied at once, so that no page under the old key stays in the file.
        """
        with _refusals(self.path):
            self._db.execute(f"PRAGMA rekey = \"x'{page_key.hex()}'\"")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def page_problems(self) -> list[str]:
        """Return what the engine finds wrong with the file itself: pages and structure."""
        problems: list[str] = []
        with _refusals(self.path):
            for pragma in ("cipher_integrity_check", "integrity_check", "foreign_key_check"):
                problems += [
                    f"{pragma}: {' '.join(map(str, row))}"
                    for row in self._db.execute(f"PRAGMA {pragma}")
                    if row != ("ok",)
                ]
                if problems:  # what is built on it could not be read
                    break
        return problems


class StoredUsage:
    """A person's counters, in the words that the limits ask in."""

    def __init__(self, store: Store, person: int) -> None:
        self._store = store
        self._person = person

    def used_fen(self, flows: frozenset[str], first_day: str, last_day: str) -> int:
        return self._sum("usage", flows, "AND day BETWEEN ? AND ?", first_day, last_day)

    def used_lifetime_fen(self, flows: frozenset[str]) -> int:
        return self._sum("usage_year", flows, "")

    def first_used_day(self, flows: frozenset[str], first_day: str, last_day: str) -> str | None:
        row = self._store.row(
            f"SELECT min(day) FROM usage WHERE person = ? AND flow IN ({_marks(flows)})"
            " AND used_fen > 0 AND day BETWEEN ? AND ?",
            self._person,
            *sorted(flows),
            first_day,
            last_day,
        )
        return row[0] if row else None

    def _sum(self, table: str, flows: frozenset[str], where: str, *values: object) -> int:
        row = self._store.row(
            f"SELECT coalesce(sum(used_fen), 0) FROM {table}"
            f" WHERE person = ? AND flow IN ({_marks(flows)}) {where}",
            self._person,
            *sorted(flows),
            *values,
        )
        return int(row[0])


_ENTRY = (
    "id, act, profile, request_id, inputs, packet, counterparty, amount_fen, balance_fen, policy,"
    " at, clock, answer, generation, mac"
)
_PROFILE = (
    "id, name, person, account, opened_at, real_name, id_number, pin_hash, pin_tries, pin_cleared,"
    " pin_locked_until"
)
_CARDS = (
    "SELECT card.id, card.profile, card.name, deposit.bank, card.tail, card.number,"
    " deposit.account, card.bound_at, card.removed_at"
    " FROM card JOIN deposit ON deposit.id = card.deposit WHERE"
)
_PACKETS = (
    "SELECT number, packet.id, packet.account, entry, sender, recipient, kind, deal,"
    " total_fen, count, share_max_fen, greeting, cover, card, seed, created_at, expires_at,"
    " claimed_fen, claimed_count, closed_at, giver.name, taker.name FROM packet"
    " JOIN profile AS giver ON giver.id = sender LEFT JOIN profile AS taker ON taker.id = recipient"
)


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _entry(row: Any) -> EntryRow:
    fields: list[Any] = list(row)
    fields[10] = from_micros(fields[10])
    return EntryRow(*fields)


def _profile(row: Any) -> ProfileRow:
    fields: list[Any] = list(row)
    fields[3] = Account(fields[3], PLATFORM, Kind.BALANCE)
    fields[4] = from_micros(fields[4])
    fields[10] = None if fields[10] is None else from_micros(fields[10])
    return ProfileRow(*fields)


def _card(row: Any) -> CardRow:
    fields: list[Any] = list(row)
    fields[6] = Account(fields[6], fields[3], Kind.DEPOSIT)
    fields[7] = from_micros(fields[7])
    fields[8] = None if fields[8] is None else from_micros(fields[8])
    return CardRow(*fields)


def _packet(row: Any) -> PacketRow:
    from hongbao.domain.packet import DealRule, Packet, PacketKind

    number, packet_id, account, entry, sender, recipient, kind, deal = row[:8]
    total_fen, count, share_max_fen, greeting, cover, card, seed = row[8:15]
    created_at, expires_at, claimed_fen, claimed_count, closed_at = row[15:20]
    sender_name, recipient_name = row[20:]
    try:
        kind, deal = PacketKind(kind), DealRule(deal)
    except ValueError:  # edited past the table's own rule
        raise Damaged(path=packet_id) from None
    packet = Packet(
        number=number,
        id=packet_id,
        sender=sender,
        recipient=recipient,
        kind=kind,
        deal=deal,
        total_fen=total_fen,
        count=count,
        share_max_fen=share_max_fen,
        claimed_fen=claimed_fen,
        claimed_count=claimed_count,
        created_at=from_micros(created_at),
        expires_at=from_micros(expires_at),
        closed_at=None if closed_at is None else from_micros(closed_at),
    )
    return PacketRow(
        packet,
        Account(account, PLATFORM, Kind.PACKET),
        entry,
        card,
        seed,
        greeting,
        cover,
        sender_name,
        recipient_name,
    )


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Say what the engine refuses in our own words; *path* is the file it was about."""
    try:
        yield
    except engine.DatabaseError as error:
        raise _in_words(error, path) from error


def _in_words(error: Exception, path: Path) -> Exception:
    """Return what a person is told of the engine's *error*; a broken rule of ours stays itself."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy()
    if name.startswith("SQLITE_FULL"):
        return StorageRefused(path=str(path), reason=os.strerror(errno.ENOSPC))
    if name.startswith("SQLITE_IOERR"):
        # Never the file's own fault: bytes that are wrong or missing are corrupt to the engine.
        code = errno.ENOSPC if _is_full(path) else errno.EIO
        return StorageRefused(path=str(path), reason=os.strerror(code))
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageRefused(path=str(path), reason=os.strerror(_closed(path)))
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return Damaged(path=str(path))
    if str(error).startswith(_IMPOSSIBLE):
        return Damaged(path=str(path))
    return error


_IMPOSSIBLE = ("integer overflow", "malformed JSON", "Could not decode")
"""What the engine says of values that no act of ours has written."""


def _is_full(path: Path) -> bool:
    """Say whether the disk is: the engine calls what it then cannot read back an I/O error too."""
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except (OSError, AttributeError):  # AttributeError: no such question on Windows
        return False


def _closed(path: Path) -> int:
    """Return why *path* cannot be opened or written, as the system numbers its reasons."""
    if not path.parent.exists():
        return errno.ENOENT
    try:
        read_only = os.statvfs(path.parent).f_flag & os.ST_RDONLY
    except (OSError, AttributeError):
        read_only = 0
    return errno.EROFS if read_only else errno.EACCES
