"""The script: how wide text is on a terminal, and where a line of it may end."""

import re
import shutil
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
    for piece in re.findall(_PIECE, text):
        if line.strip() and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


_ITEMS = " · "


def folded(text: str, width: int) -> list[str]:
    """
    Break each line of *text* to *width* columns; where it goes on it stands in by two more.

    It breaks between items first, which ` · ` separates, and never inside a `command to copy` or an
    amount.

    >>> folded("sent hb_7Q2M4K9X · 5 lucky shares · until 2026-02-17 20:00:00", 40)
    ['sent hb_7Q2M4K9X · 5 lucky shares', '  until 2026-02-17 20:00:00']
    """
    return [part for line in text.split("\n") for part in _folded(line, width)]


def _folded(line: str, width: int) -> list[str]:
    found: list[str] = []
    margin = line[: len(line) - len(line.lstrip(" "))]
    for item in line[len(margin) :].split(_ITEMS):
        if found and columns(found[-1] + _ITEMS + item) <= width:
            found[-1] += _ITEMS + item
            continue
        kept = re.sub(r"`[^`]*`|\d[\d:. -]*\d", lambda whole: _glued(whole[0]), item)
        for part in wrapped(kept, width - len(margin) - 2) or [""]:
            found.append((margin + "  " if found else margin) + part.replace(_GLUE, " "))
    return found


_GLUE = "\u2060"  # stands for a space that no line may end at: a word joiner


def _glued(text: str) -> str:
    return text.replace(" ", _GLUE)


def terminal_columns() -> int:
    """Return how wide the terminal is; 80 where there is none."""
    return shutil.get_terminal_size().columns
