"""What scikit-learn learns is what hongbao reads; without it, everything else still runs."""

import builtins
import json
import random
import subprocess
import sys

import pytest

from hongbao import training
from hongbao.domain.risk.forest import parse_forest
from hongbao.domain.risk.indicators import parse_key
from hongbao.errors import ExitCode, TooLittleHistory, TrainerMissing

KEYS = [parse_key(text) for text in ("claims/10m", "reaction_ms", "day_out_fen")]


@pytest.fixture(scope="module")
def vectors() -> list[tuple[int, ...]]:
    dice = random.Random(7)
    return [
        (
            dice.randint(1, 20),
            10**9 if dice.random() < 0.4 else round(dice.lognormvariate(8, 2)),
            round(dice.lognormvariate(9, 3)),
        )
        for _act in range(2000)
    ]


@pytest.fixture(scope="module")
def text(vectors) -> str:
    return training.train(vectors, KEYS, 3, name="tried", source="dice")


@pytest.mark.slow
def test_pure_python_scores_as_the_library_does(vectors, text):
    """
    The same acts have the same score, to the permille, from the text as from what was learned.

    Values that training never saw are among them, and the least and the greatest.
    """
    from sklearn.ensemble import IsolationForest

    library = IsolationForest(
        n_estimators=training.TREES, max_samples=training.SAMPLE, random_state=3
    ).fit([[training.scaled(value) for value in vector] for vector in vectors])
    asked = [*vectors[:500], (0, 0, 0), (64, 10**9, 10**12), (1, 1_500, 1), (63, 650, 2 * 10**7)]
    theirs = library.score_samples(
        [[training.scaled(value) for value in vector] for vector in asked]
    )
    forest = parse_forest(text, "trained")

    apart = [
        abs(forest.score(vector) + 1000 * score)
        for vector, score in zip(asked, theirs, strict=True)
    ]

    assert max(apart) <= 1


def test_a_threshold_is_the_whole_number_it_stands_for():
    """
    No value changes sides between the scale that is learned on and the one that is written down.
    """
    from array import array

    for threshold in (0.0, 0.5, 1.0, 1.5849, 9.97, 21.3, 29.897):
        written = training._whole(threshold)

        assert array("f", [training.scaled(written)])[0] <= threshold
        assert threshold < array("f", [training.scaled(written + 1)])[0]


@pytest.mark.slow
def test_the_same_acts_and_seed_make_the_same_model(vectors, text):
    """
    Whoever doubts a model can make it again.
    """
    assert text == training.train(vectors, KEYS, 3, name="tried", source="dice")
    assert text != training.train(vectors, KEYS, 4, name="tried", source="dice")


@pytest.mark.slow
def test_a_model_says_where_it_comes_from(vectors, text):
    """
    How many acts, their fingerprint, the seed and the library's release stand in the file.
    """
    import sklearn

    forest = parse_forest(text, "trained")

    assert {
        "acts": 2000,
        "data": training.digest(vectors),
        "library": f"scikit-learn {sklearn.__version__}",
        "seed": 3,
        "source": "dice",
    } == forest.training
    assert "tried/1" == forest.ref
    assert json.loads(text)["usual"] == [
        sorted(column)[999] for column in zip(*vectors, strict=True)
    ]


def test_a_handful_of_acts_teaches_nothing(vectors):
    """
    Below the size of one tree's sample there is a refusal, with both numbers.
    """
    with pytest.raises(TooLittleHistory) as caught:
        training.train(vectors[: training.ACTS_MIN - 1], KEYS, 3)

    assert {"found": 255, "needed": 256} == caught.value.facts


def test_without_the_library_the_way_to_it_is_said(vectors, monkeypatch):
    """
    Exit code 21, as for any extra that is missing, and the line that installs it.
    """
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TrainerMissing) as caught:
        training.train(vectors, KEYS, 3)

    assert ExitCode.UNUSABLE == caught.value.exit_code
    assert "`pip install 'hongbao[train]'`" == caught.value.hint


def test_scoring_wakes_no_library():
    """
    Reading a model and the module that trains leave scikit-learn and its arrays asleep.
    """
    asked = (
        "import sys, hongbao.training, hongbao.domain.risk.forest;"
        "print({'sklearn', 'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert "set()\n" == done.stdout
