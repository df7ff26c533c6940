"""
The simulation's lives, with their ledger in a database on a real server.

A statement is a turn, as it is in a file. A lock that another process has is told at once, and not
waited for, so that the turn can be given away; whoever is killed leaves its connection as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pymysql.connections import Connection

from hongbao.engines.mysql import engine as engine_module
from hongbao.engines.mysql import session
from hongbao.engines.mysql.engine import Ledger
from hongbao.home.clusters import Access
from hongbao.home.opening import key_folder
from hongbao.wallet import Wallet
from tests.cluster.databases import PAY
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import empty_ledger
from tests.simulation.commands import Command
from tests.simulation.life import Life, Round
from tests.simulation.model import HELD, HELD_BACK
from tests.simulation.plan import Author
from tests.simulation.scheduler import AFTER, REMEMBERED, Fault, Scheduler

DECIDED, ANEW, TURNED = 0.25, 0.2, 0.1
"""How likely a round decides a case, asks anew for something, or turns the clock to any hour."""

ASKED_LATELY = 12
"""Of how many things one is asked for anew."""

LEFT_OUT = {"rekey", "backup", "restore"}
"""What only a file has; a backup is of use to a restore alone."""

LEDGER = Path("ledger.db")
"""What a life takes for its ledger."""


class ClusterScheduler(Scheduler):
    """Gives turns at statements of connections to a cluster as well."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let nothing within be anyone's turn."""
        now, self.now = self.now, None
        try:
            yield
        finally:
            self.now = now

    @contextmanager
    def installed(self) -> Iterator[None]:
        ran, commit, write, sleep = (
            engine_module._ran,
            Connection.commit,
            Ledger.write,
            vars(engine_module)["sleep"],
        )

        def run(connection: Any, sql: str, values: Any) -> Any:
            if self.mine() is None:
                return ran(connection, sql, values)
            self.step(" ".join(sql.split()[:3]))
            done = ran(connection, sql, values)
            if sql.startswith("START TRANSACTION") and "READ ONLY" not in sql:
                self.began("BEGIN IMMEDIATE")
            return done

        def committed(connection: Any) -> None:
            if self.mine() is None:
                commit(connection)
                return
            self.step("COMMIT")
            commit(connection)
            self.committed(connection, LEDGER)
            self.step(AFTER)

        def wrote(ledger: Ledger, sql: str, *values: object) -> int:
            met = write(ledger, sql, *values)
            if self.mine() is not None and sql.startswith(REMEMBERED):
                self.wrote(sql, values)
            return met

        def paused(seconds: float) -> None:
            if self.mine() is None:
                sleep(seconds)
            else:
                self.wait()

        with (
            super().installed(),
            patch.object(engine_module, "_ran", run),
            patch.object(engine_module, "sleep", paused),
            patch.object(Connection, "commit", committed),
            patch.object(Ledger, "write", wrote),
            patch.dict(session.PATIENCE, {"innodb_lock_wait_timeout": "0"}),
        ):
            yield


class LifeOnCluster(Life):
    """A home on *cluster*, its model, and the processes that are open."""

    schedules = ClusterScheduler

    def __init__(self, cluster: Cluster, seed: str) -> None:
        super().__init__(seed)
        self._address = empty_ledger(cluster, "simulated")
        self._password = cluster.password_file(PAY).read_text().strip()
        self._reader: Ledger | None = None

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        super().close()

    def place(self) -> dict[str, Any]:
        return {"access": Access(self._address, self._password)}

    def _asking(self, _db: Any) -> Callable[..., Any]:
        scheduler = self.scheduler
        assert isinstance(scheduler, ClusterScheduler)

        def execute(sql: str, values: tuple[object, ...] = ()) -> Any:
            with scheduler.aside():
                if self._reader is None:  # the first commit of all, whose keys nobody has locked
                    key = key_folder(self.env(99)).open(None).page_key
                    self._reader = Ledger.open(self._address, self._password, key)
                return Rows(self._reader.rows(sql, *values))

        return execute

    def _asking_of(self, _desk: Wallet) -> Callable[..., Any]:
        return self._asking(None)


class Rows(list[Any]):
    """Rows, as a cursor of the embedded engine hands them out."""

    def fetchone(self) -> Any:
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        return list(self)


TWICE = frozenset({"refund", "decide", "claim", "withdraw", "send", "topup", "correct"})
"""What is asked for anew, as another request: some of it succeeds once, and some each time."""


class AuthorOnCluster(Author):
    """
    Draws what a ledger on a cluster has; faults of a disk are the server's there.

    An act has more statements than in a file, so a life of as many turns has fewer commands: more
    of them are about what was done before, where a rule that is forgotten shows.
    """

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.acts = [act for act in self.acts if act not in LEFT_OUT]
        self._asked: list[Command] = []

    def round(self, life: Life) -> Round:
        drawn = self._sooner(life) or super().round(life)
        self._asked += [command for command in drawn.commands if command.act in TWICE]
        return drawn

    def _sooner(self, life: Life) -> Round | None:
        """Draw what a longer life comes to in any case, or nothing."""
        rng, who = self.rng, self._who(life)
        if life.books.cases_of and rng.random() < DECIDED:  # be it open or not
            case = rng.choice(list(life.books.cases_of))
            verb, operator = rng.choice(("approve", "reject")), rng.choice(("Wu", "Bao"))
            return Round([self.command("decide", who, case=case, verb=verb, operator=operator)])
        if self._asked and rng.random() < ANEW:  # as another request
            before = rng.choice(self._asked[-ASKED_LATELY:])
            self.number += 1
            again = before.but(number=self.number, fault=None, request=None, fresh=False)
            return Round([again])
        if rng.random() < TURNED:  # to any hour, on this day or the next
            return Round([self.command("clock", who, minutes=rng.randrange(24) * 60)])
        return None

    def _amount(self, most_fen: int = 0) -> int:
        """Draw an amount; of those that rules put on hold, twice as many as in a file."""
        if self.has_holds and self.rng.random() < 0.25:
            return self.rng.choice((HELD, HELD_BACK))
        return super()._amount(most_fen)

    def _refund(self, life: Life, who: str) -> dict[str, Any] | None:
        """Refund any packet there ever was, as often as a late one."""
        if self.rng.random() < 0.5 or not life.books.of_command:
            return super()._refund(life, who)
        packet = self.rng.choice(list(life.books.of_command))
        sender = life.books.packets[life.books.of_command[packet]].sender
        return {"packet": packet, "as": sender}

    def _fault(self) -> Fault:
        return super()._fault()._replace(kind=self.rng.choice(("kill", "kill", "memory")))
