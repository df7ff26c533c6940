"""
What a platform of nodes like this one would do, and what 200,000 claims a second would need.

Everything is simulated in several runs, each with chance of its own from one seed, and each with
costs drawn again from what was measured; what is told is the mean of the runs, with the interval
that has the true one in it 95 times of a hundred, if nodes are as the model says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING

from hongbao.load.costs import Drawn, means_of
from hongbao.load.simulation import Conflicts, Kill, Limits, Load, Patience, Played, play

if TYPE_CHECKING:
    from hongbao.answers import (
        Interval,
        Simulated,
        SimulatedCosts,
        SimulatedKill,
        SimulatedLoad,
        SimulatedNeed,
    )
    from hongbao.load.costs import Costs
    from hongbao.load.simulation import Uniform

WANTED = 200_000
"""Claims a second: what the payment arm of the best known packets prepared for in 2015."""

RUNS = 20
STUDENT = 2.093
"""Student's t for twenty runs: 0.975 of it, 19 degrees of freedom."""

NODES_PLAYED = 4
SECONDS = 1.0
GROUPS = 40
"""How long a load is simulated: a second, or as long as so many of the largest groups take."""

PERCENTS = (10, 25, 50, 75, 90, 100, 125)
"""The loads that are simulated, of what the platform does at most."""

CARRIED = 4
CARRIED_CLAIMS = 12_500
WAITING_MAX = 250
"""
A load is carried if for so many times that, and so many claims, its queue is never more than half
full: of a fiftieth too much, as many would wait at the end.
"""

PEOPLE = 100_000_000
"""How many people grab packets in one evening, of whom two may be credited at once."""

NOTICED = 0.1
"""How long it takes until a process that has died is started again."""

KILL_PERCENT = 60
KILL_TIMES = 3
SLICES = 40
"""In how many parts the seconds around a killed node are shown."""

HALVINGS = 6


class Study:
    """Simulations of a platform of *nodes* like the one whose *costs* were measured."""

    def __init__(
        self, costs: Costs, nodes: int, chance_from: Callable[[str], Uniform], seed: str
    ) -> None:
        self._costs, self._nodes = costs, nodes
        self._chance_from, self._seed = chance_from, seed
        self._is_cluster = costs.engine == "cluster"
        self._group = costs.sizes[-1]
        usual = Drawn(costs, chance_from(seed), again=False)
        self._seconds = max(SECONDS, GROUPS * self._group / usual.most(self._group))
        self._warm_up = self._seconds / 5
        self._most = [self._most_of(run) for run in range(RUNS)]

    @property
    def _killed_at(self) -> float:
        return self._warm_up + self._seconds / 2

    # --- one run ---------------------------------------------------------------------------------

    def _run(
        self,
        run: int,
        load: Load,
        *,
        patience: Patience | None = None,
        kill: bool = False,
    ) -> Played:
        """Simulate *load* with the chance and the costs of that *run*."""
        drawn = Drawn(self._costs, self._chance_from(f"{self._seed}/costs/{run}"), again=True)
        uniform = self._chance_from(f"{self._seed}/{load.rate / load.nodes:.3f}/{run}")
        limits = Limits(
            self._group,
            reading=drawn.reading,
            refusal=drawn.refusal,
            one_packet=self._is_cluster,
        )
        return play(
            load,
            drawn,
            uniform,
            limits,
            patience=patience,
            conflicts=Conflicts(PEOPLE) if self._is_cluster else None,
            kill=(
                Kill(self._killed_at, NOTICED + drawn.start, elsewhere=self._is_cluster)
                if kill
                else None
            ),
        )

    def _most_of(self, run: int) -> float:
        """Return how much one node does at most in that run: what it does of twice too much."""
        drawn = Drawn(self._costs, self._chance_from(f"{self._seed}/costs/{run}"), again=True)
        rate = 2 * drawn.most(self._group)
        load = Load(rate, seconds=self._seconds, warm_up=self._warm_up)
        return self._run(run, load).answered / self._seconds

    # --- what is told ----------------------------------------------------------------------------

    def costs(self) -> SimulatedCosts:
        """Return what was measured."""
        costs = self._costs
        return {
            "engine": costs.engine,
            "claims": sum(group.size for group in costs.groups),
            "groups": len(costs.groups),
            "sizes": [
                {
                    "group": size,
                    "gateway_ns": means.gateway_ns,
                    "worker_ns": means.worker_ns,
                    "database_ns": means.database_ns,
                }
                for size in costs.sizes
                for means in [means_of(costs, size)]
            ],
            "start_micros": round(sum(costs.start_ns) / len(costs.start_ns) / 1000),
        }

    def simulated(self) -> Simulated:
        """Return everything."""
        return {
            "seed": self._seed,
            "nodes": self._nodes,
            "runs": RUNS,
            "costs": self.costs(),
            "most": self.most(),
            "loads": list(self.loads()),
            "kill": self.kill(),
            "need": self.need(),
        }

    def most(self) -> Interval:
        """Return how many claims a second one node does at most."""
        return interval(self._most)

    def loads(self) -> Iterator[SimulatedLoad]:
        """Yield what comes of each load."""
        most = sum(self._most) / RUNS * self._nodes
        rates = {_rounded(most * percent / 100) for percent in PERCENTS}
        if min(rates) <= WANTED <= max(rates):
            rates.add(WANTED)
        for rate in sorted(rates):
            yield self._load(rate)

    def _load(self, rate: int) -> SimulatedLoad:
        load = Load(float(rate), self._nodes, NODES_PLAYED, self._seconds, self._warm_up)
        played = min(self._nodes, NODES_PLAYED)
        runs = [self._run(run, load, patience=Patience()) for run in range(RUNS)]
        whole = self._nodes / played / self._seconds
        late = [sorted(run.late) for run in runs]
        return {
            "rate": rate,
            "answered": interval([run.answered * whole for run in runs]),
            "p50_micros": interval([1e6 * _percentile(each, 50) for each in late]),
            "p99_micros": interval([1e6 * _percentile(each, 99) for each in late]),
            "refused": round(1e6 * _share(runs, lambda run: run.refused)),
            "again": round(1e6 * _share(runs, lambda run: run.again)),
            "begun_again": round(1e6 * sum(run.begun_again for run in runs) / _groups(runs)),
            "group": interval([run.answered / max(run.groups, 1) for run in runs]),
            "is_extrapolated": self._nodes > 1,
        }

    def need(self) -> SimulatedNeed:
        """Return how many nodes carry `WANTED` claims a second."""
        carried = [self._carried(run) for run in range(RUNS)]
        nodes = interval([WANTED / each for each in carried])
        return {
            "rate": WANTED,
            "of_one": interval(carried),
            "nodes": ceil(WANTED * RUNS / sum(carried)),
            "nodes_low": nodes["low"],
            "nodes_high": nodes["high"],
        }

    def _carried(self, run: int) -> float:
        """Return the highest load that one node carries, within a fiftieth."""
        low, high = 0.0, self._most[run] * 1.1
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            seconds = max(CARRIED * self._seconds, CARRIED_CLAIMS / middle)
            load = Load(middle, seconds=seconds, warm_up=self._warm_up)
            if self._run(run, load).most <= WAITING_MAX:
                low = middle
            else:
                high = middle
        return low

    def kill(self) -> SimulatedKill:
        """Return what comes of a node's being killed."""
        rate = _rounded(sum(self._most) / RUNS * self._nodes * KILL_PERCENT / 100)
        played = min(self._nodes, NODES_PLAYED)
        seconds, killed_at = KILL_TIMES * self._seconds, self._killed_at
        load = Load(float(rate), self._nodes, NODES_PLAYED, seconds, self._warm_up)
        runs = [self._run(run, load, patience=Patience(), kill=True) for run in range(RUNS)]
        before = [
            sorted(late for late, done in zip(run.late, run.done, strict=True) if done < killed_at)
            for run in runs
        ]
        usual = [_percentile(each, 99) for each in before]
        slice_seconds = seconds / SLICES
        counts = [0] * SLICES
        for run in runs:
            for done in run.done:
                counts[min(int((done - self._warm_up) / slice_seconds), SLICES - 1)] += 1
        whole = self._nodes / played / RUNS / slice_seconds
        return {
            "rate": rate,
            "nodes": self._nodes,
            "elsewhere": self._is_cluster and self._nodes > 1,
            "at_micros": round(1e6 * (killed_at - self._warm_up)),
            "slice_micros": round(1e6 * slice_seconds),
            "answered": [round(count * whole) for count in counts],
            "refused": round(1e6 * _share(runs, lambda run: run.refused)),
            "usual_micros": interval([1e6 * each for each in usual]),
            "slowest_micros": interval([1e6 * max(run.late, default=0.0) for run in runs]),
            "over_micros": interval(
                [
                    1e6 * _over(run, each, killed_at, seconds / 3)
                    for run, each in zip(runs, usual, strict=True)
                ]
            ),
        }


def _over(run: Played, usual: float, killed_at: float, within: float) -> float:
    """
    Return how long after the kill the last claim was answered that it had delayed.

    That is one that was first asked for *within* some time of it, and took twice the *usual* time.
    """
    delayed = [
        done - killed_at
        for late, done in zip(run.late, run.done, strict=True)
        if done > killed_at and done - late < killed_at + within and late > 2 * usual
    ]
    return max(delayed, default=0.0)


def interval(values: Sequence[float]) -> Interval:
    """
    Return the mean of what `RUNS` runs came to, and the 95% interval for the true one.

    >>> interval([9.0, 11.0] * 10)
    {'mean': 10, 'low': 10, 'high': 10}
    >>> interval([900.0, 1100.0] * 10)
    {'mean': 1000, 'low': 952, 'high': 1048}
    """
    mean = sum(values) / len(values)
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = STUDENT * spread / sqrt(len(values))
    return {"mean": round(mean), "low": round(max(mean - half, 0)), "high": round(mean + half)}


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1] if ordered else 0.0


def _share(runs: Sequence[Played], count: Callable[[Played], int]) -> float:
    return sum(map(count, runs)) / max(sum(run.asked for run in runs), 1)


def _groups(runs: Sequence[Played]) -> int:
    return max(sum(run.groups for run in runs), 1)


def _rounded(rate: float) -> int:
    """
    Return a whole number with two digits that say something, and at least one.

    >>> _rounded(12_345.6), _rounded(0.2), _rounded(99_600)
    (12000, 1, 100000)
    """
    whole = max(round(rate), 1)
    step = int("1".ljust(max(len(str(whole)) - 1, 1), "0"))
    return (whole + step // 2) // step * step
