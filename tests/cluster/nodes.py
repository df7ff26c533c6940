"""Real nodes for a session of tests, or a word about why there are none."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from pymysql.connections import Connection

from tools.nodes import guard, switch
from tools.nodes.cluster import APP, DATABASE, OWNER, Cluster
from tools.nodes.mariadb import Node
from tools.nodes.programs import NotInstalled

__all__ = ["APP", "DATABASE", "OWNER", "Cluster", "Node", "connect", "started"]


WANTED = os.environ.get("HONGBAO_CLUSTER", "").split(",")
DISK = Path("/var/tmp")


def started(kind: str, *, sites: bool = False, flush: int = 1) -> Iterator[Cluster]:
    """
    Yield a cluster of a *kind* that takes writes, and destroy it afterwards.

    What is to be killed is kept on a disk: for a log in /dev/shm MariaDB takes the memory for one
    that survives everything, and never loses what it has not flushed.

    Skip the test if the machine has no servers, unless HONGBAO_CLUSTER names the kind: where
    servers have just been installed, their tests are not to be skipped.
    """
    where = DISK if kind == "galera" and DISK.is_dir() else None
    place = Path(tempfile.mkdtemp(prefix="hongbao-nodes-", dir=where))
    place.chmod(0o711)  # servers are not root, even where the tests are
    try:
        if sites and not switch.can_be_made():
            raise NotInstalled("sites need Linux, root and a TUN device")
        cluster = Cluster.make(place, kind=kind, sites=sites, flush=flush)
    except NotInstalled as missing:
        place.rmdir()
        if ("sites" if sites else kind) in WANTED:
            raise
        pytest.skip(str(missing))
    with guard.start(cluster.folder):  # it sees to the nodes if this process is killed
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.destroy()


def connect(
    cluster: Cluster,
    node: Node,
    *,
    user: str = OWNER,
    database: str | None = DATABASE,
    at: tuple[str, int] | None = None,
    **options: object,
) -> "Connection[pymysql.cursors.Cursor]":
    """
    Return a connection to *node*, in the manner of an application: nothing commits by itself.

    *at* is the host and port of whatever stands before the node.
    """
    host, port = at or (node.host, node.port)
    where = {"host": host, "port": port} if port else {"unix_socket": str(node.socket)}
    settings: dict[str, object] = {
        "connect_timeout": 5,
        "read_timeout": 20,
        "write_timeout": 20,
        "autocommit": False,
        "charset": "utf8mb4",
        **options,
    }
    return pymysql.connect(
        user=user,
        password=cluster.password_file(user).read_text().strip(),
        database=database,
        **settings,
        **where,
    )
