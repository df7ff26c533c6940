"""The rows that the checks judge: loaded with the first question of the audit."""

from collections.abc import Iterator
from typing import Any

from hongbao.engines.sql.books import ENTRY
from hongbao.engines.sql.engine import Engine
from hongbao.engines.sql.questions import ASKED
from hongbao.engines.sql.state import key_columns, sealed_columns, without_unused
from hongbao.questions import Question

_FROM_THE_FIRST = -(1 << 63)
"""Less than the number of any entry, also of an edited one."""


def audit(engine: Engine, question: Question, *values: object) -> Iterator[Any]:
    match question:
        case Question.FILE_PROBLEMS:
            return iter(engine.problems())
        case Question.STATES:
            return _states(engine, str(values[0]))
        case Question.LAST_SEALS:
            return _last_seals(engine)
        case Question.SEALED_ACTS:
            return _sealed_acts(engine, *values)
        case Question.SEALED_TRANSFERS | Question.SEALED_ROWS:
            return engine.behind(ASKED[question], *(values or (_FROM_THE_FIRST,)))
    return engine.each(ASKED[question], *values)


# --- the chain and what it seals ------------------------------------------------------------------


def _sealed_acts(
    engine: Engine, after: object = _FROM_THE_FIRST
) -> Iterator[tuple[tuple[Any, ...], bytes | None]]:
    for row in engine.behind(f"SELECT {ENTRY}, mac FROM entry WHERE id > ? ORDER BY id", after):
        yield row[:-1], row[-1]


def _states(engine: Engine, table: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    columns = sealed_columns(engine, table)
    where = [columns.index(part.split()[0]) for part in key_columns(table).split(" AND ")]
    for row in engine.each(f"SELECT {', '.join(columns)} FROM {table}"):
        yield "/".join(str(row[at]) for at in where), without_unused(table, row)


def _last_seals(engine: Engine) -> Iterator[tuple[str, str, int, bytes | None]]:
    for place, key, generation, digest in engine.each(
        "SELECT place, key, generation, digest FROM sealed_row"
        " JOIN entry ON entry.id = sealed_row.entry"
        " WHERE sealed_row.entry = (SELECT max(entry) FROM sealed_row AS later"
        "  WHERE later.place = sealed_row.place AND later.key = sealed_row.key)"
    ):
        yield place, key, generation, digest and bytes(digest)


# --- references ----------------------------------------------------------------------------------


def dangling(engine: Engine) -> list[str]:
    """Return the columns that name an entry which is not there: no foreign key proves them."""
    return [
        f"{table}.{column}: {count}"
        for table, column in _NAMING_ENTRIES
        for (count,) in engine.rows(
            f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = {column})"
        )
        if count
    ]


_NAMING_ENTRIES = (
    *(
        (table, "entry")
        for table in (
            *("packet", "transfer", "claim", "sealed_row", "batch", "message", "bank_line"),
            *("fault", "correction", "stop", "challenge", "review_case", "opinion"),
            "external_bill",
        )
    ),
    *(("message", "outcome"), ("challenge", "used"), ("review_case", "closed")),
    ("external_bill", "removed"),
)
"""Columns that name an entry."""
