"""
Cheaper forks: the memory of a process that forks hundreds of children, in large pages.

A worker that has collected all tests has a quarter of a gigabyte, in sixty thousand pages of 4 KiB.
To copy the table of them took two thirds of each fork's ten milliseconds; in pages of 2 MiB there
are a hundred. What is written splits a large page again, so it is worth doing anew now and then.
"""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_LARGE = 2 << 20
_MADV_COLLAPSE = 25  # Linux 6.1


def in_large_pages() -> None:
    """Have the system put this process's memory into large pages, as far as it can."""
    advise = getattr(ctypes.CDLL(None), "madvise", None) if os.name == "posix" else None
    if advise is not None:
        for start, end in _writable():
            first, last = -(-start // _LARGE), end // _LARGE
            for page in range(first, last):
                advise(ctypes.c_void_p(page * _LARGE), ctypes.c_size_t(_LARGE), _MADV_COLLAPSE)


def _writable() -> Iterator[tuple[int, int]]:
    """Yield where the memory of this process lies that no file is behind, where Linux says so."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        where, rights, _offset, _device, inode, *name = line.split()
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            start, _, end = where.partition("-")
            yield int(start, 16), int(end, 16)


class Often:
    """Whether it is time again: so many children were forked since the last time."""

    EACH = 40

    def __init__(self) -> None:
        self._forks = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=self._forked)

    def _forked(self) -> None:
        self._forks += 1

    def is_due(self) -> bool:
        if self._forks < self.EACH:
            return False
        self._forks = 0
        return True
