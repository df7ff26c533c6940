"""
Times that are computed: how long typing and reading take, in milliseconds.

Nothing is measured, so the same story has the same times on every machine. Chinese is typed and
read more slowly by the character. Nothing stands still for longer than `IDLE_MAX`.
"""

import unicodedata

TYPED = 45
"""A character that is typed."""

TYPED_WIDE = 140
"""One that an input method is needed for."""

BEFORE_TYPING = 400
BEFORE_ENTER = 300
LINE = 40
"""Between two lines that a command prints."""

READ = 15
"""A character that is read."""

READ_WIDE = 55
READ_LINE = 120
READ_MAX = 1500
"""What is long is not read to its end while one waits: it stays on the screen."""

IDLE_MAX = 2000
"""For how long nothing may happen: the longest reading, and what comes before typing."""


def is_wide(character: str) -> bool:
    """Return whether *character* is two columns wide, as Chinese is."""
    return unicodedata.east_asian_width(character) in "WF"


def typing(character: str) -> int:
    """Return how long it takes to type *character*."""
    return TYPED_WIDE if is_wide(character) else TYPED


def reading(text: str) -> int:
    """
    Return how long one reads at *text*, a line or several.

    >>> reading(""), reading("red packet"), reading("红包")
    (0, 270, 230)
    """
    lines = [line.strip() for line in text.split("\n")]
    taken = sum(
        READ_LINE + sum(READ_WIDE if is_wide(each) else READ for each in line)
        for line in lines
        if line
    )
    return min(taken, READ_MAX)
