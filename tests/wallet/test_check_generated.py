"""
Every column of every table is a corruption that `check` finds.

The edits are made from the schema as the file itself has it, so a new table, or a new column, is
covered without anyone remembering it. What nobody can prove is listed here, with the reason, and
`docs/concepts/security.md` says it to users.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao import errors
from hongbao.auditing import PROBLEMS, Auditor
from hongbao.auditing.checkpoint import Checkpoint
from hongbao.auditing.context import Context, Noted
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.queries.check import noted_of
from hongbao.queries.devices import device_keys
from hongbao.vault import verify
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet, risk_control
from tests.wallet import test_check_channel, test_check_guards
from tests.wallet.bills import bill
from tests.wallet.channels import demo
from tests.wallet.guards import HELD
from tests.wallet.world import LI, ZHANG, World, below, card, changed, id_number, right

Row = dict[str, Any]

GONE = "a row is gone"
ADDED = "a row is added"

_TRIES = "one try that was interrupted may be noted beside the keys alone; the greater count rules"

UNPROVEN = {
    ("entry", "took"): "measured, not decided: no part of the chain",
    ("home", "current_profile"): "anybody may choose who may use the home",
    ("home", "clock_at"): "anybody may advance a demo's clock, without an entry",
    ("home", "dice_drawn"): "a demo's chance is nobody's but its user's",
    ("profile", "pin_tries"): _TRIES,
    ("profile", "pin_cleared"): _TRIES,
    ("profile", "totp_step"): "until a code is asked for, the first one is in the ledger alone",
    ("operator", "pin_tries"): _TRIES,
    ("operator", "pin_cleared"): _TRIES,
    ("challenge", "tries"): "an answer is counted before it is looked at, without an entry",
    ("habit", GONE): "it is derived again",
    ("refusal", GONE): "the request is judged anew, as under another id",
}
"""What may be edited and stay unnoticed, and why."""


def live(world: World, midway: Callable[[World], object] = lambda _world: None) -> World:
    """Let everything happen that leaves rows; *midway* is called before the last of it."""
    test_check_guards.live(world)
    midway(world)
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.use_policy(changed(claims_after_days="1"), by=test_check_guards.OLD_WANG)
    test_check_channel.go_wrong(world)
    zhang, li, wang = world.zhang, world.li, world.wang
    finished = zhang.send(66_60, count=2, pin=right)["packet"]
    li.claim(finished, luck="八方来财")
    wang.claim(finished)
    zhang.send(10_00, count=3, deal=DealRule.SHUFFLED, cover="龙", pin=right)
    zhang.claim(li.send(300, count=3, kind=PacketKind.EQUAL, pin=right)["packet"])
    zhang.send(5_00, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right)
    zhang.send(HELD, count=2, pin=right)
    with pytest.raises(errors.AlreadyClaimed):
        li.claim(finished, request_id="twice")
    wang.identify("王五", id_number(5), pin=right)
    zhang.add_card(card(2, 7), pin=right)
    zhang.bring_in(bill(), file="bill.csv")
    zhang.remove_bill(str(zhang.bring_in(bill(first=zhang.now()), file="other.csv")["bill"]))
    zhang.add_totp(lambda secret, _: code_at(secret, zhang.now()), pin=right)
    zhang.rekey()
    world.close()
    return world


class Column(NamedTuple):
    """A column of a table; *allowed* are the values that its constraint lists, if it does."""

    name: str
    type: str
    may_be_null: bool
    allowed: Sequence[str]


class Edit(NamedTuple):
    """One statement past every rule, with its values; *what* of the table it changes."""

    what: str
    sql: str
    values: Sequence[Any]


class Table:
    """A table as the schema has it, and the edits that can be made to its rows."""

    def __init__(self, db: Any, name: str) -> None:
        self.name = name
        [(sql,)] = db.execute(
            "SELECT sql FROM sqlite_master WHERE name = ? AND type = 'table'", (name,)
        )
        self.columns: list[Column] = []
        self.keys: list[str] = []
        for column, kind, not_null, key in db.execute(
            'SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)
        ):
            listed = re.search(rf"\b{column} IN\s*\(([^)]*)\)", sql)
            allowed = re.findall(r"'([^']*)'", listed[1]) if listed else []
            self.columns.append(Column(column, kind, not (not_null or key), allowed))
            if key:
                self.keys.append(column)
        names = [column.name for column in self.columns]
        self.rows: list[Row] = [
            dict(zip(names, row, strict=True)) for row in db.execute(f"SELECT * FROM {name}")
        ]
        indexes = db.execute('SELECT name FROM pragma_index_list(?) WHERE "unique"', (name,))
        self.unique = [
            [column for (column,) in db.execute("SELECT name FROM pragma_index_info(?)", index)]
            for index in list(indexes)
        ]

    def edits(self, rows: Sequence[Row]) -> Iterator[Edit]:
        """Yield every edit of *rows*: each column to other values, the row gone, and copied."""
        for row in rows:
            where = " AND ".join(f"{key} = ?" for key in self.keys)
            named = [row[key] for key in self.keys]
            for column in self.columns:
                for value in self._others(column, row[column.name]):
                    sql = f"UPDATE {self.name} SET {column.name} = ? WHERE {where}"
                    yield Edit(column.name, sql, [value, *named])
            yield Edit(GONE, f"DELETE FROM {self.name} WHERE {where}", named)
            copy = self._copied(row)
            marks = ", ".join("?" for _ in copy)
            sql = f"INSERT INTO {self.name} ({', '.join(copy)}) VALUES ({marks})"
            yield Edit(ADDED, sql, [*copy.values()])

    def _others(self, column: Column, had: Any) -> list[Any]:
        """Return other values that the *column* could have: near ones, and those of other rows."""
        elsewhere = [row[column.name] for row in self.rows if row[column.name] != had]
        found = [*elsewhere[:1], *elsewhere[-1:], *column.allowed]
        if column.may_be_null:
            found.append(None)
        if not column.allowed:
            found += _near(column.type, had)
        return [value for value in dict.fromkeys(found) if value != had]

    def _copied(self, row: Row) -> Row:
        """Return *row* once more, with something else in every key that may be there once."""
        copy = dict(row)
        for key in (self.keys, *self.unique):
            if all(copy[name] is not None and copy[name] == row[name] for name in key):
                last = key[-1]
                copy[last] = _next(max(one[last] for one in self.rows if one[last] is not None))
        return copy


def _near(kind: str, value: Any) -> list[Any]:
    if kind == "INTEGER":
        return [0, 1] if value is None else [value - 1, value + 1]
    if kind == "BLOB":
        return [_next(value) if value else bytes(32)]
    return [f"{value or ''}x", *([value[:-1]] if value else [])]


def _next(value: Any) -> Any:
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return value + 1 if isinstance(value, int) else f"{value}x"


SLOW = ("state", "chain", "terms", "signatures", "challenges", "pages")
"""The checks that take longest, asked last."""

CHECKS = sorted(PROBLEMS, key=lambda name: SLOW.index(name) if name in SLOW else -1)


class Bench:
    """One opened ledger, whose rows are edited past every rule, judged and put back."""

    def __init__(self, wallet: Wallet, *points: Checkpoint) -> None:
        self._wallet = wallet
        self._noted = noted_of(wallet.home)
        self.points = (*points, proven(wallet))
        self.db = below(wallet)._db
        self.db.execute("PRAGMA foreign_keys = OFF")
        self.db.execute("BEGIN")
        triggers = self.db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in list(triggers):
            self.db.execute(f"DROP TRIGGER {trigger}")

    def tables(self) -> list[str]:
        found = self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        return [name for (name,) in found]

    def possible(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        """Yield each of *edits* while it is made; nothing can be twice in a unique index."""
        for edit in edits:
            self.db.execute("SAVEPOINT edit")
            try:
                self.db.execute("PRAGMA ignore_check_constraints = ON")
                with suppress(engine.IntegrityError):
                    assert self.db.execute(edit.sql, edit.values).rowcount
                    self.db.execute("PRAGMA ignore_check_constraints = OFF")
                    yield edit
            finally:
                self.db.execute("ROLLBACK TO edit")
                self.db.execute("RELEASE edit")

    def findings(self, *names: str, behind: Checkpoint | None = None) -> list[str]:
        """Return the checks among *names* that find something, or doubt the checkpoint."""
        auditor = Auditor(context_of(self._wallet, self._noted, behind))
        found = [line["check"] for line in auditor.findings(names) if not line["ok"]]
        return found + auditor.context.doubts


def context_of(wallet: Wallet, noted: Noted, behind: Checkpoint | None = None) -> Context:
    """Return the context of a check of *wallet*, by default of a whole one."""
    home = wallet.home
    return Context(home.store, home.vault, verify, device_keys(home), noted, behind=behind)


def proven(wallet: Wallet) -> Checkpoint:
    """Check all of *wallet*, and return what is proven then."""
    auditor = Auditor(context_of(wallet, noted_of(wallet.home)))
    assert [] == [line["check"] for line in auditor.findings() if not line["ok"]]
    head = wallet.store.head()
    return auditor.proven(head, 0, head.entry)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(risk_control, "KEPT_EVERY", 1)
        points = []

        def midway(world: World) -> None:
            with Wallet.open(world.env, trusting=True) as wallet:
                points.append(proven(wallet))

        world = live(demo(tmp_path_factory.mktemp("everything") / "home"), midway)
    with Wallet.open(world.env, trusting=True) as wallet:
        yield Bench(wallet, *points)


def _names() -> list[str]:
    from hongbao.engines.sqlcipher.schema import _M005

    return sorted(re.findall(r"CREATE TABLE (\w+)", "".join(_M005)))


def test_every_table_has_rows_and_everything_checks(bench: Bench):
    """
    What is edited below was sound before, and no table of the file is left out.
    """
    assert _names() == bench.tables()
    assert [] == [name for name in bench.tables() if not Table(bench.db, name).rows]
    assert [] == bench.findings(*PROBLEMS)


def test_what_cannot_be_proven_is_there(bench: Bench):
    """
    Nothing is excused that is not, or no longer, in the schema.
    """
    columns = {
        (name, what)
        for name in bench.tables()
        for what in (GONE, ADDED, *(column.name for column in Table(bench.db, name).columns))
    }

    assert set() == UNPROVEN.keys() - columns


@pytest.mark.parametrize("name", _names())
def test_every_edit_of_a_table_is_found(name: str, bench: Bench):
    """
    Each column of its first and last row with other values, the row gone, and the row once more.
    """
    table = Table(bench.db, name)
    rows = [table.rows[0], table.rows[-1]] if len(table.rows) > 1 else table.rows
    tried, unnoticed, likely = set(), {}, list(CHECKS)
    for edit in bench.possible(table.edits(rows)):
        tried.add(edit.what)
        found = next((check for check in likely if bench.findings(check)), None)
        if found is None:
            unnoticed[edit.what] = edit
        else:  # it finds most of this table's other edits, too
            likely.remove(found)
            likely.insert(0, found)

    assert {GONE, ADDED, *(column.name for column in table.columns)} == tried
    excused = {what for place, what in UNPROVEN if place == name}
    assert {} == {what: edit for what, edit in unnoticed.items() if what not in excused}
    assert excused == set(unnoticed)


BEHIND = ("claim", "enrolment", "habit", "device")
"""Tables with rows that only the checkpoint proves, where nothing is new."""


def test_behind_a_checkpoint_everything_checks(bench: Bench):
    """
    What was proven midway, and at the end, is as it was.
    """
    assert [[], []] == [bench.findings(*PROBLEMS, behind=point) for point in bench.points]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in BEHIND else [pytest.mark.slow]) for name in _names()],
)
def test_every_edit_of_a_table_is_found_behind_a_checkpoint(name: str, bench: Bench):
    """
    The same edits, where the last whole check was midway, and where it was at the end: none is
    found by the whole check alone.
    """
    table = Table(bench.db, name)
    rows = [table.rows[0], table.rows[-1]] if len(table.rows) > 1 else table.rows
    excused = {what for place, what in UNPROVEN if place == name}
    unnoticed, likely = [], list(CHECKS)
    for edit in bench.possible(table.edits(rows)):
        if edit.what in excused:
            continue
        for point in bench.points:
            found = next((check for check in likely if bench.findings(check, behind=point)), None)
            if found is None:
                unnoticed.append((point.entry, edit))
            else:
                likely.remove(found)
                likely.insert(0, found)

    assert [] == unnoticed


@pytest.mark.slow
@pytest.mark.parametrize("name", _names())
def test_every_edit_of_every_row_is_found_and_nothing_falls_over_it(name: str, bench: Bench):
    """
    The same of all rows, with every check made: none of them stumbles over what another finds.
    """
    table = Table(bench.db, name)
    unnoticed = {}
    for edit in bench.possible(table.edits(table.rows)):
        for point in (None, *bench.points):
            if not bench.findings(*PROBLEMS, behind=point):
                unnoticed[edit.what] = edit

    excused = {what for place, what in UNPROVEN if place == name}
    assert {} == {what: edit for what, edit in unnoticed.items() if what not in excused}


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE profile SET pin_tries = pin_tries + 2 WHERE id = 1",
        "UPDATE profile SET pin_tries = pin_tries - 2, pin_cleared = pin_cleared - 2 WHERE id = 1",
        "UPDATE profile SET pin_locked_until = 1771390800000000 WHERE id = 1",
        "UPDATE operator SET pin_tries = pin_tries + 2 WHERE id = 1",
        "UPDATE operator SET pin_tries = 0, pin_cleared = 0",
    ],
)
def test_more_than_one_interrupted_try_is_found(edit: str, bench: Bench):
    """
    Tries that were given back, or taken, are not what is noted next to the keys.
    """
    found = []
    for _ in bench.possible([Edit("tries", edit, [])]):
        found = bench.findings("state")

    assert ["state"] == found


def test_no_check_falls_over_an_entry_without_its_policy(bench: Bench):
    """
    How slow a bank is, its policy says: where an entry names none, the seal of the entry is broken.
    """
    found: list[str] = []
    for _ in bench.possible([Edit("policy", "UPDATE entry SET policy = NULL", [])]):
        found = bench.findings(*PROBLEMS)

    assert "chain" in found
