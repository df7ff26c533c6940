"""
The common form of every engine in the laboratory, and the small engine that is right.

An act is a generator. Each of its steps is one turn at the ledger: the step reads the ledger,
writes it or does both, and then says what it did. Between two turns of one act, others may have
theirs; the driver of the acts decides whose turn is next (`finish` takes all turns of one). The
answer of an act is what the generator returns, and a refusal is raised in the turn that finds it.

The engine below does each act in one turn, which is why no order of turns can harm it. A broken
engine (`hongbao.lab.broken`) is the same engine with one rule replaced.
"""

import hashlib
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeAlias

from hongbao.domain.dates import day_key, next_day
from hongbao.domain.deal import Draw, deal_share
from hongbao.domain.fairness import draws
from hongbao.domain.ids import packet_id
from hongbao.domain.money import parse_yuan
from hongbao.domain.packet import DealRule, Packet, PacketKind, check_claim, check_refund
from hongbao.errors import (
    InsufficientBalance,
    InvalidCount,
    LimitExceeded,
    PacketNotFound,
    ProfileNotFound,
    RequestConflict,
    ShareAboveCap,
    ShareTooSmall,
)
from hongbao.lab.ledger import RESERVE, Asked, Books, LedgerFile, Move, Sent, account_of, balance_of
from hongbao.units import CHINA, iso
from hongbao.words import N_, Filled

BEGINS = datetime(2026, 2, 16, 20, tzinfo=CHINA)
"""When every experiment begins: New Year's Eve."""

EXPIRES = timedelta(hours=24)
SHARE_MAX_FEN = 20_000
SHARES_MAX = 100
DAY_LIMIT_FEN = 100_000
"""The rules of the policy `standard` for a person who is not verified."""

Answer: TypeAlias = dict[str, Any]
Act: TypeAlias = Generator["Turn", None, Answer]


class Turn(NamedTuple):
    """What one turn at the ledger did, whether it wrote anything, and whether another follows."""

    said: Filled
    wrote: bool
    more: bool


def turn(sentence: str, *, wrote: bool = True, more: bool = False, **facts: object) -> Turn:
    """Return the turn that *sentence* describes, filled with *facts*."""
    return Turn(Filled(sentence, facts), wrote, more)


def finish(act: Act) -> Answer:
    """Take every turn of *act*, one after the other, and return its answer."""
    while True:
        try:
            next(act)
        except StopIteration as over:
            answer: Answer = over.value
            return answer


class Machine(Protocol):
    """What a story can be played on: an engine here, or hongbao itself (`hongbao.lab.right`)."""

    name: ClassVar[str]

    def books(self) -> Books: ...
    def open(self, person: str, pin: str = "") -> None: ...
    def advance(self, by: timedelta) -> None: ...
    def topup(self, person: str, amount: str, *, key: str = "") -> Act: ...
    def withdraw(self, person: str, amount: str, *, key: str = "") -> Act: ...
    def send(
        self, person: str, amount: str, *, count: int = 1, to: str | None = None, key: str = ""
    ) -> Act: ...
    def claim(self, person: str, packet: str, *, key: str = "") -> Act: ...
    def refund(self, person: str, packet: str, *, key: str = "") -> Act: ...
    def kill(self, begin: Callable[[], Act]) -> Turn: ...


class Engine:
    """The small engine that is right: every rule is a method, and every act is one turn."""

    name: ClassVar[str] = "small"

    def __init__(self, ledger: LedgerFile) -> None:
        self.ledger = ledger

    @classmethod
    def new(cls, path: Path, *, at: datetime = BEGINS, seed: str = "lab") -> Self:
        """Make a throw-away ledger in *path*, and return the engine on it."""
        return cls(LedgerFile.new(path, engine=cls.name, at=at, seed=seed))

    def books(self) -> Books:
        """Return what the ledger holds now."""
        return self.ledger.read()

    # --- people and time, which take no turns ----------------------------------------------------

    def open(self, person: str, pin: str = "") -> None:
        """Open an account for *person*; without a *pin*, no one has to be kept out of it."""
        books = self.ledger.read()
        books.balances.setdefault(balance_of(person), 0)
        if pin:
            books.pins[person] = self.hashed(pin)
        self.ledger.write(books)

    def advance(self, by: timedelta) -> None:
        """Turn the ledger's clock forward; what expires on the way is refunded."""
        books = self.ledger.read()
        until = books.now + by
        for sent in sorted(books.packets.values(), key=lambda sent: sent.expires_at):
            expires_at = datetime.fromisoformat(sent.expires_at)
            rest_fen = sent.total_fen - self.claimed_fen(books, sent.id)
            if sent.refunded_at is None and rest_fen > 0 and expires_at <= until:
                books.at = sent.expires_at
                self.give_back(books, sent, Asked("", "refund", sent.sender, None, sent.id, True))
        books.at = iso(until)
        self.ledger.write(books)

    # --- acts ------------------------------------------------------------------------------------

    def topup(self, person: str, amount: str, *, key: str = "") -> Act:
        """Take *amount*, as it was typed, from *person*'s card."""
        asked = Asked(key, "topup", person, amount, None, is_done=True)

        def do(books: Books) -> tuple[Answer, Turn]:
            amount_fen = self.fen(amount)
            # The bank reads the amount for itself, and takes exactly that from its customer.
            books.balances[RESERVE] += parse_yuan(amount)
            self.add(books, balance_of(person), amount_fen)
            self.note(books, f"card {person}", balance_of(person), amount_fen, asked)
            answer = {"amount_fen": amount_fen, "balance_fen": self.balance_in(books, person)}
            said = N_("{person} topped up {amount_fen}")
            return answer, turn(said, person=person, amount_fen=amount_fen)

        return self._in_one_turn(asked, do)

    def withdraw(self, person: str, amount: str, *, key: str = "") -> Act:
        """Pay *amount*, as it was typed, out to *person*'s card."""
        asked = Asked(key, "withdraw", person, amount, None, is_done=True)

        def do(books: Books) -> tuple[Answer, Turn]:
            amount_fen = self.fen(amount)
            self.check_spending(books, person, amount_fen)
            self.add(books, balance_of(person), -amount_fen)
            books.balances[RESERVE] -= amount_fen
            self.note(books, balance_of(person), f"card {person}", amount_fen, asked)
            answer = {
                "amount_fen": amount_fen,
                "fee_fen": 0,
                "balance_fen": self.balance_in(books, person),
            }
            said = N_("{person} withdrew {amount_fen}")
            return answer, turn(said, person=person, amount_fen=amount_fen)

        return self._in_one_turn(asked, do)

    def send(
        self, person: str, amount: str, *, count: int = 1, to: str | None = None, key: str = ""
    ) -> Act:
        """Put *amount*, as it was typed, into a packet of *count* shares."""
        asked = Asked(key, "send", person, amount, None, is_done=True)

        def do(books: Books) -> tuple[Answer, Turn]:
            total_fen = self.fen(amount)
            self.check_shares(total_fen, count)
            self.check_spending(books, person, total_fen)
            packet = Sent(
                self.next_id(books),
                person,
                to,
                total_fen,
                count,
                books.at,
                iso(books.now + EXPIRES),
            )
            books.packets[packet.id] = packet
            asked.packet = packet.id
            books.balances[account_of(packet.id)] = 0
            self.add(books, balance_of(person), -total_fen)
            self.add(books, account_of(packet.id), total_fen)
            self.note(books, balance_of(person), account_of(packet.id), total_fen, asked)
            answer = {
                "packet": packet.id,
                "total_fen": total_fen,
                "count": count,
                "expires_at": packet.expires_at,
                "balance_fen": self.balance_in(books, person),
            }
            said = N_("{person} put {total_fen} into a packet")
            return answer, turn(said, person=person, total_fen=total_fen)

        return self._in_one_turn(asked, do)

    def claim(self, person: str, packet: str, *, key: str = "") -> Act:
        """Take a share of *packet*."""
        asked = Asked(key, "claim", person, None, packet, is_done=True)

        def do(books: Books) -> tuple[Answer, Turn]:
            share_fen = self.share_for(books, person, packet)
            self.pay_share(books, person, packet, share_fen, asked)
            return self.claimed(books, person, packet, share_fen), self.paid(person, share_fen)

        return self._in_one_turn(asked, do)

    def refund(self, person: str, packet: str, *, key: str = "") -> Act:
        """Give what is left of *packet*, which has expired, back to its sender."""
        asked = Asked(key, "refund", person, None, packet, is_done=True)

        def do(books: Books) -> tuple[Answer, Turn]:
            sent = self.packet_in(books, packet)
            self.check_refund(books, person, sent)
            rest_fen = self.give_back(books, sent, asked)
            answer = {
                "refunded_fen": rest_fen,
                "refunds": [{"packet": packet, "amount_fen": rest_fen}],
                "balance_fen": self.balance_in(books, sent.sender),
            }
            said = N_("{person} got {amount_fen} back")
            return answer, turn(said, person=sent.sender, amount_fen=rest_fen)

        return self._in_one_turn(asked, do)

    def kill(self, begin: Callable[[], Act]) -> Turn:
        """Begin an act, and end its process after one turn: nothing is left but the ledger."""
        act = begin()
        taken = next(act)
        act.close()
        return taken

    def _in_one_turn(self, asked: Asked, do: Callable[[Books], tuple[Answer, Turn]]) -> Act:
        """Look, decide and write in a single turn; a key that was answered is answered again."""
        books = self.ledger.read()
        self.require(books, asked.person)
        answer = self.earlier_answer(books, asked)
        if answer is None:
            answer, taken = do(books)
            if asked.key:
                books.answers[asked.key] = answer
        else:
            taken = turn(N_("{key} was answered before"), wrote=False, key=asked.key)
        books.asked.append(asked)
        self.ledger.write(books)
        yield taken
        return answer

    # --- rules: a broken engine replaces one of them ---------------------------------------------

    def fen(self, amount: str) -> int:
        """Read *amount* as a person types it."""
        return parse_yuan(amount)

    def day(self, at: datetime) -> str:
        """Return the day that *at* counts in, for limits."""
        return day_key(at)

    def hashed(self, pin: str) -> str:
        """Return what the ledger keeps of *pin*."""
        from hongbao.lab.pins import peppered

        return peppered(pin)

    def deal(self, remaining_fen: int, shares_left: int, packet: Sent, draw: Draw) -> int:
        """Return the next share of *packet*, of which that much is left for that many people."""
        return deal_share(remaining_fen, shares_left, SHARE_MAX_FEN, draw)

    def check_claim(self, books: Books, person: str, packet: Sent) -> None:
        """Raise unless *person* may have a share of *packet* now."""
        earlier = [move.amount_fen for move in books.claims(packet.id) if move.person == person]
        check_claim(
            self.terms(books, packet),
            books.people.index(person),
            now=books.now,
            claimed_fen=earlier[0] if earlier else None,
            sender_may_claim=True,
        )

    def check_refund(self, books: Books, person: str, packet: Sent) -> None:
        """Raise unless what is left of *packet* goes back to *person* now."""
        check_refund(self.terms(books, packet), books.people.index(person), now=books.now)

    def earlier_answer(self, books: Books, asked: Asked) -> Answer | None:
        """Return the answer that the same request got before; the same key is not enough."""
        if not asked.key or asked.key not in books.answers:
            return None
        before = next(each for each in books.asked if each.key == asked.key)
        same = (before.act, before.person, before.amount) == (asked.act, asked.person, asked.amount)
        if not same or (asked.act in ("claim", "refund") and before.packet != asked.packet):
            raise RequestConflict(asked.key)
        return books.answers[asked.key]

    # --- parts of acts ---------------------------------------------------------------------------

    def share_for(self, books: Books, person: str, packet: str) -> int:
        """Check that *person* may have a share of *packet*, and return how much it is."""
        sent = self.packet_in(books, packet)
        self.check_claim(books, person, sent)
        seat = sent.claimed_count + 1
        draw = draws(hashlib.sha256(books.seed.encode()).digest(), packet, seat)
        remaining_fen = sent.total_fen - self.claimed_fen(books, packet)
        return self.deal(remaining_fen, sent.count - sent.claimed_count, sent, draw)

    def pay_share(
        self, books: Books, person: str, packet: str, share_fen: int, asked: Asked
    ) -> None:
        """Move *share_fen* from *packet* to *person*, and count the share."""
        books.packets[packet].claimed_count += 1
        self.add(books, account_of(packet), -share_fen)
        self.add(books, balance_of(person), share_fen)
        self.note(books, account_of(packet), balance_of(person), share_fen, asked)

    def give_back(self, books: Books, sent: Sent, asked: Asked) -> int:
        """Move what no one claimed of *sent* to its sender, and return how much that was."""
        rest_fen = sent.total_fen - self.claimed_fen(books, sent.id)
        sent.refunded_at = books.at
        self.add(books, account_of(sent.id), -rest_fen)
        self.add(books, balance_of(sent.sender), rest_fen)
        self.note(books, account_of(sent.id), balance_of(sent.sender), rest_fen, asked)
        return rest_fen

    def claimed(self, books: Books, person: str, packet: str, share_fen: int) -> Answer:
        """Return the answer to a claim that was paid."""
        sent = books.packets[packet]
        return {
            "packet": packet,
            "sender": sent.sender,
            "seat": sent.claimed_count,
            "amount_fen": share_fen,
            "count": sent.count,
            "finished": sent.claimed_count >= sent.count,
            "balance_fen": self.balance_in(books, person),
        }

    def paid(self, person: str, share_fen: int) -> Turn:
        return turn(N_("{person} got {amount_fen}"), person=person, amount_fen=share_fen)

    def add(self, books: Books, account: str, amount_fen: int) -> None:
        books.balances[account] += amount_fen

    def note(self, books: Books, debit: str, credit: str, amount_fen: int, asked: Asked) -> Move:
        """Write the movement of *amount_fen* down."""
        move = Move(books.at, debit, credit, amount_fen, asked.act, asked.packet, asked.person)
        books.moves.append(move)
        return move

    def check_shares(self, total_fen: int, count: int) -> None:
        if not 1 <= count <= SHARES_MAX:
            raise InvalidCount(count=count, shares_max=SHARES_MAX)
        if total_fen < count:
            raise ShareTooSmall(total_fen=total_fen, count=count)
        if total_fen > count * SHARE_MAX_FEN:
            raise ShareAboveCap(total_fen=total_fen, share_max_fen=SHARE_MAX_FEN)

    def check_spending(self, books: Books, person: str, amount_fen: int) -> None:
        """Raise if *amount_fen* is over the day's limit, or more than *person* has."""
        today = self.day(books.now)
        used_fen = sum(
            move.amount_fen
            for move in books.moves
            if move.person == person
            and move.reason in ("send", "withdraw")
            and self.day(datetime.fromisoformat(move.at)) == today
        )
        if used_fen + amount_fen > DAY_LIMIT_FEN:
            raise LimitExceeded(
                limit="unverified-day",
                period="day",
                tier="unverified",
                amount_fen=amount_fen,
                limit_fen=DAY_LIMIT_FEN,
                used_fen=used_fen,
                returns_at=next_day(books.now),
                identifying_helps=True,
            )
        available_fen = self.balance_in(books, person)
        if amount_fen > available_fen:
            raise InsufficientBalance(
                needed_fen=amount_fen,
                available_fen=available_fen,
                has_card=True,
                topup_max_fen=amount_fen - available_fen,
            )

    def require(self, books: Books, person: str) -> None:
        if balance_of(person) not in books.balances:
            raise ProfileNotFound(person)

    def balance_in(self, books: Books, person: str) -> int:
        return books.balances[balance_of(person)]

    def packet_in(self, books: Books, packet: str) -> Sent:
        if packet not in books.packets:
            raise PacketNotFound(packet)
        return books.packets[packet]

    def claimed_fen(self, books: Books, packet: str) -> int:
        return sum(move.amount_fen for move in books.claims(packet))

    def next_id(self, books: Books) -> str:
        chance = f"{books.seed}|{len(books.packets)}".encode()
        return packet_id(hashlib.sha256(chance).digest())

    def terms(self, books: Books, sent: Sent) -> Packet:
        """Return *sent* as the rules of hongbao see a packet."""
        people = books.people
        closed_at = sent.refunded_at
        return Packet(
            number=0,
            id=sent.id,
            sender=people.index(sent.sender),
            recipient=None if sent.recipient is None else people.index(sent.recipient),
            kind=PacketKind.LUCKY if sent.recipient is None else PacketKind.EXCLUSIVE,
            deal=DealRule.DOUBLE_MEAN,
            total_fen=sent.total_fen,
            count=sent.count,
            share_max_fen=SHARE_MAX_FEN,
            claimed_fen=self.claimed_fen(books, sent.id),
            claimed_count=sent.claimed_count,
            created_at=datetime.fromisoformat(sent.at),
            expires_at=datetime.fromisoformat(sent.expires_at),
            closed_at=None if closed_at is None else datetime.fromisoformat(closed_at),
        )
