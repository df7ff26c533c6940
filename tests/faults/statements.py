"""Faults at each SQL statement: killed, out of memory (Python's and the engine's), Ctrl-C."""

import ctypes
import os
import signal
from typing import Any, Self

import sqlcipher3
from sqlcipher3 import dbapi2 as engine

KINDS = (
    *("kill-before", "kill-after", "no-memory-before", "no-memory-after", "heap"),
    *("ctrl-c-before", "ctrl-c-after"),
)
"""What can happen at a statement; *heap* is the engine's own limit, reached at the statement."""

LASTING = ("no-memory-before", "heap")

_connect = engine.connect


class Log:
    """The statements of a command that is played in a fork."""

    def __enter__(self) -> Self:
        self._file = os.memfd_create("statements")
        return self

    def __exit__(self, *_raised: object) -> None:
        os.close(self._file)

    def begin(self) -> None:
        """Note each statement from here on; called in the fork."""

        def note(_number: int, sql: str) -> None:
            os.write(self._file, (_shown(sql) + "\n").encode())

        _watch(note, lambda _number: None)

    def read(self) -> list[str]:
        os.lseek(self._file, 0, os.SEEK_SET)
        with open(os.dup(self._file), "rb") as file:
            return file.read().decode().splitlines()


def arm(kind: str, number: int, *, lasts: bool) -> None:
    """Let *kind* happen at the statement of that *number*; called in the fork."""

    def happens(at: int) -> bool:
        return at >= number if lasts else at == number

    def before(at: int, _sql: str) -> None:
        if kind == "heap":
            limit_heap(happens(at))
        if not happens(at):
            return
        if kind == "kill-before":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "no-memory-before":
            raise MemoryError
        if kind == "ctrl-c-before":
            raise KeyboardInterrupt

    def after(at: int) -> None:
        if not happens(at):
            return
        if kind == "kill-after":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "no-memory-after":
            raise MemoryError
        if kind == "ctrl-c-after":
            raise KeyboardInterrupt

    _watch(before, after)


def limit_heap(is_full: bool) -> None:
    """Let the engine have no more memory than it has, or as much as it likes."""
    library = _library()
    used = library.sqlite3_memory_used() if is_full else 0
    library.sqlite3_hard_heap_limit64(ctypes.c_int64(used))


def _library() -> Any:
    library = ctypes.CDLL(sqlcipher3._sqlite3.__file__)
    library.sqlite3_memory_used.restype = ctypes.c_int64
    library.sqlite3_hard_heap_limit64.argtypes = [ctypes.c_int64]
    library.sqlite3_hard_heap_limit64.restype = ctypes.c_int64
    return library


def _watch(before: Any, after: Any) -> None:
    """Have every connection from now on call *before* and *after* around each statement."""
    count = 0

    class Watched(engine.Connection):  # type: ignore[misc]  # which has no types
        def execute(self, sql: str, *values: Any) -> Any:
            return _around(sql, lambda: engine.Connection.execute(self, sql, *values))

        def executemany(self, sql: str, rows: Any) -> Any:
            return _around(sql, lambda: engine.Connection.executemany(self, sql, rows))

        def backup(self, *arguments: Any, **named: Any) -> Any:
            return _around("backup", lambda: engine.Connection.backup(self, *arguments, **named))

    def _around(sql: str, act: Any) -> Any:
        nonlocal count
        count += 1
        number = count
        before(number, sql)
        answer = act()
        after(number)
        return answer

    def connect(*arguments: Any, **named: Any) -> Any:
        return _connect(*arguments, factory=Watched, **named)

    engine.connect = connect


def _shown(sql: str) -> str:
    """Return the beginning of a statement, without the key that it may hold."""
    line = " ".join(sql.split())
    return line.partition("=")[0] if line.startswith(("PRAGMA key", "PRAGMA rekey")) else line[:60]
