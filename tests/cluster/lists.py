"""
A checker of list-append histories, after Elle (Kingsbury and Alvaro, 2020).

Each transaction appends unique numbers to lists, and reads lists. A read tells the whole order of
writes before it, so what depends on what can be read off, and a cycle in it is an anomaly. Steps
are ``["append", key, number]`` and ``["r", key, list]``; a transaction appends at most one number
to a list.
"""

import math
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from tests.cluster.history import FAIL, INFO, OK, Finding, Op

Edges = dict[int, dict[int, str]]

LEVELS = (
    # What each class of edges rules out when added to those before it, from the gravest on.
    ("dirty cycle", ("ww", "wr")),
    ("lost update or skew", ("ww", "wr", "rw")),
    ("stale", ("ww", "wr", "rw", "real time")),
)


def check(history: Sequence[Op], final: dict[int, list[int]]) -> list[Finding]:
    """
    Return what is wrong with *history*, which *final* is the end of.

    *final* was read when all who could still write were gone; it counts as the last transaction.
    """
    end = max((op.ended for op in history if op.outcome != INFO), default=0.0)
    last = Op(-1, [["r", key, value] for key, value in final.items()], end + 1, end + 2, OK)
    ops = [*history, last]
    writer = {(step[1], step[2]): n for n, op in enumerate(ops) for step in _appends(op)}
    order = _order(ops)
    findings = [
        *_check_reads(ops, writer, order),
        *_check_own(ops),
        *_check_end(ops, final),
    ]
    return findings or list(_check_cycles(ops, writer, order))


def _appends(op: Op) -> Iterator[list]:
    return (step for step in op.value if step[0] == "append")


def _reads(op: Op) -> Iterator[list]:
    """Yield what *op* knows of lists: what is told before COMMIT is answered counts for nothing."""
    return (step for step in op.value if step[0] == "r" and op.outcome == OK)


def _order(ops: Iterable[Op]) -> dict[int, list[int]]:
    """Return the longest that was read of each list."""
    order: dict[int, list[int]] = defaultdict(list)
    for op in ops:
        for _, key, value in _reads(op):
            if len(value) > len(order[key]):
                order[key] = value
    return order


def _check_reads(
    ops: Sequence[Op], writer: dict[tuple[int, int], int], order: dict[int, list[int]]
) -> Iterator[Finding]:
    """Find what no transaction may read: twice, invented, undone, or in another order."""
    for op in ops:
        for _, key, value in _reads(op):
            if len(set(value)) < len(value):
                yield Finding("duplicate", f"list {key} was read as {value}")
            for number in value:
                wrote = writer.get((key, number))
                if wrote is None:
                    yield Finding("invented", f"nobody appended {number} to list {key}")
                elif ops[wrote].outcome == FAIL:
                    yield Finding("undone", f"{number} in list {key}, though it was rolled back")
            if value != order[key][: len(value)]:
                yield Finding("fork", f"list {key} was read as {value} and as {order[key]}")


def _check_own(ops: Iterable[Op]) -> Iterator[Finding]:
    """Find transactions that do not read what they have themselves written."""
    for op in ops:
        mine: dict[int, int] = {}
        for kind, key, value in op.value:
            if kind == "append":
                mine[key] = value
            elif op.outcome == OK and key in mine and value[-1:] != [mine[key]]:
                yield Finding("own write", f"{mine[key]} was appended to {key}, then read {value}")


def _check_end(ops: Iterable[Op], final: dict[int, list[int]]) -> Iterator[Finding]:
    """Find what was acknowledged, or seen, and is gone in the end."""
    for op in ops:
        for _, key, number in _appends(op):
            if op.outcome == OK and number not in final.get(key, []):
                yield Finding("lost", f"{number} was acknowledged, and list {key} is without it")
        for _, key, value in _reads(op):
            if gone := [number for number in value if number not in final.get(key, [])]:
                yield Finding("lost", f"list {key} was read with {gone}, and ends without")


# --- cycles -------------------------------------------------------------------------------------


def _check_cycles(
    ops: Sequence[Op], writer: dict[tuple[int, int], int], order: dict[int, list[int]]
) -> Iterator[Finding]:
    """Find a cycle of dependencies: the transactions fit into no one order."""
    edges = _edges(ops, writer, order)
    for name, classes in LEVELS:
        cycle = _cycle(len(ops), edges, classes)
        if cycle:
            steps = " ".join(f"-{kind}-> {ops[n].value}" for n, kind in cycle)
            yield Finding(name, f"in a circle: {steps}")
            return


def _edges(
    ops: Sequence[Op], writer: dict[tuple[int, int], int], order: dict[int, list[int]]
) -> Edges:
    edges: Edges = defaultdict(dict)

    def add(a: int | None, b: int | None, kind: str) -> None:
        if a is not None and b is not None and a != b:
            edges[a].setdefault(b, kind)

    for key, numbers in order.items():
        for before, after in pairwise(numbers):
            add(writer.get((key, before)), writer.get((key, after)), "ww")
    for n, op in enumerate(ops):
        own = {(step[1], step[2]) for step in _appends(op)}
        for _, key, value in _reads(op):
            seen = [number for number in value if (key, number) not in own]
            if seen:
                add(writer.get((key, seen[-1])), n, "wr")
            if len(value) < len(order[key]):
                add(n, writer.get((key, order[key][len(value)])), "rw")
    for a, b in _real_time(ops):
        add(a, b, "real time")
    return edges


def _real_time(ops: Sequence[Op]) -> Iterator[tuple[int, int]]:
    """Yield who had ended before whom, leaving out what follows from the rest."""
    events = []
    for n, op in enumerate(ops):
        events.append((op.begun, 1, n))
        events.append((op.ended if op.outcome == OK else math.inf, 0, n))
    frontier: set[int] = set()
    before: dict[int, set[int]] = {}
    for at, is_begin, n in sorted(events):
        if is_begin:
            before[n] = set(frontier)
            yield from ((earlier, n) for earlier in frontier)
        elif at < math.inf:
            frontier = (frontier - before[n]) | {n}


def _cycle(count: int, edges: Edges, classes: Collection[str]) -> list[tuple[int, str]] | None:
    """Return a short cycle of edges of these *classes*, as where each leads, or None."""
    targets = {a: [b for b, kind in edges[a].items() if kind in classes] for a in list(edges)}
    left = _strip(count, targets)
    for start in sorted(left)[:50]:  # each lies on a cycle, or between two
        came: dict[int, int] = {}
        queue = deque([start])
        while queue:
            a = queue.popleft()
            for b in targets.get(a, []):
                if b == start:
                    path = [start]
                    while a != start:
                        path.append(a)
                        a = came[a]
                    path.append(start)
                    path.reverse()
                    return [(to, edges[at][to]) for at, to in pairwise(path)]
                if b in left and b not in came:
                    came[b] = a
                    queue.append(b)
    return None


def _strip(count: int, targets: dict[int, list[int]]) -> set[int]:
    """Return what is left when all that nothing leads to, or that leads nowhere, is taken away."""
    left = set(range(count))
    sources: dict[int, list[int]] = defaultdict(list)
    for a, reached in targets.items():
        for b in reached:
            sources[b].append(a)
    for forward, backward in ((targets, sources), (sources, targets)):
        degree = {n: sum(b in left for b in forward.get(n, [])) for n in left}
        queue = deque(n for n in left if not degree[n])
        while queue:
            n = queue.popleft()
            left.discard(n)
            for a in backward.get(n, []):
                if a in left:
                    degree[a] -= 1
                    if not degree[a]:
                        queue.append(a)
    return left
