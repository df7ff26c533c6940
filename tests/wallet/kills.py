"""Killing the desk: a child that is ended, without a word, at the n-th thing it does."""

import os
import signal
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao.vault import KeyFolder
from tests.vault.processes import WRITES, run


class Named(Protocol):
    """An act that is to be killed."""

    @property
    def name(self) -> str: ...


DAILY_STRIDE = 3
"""In every run one step in so many is the last; `make test-all` kills at each."""


def daily_and_everywhere(kinds: Iterable[Named], daily: Collection[str]) -> list[Any]:
    """Return each of *kinds* with the stride to kill it at: the *daily* ones in strides first."""
    return [
        *(pytest.param(k, DAILY_STRIDE, id=k.name) for k in kinds if k.name in daily),
        *(pytest.param(k, 1, id=f"{k.name}-everywhere", marks=pytest.mark.slow) for k in kinds),
    ]


def killed_at(step: int, act: Callable[[], object], *, from_the_start: bool = False) -> bool:
    """
    Run *act* in a child that is killed as it begins the *step*-th thing that others could notice.

    Such things are SQL statements, noting the head (before it and after it) and what the vault and
    the desk do to files. Opening the home is only counted *from_the_start*: otherwise *act* calls
    `count_from_here`. Returns False where the act was over before: then every step was tried.
    """

    def body() -> None:
        _Steps.left = step if from_the_start else None
        _watch()
        act()

    status = run(body)
    assert status in (0, -signal.SIGKILL), "the act raised"
    _Steps.left = None
    return status != 0


def count_from_here(step: int) -> None:
    _Steps.left = step


class _Steps:
    left: int | None = None


def _step() -> None:
    if _Steps.left is None:
        return
    _Steps.left -= 1
    if _Steps.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch() -> None:
    """Count what this process does from now on; it is a child, and nothing is put back."""
    connect = engine.connect

    def watched(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(lambda _: _step())
        return connection

    engine.connect = watched
    _around(KeyFolder, "note_head")
    for name in WRITES:
        _around(os, name)


def _around(place: Any, name: str) -> None:
    real = getattr(place, name)

    def call(*arguments: Any, **named: Any) -> Any:
        _step()
        answer = real(*arguments, **named)
        _step()
        return answer

    setattr(place, name, call)
