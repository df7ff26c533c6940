"""The puzzle of a challenge: how often is this character in this line?"""

import json
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from hongbao.errors import InvalidAnswer

PAIRS = (
    ("福", "富"),  # blessing and wealth: half of their strokes are the same
    ("喜", "囍"),  # joy, single and double
    ("金", "全"),  # gold and whole
    ("吉", "古"),  # luck and olden times
)
"""Characters that one has to look at to tell apart; either of a pair may be asked for."""

LENGTH = 16
"""Characters in a line: 32 columns, which leaves room on the narrowest screen."""

COUNT_MIN, COUNT_MAX = 4, 11
"""Eight answers, all as likely, so that a byte decides without favour."""

_TYPED_MAX = 16


class Puzzle(NamedTuple):
    """
    Count *sought* in *line*. There are no words in it, so every screen can put its own around it.

    It slows, and does not stop: a script written for exactly this can count as well, and
    one guess in eight is right. What it asks of a robot is to be rewritten, and what it asks of a
    person is a glance; an act that must not go through is held or refused instead.
    """

    sought: str
    line: str

    @property
    def question(self) -> dict[str, str]:
        """The question as facts for programs, without the answer."""
        return {"sought": self.sought, "line": self.line}

    def solved_by(self, text: str) -> bool:
        """
        Return whether *text* is the answer: a number, in the digits of any keyboard.

        >>> Puzzle("福", "福富富福").solved_by(" ２ ")
        True
        """
        return _number(text) == self.line.count(self.sought)

    def encode(self) -> str:
        """Return the puzzle as compact JSON, for `decode`."""
        return json.dumps(self.question, ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> Puzzle:
    """Return the puzzle that `Puzzle.encode` wrote. Raises ValueError if it did not."""
    try:
        facts = json.loads(text)
        puzzle = Puzzle(str(facts["sought"]), str(facts["line"]))
        whole = facts == puzzle.question
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no puzzle") from error
    characters = set(puzzle.line)
    if not (whole and puzzle.sought in characters and characters in map(set, PAIRS)):
        raise ValueError("no puzzle")
    return puzzle


def parse_count(text: str) -> int:
    """
    Return the number that *text* spells, as `Puzzle.solved_by` reads it.

    >>> parse_count(" ２ ")
    2

    Raises InvalidAnswer if *text* is not a number: that does not count as a try.
    """
    number = _number(text)
    if number is None:
        raise InvalidAnswer(text)
    return number


def _number(text: str) -> int | None:
    if len(text) > _TYPED_MAX:
        return None
    digits = unicodedata.normalize("NFKC", text).strip()
    return int(digits) if digits.isascii() and digits.isdigit() else None


def make_puzzle(chance: Callable[[int], bytes]) -> Puzzle:
    """
    Draw a puzzle; ``chance(n)`` returns n random bytes, and is asked once.

    >>> make_puzzle(bytes).line
    '富富富富富富富富富富富富福福福福'
    """
    drawn = chance(2 + 4 * LENGTH)
    pair = PAIRS[drawn[0] >> 1 & 3]
    sought, other = pair if drawn[0] & 1 == 0 else pair[::-1]
    count = COUNT_MIN + (drawn[1] & 7)
    # Each place draws 32 bits and the highest get the sought one; two alike are as good as none.
    places = range(LENGTH)
    ranks = sorted(places, key=lambda place: (drawn[2 + 4 * place : 6 + 4 * place], place))
    wanted = set(ranks[-count:])
    line = "".join(sought if place in wanted else other for place in places)
    return Puzzle(sought, line)
