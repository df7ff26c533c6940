"""
A WeChat Pay bill: its rows and the lines above them, for the CSV and the workbook.

No official description of the bill is known; its shape is what public samples and the programs that
read them agree on. Those programs compare words, so every word here is one that they know.
"""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.ids import MOVEMENT_PREFIX
from hongbao.statements._bank import first_and_last
from hongbao.statements._legs import Place, legs
from hongbao.statements._wording import bank_of, plain, words_of
from hongbao.units import clock, yuan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hongbao.answers import MovementLine
    from hongbao.queries.statement import Statement
    from hongbao.statements import Sheet
    from hongbao.statements._legs import Leg

BEGINNING = "微信支付账单"
"""How the name of every such file begins, which tells it from other files of its ending."""

COLUMNS = (
    *("交易时间", "交易类型", "交易对方", "商品", "收/支", "金额(元)", "支付方式", "当前状态"),
    *("交易单号", "商户单号", "备注"),
)

NOTES = (
    "注：",
    "1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易",
    "2. 本文件由 hongbao 按微信支付账单列格式生成，并非微信支付官方账单，所列银行均为演示银行",
    "3. 本明细仅供个人对账使用",
)
"""The second is ours, and honest: readers need the line, not what WeChat says in it."""

RULE = "----------------------微信支付账单明细列表--------------------"

NOTHING = "/"
BALANCE = "零钱"

INCOME, EXPENSE, NEUTRAL = "收入", "支出", NOTHING


class Row(NamedTuple):
    """One row of the bill. *amount_fen* is above zero: *way* says which way it went."""

    at: datetime  # China's, to the second, and naive: a spreadsheet knows no offsets
    kind: str
    other: str
    way: str
    amount_fen: int
    method: str
    status: str
    number: str
    merchant: str
    note: str


class Total(NamedTuple):
    """The sum of one of the bill's three classes."""

    rows: int = 0
    amount_fen: int = 0

    def __str__(self) -> str:
        return f"{self.rows}笔 {yuan(self.amount_fen)}元"


class Totals:
    """The sums of a bill's classes: it adds up its own rows, and strict readers do too."""

    def __init__(self) -> None:
        self.of = {INCOME: Total(), EXPENSE: Total(), NEUTRAL: Total()}

    def added(self, rows: "Iterable[Row]") -> "Iterator[Row]":
        """Yield *rows*, each of which is added up on its way."""
        for row in rows:
            before = self.of[row.way]
            self.of[row.way] = Total(before.rows + 1, before.amount_fen + row.amount_fen)
            yield row


def rows(sheet: "Sheet") -> "Iterator[Row]":
    """Yield the rows of *sheet*, newest first as a bill has them."""
    return (row for row in map(row_of, reversed(sheet.lines)) if row is not None)


def preamble(sheet: "Sheet", of: Totals) -> tuple[str, ...]:
    """Return the lines above the notes, with ``""`` for a blank one, for what was added up."""
    statement, totals = sheet.statement, of.of
    first, last = first_and_last(statement)
    return (
        "微信支付账单明细",
        f"微信昵称：[{plain(statement.profile)}]",
        f"起始时间：[{clock(first)}] 终止时间：[{clock(last)}]",
        "导出类型：[全部]",
        f"导出时间：[{clock(statement.ends_at)}]",  # not now: the same period is the same bytes
        "",
        f"共{sum(total.rows for total in totals.values())}笔记录",
        f"收入：{totals[INCOME]}",
        f"支出：{totals[EXPENSE]}",
        f"中性交易：{totals[NEUTRAL]}",
    )


def days(statement: "Statement") -> str:
    """Return the first and the last day of *statement* as the names of such files have them."""
    first, last = first_and_last(statement)
    return f"{first:%Y%m%d}-{last:%Y%m%d}"


def row_of(line: "MovementLine") -> Row | None:
    """
    Return *line* as the bill says it, or None if nothing moved: a claim that is held, say.

    What a payment's status says is how it stood at the end of the period. A withdrawal that had not
    come to its card then names the balance as what paid it, and what comes back of one is a top-up
    out of it: readers book both against an unknown account rather than against the card.
    WeChat's own words for a withdrawal that failed are 提现失败，已退回零钱, at which readers drop
    the row, and with it the amount, because WeChat has no row for what came back. So ours are not
    the same.
    """
    moved = [*legs(line)]
    if not moved:
        return None
    leg = moved[0]
    amount_fen = sum(part.amount_fen for part in moved)
    said = _said(line, leg, amount_fen)
    if leg.kind == "withdraw":
        fee_fen = amount_fen - leg.amount_fen
        said = said._replace(note=f"服务费¥{yuan(fee_fen)}")
    return Row(
        at=datetime.fromisoformat(line["at"][:19]),
        kind=said.kind,
        other=said.other,
        way=said.way,
        amount_fen=amount_fen,
        method=said.method,
        status=said.status,
        number=line["id"].removeprefix(MOVEMENT_PREFIX),  # digits, as a bill has them
        merchant=line["packet"] or NOTHING,
        note=said.note,
    )


_WITHDRAWALS = {
    "done": "提现已到账",
    "on_its_way": "提现处理中",
    "held": "提现审核中",
    "came_back": "提现失败",
}

_REFUNDS = {"on_its_way": "，银行处理中", "came_back": "，未能退回银行卡"}
"""What follows 已退款￥20.00, by which readers know a refund."""


class _Said(NamedTuple):
    kind: str
    other: str
    way: str
    method: str
    status: str
    note: str = NOTHING


def _said(line: "MovementLine", leg: "Leg", amount_fen: int) -> _Said:
    """Return the words for *leg*, the first one of *line*, whose legs are *amount_fen* together."""
    bank, name = bank_of(line), plain(line["counterparty"] or "") or NOTHING
    method = bank if Place.CARD in (leg.out_of, leg.into) else BALANCE
    match leg.kind:
        case "topup":
            return _Said("零钱充值", bank, NEUTRAL, bank, "充值完成")
        case "withdraw":
            stands = line["status"]
            method = bank if stands == "done" else BALANCE
            return _Said("零钱提现", bank, NEUTRAL, method, _WITHDRAWALS[stands])
        case "withdraw_returned":
            why = words_of(line, leg).narration
            return _Said("零钱充值", bank, NEUTRAL, BALANCE, "已全额退款", why)
        case "refund_to_balance":
            why = words_of(line, leg).narration
            return _Said("零钱充值", bank, NEUTRAL, bank, "充值完成", why)
        case "send":
            alone = line["packet_kind"] == "exclusive"
            kind = "微信红包（单发）" if alone else "微信红包（群红包）"
            other = f"发给{name}" if alone else "发出群红包"
            refunded_fen = line["refunded_fen"] or 0
            status = "支付成功"
            if refunded_fen == amount_fen:
                status = "已全额退款"
            elif refunded_fen:
                status = f"已退款(￥{yuan(refunded_fen)})"
            return _Said(kind, other, EXPENSE, method, status)
        case "claim":
            return _Said("微信红包", name, INCOME, NOTHING, "已存入零钱")
        case "refund":
            status = f"已退款￥{yuan(amount_fen)}"
            if line["status"] != "done":
                status += _REFUNDS[line["status"]]
                method = bank
            elif line["shares"] == 1:
                status = "已全额退款"
            return _Said("微信红包-退款", NOTHING, INCOME, method, status)
        case kind:
            raise AssertionError(f"a bill has no row for {kind!r}")
