"""Events on the terminal, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.listing import Field, Layout, Listing
from hongbao.ui.screen import Cell, Column, is_terminal, line, safe
from hongbao.words import C_, N_, _

if TYPE_CHECKING:
    from hongbao.answers import EventLine

_FACTS = {
    "init": N_("created a profile"),
    "identify": N_("verified their identity"),
    "card_add": N_("bound a card"),
    "card_remove": N_("removed a card"),
    "pin_change": N_("changed the PIN"),
    "pin_renewed": N_("had the PIN's hash renewed"),
    "refund_to": N_("chose where refunds go"),
    "device_add": N_("requested a device"),
    "device_approve": N_("approved a device"),
    "device_remove": N_("removed a device"),
    "device_login": N_("logged in again"),
    "device_move": N_("set a device's city"),
    "session_open": N_("opened a session for claims"),
    "device_fault": N_("simulated a device fault"),
    "cut": N_("was logged out for safety"),
    "challenged": N_("got a challenge"),
    "challenge_passed": N_("passed a challenge"),
    "challenge_failed": N_("failed a challenge"),
    "limited": N_("was stopped by a lowered limit"),
    "refused": N_("was refused by risk control"),
    "totp_add": N_("added an authenticator"),
    "totp_remove": N_("removed an authenticator"),
    "policy_use": N_("activated another policy"),
    "risk_use": N_("activated another risk pack"),
    "risk_train": N_("trained a model"),
    "risk_model": N_("went back to the shipped model"),
    "instruct_topup": N_("requested a top-up"),
    "instruct_send": N_("requested a packet paid by card"),
    "topup": C_("event", "topped up"),
    "withdraw": N_("requested a withdrawal"),
    "paid_out": N_("withdrawal arrived"),
    "withdraw_returned": N_("withdrawal returned"),
    "send": N_("a packet can be claimed"),
    "claim": N_("claimed a share"),
    "refund": N_("the unclaimed amount is being returned"),
    "refund_arrived": N_("refund reached the card"),
    "refund_to_balance": N_("refund went to the balance instead"),
    "not_paid": N_("payment failed"),
    "sent": N_("payment instruction sent"),
    "unknown": N_("bank has not answered"),
    "late_answer": N_("bank answered too late"),
    "duplicate_answer": N_("bank answered twice"),
    "settle": N_("settled with the banks"),
    "bank_fault": N_("simulated a bank fault"),
    "operator_add": N_("added an operator"),
    "correct": N_("corrected a difference"),
    "released": N_("the hold ended, money released"),
    "returned": N_("the hold ended, money returned"),
    "approved": N_("a reviewer released the money"),
    "rejected": N_("a reviewer returned the money"),
    "opinion": N_("gave the first of two opinions on a case"),
    "escalated": N_("escalated a case"),
    "unmasked": N_("looked at personal data of cases"),
    "bill_import": N_("imported a bill to compare"),
    "bill_remove": N_("removed an imported bill"),
    "rekey": N_("re-encrypted the wallet with new keys"),
    "home_join": N_("let another machine use this wallet"),
    "home_epoch": N_("opened an epoch of the log, after a loss"),
    "restore": N_("restored a backup"),
    "repaired": N_("repaired the ledger"),
}

_BANK_FACTS = {
    "booked": N_("booked the payment"),
    "refused": N_("refused the payment"),
    "queued": N_("has it, and does nothing yet"),
    "late": N_("booked it far too late"),
    "reversed": N_("reversed what it had booked"),
}


_CASE_FACTS = {
    "approved": N_("closed a case: nothing to report"),
    "rejected": N_("closed a case: to be reported"),
}
"""The outcome of a case without held money; whose it was is not shown."""

_HELD_FACTS = {
    "send": N_("sent a packet, which is on hold"),
    "claim": N_("claimed a share, which is on hold"),
    "withdraw": N_("requested a withdrawal, which is on hold"),
}


def fact(event: EventLine) -> str:
    """Return the title of an event; an act without one is shown as its code."""
    if event["act"] == "bank":
        return _(_BANK_FACTS.get(event["state"] or "", "bank"))
    if event["state"] == "held" and event["act"] in _HELD_FACTS:
        return _(_HELD_FACTS[event["act"]])
    if event["profile"] is None and event["act"] in _CASE_FACTS:
        return _(_CASE_FACTS[event["act"]])
    return _(_FACTS.get(event["act"], event["act"]))


def title(act: str) -> str:
    """Return the title of an act of which no more is known than its code."""
    return _(_FACTS.get(act, act))


def show_events(events: Sequence[EventLine]) -> None:
    """Print *events*, oldest first."""
    for event in events:
        show_event(event)
    if not events:
        line(_("nothing has happened since"))


def show_event(event: EventLine) -> None:
    """Print one event, as it happens or afterwards."""
    if not is_terminal():
        EVENTS.print_rows([event], Layout())
        return
    actor = safe(wording.actor(event["actor"]))
    about = (event["packet"] or event["payment"], _whose(event), event["fault"])
    text = f"{wording.when_short(event['at'])}  {actor} · {fact(event)}"
    line(
        " · ".join((f"{event['event']:>4}  {text}", *(fact for fact in about if fact))),
        bold=actor,
        yellow=event["fault"] or "",
    )


def _whose(event: EventLine) -> str:
    """Return the owner of the money, if that is not clear from the actor."""
    whose = event["profile"]
    return "" if whose is None or whose == event["actor"] else safe(whose)


EVENTS = Listing(
    rows="events",
    fields=(
        Field("event", Column("", right=True)),
        Field("at", Column(N_("time")), lambda row: Cell(wording.when_short(row["at"]), "dim")),
        Field("act", Column(N_("what")), fact),
        Field("actor", Column(N_("who")), lambda row: safe(wording.actor(row["actor"]))),
        Field("profile", Column(N_("profile")), says=N_("the profile whose money it is about")),
        Field("packet", Column(N_("packet"))),
        Field("payment"),
        Field("state", says=N_("the payment's state then, as a code")),
        Field("fault"),
    ),
    empty=N_("nothing has happened since"),
)
