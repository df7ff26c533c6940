"""
A workbook of our own: cells that are dates and numbers, headings in Chinese and in English.

The first sheet has a movement a row, between its opening and its closing balance, and the second
what is true of the whole. Both languages are side by side, so one file serves every reader.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import SCHEMA, Sheet
from hongbao.statements._workbook import Value, amount, check_fits, instant, workbook
from hongbao.units import iso

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.answers import MovementLine
    from hongbao.queries.statement import Statement

ENDINGS = (".xlsx",)
FULL = True

_INSTANT, _AMOUNT, _TEXT, _WHOLE = "yyyy-mm-dd hh:mm:ss", "#,##0.00", "@", "0"

COLUMNS = (
    ("时间 Time", 20, _INSTANT),
    ("事项 What", 26, _TEXT),
    ("金额 Amount", 14, _AMOUNT),
    ("余额 Balance", 14, _AMOUNT),
    ("对方 Counterparty", 20, _TEXT),
    ("红包 Packet", 14, _TEXT),
    ("红包种类 Kind", 16, _TEXT),
    ("份数 Shares", 11, _WHOLE),
    ("祝福语 Greeting", 30, _TEXT),
    ("已退回 Refunded", 14, _AMOUNT),
    ("银行卡 Card", 14, _TEXT),
    ("银行卡金额 Card amount", 22, _AMOUNT),
    ("手续费 Fee", 12, _AMOUNT),
    ("状态 Status", 22, _TEXT),
    ("编号 ID", 36, _TEXT),
    ("账目 Entry", 12, _WHOLE),
    ("请求号 Request ID", 36, _TEXT),
)
"""Each column's heading, its width in characters, and its number format."""

OPENING, CLOSING = "期初 Opening", "期末 Closing"

ACTS = {
    "topup": "充值 Top-up",
    "withdraw": "提现 Withdrawal",
    "withdraw_returned": "提现退回 Withdrawal came back",
    "send": "发出红包 Packet sent",
    "claim": "领取红包 Packet claimed",
    "refund": "红包退回 Packet returned",
    "refund_to_balance": "红包退回改入零钱 Return did not reach the card",
    "released": "冻结解冻 Released",
    "returned": "冻结退回 Returned",
    "approved": "审核通过 Approved",
    "rejected": "审核未通过 Rejected",
}

STATUSES = {
    "done": "完成 Done",
    "held": "冻结 On hold",
    "on_its_way": "处理中 In transit",
    "came_back": "未成功 Came back",
}
CARD_GONE = "银行卡已解绑 Card removed"

KINDS = {"lucky": "拼手气 Lucky", "equal": "普通 Equal", "exclusive": "专属 Exclusive"}


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a workbook, its movements oldest first."""
    statement = sheet.statement
    check_fits(statement, beside=3)  # the headings, the opening and the closing balance
    with workbook(out, statement.ends_at) as book:
        heading = book.look(bold=True, bottom=1)
        looks = {form: book.look(num_format=form) for _, _, form in COLUMNS}
        in_row = [looks[form] for _, _, form in COLUMNS]

        page = book.page("明细 Movements", [width for _, width, _ in COLUMNS])
        page.row((name for name, _, _ in COLUMNS), [heading] * len(COLUMNS))
        page.freeze()
        since, until = _instant(statement.since), _instant(statement.until)
        page.row((since, OPENING, None, amount(statement.opening_fen)), in_row)
        for line in sheet.lines:
            page.row(_movement(line), in_row)
        page.row((until, CLOSING, None, amount(statement.closing_fen)), in_row)

        page = book.page("账单 Statement", (24, 68))
        for name, fact, form in _facts(statement):
            page.row((name, fact), (heading, looks[form]))


def _movement(line: "MovementLine") -> tuple[Value, ...]:
    return (
        instant(line["at"]),
        ACTS[line["act"]],
        amount(line["amount_fen"]),
        amount(line["balance_fen"]),
        line["counterparty"],
        line["packet"],
        KINDS[line["packet_kind"]] if line["packet_kind"] else None,
        line["shares"],
        line["greeting"],
        amount(line["refunded_fen"]),
        line["card"],
        amount(line["card_fen"]),
        amount(line["fee_fen"]),
        _status(line),
        line["id"],
        line["entry"],
        line["request_id"],
    )


def _status(line: "MovementLine") -> str:
    return CARD_GONE if line["card_gone"] else STATUSES[line["status"]]


def _facts(statement: "Statement") -> Iterator[tuple[str, Value, str]]:
    """Yield what is true of the whole: its name, the fact, and how it is shown."""
    yield "格式 Schema", SCHEMA, _TEXT
    yield "用户 Profile", statement.profile, _TEXT
    yield "姓名 Real name", statement.holder["real_name"], _TEXT
    yield "身份证号码 ID number", statement.holder["id_number"], _TEXT
    for card in statement.holder["cards"]:
        yield "银行卡 Card", f"{card['card']} {card['number']}", _TEXT
    yield "开始 From", _instant(statement.since), _INSTANT
    yield "结束 To", _instant(statement.until), _INSTANT
    yield "期初余额 Opening", amount(statement.opening_fen), _AMOUNT
    yield "收入 In", amount(statement.in_fen), _AMOUNT
    yield "支出 Out", amount(statement.out_fen), _AMOUNT
    yield "期末余额 Closing", amount(statement.closing_fen), _AMOUNT
    yield "笔数 Count", statement.count, _WHOLE
    yield "账本末端 Head", statement.head["entry"], _WHOLE
    yield "末端封印 Seal", statement.head["mac"], _TEXT
    yield "签名公钥 Public key", statement.signer.public_key.hex(), _TEXT


def _instant(at: "datetime | None") -> "datetime | None":
    return None if at is None else instant(iso(at))
