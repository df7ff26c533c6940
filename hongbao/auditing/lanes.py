"""Checks of lanes: every entry sealed in each of its lanes, and none missing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.context import ROWS_MAX
from hongbao.auditing.walk import FROM_THE_FIRST, PLACE, Behind
from hongbao.domain.chain import act_of
from hongbao.domain.lanes import FIRST_MAC, Move, content_of, lanes_of
from hongbao.errors import Damaged
from hongbao.questions import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hongbao.auditing.context import Context
    from hongbao.auditing.walk import Step

_ACT, _GENERATION = PLACE["act"], PLACE["generation"]
_NAMED = PLACE["profile"], PLACE["packet"], PLACE["message"]


class Lanes:
    """
    Seals every entry again in each of its lanes; it continues behind a break, and names the lane.

    *is_proven* is whether the entry that went by last is sealed in all of them.
    """

    def __init__(self, context: Context) -> None:
        self.found: list[str] = []
        self.generation = 1
        self.is_proven = False
        self._context = context
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._places = Behind(context.rows(Question.LANE_ENTRIES, FROM_THE_FIRST))

    def take(self, step: Step) -> None:
        before = len(self.found)
        entry, fields, strays = step.entry, step.fields, [*step.strays]
        places = self._places.of(entry, strays)
        self._say_strays(strays)
        if fields[_ACT] == "rekey":
            self.generation += 1
        if not places:
            self.found.append(f"entry {entry}, which no lane has")
        elif step.mac != places[0][2] or fields[_GENERATION] != self.generation:
            self.found.append(f"entry {entry}")
        names = [(name, number) for name, number, _mac in places]
        content = content_of(act_of(step.parts, step.moved, step.left), names)
        for lane in sorted(lanes_of_step(step).difference(name for name, _number in names)):
            self.found.append(f"{lane}: entry {entry} is missing")
        for name, number, mac in places:
            self._follow(name, number, mac, self._sealed(name, content, fields), entry)
        self.is_proven = len(self.found) == before

    def _follow(self, name: str, number: int, mac: bytes, again: bytes, entry: int) -> None:
        last, _head = self._heads.get(name, (0, FIRST_MAC))
        for missing in range(last + 1, min(number, last + 1 + ROWS_MAX)):
            self.found.append(f"{name}: number {missing} is missing")
        if number <= last:
            self.found.append(f"{name}: number {number} is not behind {last}")
        elif mac != again:
            self.found.append(f"{name}: entry {entry}")
        self._heads[name] = number, mac

    def _sealed(self, name: str, content: bytes, fields: Sequence[object]) -> bytes:
        _last, head = self._heads.get(name, (0, FIRST_MAC))
        try:
            return self._context.keys.chain_mac(
                head, content, generation=int(str(fields[_GENERATION]))
            )
        except (Damaged, TypeError, ValueError):  # under keys that this home never had
            return b""

    def end(self, strays: list[int]) -> None:
        self._say_strays([*strays, *self._places.strays()])
        for name, upto, head in self._context.rows(Question.LANES):
            last, mac = self._heads.pop(name, (0, FIRST_MAC))
            if (upto, head) != (last, mac):
                self.found.append(f"{name}: it ends with {last} and not with {upto}")
        self.found += [f"{name}: the lane is missing" for name in sorted(self._heads)]
        if self.generation != self._context.keys.generation:
            self.found.append(
                f"keys of generation {self._context.keys.generation}, which no entry began"
            )

    def _say_strays(self, strays: list[int]) -> None:
        for stray in strays:
            self.found.append(f"rows of entry {stray}, which is not there")


def lanes_of_step(step: Step) -> set[str]:
    """Return the lanes that the entry of *step* has to be in, by all that it holds."""
    profile, packet, payment = (step.fields[place] for place in _NAMED)
    return lanes_of(profile, packet, payment, _moves(step), [row[:2] for row in step.rows])


def _moves(step: Step) -> Iterator[Move]:
    for book, debit, debit_owner, credit, credit_owner, _fen, _reason in step.lines:
        yield (book, debit, debit_owner), (book, credit, credit_owner)
