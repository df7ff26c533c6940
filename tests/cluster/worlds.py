"""The wallet's worlds, with a home whose ledger is in a database on a real server."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from hongbao.engines import sqlcipher
from hongbao.engines.mysql.address import Address
from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.schema import COLUMNS
from hongbao.engines.sqlcipher import copying
from hongbao.home.clusters import Access, note
from hongbao.wallet import Wallet
from tests.cluster.databases import PAY, SECRET, address_of, emptied, let_in
from tests.cluster.nodes import OWNER, Cluster, connect
from tests.wallet.world import NOON, TOOK, Dump, World


@cache
def tables() -> list[str]:
    """Return the tables that a file has."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = sqlcipher.Ledger.create(Path(folder, "ledger.db"), bytes(32))
        found = copying.tables_of(ledger)
        ledger.close()
    return found


class OnCluster(World):
    """
    A home in *folder* with its ledger in an empty database on *cluster*.

    Whoever acts is no owner of the tables. The database is the next of *names*.
    """

    cluster: Cluster
    names: Iterator[str]

    def __init__(self, folder: Path, at: Any = NOON) -> None:
        super().__init__(folder, at)
        self.address = empty_ledger(self.cluster, f"world_{next(self.names)}")

    @property
    def access(self) -> Access:
        return Access(self.address, self.cluster.password_file(PAY).read_text().strip())

    def found(self, name: str, *args: Any, **choices: Any) -> Wallet:
        if not self.env.keys.exists():
            choices["access"] = self.access
        return super().found(name, *args, **choices)

    def raw(self) -> "Reader":
        with Wallet.open(self.env, profile=None, trusting=True) as wallet:
            key = wallet.vault.page_key
        return Reader(Ledger.open(self.address, self.access.password, key))

    def dump(self, ignoring: Mapping[str, tuple[str, ...]] | None = None) -> Dump:
        reader = self.raw()
        try:
            return self.dump_of(reader, ignoring)
        finally:
            reader.close()

    def dump_of(self, db: Any, ignoring: Mapping[str, tuple[str, ...]] | None = None) -> Dump:
        """Return every row of every table that a file has, in clear, with the columns of a file."""
        ignoring = dict(ignoring or {})
        ignoring["entry"] = (*ignoring.get("entry", ()), TOOK)
        found: Dump = {}
        with db.ledger.snapshot():
            for table in tables():
                kept = [name for name in COLUMNS[table] if name not in ignoring.get(table, ())]
                listed = ", ".join(f"`{name}`" for name in kept)
                found[table] = list(db.ledger.each(f"SELECT {listed} FROM {table}"))
        return found

    def copy(self, folder: Path) -> "OnCluster":
        """Return a world whose home is a copy of this one's, with a copy of the ledger."""
        self.close()
        shutil.copytree(self.folder, folder)
        other = type(self)(folder, self.at)
        other.chances = self.chances
        fill(self.cluster, self.address.database, other.address.database)
        with Wallet.open(self.env, profile=None, trusting=True) as wallet:
            note(other.env, wallet.vault, other.access)
        return other


def worlds_on(cluster: Cluster) -> type[OnCluster]:
    """Return how worlds are made on *cluster*. The first one stays; the others take turns."""
    names = chain("a", cycle("bcd"))
    return type("OnThisCluster", (OnCluster,), {"cluster": cluster, "names": names})


class Reader:
    """An open ledger, as tests of files use a connection: it executes SQL, and closes."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def execute(self, sql: str, *values: object) -> list[Any]:
        return self.ledger.rows(sql, *values)

    def close(self) -> None:
        self.ledger.close()


def empty_ledger(cluster: Cluster, name: str) -> Address:
    """Return PAY's address of a database in which a ledger's tables are, and nothing in them."""
    address = emptied(cluster, name)
    Ledger.create(address, cluster.password_file(OWNER).read_text().strip(), SECRET).close()
    let_in(cluster, address.database)
    return address_of(cluster, address.database, user=PAY)


def fill(cluster: Cluster, source: str, target: str) -> None:
    """Copy every row of a ledger in the database *source* to the empty one in *target*."""
    with connect(cluster, cluster.nodes[0], database=target) as link, link.cursor() as cursor:
        for table, columns in COLUMNS.items():
            if table != "form":
                listed = ", ".join(f"`{column}`" for column in columns)
                cursor.execute(
                    f"INSERT INTO `{table}` ({listed}) SELECT {listed} FROM `{source}`.`{table}`"
                )
        link.commit()
