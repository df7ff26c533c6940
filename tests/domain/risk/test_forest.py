import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao import packs
from hongbao.domain.risk import paths as paths_module
from hongbao.domain.risk.forest import (
    DEPTH_MAX,
    KEYS_MAX,
    TEXT_LENGTH_MAX,
    TREES_MAX,
    expected_path,
    parse_forest,
)
from hongbao.domain.risk.indicators import Key
from hongbao.domain.risk.paths import WALKED, Node, Paths, _masks_of, walked
from hongbao.errors import InvalidModel
from tests.every import every

CLAIMS, RARE = Key("claims", 600), Key("hour_rare")

SMALL: dict[str, Any] = {
    "form": "hongbao/forest@1",
    "name": "small",
    "version": 3,
    "keys": ["claims/10m", "hour_rare"],
    "usual": [2, 500],
    "sample": 4,
    "training": {"acts": 1000, "source": "a test"},
    # One tree: claims ≤ 5 leads to the three others, which hour_rare ≤ 800 divides; above is one.
    "trees": [[0, 5, 1, 800, -2, -1, -1]],
}


def forest_of(**changed: Any):
    return parse_forest(json.dumps(SMALL | changed), "small.json")


def refused(text: str) -> dict[str, object]:
    with pytest.raises(InvalidModel) as caught:
        parse_forest(text, "mine.json")
    assert caught.value.message.isprintable()
    return dict(caught.value.facts)


# --- what it says ---------------------------------------------------------------------------------


def test_the_fewer_questions_tell_an_act_apart_the_stranger_it_is():
    """
    The score is 2 ** -(path / expected path): one question here, two, and two and one more for the
    pair that was not told apart; a search among four expects 1.85.
    """
    forest = forest_of()

    assert 688 == forest.score([6, 0])
    assert 473 == forest.score([5, 801])
    assert 325 == forest.score([5, 800])


def test_a_threshold_belongs_to_the_lower_side():
    """
    At most 5 is low, as the library has it; 6 is not.
    """
    forest = forest_of()

    assert forest.score([5, 0]) < forest.score([6, 0])


def test_a_score_is_the_mean_over_trees():
    """
    Paths are averaged before the power is taken.
    """
    one, other = [0, 5, -3, -1], [1, 800, -3, -1]
    path = (1_000_000 * 2 + expected_path(3)) / 2

    assert round(1000 * 2 ** (-path / expected_path(4))) == forest_of(trees=[one, other]).score(
        [6, 0]
    )


def test_what_makes_an_act_strange_comes_first():
    """
    Each part is what the score would lose were that one value the usual one.
    """
    assert [(CLAIMS, 688 - 325), (RARE, 0)] == forest_of().contributions([6, 0])
    assert [(RARE, 473 - 325), (CLAIMS, 0)] == forest_of().contributions([4, 999])
    assert [(CLAIMS, 0), (RARE, 0)] == forest_of().contributions([6, 0], usual=[9, 9])


def test_a_model_is_named_by_name_and_version():
    """
    Every judged act records which model it was judged with.
    """
    assert "small/3" == forest_of().ref
    assert (CLAIMS, RARE) == forest_of().keys
    assert "a test" == forest_of().training["source"]


# --- what is refused ------------------------------------------------------------------------------


@every(
    "tree",
    [
        [],
        [0],
        [0, 5],
        [0, 5, -3],
        [0, 5, -3, -1, -1],  # something is left over
        [0, 5, -3, -2],  # five acts of a sample of four
        [0, 5, -1, -1],  # and two
        [2, 5, -3, -1],  # there is no third key
        [0, 5, 0, 5, 0, 5, 0, 5, -1],
        [0, 5] * (DEPTH_MAX + 1) + [-1] * (DEPTH_MAX + 2),
        [0, 5] * 50_000,
    ],
)
def test_a_tree_whose_nodes_do_not_fit_together_is_refused(tree):
    """
    Cut short, too long, too deep, about a key that is not there, or with other numbers of acts:
    it is named, and nothing is scored with it.
    """
    facts = refused(json.dumps(SMALL | {"trees": [SMALL["trees"][0], tree]}))

    assert facts in (
        {"source": "mine.json", "problem": "tree", "number": 2},
        {"source": "mine.json", "problem": "not_list", "key": "trees", "most": 24_576},
    )


@every("value", [1.5, True, None, "1", [1], 10**16, -(10**16)])
def test_a_tree_holds_whole_numbers_only(value):
    """
    No fraction, no truth, no text and nothing endless gets into a comparison.
    """
    facts = refused(json.dumps(SMALL | {"trees": [[0, value, -3, -1]]}))

    assert "not_whole" == facts["problem"]


@every(
    ("changed", "problem"),
    [
        ({"form": "hongbao/forest@2"}, "form"),
        ({"name": "Small"}, "bad_name"),
        ({"name": "\x1b[31m"}, "bad_name"),
        ({"name": 7}, "bad_name"),
        ({"version": 0}, "not_whole"),
        ({"keys": []}, "not_list"),
        ({"keys": ["claims/10m"] * (KEYS_MAX + 1)}, "not_list"),
        ({"keys": ["claims/10m", "claims/10m"]}, "bad_key"),
        ({"keys": ["claims/10m", "score"]}, "bad_key"),
        ({"keys": ["claims/10m", "clams/10m"]}, "bad_key"),
        ({"keys": ["claims/10m", 3]}, "bad_key"),
        ({"usual": [1]}, "usual"),
        ({"usual": [1, 2, 3]}, "usual"),
        ({"usual": [1, 2.5]}, "not_whole"),
        ({"sample": 1}, "not_whole"),
        ({"sample": 2**13}, "not_whole"),
        ({"training": []}, "bad_training"),
        ({"training": {"source": "\x1b]0;\x07"}}, "bad_training"),
        ({"training": {"source": "x" * 201}}, "bad_training"),
        ({"training": {"acts": 10**16}}, "bad_training"),
        ({"training": {"acts": 1.5}}, "bad_training"),
        ({"trees": {}}, "not_list"),
        ({"trees": [[-4]] * (TREES_MAX + 1)}, "not_list"),
        ({"trees": [7]}, "not_list"),
        ({"seed": 1}, "unknown_key"),
    ],
)
def test_a_model_that_breaks_the_form_is_refused(changed, problem):
    """
    The first thing wrong has its own sentence, whatever else the file holds.
    """
    assert problem == refused(json.dumps(SMALL | changed))["problem"]


@every("key", SMALL)
def test_nothing_may_be_missing(key):
    """
    A model without its sample or its keys would mean something else.
    """
    facts = refused(json.dumps({name: value for name, value in SMALL.items() if name != key}))

    assert {"source": "mine.json", "problem": "missing_key", "key": key} == facts


@every(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"trees": ' * 20_000,
        '{"version": NaN}',
        '{"version": 1, "version": 2}',
        json.dumps(SMALL)[:-1] + ', "trees": [[-4]]}',
        f'{{"version": {"9" * 5000}}}',
    ],
)
def test_what_is_no_json_document_is_refused(text):
    """
    Nested without end, numbers without end, one key twice: refused, and nothing breaks.
    """
    assert "not_json" == refused(text)["problem"]


def test_a_file_without_end_is_refused_before_it_is_read():
    """
    The length is looked at first.
    """
    assert "too_long" == refused(" " * (TEXT_LENGTH_MAX + 1))["problem"]


@given(st.lists(st.integers(-5, 5), max_size=12), st.lists(st.integers(), min_size=2, max_size=2))
def test_whatever_is_read_scores_from_0_to_1000(tree, values):
    """
    Either the tree is refused, or any act has a score.
    """
    try:
        forest = forest_of(trees=[tree])
    except InvalidModel:
        return

    assert 0 <= forest.score(values) <= 1000


# --- all trees at once ---------------------------------------------------------------------------


def _grown(draw: st.DrawFn, depth: int) -> Node:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.integers(0, 5_000_000))
    question = draw(st.integers(0, 2)), draw(st.integers(-3, 3))
    return (*question, _grown(draw, depth - 1), _grown(draw, depth - 1))


@st.composite
def forests(draw: st.DrawFn) -> tuple[Node, ...]:
    """Return trees that ask three keys about the same few thresholds, which may meet none."""
    return tuple(_grown(draw, 4) for _ in range(draw(st.integers(1, 5))))


@given(forests(), st.lists(st.tuples(*[st.integers(-5, 5)] * 3), min_size=1, max_size=8))
def test_all_trees_at_once_find_what_walking_finds(trees, acts):
    """
    Also where a branch can never be reached, and where a value lies on a threshold.
    """
    paths = Paths(trees, 3)
    paths._masks = _masks_of(trees, 3)

    assert [walked(trees, values) for values in acts] == [paths.total(values) for values in acts]


def test_the_shipped_model_scores_the_same_once_its_masks_are_made():
    """
    The first scores are walked, and from then on no tree is; the values lie around thresholds.
    """
    model = parse_forest(packs.model_text(), packs.MODEL)
    chance = Random(1)
    masks = _masks_of(model.paths.trees, len(model.keys))
    assert masks is not None
    acts = [
        [chance.choice([*at, 0, 10**9]) + chance.choice((-1, 0, 1)) for at, _masks in masks.reached]
        for _ in range(200)
    ]

    first, again = ([model.score(act) for act in acts] for _ in range(2))

    assert model.paths._masks is not None
    assert first == again
    assert [walked(model.paths.trees, act) for act in acts] == [
        model.paths.total(act) for act in acts
    ]


def test_masks_that_would_take_much_memory_are_not_made(monkeypatch):
    """
    A model may be large: then its trees are walked, each time.
    """
    monkeypatch.setattr(paths_module, "MASK_BYTES_MAX", 1)
    trees = ((0, 5, 1, (1, 3, 2, 4)),)
    paths = Paths(trees, 2)

    assert {2} == {paths.total((6, 3)) for _ in range(WALKED + 5)}
    assert paths._masks is None


def test_paths_are_the_same_if_their_trees_are():
    """
    However often each was asked.
    """
    one, same, other = (Paths(trees, 1) for trees in ((5,), (5,), (6,)))
    one.total([0])

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert len({one, same, other}) == 2
    assert one != (5,)
    assert (one == one.trees) is False


def test_masks_are_made_when_trees_were_walked_often_enough(monkeypatch):
    """
    At the last of so many times, and once; if they would be too large, trees are walked for good.
    """
    made: list[int] = []
    asked = 0

    def makes(trees, keys):
        made.append(asked)
        return _masks_of(trees, keys)

    monkeypatch.setattr(paths_module, "_masks_of", makes)
    paths = Paths(((0, 5, 30, 40),), 1)
    for asked in range(1, WALKED + 3):
        assert paths.total([5 + asked % 2]) == 30 + 10 * (asked % 2)
    assert [WALKED] == made

    monkeypatch.setattr(paths_module, "_masks_of", lambda _trees, _keys: made.append(asked))
    walked_only = Paths(((0, 5, 30, 40),), 1)
    for asked in range(1, WALKED + 3):
        assert walked_only.total([5 + asked % 2]) == 30 + 10 * (asked % 2)
    assert [WALKED] * 2 == made


@every("leaves", [16, 17, 23])
def test_masks_take_a_bit_for_each_leaf_in_whole_bytes(leaves):
    """
    For each threshold and each key; with one byte less there are none.
    """
    tree: Node = 1
    for threshold in range(leaves - 1, 0, -1):
        tree = (0, threshold, threshold, tree)
    room = 3 * (leaves - 1 + 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths_module, "MASK_BYTES_MAX", room)
        assert _masks_of((tree,), 2) is not None
        patch.setattr(paths_module, "MASK_BYTES_MAX", room - 1)
        assert _masks_of((tree,), 2) is None


def test_a_contribution_changes_one_value_and_no_other():
    """
    Of three keys, the tree asks the middle one alone.
    """
    forest = forest_of(
        keys=["claims/10m", "hour_rare", "cards"], usual=[2, 500, 1], trees=[[1, 100, -3, -1]]
    )

    parts = forest.contributions([9, 0, 900])

    assert {CLAIMS: 0, RARE: forest.score([9, 0, 900]) - forest.score([9, 500, 900])} == {
        key: part for key, part in parts if key != Key("cards")
    }
    assert (Key("cards"), 0) in parts
    assert dict(parts)[RARE] < 0


# --- every field ----------------------------------------------------------------------------------


def test_a_model_is_read_field_by_field():
    """
    Its name, its numbers and its origin; and how long all its paths can be expected to be.
    """
    forest = forest_of(trees=SMALL["trees"] * 3)

    assert ("small", 3, (CLAIMS, RARE), (2, 500), 4) == forest[:5]
    assert {"acts": 1000, "source": "a test"} == forest.training
    assert forest.text == json.dumps(SMALL | {"trees": SMALL["trees"] * 3})
    assert 3 * expected_path(4) == forest.longest
    # A leaf of two acts is a question further down than it stands, on average.
    assert ((0, 5, (1, 800, 2_000_000 + 1_000_000, 2_000_000), 1_000_000),) * 3 == (
        forest.paths.trees
    )
    assert hash(forest) == hash(forest_of(trees=SMALL["trees"] * 3))


@every(
    ("size", "millionths"),
    # 2 H(n − 1) − 2 (n − 1) ÷ n, where H(n) is about ln n and Euler's constant
    [
        (0, 0),
        (1, 0),
        (2, 1_000_000),
        (3, 1_207_392),
        (4, 1_851_656),
        (5, 2_327_020),
        (591, 11_918_060),
    ],
)
def test_a_search_is_expected_to_ask_so_many_questions(size, millionths):
    """
    None to find one act among one, and one among two.
    """
    assert millionths == expected_path(size)


DEEP = [0, 5] * DEPTH_MAX + [-1] * (DEPTH_MAX + 1)


@every(
    "changed",
    [
        {"name": "a"},
        {"name": "a-9" + "x" * 29},
        {"version": 1},
        {"version": 1_000_000},
        {"usual": [-(10**15), 10**15]},
        {"sample": 2, "trees": [[-2]]},
        {"sample": 2**12, "trees": [[-(2**12)]]},
        {"training": {}},
        {"training": {f"k{n}": n for n in range(16)}},
        {"training": {"k" * 200: "x" * 200, "least": -(10**15), "most": 10**15}},
        {"trees": [[0, -(10**15), -2, -2]]},
        {"trees": [[1, 10**15, -3, -1]]},
        {"trees": [[-4]] * TREES_MAX},
        {"sample": DEPTH_MAX + 1, "trees": [DEEP]},
        {"keys": [f"claims/{n}m" for n in range(1, KEYS_MAX + 1)], "usual": [1] * KEYS_MAX},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_what_is_just_allowed_is_read(changed):
    """
    The least and the most of each number, the longest texts, the deepest tree.
    """
    assert forest_of(**changed).text == json.dumps(SMALL | changed)


MOST = 10**15


@every(
    ("changed", "facts"),
    [
        ({"form": "hongbao/forest@2"}, {"problem": "form", "known": "hongbao/forest@1"}),
        ({"name": ""}, {"problem": "bad_name", "key": "name"}),
        ({"name": "X"}, {"problem": "bad_name", "key": "name"}),
        ({"name": "x" * 33}, {"problem": "bad_name", "key": "name"}),
        (
            {"version": 0},
            {"problem": "not_whole", "key": "version", "least": 1, "most": 1_000_000},
        ),
        (
            {"version": 1_000_001},
            {"problem": "not_whole", "key": "version", "least": 1, "most": 1_000_000},
        ),
        ({"sample": 1}, {"problem": "not_whole", "key": "sample", "least": 2, "most": 4096}),
        ({"sample": 4097}, {"problem": "not_whole", "key": "sample", "least": 2, "most": 4096}),
        ({"keys": []}, {"problem": "not_list", "key": "keys", "most": 32}),
        ({"keys": ["claims/10m"] * 33}, {"problem": "not_list", "key": "keys", "most": 32}),
        ({"keys": ["claims/10m", "score"]}, {"problem": "bad_key", "text": "'score'"}),
        ({"keys": ["claims/10m", 3]}, {"problem": "bad_key", "text": "'3'"}),
        ({"usual": 3}, {"problem": "not_list", "key": "usual", "most": 32}),
        ({"usual": [1]}, {"problem": "usual", "count": 2}),
        (
            {"usual": [1, MOST + 1]},
            {"problem": "not_whole", "key": "usual", "least": -MOST, "most": MOST},
        ),
        (
            {"usual": [1, -MOST - 1]},
            {"problem": "not_whole", "key": "usual", "least": -MOST, "most": MOST},
        ),
        ({"training": {f"k{n}": n for n in range(17)}}, {"problem": "bad_training"}),
        ({"training": {"k" * 201: 1}}, {"problem": "bad_training"}),
        ({"training": {"k": MOST + 1}}, {"problem": "bad_training"}),
        ({"training": {"k": -MOST - 1}}, {"problem": "bad_training"}),
        ({"training": {"\x07": 1}}, {"problem": "bad_training"}),
        ({"training": {"k": True}}, {"problem": "bad_training"}),
        ({"trees": []}, {"problem": "not_list", "key": "trees", "most": 200}),
        ({"trees": [[-4]] * 201}, {"problem": "not_list", "key": "trees", "most": 200}),
        ({"trees": [[]]}, {"problem": "not_list", "key": "trees", "most": 24_576}),
        (
            {"trees": [[0, MOST + 1, -3, -1]]},
            {"problem": "not_whole", "key": "trees", "least": -MOST, "most": MOST},
        ),
        (
            {"trees": [[0, -MOST - 1, -3, -1]]},
            {"problem": "not_whole", "key": "trees", "least": -MOST, "most": MOST},
        ),
        ({"trees": [[-5]]}, {"problem": "tree", "number": 1}),
        ({"trees": [[-4], [0, 5, -3]]}, {"problem": "tree", "number": 2}),
        ({"trees": [[-4], [2, 5, -3, -1]]}, {"problem": "tree", "number": 2}),
        ({"trees": [[-4, -1]]}, {"problem": "tree", "number": 1}),
        (
            {"sample": DEPTH_MAX + 2, "trees": [[0, 5, *DEEP, -1]]},
            {"problem": "tree", "number": 1},
        ),
        (
            {"seed": 1},
            {
                "problem": "unknown_key",
                "text": "'seed'",
                "known": "form, name, version, keys, usual, sample, training, trees",
            },
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_of_a_model_says_all_there_is_to_say(changed, facts):
    """
    Which key, which tree, from where to where.
    """
    assert {"source": "mine.json", **facts} == refused(json.dumps(SMALL | changed))


def test_a_models_text_may_be_just_so_long():
    """
    Half a million characters; beyond them it is not read.
    """
    text = json.dumps(SMALL)

    assert 4 == parse_forest(text + " " * (500_000 - len(text)), "small.json").sample
    assert {"source": "mine.json", "problem": "too_long", "length_max": 500_000} == refused(
        text + " " * (500_001 - len(text))
    )
    assert {"source": "mine.json", "problem": "not_json"} == refused("[]") == refused("{")
