"""Banks: their deposits, simulated faults, and statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

from hongbao.domain.bank_statement import Header, heading, signed, write
from hongbao.domain.dates import china_day, next_day, start_of_day
from hongbao.domain.identity import BANKS
from hongbao.domain.ledger import Kind
from hongbao.errors import DayNotBegun, UnknownPlace
from hongbao.home.opened import Home
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import BankLine, FaultLine

Lines = Callable[[], Iterable[str]]
"""Gives the lines of a bank's statement from its first, as often as it is asked."""

BANKS_BY_CODE = {bank.code: bank for bank in BANKS}


def banks(home: Home) -> list[BankLine]:
    """Return the banks of this home: their deposits and simulated faults."""
    with home.looking():
        return [_bank_line_of(home, code) for code in BANKS_BY_CODE]


def bank(home: Home, code: str) -> BankLine:
    """Return one bank. Raises UnknownPlace."""
    with home.looking():
        return _bank_line_of(home, parse_bank(code))


def _bank_line_of(home: Home, code: str) -> BankLine:
    deposits = home.store.held([code], [Kind.DEPOSIT])
    return {
        "bank": code,
        "name": BANKS_BY_CODE[code].name_en,
        "prefix": BANKS_BY_CODE[code].prefix,
        "cards": sum(row.accounts for row in deposits),
        "deposits_fen": sum(row.held_fen for row in deposits),
        "channel": home.policy.channel.channels_for(code)[0],
        "faults": faults(home, code),
    }


def faults(home: Home, place: str | None = None) -> list[FaultLine]:
    """Return the simulated faults, at *place* or anywhere."""
    return [
        {
            "bank": row.place,
            "fault": str(row.fault),
            "amount_fen": row.amount_fen,
            "set_at": iso(since),
        }
        for row, since in home.store.faults()
        if place in (None, row.place)
    ]


def bank_statement(home: Home, bank: str, day: date) -> tuple[Header, Iterator[str]]:
    """
    Return the statement that *bank* issues for *day*: what it says of itself, and its lines.

    A day that is over always gives the same file. Raises UnknownPlace or DayNotBegun.
    """
    bank, now = parse_bank(bank), home.now()
    check_begun(day, now)
    key = day.isoformat()
    closed_at = next_day(start_of_day(day))
    header = heading(
        bank,
        f"{bank.upper()}-{day:%Y%m%d}",
        day,
        min(closed_at, now),
        home.store.clearing(bank, key).theirs,
    )
    text = write(header, home.store.clearing(bank, key).theirs)
    return header, signed(text, lambda digest: home.vault.sign(f"bank/{bank}", digest))


def check_begun(day: date, now: datetime) -> None:
    """Raise DayNotBegun if *day* is still to come."""
    if day > china_day(now):
        raise DayNotBegun(date=day.isoformat())


def bank_key(home: Home, bank: str) -> bytes:
    """Return the public key that *bank*'s statements are checked by. Raises UnknownPlace."""
    return home.vault.public_key(f"bank/{parse_bank(bank)}")


def parse_bank(code: str) -> str:
    """Read *code* as a bank's. Raises UnknownPlace."""
    known = code.strip().casefold()
    if known not in BANKS_BY_CODE:
        raise UnknownPlace(code, places=", ".join(BANKS_BY_CODE))
    return known
