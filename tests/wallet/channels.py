"""Payments that go wrong: a demo home, banks that fail as they are told to, and where money is."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hongbao.domain.channel import Fault
from hongbao.domain.identity import bank_of
from hongbao.wallet import Wallet
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OTHER_CARD,
    WANG,
    YUAN,
    ZHANG,
    World,
    id_number,
    right,
    tail,
)

BANK = bank_of(CARD).code
"""Zhang's bank."""

OTHER_BANK = bank_of(OTHER_CARD).code
FEN = 100 * YUAN
HALF_MINUTE = timedelta(seconds=30)
DAY = timedelta(days=1)
MAGIC = {fault: 444 * YUAN + number for number, fault in enumerate(Fault, start=1)}
REASONS = ("topup", "send", "withdraw", "refund")


def demo(folder: Path, make: type[World] = World) -> World:
    """Return a demo's home: Zhang has a card and 2,000 yuan; Li has one at another bank; Wang."""
    world = make(folder)
    zhang = world.found(ZHANG, clock=NOON, dice="88")
    zhang.identify("张三", id_number(1), pin=right)
    zhang.add_card(CARD, pin=right)
    zhang.topup(2000 * YUAN, pin=right)
    world.found(LI).add_card(OTHER_CARD, pin=right)
    world.found(WANG)
    zhang.settle()
    world.close()
    return world


def break_at(world: World, fault: Fault | None, place: str = BANK, fen: int | None = None) -> None:
    """Have *place* fail from now on, for every amount or for *fen*; None mends it."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.set_fault(place, fault, amount_fen=fen)


def pay(desk: Wallet, reason: str, fen: int = FEN, **options: Any) -> Any:
    """Have *desk* ask for a payment that goes through the channel at once."""
    return pay_as(desk, CARD, reason, fen, **options)


def pay_as(desk: Wallet, number: str, reason: str, fen: int, **options: Any) -> Any:
    """Have *desk* ask for the same with the card of *number*."""
    if reason == "send":
        return desk.send(fen, count=5, paid_from=tail(number), pin=right, **options)
    return getattr(desk, reason)(fen, card=tail(number), pin=right, **options)


def unclaimed(world: World, fen: int = FEN) -> str:
    """Return a packet of *fen* that was paid by card, and that nobody has claimed in time."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.set_fault(BANK, Fault.DUPLICATE_ANSWER, amount_fen=fen)  # which beats a magic amount
        sent = desk.send(fen, count=5, paid_from=tail(CARD), pin=right)
        desk.set_fault(BANK, None)
        desk.advance_clock(DAY)
        desk.settle()
    return str(sent["packet"])


class Money(NamedTuple):
    """Where money is, as Zhang, Zhang's bank and the platform have it."""

    balance: int
    card: int
    packets: int
    pending: int
    fees: int
    ours_in: int
    ours_out: int
    theirs_in: int
    theirs_out: int
    shortage: int
    surplus: int
    reserve: int

    def __sub__(self, other: "Money") -> dict[str, int]:
        """Return what is more here, or less, than in *other*."""
        return {
            name: here - there
            for name, here, there in zip(self._fields, self, other, strict=True)
            if here != there
        }


def money(world: World) -> Money:
    rows = world.dump()
    held = {
        row[1:4]: row[6] - row[5] if row[4] == "credit" else row[5] - row[6]
        for row in rows["account"]
    }
    kinds: Counter[tuple[str, str]] = Counter()
    for (book, kind, _owner), fen in held.items():
        kinds[book, kind] += fen
    cards = {row[0]: held[BANK, "deposit", row[0]] for row in rows["deposit"] if row[1] == BANK}
    zhang = next(row[0] for row in rows["profile"] if row[1] == ZHANG)
    return Money(
        balance=held["platform", "balance", zhang],
        card=sum(cards.values()),
        packets=kinds["platform", "packet"],
        pending=kinds["platform", "pending"],
        fees=kinds["platform", "fees"],
        ours_in=kinds["platform", "incoming"],
        ours_out=kinds["platform", "outgoing"],
        theirs_in=kinds[BANK, "incoming"],
        theirs_out=kinds[BANK, "outgoing"],
        shortage=kinds[BANK, "shortage"],
        surplus=kinds[BANK, "surplus"],
        reserve=kinds["platform", "reserve"],
    )


def messages(world: World) -> list[Mapping[str, Any]]:
    """Return every payment there is, oldest first."""
    db = world.raw()
    try:
        cursor = db.execute(
            "SELECT message.*, bank_message.state AS theirs FROM message"
            " LEFT JOIN bank_message ON bank_message.message = number ORDER BY number"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
    finally:
        db.close()


def used(world: World) -> dict[tuple[str, str], int]:
    """Return what counts against the limits, by flow and day."""
    return {(flow, day): fen for _, flow, day, fen in world.dump()["usage"] if fen}


def acts(world: World, since: int = 0) -> list[str]:
    """Return the acts of every entry after the first *since*."""
    return [row[1] for row in world.dump()["entry"][since:]]


def mended(world: World) -> None:
    """End every fault, and let everything come to its outcome and be settled."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        for place in (BANK, OTHER_BANK, "netsunion", "unionpay"):
            desk.set_fault(place, None)
        desk.settle()
        desk.advance_clock(HALF_MINUTE)
        desk.settle()
