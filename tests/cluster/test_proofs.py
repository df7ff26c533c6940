"""
Whether acknowledged commits stay, on three nodes whose clients write to all of them.

By bare SQL, with no code of ours between: what the engine may rely on, and what it may not. Each
proof has a control that leaves out one precaution, and has to fail. HONGBAO_FAULTS says how often
each fault is repeated.
"""

import os
import random
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.cluster.history import kinds
from tests.cluster.nodes import Cluster, Node, started
from tests.cluster.workload import Workload
from tools.nodes.programs import ClusterError

pytestmark = pytest.mark.cluster

FAULTS = int(os.environ.get("HONGBAO_FAULTS", "3"))
# How a group that two nodes left at once is brought back.
ENDINGS = ("any moment", "all return", "operator")
WORKLOADS = pytest.mark.parametrize("workload", ["lists", "bank"])


def until_size(node: Node, size: int, seconds: float = 60) -> None:
    """Wait until *node* belongs to a group of so many that takes writes."""
    end = time.monotonic() + seconds
    while (seen := node.look()).size != size or seen.state != "ready":
        assert time.monotonic() < end, seen
        time.sleep(0.2)


@pytest.fixture(autouse=True)
def _mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no fault of a test that failed to the next."""
    yield
    for name in ("galera", "sites"):
        if name in request.fixturenames:
            request.getfixturevalue(name).mend()


def others(cluster: Cluster, node: Node) -> list[Node]:
    return [other for other in cluster if other is not node]


def wait_alone(left: Node, ending: str, chance: random.Random) -> None:
    """Wait for a while, or, where the *ending* is about that, until *left* has given up."""
    if ending == "any moment":
        time.sleep(chance.random() * 8)
        return
    end = time.monotonic() + 60
    while (seen := left.look()).state != "no quorum" or seen.size != 1:
        assert time.monotonic() < end, seen
        time.sleep(0.2)


def go_on(cluster: Cluster, two: list[Node], killed: Node, ending: str) -> None:
    """
    Bring the group back when *two* of three hear each other again, and see it whole.

    Two who never gave the group up are its majority, and go on by themselves. Once each has given
    it up alone, either might have missed that the dead node went on: Galera waits for all of the
    last group, or for an operator who knows that the dead one did not.
    """
    end = time.monotonic() + 60
    while any(node.look().size != 2 for node in two):
        assert time.monotonic() < end, [node.look() for node in two]
        time.sleep(0.2)
    if ending != "any moment":
        assert ["no quorum"] * 2 == [node.look().state for node in two]
    if ending == "operator":
        cluster.take_over(two[0])
        until_size(two[1], 2)
    cluster.start(killed)
    cluster.wait_whole()


def settle(run: Workload) -> None:
    """End *run*, and see that nothing is wrong, before and after what is unknown is asked again."""
    assert [] == run.finish()
    if run.workload == "bank":
        run.ask_again()
        assert [] == run.findings()


@WORKLOADS
def test_three_nodes_at_peace(galera: Cluster, tmp_path: Path, workload: str):
    """
    Clients that write to one node and read from the next: nothing lost, stale, or in two orders.
    """
    with Workload(galera, tmp_path, workload, hops=True, pause=0) as run:
        run.wait_for_answers(600)
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_nodes_are_killed_under_load(galera: Cluster, tmp_path: Path, workload: str):
    """
    SIGKILL for one node after the other, each of which comes back and catches up.
    """
    chance = random.Random(workload)
    with Workload(galera, tmp_path, workload) as run:
        for _ in range(FAULTS):
            run.wait_for_answers()
            node = chance.choice(galera.nodes)
            node.kill()
            until_size(others(galera, node)[0], 2)
            run.wait_for_answers()
            galera.start(node)
            galera.wait_whole()
        run.wait_for_answers()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_nodes_are_stopped_under_load(galera: Cluster, tmp_path: Path, workload: str):
    """
    SIGSTOP until the others go on without the node, whose clients hear nothing at all.
    """
    chance = random.Random(workload)
    with Workload(galera, tmp_path, workload) as run:
        for _ in range(FAULTS):
            run.wait_for_answers()
            node = chance.choice(galera.nodes)
            galera.stop(node)
            until_size(others(galera, node)[0], 2)
            run.wait_for_answers()
            galera.cont(node)
            galera.wait_whole()
        run.wait_for_answers()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_faults_overlap(galera: Cluster, tmp_path: Path, workload: str):
    """
    One node is killed while another stands still: without a majority nobody writes.
    """
    chance = random.Random(workload)
    with Workload(galera, tmp_path, workload) as run:
        for ending in islice(cycle(ENDINGS), FAULTS):
            run.wait_for_answers()
            stopped, killed, left = chance.sample(galera.nodes, 3)
            galera.stop(stopped)
            killed.kill()
            wait_alone(left, ending, chance)
            galera.cont(stopped)
            go_on(galera, [left, stopped], killed, ending)
        run.wait_for_answers()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_all_are_killed_and_begin_from_the_last_commit(
    galera: Cluster, tmp_path: Path, workload: str
):
    """
    Three nodes within a second, then a beginning from the one that holds the most.
    """
    with Workload(galera, tmp_path, workload) as run:
        for _ in range(FAULTS):
            run.wait_for_answers()
            galera.kill_all()
            galera.bootstrap()
            galera.wait_whole()
        run.wait_for_answers()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_sites_are_parted(sites: Cluster, tmp_path: Path, workload: str):
    """
    Each site in turn is cut off from the others, and a city with two of the three.
    """
    with Workload(sites, tmp_path, workload) as run:
        for _ in range(FAULTS):
            for site in ("shanghai-1", "shanghai-2", "beijing", "shanghai"):
                run.wait_for_answers()
                cut = sites.part(site)
                majority = others(sites, cut[0]) if len(cut) == 1 else cut
                until_size(majority[0], 2)
                assert sites.dropped()
                run.wait_for_answers()
                sites.heal()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_a_partition_meets_a_crash(sites: Cluster, tmp_path: Path, workload: str):
    """
    A site is cut off, one of the others dies, and nobody writes until the cut is healed.
    """
    chance = random.Random(workload)
    with Workload(sites, tmp_path, workload) as run:
        for ending in islice(cycle(ENDINGS), FAULTS):
            run.wait_for_answers()
            cut, killed, left = chance.sample(sites.nodes, 3)
            sites.part(cut.name)
            killed.kill()
            wait_alone(left, ending, chance)
            sites.heal()
            go_on(sites, [left, cut], killed, ending)
        run.wait_for_answers()
        settle(run)


@pytest.mark.slow
@WORKLOADS
def test_two_primaries_under_load_are_not_joined_and_what_is_thrown_away_is_found(
    sites: Cluster, tmp_path: Path, workload: str
):
    """
    A site that is only cut off is told to go on alone: both sides acknowledge from then on.

    Healing refuses, before and after; whichever side is thrown away, the checker sees that it was.
    """
    n1, _, n3 = sites
    with Workload(sites, tmp_path, workload, hops=True, pause=0) as run:
        run.wait_for_answers()
        sites.part("shanghai")
        until_size(n1, 2)
        end = time.monotonic() + 60
        while n3.look().is_primary:  # it has to notice the cut, too
            assert time.monotonic() < end
            time.sleep(0.1)
        sites.take_over(n3)
        before = [node.look().seqno for node in (n1, n3)]
        run.wait_for_answers(100)
        for _ in range(2):
            with pytest.raises(ClusterError, match="two sides take writes"):
                sites.heal()
        assert all(node.look().is_primary for node in sites)
        end = time.monotonic() + 60
        while any(node.look().seqno < was + 20 for node, was in zip((n1, n3), before, strict=True)):
            assert time.monotonic() < end
            run.wait_for_answers()
        sites.heal(discard="beijing")
        sites.wait_whole()
        run.wait_for_answers()
        found = kinds(run.finish())
    assert found & {"lost", "fork", "balance"}
    assert "apart" not in found


# --- controls: each must be found out -------------------------------------------------------------


@pytest.mark.parametrize(
    ("workload", "found"),
    [("lists", {"lost update or skew", "lost", "fork"}), ("bank", {"balance"})],
)
def test_without_the_guard_updates_are_lost(
    galera: Cluster, tmp_path: Path, workload: str, found: set[str]
):
    """
    What was read is written back without a condition: two nodes undo each other's work.
    """
    with Workload(galera, tmp_path, workload, is_guarded=False, pause=0) as run:
        run.wait_for_answers(300)
        assert kinds(run.finish()) & found


def test_without_waiting_reads_are_stale(galera: Cluster, tmp_path: Path):
    """
    With ``wsrep_sync_wait`` off, a node answers before it has what another has acknowledged.
    """
    with Workload(galera, tmp_path, "lists", sync_wait=0, hops=True, pause=0) as run:
        run.wait_for_answers(600)
        assert {"stale"} == kinds(run.finish())


@pytest.mark.slow
def test_without_flushing_acknowledged_commits_are_lost(tmp_path: Path):
    """
    Nodes that flush once a second all die at once: Galera has no other copy.

    When they died matters, so there are a few tries.
    """
    for cluster in started("galera", flush=0):
        found: set[str] = set()
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            with Workload(cluster, folder, "lists", pause=0) as run:
                run.wait_for_answers(100)
                cluster.kill_all()
                cluster.bootstrap()
                found = kinds(run.finish())
            if found:
                break
        assert "lost" in found
