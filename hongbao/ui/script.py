"""Scripts of the world: the width of text on a terminal, and line breaking."""

import io
import re
import sys
import unicodedata

_CLOSING = "，。、：；！？）》」』”’…"
_OPENING = "（《「『“‘"
_PIECE = (
    rf"\s+|[{_OPENING}]*[^\s\u2e80-\uffef{_OPENING}{_CLOSING}]+[{_CLOSING}]*"
    rf"|[{_OPENING}]*\S[{_CLOSING}]*"
)
"""
What a line may end after: a word, or one Chinese character with the punctuation that clings.

Compiling it takes milliseconds, which only a command that wraps a line should spend.
"""


def columns(text: str) -> int:
    """
    Return the columns that *text* fills on a terminal: two for each Chinese character.

    >>> columns("red packet"), columns("红包")
    (10, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character) or character in "\u200c\u200d"
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
    for piece in re.findall(_PIECE, text):
        if line.strip() and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


_ITEMS = " · "


def folded(text: str, width: int) -> list[str]:
    """
    Break each line of *text* to *width* columns; continued lines are indented by two more.

    It breaks between items first, which ` · ` separates, and never inside a `command to copy` or an
    amount.

    >>> folded("sent hb_7Q2M4K9X · 5 lucky shares · until 2026-02-17 20:00:00", 40)
    ['sent hb_7Q2M4K9X · 5 lucky shares', '  until 2026-02-17 20:00:00']
    >>> folded("请换一个名字，或用 `-p 小明` 以该用户的身份操作", 24)
    ['请换一个名字，或用', '  `-p 小明` 以该用户的身', '  份操作']
    """
    return [part for line in text.split("\n") for part in _folded(line, width)]


def _folded(line: str, width: int) -> list[str]:
    found: list[str] = []
    margin = line[: len(line) - len(line.lstrip(" "))]
    for item in line[len(margin) :].split(_ITEMS):
        if found and columns(found[-1] + _ITEMS + item) <= width:
            found[-1] += _ITEMS + item
            continue
        for part in _wrapped_whole(item, width - len(margin) - 2) or [""]:
            further = margin + "  " if found else margin
            if columns(further + part) > width >= columns(margin + part):
                further = margin  # what can be copied whole is worth more than standing in
            found.append(further + part)
    return found


_WHOLE = r"`[^`]*`|\d[\d:. -]*\d"
"""What no line may end in: a command to copy, an amount, an instant."""


def _wrapped_whole(text: str, width: int) -> list[str]:
    """Wrap *text* as `wrapped` does, with what has to stay `_WHOLE` taken for one long word."""
    kept: list[str] = []

    def hidden(whole: re.Match[str]) -> str:
        kept.append(whole[0])
        return "\0\1"[len(kept) % 2] * columns(whole[0])  # two in turn, so that they never merge

    parts = wrapped(re.sub(_WHOLE, hidden, text), width)
    shown = iter(kept)
    return [re.sub("\0+|\1+", lambda _: next(shown), part) for part in parts]


class Sheet(io.StringIO):
    """What is written to instead of a terminal of *columns* while a screen is drawn on it."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def isatty(self) -> bool:
        return True


def terminal_columns() -> int:
    """Return the width of the terminal, or of the sheet in its place; 80 without one."""
    if isinstance(sys.stdout, Sheet):
        return sys.stdout.columns
    import shutil  # which wakes three libraries of compression

    return shutil.get_terminal_size().columns


def cut(text: str, width: int) -> str:
    """
    Return the beginning of *text* that fits in *width* columns; one that was longer ends in ``…``.

    >>> cut("红包 hb_7Q2M4K9X", 7), cut("红包", 4), cut("红包", 3)
    ('红包 h…', '红包', '红…')
    """
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return text + "…"
