"""Checks of the chain: every entry sealed as it stands, and none missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.context import ROWS_MAX
from hongbao.auditing.sealed import has
from hongbao.auditing.walk import PLACE
from hongbao.domain.chain import act_of, entry_of
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.store import EMPTY_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

UNNOTED = 1
"""How many entries there may be of which nothing is noted: a command that dies may leave one."""

_ACT, _FACTS, _GENERATION = PLACE["act"], PLACE["facts"], PLACE["generation"]


class Chain:
    """
    Seals every entry again and compares; it continues behind a break, so that each one is named.

    Each `rekey` begins the next generation, and nothing else does: one who kept the chain key
    of one that is over may not write what comes after it. Where an entry is sealed upon the one
    before, none is missing between them, even if their numbers are not consecutive: a ledger from
    a cluster has gaps.
    """

    def __init__(self, context: Context) -> None:
        self.found: list[str] = []
        self._context = context
        since = context.unread
        self._previous = EMPTY_HEAD.mac if since is None else since.mac
        self._last = 0 if since is None else since.entry
        self.generation = 1 if since is None else since.generation
        self._group: list[tuple[int, str]] = []
        self._gaps: list[tuple[int, range]] = []
        self._expects = None if since is not None else context.behind

    def take(self, step: Step) -> None:
        entry, fields = step.entry, step.fields
        expected = self._last + 1
        if entry != expected and not skips(step, expected):
            self._gaps.append((len(self.found), range(expected, min(entry, expected + ROWS_MAX))))
        self._last = entry
        self._say_strays(step.strays)
        if fields[_ACT] == "rekey":
            self.generation += 1
        self._group.append((entry, act_of(step.parts, step.moved, step.left)))
        if step.mac is None:  # the group continues
            return
        sealed = entry_of([act for _entry, act in self._group])
        try:
            again = self._context.keys.chain_mac(
                self._previous, sealed, generation=int(fields[_GENERATION])
            )
        except (Damaged, TypeError):  # under keys that this home never had
            again = b""
        if again != step.mac or fields[_GENERATION] != self.generation:
            self._say_gaps()
            self.found.append(self._named())
        self._gaps.clear()
        self._previous = step.mac
        self._group.clear()
        if self._expects is not None and entry >= self._expects.entry:
            self._compare(entry, step.mac)

    def end(self, strays: list[int]) -> None:
        if self._expects is not None:
            self._context.doubt(f"entry {self._expects.entry}")
        if self._group:
            self._say_gaps()
            self.found.append(f"{self._named()}, which nothing seals")
        self._say_strays(strays)
        count, first, last = self._context.row(Question.TRANSFER_COUNT)
        if count and (first, last) != (1, count):
            self.found.append(f"transfers {first} to {last}, of which there are {count}")
        if self.generation != self._context.keys.generation:
            self.found.append(
                f"keys of generation {self._context.keys.generation}, which no entry began"
            )

    def _compare(self, entry: int, mac: bytes) -> None:
        """Doubt the checkpoint unless the chain has come to it as it did then."""
        point, self._expects = self._expects, None
        assert point is not None
        if (entry, mac, self.generation) != (point.entry, point.mac, point.generation):
            self._context.doubt(f"entry {point.entry}")

    def _say_gaps(self) -> None:
        """Name what is missing in front of a seal that does not stand on the one before."""
        for place, gap in reversed(self._gaps):
            self.found[place:place] = [f"entry {missing} is missing" for missing in gap]

    def _say_strays(self, strays: list[int]) -> None:
        for stray in strays:
            self.found.append(f"rows of entry {stray}, which is not there")

    def _named(self) -> str:
        """Return the names of the acts under one seal: it cannot show which was edited."""
        first, last = self._group[0][0], self._group[-1][0]
        return f"entry {last}" if first == last else f"entries {first} to {last}"


SKIPPING = ("restore", "repaired")
"""The acts that may skip numbers: what these were given to is lost, and they say so."""


def skips(step: Step, expected: int) -> bool:
    """Return whether the entry of *step* skips what was *expected*, as it may."""
    act = step.fields[_ACT]
    if act not in SKIPPING:
        return False
    skipped = {"copied_entry": expected - 1, "last_entry": step.entry - 1}
    return has(act, str(step.fields[_FACTS]), skipped)


def check_head(context: Context) -> Iterator[str]:
    """Yield the noted head if the ledger does not have it; with lanes, it is of a file before."""
    if context.noted.head is None or context.store.log is not None:
        return
    entry, mac = context.noted.head
    found = context.store.head(entry)
    if found is None or found.mac != mac:
        yield f"entry {entry}"


def check_noted_head(context: Context) -> Iterator[str]:
    """Report a ledger with a past but no noted head: an older copy would look the same."""
    if context.store.log is not None:
        return  # of which checkpoints are noted
    if context.noted.head is None:
        if context.store.head().entry > UNNOTED:
            yield f"entries 1 to {context.store.head().entry}"
    elif context.noted.since is not None:
        yield f"entries 1 to {context.noted.since - 1}"
