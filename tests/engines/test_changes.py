"""Every kind of change: read back as it was applied, all together or not at all."""

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import hongbao.changes
from hongbao.changes.home import SealAgain
from hongbao.questions import Question
from hongbao.store import SEALED, Store, key_of
from tests.engines.acts import NEXT, act, add, digest_of, picture, sealed_by, states
from tests.engines.cases import CASES, Case, seen
from tests.engines.conftest import Engine


class Interrupted(Exception):
    """Something goes wrong that has nothing to do with the ledger."""


def named(case: Case) -> str:
    return type(case.change).__name__


EVERY = pytest.mark.parametrize("case", CASES, ids=named)


def test_every_kind_of_change_has_a_case():
    """A change that somebody adds is missed here until `cases.py` says what comes of it."""
    kinds = {
        kind.__name__
        for module in pkgutil.iter_modules(hongbao.changes.__path__, "hongbao.changes.")
        for kind in vars(import_module(module.name)).values()
        if inspect.isclass(kind) and hasattr(kind, "touches") and kind.__module__ == module.name
    }
    assert len(kinds) > 50
    assert kinds == {named(case) for case in CASES}


@EVERY
def test_what_is_applied_is_read_back(case: Case, store: Store, engine: Engine):
    with store.transaction():
        store.apply(case.before)
        assert case.expected != seen(case, store)  # or the case would show nothing
        add(store, case.change)
    assert case.expected == seen(case, store)
    assert case.expected == seen(case, engine.open())


def test_what_is_interrupted_leaves_nothing(store: Store, engine: Engine):
    """Whatever was applied: on this connection and on another, all is as it was before."""
    before, other = picture(store), engine.open()
    for case in CASES:
        nothing = seen(case, store)
        with pytest.raises(Interrupted):
            _interrupted(store, case)
        assert not store.in_transaction
        for each in (store, other):
            assert nothing == seen(case, each), case
            assert before == picture(each), case


def _interrupted(store: Store, case: Case) -> None:
    with store.transaction():
        store.apply(case.before)
        add(store, case.change)
        raise Interrupted


def test_a_dry_run_sees_what_it_changes_and_leaves_nothing(store: Store):
    before = picture(store)
    for case in CASES:
        nothing = seen(case, store)
        with store.transaction(dry_run=True):
            store.apply(case.before)
            add(store, case.change)
            assert case.expected == seen(case, store)
        assert nothing == seen(case, store), case
        assert before == picture(store), case


def test_a_change_touches_the_rows_of_state_that_it_names(store: Store):
    """
    No row changes that is not named, or nobody would seal it; and its last seal is found.

    Only what is sealed again changes nothing.
    """
    for case in CASES:
        sealed = sealed_by([case.change])
        with store.transaction(dry_run=True):
            store.apply(case.before)
            before = states(store)
            add(store, case.change)
            after = states(store)
            for row in sealed:
                assert (1, digest_of(store, row)) == store.state(row)[1:], case
        changed = {key for key in before | after if before.get(key) != after.get(key)}
        assert changed <= {(row[0], key_of(row)) for row in sealed}, case
        assert bool(changed) == (bool(sealed) and not isinstance(case.change, SealAgain)), case


OF_ONE_ENGINE = {"conftest.py", "test_address.py"}
"""What may name an engine: the adapters, and tests of a part that only one of them has."""


def test_the_suite_knows_no_engine():
    """Engines are named by their adapters alone: the next one passes the same tests."""
    for path in Path(__file__).parent.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        asked = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
        known = {name for name in asked if name.startswith(("sqlcipher3", "hongbao.engines"))}
        assert not known or path.name in OF_ONE_ENGINE, path


def test_every_table_of_state_is_touched_by_some_case():
    touched = {row[0] for case in CASES for row in case.change.touches}
    assert touched >= SEALED


def test_state_says_the_same_row_by_row_and_table_by_table(store: Store):
    for table in SEALED:
        for key, values in store.audit(Question.STATES, table):
            parts = [int(part) if part.isdigit() else part for part in key.split("/")]
            assert values == store.state((table, *parts)).values
    assert (None, None, None) == store.state(("profile", 99))


def test_changes_are_applied_in_their_order_and_nobody_sorts_them_first(store: Store):
    """What a row stands on may come after it: an act need not know in which order to say it."""
    case = next(case for case in CASES if named(case) == "AddClaim")
    act(store, case.change, *case.before)
    assert case.expected == seen(case, store)
    assert NEXT == store.head().entry
