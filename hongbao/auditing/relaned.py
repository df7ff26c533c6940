"""Lanes for the entries of one chain: what `rechained` does, the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hongbao.auditing.chain import Chain
from hongbao.auditing.lanes import lanes_of_step
from hongbao.auditing.rechained import UNPROVEN
from hongbao.auditing.walk import PLACE, walk
from hongbao.domain.chain import act_of
from hongbao.domain.lanes import PLATFORM, content_of
from hongbao.errors import Damaged

if TYPE_CHECKING:
    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

_AT = PLACE["at"]


class Places(Protocol):
    """Where the lanes are kept, as they grow: there may be more than fit into memory."""

    def end(self, lane: str) -> tuple[int, bytes]:
        """Return the number and the MAC of the last entry of *lane*; 0, and what it begins upon."""
        ...

    def add(self, lane: str, number: int, entry: int, at: int, mac: bytes) -> None:
        """Put *entry*, of the moment *at*, at the end of *lane*, with its number and MAC there."""
        ...

    def seal(self, entry: int, mac: bytes) -> None:
        """Keep the MAC that *entry* itself has: that in the first of its lanes."""
        ...

    def spoil(self, entry: int, mac: bytes) -> None:
        """Let *entry*, the last one, have *mac* everywhere."""
        ...


class _Held(NamedTuple):
    """An act of a group, whose seal comes with the last of it."""

    entry: int
    at: int
    act: str
    lanes: list[str]
    generation: int


def relane(context: Context, places: Places, *, serial: bool) -> None:
    """
    Put every entry of the one chain of *context* into its lanes, sealed again there.

    What the chain does not prove gets no seal that fits, so that a check of the lanes names it as
    one of the chain does. What is cut off the chain's end counts against the last entry. Where acts
    come one after the other (*serial*), the platform's lane is one of each.
    """
    walk(context, [_Relaned(context, places, serial=serial)])


class _Relaned:
    def __init__(self, context: Context, places: Places, *, serial: bool) -> None:
        self.found: list[str] = []
        self._context = context
        self._chain = Chain(context)
        self._places = places
        self._serial = serial
        self._group: list[_Held] = []
        self._said = 0
        self._last: int | None = None

    def take(self, step: Step) -> None:
        self._chain.take(step)
        lanes = lanes_of_step(step) | ({PLATFORM} if self._serial else set())
        self._group.append(
            _Held(
                step.entry,
                int(step.fields[_AT]),
                act_of(step.parts, step.moved, step.left),
                sorted(lanes),
                self._chain.generation,
            )
        )
        if step.mac is not None:
            self._place(is_proven=len(self._chain.found) == self._said)

    def _place(self, *, is_proven: bool) -> None:
        for held in self._group:
            self._seal(held, is_proven=is_proven)
            self._last = held.entry
        self._group.clear()
        self._said = len(self._chain.found)

    def _seal(self, held: _Held, *, is_proven: bool) -> None:
        ends = [self._places.end(lane) for lane in held.lanes]
        numbers = [(lane, upto + 1) for lane, (upto, _head) in zip(held.lanes, ends, strict=True)]
        content = content_of(held.act, numbers)
        macs = []
        for (lane, number), (_upto, head) in zip(numbers, ends, strict=True):
            mac = self._mac(head, content, held.generation) if is_proven else UNPROVEN
            self._places.add(lane, number, held.entry, held.at, mac)
            macs.append(mac)
        self._places.seal(held.entry, macs[0])

    def _mac(self, head: bytes, content: bytes, generation: int) -> bytes:
        try:
            return self._context.keys.chain_mac(head, content, generation=generation)
        except Damaged:  # under keys that this home never had
            return UNPROVEN

    def end(self, strays: list[int]) -> None:
        self._chain.end(strays)
        is_whole = len(self._chain.found) == self._said
        self._place(is_proven=False)  # what nothing seals
        if not is_whole and self._last is not None:
            self._places.spoil(self._last, UNPROVEN)
