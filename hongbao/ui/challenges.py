"""Challenges on the terminal: a line of characters to count, and the act that requires it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, line, safe
from hongbao.ui.script import folded, terminal_columns
from hongbao.words import N_, _, in_language, say

if TYPE_CHECKING:
    from hongbao.answers import ChallengeLine, ChallengePassed

QUESTION = N_("number of {sought} in this line")

_ASKED = {
    "send": N_("send"),
    "give": N_("send to one person"),
    "claim": N_("claim"),
    "topup": N_("top up"),
    "withdraw": N_("withdraw"),
}


def asked(what: str) -> str:
    """Return the title of the act that requires a challenge."""
    return _(_ASKED[what])


def to_count(challenge: ChallengeLine, said: str | None = None) -> list[str]:
    """Return the text above the question on a terminal; *said* was the last answer."""
    why = safe(in_language(challenge["why"])) if said is None else said
    return ["", *folded(why, terminal_columns()), "", f"  {safe(challenge['line'])}", ""]


CHALLENGES = Listing(
    rows="challenges",
    fields=(
        Field("challenge", Column(N_("challenge")), lambda row: Cell(row["challenge"], "bold")),
        Field("asked", Column(N_("what")), lambda row: asked(row["asked"])),
        Field("amount_fen", Column(N_("amount"), right=True)),
        Field("request_id"),
        Field(
            "expires_at",
            Column(N_("until"), below=True, named=True),
            lambda row: wording.when(row["expires_at"]),
        ),
        Field("tries_left", Column(N_("tries left"), right=True, below=True, named=True)),
        Field("sought"),
        Field("line"),
    ),
    more=(Field("at"), Field("rule"), Field("why")),
    screen=("challenge", "asked", "amount_fen", "expires_at", "tries_left"),
    empty=N_("no open challenges"),
)


def show_passed(passed: ChallengePassed) -> None:
    """Print that a challenge was passed, and until when what it stood before may be asked again."""
    line(
        say(
            N_("{challenge} is passed · the same request succeeds once · until {until}"),
            challenge=passed["challenge"],
            until=wording.when(passed["valid_until"]),
        ),
        bold=passed["challenge"],
    )
