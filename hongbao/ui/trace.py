"""A trace on the terminal: the eight steps of one packet or payment, and what each moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import TYPE_CHECKING

from hongbao.documents import to_json
from hongbao.domain.packet import STEPS
from hongbao.ui import wording
from hongbao.ui.books import way
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import console, line, safe, styled
from hongbao.ui.script import columns, folded
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from rich.console import Console

    from hongbao.answers import Traced, TraceMessage, TraceStep

TOOK_MICROS_MAX = 3_000_000
"""How long all of it may take: three seconds, the PIN included."""

NUMBERS = "①②③④⑤⑥⑦⑧"
_MARGIN = "   "
_COLUMNS_MAX = 76
_ROOMY_COLUMNS = 60

_CLAIM, _CREDITED = 5, 7
_CLAIMS_TOLD_MAX = 3
"""The number of claims shown step by step; further ones have a line each."""

_CLAIMS_FIRST, _CLAIMS_LAST = 6, 3
"""Which of very many claims are shown."""


TRACE = Listing(
    rows="steps",
    fields=(
        Field("step", says=N_("the number of the step, 1 to 8")),
        Field("name", says=N_("what the step is, as a code")),
        Field("actor"),
        Field("at"),
        Field("entry"),
        Field("took_micros"),
        Field("says"),
        Field(
            "messages",
            text=lambda row: ",".join(message["message"] for message in row["messages"]),
        ),
    ),
    more=(
        Field("facts", text=lambda row: to_json(row["facts"])),
        Field(
            "movements",
            text=lambda row: ",".join(
                f"{move['book']}:{move['debit']}>{move['credit']}={yuan(move['amount_fen'])}"
                for move in row["movements"]
            ),
        ),
    ),
    facts=("subject", "kind", "state", "banks_touched", "took_micros"),
)


def show_trace(traced: Traced) -> None:
    """Print each step with who acted, what happened, what moved and how long it took."""
    show_heading(traced)
    print()
    out = console()
    waiting = _missing(traced)
    is_exact = any(datetime.fromisoformat(step["at"]).microsecond for step in traced["steps"])
    date = _date(traced["steps"][0])
    for some in _together(traced["steps"]):
        while waiting and waiting[0] < some[0]["step"]:
            _show_missing(out, waiting.pop(0), traced)
        if _date(some[0]) != date:
            date = _date(some[0])
            out.print(styled(date, dim=date))
        if len(some) > 1:
            _show_claims(out, some)
        else:
            show_step(out, some[0], is_exact=is_exact)
    for number in waiting:
        _show_missing(out, number, traced)
    print()
    if not traced["banks_touched"]:
        line(_("no bank was involved: the money moved within the platform's own book"))
    if traced["took_micros"] is not None:
        time = wording.took(traced["took_micros"])
        is_late = traced["took_micros"] > TOOK_MICROS_MAX
        limit = say(N_("{n} s"), n=TOOK_MICROS_MAX // 1_000_000)
        line(
            say(N_("{time} in all; the limit is {limit}"), time=time, limit=limit),
            **{"bold_red" if is_late else "bold": time},
        )


def show_heading(traced: Traced) -> None:
    """Print what is traced, its state and its date."""
    line(
        say(
            N_("{kind} {subject} · {state}"),
            kind=wording.reason("send" if traced["kind"] == "packet" else traced["kind"]),
            subject=safe(traced["subject"]),
            state=wording.message_state(traced["state"]),
        )
        + f" · {_date(traced['steps'][0])}",
        bold_red=safe(traced["subject"]),
    )


def _date(step: TraceStep) -> str:
    return wording.when(step["at"])[:10]


def _together(steps: Sequence[TraceStep]) -> Iterator[Sequence[TraceStep]]:
    """Yield the steps one by one, but all steps of claims together where there are many."""
    claims = [step for step in steps if step["says"] in _OF_CLAIMS]
    are_many = len(claims) > _CLAIMS_TOLD_MAX * _STEPS_OF_A_CLAIM
    for step in steps:
        if not are_many or step["says"] not in _OF_CLAIMS:
            yield [step]
        elif step is claims[0]:
            yield claims


_OF_CLAIMS = ("claimed", "allocated", "credited", "share_held")
"""What the steps of a claim say, in their order; in the end it is credited, or held."""

_STEPS_OF_A_CLAIM = 3


# --- a step --------------------------------------------------------------------------------------


def show_step(out: Console, step: TraceStep, *, is_exact: bool) -> None:
    """Print one step: who acted, what happened, what moved, how long it took."""
    name = _name(step["step"], step["name"], out.width)
    is_exact = is_exact and out.width >= _ROOMY_COLUMNS
    at = wording.when_exactly(step["at"]) if is_exact else wording.when(step["at"])[11:]
    actor = safe(wording.actor(step["actor"]))
    took = "" if step["took_micros"] is None else wording.took(step["took_micros"])
    _spread(out, "", [name, at, actor], took, bold=name.split("  ")[0], dim=at)
    for text in folded(f"{_MARGIN}{sentence(step['says'], step['facts'])}", out.width):
        out.print(text, no_wrap=True, overflow="ignore", crop=False)
    books = [wording.book(move["book"]) for move in step["movements"]]
    book_columns = max(map(columns, books), default=0)
    for book, move in zip(books, step["movements"], strict=True):
        gap = " " * (book_columns - columns(book))
        _spread(out, _MARGIN, [book + gap, way(move)], yuan(move["amount_fen"]), dim=book)
    for message in step["messages"]:
        _show_message(out, message)


def _show_claims(out: Console, steps: Sequence[TraceStep]) -> None:
    """Print one line for each claim; of very many, the first and the last."""
    size = _STEPS_OF_A_CLAIM
    claims = [steps[place : place + size] for place in range(0, len(steps), size)]
    names = [
        _sign(NUMBERS[number - 1], STEPS[number - 1], 0) for number in range(_CLAIM, _CREDITED + 1)
    ]
    _spread(out, "", [" ".join(names)], "", bold=" ".join(names))
    left_out = len(claims) - _CLAIMS_FIRST - _CLAIMS_LAST
    for place, claim in enumerate(claims):
        if left_out > 1 and place == _CLAIMS_FIRST:
            line(_MARGIN + say(N_("… and {n} more; see each with --json"), n=left_out))
        if left_out <= 1 or not _CLAIMS_FIRST <= place < len(claims) - _CLAIMS_LAST:
            _show_claim(out, claim)


def _show_claim(out: Console, claim: Sequence[TraceStep]) -> None:
    claimed, _allocated, credited = claim
    at, facts = wording.when(claimed["at"])[11:], claimed["facts"]
    share = f"{facts['share']}/{facts['count']}"
    took = sum(step["took_micros"] or 0 for step in claim)
    parts = [at, safe(claimed["actor"]), share, wording.took(took)]
    amount_fen = credited["facts"]["amount_fen"]
    assert isinstance(amount_fen, int)
    _spread(out, _MARGIN, parts if took else parts[:-1], yuan(amount_fen), dim=at)


def _show_message(out: Console, message: TraceMessage) -> None:
    state = wording.message_state(message["state"])
    route = f"{wording.channel(message['channel'])} → {wording.book(message['bank'])}"
    amount = yuan(message["amount_fen"])
    style = _MESSAGE_STYLES.get(message["state"], "")
    _spread(out, _MARGIN, [message["message"], route, state], amount, **{style: state})


_MESSAGE_STYLES = {
    "accepted": "green",
    "rejected": "bold_red",
    "reversed": "bold_red",
    "unknown": "bold_yellow",
}


def _name(number: int, code: str, room: int) -> str:
    """Return a step's sign: its number, its name, and its English one where there is room."""
    sign = NUMBERS[number - 1] if 1 <= number <= len(NUMBERS) else str(number)
    names = [_sign(sign, each, room) for each in (code, *STEPS)]
    return names[0] + " " * (max(map(columns, names)) - columns(names[0]))


def _sign(sign: str, code: str, room: int) -> str:
    name = wording.step(code)
    return f"{sign} {name}" if name == code or room < _ROOMY_COLUMNS else f"{sign} {name} {code}"


def _spread(out: Console, margin: str, parts: Sequence[str], end: str, **styles: str) -> None:
    """Print *parts* one after another, on as few lines as there is room for, and then the *end*."""
    width = min(out.width, _COLUMNS_MAX)
    lines = [margin + parts[0]]
    for part in parts[1:]:
        if columns(f"{lines[-1]}  {part}") <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(f"{_MARGIN}  {part}")
    if end and columns(f"{lines[-1]}  {end}") > width:
        lines.append("")
    if end:
        lines[-1] += end.rjust(width - columns(lines[-1]) + len(end) - columns(end))
    for text in lines:
        part_styles = {style: part for style, part in styles.items() if style}
        out.print(styled(text, **part_styles), no_wrap=True, overflow="ignore", crop=False)


# --- steps that have not happened ----------------------------------------------------------------


_NEVER_OF_A_PAYMENT = frozenset({4, 5, 6, 8})
"""Steps that only a packet has: a top-up is not claimed."""

_STILL_COMING = {
    "open": frozenset(range(1, 9)),
    "expired": frozenset({8}),
    "accepted": frozenset({7}),
    "finished": frozenset[int](),
    "refunded": frozenset[int](),
    "rejected": frozenset[int](),
    "reversed": frozenset[int](),
}
"""What can still happen in each state; in any other, everything can."""


def _missing(traced: Traced) -> list[int]:
    """Return the steps that have not happened, or never will."""
    never = frozenset[int]() if traced["kind"] == "packet" else _NEVER_OF_A_PAYMENT
    happened = {step["step"] for step in traced["steps"]}
    return [number for number in range(1, 9) if number not in happened | never]


def _show_missing(out: Console, number: int, traced: Traced) -> None:
    name = _name(number, STEPS[number - 1], out.width)
    still = _STILL_COMING.get(traced["state"], _STILL_COMING["open"])
    what = _("not yet") if number in still else _("did not happen")
    text = f"{name}  {what}"
    out.print(styled(text, dim=text), no_wrap=True, overflow="ignore", crop=False)


# --- sentences -----------------------------------------------------------------------------------


def sentence(code: str, facts: Mapping[str, object]) -> str:
    """Return the sentence of a step's *code*, with the *facts* that there are."""
    known = {name: fact(name, value) for name, value in facts.items() if value is not None}
    for said in _SAYS.get(code, ()):
        if all(name in known for _text, name, *_how in Formatter().parse(said) if name):
            return say(said, **known)
    return safe(code)


def is_known(code: str) -> bool:
    """Return whether there is a sentence for a step's *code*."""
    return code in _SAYS


def fact(name: str, value: object) -> object:
    """Return the fact called *name* as a sentence has it."""
    if not isinstance(value, str):
        return value
    match name:
        case "bank":
            return wording.bank_name(value)
        case "channel":
            return wording.channel(value)
        case "reason":
            return safe(wording.because(value))
        case "until":
            return wording.when(value)
    return safe(value)


_SAYS = {
    # The fullest sentence first: one is said where all its facts are known.
    "packet_created": (
        N_("{profile} funded {amount_fen} for {count} to claim"),
        N_("{amount_fen} for {count} to claim"),
        N_("the terms of the packet were fixed"),
    ),
    "topup_asked": (
        N_("{profile} requested {amount_fen} from {card}"),
        N_("{profile} requested {amount_fen} from a card"),
        N_("requested a top-up"),
    ),
    "withdraw_asked": (
        N_("{profile} requested {amount_fen} to {card}"),
        N_("{profile} requested {amount_fen} to a card"),
        N_("requested a withdrawal"),
    ),
    "authorised": (N_("the payment PIN was right, and limits and risk control allow it"),),
    "frozen_from_balance": (
        N_("{amount_fen} left the balance and is frozen"),
        N_("the money left the balance and is frozen"),
    ),
    "instructed": (
        N_("asked {bank} through {channel} to move {amount_fen} for {card}"),
        N_("asked {bank} through {channel} to move the money"),
        N_("asked the bank to move the money"),
    ),
    "bank_booked": (
        N_("{bank} booked {amount_fen} for {card}"),
        N_("{bank} booked it"),
        N_("the bank booked it"),
    ),
    "bank_declined": (
        N_("{bank} declined: {reason}"),
        N_("{bank} declined"),
        N_("the bank declined"),
    ),
    "bank_queued": (
        N_("{bank} has received it but not booked it yet"),
        N_("the bank has received it but not booked it yet"),
    ),
    "bank_late": (
        N_("{bank} booked it after it was given up"),
        N_("the bank booked it after it was given up"),
    ),
    "bank_silent": (
        N_("{bank} did not answer: it is unknown whether it was booked"),
        N_("the bank did not answer: it is unknown whether it was booked"),
    ),
    "platform_booked": (
        N_("the platform booked the answer: {amount_fen}"),
        N_("the platform booked the answer"),
    ),
    "duplicate_answer": (
        N_("{bank} answered a second time, and nothing moved again"),
        N_("a second answer came, and nothing moved again"),
    ),
    "late_answer": (
        N_("{bank} answered after the outcome was decided"),
        N_("the answer came after the outcome was decided"),
    ),
    "queried": (
        N_("asked {bank} for the outcome of {message}"),
        N_("asked the bank for the outcome"),
    ),
    "not_paid": (N_("the platform booked nothing: no money arrived"),),
    "corrected": (
        N_("an operator corrected {bank}'s book: {amount_fen}"),
        N_("an operator corrected the bank's book"),
    ),
    "reversed": (
        N_("reversed: {amount_fen} is back at its source"),
        N_("reversed: the money is back at its source"),
    ),
    "notified": (
        N_("notified {profile} with event {event}: it can be claimed"),
        N_("notified everyone with event {event}: it can be claimed"),
        N_("{profile} can see the packet now"),
        N_("everyone who may claim it can see it now"),
    ),
    "held": (
        N_("{amount_fen} is on hold in case {case}, until {until} at the latest"),
        N_("it is on hold until it is reviewed"),
    ),
    "share_held": (
        N_("{amount_fen} for {profile} is on hold until it is reviewed"),
        N_("it is on hold until it is reviewed"),
    ),
    "released": (N_("{amount_fen} was released: the hold expired"),),
    "approved": (N_("a reviewer released {amount_fen}"),),
    "returned": (N_("{amount_fen} is returned the way it was paid: the hold expired"),),
    "rejected": (N_("a reviewer returned {amount_fen} the way it was paid"),),
    "claimed": (
        N_("{profile} claimed share {share} of {count}"),
        N_("{profile} claimed share {share}"),
        N_("{profile} claimed a share"),
        N_("a share was claimed"),
    ),
    "allocated": (
        N_("{amount_fen} was drawn for share {share}"),
        N_("{amount_fen} was drawn"),
        N_("the amount was drawn"),
    ),
    "credited": (
        N_("{amount_fen} was credited to the balance of {profile}"),
        N_("{amount_fen} was credited to the balance"),
        N_("it was credited to the balance"),
    ),
    "settled_in_batch": (
        N_("settled with {bank} in batch {batch}"),
        N_("settled with the bank in batch {batch}"),
        N_("settled with the bank"),
    ),
    "settle": (
        N_("the net amounts of batch {batch} were settled at the central bank"),
        N_("the net amounts were settled at the central bank"),
    ),
    "refunded_to_balance": (
        N_("{amount_fen} was returned to the balance"),
        N_("the unclaimed amount was returned to the balance"),
    ),
    "refund_under_way": (
        N_("{amount_fen} is being returned to {card}"),
        N_("{amount_fen} is being returned to the card"),
        N_("the unclaimed amount is being returned to the card"),
    ),
    "refund_arrived": (
        N_("{amount_fen} was returned to {card}"),
        N_("{amount_fen} was returned to the card"),
        N_("the unclaimed amount was returned to the card"),
    ),
    "fell_back_to_balance": (
        N_("{amount_fen} went to the balance instead: {reason}"),
        N_("{amount_fen} went to the balance instead: the card could not be reached"),
        N_("the unclaimed amount went to the balance instead: the card could not be reached"),
    ),
}
