"""
Numbers: what differs from student to student in a task of the same difficulty.

They are drawn by the class's key, which only the teacher has, from the task and the student's id,
so that they are the same on every machine, and no one can work out another's.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from math import prod

from hongbao.rows import Row
from hongbao.units import yuan


class Number(Row):
    """A number of a task: one of *many* values from *first* on, each a *step* above the last."""

    name: str
    first: int
    step: int
    many: int
    is_amount: bool

    def value(self, place: int) -> str:
        """Return the value at *place*, as a task's text has it: an amount has two decimals."""
        value = self.first + self.step * place
        return yuan(value) if self.is_amount else str(value)

    @property
    def values(self) -> Sequence[str]:
        return [self.value(place) for place in range(self.many)]


def capacity(numbers: Sequence[Number]) -> int:
    """Return how many students can have numbers that no other one has."""
    return prod(number.many for number in numbers)


def first_of(numbers: Sequence[Number]) -> dict[str, str]:
    """Return numbers to read a task with that is no one's."""
    return {number.name: number.value(0) for number in numbers}


def drawn(
    numbers: Sequence[Number],
    key: bytes,
    task: str,
    student: str,
    taken: Collection[Mapping[str, str]],
) -> dict[str, str]:
    """
    Return the numbers of *student* in *task*; *taken* are those that others have been given.

    Where there are enough values, no two students have any number in common; and where there are
    enough combinations, none has the same ones.
    """
    start = [_draw(key, task, student, number.name) % number.many for number in numbers]
    if all(len({each[n.name] for each in taken}) < n.many for n in numbers):
        return {
            number.name: _next_free(number, place, {each[number.name] for each in taken})
            for number, place in zip(numbers, start, strict=True)
        }
    for offset in range(capacity(numbers)):
        found = _moved(numbers, start, offset)
        if found not in taken:
            return found
    return _moved(numbers, start, 0)


def seed_of(key: bytes, task: str, student: str) -> str:
    """Return the seed of all chance in the home in which *student* does *task*."""
    return _mac(key, task, student, "seed").hex()[:16]


def _next_free(number: Number, place: int, taken: Collection[str]) -> str:
    values = (number.value((place + offset) % number.many) for offset in range(number.many))
    return next(value for value in values if value not in taken)


def _moved(numbers: Sequence[Number], start: Sequence[int], offset: int) -> dict[str, str]:
    """Return the combination that lies *offset* behind that at *start*, each number a digit."""
    found = {}
    for number, place in zip(numbers, start, strict=True):
        offset, moved = divmod(place + offset, number.many)
        found[number.name] = number.value(moved)
    return found


def _draw(key: bytes, *of: str) -> int:
    return int.from_bytes(_mac(key, *of), "big")


def _mac(key: bytes, *of: str) -> bytes:
    return hmac.digest(key, "\0".join(of).encode(), "sha256")
