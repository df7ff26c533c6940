"""Input files: read in one way, whichever program has saved them."""

import codecs
import errno
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hongbao.errors import FileNotReadable
from hongbao.paths import typed_path
from hongbao.words import N_

STANDARD_INPUT = "-"

LINE_LENGTH_MAX = 4096
"""How many characters of a line are read: a wrong file should not be read to its end."""

_MARKS = (
    # What may stand before a text to say how it is encoded; it is no part of the text.
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NotText(Exception):
    """Bytes that are no text, for a *reason* that names the encodings."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decoded(content: bytes, *, guess: bool, is_cut: bool = False) -> str:
    """
    Return the text that *content* is; where *is_cut*, of a file whose end is missing.

    A byte-order mark says UTF-8 or UTF-16, and is dropped. Without one, a text is UTF-8, or else,
    where *guess* allows it, GB 18030: that has all of GBK, which programs in China still save.

    A secret is never guessed: its decoding cannot be seen, so what is not UTF-8 would open or
    lock with one program and not with another. Of a name or of rules a reader sees it.

    >>> decoded("红包".encode("gbk"), guess=True), decoded("红包".encode("utf-16"), guess=False)
    ('红包', '红包')
    """
    mark, encoding = next((m for m in _MARKS if content.startswith(m[0])), (b"", ""))
    if encoding:
        tried = [encoding]
    else:
        tried = ["utf-8", "gb18030"] if guess else ["utf-8"]
    for encoding in tried:
        with suppress(UnicodeDecodeError):
            decoder = codecs.getincrementaldecoder(encoding)()
            text = decoder.decode(content[len(mark) :], final=not is_cut)
            if "\0" not in text:  # as in UTF-16 that has no mark
                return text
    if guess:
        raise NotText(N_("it is not text in UTF-8, UTF-16 or GB 18030"))
    raise NotText(N_("it is not text in UTF-8; save it in that encoding"))


def read_text(file: str, length_max: int) -> str:
    """
    Return the text in *file*; of one with more than *length_max* characters, one more than that.

    Raises InvalidPath, FileNotFoundError and FileNotReadable.
    """
    size = 4 * (length_max + 2)  # no character of these encodings takes more
    content = _beginning(file, lambda content: len(content) >= size)
    text = _text(file, content, guess=True, is_cut=len(content) >= size)
    return "\n".join(_lines(text))[: length_max + 1]


def read_whole(path: Path, size_max: int, *, shown: str | None = None) -> str:
    """
    Return the text in *path*, UTF-8 of at most *size_max* bytes; errors call it *shown*.

    No more is read of a file that never ends. Raises FileNotReadable.
    """
    shown = str(path) if shown is None else shown
    try:
        with path.open("rb") as file:
            content = file.read(size_max + 1)
    except OSError as error:
        raise FileNotReadable(path=shown, reason=error.strerror or str(error)) from None
    if len(content) > size_max:
        raise FileNotReadable(path=shown, reason=N_("it is too long"))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise FileNotReadable(path=shown, reason=N_("it is not text in UTF-8")) from None


def read_lines(file: str, count: int, *, secret: bool) -> list[str]:
    """
    Return the first *count* lines of *file*; one that it lacks is empty.

    ``-`` is standard input, of which the next lines are taken. No more of a file is read than
    these lines need, as it may be a pipe that stays open.

    Raises InvalidPath and FileNotReadable.
    """
    size = 4 * LINE_LENGTH_MAX * count
    try:
        if file == STANDARD_INPUT:
            content = b"".join(_next_line() for _number in range(count))
        else:
            content = _beginning(file, lambda read: _has_lines(read, count) or len(read) >= size)
    except FileNotFoundError as error:
        raise FileNotReadable(path=file, reason=error.strerror or str(error)) from None
    if _has_lines(content, count):
        content = b"\n".join(content.split(b"\n", count)[:count])
    text = _text(file, content, guess=not secret, is_cut=len(content) >= size)
    lines = [line[:LINE_LENGTH_MAX] for line in _lines(text)]
    return (lines + [""] * count)[:count]


def _has_lines(content: bytes, count: int) -> bool:
    """Return whether *content* has *count* whole lines; of UTF-16 a part does not tell."""
    return not content.startswith(_UTF16) and content.count(b"\n") >= count


def _beginning(file: str, is_enough: Callable[[bytes], bool]) -> bytes:
    """Return the beginning of *file*, until *is_enough* stops it."""
    path = typed_path(file)
    content = b""
    try:
        with path.open("rb", buffering=0) as raw:
            while not is_enough(content) and (piece := raw.read(1 << 16)):
                content += piece
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileNotReadable(path=file, reason=error.strerror or str(error)) from None
    return content


def _next_line() -> bytes:
    stdin = sys.stdin
    try:
        if stdin is None:  # it was closed before we began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if hasattr(stdin, "buffer"):
            return bytes(stdin.buffer.readline(4 * LINE_LENGTH_MAX))
        return stdin.readline(LINE_LENGTH_MAX).encode("utf-8", "surrogatepass")
    except OSError as error:
        raise FileNotReadable(path=STANDARD_INPUT, reason=error.strerror or str(error)) from None


def _text(file: str, content: bytes, *, guess: bool, is_cut: bool) -> str:
    try:
        return decoded(content, guess=guess, is_cut=is_cut)
    except NotText as error:
        raise FileNotReadable(path=file, reason=error.reason) from None


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)
