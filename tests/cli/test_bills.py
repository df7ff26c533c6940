"""Bills at the counter: brought in, listed, compared, taken out; on screens and in pipes."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.shell import Shell, plain

BILLS = Path(__file__).parents[1] / "bills"
"""Bills as WeChat and spreadsheets write them; everybody in them is invented."""

SIZES = ("en 80", "en 40", "zh_CN 80", "zh_CN 40")


@pytest.fixture(scope="module")
def compared(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell with a bill that has a row more, a row less and a fen more than the home. To look."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("bills") / "home")
    path = shell.home.parent / "february.csv"
    shell.does("export", "--format", "wechat", "-o", str(path))
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")
    place = next(number for number, line in enumerate(lines) if "¥66.66" in line)
    lines[place] = lines[place].replace("¥66.66", "¥66.67")
    gone = next(number for number, line in enumerate(lines) if "¥52.00" in line)
    lines[gone] = lines[gone].replace("¥52.00", "¥52.02").replace("1000039501", "4200000001")
    text = "\r\n".join(lines)
    said = next(line for line in lines if line.startswith("支出"))
    count, _, rest = said.partition("笔 ")
    fen = round(float(rest.partition("元")[0]) * 100) + 3
    text = text.replace(said, f"{count}笔 {fen // 100}.{fen % 100:02}元,,,,,,,,")
    path.write_text(text, "utf-8", newline="")
    shell.does("import", str(path))
    return shell


def test_a_difference_is_an_exit_code(compared: Shell):
    """
    23, as between any two institutions; all that was found is in the error, for programs.
    """
    code, error = compared.refuses("compare")

    assert (23, "bill_differs", 3) == (code, error["code"], error["count"])
    assert ["bill", "differ", "home"] == sorted(line["verdict"] for line in error["lines"])
    [differ] = [line for line in error["lines"] if line["verdict"] == "differ"]
    assert (["amount_fen"], 66_67, 66_66) == (
        differ["differs"],
        differ["bill"]["amount_fen"],
        differ["home"]["amount_fen"],
    )


def test_in_a_pipe_each_row_is_a_line_of_the_same_fields(compared: Shell):
    """
    Whatever is said of it, in any language.
    """
    said = compared("compare", "--all", HONGBAO_LANG="zh")

    assert 23 == said.code
    sums = [line.split("\t") for line in said.out.splitlines() if line.startswith("sum\t")]
    rows = [line.split("\t") for line in said.out.splitlines() if line.startswith("row\t")]
    assert {7} == {len(row) for row in sums}
    assert {16} == {len(row) for row in rows}
    assert {"both", "differ", "bill", "home"} == {row[1] for row in rows}
    assert len(rows) == sum(int(row[3]) for row in sums if row[2] == "bill") + 1


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_fits(size: str, compared: Shell):
    """
    At 80 columns and at 40, in both scripts; no amount is cut.
    """
    language, columns = size.split()
    lines = [("import", "--list"), ("compare",), ("compare", "--all")]

    screens = compared.screens(*lines, columns=int(columns), HONGBAO_LANG=language)

    for shown in map(plain, screens):
        assert [] == [line for line in shown.splitlines() if cell_len(line) > int(columns)]
        assert "bl_" in shown
    for amount in ("66.67", "66.66"):
        assert amount in plain(screens[-1])


def test_what_is_said_in_both_languages_is_the_same(compared: Shell):
    """
    English and Chinese are equals.
    """
    english, chinese = (
        plain(compared.screens(("compare",), columns=80, HONGBAO_LANG=language)[0])
        for language in ("en", "zh_CN")
    )

    assert "only the bill has it" in english
    assert "they disagree on: amount" in english
    assert "只有账单有" in chinese
    assert "不一致：金额" in chinese


def test_one_thing_at_a_time(compared: Shell):
    """
    A file, the list or a removal.
    """
    assert 2 == compared("import").code
    for typed in (("x.csv", "--list"), ("--list", "--remove", "bl_04HMASWS")):
        code, error = compared.refuses("import", *typed)
        assert (2, "conflicting_options") == (code, error["code"])


@pytest.mark.parametrize("name", ["home", "nowhere", "pipe"])
def test_what_is_no_file_is_told_at_once(name: str, compared: Shell):
    """
    Nobody waits for a pipe.
    """
    import os

    path = compared.home.parent / name
    if name == "pipe":
        os.mkfifo(path)

    code, error = compared.refuses("import", str(path))

    assert (10, "file_not_readable") == (code, error["code"])


def test_a_bill_goes_as_it_came(shell: Shell, tmp_path: Path):
    """
    By its id, however it is spelled; a rehearsal leaves it.
    """
    path = tmp_path / "bill.xlsx"
    shell.does("export", "--format", "wechat-xlsx", "-o", str(path))
    bill = shell.answers("import", str(path))["bill"]

    assert shell.answers("import", "--remove", bill, "-n")["dry_run"]
    assert [bill] == [row["bill"] for row in shell.answers("import", "--list")["bills"]]
    assert bill == shell.answers("import", "--remove", bill.lower())["bill"]
    assert [] == shell.answers("import", "--list")["bills"]


def test_a_hostile_name_in_a_bill_is_shown_and_not_obeyed(shell: Shell, tmp_path: Path):
    """
    What a terminal would obey is told as it is written, and in JSON it is JSON.
    """
    path = tmp_path / "\x1b[2Jbill.csv"
    shell.does("export", "--format", "wechat", "-o", str(tmp_path / "bill.csv"))
    text = (tmp_path / "bill.csv").read_text("utf-8").replace("发出群红包", "\x1b[31m=1+1\t红")
    path.write_text(text.replace("微信昵称：[小明]", "微信昵称：[\x1b[2J]"), "utf-8")

    said = [shell("import", str(path)), shell("import", "--list"), shell("compare", "--all")]

    for one in said:
        assert "\x1b" not in one.out + one.err
    assert json.loads(shell("import", "--list", "--json").out)


# --- bills as they come --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count", "out_fen"),
    [
        ("comma-in-counterparty.csv", 2, 360_50),
        ("comma-in-nickname.csv", 1, 12_50),
        ("empty-line-first.csv", 2, 40_66),
        ("hidden-sheet-first.xlsx", 1, 12_50),
        ("empty-row-first.xlsx", 1, 12_50),
        ("calendar-of-1904.xlsx", 1, 12_50),
        ("no-default-style.xlsx", 1, 12_50),
    ],
)
def test_a_bill_that_nobody_touched_is_read(name: str, count: int, out_fen: int, shell: Shell):
    """
    Commas without quotation marks, sheets nobody sees, lines with nothing in them.
    """
    imported = shell.answers("import", str(BILLS / name))

    assert (count, out_fen) == (imported["count"], imported["out_fen"])
    rows = [line["bill"] for line in shell.refuses("compare")[1]["lines"] if line["bill"]]
    assert count == len(rows)
    assert "2026-02-16T10:00:00+08:00" in {row["at"] for row in rows}
    if name == "comma-in-counterparty.csv":
        assert "ACME TRADING CO.,LTD" in {row["counterparty"] for row in rows}
    if name == "comma-in-nickname.csv":
        [listed] = shell.answers("import", "--list")["bills"]
        assert "Li, Xiaoming" == listed["holder"]


def test_what_a_library_thinks_of_a_workbook_is_nobodys_business(shell: Shell):
    """
    A refusal is one JSON document, and nothing stands before it.
    """
    code, error = shell.refuses("import", str(BILLS / "no-default-style-wrong-sum.xlsx"))

    assert (2, "invalid_bill", "sum") == (code, error["code"], error["problem"])


def test_a_row_that_cannot_be_parted_is_named_with_what_to_do(shell: Shell, tmp_path: Path):
    """
    A name that forges a second amount is not believed, and to export it again would not help.
    """
    path = tmp_path / "bill.csv"
    forged = "ACME,/,支出,¥0.01,零钱,支付成功,4200001111202602160000000009,M9"
    text = (BILLS / "comma-in-counterparty.csv").read_text("utf-8")
    path.write_text(text.replace("ACME TRADING CO.,LTD", forged), "utf-8")

    code, error = shell.refuses("import", str(path))

    assert (2, "fields_unclear", 19) == (code, error["problem"], error["line"])
    assert "quotation marks" in error["hint"]
    assert "export" not in error["hint"]


def test_a_bill_whose_seconds_a_spreadsheet_cut_off_agrees(tmp_path: Path):
    """
    What was accepted when it was imported is carried into the comparison, at the edges, too.
    """
    shell = Shell(tmp_path / "home", "246813")
    for typed in (
        ("init", "张三", "--clock", "2026-02-16T20:00:45+08:00", "--dice", "88"),
        ("card", "add", "9999010000000003"),
        ("topup", "500"),
        ("send", "66.66", "--count", "3"),
        ("export", "--format", "wechat", "-o", str(tmp_path / "whole.csv")),
        ("export", "--format", "wechat", "--from", "2026-02", "-o", str(tmp_path / "month.csv")),
    ):
        shell.does(*typed)

    for name in ("whole", "month"):
        text = (tmp_path / f"{name}.csv").read_text("utf-8-sig")
        cut = re.sub(r"(?m)^(\d{4})-0?(\d+)-0?(\d+) (\d\d):(\d\d):\d\d,", r"\1/\2/\3 \4:\5,", text)
        assert cut != text
        path = tmp_path / f"{name}.excel.csv"
        path.write_text(cut, "gb18030")
        assert "minute" == shell.answers("import", str(path))["precision"]
        answer = shell.answers("compare", "--all")
        assert answer["ok"]
        assert [2, 2] == [row["count"] for row in answer["sums"] if row["verdict"] == "both"]

    path = tmp_path / "month.excel.csv"
    edited = path.read_text("gb18030").replace("/16 20:00,", "/16 20:01,")
    path.write_text(edited, "gb18030")
    code, error = shell.refuses("import", str(path))
    assert (2, "outside") == (code, error["problem"])
