"""Imported bills on the terminal, and their comparison with the wallet's records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, Row, is_terminal, line, pipe, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import (
        BillImported,
        BillRemoved,
        Compared,
        ComparedLine,
        ComparedSum,
    )

_VERDICTS = {
    "both": (N_("both have it"), "green"),
    "differ": (N_("they disagree"), "bold red"),
    "bill": (N_("only the bill has it"), "yellow"),
    "home": (N_("only you have it"), "yellow"),
}
_BOOKS = {"bill": N_("the bill"), "home": N_("you")}
_FIELDS = {
    "amount_fen": N_("amount"),
    "direction": N_("direction"),
    "at": N_("time"),
    "state": N_("state"),
    "kind": N_("kind"),
}
_DIRECTIONS = {"in": N_("income"), "out": N_("expense"), "neutral": N_("neutral")}


def show_imported(imported: BillImported) -> None:
    """Print what was imported: whose bill, its period, and the sum of its rows."""
    facts = {
        "bill": imported["bill"],
        "file": safe(imported["file"]),
        "begins": wording.when(imported["begins_at"]),
        "ends": wording.when(imported["ends_at"]),
    }
    sentence = (
        N_("{file} was imported before, as {bill}")
        if imported["known"]
        else N_("imported {file} as {bill}")
    )
    said = say(sentence, **facts) if imported["known"] else deed(imported, sentence, **facts)
    line(said, bold=imported["bill"])
    period = say(N_("{since} to {until}"), since=facts["begins"], until=facts["ends"])
    line(f"{period} · {_rows(imported['count'])}")
    for name in ("in", "out", "neutral"):
        line(
            say(
                _SUMS[name],
                rows=_rows(imported[f"{name}_count"]),  # type: ignore[literal-required]
                sum_fen=imported[f"{name}_fen"],  # type: ignore[literal-required]
            )
        )


_SUMS = {
    "in": N_("income: {rows}, {sum_fen}"),
    "out": N_("expense: {rows}, {sum_fen}"),
    "neutral": N_("neutral: {rows}, {sum_fen}"),
}


def _rows(count: int) -> str:
    return counted("{count} row", "{count} rows", count)


BILLS = Listing(
    rows="bills",
    fields=(
        Field("bill", Column(N_("bill")), lambda row: Cell(row["bill"], "bold")),
        Field(
            "begins_at",
            Column(N_("period"), below=True),
            lambda row: (
                f"{wording.when(row['begins_at'])[:10]} – {wording.when(row['ends_at'])[:10]}"
            ),
        ),
        Field("ends_at"),
        Field("count", Column(N_("rows"), right=True), says=N_("the number of rows")),
        Field("in_fen"),
        Field("out_fen"),
        Field("neutral_fen"),
        Field(
            "holder",
            Column(N_("nickname"), below=True, gives=True),
            lambda row: safe(row["holder"]),
        ),
        Field(
            "file",
            Column(N_("file"), below=True, gives=True),
            lambda row: Cell(safe(row["file"]), "dim"),
        ),
        Field("imported_at"),
    ),
    more=(Field("format"),),
    screen=("bill", "begins_at", "count", "holder", "file"),
    empty=N_("no bills"),
)


def show_removed(removed: BillRemoved) -> None:
    """Print that a bill is gone, and what went with it."""
    line(
        deed(
            removed,
            N_("removed {bill} with its {rows}: {file}"),
            bill=removed["bill"],
            rows=_rows(removed["count"]),
            file=safe(removed["file"]),
        ),
        bold=removed["bill"],
    )


def show_compared(compared: Compared) -> None:
    """Print what the two books add up to, by what is said of them, and then the rows."""
    if not is_terminal():
        pipe(*(_piped_sum(row) for row in compared["sums"]))
        picks = COMPARED.piped()
        pipe(*(["row", *(p.value(row) for p in picks)] for row in COMPARED.of(compared)))
        return
    facts = {
        "bill": compared["bill"],
        "begins": wording.when(compared["begins_at"]),
        "ends": wording.when(compared["ends_at"]),
    }
    line(say(N_("{bill} and your records · {begins} to {ends}"), **facts), bold=facts["bill"])
    print()
    table(
        [
            Column(""),
            Column(_("book"), below=True),
            Column(_("rows"), right=True),
            *(Column(_(said), right=True, below=True, named=True) for said in _DIRECTIONS.values()),
        ],
        [_summed(row) for row in compared["sums"] if row["count"] or row["verdict"] == "both"],
    )
    if compared["lines"]:
        print()
        table(
            [
                Column(_("time"), below=True),
                Column(_("kind"), gives=True),
                Column(_("with"), gives=True, below=True),
                Column(_("amount"), right=True),
                Column(_("result"), below=True),
            ],
            [row for one in compared["lines"] for row in _compared(one)],
        )
    if compared["ok"]:
        print()
        line(_("✓ the bill agrees with your records"), green="✓")


def _piped_sum(row: ComparedSum) -> Sequence[object]:
    return (
        "sum",
        row["verdict"],
        row["book"],
        row["count"],
        yuan(row["in_fen"]),
        yuan(row["out_fen"]),
        yuan(row["neutral_fen"]),
    )


def _both_sides(compared: Compared) -> Iterator[Mapping[str, object]]:
    """Yield each row with what both books say of it."""
    for found in compared["lines"]:
        sides = {"bill": found["bill"], "home": found["home"]}
        yield {
            "verdict": found["verdict"],
            "by": found["by"],
            "differs": found["differs"],
            **{
                f"{book}_{key}": None if row is None else row[key]  # type: ignore[literal-required]
                for book, row in sides.items()
                for key in _SIDE
            },
        }


_SIDE = ("id", "at", "kind", "direction", "amount_fen", "state", "counterparty")
"""What is said of a row on either side."""

COMPARED = Listing(
    rows="lines",
    every=_both_sides,
    fields=(
        Field("verdict", says=N_("the result, as a code")),
        Field("by", says=N_("how the two were matched: id or time")),
        Field("differs", says=N_("what the two disagree on")),
        Field("bill_id", says=N_("the number in the bill")),
        Field("bill_at", says=N_("the time in the bill")),
        Field("bill_kind", says=N_("the kind in the bill")),
        Field("bill_direction", says=N_("in, out or neutral, in the bill")),
        Field("bill_amount_fen", says=N_("the amount in the bill")),
        Field("bill_state", says=N_("the state in the bill")),
        Field("home_id", says=N_("the number in your records")),
        Field("home_at", says=N_("the time in your records")),
        Field("home_kind", says=N_("the kind in your records")),
        Field("home_direction", says=N_("in, out or neutral, in your records")),
        Field("home_amount_fen", says=N_("the amount in your records")),
        Field("home_state", says=N_("the state in your records")),
    ),
    more=(
        Field("bill_counterparty", says=N_("the other person in the bill")),
        Field("home_counterparty", says=N_("the other person in your records")),
    ),
    is_part=True,
)


def _summed(row: ComparedSum) -> Row:
    said, style = _VERDICTS[row["verdict"]]
    return [
        Cell(_(said), style),
        _(_BOOKS[row["book"]]),
        str(row["count"]),
        yuan(row["in_fen"]),
        yuan(row["out_fen"]),
        yuan(row["neutral_fen"]),
    ]


def _compared(found: ComparedLine) -> Iterator[Row]:
    """Yield one row for what one side has or both agree on, two where they disagree."""
    said, style = _VERDICTS[found["verdict"]]
    fields = ", ".join(_(_FIELDS[field]) for field in found["differs"])
    what = say(N_("they disagree on: {fields}"), fields=fields) if fields else _(said)
    for book, row in (("bill", found["bill"]), ("home", found["home"])):
        if row is None:
            continue
        side = say(N_("{book}: {state}"), book=_(_BOOKS[book]), state=safe(row["state"]))
        yield [
            Cell(wording.when(row["at"]), "dim"),
            safe(row["kind"]),
            safe(row["counterparty"]),
            f"{_(_DIRECTIONS[row['direction']])} {yuan(row['amount_fen'])}",
            Cell(f"{what} · {side}" if fields else what, style),
        ]
        if not fields:
            return
