"""Answers that are lost on the way: an act is done once, undone, or known to be unknown."""

from collections.abc import Iterator
from itertools import count

import pytest

from hongbao.engines.mysql.address import Host
from hongbao.engines.mysql.engine import Ledger
from hongbao.errors import ExitCode, OutcomeUnknown
from hongbao.store import Again, Store
from tests.cluster.databases import SECRET, Databases
from tests.cluster.nodes import Cluster
from tests.cluster.proxy import Proxy, SwallowCommits, SwallowStatement, TiDBHabits
from tests.engines.acts import BASE, TOPUP_FEN, ZHANG, add, balance, found, topup

pytestmark = pytest.mark.cluster


@pytest.fixture
def databases(one_node: Cluster) -> Iterator[Databases]:
    made = Databases(one_node)
    found(made.create("unknown"))
    yield made
    made.close()


def upstream(cluster: Cluster) -> tuple[str, int]:
    return cluster.nodes[0].host, cluster.nodes[0].port


def opened(databases: Databases, proxy: Proxy) -> Ledger:
    """Open the ledger by way of *proxy*."""
    address = databases.address("unknown")._replace(hosts=(Host(proxy.host, proxy.port),))
    return Ledger.open(address, databases._password, SECRET)


def once(store: Store, request_id: str) -> None:
    """Do an act unless it was done before, as an act under a request id does."""
    with store.transaction():
        if store.request(request_id, ZHANG).act is None:
            add(store, transfers=[topup(ZHANG, 1)], request_id=request_id)


def ended(store: Store, request_id: str) -> str:
    """Do an act once, and say how it has ended."""
    try:
        once(store, request_id)
    except Again as undone:
        return "undone" if undone.elsewhere else "undone here"
    except OutcomeUnknown as unknown:
        return "unknown" if unknown.begun and unknown.exit_code == ExitCode.PENDING else "?"
    return "done"


def test_whichever_answer_is_lost_the_act_is_done_once(databases: Databases, one_node: Cluster):
    """
    Each statement in turn. Where the act is undone it says so, and it is unknown at COMMIT only.
    """
    direct, ends = databases.open("unknown"), []
    with SwallowStatement(upstream(one_node)) as proxy:
        store = opened(databases, proxy)
        for nth in count(1):
            before = direct.head().entry
            proxy.seen, proxy.nth = 0, nth
            ends.append(ended(store, f"request-of-{nth}"))
            done = {"done": 1, "undone": 0, "unknown": 1}[ends[-1]]  # the answer alone was lost
            assert before + done == direct.head().entry
            assert not store.in_transaction
            was_hit, proxy.nth = proxy.seen >= nth, 0
            once(store, f"request-of-{nth}")
            assert before + 1 == direct.head().entry == BASE + nth
            if not was_hit:
                break
        store.close()
        assert len(proxy.faults) == nth - 1
    assert TOPUP_FEN + nth == direct.balance_fen(balance(ZHANG))
    assert 1 == ends.count("unknown")
    assert "undone" in ends
    assert "done" == ends[-1]


@pytest.mark.parametrize("loses", [False, True])
def test_after_a_commit_without_an_answer_only_the_request_id_tells(
    loses: bool, databases: Databases, one_node: Cluster
):
    direct = databases.open("unknown")
    with SwallowCommits(upstream(one_node), {1}, loses=loses) as proxy:
        store = opened(databases, proxy)
        with pytest.raises(OutcomeUnknown):
            once(store, "same")
        assert BASE + (not loses) == direct.head().entry
        for _ in range(2):
            once(store, "same")
            assert BASE + 1 == direct.head().entry
        store.close()
    assert TOPUP_FEN + 1 == direct.balance_fen(balance(ZHANG))


def test_among_conflicts_and_losses_each_request_is_done_once(
    databases: Databases, one_node: Cluster
):
    """With TiDB's habits: whatever is undone or unknown is asked again under its own id."""
    acts, undone, unknown = 40, 0, 0
    direct = databases.open("unknown")
    with TiDBHabits(upstream(one_node), seed=7) as proxy:
        store = opened(databases, proxy)
        for number in range(acts):
            while True:
                try:
                    once(store, f"request-of-{number}")
                    break
                except Again:
                    undone += 1
                except OutcomeUnknown:
                    unknown += 1
        store.close()
        assert proxy.faults
    assert BASE + acts == direct.head().entry
    assert TOPUP_FEN + acts == direct.balance_fen(balance(ZHANG))
    assert undone > 0
    assert unknown > 0
