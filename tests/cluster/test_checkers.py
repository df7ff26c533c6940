"""What the checkers of histories find: a checker that never failed proves nothing."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster import bank, lists
from tests.cluster.history import FAIL, INFO, OK, Op, kinds, load


def op(*steps: list, begun: float, ended: float | None = None, outcome: str = OK) -> Op:
    """Return a transaction of a second's length, if nothing else is said."""
    return Op(int(begun), list(steps), begun, begun + 1 if ended is None else ended, outcome)


def append(key: int, number: int) -> list:
    return ["append", key, number]


def read(key: int, *numbers: int) -> list:
    return ["r", key, list(numbers)]


# --- lists --------------------------------------------------------------------------------------

BAD_LISTS: dict[str, tuple[str, list[Op], dict[int, list[int]]]] = {
    "an acknowledged number is gone": ("lost", [op(append(1, 1), begun=0)], {1: []}),
    "what was seen is gone": (
        "lost",
        [op(append(1, 1), begun=0, outcome=INFO), op(read(1, 1), begun=2)],
        {1: []},
    ),
    "a number twice": (
        "duplicate",
        [op(append(1, 1), begun=0)],
        {1: [1, 1]},
    ),
    "a number that nobody wrote": ("invented", [], {1: [7]}),
    "a number that was rolled back": (
        "undone",
        [op(append(1, 1), begun=0, outcome=FAIL)],
        {1: [1]},
    ),
    "two orders of the same writes": (
        "fork",
        [op(append(1, 1), begun=0), op(append(1, 2), begun=0), op(read(1, 2), begun=2)],
        {1: [1, 2]},
    ),
    "a list without what the same transaction wrote": (
        "own write",
        [op(append(1, 1), read(1), begun=0)],
        {1: [1]},
    ),
    "an update lost between two who read the same": (
        "lost update or skew",
        [
            op(read(1), append(1, 1), begun=0, ended=5),
            op(read(1), append(1, 2), begun=0, ended=5),
        ],
        {1: [1, 2]},
    ),
    "a fractured read": (
        "lost update or skew",
        [
            op(append(1, 1), append(2, 1), begun=0, ended=5),
            op(read(1, 1), read(2), begun=0, ended=5),
        ],
        {1: [1], 2: [1]},
    ),
    "two who each read what the other has not yet written": (
        "lost update or skew",
        [
            op(read(1), append(2, 1), begun=0, ended=5),
            op(read(2), append(1, 1), begun=0, ended=5),
        ],
        {1: [1], 2: [1]},
    ),
    "a long fork": (
        "lost update or skew",
        [
            op(append(1, 1), begun=0, ended=5),
            op(append(2, 1), begun=0, ended=5),
            op(read(1, 1), read(2), begun=0, ended=5),
            op(read(1), read(2, 1), begun=0, ended=5),
        ],
        {1: [1], 2: [1]},
    ),
    "two who read each other": (
        "dirty cycle",
        [
            op(append(1, 1), read(2, 2), begun=0, ended=5),
            op(append(2, 2), read(1, 1), begun=0, ended=5),
        ],
        {1: [1], 2: [2]},
    ),
    "a read that is behind an answer": (
        "stale",
        [op(append(1, 1), begun=0, ended=1), op(read(1), begun=2, ended=3)],
        {1: [1]},
    ),
    "a write that slips in before an earlier one": (
        "stale",
        [op(append(1, 1), begun=0, ended=1), op(append(1, 2), begun=2, ended=3)],
        {1: [2, 1]},
    ),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_list_that_cannot_be_is_found(name: str):
    """
    Each kind of anomaly has a smallest history that shows it.
    """
    kind, history, final = BAD_LISTS[name]
    assert {kind} == kinds(lists.check(history, final))


GOOD_LISTS: dict[str, tuple[list[Op], dict[int, list[int]]]] = {
    "nothing": ([], {}),
    "an unknown outcome that took effect": (
        [op(append(1, 1), begun=0, outcome=INFO), op(read(1), begun=2), op(read(1, 1), begun=4)],
        {1: [1]},
    ),
    "an unknown outcome that did not": ([op(append(1, 1), begun=0, outcome=INFO)], {1: []}),
    "one that failed": ([op(append(1, 1), begun=0, outcome=FAIL)], {1: []}),
    "an old read beside a write": (
        [op(append(1, 1), begun=0, ended=3), op(read(1), begun=2, ended=4)],
        {1: [1]},
    ),
    "what a refused transaction had read": (
        [op(append(1, 1), begun=0), op(read(1), append(1, 2), begun=2, outcome=FAIL)],
        {1: [1]},
    ),
}


@pytest.mark.parametrize("name", GOOD_LISTS)
def test_a_list_that_can_be_is_let_pass(name: str):
    """
    What nobody was told proves nothing against a database.
    """
    history, final = GOOD_LISTS[name]
    assert [] == lists.check(history, final)


def lived(seed: int, size: int = 25) -> tuple[list[Op], dict[int, list[int]]]:
    """Return a history of one transaction at a time, each of which takes effect at one moment."""
    chance = random.Random(seed)
    state: dict[int, list[int]] = {key: [] for key in range(4)}
    history = []
    for number in range(size):
        outcome = chance.choice([OK, OK, OK, OK, FAIL, INFO])
        happens = outcome == OK or (outcome == INFO and chance.random() < 0.5)
        steps: list[list[Any]] = []
        after = {key: list(value) for key, value in state.items()}
        for key in chance.sample(range(4), chance.randint(1, 3)):
            steps.append(read(key, *after[key]))
            if chance.random() < 0.5:
                after[key].append(number)
                steps.append(append(key, number))
        if happens:
            state = after
        at = number + chance.random() / 2
        before, later = chance.random() * 3, chance.random() * 3
        history.append(op(*steps, begun=at - before, ended=at + later, outcome=outcome))
    return history, state


@given(st.integers(min_value=0))
def test_whatever_happens_at_one_moment_is_let_pass(seed: int):
    """
    Transactions that overlap in time, and take effect one after the other, are never accused.
    """
    history, final = lived(seed)
    assert [] == lists.check(history, final)


@given(st.integers(min_value=0))
def test_one_acknowledged_number_that_goes_missing_is_found(seed: int):
    """
    Wherever in a long history it was, and whoever had seen it.
    """
    history, final = lived(seed)
    acknowledged = [
        (step[1], step[2])
        for done in history
        if done.outcome == OK
        for step in done.value
        if step[0] == "append"
    ]
    if acknowledged:
        key, number = random.Random(seed).choice(acknowledged)
        final[key] = [other for other in final[key] if other != number]
        assert "lost" in kinds(lists.check(history, final))


# --- bank ---------------------------------------------------------------------------------------

START = {1: 100, 2: 100}


def transfer(number: int, amount: int, **when: Any) -> Op:
    return op(["transfer", number, 1, 2, amount], **when)


BAD_BANKS: dict[str, tuple[str, list[Op], dict[int, int], list]] = {
    "money from nowhere": ("total", [op(["read", {"1": 100, "2": 110}], begun=0)], START, []),
    "an overdraft": ("negative", [op(["read", {"1": -1, "2": 201}], begun=0)], START, []),
    "an acknowledged transfer that is gone": ("lost", [transfer(1, 10, begun=0)], START, []),
    "one that was rolled back and is there": (
        "undone",
        [transfer(1, 10, begun=0, outcome=FAIL)],
        {1: 90, 2: 110},
        [(1, 1, 2, 10)],
    ),
    "one that nobody asked for": ("invented", [], {1: 90, 2: 110}, [(1, 1, 2, 10)]),
    "one that is there twice": (
        "twice",
        [transfer(1, 10, begun=0)],
        {1: 80, 2: 120},
        [(1, 1, 2, 10), (1, 1, 2, 10)],
    ),
    "a balance without its transfer": (
        "balance",
        [transfer(1, 10, begun=0)],
        START,
        [(1, 1, 2, 10)],
    ),
}


@pytest.mark.parametrize("name", BAD_BANKS)
def test_a_bank_that_cannot_be_is_found(name: str):
    """
    Each way of making or losing money has a smallest history that shows it.
    """
    kind, history, final, rows = BAD_BANKS[name]
    assert {kind} == kinds(bank.check(history, START, final, rows))


@pytest.mark.parametrize("happened", [True, False])
def test_a_bank_may_answer_that_it_does_not_know(happened: bool):
    """
    Its rows tell in the end; either is right.
    """
    rows = [(1, 1, 2, 10)] if happened else []
    final = {1: 90, 2: 110} if happened else START
    history = [transfer(1, 10, begun=0, outcome=INFO), op(["read", {"1": 90, "2": 110}], begun=1)]
    assert [] == bank.check(history, START, final, rows)


def test_a_process_that_dies_leaves_an_unknown_outcome(tmp_path):
    """
    What it had begun is in its file, without an answer.
    """
    file = tmp_path / "1"
    file.write_text(
        '[1, [["append", 1, 1]], 0.5, 0.5, "info"]\n'
        '[1, [["append", 1, 1]], 0.5, 0.9, "ok"]\n'
        '[1, [["append", 1, 2]], 1.5, 1.5, "info"]\n'
    )
    assert ["ok", "info"] == [one.outcome for one in load([file])]
