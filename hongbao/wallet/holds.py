"""Holds (冻结): money that risk control keeps back, until a reviewer or a moment frees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.packet import Packet
from hongbao.home.opened import Home
from hongbao.queries.packets import hold_terms
from hongbao.store import CardRow, CaseRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.risk_control import open_case

if TYPE_CHECKING:
    from hongbao.answers import Held
    from hongbao.domain.risk.pack import Rule


class HoldOver(Exception):
    """A packet cannot be looked at before its hold, whose moment has come, is ended."""

    def __init__(self, case: int) -> None:
        super().__init__(case)
        self.case = case


def open_hold(
    home: Home,
    doing: Act,
    terms: Mapping[str, Any],
    amount_fen: int,
    *,
    packet: int | None = None,
    message: int | None = None,
) -> tuple[CaseRow, Held]:
    """
    Open the case that the *terms* of a rule (see `terms_of`) ask for; return its answer.

    Its money is the caller's to move.
    """
    case = open_case(
        home,
        doing,
        kind="hold",
        rule=terms["rule"],
        amount_fen=amount_fen,
        packet=packet,
        message=message,
        until=doing.now + timedelta(hours=terms["hours"]),
        ends=terms["ends"],
    )
    assert case.until is not None
    held: Held = {
        "case": case.id,
        "until": iso(case.until),
        "ends": terms["ends"],
        "rule": terms["rule"],
        "why": terms["why"],
    }
    return case, held


def held_account(case: CaseRow) -> Account:
    """Return the account where the money of *case* is kept."""
    return Account(PLATFORM, Kind.HELD, case.number)


def why_held(home: Home, packet: Packet) -> Mapping[str, str] | None:
    """Return the sentence of the rule that holds *packet*; None if it is free."""
    if packet.hold is None:
        return None
    return hold_terms(home, home.store.case(packet.hold.case))["why"]


def check_hold(doing: Act, packet: Packet) -> None:
    """Raise HoldOver if *packet* is held, and need not be any longer."""
    if packet.hold is not None and packet.hold.is_over(doing.now):
        raise HoldOver(packet.hold.case)


def terms_of(rule: Rule) -> dict[str, Any]:
    """Return the terms of *rule*, which holds, as JSON, so that a message can carry them."""
    return {"rule": rule.id, "hours": rule.hold_hours, "ends": rule.ends, "why": dict(rule.says)}


def flow(card: CardRow | None) -> str:
    """Return the flow that limits count for a packet paid by *card*, or from the balance."""
    return "send_balance" if card is None else "send_card"
