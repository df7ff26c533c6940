"""The connection to a cluster: its nodes, its transactions, and what it refuses."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from os import getpid
from time import monotonic, monotonic_ns, sleep
from types import TracebackType
from typing import Any, NoReturn, Self
from zlib import crc32

from hongbao.domain.lanes import SHARED, is_taken_from
from hongbao.domain.ledger import Account
from hongbao.engines.mysql import errors, session
from hongbao.engines.mysql.address import Address, Host
from hongbao.engines.mysql.dialect import (
    NO_LIMIT,
    Statement,
    cases_of,
    inserting,
    translate,
    updating,
)
from hongbao.engines.mysql.driver import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    connect,
    driver,
    spelled,
)
from hongbao.engines.mysql.lanes import ASKED, Lanes, locks, slot_of
from hongbao.engines.mysql.log import Log
from hongbao.engines.mysql.numbers import (
    COMMITTED_WITHIN,
    HOT,
    UNDERWAY_FOR,
    Numbers,
    is_serial,
    settled,
)
from hongbao.engines.mysql.schema import COLUMNS, EARLIEST, FORM, REFERENCES, definitions
from hongbao.engines.sql import Verbs, books, state
from hongbao.engines.sql.appending import append_one
from hongbao.errors import (
    Damaged,
    DatabaseNotEmpty,
    HomeNotFound,
    HongbaoError,
    LedgerUnreachable,
    NewerHome,
    OlderHome,
)
from hongbao.questions import Question
from hongbao.store import (
    Again,
    Change,
    Decided,
    Head,
    HomeRow,
    NodeLost,
    Overtaken,
    RuleBroken,
    Seal,
)
from hongbao.units import to_micros
from hongbao.vault.columns import MARK, ColumnKey
from hongbao.vault.primitives import NotAuthentic

BUSY_SECONDS = 60
"""How long a writer waits for its turn."""

PAUSE_MICROS, PAUSE_MICROS_MAX = 5_000, 250_000
"""The first and the longest mean pause before something is tried again."""


INSERTED_AT_ONCE = 100
"""How many rows one statement inserts."""

PACKETS_KNOWN = 10_000
"""How many packets' numbers are remembered."""

ASKED_AT_ONCE = 100
"""How many accounts one statement asks for."""

TRIES_COUNTED = 10
"""How often in a row it matters that a transaction was undone: the pauses stay as long then."""

ROWS_AT_ONCE = 1000
"""How many rows of a long answer are taken in at a time."""

_open: set[int] = set()
"""Which ledgers have a connection, by their `id`."""


def is_any_open() -> bool:
    """Return whether this process has a connection, which a fork would take for its own."""
    return bool(_open)


class Ledger(Verbs):
    """
    One open ledger in a database at *address*, with the verbs of `hongbao.store.Store`.

    It has one connection, to one node at a time; after a node has failed it goes to the next.
    """

    has_lanes = True

    def __init__(self, address: Address, password: str | None, key: ColumnKey) -> None:
        self._address = address
        self._password = password
        self._key = key
        self._at = 0
        self._greeting_seconds = CONNECT_SECONDS if len(address.hosts) > 1 else ANSWER_SECONDS
        """How long a node that is connected to may be silent: less, where another one is next."""
        self._db: Any = None
        self._lanes = Lanes(self._ran)
        self._numbers = Numbers()
        self._accounts: dict[tuple[str, str, int], int] = {}  # the ids of those asked for
        self._left: dict[str, int] = {}
        self._slot = 0
        self._given: dict[tuple[str, int], int] | None = None
        """What accounts get is put here, by side and account, while several acts are written."""
        self._packets: dict[str, int] = {}  # the numbers of those that were waited for
        self._depth = ""  # what is open: "", "snapshot", or "transaction"
        self._failed: BaseException | None = None
        self._undone_before = 0  # how often in a row
        self.begun_again = 0
        """How often a transaction was undone since it was opened, and had to begin again."""
        self._is_long = False  # whether an act was undone because it takes long
        self._announced: int | None = None
        self.wrote = False
        self.sealed: dict[str, list[str]] = {}
        self.read: dict[str, Any] = {}

    # --- opening and closing ---------------------------------------------------------------------

    @classmethod
    def create(cls, address: Address, password: str | None, secret: bytes) -> Self:
        """
        Open the ledger at *address*, making an empty one there first if there is none.

        What only its homes may read is sealed under a key made from *secret*. Raises
        DatabaseNotEmpty where tables of something else are there.
        """
        store = cls(address, password, ColumnKey(secret))
        try:
            if store._form() is None:
                store._check_only_ours()
                store._make_tables()
            store._check_form()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, address: Address, password: str | None, secret: bytes) -> Self:
        """
        Open the ledger at *address*.

        Raises HomeNotFound if there is none, NewerHome or OlderHome where another version made it,
        LedgerUnreachable, LedgerDenied or ClusterRefused.
        """
        store = cls(address, password, ColumnKey(secret))
        try:
            store._check_form()
        except BaseException:
            store.close()
            raise
        return store

    def _form(self) -> int | None:
        """Return the form of the tables; None where there are none."""
        try:
            found = self._outside("SELECT number FROM form")
        except Damaged:  # no such table
            return None
        return int(found[0][0]) if found else None

    def _check_form(self) -> None:
        form = self._form()
        if form is None:
            raise HomeNotFound
        if form > FORM:
            raise NewerHome(form=form, known=FORM)
        if form < EARLIEST:
            raise OlderHome(form=form, known=EARLIEST)

    def _check_only_ours(self) -> None:
        """
        Raise DatabaseNotEmpty if a table of something else is there, be it called as one of ours.

        What another process makes now, or was killed at, are our tables, and the first one first.
        """
        found: dict[str, set[str]] = {}
        for table, column in self._outside(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = database()"
        ):
            found.setdefault(str(table), set()).add(str(column))
        is_ours = all(found[table] >= set(COLUMNS.get(table, ("",))) for table in found)
        if found and not (is_ours and "form" in found):
            raise DatabaseNotEmpty(where=self.where)

    def _make_tables(self) -> None:
        """Make the tables; several may do so at once, and a late one finds them there."""
        for statement in definitions():
            self._outside(statement)
        self._outside(
            f"INSERT INTO form (one, number) VALUES (1, {FORM}) ON DUPLICATE KEY UPDATE one = 1",
            commit=True,
        )

    @property
    def where(self) -> str:
        """The ledger's place, as messages name it."""
        return self._address.where

    @property
    def file(self) -> None:
        return None

    @property
    def log(self) -> Log:
        return Log(self)

    def close(self) -> None:
        if self._db is not None:
            try:
                self._db.close()
            except driver().err.Error:
                pass  # it was gone already
            self._db = None
            _open.discard(id(self))

    # --- connections -----------------------------------------------------------------------------

    def _connection(self) -> Any:
        """Return the open connection; one to the next node that takes us if there is none."""
        if self._db is None:
            self._db = self._connected()
            _open.add(id(self))
        return self._db

    def _connected(self) -> Any:
        hosts: Sequence[Host | None] = self._address.hosts or (None,)
        problem: BaseException | None = None
        reasons: set[str] = set()
        for turn in range(len(hosts)):
            at = (self._at + turn) % len(hosts)
            try:
                connection = connect(
                    self._address, hosts[at], self._password, seconds=self._greeting_seconds
                )
            except driver().err.Error as error:
                problem = errors.in_words(error, self.where)
                if not isinstance(problem, Again):
                    raise problem from None
                reasons.add(errors.unreached(error))
                continue
            try:
                session.prepare(partial(_asked, connection), self._address.node(hosts[at]))
            except driver().err.Error as error:
                problem = errors.in_words(error, self.where)
                connection.close()
                if not isinstance(problem, Again):
                    raise problem from error
                reasons.add(errors.unreached(error))
                continue
            except Again as again:
                problem = again
                reasons.add("no_writes")
                connection.close()
                continue
            except BaseException:
                connection.close()
                raise
            self._at = at
            return connection
        reason = reasons.pop() if len(reasons) == 1 else "away"
        raise LedgerUnreachable(where=self.where, problem=reason) from problem

    def nodes(self) -> dict[str, HongbaoError | None]:
        """Connect to each node of the address: return why it is refused; None where it is not."""
        from concurrent.futures import ThreadPoolExecutor  # one that is dead takes its time

        hosts: Sequence[Host | None] = self._address.hosts or (None,)
        with ThreadPoolExecutor(len(hosts)) as pool:
            seen = pool.map(self._refusal, hosts)
            return dict(zip(map(self._address.node, hosts), seen, strict=True))

    def _refusal(self, host: Host | None) -> HongbaoError | None:
        hosts = () if host is None else (host,)
        alone = Ledger(self._address._replace(hosts=hosts), self._password, self._key)
        alone._greeting_seconds = CONNECT_SECONDS
        try:
            alone._connection()
        except HongbaoError as refused:
            return refused
        finally:
            alone.close()
        return None

    def _leave(self) -> None:
        """Close the connection, in whatever state, and go to the next node from now on."""
        self.close()
        self._at += 1

    def _rolled_back(self) -> None:
        """Roll back, or close the connection, which does."""
        if self._db is None:
            return
        try:
            self._db.rollback()
        except driver().err.Error:
            self._leave()

    # --- transactions ----------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        return bool(self._depth)

    def transaction(self, *changing: tuple[str, object], dry_run: bool = False) -> "_Transaction":
        return _Transaction(self, changing, dry_run=dry_run)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        self._begin(("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", None))
        self._depth = "snapshot"
        self.read.clear()
        try:
            yield
        finally:
            self._depth, self._failed = "", None
            self._rolled_back()

    def _begin(self, *statements: tuple[str, Sequence[object] | None]) -> None:
        """Run *statements*, with their values, on a connection that works."""

        def once() -> None:
            connection = self._connection()
            for statement in statements:
                _ran(connection, *statement)

        self._patiently(once)

    def _patiently(self, once: Callable[[], Any]) -> Any:
        """Do *once*, which has no consequences before it returns, until it does or time is up."""
        until, tries = monotonic() + BUSY_SECONDS, 0
        while True:
            try:
                return once()
            except driver().err.Error as error:
                problem = errors.in_words(error, self.where)
                if not isinstance(problem, Again):
                    self._rolled_back()
                    raise problem from error
                if problem.elsewhere:
                    self._leave()
                else:
                    self._rolled_back()
                if monotonic() > until:
                    raise errors.exhausted(problem, self.where) from error
            pause(tries)
            tries += 1

    def enter(self, changing: Sequence[tuple[str, object]]) -> None:
        """
        Begin a transaction, and wait for what it is *changing*: the longer, the oftener undone.

        Locks come before anything is read, so that the snapshot is of after the wait.
        """
        if self._undone_before:
            pause(self._undone_before)
        waiting = locks(changing, self._number_of_packet)
        self._begin(("START TRANSACTION", None), *waiting)
        self._depth, self.wrote, self._failed = "transaction", False, None
        self._lanes, self._numbers = Lanes(self._ran), Numbers()
        self._accounts.clear()
        self.read.clear()

    def _number_of_packet(self, packet: str) -> int | None:
        """Look up the number of a *packet*, which stays as it is; what it reads in is over next."""
        if packet not in self._packets:
            found = self._patiently(lambda: _ran(self._connection(), _NUMBER, (packet,))[1])
            if not found:
                return None
            if len(self._packets) == PACKETS_KNOWN:
                self._packets.clear()
            self._packets[packet] = int(found[0][0])
        return self._packets[packet]

    def leave(self, error: BaseException | None, *, undo: bool) -> None:
        """
        End the transaction: *undo* it after an *error* or a dry run, or commit.

        Raises Again, also where a rule was broken because another act was first; OutcomeUnknown.
        """
        failed, self._failed = self._failed, None
        try:
            if undo or failed is not None or not self.wrote:
                self._rolled_back()
                if failed is not None and not undo:
                    raise failed
                if isinstance(error, Overtaken) or (
                    isinstance(error, RuleBroken) and not self._lanes.are_free(self._now)
                ):
                    self._count_undone()
                    raise Again(elsewhere=False) from error
                return
            try:
                moved = self._lanes.move(partial(_ran, self._connection()))
            except driver().err.Error as refused:
                problem = errors.in_words(refused, self.where)
                if isinstance(problem, RuleBroken):  # a lane that was new has been made
                    problem = Again(elsewhere=False)
                self._undone(problem, refused)
            except BaseException:  # or the next transaction would begin with a COMMIT of this one
                self._rolled_back()
                raise
            if not moved or self._is_too_late():
                self._undone(Again(elsewhere=False), None)
            try:
                self._connection().commit()
            except driver().err.Error as refused:
                self._undone(errors.at_commit(refused), refused)
            except BaseException:  # it may be on its way; nothing else may commit it
                self._leave()
                raise
            self._left = self._lanes.left()
            self._undone_before = 0
            self._is_long = False
        finally:
            self._depth = ""
            self._withdraw()
            self._lanes, self._numbers = Lanes(self._ran), Numbers()
            self._accounts.clear()
            self.read.clear()

    def _count_undone(self) -> None:
        self.begun_again += 1
        self._undone_before = min(self._undone_before + 1, TRIES_COUNTED)

    def _undone(self, problem: BaseException, error: BaseException | None) -> NoReturn:
        self._count_undone()
        if isinstance(problem, Again) and not problem.elsewhere:
            self._rolled_back()
        else:
            self._leave()
        raise problem from error

    def _ran(self, sql: str, values: Sequence[object]) -> tuple[int, Any]:
        return self._run(sql, values)

    def _now(self, sql: str, values: Sequence[object]) -> tuple[int, Any]:
        return 0, self._outside(sql, values)

    # --- lanes -----------------------------------------------------------------------------------

    @property
    def lanes_left(self) -> Mapping[str, int]:
        return self._left

    def lane_versions(self, names: Collection[str]) -> dict[str, int]:
        wanted = sorted(names)
        found: dict[str, int] = {}
        for first in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[first : first + ASKED_AT_ONCE]
            marks = ", ".join(["%s"] * len(some))
            text = f"SELECT name, version FROM lane WHERE name IN ({marks})"
            found.update(self._run(text, some)[1])
        return found

    def next_number(self, table: str) -> int:
        number = self._numbers.entry if table in HOT else None
        return books.next_number(self, table) if number is None else number

    def by_moment(self, table: str) -> int | None:
        return self._numbers.next_row(table)

    def settled(self, now: datetime) -> Head:
        home = self.home()
        if home is None or is_serial(home):
            return self.head()
        (waits,) = self.row(
            "SELECT min(number) FROM underway WHERE at > ?", to_micros(now - UNDERWAY_FOR)
        )
        first = settled(home, now)
        return books.head_before(self, first if waits is None else min(first, int(waits)))

    def next_entry(self, home: HomeRow, now: datetime, after: int = 0) -> tuple[int, datetime]:
        last = self.read.get("head") or self.head()
        if is_serial(home) or last.at is None:
            return books.next_entry(self, home, now, after)
        entry, at = self._numbers.next_entry(home, last, now, after)
        if self._is_long and self._announced is None:
            self._announce(entry, at)
        return entry, at

    def _is_too_late(self) -> bool:
        """Return whether readers may be past this act; then the next try is announced to them."""
        if self._announced is not None:
            return self._numbers.are_older_than(UNDERWAY_FOR)
        self._is_long = self._numbers.are_older_than(COMMITTED_WITHIN)
        return self._is_long

    def _announce(self, entry: int, at: datetime) -> None:
        """Have readers wait for *entry*, which takes long; seen at once, by another connection."""
        self._announced = entry
        self._apart("INSERT INTO underway (number, at) VALUES (%s, %s)", (entry, to_micros(at)))

    def _withdraw(self) -> None:
        announced, self._announced = self._announced, None
        if announced is not None:
            with suppress(Again, HongbaoError):  # readers wait for it no longer after a while
                self._apart("DELETE FROM underway WHERE number = %s", (announced,))

    def _apart(self, sql: str, values: Sequence[object]) -> None:
        """Run one statement on a separate connection, and commit it."""
        connection = self._connected()
        try:
            _ran(connection, sql, values)
            connection.commit()
        except driver().err.Error as error:
            raise errors.in_words(error, self.where) from error
        finally:
            connection.close()

    def apply(self, changes: Iterable[Change]) -> None:
        changes = tuple(changes)
        if not self._depth:
            with self.transaction():
                self.apply(changes)
            return
        self._lanes.touch(changes, serial=self._is_serial())
        state.apply(self, changes)

    def append(
        self,
        acts: Sequence[Decided],
        seal: Seal,
        *,
        more: bool = False,  # noqa: ARG002 - each act is sealed apart
    ) -> bytes | None:
        """Put *acts* into their lanes; an entry keeps the MAC that it has in the first of them."""
        macs = [mac for _act, mac in self._lanes.place(acts, seal, serial=self._is_serial())]
        self._look_up(
            account for act in acts for transfer in act.transfers for account in transfer[:2]
        )
        if acts:
            self._slot = slot_of(acts[0])
        if len(acts) > 1:
            self._append_many(acts, macs)
        elif acts:
            append_one(self, acts[0], macs[0])
        self.read.pop("head", None)
        return self._lanes.mac

    def _is_serial(self) -> bool:
        home = self.home()
        return home is not None and is_serial(home)

    def _append_many(self, acts: Sequence[Decided], macs: Sequence[bytes]) -> None:
        """Write several *acts* table by table; what accounts only get is added at the end."""
        from hongbao.engines.sql.bulk import append_many  # as in a file

        if not _have_sides(acts):
            append_many(self, acts, macs)
            return
        given = self._given = {}
        try:
            append_many(self, acts, macs)
        finally:
            self._given = None
        for side in ("debits_fen", "credits_fen"):
            amounts = [(number, fen) for (of, number), fen in sorted(given.items()) if of == side]
            for first in range(0, len(amounts), INSERTED_AT_ONCE):
                self._give_all(side, amounts[first : first + INSERTED_AT_ONCE])

    def _give_all(self, side: str, amounts: Sequence[tuple[int, int]]) -> None:
        numbers = [number for number, _fen in amounts]
        marks = ", ".join(["%s"] * len(numbers))
        cases = cases_of("id", len(numbers))
        met = self._written(
            f"UPDATE account SET {side} = {side} + {cases} WHERE id IN ({marks})",
            [*(value for amount in amounts for value in amount), *numbers],
        )
        if met != len(numbers):
            raise RuleBroken(_BELOW_ZERO)

    def audit(self, question: Question, *values: object) -> Iterator[Any]:
        asked = ASKED.get(question)
        if asked is None:
            return super().audit(question, *values)
        return self.behind(asked, *values) if values else self.each(asked)

    # --- statements ------------------------------------------------------------------------------

    def row(self, sql: str, *values: object) -> Any:
        rows = self.rows(sql, *values)
        return rows[0] if rows else None

    def rows(self, sql: str, *values: object) -> list[Any]:
        statement = translate(sql)
        found = self._run(statement.text, self._placed(statement, values))[1]
        return [self._opened(row) for row in found]

    def each(self, sql: str, *values: object) -> Iterator[Any]:
        # All at once: an answer that is still coming in keeps the connection from other questions.
        yield from self.rows(sql, *values)

    def behind(self, sql: str, entry: object) -> Iterator[Any]:
        """Ask page by page. Where an entry has more rows than a page, a page becomes larger."""
        size = ROWS_AT_ONCE
        while len(page := self.rows(f"{sql} LIMIT {size}", entry)) == size:
            last = page[-1][0]  # of which there may be more
            whole = [row for row in page if row[0] != last]
            if whole:
                yield from whole
                entry = whole[-1][0]
            else:
                size *= 2
        yield from page

    def streamed(self, sql: str) -> Iterator[Any]:
        """
        Yield the rows of a query as they come in, so that none of them is kept.

        Up to the last one this connection takes no other question; and who is slow to take them may
        find that the node has given up.
        """
        assert self._depth == "snapshot"
        try:
            with self._connection().cursor(driver().cursors.SSCursor) as cursor:
                cursor.execute(translate(sql).text, ())
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    yield from map(self._opened, rows)
        except driver().err.Error as error:
            self._fail(error)

    def write(self, sql: str, *values: object) -> int:
        statement = translate(sql)
        if not self._depth:
            with self.transaction():
                return self.write(sql, *values)
        (placed,) = self._numbered(statement, [values])
        return self._written(statement.text, placed)

    def write_many(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        if not self._depth:
            with self.transaction():
                return self.write_many(sql, rows)
        statement = translate(sql)
        if not statement.text.lstrip().startswith("INSERT"):
            rows = [*rows]
            together = updating(statement.text, [self._placed(statement, row) for row in rows])
            if together is not None:
                return self._written(*together)
            return sum(self.write(sql, *row) for row in rows)
        placed = self._numbered(statement, list(rows))
        met = 0
        for some in (
            placed[at : at + INSERTED_AT_ONCE] for at in range(0, len(placed), INSERTED_AT_ONCE)
        ):
            text, values = inserting(statement.text, some)
            met += self._written(text, values)
        return met

    def balance_fen(self, account: Account) -> int:
        if account.kind in SHARED:
            return books.balance_fen(self, account)
        found = self._run(_BALANCE, tuple(account))[1]
        return int(found[0][0]) if found else 0

    def add_to(self, account: Account, side: str, amount_fen: int) -> int | None:
        number = self._number_of(account)
        if number is None:
            return None
        if not is_taken_from(account, credited=side == "credits_fen"):
            self._give(account, number, side, amount_fen)
        elif account.kind in SHARED:
            self._take_from_all(account, number, side, amount_fen)
        else:
            other = "credits_fen" if side == "debits_fen" else "debits_fen"
            self._write_once(
                f"UPDATE account SET {side} = {side} + %s WHERE id = %s AND {other} >= {side} + %s",
                (amount_fen, number, amount_fen),
            )
        return number

    def _give(self, account: Account, number: int, side: str, amount_fen: int) -> None:
        """Add to *account* where that takes nothing from it: to a slot, if everybody does."""
        if account.kind in SHARED:
            given = (amount_fen, 0) if side == "debits_fen" else (0, amount_fen)
            self._written(_TO_SLOT, (number, self._slot, *given))
        elif self._given is not None:
            self._given[side, number] = self._given.get((side, number), 0) + amount_fen
        else:
            self._write_once(
                f"UPDATE account SET {side} = {side} + %s WHERE id = %s", (amount_fen, number)
            )

    def _take_from_all(self, account: Account, number: int, side: str, amount_fen: int) -> None:
        """
        Take from a shared *account* what is in all of its slots; it is written to none of them.

        Who takes from one is in the platform's lane, so since this snapshot its slots have at most
        got more; and its own row is as it was, or another one was first.
        """
        if self.balance_fen(account) < amount_fen:
            raise RuleBroken(_BELOW_ZERO)
        ((debits_fen, credits_fen),) = self._run(_ROW_ALONE, (number,))[1]
        self._write_once(
            f"UPDATE account SET {side} = {side} + %s"
            " WHERE id = %s AND debits_fen = %s AND credits_fen = %s",
            (amount_fen, number, debits_fen, credits_fen),
        )

    def _write_once(self, text: str, values: Sequence[object]) -> None:
        if self._written(text, values) != 1:
            raise RuleBroken(_BELOW_ZERO)

    def _number_of(self, account: Account) -> int | None:
        """Return the id of *account*, which stays as it is; None if it is not open."""
        if account not in self._accounts:
            self._look_up([account])
        return self._accounts.get(account)

    def _look_up(self, accounts: Iterable[Account]) -> None:
        """Read the ids of those *accounts* that are open, for the rest of the transaction."""
        unknown = list({*accounts} - self._accounts.keys())
        for first in range(0, len(unknown), ASKED_AT_ONCE):
            some = unknown[first : first + ASKED_AT_ONCE]
            places = " OR ".join(["book = %s AND kind = %s AND owner = %s"] * len(some))
            rows = self._run(
                f"SELECT id, book, kind, owner FROM account WHERE {places}",
                [value for account in some for value in account],
            )[1]
            for number, *account in rows:
                self._accounts[tuple(account)] = number

    def columns(self, table: str) -> list[str]:
        return COLUMNS[table]

    def problems(self) -> list[str]:
        from hongbao.engines.sql.audit import dangling

        found = dangling(self)
        for table, columns in REFERENCES.items():
            for column, named in columns.items():
                other, _, key = named.partition(".")
                (count,) = self.row(
                    f"SELECT count(*) FROM {table} AS naming WHERE naming.{column} IS NOT NULL"
                    f" AND NOT EXISTS (SELECT 1 FROM {other} AS named"
                    f" WHERE named.{key} = naming.{column})"
                )
                if count:
                    found.append(f"{table}.{column}: {count}")
        return found

    def _written(self, text: str, values: Sequence[object]) -> int:
        self.wrote = True
        return self._run(text, values)[0]

    def _run(self, text: str, values: Sequence[object]) -> tuple[int, Any]:
        if self._failed is not None:  # what was rolled back is not gone on with
            raise self._failed
        if not self._depth:
            return 0, self._outside(text, values)
        try:
            return _ran(self._connection(), text, values)
        except driver().err.Error as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> NoReturn:
        """Raise what *error* within a transaction or snapshot means; it is not gone on with."""
        problem = errors.in_words(error, self.where)
        if self._numbers.entry is not None and errors.is_taken(error):
            problem = Again(elsewhere=False)  # by an act that was begun at the same time
        if isinstance(problem, Again):
            if problem.elsewhere:
                self._leave()
                if self._depth == "snapshot":
                    problem = NodeLost(where=self.where)
            self._failed = problem
            self._count_undone()
        raise problem from error

    def _next_rows(self, table: str, count: int) -> range:
        """Return the numbers of *count* rows that are added to *table*."""
        first = self._numbers.take_rows(table, count)
        if first is None:
            ((first,),) = self._run(f"SELECT coalesce(max(id), 0) + 1 FROM {table}", ())[1]
        return range(int(first), int(first) + count)

    def _outside(
        self, text: str, values: Sequence[object] | None = None, *, commit: bool = False
    ) -> Any:
        """Run one statement outside of transactions, as one of its own."""

        def once() -> Any:
            connection = self._connection()
            rows = _ran(connection, text, values)[1]
            if commit:
                connection.commit()
            else:
                connection.rollback()
            return rows

        return self._patiently(once)

    def _numbered(
        self, statement: Statement, rows: Sequence[Sequence[object]]
    ) -> list[list[object]]:
        """Return the values of *rows* in their places, with numbers where the table gives them."""
        placed = [self._placed(statement, row) for row in rows]
        if statement.numbered is None:
            return placed
        numbers = self._next_rows(statement.numbered, len(rows))
        return [[number, *row] for number, row in zip(numbers, placed, strict=True)]

    def _placed(self, statement: Statement, values: Sequence[object]) -> list[object]:
        if statement.is_in_order:
            placed = [*values]
        else:
            placed = [values[number] for number in statement.order]
        for at, (_parameter, is_limit, column, alike) in statement.apart:
            value = placed[at]
            if is_limit and isinstance(value, int) and value < 0:
                placed[at] = NO_LIMIT
            elif column is not None and isinstance(value, str | bytes | int):
                placed[at] = self._key.seal(column, value, alike=alike)
        return placed

    def _opened(self, row: Any) -> Any:
        if not any(isinstance(value, bytes) and value.startswith(MARK) for value in row):
            return row
        try:
            return tuple(
                self._key.open(value)
                if isinstance(value, bytes) and value.startswith(MARK)
                else value
                for value in row
            )
        except NotAuthentic:
            raise Damaged(path=self.where) from None


_BELOW_ZERO = "an account never falls below zero"

_BALANCE = (
    "SELECT abs(credits_fen - debits_fen) FROM account WHERE book = %s AND kind = %s AND owner = %s"
)
"""Of an account that has no slots."""

_NUMBER = "SELECT number FROM packet WHERE id = %s"

_ROW_ALONE = "SELECT debits_fen, credits_fen FROM account WHERE id = %s"

_TO_SLOT = (
    "INSERT INTO account_slot (account, slot, debits_fen, credits_fen) VALUES (%s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE debits_fen = debits_fen + VALUES(debits_fen),"
    " credits_fen = credits_fen + VALUES(credits_fen)"
)


def _have_sides(acts: Sequence[Decided]) -> bool:
    """Return whether each account that *acts* move only gives, or only gets."""
    transfers = [transfer for act in acts for transfer in act.transfers]
    given = {transfer.debit for transfer in transfers}
    return given.isdisjoint(transfer.credit for transfer in transfers)


class _Transaction:
    """The ``with`` block of `Ledger.transaction`; within another one it is a part of that."""

    __slots__ = ("_changing", "_dry_run", "_ledger", "_outer")

    def __init__(
        self, ledger: Ledger, changing: Sequence[tuple[str, object]], *, dry_run: bool
    ) -> None:
        self._ledger = ledger
        self._changing = changing
        self._dry_run = dry_run
        self._outer = not ledger.in_transaction

    def __enter__(self) -> None:
        if self._outer:
            self._ledger.enter(self._changing)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._outer:
            self._ledger.leave(error, undo=self._dry_run or error is not None)


def pause(tries: int) -> None:
    """Wait before something is tried again: on average twice as long as before."""
    mean = min(PAUSE_MICROS_MAX, PAUSE_MICROS << tries)
    spread = crc32(b"%d %d" % (getpid(), monotonic_ns()))  # processes that met once part
    sleep(timedelta(microseconds=spread % (2 * mean)).total_seconds())


def _asked(connection: Any, sql: str) -> list[Any]:
    return list(_ran(connection, sql, None)[1])


def _ran(connection: Any, sql: str, values: Sequence[object] | None) -> tuple[int, Any]:
    """
    Run *sql*, and return how many rows it met, and its rows.

    With *values*, be they none, it is a translated text, in which ``%%`` is one ``%``.
    """
    with connection.cursor() as cursor:
        met = cursor.execute(sql if values is None else spelled(connection, sql, values))
        return int(met), cursor.fetchall()
