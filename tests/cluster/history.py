"""What many clients asked of a cluster at once, and what they were told."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

OK, FAIL, INFO = "ok", "fail", "info"
"""It has taken effect; it has not, and never will; it may have, or may yet at any later time."""


class Op(NamedTuple):
    """
    A transaction that a *process* tried, between two moments of one clock.

    *value* is a list of steps: what was read or written of which key.
    """

    process: int
    value: list[list[Any]]
    begun: float
    ended: float
    outcome: str


class Finding(NamedTuple):
    """Something that cannot have happened in a database that keeps its word."""

    kind: str
    text: str


def kinds(findings: Iterable[Finding]) -> set[str]:
    """Return what kinds of things went wrong."""
    return {finding.kind for finding in findings}


def load(files: Iterable[Path]) -> list[Op]:
    """
    Read what processes have written, in the order in which they began.

    What a killed process had begun and not finished is not there: it writes a line before it
    begins (``info``, without an end), and one when it is told.
    """
    begun: dict[tuple[int, float], Op] = {}
    for file in files:
        for line in file.read_text().splitlines():
            op = Op(*json.loads(line))
            begun[op.process, op.begun] = op
    return sorted(begun.values(), key=lambda op: op.begun)


def counted(history: Iterable[Op]) -> str:
    """Return how much was tried, and with what outcomes."""
    outcomes = [op.outcome for op in history]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in (OK, FAIL, INFO))
