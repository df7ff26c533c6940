"""
The disks that a power cut may leave, rebuilt from a recording of all that was written and synced.

What was synced is there. Of the rest any part may be: writes to a file may be missing, in any
choice, and the last may end at a sector's border; names that were made, moved or removed in a
folder may be missing from some moment on, until the folder itself was synced. A file that nobody
synced may be empty under its name. The engine's -shm is left out, which it makes anew.
"""

import os
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
_HEADER = struct.Struct("<c7xQqIIII")
WAYS = ("none", "all", "half", "torn")
"""What of the unsynced is there: nothing, all, a random choice, or all with the last write cut."""


class Step(NamedTuple):
    """
    One thing that was recorded, as the shim has written it down.

    *what* is c(reate), w(rite), t(runcate), s(ync), u(nlink), r(ename), l(ink), m(ake a folder), 1
    (something on standard output), or ours: e(nd of a command).
    """

    what: str
    file: int
    offset: int
    path: str
    other: str
    data: bytes


def read(recording: int) -> list[Step]:
    """Return the steps in the file that is open as *recording*."""
    with open(os.dup(recording), "rb") as file:
        file.seek(0)
        content = file.read()
    steps, at = [], 0
    while at < len(content):
        what, inode, offset, *lengths, _ = _HEADER.unpack_from(content, at)
        at += _HEADER.size
        parts = []
        for length in lengths:
            parts.append(content[at : at + length])
            at += length
        path, other, data = parts
        steps.append(
            Step(what.decode(), inode, offset, os.fsdecode(path), os.fsdecode(other), data)
        )
    return steps


def note_end(recording: int, number: int) -> None:
    """Note in the *recording* that the command of that *number* has ended."""
    os.write(recording, _HEADER.pack(b"e", number, 0, 0, 0, 0, 0))


@dataclass
class _File:
    """A file's content on the disk, and the writes since it was synced."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # None cuts it off there

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, change)
        self.pending.clear()

    def rebuilt(self, way: str, chance: random.Random) -> bytes:
        content = bytearray(self.synced)
        pending = self.pending
        if way == "none":
            pending = []
        elif way == "half":
            pending = [change for change in pending if chance.random() < 0.5]
        for number, (at, data) in enumerate(pending):
            is_last = number == len(pending) - 1
            _apply(content, (at, data if way == "all" or not is_last else _torn(data, chance)))
        return bytes(content)


def _torn(data: bytes | None, chance: random.Random) -> bytes | None:
    """Return what is there of a write that was cut off at the border of a sector."""
    if data is None or len(data) <= SECTOR:
        return data
    return data[: SECTOR * chance.randrange(1, -(-len(data) // SECTOR))]


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    at, data = change
    if data is None:
        content[at:] = bytes(max(0, at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


class _Named(NamedTuple):
    """A change of names, with the file that it is about."""

    step: Step
    file: _File


class Disk:
    """The disk below *folder*, as it was when the recording began; `play` brings it on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[int, _File] = {}
        self._names: dict[str, _File | None] = {}  # on the disk; None is a folder
        self._pending: dict[Path, list[_Named]] = {}  # by the folder that has to be synced
        for path in (folder, *sorted(folder.rglob("*"))):
            if path.is_dir():
                self._names[str(path)] = None
            elif not path.name.endswith("-shm"):
                file = _File(bytearray(path.read_bytes()))
                self._files[path.stat().st_ino] = file
                self._names[str(path)] = file

    def play(self, step: Step) -> None:
        """Bring the disk on by one *step*."""
        if step.what == "c":  # an inode's number may be given again
            self._files[step.file] = _File()
            if step.path:
                self._note(step)
        elif step.what in "wt":
            data = step.data if step.what == "w" else None
            self._file(step.file).pending.append((step.offset, data))
        elif step.what == "s" and step.file in self._files:
            self._files[step.file].sync()
        elif step.what == "s":
            for named in self._pending.pop(Path(step.path), []):
                _rename(self._names, named)
        elif step.what in "urlm":
            self._note(step)

    def _file(self, inode: int) -> _File:
        return self._files.setdefault(inode, _File())

    def _note(self, step: Step) -> None:
        """Keep a change of names until its folder is synced."""
        folder = Path(step.other if step.what == "r" else step.path).parent
        is_folder = step.what == "m" or step.file not in self._files
        file = _File() if is_folder else self._files[step.file]
        self._pending.setdefault(folder, []).append(_Named(step._replace(data=b""), file))

    def rebuilt(self, way: str, chance: random.Random) -> dict[str, bytes | None]:
        """Return what a power cut leaves now: the content of each file, None for a folder."""
        names = dict(self._names)
        for pending in self._pending.values():
            count = {"none": 0, "half": chance.randint(0, len(pending))}.get(way, len(pending))
            for named in pending[:count]:
                _rename(names, named)
        return {
            name: None if file is None else file.rebuilt(way, chance)
            for name, file in sorted(names.items())
            if not name.endswith("-shm") and self._has_folder(names, name)
        }

    def _has_folder(self, names: dict[str, _File | None], name: str) -> bool:
        above = [path for path in Path(name).parents if path.is_relative_to(self.folder)]
        return all(names.get(str(path), self) is None for path in above)


def _rename(names: dict[str, _File | None], named: _Named) -> None:
    step, file = named
    if step.what in "cl":
        names[step.path] = file
    elif step.what == "m":
        names.setdefault(step.path, None)
    elif step.what == "u":
        names.pop(step.path, None)
    elif step.what == "r":
        names[step.other] = names.pop(step.path, file)
        for name in [name for name in names if name.startswith(f"{step.path}/")]:
            names[step.other + name[len(step.path) :]] = names.pop(name)


def lay_out(disk: dict[str, bytes | None]) -> None:
    """Make the files and folders of *disk*."""
    for name, content in disk.items():
        path = Path(name)
        if content is None:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            path.touch(mode=0o600)
            path.write_bytes(content)


def cuts(steps: Sequence[Step], chance: random.Random, share: float) -> Iterator[int]:
    """
    Yield after how many of *steps* the power is cut.

    That is after each answer, each sync and each change of a name, and a *share* of the others.
    """
    for number, step in enumerate(steps, 1):
        if step.what in "1surlme" or chance.random() < share:
            yield number
