"""Costs: what is drawn from them, what they are kept as, and what is simulated with them."""

import json
from typing import Any

import pytest

from hongbao.env import chance_from
from hongbao.load.costs import Costs, Drawn, Group, costs_of, means_of
from hongbao.load.platform import RUNS, Study
from tests.every import every

MS = 1_000_000

COSTS = Costs(
    engine="file",
    gateway_ns=(4 * MS, 6 * MS),
    groups=(
        *(Group(1, 10 * MS, 90 * MS), Group(1, 10 * MS, 110 * MS)),
        *(Group(5, 40 * MS, 150 * MS), Group(5, 60 * MS, 250 * MS)),
    ),
    start_ns=(200 * MS, 300 * MS),
)
"""Very slow ones: what is simulated with them is soon simulated."""


def drawn_means(drawn: Drawn, size: int) -> tuple[float, float]:
    """Return the means of many draws, in milliseconds."""
    works = [drawn(size) for _ in range(1000)]
    return sum(each.decided for each in works), sum(each.committed for each in works)


def test_what_is_drawn_has_the_means_that_were_measured():
    """
    Of a size between two, what lies between; of a larger one, as many times as much.
    """
    drawn = Drawn(COSTS, chance_from("means"), again=False)
    for size, decided, committed in (
        (1, 10, 102.5),
        (3, 30, 157.5),
        (5, 50, 212.5),
        (10, 100, 425),
    ):
        assert (decided, committed) == pytest.approx(drawn_means(drawn, size), rel=0.03)
    assert {0.2, 0.3} == {drawn.start for _ in range(50)}
    assert (0.0025, 0.0025) == pytest.approx((drawn.reading, drawn.refusal))
    assert pytest.approx(5 / 0.275) == drawn.most(5)
    assert (5 * MS, 10 * MS, 40 * MS) == means_of(COSTS, 5)


def test_a_run_knows_only_what_it_has_drawn_of_the_measured():
    """
    So two runs differ by how much was measured, which is why an interval is that wide.
    """
    most = {Drawn(COSTS, chance_from(str(seed)), again=True).most(5) for seed in range(20)}
    assert len(most) > 3
    assert min(most) < 5 / 0.275 < max(most)


def test_costs_are_kept_as_a_document():
    assert COSTS == costs_of(json.loads(json.dumps(COSTS.document())))


@every(
    "change",
    (
        {"costs": 2},
        {"engine": "abacus"},
        {"engine": None},
        {"groups": []},
        {"groups": [[0, 1, 1]]},
        {"groups": [[1, 1]]},
        {"groups": [[1, -1, 1]]},
        {"groups": [[1, 1.5, 1]]},
        {"groups": [[True, 1, 1]]},
        {"groups": {"1": 2}},
        {"gateway_ns": []},
        {"gateway_ns": [10**12]},
        {"gateway_ns": "many"},
        {"start_ns": [None]},
        {"start_ns": None},
    ),
)
def test_what_is_no_document_of_costs_is_refused(change: dict[str, Any]):
    with pytest.raises(ValueError):  # noqa: PT011 - of any sentence: the command has its own
        costs_of({**COSTS.document(), **change})


@every("document", (None, [], 7, "costs", {}))
def test_what_is_no_document_at_all_is_refused(document: Any):
    with pytest.raises(ValueError):  # noqa: PT011
        costs_of(document)


# --- a platform -----------------------------------------------------------------------------------


def test_a_study_follows_from_its_seed_and_its_costs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hongbao.load.platform.RUNS", 3)

    def kill(seed: str) -> object:
        return Study(COSTS, 3, chance_from, seed).kill()

    assert kill("eve") == kill("eve") != kill("2027")


@pytest.mark.slow
def test_a_study_says_what_its_costs_allow():
    """
    And of many nodes, many times as much.
    """
    study = Study(COSTS, 3, chance_from, "eve").simulated()

    most = study["most"]
    assert most["low"] - 1 <= 5 / 0.275 / (1 + 0.005 * 5 / 0.275) <= most["high"] + 3
    loads = study["loads"]
    assert sorted(load["rate"] for load in loads) == [load["rate"] for load in loads]
    small, large = loads[0], loads[-1]
    assert small["answered"]["low"] <= small["rate"] <= small["answered"]["high"]
    assert large["answered"]["high"] < large["rate"]
    assert large["p99_micros"]["mean"] > small["p99_micros"]["mean"] > 100_000
    need = study["need"]
    assert need["nodes_low"] <= need["nodes"] <= need["nodes_high"]
    drawn = [Drawn(COSTS, chance_from(f"eve/costs/{run}"), again=True) for run in range(RUNS)]
    of_one = sum(each.most(5) for each in drawn) / RUNS
    assert need["nodes"] == pytest.approx(200_000 / of_one, rel=0.02)
    kill = study["kill"]
    assert kill["slowest_micros"]["mean"] > kill["usual_micros"]["mean"]
    assert kill["over_micros"]["mean"] > 250_000
    assert not kill["elsewhere"]


def test_on_a_cluster_the_others_take_a_killed_nodes_claims(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hongbao.load.platform.RUNS", 2)
    costs = COSTS._replace(engine="cluster")
    assert Study(costs, 3, chance_from, "eve").kill()["elsewhere"]
    assert not Study(costs, 1, chance_from, "eve").kill()["elsewhere"]
