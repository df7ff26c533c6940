"""
Films as SVG that moves: by CSS alone, so that it also moves where pages allow no script.

All lines are drawn once, below one another, in a window that shows as many as the terminal has
rows. A line becomes visible, the window steps down, and a cover over what is typed steps to the
right: nothing slides, and nothing else is computed while it plays. What does not animate, or whose
reader asks for less motion, shows the end of the film.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from hongbao.documents import to_json
from hongbao.recordings.film import Film, Line
from hongbao.ui import picture
from hongbao.ui.picture import (
    CELL,
    FONTS,
    MARGIN,
    PALETTES,
    ROW,
    SIZE,
    Palette,
    Screen,
    Theme,
    num,
    xml,
)

STILL = ' data-shows="end"'
"""What says, where a picture carries its story, that it draws no more than the last screen."""

HOLD = 3000
"""How long the end of a film that is looped stays, in milliseconds."""


class Group(NamedTuple):
    """Lines that appear together: from *first* on, before *end*, *at* so many milliseconds."""

    at: int
    first: int
    end: int


def groups(film: Film) -> Iterator[Group]:
    """Yield the lines of *film* in groups: what a command answers at once, others one by one."""
    shown = 0
    for moment in film.moments:
        if moment.lines > shown:
            if moment.kind == "answered":
                yield Group(film.lines[shown].at, shown, moment.lines)
            else:
                for number in range(shown, moment.lines):
                    yield Group(film.lines[number].at, number, number + 1)
        shown = moment.lines


def svg(film: Film, *, theme: Theme = "auto", loop: bool = False) -> str:
    """Return *film* as an SVG document that plays once, or again and again in a *loop*."""
    palette = PALETTES["dark" if theme == "dark" else "light"]
    width = film.columns * CELL + 2 * MARGIN
    height = film.rows * ROW
    whole = height + 2 * MARGIN
    total = film.ends + (HOLD if loop else 0)
    inside = f'x="0.5" y="0.5" width="{num(width - 1)}" height="{num(whole - 1)}" rx="8"'
    last = Screen(tuple(line.runs for line in film.lines[-film.rows :]), film.columns)
    again = "infinite" if loop else "1"
    motion = [f".m{{animation-duration:{_seconds(total)};animation-iteration-count:{again}}}"]
    motion += [".m{animation-timing-function:step-end}", ".k{visibility:hidden}", _covers(theme)]
    motion += _window(film, total)
    shapes: list[str] = []
    for number, group in enumerate(groups(film)):
        drawn = [
            shape
            for place in range(group.first, group.end)
            for shape in picture.drawn(film.lines[place].runs, place * ROW, palette)
        ]
        if drawn and group.at:
            motion.append(_appears(f"l{number}", group.at, total))
            drawn = [f'<g class="m" style="animation-name:l{number}">', *drawn, "</g>"]
        shapes += drawn
        for place in range(group.first, group.end):
            line = film.lines[place]
            if line.typed:
                motion += _typing(f"t{number}", line, total)
                shapes.append(_cover(f"t{number}", line, place * ROW, palette))
    motion.append("@media (prefers-reduced-motion:reduce){.m{animation:none!important}}")
    end = max(len(film.lines) - film.rows, 0) * ROW
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg"',
            f'viewBox="0 0 {num(width)} {num(whole)}" width="{num(width)}" height="{num(whole)}"',
            f'role="img" lang="{_lang(film)}" font-family="{FONTS}" font-size="{SIZE}">',
            f"<title>{xml(film.title)}</title>",
            f"<desc>{xml(picture.described(last))}</desc>",
            _carried(film),
            *([picture.dark_style()] if theme == "auto" else ()),
            f"<style>{''.join(motion)}</style>",
            f'<rect class="paper" {inside} fill="{palette.paper}" stroke="{palette.edge}"/>',
            f'<svg y="{MARGIN}" width="{num(width)}" height="{height}"',
            f'viewBox="0 0 {num(width)} {height}">',
            f'<g id="lines" class="m" style="animation-name:w" transform="translate(0 -{end})">',
            *shapes,
            "</g>",
            "</svg>",
            "</svg>",
            "",
        ]
    )


def poster(film: Film, *, theme: Theme = "auto") -> str:
    """Return the end of *film* as a still picture, with a triangle on it as players have one."""
    last = Screen(tuple(line.runs for line in film.lines[-film.rows :]), film.columns)
    still = picture.svg(last, title=film.title, theme=theme)
    x = film.columns * CELL / 2 + MARGIN
    y = len(last.lines) * ROW / 2 + MARGIN
    red = PALETTES["light"].red
    mark = (
        f'<circle cx="{num(x)}" cy="{num(y)}" r="34" fill="{red}" opacity="0.92"/>\n'
        f'<path d="M{num(x - 11)} {num(y - 17)}V{num(y + 17)}L{num(x + 19)} {num(y)}Z" '
        'fill="#ffffff"/>\n'
    )
    still = still.replace("</desc>\n", f"</desc>\n{_carried(film, STILL)}\n", 1)
    return still.removesuffix("</svg>\n") + mark + "</svg>\n"


def _carried(film: Film, attributes: str = "") -> str:
    """Return the element in which a picture carries the story of *film*."""
    return f'<metadata id="hongbao"{attributes}>{xml(to_json(film.carried.document()))}</metadata>'


def _lang(film: Film) -> str:
    return "zh-CN" if film.carried.language == "zh_CN" else "en"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}".rstrip("0").rstrip(".") + "s"


def _percent(at: int, total: int) -> str:
    """Return *at* of *total* in percent, to a millionth of it: of minutes, less than one frame."""
    millionths = at * 1_000_000 // total
    return f"{millionths // 10_000}.{millionths % 10_000:04}".rstrip("0").rstrip(".") + "%"


def _window(film: Film, total: int) -> Iterator[str]:
    """Yield the keyframes of the window, which steps down as lines are added."""
    steps = {0: 0}
    for group in groups(film):
        hidden = max(group.end - film.rows, 0)
        if hidden > max(steps.values()):
            steps[group.at] = hidden
    frames = (
        f"{_percent(at, total)}{{transform:translateY({-hidden * ROW}px)}}"
        for at, hidden in steps.items()
    )
    yield f"@keyframes w{{{''.join(frames)}}}"


def _appears(name: str, at: int, total: int) -> str:
    return (
        f"@keyframes {name}{{0%{{visibility:hidden}}{_percent(at, total)}{{visibility:visible}}}}"
    )


def _covers(theme: Theme) -> str:
    """Return the colours of what covers a line that is typed, and of its cursor."""
    chosen = PALETTES["dark" if theme == "dark" else "light"]
    rules = f".u{{fill:{chosen.paper}}}.v{{fill:{chosen.text}}}"
    if theme == "auto":
        dark = PALETTES["dark"]
        rules += (
            f"@media (prefers-color-scheme:dark){{.u{{fill:{dark.paper}}}.v{{fill:{dark.text}}}}}"
        )
    return rules


def _cover(name: str, line: Line, top: int, palette: Palette) -> str:
    left = MARGIN + line.prompt * CELL
    width = (_columns(line.text) - line.prompt + 1) * CELL
    place = f'x="{num(left)}" y="{top}" height="{ROW}"'
    return (
        f'<g class="m k" style="animation-name:{name}">'
        f'<rect class="u" {place} width="{num(width)}" fill="{palette.paper}"/>'
        f'<rect class="v" {place} width="{num(CELL)}" fill="{palette.text}" opacity="0.6"/></g>'
    )


def _columns(text: str) -> int:
    return sum(cells for _sign, cells in picture.signs(text))


def _typing(name: str, line: Line, total: int) -> Iterator[str]:
    """Yield the keyframes of the cover of *line*: it steps over characters of one width at once."""
    signs = [*picture.signs(line.text)][line.prompt :]
    frames: list[str] = []
    at, column, place = line.at, 0, 0
    for cells, same in groupby(signs, key=lambda sign: sign[1]):
        texts = [text for text, _cells in same]
        steps = f"visibility:visible;animation-timing-function:steps({len(texts)})"
        frames.append(_frame(at, column, total, steps))
        length = len("".join(texts))
        at += sum(line.typed[place : place + length])
        place += length
        column += cells * len(texts)
    frames.append(_frame(at, column, total, "visibility:hidden"))
    before = "0%{visibility:hidden}" if line.at else ""
    yield f"@keyframes {name}{{{before}{''.join(frames)}}}"


def _frame(at: int, column: int, total: int, more: str) -> str:
    moved = f"transform:translateX({num(column * CELL)}px)"
    return f"{_percent(at, total)}{{{moved};{more}}}"
