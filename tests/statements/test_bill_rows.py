"""The rows of a bill's CSV: WeChat's own way of writing them, and RFC 4180."""

import pytest

from hongbao.domain.bill import COLUMNS
from hongbao.errors import InvalidBill
from hongbao.statements._bills.rows import rows
from tests.every import every

HEAD = ",".join(COLUMNS) + "\r\n"
TIME, KIND = "2026-02-16 11:00:00", "商户消费"
WAYS = "零钱,支付成功"
IDS = "4200001111202602160000000002\t,M20000001\t"


def parted(*texts: str) -> list[list[str]]:
    """Return the rows of a table in which *texts* are its lines, blanks left out as they mean."""
    lines = [f"{text}\r\n" for text in texts]
    found = [*rows(enumerate([HEAD, *lines], 1))]
    return [[field.strip("\t\r\n ") for field in fields] for _, fields in found[1:]]


def row(names: str, ways: str = WAYS, note: str = '"/"', money: str = "支出,¥348.00") -> str:
    return f"{TIME},{KIND},{names},{money},{ways},{IDS},{note}"


@every(
    ("names", "counterparty", "goods"),
    [
        ('甲,"乙"', "甲", "乙"),
        ('ACME TRADING CO.,LTD,"商品"', "ACME TRADING CO.,LTD", "商品"),
        ('A,B,C,"a,b"', "A,B,C", "a,b"),
        ('甲,"a,b"', "甲", "a,b"),
        ('甲,"a","b"', "甲", 'a","b'),
        ('甲,"他说"好"了"', "甲", '他说"好"了'),
        ('甲,"他说""好""了"', "甲", '他说"好"了'),
        ('"甲, ""乙""","丙"', '甲, "乙"', "丙"),
        ('Joe "Jo",甲,"丙"', 'Joe "Jo",甲', "丙"),
        ('5" 屏,甲,"丙"', '5" 屏,甲', "丙"),
        ('"半个,"丙"', '"半个', "丙"),
        ("CO.,LTD,商品", "CO.,LTD", "商品"),
        ("/,/", "/", "/"),
        ("支出,/", "支出", "/"),
    ],
)
def test_free_text_is_parted_where_its_marks_say(names: str, counterparty: str, goods: str):
    """
    With quotation marks or without, doubled or not; a company's name keeps its commas.
    """
    [found] = parted(row(names))

    assert [
        *(TIME, KIND, counterparty, goods, "支出", "¥348.00", "零钱", "支付成功"),
        *("4200001111202602160000000002", "M20000001", "/"),
    ] == [*found[:10], found[10].strip('"')]


def test_a_status_keeps_its_commas_and_so_does_a_note():
    """
    They stand behind the amount, and before and behind the ids.
    """
    [found] = parted(row('甲,"乙"', ways="零钱,已退款(￥1,000.00)", note="服务费¥0.10,另付"))

    assert ["零钱", "已退款(￥1,000.00)"] == found[6:8]
    assert "服务费¥0.10,另付" == found[10]


def test_the_rows_around_one_with_line_ends_stay_whole():
    """
    A text that goes on in the next line is one field; one that is never closed ends with its line.
    """
    found = parted(row('"甲\r\n乙,丙","丁"'), row('"半个,甲,"丁"'), row("甲,丁"))

    assert ["甲\r\n乙,丙", '"半个,甲', "甲"] == [fields[2] for fields in found]


@every(
    ("text", "problem"),
    [
        (row("甲,/,支出,¥0.01,零钱,支付成功,4200001111202602160000000009,M9"), "fields_unclear"),
        (row("甲,乙", money="支出,¥1,348.00"), "fields_unclear"),
        (row("甲,乙,丙", money="支,¥348.00"), "fields_unclear"),
        (row("甲,乙,丙").replace(IDS, "?,!"), "fields_unclear"),
        ("x" * 20 + ",支出,¥1.00" * 20, "fields_unclear"),
        (row('甲,"乙', money="支,¥348.00").replace('"/"', "/"), "quotes"),
    ],
    ids=["a second amount", "a grouped amount", "no direction", "no ids", "no row", "one mark"],
)
def test_an_amount_is_never_guessed(text: str, problem: str):
    """
    What can be read in two ways, or in none, is refused with its line.
    """
    with pytest.raises(InvalidBill) as refused:
        parted(row('甲,"乙"'), text, row('甲,"乙"'))

    assert (3, problem) == (refused.value.facts["line"], refused.value.facts["problem"])


def test_marks_that_never_close_cost_no_more_than_their_row():
    """
    Ten thousand rows, each of which might go on for ever.
    """
    found = parted(*([row('"半个,甲,"丁"')] * 1_000))

    assert 1_000 == len(found)


def test_columns_that_a_spreadsheet_has_moved_are_read_as_it_writes_them():
    """
    It writes RFC 4180, and there nothing is to be guessed.
    """
    head = ",".join(reversed(COLUMNS)) + "\r\n"
    text = f'/,M1,42,ok,零钱,¥1.00,支出,"a,b",甲,{KIND},{TIME}'

    (_, first), (_, second) = rows(enumerate([head, f"{text}\r\n"], 1))

    assert ("备注", "a,b", TIME) == (first[0], second[7], second[10].strip())
