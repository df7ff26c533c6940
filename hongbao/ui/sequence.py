"""
A trace as a sequence: who sent what to whom, in lanes for people, platform, channels and banks.

It is made from the steps of a trace, and from nothing else; `hongbao.ui.diagram` draws it, and
`mermaid` writes it in the language that web pages and wikis draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Literal, NamedTuple

from hongbao.domain.ledger import CENTRAL, PLATFORM
from hongbao.ui import trace, wording
from hongbao.ui.screen import safe
from hongbao.units import yuan
from hongbao.words import N_, say

if TYPE_CHECKING:
    from hongbao.answers import MovedLine, Traced, TraceStep

Way = Literal["solid", "answer", "lost"]
"""How an arrow goes: a request, an answer, or an answer that never came."""


class Lane(NamedTuple):
    """Who takes part: a *kind* and a name, by which no person is taken for a bank."""

    kind: Literal["person", "platform", "operator", "channel", "bank", "central"]
    name: str

    @property
    def title(self) -> str:
        if self.kind in ("person", "operator"):
            return safe(self.name)
        name = wording.actor(self.name)
        return name if self.kind != "bank" else name.partition(" (")[0].partition("（")[0]


class Arrow(NamedTuple):
    """Something that one does to another, or to itself; *moved* is what it moved in a book."""

    step: int
    source: Lane
    target: Lane
    label: str
    way: Way = "solid"
    moved: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """The number of its step."""
        return trace.NUMBERS[self.step - 1]


class Later(NamedTuple):
    """Time passed: what follows is of another moment."""

    at: str


class Omitted(NamedTuple):
    """So many claims are left out here."""

    claims: int


Event = Arrow | Later | Omitted


class Drawn(NamedTuple):
    """A whole sequence."""

    lanes: tuple[Lane, ...]
    events: tuple[Event, ...]


_PLATFORM = Lane("platform", PLATFORM)
_ORDER = ("person", "operator", "platform", "channel", "bank", "central")

_CLAIMS_MAX, _CLAIMS_FIRST, _CLAIMS_LAST = 3, 2, 1
"""How many claims are drawn one by one; of more, which."""


def sequence(traced: Traced) -> Drawn:
    """Return the sequence of *traced*."""
    events: list[Event] = []
    at = ""
    for step in _shown(traced["steps"]):
        if isinstance(step, Omitted):
            events.append(step)
            continue
        moment = wording.when(step["at"])
        if at and moment != at:
            events.append(Later(moment))
        at = moment
        events += _arrows(step, traced["steps"][0]["actor"])
    ends = [end for each in events if isinstance(each, Arrow) for end in (each.source, each.target)]
    lanes = sorted(dict.fromkeys(ends), key=lambda lane: _ORDER.index(lane.kind))
    return Drawn(tuple(lanes), tuple(events))


def _shown(steps: Sequence[TraceStep]) -> Iterator[TraceStep | Omitted]:
    """Yield *steps* without what is between the first and the last of many claims."""
    claims = [number for number, step in enumerate(steps) if step["says"] == "claimed"]
    left_out = len(claims) - _CLAIMS_FIRST - _CLAIMS_LAST if len(claims) > _CLAIMS_MAX else 0
    if not left_out:
        yield from steps
        return
    begin, end = claims[_CLAIMS_FIRST], claims[-_CLAIMS_LAST]
    yield from steps[:begin]
    yield Omitted(left_out)
    yield from steps[end:]


# --- from a step to arrows -----------------------------------------------------------------------


def _arrows(step: TraceStep, asker: str) -> Iterator[Arrow]:
    """Yield what *step* is in the diagram; the one who asked is *asker*."""
    number, says, facts = step["step"], step["says"], step["facts"]
    moved = tuple(map(_moved, step["movements"]))
    if says == "instructed":
        channel, bank = Lane("channel", step["actor"]), Lane("bank", str(facts["bank"]))
        yield Arrow(number, _PLATFORM, channel, label(says, facts))
        yield Arrow(number, channel, bank, label(says, facts))
        return
    source, target, way = _ends(step, asker)
    yield Arrow(number, source, target, label(says, facts), way, moved)


def _ends(step: TraceStep, asker: str) -> tuple[Lane, Lane, Way]:
    says, actor, facts = step["says"], step["actor"], step["facts"]
    person = Lane("person", actor)
    bank = Lane("bank", str(facts["bank"])) if facts.get("bank") else _PLATFORM
    match says:
        case "packet_created" | "topup_asked" | "withdraw_asked" | "claimed":
            return person, _PLATFORM, "solid"
        case "notified" | "credited" if facts.get("profile"):
            return _PLATFORM, Lane("person", str(facts["profile"])), "solid"
        case "refunded_to_balance" | "fell_back_to_balance":
            return _PLATFORM, Lane("person", asker), "solid"
        case "platform_booked" | "not_paid" | "refund_arrived" | "duplicate_answer" | "late_answer":
            return bank, _PLATFORM, "answer"
        case "bank_silent":
            return bank, _PLATFORM, "lost"
        case "queried":
            return _PLATFORM, bank, "solid"
        case "settled_in_batch":
            central = Lane("central", CENTRAL)
            return central, central, "solid"
        case "authorised":
            return _PLATFORM, _PLATFORM, "solid"
    if says.startswith("bank_") or (actor == bank.name and bank != _PLATFORM):
        return bank, bank, "solid"
    if actor != PLATFORM and says in ("approved", "rejected", "released", "returned"):
        return Lane("operator", actor), _PLATFORM, "solid"
    return _PLATFORM, _PLATFORM, "solid"


def _moved(move: MovedLine) -> str:
    accounts = f"{wording.account(move['debit'])} → {wording.account(move['credit'])}"
    return f"{accounts}  {yuan(move['amount_fen'])}"


def label(code: str, facts: Mapping[str, object]) -> str:
    """Return the short sentence of a step's *code*; the trace's own if it has none."""
    known = {name: trace.fact(name, value) for name, value in facts.items() if value is not None}
    for said in _LABELS.get(code, ()):
        if all(name in known for _text, name, *_how in Formatter().parse(said) if name):
            return say(said, **known)
    return trace.sentence(code, facts)


_LABELS = {
    "packet_created": (N_("create: {amount_fen} for {count}"),),
    "topup_asked": (N_("top up {amount_fen}"),),
    "withdraw_asked": (N_("withdraw {amount_fen}"),),
    "authorised": (N_("PIN, limits, risk control: allowed"),),
    "frozen_from_balance": (N_("freeze {amount_fen}"),),
    "instructed": (N_("move {amount_fen}"),),
    "bank_booked": (N_("post {amount_fen}"),),
    "bank_declined": (N_("decline: {reason}"), N_("decline")),
    "bank_queued": (N_("received, not posted yet"),),
    "bank_late": (N_("post late"),),
    "bank_silent": (N_("no answer"),),
    "platform_booked": (N_("answer: posted {amount_fen}"),),
    "duplicate_answer": (N_("a second answer; ignored"),),
    "late_answer": (N_("a late answer"),),
    "queried": (N_("what is the outcome?"),),
    "not_paid": (N_("answer: not posted"),),
    "reversed": (N_("reverse {amount_fen}"),),
    "corrected": (N_("correct {amount_fen}"),),
    "notified": (N_("notify: it can be claimed"),),
    "held": (N_("hold {amount_fen}"),),
    "share_held": (N_("hold {amount_fen}"),),
    "released": (N_("release {amount_fen}"),),
    "approved": (N_("release {amount_fen}"),),
    "returned": (N_("return {amount_fen}"),),
    "rejected": (N_("return {amount_fen}"),),
    "claimed": (N_("claim share {share} of {count}"),),
    "allocated": (N_("draw {amount_fen}"),),
    "credited": (N_("credit {amount_fen}"),),
    "settled_in_batch": (N_("settle in {batch}"),),
    "settle": (N_("settle in {batch}"),),
    "refunded_to_balance": (N_("refund {amount_fen}"),),
    "refund_under_way": (N_("refund {amount_fen}"),),
    "refund_arrived": (N_("answer: refunded {amount_fen}"),),
    "fell_back_to_balance": (N_("refund {amount_fen} to the balance"),),
}
"""Labels for arrows: as short as they can be, the fullest first."""


# --- Mermaid -------------------------------------------------------------------------------------

_MERMAID_ARROWS = {"solid": "->>", "answer": "-->>", "lost": "--x"}
_PLAIN = frozenset(" .,:-_+/()→×…，。：、·")
"""What means nothing to Mermaid in a text, next to letters and digits."""


def mermaid(drawn: Drawn) -> str:
    """
    Return *drawn* as text in Mermaid, a line each.

    A lane's name is only ever a text: its ID is made up, and every sign that could mean something
    is written by its number.
    """
    ids = {lane: f"p{number}" for number, lane in enumerate(drawn.lanes, 1)}
    over = ",".join(dict.fromkeys((ids[drawn.lanes[0]], ids[drawn.lanes[-1]])))
    lines = ["sequenceDiagram"]
    for lane, its in ids.items():
        kind = "actor" if lane.kind in ("person", "operator") else "participant"
        lines.append(f"    {kind} {its} as {quoted(lane.title)}")
    for event in drawn.events:
        match event:
            case Later(at):
                lines.append(f"    Note over {over}: {quoted(at)}")
            case Omitted(claims):
                lines.append(f"    Note over {over}: {quoted(omitted(claims))}")
            case Arrow():
                way = _MERMAID_ARROWS[event.way]
                text = quoted(f"{event.step} {event.label}")
                text += "".join(f"<br/>{quoted(moved)}" for moved in event.moved)
                lines.append(f"    {ids[event.source]}{way}{ids[event.target]}: {text}")
    return "\n".join([*lines, ""])


def quoted(text: str) -> str:
    """
    Return *text* for Mermaid: each sign that could mean something by its number.

    >>> quoted("Ann; #1"), quoted("the end")
    ('Ann#59; #35;1', 'the #101;nd')
    """
    words = []
    for word in text.split(" "):
        is_end = word.casefold().strip(".,:()") == "end"  # which ends a block, even in a text
        words.append(
            "".join(
                sign
                if (sign.isalnum() or sign in _PLAIN) and not (is_end and not place)
                else f"#{ord(sign)};"
                for place, sign in enumerate(word)
            )
        )
    return " ".join(words)


def omitted(claims: int) -> str:
    """Return the words for claims that are left out."""
    return say(N_("claims left out here: {n}"), n=claims)
