"""
Snapshots of a whole home, to go back to: its ledger and keys, its clock, its banks.

A home is one folder, and everything that it knows is in there; so is the folder that a story plays
in, with the files that it has laid down. Going back is putting a copy of the folder in its place.
"""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hongbao.errors import StorageRefused

_PART = ".part"
"""How the name of a copy ends that is not complete yet."""

_INCOMING, _OUTGOING = ".incoming", ".outgoing"


class Snapshots:
    """
    The snapshots of *folder*, each under a name, which are kept in the folder *kept* next to it.

    No command may run in *folder* then: take them and put them back between commands, or
    within *alone*, which keeps other processes out of it. *kept* has to be on the same disk.

    Being cut off at any point leaves *folder* as it was or as it was to be, once `settle` has
    been called, as it is when these are made.

    Every method raises StorageRefused if the system refuses.
    """

    def __init__(
        self,
        folder: Path,
        kept: Path,
        *,
        alone: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._folder = folder
        self._kept = kept
        self._alone = alone
        try:
            kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(kept, error) from None
        self.settle()

    def names(self) -> list[str]:
        """Return the names of all snapshots, sorted."""
        return sorted(each.name for each in self._kept.iterdir() if not _is_ours(each.name))

    def take(self, name: str) -> None:
        """Take a snapshot called *name*; it replaces an older one of that name."""
        place = self._place(name)
        part = place.with_name(name + _PART)
        with self._alone():
            self._copy(self._folder, part)
        self._remove(place)
        part.rename(place)

    def put_back(self, name: str) -> None:
        """Make the folder what it was when *name* was taken; the snapshot stays."""
        incoming = self._kept / _INCOMING
        part = self._kept / (_INCOMING + _PART)
        self._copy(self._place(name), part)
        with self._alone():
            part.rename(incoming)  # from here on, it is what the folder is to be
            self.settle()

    def drop(self, name: str) -> None:
        """Forget the snapshot called *name*, if there is one."""
        self._remove(self._place(name))

    def settle(self) -> None:
        """Finish what was cut off: a complete copy takes its place, and half a copy goes."""
        incoming, outgoing = self._kept / _INCOMING, self._kept / _OUTGOING
        try:
            if incoming.exists():
                if self._folder.exists():
                    self._remove(outgoing)
                    self._folder.rename(outgoing)
                incoming.rename(self._folder)
        except OSError as error:
            raise _refused(self._folder, error) from None
        self._remove(outgoing)
        for part in self._kept.glob(f"*{_PART}"):
            self._remove(part)

    def _place(self, name: str) -> Path:
        if not name or _is_ours(name) or Path(name).name != name:
            raise ValueError(f"no name for a snapshot: {name!r}")
        return self._kept / name

    def _copy(self, folder: Path, to: Path) -> None:
        self._remove(to)
        try:
            shutil.copytree(folder, to, symlinks=True)
        except shutil.Error as error:
            reason = str(error.args[0][0][2])
            raise StorageRefused(path=str(to), reason=reason) from None
        except OSError as error:
            raise _refused(to, error) from None

    def _remove(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _refused(folder, error) from None


def _is_ours(name: str) -> bool:
    return name.startswith(".") or name.endswith(_PART)


def _refused(path: Path, error: OSError) -> StorageRefused:
    return StorageRefused(path=str(path), reason=error.strerror or str(error))
