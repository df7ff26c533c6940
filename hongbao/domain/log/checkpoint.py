"""
Checkpoints: which log, how many leaves, which root; as text that other programs read and verify.

The text is C2SP's tlog-checkpoint, and its signature C2SP's signed-note with Ed25519. What signs
and what verifies come in as arguments.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from hongbao.domain.log.merkle import HASH_BYTES
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

NOTE_BYTES_MAX = 1 << 16
"""More than a checkpoint with a hundred signatures has; what is larger is none."""

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_DASH = "\N{EM DASH} "
_ORIGIN = re.compile(r"hongbao/([0-9a-f]{16})/epoch/([1-9][0-9]{0,8})")
_CHECKPOINT = re.compile(r"(\S+)\n(0|[1-9][0-9]{0,18})\n([0-9A-Za-z+/]{43}=)\n")


class Malformed(Exception):
    """This is not a text of the log's, letter by letter."""


class NotSigned(Exception):
    """No key that is trusted has signed this, or one of them did not sign quite this."""


class Origin(Row):
    """Which log: the name of the platform that keeps it, and its epoch, counted from 1."""

    log: str  # 16 hexadecimal digits
    epoch: int

    def __str__(self) -> str:
        return f"hongbao/{self.log}/epoch/{self.epoch}"


class Checkpoint(Row):
    """That the log of *origin* has had *size* leaves, with this *root*."""

    origin: Origin
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def parse_origin(text: str) -> Origin:
    """Parse what ``str(origin)`` gives. Raises Malformed."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise Malformed
    return Origin(found[1], int(found[2]))


def parse_checkpoint(text: str) -> Checkpoint:
    """
    Parse the `text` of a checkpoint, or raise Malformed.

    Only the one text that we write is taken: a second way to write a checkpoint, or lines behind
    it, would be signed under our name and mean nothing to us.
    """
    found = _CHECKPOINT.fullmatch(text)
    if found is None:
        raise Malformed
    checkpoint = Checkpoint(parse_origin(found[1]), int(found[2]), _bytes(found[3]))
    if checkpoint.text != text or len(checkpoint.root) != HASH_BYTES:
        raise Malformed
    return checkpoint


# --- signed notes ---------------------------------------------------------------------------------


class Key(Row):
    """A public key as notes know it: under a *name*, without spaces or a plus sign."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """
        The four bytes by which a signature says which key it is to be verified with.

        >>> Key("example.com/log", bytes(32)).id.hex()
        'a3ad76db'
        """
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        return sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the key on one line, as programs that verify notes are given it."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"


def signed(text: str, key: Key, sign: Callable[[bytes], bytes]) -> bytes:
    """Return *text*, whose last character ends a line, as a note that *key* has signed."""
    return f"{text}\n".encode() + signature(text, key, sign)


def signature(text: str, key: Key, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the line that *key* signs *text* with; behind a note it is one signature more."""
    return f"{_DASH}{key.name} {_base64(key.id + sign(text.encode()))}\n".encode()


def opened(
    note: bytes, keys: Collection[Key], fits: Callable[[bytes, bytes, bytes], bool]
) -> tuple[str, frozenset[Key]]:
    """
    Return the text of *note*, and which of *keys* have signed it: at least one. Raises NotSigned.

    *fits* says whether a public key has signed a message with a signature. Signatures by other keys
    say nothing to us, but one under the name and id of one of ours that does not fit is an attempt.
    """
    text, lines = _parted(note)
    known = {(key.name, key.id): key for key in keys}
    signers = set()
    for line in lines[:-1].split("\n"):
        dash, name, said = line[: len(_DASH)], *_halves(line[len(_DASH) :])
        if dash != _DASH or not name:
            raise NotSigned
        key = known.get((name, said[:_KEY_ID_BYTES]))
        if key is None:
            continue
        if not fits(key.public, text.encode(), said[_KEY_ID_BYTES:]):
            raise NotSigned
        signers.add(key)
    if not signers:
        raise NotSigned
    return text, frozenset(signers)


def _parted(note: bytes) -> tuple[str, str]:
    """Part *note* at its last empty line, and leave the last line end to both parts."""
    try:
        text, blank, lines = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise NotSigned from None
    is_whole = blank and lines.endswith("\n") and len(note) <= NOTE_BYTES_MAX
    if not is_whole or any(byte < ord(" ") and byte != ord("\n") for byte in note):
        raise NotSigned
    return text + "\n", lines


def _halves(line: str) -> tuple[str, bytes]:
    name, _space, said = line.partition(" ")
    try:
        return name, _bytes(said)
    except Malformed:
        raise NotSigned from None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None
