"""
Journals: a statement as entries in accounts, for plain-text accounting programs.

What beancount, hledger and ledger have in common is here: the accounts' names, one entry for each
leg with the balance after it, the days, and one writer for the last two, which read nearly the same
language.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hongbao.domain.dates import china_day, start_of_day
from hongbao.statements import SCHEMA, Sheet
from hongbao.statements._legs import Leg, Place, legs
from hongbao.statements._spool import put_behind
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
    Place.BALANCE: "Assets:{root}:Balance",
    Place.RECEIVED: "Income:{root}:RedPacket",
    Place.GIVEN: "Expenses:{root}:RedPacket",
    Place.FEES: "Expenses:{root}:Fees",
    Place.TRANSIT: "Assets:{root}:InTransit",
}
_STRANGE = re.compile(r"[^A-Za-z0-9-]")


Facts = list[tuple[str, str]]
"""What stands next to an entry's id: names, and what each says."""


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
    facts: Facts
    postings: tuple[Posting, Posting]


def entries(sheet: Sheet) -> Iterator[Entry]:
    """Yield an entry for each leg, oldest first, and for what came to a card in between."""
    accounts = _Accounts(sheet.style.root)
    for line in _in_order(sheet):
        balance_fen = line["balance_fen"] - line["amount_fen"]
        for leg in legs(line):
            balance_fen += leg.balance_fen
            yield Entry(
                leg.id,
                line["at"][:10],  # a statement's instants are China's
                words_of(line, leg),
                _facts(line, leg),
                _postings(line, leg, balance_fen, accounts),
            )


def _in_order(sheet: Sheet) -> "Iterable[MovementLine]":
    """Return the lines, and the arrivals in their places."""
    arrivals = iter(sheet.statement.arrivals)
    first = next(arrivals, None)
    if first is None:
        return sheet.lines
    return merge(sheet.lines, chain((first,), arrivals), key=itemgetter("entry"))


def balance_account(root: str) -> str:
    """Return the account of the balance."""
    return _PLACES[Place.BALANCE].format(root=root)


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


def write_journal(sheet: Sheet, out: BinaryIO, between: str, before: str = "") -> None:
    """
    Write *sheet* to *out* as a journal that hledger and ledger read, each in its strictest mode.

    *between* stands between payee and note as one of them has it. *before* are lines that only one
    of them knows.
    """
    put_behind(out, lambda: "".join(header(sheet.statement)), _journal(sheet, between, before))


def _journal(sheet: Sheet, between: str, before: str) -> Iterator[str]:
    """
    Yield the lines of *sheet*.

    Everything used is declared right before its first use, so that nothing is read twice: what is
    kept are the names of accounts and of people, never movements.
    """
    statement, root = sheet.statement, sheet.style.root
    declared: set[tuple[str, str]] = set()

    def declaring(what: str, name: str) -> str:
        if (what, name) in declared:
            return ""
        declared.add((what, name))
        return f"{what} {name}\n"

    def entry(day: str, code: str, words: Words, lines: str) -> str:
        payee = _payee(words.payee)
        return (
            f"{declaring('payee', payee)}{day} * ({code}) {payee}{between}{tame(words.narration)}\n"
            f"    ; hbid: {code}\n{lines}\n"
        )

    balance = balance_account(root)
    yield f"\n{before}commodity {CURRENCY}\n    format 1000.00 {CURRENCY}\n"
    yield from (f"tag {name}\n" for name in ("hbid", *_NAMES))
    yield declaring("account", balance)
    yield "\n"
    if statement.opening_fen:
        yield declaring("account", OPENING_BALANCES)
        yield entry(
            str(first_day(statement)),
            opening_id(statement, root),
            Words(plain(statement.profile), "期初余额"),
            # The opening entry: none, if what came before is in the book.
            f"    {balance:<36}  {'':>16} = {yuan(statement.opening_fen)} {CURRENCY}\n"
            f"    {OPENING_BALANCES}\n",
        )
    for booked in entries(sheet):
        first, second = booked.postings
        yield declaring("account", first.account)
        yield declaring("account", second.account)
        facts = "".join([f"    ; {name}: {_fact(name, fact)}\n" for name, fact in booked.facts])
        lines = f"{facts}{_posting(first)}{_posting(second)}"
        yield entry(booked.day, booked.id, booked.words, lines)
    yield entry(
        str(last_day(statement)),
        closing_id(statement, root),
        Words(plain(statement.profile), "期末余额"),
        _posting(Posting(balance, 0, statement.closing_fen)),
    )


@lru_cache(maxsize=2048)
def tame(text: str) -> str:
    """
    Return *text*, which is free text, as a comment or a payee that means nothing but itself.

    >>> tame("a;b:c  [2020-01-01]")
    'a；b：c ［2020-01-01]'
    """
    return _BLANKS.sub(" ", plain(text)).translate(_FULL_WIDTH)


@lru_cache(maxsize=2048)
def _payee(text: str) -> str:
    return tame(text).lstrip(_AT_FIRST) or PACKET


def _fact(name: str, fact: str) -> str:
    return fact if name == "time" else tame(fact)


def _posting(posting: Posting) -> str:
    account, amount_fen, balance_fen = posting
    after = "" if balance_fen is None else f" = {yuan(balance_fen)} {CURRENCY}"
    return f"    {account:<36}  {yuan(amount_fen):>12} {CURRENCY}{after}\n"


# --- names ----------------------------------------------------------------------------------------

_NAMES = ("time", "kind", "packet", "greeting")
"""The facts of an entry next to its id."""


def _facts(line: "MovementLine", leg: Leg) -> Facts:
    facts = (line["at"][11:-6], leg.kind, line["packet"], line["greeting"])
    return [(name, fact) for name, fact in zip(_NAMES, facts, strict=True) if fact]


def _postings(
    line: "MovementLine", leg: Leg, balance_fen: int, accounts: "_Accounts"
) -> tuple[Posting, Posting]:
    out_of = _posted(line, leg.out_of, -leg.amount_fen, balance_fen, accounts)
    into = _posted(line, leg.into, leg.amount_fen, balance_fen, accounts)
    return (into, out_of) if leg.into is Place.BALANCE else (out_of, into)


def _posted(
    line: "MovementLine", place: Place, fen: int, balance_fen: int, accounts: "_Accounts"
) -> Posting:
    if place is Place.BALANCE:
        return Posting(accounts.names[place], fen, balance_fen)
    account = accounts.card(line["card"] or "") if place is Place.CARD else accounts.names[place]
    return Posting(account, fen, None)


class _Accounts:
    """What the accounts are called below *root*."""

    def __init__(self, root: str) -> None:
        self.names = {place: name.format(root=root) for place, name in _PLACES.items()}

    @staticmethod
    def card(name: str) -> str:
        bank, _, tail = name.partition("-")
        return f"Assets:Bank:{_part(bank.upper())}:{_part(tail)}"


def _part(text: str) -> str:
    """Return *text* as one part of an account's name, as the strictest of the programs has it."""
    return _STRANGE.sub("-", text).lstrip("-") or "Unknown"


def _compact(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y%m%dT%H%M%S}"
