"""Checks of the chain: every entry sealed as it stands, and none missing."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from hongbao.auditing.look import ROWS_MAX, Look
from hongbao.auditing.sealed import has
from hongbao.domain.chain import canonical
from hongbao.errors import Damaged
from hongbao.store import EMPTY_HEAD

UNNOTED = 1
"""How many entries there may be of which nothing is noted: a command that dies may leave one."""


def _skips(fields: Sequence[object], expected: int) -> bool:
    """Say whether the entry with *fields* is a restore that says it skips what was *expected*."""
    if fields[1] != "restore":
        return False
    skipped = {"copied_entry": expected - 1, "last_entry": int(str(fields[0])) - 1}
    return has("restore", str(fields[12]), skipped)


class Chain(Look):
    """Whether anything was edited, removed, added or moved."""

    def _chain(self) -> Iterator[str]:
        """
        Seal every entry again and compare; go on behind a break, so that each one is named.

        Each `rekey` begins the next generation, and nothing else does: whoever kept the chain key
        of one that is over may not write what comes after it.
        """
        previous, expected, generation = EMPTY_HEAD.mac, 1, 1
        transfers = self._transfers_by_entry()
        following = next(transfers, None)
        for fields, stored in self._store.sealed_entries():
            entry = int(fields[0])
            if not _skips(fields, expected):
                for missing in range(expected, min(entry, expected + ROWS_MAX)):
                    yield f"entry {missing} is missing"
            expected = entry + 1
            while following is not None and following[0] < entry:
                yield f"transfers of entry {following[0]}, which is not there"
                following = next(transfers, None)
            lines: list[tuple[object, ...]] = []
            if following is not None and following[0] == entry:
                lines = following[1]
                following = next(transfers, None)
            generation += fields[1] == "rekey"
            try:
                again = self._keys.chain_mac(
                    previous, canonical(fields, lines), generation=int(fields[13])
                )
            except Damaged:  # sealed under keys that this home never had
                again = b""
            if again != stored or fields[13] != generation:
                yield f"entry {entry}"
            previous = stored
        if following is not None:
            yield f"transfers of entry {following[0]}, which is not there"
        if generation != self._keys.generation:
            yield f"keys of generation {self._keys.generation}, which no entry began"

    def _transfers_by_entry(self) -> Iterator[tuple[int, list[tuple[object, ...]]]]:
        rows = self._store.sealed_transfers()
        for entry, group in groupby(rows, key=lambda row: int(row[0])):
            yield entry, [tuple(row[1:]) for row in group]

    def _head(self) -> Iterator[str]:
        if self._noted.head is None:
            return
        entry, mac = self._noted.head
        if self._store.mac_of(entry) != mac:
            yield f"entry {entry}"

    def _noted_head(self) -> Iterator[str]:
        """Tell of a ledger with a past of which nothing is noted: an older one would look alike."""
        if self._noted.head is None:
            if self._store.head().entry > UNNOTED:
                yield f"entries 1 to {self._store.head().entry}"
        elif self._noted.since is not None:
            yield f"entries 1 to {self._noted.since - 1}"
