"""The SQL alone: what a wallet said to its ledger, written down, and said again by nobody."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2 as engine

from hongbao.engines.sqlcipher import Ledger
from hongbao.env import Env
from hongbao.home.places import LEDGER
from hongbao.wallet import Wallet

PRAGMAS = ("synchronous", "foreign_keys", "trusted_schema", "journal_mode", "cache_size")
"""What decides how much a statement costs: both sides have to agree on all of them."""


class Statement(NamedTuple):
    """One statement with the values bound to it."""

    sql: str
    values: Sequence[object]


class Recorder:
    """A connection that also writes down each statement it is given."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.said: list[Statement] = []

    def execute(self, sql: str, values: Sequence[object] = ()) -> Any:
        self.said.append(Statement(sql, values))
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def connect(path: Path, page_key: bytes | None) -> Any:
    """
    Open the ledger at *path* as `Ledger` does, without anything around it.

    Without a *page_key* it is a plain SQLite file, read by the same engine.
    """
    connection = engine.connect(str(path), isolation_level=None)
    if page_key is not None:
        connection.execute(f"PRAGMA key = \"x'{page_key.hex()}'\"")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def connect_to(env: Env) -> Any:
    """Open the ledger of *env*'s home with nothing around it, under a wallet's own pragmas."""
    with Wallet.open(env) as wallet:
        assert isinstance(wallet.store, Ledger)
        connection = connect(env.data / LEDGER, wallet.vault.page_key)
        theirs = [wallet.store.row(f"PRAGMA {name}") for name in PRAGMAS]
    ours = [connection.execute(f"PRAGMA {name}").fetchone() for name in PRAGMAS]
    assert ours == theirs, (ours, theirs)
    return connection


def copy_plain(env: Env, path: Path) -> None:
    """Write the ledger of *env*'s home to *path*, the same rows in the same tables, unencrypted."""
    connection = connect_to(env)
    connection.execute("ATTACH ? AS plain KEY ''", (str(path),))
    connection.execute("SELECT sqlcipher_export('plain')")
    connection.close()


def recorded_claims(env: Env, claimer: str, packets: Iterable[str]) -> list[list[Statement]]:
    """
    Claim *packets* for *claimer*, and return what each claim said to the ledger.

    The first claim of a wallet also reads the policy, which is then known: it is not recorded.
    """
    first, *others = packets
    claims = []
    with Wallet.open(env, profile=claimer) as wallet:
        wallet.claim(first)
        recorder = Recorder(connect(env.data / LEDGER, wallet.vault.page_key))
        wallet.store.close()
        wallet.home.store = Ledger(env.data / LEDGER, recorder)
        for packet in others:
            recorder.said = []
            wallet.claim(packet)
            claims.append(recorder.said)
    return claims


def replay(connection: Any, statements: Iterable[Statement]) -> None:
    """Say *statements* to *connection* one after the other, reading whatever they answer."""
    execute = connection.execute
    for sql, values in statements:
        execute(sql, values).fetchall()
