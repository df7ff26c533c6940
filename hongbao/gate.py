"""
The gate: where processes wait until all are there, or until it is their turn at the ledger.

Whoever starts several at once keeps a gate in a folder of its own, and names each process's place
at it in the variable `GATE`, as ``FOLDER/3``. A process asks there each time it is about to take
the ledger's lock, which is in one place (`Home.changing`), and waits. Its turn lasts until it asks
again or ends, so what it does between two locks is done in its turn as well.

    asks    a FIFO that all processes write their numbers to; the keeper reads it
    1, 2 …  a FIFO for each process, which it reads its answer from: one turn, or no more waiting

Nothing waits for a gate that is gone: both ends of a FIFO are closed with the process that had
them, so even one that was killed with SIGKILL leaves no one behind.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from hongbao.errors import GateGone

GATE = "HONGBAO_GATE"
"""The variable that names a process's place at a gate."""

CAN_BE = hasattr(os, "mkfifo")
"""Whether this system has FIFOs, and so gates: Windows has none."""

_ASKS = "asks"
_TURN, _FREE = b"t", b"f"


# --- who waits -----------------------------------------------------------------------------------


class Place:
    """The *place* of this process at a gate, as `GATE` names it."""

    def __init__(self, place: str) -> None:
        self.path = Path(place)
        self._waits = True

    def take_turn(self) -> None:
        """
        Wait for this process's turn.

        Raises GateGone, at once or as soon as the keeper ends, if no one opens the gate any more.
        """
        if not self._waits:
            return
        try:
            answer = self._answer()
        except OSError:  # there is no such file, or nobody is at its other end
            answer = b""
        if answer not in (_TURN, _FREE):
            raise GateGone(path=str(self.path))
        self._waits = answer == _TURN

    def _answer(self) -> bytes:
        """Ask, and return what the keeper answers; it is nothing if there is no keeper."""
        answers = _opened(self.path, os.O_RDONLY)
        try:
            asks = _opened(self.path.with_name(_ASKS), os.O_WRONLY)
            try:
                os.write(asks, b"%s\n" % self.path.name.encode())
            finally:
                os.close(asks)
            os.set_blocking(answers, True)
            return os.read(answers, 1)
        finally:
            os.close(answers)


def _opened(path: Path, way: int) -> int:
    """Open the FIFO *path* without waiting for anyone; nothing else is touched."""
    descriptor = os.open(path, way | os.O_NONBLOCK)
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path)
    return descriptor


# --- who keeps it --------------------------------------------------------------------------------


class Gate:
    """
    A gate in *folder*, for processes numbered from 1 to *count*.

    Close it, and all who wait there end with GateGone. A fork of its keeper has no part in it.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self._asks = -1
        self._answers: dict[int, int] = {}
        _keep(self)
        folder.mkdir(mode=0o700)
        try:
            self._asks = _made(folder / _ASKS)
            for number in range(1, count + 1):
                self._answers[number] = _made(folder / str(number))
        except BaseException:
            self.close()
            raise

    def place(self, number: int) -> dict[str, str]:
        """Return the variable that gives process *number* its place."""
        return {GATE: str(self.folder / str(number))}

    def fileno(self) -> int:
        """The descriptor that can be read when someone asks."""
        return self._asks

    def asked(self) -> list[int]:
        """Return the numbers of those who have asked since, without waiting for any."""
        text = b""
        with suppress(BlockingIOError):
            while piece := os.read(self._asks, 1 << 16):
                text += piece
        return [int(number) for number in text.split()]

    def admit(self, number: int, *, freely: bool = False) -> None:
        """Give process *number* one turn, or all that it will ever want."""
        os.write(self._answers[number], _FREE if freely else _TURN)

    def close(self) -> None:
        descriptors = [self._asks, *self._answers.values()]
        self._asks, self._answers = -1, {}
        _kept.discard(self)
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


def _made(path: Path) -> int:
    os.mkfifo(path, 0o600)
    # For both ways: it can be opened before anyone is there, and stays open when they are gone.
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


_kept: set[Gate] = set()
"""The gates that this process keeps."""


def _keep(gate: Gate) -> None:
    """Close *gate* in every fork of this process: there it would outlive its keeper."""
    if _close_all not in _registered:
        _registered.append(_close_all)
        os.register_at_fork(after_in_child=_close_all)
    _kept.add(gate)


def _close_all() -> None:
    for gate in list(_kept):
        gate.close()


_registered: list[object] = []
