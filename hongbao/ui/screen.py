"""Output: tables and lines for a terminal of any width, tab-separated lines for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hongbao import rows
from hongbao.ui.script import Sheet, folded, terminal_columns
from hongbao.words import harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_CUT_COLUMNS_MIN = 8
"""What is left of a text that gives way before the table gives up."""

_GAP = 2
_TEXT_MAX = 200


class Column(rows.Row):
    """
    A column of a table: its *title*, and what becomes of it where the terminal is narrow.

    *right* aligns amounts by their last digit; what *gives* is text that may be cut short. Where
    even that is too wide, each row becomes a few lines: what is *below* goes there, after its title
    where it would say nothing without it (*named*), and what is only an *extra* goes.
    """

    title: str
    right: bool = False
    gives: bool = False
    below: bool = False
    named: bool = False
    extra: bool = False


class Cell(rows.Row):
    """What is in a cell of a table, and its *style* in rich's words; or something *drawn*."""

    text: str
    style: str = ""
    drawn: RenderableType | None = None


Row = Sequence[Cell | str]


def is_terminal() -> bool:
    """Return whether a person is looking: a pipe or a file gets plain lines."""
    return bool(sys.stdout.isatty())


def can_show(characters: str) -> bool:
    """Return whether standard output's encoding has all of *characters*."""
    try:
        characters.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def safe(text: str) -> str:
    """Return *text*, which is free text, without control characters that a terminal would obey."""
    return harmless(text, _TEXT_MAX)


def pipe(*rows: Sequence[object]) -> None:
    """Print each row on a line, its fields separated by tabs; a field that is None is empty."""
    for row in rows:
        print(*("" if field is None else safe(str(field)) for field in row), sep="\t")


def console() -> Console:
    """Return the terminal; everything printed there is text, and never markup."""
    from rich.console import Console

    # A sheet is in colour, even where this terminal shows none.
    drawn: dict[str, Any] = {"force_terminal": True, "color_system": "standard", "_environ": {}}
    return Console(
        file=sys.stdout,
        width=terminal_columns(),
        **(drawn if isinstance(sys.stdout, Sheet) else {}),
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )


def line(text: str, **styles: str) -> None:
    """
    Print *text*, broken between its items where the terminal is narrow.

    *styles* maps a style to the part of the text that has it.
    """
    if not is_terminal():
        print(text)
        return
    out = console()
    for line_text in folded(text, out.width):
        out.print(styled(line_text, **styles), no_wrap=True, overflow="ignore", crop=False)


def styled(text: str, **styles: str) -> Text:
    """Return *text* with the parts of it that *styles* names in those styles."""
    from rich.text import Text

    shown = Text(text)
    for style, part in styles.items():
        if part and (start := text.find(part)) >= 0:
            shown.stylize(style.replace("_", " "), start, start + len(part))
    return shown


def table(heads: Sequence[Column], rows: Iterable[Row], *, titled: bool = True) -> None:
    """Print *rows* under *heads*, or each as a few lines where the terminal is too narrow."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    said = [
        place
        for place in range(len(heads))
        if any(row[place].text or row[place].drawn is not None for row in cells)
    ]
    out = console()
    for places in (said, [place for place in said if not heads[place].extra]):
        some_heads = [heads[place] for place in places]
        some_cells = [[row[place] for place in places] for row in cells]
        widths = _widths(some_heads, some_cells, out.width, titled=titled)
        if widths is not None:
            out.print(_table(some_heads, some_cells, widths, titled=titled))
            return
    for row in cells:
        _stack(out, [(heads[place], row[place]) for place in said])


def _widths(
    heads: Sequence[Column], cells: Sequence[Sequence[Cell]], room: int, *, titled: bool
) -> list[int] | None:
    """Return the width of each column; None if they do not fit even when cut."""
    from rich.cells import cell_len

    widths = [
        max(cell_len(head.title) if titled else 0, *(cell_len(row[place].text) for row in cells))
        for place, head in enumerate(heads)
    ]
    excess = sum(widths) + _GAP * (len(widths) - 1) - room
    for place, head in enumerate(heads):
        if head.gives and excess > 0:
            given = min(excess, max(widths[place] - _CUT_COLUMNS_MIN, 0))
            widths[place] -= given
            excess -= given
    return None if excess > 0 else widths


def room_left(heads: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """Return how many columns of the terminal a table leaves for one more; 0 if it leaves none."""
    from rich.cells import cell_len

    widths = [
        max(cell_len(head.title), *(cell_len(row[place]) for row in rows))
        for place, head in enumerate(heads)
        if any(row[place] for row in rows)
    ]
    return max(console().width - sum(widths) - _GAP * len(widths), 0)


def _table(
    heads: Sequence[Column], cells: Sequence[Sequence[Cell]], widths: Sequence[int], *, titled: bool
) -> Any:
    from rich.table import Table

    laid_out = Table(
        box=None, show_header=titled, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim"
    )
    for head, width in zip(heads, widths, strict=True):
        laid_out.add_column(
            head.title,
            width=width,
            justify="right" if head.right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in cells:
        laid_out.add_row(*(_shown(cell) for cell in row))
    return laid_out


def _shown(cell: Cell) -> RenderableType:
    from rich.text import Text

    return Text(cell.text, cell.style) if cell.drawn is None else cell.drawn


def _stack(out: Console, row: Sequence[tuple[Column, Cell]]) -> None:
    """Print *row* on a few lines: the first ends in its amounts, the rest goes below."""
    from rich.table import Table
    from rich.text import Text

    start, end, below = Text(), Text(), []
    for head, cell in row:
        text = f"{head.title} {cell.text}" if head.named else cell.text
        if not cell.text or cell.drawn is not None:
            continue
        if head.below:
            below.append(text)
        else:
            side = end if head.right else start
            side.append("  " if side else "").append(text, cell.style)
    first = Table.grid(expand=True, padding=(0, 1, 0, 0))
    first.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    first.add_column(no_wrap=True, justify="right")
    first.add_row(start, end)
    out.print(first)
    for line_text in folded(" · ".join(below), out.width - 2) if below else ():
        shown = Text(f"  {line_text.strip()}", "dim")
        shown.truncate(out.width, overflow="ellipsis")
        out.print(shown, no_wrap=True)
