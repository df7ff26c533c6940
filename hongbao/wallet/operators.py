"""Operators: who may change the home's rules and correct books."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hongbao.changes.people import AddOperator
from hongbao.domain.text import name_key, parse_line, parse_profile_name, refuse_look_alike
from hongbao.errors import MissingReason, OperatorExists, OperatorNeeded, OperatorNotFound
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_of
from hongbao.store import ActRow, Holder, OperatorRow
from hongbao.units import iso
from hongbao.wallet.acts import Doing
from hongbao.wallet.authorise import AskPin, authorise, tries_folder
from hongbao.wallet.profiles import check_pin_strength
from hongbao.wallet.unit_of_work import perform, perform_step

if TYPE_CHECKING:
    from hongbao.answers import OperatorAct, OperatorAdded, OperatorLine, OperatorLog

REASON_LENGTH_MAX = 100


class By(NamedTuple):
    """The operator who answers for something, by name, and how their PIN is asked for."""

    operator: str
    pin: AskPin


_RULES = {
    "policy_use": "policy",
    "risk_use": "pack",
    "risk_train": "model",
    "risk_model": "model",
}
"""What acts that change the rules are about."""


def add_operator(home: Home, name: str, *, pin: AskPin, by: By | AskPin) -> OperatorAdded:
    """
    Add an operator, with a separate PIN.

    An operator answers for it (*by*), whose PIN is asked for first; for the first one this
    profile does, with its own PIN and its device's signature.

    Raises InvalidName, OperatorExists, LookAlike, OperatorNeeded or OperatorNotFound; what
    `authorise` and, for the first one, `perform` raise; InvalidPin or WeakPin.
    """
    name = parse_profile_name(name)
    answering: OperatorRow | None = None
    with home.looking():
        _check_new_operator(home, name, by)
        if isinstance(by, By):
            answering = operator_named(home, by.operator)
    authorise(home, by.pin if isinstance(by, By) else by, answering)
    chosen = pin()
    check_pin_strength(home, chosen, None)

    def work(doing: Doing) -> OperatorAdded:
        _check_new_operator(home, name, by)  # another process may have been faster
        number = home.store.next_number("operator")
        tries_folder(home).start(Holder("operator", number).label)
        doing.change(
            AddOperator(
                number,
                name=name,
                name_key=name_key(name),
                pin_hash=home.vault.hash_pin(-number, chosen),
                made_at=doing.now,
            )
        )
        return {
            **doing.common,
            "operator": name,
            "by": None if answering is None else answering.name,
        }

    if answering is None:
        return perform(home, "operator_add", {"operator": name_key(name)}, work)
    added: OperatorAdded | None = None

    def step(doing: Doing) -> OperatorAdded:
        nonlocal added
        added = work(doing)
        return added

    perform_step(home, "operator_add", f"/operator/{name_key(name)}", step, step=1)
    assert added is not None
    return added


def _check_new_operator(home: Home, name: str, by: By | AskPin) -> None:
    if home.store.operators(name_key(name)):
        raise OperatorExists(name)
    refuse_look_alike(name, (operator.name for operator in home.store.operators()))
    if not isinstance(by, By) and home.store.operators():
        raise OperatorNeeded(name)


def operators(home: Home) -> list[OperatorLine]:
    """Return the operators, oldest first."""
    return [{"operator": row.name} for row in home.store.operators()]


def operator_log(home: Home, name: str | None = None, *, limit: int = 20) -> OperatorLog:
    """
    Return the last *limit* things that operators did, or one of them, in order.

    It is read off the chain, where all of it is. Raises OperatorNotFound.
    """
    found: list[OperatorAct] = []
    with home.looking():
        only = None if name is None else operator_named(home, name).name
        for row in home.store.acts(by_operators=True):
            act = _act(home, row)
            if only in (None, act["operator"]):
                found.append(act)
            if len(found) > limit:
                break
    return {"acts": found[:limit][::-1], "more": len(found) > limit}


def operator_named(home: Home, name: str) -> OperatorRow:
    """Return the operator called *name*. Raises OperatorNotFound."""
    rows = home.store.operators(name_key(name))
    if not rows:
        raise OperatorNotFound(name)
    return rows[0]


def parse_reason(text: str) -> str:
    """
    Read *text* as an operator's reason.

    Raises MissingReason, UnprintableText or TextTooLong.
    """
    reason = parse_line(text, "reason", REASON_LENGTH_MAX)
    if not reason:
        raise MissingReason(length_max=REASON_LENGTH_MAX)
    return reason


def _act(home: Home, row: ActRow) -> OperatorAct:
    facts = facts_of(home, row)
    about = facts.get("case") or facts.get("payment")
    if row.act in _RULES:
        about = facts[_RULES[row.act]]
    elif row.act == "home_epoch":
        about = str(facts["epoch"])
    return {
        "event": row.entry,
        "at": iso(row.at),
        "operator": row.operator or "",
        "act": row.act,
        "about": facts["operator"] if row.act == "operator_add" else about,
        "decision": facts.get("verb"),
        "reason": facts.get("reason"),
    }
