"""``hongbao storm`` on a cluster: the evening at nodes of its own, one of which may go away."""

import json
import os
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from hongbao import cli
from hongbao.domain.policy import parse_policy
from hongbao.env import system_env
from hongbao.home.clusters import Access
from hongbao.load.costs import costs_of
from hongbao.load.rush import Rush, started
from hongbao.load.storm import Plan
from hongbao.policies import text_of
from hongbao.wallet import Wallet
from hongbao.wallet.sandbox import make_sandbox
from tests.cli.shell import COMMAND
from tests.cluster.databases import PAY
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import empty_ledger
from tests.serving.test_server import until

pytestmark = pytest.mark.cluster


def test_an_evening_on_a_cluster_is_counted(
    one_node: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    By the installed command: everything that was asked is answered at a node, and nothing is lost.
    """
    address = empty_ledger(one_node, "storm")
    monkeypatch.delenv("HONGBAO_HOME", raising=False)
    code = cli.main(
        [
            *("storm", "--ledger", str(address), "--json"),
            *("--ledger-password-file", str(one_node.password_file(PAY))),
            *("--people", "4", "--packets", "2", "--shares", "2", "--claims", "40"),
            *("--seconds", "1"),
        ]
    )
    out, err = capsys.readouterr()

    assert (0, "") == (code, err)
    answer = json.loads(out)
    assert (True, 40, 0) == (answer["ok"], answer["asked"], answer["lost_fen"])
    refused = sum(each["count"] for each in answer["refused"])
    assert 40 == answer["claimed"] + answer["again"] + refused
    assert 1 < answer["claimed"] <= 4
    assert answer["sent_fen"] == answer["claimed_fen"] + answer["left_fen"]
    (node,) = answer["nodes"]
    assert (40, True) == (node["claims"], node["up"])
    assert 1 <= node["groups"] <= 40


def rush(cluster: Cluster, folder: Path, name: str, *, kills: bool) -> Rush:
    """Play an evening at two nodes of one server; kill one of them in the middle, if so asked."""
    address = empty_ledger(cluster, name)
    address = address._replace(hosts=address.hosts * 2)
    access = Access(address, cluster.password_file(PAY).read_text().strip())
    env = system_env()._replace(home=folder / "home", variables={})
    policy = parse_policy(text_of("standard"), "standard")
    made = make_sandbox(env, env.home, policy, people=8, seed="eve", rich=3, access=access)
    plan = Plan("eve", senders=3, packets=6, shares=4, claims=160, nanoseconds=2_000_000_000)
    with ExitStack() as closing:
        nodes = closing.enter_context(started(env.home, folder, address))
        wallet = closing.enter_context(Wallet.open(env))
        people = [person["profile"] for person in made["people"]]
        storm = Rush(wallet.home, people, plan, nodes)
        storm.prepare()
        for _standing in storm.run():
            if kills and len(storm.micros) > 60 and nodes[1].is_up and nodes[1].in_hand:
                os.kill(nodes[1].pid, signal.SIGKILL)
                kills = False
        storm.finish()
        assert not kills
        checked = wallet.check()
        assert checked["ok"], [each for each in checked["findings"] if not each["ok"]]
        rows = [wallet.home.store.packet(each) for each in storm.packets]
        left = sum(row.packet.remaining_fen for row in rows if row is not None)
        acts = Counter(act.act for act in wallet.home.store.acts())
    assert storm.sent_fen == storm.claimed_fen + left
    assert 160 == len(storm.micros) == storm.claimed + storm.again + storm.refused.total()
    assert acts["claim"] >= storm.claimed
    return storm


def test_claims_go_to_the_node_of_their_packet(one_node: Cluster, tmp_path: Path):
    """
    Each of two nodes answers some, and together they answer all.
    """
    storm = rush(one_node, tmp_path, "rush", kills=False)

    first, second = storm.standings()
    assert 160 == first.claims + second.claims
    assert min(first.claims, second.claims) > 20
    assert first.is_up
    assert second.is_up


def test_the_node_of_a_storm_that_is_killed_ends_without_a_word(one_node: Cluster, tmp_path: Path):
    """
    It would keep its connections to the database for ever.
    """
    address = empty_ledger(one_node, "orphans")
    process = subprocess.Popen(
        [
            *(*COMMAND, "storm", "--ledger", str(address), "--seconds", "60"),
            *("--ledger-password-file", str(one_node.password_file(PAY))),
            *("--people", "4", "--packets", "2", "--shares", "2", "--claims", "400"),
        ],
        env={"TMPDIR": str(tmp_path), "PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: [*tmp_path.glob("*/0.sock")])
    (node,) = children.read_text().split()

    process.kill()
    _out, err = process.communicate(timeout=30)  # until no one has its standard error any more

    until(lambda: not Path("/proc", node).exists())
    assert all(line.startswith("note: ") for line in err.splitlines()), err


@pytest.mark.slow
def test_the_claims_of_a_node_that_is_killed_are_asked_of_the_other(
    one_node: Cluster, tmp_path: Path
):
    """
    With the same requests, so none is done twice, and none is lost.
    """
    storm = rush(one_node, tmp_path, "killed", kills=True)

    assert [True, False] == [node.is_up for node in storm.standings()]


@pytest.mark.slow
def test_costs_are_measured_on_a_cluster(
    one_node: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """
    And what follows from them knows that other nodes share its ledger.
    """
    address, file = empty_ledger(one_node, "costs"), tmp_path / "costs.json"
    code = cli.main(
        [
            *("storm", "--simulate", "3", "--costs", str(file), "--ledger", str(address)),
            *("--ledger-password-file", str(one_node.password_file(PAY)), "--json"),
            *("--people", "20", "--packets", "3", "--claims", "400"),
        ]
    )
    out, err = capsys.readouterr()

    assert (0, "") == (code, err)
    assert "cluster" == costs_of(json.loads(file.read_text())).engine
    answer = json.loads(out)
    assert answer["kill"]["elsewhere"]
    assert answer["costs"]["sizes"][0]["database_ns"] > 100_000
