"""WeChat Pay's bill, as CSV and as a workbook: its shape, its rows, and who reads it."""

import csv
import io
import json
import sys
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import openpyxl
import pytest
from beancount.core.data import Transaction
from beancount_daoru.importers.wechat import Importer as Daoru

from hongbao import errors, statements
from hongbao.statements import _workbook, wechat, wechat_xlsx
from hongbao.statements._wechat import COLUMNS, row_of
from tests.every import every
from tests.statements.conftest import BEGUN_AT, CARD, HOSTILE
from tests.statements.reading import written
from tests.statements.test_formats import movement, statement

BANK = f"招商银行({CARD[-4:]})"
EMPTY = {
    "packet": None,
    "packet_kind": None,
    "shares": None,
    "greeting": None,
    "refunded_fen": None,
    "counterparty": None,
}
BY_CARD = {"card": "cmb-3334", "bank": "cmb", "card_tail": "3334"}
MOVED_AT_BANK = {**EMPTY, **BY_CARD}


class Bill(NamedTuple):
    """What any reader finds: the lines above, and a dictionary for each row."""

    preamble: list[str]
    rows: list[dict[str, Any]]

    def total(self, way: str) -> tuple[int, Decimal]:
        amounts = [row["金额(元)"] for row in self.rows if row["收/支"] == way]
        return len(amounts), sum(amounts, Decimal())


def from_csv(content: bytes) -> Bill:
    lines = [*csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)]
    rows = [dict(zip(lines[16], map(str.strip, line), strict=True)) for line in lines[17:]]
    for row in rows:
        assert row["金额(元)"].startswith("\u00a5")
        row["金额(元)"] = Decimal(row["金额(元)"][1:])
        row["交易时间"] = datetime.fromisoformat(row["交易时间"])
    return Bill([line[0] for line in lines[:16]], rows)


def from_xlsx(content: bytes) -> Bill:
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Sheet1"]
    lines = [*sheet.iter_rows(values_only=True)]
    rows = [dict(zip(map(str, lines[17]), line, strict=True)) for line in lines[18:]]
    for row in rows:
        row["金额(元)"] = Decimal(str(row["金额(元)"]))
    return Bill([str(line[0] or "") for line in lines[:17]], rows)


READERS = {"wechat": from_csv, "wechat-xlsx": from_xlsx}
BILLS = sorted(READERS)


def said(statement, format_name: str) -> Bill:
    return READERS[format_name](written(statement, format_name))


def saved(statement, format_name: str, folder: Path) -> Path:
    """Save *statement* under the name that a reader knows it by."""
    path = folder / statements.file_name(statement, format_name)
    statements.save(statement, format_name, path, True)
    return path


# --- its shape ------------------------------------------------------------------------------------


def test_the_csv_is_the_layout_that_every_importer_knows():
    """
    To the byte: the mark, commas behind blank lines too, U+00A5, quotes, and a tab behind ids.
    """
    expected = (
        "\ufeff微信支付账单明细,,,,,,,,\r\n"
        "微信昵称：[小明],,,,,,,,\r\n"
        "起始时间：[2026-11-01 00:00:00] 终止时间：[2026-11-30 23:59:59],,,,,,,,\r\n"
        "导出类型：[全部],,,,,,,,\r\n"
        "导出时间：[2026-12-01 00:00:00],,,,,,,,\r\n"
        ",,,,,,,,\r\n"
        "共2笔记录,,,,,,,,\r\n"
        "收入：0笔 0.00元,,,,,,,,\r\n"
        "支出：1笔 66.66元,,,,,,,,\r\n"
        "中性交易：1笔 10.10元,,,,,,,,\r\n"
        "注：,,,,,,,,\r\n"
        "1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易,,,,,,,,\r\n"
        "2. 本文件由 hongbao 按微信支付账单列格式生成，并非微信支付官方账单，所列银行均为演示银行"
        ",,,,,,,,\r\n"
        "3. 本明细仅供个人对账使用,,,,,,,,\r\n"
        ",,,,,,,,\r\n"
        "----------------------微信支付账单明细列表--------------------,,,,,,,,\r\n"
        "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注\r\n"
        '2026-11-30 23:59:59,零钱提现,"招商银行(3334)","/",/,\u00a510.10,"招商银行(3334)",'
        '"提现已到账","1000039501261130630962000000009\t","/\t","服务费\u00a50.10"\r\n'
        '2026-11-02 20:00:00,微信红包（群红包）,"发出群红包","/",支出,\u00a566.66,"零钱",'
        '"支付成功","1000039501261102630962000000007\t","hb_7Q2M4K9X\t","/"\r\n'
    )

    assert expected.encode() == written(statement(), "wechat")


def test_the_workbook_is_the_layout_of_march_2026():
    """
    One sheet called Sheet1, 17 merged lines of which the fourth note is one, and typed cells.
    """
    book = openpyxl.load_workbook(io.BytesIO(written(statement(), "wechat-xlsx")))

    sheet = book["Sheet1"]
    assert ["Sheet1"] == book.sheetnames
    assert [f"A{row}:K{row}" for row in range(1, 18)] == sorted(
        (str(merged) for merged in sheet.merged_cells.ranges),
        key=lambda name: int(name.partition(":")[0][1:]),
    )
    assert "微信支付账单明细" == sheet["A1"].value
    assert "4. 本账单中所有时间均为UTC+08:00时间" == sheet["A15"].value
    assert [*COLUMNS] == [cell.value for cell in sheet[18]]
    at, *_, number = (sheet[f"{column}19"] for column in "AFI")
    paid = sheet["F19"]
    assert (True, "2026-11-30 23:59:59") == (at.is_date, str(at.value))
    assert "yyyy-mm-dd hh:mm:ss" == at.number_format
    assert ("n", 10.1, r"\¥#,##0.00") == (paid.data_type, paid.value, paid.number_format)
    assert ("s", "1000039501261130630962000000009") == (
        "s" if number.data_type in ("s", "inlineStr") else number.data_type,
        number.value,
    )


def test_both_say_the_same(lived):
    """
    Line by line above, but for the one note, and row by row below.
    """
    with lived.desk() as desk, desk.statement() as opened:
        table, book = (said(opened, name) for name in BILLS)

    assert table.preamble == [line for line in book.preamble if not line.startswith("4. ")]
    assert table.rows == book.rows


@pytest.mark.parametrize("format_name", BILLS)
def test_a_period_in_which_nothing_moved_is_a_bill_too(format_name):
    """
    It says that it has no rows.
    """
    quiet = statement(closing_fen=10000, out_fen=0, count=0, lines=())

    bill = said(quiet, format_name)

    assert [] == bill.rows
    assert "共0笔记录" in bill.preamble
    assert {"收入：0笔 0.00元", "支出：0笔 0.00元", "中性交易：0笔 0.00元"} < {*bill.preamble}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "起始时间：[2026-11-01 00:00:00] 终止时间：[2026-11-30 23:59:59]"),
        (
            {"until": None, "ends_at": BEGUN_AT, "begins_at": BEGUN_AT},
            "起始时间：[2026-02-16 20:00:00] 终止时间：[2026-02-16 20:00:00]",
        ),
    ],
)
def test_the_period_ends_with_its_last_second(facts, expected):
    """
    A month's bill is that month's; one that goes up to now ends with what happened last.
    """
    assert expected == said(statement(**facts), "wechat").preamble[2]


def test_it_does_not_pass_itself_off():
    """
    The second note says who wrote it, and that its banks are a demo's.
    """
    for format_name in BILLS:
        note = said(statement(), format_name).preamble[12]

        assert note.startswith("2. 本文件由 hongbao 按微信支付账单列格式生成，并非微信支付官方账单")
        assert note.endswith("所列银行均为演示银行")


# --- its rows -------------------------------------------------------------------------------------


@every(
    ("facts", "expected"),
    [
        pytest.param(
            {"act": "topup", "amount_fen": 5000, "card_fen": -5000, **MOVED_AT_BANK},
            ("零钱充值", BANK, "/", "50.00", BANK, "充值完成", "/"),
            id="topup",
        ),
        pytest.param(
            {"act": "withdraw", "amount_fen": -10010, "card_fen": 10000, **MOVED_AT_BANK},
            ("零钱提现", BANK, "/", "100.10", BANK, "提现已到账", "服务费¥0.10"),
            id="withdraw",
        ),
        pytest.param(
            {"act": "withdraw", "amount_fen": -10000, "card_fen": 10000, **MOVED_AT_BANK},
            ("零钱提现", BANK, "/", "100.00", BANK, "提现已到账", "服务费¥0.00"),
            id="withdraw free",
        ),
        *(
            pytest.param(
                {
                    "act": "withdraw",
                    "amount_fen": -10000,
                    "card_fen": 10000,
                    "status": status,
                    **MOVED_AT_BANK,
                },
                ("零钱提现", BANK, "/", "100.00", "零钱", state, "服务费¥0.00"),
                id=f"withdraw {status}",
            )
            for status, state in (
                ("on_its_way", "提现处理中"),
                ("held", "提现审核中"),
                ("came_back", "提现失败"),
            )
        ),
        *(
            pytest.param(
                {
                    "act": "refund",
                    "amount_fen": 0,
                    "card_fen": 2000,
                    "status": status,
                    **BY_CARD,
                },
                ("微信红包-退款", "/", "收入", "20.00", BANK, state, "/"),
                id=f"refund {status}",
            )
            for status, state in (
                ("on_its_way", "已退款￥20.00，银行处理中"),
                ("came_back", "已退款￥20.00，未能退回银行卡"),
            )
        ),
        pytest.param(
            {"act": "withdraw_returned", "amount_fen": 10010, "card_fen": -10000, **MOVED_AT_BANK},
            ("零钱充值", BANK, "/", "100.10", "零钱", "已全额退款", "提现退回"),
            id="withdraw_returned",
        ),
        pytest.param(
            {"act": "returned", "amount_fen": 10010, "card_fen": -10000, **MOVED_AT_BANK},
            ("零钱充值", BANK, "/", "100.10", "零钱", "已全额退款", "提现退回（冻结期满退回）"),
            id="withdrawal returned",
        ),
        pytest.param(
            {"act": "rejected", "amount_fen": 10010, "card_fen": -10000, **MOVED_AT_BANK},
            ("零钱充值", BANK, "/", "100.10", "零钱", "已全额退款", "提现退回（审核未通过）"),
            id="withdrawal rejected",
        ),
        pytest.param(
            {"act": "send", "amount_fen": -6666},
            ("微信红包（群红包）", "发出群红包", "支出", "66.66", "零钱", "支付成功", "/"),
            id="send lucky",
        ),
        pytest.param(
            {"act": "send", "amount_fen": -6666, "refunded_fen": 2000, "packet_kind": "equal"},
            ("微信红包（群红包）", "发出群红包", "支出", "66.66", "零钱", "已退款(￥20.00)", "/"),
            id="send equal, partly refunded",
        ),
        pytest.param(
            {
                "act": "send",
                "amount_fen": -6666,
                "refunded_fen": 6666,
                "packet_kind": "exclusive",
                "shares": 1,
                "counterparty": "小红",
            },
            ("微信红包（单发）", "发给小红", "支出", "66.66", "零钱", "已全额退款", "/"),
            id="send exclusive, refunded",
        ),
        pytest.param(
            {"act": "send", "amount_fen": 0, "card_fen": -3000, "refunded_fen": 0, **BY_CARD},
            ("微信红包（群红包）", "发出群红包", "支出", "30.00", BANK, "支付成功", "/"),
            id="send by card",
        ),
        pytest.param(
            {"act": "claim", "amount_fen": 1234, "counterparty": "小红"},
            ("微信红包", "小红", "收入", "12.34", "/", "已存入零钱", "/"),
            id="claim",
        ),
        pytest.param(
            {"act": "released", "amount_fen": 1234, "counterparty": "小红"},
            ("微信红包", "小红", "收入", "12.34", "/", "已存入零钱", "/"),
            id="held claim released",
        ),
        pytest.param(
            {"act": "approved", "amount_fen": 1234, "counterparty": "小红"},
            ("微信红包", "小红", "收入", "12.34", "/", "已存入零钱", "/"),
            id="held claim approved",
        ),
        pytest.param(
            {"act": "refund", "amount_fen": 2000, "shares": 3},
            ("微信红包-退款", "/", "收入", "20.00", "零钱", "已退款￥20.00", "/"),
            id="refund",
        ),
        pytest.param(
            {"act": "refund", "amount_fen": 888, "shares": 1},
            ("微信红包-退款", "/", "收入", "8.88", "零钱", "已全额退款", "/"),
            id="refund of the only share",
        ),
        pytest.param(
            {"act": "refund", "amount_fen": 0, "card_fen": 2000, **BY_CARD},
            ("微信红包-退款", "/", "收入", "20.00", BANK, "已退款￥20.00", "/"),
            id="refund to the card",
        ),
        pytest.param(
            {"act": "refund_to_balance", "amount_fen": 2000, "card_fen": -2000, **BY_CARD},
            (
                *("零钱充值", BANK, "/", "20.00", BANK, "充值完成"),
                "红包退款未能退回银行卡，转入零钱",
            ),
            id="refund_to_balance",
        ),
        pytest.param(
            {"act": "returned", "amount_fen": 2000},
            ("微信红包-退款", "/", "收入", "20.00", "零钱", "已退款￥20.00", "/"),
            id="held share returned",
        ),
        pytest.param(
            {"act": "rejected", "amount_fen": 0, "card_fen": 2000, **BY_CARD},
            ("微信红包-退款", "/", "收入", "20.00", BANK, "已退款￥20.00", "/"),
            id="held share rejected, to the card",
        ),
    ],
)
def test_every_movement_has_its_row(facts, expected):
    """
    What moved, from or to whom, which way, by what and how it ended, in the bill's own words.
    """
    row = row_of(movement(**facts))

    assert row is not None
    amount = f"{_workbook.amount(row.amount_fen)}"
    assert expected == (row.kind, row.other, row.way, amount, row.method, row.status, row.note)


@pytest.mark.parametrize("act", ["claim", "send"])
def test_where_nothing_moved_there_is_no_row(act):
    """
    A claim that is held, say: its row is the one of its release.
    """
    assert row_of(movement(act=act, amount_fen=0)) is None


@pytest.mark.parametrize("format_name", BILLS)
def test_the_totals_are_the_rows(a_life, format_name):
    """
    A strict reader refuses a bill whose preamble counts anything else.
    """
    with a_life.desk() as desk, desk.statement() as opened:
        bill = said(opened, format_name)

    head = bill.preamble[6:10]
    assert f"共{len(bill.rows)}笔记录" == head[0]
    for name, way, line in zip(
        ("收入", "支出", "中性交易"), ("收入", "支出", "/"), head[1:], strict=True
    ):
        count, amount = bill.total(way)
        assert f"{name}：{count}笔 {amount:.2f}元" == line
    assert bill.rows == sorted(bill.rows, key=lambda row: row["交易单号"], reverse=True)


@pytest.mark.parametrize("format_name", BILLS)
def test_a_fen_that_was_changed_is_noticed(lived, format_name):
    """
    The preamble does not count what the rows do any more.
    """
    with lived.desk() as desk, desk.statement() as opened:
        bill = said(opened, format_name)
    way = bill.rows[0]["收/支"]
    count, amount = bill.total(way)
    assert any(line.endswith(f"{count}笔 {amount:.2f}元") for line in bill.preamble)

    bill.rows[0]["金额(元)"] += Decimal("0.01")

    count, amount = bill.total(way)
    assert not any(line.endswith(f"{count}笔 {amount:.2f}元") for line in bill.preamble)


def test_a_bill_that_was_cut_short_shows_it(lived):
    """
    It has fewer rows than it says at its beginning.
    """
    with lived.desk() as desk, desk.statement() as opened:
        content = written(opened, "wechat")
    said_first = f"共{len(from_csv(content).rows)}笔记录"

    short = from_csv(content[: content[:-2].rindex(b"\r\n") + 2])

    assert said_first == short.preamble[6]
    assert said_first != f"共{len(short.rows)}笔记录"


@pytest.mark.parametrize("format_name", BILLS)
def test_the_signature_beside_it_is_of_its_bytes(format_name, tmp_path):
    """
    All of them, so that one fen makes another file.
    """
    path = saved(statement(), format_name, tmp_path)

    signed = json.loads(statements.signature_file(path).read_bytes())

    assert (format_name, sha256(path.read_bytes()).hexdigest()) == (
        signed["format"],
        signed["sha256"],
    )


# --- what people type -----------------------------------------------------------------------------

WORST = (
    *HOSTILE,
    "a\r\n2026-11-01 00:00:00,微信红包,x,/,收入,¥9999.99,零钱,已存入零钱,1,1,/",
    'a"\r\n"b',
    "\u2028\x85\x0b\x0c\x1c\x1d\x1e",
    "]起始时间：[1999-01-01",
    "\x1b[2J\x00\ud800\u202e",
    "<r><t>x</t></r></is></c></row>",
    "/",
)


@every("format_name", BILLS)
@every("text", WORST)
def test_no_name_adds_a_row_or_a_formula(format_name, text):
    """
    Whatever a profile might be called, the rows are what they were, and every line is one line.
    """
    hostile = statement(
        movement(act="claim", amount_fen=500, balance_fen=10500, counterparty=text),
        profile=text.replace("\ud800", ""),  # which no store could have kept
        closing_fen=10500,
        in_fen=500,
        out_fen=0,
        count=1,
    )

    bill = said(hostile, format_name)

    assert 1 == len(bill.rows)
    assert (Decimal("5.00"), "收入") == (bill.rows[0]["金额(元)"], bill.rows[0]["收/支"])
    assert bill.rows[0]["交易对方"].isprintable() or "\u200d" in text
    if format_name == "wechat":
        lines = written(hostile, "wechat").decode("utf-8-sig").splitlines()
        assert 18 == len(lines)
        assert not bill.rows[0]["交易对方"].startswith(("=", "+", "-", "@", "＝"))


@pytest.mark.parametrize("format_name", BILLS)
def test_a_masked_bill_hides_names(lived, format_name):
    """
    The holder's, and those of the others.
    """
    with lived.desk() as desk, desk.statement(masked=True) as opened:
        bill = said(opened, format_name)

    assert "微信昵称：[张*]" == bill.preamble[1]
    assert "发给B**" in {row["交易对方"] for row in bill.rows}


# --- the programs that read it --------------------------------------------------------------------

CHINA_BEAN = {
    "importers": {
        "wechat": {
            "account": "Assets:WeChat",
            "lingqiantong_account": "Assets:WeChat:Fund",
            "red_packet_income_account": "Income:WeChat:RedPacket",
            "red_packet_expense_account": "Expenses:WeChat:RedPacket",
        }
    },
    "card_accounts": {"Assets:Card": {"CMB": [CARD[-4:]]}},
    "detail_mappings": [],
    "unknown_expense_account": "Expenses:Unknown",
    "unknown_income_account": "Income:Unknown",
}


@pytest.fixture
def china_bean(monkeypatch):
    """
    china_bean_importers' reader of WeChat bills.

    The package's first file still asks for a module that was Beancount 2's. Its readers for
    Beancount 3 stand beside and need nothing of it.
    """
    ingest: Any = ModuleType("beancount.ingest")
    ingest.importer = SimpleNamespace(ImporterProtocol=object)
    monkeypatch.setitem(sys.modules, "beancount.ingest", ingest)
    from china_bean_importers.beangulp.wechat import Importer

    return Importer(CHINA_BEAN)


def booked(entries, account: str) -> int:
    """Return what *entries* post to *account* in fen; the leg that has no amount balances."""
    total = Decimal()
    for entry in entries:
        first, second = entry.postings
        assert second.units is None
        total += first.units.number * ((first.account == account) - (second.account == account))
    return int(total * 100)


def moved_fen(lines) -> tuple[int, int]:
    """
    Return what *lines* did to the balance and to the card, as the readers have it.

    They book a fee to the card, because a bill says it only in the withdrawal's note.
    """
    balance_fen = sum(line["amount_fen"] for line in lines)
    card_fen = sum(
        -line["amount_fen"] if line["amount_fen"] else line["card_fen"]
        for line in lines
        if line["card_fen"] is not None
    )
    return balance_fen, card_fen


def check_china_bean(china_bean, home, folder):
    with home.desk() as desk, desk.statement() as opened:
        lines = [*opened.lines]
        path = saved(opened, "wechat", folder)

        assert china_bean.identify(str(path))
        entries = china_bean.extract(str(path))

        assert opened.closing_fen == opened.opening_fen + booked(entries, "Assets:WeChat")
    card = f"Assets:Card:CMB:{CARD[-4:]}"
    assert moved_fen(lines) == (booked(entries, "Assets:WeChat"), booked(entries, card))
    assert not any(
        posting.account.endswith("Unknown") for entry in entries for posting in entry.postings
    )
    ours = {
        line["id"].removeprefix("HB") for line in lines if line["amount_fen"] or line["card_fen"]
    }
    assert ours == {entry.meta["serial"] for entry in entries}
    return entries


def test_china_bean_importers_reads_every_act(china_bean, lived, tmp_path):
    """
    Its balance and its card's are ours, to the fen, it finds an account for each row, and calls the
    other side by name.
    """
    entries = check_china_bean(china_bean, lived, tmp_path)

    assert {"Bob", "发出群红包", BANK, "张三"} == {entry.payee for entry in entries if entry.payee}
    assert (date(2026, 2, 16), "to.2026-02-17.csv") == (
        china_bean.start.date(),
        china_bean.filename("x.csv"),
    )


def test_china_bean_importers_reads_any_life(china_bean, a_life, tmp_path):
    """
    Whatever happened, and whatever greetings said.
    """
    check_china_bean(china_bean, a_life, tmp_path)


def test_china_bean_importers_balances_what_came_back(china_bean, tmp_path):
    """
    A withdrawal that the bank refused and a refund that found no card leave nothing behind.
    """
    lines = (
        movement(
            act="withdraw",
            amount_fen=-1010,
            balance_fen=8990,
            card_fen=1000,
            status="came_back",
            **MOVED_AT_BANK,
        ),
        movement(
            act="withdraw_returned",
            amount_fen=1010,
            balance_fen=10000,
            card_fen=-1000,
            **MOVED_AT_BANK,
        ),
        movement(act="send", amount_fen=0, balance_fen=10000, card_fen=-3000, **BY_CARD),
        movement(
            act="refund",
            amount_fen=0,
            balance_fen=10000,
            card_fen=3000,
            status="came_back",
            **BY_CARD,
        ),
        movement(
            act="refund_to_balance",
            amount_fen=3000,
            balance_fen=13000,
            card_fen=-3000,
            **BY_CARD,
        ),
    )
    path = saved(
        statement(*lines, closing_fen=13000, in_fen=4010, out_fen=1010, count=5), "wechat", tmp_path
    )

    assert china_bean.identify(str(path))
    entries = china_bean.extract(str(path))

    card = f"Assets:Card:CMB:{CARD[-4:]}"
    assert (3000, -3000) == (booked(entries, "Assets:WeChat"), booked(entries, card))
    assert 0 == booked(entries, "Expenses:WeChat:RedPacket")
    assert (1010, -1010) == (
        booked(entries, "Expenses:Unknown"),
        booked(entries, "Income:Unknown"),
    )


@pytest.mark.parametrize("status", ["on_its_way", "held"])
def test_importers_do_not_book_on_the_bank_what_is_on_its_way(china_bean, status, tmp_path):
    """
    One books it against an account that nobody knows, with a warning; the other flags the row.
    """
    facts = {"amount_fen": -1010, "balance_fen": 8990, "card_fen": 1000, "status": status}
    one = statement(
        movement(act="withdraw", **facts, **MOVED_AT_BANK), closing_fen=8990, out_fen=1010, count=1
    )

    path = saved(one, "wechat", tmp_path)
    assert china_bean.identify(str(path))
    entries = china_bean.extract(str(path))
    assert (-1010, 1010, 0) == tuple(
        booked(entries, account)
        for account in ("Assets:WeChat", "Expenses:Unknown", f"Assets:Card:CMB:{CARD[-4:]}")
    )
    path = saved(one, "wechat-xlsx", tmp_path)
    daoru = Daoru(account_mapping={one.profile: METHODS}, currency_mapping={None: "CNY"})
    assert daoru.identify(str(path))
    entries = daoru.extract(str(path), [])
    [entry] = [each for each in entries if isinstance(each, Transaction)]
    assert ("!", []) == (entry.flag, [*entry.postings])


def test_what_is_imported_again_is_known_by_its_number(china_bean, lived, tmp_path):
    """
    Two bills whose periods overlap give a movement the same number, and no number twice.
    """
    serials = []
    with lived.desk() as desk:
        for since in (None, BEGUN_AT.replace(day=17)):
            with desk.statement(since=since) as opened:
                path = saved(opened, "wechat", tmp_path)
            assert china_bean.identify(str(path))
            serials.append([entry.meta["serial"] for entry in china_bean.extract(str(path))])

    whole, part = serials
    assert {1} == {*Counter(whole).values()}
    assert {*part} < {*whole}


METHODS = {
    None: "Assets:WeChat",
    "/": "Assets:WeChat",  # what was claimed says no more of where it went
    "零钱": "Assets:WeChat",
    BANK: "Assets:Card",
    "零钱提现服务费": "Expenses:Fees",
}


def check_daoru(home, folder):
    """
    Read a statement of *home* with beancount-daoru 0.3.1 and compare its balance with ours.

    Two things it does by itself, with a bill from WeChat as well: it books a withdrawal the wrong
    way round, and it knows no packets to a group, which it flags, leaves undated and without
    postings rather than lose them.
    """
    with home.desk() as desk, desk.statement() as opened:
        path = saved(opened, "wechat-xlsx", folder)
        daoru = Daoru(account_mapping={opened.profile: METHODS}, currency_mapping={None: "CNY"})

        assert daoru.identify(str(path))
        entries: list[Any] = daoru.extract(str(path), [])

        balance = Decimal()
        for entry in entries:
            if entry.flag == "!":
                row = entry.meta["__source__"]
                assert "微信红包（群红包）" in row
                paid = Decimal(row.partition("'金额(元)': '")[2].partition("'")[0])
                balance -= paid if "'支付方式': '零钱'" in row else 0
                continue
            way = -1 if entry.meta["type"] == "零钱提现" else 1
            balance += way * sum(
                posting.units.number
                for posting in entry.postings
                if posting.account == "Assets:WeChat"
            )
        assert opened.closing_fen == opened.opening_fen + int(balance * 100)
        days = Counter(line["at"][:10] for line in opened.lines if line["amount_fen"])
    return entries, days


def test_daoru_reads_every_act(lived, tmp_path):
    """
    It knows the file by its name, and each row by its day, its time and its words.
    """
    entries, days = check_daoru(lived, tmp_path)

    read = [entry for entry in entries if entry.flag == "*"]
    assert {*days} == {str(entry.date) for entry in read}
    assert {"20:00:00", "21:00:00"} == {entry.meta["time"][:8] for entry in read}
    assert {"零钱充值", "零钱提现", "微信红包", "微信红包（单发）", "微信红包-退款"} == {
        entry.meta["type"] for entry in read
    }
    assert {"Bob", BANK, "张三", None} == {entry.payee for entry in read}


def test_daoru_reads_any_life(a_life, tmp_path):
    """
    Whatever happened, and whatever greetings said.
    """
    check_daoru(a_life, tmp_path)


# --- its file -------------------------------------------------------------------------------------


def test_its_file_has_the_name_that_readers_know():
    """
    Its days, and for the workbook when it was made, which is when the statement ends.
    """
    so_far = statement(until=None, ends_at=datetime.fromisoformat("2026-11-23T01:30:00+00:00"))

    assert "微信支付账单(20261101-20261130).csv" == wechat.file_name(statement())
    assert "微信支付账单(20261101-20261123).csv" == wechat.file_name(so_far)
    assert "微信支付账单流水文件(20261101-20261130)_20261201000000.xlsx" == wechat_xlsx.file_name(
        statement()
    )
    assert "微信支付账单流水文件(20261101-20261123)_20261123093000.xlsx" == wechat_xlsx.file_name(
        so_far
    )


@pytest.mark.parametrize("format_name", BILLS)
def test_its_name_chooses_the_format(format_name):
    """
    Another file of that ending is another format's.
    """
    name = statements.file_name(statement(), format_name)

    assert format_name == statements.format_of(name)
    assert format_name != statements.format_of(f"a{name}")


def test_what_does_not_fit_on_a_sheet_is_refused(monkeypatch):
    """
    Before a byte of it is there: a sheet drops what is beyond its last row.
    """
    monkeypatch.setattr(_workbook, "ROWS_MAX", 19)
    out = io.BytesIO()

    with pytest.raises(errors.StatementTooLong) as refused:
        statements.write(statement(), "wechat-xlsx", out)

    assert {"form": "xlsx", "count": 2, "count_max": 1} == refused.value.facts
    assert b"" == out.getvalue()


def test_lines_are_read_as_often_as_is_said():
    """
    A progress bar counts on it.
    """
    seen: list[int] = []
    for format_name in BILLS:
        statements.write(statement(), format_name, io.BytesIO(), watch=seen.append)

        assert 2 * statements.passes(format_name) == seen.pop()
