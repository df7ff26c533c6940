"""A sealer that runs on: what it says while there is nothing to seal with."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from hongbao.commands.home import _sealing
from hongbao.errors import Busy, LedgerUnreachable

STEP = {"epoch": 1, "size": 4, "root": "", "leaves": 1, "torn": []}


def test_why_nothing_is_sealed_is_said_once_until_it_changes():
    away = LedgerUnreachable(where="mysql://pay@db1/ledger")
    steps: list[Any] = [away, away, Busy(), STEP, away]
    said: list[str] = []

    def seal() -> Any:
        step = steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    call: Any = SimpleNamespace(remark=lambda _sentence, problem: said.append(problem))
    wallet: Any = SimpleNamespace(seal=seal)
    stopping: Any = SimpleNamespace(wait=lambda _seconds: not steps)
    sealed: Iterator[Any] = _sealing(call, wallet, timedelta(seconds=1), stopping)

    assert [STEP] == list(sealed)
    assert [away.message, Busy().message, away.message] == said
