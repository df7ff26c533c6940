"""The model that ships is what its tool makes of the simulated life, and nothing else."""

import pytest

from hongbao import training
from hongbao.domain.risk.forest import Forest, parse_forest
from tools import default_model


@pytest.fixture(scope="module")
def shipped() -> Forest:
    return parse_forest(default_model.MODEL.read_text(encoding="utf-8"), "model.json")


@pytest.fixture(scope="module")
def learned_from() -> list[tuple[int, ...]]:
    return default_model.learned_from()


def test_the_shipped_model_is_small(shipped):
    """
    It is read by every command that moves money, so it stays below 60 KB.
    """
    assert len(shipped.text) < 60_000
    assert default_model.KEYS == shipped.keys
    assert "ordinary/1" == shipped.ref


@pytest.mark.slow  # it simulates a life
def test_the_shipped_model_was_trained_with_the_simulated_life(shipped, learned_from):
    """
    Its fingerprint is that of the life which the tool simulates today, act by act.

    Where this fails, the life or an indicator was changed: `python -m tools.default_model`, and a
    new version if the old one was ever released.
    """
    assert training.digest(learned_from) == shipped.training["data"]
    assert len(learned_from) == shipped.training["acts"]
    assert default_model.SEED == shipped.training["seed"]


@pytest.mark.slow
def test_the_shipped_model_can_be_made_again(shipped, learned_from):
    """
    With the release of scikit-learn that it names, the same file comes out, to the byte.
    """
    import sklearn

    if f"scikit-learn {sklearn.__version__}" != shipped.training["library"]:
        pytest.skip(f"made with {shipped.training['library']}")

    assert shipped.text == default_model.text(learned_from)


@pytest.mark.slow
def test_ordinary_acts_look_ordinary(shipped, learned_from):
    """
    Half of the acts that it learned from score below 450, and one in a hundred above 630.
    """
    scores = sorted(map(shipped.score, learned_from[::5]))

    assert 350 < scores[len(scores) // 2] < 450
    assert scores[-len(scores) // 100] < 630
