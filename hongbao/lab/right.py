"""
The right engine: hongbao's own acts, on a throw-away wallet in a folder.

It has the form of the small engines (`hongbao.lab.engine`), so that the same story can be played
on both. An act is one turn here: it decides and writes in one transaction.
"""

import shutil
from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from hongbao.domain.identity import BANKS, demo_card_number
from hongbao.domain.ledger import PLATFORM, SIDES, Kind
from hongbao.domain.money import parse_yuan
from hongbao.domain.packet import PacketKind
from hongbao.domain.pin import Pin
from hongbao.domain.policy import parse_policy
from hongbao.env import Env, NoTerminal
from hongbao.home.opened import Home
from hongbao.lab.detectors import PIN
from hongbao.lab.engine import BEGINS, Act, Answer, Turn, turn
from hongbao.lab.ledger import RESERVE, Asked, Books, Move, Sent, account_of, balance_of
from hongbao.lab.pins import SLOW
from hongbao.policies import text_of
from hongbao.queries.trace import moved_lines
from hongbao.store import Holder, PacketRow, PacketView
from hongbao.units import iso
from hongbao.wallet.cards import add_card
from hongbao.wallet.claim import claim
from hongbao.wallet.clock import advance_clock
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.profiles import found
from hongbao.wallet.refund import refund
from hongbao.wallet.send import send
from hongbao.wallet.topup import topup
from hongbao.wallet.withdraw import withdraw
from hongbao.words import N_


class _Killed(Exception):
    """The process is ended here, before what it did is committed."""


def _no_terminal(_question: str) -> str:
    raise NoTerminal


def _pin() -> Pin:
    return Pin(PIN)


class Right:
    """hongbao itself, in the form of an engine of the laboratory."""

    name: ClassVar[str] = "hongbao"

    def __init__(self, folder: Path, env: Env, *, at: datetime = BEGINS, seed: str = "lab") -> None:
        """Use *folder*, in which there is no wallet yet; *env* lends its clock and its chance."""
        self.env = Env(
            folder, env.now, env.chance, _no_terminal, _no_terminal, {}, hash_cost=(1, 8, 1)
        )
        self.at = at
        self.seed = seed
        self._home: Home | None = None
        self._asked: list[Asked] = []
        self._cards = count(1)
        self._carded: set[str] = set()
        self._is_doomed = False

    @property
    def home(self) -> Home:
        assert self._home is not None
        return self._home

    def close(self) -> None:
        """Close the wallet's files."""
        if self._home is not None:
            self._home.close()

    def copied(self, folder: Path) -> Self:
        """Return the same wallet in *folder*, which must not be there yet; this one is closed."""
        self.close()
        shutil.copytree(self.env.home, folder)
        other = type(self)(folder, self.env, at=self.at, seed=self.seed)
        other._home = Home.open(other.env)  # noqa: SLF001 - another of our own kind
        other._asked, other._carded = list(self._asked), set(self._carded)  # noqa: SLF001
        other._cards = copy(self._cards)  # noqa: SLF001
        return other

    # --- people and time -------------------------------------------------------------------------

    def open(self, person: str, pin: str = "") -> None:
        """Make a profile for *person*."""
        policy = parse_policy(text_of("standard"), "standard")
        if self._home is None:
            self._home, _answer = found(
                self.env, person, pin=_pin, policy=policy, clock=self.at, dice=self.seed
            )
        else:
            added, _answer = found(self.env, person, pin=_pin, policy=policy)
            added.close()

    def advance(self, by: timedelta) -> None:
        advance_clock(self.home, by)

    # --- acts ------------------------------------------------------------------------------------

    def topup(self, person: str, amount: str, *, key: str = "") -> Act:
        """Top up from a card, which *person* gets for it."""
        asked = Asked(key, "topup", person, amount, None, is_done=True)

        def do() -> Any:
            self._card(person)
            return topup(self.home, parse_yuan(amount), pin=_pin, request_id=key or None)

        return self._act(asked, do, N_("{person} topped up {amount_fen}"))

    def withdraw(self, person: str, amount: str, *, key: str = "") -> Act:
        """Withdraw to a card, which *person* gets for it."""
        asked = Asked(key, "withdraw", person, amount, None, is_done=True)

        def do() -> Any:
            self._card(person)
            return withdraw(self.home, parse_yuan(amount), pin=_pin, request_id=key or None)

        return self._act(asked, do, N_("{person} withdrew {amount_fen}"))

    def send(
        self, person: str, amount: str, *, count: int = 1, to: str | None = None, key: str = ""
    ) -> Act:
        """Send a packet of lucky shares."""
        asked = Asked(key, "send", person, amount, None, is_done=True)

        def do() -> Any:
            return send(
                self.home,
                parse_yuan(amount),
                pin=_pin,
                count=count,
                kind=PacketKind.LUCKY if to is None else PacketKind.EXCLUSIVE,
                recipient=to,
                request_id=key or None,
            )

        return self._act(asked, do, N_("{person} put {total_fen} into a packet"))

    def claim(self, person: str, packet: str, *, key: str = "") -> Act:
        """Take a share of *packet*."""
        asked = Asked(key, "claim", person, None, packet, is_done=True)

        def do() -> Any:
            return claim(self.home, packet, request_id=key or None)

        return self._act(asked, do, N_("{person} got {amount_fen}"))

    def refund(self, person: str, packet: str, *, key: str = "") -> Act:
        """Return what is left of *packet*."""
        asked = Asked(key, "refund", person, None, packet, is_done=True)

        def do() -> Any:
            return refund(self.home, packet, request_id=key or None)

        return self._act(asked, do, N_("{person} got {amount_fen} back"))

    def kill(self, begin: Callable[[], Act]) -> Turn:
        """Begin an act, and end its process before what it did is committed."""
        self._is_doomed = True
        try:
            next(begin())
        except _Killed:
            return turn(N_("everything is decided, and nothing is written yet"))
        finally:
            self._is_doomed = False
        raise AssertionError("it was to be killed")

    def _act(self, asked: Asked, do: Callable[[], Any], sentence: str) -> Act:
        def die() -> Any:
            raise _Killed

        with acting_as(self.home, asked.person):
            if self._is_doomed:
                together(self.home, [do, die])
            answer = cast(Answer, do())
        self._asked.append(asked)
        amount_fen = answer.get("amount_fen", answer.get("refunded_fen"))
        yield turn(
            sentence,
            person=asked.person,
            amount_fen=amount_fen,
            total_fen=answer.get("total_fen"),
        )
        return answer

    def _card(self, person: str) -> None:
        if person not in self._carded:
            number = next(self._cards)
            add_card(self.home, demo_card_number(BANKS[number % len(BANKS)], number), pin=_pin)
            self._carded.add(person)

    # --- books -----------------------------------------------------------------------------------

    def books(self) -> Books:
        """Return what the wallet's ledger holds, in the laboratory's form."""
        home = self.home
        with home.looking():
            now = home.now()
            shown = Books(self.name, iso(now), self.seed)
            shown.asked = list(self._asked)
            people = home.store.profiles()
            for person in people:
                shown.balances[balance_of(person.name)] = home.store.balance_fen(person.account)
                hashed = home.store.pin(Holder("profile", person.id)).hash
                shown.pins[person.name] = f"{SLOW}|${hashed.partition('$')[2]}"
                for row in home.store.packets(PacketView.SENT, person.id, now, -1):
                    shown.balances[account_of(row.packet.id)] = home.store.balance_fen(row.account)
                    shown.packets[row.packet.id] = _sent(row)
            held_fen = dict.fromkeys(("debit", "credit"), 0)
            for held in home.store.held([PLATFORM]):
                if held.kind not in (Kind.BALANCE, Kind.PACKET):
                    held_fen[SIDES[held.kind]] += held.held_fen
            shown.balances[RESERVE] = held_fen["debit"] - held_fen["credit"]
            shown.moves = list(self._moves(shown))
        return shown

    def _moves(self, shown: Books) -> Iterator[Move]:
        """Yield the movements of users' money, each from one account to another in one row."""
        acts = {act.entry: act for act in self.home.store.acts()}
        for entry, lines in moved_lines(self.home, acts).items():
            act = acts[entry]
            for line in lines:
                kinds = (line["debit"], line["credit"])
                if line["book"] != PLATFORM or not _USERS & set(kinds):
                    continue
                packet, person = act.packet_id, act.profile_name or ""
                if line["reason"] == "refund" and packet is not None:
                    person = shown.packets[packet].sender
                names = {
                    Kind.BALANCE: balance_of(person),
                    Kind.PACKET: account_of(packet or ""),
                }
                debit, credit = (names.get(Kind(kind), f"card {person}") for kind in kinds)
                amount_fen = line["amount_fen"]
                yield Move(iso(act.at), debit, credit, amount_fen, line["reason"], packet, person)


_USERS = {Kind.BALANCE, Kind.PACKET}
"""The kinds of account that hold users' money, here."""


def _sent(row: PacketRow) -> Sent:
    packet = row.packet
    closed_at = packet.closed_at
    return Sent(
        packet.id,
        row.sender_name,
        row.recipient_name,
        packet.total_fen,
        packet.count,
        iso(packet.created_at),
        iso(packet.expires_at),
        packet.claimed_count,
        None if closed_at is None or packet.shares_left == 0 else iso(closed_at),
    )
