"""The three standard streams: made safe to use, and to write an answer to."""

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hongbao.documents import to_json
from hongbao.errors import AnswerUnwritable
from hongbao.words import N_, say

_PLAIN = {
    **dict(zip("─│┬┼", "-|++", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇█▀", ".:-=+*%##", strict=True)),
    **dict(zip("▏▎▍▌▋▊▉▒", "---====:", strict=True)),
    **dict(zip("·…●○★✓✗†×–—→", "-~*o*vx+x-->", strict=True)),
    **dict(zip("“”‘’①②③④⑤⑥⑦⑧", "\"\"''12345678", strict=True)),
    **dict(zip("├┤└▶◀←↑↓‖«»", "+++><<^v|<>", strict=True)),
    "›": ">",
    "≥": ">=",
    "≤": "<=",
    "±": "~",
    "µ": "u",
}
"""What is drawn or marked where an encoding lacks the sign for it: as wide, where that can be."""

PLAINLY = "hongbao.plainly"
"""The way with errors of encoding that our streams have (see `codecs.register_error`)."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks by a sign that any has, or by an escape; never crash."""
    assert isinstance(error, UnicodeEncodeError)
    lacked = error.object[error.start : error.end]
    said = (_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacked)
    return "".join(said), error.end


codecs.register_error(PLAINLY, _plainly)


class ReaderGone(Exception):
    """The reader of standard output has closed it: nothing more is written there."""


class _StandardOutput(io.RawIOBase):
    """
    The end of standard output, which reports itself that it does not take what is written.

    An `OSError` that reaches `hongbao.cli.main` is therefore never about the answer.
    """

    def __init__(self, raw: Any) -> None:
        super().__init__()
        self._raw = raw

    def write(self, data: Any) -> int:
        """Write *data*, or what fits of it. Raises AnswerUnwritable and ReaderGone."""
        try:
            while (count := self._raw.write(data)) is None:  # a pipe that does not block is full
                import select  # which hardly any answer waits for

                select.select([], [self._raw], [])
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise AnswerUnwritable(reason=error.strerror or str(error)) from None
        return int(count)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        return int(self._raw.fileno())


def prepare_streams() -> None:
    """Make the three standard streams safe to use, however the caller has left them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # A closed one would be given to the next file that opens: the ledger, say.
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors=PLAINLY)
    if sys.stdout is None:
        raise AnswerUnwritable(reason=os.strerror(errno.EBADF))
    if sys.stdout is sys.__stdout__:
        plain: Any = sys.stdout
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_StandardOutput(getattr(plain.buffer, "raw", plain.buffer))),
            encoding=plain.encoding,
            errors=plain.errors,
            line_buffering=plain.line_buffering,
        )


def forget_output() -> None:
    """Drop what standard output still holds, so that Python does not complain while closing it."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def answering() -> Iterator[None]:
    """Write to standard output until it has arrived; raise AnswerUnwritable if it does not."""
    yield
    sys.stdout.flush()


class ServiceLines:
    """
    The lines of a service, which continues if standard output does not take them.

    *tell* hears of that once, and again if it happens after lines were taken.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._is_lost = False

    @contextmanager
    def line(self) -> Iterator[None]:
        """Write a line, or lose it; a reader that has gone still ends the service."""
        try:
            with answering():
                yield
        except AnswerUnwritable as error:
            if not self._is_lost:
                self._tell(say(UNHEARD, reason=error.facts["reason"]))
            self._is_lost = True
        else:
            self._is_lost = False

    def end(self) -> None:
        """Forget what was lost, so that it is not reported again at the end."""
        if self._is_lost:
            forget_output()


UNHEARD = N_("standard output takes no lines: {reason} · the service continues without them")


def put(facts: object) -> None:
    """Write *facts* to standard output as a JSON document, which a person gets indented."""
    indent = 2 if sys.stdout.isatty() else None
    print(to_json(facts, encoding=sys.stdout.encoding, indent=indent))
