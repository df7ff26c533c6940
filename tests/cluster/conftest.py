"""Ledgers on the one server that tests of a cluster share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hongbao.store import Store
    from tests.cluster.databases import Databases
    from tests.cluster.nodes import Cluster


@pytest.fixture
def databases(one_node: Cluster) -> Iterator[Databases]:
    """Have databases on one server, which are emptied when they are made again."""
    from tests.cluster.databases import Databases  # which imports a driver

    made = Databases(one_node)
    yield made
    made.close()


@pytest.fixture
def store(databases: Databases) -> Store:
    """Have a ledger there, with people and money (`acts.found`)."""
    from tests.engines.acts import found

    made = databases.create()
    found(made)
    return made
