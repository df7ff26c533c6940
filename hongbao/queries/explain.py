"""
Explanations: what acts did, step by step, with the checks that came before.

The steps are those that `hongbao.queries.trace` reads from the ledger; the checks are what a
witness saw while they were made. Neither is written for an explanation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.domain.ledger import CENTRAL, PLATFORM
from hongbao.domain.packet import STEPS
from hongbao.home.opened import Home
from hongbao.home.witness import Check, Witness, Written
from hongbao.queries.acts import act_in, facts_of
from hongbao.queries.trace import moved_lines, traced_by
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import (
        ActExplained,
        ExplainedCheck,
        ExplainedStep,
        RefusalExplained,
        TraceStep,
    )
    from hongbao.errors import HongbaoError
    from hongbao.store import ActRow

SUBJECTS_MAX = 50
"""How many packets and payments of one command are shown; further ones are left out."""

_AUTHORISED, _SETTLED = 2, 7
_BATCHED = "settled_in_batch"
_SETTLES = "settle"


def witness() -> Witness:
    """Return a witness that reads steps."""
    return Witness(steps_of)


def steps_of(home: Home, written: Sequence[Written]) -> list[ExplainedStep]:
    """Return the steps of the entries that were *written*, in their order."""
    with home.looking():
        acts = [act_in(home, each.entry) for each in written]
        checks = {each.entry: each.checks for each in written}
        found: dict[int, list[TraceStep]] = {act.entry: [] for act in acts}
        for traced in traced_by(home, acts, SUBJECTS_MAX):
            for step in traced["steps"]:
                if step["entry"] in found and step["says"] != _BATCHED:
                    found[step["entry"]].append(step)
        steps: list[ExplainedStep] = []
        for act in acts:
            shown = found[act.entry] or _alone(home, act)
            at = next((place for place, step in enumerate(shown) if step["step"] == _AUTHORISED), 0)
            for place, step in enumerate(shown):
                seen = checks[act.entry] if place == at else []
                steps.append({**step, "checks": [*map(_check, seen)]})
        return steps


def _alone(home: Home, act: ActRow) -> list[TraceStep]:
    """Return the step of an act that belongs to no packet or payment; none if nothing moved."""
    moved = moved_lines(home, [act.entry])
    if act.entry not in moved:
        return []
    return [
        {
            "step": _SETTLED,
            "name": STEPS[_SETTLED - 1],
            "actor": CENTRAL if act.act == _SETTLES else PLATFORM,
            "at": iso(act.at),
            "entry": act.entry,
            "took_micros": act.took.get(_SETTLED),
            "says": act.act,
            "facts": {
                name: fact for name, fact in facts_of(home, act).items() if isinstance(fact, str)
            },
            "movements": moved[act.entry],
            "messages": [],
        }
    ]


def explained(home: Home, seen: Witness, refusal: HongbaoError | None) -> ActExplained:
    """Return all that *seen* has seen; *refusal* is what the command ended with, if it is one."""
    seen.read(home)
    refused: RefusalExplained | None = None
    if refusal is not None:
        failed = [check for check in seen.checks if not check.passed]
        with home.looking():
            moved = moved_lines(home, seen.entries) if seen.entries else {}
        refused = {
            "code": refusal.code,
            "check": failed[-1].check if failed else None,
            "checks": [*map(_check, seen.checks)],
            "entries": seen.entries,
            "moved": bool(moved),
        }
    return {"undone": seen.was_undone, "steps": seen.steps, "refused": refused}


def _check(check: Check) -> ExplainedCheck:
    return {"check": check.check, "passed": check.passed, "facts": check.facts}
