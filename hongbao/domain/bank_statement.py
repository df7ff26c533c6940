"""
The statement that a bank issues for a day: a file of lines, and back.

CSV in UTF-8 with line feeds, in camt.053's words. Seven lines of preamble say what is to come, so
that a reader can check it while reading; then the columns, the entries in the order of their
messages, and a signature over all of it::

    Svcr,icbc
    Id,ICBC-20260216
    FrToDt,2026-02-16
    CreDtTm,2026-02-17T01:00:00+08:00
    NbOfNtries,1
    TtlCdtNtries,0.00
    TtlDbtNtries,100.00
    AcctSvcrRef,EndToEndId,CdtDbtInd,Amt,Ccy,Sts,BookgDt
    ICBC-000012,NU20260216000012,DBIT,100.00,CNY,BOOK,2026-02-16T20:00:00+08:00
    Sgntr,<base64>

An entry is debit or credit from the customer's point of view, corrections included. The two sums
add up every entry of their side with any status, so that anyone can add up a column.

There is one way to write a statement, and nothing else is read: no value needs a quotation mark,
none may be empty, and every number and instant has one spelling. Writing and reading take the
memory of one line. Text comes from a file opened with ``encoding="utf-8"``, ``newline="\\n"`` and
``errors="surrogateescape"``: then a foreign byte is named with its line, and no line end is hidden.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

from hongbao.domain.channel import Direction
from hongbao.domain.reconciliation import LineStatus, TheirLine
from hongbao.errors import InvalidBankStatement, shortened
from hongbao.units import iso, yuan

PREAMBLE = ("Svcr", "Id", "FrToDt", "CreDtTm", "NbOfNtries", "TtlCdtNtries", "TtlDbtNtries")
COLUMNS = ("AcctSvcrRef", "EndToEndId", "CdtDbtInd", "Amt", "Ccy", "Sts", "BookgDt")
SIGNATURE = "Sgntr"
CURRENCY = "CNY"

_SIGNATURE_BYTES = 64
_WORDS = {Direction.DEBIT: "DBIT", Direction.CREDIT: "CRDT"}
_DIRECTIONS = {word: direction for direction, word in _WORDS.items()}

_BANK = re.compile(r"[a-z][a-z0-9]{1,15}")
_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{0,34}")  # ISO 20022's Max35Text; never the word `SIGNATURE`
_COUNT = re.compile(r"0|[1-9][0-9]{0,11}")
_YUAN = re.compile(r"(?:0|[1-9][0-9]{0,15})\.[0-9]{2}")
_DAY = re.compile(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?\+08:00"
)

Value = TypeVar("Value")


class Header(NamedTuple):
    """The header of a statement, before its entries."""

    bank: str
    id: str
    day: date
    created_at: datetime
    entry_count: int
    credit_fen: int
    debit_fen: int


class Seal(NamedTuple):
    """
    The seal of a statement: its bank, the signed bytes, and the signature.

    What was signed is the SHA-256 of every byte before the signature's line: to sign the bytes
    themselves, Ed25519 would need all of them in memory at once.
    """

    bank: str
    digest: bytes
    signature: bytes


# --- writing -------------------------------------------------------------------------------------


def heading(
    bank: str, statement: str, day: date, created_at: datetime, lines: Iterable[TheirLine]
) -> Header:
    """Return the header of *statement* (its id), after adding up *lines*."""
    tally = _Tally()
    for line in lines:
        tally.add(line)
    sums = (tally.entry_count, tally.credit_fen, tally.debit_fen)
    return Header(bank, statement, day, created_at, *sums)


def write(header: Header, lines: Iterable[TheirLine]) -> Iterator[str]:
    """
    Yield the statement of *lines*, line by line, up to where its signature goes.

    Raises ValueError for what `read` would refuse: lines that do not fit *header*, or are out of
    order, or hold what no field takes. That is our own mistake, and is never signed.
    """
    tally = _Tally()
    texts = _preamble(header)
    number = len(texts)
    try:
        _same(header, _header(_Lines(texts)))
        yield from texts
        for line in lines:
            number += 1
            text = _written(line)
            _same(line, _entry(number, text))
            tally.check_order(number, line)
            tally.add(line)
            yield f"{text}\n"
        tally.check_sums(header)
    except InvalidBankStatement as error:
        raise ValueError(str(error)) from None


def signed(lines: Iterable[str], sign: Callable[[bytes], bytes]) -> Iterator[str]:
    """Pass on the *lines* that `write` yields, and put the signature behind them (see `Seal`)."""
    digest = sha256()
    for text in lines:
        digest.update(_bytes(text))
        yield text
    yield f"{SIGNATURE},{_base64(sign(digest.digest()))}\n"


# --- reading -------------------------------------------------------------------------------------


def seal(lines: Iterable[str]) -> Seal:
    """
    Read *lines* once for the seal, which is verified before `read` is believed.

    Nothing between the first line and the last is looked at. Raises InvalidBankStatement.
    """
    digest = sha256()
    passing = _Lines(lines)
    bank = _value(1, PREAMBLE[0], passing.next(PREAMBLE[0]), _bank)
    last = f"{PREAMBLE[0]},{bank}"
    while (text := passing.next_or_none()) is not None:
        digest.update(_bytes(f"{last}\n"))
        last = text
    signature = _value(passing.number, SIGNATURE, last, _signature)
    return Seal(bank, digest.digest(), signature)


def read(lines: Iterable[str]) -> tuple[Header, Iterator[TheirLine]]:
    """
    Return the header of the statement in *lines*, and its entries, checked as they come.

    Whether count and sums are right is known at the end: believe no entry before the last has
    come. Of the signature only the form is looked at; whether it is true is for `seal`'s caller.
    Raises InvalidBankStatement at the first line that is wrong.
    """
    passing = _Lines(lines)
    header = _header(passing)
    return header, _entries(header, passing)


def _entries(header: Header, passing: "_Lines") -> Iterator[TheirLine]:
    tally = _Tally()
    while not (text := passing.next(SIGNATURE)).startswith(f"{SIGNATURE},"):
        line = _entry(passing.number, text)
        tally.check_order(passing.number, line)
        tally.add(line)
        yield line
    _value(passing.number, SIGNATURE, text, _signature)
    if passing.next_or_none() is not None:
        raise InvalidBankStatement(line=passing.number, problem="after_end")
    tally.check_sums(header)


class _Lines:
    """Lines of a file, each with its number and without its line feed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def next(self, key: str) -> str:
        """Return the next line, which should be the one that *key* names."""
        text = self.next_or_none()
        if text is None:
            raise InvalidBankStatement(line=self.number + 1, problem="cut_short", key=key)
        return text

    def next_or_none(self) -> str | None:
        text = next(self._lines, None)
        if text is None:
            return None
        self.number += 1
        if not text.endswith("\n") or text.endswith("\r\n"):
            raise InvalidBankStatement(line=self.number, problem="line_end")
        return text[:-1]


class _Tally:
    """The sums so far, and the last message."""

    def __init__(self) -> None:
        self.entry_count = self.credit_fen = self.debit_fen = 0
        self._message = ""

    def add(self, line: TheirLine) -> None:
        self.entry_count += 1
        self._message = line.message
        if Direction(line.direction) is Direction.CREDIT:
            self.credit_fen += line.amount_fen
        else:
            self.debit_fen += line.amount_fen

    def check_order(self, number: int, line: TheirLine) -> None:
        if line.message < self._message:
            raise InvalidBankStatement(line=number, problem="order", text=line.message)

    def check_sums(self, header: Header) -> None:
        """Compare with *header*; where they differ, it is the preamble's line that is named."""
        if header.entry_count != self.entry_count:
            raise InvalidBankStatement(
                line=5,
                problem="count",
                key=PREAMBLE[4],
                count=header.entry_count,
                found=self.entry_count,
            )
        for line, sum_fen, found_fen in (
            (6, header.credit_fen, self.credit_fen),
            (7, header.debit_fen, self.debit_fen),
        ):
            if sum_fen != found_fen:
                raise InvalidBankStatement(
                    line=line,
                    problem="sum",
                    key=PREAMBLE[line - 1],
                    sum_fen=sum_fen,
                    found_fen=found_fen,
                )


# --- one line ------------------------------------------------------------------------------------


def _preamble(header: Header) -> list[str]:
    values = (
        header.bank,
        header.id,
        header.day.isoformat(),
        iso(header.created_at),
        str(header.entry_count),
        yuan(header.credit_fen),
        yuan(header.debit_fen),
    )
    named = [f"{key},{value}\n" for key, value in zip(PREAMBLE, values, strict=True)]
    return [*named, f"{','.join(COLUMNS)}\n"]


def _header(passing: _Lines) -> Header:
    def value(key: str, parse: Callable[[str], Value]) -> Value:
        text = passing.next(key)
        return _value(passing.number, key, text, parse)

    header = Header(
        bank=value(PREAMBLE[0], _bank),
        id=value(PREAMBLE[1], _id),
        day=value(PREAMBLE[2], _day),
        created_at=value(PREAMBLE[3], _instant),
        entry_count=value(PREAMBLE[4], _count),
        credit_fen=value(PREAMBLE[5], _fen),
        debit_fen=value(PREAMBLE[6], _fen),
    )
    columns = ",".join(COLUMNS)
    if passing.next(columns) != columns:
        raise InvalidBankStatement(line=passing.number, problem="columns", known=columns)
    return header


def _written(line: TheirLine) -> str:
    reference, message, direction, amount_fen, status, at = line
    word = _WORDS[Direction(direction)]
    return ",".join((reference, message, word, yuan(amount_fen), CURRENCY, str(status), iso(at)))


def _entry(number: int, text: str) -> TheirLine:
    fields = text.split(",")
    if len(fields) != len(COLUMNS):
        raise InvalidBankStatement(
            line=number, problem="fields", count=len(COLUMNS), found=len(fields)
        )

    def field(place: int, parse: Callable[[str], Value]) -> Value:
        return _parsed(number, COLUMNS[place], fields[place], parse)

    field(4, _currency)
    return TheirLine(
        reference=field(0, _id),
        message=field(1, _id),
        direction=field(2, _direction),
        amount_fen=field(3, _amount_fen),
        status=field(5, LineStatus),
        at=field(6, _instant),
    )


def _value(number: int, key: str, text: str, parse: Callable[[str], Value]) -> Value:
    """Read *text* as the line of the preamble, or the signature, that *key* names."""
    found, comma, value = text.partition(",")
    if not comma or found != key:
        raise InvalidBankStatement(line=number, problem="not_key", key=key)
    return _parsed(number, key, value, parse)


def _parsed(number: int, key: str, text: str, parse: Callable[[str], Value]) -> Value:
    try:
        return parse(text)
    except ValueError:
        raise InvalidBankStatement(
            line=number, problem="bad_value", key=key, text=shortened(text)
        ) from None


def _same(written: Header | TheirLine, again: Header | TheirLine) -> None:
    if written != again:
        raise ValueError(f"{written} would be read as {again}")


# --- one value: each of these raises ValueError for anything but its one spelling ----------------


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError
    return text


def _bank(text: str) -> str:
    return _matched(_BANK, text)


def _id(text: str) -> str:
    return _matched(_ID, text)


def _day(text: str) -> date:
    return date.fromisoformat(_matched(_DAY, text))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(_matched(_INSTANT, text)).astimezone(UTC)
    if iso(at) != text:  # a fraction of zeros
        raise ValueError
    return at


def _count(text: str) -> int:
    return int(_matched(_COUNT, text))


def _fen(text: str) -> int:
    return int(_matched(_YUAN, text).replace(".", ""))


def _amount_fen(text: str) -> int:
    amount_fen = _fen(text)
    if not amount_fen:
        raise ValueError
    return amount_fen


def _direction(text: str) -> Direction:
    if text not in _DIRECTIONS:
        raise ValueError
    return _DIRECTIONS[text]


def _currency(text: str) -> str:
    if text != CURRENCY:
        raise ValueError
    return text


def _signature(text: str) -> bytes:
    signature = a2b_base64(text)  # its own error is a ValueError; what it passes over is seen below
    if len(signature) != _SIGNATURE_BYTES or _base64(signature) != text:
        raise ValueError
    return signature


def _base64(content: bytes) -> str:
    return b2a_base64(content, newline=False).decode("ascii")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
