"""
A WeChat Pay bill: the rows of its table, read exactly, and what the lines above it promise of them.

Where the rows come from, a CSV or a workbook, is no business of this module: it is handed cells as
text, each row with its number in the file. ``docs/reference/statements/wechat.md`` has the layout.
Every refusal is an InvalidBill, which names the line.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from hongbao.domain.money import parse_yuan_or_zero
from hongbao.errors import InvalidAmount, InvalidBill
from hongbao.units import CHINA, clock, from_micros, to_micros
from hongbao.words import harmless

MAGIC = "微信支付账单明细"
"""How the first line of every bill begins, and of nothing else."""

COLUMNS = (
    *("交易时间", "交易类型", "交易对方", "商品", "收/支", "金额(元)"),
    *("支付方式", "当前状态", "交易单号", "商户单号", "备注"),
)
"""The columns that a bill's table needs, in any order."""

ROWS_MAX = 1_000_000
"""The most rows that are read: more than a workbook's sheet can hold."""

PREAMBLE_MAX = 100
"""The most lines above the table. There have been 16 and 17 so far."""

CELL_MAX = 1_000
"""The most characters of a cell."""

TEXT_MAX = 120_000_000
"""The most characters of all rows together, which are kept until the last was read."""

_SHOWN_MAX = 40

Line = tuple[int, Sequence[str]]
"""A row of a file: its number there, from 1, and its cells as text."""

Value = TypeVar("Value")


@unique
class Direction(StrEnum):
    """收/支: what a row does to its holder's money as WeChat counts it."""

    IN = "in"  # 收入
    OUT = "out"  # 支出
    NEUTRAL = "neutral"  # 中性交易: it stays theirs, as in a top-up


_DIRECTIONS = {
    "收入": Direction.IN,
    "支出": Direction.OUT,
    "/": Direction.NEUTRAL,
    "": Direction.NEUTRAL,
    "中性交易": Direction.NEUTRAL,
}


def start_of_minute(at: datetime) -> datetime:
    """Return the first second of the minute that *at* is in."""
    return at.replace(second=0, microsecond=0)


def direction_of(text: str) -> Direction:
    """Return the direction that 收/支 says with *text*, or raise ValueError."""
    if text not in _DIRECTIONS:
        raise ValueError
    return _DIRECTIONS[text]


class BillRow(NamedTuple):
    """
    One row of a bill, the *number*-th of its table. A text that the bill has as ``/`` is empty.

    *id* is 交易单号, by which WeChat knows the transaction; *merchant_id* is 商户单号. *to_minute*
    says that *at* has no seconds, because a spreadsheet has left them out: it is the minute.
    """

    number: int
    at: datetime
    kind: str
    counterparty: str
    goods: str
    direction: Direction
    amount_fen: int
    method: str
    state: str
    id: str
    merchant_id: str
    note: str
    to_minute: bool = False


class Tally(NamedTuple):
    """The count and the sum of rows of one direction."""

    rows: int = 0
    fen: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """
    The header of a bill, above its table.

    Its period is from *since* to *until*, whole seconds that both belong to it; *count* and
    *tallies* are what its rows have to be.
    """

    holder: str
    since: datetime
    until: datetime
    count: int
    tallies: dict[Direction, Tally]

    def has(self, row: BillRow) -> bool:
        """Return whether *row* can be of the period: of a minute, some of its seconds."""
        since = start_of_minute(self.since) if row.to_minute else self.since
        return since <= row.at <= self.until


class Kept(NamedTuple):
    """A row as it is kept, and sealed: nothing but whole numbers and text, the instant in µs."""

    number: int
    at: int
    kind: str
    counterparty: str
    goods: str
    direction: str
    amount_fen: int
    method: str
    state: str
    id: str
    merchant_id: str
    note: str


def kept(row: BillRow) -> Kept:
    """Return *row* as it is kept."""
    number, at, kind, other, goods, way, amount_fen, method, state, id_, merchant, note, _ = row
    micros, direction = to_micros(at), _DIRECTION_TEXTS[way]
    more = (amount_fen, method, state, id_, merchant, note)
    return Kept._make((number, micros, kind, other, goods, direction, *more))


_DIRECTION_TEXTS = {direction: str(direction) for direction in Direction}


def row_of(kept_row: Kept) -> BillRow:
    """Return the row that `kept` refers to."""
    at, direction = from_micros(kept_row.at), Direction(kept_row.direction)
    return BillRow(**{**kept_row._asdict(), "at": at, "direction": direction})


class Digest:
    """
    SHA-256 over a bill's period and its rows, in their order: what tells two bills apart.

    It covers what a bill says and not how its file is written, so that the same bill as CSV and as
    a workbook is one bill.
    """

    def __init__(self, since: datetime, until: datetime) -> None:
        self._hash = hashlib.sha256(_encoded((to_micros(since), to_micros(until))))

    def add(self, *rows: Kept) -> bytes:
        """Take *rows* in, and return the bytes that stand for them."""
        said = _encoded(*rows)
        self._hash.update(said)
        return said

    def digest(self) -> bytes:
        return self._hash.digest()


class Packed:
    """
    A bill's rows, once they were read to their end: with their digest, and small in memory.

    The rows of a usual bill are kept as they are. Those behind them, much alike, are squeezed to a
    tenth; a million stay below 100 MB. *to_minute* says that times in it have no seconds.
    """

    def __init__(self, header: Header, rows: Iterable[BillRow]) -> None:
        digest, squeezed = Digest(header.since, header.until), zlib.compressobj(level=1)
        self.to_minute = False
        self._first: list[Kept] = []
        self._parts = []
        room = _AS_THEY_ARE_BYTES
        coming = iter(rows)
        while some := [*islice(coming, _ROWS_A_PIECE)]:
            self.to_minute = self.to_minute or any(row.to_minute for row in some)
            piece = [*map(kept, some)]
            said = digest.add(*piece)
            if room > 0:
                room -= len(said)
                self._first += piece
            elif part := squeezed.compress(said):
                self._parts.append(part)
        self._parts.append(squeezed.flush())
        self.header = header
        self.digest = digest.digest()

    def __iter__(self) -> Iterator[Kept]:
        yield from self._first
        loose, rest = zlib.decompressobj(), b""
        for part in self._parts:
            *whole, rest = (rest + loose.decompress(part)).split(b"\n")
            yield from map(Kept._make, json.loads(b"[%b]" % b",".join(whole)))


_ROWS_A_PIECE = 256
"""How many rows are put into bytes, hashed and squeezed at once."""

_AS_THEY_ARE_BYTES = 4 * 1024 * 1024
"""How much of a bill is not squeezed, in bytes of its digest: the rows of some years."""


def _encoded(*rows: tuple[int | str, ...]) -> bytes:
    """Return *rows* as JSON without blanks, each on a line."""
    text = _ENCODER.encode(rows)[1:-1]
    if text.count(_BETWEEN) == len(rows) - 1:
        text = text.replace(_BETWEEN, _LINE_BETWEEN)
    elif len(rows) > 1:  # a text of one of them has in it what stands between two
        return b"".join([_encoded(row) for row in rows])
    return text.encode() + b"\n"


_BETWEEN, _LINE_BETWEEN = "],[", "]\n["
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


# --- reading -------------------------------------------------------------------------------------


def read(lines: Iterable[Line]) -> tuple[Header, Iterator[BillRow]]:
    """
    Return the header of the bill in *lines*, and its rows, checked as they come.

    Whether count and sums are right is known at the end: believe no row before the last has come.
    Raises InvalidBill at the first line that is wrong.
    """
    passing = iter(lines)
    preamble = _Preamble()
    place = None
    for number, cells in passing:
        first = _stripped(cells[0]) if cells else ""
        if not preamble.begun and not first and number <= PREAMBLE_MAX:
            continue  # what a spreadsheet leaves above
        if not preamble.begun and not first.startswith(MAGIC):
            raise InvalidBill(line=number, problem="not_a_bill", known=MAGIC)
        if first in COLUMNS:
            place = _places(number, cells)
            break
        if number > PREAMBLE_MAX:
            break
        preamble.take(number, first)
    if not preamble.begun:
        raise InvalidBill(line=1, problem="not_a_bill", known=MAGIC)
    if place is None:
        raise InvalidBill(line=preamble.last + 1, problem="no_table", known=COLUMNS[0])
    header = preamble.header()
    return header, _rows(header, preamble, place, passing)


class _Preamble:
    """The lines above the table: free text, of which some lines say what can be checked."""

    def __init__(self) -> None:
        self.last = 0
        self._found: dict[str, tuple[int, re.Match[str]]] = {}

    @property
    def begun(self) -> bool:
        return self.last > 0

    def take(self, number: int, text: str) -> None:
        self.last = number
        for key, pattern in _SAID.items():
            match = pattern.match(text)
            if match is not None:
                self._found.setdefault(key, (number, match))

    def line(self, key: str) -> int:
        return self._found[key][0]

    def header(self) -> Header:
        since, until = (self._value("起始时间", place, _time) for place in (1, 2))
        if until < since:
            line, match = self._found["起始时间"]
            raise InvalidBill(line=line, problem="bad_value", key="终止时间", text=match[2])
        return Header(
            holder=self._found["微信昵称"][1][1] if "微信昵称" in self._found else "",
            since=since,
            until=until,
            count=self._value(_COUNT, 1, int),
            tallies={
                direction: Tally(self._value(key, 1, int), self._value(key, 2, _amount_fen))
                for key, direction in _SUMS.items()
            },
        )

    def _value(self, key: str, place: int, parse: Callable[[str], Value]) -> Value:
        if key not in self._found:
            raise InvalidBill(line=self.last, problem="no_key", key=key)
        line, match = self._found[key]
        return _parsed(line, key, match[place], parse)


_COUNT = "笔记录"
_SUMS = {"收入": Direction.IN, "支出": Direction.OUT, "中性交易": Direction.NEUTRAL}
_SAID = {
    "微信昵称": re.compile(r"微信昵称[：:]\s*\[(.{0,100})\]"),
    "起始时间": re.compile(r"起始时间[：:]\s*\[([^\]]+)\]\s*终止时间[：:]\s*\[([^\]]+)\]"),
    _COUNT: re.compile(r"共\s*([0-9]{1,9})\s*笔记录"),
    **{key: re.compile(rf"{key}[：:]\s*([0-9]{{1,9}})\s*笔\s*([^元\s]+)\s*元") for key in _SUMS},
}
"""What is looked for above the table."""


def _places(number: int, cells: Sequence[str]) -> list[int]:
    """Return where each of `COLUMNS` is in the table whose heads are *cells*."""
    heads = [_stripped(cell) for cell in cells]
    for column in COLUMNS:
        if column not in heads:
            raise InvalidBill(line=number, problem="columns", key=column)
    return [heads.index(column) for column in COLUMNS]


def _rows(
    header: Header, preamble: _Preamble, places: list[int], passing: Iterator[Line]
) -> Iterator[BillRow]:
    tallies = {direction: [0, 0] for direction in Direction}
    count = text_length = 0
    since, until = header.since, header.until
    row_at = _Reader(places)
    for line, cells in passing:
        if not any(cells):
            continue  # what a spreadsheet leaves below a table
        count += 1
        if count > ROWS_MAX:
            raise InvalidBill(line=line, problem="too_many", count=ROWS_MAX)
        text_length += len("".join(cells))
        if text_length > TEXT_MAX:
            raise InvalidBill(line=line, problem="too_much")
        row = row_at(line, count, cells)
        if not since <= row.at <= until and not header.has(row):
            raise InvalidBill(line=line, problem="outside", text=clock(row.at))
        tally = tallies[row.direction]
        tally[0] += 1
        tally[1] += row.amount_fen
        yield row
    if count != header.count:
        raise InvalidBill(
            line=preamble.line(_COUNT), problem="count", count=header.count, found=count
        )
    for key, direction in _SUMS.items():
        said, found = header.tallies[direction], Tally(*tallies[direction])
        if said != found:
            raise InvalidBill(
                line=preamble.line(key),
                problem="sum",
                key=key,
                count=said.rows,
                sum_fen=said.fen,
                found=found.rows,
                found_fen=found.fen,
            )


class _Reader:
    """Reads rows whose columns are at *places*."""

    def __init__(self, places: list[int]) -> None:
        self._places = places
        self._cells = itemgetter(*places)
        self._last = max(places)

    def __call__(self, line: int, number: int, cells: Sequence[str]) -> BillRow:
        if len(cells) <= self._last:
            raise InvalidBill(line=line, problem="fields", count=self._last + 1, found=len(cells))
        at, kind, other, goods, way, amount, method, state, id_, merchant, note = self._cells(cells)
        try:
            moment, to_minute = _moment(at)
            return BillRow._make(
                (
                    number,
                    moment,
                    _free(kind),
                    _free(other),
                    _free(goods),
                    _direction(way),
                    _amount(amount),
                    _free(method),
                    _free(state),
                    _id(id_),
                    _id(merchant),
                    _free(note),
                    to_minute,
                )
            )
        except (ValueError, InvalidAmount):
            self._refuse(line, cells)
            raise

    def _refuse(self, line: int, cells: Sequence[str]) -> None:
        """Read value by value what cannot be read in one go: the first that is wrong is named."""
        for column, place in zip(COLUMNS, self._places, strict=True):
            _parsed(line, column, _stripped(cells[place]), _PARSERS.get(column, _text))


@lru_cache(maxsize=4096)
def _free(cell: str) -> str:
    """Return the text of *cell*; most are those of many rows. Raises ValueError."""
    return _text(_short(_stripped(cell)))


@lru_cache(maxsize=64)
def _direction(cell: str) -> Direction:
    return direction_of(_stripped(cell))


@lru_cache(maxsize=4096)
def _amount(cell: str) -> int:
    return _amount_fen(_stripped(cell))


def _id(cell: str) -> str:
    text = cell.strip(_BLANKS)
    is_plain = text.isdecimal() and text.isascii() and len(text) <= CELL_MAX
    return text if is_plain else _number(_short(text))


def _short(text: str) -> str:
    if len(text) > CELL_MAX:
        raise ValueError
    return text


_is_plain_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch


def _moment(cell: str) -> tuple[datetime, bool]:
    """Return the instant of *cell*, and whether it is a minute."""
    text = cell.strip(_BLANKS)
    if _is_plain_time(text):
        return datetime.fromisoformat(text).replace(tzinfo=CHINA), False
    return _time(_short(text)), _has_no_seconds(text)


def _parsed(line: int, key: str, text: str, parse: Callable[[str], Value]) -> Value:
    if len(text) > CELL_MAX:
        raise InvalidBill(line=line, problem="too_long", key=key, count=CELL_MAX)
    try:
        return parse(text)
    except _Rounded:
        raise InvalidBill(line=line, problem="rounded", key=key) from None
    except (ValueError, InvalidAmount):
        shown = harmless(text, _SHOWN_MAX)
        raise InvalidBill(line=line, problem="bad_value", key=key, text=shown) from None


class _Rounded(ValueError):
    """A number of many digits of which a spreadsheet has left a few."""


# --- one value: each of these raises ValueError, or InvalidAmount, for what it cannot read -------

_TIME = re.compile(
    r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
)
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]{1,20})?")
_ROUNDED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_SERIAL_ZERO = datetime(1899, 12, 30, tzinfo=CHINA)
_DAY_SECONDS = 86_400


def _stripped(text: str) -> str:
    """Return *text* without what is only there to keep spreadsheets from reading it as a number."""
    return text.strip(_BLANKS)


_BLANKS = " \t\r\n\ufeff"


def _text(text: str) -> str:
    text.encode()  # half a character, which nothing could keep: its error is a ValueError
    if "\0" in text:
        raise ValueError
    return "" if text == "/" else text


def _number(text: str) -> str:
    if _ROUNDED.fullmatch(text):
        raise _Rounded
    return _text(text)


def _time(text: str) -> datetime:
    """
    Read *text* as an instant in China: as a bill writes it, or as a spreadsheet counts days.

    >>> _time("2026-11-05 15:00:00") == _time("2026/11/5 15:00") == _time("46331.625")
    True
    """
    if _SERIAL.fullmatch(text):
        return _SERIAL_ZERO + timedelta(seconds=round(Fraction(text) * _DAY_SECONDS))
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError
    return datetime(*(int(part or 0) for part in match.groups()), tzinfo=CHINA)  # type: ignore[misc, arg-type]


def _has_no_seconds(text: str) -> bool:
    match = _TIME.fullmatch(text)
    return match is not None and match[6] is None


def _amount_fen(text: str) -> int:
    """
    Read *text* as yuan, with either of the two signs for them or none.

    >>> _amount_fen("¥100.10"), _amount_fen("￥100.1"), _amount_fen("100")
    (10010, 10010, 10000)
    """
    return parse_yuan_or_zero(text[1:].lstrip() if text[:1] in ("¥", "￥") else text)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "交易时间": _time,
    "收/支": direction_of,
    "金额(元)": _amount_fen,
    "交易单号": _number,
    "商户单号": _number,
}
"""How the columns are read that are not free text."""
