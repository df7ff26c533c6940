"""A cluster of real nodes: how it begins, what can happen to it, and how it comes back."""

import json
import random
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.nodes.mariadb import Node
from tools.nodes.programs import ClusterError, check_installed

DATABASE = "hongbao"
OWNER = "hongbao_owner"
APP = "hongbao_app"

SITES = ("shanghai-1", "shanghai-2", "beijing-1")
"""Two cities, three data centres (两地三中心): one node in each."""

PORTS = range(12_000, 32_000)  # below those that the system gives to clients
NODE_PORTS = 4  # SQL, group, incremental transfer, full transfer


class Cluster:
    """One MariaDB server, or three with Galera, kept in *folder* with all that they write."""

    def __init__(self, folder: Path, nodes: Sequence[Node]) -> None:
        self.folder = folder
        self.nodes = list(nodes)

    # --- making one -----------------------------------------------------------------------------

    @classmethod
    def make(cls, folder: Path, *, nodes: int = 3, flush: int = 1) -> "Cluster":
        """
        Lay out the folders of a new cluster, which is not started.

        *flush* is ``innodb_flush_log_at_trx_commit``; anything but 1 loses commits, on purpose.
        """
        check_installed("galera" if nodes > 1 else "mariadb")
        if (folder / "cluster.json").exists():
            raise ClusterError(f"there is a cluster in {folder} already")
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)  # entered by the servers' user
        made = []
        for number in range(nodes):
            host = f"127.0.0.{11 + number}"
            port = _free_ports(host)
            made.append(
                Node(f"n{number + 1}", SITES[number], folder / f"n{number + 1}", host, port,
                     group_host=host, group_port=port + 1)
            )  # fmt: skip
        cluster = cls(folder, made)
        for node in made:
            node.write_settings(made, flush=flush)
            node.empty()
        for user in (OWNER, APP):
            cluster.password_file(user).touch(mode=0o600)
            cluster.password_file(user).write_text(secrets.token_urlsafe(18) + "\n")
        cluster._write()
        return cluster

    @classmethod
    def read(cls, folder: Path) -> "Cluster":
        """
        Return the cluster that *folder* keeps.

        Raises ClusterError if there is none.
        """
        try:
            kept = json.loads((folder / "cluster.json").read_text())
        except FileNotFoundError:
            raise ClusterError(f"there is no cluster in {folder}; start one with `up`") from None
        nodes = [Node(**{**node, "folder": folder / node["name"]}) for node in kept["nodes"]]
        return cls(folder, nodes)

    def _write(self) -> None:
        nodes = [{**vars(node), "folder": node.name} for node in self.nodes]
        (self.folder / "cluster.json").write_text(json.dumps({"nodes": nodes}, indent=2) + "\n")

    # --- who may come in ------------------------------------------------------------------------

    def password_file(self, user: str) -> Path:
        """Return the file with *user*'s password, which nobody else may read."""
        return self.folder / f"{user}.password"

    def address(self, node: Node, *, user: str = APP, database: str = DATABASE) -> str:
        """Return where *user* finds the database on *node*."""
        return f"mysql://{user}@{node.host}:{node.port}/{database}"

    def addresses(self, *, user: str = APP, database: str = DATABASE) -> str:
        """Return where *user* finds the database, all nodes named."""
        hosts = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        return f"mysql://{user}@{hosts}/{database}"

    def _make_users(self, node: Node) -> None:
        """
        Make the owner of the tables, and the user whom the application comes as.

        The owner grants the application what each table needs beyond reading and adding rows:
        what is only added to can be changed by neither a bug nor a stolen password.
        """
        passwords = {user: self.password_file(user).read_text().strip() for user in (OWNER, APP)}
        node.sql(f"""
            DROP USER IF EXISTS ''@'localhost', ''@'{socket.gethostname()}';
            CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
            CREATE USER '{OWNER}'@'%' IDENTIFIED BY '{passwords[OWNER]}';
            CREATE USER '{APP}'@'%' IDENTIFIED BY '{passwords[APP]}';
            GRANT ALL PRIVILEGES ON `{DATABASE}%`.* TO '{OWNER}'@'%' WITH GRANT OPTION;
            GRANT SELECT, INSERT ON `{DATABASE}%`.* TO '{APP}'@'%';
        """)

    def create_database(self, name: str) -> str:
        """Make one more database, which the owner and the application may use as the first."""
        assert name.startswith(DATABASE)
        node = next(node for node in self.nodes if node.look().state == "ready")
        node.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        return name

    # --- nodes, by name ---------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def node(self, name: str) -> Node:
        """
        Return the node *name*, which may also be its number or its site.

        Raises ClusterError if none is called so.
        """
        for node in self.nodes:
            if name in (node.name, node.name.removeprefix("n"), node.site):
                return node
        raise ClusterError(f"no node is called {name}: {', '.join(n.name for n in self.nodes)}")

    @property
    def living(self) -> list[Node]:
        """Nodes whose process lives, stopped ones included."""
        return [node for node in self.nodes if node.pid() is not None]

    # --- beginning and end ------------------------------------------------------------------------

    def up(self) -> None:
        """Start a new cluster, and wait until every node takes writes."""
        first, *others = self.nodes
        first.create()
        first.start(*(["--wsrep-new-cluster"] if others else []))
        first.wait_ready(60)
        self._make_users(first)
        for node in others:  # one after the other: one donor serves one joiner
            self.start(node)

    def start(self, node: Node, *, seconds: float = 120) -> None:
        """
        Start *node*, which joins the others, and wait until it has caught up.

        It says how far it got, so that the others send it what it missed, and not everything.
        """
        extra = []
        if len(self.nodes) > 1 and (position := node.recovered()).group:
            extra.append(f"--wsrep-start-position={position}")
        node.start(*extra)
        node.wait_ready(seconds)

    def down(self) -> None:
        """End all nodes in good order; what they have written stays in the folder."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Node.shut_down, self.nodes))

    def destroy(self) -> None:
        """Kill all nodes and remove the folder."""
        for node in self.living:
            node.kill()
        shutil.rmtree(self.folder)

    # --- what can happen --------------------------------------------------------------------------

    def stop(self, node: Node) -> None:
        """Stop *node* where it stands (SIGSTOP): its connections stay open, and say nothing."""
        node.send(signal.SIGSTOP)
        end = time.monotonic() + 5
        while not node.is_stopped():
            if time.monotonic() > end:
                raise ClusterError(f"{node.name} does not stop")
            time.sleep(0.01)

    def cont(self, node: Node) -> None:
        """Let a stopped *node* go on."""
        if not node.is_stopped():
            raise ClusterError(f"{node.name} is not stopped")
        node.send(signal.SIGCONT)

    def bootstrap(self) -> tuple[Node, dict[str, int]]:
        """
        Begin again after all nodes have died: from the one that holds the last commit.

        Return that node, and how far each had got. Raises ClusterError if a node still lives:
        a second beginning beside it would be a second cluster.
        """
        if self.living:
            names = ", ".join(node.name for node in self.living)
            raise ClusterError(
                f"{names} still runs: a dead node joins it with `start`; beginning again is for"
                " when all are dead"
            )
        with ThreadPoolExecutor() as pool:
            reached = dict(zip(self.nodes, pool.map(Node.recovered, self.nodes), strict=True))
        first = max(self.nodes, key=lambda node: reached[node].seqno)
        for node in self.nodes:
            # Who was whose neighbour no longer counts: this choice does.
            (node.data / "gvwstate.dat").unlink(missing_ok=True)
        state = first.data / "grastate.dat"
        state.write_text(state.read_text().replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))
        first.start("--wsrep-new-cluster", f"--wsrep-start-position={reached[first]}")
        first.wait_ready(60)
        for node in self.nodes:
            if node is not first:
                self.start(node)
        return first, {node.name: reached[node].seqno for node in self.nodes}


def _free_ports(host: str) -> int:
    """Return the first of some neighbouring ports at *host* that nobody listens on."""
    for _ in range(100):
        first = random.choice(PORTS)  # noqa: S311
        probes = [socket.socket() for _ in range(NODE_PORTS)]
        try:
            for number, probe in enumerate(probes):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, first + number))
            return first
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise ClusterError(f"no ports are free at {host}")
