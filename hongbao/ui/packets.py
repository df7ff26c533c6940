"""Red packets on the terminal: sent, claimed and returned, and who got what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import Field, Listing, mark
from hongbao.ui.screen import Cell, Column, console, is_terminal, line, safe, table
from hongbao.ui.shares import show_shares
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import (
        Claimed,
        Held,
        PacketLine,
        PacketShown,
        Refunds,
        Sent,
        Verified,
    )
    from hongbao.queries.packets import Standing
    from hongbao.ui.opening import Opening

STATE_STYLES = {
    "held": "yellow",
    "open": "bold red",
    "finished": "",
    "expired": "yellow",
    "refunded": "dim",
}


SCRIPTED = N_("randomness is fixed by a seed: anyone who knows it knows each share in advance")
"""Said where nothing else shows it; a demo's clock does."""


def show_sent(sent: Sent) -> None:
    """Print the packet that waits now, and how it was paid."""
    is_one = sent["count"] == 1 and sent["recipient"] is None
    sentence = _SENT_ONE if is_one else _SENT[sent["kind"]]
    line(
        deed(
            sent,
            sentence,
            packet=sent["packet"],
            total_fen=sent["total_fen"],
            share_fen=sent["total_fen"] // sent["count"],
            count=sent["count"],
            recipient=safe(sent["recipient"] or ""),
            until=wording.when(sent["expires_at"]),
        ),
        bold_red=sent["packet"],
    )
    line(
        deed(
            sent,
            N_("paid from {place} · balance {balance_fen}"),
            place=wording.money_place(sent["paid_from"]),
            balance_fen=sent["balance_fen"],
        )
    )
    _show_held(sent.get("held"))


_SENT_ONE = N_("sent {packet} · {total_fen} in 1 share · until {until}")
_SENT = {
    "lucky": N_("sent {packet} · {total_fen} in {count} lucky shares · until {until}"),
    "equal": N_("sent {packet} · {count} shares of {share_fen} · until {until}"),
    "exclusive": N_("sent {packet} · {total_fen} for {recipient} · until {until}"),
}


def show_claimed(claimed: Claimed, standing: Standing | None = None) -> None:
    """
    Print the greeting, which is what one opens a packet for, and the share.

    With its *standing* it is compared with the others.
    """
    amount = yuan(claimed["amount_fen"])
    held, delayed = claimed.get("held"), claimed.get("delayed")
    sentence = _CLAIMED if claimed["count"] > 1 else _CLAIMED_ALL
    if is_terminal() and claimed["greeting"]:
        line(safe(claimed["greeting"]), red=safe(claimed["greeting"]))
    line(
        say(
            sentence,
            amount_fen=claimed["amount_fen"],
            sender=safe(claimed["sender"]),
            seat=claimed["seat"],
            count=claimed["count"],
            balance_fen=claimed["balance_fen"],
        ),
        bold_red=amount,
    )
    if standing is not None and standing.luckiest is not None:
        who = _("you") if standing.is_mine else safe(standing.luckiest)
        best = yuan(standing.luckiest_fen)
        sentence = _LUCKIEST if claimed["finished"] else _LUCKIEST_SO_FAR
        line(say(sentence, who=who, amount_fen=standing.luckiest_fen), bold_red=best)
    _show_held(held)
    if delayed is not None:
        line(
            say(
                N_("it can be withdrawn from {until}: {why}"),
                until=wording.when_short(delayed["until"]),
                why=delayed["why"],
            )
        )


_LUCKIEST = N_("★ luckiest: {who} · {amount_fen}")
_LUCKIEST_SO_FAR = N_("★ luckiest so far: {who} · {amount_fen}")


def opening(claimed: Claimed, standing: Standing) -> Opening | None:
    """
    Return the opening of the packet that was *claimed*, as it is shown.

    None where there is nothing to celebrate: the amount is on hold, or this is an old answer.
    """
    if claimed.get("held") is not None or claimed.get("replayed"):
        return None
    from hongbao.ui.opening import Opening

    return Opening(
        amount_fen=claimed["amount_fen"],
        sender=safe(claimed["sender"]),
        greeting=safe(claimed["greeting"]),
        seat=claimed["seat"],
        shares=claimed["count"],
        is_luckiest=standing.is_mine,
        brief=standing.claims_in_a_day > OPENINGS_IN_FULL,
    )


OPENINGS_IN_FULL = 3
"""From the fourth in 24 hours on, an opening is brief."""


def _show_held(held: Held | None) -> None:
    if held is not None:
        line(wording.held(held), yellow=held["case"])


def show_refunds(refunds: Refunds) -> None:
    """Print what went back, packet by packet."""
    for refund in refunds["refunds"]:
        arrives_at = refund.get("arrives_at", refund["at"])  # older answers do not say when
        sentence = (
            N_(
                "returned {amount_fen} of {packet} · on its way to {place}, there by {until}"
                " · balance {balance_fen}"
            )
            if arrives_at > refund["at"]
            else N_("returned {amount_fen} of {packet} to {place} · balance {balance_fen}")
        )
        line(
            deed(
                refunds,
                sentence,
                amount_fen=refund["amount_fen"],
                packet=refund["packet"],
                place=wording.money_place(refund["refunded_to"]),
                until=wording.when_short(arrives_at),
                balance_fen=refund["balance_fen"],
            ),
            bold=yuan(refund["amount_fen"]),
        )
        if refund["card_gone"]:
            line(_(_CARD_GONE))
    if len(refunds["refunds"]) > 1:
        line(say(N_("{refunded_fen} in all"), refunded_fen=refunds["refunded_fen"]))
    if not refunds["refunds"] and is_terminal():
        line(_("nothing is due back"))


_CARD_GONE = N_("the card that paid was removed, so the refund went to the balance")
_CLAIMED = N_(
    "claimed {amount_fen} from {sender} · share {seat} of {count} · balance {balance_fen}"
)
_CLAIMED_ALL = N_("claimed {amount_fen} from {sender} · balance {balance_fen}")


# --- lists ---------------------------------------------------------------------------------------


PACKETS = Listing(
    rows="packets",
    fields=(
        Field(
            "packet",
            Column(N_("packet")),
            lambda row: Cell(row["packet"], "red" if row["state"] == "open" else "dim"),
        ),
        Field("kind", Column(N_("kind"), below=True), lambda row: wording.kind(row["kind"])),
        Field("state", Column(N_("state")), lambda row: _state(row["state"])),
        Field(
            "sender",
            Column(N_("from"), gives=True, below=True),
            lambda row: _("you") if row["yours"] else safe(row["sender"]),
        ),
        Field("recipient"),
        Field("total_fen", Column(N_("total"), right=True)),
        Field("count"),
        Field("claimed_fen"),
        Field(
            "claimed_count",
            Column(N_("claimed"), right=True, below=True, named=True),
            lambda row: f"{row['claimed_count']}/{row['count']}",
        ),
        Field(
            "yours_fen",
            Column(N_("yours"), right=True, below=True, named=True),
            lambda row: "" if row["yours_fen"] is None else f"+{yuan(row['yours_fen'])}",
        ),
        Field("created_at"),
        Field("expires_at", Column(N_("time left"), below=True, named=True, extra=True)),
        Field(
            "greeting",
            Column(N_("greeting"), gives=True, below=True, extra=True),
            lambda row: Cell(safe(row["greeting"]), "dim"),
        ),
    ),
    more=(
        Field("yours"),
        Field("held", text=lambda row: row["held"] and row["held"]["case"]),
    ),
    screen=(
        *("packet", "sender", "kind", "state", "claimed_count", "total_fen", "yours_fen"),
        *("expires_at", "greeting"),
    ),
    empty=N_("no packets"),
)


def packets_at(now: str) -> Listing:
    """Return the list of packets as it is shown at the instant *now*."""
    return PACKETS.showing(expires_at=lambda row: _time_left(row, now))


def _time_left(packet: PacketLine, now: str) -> Cell:
    is_open = packet["state"] == "open"
    return Cell(wording.time_left(now, packet["expires_at"]) if is_open else "", "dim")


def _state(code: str) -> Cell:
    return Cell(wording.state(code), STATE_STYLES[code])


def _of_hold(key: str) -> Callable[[PacketShown], object]:
    return lambda packet: packet["held"] and packet["held"][key]  # type: ignore[literal-required]


SHARES = Listing(
    rows="shares",
    fields=(
        Field("seat", Column(" ")),
        Field("profile", Column(N_("who"), gives=True)),
        Field("amount_fen", Column(N_("amount"), right=True)),
        Field("at", Column(N_("time"), below=True), lambda row: Cell(wording.when(row["at"]))),
        Field(
            "luckiest",
            Column(N_("luckiest"), below=True),
            text=mark("luckiest", "luckiest"),
            says=N_("luckiest for the largest share of a finished lucky packet"),
        ),
        Field("case", says=N_("the state of the case that holds it, or held it")),
    ),
    more=(Field("claim"), Field("nonce"), Field("luck", Column(N_("luck"), gives=True))),
    facts=(
        *("packet", "kind", "state", "sender", "recipient", "greeting", "cover", "total_fen"),
        *("count", "claimed_fen", "claimed_count", "remaining_fen", "refunded_fen", "created_at"),
        *("expires_at", "closed_at", "finished_in_seconds", "refunded_to", "card_gone"),
        *(Field(f"held_{key}", text=_of_hold(key)) for key in ("case", "rule", "until", "ends")),
    ),
)

VERIFIED = Listing(
    rows="shares",
    fields=(
        Field("seat", Column(" ")),
        Field("profile", Column(N_("who"), gives=True)),
        Field("amount_fen", Column(N_("paid"), right=True), says=N_("the amount that was paid")),
        Field("recomputed_fen", Column(N_("recomputed"), right=True)),
        Field("nonce", Column(N_("nonce"), below=True, named=True)),
        Field("luck", Column(N_("luck"), gives=True, below=True, named=True)),
    ),
    facts=("packet", "fair", "commitment_holds", "scripted"),
)


# --- one packet ----------------------------------------------------------------------------------


def show_packet(packet: PacketShown) -> None:
    """Print a packet as it looks when it is opened: cover, progress, who got what."""
    _show_cover(packet)
    line(progress(packet), bold=yuan(packet["total_fen"]))
    for fact in _standing(packet):
        line(fact)
    show_shares(packet)


def _show_cover(packet: PacketShown) -> None:
    from rich import box
    from rich.align import Align
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    heading = say(
        N_("{sender}'s packet · {kind}"),
        sender=safe(packet["sender"]),
        kind=wording.kind(packet["kind"]),
    )
    if packet["recipient"]:
        heading = say(
            N_("{sender}'s packet for {recipient}"),
            sender=safe(packet["sender"]),
            recipient=safe(packet["recipient"]),
        )
    said = [Text(safe(packet["greeting"]), "bold yellow"), Text(heading, "yellow")]
    if packet["cover"]:
        said.insert(0, Text(safe(packet["cover"]), "yellow"))
    out = console()
    out.print(
        Panel(
            Group(*(Align.center(text) for text in said)),
            title=Text(packet["packet"], "bold red"),
            box=box.ROUNDED,
            border_style="red",
            width=min(out.width, 48),
            padding=(0, 1),
        )
    )


def progress(packet: PacketShown) -> str:
    """Return the line that people know: how many shares are taken, and of how much money."""
    if packet["finished_in_seconds"] is not None:
        took = timedelta(seconds=packet["finished_in_seconds"])
        sentence = (
            N_("{count} shares, {total_fen} in all, gone in {time}")
            if packet["count"] > 1
            else N_("{total_fen} claimed after {time}")
        )
        return say(
            sentence,
            count=packet["count"],
            total_fen=packet["total_fen"],
            time=wording.duration(took),
        )
    return say(
        N_("{claimed_count}/{count} claimed, {claimed_fen}/{total_fen} in all"),
        claimed_count=packet["claimed_count"],
        count=packet["count"],
        claimed_fen=packet["claimed_fen"],
        total_fen=packet["total_fen"],
    )


def _standing(packet: PacketShown) -> list[str]:
    """Return the state of a packet: how long it is open, or where the unclaimed amount went."""
    match packet["state"]:
        case "held" if packet["held"] is not None:
            return [wording.held(packet["held"])]
        case "open":
            return [
                say(
                    N_("open for {time} more · until {until}"),
                    time=wording.time_left(packet["at"], packet["expires_at"]),
                    until=wording.when(packet["expires_at"]),
                )
            ]
        case "expired":
            return [
                say(
                    N_("expired at {until} · {remaining_fen} due back"),
                    until=wording.when(packet["expires_at"]),
                    remaining_fen=packet["remaining_fen"],
                )
            ]
        case "refunded":
            returned = say(
                N_("{refunded_fen} returned at {at}"),
                refunded_fen=packet["refunded_fen"],
                at=wording.when(packet["closed_at"] or packet["expires_at"]),
            )
            return [returned, _(_CARD_GONE)] if packet["card_gone"] else [returned]
    return []


def show_verified(verified: Verified) -> None:
    """Print the paid shares next to the recomputed ones, and the inputs of each draw."""
    if verified["shares"]:
        table(
            [
                Column(""),
                Column(_("who"), gives=True),
                Column(_("paid"), right=True),
                Column(_("recomputed"), right=True),
                Column(""),
                Column(_("nonce"), below=True, named=True),
                Column(_("luck"), gives=True, below=True, named=True),
            ],
            [
                [
                    Cell(str(share["seat"]), "dim"),
                    safe(share["profile"]),
                    yuan(share["amount_fen"]),
                    yuan(share["recomputed_fen"]),
                    tick(share["amount_fen"] == share["recomputed_fen"]),
                    Cell(share["nonce"], "dim"),
                    Cell(safe(share["luck"] or ""), "dim"),
                ]
                for share in verified["shares"]
            ],
        )
        print()
    commitment = (
        _("the seed and the packet's terms match the commitment")
        if verified["commitment_holds"]
        else _("the seed or the packet's terms do not match the commitment")
    )
    line(f"{tick(verified['commitment_holds']).text} {commitment}")
    if verified["fair"]:
        line(_("✓ every share matches its draw"))


def tick(good: bool) -> Cell:
    """Return the mark for what is right, or for what is wrong."""
    return Cell("✓", "green") if good else Cell("✗", "bold red")
