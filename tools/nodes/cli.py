"""`tools/cluster`: what can be done with nodes, as commands."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.nodes import switch
from tools.nodes.cluster import APP, OWNER, Cluster
from tools.nodes.programs import ClusterError, NotInstalled

FAILED, USAGE, NOT_INSTALLED = 1, 2, 3
KINDS = {"3": "galera", "1": "mariadb", "seekdb": "seekdb"}


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    asked = _parser().parse_args(words)
    folder = (asked.folder or _usual_folder()).absolute()
    begun = time.monotonic()
    try:
        if asked.folder is None:
            _check_own(folder)
        asked.does(folder, asked)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return NOT_INSTALLED if isinstance(error, NotInstalled) else FAILED
    except KeyboardInterrupt:
        print("cluster: interrupted; `status` shows what runs, `down` ends it", file=sys.stderr)
        return 130
    if asked.command != "status":
        print(f"{asked.command}: {time.monotonic() - begun:.1f} s")
    return 0


def _usual_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"hongbao-cluster-{os.geteuid()}"


def _check_own(folder: Path) -> None:
    """Refuse a folder that somebody else has put where ours would be."""
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
        raise ClusterError(f"{folder} belongs to somebody else: name another with --folder")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/cluster",
        description="Start real database nodes on this machine, and break them. Nothing listens"
        " on anything but loopback.",
    )
    parser.add_argument(
        "--folder", type=Path, help="where the nodes are kept (default: a temporary folder)"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(
        name: str, does: Callable[[Path, argparse.Namespace], None], text: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(does=does)
        return made

    up = command("up", _up, "start a new cluster")
    up.add_argument(
        "--nodes", choices=KINDS, default="3",
        help="3: MariaDB with Galera at three sites in two cities; 1: one MariaDB server; seekdb:"
        " OceanBase's SQL engine on its socket (default: 3)",
    )  # fmt: skip
    up.add_argument(
        "--delay", type=float, default=0, metavar="MS",
        help="how far apart the two cities are, one way",
    )  # fmt: skip
    up.add_argument(
        "--loopback", action="store_true",
        help="no network between the sites, which cannot be parted then (also when not root)",
    )  # fmt: skip
    command("status", _status, "say how each node is, and where clients find it")
    down = command("down", _down, "end all nodes; with --remove what they have written goes too")
    down.add_argument("--remove", action="store_true", help="remove the folder as well")
    for name, does, text in (
        ("kill", _kill, "kill nodes as a crash would (SIGKILL)"),
        ("stop", _stop, "stop nodes where they stand (SIGSTOP): connections stay open, silent"),
        ("cont", _cont, "let stopped nodes go on"),
        ("start", _start, "start dead nodes, which join the others"),
    ):
        one = command(name, does, text)
        one.add_argument("node", nargs="+", help="a name (n1), number (1) or site (beijing-1)")
    part = command("part", _part, "cut a site off from the others")
    part.add_argument("site", help="a city, a data centre or a node")
    heal = command("heal", _heal, "join the sites again; refused if two sides take writes")
    heal.add_argument(
        "--discard", default="", metavar="SITE",
        help="throw away what this site has committed on its own, and fill it anew",
    )  # fmt: skip
    bootstrap = command(
        "bootstrap", _bootstrap,
        "begin again: when all nodes are dead, from the one that holds the last commit",
    )  # fmt: skip
    bootstrap.add_argument(
        "node", nargs="?",
        help="instead let the side of this living node take writes without the others",
    )  # fmt: skip
    return parser


# --- the commands ---------------------------------------------------------------------------------


def _up(folder: Path, asked: argparse.Namespace) -> None:
    kind = KINDS[asked.nodes]
    sites = kind == "galera" and switch.can_be_made() and not asked.loopback
    cluster = Cluster.make(folder, kind=kind, sites=sites)
    try:
        cluster.up()
        if asked.delay:
            if not sites:
                raise ClusterError("loopback has no distance: --delay needs sites (root, TUN)")
            cluster.delay(asked.delay)
    except BaseException:
        cluster.destroy()
        raise
    _status(folder, asked)


def _status(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    for node in cluster:
        seen = node.look()
        where = f"{node.host}:{node.port}" if node.port else str(node.socket)
        group = ""
        if cluster.kind == "galera" and seen.primary:
            group = f"{seen.size} of {len(cluster.nodes)}, commit {seen.seqno}"
        print(f"{node.name}  {node.site:<10}  {where}  {seen.state:<9}  {group}".rstrip())
    for cut in cluster.cuts() if cluster.living else []:
        print(f"cut off: {', '.join(cut)} ({cluster.dropped()} packets lost to cuts)")
    for user in (OWNER, APP):
        print(f"{cluster.addresses(user=user)}  password: {cluster.password_file(user)}")


def _down(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    if asked.remove:
        cluster.destroy()
    else:
        cluster.down()


def _kill(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    for name in asked.node:
        cluster.node(name).kill()


def _stop(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    for name in asked.node:
        cluster.stop(cluster.node(name))


def _cont(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    for name in asked.node:
        cluster.cont(cluster.node(name))


def _start(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    for name in asked.node:
        cluster.start(cluster.node(name))


def _part(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    cut = cluster.part(asked.site)
    print(f"cut off: {', '.join(node.name for node in cut)}; `status` shows who takes writes")


def _heal(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    filled = cluster.heal(discard=asked.discard)
    if filled:
        print(f"filled anew: {', '.join(node.name for node in filled)}")


def _bootstrap(folder: Path, asked: argparse.Namespace) -> None:
    cluster = Cluster.read(folder)
    if asked.node:
        cluster.take_over(cluster.node(asked.node))
        return
    first, reached = cluster.bootstrap()
    for name, seqno in reached.items():
        print(f"{name} had reached commit {seqno}{' (begins)' if name == first.name else ''}")
