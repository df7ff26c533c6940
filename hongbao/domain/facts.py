"""
Facts: what an entry keeps of its act, typed and in a fixed order.

Answers have names for programs and sentences for people, and both may change; what is sealed into
the chain may not. So each kind of act declares here which facts it keeps. They are written as a
JSON array of values behind the number of their shape, and `hongbao.render` makes the answer.

    >>> row = Columns("rq_1", "2026-02-17T20:00:00+08:00", None)
    >>> answer = {**row.common, "profile": "小明", "device": "tablet", "session": 2}
    >>> encode("device_login", answer, row)
    '[1,"小明","tablet",2]'
    >>> decode("device_login", '[1,"小明","tablet",2]')
    {'profile': '小明', 'device': 'tablet', 'session': 2}

A shape never changes. An act that has to keep something else gets a shape with a new number, and
the old one stays (`tests/domain/facts.txt` lists them all). An act that comes in several forms has
one number for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from hongbao.rows import Row

Facts = dict[str, Any]


class Columns(Row):
    """The entry's own columns, in the form that answers have; facts leave them out."""

    request_id: str
    at: str
    balance_fen: int | None

    @property
    def common(self) -> Facts:
        """The keys that almost every answer begins with."""
        return {"request_id": self.request_id, "at": self.at}


class Kind(Row):
    """
    A kind of fact: how it is encoded and decoded.

    Both ways refuse with ValueError what it may not be. One that *may be missing* is left out
    of the answer where there is nothing to say.
    """

    name: str
    pack: Callable[[Any], object]
    unpack: Callable[[Any], Any]
    may_be_missing: bool = False


class Shape:
    """The facts of a kind of act, or of a part of one, by name and in order."""

    def __init__(self, fields: Mapping[str, Kind]) -> None:
        self.fields = fields
        self.kept = {name: kind for name, kind in fields.items() if kind is not COLUMN}
        self.columns = tuple(name for name, kind in fields.items() if kind is COLUMN)
        self._optional = {name for name, kind in fields.items() if kind.may_be_missing}
        self._needed = fields.keys() - self._optional

    def fits(self, names: Set[str]) -> bool:
        """Return whether something with these *names* can be of this shape."""
        return self._needed <= names <= self.fields.keys()

    def pack(self, values: Mapping[str, Any]) -> list[object]:
        """Return *values* in order. Raises ValueError if they are not of this shape."""
        if not self.fits(values.keys()):
            raise ValueError(f"not the facts of this shape: {', '.join(values)}")
        return [kind.pack(values.get(name)) for name, kind in self.kept.items()]

    def unpack(self, values: object) -> Facts:
        """Return the facts that `pack` has put in order. Raises ValueError if it did not."""
        if type(values) is not list or len(values) != len(self.kept):
            raise ValueError("not the facts of this shape")
        facts = {
            name: kind.unpack(value)
            for (name, kind), value in zip(self.kept.items(), values, strict=True)
        }
        for name in self._optional:
            if facts[name] is None:
                del facts[name]
        return facts

    def __str__(self) -> str:
        return ", ".join(f"{name}: {kind.name}" for name, kind in self.kept.items())


def encode(act: str, answer: Mapping[str, Any], row: Columns) -> str:
    """
    Return the facts of an *act* that is answered with *answer*, as its entry keeps them.

    Raises ValueError if the answer is of no shape of this act, or contradicts its *row*.
    """
    return as_text(pack(act, answer, row))


def pack(act: str, answer: Mapping[str, Any], row: Columns) -> list[Any]:
    """
    Return what `encode` writes: the number of a shape, and the facts in its order.

    All of it is text, whole numbers, yes and no, and lists of these, so it is what JSON gives back.
    """
    shapes, names = SHAPES.get(act, {}), answer.keys()
    number = max((n for n, shape in shapes.items() if shape.fits(names)), default=None)
    if number is None:
        raise ValueError(f"{act} has no shape for {', '.join(answer)}")
    shape = shapes[number]
    for name in shape.columns:
        if answer[name] != getattr(row, name):
            raise ValueError(f"{act}: {name} is not what its row says")
    values = answer
    if shape.fields.get("request_id") is ASKED and answer["request_id"] == row.request_id:
        values = {**answer, "request_id": None}
    return [number, *shape.pack(values)]


def as_text(packed: Sequence[Any]) -> str:
    """Return facts that `pack` has put in order as one text."""
    return _ENCODER.encode(packed)


def decode(act: str, text: str) -> Facts:
    """Return the facts of an *act* that `encode` gave as *text*. Raises ValueError otherwise."""
    return read(act, text)[1]


def read(act: str, text: str) -> tuple[int, Facts]:
    """Return the number of the shape of *text* as well as `decode` does the facts."""
    if not isinstance(text, str):
        raise ValueError("facts are text")
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("facts are not so deep") from None
    if type(values) is not list:
        raise ValueError("facts are a list")
    return unpack(act, values)


def unpack(act: str, values: Sequence[Any]) -> tuple[int, Facts]:
    """Return the number of the shape of *values* and the facts, as `pack` was given them."""
    if not values or type(values[0]) is not int:
        raise ValueError("facts begin with the number of their shape")
    number, *facts = values
    try:
        shape = SHAPES[act][number]
    except KeyError:
        raise ValueError(f"{act} has no shape {number}") from None
    return number, shape.unpack(facts)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# --- what a fact may be ---------------------------------------------------------------------------


def _only(name: str, kind: type) -> Kind:
    def same(value: Any) -> Any:
        if type(value) is not kind:  # a bool is an int to `isinstance`
            raise ValueError(f"not {name}: {value!r}")
        return value

    return Kind(name, same, same)


def maybe(kind: Kind) -> Kind:
    """Return *kind*, or null."""
    return Kind(
        f"{kind.name} | null",
        lambda value: None if value is None else kind.pack(value),
        lambda value: None if value is None else kind.unpack(value),
    )


def where_so(kind: Kind) -> Kind:
    """Return *kind* that an answer has only where there is something to say."""
    return maybe(kind)._replace(name=f"{kind.name}, where so", may_be_missing=True)


def each(kind: Kind) -> Kind:
    """Return a list of *kind*."""

    def every(one: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
        def all_of(values: Any) -> list[Any]:
            if type(values) is not list:
                raise ValueError("not a list")
            return [one(value) for value in values]

        return all_of

    return Kind(f"[{kind.name}]", every(kind.pack), every(kind.unpack))


def part(**fields: Kind) -> Kind:
    """Return facts within facts."""
    shape = Shape(fields)

    def pack(values: Any) -> list[object]:
        if not isinstance(values, Mapping):
            raise ValueError("no facts")
        return shape.pack(values)

    return Kind(f"({shape})", pack, shape.unpack)


def _pack_error(raw: Any) -> list[object]:
    if not isinstance(raw, Mapping) or raw.get("code") not in ERRORS:
        raise ValueError("not an error that an act keeps")
    facts = {name: value for name, value in raw.items() if name not in _SAID}
    return [raw["code"], *ERRORS[raw["code"]].pack(facts)]


def _unpack_error(values: Any) -> Facts:
    if type(values) is not list or not values or not isinstance(values[0], str):
        raise ValueError("not an error")
    code, *facts = values
    if code not in ERRORS:
        raise ValueError("not an error that an act keeps")
    return {"code": code, **ERRORS[code].unpack(facts)}


_SAID = frozenset({"code", "message", "hint"})
"""What an error says of itself: its code names its facts, and the sentences are made from them."""


def _moment(text: Any) -> str:
    """Return *text* if it is an instant as answers have it, in ISO 8601 with its offset."""
    if not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"not a moment: {text!r}")
    return text


COLUMN = Kind("the row's", lambda value: value, lambda value: value)
"""What a column of the entry says: it has its place in the answer, and none in the facts."""

TEXT = _only("text", str)
COUNT = _only("count", int)
FEN = _only("fen", int)
YES = _only("yes or no", bool)
MOMENT = Kind("moment", _moment, _moment)
ASKED = maybe(TEXT)._replace(name="request")
"""The request that asked for what the act is a later step of; null if it is the act's own."""

WHY = Kind(
    "why",
    part(en=TEXT, zh=TEXT).pack,
    part(en=TEXT, zh=TEXT).unpack,
)
"""A rule's sentence in both languages: as it was shown then, even if the rules change later."""

ERRORS = {
    "challenge_required": Shape({"challenge": TEXT, "rule": TEXT, "why": WHY}),
    "lowered_limit": Shape({"limit_fen": FEN, "request_id": TEXT, "rule": TEXT, "why": WHY}),
    "refused_by_risk": Shape({"request_id": TEXT, "rule": TEXT, "why": WHY}),
    "session_ended": Shape({"device": TEXT, "rule": TEXT, "why": WHY}),
    "bad_signature": Shape({"device": TEXT}),
    "replayed_nonce": Shape({"device": TEXT}),
    "insufficient_card": Shape({"card": TEXT, "needed_fen": FEN}),
    "bank_down": Shape({"bank": TEXT}),
    "bank_declined": Shape({"bank": TEXT, "card": TEXT, "amount_fen": FEN, "payment": TEXT}),
    "card_account_closed": Shape({"bank": TEXT, "card": TEXT, "amount_fen": FEN, "payment": TEXT}),
    "payment_reversed": Shape({"bank": TEXT, "card": TEXT, "amount_fen": FEN, "payment": TEXT}),
    "withdrawal_held_back": Shape(
        {"amount_fen": FEN, "card": TEXT, "payment": TEXT, "case": TEXT, "why": WHY}
    ),
}
"""The errors that an act may come to, and still be done: by code, with the facts of each."""

ERROR = Kind("error", _pack_error, _unpack_error)

HELD = part(case=TEXT, until=MOMENT, ends=TEXT, rule=TEXT, why=WHY)
"""The hold that risk control put on the act: its case, and how it ends automatically."""

DELAYED = part(until=MOMENT, rule=TEXT, why=WHY)

PACKET_TERMS = part(
    total_fen=FEN,
    count=COUNT,
    kind=TEXT,
    recipient=maybe(COUNT),
    greeting=TEXT,
    cover=maybe(TEXT),
    paid_from=TEXT,
    deal=TEXT,
    share_max_fen=FEN,
    expires_hours=COUNT,
    hold=where_so(part(rule=TEXT, hours=COUNT, ends=TEXT, why=WHY)),
)
"""What a packet will be of, once the card that it is to come from has paid."""

SETTLED_LINE = part(
    bank=TEXT,
    in_count=COUNT,
    in_fen=FEN,
    out_count=COUNT,
    out_fen=FEN,
    to_platform_fen=FEN,
    to_bank_fen=FEN,
)


# --- the facts of each act ------------------------------------------------------------------------


def _own(**fields: Kind) -> dict[str, Kind]:
    """Return the facts that an act keeps besides its row's request and time."""
    return {"request_id": COLUMN, "at": COLUMN, **fields}


def _asked(**fields: Kind) -> dict[str, Kind]:
    """Return the facts of an act that is a step of an earlier request."""
    return {"request_id": ASKED, "at": COLUMN, **fields}


def _shape(fields: Mapping[str, Kind]) -> dict[int, Shape]:
    return {1: Shape(fields)}


_INSTRUCTED = _own(payment=TEXT, channel=TEXT, bank=TEXT, amount_fen=FEN, card=TEXT)

_CARRIED = _own(
    payment=TEXT,
    channel=TEXT,
    bank=TEXT,
    amount_fen=FEN,
    card=TEXT,
    state=TEXT,
    fault=maybe(TEXT),
    error=maybe(ERROR),
)
_UNDONE = {**_CARRIED, "card_gone": where_so(YES)}

_WITHDRAWN: dict[str, Kind] = {
    "amount_fen": FEN,
    "fee_fen": FEN,
    "free_left_fen": FEN,
    "card": TEXT,
    "balance_fen": COLUMN,
    "payment": TEXT,
    "held": maybe(HELD),
}

_STOPPED = _asked(profile=TEXT, asked=TEXT, error=ERROR)

_PACKET_HOLD_ENDED = _own(
    case=TEXT,
    held=TEXT,
    ended=TEXT,
    amount_fen=FEN,
    profile=TEXT,
    balance_fen=COLUMN,
    packet=maybe(TEXT),
    payment=maybe(TEXT),
    refunded_to=maybe(TEXT),
    card_gone=YES,
    arrives_at=maybe(MOMENT),
)
_WITHDRAWAL_HOLD_ENDED: dict[str, Kind] = {
    **_CARRIED,
    **{name: kind for name, kind in _PACKET_HOLD_ENDED.items() if name not in _CARRIED},
}
_HOLD_ENDED = {1: Shape(_PACKET_HOLD_ENDED), 2: Shape(_WITHDRAWAL_HOLD_ENDED)}

_OPINION: dict[str, Kind] = {
    "kind": TEXT,
    "verb": TEXT,
    "operator": TEXT,
    "reason": TEXT,
    "case_state": TEXT,
    "second_needed": YES,
}
_SPOKEN = _own(case=TEXT, **_OPINION)
_DECIDED = {
    1: Shape(_PACKET_HOLD_ENDED | _OPINION),
    2: Shape(_WITHDRAWAL_HOLD_ENDED | _OPINION),
    3: Shape(_SPOKEN),  # of a case that holds nothing
}

_CARD = _own(card=TEXT, bank=TEXT, number=TEXT, tier=TEXT)
_DEVICE = _own(profile=TEXT, device=TEXT, state=TEXT)
_AUTHENTICATOR = _own(profile=TEXT, authenticator=YES)
_GUARDS = _own(
    pack=TEXT,
    model=maybe(TEXT),
    before=TEXT,
    before_model=maybe(TEXT),
    operator=maybe(TEXT),
)

SHAPES: Mapping[str, Mapping[int, Shape]] = {
    # people
    "init": _shape(_own(profile=TEXT, tier=TEXT, policy=TEXT, clock=TEXT)),
    "pin_change": _shape(_own(profile=TEXT)),
    "pin_renewed": _shape(_own(pin_of=TEXT)),
    "identify": _shape(
        _own(profile=TEXT, real_name=TEXT, id_number=TEXT, tier=TEXT, profiles_of_person=COUNT)
    ),
    "card_add": _shape(_CARD),
    "card_remove": _shape(_CARD),
    "refund_to": _shape(_own(profile=TEXT, refund_to=TEXT, before=TEXT)),
    # devices
    "device_add": _shape(_DEVICE),
    "device_approve": _shape(_DEVICE),
    "device_remove": _shape({**_DEVICE, "key_destroyed": YES}),
    "device_login": _shape(_own(profile=TEXT, device=TEXT, session=COUNT)),
    "device_move": _shape(_own(profile=TEXT, device=TEXT, city=TEXT, before=TEXT)),
    "session_open": _shape(
        _own(
            profile=TEXT,
            device=TEXT,
            device_number=COUNT,
            device_session=COUNT,
            purpose=TEXT,
            minutes=COUNT,
            expires_at=MOMENT,
        )
    ),
    "device_fault": _shape(_own(device=TEXT, device_fault=maybe(TEXT))),
    "totp_add": _shape(_AUTHENTICATOR),
    "totp_remove": _shape(_AUTHENTICATOR),
    # packets
    "send": _shape(
        _asked(
            packet=TEXT,
            kind=TEXT,
            deal=TEXT,
            total_fen=FEN,
            count=COUNT,
            share_max_fen=FEN,
            recipient=maybe(TEXT),
            greeting=TEXT,
            cover=maybe(TEXT),
            paid_from=TEXT,
            payment=maybe(TEXT),
            commitment=TEXT,
            expires_at=MOMENT,
            balance_fen=COLUMN,
            held=maybe(HELD),
            scripted=YES,
        )
    ),
    "claim": _shape(
        _own(
            packet=TEXT,
            kind=TEXT,
            sender=TEXT,
            greeting=TEXT,
            seat=COUNT,
            amount_fen=FEN,
            nonce=TEXT,
            luck=maybe(TEXT),
            count=COUNT,
            finished=YES,
            balance_fen=COLUMN,
            held=maybe(HELD),
            delayed=maybe(DELAYED),
        )
    ),
    "refund": _shape(
        _own(
            packet=TEXT,
            amount_fen=FEN,
            refunded_to=TEXT,
            card_gone=YES,
            payment=maybe(TEXT),
            arrives_at=MOMENT,
            balance_fen=COLUMN,
        )
    ),
    # payments
    "instruct_topup": _shape({**_INSTRUCTED, "terms": part()}),
    "instruct_send": _shape({**_INSTRUCTED, "terms": PACKET_TERMS}),
    "withdraw": _shape(_own(**_WITHDRAWN)),
    "topup": _shape(_asked(amount_fen=FEN, card=TEXT, balance_fen=COLUMN, payment=TEXT)),
    "paid_out": _shape(_asked(**_WITHDRAWN)),
    "sent": _shape(_CARRIED),
    "unknown": _shape(_CARRIED),
    "bank": _shape(_CARRIED),
    "late_answer": _shape(_CARRIED),
    "duplicate_answer": _shape(_CARRIED),
    "refund_arrived": _shape(_CARRIED),
    "not_paid": _shape(_UNDONE),
    "withdraw_returned": _shape(_UNDONE),
    "refund_to_balance": _shape(_UNDONE),
    "settle": _shape(
        {
            "batch": TEXT,
            "at": COLUMN,
            "lines": each(SETTLED_LINE),
            "messages": COUNT,
            "gross_fen": FEN,
            "net_fen": FEN,
            "saved_fen": FEN,
        }
    ),
    "bank_fault": _shape(
        _own(
            bank=TEXT,
            faults=each(part(bank=TEXT, fault=TEXT, amount_fen=maybe(FEN), set_at=MOMENT)),
        )
    ),
    "correct": _shape(
        _own(
            payment=TEXT,
            bank=TEXT,
            kind=TEXT,
            direction=TEXT,
            amount_fen=FEN,
            card=TEXT,
            reason=TEXT,
            operator=TEXT,
        )
    ),
    # risk control
    "challenged": _shape(_STOPPED),
    "limited": _shape(_STOPPED),
    "refused": _shape(_STOPPED),
    "cut": _shape(_STOPPED),
    "challenge_passed": _shape(
        _own(profile=TEXT, challenge=TEXT, asked=TEXT, asked_request=TEXT, valid_until=MOMENT)
    ),
    "challenge_failed": _shape(_own(profile=TEXT, challenge=TEXT)),
    "released": _HOLD_ENDED,
    "returned": _HOLD_ENDED,
    "risk_use": _shape(_GUARDS),
    "risk_train": _shape({**_GUARDS, "acts": COUNT}),
    "risk_model": _shape(_GUARDS),
    "policy_use": _shape(_own(policy=TEXT, before=TEXT, operator=maybe(TEXT))),
    # operators
    "operator_add": _shape(_own(operator=TEXT, by=maybe(TEXT))),
    "opinion": _shape(_SPOKEN),
    "escalated": _shape(_SPOKEN),
    "approved": _DECIDED,
    "rejected": _DECIDED,
    "unmasked": {
        1: Shape(_own(operator=TEXT, shown=TEXT, cases=each(TEXT))),
        2: Shape(_own(operator=TEXT, shown=TEXT, case=TEXT)),
        3: Shape(
            {
                **_own(operator=TEXT, shown=TEXT),
                "from": maybe(MOMENT),
                "to": maybe(MOMENT),
                "count": COUNT,
            }
        ),
    },
    # imported bills
    "bill_import": _shape(
        _own(
            profile=TEXT,
            bill=TEXT,
            format=TEXT,
            file=TEXT,
            holder=TEXT,
            begins_at=MOMENT,
            ends_at=MOMENT,
            count=COUNT,
            in_count=COUNT,
            in_fen=FEN,
            out_count=COUNT,
            out_fen=FEN,
            neutral_count=COUNT,
            neutral_fen=FEN,
            digest=TEXT,
            precision=TEXT,
            known=YES,
        )
    ),
    "bill_remove": _shape(_own(profile=TEXT, bill=TEXT, file=TEXT, count=COUNT, digest=TEXT)),
    # the home
    "rekey": _shape(_own()),
    "home_join": _shape(_own(invitation=TEXT, machine=TEXT)),
    "home_epoch": _shape(
        _own(epoch=COUNT, kept=COUNT, abandoned=COUNT, torn=COUNT, operator=maybe(TEXT))
    ),
    "restore": _shape(_own(copied_entry=COUNT, last_entry=COUNT)),
    "repaired": _shape(
        _own(
            copied_entry=COUNT,
            last_entry=COUNT,
            acts=COUNT,
            people=each(part(profile=TEXT, lost_fen=maybe(FEN))),
        )
    ),
}
"""What each act keeps, by the number of the shape."""
