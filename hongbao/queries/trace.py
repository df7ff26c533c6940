"""Traces: the course of a packet, a payment or an act, step by step."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from hongbao.answers import MovedLine, Traced, TraceMessage, TraceStep
from hongbao.domain.channel import BOOKED_AS, GIVEN_BACK_AS, MessageState
from hongbao.domain.ids import PACKET_PREFIX, parse_packet_id
from hongbao.domain.ledger import CENTRAL, PLATFORM, Reason
from hongbao.domain.packet import STEPS
from hongbao.errors import Damaged, InvalidPacketId, RequestNotFound
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in, facts_of
from hongbao.queries.packets import packet_row
from hongbao.store import ActRow, CaseRow, CaseView, ClaimRow, MessageRow, MessageView, PacketRow
from hongbao.units import iso

_BOOKED = frozenset(BOOKED_AS.values())

_GIVEN_BACK = frozenset(GIVEN_BACK_AS.values())

_HOLD_ENDS = frozenset({"released", "returned", "approved", "rejected"})

CORRECTED = "correct"
"""The act by which an operator ends a difference: no part of the payment it is about."""

_BANK_SAYS = {
    "booked": "bank_booked",
    "refused": "bank_declined",
    "queued": "bank_queued",
    "late": "bank_late",
    "reversed": "reversed",
}


Facts = Mapping[str, object]

Moved = Mapping[int, list[MovedLine]]


def trace(home: Home, subject: str) -> Traced:
    """
    Return the eight steps of a packet, or of a payment, with who acted and what moved.

    *subject* is a packet's id, a request of this profile, or a message of it. Others' cards
    stay theirs: a packet that someone else sent is traced without its card.

    Raises InvalidPacketId, PacketNotFound or RequestNotFound.
    """
    with home.looking():
        meant = resolve_subject(home, subject)
        if isinstance(meant, PacketRow):
            return _packet_traced(home, meant)
        return _payment_traced(home, meant)


def traced_by(home: Home, acts: Iterable[ActRow], limit: int) -> Iterator[Traced]:
    """Yield the trace of each packet and payment that *acts* are about; of at most *limit*."""
    subjects: dict[str, PacketRow | MessageRow] = {}
    for act in acts:
        if act.packet is not None:
            row = home.store.packet(act.packet)
            subjects.setdefault(row.packet.id, row)
        elif act.message is not None:
            meant = _carried(home, home.store.message(act.message))
            name = meant.packet.id if isinstance(meant, PacketRow) else meant.id
            subjects.setdefault(name, meant)
    for meant in islice(subjects.values(), limit):
        if isinstance(meant, PacketRow):
            yield _packet_traced(home, meant)
        else:
            yield _payment_traced(home, meant)


class _Taken(NamedTuple):
    """A claimed share and the act of claiming it."""

    claim: ClaimRow
    act: ActRow


def under_way(home: Home) -> list[str]:
    """Return this profile's payments that have no outcome yet, the oldest first."""
    return [
        message.id for message in home.store.messages(MessageView.UNDER_WAY, profile=home.me.id)
    ]


def resolve_subject(home: Home, subject: str) -> PacketRow | MessageRow:
    """Return the packet, payment or act that *subject* names."""
    text = subject.strip()
    if text.casefold().startswith(PACKET_PREFIX):
        return packet_row(home, parse_packet_id(text))
    act = requested(home, text)
    if act is not None:
        return _subject_of(home, act, text)
    message = home.store.message(text.upper())
    if message is not None and message.profile == home.me.id:
        return _carried(home, message)
    with suppress(InvalidPacketId):
        return packet_row(home, parse_packet_id(text))
    raise RequestNotFound(text)


def requested(home: Home, request_id: str) -> ActRow | None:
    """Return the act of this profile with *request_id*, or the one part of it."""
    me = home.me.id
    act = home.store.request(request_id, me).act
    if act is None and request_id:
        parts = [*home.store.acts(parts_of=(request_id, me), limit=2)]
        if len(parts) == 1:
            return parts[0]
    return act


def _subject_of(home: Home, act: ActRow, text: str) -> PacketRow | MessageRow:
    if act.packet is not None:
        return home.store.packet(act.packet)
    if act.message is not None:
        return _carried(home, home.store.message(act.message))
    raise RequestNotFound(text)


def _carried(home: Home, message: MessageRow) -> PacketRow | MessageRow:
    """Return the packet that *message* paid for or refunds; where none is, the message."""
    if message.packet is not None:
        return home.store.packet(message.packet)
    if message.reason is Reason.SEND and message.outcome is not None:
        return home.store.packet(entry=message.outcome) or message
    return message


def _packet_traced(home: Home, row: PacketRow) -> Traced:
    packet = row.packet
    is_mine = packet.sender == home.me.id
    paid = home.store.message(outcome=row.entry)
    to_card = home.store.messages(MessageView.RETURNING, packet=packet.number)
    back = next((message for message in to_card if not message.terms), None)
    sending = [*home.store.acts(message=paid.number)] if paid else [act_in(home, row.entry)]
    claiming = {act.entry: act for act in home.store.acts(claims_of=packet.number)}
    taken = [_Taken(claim, claiming[claim.entry]) for claim in home.store.claims(packet.number)]
    holds = {case.entry: case for case in home.store.cases(CaseView.HOLDS, packet=packet.number)}
    ends = [act_in(home, case.closed) for case in holds.values() if case.closed]
    by_card = [message for message in to_card if message.terms]  # held shares
    carried = {each.entry: [*home.store.acts(message=each.number)] for each in by_card}
    refunding = [*home.store.acts(message=back.number)] if back else _refund_acts(home, row)
    acts = [*sending, *(each.act for each in taken), *refunding, *ends]
    acts += [act for each in carried.values() for act in each]
    moved = moved_lines(home, (act.entry for act in acts))

    if paid is not None:
        frozen, put_right = _apart(_message_steps(home, paid, sending, moved, is_mine=is_mine))
    else:
        frozen, put_right = _balance_steps(row, sending[0], moved), []
    claims = [_claim_steps(home, row, each, moved, holds.get(each.act.entry)) for each in taken]
    held = holds.get(row.entry)
    if held is not None:
        frozen += _hold_steps(home, held, moved, 3)
    for message in by_card:
        put_right += _message_steps(home, message, carried[message.entry], moved, is_mine=is_mine)
    notifies = sending[-1] if paid is None else act_in(home, row.entry)
    if held is not None and held.closed is not None:
        notifies = act_in(home, held.closed)
    is_free = held is None or held.state in ("released", "approved")
    if back is not None:
        returned, more = _apart(_message_steps(home, back, refunding, moved, is_mine=is_mine))
        put_right += more
    else:
        returned = [_refund_step(home, act, moved) for act in refunding]
    return {
        "subject": packet.id,
        "kind": "packet",
        "state": str(packet.state(home.now())),
        "banks_touched": bool(paid or back) or _touches_banks(moved),
        "took_micros": _added([_took(frozen), max(map(_took, claims), default=None, key=_n)]),
        "steps": [
            *frozen,
            *([_notified(row, notifies)] if is_free else []),
            *(step for steps in claims for step in steps),
            *_settled_steps(home, paid),
            *put_right,
            *returned,
            *_settled_steps(home, back),
        ],
    }


def _refund_acts(home: Home, row: PacketRow) -> list[ActRow]:
    """Return the refund that went to a balance: the act that closed the packet, if one did."""
    closed_at = row.packet.closed_at
    if closed_at is None or row.packet.claimed_count == row.packet.count:
        return []
    found = home.store.act(closing=(row.packet.number, closed_at))
    return [] if found is None else [found]


def _payment_traced(home: Home, message: MessageRow) -> Traced:
    is_mine = message.profile == home.me.id
    acts = [*home.store.acts(message=message.number)]
    moved = moved_lines(home, (act.entry for act in acts))
    steps, put_right = _apart(_message_steps(home, message, acts, moved, is_mine=is_mine))
    return {
        "subject": message.id,
        "kind": "packet" if message.reason is Reason.SEND else str(message.reason),
        "state": str(message.state),
        "banks_touched": True,
        "took_micros": _took(steps),
        "steps": [*steps, *_settled_steps(home, message), *put_right],
    }


def _balance_steps(row: PacketRow, act: ActRow, moved: Moved) -> list[TraceStep]:
    sender, facts = row.sender_name, _terms(row)
    says = "frozen_from_balance" if row.card is None else "platform_booked"
    amount = {"amount_fen": row.packet.total_fen}
    return [
        _step(1, "packet_created", sender, act, facts),
        _step(2, "authorised", sender, act),
        _step(3, says, PLATFORM, act, amount, moved),
    ]


def _notified(row: PacketRow, act: ActRow) -> TraceStep:
    facts = {"event": act.entry, "profile": row.recipient_name}
    return _step(4, "notified", PLATFORM, act, facts)


def _hold_steps(home: Home, case: CaseRow, moved: Moved, step_number: int) -> list[TraceStep]:
    """Return the steps of a hold and its end, which a release continues with *step_number*."""
    assert case.until is not None
    opened = act_in(home, case.entry)
    facts: dict[str, object] = {"amount_fen": case.amount_fen}
    until = {"until": iso(case.until), "case": case.id}
    steps = [_step(3, "held", PLATFORM, opened, {**facts, **until}, is_timed=False)]
    if case.closed is not None:
        act = act_in(home, case.closed)
        actor = facts_of(home, act).get("operator", PLATFORM)
        number = step_number if case.state in ("released", "approved") else 8
        steps.append(_step(number, case.state, actor, act, facts, moved))
    return steps


def _claim_steps(
    home: Home, row: PacketRow, taken: _Taken, moved: Moved, held: CaseRow | None
) -> list[TraceStep]:
    claim, act = taken
    share = {"share": claim.seat, "count": row.packet.count}
    amount = {"amount_fen": claim.amount_fen}
    who = {"profile": claim.profile_name}
    credited = "credited" if held is None else "share_held"
    return [
        _step(5, "claimed", claim.profile_name, act, {**who, **share}),
        _step(6, "allocated", PLATFORM, act, {**amount, **share}),
        _step(7, credited, PLATFORM, act, {**amount, **who}, moved),
        *([] if held is None else _hold_steps(home, held, moved, 7)[1:]),
    ]


def _refund_step(home: Home, act: ActRow, moved: Moved) -> TraceStep:
    refund = facts_of(home, act)
    facts: dict[str, object] = {"amount_fen": refund["amount_fen"]}
    says = "refunded_to_balance"
    if refund["card_gone"]:
        says, facts["reason"] = "fell_back_to_balance", "card_gone"
    return _step(8, says, PLATFORM, act, facts, moved)


def _message_steps(
    home: Home, message: MessageRow, acts: list[ActRow], moved: Moved, *, is_mine: bool
) -> list[TraceStep]:
    """Return the steps of *message*, act by act; with its card if it *is mine*."""
    facts: dict[str, object] = {
        "amount_fen": message.amount_fen,
        "bank": message.bank,
        "channel": message.channel,
        "message": message.id,
        "card": home.store.card(message.card).name if is_mine else None,
    }
    step_number = 8 if message.reason is Reason.REFUND else 3
    steps: list[TraceStep] = []
    was_silent = False
    for act in acts:
        if act.entry == message.entry:
            steps += _asking_steps(home, message, act, facts, moved)
        elif act.act == "sent":
            steps.append(
                _step(step_number, "instructed", message.channel, act, facts, messages=[message])
            )
        elif act.act == "unknown":
            was_silent = True
            steps.append(_step(step_number, "bank_silent", PLATFORM, act, facts))
        elif act.act in _HOLD_ENDS:
            actor = facts_of(home, act).get("operator", PLATFORM)
            steps.append(_step(step_number, act.act, actor, act, facts, moved))
        elif act.act in _BOOKED | _GIVEN_BACK:
            if was_silent:
                steps.append(_step(step_number, "queried", PLATFORM, act, facts, is_timed=False))
            says, more = _outcome_says(home, message, act)
            steps.append(_step(step_number, says, PLATFORM, act, {**facts, **more}, moved))
        elif act.act == CORRECTED:
            amount = {"amount_fen": facts_of(home, act)["amount_fen"]}
            steps.append(_step(7, "corrected", message.bank, act, {**facts, **amount}, moved))
        elif act.act == "bank":
            says, more = _bank_says(home, message, act)
            steps.append(_step(step_number, says, message.bank, act, {**facts, **more}, moved))
        else:
            steps.append(_step(step_number, act.act, message.bank, act, facts, moved))
    if all(step["says"] != "instructed" for step in steps) and steps:
        steps[-1]["messages"] = [_message_line(message)]
    return steps


def _asking_steps(
    home: Home, message: MessageRow, act: ActRow, facts: Facts, moved: Moved
) -> list[TraceStep]:
    """Return the steps of the act that put *message* on its way."""
    asker = home.profile_by_id(message.profile).name
    who = {**facts, "profile": asker}
    if message.reason is Reason.REFUND:
        return [_step(8, "refund_under_way", PLATFORM, act, facts, moved)]
    says = f"{message.reason}_asked"
    if message.reason is Reason.SEND:
        says, who["count"] = "packet_created", message.terms["count"]
    steps = [_step(1, says, asker, act, who), _step(2, "authorised", asker, act)]
    if message.reason is Reason.WITHDRAW:
        amount = {"amount_fen": message.amount_fen + message.fee_fen}
        steps.append(_step(3, "frozen_from_balance", PLATFORM, act, amount, moved))
        for case in home.store.cases(CaseView.OPENED, entries=range(act.entry, act.entry + 1)):
            if case.kind == "hold":
                steps += _hold_steps(home, case, moved, 3)[:1]
    return steps


def _bank_says(home: Home, message: MessageRow, act: ActRow) -> tuple[str, Facts]:
    state = facts_of(home, act)["state"]
    known = home.store.bank_message(message.number)
    reason = known.reason if known is not None and state == "refused" else None
    return _BANK_SAYS[state], {"reason": reason}


def _outcome_says(home: Home, message: MessageRow, act: ActRow) -> tuple[str, Facts]:
    """Return the outcome of *message*, and the reason if it was not the requested one."""
    if act.act == "refund_arrived":
        return "refund_arrived", {}
    if act.act in _BOOKED:
        return "platform_booked", {}
    if act.act == "refund_to_balance":
        return "fell_back_to_balance", {"reason": _why_not(home, message)}
    if act.act == "withdraw_returned":
        return "reversed", {"amount_fen": message.amount_fen + message.fee_fen}
    return "not_paid", {}


def _why_not(home: Home, message: MessageRow) -> str:
    known = home.store.bank_message(message.number)
    if known is not None and known.reason is not None:
        return known.reason
    if message.state is MessageState.REVERSED:
        return "timeout"
    return "down" if home.store.card(message.card).removed_at is None else "card_gone"


def _settled_steps(home: Home, message: MessageRow | None) -> list[TraceStep]:
    if message is None or message.batch is None:
        return []
    act = home.store.act(batch=message.batch)
    if act is None:
        raise Damaged(path=f"batch {message.batch}")
    facts = {"bank": message.bank, "batch": facts_of(home, act)["batch"]}
    return [_step(7, "settled_in_batch", CENTRAL, act, facts, is_timed=False)]


def moved_lines(home: Home, entries: Iterable[int]) -> Moved:
    """Return the transfers of each of *entries*."""
    moved: dict[int, list[MovedLine]] = defaultdict(list)
    for entry, book, debit, credit, amount_fen, reason in home.store.moved([*entries]).transfers:
        moved[entry].append(
            {
                "book": book,
                "debit": debit,
                "credit": credit,
                "amount_fen": amount_fen,
                "reason": reason,
            }
        )
    return moved


def _step(
    number: int,
    says: str,
    actor: str,
    act: ActRow,
    facts: Facts | None = None,
    moved: Moved | None = None,
    *,
    messages: Iterable[MessageRow] = (),
    is_timed: bool = True,
) -> TraceStep:
    return {
        "step": number,
        "name": STEPS[number - 1],
        "actor": actor,
        "at": iso(act.at),
        "entry": act.entry,
        "took_micros": act.took.get(number) if is_timed else None,
        "says": says,
        "facts": {name: fact for name, fact in (facts or {}).items() if fact is not None},
        "movements": [] if moved is None else moved.get(act.entry, []),
        "messages": [_message_line(message) for message in messages],
    }


def _message_line(message: MessageRow) -> TraceMessage:
    return {
        "message": message.id,
        "channel": message.channel,
        "bank": message.bank,
        "state": str(message.state),
        "amount_fen": message.amount_fen,
    }


def _terms(row: PacketRow) -> Facts:
    return {
        "profile": row.sender_name,
        "amount_fen": row.packet.total_fen,
        "count": row.packet.count,
    }


def _apart(steps: list[TraceStep]) -> tuple[list[TraceStep], list[TraceStep]]:
    """Return the steps of a payment itself, and what was put right long after them."""
    return (
        [step for step in steps if step["says"] != "corrected"],
        [step for step in steps if step["says"] == "corrected"],
    )


def _touches_banks(moved: Moved) -> bool:
    return any(line["book"] != PLATFORM for lines in moved.values() for line in lines)


def _took(steps: Iterable[TraceStep]) -> int | None:
    return _added(step["took_micros"] for step in steps)


def _added(micros: Iterable[int | None]) -> int | None:
    measured = [each for each in micros if each is not None]
    return sum(measured) if measured else None


def _n(micros: int | None) -> int:
    return micros or 0
