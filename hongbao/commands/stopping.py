"""Ctrl-C and SIGTERM for commands that run until they are stopped."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Let the first Ctrl-C, or the first SIGTERM, *stop* what runs; the next ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def restore() -> None:
        for kind in kinds:
            if before[kind] is not None:
                signal.signal(kind, before[kind])

    def first(_kind: int, _frame: object) -> None:
        stop()
        restore()

    for kind in kinds:
        if before[kind] not in (None, signal.SIG_IGN):  # as a shell has it in the background
            signal.signal(kind, first)
    try:
        yield
    finally:
        restore()
