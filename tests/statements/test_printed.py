"""The words and rows of the printed page, in both languages."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hongbao import statements, words
from hongbao.statements._printed import Printed
from hongbao.statements._wording import plain
from tests.every import every
from tests.statements.bank_rows import BY_CARD, CARD, UNSAYABLE, stated
from tests.statements.test_formats import NOVEMBER, movement, statement

KINDS = (
    # act, its facts, what it is called, with whom, what it did to the card and to the balance
    (
        "topup",
        {**CARD, "amount_fen": 500_00, "card_fen": -500_00},
        ("Top-up", "充值"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-500.00", "+500.00"),
    ),
    (
        "withdraw",
        {**CARD, "amount_fen": -100_00, "card_fen": 100_00, "fee_fen": 0},
        ("Withdrawal", "提现"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("+100.00", "-100.00"),
    ),
    (
        "withdraw",
        {**CARD, "amount_fen": -100_10, "card_fen": 100_00, "fee_fen": 10},
        ("Withdrawal · fee 0.10", "提现 · 手续费0.10"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("+100.00", "-100.10"),
    ),
    (
        "withdraw_returned",
        {**CARD, "amount_fen": 100_10, "card_fen": -100_00},
        ("Withdrawal returned", "提现退回"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-100.00", "+100.10"),
    ),
    (
        "returned",
        {**CARD, "amount_fen": 100_10, "card_fen": -100_00},
        ("Held withdrawal returned", "冻结提现退回"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-100.00", "+100.10"),
    ),
    (
        "rejected",
        {**CARD, "amount_fen": 100_00, "card_fen": -100_00},
        ("Held withdrawal rejected", "冻结提现审核未通过"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-100.00", "+100.00"),
    ),
    (
        "send",
        {"amount_fen": -66_66},
        ("Lucky packet sent · for 3", "发出拼手气红包 · 3个"),
        ("", ""),
        ("", "-66.66"),
    ),
    (
        "send",
        {"amount_fen": -20_00, "packet_kind": "equal", "shares": 2},
        ("Equal packet sent · for 2", "发出普通红包 · 2个"),
        ("", ""),
        ("", "-20.00"),
    ),
    (
        "send",
        {"amount_fen": -8_88, "packet_kind": "exclusive", "shares": 1, "counterparty": "小红"},
        ("Exclusive packet sent", "发出专属红包"),
        ("小红", "小红"),
        ("", "-8.88"),
    ),
    (
        "send",
        {**BY_CARD, "amount_fen": 0, "card_fen": -30_00},
        ("Lucky packet sent · for 3", "发出拼手气红包 · 3个"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-30.00", "0.00"),
    ),
    (
        "claim",
        {"amount_fen": 3_21, "counterparty": "小红"},
        ("Packet claimed", "领取红包"),
        ("小红", "小红"),
        ("", "+3.21"),
    ),
    (
        "claim",
        {"amount_fen": 0, "counterparty": "小红"},
        ("Packet claimed · held", "领取红包 · 冻结"),
        ("小红", "小红"),
        ("", "0.00"),
    ),
    (
        "released",
        {"amount_fen": 3_21, "counterparty": "小红"},
        ("Held packet released", "冻结红包解冻"),
        ("小红", "小红"),
        ("", "+3.21"),
    ),
    (
        "approved",
        {"amount_fen": 1, "counterparty": "小红"},
        ("Held packet approved", "冻结红包审核通过"),
        ("小红", "小红"),
        ("", "+0.01"),
    ),
    (
        "refund",
        {"amount_fen": 25_33},
        ("Packet returned", "红包退回"),
        ("", ""),
        ("", "+25.33"),
    ),
    (
        "refund",
        {**BY_CARD, "amount_fen": 0, "card_fen": 25_33},
        ("Packet returned", "红包退回"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("+25.33", "0.00"),
    ),
    (
        "refund_to_balance",
        {**BY_CARD, "amount_fen": 25_33, "card_fen": -25_33},
        ("Refund went to the balance instead", "退款改入零钱"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("-25.33", "+25.33"),
    ),
    (
        "returned",
        {"amount_fen": 9_99},
        ("Held packet returned", "冻结红包退回"),
        ("", ""),
        ("", "+9.99"),
    ),
    (
        "rejected",
        {**BY_CARD, "amount_fen": 0, "card_fen": 30_00},
        ("Held packet rejected", "冻结红包审核未通过"),
        ("CMB (demo) 3334", "招商银行（演示）3334"),
        ("+30.00", "0.00"),
    ),
)


def fen(amount: str) -> int:
    """Return a printed *amount* in fen."""
    return int(Decimal(amount) * 100)


def printed(asked, language="en"):
    return Printed(statements.Sheet(asked, asked.lines, statements.Style(language)))


@every(("act", "facts", "what", "other", "amounts"), KINDS)
def test_every_kind_of_movement_is_told_in_both_languages(act, facts, what, other, amounts):
    """
    What it was, with whom, and the sign of what it did to the card and to the balance.
    """
    asked = stated({"act": act, **facts})

    told = [next(printed(asked, language).rows()) for language in ("en", "zh_CN")]

    assert [*what] == [row["what"] for row in told]
    assert [*other] == [row["other"] for row in told]
    assert [amounts] * 2 == [(row["card"], row["amount"]) for row in told]


def test_a_row_has_the_entry_the_time_the_packet_and_the_balance():
    """
    The time is China's, to the second.
    """
    first = next(printed(statement()).rows())

    assert ("7", "2026-11-02 20:00:00", "hb_7Q2M4K9X", "33.34") == (
        first["entry"],
        first["at"],
        first["packet"],
        first["balance"],
    )


@pytest.mark.parametrize("spoken", ["en", "zh_CN"])
def test_a_page_keeps_its_language(spoken):
    """
    Whatever is spoken where it is printed.
    """
    words.use_language(spoken)

    assert "Statement · 小明 · 2026-11-01 to 2026-11-30" == printed(statement()).name
    assert "账单 · 小明 · 2026-11-01至2026-11-30" == printed(statement(), "zh_CN").name


DAY = timedelta(days=1)


@every(
    ("facts", "period"),
    [
        ({}, "2026-11-01 to 2026-11-30"),
        (
            {"ends_at": NOVEMBER[0] + DAY, "until": NOVEMBER[0] + DAY},
            "2026-11-01 to 2026-11-01",
        ),
        ({"ends_at": NOVEMBER[0] + DAY / 2}, "2026-11-01 to 2026-11-01 12:00:00"),
        ({"ends_at": NOVEMBER[0] + DAY, "until": None}, "2026-11-01 to 2026-11-02 00:00:00"),
        (
            {"since": None, "begins_at": NOVEMBER[0] + DAY / 4},
            "2026-11-01 06:00:00 to 2026-11-30",
        ),
    ],
)
def test_a_period_ends_where_anything_is_known(facts, period):
    """
    Whole days by their dates, the last one included; an end that is open is the last entry's time.
    """
    assert period == printed(statement(**facts)).period


def test_a_holder_who_is_not_known_is_said_to_be():
    """
    No empty line that somebody could fill in.
    """
    nobody: dict[str, Any] = {"real_name": None, "id_number": None, "cards": []}

    assert [("Profile", "小明"), ("Real name", "not verified")] == printed(
        statement(holder=nobody)
    ).who
    assert ("姓名", "未实名") == printed(statement(holder=nobody), "zh_CN").who[1]


def test_a_masked_page_says_so():
    """
    Whoever reads it should not take stars for names.
    """
    whole, masked = printed(statement()), printed(statement(masked=True))

    assert ["Names are masked in this copy."] == [
        note for note in masked.notes if note not in whole.notes
    ]


def test_what_a_screen_would_obey_is_not_printed():
    """
    In whatever somebody has typed.
    """
    holder: dict[str, Any] = {
        "real_name": f"张{UNSAYABLE}三",
        "id_number": f"1{UNSAYABLE}2",
        "cards": [{"card": "a", "bank": "cmb", "number": f"3{UNSAYABLE}4"}],
    }
    typed = f"x{UNSAYABLE}y"
    lines = (
        movement(counterparty=typed, packet=typed),
        movement(card=typed),
        movement(**{**BY_CARD, "card_tail": typed}),
    )
    page = printed(statement(*lines, profile=typed, holder=holder))

    said = [
        page.name,
        *(fact for _name, fact in page.who),
        *(cell for row in page.rows() for cell in row.values()),
    ]

    assert [] == [text for text in said if not text.isprintable()]
    assert {plain(typed), plain(holder["real_name"])} < set(said)
