"""The engine's log under the model's lives: acts, sealers and losses in a real database."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from hongbao.domain.log.leaves import UNSEALED
from hongbao.engines.mysql.engine import Ledger
from tests.cluster import mirror
from tests.cluster.databases import Databases
from tests.cluster.nodes import Cluster
from tests.lanes import model
from tests.lanes.test_machine import LIVES, Lanes, explore, play

pytestmark = pytest.mark.cluster

MANY = int(os.environ.get("HONGBAO_LIVES", "60"))


@pytest.fixture(scope="module")
def lives(one_node: Cluster) -> Iterator[type[Lanes]]:
    """The model's state machine, whose platform is in a database."""
    databases = Databases(one_node)
    made = databases.create("lanes")
    assert isinstance(made, Ledger)
    ledger: Ledger = made

    class Real(Lanes):
        def new_store(self) -> model.Store:
            return model.found(mirror.Database(ledger), mirror.Store)

        def comes_to_rest(self) -> None:
            super().comes_to_rest()
            rows = self.database.tables["sealed"]
            expected = {lane: row for lane, row in rows.items() if row != UNSEALED}
            assert expected == mirror.sealed_rows(ledger)

    yield Real
    databases.close()


def test_a_life_in_a_real_database(lives: type[Lanes]):
    """
    Each verb says what the model says, whatever was done, undone or lost.
    """
    explore(4, 20, lives)


@pytest.mark.slow
def test_many_lives_in_a_real_database(lives: type[Lanes]):
    """
    As many as HONGBAO_LIVES says, each of fifty steps.
    """
    explore(MANY, 50, lives)

    sys.stdout.write(f"{MANY} lives in a real database\n")


@pytest.mark.slow
@pytest.mark.parametrize("broken", LIVES)
def test_each_rule_is_needed_in_a_real_database(
    broken: Callable[[pytest.MonkeyPatch], None], lives: type[Lanes], monkeypatch
):
    """
    The lives that are good ones with it are good ones there, too.
    """
    play(LIVES[broken], lives)
