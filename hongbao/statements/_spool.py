"""
Text as bytes, in pieces large enough that neither a file nor a digest is asked for each line.

A format whose beginning says what its lines add up to is written from its end: the lines wait in a
file without a name, so that the ledger's rows are read once.
"""

import shutil
from collections.abc import Callable, Iterable
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol

LINES = 256
"""How many lines are written at a time."""

_IN_MEMORY_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, content: bytes, /) -> object: ...


def put(out: Sink, texts: Iterable[str]) -> None:
    """Write *texts* to *out*, one behind the other, some hundred at a time."""
    coming = iter(texts)
    while some := [*islice(coming, LINES)]:
        out.write("".join(some).encode())


def put_behind(out: BinaryIO, beginning: Callable[[], str], texts: Iterable[str]) -> None:
    """
    Write to *out* what *beginning* returns once *texts* were read, and *texts* behind it.

    What is more than fits in a little memory waits in a file that has no name, or is ours alone.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, prefix="hongbao-") as waiting:
        put(waiting, texts)
        out.write(beginning().encode())
        waiting.seek(0)
        shutil.copyfileobj(waiting, out, _PIECE_BYTES)
