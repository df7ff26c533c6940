"""
JSON Lines: one document a line, for programs that read a statement as it comes.

The closing balance and the head come last, so that a statement which was cut short shows it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import SCHEMA
from hongbao.statements.json import instant, on_one_line

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.wallet import Statement

ENDINGS = (".jsonl", ".ndjson")


def write(statement: "Statement", lines: Iterator["MovementLine"], out: BinaryIO) -> None:
    """Write *statement* to *out*: a line to open it, one for each movement, one to close it."""

    def put(kind: str, /, **facts: object) -> None:
        out.write(on_one_line({"type": kind, **facts}).encode() + b"\n")

    put(
        "statement",
        schema=SCHEMA,
        profile=statement.profile,
        **{"from": instant(statement.since), "to": instant(statement.until)},
        opening_fen=statement.opening_fen,
    )
    for line in lines:
        put("movement", **line)
    put(
        "closing",
        closing_fen=statement.closing_fen,
        in_fen=statement.in_fen,
        out_fen=statement.out_fen,
        count=statement.count,
        head=statement.head,
    )
