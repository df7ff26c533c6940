"""Many clients at once on a cluster, faults meanwhile, and in the end what the checkers find."""

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from tests.cluster import bank, lists
from tests.cluster.client import (
    ACCOUNTS,
    BALANCE,
    GENERATIONS,
    SCHEMA,
    SLOTS,
    Client,
    Conflict,
    Options,
    numbers,
)
from tests.cluster.history import FAIL, INFO, OK, Finding, Op, counted, load
from tests.cluster.nodes import OWNER, Cluster, Node, connect

ROOT = Path(__file__).parents[2]


class Workload:
    """
    So many *clients* of *cluster*, each a process, from ``with`` until `finish`.

    The clients are spread over all nodes, and each goes on at the next when its own fails.
    """

    def __init__(
        self, cluster: Cluster, folder: Path, workload: str, *, clients: int = 6, **options: Any
    ) -> None:
        self.cluster = cluster
        self.folder = folder
        self.workload = workload
        self.database = cluster.create_database(f"hongbao_{workload}_{time.monotonic_ns()}")
        self.history: list[Op] = []
        self.options = [
            Options(
                workload=workload,
                nodes=[[node.host, node.port] for node in cluster],
                database=self.database,
                user=OWNER,
                password_file=str(cluster.password_file(OWNER)),
                file=str(folder / f"{workload}-{number}"),
                stop_file=str(folder / f"{workload}-stop"),
                number=number,
                **options,
            )
            for number in range(1, clients + 1)
        ]
        self.processes: list[subprocess.Popen[bytes]] = []
        self._read: Counter[Path] = Counter()  # so much of each history is counted
        self._acknowledged = 0
        self._fill()

    def _fill(self) -> None:
        with connect(self.cluster, self.cluster.nodes[0], database=self.database) as connection:
            cursor = connection.cursor()
            for statement in filter(str.strip, SCHEMA.split(";")):
                cursor.execute(statement)
            keys = [(key,) for key in range(SLOTS * GENERATIONS)]
            cursor.executemany("INSERT INTO lists VALUES (%s, '', 0)", keys)
            for account in range(ACCOUNTS):
                cursor.execute("INSERT INTO accounts VALUES (%s, %s, 0)", (account, BALANCE))
            connection.commit()

    def __enter__(self) -> Self:
        for options in self.options:
            words = [sys.executable, "-m", "tests.cluster.client", json.dumps(asdict(options))]
            self.processes.append(subprocess.Popen(words, cwd=ROOT))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def acknowledged(self) -> int:
        """Return how much has been acknowledged so far: a fault is to hit a cluster at work."""
        for file in self._files():
            with file.open("rb") as lines:
                lines.seek(self._read[file])
                new = lines.read()
            new = new[: new.rfind(b"\n") + 1]
            self._read[file] += len(new)
            self._acknowledged += new.count(b'"ok"]\n')
        return self._acknowledged

    def wait_for_answers(self, more: int = 20, seconds: float = 90) -> None:
        """Wait until so many *more* transactions are acknowledged."""
        goal = self.acknowledged() + more
        end = time.monotonic() + seconds
        while self.acknowledged() < goal:
            if time.monotonic() > end:
                states = [node.look() for node in self.cluster]
                raise AssertionError(f"no more answers within {seconds:.0f} s: {states}")
            time.sleep(0.1)

    def _files(self) -> list[Path]:
        return [Path(one.file) for one in self.options if Path(one.file).exists()]

    # --- the end --------------------------------------------------------------------------------

    def finish(self) -> list[Finding]:
        """
        End all clients, wait until nothing can change any more, and return what is wrong.

        Every node has to end with the same rows, and they are checked against the history.
        """
        Path(self.options[0].stop_file).touch()
        for process in self.processes:
            assert 0 == process.wait(60)
        self.history = load(self._files())
        for node in self.cluster:
            node.wait_ready(60)
        self._wait_alone()
        self._say(counted(self.history))
        return self.findings()

    def _say(self, text: str) -> None:
        sys.stdout.write(f"{self.workload}: {text}\n")  # pytest -s: how much was tried

    def _wait_alone(self) -> None:
        """Wait until no connection of a client is left, which might still commit."""
        end = time.monotonic() + 30
        others = f"SELECT count(*) FROM information_schema.processlist WHERE user = '{OWNER}'"
        while any(node.sql(others) != [["0"]] for node in self.cluster):
            assert time.monotonic() < end
            time.sleep(0.1)

    def _end(self, node: Node) -> tuple[dict[int, list[int]], dict[int, int], list]:
        with connect(self.cluster, node, database=self.database) as connection:
            cursor = connection.cursor()
            if self.cluster.kind == "galera":
                cursor.execute("SET SESSION wsrep_sync_wait = 7")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            cursor.execute("SELECT k, v FROM lists")
            found = {key: numbers(text) for key, text in cursor.fetchall()}
            cursor.execute("SELECT id, balance FROM accounts")
            balances = dict(cursor.fetchall())
            cursor.execute("SELECT id, source, target, amount FROM transfers ORDER BY id")
            return found, balances, list(cursor.fetchall())

    def ask_again(self) -> None:
        """
        Ask each transfer of unknown outcome again, under the same id: none may happen twice.

        It had happened before, or happens now, or is refused; the checker goes by that answer.
        """
        node = self.cluster.nodes[0]
        client = Client(self.options[0])
        there = {row[0] for row in self._end(node)[2]}
        outcomes: Counter[str] = Counter()
        with connect(self.cluster, node, database=self.database) as connection:
            cursor = connection.cursor()
            for position, op in enumerate(self.history):
                if op.outcome != INFO or op.value[0][0] != "transfer":
                    continue
                number = op.value[0][1]
                try:
                    client.transfer(cursor, *op.value[0][1:])
                    connection.commit()
                    outcome = "now"
                except pymysql.err.IntegrityError:
                    outcome = "before"
                except Conflict:
                    outcome = "refused"
                connection.rollback()
                assert (outcome == "before") == (number in there)
                outcomes[outcome] += 1
                answer = FAIL if outcome == "refused" else OK
                self.history[position] = op._replace(outcome=answer)
        self._say(f"asked again: {dict(outcomes)}")

    def findings(self) -> list[Finding]:
        """Return what is wrong at this moment, when nobody writes."""
        ends = [self._end(node) for node in self.cluster]
        findings = [
            Finding("apart", f"{node.name} ends otherwise than {self.cluster.nodes[0].name}")
            for node, end in zip(self.cluster, ends, strict=True)
            if end != ends[0]
        ]
        found, balances, rows = ends[0]
        if self.workload == "lists":
            return findings + lists.check(self.history, found)
        begun_with = dict.fromkeys(range(ACCOUNTS), BALANCE)
        return findings + bank.check(self.history, begun_with, balances, rows)
