"""
Lives of several processes under a scheduler, on a real server: what the model foresees happens.

HONGBAO_SIM_STEPS is how many turns are taken in the long run, from HONGBAO_SIM_SEED.
"""

import sys
from collections import Counter

import pytest

from tests.cluster.nodes import Cluster
from tests.cluster.simulated import AuthorOnCluster, LifeOnCluster
from tests.simulation.plan import Lived, lived
from tests.simulation.planted import planted
from tests.simulation.running import chosen, lives

pytestmark = pytest.mark.cluster

FOUND = ("forgotten-refusal", "uncounted-pin", "double-refund", "utc-day", "hold-twice")
LIVES_MAX, LENGTH = 24, 8_000
"""Within so many lives, of so many turns, each planted mistake is found."""


def live(cluster: Cluster, seed: str, turns: int) -> Lived:
    return lived(AuthorOnCluster(seed), LifeOnCluster(cluster, seed), turns)


def test_a_life_is_as_the_model_has_it(one_node: Cluster):
    found = live(one_node, "cluster", 2_500)
    assert found.failed is None, (found.seed, str(found.failed))
    assert found.commands > 15


@pytest.mark.slow
def test_many_lives_are_as_the_model_has_them(one_node: Cluster):
    seed, steps = chosen(40_000, "2")
    counts: Counter[tuple[str, str]] = Counter()
    for name, turns in lives(seed, steps):
        found = live(one_node, name, turns)
        counts += found.life.counts
        sys.stdout.write(f"{name}: {found.turns} turns, {found.commands} commands\n")
        assert found.failed is None, (found.seed, str(found.failed))
    assert counts["fault kill", "killed"]
    assert counts["claim", "ok"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_a_mistake_that_is_planted_is_found_here_too(name: str, one_node: Cluster):
    """The control: those that rest on no engine. (The others are written for a file.)"""
    with planted(name):
        for number in range(1, LIVES_MAX + 1):
            found = live(one_node, f"p{number}", LENGTH)
            if found.failed is not None:
                sys.stdout.write(f"{name}: life {number}, {found.failed}\n")
                return
    pytest.fail(f"{name} was not found in {LIVES_MAX} lives")
