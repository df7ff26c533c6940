"""Pictures of screens: each sign in its cell, and nothing that a file would load or run."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import redirect_stdout
from html import escape
from html.parser import HTMLParser
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pyte
import pytest
from rich.text import Text

from hongbao import words
from hongbao.ui import packets, picture
from hongbao.ui.picture import CELL, MARGIN, PALETTES, ROW, Screen
from hongbao.ui.screen import Cell, Column, console, line, table
from hongbao.ui.script import Sheet
from tests.every import every

SVG = "{http://www.w3.org/2000/svg}"
ALL_LINES = "".join(picture._LINES)
ALL_BLOCKS = "".join(picture._BLOCKS)


def shown_packet() -> None:
    packets.show_packet(PACKET)


def shown_table() -> None:
    """Print what makes columns hard: Chinese, emoji, marks, and signs that fonts lack."""
    line("✓ 余额 balance ★ ①", green="✓")
    table(
        [Column("谁"), Column("amount", right=True), Column("note", gives=True)],
        [
            ["😀熊猫", Cell("66.66", "bold red"), Cell("恭喜发财，大吉大利 <&> \"'", "dim")],
            ["Ann Lee", "1.00", "two  blanks · cafe\u0301 ｆｕｌｌ"],
            [Cell("李四", "yellow on red"), "12345.67", Cell("▁▂▃▄▅▆▇█ █████▌ ░▒▓", "cyan")],
        ],
    )
    console().print(Text(ALL_LINES + " " + ALL_BLOCKS, "blue"))
    console().print(Text("under", "underline") + Text(" italic", "italic bold green"))


PACKET: Any = {
    "packet": "hb_7Q2M4K9X",
    "kind": "lucky",
    "state": "finished",
    "sender": "小明",
    "recipient": None,
    "greeting": "恭喜发财 🧧",
    "total_fen": 6666,
    "count": 2,
    "claimed_fen": 6666,
    "claimed_count": 2,
    "created_at": "2026-02-16T20:00:00+08:00",
    "expires_at": "2026-02-17T20:00:00+08:00",
    "yours_fen": None,
    "yours": True,
    "held": None,
    "deal": "even",
    "cover": None,
    "share_max_fen": 20000,
    "remaining_fen": 0,
    "refunded_fen": 0,
    "closed_at": "2026-02-16T20:00:12+08:00",
    "finished_in_seconds": 12,
    "at": "2026-02-16T20:10:00+08:00",
    "commitment": "",
    "seed": "",
    "refunded_to": None,
    "card_gone": False,
    "shares": [
        {
            "seat": seat,
            "profile": name,
            "claim": "",
            "nonce": "",
            "luck": luck,
            "amount_fen": amount_fen,
            "at": f"2026-02-16T20:00:{seconds}+08:00",
            "luckiest": amount_fen > 4000,
            "case": None,
        }
        for seat, name, amount_fen, luck, seconds in (
            (1, "小红", 2222, None, "03.5"),
            (2, "😀熊猫", 4444, "八方来财", "12"),
        )
    ],
}

SCREENS = {"packet": shown_packet, "table": shown_table}


class Place(NamedTuple):
    """A cell as it is drawn: its sign, and whether it is bold."""

    sign: str
    bold: bool


def taken(name: str, columns: int, language: str) -> Screen:
    words.use_language(language)
    return picture.taken(SCREENS[name], columns=columns)


def on_terminal(name: str, columns: int) -> pyte.Screen:
    """Return the same screen as a virtual terminal shows it."""
    sheet = Sheet(columns)
    with redirect_stdout(sheet):
        SCREENS[name]()
    terminal = pyte.Screen(columns, 60)
    pyte.Stream(terminal).feed(sheet.getvalue().replace("\n", "\r\n"))
    return terminal


def cells_of(drawing: str) -> tuple[dict[tuple[int, int], Place], set[tuple[int, int]]]:
    """Return what stands in which cell, row before column; and the cells with lines or bars."""
    said: dict[tuple[int, int], Place] = {}
    covered: set[tuple[int, int]] = set()
    for shape in ElementTree.fromstring(drawing):
        if shape.tag == f"{SVG}text":
            assert shape.text
            x, y, length = (float(shape.get(name, "")) for name in ("x", "y", "textLength"))
            row, column = int((y - MARGIN) // ROW), (x - MARGIN) / CELL
            assert abs(column - round(column)) < 0.01
            found = list(picture.signs(shape.text))
            assert 1 == len({cells for _sign, cells in found}), shape.text
            assert abs(length - sum(cells for _sign, cells in found) * CELL) < 0.01
            assert "spacingAndGlyphs" == shape.get("lengthAdjust")
            place = round(column)
            for sign, cells in found:
                if sign.strip():
                    assert (row, place) not in said
                    same = unicodedata.normalize("NFC", sign)  # as the virtual terminal does
                    said[row, place] = Place(same, shape.get("font-weight") == "bold")
                place += cells
        elif shape.tag == f"{SVG}path":
            covered |= set(_passed(shape.get("d", "")))
        elif shape.tag == f"{SVG}rect" and shape.get("class") != "paper":
            x, y, width, height = (
                float(shape.get(name, "")) for name in ("x", "y", "width", "height")
            )
            row = int((y + height / 2 - MARGIN) // ROW)
            assert MARGIN + row * ROW - 0.01 <= y
            assert y + height <= MARGIN + (row + 1) * ROW + 0.01
            first, last = ((edge - MARGIN) / CELL for edge in (x + 0.01, x + width - 0.01))
            if shape.get("class"):  # not what is behind text
                covered |= {(row, column) for column in range(int(first), int(last) + 1)}
    return said, covered


def _passed(path: str) -> Iterator[tuple[int, int]]:
    """Yield the cells that a *path* of level, upright and round parts passes through."""
    x = y = 0.0
    for command, rest in re.findall("([MHVQ])([^MHVQ]*)", path):
        numbers = [float(number) for number in rest.split()]
        to_x = numbers[-1] if command == "H" else x if command == "V" else numbers[-2]
        to_y = numbers[-1] if command != "H" else y
        if command != "M":
            steps = max(abs(to_x - x) // CELL, abs(to_y - y) // ROW) * 4 + 4
            for step in range(int(steps)):
                part = (step + 0.5) / steps
                column, row = x + (to_x - x) * part - MARGIN, y + (to_y - y) * part - MARGIN
                yield int(row / ROW), int(column / CELL)
        x, y = to_x, to_y


@every("language", ["en", "zh_CN"])
def test_each_sign_stands_where_a_terminal_has_it(language: str) -> None:
    for name in SCREENS:
        for columns in (80, 40):
            screen = taken(name, columns, language)
            said, covered = cells_of(picture.svg(screen, title="x"))
            terminal = on_terminal(name, columns)
            shapes, seen = set(), {}
            for row in range(len(screen.lines)):
                for column in range(columns):
                    cell = terminal.buffer[row][column]
                    if cell.data in picture._LINES or cell.data in picture._BLOCKS:
                        shapes.add((row, column))
                    elif cell.data.strip():
                        seen[row, column] = Place(cell.data, cell.bold)
            assert seen == {place: at for place, at in said.items() if at.sign.strip("\u3000")}
            assert shapes == covered


def test_a_file_loads_and_runs_nothing() -> None:
    for name in SCREENS:
        for theme in ("auto", "light", "dark"):
            drawing = picture.svg(taken(name, 80, "zh_CN"), title="<&>", theme=theme)
            assert 1 == drawing.count("http")
            assert drawing.startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
            _is_self_contained(drawing)
        page = picture.html(taken(name, 80, "en"), title="<&>")
        assert "http" not in page.replace("http-equiv", "")
        _is_self_contained(page)
        reader = HTMLParser()
        reader.feed(page)
        reader.close()


def _is_self_contained(text: str) -> None:
    for foreign in ("<script", "@font-face", "@import", "url(", "href", "src=", "data:", "\x1b"):
        assert foreign not in text


def test_a_title_and_a_description_are_what_is_read_aloud() -> None:
    drawing = ElementTree.fromstring(
        picture.svg(taken("packet", 80, "en"), title="a < b", description="what is seen")
    )
    assert "img" == drawing.get("role")
    assert ["a < b", "what is seen"] == [part.text for part in drawing[:2]]
    description = ElementTree.fromstring(picture.svg(taken("packet", 80, "en"), title="x"))[1].text
    assert description is not None
    assert "2 shares, 66.66 in all, gone in 12s" in description
    assert not set(description) & set(ALL_LINES + ALL_BLOCKS)


def test_the_page_has_the_text_to_copy() -> None:
    screen = taken("table", 80, "en")
    page = picture.html(screen, title="x")
    assert escape(screen.text, quote=False) in page
    assert "<summary>as text</summary>" in page


def test_the_same_screen_makes_the_same_bytes() -> None:
    for name in SCREENS:
        once, again = (taken(name, 80, "en") for _ in range(2))
        assert picture.svg(once, title="x") == picture.svg(again, title="x")
        assert picture.html(once, title="x") == picture.html(again, title="x")


def test_a_screen_is_taken_in_colour_whatever_the_terminal_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plainly = taken("packet", 80, "en")
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "30")):
        monkeypatch.setenv(name, value)
    assert plainly == taken("packet", 80, "en")
    assert any(run.style.colour == "red" for runs in plainly.lines for run in runs)


@every("refused", ["\x1b[2J", "a\tb", "\x1b]8;;x\x07", "\x1b[38;5;200mred", "\x07"])
def test_what_is_no_screen_of_lines_is_refused(refused: str) -> None:
    with pytest.raises(ValueError, match=r"unknown code|more than lines"):
        picture.screen(refused)


def test_every_colour_can_be_read_in_both_themes() -> None:
    for palette in PALETTES.values():
        for colour in palette._fields[3:]:
            assert 4.5 <= contrast(getattr(palette, colour), palette.paper), colour
        dim = mixed(palette.text, palette.paper, picture.DIM)
        assert 4.5 <= contrast(dim, palette.paper)
    for behind in picture.COLOURS:
        palette = picture.ON_PALE if behind in picture.PALE else picture.ON_DEEP
        for colour in ("text", *picture.COLOURS):
            paper = getattr(picture.BACKGROUNDS, behind)
            assert 4.5 <= contrast(getattr(palette, colour), paper), (colour, behind)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts(colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def parts(colour: str) -> list[float]:
    return [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]


def mixed(colour: str, paper: str, opacity: float) -> str:
    both = zip(parts(colour), parts(paper), strict=True)
    return "#" + "".join(f"{round((c * opacity + p * (1 - opacity)) * 255):02x}" for c, p in both)
