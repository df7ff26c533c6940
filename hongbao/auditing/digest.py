"""
The books digest: one hash of what was done and what it moved, and of nothing that keys decide.

The head of the chain is a MAC under a key that every home draws for itself, so no two homes have
the same one. The digest leaves out all that a key, a device or a rekey decides; two homes in which
the same acts moved the same money have the same digest, on any machine, in any time zone and
language.
"""

import hashlib

from hongbao.auditing.chain import Behind
from hongbao.domain.chain import Act, canonical
from hongbao.questions import Question
from hongbao.store import EntryRow, Store

FORM = b"hongbao books 1\n"
"""What is hashed first: another form of the digest is never mistaken for this one."""

KEYED = frozenset({"inputs", "generation", "device", "session", "counter", "signature"})
"""The fields of an entry that a key, or the device that signs with one, decides."""

_KEPT = [place for place, name in enumerate(EntryRow._fields) if name not in KEYED]


def books_digest(store: Store) -> str:
    """Return the digest of the books of *store*, in hexadecimal."""
    found = hashlib.sha256(FORM)
    transfers = Behind(store.audit(Question.SEALED_TRANSFERS))
    for fields, _mac in store.audit(Question.SEALED_ACTS):
        act = Act([fields[place] for place in _KEPT], transfers.of(int(fields[0])))
        found.update(canonical([act]) + b"\n")
    return found.hexdigest()
