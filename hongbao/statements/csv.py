"""
CSV: for spreadsheets and other programs that read tables.

RFC 4180 with its CRLF, in UTF-8 behind a byte order mark. Without the mark Excel takes the file for
the system's old encoding, and every Chinese name in it for noise; readers that know UTF-8 skip it,
and programs that do not have JSON. A plain table has no place for what is true of the whole, so the
opening and the closing balance are rows like the movements: their *type* tells them apart, and
they leave *amount_yuan* empty, so that the column's sum is what the period changed.
"""

import csv
import io
import re
import unicodedata
from codecs import BOM_UTF8
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._spool import LINES
from hongbao.units import iso, yuan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from hongbao.answers import MovementLine

ENDINGS = (".csv",)

COLUMNS = (
    "type",
    "date",
    "at",
    "act",
    "amount_yuan",
    "balance_yuan",
    "counterparty",
    "packet",
    "packet_kind",
    "shares",
    "greeting",
    "refunded_yuan",
    "card",
    "card_yuan",
    "card_gone",
    "fee_yuan",
    "status",
    "id",
    "entry",
    "request_id",
    "profile",
    "mac",
)

_BREAK = re.compile(r"([;\t\r\n])")
_FORMULA = frozenset("=+-@'\u2212")


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as CSV."""
    out.write(BOM_UTF8)
    coming = _rows(sheet)
    while some := _table(islice(coming, LINES)):
        out.write(some.encode())


def _table(rows: "Iterable[Sequence[str | int]]") -> str:
    """Return *rows* as CSV."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows(rows)
    return table.getvalue()


def _rows(sheet: Sheet) -> "Iterator[Sequence[str | int]]":
    statement = sheet.statement
    profile = cell(statement.profile)

    def end(**facts: str | int) -> tuple[str | int, ...]:
        return tuple({**dict.fromkeys(COLUMNS, ""), "profile": profile, **facts}.values())

    yield COLUMNS
    yield end(
        type="opening",
        at=_instant(statement.since),
        balance_yuan=yuan(statement.opening_fen),
    )
    for line in sheet.lines:
        yield _movement(line, profile)
    yield end(
        type="closing",
        at=_instant(statement.until),
        balance_yuan=yuan(statement.closing_fen),
        entry=statement.head["entry"],
        mac=statement.head["mac"],
    )


def cell(text: str | None) -> str:
    """
    Return *text*, which is free text, as a spreadsheet shows it and never as one it calculates.

    A text that begins like a formula gets an apostrophe in front (OWASP, "CSV Injection"), also
    where it begins full-width, behind spaces or quotes, or behind a semicolon or a tab, at which
    some spreadsheets part cells. One that begins with an apostrophe gets another, so that
    `uncell` always finds the text again.

    >>> cell("=1+1"), cell("＝1"), cell("小明"), cell("a;@b")
    ("'=1+1", "'＝1", '小明', "a;'@b")
    """
    if not text:
        return ""
    parts = _BREAK.split(text)
    safe = "".join(f"'{part}" if _begins_formula(part) else part for part in parts)
    return f"'{safe}" if text[0] in "\t\r\n" else safe


def uncell(text: str) -> str:
    """
    Return the text from which `cell` made this.

    >>> uncell("'=1+1"), uncell("a;'@b")
    ('=1+1', 'a;@b')
    """
    return "".join(part.removeprefix("'") for part in _BREAK.split(text))


def _begins_formula(part: str) -> bool:
    for character in part:
        if character == '"' or unicodedata.category(character)[0] in "CZ":
            continue  # what a spreadsheet may drop before it looks
        return unicodedata.normalize("NFKC", character)[0] in _FORMULA
    return False


def _movement(line: "MovementLine", profile: str) -> tuple[str | int, ...]:
    """Return *line* in `COLUMNS`."""
    shares, at = line["shares"], line["at"]
    return (
        "movement",
        at[:10],  # a statement's instants are China's
        at,
        line["act"],
        yuan(line["amount_fen"]),
        yuan(line["balance_fen"]),
        _again(line["counterparty"]),
        _id(line["packet"]),
        line["packet_kind"] or "",
        "" if shares is None else shares,
        _again(line["greeting"]),
        _yuan_or_nothing(line["refunded_fen"]),
        _again(line["card"]),
        _yuan_or_nothing(line["card_fen"]),
        "true" if line["card_gone"] else "",
        _yuan_or_nothing(line["fee_fen"]),
        line["status"],
        line["id"],
        line["entry"],
        _id(line["request_id"]),
        profile,
        "",
    )


_again = lru_cache(maxsize=2048)(cell)
"""A cell of what many lines say: names, cards, greetings."""


def _id(text: str | None) -> str:
    """Return the cell of an id: one of ours is letters and digits, and seldom comes again."""
    return text if text and text.isascii() and text.isidentifier() else cell(text)


def _instant(at: "datetime | None") -> str:
    return "" if at is None else iso(at)


def _yuan_or_nothing(amount_fen: int | None) -> str:
    return "" if amount_fen is None else yuan(amount_fen)


class Encoded:
    """A text file over *out*, as far as the csv module needs one: it buffers and closes nothing."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())
