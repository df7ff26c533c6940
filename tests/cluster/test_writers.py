"""Writers on all nodes of a cluster: each act is done once, and every node says the same."""

from collections.abc import Iterator

import pytest

from hongbao.engines.mysql.engine import Ledger
from hongbao.questions import Question
from hongbao.store import Again, Store
from tests.cluster.databases import SECRET, Databases
from tests.cluster.nodes import Cluster
from tests.engines.acts import BASE, TOPUP_FEN, ZHANG, add, balance, found, picture, topup
from tests.vault.processes import race

pytestmark = pytest.mark.cluster

ACTS = 10


@pytest.fixture
def databases(galera: Cluster) -> Iterator[Databases]:
    made = Databases(galera)
    yield made
    made.close()


def at_node(databases: Databases, number: int) -> Ledger:
    """Open the ledger with the nodes in another order: a writer at each of them."""
    address = databases.address("writers")
    hosts = address.hosts[number:] + address.hosts[:number]
    return Ledger.open(address._replace(hosts=hosts), databases._password, SECRET)


def once(store: Store, request_id: str) -> int:
    """Do an act unless it was done before, and return how often it was undone before that."""
    undone = 0
    while True:
        try:
            with store.transaction():
                if store.request(request_id, ZHANG).act is None:
                    has_fen = store.balance_fen(balance(ZHANG))
                    add(store, transfers=[topup(ZHANG, 1)], request_id=f"{request_id}:{has_fen}")
            return undone
        except Again:
            undone += 1


def test_writers_on_three_nodes_lose_nothing_and_decide_on_what_is_there(databases: Databases):
    """Each act says what it has read: no two have read the same, and none an old balance."""
    found(databases.create("writers"))
    databases.close()

    def one(number: int) -> bytes:
        store = at_node(databases, number % 3)
        undone = sum(once(store, f"{number}-{act}") for act in range(ACTS))
        store.close()
        return b"%d" % undone

    writers = 6
    undone = sum(map(int, race(writers, one)))
    total = writers * ACTS
    pictures = []
    for node in range(3):
        store = at_node(databases, node)
        pictures.append(picture(store))
        read = [
            int(str(fields[3]).split(":")[1])
            for fields, _mac in list(store.audit(Question.SEALED_ACTS))[BASE:]
        ]
        assert list(range(TOPUP_FEN, TOPUP_FEN + total)) == read
        assert BASE + total == store.head().entry
        assert TOPUP_FEN + total == store.balance_fen(balance(ZHANG))
        assert [] == list(store.audit(Question.FILE_PROBLEMS))
        store.close()
    assert pictures[0] == pictures[1] == pictures[2]
    assert undone > 0  # or they never met


def test_what_one_node_has_confirmed_is_read_at_once_on_the_others(databases: Databases):
    found(databases.create("writers"))
    stores = [at_node(databases, node) for node in range(3)]
    for number in range(30):
        writer, reader = stores[number % 3], stores[(number + 1) % 3]
        once(writer, f"{number}")
        assert BASE + number + 1 == reader.head().entry
        with reader.snapshot():
            assert TOPUP_FEN + number + 1 == reader.balance_fen(balance(ZHANG))
    for store in stores:
        store.close()
