"""What fell due, on the terminal: a line for each thing that was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.errors import recall
from hongbao.ui import wording
from hongbao.ui.screen import line, safe
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import Done, NotDoneYet, Refunded, Served, ServeLine, Settled

KINDS = {
    "payment": N_("late bookings"),
    "sealing": N_("the log of the cluster"),
    "settlement": N_("settlement"),
    "wallet": N_("the wallet"),
}
"""What is due and has no ID that it could be named by."""


def show_served(served: Served) -> None:
    """Print what was due and was done."""
    _show_done(served, served["at"])
    if not any((served["holds"], served["refunds"], served["resolved"], served["settled"])):
        line(_("nothing else was due") if served["failed"] else _("nothing was due"))


def show_line(said: ServeLine) -> None:
    """Print what the service says, if it is no failure."""
    at = wording.when(said["at"])
    match said["event"]:
        case "ready":
            text = say(N_("{at} · from now on what falls due is done"), at=at)
            line(f"{text} · {_('Ctrl-C ends it')}", dim=at)
            _show_ports(said)
        case "open":
            line(say(N_("{at} · the wallet can be used again"), at=at), dim=at)
        case "stopped":
            line(say(N_("{at} · stopped; nothing is left half done"), at=at), dim=at)
        case "done":
            _show_done(said, said["at"])


def _show_ports(said: ServeLine) -> None:
    """Print where claims are taken and metrics are served, if at ports."""
    if said["listen_port"] is not None:
        line(say(N_("taking claims at {place}"), place=f"127.0.0.1:{said['listen_port']}"))
    if said["metrics_port"] is not None:
        place = f"http://127.0.0.1:{said['metrics_port']}/metrics"
        line(say(N_("serving metrics at {place}"), place=place))


def _show_done(done: Done, at: str) -> None:
    for ended in done["holds"]:
        line(wording.hold_ended(ended), red=ended["packet"] or "")
    for row in done["resolved"]:
        line(f"{wording.when(at)} · {wording.resolved(row)}", red=row["packet"] or "")
    for refund in done["refunds"]:
        line(refunded(refund), red=refund["packet"])
    for settled in done["settled"]:
        line(settled_with_banks(settled))
    for torn in {lane: None for sealed in done["sealed"] for lane in sealed["torn"]}:
        line(say(N_("lane {lane} is torn: it lacks what was sealed of it"), lane=safe(torn)))


def not_done_yet(failed: NotDoneYet) -> str:
    """Return a sentence on what could not be done, why, and when it is tried again."""
    what = safe(failed["subject"] or _(KINDS[failed["kind"]]))
    why = recall(failed["error"]).message
    said = say(N_("{what}: {why}"), what=what, why=why)
    if failed["next_try_at"] is None:
        return said
    again = say(N_("tried again at {at}"), at=wording.when(failed["next_try_at"]))
    return f"{said} · {again}"


def refunded(refund: Refunded) -> str:
    """Return a sentence on the refund of a packet."""
    if refund["arrives_at"] > refund["at"]:
        sentence = N_(
            "{at} · returned {amount_fen} of {packet} · on its way to {place}, there by {until}"
        )
    elif refund["card_gone"]:
        sentence = N_(
            "{at} · returned {amount_fen} of {packet} to {place}: the card that paid was removed"
        )
    else:
        sentence = N_("{at} · returned {amount_fen} of {packet} to {place}")
    return say(
        sentence,
        at=wording.when(refund["at"]),
        amount_fen=refund["amount_fen"],
        packet=refund["packet"],
        place=wording.money_place(refund["refunded_to"]),
        until=wording.when_short(refund["arrives_at"]),
    )


def settled_with_banks(settled: Settled) -> str:
    """Return a sentence on a settlement."""
    return say(
        N_("{at} · settled with the banks · gross {gross_fen} · net {net_fen}"),
        at=wording.when(settled["at"]),
        gross_fen=settled["gross_fen"],
        net_fen=settled["net_fen"],
    )
