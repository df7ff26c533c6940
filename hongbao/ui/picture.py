"""
Pictures of screens: what is printed for a terminal, as one SVG file or one page of HTML.

The files load nothing and run nothing. Every piece of text has its own place in the grid of cells,
so that Chinese, which is two cells wide in any reader's font, moves nothing behind it;
lines and bars are shapes, because fonts draw them with gaps. The same screen makes the same bytes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from typing import Literal, NamedTuple

from hongbao.ui.script import Sheet
from hongbao.words import _, language

Theme = Literal["auto", "light", "dark"]
"""The colours of a picture: those of the reader's system (*auto*), or one of the two for good."""


class Style(NamedTuple):
    """
    How text is shown; a colour is one of the terminal's eight by name, or empty.

    What is yes or no is in the order of its codes.
    """

    colour: str = ""
    background: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False


class Run(NamedTuple):
    """Text of one style, on one line."""

    text: str
    style: Style = Style()


class Screen(NamedTuple):
    """What is on a terminal: lines of runs, the widest of them *columns* wide."""

    lines: tuple[tuple[Run, ...], ...]
    columns: int

    @property
    def text(self) -> str:
        """The screen as plain text."""
        return "\n".join("".join(run.text for run in line).rstrip() for line in self.lines)


# --- taking --------------------------------------------------------------------------------------

COLUMNS = 80
"""The width that screens are drawn at, on a terminal of any size."""


def taken(show: Callable[[], object], *, columns: int = COLUMNS) -> Screen:
    """Return the screen that *show* prints on a terminal of *columns*, in colour."""
    sheet = Sheet(columns)
    with redirect_stdout(sheet):
        show()
    return screen(sheet.getvalue())


_ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def screen(printed: str) -> Screen:
    """
    Return the screen of *printed*: lines of text, with escapes for colours and weights only.

    Raises ValueError if there is anything else in it that a terminal would obey.
    """
    from rich.cells import cell_len

    lines, style = [], Style()
    for printed_line in printed.replace("\r\n", "\n").rstrip("\n").split("\n"):
        runs: list[Run] = []
        for number, part in enumerate(_ESCAPE.split(printed_line)):
            if number % 2:
                style = _changed(style, part)
            elif not part.isprintable() and any(map(_is_control, part)):
                raise ValueError(f"more than lines of text: {part!r}")
            elif part:
                runs.append(Run(part, style))
        lines.append(tuple(runs))
    widths = (cell_len("".join(run.text for run in line).rstrip()) for line in lines)
    return Screen(tuple(lines), max(widths))


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",)}


def _changed(style: Style, codes: str) -> Style:
    """Return *style* after an escape with *codes*."""
    for code in map(int, (codes or "0").split(";")):
        tens, ones = divmod(code, 10)
        if code == 0:
            style = Style()
        elif code in _ON:
            style = style._replace(**{_ON[code]: True})  # type: ignore[arg-type]
        elif code in _OFF:
            style = style._replace(**dict.fromkeys(_OFF[code], False))  # type: ignore[arg-type]
        elif tens in (3, 9) and ones in (*range(8), 9):
            style = style._replace(colour="" if code == 39 else COLOURS[ones])
        elif tens in (4, 10) and ones in (*range(8), 9):
            style = style._replace(background="" if code == 49 else COLOURS[ones])
        else:
            raise ValueError(f"unknown code of a style: {code}")
    return style


# --- pieces --------------------------------------------------------------------------------------

_SIDES = (
    *("lr", "ud", "dr", "dl", "ur", "ul", "udr", "udl", "dlr", "ulr", "udlr"),
    *("l", "u", "r", "d"),
)
_ROUND = dict(zip("╭╮╰╯", ("dr", "dl", "ur", "ul"), strict=True))
_LIGHT = _ROUND | dict(zip("─│┌┐└┘├┤┬┴┼╴╵╶╷", _SIDES, strict=True))
_HEAVY = dict(zip("━┃┏┓┗┛┣┫┳┻╋╸╹╺╻", _SIDES, strict=True))
_LINES = _LIGHT | _HEAVY
"""The sides of its cell (up, down, left, right) that each sign for a line goes to."""

_SHADES = dict(zip("░▒▓", (0.25, 0.5, 0.75), strict=True))
_BLOCKS: dict[str, tuple[float, float, float, float]] = {
    # The part of its cell that each block fills: left, top, width, height.
    **{character: (0, 1 - n / 8, 1, n / 8) for n, character in enumerate("▁▂▃▄▅▆▇█", 1)},
    **{character: (0, 0, 1 - n / 8, 1) for n, character in enumerate("▉▊▋▌▍▎▏", 1)},
    "▀": (0, 0, 1, 0.5),
    "▐": (0.5, 0, 0.5, 1),
    "▔": (0, 0, 1, 1 / 8),
    **{c: (n % 2 / 2, n // 2 / 2, 0.5, 0.5) for n, c in enumerate("▘▝▖▗")},
    **dict.fromkeys(_SHADES, (0, 0, 1, 1)),
}


class Piece(NamedTuple):
    """A part of a line that is drawn at once: where it begins, and the cells of each sign in it."""

    kind: Literal["text", "line", "block"]
    column: int
    cells: int
    text: str
    style: Style


def pieces(line: Iterable[Run]) -> Iterator[Piece]:
    """
    Yield the pieces of *line*; blanks are in none of them, but for one between words.

    A piece of text is all narrow or all wide. Signs that a reader's font may lack, which another
    font then draws in its own width, are a piece each.
    """
    column = 0
    for run in line:
        for group in _grouped(run.text):
            kind, cells, text = group.kind, group.cells, "".join(group.signs)
            width = cells * len(group.signs)
            if kind == "text" and cells == 1:
                for word in re.finditer(r"\S+(?: \S+)*", text):
                    start = column + _cells(text[: word.start()])
                    yield Piece("text", start, 1, word[0], run.style)
            else:
                yield Piece(kind, column, cells, text, run.style)
            column += width


class _Group(NamedTuple):
    kind: Literal["text", "line", "block"]
    cells: int
    signs: list[str]


def _grouped(text: str) -> Iterator[_Group]:
    """Yield the signs of *text* in groups of one kind."""
    group: _Group | None = None
    same: object = None
    for sign, cells in signs(text):
        kind: Literal["text", "line", "block"] = (
            "line" if sign in _LINES else "block" if sign in _BLOCKS else "text"
        )
        if kind == "text":
            key: object = cells if _is_common(sign) else None
        else:
            key = "line" if kind == "line" else sign
        if group is not None and key is not None and key == same:
            group.signs.append(sign)
            continue
        if group is not None:
            yield group
        group, same = _Group(kind, cells, [sign]), key
    if group is not None:
        yield group


def _is_common(sign: str) -> bool:
    """Whether any font that has text of this width has *sign*, as wide as the rest of it."""
    first = ord(sign[0])
    return len(sign) == 1 and (
        first < 0x100
        # Ideographs and their punctuation.
        or (0x3000 <= first < 0x30000 and unicodedata.category(sign)[0] in "LP")
    )


def signs(text: str) -> Iterator[tuple[str, int]]:
    """
    Yield each sign of *text* with its width in cells; marks and joined emoji belong to one sign.

    >>> list(signs("福 e\u0301")) == [("福", 2), (" ", 1), ("e\u0301", 1)]
    True
    """
    from rich.cells import cell_len

    sign = ""
    for character in text:
        if sign and (cell_len(character) == 0 or sign.endswith("\u200d")):
            sign += character
            continue
        if sign:
            yield sign, cell_len(sign)
        sign = character
    if sign:
        yield sign, cell_len(sign)


def _cells(text: str) -> int:
    return sum(cells for _sign, cells in signs(text))


# --- colours -------------------------------------------------------------------------------------


class Palette(NamedTuple):
    """The colours of a theme: of text, of what is behind it, and the terminal's eight."""

    text: str
    paper: str
    edge: str
    black: str
    red: str
    green: str
    yellow: str
    blue: str
    magenta: str
    cyan: str
    white: str


PALETTES = {
    "light": Palette(
        *("#1f2328", "#ffffff", "#d1d9e0"),
        *("#24292f", "#c8102e", "#116329", "#7d4e00", "#0550ae", "#6639ba", "#0f5c63", "#57606a"),
    ),
    "dark": Palette(
        *("#e6edf3", "#0d1117", "#30363d"),
        *("#8b949e", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#c9d1d9"),
    ),
}
BACKGROUNDS = Palette(
    *("", "", ""),
    *("#24292f", "#b3142d", "#116329", "#f0c54a", "#0550ae", "#6639ba", "#0f5c63", "#e6e8eb"),
)
"""Backgrounds, which are the same in both themes: pale ones of `PALE`, and deep ones."""

PALE = ("yellow", "white")
ON_PALE = Palette(
    *("#000000", "", ""),
    *("#000000", "#8f0018", "#063d16", "#4a2e00", "#033d8b", "#3e1f79", "#063c41", "#24292f"),
)
ON_DEEP = Palette(
    *("#ffffff", "", ""),
    *("#d1d9e0", "#ffd7d5", "#d2f4d9", "#ffe08a", "#ddf4ff", "#f3e8ff", "#d5f5f6", "#ffffff"),
)
"""What text on them is like."""

DIM = 0.68
"""How opaque dim text is: as pale as it can be and still be read in both themes."""

# --- SVG -----------------------------------------------------------------------------------------

CELL = 8.4
"""The width of a cell in pixels: six tenths of the text's size, as most fonts for code have it."""

ROW = 18
SIZE = 14
WIDE_SIZE = 16
"""The size of Chinese: as large as a font must be to fill two cells."""

MARGIN = 16
_BASELINE = 13.5
_CORNER = 4.2

FONTS = (
    "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', 'PingFang SC', "
    "'Microsoft YaHei', 'Noto Sans SC', monospace"
)


def svg(screen: Screen, *, title: str, description: str = "", theme: Theme = "auto") -> str:
    """
    Return *screen* as an SVG document.

    A screen reader reads its *title* and *description*; without a description, its text.
    """
    drawn = _svg(screen, title=title, description=description, theme=theme)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {drawn.removeprefix("<svg ")}'


def _svg(screen: Screen, *, title: str, description: str, theme: Theme) -> str:
    """Return the drawing for a page of HTML, in which an SVG needs no namespace."""
    palette = PALETTES["dark" if theme == "dark" else "light"]
    width, height = screen.columns * CELL + 2 * MARGIN, len(screen.lines) * ROW + 2 * MARGIN
    size = f'width="{num(width)}" height="{num(height)}"'
    inside = f'x="0.5" y="0.5" width="{num(width - 1)}" height="{num(height - 1)}" rx="8"'
    fonts = f'font-family="{FONTS}" font-size="{SIZE}"'
    parts = [
        f'<svg viewBox="0 0 {num(width)} {num(height)}" {size} role="img" lang="{lang()}" {fonts}>',
        f"<title>{xml(title)}</title>",
        f"<desc>{xml(description or described(screen))}</desc>",
        *([dark_style()] if theme == "auto" else ()),
        f'<rect class="paper" {inside} fill="{palette.paper}" stroke="{palette.edge}"/>',
    ]
    for row, line in enumerate(screen.lines):
        parts += drawn(line, MARGIN + row * ROW, palette)
    return "\n".join([*parts, "</svg>", ""])


def drawn(line: Iterable[Run], top: float, palette: Palette) -> Iterator[str]:
    """Yield the shapes and texts of *line*, whose upper edge is at *top*."""
    line = tuple(line)
    yield from _backgrounds(line, top)
    for piece in pieces(line):
        yield _drawn(piece, top, palette)


def described(screen: Screen) -> str:
    """Return the text of *screen* without its lines and bars, without what is empty then."""
    drawn = dict.fromkeys(map(ord, _LINES | _BLOCKS), " ")
    said = (" ".join(line.translate(drawn).split()) for line in screen.text.split("\n"))
    return "\n".join(line for line in said if line)


def dark_style() -> str:
    """Return the colours for readers whose system is dark: they win over those of the shapes."""
    dark = PALETTES["dark"]
    rules = [f".paper{{fill:{dark.paper};stroke:{dark.edge}}}"]
    for name in ("text", *COLOURS):
        colour = getattr(dark, name)
        rules.append(f".{name}{{fill:{colour}}}path.{name}{{fill:none;stroke:{colour}}}")
    return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"


def _backgrounds(line: Iterable[Run], top: float) -> Iterator[str]:
    column = 0
    for run in line:
        cells = _cells(run.text)
        if run.style.background:
            yield _rect(
                *(MARGIN + column * CELL, top, cells * CELL, ROW),
                f'fill="{getattr(BACKGROUNDS, run.style.background)}"',
            )
        column += cells


def _drawn(piece: Piece, top: float, palette: Palette) -> str:
    style = piece.style
    name = style.colour or "text"
    # On a background, text has the same colour in both themes, and no class to change it.
    if style.background:
        palette = ON_PALE if style.background in PALE else ON_DEEP
    colour = getattr(palette, name)
    called = "" if style.background else f'class="{name}" '
    left = MARGIN + piece.column * CELL
    if piece.kind == "line":
        weight = 2.4 if piece.text[0] in _HEAVY else 1.2
        faint = f' opacity="{DIM}"' if style.dim else ""
        stroke = f'fill="none" stroke="{colour}" stroke-width="{weight}"'
        return f'<path {called}d="{_path(piece.text, left, top)}" {stroke}{faint}/>'
    if piece.kind == "block":
        x, y, w, h = _BLOCKS[piece.text[0]]
        shade = _SHADES.get(piece.text[0], 1) * (DIM if style.dim else 1)
        faint = "" if shade == 1 else f' opacity="{num(shade)}"'
        cells = len(piece.text) if w == 1 else 1
        return "\n".join(
            _rect(
                *(left + (x + n) * CELL, top + y * ROW, w * cells * CELL, h * ROW),
                f'{called}fill="{colour}"{faint}',
            )
            for n in range(0, len(piece.text), cells)
        )
    width = _cells(piece.text) * CELL
    facts = "".join(
        fact
        for fact, is_so in (
            (f' font-size="{WIDE_SIZE}"', piece.cells == 2),
            (' font-weight="bold"', style.bold),
            (' font-style="italic"', style.italic),
            (' text-decoration="underline"', style.underline),
            (f' opacity="{DIM}"', style.dim),
        )
        if is_so
    )
    return (
        f'<text {called}x="{num(left)}" y="{num(top + _BASELINE)}" textLength="{num(width)}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{colour}"{facts}>{xml(piece.text)}</text>'
    )


def _rect(x: float, y: float, width: float, height: float, facts: str) -> str:
    """Return a rectangle with sharp edges, so that two neighbours show no seam."""
    place = f'x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}"'
    return f'<rect {place} {facts} shape-rendering="crispEdges"/>'


def _path(signs: str, left: float, top: float) -> str:
    """Return the path of *signs* that are lines: the level parts of neighbours as one."""
    parts: list[str] = []
    middle, bottom = num(top + ROW / 2), num(top + ROW)
    level_from: float | None = None
    for place, sign in enumerate(signs):
        sides = _LINES[sign]
        begin = left + place * CELL
        centre, end = begin + CELL / 2, begin + CELL
        if sign in _ROUND:
            side, turned = (begin, centre - _CORNER) if "l" in sides else (end, centre + _CORNER)
            edge, before = (top, -_CORNER) if "u" in sides else (top + ROW, _CORNER)
            parts.append(
                f"M{num(centre)} {num(edge)}V{num(top + ROW / 2 + before)}"
                f"Q{num(centre)} {middle} {num(turned)} {middle}H{num(side)}"
            )
            continue
        if "u" in sides or "d" in sides:
            above = num(top) if "u" in sides else middle
            below = bottom if "d" in sides else middle
            parts.append(f"M{num(centre)} {above}V{below}")
        if "l" in sides or "r" in sides:
            if level_from is None:
                level_from = begin if "l" in sides else centre
            following = signs[place + 1 : place + 2]
            if "r" in sides and following and following not in _ROUND and "l" in _LINES[following]:
                continue
            parts.append(f"M{num(level_from)} {middle}H{num(end if 'r' in sides else centre)}")
            level_from = None
    return "".join(parts)


def num(value: float) -> str:
    """Return *value* to the hundredth, in as few digits as it has."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def xml(text: str) -> str:
    """Return *text* as XML and HTML have it between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def lang() -> str:
    """Return the language in use as XML and HTML name it."""
    return "zh-CN" if language() == "zh_CN" else "en"


# --- HTML ----------------------------------------------------------------------------------------


def html(screen: Screen, *, title: str, description: str = "") -> str:
    """Return *screen* as a page of HTML: the picture, and its text to copy from."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    as_text = _("as text")
    return f"""<!doctype html>
<html lang="{lang()}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{xml(title)}</title>
<style>
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font-family: system-ui, sans-serif;
  color: {light.text}; background: {light.paper}; }}
svg {{ max-width: 100%; height: auto; }}
pre {{ overflow-x: auto; font-family: {FONTS}; }}
@media (prefers-color-scheme: dark) {{ body {{ color: {dark.text}; background: {dark.paper}; }} }}
</style>
</head>
<body>
{_svg(screen, title=title, description=description, theme="auto")}<details>
<summary>{xml(as_text)}</summary>
<pre>
{xml(screen.text)}
</pre>
</details>
</body>
</html>
"""
