"""
Faults at the calls of the engine's own table (`xSetSystemCall`), by ctypes: it needs no compiler.

SQLite makes each call to the system through a table that can be changed, for tests like these. It
reaches the ledger's files, and not the keys, copies and exports that Python writes: the shim does.
"""

import ctypes
import errno
import os
import signal
from collections.abc import Callable
from typing import Any

import sqlcipher3

CHANGING = ("open", "write", "pwrite", "pwrite64", "ftruncate", "unlink", "fchmod")
"""What changes or opens a file, by the engine's name for it; syncing is not in its table."""

KINDS = {"no-space": errno.ENOSPC, "io-error": errno.EIO, "no-permission": errno.EACCES}

_Pointer = ctypes.c_void_p
_SIGNATURES: dict[str, Any] = {
    "open": ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_int, ctypes.c_int, use_errno=True),
    "write": ctypes.CFUNCTYPE(
        ctypes.c_ssize_t, ctypes.c_int, _Pointer, ctypes.c_size_t, use_errno=True
    ),
    "pwrite": ctypes.CFUNCTYPE(
        *(ctypes.c_ssize_t, ctypes.c_int, _Pointer, ctypes.c_size_t, ctypes.c_int64),
        use_errno=True,
    ),
    "ftruncate": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int64, use_errno=True),
    "unlink": ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, use_errno=True),
    "fchmod": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_uint, use_errno=True),
}
_SIGNATURES["pwrite64"] = _SIGNATURES["pwrite"]


class _Vfs(ctypes.Structure):
    """``sqlite3_vfs``, version 3."""

    _fields_ = [
        *(("version", ctypes.c_int), ("file_bytes", ctypes.c_int), ("path_max", ctypes.c_int)),
        *((name, _Pointer) for name in ("next", "name", "data")),
        *((f"method{number}", _Pointer) for number in range(13)),
        ("set_call", ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_char_p, _Pointer)),
        ("get_call", ctypes.CFUNCTYPE(_Pointer, _Pointer, ctypes.c_char_p)),
        ("next_call", _Pointer),
    ]


_kept: list[object] = []
"""What the engine calls, for as long as the process lives."""


def has_table() -> bool:
    """Return whether the engine lets its table be reached: its library exports the symbol."""
    return hasattr(ctypes.CDLL(sqlcipher3._sqlite3.__file__), "sqlite3_vfs_find")


def watch(happens: Callable[[int], str | None]) -> None:
    """
    Ask *happens* at each call, by its number, what is to happen there: None, or a kind.

    Called in a fork, which is not put back. Besides `KINDS` there are kill-before and torn.
    """
    library = ctypes.CDLL(sqlcipher3._sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    count = 0

    def around(name: str, real: Any) -> Any:
        def call(*arguments: Any) -> int:
            nonlocal count
            count += 1
            kind = happens(count)
            if kind == "torn" and name.startswith(("write", "pwrite")):
                descriptor, data, length, *offset = arguments
                real(descriptor, data, length // 2, *offset)
                kind = "kill-before"
            if kind == "kill-before":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind in KINDS:
                ctypes.set_errno(KINDS[kind])
                return -1
            return int(real(*arguments))

        return call

    for name in CHANGING:
        address = vfs.contents.get_call(vfs, name.encode())
        if address is None:
            continue
        signature = _SIGNATURES[name]
        ours = signature(around(name, signature(address)))
        _kept.append(ours)
        vfs.contents.set_call(vfs, name.encode(), ctypes.cast(ours, _Pointer))
