"""
What the last whole check has proven, so that the next one need prove only what is new.

A checkpoint names one entry by its number and its MAC, which the chain carries on from all entries
before it. Where the chain is made again up to there and gives the same MAC, these acts are bit for
bit the ones whose signatures, shares and habits were proven; what their proof rested on besides
them (devices, claims, kept habits) is in the checkpoint, too, and compared.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


@cache
def version() -> str:
    """Return which checks these are: what others have proven is proven again."""
    import hashlib

    code = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()[:16]


class Signer(NamedTuple):
    """A device that has signed: its public key, its last session and counter that were used."""

    public_key: bytes
    session: int
    counter: int


class Checkpoint(NamedTuple):
    """
    What was proven up to *entry*, which ended with *mac* under the keys of *generation*.

    *whole_at* is when a whole check last proved everything, in seconds since 1970, up to
    *whole_entry*; what came after it was proven when it was new.
    """

    entry: int
    mac: bytes
    generation: int
    whole_at: int
    whole_entry: int
    entries: int  # how many there were: a restore skips numbers
    books: str  # their digest
    claims: str  # the digest of the claims up to there
    restored: int  # the last restore, which took every counter as far as its own number
    signers: dict[int, Signer]  # by the device's id
    enrolled: frozenset[tuple[int, int]]  # profile and device, where one has signed for the other
    balances: dict[int, int]  # that the last entry of each profile says it left
    habits: dict[int, tuple[int, str]]  # as they are kept: up to which entry, and as text

    def encode(self) -> bytes:
        """Return the checkpoint as bytes, for `decode`."""
        return _ENCODER.encode([version(), *map(_plain, self)]).encode()


def decode(content: bytes) -> Checkpoint | None:
    """Return the checkpoint that was encoded as *content*; None if another version has done so."""
    made_by, *fields = json.loads(content)
    if made_by != version():
        return None
    entry, mac, *rest, signers, enrolled, balances, habits = fields
    return Checkpoint._make(
        (
            *(entry, bytes.fromhex(mac), *rest),
            {device: Signer(bytes.fromhex(key), *used) for device, (key, *used) in signers},
            frozenset((profile, device) for profile, device in enrolled),
            dict(balances),
            {profile: (upto, text) for profile, (upto, text) in habits},
        )
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return [(key, _plain(held)) for key, held in sorted(value.items())]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
