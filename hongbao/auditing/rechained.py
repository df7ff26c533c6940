"""One chain for the entries of lanes: a copy in a file has one, as every ledger in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.lanes import Lanes
from hongbao.auditing.walk import walk
from hongbao.domain.chain import act_of, entry_of
from hongbao.errors import Damaged
from hongbao.store import EMPTY_HEAD

if TYPE_CHECKING:
    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

UNPROVEN = bytes(32)
"""In the place of the MAC of an entry that its lanes do not prove: nothing ever has it."""


def rechained(context: Context) -> bytes:
    """
    Return the MACs of all entries in one chain, 32 bytes each, in the order of their numbers.

    What the lanes do not prove gets no seal that fits, so that a check of the copy names it as one
    of the ledger does. What is cut off the end of a lane counts against the last entry.
    """
    chain = _Rechained(context, Lanes(context))
    walk(context, [chain])
    return bytes(chain.macs)


class _Rechained:
    def __init__(self, context: Context, lanes: Lanes) -> None:
        self.found: list[str] = []
        self.macs = bytearray()
        self._context = context
        self._lanes = lanes
        self._previous = EMPTY_HEAD.mac

    def take(self, step: Step) -> None:
        self._lanes.take(step)
        mac = self._sealed(step) if self._lanes.is_proven else UNPROVEN
        self.macs += mac
        self._previous = mac

    def _sealed(self, step: Step) -> bytes:
        sealed = entry_of([act_of(step.parts, step.moved, step.left)])
        try:
            return self._context.keys.chain_mac(
                self._previous, sealed, generation=self._lanes.generation
            )
        except (Damaged, TypeError):
            return UNPROVEN

    def end(self, strays: list[int]) -> None:
        before = len(self._lanes.found)
        self._lanes.end(strays)
        if len(self._lanes.found) > before and self.macs:
            self.macs[-len(UNPROVEN) :] = UNPROVEN
