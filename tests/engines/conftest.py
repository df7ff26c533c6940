"""
The engines under test, by name; nothing else in this suite knows which one it drives.

An engine that is added gets an adapter here and has to pass every test unchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from sqlcipher3 import dbapi2

from hongbao.engines.sqlcipher import Ledger
from hongbao.store import RuleBroken, Store
from tests.engines.acts import found
from tests.wallet.kills import killed_at

if TYPE_CHECKING:
    from tests.cluster.nodes import Cluster


class Engine(Protocol):
    """What the suite needs of an engine beside its ledgers."""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What it raises where a change breaks a rule that it keeps."""
        ...

    def create(self, name: str = "ledger") -> Store:
        """Make an empty ledger, and open it."""
        ...

    def open(self, name: str = "ledger") -> Store:
        """Open a ledger that was made, as another process does."""
        ...

    def killed_at(self, step: int, act: Callable[[], object], *, everywhere: bool) -> bool:
        """
        Run *act* in a child that is killed before the *step*-th thing that others could see.

        With *everywhere*, at each step of the engine. Returns False where it was over before.
        """
        ...

    def close(self) -> None:
        """Close every ledger that this process has open: a child must not bring one along."""
        ...


class SQLCipher:
    """The embedded engine: one encrypted file for each ledger."""

    refusals = (dbapi2.IntegrityError, RuleBroken)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = bytes(range(32))
        self._opened: list[Store] = []

    def create(self, name: str = "ledger") -> Store:
        return self._kept(Ledger.create(self._place(name), self._key))

    def open(self, name: str = "ledger") -> Store:
        return self._kept(Ledger.open(self._place(name), self._key))

    def _place(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def killed_at(self, step: int, act: Callable[[], object], *, everywhere: bool) -> bool:
        return killed_at(step, act, everywhere=everywhere, from_the_start=True)

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    def _kept(self, store: Store) -> Store:
        self._opened.append(store)
        return store


CLUSTERS = {
    "mysql": ("one_node", []),  # as a user with the rights that are granted for acts
    "mysql-poor": ("one_node", []),  # which enforces no CHECK, and isolates by another default
    "mysql-galera": ("galera", [pytest.mark.slow]),
    "mysql-seekdb": ("seekdb", [pytest.mark.slow]),
}
"""The engine for clusters: what it runs on."""

ENGINES = [
    "sqlcipher",
    *(
        pytest.param(name, marks=[pytest.mark.cluster, *marks])
        for name, (_, marks) in CLUSTERS.items()
    ),
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made: Engine
    cluster: Any = None
    if request.param == "sqlcipher":
        made = SQLCipher(tmp_path)
    else:
        from tests.cluster.databases import PAY, Databases, Poor  # which import a driver

        cluster = request.getfixturevalue(CLUSTERS[request.param][0])
        match request.param:
            case "mysql":
                made = Databases(cluster, user=PAY)
            case "mysql-poor":
                made = Databases(cluster, Poor)
            case _:
                made = Databases(cluster)
    with server_default(cluster) if request.param == "mysql-poor" else nullcontext():
        yield made
        made.close()


@contextmanager
def server_default(cluster: "Cluster") -> Iterator[None]:
    """Have sessions begin at REPEATABLE READ, as servers do that nobody has set otherwise."""
    [node] = cluster
    node.sql("SET GLOBAL tx_isolation = 'REPEATABLE-READ'")
    yield
    node.sql("SET GLOBAL tx_isolation = 'READ-COMMITTED'")


@pytest.fixture
def store(engine: Engine) -> Store:
    """A ledger with three profiles, an operator, a device, a card, and money (`acts.found`)."""
    made = engine.create()
    found(made)
    return made
