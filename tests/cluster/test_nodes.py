"""The nodes that other tests stand on are what they say they are."""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pymysql
import pytest

from tests.cluster.nodes import APP, OWNER, Cluster, connect
from tools.nodes.programs import ClusterError
from tools.nodes.seekdb import Seekdb

pytestmark = pytest.mark.cluster


def test_a_commit_is_on_disk_before_it_is_answered(one_node: Cluster):
    """
    The settings that a ledger rests on hold.
    """
    with connect(one_node, one_node.nodes[0]) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@binlog_format,"
            " @@innodb_autoinc_lock_mode, @@collation_database, @@tx_isolation"
        )
        assert ((1, 1, "ROW", 2, "utf8mb4_bin", "READ-COMMITTED"),) == cursor.fetchall()


def test_the_application_adds_rows_but_changes_only_what_it_is_granted(one_node: Cluster):
    """
    Append-only is the server's rule, not a habit of ours.
    """
    [node] = one_node
    database = one_node.create_database("hongbao_grants")
    with (
        connect(one_node, node, database=database) as owner,
        connect(one_node, node, user=APP, database=database) as app,
    ):
        cursor = owner.cursor()
        cursor.execute("CREATE TABLE book (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL)")
        cursor.execute("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)")
        cursor.execute(f"GRANT UPDATE ON account TO '{APP}'@'%'")

        rows = app.cursor()
        rows.execute("INSERT INTO book VALUES (1, 100)")
        rows.execute("INSERT INTO account VALUES (1, 0)")
        rows.execute("UPDATE account SET balance = 100")
        for refused in (
            "UPDATE book SET amount = 1",
            "DELETE FROM book",
            "DELETE FROM account",
            "DROP TABLE book",
            "CREATE TABLE mine (id BIGINT PRIMARY KEY)",
        ):
            with pytest.raises(pymysql.err.OperationalError, match="denied") as denied:
                rows.execute(refused)
            assert denied.value.args[0] == 1142
        app.commit()


def test_nobody_comes_in_without_a_password(one_node: Cluster):
    """
    There is no account without one, and the administrator's is for the socket alone.
    """
    [node] = one_node
    for user in ("root", "", APP, OWNER):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            pymysql.connect(host=node.host, port=node.port, user=user, connect_timeout=5)
    for user in (APP, OWNER):
        assert one_node.password_file(user).stat().st_mode & 0o077 == 0


def listening(cluster: Cluster) -> set[str]:
    """Return the addresses on which any process of *cluster*'s listens."""
    listed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    pids = {f"pid={node.pid()}," for node in cluster}
    lines = [line for line in listed.splitlines() if any(pid in line for pid in pids)]
    return {line.split()[3].rpartition(":")[0] for line in lines}


def test_nodes_listen_on_loopback_alone(one_node: Cluster):
    """
    Nothing of a test's database is reached from outside.
    """
    assert {"127.0.0.11"} == listening(one_node)


def test_seekdb_listens_nowhere_and_grants_as_the_others_do(seekdb: Cluster):
    """
    OceanBase's engine is reached by its socket alone, and keeps an application to its grants.
    """
    [node] = seekdb
    assert isinstance(node, Seekdb)
    listed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    assert f"pid={node.server_pid()}," not in listed
    with (
        connect(seekdb, node) as owner,
        connect(seekdb, node, user=APP) as app,
    ):
        owner.cursor().execute("CREATE TABLE book (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL)")
        app.cursor().execute("INSERT INTO book VALUES (1, 100)")
        app.commit()
        with pytest.raises(pymysql.err.OperationalError, match="denied") as denied:
            app.cursor().execute("UPDATE book SET amount = 1")
        assert denied.value.args[0] == 1142
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(unix_socket=str(node.socket), user="root")


def test_a_node_that_cannot_begin_says_why():
    """
    Its last words are in the error: here its port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="hongbao-nodes-") as place:
        Path(place).chmod(0o711)
        cluster = Cluster.make(Path(place) / "c", kind="mariadb")
        [node] = cluster
        with (
            socket.create_server((node.host, node.port)),
            pytest.raises(ClusterError, match="already in use"),
        ):
            cluster.up()
        assert cluster.living == []


STARTED = """
from tests.cluster.nodes import started
for cluster in started("mariadb"):
    print(cluster.folder, flush=True)
    input()
"""


def test_nodes_do_not_outlive_tests_that_are_killed(one_node: Cluster):
    """
    Whoever has started them is gone without a word: so are they, and their folder.
    """
    with subprocess.Popen(
        [sys.executable, "-c", STARTED],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        cluster = Cluster.read(Path(tests.stdout.readline().strip()))
        assert cluster.living
        tests.kill()
    end = time.monotonic() + 30
    while cluster.living or cluster.folder.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
