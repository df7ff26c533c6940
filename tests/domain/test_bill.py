"""A bill's rows are read exactly, and whatever does not fit what it says of itself is refused."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain import bill
from hongbao.domain.bill import (
    CELL_MAX,
    COLUMNS,
    MAGIC,
    PREAMBLE_MAX,
    BillRow,
    Digest,
    Direction,
    Kept,
    Line,
    Packed,
    Tally,
    kept,
    read,
    row_of,
    start_of_minute,
)
from hongbao.errors import InvalidBill
from hongbao.units import CHINA
from hongbao.words import harmless
from tests.every import every

Cells = list[str]
PREAMBLE = (
    "微信支付账单明细",
    "微信昵称：[小明]",
    "起始时间：[2026-11-01 00:00:00] 终止时间：[2026-11-30 23:59:59]",
    "导出类型：[全部]",
    "",
    "共3笔记录",
    "收入：1笔 32.34元",
    "支出：1笔 66.66元",
    "中性交易：1笔 100.10元",
    "注：",
    "1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易",
    "----------------------微信支付账单明细列表--------------------",
)
WITHDRAWN = [
    *("2026-11-05 15:00:00", "零钱提现", "招商银行(3333)", "/", "/", "¥100.10"),
    *("招商银行(3333)", "提现已到账", "2072000000000000000000000005\t", "/\t", "服务费¥0.10"),
]
SENT = [
    *("2026-11-02 20:00:00", "微信红包（群红包）", "发出群红包", "/", "支出", "¥66.66"),
    *("零钱", "支付成功", "1000039501261102000000000000002\t", "hb_7Q2M4K9X\t", "/"),
]
CLAIMED = [
    *("2026-11-01 00:00:00", "微信红包", "小红", "/", "收入", "¥32.34"),
    *("/", "已存入零钱", "1000039501261101000000000000001\t", "/\t", "/"),
]
ROWS = (WITHDRAWN, SENT, CLAIMED)
FIRST_ROW = len(PREAMBLE) + 2


def lines(
    rows: Iterable[Cells] = ROWS,
    preamble: Iterable[str] = PREAMBLE,
    columns: Iterable[str] = COLUMNS,
) -> list[Line]:
    cells = [*([text, *[""] * 8] for text in preamble), [*columns], *rows]
    return [*enumerate(cells, 1)]


def changed(row: Cells, **cells: str) -> Cells:
    """Return *row* with other *cells*, each named by its column's place: ``c5``."""
    return [cells.get(f"c{place}", cell) for place, cell in enumerate(row)]


def read_all(file: Iterable[Line]) -> list[BillRow]:
    return [*read(file)[1]]


def refusal(file: Iterable[Line]) -> tuple[int, str]:
    """Return the line and the problem that the bill in *file* is refused for."""
    with pytest.raises(InvalidBill) as refused:
        read_all(file)
    assert "{" not in str(refused.value)
    assert "{" not in refused.value.message
    return int(str(refused.value.facts["line"])), str(refused.value.facts["problem"])


def test_a_bill_says_whose_it_is_of_when_and_how_much():
    """
    What stands above the table is read to the fen and the second, in China's time.
    """
    header, _ = read(lines())

    assert "小明" == header.holder
    assert datetime(2026, 11, 1, tzinfo=CHINA) == header.since
    assert datetime(2026, 11, 30, 23, 59, 59, tzinfo=CHINA) == header.until
    assert 3 == header.count
    assert {
        Direction.IN: Tally(1, 3234),
        Direction.OUT: Tally(1, 6666),
        Direction.NEUTRAL: Tally(1, 10010),
    } == header.tallies


def test_a_minute_begins_with_its_first_second():
    """
    And ends before the next.
    """
    at = datetime(2026, 2, 16, 20, 5, 59, 999_999, tzinfo=UTC)

    assert datetime(2026, 2, 16, 20, 5, tzinfo=UTC) == start_of_minute(at)
    assert start_of_minute(at) == start_of_minute(start_of_minute(at))


def test_a_row_is_read_whole():
    """
    Tabs that keep spreadsheets away are left out, a slash is nothing, and every field has its own.
    """
    assert BillRow(
        number=1,
        at=datetime(2026, 11, 5, 15, tzinfo=CHINA),
        kind="零钱提现",
        counterparty="招商银行(3333)",
        goods="",
        direction=Direction.NEUTRAL,
        amount_fen=10010,
        method="招商银行(3333)",
        state="提现已到账",
        id="2072000000000000000000000005",
        merchant_id="",
        note="服务费¥0.10",
    ) == next(read(lines())[1])


@every("text", ["¥66.66", "￥66.66", "66.66", " ¥ 66.66 ", "66.66\t"])
def test_an_amount_is_yuan_with_either_sign_or_none(text: str):
    """
    U+00A5 is official, U+FFE5 is what a Chinese keyboard types, and workbooks have the number.
    """
    assert 6666 == read_all(lines([WITHDRAWN, changed(SENT, c5=text), CLAIMED]))[1].amount_fen


@every(
    "text",
    [
        "",
        "/",
        "¥",
        "1,000.00",
        "66.666",
        "-66.66",
        "¥¥66.66",
        "6.6e1",
        "６６.６６",
        "nan",
        "$66.66",
    ],
)
def test_an_amount_that_leaves_something_to_guess_is_refused(text: str):
    """
    Money is never rounded, and never guessed.
    """
    file = lines([WITHDRAWN, changed(SENT, c5=text), CLAIMED])

    assert (FIRST_ROW + 1, "bad_value") == refusal(file)


@every(
    "text",
    [
        "2026-11-02 20:00:00",
        "2026/11/2 20:00:00",
        "2026/11/2 20:00",
        "2026-11-02T20:00:00",
        "46328.833333333336",
        "46328.8333333333",
    ],
)
def test_a_time_is_text_or_the_number_that_a_spreadsheet_makes_of_it(text: str):
    """
    A serial is the nearest second: a sixth of a day has no exact one.
    """
    rows = read_all(lines([WITHDRAWN, changed(SENT, c0=text), CLAIMED]))

    assert datetime(2026, 11, 2, 20, tzinfo=CHINA) == rows[1].at


@every(
    "text",
    ["", "2026-02-30 20:00:00", "2026-11-02", "yesterday", "02.11.2026 20:00", "4632", "1e9"],
)
def test_a_time_that_is_none_is_refused(text: str):
    """
    A day without a time is no moment.
    """
    file = lines([WITHDRAWN, changed(SENT, c0=text), CLAIMED])

    assert (FIRST_ROW + 1, "bad_value") == refusal(file)


@pytest.mark.parametrize("at", ["2026-10-31 23:59:59", "2026-12-01 00:00:00"])
def test_a_row_outside_the_period_is_refused(at: str):
    """
    Both ends belong to the period, and nothing beyond them.
    """
    assert (FIRST_ROW + 1, "outside") == refusal(lines([WITHDRAWN, changed(SENT, c0=at), CLAIMED]))


@pytest.mark.parametrize("at", ["2026-11-01 00:00:00", "2026-11-30 23:59:59"])
def test_the_first_and_the_last_second_belong_to_the_period(at: str):
    """
    A month's bill has what happened as it ended.
    """
    assert 3 == len(read_all(lines([WITHDRAWN, changed(SENT, c0=at), CLAIMED])))


@every(
    ("place", "text", "line", "problem"),
    [
        (5, "共4笔记录", 6, "count"),
        (6, "收入：2笔 32.34元", 7, "sum"),
        (6, "收入：1笔 32.35元", 7, "sum"),
        (7, "支出：1笔 66.67元", 8, "sum"),
        (8, "中性交易：1笔 100.00元", 9, "sum"),
        (8, "中性交易：1笔 1,00元", 9, "bad_value"),
        (2, "起始时间：[2026-12-01 00:00:00] 终止时间：[2026-11-30 23:59:59]", 3, "bad_value"),
        (2, "起始时间：[gestern] 终止时间：[2026-11-30 23:59:59]", 3, "bad_value"),
        (2, "", 12, "no_key"),
        (5, "", 12, "no_key"),
        (7, "", 12, "no_key"),
        (0, "支付宝交易记录明细查询", 1, "not_a_bill"),
    ],
)
def test_a_bill_that_contradicts_itself_is_refused(place: int, text: str, line: int, problem: str):
    """
    The line that is named is the one above the table: that is where to look.
    """
    preamble = [text if at == place else said for at, said in enumerate(PREAMBLE)]

    assert (line, problem) == refusal(lines(preamble=preamble))


@pytest.mark.parametrize("row", range(3))
def test_a_row_that_is_missing_is_noticed(row: int):
    """
    By the bill's own count.
    """
    left = [cells for place, cells in enumerate(ROWS) if place != row]

    assert (6, "count") == refusal(lines(left))


@every(
    ("place", "text", "problem"),
    [
        (4, "收入吗", "bad_value"),
        (8, "1.00004E+30", "rounded"),
        (9, "1E+27", "rounded"),
        (2, "小" * (CELL_MAX + 1), "too_long"),
        (2, "a\0b", "bad_value"),
        (2, "\ud800", "bad_value"),
    ],
)
def test_a_cell_that_cannot_be_right_is_refused(place: int, text: str, problem: str):
    """
    A direction that is none; a number of which a spreadsheet has kept six digits; what no text is.
    """
    file = lines([WITHDRAWN, changed(SENT, **{f"c{place}": text}), CLAIMED])

    assert (FIRST_ROW + 1, problem) == refusal(file)


def test_a_row_that_is_cut_short_is_refused():
    """
    Rather than read with what it lacks left empty.
    """
    assert (FIRST_ROW + 1, "fields") == refusal(lines([WITHDRAWN, SENT[:9], CLAIMED]))


@every("column", COLUMNS)
def test_a_table_without_one_of_its_columns_is_refused(column: str):
    """
    Each of them is needed; the first is how the table is found.
    """
    heads = ["其他" if head == column else head for head in COLUMNS]

    problem = "no_table" if column == COLUMNS[0] else "columns"
    if column == COLUMNS[0]:
        assert problem == refusal(lines(columns=heads))[1]
    else:
        assert (FIRST_ROW - 1, problem) == refusal(lines(columns=heads))


def test_columns_may_come_in_another_order_and_with_others():
    """
    They are found by their heads.
    """
    turned = [[*cells[::-1], "?"] for cells in ROWS]

    assert read_all(lines()) == read_all(lines(turned, columns=[*COLUMNS[::-1], "备用"]))


@pytest.mark.parametrize("more", [0, 1, 4, PREAMBLE_MAX - len(PREAMBLE)])
def test_a_preamble_may_be_of_any_length(more: int):
    """
    WeChat has added a note before: lines are found by what they say, never counted.
    """
    preamble = [*PREAMBLE[:-1], *("4. 新的说明" for _ in range(more)), PREAMBLE[-1]]

    assert read_all(lines()) == read_all(lines(preamble=preamble))


def test_a_preamble_without_end_is_not_read_to_its_end():
    """
    What has no table after a hundred lines is no bill.
    """

    def endless() -> Iterable[Line]:
        for number in range(1, PREAMBLE_MAX + 2):
            yield number, [MAGIC]
        raise AssertionError("it was read on")

    assert "no_table" == refusal(endless())[1]


@pytest.mark.parametrize("file", [[], lines()[:1], lines()[:12]])
def test_a_file_that_ends_before_its_table_is_refused(file: list[Line]):
    """
    Even where it has no line at all.
    """
    assert refusal(file)[1] == ("no_table" if file else "not_a_bill")


def test_an_empty_bill_is_a_bill():
    """
    A month without payments.
    """
    none = ("共0笔记录", "收入：0笔 0.00元", "支出：0笔 0.00元", "中性交易：0笔 0.00元")

    header, rows = read(lines([], [*PREAMBLE[:5], *none]))

    assert (0, []) == (header.count, [*rows])


def test_rows_that_are_empty_are_what_a_spreadsheet_leaves():
    """
    Below the table or in it.
    """
    blank = [""] * 11
    assert read_all(lines()) == read_all(lines([WITHDRAWN, blank, SENT, CLAIMED, blank]))


def test_more_rows_than_a_bill_has_are_not_read(monkeypatch: pytest.MonkeyPatch):
    """
    Somebody's file may go on for ever.
    """
    monkeypatch.setattr(bill, "ROWS_MAX", 2)

    assert (FIRST_ROW + 2, "too_many") == refusal(lines())


def digest_of(rows: Iterable[BillRow], since: datetime | None = None) -> bytes:
    header, _ = read(lines())
    digest = Digest(since or header.since, header.until)
    for row in rows:
        digest.add(kept(row))
    return digest.digest()


def test_what_is_kept_of_a_row_is_all_of_it():
    """
    Nothing is lost on the way into the book and back.
    """
    rows = read_all(lines())

    assert rows == [row_of(kept(row)) for row in rows]


@pytest.mark.parametrize(
    ("room", "as_they_are"), [(0, 0), (1, 256), (300_000, 6 * 256), (1 << 30, 3000)]
)
def test_packed_rows_come_out_as_they_went_in(
    room: int, as_they_are: int, monkeypatch: pytest.MonkeyPatch
):
    """
    Thousands of them, each with text of its own: squeezed, as they are, or the first as they are.
    """
    monkeypatch.setattr(bill, "_AS_THEY_ARE_BYTES", room)
    header, _ = read(lines())
    first = read_all(lines())[0]
    many = [
        first._replace(number=number, note=f"{number * 7919 % 10007}号" * 9)
        for number in range(1, 3001)
    ]

    packed = Packed(header, many)

    assert [*map(kept, many)] == [*packed] == [*packed]
    assert digest_of(many) == packed.digest
    assert len(packed._first) == as_they_are
    assert header is packed.header


CHANGES: dict[str, Callable[[BillRow], Any]] = {
    "number": lambda row: row.number + 1,
    "at": lambda row: row.at.replace(second=59),
    "direction": lambda _: Direction.OUT,
    "amount_fen": lambda row: row.amount_fen + 1,
    **{
        name: lambda row, name=name: getattr(row, name) + "x"  # type: ignore[misc]
        for name in Kept._fields
        if name not in ("number", "at", "direction", "amount_fen")
    },
}


@every("name", Kept._fields)
def test_a_digest_covers_every_field(name: str):
    """
    One fen, one second or one letter makes another bill of it.
    """
    rows = read_all(lines())
    other = [rows[0]._replace(**{name: CHANGES[name](rows[0])}), *rows[1:]]

    assert digest_of(rows) != digest_of(other)


@pytest.mark.parametrize("text", ["a],[b", '],["', "]\n[", '"],["'])
def test_rows_are_hashed_alike_alone_and_together(text: str):
    """
    Also with a text that has in it what stands between two rows.
    """
    header, rows = read(lines())
    some = [kept(row) for row in rows]
    some[1] = some[1]._replace(note=text)
    together, alone = (Digest(header.since, header.until) for _ in range(2))

    said = together.add(*some)

    assert said == b"".join(alone.add(row) for row in some)
    assert said.decode() == "".join(
        json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in some
    )
    assert together.digest() == alone.digest()
    assert [row_of(row) for row in some][1].note == text
    assert Digest(header.since, header.until).add(*some[:2]) == b"".join(map(alone.add, some[:2]))
    assert some == [*Packed(header, map(row_of, some))]


def test_a_digest_covers_the_period_and_the_order():
    """
    Two months without payments are two bills.
    """
    rows = read_all(lines())

    assert digest_of([]) != digest_of([], datetime(2026, 11, 2, tzinfo=CHINA))
    assert digest_of(rows) != digest_of(rows[::-1])
    assert digest_of(rows) != digest_of(rows[:-1])


@given(st.lists(st.lists(st.text(max_size=20), max_size=12), max_size=30))
def test_no_file_is_more_than_refused(rows: list[Cells]):
    """
    Whatever its cells hold, it is a bill or an InvalidBill, and never anything else.
    """
    for file in ([*enumerate(rows, 1)], lines([*ROWS, *rows]), lines(rows)):
        with suppress(InvalidBill):
            read_all(file)


def test_rows_that_hold_more_text_than_any_bill_are_stopped(monkeypatch: pytest.MonkeyPatch):
    """
    They are kept until the last was read, and small files can become very large.
    """
    monkeypatch.setattr(bill, "TEXT_MAX", 200)

    assert "too_much" == refusal(lines())[1]


# --- all that a refusal says ----------------------------------------------------------------------


def facts_of(file: Iterable[Line]) -> dict[str, object]:
    with pytest.raises(InvalidBill) as refused:
        read_all(file)
    return dict(refused.value.facts)


def above(place: int, text: str) -> list[Line]:
    """Return the bill with another *text* at one *place* above its table."""
    return lines(preamble=[text if at == place else said for at, said in enumerate(PREAMBLE)])


def middle(**cells: str) -> list[Line]:
    """Return the bill with other *cells* in the middle one of its rows."""
    return lines([WITHDRAWN, changed(SENT, **cells), CLAIMED])


BLANK: Cells = []
NO_BILL = {"problem": "not_a_bill", "known": "微信支付账单明细"}
NO_TABLE = {"problem": "no_table", "known": "交易时间"}
LONG = "小" * CELL_MAX


@every(
    ("file", "facts"),
    [
        ([], {"line": 1, **NO_BILL}),
        ([(1, BLANK)], {"line": 1, **NO_BILL}),
        ([(1, BLANK), (2, ["?"])], {"line": 2, **NO_BILL}),
        ([*((n, BLANK) for n in range(1, 101)), (101, [MAGIC])], {"line": 1, **NO_BILL}),
        ([(n, BLANK) for n in range(1, 102)], {"line": 101, **NO_BILL}),
        (lines()[:12], {"line": 13, **NO_TABLE}),
        ([*above(2, "")[:12], (20, ["?"])], {"line": 21, **NO_TABLE}),
        (above(5, ""), {"line": 12, "problem": "no_key", "key": "笔记录"}),
        (above(6, ""), {"line": 12, "problem": "no_key", "key": "收入"}),
        (
            above(2, "起始时间：[2026-12-01 00:00:00] 终止时间：[2026-11-30 23:59:59]"),
            {
                "line": 3,
                "problem": "bad_value",
                "key": "终止时间",
                "text": "2026-11-30 23:59:59",
            },
        ),
        (
            above(2, "起始时间：[2026-11-01 00:00:00] 终止时间：[heute]"),
            {"line": 3, "problem": "bad_value", "key": "起始时间", "text": "heute"},
        ),
        (
            above(8, "中性交易：1笔 1,00元"),
            {"line": 9, "problem": "bad_value", "key": "中性交易", "text": "1,00"},
        ),
        (above(5, "共4笔记录"), {"line": 6, "problem": "count", "count": 4, "found": 3}),
        (
            above(7, "支出：2笔 66.67元"),
            {
                "line": 8,
                "problem": "sum",
                "key": "支出",
                "count": 2,
                "sum_fen": 66_67,
                "found": 1,
                "found_fen": 66_66,
            },
        ),
        (
            lines(columns=["其他" if head == "备注" else head for head in COLUMNS]),
            {"line": 13, "problem": "columns", "key": "备注"},
        ),
        (
            lines([WITHDRAWN, SENT[:9], CLAIMED]),
            {"line": 15, "problem": "fields", "count": 11, "found": 9},
        ),
        (
            lines([WITHDRAWN, SENT[:10], CLAIMED]),
            {"line": 15, "problem": "fields", "count": 11, "found": 10},
        ),
        (
            middle(c0="2026-12-01 00:00:00"),
            {"line": 15, "problem": "outside", "text": "2026-12-01 00:00:00"},
        ),
        (
            middle(c2=LONG + "小"),
            {"line": 15, "problem": "too_long", "key": "交易对方", "count": 1000},
        ),
        # What is as long as may be is not what is wrong here.
        (
            middle(c2=LONG, c5="$1"),
            {"line": 15, "problem": "bad_value", "key": "金额(元)", "text": "$1"},
        ),
        (middle(c8="1.00004E+30"), {"line": 15, "problem": "rounded", "key": "交易单号"}),
        (middle(c9="1E27"), {"line": 15, "problem": "rounded", "key": "商户单号"}),
        (
            middle(c4="收\x1b[2J" + "入" * 60),
            {
                "line": 15,
                "problem": "bad_value",
                "key": "收/支",
                "text": harmless("收\x1b[2J" + "入" * 60, 40),
            },
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_names_line_and_key_and_what_was_found(file, facts):
    """
    All that it says, and nothing that a screen would obey.
    """
    assert facts == facts_of(file)


def test_more_rows_than_are_read_are_told_how_many_are(monkeypatch: pytest.MonkeyPatch):
    """
    And as many as there may be are read, with as much text as there may be.
    """
    length = sum(len(cell) for row in ROWS for cell in row)
    monkeypatch.setattr(bill, "ROWS_MAX", 3)
    monkeypatch.setattr(bill, "TEXT_MAX", length)
    assert 3 == len(read_all(lines()))

    monkeypatch.setattr(bill, "TEXT_MAX", length - 1)
    assert {"line": 16, "problem": "too_much"} == facts_of(lines())
    monkeypatch.setattr(bill, "ROWS_MAX", 2)
    assert {"line": 16, "problem": "too_many", "count": 2} == facts_of(lines())


# --- what a bill may be ---------------------------------------------------------------------------


def test_blank_lines_above_a_bill_are_what_a_spreadsheet_leaves():
    """
    With cells and without.
    """
    blank = [BLANK, ["", ""], [" ", "x"]]
    cells = [*blank, *(cells for _number, cells in lines())]

    assert read_all(lines()) == read_all(enumerate(cells, 1))


def test_a_bill_may_name_no_holder_and_be_of_one_second():
    """
    A second is a period, and both its ends belong to it.
    """
    second = "起始时间：[2026-11-01 00:00:00] 终止时间：[2026-11-01 00:00:00]"
    preamble = [
        MAGIC,
        second,
        "共1笔记录",
        "收入：1笔 32.34元",
        "支出：0笔 0元",
        "中性交易：0笔 0元",
    ]

    header, rows = read(lines([CLAIMED], preamble))

    assert ("", header.since, 1) == (header.holder, header.until, len([*rows]))


def test_rows_of_one_direction_are_added_up():
    """
    Their number and their sum.
    """
    preamble = [*PREAMBLE[:5], "共5笔记录", "收入：3笔 97.02元", *PREAMBLE[7:]]

    assert 5 == len(read_all(lines([*ROWS, CLAIMED, CLAIMED], preamble)))


@every(
    ("text", "is_to_minute"),
    [
        ("2026-11-02 20:00", True),
        ("2026/11/2 20:00", True),
        ("2026-11-02 20:00:00", False),
        ("2026/11/2 20:00:00", False),
        ("46328.8333333333", False),
    ],
)
@every("way", ["支出", "支出 "])
def test_a_time_without_seconds_is_a_minute(text, is_to_minute, way):
    """
    And is said to be one: as a row is read, and as a bill of such rows is kept.
    """
    header, rows = read(middle(c0=text, c4=way))
    some = [*rows]

    assert [False, is_to_minute, False] == [row.to_minute for row in some]
    assert is_to_minute == Packed(header, some).to_minute


def test_a_row_of_the_first_minute_may_be_of_its_later_seconds():
    """
    A period from 20:00:30 on has what a spreadsheet calls 20:00; the minute before is outside.
    """
    from_half = "起始时间：[2026-11-02 20:00:30] 终止时间：[2026-11-30 23:59:59]"
    preamble = [*PREAMBLE[:2], from_half, *PREAMBLE[3:]]
    rows = [changed(row, c0="2026-11-02 20:00") for row in ROWS]

    assert 3 == len(read_all(lines(rows, preamble)))
    for at in ("2026-11-02 20:00:29", "2026-11-02 19:59"):
        early = [rows[0], changed(SENT, c0=at), rows[2]]
        assert (15, "outside") == refusal(lines(early, preamble))


@every(
    ("written", "read_as"),
    [
        *(
            ("\ufeff小红\t", "小红"),
            (" X \r\n", "X"),
            ("　小红　", "　小红　"),
            ("/", ""),
            ("", ""),
        ),
        *(("//", "//"), (LONG, LONG), (f"{LONG}\t", LONG)),
    ],
)
def test_only_what_keeps_spreadsheets_away_is_left_out(written, read_as):
    """
    Spaces, tabs, line ends and the mark of an encoding; a Chinese space is a text's own.
    """
    assert read_as == read_all(middle(c2=written))[1].counterparty


@every(
    ("text", "id_"),
    [
        *(("1" * CELL_MAX, "1" * CELL_MAX), ("/", ""), ("", ""), ("hb_7Q2M4K9X", "hb_7Q2M4K9X")),
        *(("1.0E", "1.0E"), ("12E5", "12E5"), ("１２", "１２")),
    ],
)
def test_an_id_is_any_text_that_no_spreadsheet_has_rounded(text, id_):
    """
    A number as a spreadsheet writes it has one digit before its point.
    """
    assert id_ == read_all(middle(c8=text))[1].id
