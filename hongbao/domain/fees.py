"""The fee of a withdrawal."""

from hongbao.domain.policy import WithdrawRules


def withdrawal_fee(amount_fen: int, free_left_fen: int, rules: WithdrawRules) -> int:
    """
    Return the fee for withdrawing *amount_fen*, which is taken on top of the amount.

    WeChat Pay's rule since 2016-03-01: a lifetime's free quota for each ID number, of which
    *free_left_fen* is left; then a rate on the part beyond it, and a least fee where there is such
    a part at all. A half fen is rounded up, as bills in China are (四舍五入): a real bill of
    1000.10 + 1.00 shows that 1.0001 is not rounded up to the next fen.

    >>> rules = WithdrawRules(free_fen=1000_00, rate_ppm=1000, least_fen=10)
    >>> withdrawal_fee(1000_00, 1000_00, rules), withdrawal_fee(2000_00, 1000_00, rules)
    (0, 100)
    >>> withdrawal_fee(100_00, 0, rules), withdrawal_fee(10_00, 0, rules)
    (10, 10)
    >>> withdrawal_fee(1000_10, 0, rules)
    100
    """
    assert amount_fen > 0
    assert free_left_fen >= 0

    charged_fen = amount_fen - free_left_fen
    if charged_fen <= 0:
        return 0

    rounded_fen = (charged_fen * rules.rate_ppm + 500_000) // 1_000_000
    return max(rounded_fen, rules.least_fen)
