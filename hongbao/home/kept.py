"""
What this machine's devices were answered: by it, acts that a cluster has lost are found.

A device keeps its acts, with the counter that each was signed over, until another machine has seen
a checkpoint that covers them. If the ledger's counter of a device is below that of an act which was
confirmed, acts are gone. They are to be presented again, under the same request ids, before that
device does anything else: a new act would take the counter past the gap. One that is refused now
stays in the note, with its refusal, until it is done or its loss is recorded.

An act whose COMMIT had no answer is kept apart. Once the ledger has it, it counts as confirmed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hongbao.errors import ActsLost, RequestConflict
from hongbao.rows import Row
from hongbao.vault import Notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hongbao.errors import HongbaoError
    from hongbao.home.log import MachineLog
    from hongbao.home.opened import Home

KEPT_MAX = 3_000
"""How many acts a device keeps where no checkpoint that covers them is seen by any machine."""

ASKED_MAX = 64
"""How many acts without an answer a device keeps."""

_BYTES = 64 * 1024
"""How large the note of a device is before acts that are covered are let go."""

_BYTES_MAX = 1024 * 1024
"""How large it grows before only the last KEPT_MAX acts are kept."""

_DIGEST_BYTES = 8
"""How much of the digest of the inputs is kept: enough to tell a mistake."""

_COVERED = "acts-covered"

_TOGETHER = "acts-together"
_TOGETHER_BYTES = 128 * 1024
"""How large the note of groups grows before its acts are moved to the notes of their devices."""


class KeptAct(Row):
    """An act that was confirmed, with the device's *counter* that it was signed over."""

    counter: int
    profile: int
    request: str
    act: str
    entry: int = 0
    line: str = ""  # what was typed, if it was a command, so that it can be typed again
    inputs: str = ""  # of their digest, the beginning

    @property
    def key(self) -> tuple[str, int]:
        """Which request of which profile it is."""
        return self.request, self.profile

    @property
    def order(self) -> tuple[int, int]:
        """When it was done: acts are presented again in the same order."""
        return self.entry, self.counter

    def follows_a_loss_of(self, before: KeptAct) -> bool:
        """Return whether this act came after *before* and counts less: its device lost some."""
        return before.entry < self.entry and before.counter >= self.counter


def beginning(inputs: bytes) -> str:
    """Return what an act that is kept has of the digest of its *inputs*."""
    return inputs[:_DIGEST_BYTES].hex()


class Gone(Row):
    """
    An act that a device was answered, and that the ledger does not have.

    *refused* is the error that it was refused with when it was presented again, as
    `HongbaoError.as_dict` has it; None if it was not presented yet.
    """

    act: KeptAct
    device: int
    refused: dict[str, object] | None = None


class Kept:
    """
    The acts that the devices of *home* were answered, in a note next to its keys for each device.

    An act is written there after it is done, and not waited for: it is lost where this machine
    loses its power at the moment when the cluster loses the act.

    The acts of a group are of many devices, and are first kept together: one line, in one note.
    A reader looks there first, so what is moved while it reads is read twice, and not missed.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._notes = Notes(home.env.keys, home.vault)

    def counters(self) -> dict[int, int]:
        """Return the counter of the last act of each device. A snapshot that is later has it."""
        return {device: act.counter for device, act in self._last().items()}

    def newest(self) -> int:
        """Return the number of the newest entry that a device here was answered; 0 if of none."""
        return max((act.entry for act in self._last().values()), default=0)

    def _last(self) -> dict[int, KeptAct]:
        together = self._together()
        lines = {each: self._notes.last_sealed(f"acts-{each}") for each in self._devices("acts")}
        last = {device: _acts(line)[-1] for device, line in lines.items() if line is not None}
        for device, act in together:
            before = last.get(device)
            if before is not None and act.follows_a_loss_of(before):
                self._note_gap(device)  # a group does not look, and has gone past it
            if before is None or before.counter < act.counter:
                last[device] = act
        return last

    def _note_gap(self, device: int) -> None:
        self._notes.write(f"gap-{device}", b"")

    def _together(self) -> list[tuple[int, KeptAct]]:
        """Return the acts of groups that are not in the notes of their devices yet."""
        lines = map(json.loads, self._notes.sealed_lines(_TOGETHER))
        return [(device, KeptAct(*act)) for line in lines for device, *act in line]

    def _devices(self, kind: str) -> list[int]:
        names = (name.removeprefix(f"{kind}-") for name in self._notes.names(f"{kind}-*"))
        return [int(name) for name in names if name.isdecimal()]

    def add(self, acts: Iterable[tuple[int, KeptAct]], *, answered: bool = True) -> None:
        """Keep *acts*, each with the device that was *answered*, or was not."""
        acts = [*acts]
        if not answered or len({device for device, _act in acts}) < 2:
            self._add_apart(acts, answered=answered)
            return
        line = json.dumps([(device, *act) for device, act in acts], separators=(",", ":"))
        with self._notes.guarded(_TOGETHER):
            size = self._notes.append_sealed(_TOGETHER, line.encode(), wait=False)
            if size > _TOGETHER_BYTES:
                self._part()

    def _add_apart(self, acts: Iterable[tuple[int, KeptAct]], *, answered: bool = True) -> None:
        """Keep each of *acts* in the note of its device."""
        kind = "acts" if answered else "asked"
        by_device: dict[int, list[KeptAct]] = {}
        for device, act in acts:
            by_device.setdefault(device, []).append(act)
        for device, some in by_device.items():
            name = f"{kind}-{device}"
            with self._notes.guarded(name):
                line = self._notes.last_sealed(name) if answered else None
                if line is not None and some[0].follows_a_loss_of(_acts(line)[-1]):
                    self._note_gap(device)
                size = self._notes.append_sealed(name, _line(some), wait=not answered)
                if size > _BYTES_MAX or not answered:
                    most = KEPT_MAX if size > _BYTES_MAX else ASKED_MAX
                    self._write(name, self._acts_in(name)[-most:])

    def _write(self, name: str, acts: Iterable[KeptAct]) -> None:
        self._notes.write_sealed(name, [_line([act]) for act in acts])

    def _part(self) -> None:
        """Move what is kept together to the notes of its devices; the caller has guarded it."""
        self._add_apart(self._together())
        self._notes.remove(_TOGETHER)

    def release(self, log: MachineLog) -> None:
        """
        Let go of acts that are in a checkpoint which another machine has seen.

        Call it after a step of the sealer. Where there is no other machine, this one's word counts.
        It looks only where a note has become large: it marks how far the acts are sealed now, and
        lets them go once that checkpoint was seen.
        """
        large = [each for each in self._devices("acts") if self._is_large(each)]
        if not large or not log.is_whole:
            return
        mark = self._notes.last_sealed(_COVERED)
        if mark is not None:
            epoch, size, covered = json.loads(mark)
            if log.seen_elsewhere() < (epoch, size):
                return
            for device in large:
                name = f"acts-{device}"
                gone = {act.key for act in self.gone(device)}  # no checkpoint covers these
                with self._notes.guarded(name):
                    lines = self._notes.sealed_lines(name)
                    left = [
                        line
                        for line in lines[:-1]
                        if any(act.entry > covered or act.key in gone for act in _acts(line))
                    ]
                    self._notes.write_sealed(name, [*left, *lines[-1:]])
            self._notes.remove(_COVERED)
        seen = log.memory().seen
        line = json.dumps([seen.origin.epoch, seen.size, self.newest()]).encode()
        self._notes.write_sealed(_COVERED, [line])

    def _is_large(self, device: int) -> bool:
        return self._notes.path(f"acts-{device}").stat().st_size > _BYTES

    def miss(self) -> None:
        """Note the devices whose acts the ledger lacks, also where its counters are higher."""
        for device in self.counters():
            if self.gone(device):
                self._note_gap(device)

    def check(
        self, device: int, called: str, promised: int, counter: int, asked: tuple[str, int, bytes]
    ) -> None:
        """
        Raise ActsLost if acts of *device* are gone, unless what is *asked* is the first of them.

        One that was presented and refused keeps no other from being done, and may be asked again.
        *asked* is a request, its profile, and the digest of its inputs: with other inputs it is a
        RequestConflict, as it is where the ledger has the act. *promised* is the counter of the
        device's last act that was confirmed, *counter* the ledger's.
        """
        if self._notes.path(f"asked-{device}").exists():
            self._find_answers(device)
        if promised <= counter and not self._notes.path(f"gap-{device}").exists():
            return
        gone = self.gone(device)
        if not gone:
            self._notes.remove(f"gap-{device}")
            self._notes.remove(f"refused-{device}")
            return
        self._note_gap(device)
        refused = self._refused(device)
        waiting = [act for act in gone if act.key not in refused]
        request, profile, inputs = asked
        for act in gone:
            if act.key == (request, profile) and (act.key in refused or act is waiting[0]):
                if act.inputs and act.inputs != beginning(inputs):
                    raise RequestConflict(request)
                return
        if waiting:
            raise ActsLost(
                device=called,
                count=len(waiting),
                act=waiting[0].act,
                request_id=waiting[0].request,
                line=waiting[0].line or None,
            )

    def _find_answers(self, device: int) -> None:
        """Count what *device* has asked for without an answer as confirmed if it was done."""
        name = f"asked-{device}"
        asked = self._acts_in(name)
        known = self._known(asked)
        found = [act for act in asked if act.key in known]
        if not found:
            return
        self.add((device, act) for act in sorted(found))
        with self._notes.guarded(name):
            left = [act for act in asked if act.key not in known]
            self._write(name, left)
            if not left:
                self._notes.remove(name)

    def _acts_in(self, name: str) -> list[KeptAct]:
        return [act for line in self._notes.sealed_lines(name) for act in _acts(line)]

    def _known(self, acts: Sequence[KeptAct]) -> set[tuple[str, int]]:
        return set(self._home.store.request(among=[act.key for act in acts]))

    def gone(self, device: int) -> list[KeptAct]:
        """Return the acts of *device* that the ledger does not have, in their order."""
        together = [act for of, act in self._together() if of == device]
        kept = {act.key: act for act in [*self._acts_in(f"acts-{device}"), *together]}
        known = self._known([*kept.values()])
        gone = (act for act in kept.values() if act.key not in known)
        return sorted(gone, key=lambda act: act.order)

    def has_gap(self) -> bool:
        """Return whether acts of a device here were found to be gone."""
        return bool(self._notes.names("gap-*"))

    def all_gone(self) -> list[Gone]:
        """Return the acts of all devices here that the ledger does not have, in their order."""
        found = []
        for device in self.counters():
            gone = self.gone(device)
            refused = self._refused(device) if gone else {}
            found += [Gone(act, device, refused.get(act.key)) for act in gone]
        return sorted(found, key=lambda gone: gone.act.order)

    def note_refused(self, gone: Gone, error: HongbaoError) -> None:
        """Note that *gone* was presented again, and refused with *error*: others may follow."""
        name = f"refused-{gone.device}"
        self._note_gap(gone.device)
        with self._notes.guarded(name):
            refused = {**self._refused(gone.device), gone.act.key: error.as_dict()}
            lines = [json.dumps([*key, what]).encode() for key, what in refused.items()]
            self._notes.write_sealed(name, lines)

    def _refused(self, device: int) -> dict[tuple[str, int], dict[str, object]]:
        lines = map(json.loads, self._notes.sealed_lines(f"refused-{device}"))
        return {(request, profile): error for request, profile, error in lines}

    def forget(self) -> None:
        """Keep nothing of acts that the ledger does not have: their loss was recorded."""
        with self._notes.guarded(_TOGETHER):
            self._part()
        for device in self.counters():
            name, gone = f"acts-{device}", {act.key for act in self.gone(device)}
            with self._notes.guarded(name):
                left = [act for act in self._acts_in(name) if act.key not in gone]
                self._write(name, left)
            self._notes.remove(f"gap-{device}")
            self._notes.remove(f"refused-{device}")
        for device in self._devices("asked"):
            self._find_answers(device)
            self._notes.remove(f"asked-{device}")


def _line(acts: Sequence[KeptAct]) -> bytes:
    """Return the line of *acts*: one alone as it is, several as a list of them."""
    said = acts[0] if len(acts) == 1 else acts
    return json.dumps(said, separators=(",", ":")).encode()


def _acts(line: bytes) -> list[KeptAct]:
    said = json.loads(line)
    return [KeptAct(*act) for act in (said if isinstance(said[0], list) else [said])]
