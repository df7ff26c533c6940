"""
The rows of a bill's CSV, as WeChat writes it and as spreadsheets save it.

WeChat's own file is not RFC 4180: names are in it without quotation marks, with any commas
are in them, and a quotation mark inside quotation marks is not doubled. What fixes the fields is
the rest of the row: the time at its beginning, 收/支 with the amount behind it, and the two ids. So
a row that RFC 4180 does not part into the table's columns is parted at those, and the free text
between them where its quotation marks say. An amount is never guessed: a row that can be read in
two ways, or in none, is refused.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from hongbao.domain.bill import COLUMNS, Line, direction_of
from hongbao.errors import InvalidBill

_LINES_MAX = 16
"""How many lines one row may take, with line ends in its texts."""

_BLANKS = " \t\r\n"
_ROW_BEGINS = re.compile(r'"?[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T][0-9]{1,2}:[0-9]{2}')
_AMOUNT = re.compile(r"[¥￥]?[0-9]+\.[0-9]{2}")
"""As WeChat writes it: ``¥1`` is what a comma leaves of ``¥1,000.00``."""
_ID = re.compile(r"[0-9A-Za-z_-]{6,}")
_NO_ID = ("/", "")

Numbered = tuple[int, str]

_Level = Callable[[str], bool]
"""What passes for a free text, of which there are three: from the strictest to the loosest."""


def rows(lines: Iterable[Numbered]) -> Iterator[Line]:
    """
    Yield the *lines* of a bill, those of its table in their fields and any other as one field.

    Raises InvalidBill for a row that cannot be parted, and names the line where it begins.
    """
    coming = _Coming(lines)
    for number, text in coming:
        fields = _rfc_4180(text)
        if fields is None or fields[0].strip(_BLANKS) not in COLUMNS:
            yield number, [_on_its_own(text)]
            continue
        yield number, fields
        heads = [field.strip(_BLANKS) for field in _without_end(fields)]
        # Columns are moved in a spreadsheet, which writes RFC 4180.
        levels = (_is_clean, _is_even) if tuple(heads) == COLUMNS else ()
        for begins, row in coming:
            plain = _rfc_4180(row)
            if plain is not None and len(plain) <= len(heads):
                yield begins, plain
            else:
                yield begins, _fields(begins, row, len(heads), levels, coming)


class _Coming:
    """Lines that can be looked at before it is their turn."""

    def __init__(self, lines: Iterable[Numbered]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[Numbered] = deque()

    def __iter__(self) -> Iterator[Numbered]:
        ahead = self._ahead
        while True:
            while ahead:
                yield ahead.popleft()
            for line in self._lines:
                yield line
                if ahead:
                    break
            else:
                return

    def look(self, place: int) -> str | None:
        """Return the text of the line *place* lines ahead, from 0; None behind the last."""
        self._ahead.extend(islice(self._lines, max(place + 1 - len(self._ahead), 0)))
        return self._ahead[place][1] if place < len(self._ahead) else None

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()


def _fields(
    number: int, text: str, heads: int, levels: Sequence[_Level], coming: _Coming
) -> Sequence[str]:
    """Return the fields of the row that begins with *text* and continues as long as it has to."""
    whole = text
    for taken in range(_LINES_MAX):
        found = _read(whole, heads, levels)
        if found is not None:
            coming.skip(taken)
            return found
        following = coming.look(taken)
        if whole.count('"') % 2 == 0 or following is None or _ROW_BEGINS.match(following):
            break
        whole += following
    found = _parted(text, _is_anything) if levels else None
    if found is None:
        problem = "quotes" if text.count('"') % 2 else "fields_unclear"
        raise InvalidBill(line=number, problem=problem)
    return found


def _read(text: str, heads: int, levels: Sequence[_Level]) -> Sequence[str] | None:
    fields = _rfc_4180(text)
    if fields is not None and (not levels or len(_without_end(fields)) <= heads):
        return fields
    parts = (_parted(text, level) for level in levels)
    return next((found for found in parts if found is not None), None)


def _rfc_4180(text: str) -> list[str] | None:
    """Return the fields of *text* where it is a row as RFC 4180 has it; None if it is not."""
    try:
        return next(csv.reader((text,), _STRICT), None) or [""]
    except csv.Error:
        return None


_STRICT = csv.reader((), strict=True).dialect
"""RFC 4180, made once: a reader of one row takes it as it is."""


def _without_end(fields: list[str]) -> list[str]:
    """Return *fields* without the empty ones behind the last that is not."""
    end = len(fields)
    while end and not fields[end - 1].strip(_BLANKS):
        end -= 1
    return fields[:end]


def _on_its_own(text: str) -> str:
    """Return the one field of a line above the table: WeChat puts commas behind it, and in it."""
    fields = _rfc_4180(text) if text.startswith('"') else None
    return text.rstrip(_BLANKS + ",") if fields is None else fields[0]


# --- where RFC 4180 does not say -----------------------------------------------------------------


def _parted(text: str, is_field: _Level) -> list[str] | None:
    """
    Return the eleven fields of *text*, each free one of which *is_field*; None if there is none.

    There must not be a second place where 收/支 and an amount can be, no matter the marks: a
    name that forges a row would be believed.
    """
    pieces = text.rstrip("\r\n").split(",")
    places = range(4, len(pieces) - 6)
    found = [place for place in places if _around(pieces, place, _is_anything) is not None]
    if len(found) != 1:
        return None
    fields = _around(pieces, found[0], is_field)
    return None if fields is None else [*map(_bare, fields)]


def _around(pieces: list[str], place: int, is_field: _Level) -> list[str] | None:
    """Return the fields of a row whose 收/支 is the piece at *place*, if it can be."""
    direction, amount = _bare(pieces[place]), _bare(pieces[place + 1])
    if not direction or not _is_direction(direction) or not _AMOUNT.fullmatch(amount):
        return None
    if not _ROW_BEGINS.match(pieces[0]):
        return None
    ids = next(
        (
            spot
            for spot in range(place + 4, len(pieces) - 2)
            if _ID.fullmatch(_bare(pieces[spot]))
            or (spot == place + 4 and _bare(pieces[spot]) in _NO_ID)
        ),
        None,
    )
    if ids is None:
        return None
    names = _two(pieces[2:place], is_field, reversed)
    ways = _two(pieces[place + 2 : ids], is_field, iter)
    note = ",".join(pieces[ids + 2 :])
    if names is None or ways is None or not is_field(note.strip(_BLANKS)):
        return None
    return [*pieces[:2], *names, direction, amount, *ways, *pieces[ids : ids + 2], note]


def _two(
    pieces: list[str], is_field: _Level, order: Callable[[range], Iterable[int]]
) -> tuple[str, str] | None:
    """
    Return the two fields that *pieces* are.

    Where their marks leave several ways, a company's name keeps its commas (``CO.,LTD``), and a
    status does (``已退款(￥1,000.00)``): *order* says whether the first or the second is longer.
    """
    for place in order(range(1, len(pieces))):
        first, second = ",".join(pieces[:place]), ",".join(pieces[place:])
        if is_field(first.strip(_BLANKS)) and is_field(second.strip(_BLANKS)):
            return first, second
    return None


def _is_direction(text: str) -> bool:
    try:
        direction_of(text)
    except ValueError:
        return False
    return True


def _is_clean(field: str) -> bool:
    return _is_quoted(field) if field.startswith('"') else '"' not in field


def _is_even(field: str) -> bool:
    return _is_quoted(field) if field.startswith('"') else field.count('"') % 2 == 0


def _is_anything(_field: str) -> bool:
    return True


def _is_quoted(field: str) -> bool:
    return len(field) > 1 and field.startswith('"') and field.endswith('"')


def _bare(field: str) -> str:
    """
    Return *field* without its quotation marks, those in it as they were meant.

    >>> _bare('"a ""b"" c"'), _bare('"a "b" c"'), _bare('"4200"\\t')
    ('a "b" c', 'a "b" c', '4200')
    """
    stripped = field.strip(_BLANKS)
    if not _is_quoted(stripped):
        return stripped
    inner = stripped[1:-1]
    return inner if '"' in inner.replace('""', "") else inner.replace('""', '"')
