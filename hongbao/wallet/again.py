"""Doing again what the engine has undone: see `hongbao.store.Again`."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from hongbao.errors import Busy, LedgerUnreachable
from hongbao.home.opened import Home
from hongbao.store import Again, NodeLost

P = ParamSpec("P")
T = TypeVar("T")

TRIES_MAX = 30
"""How often something is begun. The engine waits longer before each: a few seconds in all."""


def repeat(home: Home, do: Callable[[], T]) -> T:
    """
    Return the result of *do*, which begins again where the engine has undone it.

    What is a part of a transaction begins again with the whole of it. Where the outcome is not
    known, nothing is done again: only the same request may be made again.

    Raises Busy or LedgerUnreachable where it was begun often enough.
    """
    if home.store.in_transaction:
        return do()
    elsewhere = False
    for _ in range(TRIES_MAX):
        try:
            return do()
        except Again as undone:
            elsewhere = undone.elsewhere
        except NodeLost:
            elsewhere = True
    raise LedgerUnreachable(where=home.store.where) if elsewhere else Busy


def repeated(do: Callable[Concatenate[Home, P], T]) -> Callable[Concatenate[Home, P], T]:
    """Let *do*, an act or a query, begin again where the engine has undone it (`repeat`)."""

    @wraps(do)
    def doing(home: Home, /, *args: P.args, **named: P.kwargs) -> T:
        return repeat(home, lambda: do(home, *args, **named))

    return doing
