"""
PDF: a page to hand in, which looks the same on every machine.

It needs the extra ``hongbao[pdf]``, with which a Chinese font comes. A PDF is made whole before any
of it is written, so there is an end to how much it holds.
"""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from hongbao.errors import StatementTooLong
from hongbao.statements import Sheet
from hongbao.statements._paper import BLACK, DARK_RED, GOLD, GREY, RED, Colour, Paper
from hongbao.statements._printed import RIGHT, Facts, Printed, Row

ENDINGS = (".pdf",)
FULL = True
SPOKEN = True

COUNT_MAX = 10_000
"""The most movements: some 250 pages, and a few seconds."""

_LEFT, _RIGHT = 40, 555
_WIDTH = _RIGHT - _LEFT
_TOP, _BOTTOM = 40, 792
_FACTS = 140
"""Where a fact begins, next to its name."""

_SIZE, _SMALL, _LINE = 8, 7, 11

_PLACES = {
    "entry": (_LEFT, 24),
    "at": (72, 78),
    "what": (156, 104),
    "other": (264, 82),
    "packet": (350, 58),
    "card": (410, 47),
    "amount": (460, 47),
    "balance": (508, 47),
}
"""Where each column begins, and how wide it is."""


class _Block(NamedTuple):
    """A block that stays on one page: its height, and the function that draws it."""

    height: int
    draw: Callable[[int], None]


def write(sheet: Sheet, out: BinaryIO) -> None:
    """
    Write *sheet* to *out* as pages of A4.

    Raises StatementTooLong, PdfMissing, FontMissing and FontUnusable, before anything is written.
    """
    count = sheet.statement.count
    if count > COUNT_MAX:
        raise StatementTooLong("pdf", count=count, count_max=COUNT_MAX)
    printed = Printed(sheet)
    rows = [*printed.rows()]  # before a font is looked for: they may not add up
    with Paper(
        title=printed.name,
        language=printed.language,
        at=sheet.statement.ends_at,
        font=sheet.style.font,
    ) as paper:
        _Layout(paper, printed, rows).draw()
        out.write(paper.content())


class _Layout:
    """A statement's blocks, and the pages that they fall on."""

    def __init__(self, paper: Paper, printed: Printed, rows: list[Row]) -> None:
        self._paper = paper
        self._printed = printed
        self._rows = rows

    def draw(self) -> None:
        """Draw every page."""
        pages = self._pages()
        for number, page in enumerate(pages, 1):
            self._paper.turn()
            y = _TOP
            for block in page:
                block.draw(y)
                y += block.height
            self._foot(self._printed.page(number, len(pages)))

    def _pages(self) -> list[list[_Block]]:
        heading, running, end = self._heading(), self._running(), self._end()
        pages = [[self._opening(), heading]]
        used = _TOP + sum(block.height for block in pages[0])

        def put(block: _Block, *above: _Block) -> None:
            nonlocal used
            if used + block.height > _BOTTOM:
                pages.append([running, *above])
                used = _TOP + sum(block.height for block in pages[-1])
            pages[-1].append(block)
            used += block.height

        for row in self._rows:
            put(self._row(row), heading)
        if not self._rows:
            put(self._nothing())
        put(end)
        return pages

    def _opening(self) -> _Block:
        paper, printed = self._paper, self._printed
        who, sums = self._facts(printed.who, _SIZE + 1), printed.sums
        width = _WIDTH // len(sums)

        def draw(y: int) -> None:
            paper.box(_LEFT, y + 4, 15, 20, RED)
            paper.box(_LEFT, y + 4, 15, 8, DARK_RED)
            paper.disc(_LEFT + 5, y + 9, 5, GOLD)
            paper.text(_LEFT + 24, y + 22, printed.title, 22)
            paper.text(_LEFT, y + 42, printed.period, _SIZE + 1, GREY)
            who.draw(y + 58)
            top = y + 58 + who.height + 10
            paper.box(_LEFT, top, _WIDTH, 2, RED)
            for number, (name, fact) in enumerate(sums):
                paper.text(_LEFT + number * width, top + 18, name, _SIZE, GREY)
                paper.text(_LEFT + number * width, top + 34, fact, 12)
            paper.hairline(_LEFT, top + 44, _WIDTH, RED)

        return _Block(58 + who.height + 10 + 44 + 18, draw)

    def _running(self) -> _Block:
        """Return the running head of each page but the first."""
        return _Block(
            22, lambda y: self._paper.text(_LEFT, y + 8, self._printed.name, _SMALL, GREY)
        )

    def _heading(self) -> _Block:
        def draw(y: int) -> None:
            for column, heading in self._printed.headings.items():
                self._cell(column, y + 8, heading, GREY)
            self._paper.hairline(_LEFT, y + 13, _WIDTH, GREY)

        return _Block(15, draw)

    def _row(self, row: Row) -> _Block:
        cells = {
            column: self._paper.wrapped(text, _SIZE, _PLACES[column][1])
            for column, text in row.items()
            if text
        }
        height = max(map(len, cells.values())) * _LINE + 4

        def draw(y: int) -> None:
            for column, lines in cells.items():
                for number, line in enumerate(lines):
                    self._cell(column, y + 9 + number * _LINE, line, BLACK)
            self._paper.hairline(_LEFT, y + height - 2, _WIDTH)

        return _Block(height, draw)

    def _cell(self, column: str, y: int, text: str, colour: Colour) -> None:
        x, width = _PLACES[column]
        right = column in RIGHT
        self._paper.text(x + width if right else x, y, text, _SIZE, colour, right=right)

    def _nothing(self) -> _Block:
        nothing = self._printed.nothing
        return _Block(20, lambda y: self._paper.text(_LEFT, y + 12, nothing, _SIZE, GREY))

    def _end(self) -> _Block:
        """Return the end of the statement: its proof and notes."""
        printed = self._printed
        proof = self._facts(printed.proof, _SMALL)
        notes = [
            line
            for note in (printed.beside, *printed.notes)
            for line in self._paper.wrapped(note, _SMALL, _WIDTH)
        ]

        def draw(y: int) -> None:
            proof.draw(y + 16)
            for number, line in enumerate(notes):
                top = y + 16 + proof.height + 6 + number * _LINE
                self._paper.text(_LEFT, top + 8, line, _SMALL, GREY)

        return _Block(16 + proof.height + 6 + len(notes) * _LINE, draw)

    def _facts(self, facts: Facts, size: int) -> _Block:
        """Return *facts* one below the other, each next to its name."""
        lines = [
            ("" if number else name, line)
            for name, fact in facts
            for number, line in enumerate(self._paper.wrapped(fact, size, _RIGHT - _FACTS))
        ]
        pitch = size + 5

        def draw(y: int) -> None:
            for number, (name, line) in enumerate(lines):
                self._paper.text(_LEFT, y + number * pitch + size, name, size, GREY)
                self._paper.text(_FACTS, y + number * pitch + size, line, size)

        return _Block(len(lines) * pitch, draw)

    def _foot(self, page: str) -> None:
        """Draw the footer of every page, so that no page of another statement can be put in."""
        head = f"hongbao · {self._printed.head} · {self._printed.seal[:16]}"
        self._paper.text(_LEFT, 814, head, _SMALL, GREY)
        self._paper.text(_RIGHT, 814, page, _SMALL, GREY, right=True)
