"""Files that people ask for: whole or not there, and private before their first byte."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from hongbao.errors import FileExists, StorageRefused


def save_as(path: Path, write_to: Callable[[BinaryIO], object], replace: bool) -> None:
    """
    Have a file written by *write_to* at *path*, whole or not at all, for its owner's eyes only.

    The file takes its name, or with *replace* the place of another, only once it is complete and
    on the disk; killed before, the old one is what it was. A pipe or a device cannot be
    half there and keeps its place: it is simply written to.

    Raises FileExists unless *replace*, and StorageRefused.
    """
    try:
        if is_stream(path):
            with path.open("wb") as stream:
                write_to(stream)
            return
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not replace and _is_taken(path):
            raise FileExists(path=str(path))
        target = Path(os.path.realpath(path))  # a link goes on pointing at what it points at
        descriptor, partial = _partial_in(target.parent)
        try:
            with open(descriptor, "wb") as out:
                write_to(out)
                out.flush()
                os.fsync(descriptor)
            if not _take_name(partial, target, replace):
                raise FileExists(path=str(path))
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageRefused(path=str(path), reason=reason) from error


def is_folder(path: str) -> bool:
    """Say whether *path* is a folder, or is meant for one by the slash at its end."""
    if path.endswith(("/", os.sep)):
        return True
    with suppress(OSError):  # a name that is too long, say: whoever writes there will be told
        return path != "" and Path(path).expanduser().is_dir()
    return False


def is_stream(path: Path) -> bool:
    """Say whether *path* leads to a pipe or a device, which must never be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_free(path: Path, replace: bool) -> None:
    """Refuse what could not be written beside another file, before that one is there."""
    try:
        if _is_taken(path) and not replace:
            raise FileExists(path=str(path))
    except OSError as error:  # a name may be too long
        reason = error.strerror or type(error).__name__
        raise StorageRefused(path=str(path), reason=reason) from error


def _is_taken(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link to nowhere is somebody's too


def _partial_in(folder: Path) -> tuple[int, Path]:
    """
    Open a new file in *folder*, private before its first byte, under a name nobody has.

    The name does not grow with the final one, which may already be as long as a name can be.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for number in count():
        partial = folder / f".hongbao-{os.getpid()}-{number}.partial"
        with suppress(FileExistsError):
            descriptor = os.open(partial, flags, 0o600)
            if os.name == "posix":
                os.fchmod(descriptor, 0o600)  # the umask may have taken even the owner's bits
            return descriptor, partial
    raise AssertionError("unreachable")


def _take_name(partial: Path, target: Path, replace: bool) -> bool:
    """Let *partial* be *target*; say no where that is taken and not to be replaced."""
    if replace:
        partial.replace(target)
        return True
    try:
        os.link(partial, target)  # a rename would take the place of what has appeared meanwhile
    except OSError:
        if _is_taken(target):
            return False
        partial.rename(target)  # a file system without links
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system lets us: the file itself is already."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
