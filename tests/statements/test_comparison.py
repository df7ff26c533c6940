"""A bill beside our own records: our own bill agrees to the fen, and every edit of it is named."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao.answers import Compared
from hongbao.statements._bills import comparison
from hongbao.statements._bills.file import BillFile
from hongbao.units import yuan
from tests.statements.conftest import Home, pin
from tests.statements.reading import written

HEADS = 17
"""How many lines an official CSV has before its first row."""


def exported(desk: Any, folder: Path, form: str, **period: Any) -> Path:
    """Write the desk's own statement as a bill, and return the file."""
    path = folder / f"{form}.{'csv' if form == 'wechat' else 'xlsx'}"
    with desk.statement(**period) as statement:
        path.write_bytes(written(statement, form))
    return path


def compared(desk: Any, bill: str | None = None, **choices: Any) -> Compared:
    everything = choices.pop("everything", True)
    with desk.looking():
        brought = desk.imported(bill, **choices)
        with desk.statement(since=brought.begins_at, until=brought.ends_at) as statement:
            return comparison.compared(statement, brought, everything=everything)


def brought(desk: Any, path: Path) -> str:
    return str(desk.bring_in(BillFile(str(path)), file=path.name)["bill"])


@contextmanager
def _cells(path: Path) -> Iterator[list[list[str]]]:
    """Give the cells of a bill's CSV to be edited, and write it again with totals that fit."""
    text = path.read_text("utf-8-sig")
    cells = [*csv.reader(io.StringIO(text))]
    yield cells
    rows = cells[HEADS:]
    totals = {
        name: [round(float(row[5][1:]) * 100) for row in rows if row[4] == way]
        for name, way in (("收入", "收入"), ("支出", "支出"), ("中性交易", "/"))
    }
    cells[6][0] = f"共{len(rows)}笔记录"
    for place, (name, amounts) in enumerate(totals.items(), 7):
        cells[place][0] = f"{name}：{len(amounts)}笔 {yuan(sum(amounts))}元"
    out = io.StringIO()
    csv.writer(out).writerows(cells)
    path.write_text(out.getvalue(), "utf-8")


def sums(answer: Compared) -> dict[tuple[str, str], int]:
    return {(row["verdict"], row["book"]): row["count"] for row in answer["sums"]}


@pytest.mark.parametrize("form", ["wechat", "wechat-xlsx"])
def test_our_own_bill_agrees_on_every_random_life(
    form: str, a_life: Home, copied: Callable[[Path], Home], tmp_path: Path
):
    """
    Every row that was exported is found again by its number, with nothing that differs.
    """
    import shutil

    shutil.copytree(a_life.folder, tmp_path / "home")
    with Home(tmp_path / "home").desk() as desk:
        bill = brought(desk, exported(desk, tmp_path, form))
        answer = compared(desk, bill)
        with desk.statement() as statement:
            moved = sum(bool(line["amount_fen"] or line["card_fen"]) for line in statement.lines)

    assert answer["ok"], answer["lines"]
    assert (moved, 0) == (answer["by_id"], answer["by_time"])
    assert {("both", "bill"): moved, ("both", "home"): moved} == {
        key: count for key, count in sums(answer).items() if count
    }


def test_both_files_of_one_statement_are_one_bill(lived: Home, tmp_path: Path):
    """
    Once brought in as CSV, the workbook is known.
    """
    with lived.desk() as desk:
        brought(desk, exported(desk, tmp_path, "wechat"))
        path = exported(desk, tmp_path, "wechat-xlsx")

        assert desk.bring_in(BillFile(str(path)), file=path.name)["known"]


EDITS: dict[str, tuple[Callable[[list[str]], None], str, list[str]]] = {
    "a fen": (lambda row: row.__setitem__(5, "¥500.01"), "differ", ["amount_fen"]),
    "a way": (lambda row: row.__setitem__(4, "收入"), "differ", ["direction"]),
    "a second": (lambda row: row.__setitem__(0, f"{row[0][:-2]}01"), "differ", ["at"]),
    "a state": (lambda row: row.__setitem__(7, "已全额退款"), "differ", ["state"]),
    "a kind": (lambda row: row.__setitem__(1, "转账"), "differ", ["kind"]),
    "a stranger's number": (lambda row: row.__setitem__(8, "42000001"), "both", []),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_of_our_bill_is_named(what: str, lived: Home, tmp_path: Path):
    """
    By what it is about: amount, direction, time, state, kind. A number of another institution's is
    no difference where all the rest fits.
    """
    edit, verdict, fields = EDITS[what]
    with lived.desk() as desk:
        path = exported(desk, tmp_path, "wechat")
        with _cells(path) as cells:
            edit(cells[-1])  # the oldest: a top-up of 500.00
        brought(desk, path)
        answer = compared(desk)

    found = answer["lines"][0]
    assert (verdict, fields) == (found["verdict"], found["differs"])
    assert (verdict == "both") == answer["ok"]
    assert {"both", verdict} == {line["verdict"] for line in answer["lines"]}
    assert (1 if what == "a stranger's number" else 0) == answer["by_time"]


def test_a_number_of_ours_is_never_taken_for_another_movement(lived: Home, tmp_path: Path):
    """
    The bill has a top-up that this home gave a number and does not have: it is not the one that
    this home does have, though all the rest of them fits.
    """
    with lived.desk() as desk:
        path = exported(desk, tmp_path, "wechat")
        with _cells(path) as cells:
            cells[-1][8] = f"{cells[-1][8][:-4]}999\t"
        brought(desk, path)
        answer = compared(desk, everything=False)

    assert ["bill", "home"] == sorted(line["verdict"] for line in answer["lines"])


def test_what_one_side_lacks_is_shown_as_the_others(lived: Home, tmp_path: Path):
    """
    A row that was taken out of the bill is only ours; one that was put in is only the bill's.
    """
    with lived.desk() as desk:
        path = exported(desk, tmp_path, "wechat")
        with _cells(path) as cells:
            cells.append([*cells[-1][:5], "¥1.00", *cells[-1][6:8], "42000001\t", "/\t", "/"])
            del cells[HEADS]
        brought(desk, path)
        answer = compared(desk, everything=False)

    assert ["bill", "home"] == sorted(line["verdict"] for line in answer["lines"])
    assert (1, 1) == (sums(answer)["bill", "bill"], sums(answer)["home", "home"])
    by_verdict = {line["verdict"]: line for line in answer["lines"]}
    assert by_verdict["bill"]["bill"] is not None
    assert 100 == by_verdict["bill"]["bill"]["amount_fen"]
    assert by_verdict["bill"]["home"] is None


def test_a_bill_with_other_numbers_is_compared_by_amount_and_time(lived: Home, tmp_path: Path):
    """
    As every real one is: all rows are found, each once, although none of them has a number of ours
    and clocks differ by a minute.
    """
    with lived.desk() as desk:
        path = exported(desk, tmp_path, "wechat", until=desk.now() + timedelta(days=1))
        with _cells(path) as cells:
            for number, row in enumerate(cells[HEADS:]):
                row[8] = f"4200000{number:03d}\t"
                at = datetime.fromisoformat(row[0]) + timedelta(seconds=59)
                row[0] = str(at)
            end = cells[2][0].index("终止时间")
            cells[2][0] = cells[2][0][:end] + "终止时间：[2026-03-31 23:59:59]"
        brought(desk, path)
        answer = compared(desk)

    assert answer["ok"], answer["lines"]
    assert (0, len(answer["lines"])) == (answer["by_id"], answer["by_time"])


def test_what_happened_since_is_only_ours(lived: Home, tmp_path: Path):
    """
    A bill is compared with what is there now.
    """
    with lived.desk() as desk:
        bill = brought(desk, exported(desk, tmp_path, "wechat"))
        desk.topup(1_00, pin=pin)
        answer = compared(desk, bill, everything=False)

    assert [("home", "零钱充值")] == [
        (line["verdict"], line["home"] and line["home"]["kind"]) for line in answer["lines"]
    ]


def test_a_part_of_the_period_is_compared_alone(lived: Home, tmp_path: Path):
    """
    On both sides; the days of a bill add up to the bill.
    """
    with lived.desk() as desk:
        brought(desk, exported(desk, tmp_path, "wechat"))
        whole = compared(desk)
        middle = datetime.fromisoformat("2026-02-17T00:00:00+08:00")
        parts = [compared(desk, until=middle), compared(desk, since=middle)]

    assert all(part["ok"] for part in parts)
    assert all(part["lines"] for part in parts)
    counted: Counter[tuple[str, str]] = Counter()
    for part in parts:
        counted.update(sums(part))
    assert sums(whole) == dict(counted)
