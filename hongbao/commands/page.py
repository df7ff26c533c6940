"""The help page: laid out for any width of terminal, in the reader's language and script."""

import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from hongbao.parser_words import COMMAND, OPTIONS, USAGE
from hongbao.words import N_, _, say

COLUMNS_MAX = 80
COLUMNS_MIN = 20
TERM_COLUMNS_MAX = 30
TEXT_COLUMNS_MIN = 30
"""What an explanation needs beside its term; where there is less, it goes below."""

_BESIDE_TERM = 2
_BELOW_TERM = 6

_CLOSING = "，。、：；！？）》」』”’…"
_OPENING = "（《「『“‘"
_PIECE = re.compile(
    rf"\s+|[{_OPENING}]*[^\s\u2e80-\uffef{_OPENING}{_CLOSING}]+[{_CLOSING}]*"
    rf"|[{_OPENING}]*\S[{_CLOSING}]*"
)
"""What a line may end after: a word, or one Chinese character with the punctuation that clings."""


def columns(text: str) -> int:
    """
    Return how many columns of a terminal *text* fills: two for each Chinese character.

    >>> columns("red packet"), columns("红包")
    (10, 4)
    """
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def wrapped(text: str, width: int) -> list[str]:
    """
    Break *text* into lines of at most *width* columns.

    Chinese breaks between any two characters, but a line never begins with 。 or ends with （.
    A word that is wider than a whole line is left whole, so that it can still be copied.

    >>> wrapped("领取红包，大吉大利。", 10)
    ['领取红包，', '大吉大利。']
    """
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line.strip() and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


class Page:
    """
    What the command-line library writes its help on.

    It has the verbs of the library's own formatter, which counts characters instead of columns,
    is never narrower than 50 of them, and says "Usage" to everyone.
    """

    def __init__(self, width: int | None = None, max_width: int | None = None) -> None:
        terminal = shutil.get_terminal_size().columns
        self.width = max(width or min(terminal, max_width or COLUMNS_MAX), COLUMNS_MIN)
        self.current_indent = 0
        self._lines: list[str] = []

    def getvalue(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def write_usage(self, prog: str, args: str = "") -> None:
        """Write how *prog* is called."""
        start = _(USAGE) + prog
        for placeholder in (OPTIONS, COMMAND):
            args = args.replace(placeholder, _(placeholder))
        if columns(f"{start} {args}") <= self.width:
            self._lines.append(f"{start} {args}".rstrip())
            return
        self._lines.append(start)
        self._write(wrapped(args, self.width - 4), indent=4)

    def write_heading(self, heading: str) -> None:
        self._write([say(N_("{heading}:"), heading=heading)])

    def write_paragraph(self) -> None:
        if self._lines:
            self._lines.append("")

    def write_text(self, text: str) -> None:
        """Write *text*: paragraphs are laid out anew, commands to copy stay as they are."""
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip("\n"))):
            if number:
                self._lines.append("")
            if paragraph.startswith((" ", "hongbao ")):
                self._write(paragraph.splitlines())
            else:
                self._write(wrapped(" ".join(paragraph.split()), self.width - self.current_indent))

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write terms with their explanations: beside them where there is room, else below."""
        term_columns = min(
            max((columns(term) for term, _said in rows), default=0), TERM_COLUMNS_MAX
        )
        beside = self.current_indent + term_columns + _BESIDE_TERM
        below = self.width - beside < TEXT_COLUMNS_MIN
        at = _BELOW_TERM if below else beside
        for term, explanation in rows:
            said = wrapped(_(explanation) if explanation else "", self.width - at)
            head = " " * self.current_indent + term
            if said and not below and columns(term) <= term_columns:
                head += " " * (at - columns(head)) + said.pop(0)
            self._lines.append(head)
            self._write(said, indent=at)

    def indent(self) -> None:
        self.current_indent += 2

    def dedent(self) -> None:
        self.current_indent -= 2

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Write a heading over what is written inside."""
        self.write_paragraph()
        self.write_heading(name)
        with self.indentation():
            yield

    @contextmanager
    def indentation(self) -> Iterator[None]:
        self.indent()
        try:
            yield
        finally:
            self.dedent()

    def _write(self, lines: Sequence[str], indent: int | None = None) -> None:
        margin = " " * (self.current_indent if indent is None else indent)
        self._lines += [margin + line for line in lines]


class Speaking(typer.Context):
    """A command's context whose help is written on a `Page`."""

    formatter_class = Page  # type: ignore[assignment]  # the same verbs, not the same family
