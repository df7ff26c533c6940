"""
The SQL of `hongbao.engines.sql` in MySQL's words: each text is translated once.

What both dialects have is written that way in the queries themselves; here is the rest. A text that
this cannot translate (a FULL JOIN) has a text of its own in `questions`.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import chain

from hongbao.domain.lanes import SHARED
from hongbao.domain.ledger import SIDES
from hongbao.engines.mysql.schema import SEALED_COLUMNS
from hongbao.rows import Row

NO_LIMIT = 1 << 62
"""What stands for the other dialect's LIMIT of -1."""


class Place(Row):
    """One value of a statement: which parameter it is, and what it is for."""

    parameter: int
    is_limit: bool
    column: str | None
    """The sealed column that it is written to, or compared with."""
    alike: bool


class Statement(Row):
    """A translated text, with ``%s`` for each of its *places*."""

    text: str
    places: tuple[Place, ...]
    order: tuple[int, ...]
    """The parameter of each of its places."""
    apart: tuple[tuple[int, Place], ...]
    """Those of its places whose value is not just put there, each with its number."""
    is_in_order: bool = False
    """Whether its values are just its parameters, one after the other."""
    numbered: str | None = None
    """The table whose rows get a number with it: the first value, before those of its *places*."""


# Patterns are texts, compiled where a text has what they are for: a command that only reads meets
# few of them, and compiling all of them would be a fiftieth of its start.

_RESERVED = r"(?<![`.\w])(usage|key|lines|before)(?![`\w(])|(?<=\.)(key)(?!\w)"
_WORDS = (
    # what a text has that is to be changed, how, and into what
    ("INDEXED", r"\bINDEXED BY PRIMARY\b", "FORCE INDEX (PRIMARY)"),
    ("INDEXED", r"\bINDEXED BY \w+", ""),
    ("MATERIALIZED", r"\bAS MATERIALIZED\b", "AS"),
    ("iif(", r"\biif\(", "if("),
    ("AS INTEGER)", r"\bAS INTEGER\)", "AS SIGNED)"),
    ("IN ()", r"\bIN \(\)", "IN (NULL)"),
    ("excluded.", r"\bexcluded\.(\w+)", r"VALUES(\1)"),
    ("IS", r"((?:\w+\.)?\w+)\s+IS\s+NOT\s+(?!NULL\b)", r"NOT \1 <=> "),
    ("IS", r"\bIS\s+(?!NULL\b|NOT\s+NULL\b)", "<=> "),
)
_DAY = r"(?s)\bdate\(((?:[^()]|\([^()]*\))*?) / 1000000,\s*'unixepoch', '\+8 hours'\)"
_SUM = r"\b(?:debits|credits)_fen\b"
_ACCOUNT = (
    r"\b(FROM|JOIN)\s+account\b(?:\s+AS\s+(\w+))?(?!\s*\()"
    r"(?!\s+(?:WHERE|ON)\s+(?:\w+\.)?book = 'platform'\s+AND\s+(?:\w+\.)?kind = '(?:"
    f"{'|'.join(kind for kind in SIDES if kind not in SHARED)})')"
)
"""An account that may have slots: not one whose owner's kind comes right behind it."""
_GIVEN = (
    r"\s*INSERT INTO (transfer|account|bank_line|correction) \((?!id\b)[^)]*\)"
    r"\s*VALUES \([^)]*\)\s*$"
)
_OR = r"(?s)\s*INSERT OR (REPLACE|IGNORE) INTO (\w+) \(([^)]*)\)(.*)$"
_CONFLICT = r"ON CONFLICT\s*(?:\([^)]*\)\s*)?DO (?:UPDATE SET|(NOTHING))"
_INTO = r"\s*INSERT INTO (\w+) \((\w+)"
_VALUES = r"AS \(VALUES ((?:\((?:\?(?:, )?)+\)(?:, )?)+)\)"


@cache
def translate(sql: str) -> Statement:
    """Return *sql* in MySQL's dialect."""
    columns = _columns_of(sql)
    text = sql
    if "INSERT OR" in text:
        text = re.sub(_OR, _or, text)
    if "(VALUES" in text:
        text = re.sub(_VALUES, _selected, text)
    if "ON CONFLICT" in text:
        inserted = text
        text = re.sub(_CONFLICT, lambda found: _conflict(inserted, found), text)
    if "unixepoch" in text:
        text = re.sub(
            _DAY,
            r"date_format(date_add('1970-01-01', INTERVAL ((\1) DIV 1000000 + 28800) SECOND),"
            " '%Y-%m-%d')",
            text,
        )
    text = _greatest(text)
    text = _outside_strings(text, _reworded)
    text = _whole(text)
    statement = _placed(text, columns)
    given = re.match(_GIVEN, sql) if "INSERT" in sql else None
    return _numbered(statement, given[1]) if given else statement


WHOLE = (
    "(SELECT base.id, base.book, base.kind, base.owner, base.side,"
    " base.debits_fen + coalesce(more.debits_fen, 0) AS debits_fen,"
    " base.credits_fen + coalesce(more.credits_fen, 0) AS credits_fen"
    " FROM account AS base LEFT JOIN (SELECT account, sum(debits_fen) AS debits_fen,"
    " sum(credits_fen) AS credits_fen FROM account_slot GROUP BY account) AS more"
    " ON more.account = base.id)"
)
"""Accounts with what is in their slots: all that a query ever sees of them."""


def _whole(text: str) -> str:
    """Have a query that asks what is in accounts ask for all of it."""
    if not text.lstrip().startswith(("SELECT", "WITH")) or "account" not in text:
        return text
    if not re.search(_SUM, text):
        return text
    return re.sub(_ACCOUNT, lambda found: f"{found[1]} {WHOLE} AS {found[2] or 'account'}", text)


def _reworded(text: str) -> str:
    for sign, pattern, replacement in _WORDS:
        if sign in text:
            text = re.sub(pattern, replacement, text)
    return re.sub(_RESERVED, lambda found: f"`{found[0]}`", text)


def _outside_strings(text: str, change: Callable[[str], str]) -> str:
    parts = re.split(r"('[^']*')", text)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def _numbered(statement: Statement, table: str) -> Statement:
    """Have a row of *table* get a number, which the embedded engine gives without being asked."""
    text = statement.text.replace("(", "(id, ", 1).replace("VALUES (", "VALUES (%s, ", 1)
    return statement._replace(text=text, numbered=table)


def _or(found: re.Match[str]) -> str:
    verb, table, columns, rest = found.groups()
    names = [name.strip() for name in columns.split(",")]
    if verb == "IGNORE":
        return f"INSERT INTO {table} ({columns}){rest} ON CONFLICT DO NOTHING"
    changed = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"INSERT INTO {table} ({columns}){rest} ON CONFLICT DO UPDATE SET {changed}"


def _conflict(text: str, found: re.Match[str]) -> str:
    if not found[1]:
        return "ON DUPLICATE KEY UPDATE"
    into = re.match(_INTO, text)
    assert into is not None, text
    return f"ON DUPLICATE KEY UPDATE {into[2]} = {into[1]}.{into[2]}"


def _selected(found: re.Match[str]) -> str:
    rows = re.findall(r"\(([?, ]+)\)", found[1])
    return f"AS ({' UNION ALL '.join(f'SELECT {row}' for row in rows)})"


def _greatest(text: str) -> str:
    """Replace ``max(a, b)``, which is no aggregate, by ``greatest(a, b)``; min by least."""
    for name, other in (("max", "greatest"), ("min", "least")):
        if f"{name}(" not in text:
            continue
        parts, at = [], 0
        for found in re.finditer(rf"(?<![\w.]){name}\(", text):
            if _has_several(text, found.end()):
                parts += [text[at : found.start()], f"{other}("]
                at = found.end()
        text = "".join([*parts, text[at:]])
    return text


def _has_several(text: str, at: int) -> bool:
    """Return whether the parentheses that are open at *at* have more than one argument."""
    depth, in_string = 1, False
    for char in text[at:]:
        if char == "'":
            in_string = not in_string
        elif in_string:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return False
        elif char == "," and depth == 1:
            return True
    return False


_ROW = r"(VALUES\s*)(\((?:[^()]|\([^()]*\))*\))"


def inserting(text: str, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """
    Return a translated *text*, which inserts a row, for several *rows*, and their values.

    >>> inserting("INSERT INTO a (b) VALUES (%s)", [[1], [2]])
    ('INSERT INTO a (b) VALUES (%s), (%s)', [1, 2])
    """
    return _repeated(text, len(rows)), [*chain.from_iterable(rows)]


@lru_cache(maxsize=64)
def _repeated(text: str, count: int) -> str:
    return re.sub(_ROW, lambda found: found[1] + ", ".join([found[2]] * count), text, count=1)


_ONE_ROW = r"UPDATE (\w+) SET (\w+) = %s WHERE id = %s AND (\w+) < %s"


def updating(text: str, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]] | None:
    """
    Return a translated *text*, which sets one column of a row, for *rows* at once; None if not.

    Each row is another one, by its id, and is met under its own condition.

    >>> updating("UPDATE a SET b = %s WHERE id = %s AND b < %s", [[5, 1, 5], [6, 2, 6]])
    ('UPDATE a SET b = CASE id WHEN %s THEN %s WHEN %s THEN %s END \
WHERE id = %s AND b < %s OR id = %s AND b < %s', [1, 5, 2, 6, 1, 5, 2, 6])
    >>> updating("UPDATE a SET b = %s WHERE id = %s", [[5, 1], [6, 2]]) is None
    True
    """
    found = re.fullmatch(_ONE_ROW, text)
    if found is None or len({row[1] for row in rows}) < len(rows):
        return None
    table, column, compared = found.groups()
    cases = cases_of("id", len(rows))
    places = " OR ".join([f"id = %s AND {compared} < %s"] * len(rows))
    values = [value for to, key, _limit in rows for value in (key, to)]
    values += [value for _to, key, limit in rows for value in (key, limit)]
    return f"UPDATE {table} SET {column} = {cases} WHERE {places}", values


def cases_of(column: str, count: int) -> str:
    """
    Return an expression that has a value for each of so many values of *column*.

    >>> cases_of("id", 2)
    'CASE id WHEN %s THEN %s WHEN %s THEN %s END'
    """
    return f"CASE {column} {' '.join(['WHEN %s THEN %s'] * count)} END"


# --- parameters -----------------------------------------------------------------------------------

_MARKED = r"('[^']*')|(\bLIMIT )?\?(\d*)"
_COMPARED = r"(?:(\w+)\.)?(\w+) = (?:max\(\w+, )?\?(\d*)"
_TABLE = r"\b(?:INSERT INTO|INSERT OR \w+ INTO|UPDATE|FROM|JOIN) (\w+)"


def _placed(text: str, columns: dict[int, tuple[str, bool]]) -> Statement:
    places: list[Place] = []
    counted = 0

    def place(found: re.Match[str]) -> str:
        nonlocal counted
        if found[1]:
            return found[0].replace("%", "%%")
        number = int(found[3]) - 1 if found[3] else counted
        counted = max(counted, number + 1)
        column, alike = columns.get(number, (None, False))
        places.append(Place(number, found[2] is not None, column, alike))
        return f"{found[2] or ''}%s"

    parts = re.split(r"('[^']*')", text)
    doubled = "".join(
        part if number % 2 else part.replace("%", "%%") for number, part in enumerate(parts)
    )
    marked = re.sub(_MARKED, place, doubled)
    order = tuple(each.parameter for each in places)
    apart = tuple((at, each) for at, each in enumerate(places) if each.is_limit or each.column)
    return Statement(marked, tuple(places), order, apart, order == (*range(len(order)),))


def _columns_of(sql: str) -> dict[int, tuple[str, bool]]:
    """Return which parameters of *sql* are of a sealed column: by their number, from 0 on."""
    tables = re.findall(_TABLE, sql)
    if not tables:
        return {}
    found: dict[int, tuple[str, bool]] = {}

    def note(named: str, column: str, number: int) -> None:
        for table in [named] if named in SEALED_COLUMNS else tables:
            alike = SEALED_COLUMNS.get(table, {}).get(column)
            if alike is not None:
                found[number] = (f"{table}.{column}", alike)
                return

    into = "INSERT" in sql and re.match(
        r"\s*INSERT (?:OR \w+ )?INTO (\w+) \(([^)]*)\)\s*VALUES \(([^)]*)\)", sql
    )
    if into:
        number = 0
        names = [name.strip() for name in into[2].split(",")]
        for name, value in zip(names, into[3].split(","), strict=True):
            if value.strip() == "?":
                note(into[1], name, number)
                number += 1
        return found
    starts = [mark.start() for mark in re.finditer(r"\?", re.sub(r"'[^']*'", _blank, sql))]
    for compared in re.finditer(_COMPARED, sql):
        at = compared.end() - 1 - len(compared[3])
        number = int(compared[3]) - 1 if compared[3] else starts.index(at)
        note(compared[1] or "", compared[2], number)
    return found


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
