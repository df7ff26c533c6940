"""Challenges on the terminal: a line of characters to count, and the act that requires it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.ui.script import folded, terminal_columns
from hongbao.units import yuan
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


def show_challenges(challenges: Sequence[ChallengeLine]) -> None:
    """Print the challenges that can be answered, oldest first."""
    if not is_terminal():
        pipe(*(_fields(row) for row in challenges))
        return
    if not challenges:
        line(_("no open challenges"))
        return
    table(
        [
            Column(_("challenge")),
            Column(_("what")),
            Column(_("amount"), right=True),
            Column(_("until"), below=True, named=True),
            Column(_("tries left"), right=True, below=True, named=True),
        ],
        [
            [
                Cell(row["challenge"], "bold"),
                asked(row["asked"]),
                "" if row["amount_fen"] is None else yuan(row["amount_fen"]),
                wording.when(row["expires_at"]),
                str(row["tries_left"]),
            ]
            for row in challenges
        ],
    )


def _fields(row: ChallengeLine) -> list[object]:
    return [
        row["challenge"],
        row["asked"],
        "" if row["amount_fen"] is None else yuan(row["amount_fen"]),
        row["request_id"],
        row["expires_at"],
        row["tries_left"],
        row["sought"],
        row["line"],
    ]


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
