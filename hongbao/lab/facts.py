"""Facts about an engine's books, by the names that a wallet's have (`hongbao.queries.facts`)."""

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from hongbao.lab.ledger import Books, account_of, balance_of
from hongbao.queries.facts import AMOUNT, NOTHING, Expected, Fact, Term

Value = int | None

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}

_KNOWN = {
    *("balance", "reserve", "owed", "in-transit", "share", "acts"),
    *(f"packet {each}" for each in ("total", "shares", "claims", "claimed", "remaining")),
}
"""The facts that an engine's books have."""


def holds(books: Books, expected: Expected) -> bool:
    """
    Return whether *expected* holds in *books*.

    What a small engine does not have, such as tiers, is not looked at, and so does no harm.
    """
    if not all(fact.name in _KNOWN for fact in expected.facts):
        return True
    left, right = (_added(books, side, expected.kind) for side in (expected.left, expected.right))
    if left is None or right is None:  # which is neither more nor less than anything
        return expected.compared in ("=", "!=") and _COMPARED[expected.compared](left, right)
    return _COMPARED[expected.compared](left, right)


def _added(books: Books, side: Sequence[Term], kind: str) -> Value:
    """Return the sum of a side; None if a part of it is nothing."""
    total = 0
    for term in side:
        found = value(books, term.what) if isinstance(term.what, Fact) else _typed(term.what, kind)
        if found is None:
            return None
        total += term.sign * found
    return total


def _typed(text: str, kind: str) -> Value:
    """Read a value as it is typed: an amount in yuan, or a count."""
    if text == NOTHING:
        return None
    whole, _point, cents = text.partition(".")
    return int(whole + (cents or "00")) if kind == AMOUNT else int(whole)


def value(books: Books, fact: Fact) -> Value:
    """Return what *fact* is in *books*; None if it is nothing that they have."""
    match fact.name, fact.of:
        case "balance", (person,):
            return books.balances.get(balance_of(person))
        case "reserve", ():
            return books.reserve_fen
        case "owed", ():
            return books.owed_fen
        case "in-transit", ():
            return 0  # a bank pays at once here
        case "share", (person, which):
            claims = [move for move in books.claims(which) if move.person == person]
            return claims[0].amount_fen if claims else None
        case "acts", (act, *person):
            return sum(
                move.reason == act and (not person or move.person == person[0])
                for move in books.moves
            )
        case "packet total", (which,) if which in books.packets:
            return books.packets[which].total_fen
        case "packet shares", (which,) if which in books.packets:
            return books.packets[which].count
        case "packet claims", (which,):
            return len(books.claims(which))
        case "packet claimed", (which,):
            return sum(claim.amount_fen for claim in books.claims(which))
        case "packet remaining", (which,):
            return books.balances.get(account_of(which))
    return None
