"""The engine for clusters under the suite: databases on one real server."""

import os
import signal
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from hongbao.engines.mysql import engine as engine_module
from hongbao.engines.mysql.address import Address, Host
from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.schema import TABLES
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


MADE: dict[Path, set[str]] = {}
"""The databases that there are on the cluster in a folder."""


class Databases:
    """Databases on a *cluster*, of ledgers of one *kind*: they are emptied and used again."""

    refusals = (RuleBroken,)

    def __init__(self, cluster: Cluster, kind: type[Ledger] = Ledger) -> None:
        self._cluster = cluster
        self._kind = kind
        self._known = MADE.setdefault(cluster.folder, set())
        self._opened: list[Ledger] = []
        self._password = cluster.password_file(OWNER).read_text().strip()

    def create(self, name: str = "ledger") -> Store:
        if _called(name) in self._known:
            self._empty(name)
            return self.open(name)
        self._known.add(_called(name))
        with connect(self._cluster, self._cluster.nodes[0]) as made, made.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{_called(name)}` CHARACTER SET utf8mb4")
        return self._kept(self._kind.create(self.address(name), self._password, SECRET))

    def open(self, name: str = "ledger") -> Store:
        return self._kept(self._kind.open(self.address(name), self._password, SECRET))

    def address(self, name: str) -> Address:
        nodes = self._cluster.nodes
        if not nodes[0].port:
            return Address(OWNER, (), _called(name), str(nodes[0].socket))
        hosts = tuple(Host(node.host, node.port) for node in nodes)
        return Address(OWNER, hosts, _called(name))

    def killed_at(self, step: int, act: Callable[[], object], *, everywhere: bool) -> bool:
        def body() -> None:
            _watch(step, everywhere=everywhere)
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

    def _empty(self, name: str) -> None:
        with (
            connect(self._cluster, self._cluster.nodes[0], database=_called(name)) as connection,
            connection.cursor() as cursor,
        ):
            for table in TABLES:
                if table not in ("head", "form"):
                    cursor.execute(f"DELETE FROM `{table}`")
            connection.commit()


def _called(name: str) -> str:
    """Return the database of the ledger *name*; those that differ by a number only take turns."""
    return f"{DATABASE}_{name.rstrip('-0123456789')}"


def _watch(step: int, *, everywhere: bool) -> None:
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
