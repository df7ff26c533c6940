"""
Training of the risk model on a home's history.

This is the one door of scikit-learn, which the extra ``hongbao[train]`` brings. Only learning
needs it: what it learns is written down as plain data, and `hongbao.domain.risk.forest` reads that
without it.
"""

import json
import math
from array import array
from collections.abc import Iterable, Sequence
from hashlib import sha256
from statistics import median_low
from typing import TYPE_CHECKING, Any

from hongbao.domain.risk.forest import DEPTH_MAX, FORM, TREES_MAX, VALUE_MAX
from hongbao.domain.risk.indicators import Key
from hongbao.errors import TooLittleHistory, TrainerMissing

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

TREES = 60
SAMPLE = 256
"""How many acts each tree is grown from. Few, because in a crowd the strange can hide."""

ACTS_MIN = SAMPLE
"""From fewer acts nothing is learned."""


def train(
    vectors: Sequence[Sequence[int]],
    keys: Sequence[Key],
    seed: int,
    *,
    name: str = "own",
    version: int = 1,
    source: str = "",
) -> str:
    """
    Learn what *vectors*, the values of *keys* at each act, have in common; return a model's text.

    The same vectors, seed and release of scikit-learn make the same text. *source* says for
    people where the vectors come from. Acts have no labels: what few of them are like is strange.

    Raises TrainerMissing, and TooLittleHistory below `ACTS_MIN` vectors.
    """
    if len(vectors) < ACTS_MIN:
        raise TooLittleHistory(found=len(vectors), needed=ACTS_MIN)
    library, learned = _learned(vectors, seed)
    facts = {
        "form": FORM,
        "name": name,
        "version": version,
        "keys": [str(key) for key in keys],
        "usual": [median_low(column) for column in zip(*vectors, strict=True)],
        "sample": SAMPLE,
        "training": {
            "acts": len(vectors),
            "data": digest(vectors),
            "library": library,
            "seed": seed,
            "source": source,
        },
    }
    trees = (_written(tree.tree_) for tree in learned.estimators_)
    # A line for each fact and each tree, so that a change can be read.
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items()]
    grown = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in trees)
    return "{" + ",\n".join([*lines, f'"trees": [\n{grown}\n]']) + "}\n"


def digest(vectors: Iterable[Sequence[int]]) -> str:
    """Return a fingerprint of what a model was trained with."""
    hashed = sha256()
    for vector in vectors:
        hashed.update(json.dumps(list(vector)).encode() + b"\n")
    return hashed.hexdigest()


def scaled(value: int) -> float:
    """
    Return *value* on the scale that trees are grown on: every doubling is as far as the last.

    Thresholds are drawn evenly between the least and the greatest value, and on the plain scale a
    single fortune would draw nearly all of them away from where people are. Being monotone, the
    scale changes no answer: each threshold is written as its whole number.
    """
    return math.log2(1 + max(0, value))


def _learned(vectors: Sequence[Sequence[int]], seed: int) -> tuple[str, "IsolationForest"]:
    try:
        import sklearn
        from sklearn.ensemble import IsolationForest
    except ImportError:
        raise TrainerMissing from None
    assert TREES <= TREES_MAX
    assert SAMPLE <= 1 << DEPTH_MAX  # the library lets no tree grow deeper than the logarithm
    forest = IsolationForest(n_estimators=TREES, max_samples=SAMPLE, random_state=seed)
    forest.fit([[scaled(value) for value in vector] for vector in vectors])
    return f"scikit-learn {sklearn.__version__}", forest


def _written(tree: Any) -> list[int]:
    """Return one of the library's trees as `parse_forest` reads it."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    features, thresholds = tree.feature.tolist(), tree.threshold.tolist()
    sizes = tree.n_node_samples.tolist()

    def node(place: int) -> list[int]:
        if left[place] < 0:
            return [-sizes[place]]
        threshold = _whole(thresholds[place])
        return [features[place], threshold, *node(left[place]), *node(right[place])]

    return node(0)


def _whole(threshold: float) -> int:
    """
    Return the greatest whole number that is at most *threshold* on the trees' scale.

    The library compares what it has rounded to 32 bits, and so does this.
    """
    low, high = -1, VALUE_MAX
    while low < high:
        middle = (low + high + 1) // 2
        if array("f", [scaled(middle)])[0] <= threshold:
            low = middle
        else:
            high = middle - 1
    return low
