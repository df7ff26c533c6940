"""
A witness: what an act's checks found, and which entries were written, in their order.

`--explain` shows it. It sees what really happens, where it happens, and changes nothing; without
one, nothing is looked at for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hongbao.rows import Row


class Check(Row):
    """A check of an act: what it looked at, whether it was passed, and the numbers it went by."""

    check: str
    passed: bool
    facts: dict[str, object]


class Written(Row):
    """An entry, and the checks that came before it."""

    entry: int
    checks: list[Check]


class Witness:
    """What was seen so far."""

    def __init__(self, read: Callable[[Any, list[Written]], list[Any]]) -> None:
        self._read = read
        self._written: list[Written] = []
        self._checks: list[Check] = []
        self._stopped: list[Check] = []
        self.steps: list[Any] = []
        """The steps of acts that were read already, as `hongbao.queries.explain` has it."""
        self.was_undone = False
        """Whether it was a dry run."""
        self.entries: list[int] = []
        """Every entry that was written and stands; those of a dry run do not."""

    @property
    def has_seen(self) -> bool:
        return bool(self._checks or self._written or self.steps)

    @property
    def checks(self) -> list[Check]:
        """The checks of what was stopped: those that no entry has followed, or its own."""
        return self._checks or self._stopped

    @contextmanager
    def checking(self, check: str) -> Iterator[dict[str, object]]:
        """See the *check* that is made within, with the facts that are put in what is given."""
        facts: dict[str, object] = {}
        try:
            yield facts
        except BaseException:
            self._checks.append(Check(check, passed=False, facts=facts))
            raise
        self._checks.append(Check(check, passed=True, facts=facts))

    def wrote(self, entry: int, *, asked: bool) -> None:
        """See that *entry* was written; the checks so far are its own if someone *asked* for it."""
        self._written.append(Written(entry, self._checks if asked else []))
        if asked:
            if self._checks and not self._checks[-1].passed:
                self._stopped = self._checks  # that an act was stopped is an entry, too
            self._checks = []
        self.entries.append(entry)

    def read(self, home: Any, *, undone: bool = False) -> None:
        """Read the steps of what was written, before it is closed or (*undone*) rolled back."""
        written, self._written = self._written, []
        if written:
            self.steps += self._read(home, written)
        if undone:
            self.was_undone = True
            gone = {each.entry for each in written}
            self.entries = [entry for entry in self.entries if entry not in gone]
            left = [check for each in written for check in each.checks if not check.passed]
            self._checks = left + self._checks
