"""Temporary folders of plays, races and workbooks; what a killed process left is removed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from hongbao.errors import StorageRefused

KINDS = ("play", "race", "storm", "drill", "gate", "lab", "lesson", "class", "story", "book")
"""What folders are lent for; each kind's begin with `prefix(kind)`."""

KEPT_PREFIX = "hongbao-kept-"
"""How the name of a folder begins that is to stay."""

AGE_SECONDS = 600
"""How old a folder without an owner has to be: a new one may not have been locked yet."""


def prefix(kind: str) -> str:
    """Return how the names of lent folders of this *kind* begin."""
    return f"hongbao-{kind}-"


@contextmanager
def lent_folder(
    kind: str = "play", *, keep: bool = False, place: str | None = None
) -> Iterator[Path]:
    """
    Lend a new folder in the system's temporary one; it is gone afterwards, unless it is to be kept.

    *kind* is one of KINDS. *place* is another folder for it.

    A process that is killed cannot remove it; the next that asks for one does. A lock says which
    are in use. Raises StorageRefused.
    """
    try:
        begin = KEPT_PREFIX if keep else prefix(kind)
        folder = Path(tempfile.mkdtemp(prefix=begin, dir=place))
    except OSError as error:
        reason = error.strerror or str(error)
        refused = StorageRefused(path=place or tempfile.gettempdir(), reason=reason)
        refused.is_temporary = place is None
        raise refused from None
    if keep:
        with _as_temporary(folder if place is None else None):
            yield folder
        return
    lock = _locked(folder)
    _sweep(folder)
    try:
        with _as_temporary(folder if place is None else None):
            yield folder
    finally:
        rmtree(folder)
        if lock is not None:
            os.close(lock)


@contextmanager
def _as_temporary(folder: Path | None) -> Iterator[None]:
    """Let a refusal to write to the lent *folder* say what helps there."""
    try:
        yield
    except StorageRefused as refused:
        path = Path(str(refused.facts["path"]))
        refused.is_temporary = folder is not None and path.is_relative_to(folder)
        raise


def _sweep(new: Path) -> None:
    """Remove the folders next to the *new* one that are ours and whose process has ended."""
    if os.name != "posix":  # where a folder cannot be locked, none is known to be left
        return
    with suppress(OSError):  # another process may be sweeping
        now = new.lstat().st_mtime
        for folder in new.parent.glob("hongbao-*"):
            if folder.name.startswith(tuple(map(prefix, KINDS))):
                with suppress(OSError):
                    _sweep_one(folder, now)


def _sweep_one(folder: Path, now: float) -> None:
    found = folder.lstat()
    is_old = now - found.st_mtime > AGE_SECONDS
    if not (is_old and found.st_uid == os.geteuid() and folder.is_dir()) or folder.is_symlink():
        return
    lock = _locked(folder)
    if lock is not None:
        try:
            rmtree(folder)
        finally:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock *folder* until the descriptor is closed; None if it is locked, or cannot be."""
    if os.name != "posix":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
