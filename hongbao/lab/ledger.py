"""
The throw-away ledger of an engine in the laboratory: one small, readable, marked file.

It is no wallet's ledger and cannot become one: it begins with a mark, holds no keys, and a real
home that finds it in its place refuses it, as `LedgerFile` refuses everything without the mark.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from hongbao.domain.ledger import LABORATORY
from hongbao.errors import NotLabLedger
from hongbao.units import iso

WARNING = "A throw-away ledger of hongbao's laboratory. It holds no one's money."

RESERVE = "reserve"
"""The account of what the platform holds for its users: the one that is owned, not owed."""


def balance_of(person: str) -> str:
    """Return the name of *person*'s account."""
    return f"balance {person}"


def account_of(packet: str) -> str:
    """Return the name of *packet*'s account."""
    return f"packet {packet}"


@dataclass
class Move:
    """A movement: what left *debit* has arrived in *credit*, unless *is_half*."""

    at: str
    debit: str
    credit: str
    amount_fen: int
    reason: str
    packet: str | None = None
    person: str | None = None
    is_half: bool = False


@dataclass
class Sent:
    """A packet as its sender made it, and how far it has come."""

    id: str
    sender: str
    recipient: str | None
    total_fen: int
    count: int
    at: str
    expires_at: str
    claimed_count: int = 0
    refunded_at: str | None = None


@dataclass
class Asked:
    """A request as it came in at the door: its key, its words, and whether it was carried out."""

    key: str
    act: str
    person: str
    amount: str | None  # as it was typed
    packet: str | None
    is_done: bool


@dataclass
class Books:
    """Everything that an engine knows: what its file holds."""

    engine: str
    at: str
    seed: str
    balances: dict[str, int] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    packets: dict[str, Sent] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def owed_fen(self) -> int:
        """
        The sum of what users are owed: their balances, and what is in packets.

        An account below zero is no debt of a user's: what it lacks was paid out of nothing.
        """
        return sum(
            max(amount_fen, 0)
            for account, amount_fen in self.balances.items()
            if account != RESERVE
        )

    @property
    def reserve_fen(self) -> int:
        """The amount that the platform holds for its users at the central bank."""
        return self.balances.get(RESERVE, 0)

    @property
    def people(self) -> list[str]:
        """The people who have an account, in the order in which they came."""
        prefix = balance_of("")
        return [name.removeprefix(prefix) for name in self.balances if name.startswith(prefix)]

    def claims(self, packet: str | None = None) -> list[Move]:
        """Return the shares that were paid, of *packet* alone if one is named."""
        return [
            move for move in self.moves if move.reason == "claim" and packet in (None, move.packet)
        ]

    # --- as text ---------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the books as the text of a file, whose first line is the mark."""
        held = {"warning": WARNING, **asdict(self)}
        return f"{LABORATORY}\n{json.dumps(held, ensure_ascii=False, indent=1)}\n"

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the books that `text` wrote; raise ValueError if it did not."""
        mark, _newline, rest = text.partition("\n")
        if mark != LABORATORY:
            raise ValueError("no mark")
        held = json.loads(rest)
        del held["warning"]
        held["moves"] = [Move(**move) for move in held["moves"]]
        held["packets"] = {key: Sent(**packet) for key, packet in held["packets"].items()}
        held["asked"] = [Asked(**asked) for asked in held["asked"]]
        return cls(**held)


class LedgerFile:
    """A ledger in *path*: read and written whole, one turn at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(cls, path: Path, *, engine: str, at: datetime, seed: str) -> Self:
        """Make an empty ledger in *path*, where nothing may be yet."""
        ledger = cls(path)
        with path.open("x", encoding="utf-8") as file:
            file.write(Books(engine, iso(at), seed, {RESERVE: 0}).text())
        return ledger

    def read(self) -> Books:
        """
        Return what the ledger holds.

        Raises NotLabLedger for any file that is not a ledger of the laboratory.
        """
        try:
            return Books.of_text(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            raise NotLabLedger(path=str(self.path)) from None

    def write(self, books: Books) -> None:
        """Put *books* in the place of what the ledger holds, all at once."""
        next_to = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        next_to.write_text(books.text(), encoding="utf-8")
        next_to.replace(self.path)
