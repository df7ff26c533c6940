"""
Journals: a statement as entries in accounts, for plain-text accounting programs.

What beancount, hledger and ledger have in common is here: the accounts' names, one entry for each
leg with the balance after it, the days, and one writer for the last two, which read nearly the same
language.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.dates import china_day, start_of_day
from hongbao.statements import SCHEMA, Sheet
from hongbao.statements._legs import Leg, Place, legs
from hongbao.statements._wording import PACKET, Words, plain, words_of
from hongbao.units import CHINA, iso, yuan

if TYPE_CHECKING:
    from hongbao.answers import MovementLine
    from hongbao.queries.statement import Statement

CURRENCY = "CNY"
OPENING_BALANCES = "Equity:Opening-Balances"
COMMENT = "; "
"""What begins a comment in each of the three languages."""

_PLACES = {
    Place.RECEIVED: "Income:{root}:RedPacket",
    Place.GIVEN: "Expenses:{root}:RedPacket",
    Place.FEES: "Expenses:{root}:Fees",
    Place.TRANSIT: "Assets:{root}:InTransit",
}
_STRANGE = re.compile(r"[^A-Za-z0-9-]")


class Posting(NamedTuple):
    """A posting to an account, with the balance after it if the account is ours."""

    account: str
    amount_fen: int
    balance_fen: int | None


class Entry(NamedTuple):
    """A leg as an accountant books it: the balance's posting first, where it has one."""

    id: str
    day: str
    words: Words
    facts: dict[str, str]
    postings: tuple[Posting, Posting]


def entries(sheet: Sheet) -> Iterator[Entry]:
    """Yield an entry for each leg, oldest first, and for what came to a card in between."""
    for line in merge(sheet.lines, sheet.statement.arrivals, key=_number):
        balance_fen = line["balance_fen"] - line["amount_fen"]
        for leg in legs(line):
            balance_fen += leg.balance_fen
            yield Entry(
                leg.id,
                line["at"][:10],  # a statement's instants are China's
                words_of(line, leg),
                _facts(line, leg),
                _postings(line, leg, balance_fen, sheet.style.root),
            )


def _number(line: "MovementLine") -> int:
    return line["entry"]


def balance_account(root: str) -> str:
    """Return the account of the balance."""
    return f"Assets:{root}:Balance"


def first_day(statement: "Statement") -> date:
    """Return the day on which a journal opens."""
    return china_day(statement.begins_at)


def last_day(statement: "Statement") -> date:
    """
    Return the last day of which a journal tells something.

    A period that ends at midnight ends with the day before; one that is open ends with what
    happened last.
    """
    ends_at = statement.ends_at
    if ends_at == statement.until:
        ends_at -= timedelta.resolution
    return max(china_day(ends_at), first_day(statement))


def ends_with_a_day(statement: "Statement") -> bool:
    """Return whether nothing can happen any more on the `last_day`."""
    ends_at = statement.ends_at
    return ends_at == statement.until and ends_at == start_of_day(china_day(ends_at))


def opening_id(statement: "Statement", root: str) -> str:
    """Return by what the opening entry is found again: it is no movement and has no id of one."""
    return f"{root}-opening-{_compact(statement.begins_at)}"


def closing_id(statement: "Statement", root: str) -> str:
    """Return by what the closing entry is found again."""
    return f"{root}-closing-{_compact(statement.ends_at)}"


def header(statement: "Statement") -> Iterator[str]:
    """Yield, as comments, what is true of the whole statement."""
    since = "the beginning" if statement.since is None else iso(statement.since)
    until = "the head" if statement.until is None else iso(statement.until)
    moved = f"+ {yuan(statement.in_fen)} - {yuan(statement.out_fen)}"
    for fact in (
        SCHEMA,
        f"profile: {plain(statement.profile)}",
        f"period: from {since} up to {until}",
        f"balance: {yuan(statement.opening_fen)} {moved} = {yuan(statement.closing_fen)}",
        f"movements: {statement.count}",
        f"head: {statement.head['entry']} {statement.head['mac']}",
    ):
        yield f"{COMMENT}{fact}\n"


# --- hledger and ledger ---------------------------------------------------------------------------

_FULL_WIDTH = str.maketrans(";|:,[", "；｜：，［")
"""
What means something behind a payee or in a comment, and what is written instead.

``;`` begins a comment, ``|`` a note; ``:`` makes a tag, at which ``,`` ends; and in ``[`` ledger
looks for a date that moves the whole entry.
"""

_BLANKS = re.compile(r"\s+")
_AT_FIRST = '*!(" '
"""What a payee may not begin with: a status, a code or a quote."""


def journal(sheet: Sheet, form: str, before: str = "") -> Iterator[str]:
    """
    Yield *sheet* as a journal that hledger and ledger can read, each in its strictest mode.

    *form* puts a *payee* and a *note* together as one of them has it. *before* are lines that only
    one of them knows. Everything used is declared right before its first use, so that nothing is
    read twice: what is kept are the names of accounts and of people, never movements.
    """
    statement, root = sheet.statement, sheet.style.root
    declared: set[str] = set()

    def declaring(what: str, name: str) -> Iterator[str]:
        if (declaration := f"{what} {name}\n") not in declared:
            declared.add(declaration)
            yield declaration

    def entry(day: str, code: str, words: Words, *lines: str) -> Iterator[str]:
        payee = _payee(words.payee)
        yield from declaring("payee", payee)
        yield f"{day} * ({code}) {form.format(payee=payee, note=tame(words.narration))}\n"
        yield from (f"    {line}\n" for line in (f"; hbid: {code}", *lines))
        yield "\n"

    balance = balance_account(root)
    yield from header(statement)
    yield f"\n{before}commodity {CURRENCY}\n    format 1000.00 {CURRENCY}\n"
    yield from (f"tag {name}\n" for name in ("hbid", *_NAMES))
    yield from declaring("account", balance)
    yield "\n"
    if statement.opening_fen:
        yield from declaring("account", OPENING_BALANCES)
        yield from entry(
            str(first_day(statement)),
            opening_id(statement, root),
            Words(plain(statement.profile), "期初余额"),
            # The opening entry: none, if what came before is in the book.
            f"{balance:<36}  {'':>16} = {yuan(statement.opening_fen)} {CURRENCY}",
            OPENING_BALANCES,
        )
    for booked in entries(sheet):
        for posting in booked.postings:
            yield from declaring("account", posting.account)
        facts = (f"; {name}: {_fact(name, fact)}" for name, fact in booked.facts.items())
        postings = map(_posting, booked.postings)
        yield from entry(booked.day, booked.id, booked.words, *facts, *postings)
    yield from entry(
        str(last_day(statement)),
        closing_id(statement, root),
        Words(plain(statement.profile), "期末余额"),
        _posting(Posting(balance, 0, statement.closing_fen)),
    )


def tame(text: str) -> str:
    """
    Return *text*, which is free text, as a comment or a payee that means nothing but itself.

    >>> tame("a;b:c  [2020-01-01]")
    'a；b：c ［2020-01-01]'
    """
    return _BLANKS.sub(" ", plain(text)).translate(_FULL_WIDTH)


def _payee(text: str) -> str:
    return tame(text).lstrip(_AT_FIRST) or PACKET


def _fact(name: str, fact: str) -> str:
    return fact if name == "time" else tame(fact)


def _posting(posting: Posting) -> str:
    amount = f"{posting.account:<36}  {yuan(posting.amount_fen):>12} {CURRENCY}"
    if posting.balance_fen is None:
        return amount
    return f"{amount} = {yuan(posting.balance_fen)} {CURRENCY}"


# --- names ----------------------------------------------------------------------------------------

_NAMES = ("time", "kind", "packet", "greeting")
"""The facts of an entry next to its id."""


def _facts(line: "MovementLine", leg: Leg) -> dict[str, str]:
    facts = (line["at"][11:-6], leg.kind, line["packet"], line["greeting"])
    return {name: fact for name, fact in zip(_NAMES, facts, strict=True) if fact}


def _postings(
    line: "MovementLine", leg: Leg, balance_fen: int, root: str
) -> tuple[Posting, Posting]:
    out_of, into = (
        Posting(_account(place, line, root), fen, balance_fen if place is Place.BALANCE else None)
        for place, fen in ((leg.out_of, -leg.amount_fen), (leg.into, leg.amount_fen))
    )
    return (into, out_of) if leg.into is Place.BALANCE else (out_of, into)


def _account(place: Place, line: "MovementLine", root: str) -> str:
    if place is Place.BALANCE:
        return balance_account(root)
    if place is Place.CARD:
        bank, _, tail = (line["card"] or "").partition("-")
        return f"Assets:Bank:{_part(bank.upper())}:{_part(tail)}"
    return _PLACES[place].format(root=root)


def _part(text: str) -> str:
    """Return *text* as one part of an account's name, as the strictest of the programs has it."""
    return _STRANGE.sub("-", text).lstrip("-") or "Unknown"


def _compact(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y%m%dT%H%M%S}"
