"""
The printed page: a profile's statement as a file that other programs read, one format a file.

A module here whose name does not begin with ``_`` is a format, and is woken only when it is used.
It has ``ENDINGS``, the file endings it is chosen by, and ``write(statement, lines, out)``. Adding a
format is adding its file.
"""

import errno
import os
import pkgutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import count
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from hongbao.errors import FileExists, StorageRefused

# Of the standard library, nothing is imported here that a format is called after: waking the
# format makes it an attribute of this module, which would hide the other one.

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.wallet import Statement

SCHEMA = "hongbao/statement@1"
"""What a statement for programs says it is; the number grows when a reader would have to change."""

FORMATS = tuple(
    sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )
)
"""Every format there is, by the name that people type."""


class DoesNotAddUp(AssertionError):
    """
    Opening balance and movements do not make the closing balance: a mistake of ours.

    It is raised rather than asserted because it guards money and must survive ``python -O``.
    """


class Format(Protocol):
    """What each format's module has."""

    ENDINGS: tuple[str, ...]

    def write(self, statement: "Statement", lines: Iterator["MovementLine"], out: BinaryIO) -> None:
        """
        Write *statement* to *out*, keeping none of *lines*.

        They are the statement's own, added up again as they are taken.
        """


def format_of(path: str) -> str | None:
    """
    Return the format that the ending of *path* stands for, or None.

    >>> format_of("2026-11.CSV"), format_of("-")
    ('csv', None)
    """
    name = PurePath(path).name.lower()
    return next((known for known in FORMATS if name.endswith(_format(known).ENDINGS)), None)


def write(statement: "Statement", format_name: str, out: BinaryIO) -> None:
    """
    Write *statement* to *out* in the format called *format_name*, in memory that does not grow.

    The same statement is the same bytes. Each line's balance is added up again on its way, so
    that a statement which does not lead from opening to closing ends in `DoesNotAddUp`.
    """
    _format(format_name).write(statement, _added_up(statement), out)


def save(statement: "Statement", format_name: str, path: Path, replace: bool) -> None:
    """Write *statement* to the file *path*, in the format called *format_name* (see `save_as`)."""
    save_as(path, lambda out: write(statement, format_name, out), replace)


def save_as(path: Path, write_to: Callable[[BinaryIO], None], replace: bool) -> None:
    """
    Have a file written by *write_to* at *path*, whole or not at all, for its owner's eyes only.

    The file takes its name, or with *replace* the place of another, only once it is complete and
    on the disk; killed before, the old one is what it was. A pipe or a device cannot be
    half there and keeps its place: it is simply written to.

    Raises FileExists unless *replace*, and StorageRefused.
    """
    try:
        if _is_stream(path):
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


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"no statement format is called {name!r}")
    return cast(Format, import_module(f"{__name__}.{name.replace('-', '_')}"))


def _added_up(statement: "Statement") -> Iterator["MovementLine"]:
    """Yield the statement's lines, and raise `DoesNotAddUp` as soon as one is out of step."""
    lines = in_fen = out_fen = 0
    balance_fen = statement.opening_fen
    for line in statement.lines:
        lines += 1
        in_fen += max(line["amount_fen"], 0)
        out_fen += max(-line["amount_fen"], 0)
        balance_fen += line["amount_fen"]
        if balance_fen != line["balance_fen"]:
            raise DoesNotAddUp(f"entry {line['entry']}: {balance_fen} != {line['balance_fen']} fen")
        yield line
    found = (lines, in_fen, out_fen, balance_fen)
    promised = (statement.count, statement.in_fen, statement.out_fen, statement.closing_fen)
    if found != promised:
        raise DoesNotAddUp(f"count, in, out and closing are {found}, not {promised}")


# --- files ----------------------------------------------------------------------------------------


def _is_stream(path: Path) -> bool:
    """Say whether *path* leads to a pipe or a device, which must never be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


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
