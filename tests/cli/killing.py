"""
A command that is killed at one of its durable steps: ``killing.py STEP FILE`` and what is typed.

Durable is what the disk keeps: a file written, synced, renamed or removed, a transaction committed,
pages encrypted anew or replaced, a head noted. The process ends, without a word, as it begins the
STEP-th or has done it; where it ends by itself before, FILE is told how many steps there were.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

DURABLE = ("pwrite", "fsync", "replace", "unlink", "utime")
STATEMENTS = ("COMMIT", "PRAGMA rekey", "PRAGMA wal_checkpoint", "VACUUM INTO")


class _Steps:
    done = 0
    last = 0


def step() -> None:
    _Steps.done += 1
    if _Steps.done == _Steps.last:
        os.kill(os.getpid(), signal.SIGKILL)


def around(place: Any, name: str) -> None:
    """Count a step before and after each call of what *place* has by that *name*."""
    real = getattr(place, name)

    def call(*arguments: Any, **named: Any) -> Any:
        step()
        answer = real(*arguments, **named)
        step()
        return answer

    setattr(place, name, call)


def watch() -> None:
    from sqlcipher3 import dbapi2 as engine

    from hongbao.engines.sqlcipher.engine import Ledger
    from hongbao.vault import KeyFolder

    connect = engine.connect

    def told(statement: str) -> None:
        if statement.startswith(STATEMENTS):
            step()

    def watched(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)
        connection.set_trace_callback(told)
        return connection

    engine.connect = watched
    around(KeyFolder, "note_head")
    for name in ("overwrite_with", "rekey"):
        around(Ledger, name)
    for name in DURABLE:
        around(os, name)


def main() -> int:
    last, counted = sys.argv[1:3]
    sys.argv[1:3] = []
    _Steps.last = int(last)
    watch()
    from hongbao.__main__ import main as command

    code = command()
    Path(counted).write_text(str(_Steps.done))
    return code


if __name__ == "__main__":
    sys.exit(main())
