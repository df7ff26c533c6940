"""
What a claim costs, as it was measured, and times drawn from it.

A time is drawn from what was measured, and not from a formula, since commits have tails that no
formula has: of groups of a size that was measured, one of them; of other sizes, what lies between
the means of its neighbours, times how far one of the nearest size was from its own mean.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hongbao.load.simulation import Work
from hongbao.rows import Row

if TYPE_CHECKING:
    from hongbao.load.simulation import Uniform

FORM = 1
"""The version of the document that costs are kept in."""

ENGINES = ("file", "cluster")
READING = 0.5
"""How much of a gateway's time is for reading; the rest is for replying."""

SAMPLES_MAX = 100_000
NANOS_MAX = 10**12


class Group(Row):
    """A group that was done: its size, and what of its time was not the database's, and was."""

    size: int
    worker_ns: int
    database_ns: int


class Costs(Row):
    """
    What was measured of a node.

    *engine* is where the ledger was. Each of *gateway_ns* is the mean of a round: a claim read from
    its connection, and its answer written to it. *start_ns* is how long it took each time until a
    process that was just started had opened the wallet.
    """

    engine: str
    gateway_ns: tuple[int, ...]
    groups: tuple[Group, ...]
    start_ns: tuple[int, ...]

    def document(self) -> dict[str, Any]:
        """Return it as a document that `costs_of` reads."""
        return {
            "costs": FORM,
            "engine": self.engine,
            "gateway_ns": list(self.gateway_ns),
            "groups": [list(group) for group in self.groups],
            "start_ns": list(self.start_ns),
        }

    @property
    def sizes(self) -> list[int]:
        """The sizes of groups that were measured."""
        return sorted({group.size for group in self.groups})


def costs_of(document: object) -> Costs:
    """Return what *document* says was measured. Raises ValueError if it says nothing of it."""
    try:
        if not isinstance(document, Mapping) or document["costs"] != FORM:
            raise ValueError("it is no document of costs")
        engine = document["engine"]
        groups = tuple(Group(*_numbers(group)) for group in _list(document["groups"]))
        costs = Costs(
            engine, _numbers(document["gateway_ns"]), groups, _numbers(document["start_ns"])
        )
        if engine not in ENGINES or any(not 1 <= group.size <= SAMPLES_MAX for group in groups):
            raise ValueError("there are no such groups")
        if not (costs.gateway_ns and costs.groups and costs.start_ns):
            raise ValueError("something was not measured")
    except (TypeError, KeyError) as error:
        raise ValueError(f"something is not there: {error}") from None
    return costs


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > SAMPLES_MAX:
        raise ValueError("it is no list, or a very long one")
    return value


def _numbers(value: object) -> tuple[int, ...]:
    numbers = _list(value)
    if any(type(number) is not int or not 0 <= number < NANOS_MAX for number in numbers):
        raise ValueError("it is no number of nanoseconds")
    return tuple(numbers)


class Means(Row):
    """Mean nanoseconds of a claim: at the gateway, in the worker, and in the database."""

    gateway_ns: int
    worker_ns: int
    database_ns: int


def means_of(costs: Costs, size: int) -> Means:
    """Return what a claim in a group of *size*, which was measured, takes on average."""
    groups = [group for group in costs.groups if group.size == size]
    claims = len(groups) * size
    return Means(
        round(_mean(costs.gateway_ns)),
        round(sum(group.worker_ns for group in groups) / claims),
        round(sum(group.database_ns for group in groups) / claims),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


class Drawn:
    """
    Draws how long groups take, from *costs*: a `hongbao.load.simulation.Service`.

    With *again* it first draws, with replacement, as many groups of each size and rounds as were
    measured, and knows only those: then what comes of a simulation differs between runs also by
    how much was measured (the bootstrap).
    """

    def __init__(self, costs: Costs, uniform: Uniform, *, again: bool) -> None:
        self._uniform = uniform
        self._gateway = [ns / 1e9 for ns in self._kept(costs.gateway_ns, again=again)]
        self._starts = [ns / 1e9 for ns in self._kept(costs.start_ns, again=again)]
        self._sizes = costs.sizes
        self._groups = [
            self._kept([group for group in costs.groups if group.size == size], again=again)
            for size in self._sizes
        ]
        self._means = [
            Work(
                _mean([group.worker_ns / 1e9 for group in groups]),
                _mean([group.database_ns / 1e9 for group in groups]),
            )
            for groups in self._groups
        ]

    def _kept(self, measured: Sequence[Any], *, again: bool) -> Sequence[Any]:
        if not again:
            return measured
        return [self._one_of(measured) for _ in measured]

    def _one_of(self, values: Sequence[Any]) -> Any:
        return values[int(self._uniform() * len(values))]

    def __call__(self, size: int) -> Work:
        """Return how long a group of *size* takes."""
        sizes, means = self._sizes, self._means
        place = min(bisect_left(sizes, size), len(sizes) - 1)
        below = max(place - 1, 0)
        share = 1.0
        if place > below and size < sizes[place]:
            share = (size - sizes[below]) / (sizes[place] - sizes[below])
        near = place if share >= 1 / 2 else below
        group, mean = self._one_of(self._groups[near]), means[near]
        worker = _between(means[below].decided, means[place].decided, share)
        database = _between(means[below].committed, means[place].committed, share)
        if size > sizes[-1]:  # as a claim costs in the largest group that was measured
            worker, database = worker * size / sizes[-1], database * size / sizes[-1]
        return Work(
            _scaled(worker, group.worker_ns / 1e9, mean.decided),
            _scaled(database, group.database_ns / 1e9, mean.committed)
            + self._one_of(self._gateway) * size * (1 - READING),
        )

    @property
    def reading(self) -> float:
        """How long it takes to read a claim."""
        return _mean(self._gateway) * READING

    @property
    def refusal(self) -> float:
        """How long it takes to reply to a claim that is not even begun."""
        return _mean(self._gateway) * (1 - READING)

    @property
    def start(self) -> float:
        """How long a node takes to start."""
        return float(self._one_of(self._starts))

    def most(self, size: int) -> float:
        """Return how many claims a second a node does that always has a group of *size* to do."""
        place = self._sizes.index(size)
        work = self._means[place]
        return size / (work.decided + work.committed + size * _mean(self._gateway))


def _between(first: float, last: float, share: float) -> float:
    return first + (last - first) * share


def _scaled(value: float, sample: float, mean: float) -> float:
    return value * sample / mean if mean else value
