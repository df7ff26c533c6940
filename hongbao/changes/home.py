"""Changes of the home: its clock, its rules, and remembered refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.rows import Row

if TYPE_CHECKING:
    from hongbao.store import HomeRow, RowKey, Touched


class SetHome(Row):
    """Make *row* what is true of the whole home."""

    row: HomeRow

    @property
    def touches(self) -> Touched:
        return (("home", 1),)


class SetReadings(Row):
    """
    Make *row* the home's clock and seed position, and the profile that acts by default.

    Nothing else of it may differ: any user of the home may change these.
    """

    row: HomeRow

    @property
    def touches(self) -> Touched:
        return (("readings", 1),)


class SealAgain(Row):
    """Seal *rows* of state as they are: a repair has proven them, and nothing of them changes."""

    rows: tuple[RowKey, ...]

    @property
    def touches(self) -> Touched:
        return self.rows


class KeepRules(Row):
    """Keep the *text* of rules for good, as *ref*: entries name those that they stand on."""

    kind: str  # policy, risk_pack, risk_model
    ref: str
    text: str

    @property
    def touches(self) -> Touched:
        return ((self.kind, self.ref),)


class RememberRefusal(Row):
    """
    Remember that *request_id* was refused for good, with the *error* as JSON.

    No entry says so, so the row has a seal of its own: its *mac*, under the keys of *generation*.
    """

    request_id: str
    profile: int
    inputs: bytes
    error: str
    generation: int
    mac: bytes

    @property
    def touches(self) -> Touched:
        return (("refusal", self.request_id, self.profile),)
