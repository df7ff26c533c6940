"""
The books digest: one hash of what was done and what it moved, and of nothing that keys decide.

The head of the chain is a MAC under a key that every home draws for itself, so no two homes have
the same one. The digest leaves out all that a key, a device or a rekey decides; two homes in which
the same acts moved the same money have the same digest, on any machine, in any time zone and
language.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hongbao.domain.chain import act_of, entry_of
from hongbao.store import EntryRow

if TYPE_CHECKING:
    from hongbao.auditing.walk import Step

FORM = b"hongbao books 1\n"
"""What is hashed first: another form of the digest is never mistaken for this one."""

KEYED = frozenset({"inputs", "generation", "device", "session", "counter", "signature"})
"""The fields of an entry that a key, or the device that signs with one, decides."""

_KEPT = [place for place, name in enumerate(EntryRow._fields) if name not in KEYED]


class BooksDigest:
    """The digest of the books, as a reader of the entries."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._digest = hashlib.sha256(FORM)

    def take(self, step: Step) -> None:
        parts = step.parts
        act = act_of([parts[place] for place in _KEPT], step.moved, "")
        self._digest.update(entry_of([act]) + b"\n")

    def end(self, strays: list[int]) -> None:
        """Find nothing: *strays* are the chain's."""

    def __str__(self) -> str:
        """Return the digest of what has gone by, in hexadecimal."""
        return self._digest.hexdigest()
