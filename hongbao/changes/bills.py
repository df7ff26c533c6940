"""Changes of the external book: bills of other institutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hongbao.domain.bill import Kept
    from hongbao.store import Touched


class AddBill(Row):
    """Add an imported bill with its *rows*, which are written one after the other as they come."""

    number: int
    bill_id: str
    profile: int
    entry: int
    digest: bytes
    rows: Iterable[Kept]

    @property
    def touches(self) -> Touched:
        return (("external_bill", self.number),)


class RemoveBill(Row):
    """Take the rows of a bill out; that it was there, and what it was, stays."""

    number: int
    entry: int

    @property
    def touches(self) -> Touched:
        return (("external_bill", self.number),)
