"""
Signature blocks: where in a file they are, their facts, and whether they match the bytes.

The file may come from an attacker. It is read in pieces of a known size, and nothing in
it is believed before a key that is known from elsewhere verifies it.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hongbao.domain.log.checkpoint import Malformed, parse_checkpoint
from hongbao.errors import FileNotReadable, InvalidSignature
from hongbao.statements import FORMATS, signature_place
from hongbao.statements._signature import SCHEMA, canonical, rendered
from hongbao.words import N_

BLOCK_MAX = 1 << 16
"""How many bytes a signature has at most; ours have less than a thousand."""

_PIECE = 1 << 20
_BEGINNING = 1 << 12
_BLOCK = re.compile(rb'\{\s*"schema"\s*:\s*"' + re.escape(SCHEMA.encode()) + rb'"')
_BLOCK_BEGINNING_MAX = 256
"""How long what `_BLOCK` finds may be, so that it is found across two pieces of a file."""

_SHAPES: dict[str, Any] = {
    **dict.fromkeys(("format", "language", "root", "profile"), str),
    **dict.fromkeys(("masked", "full"), bool),
    **dict.fromkeys(("opening_fen", "closing_fen", "in_fen", "out_fen", "count", "bytes"), int),
    **dict.fromkeys(("from", "to"), (str, type(None))),
}
_HEX = {"sha256": 64, "public_key": 64, "signature": 128}


class Block(NamedTuple):
    """A signature as it is in a file: its *facts*, and whether it is *exact*ly as we write."""

    facts: dict[str, Any]
    is_exact: bool
    length: int

    @property
    def public_key(self) -> bytes:
        return bytes.fromhex(self.facts["public_key"])

    @property
    def fits(self) -> bool:
        """Whether the key that it names, whosever that is, has signed what it says."""
        from hongbao.vault import verify

        signature = bytes.fromhex(self.facts["signature"])
        return verify(self.public_key, canonical(self.facts), signature)


class Sealed(NamedTuple):
    """
    A file and its signature.

    Of the file, the first *content* bytes are the statement's own. *is_whole* says that behind them
    there is the signature where it has a place and nothing else, and *is_torn* that there is only
    the beginning of what should stand behind it.
    """

    block: Block
    content: int
    is_whole: bool
    is_inside: bool
    is_torn: bool = False


class Torn(NamedTuple):
    """A statement whose signature has its place at the end, which is not there."""


class Garbled(NamedTuple):
    """A statement with a signature that cannot be read."""


class Unsigned(NamedTuple):
    """
    A file without a signature: *format_name* is the format of its extension, if any.

    *is_ours* says that it begins as a statement does.
    """

    format_name: str | None
    is_ours: bool


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """
    Open the file *path* for reading it to and fro.

    A pipe can be read only once, and opening one may take for ever, so it is refused like a folder.

    Raises FileNotReadable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileNotReadable(path=str(path), reason=N_("it is not a file"))
            yield file
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileNotReadable(path=str(path), reason=reason) from None
    except ValueError:  # a name with a null byte in it
        raise FileNotReadable(path=repr(str(path)), reason=N_("it is not a file")) from None


_BINARY = getattr(os, "O_BINARY", 0)


def size_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def read_signature(path: Path) -> Block:
    """
    Return the signature in the file *path*, which has nothing else.

    Raises FileNotReadable or InvalidSignature.
    """
    with opened(path) as file:
        content = file.read(BLOCK_MAX + 1)
    block = _block(content) if len(content) <= BLOCK_MAX and _BLOCK.match(content) else None
    if block is None:
        raise InvalidSignature(path=str(path))
    return block._replace(is_exact=block.is_exact and block.length + 1 == len(content))


def beside(block: Block, file: BinaryIO) -> Sealed:
    """Return *file* with the signature *block* that is a separate file."""
    content = min(size_of(file), block.facts["bytes"])
    is_whole = block.is_exact and size_of(file) == block.facts["bytes"]
    return Sealed(block, content, is_whole, is_inside=False)


def inside(file: BinaryIO, format_name: str | None) -> Sealed | Torn | Garbled | Unsigned:
    """
    Return *file* with the signature at its end, or what is there instead.

    *format_name* is the format of its extension. A file to which something was added is looked
    through for it, if it begins as a statement does.
    """
    size = size_of(file)
    start = _last_block(file, max(size - BLOCK_MAX, 0))
    is_ours = _begins_as_ours(file)
    if start is None and is_ours:
        start = _last_block(file, 0)
    if start is None:
        has_place = format_name is not None and signature_place(format_name) is not None
        return Torn() if is_ours and has_place else Unsigned(format_name, is_ours)
    raw = _read(file, start, BLOCK_MAX)
    block = _block(raw)
    if block is None:
        is_cut = b"\n" not in raw and start + len(raw) == size  # a whole one ends with its line
        return Torn() if is_cut else Garbled()
    return _placed(file, block, start)


def digest(file: BinaryIO, length: int) -> str:
    """Return the SHA-256 of the first *length* bytes of *file*, in memory that does not grow."""
    hashed = hashlib.sha256()
    file.seek(0)
    while length > 0 and (piece := file.read(min(length, _PIECE))):
        hashed.update(piece)
        length -= len(piece)
    return hashed.hexdigest()


def _placed(file: BinaryIO, block: Block, start: int) -> Sealed:
    known = block.facts["format"] if block.facts["format"] in FORMATS else None
    place = None if known is None else signature_place(known)
    if place is None:
        return Sealed(block, start, is_whole=False, is_inside=True)
    before, behind = place
    content = start - len(before)
    if _read(file, content, len(before)) != before:
        other_ends = before.replace(b"\n", b"\r\n")
        is_saved_anew = _read(file, start - len(other_ends), len(other_ends)) == other_ends
        content = start - len(other_ends) if is_saved_anew else start
        return Sealed(block, content, is_whole=False, is_inside=True)
    end = _read(file, start + block.length, len(behind) + 1)
    is_placed = block.is_exact and content == block.facts["bytes"]
    return Sealed(
        block,
        content,
        is_whole=is_placed and end == behind,
        is_inside=True,
        is_torn=is_placed and end != behind and behind.startswith(end),
    )


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    if start < 0:
        return b""
    file.seek(start)
    return file.read(length)


def _begins_as_ours(file: BinaryIO) -> bool:
    return b"hongbao" in _read(file, 0, _BEGINNING).lower()


def _last_block(file: BinaryIO, start: int) -> int | None:
    """Return where the last signature begins in *file* from *start* on, if there is one."""
    found, kept = None, b""
    file.seek(start)
    while piece := file.read(_PIECE):
        searched = kept + piece
        for match in _BLOCK.finditer(searched):
            found = start - len(kept) + match.start()
        start += len(piece)
        kept = searched[-_BLOCK_BEGINNING_MAX:]
    return found


def _block(raw: bytes) -> Block | None:
    """Return the signature that *raw* begins with, if it has the form of one."""
    text = raw.decode("utf-8", errors="replace")
    try:
        facts, end = _DECODER.raw_decode(text)
        if not _is_signature(facts):
            return None
        return Block(facts, raw.startswith(rendered(facts)), len(text[:end].encode()))
    except (ValueError, RecursionError):  # cut, nested, or with numbers and letters that are none
        return None


def _never(_text: str) -> object:
    raise ValueError("no number of ours")


_DECODER = json.JSONDecoder(parse_float=_never, parse_constant=_never)


def _is_signature(facts: object) -> bool:
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        return False
    head = facts.get("head")
    return (
        all(isinstance(facts.get(name, ...), shape) for name, shape in _SHAPES.items())
        and all(
            type(facts[name]) is int and abs(facts[name]) < 1 << 63
            for name, shape in _SHAPES.items()
            if shape is int
        )
        and facts["bytes"] >= 0
        and all(_is_hex(facts.get(name), length) for name, length in _HEX.items())
        and isinstance(head, dict)
        and type(head.get("entry")) is int
        and 0 <= head["entry"] < 1 << 63
        and _is_hex(head.get("mac"), 64)
        and ("checkpoint" not in facts or _is_checkpoint(facts["checkpoint"]))
    )


def _is_checkpoint(text: object) -> bool:
    try:
        return isinstance(text, str) and parse_checkpoint(text).size > 0
    except Malformed:
        return False


def _is_hex(text: object, length: int) -> bool:
    return isinstance(text, str) and re.fullmatch(rf"[0-9a-f]{{{length}}}", text) is not None
