"""The desk in plain Python: what every act should do, without a ledger, keys or SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hongbao import errors
from hongbao.domain.identity import bank_of
from hongbao.units import CHINA

YUAN = 100
MOMENT = timedelta(microseconds=1)
Told = dict[str, Any]
Then = Callable[[Told], None]
"""What the model does once the desk has done it: some amounts are the desk's to draw."""


class Refused(Exception):
    """The model expects a refusal: *error* is the one; a bank that *declined* has written it."""

    def __init__(self, error: type[errors.HongbaoError], *, declined: bool = False) -> None:
        super().__init__(error.__name__)
        self.error = error
        self.declined = declined


class Rules(NamedTuple):
    """What of a policy the model knows."""

    name: str
    share_max_fen: int = 200 * YUAN
    shares_max: int = 100
    packet_max_fen: int = 20_000 * YUAN
    expires_hours: int = 24
    unverified_day_fen: int = 1000 * YUAN
    verified_year_fen: int = 200_000 * YUAN
    attempts_max: int = 5
    lock_hours: int = 3
    free_fen: int = 1000 * YUAN
    sender_may_claim: bool = True
    profiles_max: int = 5


@dataclass
class Profile:
    """One profile, and who it is once it is identified."""

    name: str
    person: str
    real_name: str | None = None
    balance_fen: int = 0
    tries: int = 0
    tries_ever: int = 0
    locked_until: datetime | None = None
    pin: str = "246813"


@dataclass
class Binding:
    """A card in somebody's hands, from the day it was bound until it is removed."""

    number: str
    owner: str
    name: str
    bound: bool = True


@dataclass
class Payment:
    """A payment between a card and the platform, as it is now."""

    profile: str
    reason: str
    fen: int
    card: Binding
    due_at: datetime
    state: str = "created"
    settled: bool = False
    packet: str | None = None

    @property
    def bank(self) -> str:
        return bank_of(self.card.number).code

    @property
    def inward(self) -> bool:
        return self.reason in ("topup", "send")


@dataclass
class Sent:
    """A packet."""

    id: str
    sender: str
    kind: str
    recipient: str | None
    total_fen: int
    count: int
    share_max_fen: int
    card: Binding | None
    sent_at: datetime
    expires_at: datetime
    shares: dict[str, int] = field(default_factory=dict)
    refunded_fen: int | None = None

    @property
    def left_fen(self) -> int:
        return self.total_fen - sum(self.shares.values())

    @property
    def finished(self) -> bool:
        return len(self.shares) == self.count

    @property
    def open(self) -> bool:
        return not self.finished and self.refunded_fen is None

    @property
    def flow(self) -> str:
        return "send_balance" if self.card is None else "send_card"


class Model:
    """A home: everyone's money, where it waits, and what was used of the limits."""

    def __init__(self, at: datetime, rules: Rules) -> None:
        self.system_at = at
        self.last_at = at
        self.virtual_at: datetime | None = None
        self.rules = rules
        self.profiles: dict[str, Profile] = {}
        self.deposits: dict[str, int] = {}
        self.bindings: list[Binding] = []
        self.packets: dict[str, Sent] = {}
        self.payments: list[Payment] = []
        self.batches = 0
        self.used: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.fees_fen = 0
        self.entries = 0
        self.generation = 1

    # --- time ------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.virtual_at or max(self.system_at, self.last_at)

    def entered(self, steps: int = 1) -> None:
        """Note that an act has been written down, in so many *steps*."""
        self.entries += steps
        self.last_at = self.now()

    def turn(self, at: datetime) -> tuple[list[str], list[str], int]:
        """
        Turn the home's own clock.

        Returns the packets that come back meanwhile, those whose refund arrives, and how many days
        are settled.
        """
        if at < self.now():
            raise Refused(errors.ClockBackwards)
        back: list[str] = []
        arrived: list[str] = []
        batches = self.batches
        self.virtual_at = self.now()
        settled_at = self.virtual_at - MOMENT
        while True:
            arrived += self.deliver()
            open_packets = [packet for packet in self.packets.values() if packet.open]
            moments = [packet.expires_at for packet in open_packets]
            moments += [payment.due_at for payment in self.payments if payment.state == "created"]
            cut_off = _eleven_at_night(max(settled_at, self.virtual_at - MOMENT))
            if any(self._unsettled()):
                moments.append(cut_off)
            if not moments or min(moments) > at:
                break
            moment = min(moments)
            due = [packet for packet in open_packets if packet.expires_at <= moment]
            due.sort(key=lambda packet: packet.expires_at)  # and among equals, as they were sent
            for packet in due:
                self.virtual_at = max(self.virtual_at, packet.expires_at)
                self._give_back(packet)
                back.append(packet.id)
            self.virtual_at = max(self.virtual_at, moment)
            if moment == cut_off:
                settled_at = moment
                arrived += self.settle()
        self.virtual_at = max(self.virtual_at, at)
        return back, arrived, self.batches - batches

    # --- people ----------------------------------------------------------------------------------

    def join(self, name: str) -> Then:
        if name in self.profiles:
            raise Refused(errors.NameTaken)

        def then(_: Told) -> None:
            self.profiles[name] = Profile(name, person=f"profile {name}")
            self.entered()

        return then

    def pin(self, name: str, pin: str) -> None:
        me, now = self.profiles[name], self.now()
        if me.locked_until is not None:
            if now < me.locked_until:
                raise Refused(errors.PinLocked)
            me.locked_until = None
        me.tries += 1
        me.tries_ever += 1
        locks, odd = divmod(me.tries, self.rules.attempts_max)
        if pin != me.pin:
            if not odd:
                hours = min(self.rules.lock_hours * 2 ** (locks - 1), self.rules.lock_hours * 16)
                me.locked_until = now + timedelta(hours=hours)
                raise Refused(errors.PinLocked)
            raise Refused(errors.WrongPin)
        me.tries = 0

    def change_pin(self, name: str, old: str, new: str) -> Then:
        self.pin(name, old)

        def then(_: Told) -> None:
            self.profiles[name].pin = new
            self.entered()

        return then

    def identify(self, name: str, real_name: str, number: str, pin: str) -> Then:
        me = self.profiles[name]
        self.pin(name, pin)
        if me.real_name is not None:
            raise Refused(errors.AlreadyIdentified)
        same = [other for other in self.profiles.values() if other.person == number]
        if same and same[0].real_name != real_name:
            raise Refused(errors.IdentityMismatch)
        if len(same) >= self.rules.profiles_max:
            raise Refused(errors.TooManyProfiles)

        def then(told: Told) -> None:
            assert len(same) + 1 == told["profiles_of_person"]
            for person, flow, day in list(self.used):
                if person == me.person:
                    self.used[number, flow, day] += self.used.pop((person, flow, day))
            me.person, me.real_name = number, real_name
            self.entered()

        return then

    # --- cards -----------------------------------------------------------------------------------

    def cards(self, name: str) -> list[Binding]:
        return [card for card in self.bindings if card.bound and card.owner == name]

    def card(self, name: str, called: str | None) -> Binding:
        cards = self.cards(name)
        if called is None:
            if not cards:
                raise Refused(errors.NoCard)
            return cards[0]
        for card in cards:
            if card.number[-4:] == called:
                return card
        raise Refused(errors.CardNotFound)

    def add_card(self, name: str, number: str, pin: str) -> Then:
        self.pin(name, pin)
        if any(card.bound and card.number == number for card in self.bindings):
            raise Refused(errors.CardInUse)

        def then(told: Told) -> None:
            self.deposits.setdefault(number, 100_000 * YUAN)
            self.bindings.append(Binding(number, name, told["card"]))
            self.entered()

        return then

    def remove_card(self, name: str, called: str, pin: str) -> Then:
        card = self.card(name, called)
        self.pin(name, pin)

        def then(_: Told) -> None:
            card.bound = False
            self.entered()

        return then

    # --- the channel -----------------------------------------------------------------------------

    def deliver(self, name: str | None = None) -> list[str]:
        """Have the refunds of *name*, or of everyone, that are due reach their cards."""
        due = [
            payment
            for payment in self.payments
            if payment.state == "created"
            and payment.due_at <= self.now()
            and name in (None, payment.profile)
        ]
        due.sort(key=lambda payment: payment.due_at)
        for payment in due:
            if payment.card.bound:
                payment.state = "accepted"
                self.deposits[payment.card.number] += payment.fen
                self.entered(3)
            else:
                payment.state = "rejected"
                self.profiles[payment.profile].balance_fen += payment.fen
                self.entered()
        return [payment.packet or "" for payment in due]

    def settle(self) -> list[str]:
        """Settle what was paid since the last time, and return whose refund arrives with it."""
        arrived = self.deliver()
        unsettled = list(self._unsettled())
        if unsettled:
            for payment in unsettled:
                payment.settled = True
            self.batches += 1
            self.entered()
        return arrived

    def _unsettled(self) -> Iterator[Payment]:
        return (p for p in self.payments if p.state == "accepted" and not p.settled)

    @property
    def settled_fen(self) -> int:
        return sum(payment.fen for payment in self.payments if payment.settled)

    def in_transit_fen(self, bank: str, *, inward: bool) -> int:
        return sum(p.fen for p in self._unsettled() if (p.bank, p.inward) == (bank, inward))

    def on_its_way_fen(self, name: str) -> int:
        waiting = [p for p in self.payments if (p.profile, p.state) == (name, "created")]
        return sum(payment.fen for payment in waiting)

    def _check_card(self, name: str, reason: str, fen: int, card: Binding) -> None:
        """Have the bank decline to take *fen* from a *card* that has less."""
        if self.deposits[card.number] < fen:
            self.payments.append(Payment(name, reason, fen, card, self.now(), state="rejected"))
            self.entered(4)
            raise Refused(errors.InsufficientCard, declined=True)

    def _paid(self, name: str, reason: str, fen: int, card: Binding) -> None:
        payment = Payment(name, reason, fen, card, self.now(), state="accepted")
        self.payments.append(payment)
        self.deposits[card.number] += -fen if payment.inward else fen
        self.entered(4)

    # --- money in and out ------------------------------------------------------------------------

    def topup(self, name: str, fen: int, called: str | None, pin: str) -> Then:
        card = self.card(name, called)
        self.pin(name, pin)
        self.deliver(name)
        self._check_card(name, "topup", fen, card)

        def then(told: Told) -> None:
            self.profiles[name].balance_fen += fen
            self._use(name, "topup", fen)
            assert self.profiles[name].balance_fen == told["balance_fen"]
            self._paid(name, "topup", fen, card)

        return then

    def withdraw(self, name: str, fen: int, called: str | None, pin: str) -> Then:
        card = self.card(name, called)
        self.pin(name, pin)
        self.deliver(name)
        self._limit(name, "withdraw", fen)
        me = self.profiles[name]
        before_fen = sum(
            used
            for (person, flow, _), used in self.used.items()
            if (person, flow) == (me.person, "withdraw")
        )
        charged_fen = fen - max(self.rules.free_fen - before_fen, 0)
        fee_fen = max((charged_fen + 500) // 1000, 10) if charged_fen > 0 else 0
        if me.balance_fen < fen + fee_fen:
            raise Refused(errors.InsufficientBalance)

        def then(told: Told) -> None:
            assert fee_fen == told["fee_fen"]
            me.balance_fen -= fen + fee_fen
            self.fees_fen += fee_fen
            self._use(name, "withdraw", fen)
            self._paid(name, "withdraw", fen, card)

        return then

    def _use(self, name: str, flow: str, fen: int, at: datetime | None = None) -> None:
        day = (at or self.now()).astimezone(CHINA).date().isoformat()
        self.used[self.profiles[name].person, flow, day] += fen

    def _limit(self, name: str, flow: str, fen: int) -> None:
        me = self.profiles[name]
        today = self.now().astimezone(CHINA).date().isoformat()
        if me.real_name is None:
            counts = {"send_balance", "send_card", "withdraw"}
            most_fen, since = self.rules.unverified_day_fen, today
        else:
            counts = {"send_balance"}
            most_fen, since = self.rules.verified_year_fen, today[:4]
        used_fen = sum(
            used
            for (person, used_flow, day), used in self.used.items()
            if person == me.person and used_flow in counts and day.startswith(since)
        )
        if flow in counts and fen > max(most_fen - used_fen, 0):
            raise Refused(errors.LimitExceeded)

    # --- packets ---------------------------------------------------------------------------------

    def send(
        self,
        name: str,
        fen: int,
        count: int,
        kind: str,
        recipient: str | None,
        called: str,
        pin: str,
    ) -> Then:
        rules = self.rules
        if not 1 <= count <= rules.shares_max:
            raise Refused(errors.InvalidCount)
        if fen < count:
            raise Refused(errors.ShareTooSmall)
        if kind != "lucky" and fen > count * rules.share_max_fen:
            raise Refused(errors.FixedShareAboveCap)
        if fen > rules.packet_max_fen:
            raise Refused(errors.PacketAboveCap)
        if fen > count * rules.share_max_fen:
            raise Refused(errors.ShareAboveCap)
        if recipient == name:
            raise Refused(errors.SelfRecipient)
        card = None if called == "balance" else self.card(name, called)
        self.pin(name, pin)
        if card is not None:
            self.deliver(name)
        self._limit(name, "send_balance" if card is None else "send_card", fen)
        me = self.profiles[name]
        if card is None and me.balance_fen < fen:
            raise Refused(errors.InsufficientBalance)
        if card is not None:
            self._check_card(name, "send", fen, card)

        def then(told: Told) -> None:
            if card is None:
                me.balance_fen -= fen
                self.entered()
            else:
                self._paid(name, "send", fen, card)
            now = self.now()
            packet = Sent(
                told["packet"],
                name,
                kind,
                recipient,
                fen,
                count,
                rules.share_max_fen,
                card,
                now,
                now + timedelta(hours=rules.expires_hours),
            )
            assert packet.id not in self.packets
            self.packets[packet.id] = packet
            self._use(name, packet.flow, fen)

        return then

    def claim(self, name: str, packet: Sent) -> Then:
        if name == packet.sender and (packet.count == 1 or not self.rules.sender_may_claim):
            raise Refused(errors.OwnPacket)
        if packet.recipient not in (None, name):
            raise Refused(errors.NotForYou)
        if name in packet.shares:
            raise Refused(errors.AlreadyClaimed)
        if packet.finished:
            raise Refused(errors.PacketFinished)
        if packet.refunded_fen is not None:
            raise Refused(errors.PacketRefunded)
        if self.now() >= packet.expires_at:
            raise Refused(errors.PacketExpired)

        def then(told: Told) -> None:
            fen = told["amount_fen"]
            others = packet.count - len(packet.shares) - 1
            assert 1 <= fen <= packet.share_max_fen
            assert others <= packet.left_fen - fen <= others * packet.share_max_fen
            if packet.kind != "lucky":
                assert packet.total_fen == packet.count * fen
            packet.shares[name] = fen
            self.profiles[name].balance_fen += fen
            assert self.profiles[name].balance_fen == told["balance_fen"]
            assert (len(packet.shares), packet.finished) == (told["seat"], told["finished"])
            self.entered()

        return then

    def refund(self, name: str, packet: Sent) -> Then:
        if name != packet.sender:
            raise Refused(errors.NotYourPacket)
        if packet.finished:
            raise Refused(errors.NothingToRefund)
        if packet.refunded_fen is not None:
            raise Refused(errors.PacketRefunded)
        if self.now() < packet.expires_at:
            raise Refused(errors.PacketNotExpired)

        def then(told: Told) -> None:
            assert packet.left_fen == told["refunded_fen"]
            self._give_back(packet)

        return then

    def due(self, name: str) -> list[Sent]:
        """Return the packets of *name*'s that are due back, the longest due first."""
        due = [
            packet
            for packet in self.packets.values()
            if packet.sender == name and packet.open and packet.expires_at <= self.now()
        ]
        return sorted(due, key=lambda packet: packet.expires_at)

    def refund_due(self, name: str) -> Then:
        self.deliver(name)
        due = self.due(name)

        def then(told: Told) -> None:
            assert [packet.id for packet in due] == [row["packet"] for row in told["refunds"]]
            for packet in due:
                self._give_back(packet)

        return then

    def _give_back(self, packet: Sent) -> None:
        fen = packet.left_fen
        packet.refunded_fen = fen
        if packet.card is not None and packet.card.bound:
            due_at = _working_day_after(self.now())
            refund = Payment(packet.sender, "refund", fen, packet.card, due_at, packet=packet.id)
            self.payments.append(refund)
        else:
            self.profiles[packet.sender].balance_fen += fen
        self._use(packet.sender, packet.flow, -fen, packet.sent_at)
        self.entered()

    # --- the home --------------------------------------------------------------------------------

    def restored(self, copy: "Model") -> None:
        """Become what *copy* was; what was tried at PINs since, and the world's clock, stay."""
        tried = self.profiles
        system_at = self.system_at
        self.__dict__.update(deepcopy(copy).__dict__)
        self.system_at = system_at
        for name, me in self.profiles.items():
            if name in tried and me.tries_ever < tried[name].tries_ever:
                me.tries, me.tries_ever = tried[name].tries, tried[name].tries_ever
                me.locked_until = tried[name].locked_until
        self.entered()

    def written(self) -> Then:
        """Expect an act that moves nothing and is written down."""
        return lambda _: self.entered()

    def use_policy(self, rules: Rules) -> Then:
        def then(_: Told) -> None:
            self.rules = rules
            self.entered()

        return then


def _eleven_at_night(after: datetime) -> datetime:
    """Return when it is next eleven at night in China, where each day is settled."""
    there = after.astimezone(CHINA)
    tonight = there.replace(hour=23, minute=0, second=0, microsecond=0)
    return tonight if tonight > after else tonight + timedelta(days=1)


def _working_day_after(at: datetime) -> datetime:
    """Return the same time on the next working day in China; a weekend counts as its Monday."""
    there = at.astimezone(CHINA)
    while there.weekday() > 4:
        there += timedelta(days=1)
    there += timedelta(days=1)
    while there.weekday() > 4:
        there += timedelta(days=1)
    return there
