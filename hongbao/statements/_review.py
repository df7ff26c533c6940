"""
The report of review cases, for regulators: JSON for programs, CSV for tables.

In CSV a case is a row, and each piece of its evidence and each opinion is a separate row below
it, which *type* tells apart: a table has no place for a list.
"""

import csv
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, BinaryIO

from hongbao.documents import to_json
from hongbao.statements.csv import Encoded, cell
from hongbao.units import iso, yuan

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.answers import CaseFile
    from hongbao.wallet.review import ReviewReport

SCHEMA = "hongbao/review-report@1"
"""What a report for programs says it is; the number grows when a reader would have to change."""

FORMATS = ("csv", "json")

COLUMNS = (
    "type",
    "case",
    "kind",
    "state",
    "rule",
    "why_en",
    "why_zh",
    "person",
    "profile",
    "real_name",
    "id_number",
    "what",
    "amount_yuan",
    "counterparty",
    "packet",
    "payment",
    "opened_at",
    "until",
    "ends",
    "closed_at",
    "pack",
    "model",
    "score",
    "indicator",
    "unit",
    "value",
    "at_least",
    "at_most",
    "at",
    "operator",
    "verb",
    "reason",
    "entry",
    "request_id",
    "mac",
)


def write(report: "ReviewReport", format_name: str, out: BinaryIO) -> None:
    """Write *report* to *out* in one of `FORMATS`."""
    forms: Mapping[str, Callable[[ReviewReport, BinaryIO], None]] = {
        "csv": _write_csv,
        "json": _write_json,
    }
    forms[format_name](report, out)


def _write_json(report: "ReviewReport", out: BinaryIO) -> None:
    facts: dict[str, object] = {
        "schema": SCHEMA,
        "from": _instant(report.since) or None,
        "to": _instant(report.until) or None,
        "masked": report.masked,
        "count": report.count,
        "head": report.head,
    }
    out.write(b"{\n")
    out.writelines(f'  "{name}": {to_json(fact)},\n'.encode() for name, fact in facts.items())
    out.write(b'  "cases": [')
    before = b"\n    "
    for case in report.lines:
        out.write(before + to_json(case).encode())
        before = b",\n    "
    out.write(b"\n  ]\n}\n")


def _write_csv(report: "ReviewReport", out: BinaryIO) -> None:
    table = csv.DictWriter(Encoded(out), COLUMNS, restval="")
    out.write(BOM_UTF8)
    table.writeheader()
    table.writerow({"type": "report", "opened_at": _instant(report.since)})
    for case in report.lines:
        table.writerows(_rows(case))
    table.writerow(
        {
            "type": "end",
            "opened_at": _instant(report.until),
            "entry": report.head["entry"],
            "mac": report.head["mac"],
        }
    )


def _rows(case: "CaseFile") -> Iterable[dict[str, object]]:
    """Return a case's own row, then one for each piece of evidence and for each opinion."""
    yield {
        "type": "case",
        "case": case["case"],
        "kind": case["kind"],
        "state": case["state"],
        "rule": cell(case["rule"]),
        "why_en": cell(case["why"]["en"]),
        "why_zh": cell(case["why"]["zh"]),
        "person": case["person"],
        "profile": cell(case["profile"]),
        "real_name": cell(case["real_name"]),
        "id_number": cell(case["id_number"]),
        "what": case["what"],
        "amount_yuan": yuan(case["amount_fen"]),
        "counterparty": cell(case["counterparty"]),
        "packet": cell(case["packet"]),
        "payment": cell(case["payment"]),
        "opened_at": case["opened_at"],
        "until": case["until"] or "",
        "ends": case["ends"] or "",
        "closed_at": case["closed_at"] or "",
        "pack": cell(case["pack"]),
        "model": cell(case["model"]),
        "score": "" if case["score"] is None else case["score"],
        "entry": case["entry"],
        "request_id": cell(case["request_id"]),
    }
    for row in case["conditions"]:
        yield {
            "type": "evidence",
            "case": case["case"],
            "rule": cell(case["rule"]),
            "indicator": row["indicator"],
            "unit": row["unit"],
            "value": row["value"],
            "at_least": "" if row["at_least"] is None else row["at_least"],
            "at_most": "" if row["at_most"] is None else row["at_most"],
        }
    for said in case["opinions"]:
        yield {
            "type": "opinion",
            "case": case["case"],
            "at": said["at"],
            "operator": cell(said["operator"]),
            "verb": said["verb"],
            "reason": cell(said["reason"]),
        }


def _instant(at: "datetime | None") -> str:
    return "" if at is None else iso(at)
