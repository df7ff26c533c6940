"""What a service has done so far, in Prometheus' text form."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZES = (1, 2, 5, 10, 20, 50)


class Histogram:
    """How many values were at most each of some *bounds*."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    @property
    def sum(self) -> float:
        """All values together."""
        return self._sum

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str) -> Iterator[str]:
        """Yield the samples of the histogram called *name*."""
        count = 0
        for bound, each in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            count += each
            yield f'{name}_bucket{{le="{bound}"}} {count}'
        yield f"{name}_sum {self._sum:.6f}"
        yield f"{name}_count {count}"


class Metrics:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.claims: Counter[str] = Counter()
        self.due: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.waiting = 0
        self.connections = 0
        self.seconds = Histogram(SECONDS)
        self.sizes = Histogram(SIZES)

    def text(self) -> str:
        """Return all of it, as it is scraped."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _head("claims_total", "counter", "Claims by outcome.")
        for outcome in ("claimed", "refused", "overloaded", "undone", "malformed"):
            yield f'hongbao_claims_total{{outcome="{outcome}"}} {self.claims[outcome]}'
        yield from _head("claims_waiting", "gauge", "Claims that wait for their turn.")
        yield f"hongbao_claims_waiting {self.waiting}"
        yield from _head("connections", "gauge", "Open connections for claims.")
        yield f"hongbao_connections {self.connections}"
        yield from _head("claim_seconds", "histogram", "From a claim's arrival to its reply.")
        yield from self.seconds.lines("hongbao_claim_seconds")
        yield from _head("group_size", "histogram", "Claims that were committed together.")
        yield from self.sizes.lines("hongbao_group_size")
        for name, says, counts in (
            ("due_total", "Things that fell due and were done.", self.due),
            ("due_failed_total", "Tries at things that fell due which failed.", self.failed),
        ):
            yield from _head(name, "counter", says)
            for kind, count in sorted(counts.items()):
                yield f'hongbao_{name}{{kind="{kind}"}} {count}'


def _head(name: str, kind: str, says: str) -> tuple[str, str]:
    return f"# HELP hongbao_{name} {says}", f"# TYPE hongbao_{name} {kind}"
