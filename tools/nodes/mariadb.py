"""One MariaDB server: its folder, its process, and what it says of itself."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tools.nodes.programs import ClusterError, galera, program

LONGEST_SOCKET = 100  # the kernel's limit is 107, and Galera's scripts add to it

SETTINGS = """\
[mariadbd]
datadir = {data}
pid-file = {folder}/pid
log-error = {folder}/error.log
tmpdir = {folder}/tmp
lc-messages-dir = /usr/share/mysql
skip-name-resolve
skip-log-bin
skip-slave-start
performance-schema = OFF
character-set-server = utf8mb4
collation-server = utf8mb4_bin
default-storage-engine = InnoDB
max-connections = 200
transaction-isolation = READ-COMMITTED
innodb-flush-log-at-trx-commit = {flush}
innodb-doublewrite = 1
innodb-autoinc-lock-mode = 2
innodb-buffer-pool-size = 96M
innodb-log-file-size = 32M
innodb-use-native-aio = 0
innodb-flush-method = fsync
innodb-lock-wait-timeout = 10
binlog-format = ROW
"""

GALERA_SETTINGS = """\
wsrep-on = ON
wsrep-provider = {library}
wsrep-cluster-name = {cluster}
wsrep-cluster-address = gcomm://{members}
wsrep-node-name = {name}
wsrep-node-address = {group_host}
wsrep-node-incoming-address = {host}:{port}
wsrep-provider-options = "gmcast.listen_addr=tcp://{group_host}:{group_port}; \
ist.recv_addr={group_host}:{ist_port}; gcache.size=64M; gcache.page_size=64M"
wsrep-sst-method = rsync
wsrep-sst-receive-address = {group_host}:{sst_port}
wsrep-retry-autocommit = 0
wsrep-slave-threads = 2
"""


def own_name() -> str:
    """Return who runs this: by the system, since variables may still name who was before."""
    return pwd.getpwuid(os.geteuid()).pw_name


def server_user() -> str:
    """
    Return the user whom servers run as: whoever started them, but never root.

    rsync, which brings a joiner its data, gives up root by itself and could then write nothing.
    """
    if os.geteuid():
        return own_name()
    for user in ("mysql", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(user).pw_name
    raise ClusterError("a database server does not run as root, and there is no user mysql")


def own(folder: Path) -> None:
    """Make *folder* if it is not there, for the servers' user alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.geteuid():
        shutil.chown(folder, server_user())


def _check_reachable(folder: Path) -> None:
    if not os.geteuid():
        for parent in folder.parents:
            if parent.exists() and not parent.stat().st_mode & 0o001:
                raise ClusterError(
                    f"the user {server_user()}, whom servers run as, cannot enter {parent};"
                    " name another place with --folder"
                )


@dataclass(frozen=True)
class Seen:
    """What a node says of itself: whether it runs, answers, and belongs to a quorum."""

    state: str  # dead, stopped, silent, starting, ready, or no quorum
    size: int = 0
    seqno: int = -1
    primary: str = ""

    @property
    def is_primary(self) -> bool:
        """Whether the node takes part in a group that may write."""
        return self.primary == "Primary"


class Position(NamedTuple):
    """How far a node got in its group's one order of commits."""

    group: str
    seqno: int

    def __str__(self) -> str:
        return f"{self.group}:{self.seqno}"


@dataclass(frozen=True)
class Node:
    """A server named *name* at *site*, reached at ``host:port`` and by a Unix socket."""

    name: str
    site: str
    folder: Path
    host: str
    port: int
    group_host: str = ""
    group_port: int = 0

    @property
    def socket(self) -> Path:
        """Where the node answers clients of this machine."""
        return self.folder / "sql.sock"

    @property
    def data(self) -> Path:
        """Where the node keeps its tables."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where the node tells what happens to it."""
        return self.folder / "error.log"

    # --- the folder -------------------------------------------------------------------------------

    def write_settings(self, members: "Sequence[Node]", *, flush: int) -> None:
        """Write the server's settings, as one of *members* where those are more than itself."""
        if len(str(self.socket)) > LONGEST_SOCKET:
            raise ClusterError(
                f"the folder's name is too long for a socket in it: {self.folder}; name a"
                " shorter one with --folder"
            )
        _check_reachable(self.folder)
        own(self.folder)
        own(self.folder / "tmp")
        settings = SETTINGS.format(data=self.data, folder=self.folder, flush=flush)
        if len(members) > 1:
            settings += GALERA_SETTINGS.format(
                library=galera(),
                cluster=f"hongbao-{members[0].group_port}",
                members=",".join(f"{node.group_host}:{node.group_port}" for node in members),
                name=self.name,
                host=self.host,
                port=self.port,
                group_host=self.group_host,
                group_port=self.group_port,
                ist_port=self.group_port + 1,
                sst_port=self.group_port + 2,
            )
        (self.folder / "my.cnf").write_text(settings)

    def create(self) -> None:
        """
        Make the tables of the system, in which only whoever runs this is an administrator.

        He is known by the user at the other end of the socket: there is no password to guess.
        """
        user = own_name()
        made = subprocess.run(
            [
                program("mariadb-install-db"),
                f"--defaults-file={self.folder / 'my.cnf'}",
                f"--user={server_user()}",
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={user}",
                "--skip-test-db",
                "--skip-name-resolve",
                "--wsrep-on=OFF",
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise ClusterError(f"{self.name} cannot be set up: {made.stdout}{made.stderr}")

    def empty(self) -> None:
        """Leave the node a folder with nothing in it, to be filled by the others."""
        if self.data.exists():
            shutil.rmtree(self.data)
        own(self.data)

    # --- the process ------------------------------------------------------------------------------

    def command(self, *extra: str) -> list[str]:
        """Return how the server is run."""
        return [
            program("mariadbd"),
            f"--defaults-file={self.folder / 'my.cnf'}",
            f"--user={server_user()}",
            *extra,
        ]

    def start(self, *extra: str, namespace: str = "") -> None:
        """Start the server, and do not wait for it."""
        if self.pid() is not None:
            raise ClusterError(f"{self.name} is running already")
        plan = {
            "socket": str(self.socket),
            "host": self.host,
            "port": self.port,
            "namespace": namespace,
            "nsenter": program("nsenter") if namespace else "",
            "command": self.command(*extra),
        }
        with (self.folder / "launch.log").open("w") as log:
            started = subprocess.Popen(
                [sys.executable, "-S", "-E", str(Path(__file__).with_name("launch.py")),
                 json.dumps(plan)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )  # fmt: skip
        (self.folder / "process").write_text(str(started.pid))
        self.remember(started)

    @staticmethod
    def remember(child: "subprocess.Popen[bytes]") -> None:
        """Keep a server that this process has started, so that it leaves no zombie behind."""
        _CHILDREN[child.pid] = child

    def pid(self) -> int | None:
        """Return the server's process, if it lives and is the one that was started here."""
        try:
            pid = int((self.folder / "process").read_text())
        except (FileNotFoundError, ValueError):
            return None
        if (child := _CHILDREN.get(pid)) is not None:
            return pid if child.poll() is None else None
        state = self._state(pid)
        if state in ("", "Z", "X"):
            return None
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # A process that is just becoming the server has no words for a moment.
        return pid if not words or str(self.folder).encode() in words else None

    @staticmethod
    def _state(pid: int) -> str:
        """Return the letter that the system has for the process's state, or nothing."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def is_stopped(self) -> bool:
        """Whether SIGSTOP holds the server."""
        pid = self.pid()
        return pid is not None and self._state(pid) == "T"

    def send(self, number: signal.Signals) -> None:
        """
        Send the server a signal.

        Raises ClusterError if it is dead: a fault that hits nothing is none.
        """
        pid = self.pid()
        if pid is None:
            raise ClusterError(f"{self.name} is not running")
        os.kill(pid, number)

    def kill(self) -> None:
        """Kill the server as a crash would, with whatever it has started, and see it gone."""
        self.send_kill()
        self.wait_dead(10)

    def send_kill(self) -> None:
        """Kill the server, and do not wait until it is gone."""
        pid = self.pid()
        if pid is None:
            raise ClusterError(f"{self.name} is not running")
        os.killpg(pid, signal.SIGKILL)  # the scripts that copy data to a joiner go along

    def wait_dead(self, seconds: float) -> None:
        """Wait until the server is gone."""
        end = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > end:
                raise ClusterError(f"{self.name} does not end")
            time.sleep(0.01)

    def shut_down(self) -> None:
        """End the server in good order, if it runs; kill it if it does not follow."""
        if self.pid() is None:
            return
        if self.is_stopped():
            self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self.wait_dead(20)
        except ClusterError:
            self.kill()

    def close_administrator(self, password: str) -> None:
        """Leave nobody a way in but the users with passwords, and the administrator's socket."""
        self.sql("DROP USER IF EXISTS ''@'localhost'")

    # --- what it says -----------------------------------------------------------------------------

    def sql(self, statements: str, *, seconds: float = 10) -> list[list[str]]:
        """
        Run *statements* as the administrator, and return the rows of the answers.

        Raises ClusterError if the node refuses, or says nothing for so many *seconds*.
        """
        try:
            done = subprocess.run(
                [
                    program("mariadb"),
                    "--no-defaults",
                    f"--socket={self.socket}",
                    f"--user={own_name()}",
                    "--batch",
                    "--skip-column-names",
                    "--connect-timeout=5",
                ],
                check=False,
                input=statements,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{self.name} does not answer") from None
        if done.returncode:
            raise ClusterError(f"{self.name}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def look(self) -> Seen:
        """Return how the node is."""
        if self.pid() is None:
            return Seen("dead")
        if self.is_stopped():
            return Seen("stopped")
        try:
            rows = self.sql(
                "SHOW GLOBAL STATUS WHERE variable_name IN ('wsrep_ready',"
                " 'wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_last_committed',"
                " 'wsrep_local_state_comment', 'wsrep_connected')",
                seconds=3,
            )
        except ClusterError as error:
            return Seen("starting" if "Can't connect" in str(error) else "silent")
        said = dict(row for row in rows if len(row) == 2)
        if not said or said.get("wsrep_cluster_status") == "Disconnected":
            return Seen("ready", size=1, primary="Primary")
        primary = said["wsrep_cluster_status"]
        ready = said["wsrep_ready"] == "ON"
        synced = said["wsrep_local_state_comment"] == "Synced"
        return Seen(
            "ready" if ready and synced else "starting" if primary == "Primary" else "no quorum",
            size=int(said["wsrep_cluster_size"]),
            seqno=int(said["wsrep_last_committed"]),
            primary=primary,
        )

    def wait_ready(self, seconds: float) -> None:
        """
        Wait until the node takes writes.

        Raises ClusterError with the end of the node's log if it dies, or takes too long.
        """
        end = time.monotonic() + seconds
        while True:
            if self.pid() is None:
                raise ClusterError(f"{self.name} has ended by itself:\n{self.last_words()}")
            seen = self.look()
            if seen.state == "ready":
                return
            if time.monotonic() > end:
                raise ClusterError(
                    f"{self.name} is {seen.state} after {seconds:.0f} s:\n{self.last_words()}"
                )
            time.sleep(0.1)

    def recovered(self) -> Position:
        """
        Return the last commit that the dead node's own files still hold.

        Raises ClusterError if it runs, or has nothing to say.
        """
        if self.pid() is not None:
            raise ClusterError(f"{self.name} is running: only a dead node's files can be read")
        if not (self.data / "ibdata1").exists():
            return Position("", -1)
        log = self.folder / "recover.log"
        log.unlink(missing_ok=True)
        subprocess.run(
            self.command("--wsrep-recover", "--skip-networking", f"--log-error={log}",
                         f"--socket={self.folder / 'recover.sock'}",
                         f"--pid-file={self.folder / 'recover.pid'}"),
            check=False,
            capture_output=True,
            cwd=self.folder,
        )  # fmt: skip
        found = re.findall(r"Recovered position: ([0-9a-f-]+):(-?\d+)", log.read_text())
        if not found:
            raise ClusterError(f"{self.name} does not say how far it got: {log}")
        group, seqno = found[-1]
        return Position(group, int(seqno))

    def last_words(self, lines: int = 12) -> str:
        """Return the end of what the node has told, for whoever has to find out why."""
        said = []
        for log in (self.folder / "launch.log", self.log):
            if log.exists():
                said += log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in said)


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
