"""The engine for clusters without a server: its dialect, its columns, and its errors."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from hongbao.engines.mysql import engine, errors
from hongbao.engines.mysql.address import parse_address
from hongbao.engines.mysql.dialect import translate
from hongbao.engines.mysql.driver import connect, driver
from hongbao.engines.mysql.schema import COLUMNS, REFERENCES, SEALED_COLUMNS, TABLES
from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Damaged, HongbaoError, LedgerDenied, LedgerUnreachable, OutcomeUnknown
from hongbao.store import Again, RuleBroken
from hongbao.vault.columns import MARK, ColumnKey
from hongbao.vault.primitives import NotAuthentic

KEY = ColumnKey(bytes(32))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM b WHERE c IS ?", "SELECT a FROM b WHERE c <=> %s"),
        ("SELECT a.b IS NOT c.d, e IS NOT NULL", "SELECT NOT a.b <=> c.d, e IS NOT NULL"),
        ("SELECT '?%', '%' LIKE x", "SELECT '?%%', '%%' LIKE x"),
        ("SELECT max(a), max(b, 'x,(')", "SELECT max(a), greatest(b, 'x,(')"),
        ("SELECT min(coalesce(a, 1))", "SELECT min(coalesce(a, 1))"),
        (
            "INSERT OR IGNORE INTO a (b, c) VALUES (?, ?)",
            "INSERT INTO a (b, c) VALUES (%s, %s) ON DUPLICATE KEY UPDATE b = a.b",
        ),
        (
            "INSERT OR REPLACE INTO a (b, c) VALUES (1, ?)",
            (
                "INSERT INTO a (b, c) VALUES (1, %s) ON DUPLICATE KEY UPDATE"
                " b = VALUES(b), c = VALUES(c)"
            ),
        ),
        (
            "INSERT INTO a (b) VALUES (?) ON CONFLICT (b) DO UPDATE SET b = a.b + excluded.b",
            "INSERT INTO a (b) VALUES (%s) ON DUPLICATE KEY UPDATE b = a.b + VALUES(b)",
        ),
        (
            "INSERT INTO transfer (entry, book) VALUES (?, ?)",
            "INSERT INTO transfer (id, entry, book) VALUES (%s, %s, %s)",
        ),
        (
            "WITH a (b, c) AS (VALUES (?, ?), (?, ?)) SELECT b",
            "WITH a (b, c) AS (SELECT %s, %s UNION ALL SELECT %s, %s) SELECT b",
        ),
        ("SELECT key FROM usage", "SELECT `key` FROM `usage`"),
    ],
)
def test_a_text_is_put_into_mysqls_words(sql: str, expected: str):
    assert expected == translate(sql).text


def test_numbered_parameters_are_placed_where_they_stand():
    places = translate("SELECT ?2, ?1, '?' FROM a LIMIT ?3").places
    assert [(1, False), (0, False), (2, True)] == [place[:2] for place in places]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "INSERT INTO device (id, name, name_key) VALUES (?, ?, ?)",
            [None, "device.name", "device.name_key"],
        ),
        ("UPDATE entry SET mac = ? WHERE id = ?", [None, None]),
        ("SELECT 1 FROM operator WHERE ?1 IS NULL OR name_key = ?1", ["operator.name_key"] * 2),
        (
            "SELECT (SELECT 1 FROM entry) FROM device WHERE name_key = ?",
            ["device.name_key"],
        ),
        (
            "SELECT 1 FROM enrolment JOIN device ON TRUE WHERE profile = ? AND device.name_key = ?",
            [None, "device.name_key"],
        ),
        ("UPDATE habit SET upto = ?, text = ?", [None, "habit.text"]),
    ],
)
def test_a_value_is_sealed_for_the_column_that_it_is_for(sql: str, expected: list[str | None]):
    assert expected == [place.column for place in translate(sql).places]


def test_the_tables_have_the_columns_of_the_embedded_engine_in_their_order(tmp_path: Path):
    """Seals cover rows so, and a row has one seal wherever it is."""
    ledger = Ledger.create(tmp_path / "ledger.db", bytes(32))
    tables = [name for (name,) in ledger.rows("SELECT name FROM sqlite_master WHERE type='table'")]
    own = {"form", "lane", "lane_entry", "underway", "sealed_lane"}  # and those of the log
    own |= {"log", "leaf", "node", "checkpoint", "witness", "publication"}
    own |= {"account_slot", "arrival", "former_seal"}
    assert set(tables) == TABLES.keys() - own
    for table in tables:
        assert COLUMNS[table] == ledger.columns(table), table
        keys = ledger.rows(
            'SELECT "from", "table" || \'.\' || "to" FROM pragma_foreign_key_list(?)', table
        )
        expected = {column: named for column, named in keys if column != "book"}
        assert expected == REFERENCES.get(table, {}), table
    ledger.close()
    assert {"device", "profile", "operator"} <= {
        table for table, sealed in SEALED_COLUMNS.items() if sealed.get("name_key")
    }


class Said(Exception):
    """What a driver raises: a code, and what the server says."""


AT_COMMIT = {1213: True, 1020: True, 8022: True, 1205: False, 1180: False, 2013: False, 4012: False}


def test_at_commit_only_what_surely_rolled_back_is_done_again():
    for code, again in AT_COMMIT.items():
        found = errors.at_commit(Said(code, "said"))
        assert isinstance(found, Again if again else OutcomeUnknown), code
    assert isinstance(errors.at_commit(Said(6002, "transaction needs rollback")), Again)
    unknown = errors.at_commit(Said(6002, "who knows"))
    assert isinstance(unknown, HongbaoError)
    assert unknown.begun
    assert unknown.exit_code == 17


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1213, Again),
        (1205, Again),
        (2013, Again),
        (1047, Again),
        (1062, RuleBroken),
        (4025, RuleBroken),
        (1142, LedgerDenied),
        (1146, Damaged),
    ],
)
def test_what_an_error_says_of_its_statement(code: int, expected: type[Exception]):
    found = errors.in_words(Said(code, "said"), "where")
    assert isinstance(found, expected)
    if isinstance(found, Again):
        assert found.elsewhere == (code in (2013, 1047))
    other = Said(1064, "a mistake of ours")
    assert other is errors.in_words(other, "where")


@pytest.mark.parametrize(
    ("code", "problem"),
    [(1045, "login"), (2059, "method"), (1130, "machine"), (1049, "database"), (1142, "rights")],
)
def test_what_a_user_is_denied_is_told_apart(code: int, problem: str):
    denied = errors.in_words(Said(code, "said"), "where")
    assert isinstance(denied, LedgerDenied)
    assert problem == denied.problem


def test_a_password_goes_to_the_server_as_it_was_typed(monkeypatch: pytest.MonkeyPatch):
    """In UTF-8, as the server keeps it; the driver would send text in Latin-1, or not at all."""
    pytest.importorskip("pymysql")
    sent = []

    def connected(**asked: object) -> SimpleNamespace:
        sent.append(asked["password"])
        return SimpleNamespace()

    monkeypatch.setattr(driver(), "connect", connected)
    address = parse_address("mysql://pay@127.0.0.1/ledger")
    for password in ("密 码'é", None):
        connect(address, address.hosts[0], password)
    assert ["密 码'é".encode(), b""] == sent


def away(reason: OSError | None, code: int) -> Exception:
    """Return what the driver raises where a connection failed by a *reason* of the system."""
    error: Exception = driver().err.OperationalError(code, "said")
    vars(error)["original_exception"] = reason
    return error


AWAY: dict[str, tuple[OSError | None, int]] = {
    "unknown_name": (socket.gaierror(), 2003),
    "no_socket": (FileNotFoundError(), 2003),
    "refused": (ConnectionRefusedError(), 2003),
    "silent": (TimeoutError(), 2003),
    "crowded": (None, 1040),
    "no_writes": (None, 1047),
}


@pytest.mark.parametrize(
    ("problems", "told"), [*(((name,), name) for name in AWAY), (("refused", "silent"), "away")]
)
def test_why_no_node_is_reached_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, problems: tuple[str, ...], told: str
):
    """Of several nodes only if it is the same for all."""
    pytest.importorskip("pymysql")
    raised = [away(*AWAY[problem]) for problem in problems]

    def failing(*_: object, **_seconds: object) -> None:
        raise raised.pop()

    monkeypatch.setattr(engine, "connect", failing)
    hosts = ",".join(f"db{number}" for number in range(len(problems)))
    with pytest.raises(LedgerUnreachable) as refused:
        engine.Ledger.open(parse_address(f"mysql://pay@{hosts}/ledger"), None, bytes(32))
    assert told == refused.value.problem
    assert f"db0{',db1' * (len(problems) - 1)}/ledger can be used: " in refused.value.message


def test_a_sealed_value_opens_to_itself_and_not_if_it_was_altered():
    for value in ("红包", b"\0\1", 7, "", b""):
        for alike in (True, False):
            sealed = KEY.seal("table.column", value, alike=alike)
            assert sealed.startswith(MARK)
            assert value == KEY.open(sealed)
            assert alike == (sealed == KEY.seal("table.column", value, alike=alike))
            for at in range(len(MARK), len(sealed)):
                with pytest.raises(NotAuthentic):
                    KEY.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    with pytest.raises(NotAuthentic):
        ColumnKey(bytes(31) + b"1").open(KEY.seal("table.column", "x", alike=True))
    assert KEY.seal("a.b", "x", alike=True) != KEY.seal("a.c", "x", alike=True)
