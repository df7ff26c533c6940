"""An entry's facts, which are sealed, read back and checked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hongbao.domain.facts import Facts, decode
from hongbao.domain.risk.record import Record
from hongbao.domain.risk.record import decode as decode_record
from hongbao.units import to_micros


def has(act: str | None, text: str, facts: Mapping[str, object]) -> bool:
    """Return whether *text* is of a shape of *act*, and holds *facts*."""
    sealed = facts_in(act, text)
    return all(name in sealed and sealed[name] == value for name, value in facts.items())


def at(act: str | None, text: str, name: str) -> int | None:
    """Return the instant that the facts in *text* have under *name*; None if there is none."""
    try:
        return to_micros(datetime.fromisoformat(facts_in(act, text)[name]))
    except (ValueError, KeyError, TypeError):
        return None


def facts_in(act: str | None, text: str | None) -> Facts:
    """Return the facts in *text*; nothing if they are of no shape of *act*."""
    if act is None or text is None:
        return {}
    try:
        return decode(act, text)
    except ValueError:
        return {}


def part_of(act: str | None, text: str | None, name: str) -> Mapping[str, Any]:
    """Return the facts that those in *text* have under *name*; nothing if there are none."""
    part = facts_in(act, text).get(name)
    return part if isinstance(part, dict) else {}


def judged(risk: str) -> Record | None:
    """Return how an act was judged, if *risk* is a record of that."""
    try:
        return decode_record(risk)
    except ValueError:
        return None
