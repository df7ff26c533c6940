"""
The opening of a red packet, frame by frame: the envelope, its seal breaking, the amount.

A frame is a function of the time since the beginning and of what is shown: there is no clock and no
chance in it, so that it can be tested, and printed in a book, at any moment.
"""

from collections.abc import Iterator, Sequence
from math import cos, pi, sin
from typing import NamedTuple

from hongbao.ui.picture import Run, Style, signs
from hongbao.words import N_, spoken

HEIGHT = 9
WIDTH_MAX = 48
WIDTH_MIN = 30


class Opening(NamedTuple):
    """What an opening shows; it is *brief* for people who have opened a few today."""

    amount_fen: int
    sender: str
    greeting: str
    seat: int
    shares: int
    is_luckiest: bool = False
    brief: bool = False

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return 0.5 if self.brief else 1.5


Lines = tuple[tuple[Run, ...], ...]

RED = Style(background="red")
GOLD_ON_RED = Style(colour="yellow", background="red", bold=True)
GOLD = Style(colour="black", background="yellow", bold=True)
RED_ON_GOLD = Style(colour="red", background="yellow", bold=True)
SPARK = Style(colour="yellow", bold=True)
EMBER = Style(colour="red", bold=True)

_ENVELOPE = 24
_CARD = 18
_CARD_HEIGHT = 6
_TOP = 2
_FRONT_ROW = 4
_SEAL_ROW = 2  # of the envelope
_SLOPE = "▀▀▄▄"
_SEAL = (("▗▄▄", "▄▄▖", GOLD_ON_RED), ("   ", "   ", GOLD), ("▝▀▀", "▀▀▘", GOLD_ON_RED))

# When each part begins and ends, as a part of the whole.
_RISING = (0.0, 0.16)
_SHAKING = (0.22, 0.40)
_BREAKING = (0.40, 0.54)
_COMING_OUT = (0.50, 0.72)
_COUNTING = (0.54, 0.80)
_BURST = (0.44, 1.0)
_BRIEFLY_FROM = 0.34

_SHARDS = 34


def frame(t: float, opening: Opening, width: int, language: str) -> Lines:
    """Return the lines that are shown *t* seconds after the beginning, at most *width* wide."""
    whole = min(max(t / opening.seconds, 0), 1)
    if opening.brief:
        whole = _BRIEFLY_FROM + (1 - _BRIEFLY_FROM) * whole
    canvas = _Canvas(min(width, WIDTH_MAX), HEIGHT)
    left = (canvas.width - _ENVELOPE) // 2
    if whole < _BREAKING[1]:
        _draw_sealed(canvas, left, whole, opening)
    else:
        _draw_open(canvas, left, whole, opening, language)
    _draw_sparks(canvas, whole)
    return canvas.lines()


def _draw_sealed(canvas: "_Canvas", left: int, whole: float, opening: Opening) -> None:
    """Draw the closed envelope: it comes up, trembles, and its seal parts."""
    top = _TOP + round((HEIGHT - _TOP) * (1 - _eased(whole, _RISING)))
    if _SHAKING[0] <= whole < _SHAKING[1]:
        left += (0, 1, 0, -1)[int((whole - _SHAKING[0]) * 44) % 4]
    canvas.fill(top, left, HEIGHT - _TOP, _ENVELOPE, RED)
    _draw_edges(canvas, top, left, [_SLOPE] * 3)
    _draw_seal(canvas, top + _SEAL_ROW, left + _ENVELOPE // 2, _eased(whole, _BREAKING))
    name = top + HEIGHT - _TOP - 1
    canvas.put_centred(name, left + 1, _ENVELOPE - 2, opening.sender, GOLD_ON_RED)


def _draw_seal(canvas: "_Canvas", top: int, middle: int, broken: float) -> None:
    """Draw the seal, or as far as it is *broken* its halves, which move apart and fall."""
    apart, top = round(broken * 5), top + round(broken * broken * 2)
    for row, (one, other, style) in enumerate(_SEAL):
        canvas.put(top + row, middle - len(one) - apart, one, style)
        canvas.put(top + row, middle + apart, other, style)
    if not broken:
        canvas.put(top + 1, middle - 1, "封", RED_ON_GOLD)


def _draw_open(canvas: "_Canvas", left: int, whole: float, opening: Opening, language: str) -> None:
    """Draw the open envelope: its back, the card that comes out, and its notched front."""
    canvas.fill(_TOP, left, HEIGHT - _TOP, _ENVELOPE, RED)
    _draw_card(canvas, left + (_ENVELOPE - _CARD) // 2, whole, opening, language)
    for row, covers in enumerate((4, 8, 12, 12, 12), _FRONT_ROW):
        canvas.fill(row, left, 1, covers, RED)
        canvas.fill(row, left + _ENVELOPE - covers, 1, covers, RED)
    _draw_edges(canvas, _FRONT_ROW, left, [_SLOPE, _SLOPE, "▀▀▀▀"])
    canvas.put_centred(7, left + 1, _ENVELOPE - 2, opening.greeting, GOLD_ON_RED)
    if opening.shares > 1:
        canvas.put_centred(8, left, _ENVELOPE, f"{opening.seat}/{opening.shares}", GOLD_ON_RED)


def _draw_card(canvas: "_Canvas", left: int, whole: float, opening: Opening, language: str) -> None:
    """Draw the card as far as it is out, with the amount counting up on it."""
    say = spoken(language)
    out = _eased(whole, _COMING_OUT)
    top = round(_CARD_HEIGHT * (1 - out))
    shown_fen = int(opening.amount_fen * _eased(whole, _COUNTING))
    star = ""
    if opening.is_luckiest and out == 1:
        is_last = opening.seat == opening.shares
        star = say(N_("★ luckiest") if is_last else N_("★ luckiest so far"))
    canvas.fill(top, left, _CARD_HEIGHT, _CARD, GOLD)
    canvas.put_centred(top, left, _CARD, "福", RED_ON_GOLD)
    amount = say(N_("{amount_fen} yuan"), amount_fen=shown_fen)
    canvas.put_centred(top + 1, left, _CARD, amount, GOLD)
    canvas.put_centred(top + 2, left, _CARD, star, RED_ON_GOLD)


def _draw_edges(canvas: "_Canvas", top: int, left: int, edges: Sequence[str]) -> None:
    """Draw *edges*, each below the one before and closer to the middle, on both sides."""
    for row, edge in enumerate(edges):
        inset = row * len(_SLOPE)
        canvas.put(top + row, left + inset, edge, GOLD_ON_RED)
        canvas.put(top + row, left + _ENVELOPE - inset - len(edge), edge[::-1], GOLD_ON_RED)


def _draw_sparks(canvas: "_Canvas", whole: float) -> None:
    """Draw what flies from the seal as it breaks: only where nothing else is."""
    if whole < _BURST[0]:
        return
    gone = (whole - _BURST[0]) / (_BURST[1] - _BURST[0])
    for number in range(_SHARDS):
        angle, speed = number * pi * (3 - 5**0.5), 0.45 + 0.55 * (number * 0.618 % 1)
        reach = 1 - (1 - gone) ** 3
        column = round(canvas.width / 2 + cos(angle) * speed * reach * canvas.width * 0.56)
        row = round(4 + sin(angle) * speed * reach * 5 + 2.2 * gone * gone)
        sign = "✦✧·"[min(int(gone * 2 + number % 3 / 3), 2)]
        canvas.put(row, column, sign, EMBER if number % 3 == 1 else SPARK, over=False)


def _eased(whole: float, part: tuple[float, float]) -> float:
    """Return how much of *part* is over, quick at first and slow in the end."""
    done = min(max((whole - part[0]) / (part[1] - part[0]), 0), 1)
    return 1 - (1 - done) ** 3


_EMPTY = (" ", Style())


class _Canvas:
    """A grid of cells; what is put outside it is not drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self._rows: list[list[tuple[str, Style] | None]] = [
            [_EMPTY] * width for _row in range(height)
        ]

    def put(self, row: int, column: int, text: str, style: Style, *, over: bool = True) -> None:
        """Put *text* at a place; only on cells that are empty yet, unless it goes *over*."""
        if not 0 <= row < len(self._rows):
            return
        cells = self._rows[row]
        for sign, width in signs(text):
            fits = column >= 0 and column + width <= self.width
            if fits and (over or cells[column] == _EMPTY):
                self._clear(cells, column, column + width)
                cells[column] = (sign, style)
                cells[column + 1 : column + width] = [None] * (width - 1)
            column += width

    @staticmethod
    def _clear(cells: list[tuple[str, Style] | None], start: int, stop: int) -> None:
        """Make room from *start* to *stop*: no half of a wide sign is left on either side."""
        for column in (start, stop):
            if column < len(cells) and cells[column] is None:
                whole = cells[column - 1]
                assert whole is not None
                cells[column - 1] = cells[column] = (" ", whole[1])

    def fill(self, row: int, column: int, rows: int, columns: int, style: Style) -> None:
        """Fill a block of cells with the background of *style*."""
        for each in range(row, row + rows):
            self.put(each, column, " " * columns, style)

    def put_centred(self, row: int, left: int, width: int, text: str, style: Style) -> None:
        """Put *text* in the middle of *width* cells, cut where there are too few."""
        text = _cut(text, width)
        taken = sum(cells for _sign, cells in signs(text))
        self.put(row, left + (width - taken) // 2, text, style)

    def lines(self) -> Lines:
        return tuple(tuple(_runs(row)) for row in self._rows)


def _cut(text: str, width: int) -> str:
    """Return what of *text* fits into *width* cells, with a sign that there was more."""
    found = list(signs(text))
    if sum(cells for _sign, cells in found) <= width:
        return text
    kept, room = "", width - 1
    for sign, cells in found:
        room -= cells
        if room < 0:
            break
        kept += sign
    return f"{kept}…"


def _runs(row: list[tuple[str, Style] | None]) -> Iterator[Run]:
    text, style = "", Style()
    for cell in row:
        if cell is None:
            continue
        if text and cell[1] != style:
            yield Run(text, style)
            text = ""
        text, style = text + cell[0], cell[1]
    if text:
        yield Run(text, style)
