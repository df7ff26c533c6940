"""The window for events: what happens in the home, a line each."""

from collections.abc import Sequence

from hongbao.answers import EventLine
from hongbao.ui import wording
from hongbao.ui.screen import is_terminal, line, pipe, safe
from hongbao.words import N_, _

_FACTS = {
    "init": N_("opened a wallet"),
    "identify": N_("said who they are"),
    "card_add": N_("bound a card"),
    "card_remove": N_("removed a card"),
    "pin_change": N_("changed the PIN"),
    "refund_to": N_("chose where refunds go"),
    "device_add": N_("asked to let a device in"),
    "device_approve": N_("let a device in"),
    "device_remove": N_("removed a device"),
    "device_login": N_("began a new session"),
    "device_move": N_("said where a device is"),
    "device_fault": N_("told a device to do wrong"),
    "cut": N_("a session was ended for safety"),
    "challenged": N_("was asked to show that a person is there"),
    "challenge_passed": N_("showed that a person is there"),
    "challenge_failed": N_("answered wrongly too often"),
    "limited": N_("was stopped by a lowered limit"),
    "refused": N_("was refused by risk control"),
    "totp_add": N_("added an authenticator"),
    "totp_remove": N_("removed an authenticator"),
    "policy_use": N_("put other rules in force"),
    "risk_use": N_("put another risk pack in force"),
    "risk_train": N_("had a model learned from here"),
    "risk_model": N_("went back to the shipped model"),
    "instruct_topup": N_("asked for a top-up"),
    "instruct_send": N_("asked to pay a packet by card"),
    "topup": N_("topped up"),
    "withdraw": N_("asked for a withdrawal"),
    "paid_out": N_("withdrawal arrived"),
    "withdraw_returned": N_("withdrawal returned"),
    "send": N_("a packet can be claimed now"),
    "claim": N_("claimed a share"),
    "refund": N_("what was left is on its way back"),
    "refund_arrived": N_("refund reached the card"),
    "refund_to_balance": N_("refund went to the balance instead"),
    "not_paid": N_("payment did not come about"),
    "sent": N_("instruction is on its way"),
    "unknown": N_("bank has not answered"),
    "late_answer": N_("bank answered too late"),
    "duplicate_answer": N_("bank answered twice"),
    "settle": N_("settled with the banks"),
    "bank_fault": N_("told a bank how to fail"),
    "operator_add": N_("made somebody an operator"),
    "correct": N_("a difference was put right"),
    "released": N_("what was held goes on"),
    "returned": N_("what was held goes back"),
    "approved": N_("a reviewer let it go"),
    "rejected": N_("a reviewer sent it back"),
    "opinion": N_("spoke first about a case; a second has to"),
    "escalated": N_("escalated a case"),
    "unmasked": N_("looked at personal data of cases"),
    "bill_import": N_("brought a bill in to compare"),
    "bill_remove": N_("removed a bill that was brought in"),
    "rekey": N_("gave the home new keys"),
    "restore": N_("came back from a backup"),
}

_BANK_FACTS = {
    "booked": N_("booked the payment"),
    "refused": N_("refused the payment"),
    "queued": N_("has it, and does nothing yet"),
    "late": N_("booked it far too late"),
    "reversed": N_("undid what it had booked"),
}


_CASE_FACTS = {
    "approved": N_("closed a case: nothing to report"),
    "rejected": N_("closed a case: to be reported"),
}
"""What a case came to that held no money: whose it was is nobody's affair."""

_HELD_FACTS = {
    "send": N_("a packet is held first"),
    "claim": N_("claimed a share, which is held first"),
    "withdraw": N_("asked for a withdrawal, which is held first"),
}


def fact(event: EventLine) -> str:
    """Return what happened, in a few words; an act without words is shown as its code."""
    if event["act"] == "bank":
        return _(_BANK_FACTS.get(event["state"] or "", "bank"))
    if event["state"] == "held" and event["act"] in _HELD_FACTS:
        return _(_HELD_FACTS[event["act"]])
    if event["profile"] is None and event["act"] in _CASE_FACTS:
        return _(_CASE_FACTS[event["act"]])
    return _(_FACTS.get(event["act"], event["act"]))


def show_events(events: Sequence[EventLine]) -> None:
    """Print *events*, oldest first."""
    for event in events:
        show_event(event)
    if not events and is_terminal():
        line(_("nothing has happened since"))


def show_event(event: EventLine) -> None:
    """Print one event, as it happens or afterwards."""
    if not is_terminal():
        pipe(_fields(event))
        return
    actor = safe(wording.actor(event["actor"]))
    about = (event["packet"] or event["payment"], _whose(event), event["fault"])
    told = f"{wording.when_short(event['at'])}  {actor} · {fact(event)}"
    line(
        " · ".join((f"{event['event']:>4}  {told}", *(fact for fact in about if fact))),
        bold=actor,
        yellow=event["fault"] or "",
    )


def _whose(event: EventLine) -> str:
    """Return whose money it is about, where that is not plain from who acted."""
    whose = event["profile"]
    return "" if whose is None or whose == event["actor"] else safe(whose)


def _fields(event: EventLine) -> list[object]:
    return [
        event["event"],
        event["at"],
        event["act"],
        event["actor"],
        event["profile"],
        event["packet"],
        event["payment"],
        event["state"],
        event["fault"],
    ]
