"""
Salvage: the rows of a ledger some of whose pages cannot be read, and a fresh ledger made of them.

A page of the file is authentic or it is not, and one that is not takes with it what it holds: rows,
or the way to the rows below it. So rows are looked for along the table from both ends, and through
each of its indexes; what is found is copied into a fresh ledger, which proves none of it. Nothing
is guessed: the engine's own recovery may bring deleted rows back, and change values.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2 as engine

from hongbao.domain.facts import Facts, decode
from hongbao.domain.ledger import SIDES
from hongbao.engines.sql.engine import marks
from hongbao.engines.sql.questions import USED
from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Damaged
from hongbao.store import RESTORE, SEALED

Key = tuple[Any, ...]

_SALT_BYTES = 16
_PAGE_BYTES = 4096
_RESERVED_BYTES = 80 + 4  # of a page: its vector and its seal, and the number of the next


class _Table(NamedTuple):
    """A table as the fresh ledger has it: its columns, and those that a row is found by."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Wreck:
    """
    A damaged ledger at *path*, read around what cannot be read; the file is never written.

    Call it with a copy: the engine makes files next to the one that it opens.

    After a page that is not authentic, a connection answers nothing right any more, so each such
    page costs a new one.
    """

    def __init__(self, path: Path, page_key: bytes) -> None:
        self._path = path
        self._page_key = page_key
        self._db: Any = None
        self._replaced = 0
        if not self._has_schema():
            self._replaced = self._replace_schema()
            if not self._has_schema():
                raise Damaged(path=str(path))

    def _has_schema(self) -> bool:
        """Return whether the pages that say where each table is can be read."""
        try:
            self._open().execute("SELECT count(*) FROM sqlite_master").fetchone()
        except engine.DatabaseError:
            self.close()
            return False
        return True

    def _replace_schema(self) -> int:
        """
        Put the schema's pages of a new ledger in the place of those that cannot be read.

        Every ledger that was made by `schema.MIGRATIONS` has the same tables at the same pages.
        Where this one has not, what is read through these is nothing that a seal proves. Under
        the same key and salt, a page is authentic in either file.
        """
        with self._path.open("rb") as file:
            salt = file.read(_SALT_BYTES)
        model = self._path.with_name(f"{self._path.name}-model")
        model.unlink(missing_ok=True)
        fresh = Ledger.create(model, self._page_key, salt)
        roots = {root for (root,) in fresh.rows("SELECT rootpage FROM sqlite_master")}
        _grow(fresh, self._path.stat().st_size // _PAGE_BYTES)
        fresh.close()
        whole = model.read_bytes()
        schema = [page for page in range(1, len(whole) // _PAGE_BYTES + 1) if page not in roots]
        return sum(self._replace_page(page, whole) for page in schema)

    def _replace_page(self, page: int, model: bytes) -> bool:
        """Replace *page* by that of the *model*, unless it is authentic; return whether it was."""
        if page not in self._unauthentic():
            return False
        place = (page - 1) * _PAGE_BYTES
        with self._path.open("r+b") as file:
            file.seek(place)
            file.write(model[place : place + _PAGE_BYTES])
        return True

    def _unauthentic(self) -> set[int]:
        try:
            self._open().execute("PRAGMA user_version").fetchone()
            rows = self._open().execute("PRAGMA cipher_integrity_check").fetchall()
        except engine.DatabaseError:
            return {1}
        finally:
            self.close()
        return {int(text.rpartition(" ")[2]) for (text,) in rows if text[-1:].isdigit()}

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def unreadable_pages(self) -> int:
        """Return how many pages are not authentic."""
        return len(self._unauthentic()) + self._replaced

    def keys(self, table: _Table) -> tuple[list[Key], bool]:
        """Return the keys of all rows that some way leads to, and whether no way was cut off."""
        found: dict[Key, None] = {}
        names = ", ".join(table.key)
        is_whole = True
        for order in ("", " DESC"):
            ordered = ", ".join(f"{name}{order}" for name in table.key)
            query = f"SELECT {names} FROM {table.name} NOT INDEXED ORDER BY {ordered}"
            is_whole &= self._gather(query, found)
            if is_whole:
                return list(found), True
        for index in self._indexes(table.name):
            with suppress(engine.OperationalError):  # a partial index, which is not all rows
                self._gather(f"SELECT {names} FROM {table.name} INDEXED BY {index}", found)
        return sorted(found), False

    def rows(self, table: _Table) -> Iterator[Key]:
        """Yield the rows of *table* that can be read, with the columns that both ledgers have."""
        names = ", ".join(table.columns)
        where = " AND ".join(f"{name} = ?" for name in table.key)
        keys, _is_whole = self.keys(table)
        for key in keys:
            query = f"SELECT {names} FROM {table.name} NOT INDEXED WHERE {where}"
            try:
                row = self._open().execute(query, key).fetchone()
            except (engine.DatabaseError, MemoryError):
                self.close()
                continue
            if row is not None and not any(_is_torn(value) for value in row):
                yield tuple(row)

    def pairs(self, query: str) -> Iterator[Key]:
        """Yield what *query* finds until it is cut off: of an index, which may outlive its rows."""
        found: dict[Key, None] = {}
        with suppress(engine.OperationalError):
            self._gather(query, found)
        yield from found

    def columns(self, table: str) -> set[str]:
        """Return the columns that *table* has here; none where it is not known here."""
        rows = self._open().execute("SELECT name FROM pragma_table_info(?)", (table,))
        return {name for (name,) in rows}

    def _gather(self, query: str, found: dict[Key, None]) -> bool:
        """Add what *query* finds; return whether it came to its end."""
        try:
            for row in self._open().execute(query):
                found[tuple(row)] = None
        except engine.OperationalError:
            raise
        except (engine.DatabaseError, MemoryError):
            self.close()
            return False
        return True

    def _indexes(self, table: str) -> list[str]:
        rows = self._open().execute("SELECT name FROM pragma_index_list(?)", (table,))
        return [f'"{name}"' for (name,) in rows]

    def _open(self) -> Any:
        if self._db is None:
            self._db = engine.connect(str(self._path.absolute()), isolation_level=None)
            self._db.execute("PRAGMA cipher_log_level = NONE")
            self._db.execute(f"PRAGMA key = \"x'{self._page_key.hex()}'\"")
        return self._db


def _grow(fresh: Ledger, pages: int) -> None:
    """Grow *fresh* to just so many *pages*: its first one says how many there are."""
    (now,) = fresh.row("PRAGMA page_count")
    filled = (pages - now) * (_PAGE_BYTES - _RESERVED_BYTES)
    for spare in range(0, _PAGE_BYTES, 512):
        with fresh.transaction():
            fresh.write("DELETE FROM fault")
            fresh.write("INSERT INTO fault VALUES ('', ?, 0, 0)", "." * max(filled - spare, 1))
        fresh.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if fresh.row("PRAGMA page_count")[0] == pages:
            return


def _is_torn(value: object) -> bool:
    """Return whether *value* is of a page that is not authentic: the engine hands out zeros."""
    return isinstance(value, str) and "\0" in value


class Salvaged(Ledger):
    """
    A fresh ledger, into which rows are taken that nothing proves yet.

    Its constraints and triggers sleep until `wake`: what was taken is sorted out first.
    """

    _asleep: list[str]

    @classmethod
    def begin(cls, path: Path, page_key: bytes) -> "Salvaged":
        """Make one at *path*."""
        fresh = cls.create(path, page_key)
        fresh.sleep()
        return fresh

    def sleep(self) -> None:
        """Let triggers and foreign keys sleep."""
        self.write("PRAGMA foreign_keys = OFF")
        self.write("PRAGMA ignore_check_constraints = ON")
        self.write("PRAGMA synchronous = OFF")  # it is synced once, when it is whole
        triggers = self.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        self._asleep = [sql for _, sql in triggers]
        for name, _ in triggers:
            self.write(f"DROP TRIGGER {name}")

    def wake(self) -> None:
        """Wake them; from here on this is a ledger like any other."""
        for sql in self._asleep:
            self.write(sql)
        self._asleep = []
        self.write("PRAGMA ignore_check_constraints = OFF")
        self.write("PRAGMA foreign_keys = ON")
        self.write("PRAGMA synchronous = FULL")

    def flush(self) -> None:
        """Put everything into the file itself, which can then be copied."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def tables(self) -> list[_Table]:
        """Return the tables of a ledger."""
        names = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return [self._table(name) for (name,) in names]

    def _table(self, name: str) -> _Table:
        columns = self.rows("SELECT name, pk FROM pragma_table_info(?)", name)
        key = tuple(name for name, pk in sorted(columns, key=lambda row: row[1]) if pk)
        return _Table(name, tuple(name for name, _ in columns), key)

    def take(self, wreck: Wreck, *, entries: Callable[[int], bool] | None = None) -> set[str]:
        """
        Take the rows of *wreck* that are not here yet; return the tables with lost rows.

        With *entries*, an entry is taken only if that says so of its number.
        """
        torn = set()
        for table in self.tables():
            known = wreck.columns(table.name)
            columns = tuple(name for name in table.columns if name in known)
            if not columns:
                continue
            shared = table._replace(columns=columns)
            insert = (
                f"INSERT OR IGNORE INTO {table.name} ({', '.join(columns)})"
                f" VALUES ({marks(columns)})"
            )
            keys, is_whole = wreck.keys(shared)
            taken = 0
            with self.transaction():
                for row in wreck.rows(shared):
                    taken += 1
                    if table.name == "entry" and entries is not None and not entries(row[0]):
                        continue
                    self.write(insert, *row)
            if not is_whole or taken < len(keys):
                torn.add(table.name)
        return torn

    def take_names_of_accounts(self, wreck: Wreck) -> None:
        """Take accounts whose rows are lost from the index that names them; sums are not in it."""
        index = '"sqlite_autoindex_account_1"'
        query = f"SELECT id, book, kind, owner FROM account INDEXED BY {index}"
        for account, book, kind, owner in wreck.pairs(query):
            if kind in SIDES:
                self.write(
                    "INSERT OR IGNORE INTO account (id, book, kind, owner, side)"
                    " VALUES (?, ?, ?, ?, ?)",
                    *(account, book, kind, owner, SIDES[kind]),
                )

    # --- what proves what ------------------------------------------------------------------------

    def seals(self) -> dict[tuple[str, str], list[tuple[int, int | None, bytes | None]]]:
        """Return the seals of each row of state, newest first: entry, generation, digest."""
        found: dict[tuple[str, str], list[tuple[int, int | None, bytes | None]]] = {}
        for place, key, entry, generation, digest in self.rows(
            "SELECT place, key, sealed_row.entry, generation, digest FROM sealed_row"
            " LEFT JOIN entry ON entry.id = sealed_row.entry ORDER BY 1, 2, 3 DESC"
        ):
            found.setdefault((place, key), []).append((entry, generation, digest))
        return found

    def unread_seals(self, wreck: Wreck) -> list[tuple[str, str, int]]:
        """Return the seals that an index still knows of: their rows and entries, no digests."""
        index = '"idx_sealed_row_entry"'
        query = f"SELECT place, key, entry FROM sealed_row INDEXED BY {index}"
        return [
            (str(place), str(key), int(entry))
            for place, key, entry in wreck.pairs(query)
            if not self.row(
                "SELECT 1 FROM sealed_row WHERE place = ? AND key = ? AND entry = ?",
                *(place, key, entry),
            )
        ]

    def add_seal(self, place: str, key: str, entry: int, digest: bytes | None) -> None:
        """Add a seal that was made again; the entry's own seal shows whether it is that one."""
        self.write(
            "INSERT OR IGNORE INTO sealed_row (place, key, entry, digest) VALUES (?, ?, ?, ?)",
            *(place, key, entry, digest),
        )

    def has_seal(self, table: str, key: str) -> bool:
        """Return whether any seal of the row is here."""
        found = self.row("SELECT 1 FROM sealed_row WHERE place = ? AND key = ?", table, key)
        return found is not None

    def generation_of(self, entry: int) -> int | None:
        """Return under keys of which generation *entry* was sealed; None if it is lost."""
        row = self.row("SELECT generation FROM entry WHERE id = ?", entry)
        return None if row is None else int(row[0])

    def mac_of(self, entry: int) -> bytes | None:
        """Return the stored seal of *entry*; None if it is lost, or its group's end has it."""
        row = self.row("SELECT mac FROM entry WHERE id = ?", entry)
        return None if row is None or row[0] is None else bytes(row[0])

    def count_entries(self) -> int:
        return int(self.row("SELECT count(*) FROM entry")[0])

    def is_skipped(self, entry: int) -> bool:
        """Return whether a restore or a repair has skipped the number *entry*."""
        return any(
            facts["copied_entry"] < entry <= facts["last_entry"]
            for *_, facts in self._acts("restore", "repaired")
        )

    def lacks_state(self) -> bool:
        """Return whether a row of state that was sealed, and not as gone, is not here."""
        return any(
            self.row(
                "SELECT 1 FROM sealed_row AS seal WHERE place = ? AND digest IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM sealed_row AS later WHERE later.place = seal.place"
                "  AND later.key = seal.key AND later.entry > seal.entry)"
                f" AND NOT EXISTS (SELECT 1 FROM {table}"
                f"  WHERE {_STATE_KEY.get(table, _BY_ID)} = seal.key)",
                table,
            )
            for table in sorted(SEALED)
        )

    def drop_state(self, table: str, key: str) -> None:
        """Drop a row of state that nothing proves."""
        assert table in SEALED
        self.write(f"DELETE FROM {table} WHERE {_STATE_KEY.get(table, _BY_ID)} = ?", key)

    def keep_text(self, table: str, ref: str, text: str) -> None:
        """Keep the *text* of rules whose row is lost."""
        self.write(f"INSERT OR IGNORE INTO {table} (ref, text) VALUES (?, ?)", ref, text)

    # --- as it was after an entry ----------------------------------------------------------------

    def roll_back(self, last: int) -> None:
        """
        Leave what the entries up to *last* made, and derive from them what they left.

        Sealed state stays as new as it is, of rows that had been made by then. What is kept of
        habits and usage is left to the caller where rules are needed (see `set_maturing`).
        """
        with self.transaction(), _damage(self.path):
            self.write("DELETE FROM entry WHERE id > ?", last)
            for table in _BY_ENTRY:
                self.write(f"DELETE FROM {table} WHERE entry > ?", last)
            for table in sorted(SEALED.difference(_RULES)):  # later rules may be active
                self.write(
                    f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM sealed_row"
                    f" WHERE place = ? AND key = {_STATE_KEY.get(table, _BY_ID)})",
                    table,
                )
            self._derive_claims()
            self._derive_batches()
            self._derive_messages()
            self._derive_bank_lines()
            self._derive_cases()
            for statement in _FOLLOWING:
                self.write(statement)
            self._derive_faults()
            self.write("DELETE FROM habit WHERE upto > ?", last)
            self.write(
                "DELETE FROM external_row WHERE bill IN"
                " (SELECT number FROM external_bill WHERE removed IS NOT NULL)"
            )
            self.add_up()

    def set_maturing(self, maturing: Mapping[tuple[int, int], int]) -> None:
        """Put what matures in its place."""
        with self.transaction():
            self.write("DELETE FROM maturing")
            self.write_many(
                "INSERT INTO maturing (profile, from_at, amount_fen) VALUES (?, ?, ?)",
                [(*key, fen) for key, fen in maturing.items()],
            )

    def _acts(self, *acts: str) -> list[tuple[int, str, int | None, int | None, int, Facts]]:
        """Return entries of *acts* in order: id, act, profile, packet, time, facts."""
        found = []
        for entry, act, profile, packet, at, text in self.rows(
            f"SELECT id, act, profile, packet, at, facts FROM entry WHERE act IN ({marks(acts)})"
            " ORDER BY id",
            *acts,
        ):
            with suppress(ValueError):
                found.append((entry, act, profile, packet, at, decode(act, text)))
        return found

    def _derive_claims(self) -> None:
        for entry, _act, profile, packet, _at, facts in self._acts("claim"):
            luck, nonce = facts["luck"], bytes.fromhex(facts["nonce"])
            self.write(
                "INSERT OR IGNORE INTO claim (packet, seat, profile, amount_fen, nonce, luck,"
                " entry) VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(packet, facts["seat"], profile, facts["amount_fen"], nonce, luck, entry),
            )

    def _derive_batches(self) -> None:
        self.write("DELETE FROM batch_line WHERE batch NOT IN (SELECT number FROM batch)")
        for entry, _act, _profile, _packet, _at, facts in self._acts("settle"):
            row = self.row("SELECT number FROM batch WHERE entry = ?", entry)
            if row is None:
                row = self.row(
                    "SELECT 1 + max(coalesce((SELECT max(number) FROM batch WHERE entry < ?1), 0),"
                    " coalesce((SELECT max(id) FROM entry WHERE id < ?1"
                    f" AND request_id >= '{RESTORE}' AND request_id < '{RESTORE[:-1]}0'), 0))",
                    entry,
                )
                self.write(
                    "INSERT OR IGNORE INTO batch (number, id, entry) VALUES (?, ?, ?)",
                    *(row[0], facts["batch"], entry),
                )
            for line in facts["lines"]:
                self.write(
                    "INSERT OR IGNORE INTO batch_line (batch, bank, in_count, in_fen, out_count,"
                    " out_fen) VALUES (?, ?, ?, ?, ?, ?)",
                    row[0],
                    *(line[name] for name in ("bank", "in_count", "in_fen")),
                    *(line[name] for name in ("out_count", "out_fen")),
                )

    def _derive_messages(self) -> None:
        """Derive how far each payment has come on both sides from the entries about it."""
        for number, asked, due_at in self.rows("SELECT number, entry, due_at FROM message"):
            state, outcome, sent_at = "created", None, None
            for entry, act, at, text in self.rows(
                "SELECT id, act, at, facts FROM entry WHERE message = ? AND id > ? ORDER BY id",
                *(number, asked),
            ):
                if act == "sent":
                    state, sent_at = "sent", at
                elif act == "unknown":
                    state = "unknown"
                elif act in _OUTCOMES and outcome is None:
                    outcome = entry
                    state = _OUTCOMES[act] or _fact(act, text, "state") or state
            since = due_at if sent_at is None else sent_at
            self.write(
                "UPDATE message SET state = ?, outcome = ?, batch = iif(? = 'accepted',"
                " (SELECT number FROM batch JOIN batch_line ON batch_line.batch = batch.number"
                "  WHERE batch.entry > ? AND batch_line.bank = message.bank"
                "  ORDER BY batch.entry LIMIT 1), NULL),"
                " day = date(? / 1000000, 'unixepoch', '+8 hours') WHERE number = ?",
                *(state, outcome, state, outcome, since, number),
            )
        self.write("DELETE FROM bank_message WHERE message NOT IN (SELECT number FROM message)")

    def _derive_bank_lines(self) -> None:
        """
        Write lost lines of banks' statements again, of payments that were booked as asked.

        What a fault of a demo bank booked is not guessed: then the statement has a gap.
        """
        lost = self.rows(
            "SELECT entry.id, message.number, message.bank, message.direction, message.day,"
            " transfer.amount_fen FROM entry JOIN message ON message.number = entry.message"
            " JOIN transfer ON transfer.entry = entry.id AND transfer.book = message.bank"
            " JOIN account ON account.id = iif(direction = 'debit', debit, credit)"
            " WHERE act = 'bank' AND account.kind = 'deposit'"
            " AND NOT EXISTS (SELECT 1 FROM bank_line WHERE bank_line.entry = entry.id)"
            " ORDER BY entry.id"
        )
        for entry, number, bank, direction, day, amount_fen in lost:
            self.write(
                "INSERT OR IGNORE INTO bank_line (id, bank, number, message, direction, amount_fen,"
                " status, day, entry) VALUES"
                " (1 + (SELECT coalesce(max(id), 0) FROM bank_line WHERE entry < ?1), ?2,"
                " 1 + (SELECT coalesce(max(number), 0) FROM bank_line WHERE entry < ?1"
                "  AND bank = ?2), ?3, ?4, ?5, 'BOOK', ?6, ?1)",
                *(entry, bank, number, direction, amount_fen, day),
            )

    def set_bank_messages(
        self, known: Iterable[tuple[str, str, Any, Any, Sequence[object]]]
    ) -> None:
        """Set how far banks are with payments, by id: bank, and state, reason and moment."""
        rows = [(bank, *state, payment) for payment, bank, _, _, state in known if state[0]]
        with self.transaction():
            self.write("DELETE FROM bank_message")
            self.write_many(
                "INSERT OR IGNORE INTO bank_message (bank, state, reason, ready_at, message)"
                " SELECT ?, ?, ?, ?, number FROM message WHERE id = ?",
                rows,
            )

    def _derive_cases(self) -> None:
        ended = {}
        for entry, act, _profile, _packet, _at, facts in self._acts(*_ENDINGS):
            if facts.get("case_state", act) == act:
                ended[facts["case"]] = (act, entry)
        said = {
            facts["case"]: facts["case_state"]
            for _entry, _act, _profile, _packet, _at, facts in self._acts("opinion", "escalated")
        }
        for number, case in self.rows("SELECT number, id FROM review_case"):
            state, closed = ended.get(case, (said.get(case, "open"), None))
            self.write(
                "UPDATE review_case SET state = ?, closed = ? WHERE number = ?",
                *(state, closed, number),
            )

    def _derive_faults(self) -> None:
        self.write("DELETE FROM fault")
        began: dict[tuple[str, int], int] = {}
        kept: dict[str, list[tuple[str, int, int]]] = {}
        for entry, _act, _profile, _packet, at, facts in self._acts("bank_fault"):
            began.setdefault((facts["bank"], at), entry)
            kept[facts["bank"]] = [
                (line["fault"], line["amount_fen"] or 0, began[facts["bank"], _micros(line)])
                for line in facts["faults"]
                if (facts["bank"], _micros(line)) in began
            ]
        for place, faults in kept.items():
            for fault, amount_fen, entry in faults:
                self.write(
                    "INSERT OR IGNORE INTO fault (place, fault, amount_fen, entry)"
                    " VALUES (?, ?, ?, ?)",
                    *(place, fault, amount_fen, entry),
                )

    # --- whose money -----------------------------------------------------------------------------

    def wealth(self) -> dict[int | None, int]:
        """
        Return what each profile has, in fen: balance, packets, what is pending or held.

        Under None is what belongs to someone whose packet, payment or case is lost.
        """
        return dict(self.rows(_WEALTH))

    def add_up(self) -> None:
        """Make each account what its transfers add up to."""
        for statement in _ACCOUNTS:
            self.write(statement)

    def lost_after(self, last: int) -> list[tuple[Any, ...]]:
        """Return the entries after *last* that can be read: id, act, profile's name, fen, time."""
        return self.rows(
            "SELECT entry.id, act, profile.name, entry.amount_fen, at FROM entry"
            " LEFT JOIN profile ON profile.id = entry.profile WHERE entry.id > ? ORDER BY 1",
            last,
        )


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Raise Damaged where rows that were taken contradict each other."""
    try:
        yield
    except engine.DatabaseError:
        raise Damaged(path=str(path)) from None


def _decoded(act: str, text: str) -> Facts:
    try:
        return decode(act, text)
    except ValueError:
        return {}


def _fact(act: str, text: str, name: str) -> Any:
    return _decoded(act, text).get(name)


def _micros(line: Facts) -> int:
    from datetime import datetime

    from hongbao.units import to_micros

    return to_micros(datetime.fromisoformat(line["set_at"]))


_RULES = ("policy", "risk_pack", "risk_model")

_BY_ID = "CAST(id AS TEXT)"

_STATE_KEY = {
    "enrolment": "profile || '/' || device",
    "challenge": "CAST(number AS TEXT)",
    **dict.fromkeys(_RULES, "ref"),
}
"""How a row of state gives the key that its seal has."""

_BY_ENTRY = (
    *("transfer", "sealed_row", "claim", "packet", "batch", "message", "bank_line", "correction"),
    *("stop", "opinion", "challenge", "review_case", "external_bill"),
)
"""Tables whose rows name the entry that made them."""

_OUTCOMES: Mapping[str, str | None] = {
    **dict.fromkeys(("topup", "send", "paid_out", "refund_arrived"), "accepted"),
    **dict.fromkeys(("not_paid", "withdraw_returned", "refund_to_balance"), None),
    **dict.fromkeys(("returned", "rejected"), None),
}
"""The acts that a payment ends with, and its state then; None is as their facts say."""

_ENDINGS = ("released", "returned", "approved", "rejected")
"""The acts that end a case."""

_FOLLOWING = (
    "UPDATE review_case SET closed = NULL WHERE state IN ('open', 'escalated')",
    """
    UPDATE packet SET
        claimed_fen = (SELECT coalesce(sum(amount_fen), 0) FROM claim WHERE packet = number),
        claimed_count = (SELECT count(*) FROM claim WHERE packet = number),
        held = (SELECT hold.number FROM review_case AS hold
            WHERE hold.entry = packet.entry AND hold.kind = 'hold' AND hold.closed IS NULL),
        closed_at = coalesce(
            (SELECT at FROM claim JOIN entry ON entry.id = claim.entry
                WHERE claim.packet = packet.number AND seat = packet.count),
            (SELECT at FROM entry WHERE entry.packet = packet.number AND act = 'refund'),
            (SELECT at FROM review_case AS hold JOIN entry ON entry.id = hold.closed
                WHERE hold.entry = packet.entry AND hold.kind = 'hold'
                AND hold.state IN ('returned', 'rejected')))
    """,
    """
    UPDATE challenge SET
        used = (SELECT entry.id FROM entry WHERE entry.challenge = challenge.id),
        state = CASE
            WHEN EXISTS (SELECT 1 FROM entry WHERE entry.challenge = challenge.id) THEN 'used'
            WHEN EXISTS (SELECT 1 FROM entry WHERE request_id = challenge.id || '/passed'
                AND entry.profile = challenge.profile) THEN 'passed'
            WHEN EXISTS (SELECT 1 FROM entry WHERE request_id = challenge.id || '/failed'
                AND entry.profile = challenge.profile) THEN 'failed'
            ELSE 'open' END
    """,
    """
    UPDATE external_bill SET removed = NULL
    WHERE removed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entry WHERE id = removed)
    """,
    "DELETE FROM external_row WHERE bill NOT IN (SELECT number FROM external_bill)",
    """
    UPDATE device SET counter = coalesce(
        (SELECT max(entry.counter) FROM entry WHERE entry.device = device.id), 0)
    """,
    """
    UPDATE home SET current_profile = (SELECT min(id) FROM profile)
    WHERE current_profile NOT IN (SELECT id FROM profile)
    """,
    "DELETE FROM refusal WHERE profile NOT IN (SELECT id FROM profile)",
    "DELETE FROM usage",
    f"""
    INSERT INTO usage (person, flow, day, used_fen) {USED}
    SELECT person, flow, day, sum(fen) FROM moved GROUP BY 1, 2, 3
    """,
    "DELETE FROM usage_year",
    """
    INSERT INTO usage_year (person, flow, year, used_fen)
    SELECT person, flow, substr(day, 1, 4), sum(used_fen) FROM usage GROUP BY 1, 2, 3
    """,
)
"""What follows from what was kept of entries, claims, payments and cases, in this order."""

_ACCOUNTS = (
    """
    INSERT OR IGNORE INTO account (book, kind, owner, side)
    SELECT 'platform', 'balance', id, 'credit' FROM profile
    UNION ALL SELECT 'platform', 'packet', number, 'credit' FROM packet
    UNION ALL SELECT bank, 'deposit', id, 'credit' FROM deposit
    """,
    """
    CREATE TEMP TABLE added AS
    SELECT account, sum(debits) AS debits, sum(credits) AS credits FROM (
        SELECT debit AS account, amount_fen AS debits, 0 AS credits FROM transfer
        UNION ALL SELECT credit, 0, amount_fen FROM transfer)
    GROUP BY account
    """,
    "CREATE INDEX temp.added_by_account ON added (account)",
    """
    UPDATE account SET
        debits_fen = coalesce((SELECT debits FROM added WHERE added.account = account.id), 0),
        credits_fen = coalesce((SELECT credits FROM added WHERE added.account = account.id), 0)
    """,
    "DROP TABLE temp.added",
    """
    DELETE FROM account WHERE debits_fen = 0 AND credits_fen = 0 AND NOT (book = 'platform'
        AND (kind = 'packet' AND owner IN (SELECT number FROM packet)
            OR kind = 'balance' AND owner IN (SELECT id FROM profile)))
        AND NOT (kind = 'deposit'
            AND owner IN (SELECT id FROM deposit WHERE deposit.bank = account.book))
    """,
)
"""Accounts with what their transfers add up to; those that nothing has opened are gone."""

_WEALTH = """
    SELECT whose, sum(fen) FROM (
        SELECT owner AS whose, credits_fen - debits_fen AS fen FROM account
        WHERE book = 'platform' AND kind = 'balance'
        UNION ALL SELECT coalesce((SELECT sender FROM packet WHERE number = owner),
            (SELECT profile FROM entry WHERE entry.packet = owner AND act = 'send')),
            credits_fen - debits_fen FROM account WHERE book = 'platform' AND kind = 'packet'
        UNION ALL SELECT coalesce((SELECT profile FROM message WHERE number = owner),
            (SELECT max(profile) FROM entry WHERE entry.message = owner)),
            credits_fen - debits_fen FROM account WHERE book = 'platform' AND kind = 'pending'
        UNION ALL SELECT (SELECT profile FROM review_case WHERE number = owner),
            credits_fen - debits_fen FROM account WHERE book = 'platform' AND kind = 'held')
    GROUP BY whose
"""
