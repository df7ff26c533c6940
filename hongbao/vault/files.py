"""Private files: made 0600 before the first byte, replaced whole, overwritten before they go."""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hongbao import errors
from hongbao.words import N_

SIZE_MAX = 1 << 20
"""More than any file of the home but the ledger ever holds."""

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)  # a pipe in a file's place would wait for ever
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_IS_A_LINK = {errno.ELOOP, errno.EMLINK}  # as Linux and the BSDs say it, and FreeBSD
_POSIX = os.name == "posix"


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn what the system says of *path* into `StorageRefused`, in the system's own words."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.StorageRefused(path=str(path), reason=reason) from error


def make_folder(path: Path) -> None:
    """Make *path* a folder that only its owner enters, with the folders above it if need be."""
    with storage(path):
        if not path.parent.exists():
            make_folder(path.parent)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            close_to_others(path)
        else:
            path.chmod(0o700)  # the umask may have taken even the owner's bits
            _sync_folder(path.parent)


def close_to_others(path: Path) -> None:
    """Leave the folder *path* to its owner, however it came to stand open."""
    if _POSIX and path.stat().st_mode & 0o077:
        path.chmod(0o700)


def close_to_writers(path: Path, *, private: bool) -> bool | None:
    """
    Close the folder *path* to others who could write there; a *private* one to readers, too.

    Return None if no one else could, and otherwise whether the system let us close it. One that
    is not private may be a folder for everybody in which only owners remove, as /tmp is.
    """
    try:
        mode = path.stat().st_mode
        if not (_POSIX and mode & 0o022) or (mode & stat.S_ISVTX and not private):
            return None
        path.chmod(stat.S_IMODE(mode) & ~(0o077 if private else 0o022))
        return not path.stat().st_mode & 0o022  # a disk without permissions says yes to anything
    except FileNotFoundError:
        return None
    except OSError:
        return False


def check_own(path: Path) -> None:
    """
    Raise ForeignFile if *path* is a link, no file, another's, or has a second name.

    What is missing is in order. This is for files that a library opens; for our own, `_own`
    looks at what it has opened.
    """
    with storage(path):
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # a journal of a file whose own name just fits
                return
            raise
    _check(path, found)


def _own(path: Path, flags: int) -> int:
    """
    Open *path*, a file of the home's own, or raise ForeignFile.

    An attacker who could once write to the folder may have put something there: a link
    that has us overwrite what it points at, a pipe that has us wait, a file that stays theirs.
    """
    if not _POSIX and path.is_symlink():
        raise errors.ForeignFile(path=str(path), reason=_LINK)
    try:
        descriptor = os.open(path, flags | _BINARY | _NO_LINK | _NOT_WAITING, 0o600)
    except OSError as error:
        if error.errno in _IS_A_LINK and path.is_symlink():
            raise errors.ForeignFile(path=str(path), reason=_LINK) from None
        raise
    try:
        _check(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


_LINK = N_("it is a link")


def _check(path: Path, found: os.stat_result) -> None:
    reason = None
    if stat.S_ISLNK(found.st_mode):
        reason = _LINK
    elif not stat.S_ISREG(found.st_mode):
        reason = N_("it is not a file")
    elif found.st_nlink > 1:
        reason = N_("it has a second name, a hard link")
    elif _POSIX and found.st_uid != os.geteuid() != 0:
        reason = N_("it belongs to another user")
    if reason is not None:
        raise errors.ForeignFile(path=str(path), reason=reason)


def read(path: Path, *, size_max: int = SIZE_MAX, last: int | None = None) -> bytes:
    """
    Return the content of *path*, or raise FileNotFoundError; close it to others if it stood open.

    A file that others could read may have been read; closing it stops only the next reader. We
    close it and continue rather than refuse, because refusing would protect nothing that is left.

    Of a file that is far too large only the beginning is read: it is no file of ours. Who wants
    only the end of one asks for so many *last* bytes.
    """
    try:
        descriptor = _own(path, os.O_RDONLY)
        try:
            if _POSIX and os.fstat(descriptor).st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
            if last is not None:
                os.lseek(descriptor, max(os.fstat(descriptor).st_size - last, 0), os.SEEK_SET)
            return _read_all(descriptor, size_max)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.StorageUnreadable(path=str(path), reason=reason) from error


def write_new(path: Path, content: bytes) -> None:
    """Write *content* durably to *path*, which must not exist yet."""
    with storage(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        try:
            if _POSIX:
                os.fchmod(descriptor, 0o600)  # the umask may have taken even the owner's bits
            write_at(descriptor, content, 0)
            sync(descriptor)
        except BaseException:
            discard(path)
            raise
        finally:
            os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Put *content* in *path*'s place, durably and whole: a reader sees the old or the new."""
    fresh = path.with_name(path.name + ".new")
    discard(fresh)  # a leftover of a process that was killed; the guard keeps others out
    with storage(path):
        write_new(fresh, content)
        fresh.replace(path)
        _sync_folder(path.parent)


def rename(path: Path, to: Path) -> None:
    """Give *path* the name *to*, durably, in the place of what may have had it."""
    with storage(path):
        path.replace(to)
        _sync_folder(to.parent)


def remove(path: Path) -> None:
    """Remove *path* durably, if it is there."""
    discard(path)
    with storage(path):
        _sync_folder(path.parent)


def destroy(path: Path) -> None:
    """
    Overwrite *path* in place, durably, and remove it; a link or another's file only loses its name.

    Accepted: a copy-on-write file system, a solid-state disk or a snapshot may keep the old
    bytes where no program can reach them.
    """
    with storage(path):
        try:
            descriptor = _own(path, os.O_WRONLY)
        except FileNotFoundError:
            return
        except errors.ForeignFile:
            pass
        else:
            try:
                write_at(descriptor, bytes(os.fstat(descriptor).st_size), 0)
                sync(descriptor)
            finally:
                os.close(descriptor)
        discard(path)
        _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove *path* if it is there."""
    with storage(path):
        path.unlink(missing_ok=True)


def sync(descriptor: int) -> None:
    """Wait until what was written is on the disk itself."""
    os.fsync(descriptor)
    if sys.platform == "darwin":  # where fsync leaves it in the drive's own cache
        import fcntl

        with suppress(OSError):  # not every file system has it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)


def open_private(path: Path) -> int:
    """
    Open *path* for reading and writing, making it empty and private where it is missing.

    Raises ForeignFile (see `_own`).
    """
    descriptor = _own(path, os.O_RDWR | os.O_CREAT)
    if _POSIX and stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
        os.fchmod(descriptor, 0o600)
    return descriptor


def write_at(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of *content* at *offset*, in one call where the system has one."""
    if _POSIX:
        written = os.pwrite(descriptor, content, offset)
    else:
        os.lseek(descriptor, offset, os.SEEK_SET)
        written = os.write(descriptor, content)
    if written < len(content):
        write_at(descriptor, content[written:], offset + written)


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return at most *length* bytes from *offset*."""
    if _POSIX:
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


class Guard:
    """
    A file whose lock keeps two processes from changing one thing at the same time.

    The system lets go of it when its holder dies, so a killed process blocks no one. A process
    waits for as long as the queue moves: each holder touches the file, so only one that
    keeps the lock for ten seconds (times *patience*) is too much. A *shared* lock keeps out those
    who want it alone, and not others who share.
    """

    _tries = 200
    _pause_seconds = 0.05

    def __init__(self, path: Path, *, patience: int = 1) -> None:
        self._path = path
        self._patience = patience
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def take(self, *, wait: bool = True, shared: bool = False) -> None:
        """Take the lock, or raise `Busy` where one other process keeps it all the time."""
        assert not self.held
        with storage(self._path):
            descriptor = _open_shared(self._path) if shared else open_private(self._path)
        try:
            tries = 0
            moved_at: int | None = None
            while True:
                with storage(self._path):
                    if _try_lock(descriptor, shared=shared):
                        if not shared:
                            self._move()
                        self._descriptor = descriptor
                        return
                last, moved_at = moved_at, self._moved_at(descriptor)
                tries = tries + 1 if last in (None, moved_at) else 0
                if not wait or tries >= self._tries * self._patience:
                    raise errors.Busy
                time.sleep(self._pause_seconds)
        finally:
            if self._descriptor is None:
                os.close(descriptor)

    def release(self) -> None:
        """Release the lock, if this process has it."""
        descriptor, self._descriptor = self._descriptor, None  # first: Ctrl-C may come in between
        if descriptor is not None:
            os.close(descriptor)

    def _moved_at(self, descriptor: int) -> int:
        with storage(self._path):
            return os.fstat(descriptor).st_mtime_ns

    def _move(self) -> None:
        """Show those who wait that the queue has moved on."""
        with suppress(OSError):
            os.utime(self._path)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock for a while; where it is held already, keep it afterwards."""
        if self.held:
            yield
            return
        self.take()
        try:
            yield
        finally:
            self.release()


class Gate:
    """
    A read-write lock of a folder: many users of its content, or one that changes it.

    A process that wants it exclusively waits until all holders have left, and none enters
    in between (``.turn``), so that a crowd cannot keep it waiting for ever. Inside, the same
    process may enter again; who is alone may also share.
    """

    _PATIENCE = 6  # a minute, as long as the ledger lets a writer wait

    def __init__(self, folder: Path) -> None:
        self._turn = Guard(folder / ".turn", patience=self._PATIENCE)
        self._inside = Guard(folder / ".busy", patience=self._PATIENCE)
        self._depth = 0
        self._is_alone = False

    @property
    def alone(self) -> bool:
        """Whether this process holds it exclusively."""
        return self._depth > 0 and self._is_alone

    @property
    def entered(self) -> bool:
        return self._depth > 0

    def enter(self, *, alone: bool = False, wait: bool = True) -> None:
        """Acquire the lock, *alone* or shared. Raises `Busy` if the wait is too long."""
        if self._depth:
            assert self._is_alone or not alone, "who shares would wait for itself"
        else:
            try:
                if alone:
                    self._turn.take(wait=wait)
                else:
                    self._let_others_first()
                self._inside.take(wait=wait, shared=not alone)
            finally:
                self._turn.release()
            self._is_alone = alone
        self._depth += 1

    def _let_others_first(self) -> None:
        """Wait for those who want to be alone."""
        with suppress(errors.StorageRefused):  # in a closed folder it is no risk
            self._turn.take(shared=True)
        self._turn.release()

    def leave(self) -> None:
        """Undo one `enter`, if there was one."""
        self._depth = max(self._depth - 1, 0)
        if not self._depth:
            self._inside.release()

    def leave_all(self) -> None:
        """Release the lock, however often this process has entered."""
        self._depth = 0
        self._inside.release()


def _open_shared(path: Path) -> int:
    """Open *path* to share its lock, which needs no right to write where the file is there."""
    try:
        return _own(path, os.O_RDONLY if _POSIX else os.O_RDWR)
    except FileNotFoundError:
        return open_private(path)


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    if not _POSIX:
        return _try_lock_windows(descriptor, shared=shared)
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_SEATS = 64
"""How many may share a lock on Windows, which has no shared ones: each takes one byte of these."""


def _try_lock_windows(descriptor: int, *, shared: bool) -> bool:
    import importlib

    windows = importlib.import_module("msvcrt")
    locking: Callable[[int, int, int], None] = windows.locking
    for seat in range(_SEATS if shared else 1):
        with suppress(PermissionError):
            os.lseek(descriptor, seat, os.SEEK_SET)
            locking(descriptor, windows.LK_NBLCK, 1 if shared else _SEATS)
            return True
    return False


def _read_all(descriptor: int, size_max: int) -> bytes:
    pieces = []
    size = 0
    while size < size_max and (piece := os.read(descriptor, 1 << 16)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _sync_folder(path: Path) -> None:
    if not _POSIX:
        return  # Windows cannot open a folder, and writes renames through itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
