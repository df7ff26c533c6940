"""The help page: laid out for any width of terminal, in the reader's language and script."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hongbao.parser_words import COMMAND, OPTIONS, USAGE
from hongbao.ui.script import columns, wrapped
from hongbao.words import N_, _, ngettext, say

COLUMNS_MAX = 80
COLUMNS_MIN = 20
TERM_COLUMNS_MAX = 30
TEXT_COLUMNS_MIN = 30
"""The columns that an explanation needs next to its term; with less, it goes below."""

_BESIDE_TERM = 2
_BELOW_TERM = 6


class Page:
    """
    The formatter of the command-line library's help.

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
        """Write *text*: paragraphs are wrapped again, commands to copy stay as they are."""
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip("\n"))):
            if number:
                self._lines.append("")
            if paragraph.startswith((" ", "hongbao ")):
                self._write(paragraph.splitlines())
            else:
                self._write(wrapped(" ".join(paragraph.split()), self.width - self.current_indent))

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write terms with their explanations: next to them if there is room, else below."""
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

    def write_examples(self, examples: Sequence[str]) -> None:
        """Write commands to copy, one on each line; next to the word if they fit, else below."""
        word = say(N_("{heading}:"), heading=ngettext("Example", "Examples", len(examples)))
        word += "" if word.endswith("：") else " "  # a full-width colon brings its own space
        beside = self.current_indent + columns(word)
        if max(columns(example) for example in examples) + beside <= self.width:
            self._write([word + examples[0]])
            self._write(examples[1:], indent=beside)
        else:
            self._write([word.rstrip()])
            self._write(examples, indent=self.current_indent + 2)

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
