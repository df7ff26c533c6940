"""OceanBase's SQL engine as one node: seekdb, from its wheel, on a Unix socket and nothing else."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.nodes.mariadb import Node, Position, Seen
from tools.nodes.programs import ClusterError


@dataclass(frozen=True)
class Seekdb(Node):
    """
    A seekdb server, which runs as long as the process that has opened it.

    Embedded is the one mode in which it does not listen on every address of the machine.
    """

    @property
    def base(self) -> Path:
        """Where the server keeps everything."""
        return self.folder / "base"

    @property
    def socket(self) -> Path:
        """Where the server answers: nobody but its user can enter the folder."""
        return self.base / "run" / "sql.sock"

    def write_settings(self, members: Sequence[Node], *, flush: int) -> None:
        """Make the folder; the server needs no settings."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def create(self) -> None:
        """Do nothing: the server makes its tables when it first starts."""

    def empty(self) -> None:
        """Do nothing: there is nobody to be filled by."""

    def start(self, *extra: str, namespace: str = "") -> None:
        """Start the server by the process that keeps it open."""
        if self.pid() is not None:
            raise ClusterError(f"{self.name} is running already")
        with (self.folder / "launch.log").open("w") as log:
            keeper = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("keep_seekdb.py")), str(self.base)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.folder / "process").write_text(str(keeper.pid))
        self.remember(keeper)

    def shut_down(self) -> None:
        """End the server in good order, if it runs."""
        if self.pid() is None:
            return
        self.send(signal.SIGTERM)
        self.wait_dead(30)

    def is_stopped(self) -> bool:
        """Whether SIGSTOP holds the server."""
        return False

    def sql(self, statements: str, *, seconds: float = 10) -> list[list[str]]:
        """Run *statements* as the administrator, and return the rows of the last answer."""
        import pymysql

        options: dict[str, Any] = {"unix_socket": str(self.socket), "user": "root"}
        password = self.folder.parent / "root.password"
        if (self.folder / "closed").exists():
            options["password"] = password.read_text().strip()
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))  # a driver's failed try leaves a socket open
        except OSError:
            raise ClusterError(f"{self.name}: Can't connect") from None
        try:
            with pymysql.connect(autocommit=True, read_timeout=seconds, **options) as connection:
                cursor = connection.cursor()
                for statement in filter(str.strip, statements.split(";")):
                    cursor.execute(statement)
                return [[str(value) for value in row] for row in cursor.fetchall()]
        except pymysql.err.MySQLError as error:
            raise ClusterError(f"{self.name}: {error}") from None

    def close_administrator(self, password: str) -> None:
        """Give the administrator a password, so that the socket alone opens nothing."""
        self.sql(f"ALTER USER root IDENTIFIED BY '{password}'")
        (self.folder / "closed").touch()

    def look(self) -> Seen:
        """Return how the node is."""
        if self.pid() is None:
            return Seen("dead")
        try:
            self.sql("SELECT 1")
        except ClusterError:
            return Seen("starting")
        return Seen("ready", size=1, primary="Primary")

    def recovered(self) -> Position:
        """Return nothing: there is no group."""
        return Position("", -1)

    def server_pid(self) -> int:
        """Return the server's own process, which the keeper has started."""
        return int((self.base / "run" / "seekdb.pid").read_text())

    def kill(self) -> None:
        """Kill the server as a crash would."""
        pid = self.pid()
        if pid is None:
            raise ClusterError(f"{self.name} is not running")
        server = self.server_pid()
        os.killpg(pid, signal.SIGKILL)
        if Path(f"/proc/{server}").exists():
            os.kill(server, signal.SIGKILL)
        self.wait_dead(10)
        end = time.monotonic() + 10
        while Path(f"/proc/{server}").exists():
            if time.monotonic() > end:
                raise ClusterError(f"{self.name} does not end")
            time.sleep(0.01)
