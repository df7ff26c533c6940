"""Amounts are read exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import units
from hongbao.domain.money import AMOUNT_MAX_FEN, parse_yuan, parse_yuan_or_zero
from hongbao.errors import InvalidAmount
from tests.every import every


@every(
    ("text", "amount_fen"),
    [
        ("0.01", 1),
        ("0.1", 10),
        ("0.10", 10),
        ("1", 100),
        ("66.66", 6666),
        ("200", 20_000),
        ("0.29", 29),  # 0.29 * 100 is 28.999… in floats
        ("4.35", 435),
        ("100000000000", AMOUNT_MAX_FEN),
    ],
)
def test_yuan_become_fen_exactly(text, amount_fen):
    """
    What is typed as yuan is the same sum in fen, without a float in between.
    """
    assert amount_fen == parse_yuan(text)


@every(
    "text",
    [
        *("", "0", "0.00", "-1", "+1", "0.001", "1e3", "1E3", "1,000", "1，000", "１．００", "１"),
        *("NaN", "inf", "Infinity", "1.", ".5", ".", " 1", "1 ", "1 000", "1_000", "1\n", "\n1"),
        *(
            "٣",
            "1٣",
            "一",
            "壹",
            "0x10",
            "007",
            "00.01",
            "1.2.3",
            "1.-2",
            "¥1",
            "1元",
            "1\x00",
            "\x1b[1m1",
        ),
        *("1" + "0" * 30, "100000000000.01", "9" * 5000),
    ],
)
def test_what_leaves_room_for_a_guess_is_refused(text):
    """
    Signs, exponents, grouping, other digits, too many decimals, nothing and far too much: all are
    refused alike.
    """
    with pytest.raises(InvalidAmount):
        parse_yuan(text)


def test_zero_is_read_only_where_it_was_asked_for():
    """
    A fee may be nothing, a payment may not.
    """
    assert 0 == parse_yuan_or_zero("0")
    assert 0 == parse_yuan_or_zero("0.00")

    with pytest.raises(InvalidAmount):
        parse_yuan("0.00")
    with pytest.raises(InvalidAmount):
        parse_yuan_or_zero("-0")


@given(st.integers(1, AMOUNT_MAX_FEN))
def test_every_amount_is_read_back_as_it_was_shown(amount_fen):
    """
    `units.yuan` and `parse_yuan` are inverses.
    """
    assert amount_fen == parse_yuan(units.yuan(amount_fen))


@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_a_refusal(text):
    """
    Nothing that can be typed gets through as anything but fen within bounds.
    """
    try:
        amount_fen = parse_yuan(text)
    except InvalidAmount:
        return

    assert 1 <= amount_fen <= AMOUNT_MAX_FEN


def test_ten_megabytes_are_refused_with_a_short_sentence():
    """
    The refusal quotes a line at most, however much was typed.
    """
    with pytest.raises(InvalidAmount) as refusal:
        parse_yuan("9" * 10_000_000)

    assert len(str(refusal.value)) < 120


def test_sums_of_the_largest_amounts_fit_sqlite():
    """
    Nine hundred thousand of the largest amounts add up within a signed 64-bit integer.
    """
    assert 900_000 * AMOUNT_MAX_FEN < 2**63
