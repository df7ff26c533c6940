"""
The risk model, an isolation forest (孤立森林), kept as plain data.

Every tree asks simple questions, is this indicator at most that, until an act stands alone among
the few it was trained with. What is strange stands alone after few questions. The forest is
learned by `hongbao.training` and only read here, with whole numbers and no library.

Source: Liu, Ting and Zhou, "Isolation Forest", ICDM 2008.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from hongbao.domain.risk.indicators import Key, parse_key
from hongbao.domain.risk.magnitude import halved_permille
from hongbao.domain.risk.paths import Node, Paths
from hongbao.errors import InvalidModel, shortened
from hongbao.rows import Row

FORM = "hongbao/forest@1"
"""What a model's text says it is; the number grows when a reader would have to change."""

TEXT_LENGTH_MAX = 500_000
TREES_MAX = 200
KEYS_MAX = 32
DEPTH_MAX = 12
SAMPLE_MAX = 1 << DEPTH_MAX  # with more the library would grow deeper trees
VALUE_MAX = 10**15  # in fen, more than all the money there is

_MILLION = 1_000_000
_BILLION = 10**9
_EULER = 577_215_665  # Euler's constant, in billionths


class Forest(Row):
    """
    A model that was read and checked.

    *usual* holds each key's median in training; *sample* is how many acts each tree was grown
    from; *training* says where the model comes from, for people.
    """

    name: str
    version: int
    keys: tuple[Key, ...]
    usual: tuple[int, ...]
    sample: int
    training: Mapping[str, str | int]
    text: str
    paths: Paths
    longest: int

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Forest({self.ref!r})"

    @property
    def ref(self) -> str:
        """Name and version, as each judged act records them: ``ordinary/1``."""
        return f"{self.name}/{self.version}"

    def score(self, values: Sequence[int]) -> int:
        """
        Return the anomaly score of *values*, one for each of `keys`, in permille.

        It is 2 to the power of minus the mean path over the path that a search would expect. An
        ordinary act has 350 to 500; near 1000 one question was enough to tell it from all others.
        """
        return halved_permille(self.paths.total(values), self.longest)

    def contributions(
        self, values: Sequence[int], usual: Sequence[int] | None = None
    ) -> list[tuple[Key, int]]:
        """
        Return each key's contribution: what the score of *values* loses were the key *usual*.

        The greatest comes first, in permille; below 0 is what makes the act look more ordinary
        than it would be. The parts do not add up to the score: strange things go together.
        """
        usual = self.usual if usual is None else usual
        score = self.score(values)
        parts = [
            (key, score - self.score([*values[:index], usual[index], *values[index + 1 :]]))
            for index, key in enumerate(self.keys)
        ]
        return sorted(parts, key=lambda part: -part[1])


def expected_path(size: int) -> int:
    """
    Return the average path length that isolates one of *size* acts, in millionths.

    It is the mean depth of a failed search in a random binary tree, the paper's c(n).

    >>> expected_path(1), expected_path(2), expected_path(256)
    (0, 1000000, 10244771)
    """
    if size < 3:
        return _MILLION * max(0, size - 1)
    harmonic = round(_BILLION * math.log(size - 1)) + _EULER
    return (2 * harmonic - 2 * _BILLION * (size - 1) // size + 500) // 1000


def parse_forest(text: str, source: str) -> Forest:
    """
    Read a model's JSON *text*, which came from *source* (a file's name, or a model's).

    A tree is a list of whole numbers, its nodes from the top down and left before right: a leaf
    is minus the number of training acts that end in it; any other node is the place of its key in
    ``keys`` and its threshold, and its two branches follow. So there is no way to write a circle.

    For any text, what comes back scores in bounded time. The first thing wrong raises
    `InvalidModel`.
    """
    return _Reader(source).forest(text)


class _Reader:
    """The one way to refuse a model, and what is checked on the way."""

    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, problem: str, **facts: Any) -> InvalidModel:
        return InvalidModel(source=self.source, problem=problem, **facts)

    def forest(self, text: str) -> Forest:
        if len(text) > TEXT_LENGTH_MAX:
            raise self.refuse("too_long", length_max=TEXT_LENGTH_MAX)
        found = self._document(text)
        known = ("form", "name", "version", "keys", "usual", "sample", "training", "trees")
        for key in found:
            if key not in known:
                raise self.refuse("unknown_key", text=shortened(key), known=", ".join(known))
        for key in known:
            if key not in found:
                raise self.refuse("missing_key", key=key)
        if found["form"] != FORM:
            raise self.refuse("form", known=FORM)
        keys = self._keys(found["keys"])
        sample = self._whole("sample", found["sample"], 2, SAMPLE_MAX)
        trees = self._list("trees", found["trees"], TREES_MAX)
        paths = [expected_path(size) for size in range(sample + 1)]
        return Forest(
            name=self._name(found["name"]),
            version=self._whole("version", found["version"], 1, _MILLION),
            keys=keys,
            usual=self._usual(found["usual"], len(keys)),
            sample=sample,
            training=MappingProxyType(self._training(found["training"])),
            text=text,
            paths=Paths(
                tuple(
                    self._tree(number, tree, len(keys), paths)
                    for number, tree in enumerate(trees, start=1)
                ),
                len(keys),
            ),
            longest=len(trees) * paths[sample],
        )

    def _document(self, text: str) -> dict[str, Any]:
        def no_constant(name: str) -> NoReturn:
            raise ValueError(name)

        def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) < len(pairs):  # the next reader might take the other one
                raise ValueError("a key is there twice")
            return found

        try:
            found = json.loads(text, parse_constant=no_constant, object_pairs_hook=no_repeats)
        except (ValueError, RecursionError):  # nested too deep, or a number of thousands of digits
            raise self.refuse("not_json") from None
        if type(found) is not dict:
            raise self.refuse("not_json")
        return found

    def _name(self, value: object) -> str:
        good = type(value) is str and 1 <= len(value) <= 32
        if not good or not set(str(value)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise self.refuse("bad_name", key="name")
        return str(value)

    def _whole(self, key: str, value: object, least: int, most: int) -> int:
        if type(value) is not int or not least <= value <= most:  # a bool is an int, but not here
            raise self.refuse("not_whole", key=key, least=least, most=most)
        return value

    def _list(self, key: str, value: object, most: int) -> list[Any]:
        if type(value) is not list or not 1 <= len(value) <= most:
            raise self.refuse("not_list", key=key, most=most)
        return value

    def _keys(self, value: object) -> tuple[Key, ...]:
        keys = []
        for text in self._list("keys", value, KEYS_MAX):
            try:
                key = parse_key(text) if type(text) is str else None
            except ValueError:
                key = None
            if key is None or key.indicator == "score" or key in keys:
                raise self.refuse("bad_key", text=shortened(str(text)))
            keys.append(key)
        return tuple(keys)

    def _usual(self, value: object, count: int) -> tuple[int, ...]:
        usual = self._list("usual", value, KEYS_MAX)
        if len(usual) != count:
            raise self.refuse("usual", count=count)
        return tuple(self._whole("usual", item, -VALUE_MAX, VALUE_MAX) for item in usual)

    def _training(self, value: object) -> dict[str, str | int]:
        """Check the facts on the model's origin, which may be shown on a screen."""
        if type(value) is not dict or len(value) > 16:
            raise self.refuse("bad_training")
        for name, item in value.items():
            text = str(item) if type(item) is int and abs(item) <= VALUE_MAX else item
            if not all(
                type(part) is str and part.isprintable() and len(part) <= 200
                for part in (name, text)
            ):
                raise self.refuse("bad_training")
        return value

    def _tree(self, number: int, value: object, keys: int, paths: Sequence[int]) -> Node:
        numbers = self._list("trees", value, 6 * SAMPLE_MAX)
        if {*map(type, numbers)} != {int} or max(map(abs, numbers)) > VALUE_MAX:
            raise self.refuse("not_whole", key="trees", least=-VALUE_MAX, most=VALUE_MAX)
        try:
            node, size = _node(numbers, keys, paths)
        except (IndexError, ValueError):
            raise self.refuse("tree", number=number) from None
        if size != len(paths) - 1:
            raise self.refuse("tree", number=number)
        return node


def _node(numbers: Sequence[int], keys: int, paths: Sequence[int]) -> tuple[Node, int]:
    """
    Return the tree that *numbers* say, and how many training acts it had.

    *paths* holds `expected_path` of each number of acts. Raises IndexError if *numbers* end too
    early, and ValueError where they are no tree, or more than one.
    """
    begun: list[tuple[int, int]] = []  # from the root to where we are: features and thresholds
    lows: list[Node | None] = []  # of each of them, once it is known
    size = place = 0
    while True:
        first = numbers[place]
        if first >= 0:
            if first >= keys or len(begun) == DEPTH_MAX:
                raise ValueError
            begun.append((first, numbers[place + 1]))
            lows.append(None)
            place += 2
            continue
        if -first >= len(paths):
            raise ValueError
        node: Node = len(begun) * _MILLION + paths[-first]
        size -= first
        place += 1
        while lows and (low := lows[-1]) is not None:
            node = (*begun.pop(), low, node)
            lows.pop()
        if not lows:
            break
        lows[-1] = node
    if place != len(numbers):
        raise ValueError
    return node, size
