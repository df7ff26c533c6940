"""Every node of an address is looked at when it is noted, and shown: it will be used some day."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hongbao.engines.mysql.driver import ANSWER_SECONDS
from tests.cli.shell import Shell
from tests.cluster.nodes import OWNER, Cluster, Node, started
from tests.cluster.test_machines import does, machines_of

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def other() -> Iterator[Node]:
    """Have a second server, which has nothing to do with the first but its user's name."""
    for cluster in started("mariadb"):
        yield cluster.nodes[0]


@pytest.fixture
def shop(one_node: Cluster, tmp_path: Path) -> Shell:
    return machines_of(one_node, tmp_path)("shop")


@pytest.fixture
def dead() -> str:
    """Have an address that nobody answers at."""
    with socket.create_server(("127.0.0.11", 0)) as taken:
        host, port = taken.getsockname()
    return f"{host}:{port}"


def address(*nodes: str, database: str) -> str:
    return f"mysql://{OWNER}@{','.join(nodes)}/{database}"


def place(node: Node) -> str:
    return f"{node.host}:{node.port}"


@pytest.fixture
def unsafe(other: Node, one_node: Cluster) -> Iterator[str]:
    """Have a node that knows our user, and loses what it has confirmed."""
    password = one_node.password_file(OWNER).read_text().strip()
    other.sql(f"ALTER USER '{OWNER}'@'%' IDENTIFIED BY '{password}'")
    other.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    for database in ("hongbao_lists", "hongbao_first"):
        other.sql(f"CREATE DATABASE IF NOT EXISTS {database}")
    yield place(other)
    other.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


def test_an_unsafe_node_is_refused_by_its_name_wherever_it_stands_in_the_list(
    shop: Shell, one_node: Cluster, unsafe: str, dead: str
):
    """A node that is down is none: it may be up tomorrow. It is shown as what it is."""
    [node] = one_node
    database = one_node.create_database("hongbao_lists")
    refused = f"the setting innodb_flush_log_at_trx_commit of {unsafe} is 2, and has to be 1"
    everywhere = address(place(node), dead, unsafe, database=database)

    assert refused in does(shop, f"init Ann --ledger {everywhere}", 21)
    assert not shop.home.exists() or not any(shop.home.iterdir())
    does(shop, f"init Ann --ledger {address(place(node), dead, database=database)}")
    assert refused in does(shop, f"home connect {everywhere}", 21)
    assert unsafe not in (shop.home / "data" / "ledger.toml").read_text()

    shown = json.loads(does(shop, "home --json"))
    assert [place(node), dead] == [each["node"] for each in shown["nodes"]]
    assert [None, "ledger_unreachable"] == [
        each["error"] and each["error"]["code"] for each in shown["nodes"]
    ]
    said = does(shop, "home")
    assert f"node {place(node)} can be used" in said
    assert f"node {dead}: nothing answers at that port" in said


def test_nodes_are_shown_where_none_can_be_used(shop: Shell, one_node: Cluster, dead: str):
    """And the command fails, as every other one does."""
    [node] = one_node
    database = one_node.create_database("hongbao_away")
    does(shop, f"init Ann --ledger {address(place(node), database=database)}")
    note = shop.home / "data" / "ledger.toml"
    note.write_text(note.read_text().replace(place(node), f"nowhere.invalid,{dead}"))

    said = does(shop, "home", 21)

    assert "node nowhere.invalid: no address is known for the host's name" in said
    assert f"node {dead}: nothing answers at that port" in said
    assert "each of them is down, or takes no writes" in said
    assert "ledger_unreachable" in does(shop, "home --json", 21)


def test_a_node_that_takes_connections_and_says_nothing_is_passed_over(
    shop: Shell, one_node: Cluster
):
    """As one that hangs does: the next node is asked within seconds, at each command."""
    [node] = one_node
    database = one_node.create_database("hongbao_silent")
    with socket.create_server(("127.0.0.11", 0)) as silent:
        host, port = silent.getsockname()
        does(shop, f"init Ann --ledger {address(place(node), database=database)}")
        note = shop.home / "data" / "ledger.toml"
        note.write_text(note.read_text().replace(place(node), f"{host}:{port},{place(node)}"))
        begun = time.monotonic()

        does(shop, "balance")

        assert time.monotonic() - begun < ANSWER_SECONDS / 2
        assert f"node {host}:{port}: no answer came in time" in does(shop, "home")


def test_a_node_that_becomes_unsafe_is_shown(shop: Shell, one_node: Cluster, unsafe: str):
    [node] = one_node
    database = one_node.create_database("hongbao_first")
    does(shop, f"init Ann --ledger {address(place(node), database=database)}")
    note = shop.home / "data" / "ledger.toml"
    note.write_text(note.read_text().replace(place(node), f"{place(node)},{unsafe}"))

    shown = json.loads(does(shop, "home show --json"))

    assert [None, "cluster_refused"] == [
        each["error"] and each["error"]["code"] for each in shown["nodes"]
    ]
    assert f"节点 {unsafe}：" in shop("home", HONGBAO_LANG="zh").out
