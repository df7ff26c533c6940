"""Bills for tests: rows as short as they can be, above which stands what a bill says of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hongbao.domain.bill import COLUMNS, Line
from hongbao.units import clock, yuan
from tests.wallet.world import NOON

Row = tuple[str, str, int]
"""收/支, 交易类型 and the amount in fen."""

ROWS: Sequence[Row] = (("支出", "转账", 66_66), ("收入", "微信红包", 32_34), ("/", "零钱充值", 1))
PERIOD = (NOON - timedelta(days=1), NOON + timedelta(days=30))


def bill(
    rows: Iterable[Row] = ROWS,
    *,
    first: datetime = NOON,
    period: tuple[datetime, datetime] = PERIOD,
) -> list[Line]:
    """Return the lines of a bill with *rows*, a second apart and the newest first."""
    told = [*rows]

    def total(name: str, *ways: str) -> str:
        amounts = [fen for way, _, fen in told if way in ways]
        return f"{name}：{len(amounts)}笔 {yuan(sum(amounts))}元"

    cells: list[list[str]] = [
        ["微信支付账单明细"],
        ["微信昵称：[小明]"],
        [f"起始时间：[{clock(period[0])}] 终止时间：[{clock(period[1])}]"],
        [f"共{len(told)}笔记录"],
        [total("收入", "收入")],
        [total("支出", "支出")],
        [total("中性交易", "/")],
        [*COLUMNS],
    ]
    for number, (way, kind, fen) in reversed([*enumerate(told)]):
        at = clock(first + timedelta(seconds=number))
        identity = f"42000000{number:06d}"
        cells.append(
            [at, kind, "小红", "/", way, f"¥{yuan(fen)}", "零钱", "支付成功", identity, "/", "/"]
        )
    return [*enumerate(cells, 1)]
