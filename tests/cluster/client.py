"""
A client of a cluster under test: a process of its own, which writes down what it asks and is told.

It keeps to what an application has to: READ COMMITTED, every row that it decided on also written,
an error before COMMIT means nothing happened, and of an error at COMMIT only those on a white list
do. Controls leave one of these out, and have to be found.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.cluster.history import FAIL, INFO, OK

ROLLED_BACK = {1213, 1020}
"""The white list: at COMMIT these mean that nothing stays. Whatever else comes, nobody knows."""

ELSEWHERE = {2013, 2006, 2003, 1047, 1053, 1180, 1205}
SLOTS = 6
GENERATIONS = 300
LONGEST = 50
"""Lists that are used at a time, how many there are of each, and when the next one is begun."""
ACCOUNTS = 6
BALANCE = 1000

SCHEMA = """
    CREATE TABLE lists (k BIGINT PRIMARY KEY, v MEDIUMTEXT NOT NULL, version BIGINT NOT NULL);
    CREATE TABLE accounts (
        id BIGINT PRIMARY KEY, balance BIGINT NOT NULL, version BIGINT NOT NULL
    );
    CREATE TABLE transfers (
        id BIGINT PRIMARY KEY, source BIGINT NOT NULL, target BIGINT NOT NULL,
        amount BIGINT NOT NULL
    );
"""


class Conflict(Exception):
    """A row is not as it was read: nothing was written, and the transaction goes back."""


@dataclass(frozen=True)
class Options:
    """What a client is told to be, and how it reaches the nodes."""

    workload: str  # lists or bank
    nodes: list[list[Any]]  # host and port of each
    database: str
    user: str
    password_file: str
    file: str  # the history it writes
    stop_file: str  # which ends it
    number: int
    sync_wait: int = 7
    is_guarded: bool = True
    hops: bool = False  # read from the next node what was written to the last, at once
    pause: float = 0.01  # between transactions: nodes and clients share the machine


class Client:
    """A connection to each node that it has used, of which it leaves those that fail."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.chance = random.Random(options.number)
        self.at = options.number % len(options.nodes)
        self.connections: dict[int, Any] = {}
        self.done = 0
        self.last: list[list[Any]] = []  # what was just acknowledged
        self.generations = [0] * SLOTS

    @property
    def connection(self) -> Any:
        """The connection to the node that is used now."""
        return self.connections[self.at]

    def live(self) -> None:
        """Act until the file to stop is there."""
        step = self.lists if self.options.workload == "lists" else self.bank
        with Path(self.options.file).open("a") as history:
            while not Path(self.options.stop_file).exists():
                if self.options.hops:
                    self.at = (self.at + 1) % len(self.options.nodes)
                if self.at not in self.connections and not self.connect():
                    time.sleep(0.2)
                    continue
                self.done += 1
                begun = time.monotonic()
                value = step()
                self._write(history, value, begun, begun, INFO)
                outcome = self.perform(value)
                self.last = value if outcome == OK else []
                self._write(history, value, begun, time.monotonic(), outcome)
                time.sleep(self.chance.random() * 2 * self.options.pause)
        for connection in self.connections.values():
            connection.close()

    def _write(self, history: Any, value: list, begun: float, ended: float, outcome: str) -> None:
        history.write(json.dumps([self.options.number, value, begun, ended, outcome]) + "\n")
        history.flush()

    # --- connecting -----------------------------------------------------------------------------

    def connect(self) -> bool:
        """Connect to the next node that answers, and return whether there is one."""
        host, port = self.options.nodes[self.at]
        try:
            connection = pymysql.connect(
                host=host,
                port=port,
                user=self.options.user,
                password=Path(self.options.password_file).read_text().strip(),
                database=self.options.database,
                autocommit=False,
                connect_timeout=3,
                read_timeout=8,
                write_timeout=8,
            )
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                cursor.execute(f"SET SESSION wsrep_sync_wait = {self.options.sync_wait:d}")
                cursor.execute("SET SESSION innodb_lock_wait_timeout = 3")
        except (pymysql.err.MySQLError, OSError):
            self.leave()
            return False
        self.connections[self.at] = connection
        return True

    def leave(self) -> None:
        """Give this node up for the next."""
        if (connection := self.connections.pop(self.at, None)) is not None:
            with suppress(pymysql.err.MySQLError):  # closed already: no more was wanted
                connection.close()
        self.at = (self.at + 1) % len(self.options.nodes)

    def perform(self, value: list[list[Any]]) -> str:
        """Carry out a transaction, fill in what it reads, and return its outcome."""
        cursor = self.connection.cursor()
        try:
            self.run(cursor, value)
        except (pymysql.err.MySQLError, Conflict) as error:
            self.go_back(error)
            return FAIL
        try:
            self.connection.commit()
        except pymysql.err.MySQLError as error:
            self.go_back(error)
            return FAIL if error.args[0] in ROLLED_BACK else INFO
        return OK

    def go_back(self, error: Exception) -> None:
        """Roll back, or leave a node that is of no more use."""
        if isinstance(error, Conflict) or error.args[0] not in ELSEWHERE:
            with suppress(pymysql.err.MySQLError):  # gone, and with it what was open
                self.connection.rollback()
                return
        self.leave()

    def run(self, cursor: Any, value: list[list[Any]]) -> None:
        """Carry out the steps of *value*."""
        kinds = {step[0] for step in value}
        if kinds == {"r"} and len(value) == 1:
            pass  # one statement is a snapshot of its own
        elif kinds in ({"r"}, {"read"}):
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        else:
            cursor.execute("START TRANSACTION")
        if kinds == {"read"}:
            cursor.execute("SELECT id, balance FROM accounts")
            value[0][1] = dict(cursor.fetchall())
        elif kinds == {"transfer"}:
            self.transfer(cursor, *value[0][1:])
        elif kinds == {"r"}:
            for step in value:
                cursor.execute("SELECT v FROM lists WHERE k = %s", (step[1],))
                step[2] = numbers(cursor.fetchone()[0])
        else:
            self.append(cursor, value)

    # --- lists ----------------------------------------------------------------------------------

    def lists(self) -> list[list[Any]]:
        """
        Return a transaction on one to three lists: some read, some appended to.

        A list that has become long is left for a new one, or histories would be all reading.
        """
        written = [step[1] for step in self.last if step[0] == "append"]
        if self.options.hops and written:
            return [["r", written[0], None]]
        for kind, key, value in self.last:
            if kind == "r" and len(value) >= LONGEST:
                slot, generation = divmod(key, GENERATIONS)
                self.generations[slot] = min(generation + 1, GENERATIONS - 1)
        slots = sorted(self.chance.sample(range(SLOTS), self.chance.randint(1, 3)))
        keys = [slot * GENERATIONS + self.generations[slot] for slot in slots]
        if self.chance.random() < 0.3:
            return [["r", key, None] for key in keys]
        steps: list[list[Any]] = []
        for key in keys:
            steps.append(["r", key, None])
            if key == keys[0] or self.chance.random() < 0.5:
                steps.append(["append", key, self.options.number * 1_000_000 + self.done])
        return steps

    def append(self, cursor: Any, value: list[list[Any]]) -> None:
        """Read lists and append to them; each that was read is also written."""
        appended = {key: number for kind, key, number in value if kind == "append"}
        for step in value:
            if step[0] != "r":
                continue
            key = step[1]
            lock = "FOR UPDATE" if self.options.is_guarded else ""
            cursor.execute(f"SELECT v, version FROM lists WHERE k = %s {lock}", (key,))
            text, version = cursor.fetchone()
            step[2] = numbers(text)
            if key in appended:
                text = f"{text},{appended[key]}" if text else str(appended[key])
            if self.options.is_guarded:
                changed = cursor.execute(
                    "UPDATE lists SET v = %s, version = version + 1 WHERE k = %s AND version = %s",
                    (text, key, version),
                )
                if changed != 1:
                    raise Conflict
            elif key in appended:
                cursor.execute("UPDATE lists SET v = %s WHERE k = %s", (text, key))

    # --- bank -----------------------------------------------------------------------------------

    def bank(self) -> list[list[Any]]:
        """Return a transfer between two accounts, or a look at all of them."""
        if self.chance.random() < 0.3:
            return [["read", None]]
        source, target = self.chance.sample(range(ACCOUNTS), 2)
        number = self.options.number * 1_000_000 + self.done
        return [["transfer", number, source, target, self.chance.randint(1, 50)]]

    def transfer(self, cursor: Any, number: int, source: int, target: int, amount: int) -> None:
        """Move money, never more than there is."""
        cursor.execute(
            "INSERT INTO transfers (id, source, target, amount) VALUES (%s, %s, %s, %s)",
            (number, source, target, amount),
        )
        if not self.options.is_guarded:
            cursor.execute(
                "SELECT id, balance FROM accounts WHERE id IN (%s, %s)", (source, target)
            )
            balances = dict(cursor.fetchall())
            if balances[source] < amount:
                raise Conflict
            for account, change in ((source, -amount), (target, amount)):
                cursor.execute(
                    "UPDATE accounts SET balance = %s WHERE id = %s",
                    (balances[account] + change, account),
                )
            return
        for account, change in sorted([(source, -amount), (target, amount)]):
            changed = cursor.execute(
                "UPDATE accounts SET balance = balance + %s, version = version + 1"
                " WHERE id = %s AND balance + %s >= 0",
                (change, account, change),
            )
            if changed != 1:
                raise Conflict


def numbers(text: str) -> list[int]:
    """Return the numbers of a list, as its row has them."""
    return [int(number) for number in text.split(",") if number]


def main(words: Sequence[str]) -> None:
    """Be the client that the command line describes."""
    Client(Options(**json.loads(words[0]))).live()


if __name__ == "__main__":
    main(sys.argv[1:])
