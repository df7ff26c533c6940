"""Changes of cases that reviewers look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from hongbao.store import CaseRow, Touched


class AddCase(Row):
    """Open a case."""

    row: CaseRow

    @property
    def touches(self) -> Touched:
        return (("review_case", self.row.number),)


class CloseCase(Row):
    """Close a case as *state*, in *entry*."""

    number: int
    state: str
    entry: int

    @property
    def touches(self) -> Touched:
        return (("review_case", self.number),)


class EscalateCase(Row):
    """Hand a case to a second reviewer."""

    number: int

    @property
    def touches(self) -> Touched:
        return (("review_case", self.number),)


class AddOpinion(Row):
    """Add what an operator said of a case."""

    entry: int
    case: int
    operator: int
    verb: str
    reason: str

    @property
    def touches(self) -> Touched:
        return (("review_case", self.case),)
