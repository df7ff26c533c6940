"""How a program with nothing of ours reads each format back."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from hongbao import statements
from hongbao.queries.statement import Statement


def written(statement, format_name: str, style: statements.Style = statements.PLAIN) -> bytes:
    out = io.BytesIO()
    statements.write(statement, format_name, out, style)
    return out.getvalue()


class Again:
    """Lines that *make* makes anew each time they are read, from either end."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __reversed__(self) -> Iterator[Any]:
        return iter([*self._make()][::-1])


def with_lines(statement: Statement, lines: Callable[[], Iterator[Any]]) -> Statement:
    """Return *statement* with the *lines* that are made whenever they are read."""
    facts: dict[str, Any] = {name: getattr(statement, name) for name in Statement.__annotations__}
    return Statement(**{**facts, "lines": Again(lines)})


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV as the standard library reads them."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def fen(text: str) -> int | None:
    return int(Decimal(text) * 100) if text else None


def from_csv(content: bytes) -> dict[str, Any]:
    """Return what a CSV says in the shape that the JSON has."""
    opening, *movements, closing = rows_of(content)
    assert ("opening", "closing") == (opening["type"], closing["type"])
    assert {"movement"} >= {row["type"] for row in movements}
    amounts_fen = [fen(row["amount_yuan"]) or 0 for row in movements]
    return {
        "schema": "hongbao/statement@1",
        "profile": opening["profile"],
        "from": opening["at"] or None,
        "to": closing["at"] or None,
        "opening_fen": fen(opening["balance_yuan"]),
        "closing_fen": fen(closing["balance_yuan"]),
        "in_fen": sum(amount for amount in amounts_fen if amount > 0),
        "out_fen": -sum(amount for amount in amounts_fen if amount < 0),
        "count": len(movements),
        "head": {"entry": int(closing["entry"]), "mac": closing["mac"]},
        "movements": [
            {
                "id": row["id"],
                "entry": int(row["entry"]),
                "act": row["act"],
                "at": row["at"],
                "amount_fen": fen(row["amount_yuan"]),
                "balance_fen": fen(row["balance_yuan"]),
                "packet": row["packet"] or None,
                "packet_kind": row["packet_kind"] or None,
                "shares": int(row["shares"]) if row["shares"] else None,
                "greeting": row["greeting"] or None,
                "refunded_fen": fen(row["refunded_yuan"]),
                "counterparty": row["counterparty"] or None,
                "card": row["card"] or None,
                "card_fen": fen(row["card_yuan"]),
                "card_gone": row["card_gone"] == "true",
                "fee_fen": fen(row["fee_yuan"]),
                "status": row["status"],
                "request_id": row["request_id"].removeprefix("'"),
            }
            for row in movements
        ],
    }


def from_json(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(content)
    return document


def from_jsonl(content: bytes) -> dict[str, Any]:
    """Return what JSON lines say in the shape that the JSON has."""
    first, *movements, last, sealed = map(json.loads, content.decode().splitlines())
    assert "signature" == sealed["type"]
    assert ("statement", "closing") == (first.pop("type"), last.pop("type"))
    assert {"movement"} >= {movement.pop("type") for movement in movements}
    return {**first, **last, "movements": movements}


READERS = {"csv": from_csv, "json": from_json, "jsonl": from_jsonl}
