"""
Parts common to the bank formats: entries, days, and text between tags.

It is the balance's statement, so what a card paid for and what went back to a card is not in it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hongbao.statements._legs import Leg, legs
from hongbao.statements._wording import plain, words_of
from hongbao.units import CHINA

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.queries.statement import Statement

CODE = "HONGBAO"
"""Which bank it is, in a field that is made for a bank's number."""

CURRENCY = "CNY"

_JOINERS = "\u200c\u200d"


class Entry(NamedTuple):
    """One leg's change of the balance, in words: *payee* is the counterparty."""

    leg: Leg
    at: datetime
    payee: str
    narration: str
    greeting: str
    packet: str | None


def entries(lines: Iterable["MovementLine"]) -> Iterator[Entry]:
    """Yield what *lines* did to the balance; a fee is a separate entry."""
    for line in lines:
        for leg in legs(line):
            if leg.balance_fen:
                yield Entry(
                    leg,
                    datetime.fromisoformat(line["at"]).astimezone(CHINA),
                    *words_of(line, leg),
                    plain(line["greeting"] or ""),
                    line["packet"],
                )


def first_and_last(statement: "Statement") -> tuple[datetime, datetime]:
    """
    Return the first and the last moment that *statement* covers, in China's time.

    A statement goes up to the moment before its end, so that a month's last day is its own and not
    the next month's first.
    """
    first, last = statement.begins_at, statement.ends_at
    if last == statement.until:
        last -= timedelta(microseconds=1)
    return first.astimezone(CHINA), max(first, last).astimezone(CHINA)


def text(said: str, most: int, most_bytes: int | None = None) -> str:
    """
    Return *said* as it stands between two tags, of at most *most* characters when read back.

    *most_bytes*, too, are of what is read back. What XML 1.0 forbids is not in it, nor what a
    screen would obey (see `plain`).

    >>> text("<b>&\\x00]]>", 20), text("恭喜发财，大吉大利", 5), text("恭喜发财", 9, 10)
    ('&lt;b&gt;&amp;]]&gt;', '恭喜发财…', '恭喜…')
    """

    def fits(kept: str) -> bool:
        return len(kept) <= most and (most_bytes is None or len(kept.encode()) <= most_bytes)

    kept = plain(said)
    if not fits(kept):
        kept = kept[:most]
        while not fits(f"{kept}…"):
            kept = kept[:-1]
        kept = f"{kept.rstrip(_JOINERS)}…"
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
