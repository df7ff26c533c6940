"""
What this machine's devices were answered: by it, acts that a cluster has lost are found.

A device keeps its last acts, with the counter that each was signed over. If the ledger's counter of
a device is below that of an act which was confirmed, acts are gone. They are to be done again,
under the same request ids, before that device does anything else: a new act would take the counter
past the gap.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hongbao.errors import ActsLost
from hongbao.rows import Row
from hongbao.vault import Notes

if TYPE_CHECKING:
    from hongbao.home.opened import Home

KEPT_MAX = 64
"""How many acts a device keeps. What is older is in checkpoints that machines have seen."""

_BYTES_MAX = 64 * 1024
"""How large the note of a device grows before only its last acts are kept."""


class KeptAct(Row):
    """An act that was confirmed, with the device's *counter* that it was signed over."""

    counter: int
    profile: int
    request: str
    act: str
    entry: int = 0


class Kept:
    """
    The acts that the devices of *home* were answered, in a note next to its keys for each device.

    An act is written there after it is done, and not waited for: it is lost where this machine
    loses its power at the moment when the cluster loses the act.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._notes = Notes(home.env.keys, home.vault)

    def counters(self) -> dict[int, int]:
        """Return the counter of the last act of each device. A snapshot that is later has it."""
        found = {}
        for name in self._notes.names("acts-*"):
            line = self._notes.last_sealed(name)
            if line is not None:
                found[int(name.removeprefix("acts-"))] = _act(line).counter
        return found

    def newest(self) -> int:
        """Return the number of the newest entry that a device here was answered; 0 if of none."""
        lines = [self._notes.last_sealed(name) for name in self._notes.names("acts-*")]
        return max((_act(line).entry for line in lines if line is not None), default=0)

    def miss(self) -> None:
        """Note the devices whose acts the ledger lacks, also where its counters are higher."""
        for device in self.counters():
            if self.gone(device):
                self._notes.write(f"gap-{device}", b"")

    def add(self, device: int, act: KeptAct) -> None:
        """Keep *act*, which *device* was answered."""
        name = f"acts-{device}"
        line = json.dumps(act, separators=(",", ":")).encode()
        with self._notes.guarded(name):
            if self._notes.append_sealed(name, line, wait=False) > _BYTES_MAX:
                self._notes.write_sealed(name, self._notes.sealed_lines(name)[-KEPT_MAX:])

    def check(self, device: int, called: str, promised: int, counter: int, request: str) -> None:
        """
        Raise ActsLost if acts of *device* are gone, unless the next *request* is the first of them.

        *promised* is the counter of its last act that was confirmed, *counter* the ledger's.
        """
        if promised <= counter and not self._notes.path(f"gap-{device}").exists():
            return
        gone = self.gone(device)
        if not gone:
            self._notes.remove(f"gap-{device}")
            return
        self._notes.write(f"gap-{device}", b"")
        if request != gone[0].request:
            raise ActsLost(
                device=called, count=len(gone), act=gone[0].act, request_id=gone[0].request
            )

    def gone(self, device: int) -> list[KeptAct]:
        """Return the acts of *device* that the ledger does not have, in their order."""
        kept = {act.request: act for act in map(_act, self._notes.sealed_lines(f"acts-{device}"))}
        known = self._home.store.request(
            among=[(act.request, act.profile) for act in kept.values()]
        )
        return sorted(act for act in kept.values() if (act.request, act.profile) not in known)

    def all_gone(self) -> list[KeptAct]:
        """Return the acts of all devices here that the ledger does not have."""
        return [act for device in self.counters() for act in self.gone(device)]

    def forget(self) -> None:
        """Keep nothing of acts that the ledger does not have: their loss was recorded."""
        for device in self.counters():
            name, gone = f"acts-{device}", {act.request for act in self.gone(device)}
            with self._notes.guarded(name):
                lines = self._notes.sealed_lines(name)
                left = [line for line in lines if _act(line).request not in gone]
                self._notes.write_sealed(name, left)
            self._notes.remove(f"gap-{device}")


def _act(line: bytes) -> KeptAct:
    return KeptAct(*json.loads(line))
