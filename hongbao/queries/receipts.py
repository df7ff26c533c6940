"""Receipts: one movement as its signed line has it, and what verifying one needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.domain.channel import MessageState
from hongbao.domain.ids import (
    PACKET_PREFIX,
    REQUEST_PREFIX,
    home_mark,
    parse_movement_id,
    parse_packet_id,
)
from hongbao.domain.log.checkpoint import parse_checkpoint
from hongbao.domain.text import mask_profile_name
from hongbao.errors import InvalidPacketId, NoReceipt, PacketNotFound, RequestNotFound
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in, facts_in
from hongbao.queries.history import ACTS, entry_span, movement_lines
from hongbao.queries.packets import packet_row
from hongbao.queries.statement import (
    HIDDEN,
    Signer,
    Statement,
    purpose_of,
    seen_checkpoint,
    signer,
    statement,
)
from hongbao.queries.trace import requested
from hongbao.store import EMPTY_HEAD, ActRow, CaseView, MessageRow, Movement, ProfileRow
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import KeyShown

STATUSES = ("done", "held", "on_its_way", "came_back")
"""How a payment can stand when its receipt is made."""

_CAME_BACK = frozenset({"returned", "rejected"})

_WENT_ON = frozenset({"released", "approved"})

_NOT_BOOKED = frozenset({MessageState.REJECTED, MessageState.REVERSED})


class Receipt(NamedTuple):
    """
    One payment of a profile's: what happened, who paid, who got it, and what seals it.

    *out_of* and *into* say where the money was: ``balance``, ``packet``, or a card's name. *payee*
    is None if anyone may claim a share. *status* is one of `STATUSES`, the only fact
    that can change.
    """

    id: str
    act: str
    status: str
    at: str
    amount_fen: int
    fee_fen: int
    payer: str
    payee: str | None
    shares: int | None
    out_of: str
    into: str
    packet: str | None
    payment: str | None
    request_id: str
    masked: bool
    mac: bytes
    checkpoint: str | None = None  # the newest of the log that this machine has seen


def public_keys(home: Home) -> KeyShown:
    """Return the key by which what this profile signs is checked, and those before a rekey."""
    with home.looking():
        me = home.me
        key, *earlier = home.vault.public_keys(purpose_of(me.id))
        return {
            "profile": me.name,
            "public_key": key.hex(),
            "earlier": [one.hex() for one in earlier],
        }


def signers(home: Home) -> Mapping[bytes, str]:
    """Return the owner of each public key by which this home has ever signed statements."""
    with home.looking():
        return {
            key: profile.name
            for profile in home.store.profiles()
            for key in home.vault.public_keys(purpose_of(profile.id))
        }


def last_entry(home: Home) -> int:
    """Return the number of the ledger's last entry."""
    return home.store.head().entry


def has_entry(home: Home, entry: int, mac: str) -> bool:
    """Return whether the ledger has *entry*, with the seal *mac*, or had before it moved here."""
    if entry == EMPTY_HEAD.entry:
        return mac == EMPTY_HEAD.mac.hex()
    found = home.store.head(entry)
    if found is None or found.mac.hex() == mac:
        return found is not None
    former = None if home.store.log is None else home.store.log.former_seal(entry)
    return former is not None and former.hex() == mac


def has_checkpoint(home: Home, checkpoint: str) -> bool:
    """Return whether the ledger's log continues *checkpoint*; a ledger in a file has no log."""
    if home.store.log is None:
        return True
    from hongbao.home.log import MachineLog

    log = MachineLog(home.env, home.vault, home.store)
    return log.is_kept(parse_checkpoint(checkpoint), log.memory().seen)


def restored_behind(home: Home, entry: int) -> int | None:
    """
    Return the entry by which the ledger came back from a copy after *entry*, which it has.

    A copy of a cluster's ledger has one chain, and one that comes to a cluster gets lanes, so seals
    of before are not those of now. None if it did not come back, or lacks that entry.
    """
    restored = home.store.head().restored
    is_there = entry < restored and home.store.act(entry) is not None
    return restored if is_there else None


def moved_since(
    home: Home, profile: str, since: datetime | None, until: datetime | None, entry: int
) -> int:
    """Return the number of movements of *profile* in a period, after *entry*."""
    with home.looking():
        span = entry_span(home, since, until)
        later = range(max(span.start, entry + 1), span.stop)
        return home.store.totals(home.profile_named(profile).id, later, ACTS).movements


@contextmanager
def restated(
    home: Home,
    profile: str,
    *,
    since: datetime | None,
    until: datetime | None,
    upto: int,
    masked: bool,
) -> Iterator[Statement]:
    """Open the statement that *profile* was given when entry *upto* was the last."""
    with (
        _standing_in_for(home, profile),
        statement(home, since=since, until=until, upto=upto, masked=masked) as again,
    ):
        yield again


def receipt_again(home: Home, profile: str, movement: str, *, masked: bool) -> Receipt:
    """Return the receipt that *profile* would get for *movement* today (see `receipt`)."""
    with _standing_in_for(home, profile):
        return receipt(home, movement, masked=masked)[0]


@contextmanager
def _standing_in_for(home: Home, profile: str) -> Iterator[None]:
    named, home.profile_name = home.profile_name, profile
    try:
        yield
    finally:
        home.profile_name = named


def receipt(home: Home, subject: str, *, masked: bool = False) -> tuple[Receipt, Signer]:
    """
    Return the receipt of one payment of this profile's, and who signs it.

    *subject* is a movement's id, a packet's, a payment's, or that of a request of this
    profile's. A packet is the sending of it, and for others what they claimed of it; the end of
    a hold is what was held. *masked* hides the names of others and all free text, as in a
    statement.

    Raises InvalidPacketId, PacketNotFound, RequestNotFound, or NoReceipt where nothing has
    moved.
    """
    with home.looking():
        me = home.me
        movement = _as_asked(home, me, _movement_meant(home, me, subject.strip()))
        return _receipt_of(home, me, movement, masked=masked), signer(home, me)


def _movement_meant(home: Home, me: ProfileRow, text: str) -> Movement:
    numbered = parse_movement_id(text)
    if numbered is not None:
        mark, entry = numbered
        found = _movement_of(home, me, entry) if mark == home_mark(home.row.made_at) else None
        if found is None:
            raise RequestNotFound(text)
        return found
    if text.casefold().startswith(PACKET_PREFIX):
        return _movement_of_packet(home, me, parse_packet_id(text))
    act = requested(home, text)
    if act is not None:
        return _movement_of_act(home, me, act, text)
    message = home.store.message(text.upper())
    if message is not None and message.profile == me.id:
        return _movement_of_message(home, me, message, text)
    with suppress(InvalidPacketId):
        return _movement_of_packet(home, me, parse_packet_id(text))
    raise RequestNotFound(text)


def _movement_of(home: Home, me: ProfileRow, entry: int) -> Movement | None:
    return next(home.store.movements(me.id, range(entry, entry + 1), acts=ACTS), None)


def _movement_of_packet(home: Home, me: ProfileRow, packet: str) -> Movement:
    row = packet_row(home, packet)
    entries = [row.entry, *(claim.entry for claim in home.store.claims(row.packet.number))]
    for entry in entries:
        found = _movement_of(home, me, entry)
        if found is not None:
            return found
    raise PacketNotFound(packet)


def _movement_of_act(home: Home, me: ProfileRow, act: ActRow, text: str) -> Movement:
    found = _movement_of(home, me, act.entry)
    if found is not None:
        return found
    if act.message is None:
        raise RequestNotFound(text)
    return _movement_of_message(home, me, home.store.message(act.message), text)


def _movement_of_message(home: Home, me: ProfileRow, message: MessageRow, text: str) -> Movement:
    """Return the movement of *message*: at once if money left for a card, else when it arrived."""
    found = _movement_of(home, me, message.entry)
    if found is None and message.outcome is not None:
        found = _movement_of(home, me, message.outcome)
    if found is None:
        raise NoReceipt(text)
    return found


def _as_asked(home: Home, me: ProfileRow, movement: Movement) -> Movement:
    """
    Return the payment that a hold's end has released, if *movement* is that end.

    It is one payment: two receipts of it would say that it was paid twice.
    """
    if movement.act not in _WENT_ON:
        return movement
    act = act_in(home, movement.entry)
    if act.packet is None:
        assert act.message is not None
        entry = home.store.message(act.message).entry
    else:
        holds = home.store.cases(CaseView.HOLDS, packet=act.packet)
        entry = next(case.entry for case in holds if case.closed == movement.entry)
    return _movement_of(home, me, entry) or movement


def _receipt_of(home: Home, me: ProfileRow, movement: Movement, *, masked: bool) -> Receipt:
    (line,) = movement_lines(home, [movement])
    facts = facts_in(home, movement.entry)
    instructed = home.store.message(entry=movement.entry)
    paid = instructed or home.store.message(outcome=movement.entry)
    payer, payee = _parties(home, me, movement)
    out_of, into = _places(movement, facts)
    request = line["request_id"]
    sealed = home.store.head(movement.entry)
    assert sealed is not None
    return Receipt(
        id=line["id"],
        act=movement.act,
        status=_status(home, movement.entry, instructed),
        at=iso(movement.at),
        amount_fen=int(facts.get("total_fen") or facts.get("amount_fen") or 0),
        fee_fen=int(facts.get("fee_fen") or 0),
        payer=mask_profile_name(payer) if masked else payer,
        payee=mask_profile_name(payee) if masked and payee else payee,
        shares=movement.shares if movement.act == "send" else None,
        out_of=out_of,
        into=into,
        packet=movement.packet,
        payment=paid and paid.id,
        request_id=HIDDEN if masked and not request.startswith(REQUEST_PREFIX) else request,
        masked=masked,
        mac=sealed.mac,
        checkpoint=seen_checkpoint(home),
    )


def _parties(home: Home, me: ProfileRow, movement: Movement) -> tuple[str, str | None]:
    """Return the payer and the payee; the payee is None if anyone may claim it."""
    if movement.packet is None or movement.act in (
        *("refund", "refund_to_balance", "returned", "rejected"),
    ):
        return me.name, me.name
    row = packet_row(home, movement.packet)
    if movement.act == "send":
        return me.name, row.recipient_name
    return row.sender_name, me.name


def _status(home: Home, entry: int, instructed: MessageRow | None) -> str:
    for case in home.store.cases(CaseView.OPENED, entries=range(entry, entry + 1)):
        if case.kind == "hold":
            if case.closed is None:
                return "held"
            if case.state in _CAME_BACK:
                return "came_back"
    if instructed is None or instructed.state is MessageState.ACCEPTED:
        return "done"
    return "came_back" if instructed.state in _NOT_BOOKED else "on_its_way"


def _places(movement: Movement, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return where the money of *movement* was, and where it went."""
    card = str(facts.get("card", "balance"))
    match movement.act:
        case "topup":
            return card, "balance"
        case "withdraw":
            return "balance", card
        case "send":
            return str(facts["paid_from"]), "packet"
        case "refund":
            return "packet", str(facts["refunded_to"])
        case "withdraw_returned" | "refund_to_balance":
            return card, "balance"
        case "returned" | "rejected" if movement.packet is None:
            return card, "balance"
        case "returned" | "rejected":
            return "packet", str(facts.get("refunded_to") or "balance")
    return "packet", "balance"
