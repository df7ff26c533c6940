from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.fees import withdrawal_fee
from hongbao.domain.policy import WithdrawRules

WECHAT = WithdrawRules(free_fen=1000_00, rate_ppm=1000, least_fen=10)

amounts = st.integers(min_value=1, max_value=10**13)
quotas = st.integers(min_value=0, max_value=1000_00)


@pytest.mark.parametrize(
    ("gross_fen", "amount_fen"),
    [(100_10, 100_00), (10_10, 10_00), (1001_10, 1000_10)],
)
def test_real_bills_come_out_to_the_fen(gross_fen, amount_fen):
    """
    What left the balance on three real bills, once the free quota was used up.
    """
    assert gross_fen == amount_fen + withdrawal_fee(amount_fen, 0, WECHAT)


def test_a_first_withdrawal_of_2000_costs_1():
    """
    Only the part beyond the free quota is charged: 2,001.00 leaves the balance.
    """
    assert 2001_00 == 2000_00 + withdrawal_fee(2000_00, 1000_00, WECHAT)


@pytest.mark.parametrize(("free_left_fen", "fee_fen"), [(50_01, 0), (50_00, 0), (49_99, 10)])
def test_the_least_fee_is_due_from_the_first_fen_beyond_the_quota(free_left_fen, fee_fen):
    """
    Up to the quota it is free; one fen more costs the least fee.
    """
    assert fee_fen == withdrawal_fee(50_00, free_left_fen, WECHAT)


@pytest.mark.parametrize(("amount_fen", "fee_fen"), [(104_99, 10), (105_00, 11), (114_99, 11)])
def test_half_a_fen_is_rounded_up(amount_fen, fee_fen):
    """
    0.1 % of 105.00 is 10.5 fen, which is 11; of 104.99 it is less than half a fen above 10.
    """
    assert fee_fen == withdrawal_fee(amount_fen, 0, WECHAT)


@given(amounts, quotas)
def test_the_fee_is_within_half_a_fen_of_its_rate(amount_fen, free_left_fen):
    """
    No amount is charged more or less than the rule says, however large.
    """
    exact = max(amount_fen - free_left_fen, 0) * Fraction(WECHAT.rate_ppm, 1_000_000)

    fee_fen = withdrawal_fee(amount_fen, free_left_fen, WECHAT)

    assert fee_fen == WECHAT.least_fen or abs(fee_fen - exact) <= Fraction(1, 2)
    assert exact - Fraction(1, 2) <= fee_fen <= max(exact + Fraction(1, 2), WECHAT.least_fen)


def test_a_policy_can_charge_nothing():
    """
    A rate and a least of zero is a platform without fees.
    """
    free = WithdrawRules(free_fen=0, rate_ppm=0, least_fen=0)

    assert 0 == withdrawal_fee(10**13, 0, free)


def test_nothing_is_no_withdrawal():
    """
    So it has no fee either.
    """
    assert 0 == withdrawal_fee(1, 1, WECHAT)
    with pytest.raises(AssertionError):
        withdrawal_fee(0, 0, WECHAT)
