"""Watching on the terminal: a line for each event as it happens, and nothing that moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.events import fact
from hongbao.ui.listing import Field, Layout, Listing, dated
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe
from hongbao.words import C_, N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import (
        DeliveryLine,
        Inbox,
        WatchedEvent,
        WatchReady,
        WebhookChecked,
        WebhookRemoved,
        WebhookSecret,
    )

WHY = {
    "cut_off": N_("the connection was cut off"),
    "exit_code": N_("it ended with {status}"),
    "no_address": N_("its host has no address"),
    "not_http": N_("the answer is not HTTP"),
    "not_started": N_("it could not be started"),
    "not_this_machine": N_("its host is not this machine"),
    "redirect": N_("it redirects ({status}), which is not followed"),
    "refused": N_("nothing answers there"),
    "removed": N_("the webhook was removed"),
    "status": N_("it answered {status}"),
    "timeout": N_("it took too long"),
    "tls": N_("its certificate is not accepted"),
}
"""What went wrong with a delivery."""

STATES = {
    "delivered": N_("delivered"),
    "failed": C_("delivery", "failed"),
    "given_up": N_("given up"),
    "dismissed": N_("dismissed"),
}


class Screen:
    """What a watcher shows: a heading for each day, and a line for each event."""

    def __init__(self) -> None:
        self._day = ""

    def begin(self, ready: WatchReady) -> None:
        """Say what is watched."""
        who = _("everyone") if ready["profile"] is None else safe(ready["profile"])
        text = say(N_("watching {who} from event {event} on"), who=who, event=ready["after"])
        leaves = _("Ctrl-C ends it")
        line(f"{text} · {leaves}", bold=who)
        for target in ready["targets"]:
            line(f"→ {safe(target)}")

    def show(self, events: Sequence[WatchedEvent]) -> None:
        """Show *events* below those before them."""
        for event in events:
            day, time = wording.when_short(event["at"]).split(" ")
            if day != self._day:
                self._day = day
                line(day, dim=day)
            actor, what = safe(wording.actor(event["actor"])), what_happened(event)
            if event["event"] == "gap":
                line(f"  {time}  {what}", dim=time, yellow=what)
                continue
            subject = event["packet"] or event["payment"] or ""
            text = " · ".join(filter(None, (f"  {time}  {actor}", what, subject, _whose(event))))
            line(text, dim=time, bold=actor, yellow=subject)


def what_happened(event: WatchedEvent) -> str:
    """Return what happened, in words."""
    first, last = event["from_event"], event["to_event"]
    if event["event"] == "gap":
        return say(N_("events {first} to {last} are gone"), first=first, last=last)
    if event["event"] == "restored" and first is not None:
        gone = say(N_("events {first} to {last} are gone"), first=first, last=last)
        return say(N_("{what}: {why}"), what=_line_fact(event), why=gone)
    if event["event"] == "claimed" and event["shares"] != 1:
        end, one = N_("claimed the last share of {count}"), N_("claimed share {seat} of {count}")
        sentence = end if event["finished"] else one
        return say(sentence, seat=event["share"], count=event["shares"])
    return _line_fact(event)


def _line_fact(event: WatchedEvent) -> str:
    return fact(
        {
            "event": event["number"],
            "at": event["at"],
            "act": event["act"],
            "actor": event["actor"],
            "profile": event["profile"],
            "packet": event["packet"],
            "payment": event["payment"],
            "state": event["state"],
            "fault": event["fault"],
        }
    )


def _whose(event: WatchedEvent) -> str:
    """Return whose packet or money it is, if that is not clear from the actor."""
    if event["packet"] is not None and event["sender"] not in (None, event["actor"]):
        return say(N_("from {sender}"), sender=safe(event["sender"] or ""))
    whose = event["profile"]
    return "" if whose in (None, event["actor"]) else safe(whose or "")


# --- the inbox ------------------------------------------------------------------------------------


def show_inbox(inbox: Inbox) -> None:
    """Print what is new, and what was not delivered."""
    if not is_terminal():
        INBOX.print_rows(inbox["events"], Layout())
        return
    Screen().show(inbox["events"])
    if not inbox["events"]:
        line(_("nothing new"))
    if inbox["given_up"]:
        count = inbox["given_up"]
        line(counted("{count} delivery was given up", "{count} deliveries were given up", count))


def show_tried(tried: DeliveryLine) -> str:
    """Return one line about a try that went wrong."""
    text = say(
        N_("{target} has not taken event {event}: {why}"),
        target=safe(tried["target"]),
        event=tried["event"],
        why=why(tried),
    )
    if tried["state"] == "given_up":
        return f"{text} · {_('given up')}"
    return text


def why(tried: DeliveryLine) -> str:
    """Return what went wrong with a try; nothing if nothing did."""
    code = tried["why"]
    return "" if code is None else say(WHY.get(code, code), status=tried["status"])


INBOX = Listing(
    rows="events",
    fields=(
        Field("number", Column("", right=True), says=N_("the event's number")),
        Field("at", Column(N_("time")), lambda row: Cell(wording.when_short(row["at"]), "dim")),
        Field("event", Column(N_("what")), what_happened, says=N_("what happened, as a code")),
        Field("actor", Column(N_("who")), lambda row: safe(wording.actor(row["actor"]))),
        Field("packet", Column(N_("packet"))),
        Field("payment"),
        Field("state", says=N_("the payment's state then, as a code")),
    ),
    more=(
        Field("profile", Column(N_("profile")), says=N_("the profile whose money it is about")),
        Field("sender"),
        Field("id", says=N_("the event's ID, the same wherever it is delivered")),
        Field("act"),
        Field("share", says=N_("which share was claimed")),
        Field("shares"),
        Field("finished", says=N_("true if it was the last share")),
        Field("fault"),
        Field("from_event", says=N_("the first event that is gone")),
        Field("to_event", says=N_("the last event that is gone")),
    ),
    screen=("at", "event", "actor", "packet"),
    empty=N_("nothing new"),
)

DELIVERIES = Listing(
    rows="deliveries",
    fields=(
        Field("event", Column(N_("event"), right=True)),
        Field("target", Column(N_("target"), gives=True), says=N_("the program or the webhook")),
        Field("tries", Column(N_("try"), right=True), says=N_("which try it was")),
        Field("at", Column(N_("time")), lambda row: Cell(wording.when_short(row["at"]), "dim")),
        Field("state", Column(N_("outcome")), lambda row: _(STATES[row["state"]])),
        Field("status", says=N_("the answer's status, or the program's exit code")),
        Field("why", Column(N_("why"), below=True), why, says=N_("what went wrong, as a code")),
        Field("took_ms", says=N_("how long it took, in milliseconds")),
        Field("next_at", says=N_("when the next try is due")),
    ),
    more=(
        Field("id", says=N_("the event's ID, the same at every try")),
        Field("cursor", says=N_("the cursor that it was read with")),
    ),
    screen=("event", "target", "tries", "at", "state", "why"),
    empty=N_("nothing was delivered yet"),
)

WEBHOOKS = Listing(
    rows="webhooks",
    fields=(
        Field("webhook", Column(N_("webhook"), gives=True), says=N_("its URL")),
        Field("secrets", Column(N_("secrets"), right=True), says=N_("how many secrets sign")),
        Field("any_host", says=N_("true if it may be on another machine")),
        Field("added_at", Column(N_("since")), dated("added_at"), says=N_("when it was added")),
    ),
    screen=("webhook", "secrets", "added_at"),
    empty=N_("no webhooks yet"),
)


def show_secret(answer: WebhookSecret) -> None:
    """Print a webhook's new secret: this once."""
    if not is_terminal():
        pipe((answer["webhook"], answer["secret"]))
        return
    line(safe(answer["webhook"]), bold=answer["webhook"])
    if answer["secret"] is not None:
        line(answer["secret"], bold=answer["secret"])
        line(_("this secret is not shown again; the receiver checks signatures with it"))
    if answer["secrets"] > 1:
        line(_("the secret before it still signs as well"))


def show_removed(answer: WebhookRemoved) -> None:
    """Say that a webhook was removed."""
    if not is_terminal():
        pipe((answer["webhook"],))
        return
    line(say(N_("no events go to {target} any more"), target=safe(answer["webhook"])))


def show_checked(answer: WebhookChecked) -> None:
    """Say that a request is genuine."""
    if not is_terminal():
        pipe((answer["id"], answer["sent_at"]))
        return
    at = wording.when(answer["sent_at"])
    text = say(N_("genuine: {id}, sent at {at}"), id=safe(answer["id"]), at=at)
    line(f"✓ {text}")
