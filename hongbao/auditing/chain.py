"""Checks of the chain: every entry sealed as it stands, and none missing."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from hongbao.auditing.context import ROWS_MAX, Context
from hongbao.auditing.sealed import has
from hongbao.domain.chain import Act, canonical
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.store import EMPTY_HEAD

UNNOTED = 1
"""How many entries there may be of which nothing is noted: a command that dies may leave one."""


_GENERATION = 13
"""Where the generation of its keys stands among an entry's fields."""


def _skips(fields: Sequence[object], expected: int) -> bool:
    """Return whether the entry with *fields* is a restore that skips what was *expected*."""
    if fields[1] != "restore":
        return False
    skipped = {"copied_entry": expected - 1, "last_entry": int(str(fields[0])) - 1}
    return has("restore", str(fields[12]), skipped)


def _named(group: Sequence[Act]) -> str:
    """Return the names of the acts under one seal: it cannot show which was edited."""
    first, last = group[0].fields[0], group[-1].fields[0]
    return f"entry {last}" if first == last else f"entries {first} to {last}"


class Behind:
    """Rows in the order of their entries, looked up entry by entry as the chain comes to each."""

    def __init__(self, rows: Iterator[Any]) -> None:
        groups = groupby(rows, key=lambda row: int(row[0]))
        self._groups = ((entry, [tuple(row[1:]) for row in group]) for entry, group in groups)
        self._next = next(self._groups, None)

    def before(self, entry: int | None) -> Iterator[int]:
        """Yield the entries before *entry* that have rows and are not there; None is the end."""
        while self._next is not None and (entry is None or self._next[0] < entry):
            yield self._next[0]
            self._next = next(self._groups, None)

    def of(self, entry: int) -> list[tuple[Any, ...]]:
        """Return the rows of *entry*, in order."""
        if self._next is None or self._next[0] != entry:
            return []
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows


def check_chain(context: Context) -> Iterator[str]:
    """
    Seal every entry again and compare; continue behind a break, so that each one is named.

    Each `rekey` begins the next generation, and nothing else does: one who kept the chain key
    of one that is over may not write what comes after it.
    """
    previous, expected, generation = EMPTY_HEAD.mac, 1, 1
    transfers = Behind(context.rows(Question.SEALED_TRANSFERS))
    rows = Behind(context.rows(Question.SEALED_ROWS))
    group: list[Act] = []
    for fields, stored in context.rows(Question.SEALED_ACTS):
        entry = int(fields[0])
        if not _skips(fields, expected):
            for missing in range(expected, min(entry, expected + ROWS_MAX)):
                yield f"entry {missing} is missing"
        expected = entry + 1
        for stray in (*transfers.before(entry), *rows.before(entry)):
            yield f"rows of entry {stray}, which is not there"
        generation += fields[1] == "rekey"
        group.append(Act(fields, transfers.of(entry), rows.of(entry)))
        if stored is None:  # the group continues
            continue
        try:
            again = context.keys.chain_mac(
                previous, canonical(group), generation=int(fields[_GENERATION])
            )
        except (
            Damaged,
            TypeError,
        ):  # under keys that this home never had
            again = b""
        if again != stored or fields[_GENERATION] != generation:
            yield _named(group)
        previous, group = stored, []
    if group:
        yield f"{_named(group)}, which nothing seals"
    for stray in (*transfers.before(None), *rows.before(None)):
        yield f"rows of entry {stray}, which is not there"
    count, first, last = context.row(Question.TRANSFER_COUNT)
    if count and (first, last) != (1, count):
        yield f"transfers {first} to {last}, of which there are {count}"
    if generation != context.keys.generation:
        yield f"keys of generation {context.keys.generation}, which no entry began"


def check_head(context: Context) -> Iterator[str]:
    """Yield the noted head if the ledger does not have it."""
    if context.noted.head is None:
        return
    entry, mac = context.noted.head
    found = context.store.head(entry)
    if found is None or found.mac != mac:
        yield f"entry {entry}"


def check_noted_head(context: Context) -> Iterator[str]:
    """Report a ledger with a past but no noted head: an older copy would look the same."""
    if context.noted.head is None:
        if context.store.head().entry > UNNOTED:
            yield f"entries 1 to {context.store.head().entry}"
    elif context.noted.since is not None:
        yield f"entries 1 to {context.noted.since - 1}"
