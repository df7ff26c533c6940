"""The engine for clusters under the suite: databases on one real server."""

import os
import secrets
import signal
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from hongbao.engines.mysql import engine as engine_module
from hongbao.engines.mysql.address import Address, Host
from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.schema import TABLES, grants
from hongbao.store import RuleBroken, Store
from tests.cluster.nodes import DATABASE, OWNER, Cluster, connect
from tests.vault.processes import run

SECRET = bytes(range(32))


class Poor(Ledger):
    """A ledger whose engine enforces no CHECK, as TiDB is by default."""

    def _connected(self) -> Any:
        connection = super()._connected()
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION check_constraint_checks = 0")
        return connection


PAY = "hongbao_pay"
"""A user with the rights that the pages tell an owner to grant."""

MADE: dict[Path, set[str]] = {}
"""The databases that there are on the cluster in a folder."""


def emptied(cluster: Cluster, name: str) -> Address:
    """Return the address of the database *name* on *cluster*, in which no ledger is."""
    known = MADE.setdefault(cluster.folder, set())
    called = _called(name)
    if called in known:
        _empty(cluster, called)
    else:
        known.add(called)
        with connect(cluster, cluster.nodes[0]) as made, made.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{called}` CHARACTER SET utf8mb4")
    return address_of(cluster, called)


def address_of(cluster: Cluster, database: str, *, user: str = OWNER) -> Address:
    """Return the address by which *user* reaches *database* on *cluster*."""
    nodes = cluster.nodes
    if not nodes[0].port:
        return Address(user, (), database, str(nodes[0].socket))
    hosts = tuple(Host(node.host, node.port) for node in nodes)
    return Address(user, hosts, database)


def let_in(cluster: Cluster, database: str, *, rights: Sequence[str] = ()) -> None:
    """
    Let PAY into the ledger in *database*, with the rights that `grants` gives and no other.

    *rights* are statements that are to be carried out in place of those.

    (The application's user of `tools/cluster` may also add rows to every table that there is.)
    """
    node = cluster.nodes[0]
    password = cluster.password_file(PAY)
    if not password.exists():
        password.touch(mode=0o600)
        password.write_text(f"{secrets.token_urlsafe(18)}\n")
    statements = rights or grants(database, f"'{PAY}'@'%'")
    made = f"CREATE USER IF NOT EXISTS '{PAY}'@'%' IDENTIFIED BY '{password.read_text().strip()}'"
    node.sql(";\n".join([made, *statements, ""]))


def _empty(cluster: Cluster, database: str) -> None:
    with (
        connect(cluster, cluster.nodes[0], database=database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW TABLES")
        there = {name for (name,) in cursor.fetchall()}
        for table in TABLES:
            if table in there and table not in ("head", "form"):
                cursor.execute(f"DELETE FROM `{table}`")
        connection.commit()


class Databases:
    """
    Databases on a *cluster*, of ledgers of one *kind*: they are emptied and used again.

    The owner makes the tables; *user* does the rest.
    """

    refusals = (RuleBroken,)

    def __init__(self, cluster: Cluster, kind: type[Ledger] = Ledger, *, user: str = OWNER) -> None:
        self._cluster = cluster
        self._kind = kind
        self._user = user
        self._opened: list[Ledger] = []

    @property
    def _password(self) -> str:
        return self._cluster.password_file(self._user).read_text().strip()

    def create(self, name: str = "ledger") -> Store:
        address = emptied(self._cluster, name)
        owner = self._cluster.password_file(OWNER).read_text().strip()
        store = self._kind.create(address, owner, SECRET)
        if self._user == OWNER:
            return self._kept(store)
        store.close()
        let_in(self._cluster, address.database)
        return self.open(name)

    def open(self, name: str = "ledger") -> Store:
        return self._kept(self._kind.open(self.address(name), self._password, SECRET))

    def address(self, name: str) -> Address:
        return address_of(self._cluster, _called(name), user=self._user)

    def killed_at(self, step: int, act: Callable[[], object], *, everywhere: bool) -> bool:
        def body() -> None:
            watch(step, everywhere=everywhere)
            act()

        status = run(body)
        assert status in (0, -signal.SIGKILL), "the act raised"
        return status != 0

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    def _kept(self, store: Ledger) -> Ledger:
        self._opened.append(store)
        return store


def _called(name: str) -> str:
    """Return the database of the ledger *name*; those that differ by a number only take turns."""
    return f"{DATABASE}_{name.rstrip('-0123456789')}"


def watch(step: int, *, everywhere: bool) -> None:
    """Kill this process before, or behind, the *step*-th COMMIT, or statement if *everywhere*."""
    from pymysql.connections import Connection

    counted = count(1)
    ran, commit = engine_module._ran, Connection.commit

    def tick() -> None:
        if next(counted) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def run_one(connection: Any, sql: str, values: Sequence[object] | None) -> tuple[int, Any]:
        tick()
        return ran(connection, sql, values)

    def committed(connection: Any) -> None:
        tick()
        commit(connection)
        tick()

    if everywhere:
        engine_module._ran = run_one
    Connection.commit = committed
