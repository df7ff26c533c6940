"""Changes of the home as a whole: its clock, its rules, and what it refused for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hongbao.store import HomeRow, Touched


class SetHome(NamedTuple):
    """Make *row* what is true of the whole home."""

    row: HomeRow

    @property
    def touches(self) -> Touched:
        return (("home", 1),)


class SetReadings(NamedTuple):
    """
    Make *row* how far the home's clock and dice have come, and who acts where nobody is named.

    Nothing else of it may differ: anybody may change these who may use the home.
    """

    row: HomeRow

    @property
    def touches(self) -> Touched:
        return (("readings", 1),)


class KeepRules(NamedTuple):
    """Keep the *text* of rules for good, as *ref*: entries name those that they stand on."""

    kind: str  # policy, risk_pack, risk_model
    ref: str
    text: str

    @property
    def touches(self) -> Touched:
        return ((self.kind, self.ref),)


class RememberRefusal(NamedTuple):
    """Remember that *request_id* was refused for good, with the *error* as JSON."""

    request_id: str
    profile: int
    inputs: bytes
    error: str

    @property
    def touches(self) -> Touched:
        return (("refusal", self.request_id, self.profile),)
