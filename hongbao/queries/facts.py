"""
Facts: what is true of the books, and of the acts of a home, by name.

    balance 张三 = 10.00
    packet 张三 state = finished
    reserve + in-transit = owed
    acts claim 李四 = 1

A fact's name is looked up in one snapshot, and never says how a command printed it, so that a
story, a lesson and a mark mean the same in every language. `VOCABULARY` is all of them;
docs/reference/facts.md explains each.

A side of an expectation is facts and amounts, joined by ``+`` and ``-``. Names with spaces are
quoted as in a shell. A packet is called by its id, or by the name of a person: the newest packet
that they sent.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from hongbao.domain.deal import luckiest
from hongbao.domain.ids import parse_packet_id
from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.packet import PacketKind
from hongbao.domain.policy import PERIODS
from hongbao.domain.text import name_key
from hongbao.errors import InvalidFact, InvalidPacketId
from hongbao.home.opened import Home
from hongbao.queries.books import acts_of
from hongbao.queries.limits import limit_states
from hongbao.store import HeldRow, Holder, PacketRow, PacketView, ProfileRow
from hongbao.units import iso, yuan
from hongbao.words import N_, Filled, shell_word

Value: TypeAlias = int | str | None
"""An amount in fen, a count or a word; None of what is not there."""

AMOUNT, COUNT, WORD, MOMENT = "amount", "count", "word", "moment"

NOTHING = "none"
"""How the value of what is not there is written."""


class Scope(NamedTuple):
    """
    What the facts are about that look back: only what came *since* an entry.

    The books know nothing of a command that was refused or was answered again, so the caller
    has counted those: how many *ended* with each exit code, how many were *refused* with each
    error, and how many got the answer that the same request had got before (*replayed*).
    """

    since: int = 0
    ended: Mapping[int, int] = MappingProxyType({})
    refused: Mapping[str, int] = MappingProxyType({})
    replayed: int = 0


EVERYTHING = Scope()


class _Moment:
    """One moment of a home, within a snapshot."""

    def __init__(self, home: Home, scope: Scope) -> None:
        self.home, self.store, self.scope = home, home.store, scope
        self.now = home.now()
        self._kept: dict[str, list[HeldRow]] = {}

    def profile(self, name: str) -> ProfileRow | None:
        return self.store.profile(name_key(name))

    def packet(self, which: str) -> PacketRow | None:
        try:
            return self.store.packet(parse_packet_id(which))
        except InvalidPacketId:
            sender = self.profile(which)
        if sender is None:
            return None
        return next(iter(self.store.packets(PacketView.SENT, sender.id, self.now, 1)), None)

    def kept(self, book: str, *kinds: Kind) -> int:
        if book not in self._kept:
            self._kept[book] = self.store.held([book])
        return sum(row.held_fen for row in self._kept[book] if row.kind in kinds)

    def changes(self) -> dict[Account, int]:
        """Return what each account has gained, on its own side, since the entry."""
        since = range(self.scope.since + 1, self.store.head().entry + 1)
        if not since:
            return {}
        return {
            Account(change.book, change.kind, change.owner): change.own_fen
            for change in self.store.moved(since).accounts
        }

    def acts(self, kind: str, name: str | None) -> int:
        who = None if name is None else name_key(name)
        return sum(
            act.act == kind
            and (who is None or (act.profile_name and name_key(act.profile_name)) == who)
            for act in self.store.acts(after=self.scope.since)
        )


class _Word(NamedTuple):
    """One word of the vocabulary: what it takes, what kind of value it has, and how it is found."""

    takes: tuple[str, ...]
    kind: str
    phrase: str
    find: Callable[..., Value]
    optional: int = 0  # how many of what it takes may be left out, at the end


# --- how each fact is found ---------------------------------------------------------------------


def _balance(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    return None if profile is None else moment.store.balance_fen(profile.account)


def _sum(*fields: str) -> Callable[[_Moment, str], Value]:
    def find(moment: _Moment, name: str) -> Value:
        profile = moment.profile(name)
        if profile is None:
            return None
        sums = moment.store.sums(profile.id, moment.now)
        return sum(int(getattr(sums, field)) for field in fields)

    return find


def _total(moment: _Moment, name: str) -> Value:
    available, elsewhere = _balance(moment, name), _sum("all_fen")(moment, name)
    return None if available is None or elsewhere is None else int(available) + int(elsewhere)


def _deposit(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    return sum(moment.store.balance_fen(card.deposit) for card in moment.store.cards(profile.id))


def _cards(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    return None if profile is None else len(moment.store.cards(profile.id))


def _tier(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    return None if profile is None else str(moment.home.tier(profile).name)


def _left(moment: _Moment, name: str, period: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    lefts = [
        state.left_fen
        for state in limit_states(moment.home, profile)
        if state.limit.period == period
    ]
    return min(lefts, default=None)


def _pin(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    until = moment.store.pin(Holder("profile", profile.id)).locked_until
    return "open" if until is None or until <= moment.now else "locked"


def _wrong_pins(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    row = moment.store.pin(Holder("profile", profile.id))
    return row.tries - row.cleared


def _stopped(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    since = moment.scope.since
    return sum(row.entry > since for row in moment.store.judged(profile.id, stopped=True))


def _account(moment: _Moment, book: str, kind: str) -> Value:
    return moment.kept(book, Kind(kind))


def _reserve(moment: _Moment) -> Value:
    return moment.kept(PLATFORM, Kind.RESERVE)


def _in_transit(moment: _Moment) -> Value:
    return moment.kept(PLATFORM, Kind.INCOMING) - moment.kept(PLATFORM, Kind.OUTGOING)


OWED = (Kind.BALANCE, Kind.PACKET, Kind.PENDING, Kind.HELD, Kind.FEES)
"""What the reserve has to cover; the platform's fees lie in it until they are taken out."""


def _owed(moment: _Moment) -> Value:
    return moment.kept(PLATFORM, *OWED)


def _of_packet(find: Callable[[PacketRow, _Moment], Value]) -> Callable[[_Moment, str], Value]:
    def found(moment: _Moment, which: str) -> Value:
        row = moment.packet(which)
        return None if row is None else find(row, moment)

    return found


def _remaining(row: PacketRow, _moment: _Moment) -> Value:
    return 0 if row.packet.closed_at is not None else row.packet.remaining_fen


_PACKET: dict[str, tuple[str, str, Callable[[PacketRow, _Moment], Value]]] = {
    "state": (WORD, N_("the state of {which}"), lambda row, m: str(row.packet.state(m.now))),
    "kind": (WORD, N_("the kind of {which}"), lambda row, _m: str(row.packet.kind)),
    "deal": (WORD, N_("the dealing rule of {which}"), lambda row, _m: str(row.packet.deal)),
    "from": (WORD, N_("the sender of {which}"), lambda row, _m: row.sender_name),
    "to": (WORD, N_("the recipient of {which}"), lambda row, _m: row.recipient_name),
    "total": (AMOUNT, N_("the total of {which}"), lambda row, _m: row.packet.total_fen),
    "remaining": (AMOUNT, N_("what is left in {which}"), _remaining),
    "claimed": (
        AMOUNT,
        N_("what was claimed from {which}"),
        lambda row, _m: row.packet.claimed_fen,
    ),
    "shares": (COUNT, N_("the number of shares of {which}"), lambda row, _m: row.packet.count),
    "claims": (
        COUNT,
        N_("the number of claims of {which}"),
        lambda row, _m: row.packet.claimed_count,
    ),
}


def _share(moment: _Moment, name: str, which: str) -> Value:
    profile, row = moment.profile(name), moment.packet(which)
    if profile is None or row is None:
        return None
    claims = moment.store.claims(row.packet.number, profile.id)
    return next((claim.amount_fen for claim in claims), None)


def _luckiest(moment: _Moment, which: str) -> Value:
    row = moment.packet(which)
    if row is None or row.packet.kind is not PacketKind.LUCKY or row.packet.claimed_count < 2:
        return None
    if row.packet.claimed_count < row.packet.count:
        return None
    claims = moment.store.claims(row.packet.number)
    return claims[luckiest([claim.amount_fen for claim in claims])].profile_name


def _request(moment: _Moment, request_id: str, name: str) -> Value:
    profile = moment.profile(name)
    if profile is None:
        return None
    return int(moment.store.request(request_id, profile.id).act is not None)


def _gained(moment: _Moment, wanted: Callable[[Account], bool]) -> int:
    return sum(fen for account, fen in moment.changes().items() if wanted(account))


def _balance_change(moment: _Moment, name: str) -> Value:
    profile = moment.profile(name)
    return None if profile is None else _gained(moment, profile.account.__eq__)


def _account_change(moment: _Moment, book: str, kind: str) -> Value:
    return _gained(moment, lambda account: account[:2] == (book, Kind(kind)))


def _moves(moment: _Moment, book: str) -> Value:
    acts = acts_of(moment.home)
    moved = moment.store.moved([act.entry for act in acts]).transfers if acts else ()
    return ", ".join(
        f"{each.debit} -> {each.credit} {yuan(each.amount_fen)}"
        for each in moved
        if each.book == book
    )


def _owed_change(moment: _Moment) -> Value:
    return _gained(moment, lambda account: account.book == PLATFORM and account.kind in OWED)


# --- the vocabulary -----------------------------------------------------------------------------

_NAME, _BOOK_KIND, _WHICH = ("name",), ("book", "account"), ("which",)

VOCABULARY: dict[str, _Word] = {
    # of a person
    "balance": _Word(_NAME, AMOUNT, N_("the balance of {name}"), _balance),
    "frozen": _Word(
        _NAME, AMOUNT, N_("what {name} has in open packets"), _sum("open_fen", "due_back_fen")
    ),
    "held": _Word(_NAME, AMOUNT, N_("what is held of {name}'s money"), _sum("held_fen")),
    "on-its-way": _Word(
        _NAME, AMOUNT, N_("what is on its way to a card of {name}"), _sum("on_its_way_fen")
    ),
    "total": _Word(_NAME, AMOUNT, N_("all that {name} has"), _total),
    "deposit": _Word(_NAME, AMOUNT, N_("what {name} has at the bank"), _deposit),
    "share": _Word(("name", "which"), AMOUNT, N_("the share of {name} in {which}"), _share),
    "unanswered": _Word(
        _NAME, COUNT, N_("the number of unanswered payments of {name}"), _sum("unanswered")
    ),
    "cards": _Word(_NAME, COUNT, N_("the number of cards of {name}"), _cards),
    "wrong-pins": _Word(
        _NAME, COUNT, N_("the number of wrong PINs of {name} in a row"), _wrong_pins
    ),
    "stopped": _Word(_NAME, COUNT, N_("the number of acts of {name} that were stopped"), _stopped),
    "tier": _Word(_NAME, WORD, N_("the tier of {name}"), _tier),
    "left": _Word(
        ("name", "period"), AMOUNT, N_("what is left of a limit of {name} ({period})"), _left
    ),
    "pin": _Word(_NAME, WORD, N_("the PIN of {name}"), _pin),
    # of the books
    "reserve": _Word((), AMOUNT, N_("the reserve"), _reserve),
    "owed": _Word((), AMOUNT, N_("what users are owed"), _owed),
    "in-transit": _Word((), AMOUNT, N_("the money in transit"), _in_transit),
    "account": _Word(_BOOK_KIND, AMOUNT, N_("{account} in the book {book}"), _account),
    "moves": _Word(("book",), WORD, N_("what the last act moved in the book {book}"), _moves),
    # of a packet
    **{
        f"packet {word}": _Word(_WHICH, kind, phrase, _of_packet(find))
        for word, (kind, phrase, find) in _PACKET.items()
    },
    "packet luckiest": _Word(_WHICH, WORD, N_("the luckiest in {which}"), _luckiest),
    # since an entry
    "change balance": _Word(
        _NAME, AMOUNT, N_("the change in the balance of {name}"), _balance_change
    ),
    "change account": _Word(
        _BOOK_KIND, AMOUNT, N_("the change in {account} in the book {book}"), _account_change
    ),
    "change reserve": _Word(
        (),
        AMOUNT,
        N_("the change in the reserve"),
        lambda moment: _account_change(moment, PLATFORM, Kind.RESERVE),
    ),
    "change owed": _Word((), AMOUNT, N_("the change in what users are owed"), _owed_change),
    "acts": _Word(
        ("act", "name"),
        COUNT,
        N_("the number of `{act}` acts of {name}"),
        lambda moment, act, name=None: moment.acts(act, name),
        optional=1,
    ),
    "request": _Word(
        ("request_id", "name"),
        COUNT,
        N_("the number of acts for the request {request_id}"),
        _request,
    ),
    "ended": _Word(
        ("code",),
        COUNT,
        N_("the number of commands with exit code {code}"),
        lambda moment, code: moment.scope.ended.get(int(code), 0),
    ),
    "refused": _Word(
        ("error",),
        COUNT,
        N_("the number of commands refused with {error}"),
        lambda moment, error: moment.scope.refused.get(error, 0),
    ),
    "replayed": _Word(
        (),
        COUNT,
        N_("the number of requests that were answered again"),
        lambda moment: moment.scope.replayed,
    ),
    # of the home
    "head": _Word((), COUNT, N_("the number of entries"), lambda moment: moment.store.head().entry),
    "time": _Word((), MOMENT, N_("the time"), lambda moment: iso(moment.now)),
    # of no book: what a question can ask that has to be worked out
    AMOUNT: _Word(
        (AMOUNT,), AMOUNT, N_("the amount"), lambda _moment, typed: _value(typed, AMOUNT, typed)
    ),
    COUNT: _Word(
        (COUNT,), COUNT, N_("the number"), lambda _moment, typed: _value(typed, COUNT, typed)
    ),
}
"""Every fact by its name, with what it takes: ``packet state`` is typed ``packet WHICH state``."""

_SHORT = {"acts": N_("the number of `{act}` acts"), "packet": N_("the packet of {name}")}
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d\d)?")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class Fact(NamedTuple):
    """A fact by its *name* in the vocabulary, and *of* whom or what it is."""

    name: str
    of: tuple[str, ...]

    @property
    def kind(self) -> str:
        return VOCABULARY[self.name].kind

    def __str__(self) -> str:
        first, _, second = self.name.partition(" ")
        words = [first, *self.of, second] if first == "packet" else [*self.name.split(), *self.of]
        return " ".join(shell_word(word) for word in words if word)

    @property
    def phrase(self) -> Filled:
        """What it is called within a sentence."""
        word = VOCABULARY[self.name]
        given: dict[str, object] = dict(zip(word.takes, self.of, strict=False))
        if "which" in given:
            given["which"] = _packet_phrase(str(given["which"]))
        phrase = word.phrase if len(given) == len(word.takes) else _SHORT[self.name]
        return Filled(phrase, given)


def _packet_phrase(which: str) -> str:
    try:
        return parse_packet_id(which)
    except InvalidPacketId:
        return Filled(_SHORT["packet"], {"name": which})


class Term(NamedTuple):
    """A fact, or the text of a value, that is added to a side or (with *sign* -1) taken off it."""

    sign: int
    what: Fact | str


Side: TypeAlias = tuple[Term, ...]


class Expected(NamedTuple):
    """Two sides that are compared: that is true of the books, or not."""

    text: str
    left: Side
    compared: str
    right: Side

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(term.what for term in (*self.left, *self.right) if isinstance(term.what, Fact))

    @property
    def kind(self) -> str:
        return self.facts[0].kind


class Difference(NamedTuple):
    """
    An expectation that does not hold, with what either side came to.

    *expected* and *got* are for those who may see the goal; `sentence` does not give it away.
    """

    of: Expected
    left: Value
    right: Value

    @property
    def expected(self) -> str:
        return f"{self.of.compared} {value_text(self.right, self.of.kind)}"

    @property
    def got(self) -> str:
        return value_text(self.left, self.of.kind)

    @property
    def forbidden(self) -> Filled:
        """What the left side is, where just that must not be."""
        what = _side_phrase(self.of.left)
        return Filled(N_("{what} should not be {got}"), {"what": what, "got": self.got})

    @property
    def sentence(self) -> Filled:
        """What differs in the books, as a sentence for `say`; the expected value is not in it."""
        what = _side_phrase(self.of.left)
        if self.left is None:
            return Filled(N_("there is nothing yet that would be {what}"), {"what": what})
        if isinstance(self.left, str) or not isinstance(self.right, int):
            return self.forbidden
        other = next((t for t in self.of.right if isinstance(t.what, Fact)), None)
        less = self.left < self.right
        if self.of.compared == "!=" or self.left == self.right:
            return self.forbidden
        if other is not None and self.of.kind == AMOUNT:
            sentence = N_("{what} is {gap_fen} short of {other}")
            if not less:
                sentence = N_("{what} is {gap_fen} above {other}")
            gap_fen = abs(self.left - self.right)
            facts = {"what": what, "gap_fen": gap_fen, "other": _side_phrase(self.of.right)}
            return Filled(sentence, facts)
        return Filled(N_("{what} is too low") if less else N_("{what} is too high"), {"what": what})


def _side_phrase(side: Side) -> Filled:
    phrases = [(term.sign, _term_phrase(term.what)) for term in side]
    whole = phrases[0][1]
    for sign, phrase in phrases[1:]:
        joined = N_("{one} and {other} together") if sign > 0 else N_("{one} less {other}")
        whole = Filled(joined, {"one": whole, "other": phrase})
    return whole


def _term_phrase(what: Fact | str) -> Filled:
    return what.phrase if isinstance(what, Fact) else Filled("{amount}", {"amount": what})


def value_text(value: Value, kind: str) -> str:
    """
    Write *value* as the vocabulary has it: an amount in yuan, a count, a word.

    >>> value_text(850, AMOUNT), value_text(3, COUNT), value_text(None, WORD)
    ('8.50', '3', 'none')
    """
    if value is None:
        return NOTHING
    return yuan(value) if kind == AMOUNT and isinstance(value, int) else str(value)


# --- reading what is typed ----------------------------------------------------------------------


def parse_fact(text: str) -> Fact:
    """
    Read the name of one fact. Raises InvalidFact.

    >>> parse_fact("balance 'Ann Lee'").of, str(parse_fact("packet 张三 state"))
    (('Ann Lee',), 'packet 张三 state')
    """
    return _fact(_words(text), text)


def parse(text: str) -> Expected:
    """
    Read an expectation: two sides with one of ``= != < <= > >=`` between them. Raises InvalidFact.

    >>> parse("reserve + in-transit = owed").compared
    '='
    """
    words = _words(text)
    places = [place for place, word in enumerate(words) if word in _COMPARED]
    if len(places) != 1:
        raise InvalidFact(text, problem="not_compared")
    place = places[0]
    left, right = _side(words[:place], text), _side(words[place + 1 :], text)
    expected = Expected(text, left, words[place], right)
    if isinstance(first := left[0].what, str):
        problem = "no_fact" if _AMOUNT.fullmatch(first) else "unknown"
        raise InvalidFact(text, problem=problem, value=first)
    kind, kinds = expected.kind, {fact.kind for fact in expected.facts}
    added = len(left) > 1 or len(right) > 1
    is_plain = kind in (AMOUNT, COUNT)
    is_compared = kind != WORD or words[place] in ("=", "!=")
    if len(kinds) > 1 or not is_compared or (added and not is_plain):
        raise InvalidFact(text, problem="other_kinds")
    for term in (*left, *right):
        if isinstance(term.what, str):
            _value(term.what, kind, text)
    return expected


def parse_side(text: str, kind: str) -> Side:
    """
    Read facts and values of one *kind*, added up, as one side of an expectation has them.

    Raises InvalidFact.

    >>> len(parse_side("balance 张三 + 20.00", AMOUNT))
    2
    """
    side = _side(_words(text), text)
    for term in side:
        if isinstance(term.what, str):
            _value(term.what, kind, text)
        elif term.what.kind != kind or (kind not in (AMOUNT, COUNT) and len(side) > 1):
            raise InvalidFact(text, problem="other_kinds")
    return side


def parse_value(typed: str, kind: str) -> Value:
    """
    Read the value of a fact of *kind*, as `value_text` writes it. Raises InvalidFact.

    >>> parse_value("8.50", AMOUNT), parse_value("8", AMOUNT), parse_value("8", COUNT)
    (850, 800, 8)
    """
    return _value(typed, kind, typed)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise InvalidFact(text, problem="open_quote") from None


def _side(words: Sequence[str], text: str) -> Side:
    terms: list[Term] = []
    sign, term = 1, list[str]()
    for word in (*words, "+"):
        if word not in ("+", "-"):
            term.append(word)
            continue
        is_value = len(term) == 1 and term[0] not in VOCABULARY
        terms.append(Term(sign, term[0] if is_value else _fact(term, text)))
        sign, term = (1 if word == "+" else -1), []
    return tuple(terms)


def _fact(words: Sequence[str], text: str) -> Fact:
    name, of = " ".join(words[:1]), tuple(words[1:])
    if name == "change":
        name, of = " ".join(words[:2]), tuple(words[2:])
    elif name == "packet" and len(words) == 3:
        name, of = f"packet {words[2]}", (words[1],)
    word = VOCABULARY.get(name)
    if word is None:
        raise InvalidFact(text, problem="unknown", value=name)
    if not len(word.takes) - word.optional <= len(of) <= len(word.takes):
        raise InvalidFact(text, problem="takes", value=_form(name, word))
    given = dict(zip(word.takes, of, strict=False))
    if "account" in given and given["account"] not in set(Kind):
        raise InvalidFact(text, problem="no_account", value=given["account"])
    if "period" in given and given["period"] not in PERIODS:
        raise InvalidFact(text, problem="no_value", value=given["period"])
    for kind in (AMOUNT, COUNT):
        if kind in given:
            _value(given[kind], kind, text)
    if "code" in given and not given["code"].isdecimal():
        raise InvalidFact(text, problem="no_value", value=given["code"])
    return Fact(name, of)


def _form(name: str, word: _Word) -> str:
    takes = [each.upper() for each in word.takes]
    first, _, second = name.partition(" ")
    return " ".join(filter(None, [first, *takes, second] if first == "packet" else [name, *takes]))


def _value(typed: str, kind: str, text: str) -> Value:
    """Return the value that is *typed*. Raises InvalidFact, which names the whole *text*."""
    if typed == NOTHING:
        return None
    if kind == WORD:
        return typed
    if kind == MOMENT:
        return _moment(typed, text)
    whole, _, cents = typed.partition(".")
    if not _AMOUNT.fullmatch(typed) or (kind == COUNT and cents):
        raise InvalidFact(text, problem="no_value", value=typed)
    return int(whole) if kind == COUNT else int(whole + (cents or "00"))


def _moment(typed: str, text: str) -> str:
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidFact(text, problem="no_value", value=typed)
    return iso(at)


# --- reading the books --------------------------------------------------------------------------


def read(home: Home, facts: Sequence[Fact], scope: Scope = EVERYTHING) -> list[Value]:
    """Return what each of *facts* is, all at one moment of *home*."""
    with home.looking():
        moment = _Moment(home, scope)
        return [_found(moment, fact) for fact in facts]


def read_sides(
    home: Home, sides: Sequence[Side], kind: str, scope: Scope = EVERYTHING
) -> list[Value]:
    """Return what each of *sides*, whose facts are of *kind*, comes to at one moment of *home*."""
    with home.looking():
        moment = _Moment(home, scope)
        return [_added(moment, side, kind) for side in sides]


def differences(
    home: Home, expected: Sequence[Expected], scope: Scope = EVERYTHING
) -> list[Difference]:
    """Return those of *expected* that do not hold, all at one moment of *home*."""
    return [
        each
        for each in _compared(home, expected, scope)
        if not _holds(each.of.compared, each.left, each.right)
    ]


def holding(
    home: Home, expected: Sequence[Expected], scope: Scope = EVERYTHING
) -> list[Difference]:
    """Return those of *expected* that hold, all at one moment of *home*, with what they are."""
    return [
        each
        for each in _compared(home, expected, scope)
        if _holds(each.of.compared, each.left, each.right)
    ]


def _compared(home: Home, expected: Sequence[Expected], scope: Scope) -> list[Difference]:
    with home.looking():
        moment = _Moment(home, scope)
        return [
            Difference(
                each, _added(moment, each.left, each.kind), _added(moment, each.right, each.kind)
            )
            for each in expected
        ]


def _holds(compared: str, left: Value, right: Value) -> bool:
    if left is None or right is None:  # which is neither more nor less than anything
        return compared in ("=", "!=") and _COMPARED[compared](left, right)
    return _COMPARED[compared](left, right)


def _added(moment: _Moment, side: Side, kind: str) -> Value:
    values = [
        (sign, _found(moment, what) if isinstance(what, Fact) else _value(what, kind, what))
        for sign, what in side
    ]
    if len(values) == 1:
        return values[0][1]
    total = 0
    for sign, value in values:
        if not isinstance(value, int):
            return None
        total += sign * value
    return total


def _found(moment: _Moment, fact: Fact) -> Value:
    return VOCABULARY[fact.name].find(moment, *fact.of)
