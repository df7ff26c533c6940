"""A progress bar on standard error, for work that takes long enough to be watched."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hongbao.words import _

COUNT_MIN = 10_000
"""Less than this is done before anyone could read a bar."""

STEP = 1_000
"""The lines between two updates: more updates would cost more than they show."""


@contextmanager
def counting(what: str, may_move: Callable[[], bool]) -> Iterator[Callable[[int, int], None]]:
    """
    Show how far *what*, a word marked for the catalogue, has come: of a call to a call, ``(done,
    total)``. Without a terminal, with little to do, or where nothing *may move*, nothing is shown.
    """
    bars: list[Any] = []

    def count(done: int, total: int) -> None:
        if total < COUNT_MIN or not sys.stderr.isatty():
            return
        if not bars and not may_move():
            return
        if not bars:
            from rich.console import Console
            from rich.progress import Progress

            bar = Progress(console=Console(file=sys.stderr), transient=True)
            bars.extend((bar, bar.add_task(_(what), total=total)))
            bar.start()
        bars[0].update(bars[1], completed=done)

    try:
        yield count
    finally:
        for bar in bars[:1]:
            bar.stop()
