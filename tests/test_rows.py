"""Rows are named tuples in all that anybody asks of one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hongbao.rows import Row
from tests.every import every


class Named(NamedTuple):
    """What a row is compared with."""

    number: int
    name: str | None
    at: datetime  # type: ignore[name-defined]  # noqa: F821 - nobody looks into an annotation
    state: str = "open"
    closed: int | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"


class Rowed(Row):
    """The same as a row."""

    number: int
    name: str | None
    at: datetime  # type: ignore[name-defined]  # noqa: F821
    state: str = "open"
    closed: int | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"


USES: dict[str, Callable[[Any], object]] = {
    "by place": lambda kind: kind(1, "a", 2, "shut", 3),
    "by name": lambda kind: kind(at=2, name="a", number=1),
    "by both": lambda kind: kind(1, "a", at=2, closed=3),
    "made": lambda kind: kind._make([1, "a", 2, "shut", 3]),
    "replaced": lambda kind: kind(1, "a", 2)._replace(name="b", closed=4),
    "as a dict": lambda kind: kind(1, "a", 2)._asdict(),
    "fields": lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__),
    "read": lambda kind: (kind(1, "a", 2).at, kind(1, "a", 2).closed, kind(1, "a", 2)[1]),
    "a property": lambda kind: (kind(1, "a", 2).is_open, kind(1, "a", 2, "shut").is_open),
    "shown": lambda kind: repr(kind(1, "a", 2)).replace(kind.__name__, "…"),
    "hashed": lambda kind: hash(kind(1, "a", 2)),
    "sorted": lambda kind: sorted([kind(2, "a", 2), kind(1, "b", 2)]),
    "unpacked": lambda kind: [*kind(1, "a", 2)],
    "copied": lambda kind: copy.deepcopy(kind(1, ["a"], 2)),
    "pickled": lambda kind: pickle.loads(pickle.dumps(kind(1, "a", 2))),
}


@every("use", USES)
def test_a_row_is_used_like_a_named_tuple(use: str):
    assert USES[use](Named) == USES[use](Rowed)


WRONG: dict[str, Callable[[Any], object]] = {
    "too few": lambda kind: kind(1, "a"),
    "too many": lambda kind: kind(1, "a", 2, "shut", 3, 4),
    "twice": lambda kind: kind(1, "a", 2, "shut", state="open"),
    "twice, and one missing": lambda kind: kind(1, "a", name="b"),
    "unknown": lambda kind: kind(1, "a", 2, colour="red"),
    "made of too few": lambda kind: kind._make([1, "a"]),
    "made of too many": lambda kind: kind._make(range(6)),
    "replaced by something unknown": lambda kind: kind(1, "a", 2)._replace(colour="red"),
    "set": lambda kind: setattr(kind(1, "a", 2), "at", 3),
    "set anew": lambda kind: setattr(kind(1, "a", 2), "colour", 3),
}


@pytest.mark.parametrize("kind", [Named, Rowed])
def test_a_row_refuses_what_a_named_tuple_refuses(kind: Any):
    for wrong in WRONG.values():
        with pytest.raises((TypeError, ValueError, AttributeError)):
            wrong(kind)
