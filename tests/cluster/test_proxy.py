"""What gets lost on the way to a node, and what a client can know of it."""

import pymysql
import pytest
from pymysql.connections import Connection

from tests.cluster.nodes import Cluster, connect
from tests.cluster.proxy import Proxy, SwallowCommits, SwallowStatement, TiDBHabits

pytestmark = pytest.mark.cluster

GONE = 2013


@pytest.fixture(scope="module")
def database(one_node: Cluster) -> str:
    return one_node.create_database("hongbao_proxy")


@pytest.fixture(autouse=True)
def _table(one_node: Cluster, database: str) -> None:
    with connect(one_node, one_node.nodes[0], database=database) as owner:
        cursor = owner.cursor()
        cursor.execute("CREATE OR REPLACE TABLE t (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)")


def through(cluster: Cluster, proxy: Proxy, database: str) -> Connection:
    """Return a connection by way of *proxy*."""
    return connect(cluster, cluster.nodes[0], database=database, at=(proxy.host, proxy.port))


def ids(cluster: Cluster, database: str) -> list[int]:
    """Return what the table holds, asked without a proxy."""
    with connect(cluster, cluster.nodes[0], database=database) as direct:
        cursor = direct.cursor()
        cursor.execute("SELECT id FROM t ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def failure(connection: Connection, statement: str) -> int:
    """Return the code of the error that *statement* ends with."""
    with pytest.raises(pymysql.err.MySQLError) as error:
        connection.cursor().execute(statement)
    return int(error.value.args[0])


def test_everything_passes_through(one_node: Cluster, database: str):
    """
    Where no fault is asked for there is none: large answers and errors come as they are.
    """
    upstream = (one_node.nodes[0].host, one_node.nodes[0].port)
    with Proxy(upstream) as proxy, through(one_node, proxy, database) as connection:
        cursor = connection.cursor()
        rows = [(number, number) for number in range(2000)]
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)
        connection.commit()
        cursor.execute("SELECT id, n FROM t ORDER BY id")
        assert rows == list(cursor.fetchall())
        assert 1062 == failure(connection, "INSERT INTO t VALUES (1, 1)")
        connection.ping(reconnect=False)
    assert [] == proxy.faults


@pytest.mark.parametrize("loses", [False, True])
def test_an_unanswered_commit_may_have_taken_effect_or_not(
    one_node: Cluster, database: str, loses: bool
):
    """
    The client hears the same either way; what the table holds differs.
    """
    upstream = (one_node.nodes[0].host, one_node.nodes[0].port)
    with SwallowCommits(upstream, {2}, loses=loses) as proxy:
        connection = through(one_node, proxy, database)
        for number in (1, 2):
            connection.cursor().execute("INSERT INTO t VALUES (%s, 0)", (number,))
            if number == 1:
                connection.commit()
        assert GONE == failure(connection, "COMMIT")
    assert [("lost" if loses else "swallowed", "COMMIT")] == proxy.faults
    assert ([1] if loses else [1, 2]) == ids(one_node, database)


def test_each_statement_in_turn_can_lose_its_answer(one_node: Cluster, database: str):
    """
    Before COMMIT nothing stays, whichever answer is lost.
    """
    upstream = (one_node.nodes[0].host, one_node.nodes[0].port)
    statements = [
        "START TRANSACTION",
        "INSERT INTO t VALUES (1, 0)",
        "SELECT n FROM t WHERE id = 1 FOR UPDATE",
        "UPDATE t SET n = 1 WHERE id = 1",
    ]
    for nth, statement in enumerate(statements, start=1):
        with SwallowStatement(upstream) as proxy:
            connection = through(one_node, proxy, database)
            proxy.nth = proxy.seen + nth  # a driver has statements of its own at first
            for earlier in statements[: nth - 1]:
                connection.cursor().execute(earlier)
            assert GONE == failure(connection, statement)
        assert [("swallowed", statement)] == proxy.faults
        assert [] == ids(one_node, database)


def test_tidb_tells_of_a_duplicate_at_commit(one_node: Cluster, database: str):
    """
    The INSERT seems to have worked; COMMIT says otherwise, and nothing of the act stays.
    """
    upstream = (one_node.nodes[0].host, one_node.nodes[0].port)
    with TiDBHabits(upstream, conflicts=0, drops=0) as proxy:
        connection = through(one_node, proxy, database)
        cursor = connection.cursor()
        cursor.execute("INSERT INTO t VALUES (1, 0)")
        connection.commit()
        assert 1 == cursor.execute("INSERT INTO t VALUES (1, 5)")
        cursor.execute("INSERT INTO t VALUES (2, 5)")
        assert 1062 == failure(connection, "COMMIT")
        connection.rollback()
        cursor.execute("INSERT INTO t VALUES (3, 0)")
        connection.commit()
        connection.close()
    assert [1, 3] == ids(one_node, database)


def test_tidb_conflicts_roll_back_and_drops_leave_the_outcome_open(
    one_node: Cluster, database: str
):
    """
    A row that was told to be in is in; one that was refused is not; of the rest either is right.
    """
    upstream = (one_node.nodes[0].host, one_node.nodes[0].port)
    told, refused, unknown = set(), set(), set()
    with TiDBHabits(upstream, seed=3, conflicts=10, drops=20) as proxy:
        connection = through(one_node, proxy, database)
        for number in range(200):
            try:
                connection.cursor().execute("INSERT INTO t VALUES (%s, 0)", (number,))
                connection.commit()
                told.add(number)
            except pymysql.err.MySQLError as error:
                if error.args[0] == GONE:
                    unknown.add(number)
                    connection = through(one_node, proxy, database)
                elif error.args[0] in (8002, 8022, 9007):
                    refused.add(number)
                    connection.rollback()
                else:
                    raise
        connection.close()
    held = set(ids(one_node, database))
    assert told <= held
    assert not refused & held
    assert unknown & held
    assert unknown - held
    assert len(proxy.faults) == len(refused) + len(unknown)
