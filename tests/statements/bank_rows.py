"""What banks' formats must say: every kind of movement with its rows, and the worst of texts."""

from itertools import accumulate
from typing import Any, NamedTuple

from tests.statements.test_formats import movement, statement

CARD = {
    **dict.fromkeys(("packet", "packet_kind", "shares", "greeting", "refunded_fen")),
    "card": "cmb-3334",
    "bank": "cmb",
    "card_tail": "3334",
}
BY_CARD = {"card": "cmb-3334", "bank": "cmb", "card_tail": "3334"}
BANK = "招商银行(3334)"
TRANSIT = "在途资金"


class Row(NamedTuple):
    """What a movement's row says, beside its id and its day."""

    amount_fen: int
    kind: str
    payee: str
    narration: str


KINDS: tuple[tuple[str, dict[str, Any], tuple[Row, ...]], ...] = (
    (
        "topup",
        {**CARD, "amount_fen": 500_00, "card_fen": -500_00},
        (Row(500_00, "topup", BANK, "零钱充值"),),
    ),
    (
        "withdraw",
        {**CARD, "amount_fen": -100_00, "card_fen": 100_00, "fee_fen": 0},
        (Row(-100_00, "withdraw", BANK, "零钱提现"),),
    ),
    (
        "withdraw",
        {**CARD, "amount_fen": -100_10, "card_fen": 100_00, "fee_fen": 10},
        (
            Row(-100_00, "withdraw", BANK, "零钱提现"),
            Row(-10, "fee", "hongbao", "提现服务费"),
        ),
    ),
    (
        "withdraw_returned",
        {**CARD, "amount_fen": 100_10, "card_fen": -100_00},
        (
            Row(100_00, "withdraw_returned", TRANSIT, "提现退回"),
            Row(10, "fee_returned", "hongbao", "提现服务费退回"),
        ),
    ),
    (
        "rejected",
        {**CARD, "amount_fen": 100_00, "card_fen": -100_00},
        (Row(100_00, "withdraw_returned", TRANSIT, "提现退回（审核未通过）"),),
    ),
    (
        "withdraw",
        {**CARD, "amount_fen": -100_10, "card_fen": 100_00, "fee_fen": 10, "status": "on_its_way"},
        (
            Row(-100_00, "withdraw", TRANSIT, "零钱提现（处理中）"),
            Row(-10, "fee", "hongbao", "提现服务费（处理中）"),
        ),
    ),
    (
        "send",
        {"amount_fen": -66_66},
        (Row(-66_66, "send", "红包", "拼手气红包 3个"),),
    ),
    (
        "send",
        {"amount_fen": -20_00, "packet_kind": "equal", "shares": 2},
        (Row(-20_00, "send", "红包", "普通红包 2个"),),
    ),
    (
        "send",
        {"amount_fen": -8_88, "packet_kind": "exclusive", "shares": 1, "counterparty": "小红"},
        (Row(-8_88, "send", "小红", "专属红包"),),
    ),
    ("send", {**BY_CARD, "amount_fen": 0, "card_fen": -30_00}, ()),
    (
        "claim",
        {"amount_fen": 3_21, "counterparty": "小红"},
        (Row(3_21, "claim", "小红", "领取红包"),),
    ),
    ("claim", {"amount_fen": 0, "counterparty": "小红"}, ()),  # held
    (
        "released",
        {"amount_fen": 3_21, "counterparty": "小红"},
        (Row(3_21, "claim", "小红", "领取红包（冻结期满解冻）"),),
    ),
    (
        "approved",
        {"amount_fen": 1, "counterparty": "小红"},
        (Row(1, "claim", "小红", "领取红包（审核通过）"),),
    ),
    (
        "refund",
        {"amount_fen": 25_33},
        (Row(25_33, "refund", "红包", "红包过期退回"),),
    ),
    ("refund", {**BY_CARD, "amount_fen": 0, "card_fen": 25_33}, ()),
    (
        "refund_to_balance",
        {**BY_CARD, "amount_fen": 25_33, "card_fen": -25_33},
        (Row(25_33, "refund_to_balance", TRANSIT, "红包退款未能退回银行卡，转入零钱"),),
    ),
    (
        "returned",
        {"amount_fen": 9_99},
        (Row(9_99, "refund", "红包", "红包退回（冻结期满退回）"),),
    ),
    ("rejected", {**BY_CARD, "amount_fen": 0, "card_fen": 30_00}, ()),
)
"""An act, its facts, and what it does to the balance. What only a card knows of has no row."""


def stated(*told: dict[str, Any], opening_fen: int = 1_000_00, **facts: Any) -> Any:
    """Return the statement of movements that are *told* by their facts, added up."""
    amounts_fen = [each.get("amount_fen", -66_66) for each in told]
    balances_fen = [*accumulate(amounts_fen, initial=opening_fen)]
    lines = [
        movement(
            **{
                "id": f"HB1000039501261102630962{number:09d}",
                "entry": number,
                "balance_fen": balance_fen,
                **each,
            }
        )
        for number, (each, balance_fen) in enumerate(zip(told, balances_fen[1:], strict=True), 1)
    ]
    return statement(
        opening_fen=opening_fen,
        closing_fen=balances_fen[-1],
        in_fen=sum(amount for amount in amounts_fen if amount > 0),
        out_fen=-sum(amount for amount in amounts_fen if amount < 0),
        count=len(lines),
        **{"lines": lines, **facts},
    )


WORST = (
    *("</MEMO></STMTTRN><STMTTRN>", "</Ustrd></RmtInf>", "<TRNAMT>1.00", "<!-- x -->"),
    *("<![CDATA[x]]>", "]]>", "-->", "&", "&amp;", "&lt;b&gt;", "&#65;", "&nbsp;", "<!ENTITY x>"),
    *("<?xml?>", '"', "'", "a:b", "<>", "</>", "{id}", "%s", "\\", "=1+1", "👨‍👩‍👧", "é"),
)
"""What some reader of tags would take for more than text."""

UNSAYABLE = "\x00\x08\x0b\x1b[2J\x7f\x85\u2028\u202e\ud800\udfff\ufffe\uffff\U000e0041\r\n\t"
"""What XML 1.0 forbids, or a screen obeys, or a line ends with."""
