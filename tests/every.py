"""Many cases in one test, which tries them all and tells every fault."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from hongbao import words

SHOWN_MAX = 10
"""How many faults are shown with all that is known of them; the others are named."""


def every(
    names: str | tuple[str, ...],
    cases: Iterable[Any],
    *,
    ids: Callable[[Any], object] | Iterable[str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Try a test with each of *cases*, as ``pytest.mark.parametrize`` does, within one test.

    A case is a test's smallest part, a sentence or a vector: thousands of them, each set up and
    reported by itself, cost more than all that they find. So nothing is made anew between two
    cases but the language, and what a case needs for itself is no fixture.
    """
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    tried = [_values(case, len(keys)) for case in cases]
    given_ids = ids if ids is None or callable(ids) else list(ids)
    assert not isinstance(given_ids, list) or len(given_ids) == len(tried)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def tries_every(**fixtures: Any) -> None:
            faults: dict[int, Exception] = {}
            for number, values in enumerate(tried):
                words.use_language("en")
                try:
                    test(**fixtures, **dict(zip(keys, values, strict=True)))
                except pytest.fail.Exception as failed:
                    faults[number] = AssertionError(str(failed))
                except Exception as error:  # noqa: BLE001 - all of them are told below
                    faults[number] = error
            assert tried, "there is nothing to try"
            if faults:
                labels = _labels(tried, given_ids)
                raise _told({labels[number]: faults[number] for number in faults}, len(tried))

        given = inspect.signature(test)
        vars(tries_every)["__signature__"] = given.replace(
            parameters=[each for name, each in given.parameters.items() if name not in keys]
        )
        return tries_every

    return decorate


def _values(case: Any, count: int) -> tuple[Any, ...]:
    if isinstance(case, ParameterSet):
        assert not case.marks, "a case has no marks of its own"
        return tuple(case.values)
    return (case,) if count == 1 else tuple(case)


def _labels(
    tried: list[tuple[Any, ...]], ids: Callable[[Any], object] | Iterable[str] | None
) -> list[str]:
    """Return what each case is called: a number, and what it is about."""
    if ids is None or callable(ids):
        told = [", ".join(str(ids(one)) if ids else repr(one) for one in case) for case in tried]
    else:
        told = list(ids)
    return [f"{number}: {label[:120]}" for number, label in enumerate(told)]


def _told(faults: dict[str, Exception], count: int) -> ExceptionGroup[Exception]:
    for label, error in faults.items():
        error.add_note(f"case {label}")
    shown = list(faults.values())[:SHOWN_MAX]
    return ExceptionGroup("\n  ".join([f"{len(faults)} of {count} cases fail:", *faults]), shown)
