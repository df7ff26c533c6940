"""A cluster of real nodes: how it begins, what can happen to it, and how it comes back."""

import contextlib
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

from tools.nodes import switch
from tools.nodes.mariadb import Node
from tools.nodes.programs import ClusterError, check_installed
from tools.nodes.seekdb import Seekdb

DATABASE = "hongbao"
ROOT = "root"
OWNER = "hongbao_owner"
APP = "hongbao_app"

SITES = ("shanghai-1", "shanghai-2", "beijing-1")
"""Two cities, three data centres (两地三中心): one node in each."""

PORTS = range(12_000, 32_000)  # below those that the system gives to clients
NODE_PORTS = 4  # SQL, group, incremental transfer, full transfer


KINDS = {"mariadb": 1, "galera": 3, "seekdb": 1}
"""What a cluster may be made of, and how many nodes it then has."""


class Cluster:
    """
    The nodes that *folder* keeps with all that they write.

    With *sites* each node is in a network of its own, whose lines to the others can be cut.
    """

    def __init__(self, folder: Path, kind: str, nodes: Sequence[Node], *, sites: bool) -> None:
        self.folder = folder
        self.kind = kind
        self.nodes = list(nodes)
        self.sites = sites

    # --- making one -------------------------------------------------------------------------------

    @classmethod
    def make(
        cls, folder: Path, *, kind: str = "galera", sites: bool = False, flush: int = 1
    ) -> "Cluster":
        """
        Lay out the folders of a new cluster of a *kind*, which is not started.

        *flush* is ``innodb_flush_log_at_trx_commit``; anything but 1 loses commits, on purpose.
        """
        check_installed(kind)
        if (folder / "cluster.json").exists():
            raise ClusterError(f"there is a cluster in {folder} already")
        if sites and not switch.can_be_made():
            raise ClusterError(
                f"sites with a network between them need Linux, root and {switch.DEVICE}"
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)  # entered by the servers' user
        nodes: list[Node] = []
        for number in range(KINDS[kind]):
            name = f"n{number + 1}"
            host = f"127.0.0.{11 + number}"
            if kind == "seekdb":
                nodes.append(Seekdb(name, SITES[number], folder / name, "", 0))
                continue
            port = _free_ports(host)
            group_host = f"{switch.SUBNET}.{11 + number}" if sites else host
            nodes.append(Node(name, SITES[number], folder / name, host, port, group_host, port + 1))
        cluster = cls(folder, kind, nodes, sites=sites)
        for node in nodes:
            node.write_settings(nodes, flush=flush)
            node.empty()
        for user in (ROOT, OWNER, APP):
            cluster.password_file(user).touch(mode=0o600)
            cluster.password_file(user).write_text(secrets.token_urlsafe(18) + "\n")
        kept = {
            "kind": kind,
            "sites": sites,
            "nodes": [{**vars(node), "folder": node.name} for node in nodes],
        }
        (folder / "cluster.json").write_text(json.dumps(kept, indent=2) + "\n")
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
            raise ClusterError(f"there is no cluster in {folder}: start one with `up`") from None
        make = Seekdb if kept["kind"] == "seekdb" else Node
        nodes = [make(**{**node, "folder": folder / node["name"]}) for node in kept["nodes"]]
        return cls(folder, kept["kind"], nodes, sites=kept["sites"])

    # --- who may come in --------------------------------------------------------------------------

    def password_file(self, user: str) -> Path:
        """Return the file with *user*'s password, which nobody else may read."""
        return self.folder / f"{user}.password"

    def address(self, node: Node, *, user: str = APP, database: str = DATABASE) -> str:
        """Return where *user* finds the database on *node*."""
        if not node.port:
            return f"mysql://{user}@localhost/{database} by the socket {node.socket}"
        return f"mysql://{user}@{node.host}:{node.port}/{database}"

    def addresses(self, *, user: str = APP, database: str = DATABASE) -> str:
        """Return where *user* finds the database, all nodes named."""
        if self.kind == "seekdb":
            return self.address(self.nodes[0], user=user, database=database)
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
            CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
            CREATE USER '{OWNER}'@'%' IDENTIFIED BY '{passwords[OWNER]}';
            CREATE USER '{APP}'@'%' IDENTIFIED BY '{passwords[APP]}';
            GRANT ALL PRIVILEGES ON `{DATABASE}%`.* TO '{OWNER}'@'%' WITH GRANT OPTION;
            GRANT SELECT, INSERT ON `{DATABASE}%`.* TO '{APP}'@'%';
        """)
        node.close_administrator(self.password_file(ROOT).read_text().strip())

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
        if self.sites:
            switch.start(self.folder, [node.name for node in self.nodes])
        first, *others = self.nodes
        first.create()
        first.start(*(["--wsrep-new-cluster"] if others else []), namespace=self._namespace(first))
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
        if self.kind == "galera":
            # Once all of the last group are there, they take writes again by themselves.
            others = [other.look() for other in self.nodes if other is not node]
            if not any(other.is_primary for other in others) and any(
                other.state in ("dead", "stopped") for other in others
            ):
                raise ClusterError(
                    f"there is no group for {node.name} to join: `bootstrap` begins again"
                )
            if (position := node.recovered()).group:
                extra.append(f"--wsrep-start-position={position}")
        node.start(*extra, namespace=self._namespace(node))
        node.wait_ready(seconds)

    def _namespace(self, node: Node) -> str:
        return str(switch.ask(self.folder)["namespaces"][node.name]) if self.sites else ""

    def down(self) -> None:
        """End all nodes in good order; what they have written stays in the folder."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Node.shut_down, self.nodes))
        self._end_switch()

    def destroy(self) -> None:
        """Kill all nodes and remove the folder."""
        for node in self.living:
            node.kill()
        self._end_switch()
        shutil.rmtree(self.folder)

    def _end_switch(self) -> None:
        if self.sites:
            with contextlib.suppress(ClusterError):  # gone already, or never begun
                switch.end(self.folder)

    def is_whole(self) -> bool:
        """
        Whether all nodes take writes in one group.

        All have to say so: one that was stopped still believes for a while that it belongs.
        """
        seen = [node.look() for node in self.nodes]
        return all(one.state == "ready" and one.size == len(self.nodes) for one in seen)

    def wait_whole(self, seconds: float = 60) -> None:
        """Wait until all nodes take writes in one group."""
        end = time.monotonic() + seconds
        while not self.is_whole():
            if time.monotonic() > end:
                states = ", ".join(f"{node.name} is {node.look().state}" for node in self.nodes)
                raise ClusterError(f"the nodes do not come together: {states}")
            time.sleep(0.1)

    def mend(self) -> None:
        """Bring every node back into one group, whatever has happened to any of them."""
        for node in self.nodes:
            if node.is_stopped():
                self.cont(node)
        if self.cuts():
            switch.ask(self.folder, cuts=[])
        if not any(node.look().is_primary for node in self.nodes):
            for node in self.living:
                node.kill()
            self.bootstrap()
        for node in self.nodes:
            if node.pid() is None:
                self.start(node)
        self.wait_whole()

    # --- what can happen --------------------------------------------------------------------------

    def kill_all(self) -> None:
        """Kill every node at once, before one of them can write down what the others have."""
        for node in self.nodes:
            node.send_kill()
        for node in self.nodes:
            node.wait_dead(10)

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
        self._begin_switch()
        first.start(
            "--wsrep-new-cluster",
            f"--wsrep-start-position={reached[first]}",
            namespace=self._namespace(first),
        )
        first.wait_ready(60)
        for node in self.nodes:
            if node is not first:
                self.start(node)
        return first, {node.name: reached[node].seqno for node in self.nodes}

    # --- the network between sites ----------------------------------------------------------------

    def at(self, site: str) -> list[Node]:
        """
        Return the nodes at *site*: a data centre, a city with all of its own, or a node's name.

        Raises ClusterError if there are none.
        """
        found = [
            node for node in self.nodes if site in (node.name, node.site, node.site.split("-")[0])
        ]
        if not found:
            sites = ", ".join(node.site for node in self.nodes)
            raise ClusterError(f"no node is at {site}: the sites are {sites}")
        return found

    def part(self, site: str) -> list[Node]:
        """
        Cut *site* off: its nodes still hear each other, and nobody else.

        Clients still reach every node, as those of the same site would. Return who is cut off.
        """
        cut = self.at(site)
        if not self.sites:
            raise ClusterError(
                "all nodes share this machine's loopback, which cannot be cut: start them as root"
                f" on a Linux with {switch.DEVICE}, which gives each a network of its own"
            )
        if len(cut) == len(self.nodes):
            raise ClusterError(f"{site} has all the nodes: there is nobody to cut it off from")
        names = {node.name for node in cut}
        switch.ask(self.folder, cuts=[*self.cuts(), sorted(names)])
        return cut

    def cuts(self) -> list[list[str]]:
        """Return who is cut off at this moment, by the names of nodes."""
        if not self.sites:
            return []
        return [list(cut) for cut in switch.ask(self.folder)["cuts"]]

    def dropped(self) -> int:
        """Return how many packets were lost to the cuts: at none, a cut took no effect."""
        return sum(switch.ask(self.folder)["dropped"].values()) if self.sites else 0

    def delay(self, milliseconds: float) -> None:
        """Put the cities this far apart, one way."""
        far = [
            (a.name, b.name, milliseconds / 1000)
            for number, a in enumerate(self.nodes)
            for b in self.nodes[number:]
            if a.site.split("-")[0] != b.site.split("-")[0]
        ]
        switch.ask(self.folder, delays=far)

    def sides(self) -> list[list[Node]]:
        """Return the nodes in groups that hear each other."""
        cuts = self.cuts()
        groups: dict[tuple[bool, ...], list[Node]] = {}
        for node in self.nodes:
            groups.setdefault(tuple(node.name in cut for cut in cuts), []).append(node)
        return list(groups.values())

    def take_over(self, node: Node) -> None:
        """
        Let the side of *node* go on without the others (``pc.bootstrap``): an operator's word.

        It is right when the others are dead. When they are only cut off there are two ledgers
        from here on, and `heal` has one of them thrown away.
        """
        if node.look().is_primary:
            raise ClusterError(f"{node.name} takes writes already")
        node.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
        node.wait_ready(30)

    def heal(self, *, discard: str = "") -> list[Node]:
        """
        Join the sites again, and return the nodes that had to be filled anew.

        Raises ClusterError if two sides take writes: joined, one would lose what it has
        acknowledged. *discard* is the site whose commits a person has decided to throw away.
        """
        self._begin_switch()
        writing = {}
        for side in self.sides():
            seen = [node.look() for node in side]
            # Until a node has noticed the cut it still counts the others in: it is no side yet.
            if any(one.is_primary and one.size <= len(side) for one in seen):
                writing[tuple(side)] = max(one.seqno for one in seen)
        thrown = self.at(discard) if discard else []
        left = [side for side in writing if not set(side) <= set(thrown)]
        if len(left) > 1:
            said = "; ".join(
                f"{_named(side)} up to commit {seqno}" for side, seqno in writing.items()
            )
            raise ClusterError(
                f"two sides take writes: {said}. Joined, one of them would lose what it has"
                " acknowledged. Choose the side to throw away: `heal --discard SITE`"
            )
        if thrown and not left:
            raise ClusterError(f"{discard} is the only side that takes writes")
        for node in thrown:
            if node.pid() is not None:
                node.kill()
            node.empty()
        living = self.living
        if self.sites:
            switch.ask(self.folder, cuts=[])
        for node in thrown:
            self.start(node)
        if any(node.is_stopped() for node in living) or {*living, *thrown} < {*self.nodes}:
            return thrown
        return thrown + self._come_together(living)

    def _come_together(self, living: Sequence[Node], seconds: float = 120) -> list[Node]:
        """
        Wait until all nodes are one group again, and return those that had to be started.

        A node that has missed more than the others keep (``gcache.size``) ends by itself, and is
        filled when it starts.
        """
        started = []
        end = time.monotonic() + seconds
        while not self.is_whole():
            for node in living:
                if node.pid() is None:
                    self.start(node)
                    started.append(node)
            if time.monotonic() > end:
                self.wait_whole(0)
            time.sleep(0.1)
        return started

    def _begin_switch(self) -> None:
        if not self.sites:
            return
        try:
            switch.ask(self.folder)
        except ClusterError:
            if self.living:
                names = ", ".join(node.name for node in self.living)
                raise ClusterError(
                    f"the network between the sites is gone, and {names} cannot enter another:"
                    " `down`, then `bootstrap`"
                ) from None
            switch.start(self.folder, [node.name for node in self.nodes])


def _named(nodes: Sequence[Node]) -> str:
    return ", ".join(f"{node.name} ({node.site})" for node in nodes)


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
