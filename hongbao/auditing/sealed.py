"""What an entry's answer says, which is sealed, whatever may have been written there since."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hongbao.domain.risk.record import Record, decode
from hongbao.units import to_micros


def has(answer: str, facts: Mapping[str, object]) -> bool:
    """Say whether *answer* is one of ours, and holds *facts*."""
    try:
        sealed = json.loads(answer)
        return all(sealed[name] == value for name, value in facts.items())
    except (ValueError, KeyError, TypeError):
        return False


def at(answer: str, name: str) -> int | None:
    """Return the instant that *answer* has under *name*; None where it has none."""
    try:
        return to_micros(datetime.fromisoformat(json.loads(answer)[name]))
    except (ValueError, KeyError, TypeError):
        return None


def as_promised(answer: str, terms: Mapping[str, object], lasts: int) -> bool:
    """Say whether *terms* and how long they hold are what the *answer* at sending promised."""
    try:
        sealed = json.loads(answer)
        start, end = (datetime.fromisoformat(sealed[name]) for name in ("at", "expires_at"))
        return to_micros(end) - to_micros(start) == lasts and all(
            sealed[name] == value for name, value in terms.items()
        )
    except (ValueError, KeyError, TypeError):  # it is no answer of ours
        return False


def told(answer: str) -> Mapping[str, Any]:
    """Return what *answer* tells; nothing where it is none of ours."""
    try:
        sealed = json.loads(answer)
    except (ValueError, TypeError):
        return {}
    return sealed if isinstance(sealed, dict) else {}


def judged(risk: str) -> Record | None:
    """Return how an act was judged, if *risk* is a record of that."""
    try:
        return decode(risk)
    except ValueError:
        return None
