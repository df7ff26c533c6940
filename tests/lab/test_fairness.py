"""Fairness, measured: means and chances by position, by each rule."""

from math import sqrt

import pytest

from hongbao import words
from hongbao.answers import FairnessLine, FairnessMeasured
from hongbao.domain.fairness import DOUBLE_MEAN, EQUAL, SHUFFLED
from hongbao.errors import UnequalShares
from hongbao.lab.fairness import BIASED, RULES, chosen_rules, measured
from hongbao.ui import fairness as screen
from hongbao.ui.picture import taken
from hongbao.ui.script import columns
from tests.every import every

CAP_FEN = 20_000


def lines(rule: str, deals: int = 1500, count: int = 5, seed: str = "lab") -> list[FairnessLine]:
    return measured(rule, total_fen=1000, count=count, cap_fen=CAP_FEN, deals=deals, seed=seed)


def sigmas(line: FairnessLine, deals: int) -> float:
    """Return how far the mean of *line* is from even, in standard errors."""
    error = line["spread_millifen"] / sqrt(deals)
    return abs(line["mean_millifen"] - 200_000) / error


@every("rule", (DOUBLE_MEAN, SHUFFLED))
def test_no_position_gains_by_hongbaos_rules(rule: str):
    """
    Each mean is even, as far as chance lets it be, and all money is dealt.
    """
    rows = lines(rule)

    assert 1500 * 1000 == sum(row["sum_fen"] for row in rows)
    assert 1500 == sum(row["luckiest"] for row in rows)
    assert all(sigmas(row, 1500) < 5 for row in rows)


def test_the_broken_rule_pays_the_first():
    """
    Half of the packet, then a quarter, then an eighth.
    """
    rows = lines(BIASED)

    assert sigmas(rows[0], 1500) > 30
    means = [row["mean_millifen"] for row in rows]
    assert [500, 250, 125] == [pytest.approx(mean / 1000, rel=0.1) for mean in means[:3]]
    assert all(row["broken"] for row in rows)
    assert rows[0]["luckiest_ppm"] > 550_000


def test_shuffled_shares_vary_alike_at_every_position():
    """
    And those of the double mean more and more towards the end.
    """
    shuffled = [row["spread_millifen"] for row in lines(SHUFFLED)]
    drawn = [row["spread_millifen"] for row in lines(DOUBLE_MEAN)]

    assert max(shuffled) < 1.1 * min(shuffled)
    assert drawn[4] > 1.15 * drawn[0]


def test_equal_shares_are_exact():
    """
    There is no chance in them: the same in every deal.
    """
    rows = lines(EQUAL, deals=100_000)

    assert [(200_000, 0, 20_000_000)] * 5 == [
        (row["mean_millifen"], row["spread_millifen"], row["sum_fen"]) for row in rows
    ]
    assert [100_000, 0, 0, 0, 0] == [row["luckiest"] for row in rows]


def test_a_measurement_can_be_repeated():
    """
    The same seed gives the same fen, and another seed others.
    """
    assert lines(DOUBLE_MEAN, deals=50) == lines(DOUBLE_MEAN, deals=50)
    assert lines(DOUBLE_MEAN, deals=50) != lines(DOUBLE_MEAN, deals=50, seed="other")


def test_a_long_measurement_says_how_far_it_is():
    """
    Every thousand packets, for a bar.
    """
    told: list[int] = []
    measured(
        BIASED, total_fen=10, count=2, cap_fen=CAP_FEN, deals=2500, seed="lab", tell=told.append
    )

    assert [0, 1000, 2000] == told


def test_what_cannot_be_parted_equally_is_not():
    """
    Left out where all rules are measured, and refused where it is the one that was named.
    """
    assert RULES == chosen_rules(None, 1000, 5)
    assert (DOUBLE_MEAN, SHUFFLED, BIASED) == chosen_rules(None, 1000, 3)
    with pytest.raises(UnequalShares):
        chosen_rules(EQUAL, 1000, 3)


@every(("width", "language"), [(40, "en"), (40, "zh_CN"), (80, "en"), (80, "zh_CN")])
def test_the_chart_fits_the_screen(width: int, language: str):
    """
    Bars where there is room for them; the numbers always.
    """
    answer: FairnessMeasured = {
        "total_fen": 1000,
        "count": 3,
        "deals": 20,
        "chance_seed": "lab",
        "lines": [*lines(DOUBLE_MEAN, 20, 3), *lines(BIASED, 20, 3)],
    }
    words.use_language(language)
    try:
        shown = taken(lambda: screen.show_fairness(answer), columns=width).text.splitlines()
    finally:
        words.use_language("en")

    assert [] == [line for line in shown if columns(line) > width]
    assert (width == 80) == any("█" in line for line in shown)
    assert (width == 80) == any("▏" in line or "▎" in line for line in shown), "no slivers"
    assert 6 == sum("%" in line for line in shown)


@pytest.mark.slow
def test_a_hundred_thousand_deals_are_even():
    """
    What the command does by default: within a few standard errors, everywhere.
    """
    for rule in (DOUBLE_MEAN, SHUFFLED):
        assert all(sigmas(row, 100_000) < 5 for row in lines(rule, deals=100_000))
