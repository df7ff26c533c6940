"""Output files: written whole or not at all, and private before their first byte."""

import errno
import glob
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path, PurePath
from shutil import rmtree
from tempfile import mkdtemp
from typing import BinaryIO

from hongbao.errors import FileExists, InsideHome, InvalidPath, StorageRefused, UnknownEnding
from hongbao.paths import lies_in, typed_path
from hongbao.words import N_

_UNNAMED = getattr(os, "O_TMPFILE", 0)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_LOCK = re.compile(r"\.hongbao-[0-9]+-[0-9]+\.lock")
_NOT_A_FILE = N_("it is not a file")


def save_as(path: Path, write_to: Callable[[BinaryIO], object], replace: bool) -> None:
    """
    Write a file by *write_to* at *path*, whole or not at all, readable by its owner only.

    The file takes its name, or with *replace* the place of another, only once it is complete and
    on the disk; killed before, the old one is what it was. A pipe or a device cannot be
    half there and keeps its place: it is simply written to.

    A new file has no name at all until it is complete, where the system can do that: a process
    that is killed then leaves nothing. Elsewhere see `save_by_name`.

    Raises FileExists unless *replace*, and StorageRefused.
    """

    def write(descriptor: int) -> None:
        with open(descriptor, "wb", closefd=False) as out:
            write_to(out)
        os.fsync(descriptor)

    with _told_of(path):
        if is_stream(path):
            with path.open("wb") as stream:
                write_to(stream)
            return
        _sweep_around(path)
        target = _target(path, replace)
        descriptor = None if replace else _unnamed_in(target.parent)
        if descriptor is None:
            with _partial_in(target.parent) as partial:
                with _opened(partial) as descriptor:
                    write(descriptor)
                _take_name(partial, target, replace, path)
            return
        try:
            write(descriptor)
            _take_name(descriptor, target, replace, path)
        finally:
            os.close(descriptor)
        _sync_folder(target.parent)


def save_by_name(path: Path, make: Callable[[Path], object], replace: bool) -> None:
    """
    Write a file at *path* as `save_as` does, by a library that has to open it by a name.

    *make* is given the absolute path of an empty file, private already, to write into. What it
    raises leaves *path* as it was, so checks of the finished file are made in there.

    Until then the file is called ``.hongbao-PID-N.partial``. What a killed process leaves under
    such a name is removed by the next saving in the same folder.

    Raises FileExists unless *replace*, and StorageRefused: also for a pipe, a device or a folder.
    """
    with _told_of(path):
        if is_stream(path):
            raise StorageRefused(path=str(path), reason=_NOT_A_FILE)
        _sweep_around(path)
        target = _target(path, replace)
        with _partial_in(target.parent) as partial:
            make(partial)
            with _opened(partial) as descriptor:
                os.fsync(descriptor)
            _take_name(partial, target, replace, path)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """
    Make *folder*, whole or not at all: what is made within has another name until it is complete.

    What a killed process left under such a name is removed by the next one that makes *folder*.
    Raises FileExists and StorageRefused; then nothing is left.
    """
    with _told_of(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _check_untaken(folder)
        for left in folder.parent.glob(f".{glob.escape(folder.name)}-????????"):
            with suppress(OSError):
                _remove_ownerless(left)
        making, lock = _locked_folder(folder)
    try:
        yield making
        with _told_of(folder):
            _check_untaken(folder)  # an empty folder would give way
            making.rename(folder)
    except BaseException:
        rmtree(making, ignore_errors=True)  # ours alone, and no one has seen it
        raise
    finally:
        if lock is not None:
            os.close(lock)
    _sync_folder(folder.parent)


def _locked_folder(folder: Path) -> tuple[Path, int | None]:
    """Make and lock a folder next to *folder*, under a name that is its own until it is whole."""
    while True:
        making = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        if os.name != "posix":
            return making, None
        # Between the lines another process may have taken it for a leftover.
        with suppress(FileNotFoundError):
            lock = os.open(making, os.O_RDONLY)
            if _try_lock(lock) and making.exists():
                return making, lock
            os.close(lock)


def _check_untaken(folder: Path) -> None:
    if os.path.lexists(folder):
        raise FileExists(path=str(folder))


def _remove_ownerless(folder: Path) -> None:
    """Remove *folder*, if it is ours and its process has ended."""
    found = folder.lstat()
    if os.name != "posix" or not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if _try_lock(lock):
            rmtree(folder)
    finally:
        os.close(lock)


def check_outside(path: Path, *folders: Path) -> None:
    """Raise InsideHome if *path*, followed through every link, lies in one of *folders*."""
    for folder in folders:
        if lies_in(path, folder):
            raise InsideHome(path=str(path), folder=str(folder))


def is_folder(path: str) -> bool:
    """Return whether *path* is a folder, or is meant for one by the slash at its end."""
    if path.endswith(("/", os.sep)):
        return True
    with suppress(OSError, InvalidPath):  # writing there will raise it
        return typed_path(path).is_dir()
    return False


def check_ending(name: str, known: Collection[str]) -> str:
    """
    Return the extension of the file *name* in lower case: ``""``, or one of *known*.

    Raises UnknownEnding.

    >>> check_ending("November.PDF", {".pdf"}), check_ending("november", {".pdf"})
    ('.pdf', '')
    """
    ending = PurePath(name).suffix.lower()
    if ending and ending not in known:
        raise UnknownEnding(ending=ending, known=", ".join(sorted(known)))
    return ending


def is_stream(path: Path) -> bool:
    """Return whether *path* leads to a pipe or a device, which must never be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_free(path: Path, replace: bool) -> None:
    """Refuse what could not be written next to another file, before that one is there."""
    try:
        if _is_taken(path) and not replace:
            raise FileExists(path=str(path))
    except OSError as error:  # a name may be too long
        reason = error.strerror or type(error).__name__
        raise StorageRefused(path=str(path), reason=reason) from error


def check_writable(path: Path) -> None:
    """Refuse what could not be written at the end of long work, before it begins."""
    if is_stream(path):
        return
    with _told_of(path):
        folder = Path(os.path.realpath(path)).parent
        folder.stat()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Raise the system's refusal as ours, about the *path* that was typed."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageRefused(path=str(path), reason=reason) from error


def _target(path: Path, replace: bool) -> Path:
    """Return the file that *path* means: a link keeps its target."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not replace and _is_taken(path):
        raise FileExists(path=str(path))
    return Path(os.path.realpath(path))


def _is_taken(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a dangling link is a file, too


def _unnamed_in(folder: Path) -> int | None:
    """Open a file that has no name, and vanishes with its process; None if that cannot be."""
    if not _UNNAMED:
        return None
    try:
        descriptor = os.open(folder, _UNNAMED | os.O_WRONLY, 0o600)
    except OSError:  # not every file system has them; what else is wrong, the next way will tell
        return None
    if not Path(_by_number(descriptor)).exists():
        os.close(descriptor)
        return None
    os.fchmod(descriptor, 0o600)
    return descriptor


@contextmanager
def _partial_in(folder: Path) -> Iterator[Path]:
    """
    Make a new file in *folder*, private before its first byte; what still has its name at the end
    is taken away.

    The name does not grow with the final one, which may already be as long as a name can be. A
    locked file next to it says that its process lives: not the file itself, whose lock an engine
    would meet on a network's disk.
    """
    lock, descriptor = _locked_in(folder)
    partial = lock.with_suffix(".partial")
    try:
        os.close(_new_file(partial))
        yield partial
        _sync_folder(folder)
    finally:
        is_gone = _remove(partial)
        if os.name != "posix":  # which keeps the name of what is open
            os.close(descriptor)
        if is_gone:  # or the next saving sweeps both
            with suppress(OSError):
                lock.unlink(missing_ok=True)
        if os.name == "posix":  # which gives the lock up only when the name has gone
            os.close(descriptor)


def _locked_in(folder: Path) -> tuple[Path, int]:
    """Make and lock a file in *folder* whose name, and its partial file's, is not taken."""
    for number in count():
        lock = folder / f".hongbao-{os.getpid()}-{number}.lock"
        if _is_taken(lock.with_suffix(".partial")):
            continue
        with suppress(FileExistsError):
            descriptor = _new_file(lock)
            # Between the two lines another process may have taken it for a leftover.
            if _try_lock(descriptor) and os.fstat(descriptor).st_nlink:
                return lock, descriptor
            os.close(descriptor)
    raise AssertionError("unreachable")


def _try_lock(descriptor: int) -> bool:
    if os.name != "posix":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nothing will be swept there
        return True
    return True


def _sweep_around(path: Path) -> None:
    """Sweep the folder that *path* means, even where it is then refused (see `_sweep`)."""
    with suppress(OSError):
        _sweep(Path(os.path.realpath(path)).parent)


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed have left in *folder*: files with a lock let go."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _LOCK.fullmatch(path.name):
                with suppress(OSError):
                    _sweep_one(path)


def _sweep_one(lock: Path) -> None:
    if os.name != "posix":
        lock.unlink()  # which the system refuses while a process has it open
        _remove(lock.with_suffix(".partial"))
        return
    import fcntl

    descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _remove(lock.with_suffix(".partial")):
                lock.unlink()
    finally:
        os.close(descriptor)


def _remove(partial: Path) -> bool:
    """Remove *partial* and what a killed engine left with it; return whether all is gone."""
    is_gone = True
    for ending in ("", "-journal", "-wal", "-shm"):
        try:
            partial.with_name(partial.name + ending).unlink(missing_ok=True)
        except OSError:
            is_gone = False
    return is_gone


def _new_file(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    if os.name == "posix":
        os.fchmod(descriptor, 0o600)  # the umask may have taken even the owner's bits
    return descriptor


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | _BINARY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take_name(made: Path | int, target: Path, replace: bool, typed: Path) -> None:
    """
    Rename the file *made* to *target*, unless that exists and must not be replaced.

    One without a name is given as its open descriptor.
    """
    if replace:
        if is_stream(target):  # it was not one before
            raise StorageRefused(path=str(typed), reason=_NOT_A_FILE)
        assert isinstance(made, Path)
        made.replace(target)
        return
    try:  # a rename would take the place of what has appeared in between
        if isinstance(made, int):
            # Any descriptor has the system follow the link to the file; the paths are absolute.
            os.link(_by_number(made), target, dst_dir_fd=made)
        else:
            os.link(made, target)
    except OSError:
        if _is_taken(target):
            raise FileExists(path=str(typed)) from None
        if isinstance(made, int):
            raise
        made.rename(target)  # a file system without links


def _by_number(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


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
