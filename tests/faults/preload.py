"""The shim (``shim.c``) that breaks calls: how it is compiled, and told what to do."""

import ctypes
import functools
import hashlib
import mmap
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("shim.c")

KINDS = (
    *("none", "kill-before", "kill-after", "torn", "short", "no-space", "io-error"),
    *("no-permission", "interrupted", "clock", "ctrl-c"),
)
"""What can happen at a call, as the shim numbers it."""

SERIES = ("changes", "looks")
"""The calls that open or change a file, and those that look; each is numbered by itself."""

_WRITES = ("write",)
_NEW_NAMES = ("rename", "link", "mkdir")
APPLIES = {
    "kill-before": None,
    "kill-after": None,
    "torn": _WRITES,
    "short": _WRITES,
    "no-space": ("create", "write", "fsync", "fdatasync", *_NEW_NAMES),
    "io-error": None,
    "no-permission": ("open", "create", "unlink", *_NEW_NAMES, "fchmod", "chmod", "stat"),
    "interrupted": ("open", "create", "write", "fsync", "fdatasync", "ftruncate", "read", "flock"),
    "clock": None,
    "ctrl-c": None,
}
"""The calls that each can happen at; None is any."""


class Told(ctypes.Structure):
    """What the shim and whoever looks on share (see ``struct faults``)."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("kind", "series", "number", "lasts", "seconds")),
        ("count", ctypes.c_int32 * len(SERIES)),
        *((name, ctypes.c_int32) for name in ("hits", "has_begun", "traced")),
        ("where", ctypes.c_char * 128),
        ("trace", ctypes.c_char * (1 << 16)),
    ]


class Counted(NamedTuple):
    """The calls of one run: those that change something, by name and file, and how many looked."""

    changes: list[str]
    looks: int


class Shim:
    """
    The shim in this process, which has to be preloaded (see `environment`).

    What it is told is in memory that forks share, so that it outlives one that is killed.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.faults_arm.argtypes = [ctypes.c_void_p]
        self._library.faults_watch.argtypes = [ctypes.c_char_p]
        self._memory = mmap.mmap(-1, ctypes.sizeof(Told))
        self.told = Told.from_buffer(self._memory)

    def watch(self, *folders: Path) -> None:
        self._library.faults_watch(os.fsencode("\n".join(map(str, folders))))

    def clear(self) -> None:
        """Forget what was counted; the parent does so before each fork."""
        ctypes.memset(ctypes.addressof(self.told), 0, ctypes.sizeof(Told) - (1 << 16))

    def arm(
        self, kind: str = "none", series: str = "changes", number: int = 0, *, lasts: bool = False
    ) -> None:
        """Count from here on, and let *kind* happen at the call of that *number*."""
        self.told.kind = KINDS.index(kind)
        self.told.series = SERIES.index(series)
        self.told.number = number
        self.told.lasts = lasts
        self._library.faults_arm(ctypes.addressof(self.told))

    def turn_clock(self, seconds: int) -> None:
        self.told.seconds = seconds

    def record(self, descriptor: int) -> None:
        """Record all that is written and synced in the file that is open as *descriptor*."""
        self._library.faults_record(descriptor)

    def counted(self) -> Counted:
        trace = self.told.trace[: self.told.traced].decode("utf-8", "replace")
        return Counted(trace.splitlines(), self.told.count[1])

    @property
    def where(self) -> str:
        """The first call that something happened at; empty where nothing did."""
        return bytes(self.told.where).decode("utf-8", "replace")


@functools.cache
def compiled() -> Path | None:
    """Return the shim's library, compiled where there is a compiler for it; else None."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    source = SOURCE.read_bytes()
    name = f"hongbao-faults-{os.getuid()}-{hashlib.sha256(source).hexdigest()[:16]}.so"
    library = Path(tempfile.gettempdir(), name)
    if not library.exists():
        fresh = library.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", fresh, SOURCE],
            check=True,
            capture_output=True,
        )
        fresh.replace(library)
    return library


def environment() -> dict[str, str]:
    """Return the environment of a process that the shim is preloaded into."""
    library = compiled()
    assert library is not None
    return {**os.environ, "LD_PRELOAD": str(library)}
