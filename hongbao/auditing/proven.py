"""What the rows of a damaged ledger prove: by the chain, or by their own seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.walk import PLACE
from hongbao.domain.chain import act_of, entry_of, state
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.store import EMPTY_HEAD, SEALED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hongbao.auditing.context import Context, Keys
    from hongbao.auditing.walk import Step
    from hongbao.store import Store

    Seals = Mapping[tuple[str, str], list[tuple[int, int | None, bytes | None]]]
    """The seals of each row of state, newest first: entry, generation, digest."""

_ACT, _GENERATION = PLACE["act"], PLACE["generation"]


class Proven:
    """
    Follows the entries, and tells which are proven.

    An entry is proven by its seal, which is upon the one before; so after the first that is not,
    none is: what follows may be whole, but it is unknown upon which past. *ends* are the last
    entries of the groups that are proven, and *whole* all entries, later ones too, that are sealed
    upon the stored seal of the one before.
    """

    def __init__(self, context: Context) -> None:
        self.found: list[str] = []
        self.ends: list[int] = []
        self.whole: set[int] = set()
        self._keys = context.keys
        self._is_unbroken = True
        self._previous = EMPTY_HEAD.mac
        self._generation = 1
        self._group: list[tuple[int, str]] = []

    def take(self, step: Step) -> None:
        self._is_unbroken &= not step.strays
        self._generation += step.fields[_ACT] == "rekey"
        self._group.append((step.entry, act_of(step.parts, step.moved, step.left)))
        if step.mac is None:
            return
        generation = int(step.fields[_GENERATION])
        is_whole = step.mac == self._sealed(generation)
        self._is_unbroken &= is_whole and generation == self._generation
        if self._is_unbroken:
            self.ends.append(step.entry)
        if is_whole:
            self.whole |= {entry for entry, _act in self._group}
        self._previous = step.mac
        self._group.clear()

    def end(self, strays: list[int]) -> None:
        """Nothing is left to be judged: what has no entry is not kept."""

    def _sealed(self, generation: int) -> bytes | None:
        sealed = entry_of([act for _entry, act in self._group])
        try:
            return self._keys.chain_mac(self._previous, sealed, generation=generation)
        except (Damaged, TypeError):  # under keys this home never had, or of no value of ours
            return None


def unproven_state(store: Store, keys: Keys, seals: Seals) -> list[tuple[str, str]]:
    """
    Return the rows of state that are not as they were sealed last, by what can be read of that.

    The seal of a row is made with the home's keys, so it speaks for its row wherever it stands.
    """
    return [
        (table, key)
        for table in sorted(SEALED)
        for key, values in store.audit(Question.STATES, table)
        if not _is_sealed(keys, table, key, values, seals)
    ]


def _is_sealed(keys: Keys, table: str, key: str, values: tuple[object, ...], seals: Seals) -> bool:
    for _entry, generation, digest in seals.get((table, key), ()):
        generations = range(1, keys.generation + 1) if generation is None else (generation,)
        return any(digest == digest_of(keys, table, key, values, each) for each in generations)
    return False


def digest_of(
    keys: Keys, table: str, key: str, values: tuple[object, ...], generation: int
) -> bytes | None:
    """Return the digest of a row of state under the keys of *generation*, if they are known."""
    try:
        return keys.row_mac(state(table, key, values), generation=generation)
    except (Damaged, TypeError):
        return None
