"""
A client of a drill: a process that sends packets and claims shares, and notes each answer.

Each act is a request. Where the outcome is not known, or no node answers, the client
makes the same request again, as every program has to, until it knows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hongbao.domain.pin import Pin
from hongbao.env import system_env
from hongbao.errors import Busy, HongbaoError, LedgerUnreachable, NotIntact, OutcomeUnknown
from hongbao.rows import Row
from hongbao.wallet.facade import Wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWERED = "answered"

PIN = "739184"
"""The PIN of everyone in a drill: its money is a throw-away ledger's."""

AGAIN = (OutcomeUnknown, LedgerUnreachable, Busy)
"""After these the same request is made again: it is not known what became of it, or nothing did."""

SHARES = 6
FEN_MAX = 200
"""How many shares a packet has, and how much is in it at most."""

_SEND_EACH = 12
"""One act in so many is a packet that is sent, and more where there is none to claim."""

_PAUSE_SECONDS = 0.02
_AGAIN_SECONDS = 0.3
_LEFT_SECONDS = 120
"""How long a request is made again after the drill's end."""


class Orders(Row):
    """What a client has to do: who it is, from which home it acts, and where it takes notes."""

    number: int
    home: str
    profile: str
    seed: str
    notes: str
    stop: str
    """The file that ends it, once it is there and the request in hand is answered."""
    parent: int
    """The process of the drill: the client ends at once when that has been killed."""


class Attempt(Row):
    """One try of a request: when (monotonic nanoseconds), and what came back."""

    client: int
    request: str
    kind: str  # send or claim
    begun: int
    ended: int
    outcome: str  # ANSWERED, or the code of a refusal
    packet: str | None
    fen: int

    @property
    def is_known(self) -> bool:
        """Whether the client knows from it what became of its request."""
        return self.outcome not in {error.code for error in AGAIN}


def attempts_in(notes: Path) -> list[Attempt]:
    """Return the attempts that a client has noted so far."""
    try:
        text = notes.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole, _end, _half = text.rpartition("\n")
    return [Attempt(*json.loads(line)) for line in whole.splitlines()]


class Client:
    """A client that carries out its *orders*."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._env = system_env()._replace(home=Path(orders.home))
        self._turn = 0
        self._stop_seen: float | None = None

    def live(self) -> None:
        """Act until the drill ends, or the ledger is not what it was."""
        with Path(self._orders.notes).open("w", encoding="utf-8") as notes:
            while not self._is_over() and self._act(notes):
                time.sleep(_PAUSE_SECONDS)

    def _draw(self, what: str) -> int:
        """Return a number that follows from the seed."""
        text = f"hongbao drill {self._orders.seed} {self._orders.number} {self._turn} {what}"
        return int.from_bytes(sha256(text.encode()).digest()[:8])

    def _is_over(self) -> bool:
        if os.getppid() != self._orders.parent:
            self._stop_seen = -inf
        elif self._stop_seen is None and Path(self._orders.stop).exists():
            self._stop_seen = time.monotonic()
        return self._stop_seen is not None

    def _act(self, notes: TextIO) -> bool:
        """Make one request until its outcome is known; return whether another may follow."""
        self._turn += 1
        request = f"drill-{self._orders.number}-{self._turn}"
        kind = "claim" if self._draw("kind") % _SEND_EACH else "send"
        fen = SHARES + self._draw("fen") % (FEN_MAX - SHARES + 1)
        packet: str | None = None
        while True:
            begun = time.monotonic_ns()
            error: HongbaoError | None = None
            answer: Any = None
            try:
                with Wallet.open(self._env, profile=self._orders.profile) as wallet:
                    if kind == "claim" and packet is None:
                        packet = self._chosen(wallet)
                        kind = "claim" if packet else "send"
                    if packet is None:
                        answer = wallet.send(
                            fen, count=SHARES, pin=lambda: Pin(PIN), request_id=request
                        )
                    else:
                        answer = wallet.claim(packet, request_id=request)
            except HongbaoError as refused:
                error = refused
            found = Attempt(
                self._orders.number,
                request,
                kind,
                begun,
                time.monotonic_ns(),
                ANSWERED if error is None else error.code,
                packet if answer is None else answer["packet"],
                0 if answer is None else answer["total_fen" if packet is None else "amount_fen"],
            )
            notes.write(json.dumps([*found]) + "\n")
            notes.flush()
            if found.is_known:
                return not isinstance(error, NotIntact)
            if self._is_over() and time.monotonic() > (self._stop_seen or 0) + _LEFT_SECONDS:
                return False
            time.sleep(_AGAIN_SECONDS * (0.5 + self._draw(str(begun)) % 1000 / 1000))

    def _chosen(self, wallet: Wallet) -> str | None:
        found = wallet.packets("claimable")
        return found[self._draw("packet") % len(found)]["packet"] if found else None


def main(words: Sequence[str]) -> None:
    """Carry out the orders in a file."""
    os.umask(0o077)
    Client(Orders(*json.loads(Path(words[0]).read_text(encoding="utf-8")))).live()


if __name__ == "__main__":
    main(sys.argv[1:])
