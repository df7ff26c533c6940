"""The standard pack and model on a small month: docs/concepts/risk-model.md promises its rates."""

from pathlib import Path

import pytest

from bench import risk
from bench.attacks import NAMED
from bench.habits import judged
from bench.life import JUDGED_FROM, Life, streams_of
from hongbao.domain.risk.acts import JUDGED, Verdict

SEED = 424  # nothing was chosen with it


@pytest.fixture(scope="module")
def ordinary() -> list[risk.Answered]:
    return risk.honest(*risk.standard(), SEED, people=80)


@pytest.fixture(scope="module")
def attacked() -> list[risk.Answered]:
    return risk.hostile(*risk.standard(), SEED, accounts=10)


def test_ordinary_people_are_left_alone(ordinary):
    """
    Fewer acts and fewer people than the page promises are asked, held or refused in a month that
    has New Year's Eve in it.
    """
    acts, people = risk.share_stopped(ordinary)

    assert 80 >= len({one.profile for one in ordinary}) > 70
    assert len(ordinary) > 10_000
    assert acts < risk.PROMISED_ACTS
    assert people < risk.PROMISED_PEOPLE


def test_nobody_ordinary_is_cut_off(ordinary):
    """
    No session ends over what people do anyway, be they on a train or up at night.
    """
    assert [] == [one for one in ordinary if one.all is Verdict.CUT]


@pytest.mark.parametrize("attack", NAMED)
def test_the_model_tells_every_attack_from_ordinary_life(ordinary, attacked, attack):
    """
    An act of the attack is stranger than an ordinary one nine times in ten, as the page shows.
    """
    some = [one for one in attacked if one.by == attack]

    assert risk.rates("model", ordinary, some).auc > 0.9


@pytest.mark.parametrize("attack", NAMED)
def test_every_attack_is_stopped_or_reported_somewhere(attacked, attack):
    """
    At least one in five accounts of each attack meets an answer or a reviewer.
    """
    some = [one for one in attacked if one.by == attack]
    met = {
        one.profile
        for one in some
        if one.reported or one.all not in risk.GENTLE or one.all is Verdict.DELAY
    }

    assert 5 * len(met) >= len({one.profile for one in some})


def test_both_is_what_the_pack_says_and_rules_is_without_the_score(ordinary, attacked):
    """
    Without the score no answer is stricter; with it some attacks are stopped that were not.
    """
    strictness = risk.STRICTNESS

    assert all(strictness[one.rules] <= strictness[one.all] for one in [*ordinary, *attacked])
    assert any(strictness[one.rules] < strictness[one.all] for one in attacked)


def test_auc_counts_ties_as_half():
    """
    3 of 4 pairs in order, or 2 and two ties.
    """
    assert 0.75 == risk.auc([1, 3], [2, 4])
    assert 0.75 == risk.auc([1, 2], [2, 2])
    assert 0.5 == risk.auc([0, 0, 0], [0])


def test_a_life_is_its_seed():
    """
    The same seed is the same life, to the second; and another is another.
    """
    assert Life(5, people=12).events == Life(5, people=12).events
    assert Life(5, people=12).events != Life(6, people=12).events


def test_a_stream_runs_forwards_and_is_judged_in_february_only():
    """
    No act is before the one before it, and January only makes habits.
    """
    life = Life(5, people=12)

    for steps in streams_of(life.people, life.events).values():
        moments = [step.asked.seen.at for step in steps]
        found = [asked for _habit, asked, _by in judged(steps)]

        assert sorted(moments) == moments
        assert all(asked.seen.at >= JUDGED_FROM and asked.seen.what in JUDGED for asked in found)
        assert len(found) < len(steps)


def test_the_page_promises_what_is_tested():
    """
    docs/concepts/risk-model.md names the very numbers that hold here.
    """
    page = (
        Path(__file__)
        .parents[3]
        .joinpath("docs", "concepts", "risk-model.md")
        .read_text(encoding="utf-8")
    )

    assert f"fewer than {risk.PROMISED_ACTS:.1%} of ordinary acts" in page
    assert f"fewer than {risk.PROMISED_PEOPLE:.0%} of people" in page


@pytest.mark.slow
def test_the_page_holds_what_was_measured():
    """
    `python -m bench.risk --write` was run after the last change of the pack, the model or the life.
    """
    page = risk.PAGE.read_text(encoding="utf-8")

    assert risk.table(*risk.measured()) in page
