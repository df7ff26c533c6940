"""
The model that a simulated home is compared with: the desk's (`tests.wallet.model`), one entry after
the other, in the order in which they were committed.

Each entry is looked at the moment it stands: whether it may be there at all, and what it did to
everyone's money. Nothing of the product computes here but the units of time and money. What a
command may be refused with is asked of each state that it lived through (`Books.phases`).
"""

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hongbao import errors
from tests.simulation.commands import Command
from tests.wallet.model import (
    YUAN,
    Binding,
    Model,
    Payment,
    Profile,
    Refused,
    Rules,
    Sent,
    _working_day_after,
)
from tests.wallet.test_machine import RULES

from_iso = datetime.fromisoformat

HELD = 44_46
"""Held for a day, and released then, if no operator speaks."""

HELD_BACK = 55_54
"""Held for a day, and returned then; from 50 yuan on, two operators have to agree."""

HELD_SHARE = 33_34
"""A share is held for a day where this is the mean of what is left."""

STOPPED = 22_22
"""Refused by risk control."""

HOLD_HOURS = 24
FOUR_EYES = 50 * YUAN
POLICIES = {rules.name: rules for rules in RULES.values()}
WRONG = frozenset({"surplus", "shortage", "wrong-amount", "wrong-state", "double-booking"})
FINAL = frozenset({"accepted", "rejected", "reversed"})
NEXT = {
    "created": {"sent", "rejected"},
    "sent": {"accepted", "rejected", "unknown"},
    "unknown": {"accepted", "rejected", "reversed"},
}


class Mismatch(AssertionError):
    """The home did what the model does not."""


def expect(holds: bool, *what: object) -> None:
    """Raise Mismatch, about *what*, unless it *holds*."""
    if not holds:
        raise Mismatch(" ".join(map(str, what)))


class Entry(NamedTuple):
    """An entry of the ledger, as it was committed; *by* is the command of its process."""

    id: int
    act: str
    who: str | None
    request: str
    amount_fen: int
    balance_fen: int | None
    at: datetime
    facts: dict[str, Any]
    by: Command | None


@dataclass
class Packet(Sent):
    """A packet that may be held."""

    held: str | None = None
    paid_at: datetime | None = None


@dataclass
class Case:
    """Money that is held: a packet's, a share's (of *packet*, for *who*), or a withdrawal's."""

    id: str
    what: str
    who: str
    fen: int
    until: datetime
    ends: str
    packet: str | None = None
    payment: str | None = None
    state: str = "open"
    said: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "escalated")


@dataclass
class Known:
    """What is known of a request: its command's inputs, and its answer once there is one."""

    inputs: str
    answer: dict[str, Any] | None = None
    payment: str | None = None
    refusal: str | None = None


class Books(Model):
    """Everyone's money, packets, payments, cases and requests, in one home."""

    def __init__(self, at: datetime, rules: Rules) -> None:
        super().__init__(at, rules)
        self.virtual_at = at
        self.last_entry = 0
        self.sent: dict[str, Payment] = {}
        self.cases: dict[str, Case] = {}
        self.bank_states: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self.requests: dict[tuple[str, str], Known] = {}
        self.of_command: dict[int, str] = {}
        """The packet that each `send` has made."""
        self.cases_of: dict[int, str] = {}
        self.payments_of: dict[int, str] = {}
        self.odd: list[int] = []
        """Commands whose payments a bank has booked wrongly, which an operator corrects."""
        self.devices: dict[tuple[str, str], str] = {}
        """What devices people have added to their first ones, and whether they may act."""
        self.operators: list[str] = []
        self.pins: dict[str, tuple[int, int]] = {}
        """Tries at each PIN, and the last that was cleared."""
        self.uncertain: defaultdict[str, int] = defaultdict(int)
        """Tries that a process may have noted next to the keys before it was killed."""
        self.right: dict[int, bool] = {}
        """Whether the PIN of a command was the right one when its try was counted."""
        self.pack = "none"
        self.held_fen = 0

    def copy(self) -> "Books":
        return deepcopy(self)

    def now(self) -> datetime:
        assert self.virtual_at is not None
        return max(self.virtual_at, self.last_at)

    # --- an entry is committed -------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """Do what *entry* does, or raise Mismatch."""
        expect(entry.id > self.last_entry, "an entry is not a new one:", entry)
        expect(entry.at == self.now(), "an entry's time is not the home's:", entry.at, self.now())
        me = self.profiles.get(entry.who or "")
        before_fen = me.balance_fen if me else 0
        did = getattr(self, f"_{entry.act}", None)
        expect(did is not None, "the model does not know the act", entry.act)
        assert did is not None
        try:
            did(entry)
        except Refused as refused:
            raise Mismatch(f"{entry.act} was done; expected {refused.error.__name__}") from None
        me = self.profiles.get(entry.who or "")
        if me is not None:
            expect(
                me.balance_fen == entry.balance_fen,
                f"{entry.act}: balance of {me.name} is {entry.balance_fen}, not {me.balance_fen}",
            )
            expect(me.balance_fen - before_fen == entry.amount_fen, entry.act, "amount", entry)
        for one in self.profiles.values():
            expect(one.balance_fen >= 0, one.name, "has less than nothing:", one.balance_fen)
        self.last_entry, self.last_at = entry.id, max(self.last_at, entry.at)

    def turned(self, at: datetime, by: Command | None, *, by_entry: bool) -> None:
        """Note that the home's clock was turned."""
        assert self.virtual_at is not None
        if at == self.virtual_at:
            return
        expect(at > self.virtual_at, "the clock was turned back:", at)
        is_clock = by is not None and by.act == "clock"
        expect(is_clock or by_entry, "the clock was turned by", by)
        self.virtual_at = at

    def _asked(self, entry: Entry) -> Command:
        """Return the command that *entry* is the act of."""
        command = entry.by
        expect(command is not None, "an act that nobody asked for:", entry)
        assert command is not None
        expect(command.who == entry.who, "an act of another one:", entry, command)
        return command

    def _answered(self, entry: Entry, payment: str | None = None) -> None:
        """Keep the answer of a named request."""
        request = entry.facts["request_id"]
        assert entry.who is not None
        known = self.requests.get((entry.who, request))
        if known is not None and known.payment is not None:
            known.answer = entry.facts
            return
        expect(known is None or known.refusal is None, "a request was done twice:", request)
        expect(known is None, "a request was done twice:", request, entry.act)
        inputs = entry.by.inputs if entry.by is not None else ""
        self.requests[entry.who, request] = Known(
            inputs, None if payment else entry.facts, payment=payment
        )

    # --- acts that move nothing ------------------------------------------------------------------

    def _nothing(self, _entry: Entry) -> None:
        pass

    def _rekey(self, _entry: Entry) -> None:
        self.generation += 1

    _restore = _pin_renewed = _duplicate_answer = _nothing
    _refund_to = _nothing

    def _device_add(self, entry: Entry) -> None:
        command = self._asked(entry)
        self._check_device(command)
        self.devices[command.who, command.args["name"]] = "pending"
        self._answered(entry)

    def _device_approve(self, entry: Entry) -> None:
        command = self._asked(entry)
        self._check_device(command)
        self.devices[command.who, command.args["name"]] = "approved"
        self._answered(entry)

    def _device_remove(self, entry: Entry) -> None:
        command = self._asked(entry)
        self._check_device(command)
        del self.devices[command.who, command.args["name"]]
        self._answered(entry)

    def _check_device(self, command: Command) -> None:
        state = self.devices.get((command.who, command.args["name"]))
        if command.act == "device_add":
            if state is not None:
                raise Refused(errors.DeviceExists)
        elif state is None:
            raise Refused(errors.DeviceNotFound)
        elif command.act == "device_approve" and state == "approved":
            raise Refused(errors.AlreadyApproved)

    def _late_answer(self, _entry: Entry) -> None:
        pass

    def _init(self, entry: Entry) -> None:
        assert entry.who is not None
        expect(entry.who not in self.profiles, "a profile is made twice:", entry.who)
        assert entry.by is not None
        me = Profile(entry.who, person=f"profile {entry.who}", pin=entry.by.pin)
        self.profiles[entry.who] = me
        self.pins[entry.who] = 0, 0

    def _pin_change(self, entry: Entry) -> None:
        command = self._asked(entry)
        self.profiles[command.who].pin = command.args["new"]
        self._answered(entry)

    def _identify(self, entry: Entry) -> None:
        command = self._asked(entry)
        me = self.profiles[command.who]
        self._check_identity(command)
        number = command.args["number"]
        for person, flow, day in list(self.used):
            if person == me.person:
                self.used[number, flow, day] += self.used.pop((person, flow, day))
        me.person, me.real_name = number, command.args["real_name"]
        self._answered(entry)

    def _check_identity(self, command: Command) -> None:
        me = self.profiles[command.who]
        if me.real_name is not None:
            raise Refused(errors.AlreadyIdentified)
        number = command.args["number"]
        same = [other for other in self.profiles.values() if other.person == number]
        if same and same[0].real_name != command.args["real_name"]:
            raise Refused(errors.IdentityMismatch)
        if len(same) >= self.rules.profiles_max:
            raise Refused(errors.TooManyProfiles)

    def _card_add(self, entry: Entry) -> None:
        command = self._asked(entry)
        number = command.args["card"]
        self._check_free(number)
        self.deposits.setdefault(number, 100_000 * YUAN)
        self.bindings.append(Binding(number, command.who, entry.facts["card"]))
        self._answered(entry)

    def _check_free(self, number: str) -> None:
        if any(card.bound and card.number == number for card in self.bindings):
            raise Refused(errors.CardInUse)

    def _card_remove(self, entry: Entry) -> None:
        command = self._asked(entry)
        self.card(command.who, command.args["card"][-4:]).bound = False
        self._answered(entry)

    def _operator_add(self, entry: Entry) -> None:
        expect(entry.facts["operator"] not in self.operators, "an operator is added twice")
        self.operators.append(entry.facts["operator"])

    def _bank_fault(self, entry: Entry) -> None:
        place, fault = entry.facts["bank"], [one["fault"] for one in entry.facts["faults"]]
        self.faults.pop(place, None)
        if fault:
            self.faults[place] = fault[-1]
        self._answered(entry)

    def _policy_use(self, entry: Entry) -> None:
        self.rules = POLICIES[entry.facts["policy"]]
        self._answered(entry)

    def _risk_use(self, entry: Entry) -> None:
        self.pack = entry.facts["pack"].split("/")[0]
        self._answered(entry)

    def _refused(self, entry: Entry) -> None:
        command = self._asked(entry)
        expect(self._is_stopped(command), "risk control has stopped", command)

    def _is_stopped(self, command: Command) -> bool:
        return self.pack == "simulated" and command.args.get("fen") == STOPPED

    # --- payments --------------------------------------------------------------------------------

    def _instructed(self, entry: Entry, reason: str, card: Binding, fen: int) -> Payment:
        payment = Payment(entry.who or "", reason, fen, card, entry.at)
        number = entry.facts["payment"]
        expect(number not in self.sent, "a payment is made twice:", number)
        self.sent[number] = payment
        self.payments.append(payment)
        if entry.by is not None:
            self.payments_of[entry.by.number] = number
        return payment

    def _route(self, card: Binding) -> None:
        """Raise what keeps a payment by *card* from setting out."""
        bank = Payment("", "", 0, card, self.now()).bank
        if self.faults.get(bank) == "down":
            raise Refused(errors.BankDown)
        if {self.faults.get(channel) for channel in ("netsunion", "unionpay")} == {"down"}:
            raise Refused(errors.ChannelDown)

    def _instruct_topup(self, entry: Entry) -> None:
        command = self._asked(entry)
        self._check_topup(command)
        fen = command.args["fen"]
        card = self.card(command.who, tail(command.args["card"]))
        self._use(command.who, "topup", fen)
        self._instructed(entry, "topup", card, fen)
        self._answered(entry, payment=entry.facts["payment"])

    def _check_topup(self, command: Command) -> None:
        card = self.card(command.who, tail(command.args["card"]))
        if self._is_stopped(command):
            raise Refused(errors.RefusedByRisk)
        self._route(card)

    def _instruct_send(self, entry: Entry) -> None:
        command = self._asked(entry)
        self._check_send(command)
        fen = command.args["fen"]
        card = self.card(command.who, tail(command.args["from"]))
        self._use(command.who, "send_card", fen)
        payment = self._instructed(entry, "send", card, fen)
        payment.command = command  # type: ignore[attr-defined]
        payment.rules = self.rules  # type: ignore[attr-defined]
        payment.is_held = self._hold_of(fen)  # type: ignore[attr-defined]
        self._answered(entry, payment=entry.facts["payment"])

    def _withdraw(self, entry: Entry) -> None:
        command = self._asked(entry)
        fee_fen = self._check_withdraw(command)
        fen, me = command.args["fen"], self.profiles[command.who]
        expect(entry.facts["fee_fen"] == fee_fen, "fee", entry.facts["fee_fen"], fee_fen)
        card = self.card(command.who, tail(command.args["card"]))
        me.balance_fen -= fen + fee_fen
        self._use(command.who, "withdraw", fen)
        payment = self._instructed(entry, "withdraw", card, fen)
        payment.fee_fen = fee_fen  # type: ignore[attr-defined]
        self._held(entry, command, self._hold_of(fen), payment=entry.facts["payment"])
        self._answered(entry, payment=entry.facts["payment"])

    def _check_withdraw(self, command: Command) -> int:
        me, fen = self.profiles[command.who], command.args["fen"]
        card = self.card(command.who, tail(command.args["card"]))
        self._limit(command.who, "withdraw", fen)
        if self._is_stopped(command):
            raise Refused(errors.RefusedByRisk)
        before_fen = sum(
            used
            for (person, flow, _), used in self.used.items()
            if (person, flow) == (me.person, "withdraw")
        )
        charged_fen = fen - max(self.rules.free_fen - before_fen, 0)
        fee_fen = max((charged_fen + 500) // 1000, 10) if charged_fen > 0 else 0
        if me.balance_fen < fen + fee_fen:
            raise Refused(errors.InsufficientBalance)
        self._route(card)
        return fee_fen

    def _step(self, entry: Entry, state: str) -> Payment:
        """Bring a payment to its next *state*."""
        payment = self.sent[entry.facts["payment"]]
        allowed = NEXT.get(payment.state, set())
        expect(state in allowed, "a payment that is", payment.state, "becomes", state, entry)
        payment.state = state
        return payment

    def _sent(self, entry: Entry) -> None:
        payment = self._step(entry, "sent")
        expect(self._holding(entry.facts["payment"]) is None, "a held payment is sent:", entry)
        expect(payment.due_at <= self.now(), "a payment is sent too early:", entry)

    def _unknown(self, entry: Entry) -> None:
        self._step(entry, "unknown")

    def _bank(self, entry: Entry) -> None:
        """What the bank does: it may be wrong, as its fault tells it to be, and in no other way."""
        number, state, fault = (entry.facts[name] for name in ("payment", "state", "fault"))
        payment = self.sent[number]
        known = self.bank_states.get(number)
        follows = {None: {"queued", "booked", "refused"}, "queued": {"booked", "refused", "late"}}
        follows["late"] = {"reversed"}
        expect(state in follows.get(known, ()), "a bank that has", known, "has", state, entry)
        self.bank_states[number] = state
        card, fen, way = payment.card.number, payment.fen, -1 if payment.inward else 1
        has_fen = self.deposits[card]
        if fault is None and known is None:
            is_enough = not payment.inward or has_fen >= fen
            expect((state == "booked") == is_enough, "the bank has", state, "of", has_fen, entry)
        moved_fen = fen if state in ("booked", "late") else 0
        if state == "refused" and fault == "surplus":
            moved_fen = fen
        elif state == "reversed":
            moved_fen = -fen
        elif state == "booked":
            wrong_fen = fen // 2 or 2
            is_there = way > 0 or has_fen >= wrong_fen
            if fault in ("shortage", "wrong-state"):
                moved_fen = 0
            elif fault == "wrong-amount" and is_there:
                moved_fen = wrong_fen
            elif fault == "double-booking" and (way > 0 or has_fen >= 2 * fen):
                moved_fen = 2 * fen
        if fault in WRONG:
            self.odd += [one for one, paid in self.payments_of.items() if paid == number]
        self.deposits[card] += way * moved_fen
        expect(self.deposits[card] >= 0, "a card has less than nothing:", entry)

    def _topup(self, entry: Entry) -> None:
        payment = self._step(entry, "accepted")
        self.profiles[payment.profile].balance_fen += payment.fen
        self._answered(entry)

    def _paid_out(self, entry: Entry) -> None:
        payment = self._step(entry, "accepted")
        self.fees_fen += payment.fee_fen  # type: ignore[attr-defined]
        self._answered(entry)

    def _refund_arrived(self, entry: Entry) -> None:
        self._step(entry, "accepted")

    def _undone(self, entry: Entry) -> Payment:
        payment = self._step(entry, entry.facts["state"])
        expect(payment.state in ("rejected", "reversed"), "undone as", payment.state)
        if payment.state == "reversed":
            booked = self.bank_states.get(entry.facts["payment"]) == "booked"
            expect(not booked, "reversed, and the bank has booked it:", entry)
        return payment

    def _not_paid(self, entry: Entry) -> None:
        payment = self._undone(entry)
        flow = "topup" if payment.reason == "topup" else "send_card"
        self._use(payment.profile, flow, -payment.fen, payment.due_at)
        self._answered(entry)

    def _withdraw_returned(self, entry: Entry) -> None:
        payment = self._undone(entry)
        self._take_back_withdrawal(payment)
        self._answered(entry)

    def _take_back_withdrawal(self, payment: Payment) -> None:
        fee_fen = payment.fee_fen  # type: ignore[attr-defined]
        self.profiles[payment.profile].balance_fen += payment.fen + fee_fen
        self._use(payment.profile, "withdraw", -payment.fen, payment.due_at)

    def _refund_to_balance(self, entry: Entry) -> None:
        payment = self._step(entry, entry.facts["state"])
        self.profiles[payment.profile].balance_fen += payment.fen

    def _settle(self, entry: Entry) -> None:
        unsettled = [p for p in self.payments if p.state == "accepted" and not p.settled]
        fen = entry.facts["gross_fen"]
        banks = {line["bank"] for line in entry.facts["lines"]}
        settling = [payment for payment in unsettled if payment.bank in banks]
        expect(sum(p.fen for p in settling) == fen, "a batch of", fen, "instead of", settling)
        for payment in settling:
            payment.settled = True
        self.batches += 1

    def _correct(self, entry: Entry) -> None:
        payment = self.sent[entry.facts["payment"]]
        way = -1 if entry.facts["direction"] == "debit" else 1
        self.deposits[payment.card.number] += way * entry.facts["amount_fen"]

    # --- packets ---------------------------------------------------------------------------------

    def _hold_of(self, fen: int) -> str | None:
        if self.pack != "simulated":
            return None
        return {HELD: "release", HELD_BACK: "return"}.get(fen)

    def _held(self, entry: Entry, command: Command, ends: str | None, **about: Any) -> None:
        """Open the case that the rules ask for, as the answer has to have it."""
        held = entry.facts["held"]
        expect((held is None) == (ends is None), command.act, "held:", held, "expected:", ends)
        if held is None or ends is None:
            return
        until = from_iso(held["until"])
        expect(until == entry.at + timedelta(hours=HOLD_HOURS), "held until", until)
        expect(held["ends"] == ends, "held, and then", held["ends"])
        fen = entry.facts["total_fen" if command.act == "send" else "amount_fen"]
        case = Case(held["case"], command.act, command.who, fen, until, ends, **about)
        expect(case.id not in self.cases, "a case is opened twice:", case)
        self.cases[case.id] = case
        self.cases_of[command.number] = case.id
        self.held_fen += fen if command.act != "withdraw" else 0

    def _send(self, entry: Entry) -> None:
        facts, number = entry.facts, entry.facts["payment"]
        if number is None:
            command, rules, paid_at = self._asked(entry), self.rules, entry.at
            self._check_send(command)
            self.profiles[command.who].balance_fen -= command.args["fen"]
            self._use(command.who, "send_balance", command.args["fen"])
            card, ends = None, self._hold_of(command.args["fen"])
        else:
            payment = self._step(entry, "accepted")
            command, rules = payment.command, payment.rules  # type: ignore[attr-defined]
            card, paid_at, ends = payment.card, payment.due_at, payment.is_held  # type: ignore[attr-defined]
        fen, count = command.args["fen"], command.args["count"]
        lasts = rules.expires_hours + (HOLD_HOURS if ends else 0)
        expires_at = entry.at + timedelta(hours=lasts)
        told = facts["total_fen"], facts["count"], from_iso(facts["expires_at"])
        expect(told == (fen, count, expires_at), "a packet of", told, "instead of", command)
        expect(facts["packet"] not in self.packets, "a packet is made twice")
        packet = Packet(
            facts["packet"],
            command.who,
            command.args["kind"],
            command.args["to"],
            fen,
            count,
            rules.share_max_fen,
            card,
            entry.at,
            expires_at,
            paid_at=paid_at,
        )
        self.packets[packet.id] = packet
        self.of_command[command.number] = packet.id
        self._held(entry, command, ends, packet=packet.id)
        packet.held = self.cases_of.get(command.number)
        self._answered(entry)

    def _claim(self, entry: Entry) -> None:
        command = self._asked(entry)
        packet = self._packet(command)
        expect(packet.id == entry.facts["packet"], "another packet was claimed:", entry)
        mean_fen = packet.left_fen // max(packet.count - len(packet.shares), 1)
        self._check_claim(command)
        fen = entry.facts["amount_fen"]
        others = packet.count - len(packet.shares) - 1
        expect(1 <= fen <= packet.share_max_fen, "a share of", fen)
        rest_fen = packet.left_fen - fen
        expect(others <= rest_fen <= others * packet.share_max_fen, "what is left is", rest_fen)
        if packet.kind != "lucky":
            expect(packet.total_fen == packet.count * fen, "an unequal share:", fen)
        packet.shares[command.who] = fen
        told = entry.facts["seat"], entry.facts["finished"]
        expect((len(packet.shares), packet.finished) == told, "seat and end:", told)
        is_held = self.pack == "simulated" and mean_fen == HELD_SHARE
        self._held(entry, command, "release" if is_held else None, packet=packet.id)
        if not is_held:
            self.profiles[command.who].balance_fen += fen
        self._answered(entry)

    def _packet(self, command: Command) -> Packet:
        packet = self.packets.get(self.of_command.get(command.args["packet"], ""))
        if packet is None:
            raise Refused(errors.PacketNotFound)
        assert isinstance(packet, Packet)
        return packet

    def _check_claim(self, command: Command) -> None:
        packet = self._packet(command)
        who = command.who
        if who == packet.sender and (packet.count == 1 or not self.rules.sender_may_claim):
            raise Refused(errors.OwnPacket)
        if packet.recipient not in (None, who):
            raise Refused(errors.NotForYou)
        if who in packet.shares:
            raise Refused(errors.AlreadyClaimed)
        if packet.finished:
            raise Refused(errors.PacketFinished)
        if packet.refunded_fen is not None:
            raise Refused(errors.PacketRefunded)
        self._check_hold(packet)
        if self.now() >= packet.expires_at:
            raise Refused(errors.PacketExpired)

    def _check_hold(self, packet: Packet) -> None:
        if packet.held is not None:
            case = self.cases[packet.held]
            if self.now() < case.until:
                raise Refused(errors.PacketHeld)
            if case.ends == "return":  # it ends by itself, first
                raise Refused(errors.PacketRefunded)

    def _refund(self, entry: Entry) -> None:
        packet = self.packets[entry.facts["packet"]]
        assert isinstance(packet, Packet)
        expect(packet.sender == entry.who, "a refund of another one's packet:", entry)
        expect(packet.held is None, "a refund of what is held:", entry)
        expect(packet.open, "a refund of what is closed:", entry)
        expect(self.now() >= packet.expires_at, "a refund too early:", entry)
        left_fen = packet.left_fen
        expect(entry.facts["amount_fen"] == left_fen, "refunded:", entry, "left:", left_fen)
        packet.refunded_fen = left_fen
        self._send_back(entry, packet, left_fen)
        by = entry.by
        if by is not None and by.act in ("refund", "refund_due") and by.request is not None:
            assert entry.who is not None
            part = f"{by.request}/{packet.id}" if by.act == "refund_due" else by.request
            if entry.facts["request_id"] == part:
                self._answered(entry)

    def _send_back(self, entry: Entry, packet: Packet, fen: int) -> None:
        card = packet.card
        if card is not None and card.bound:
            due_at = _working_day_after(entry.at)
            expect(entry.facts["payment"] is not None, "no refund to the card:", entry)
            expect(from_iso(entry.facts["arrives_at"]) == due_at, "arrives at", entry)
            payment = Payment(packet.sender, "refund", fen, card, due_at, packet=packet.id)
            self.sent[entry.facts["payment"]] = payment
            self.payments.append(payment)
        else:
            expect(entry.facts["payment"] is None, "a refund to a card that is gone:", entry)
            self.profiles[packet.sender].balance_fen += fen
        self._use(packet.sender, packet.flow, -fen, packet.paid_at)

    def _check_refund(self, command: Command) -> None:
        packet = self._packet(command)
        if command.who != packet.sender:
            raise Refused(errors.NotYourPacket)
        if packet.finished:
            raise Refused(errors.NothingToRefund)
        if packet.refunded_fen is not None:
            raise Refused(errors.PacketRefunded)
        self._check_hold(packet)
        if self.now() < packet.expires_at:
            raise Refused(errors.PacketNotExpired)

    def _check_terms(self, command: Command) -> None:
        rules, fen, count = self.rules, command.args["fen"], command.args["count"]
        if not 1 <= count <= rules.shares_max:
            raise Refused(errors.InvalidCount)
        if fen < count:
            raise Refused(errors.ShareTooSmall)
        if command.args["kind"] != "lucky" and fen > count * rules.share_max_fen:
            raise Refused(errors.FixedShareAboveCap)
        if fen > rules.packet_max_fen:
            raise Refused(errors.PacketAboveCap)
        if fen > count * rules.share_max_fen:
            raise Refused(errors.ShareAboveCap)

    def _check_recipient(self, command: Command) -> None:
        if command.args["to"] == command.who:
            raise Refused(errors.SelfRecipient)
        if command.args["from"] != "balance":
            self.card(command.who, tail(command.args["from"]))

    def _check_send(self, command: Command) -> None:
        paid_from, fen = command.args["from"], command.args["fen"]
        card = None if paid_from == "balance" else self.card(command.who, tail(paid_from))
        self._check_terms(command)
        self._limit(command.who, "send_balance" if card is None else "send_card", fen)
        if self._is_stopped(command):
            raise Refused(errors.RefusedByRisk)
        if card is None:
            if self.profiles[command.who].balance_fen < fen:
                raise Refused(errors.InsufficientBalance)
        else:
            self._route(card)

    # --- cases -----------------------------------------------------------------------------------

    def _holding(self, payment: str) -> Case | None:
        return next((c for c in self.cases.values() if c.payment == payment and c.is_open), None)

    def _ended(self, entry: Entry) -> None:
        """End a hold: *act* says how."""
        case = self.cases[entry.facts["case"]]
        expect(case.is_open, "a hold ends twice:", entry, case)
        if entry.act in ("released", "returned"):
            expect(self.now() >= case.until, "a hold ends too early:", entry)
            expect(entry.act.startswith(case.ends), "a hold ends as", entry.act, case)
        else:
            self._spoken(entry, case)
        case.state = entry.act
        is_free = entry.act in ("released", "approved")
        if case.what == "withdraw":
            assert case.payment is not None
            if not is_free:
                payment = self.sent[case.payment]
                payment.state = "rejected"
                self._take_back_withdrawal(payment)
                known = self.requests.get((payment.profile, self._request_of(case.payment)))
                if known is not None:
                    known.answer = entry.facts
            return
        self.held_fen -= case.fen
        packet = self.packets[case.packet or ""]
        assert isinstance(packet, Packet)
        if case.what == "claim":
            if is_free:
                self.profiles[case.who].balance_fen += case.fen
            else:
                self._send_back(entry, packet, case.fen)
            return
        packet.held = None
        if not is_free:
            packet.refunded_fen = packet.left_fen
            self._send_back(entry, packet, case.fen)

    _released = _returned = _ended

    def _request_of(self, payment: str) -> str:
        found = (req for (_, req), known in self.requests.items() if known.payment == payment)
        return next(found, "")

    def _approved(self, entry: Entry) -> None:
        case = self.cases.get(entry.facts["case"])
        if case is not None:
            self._ended(entry)

    _rejected = _approved

    def _spoken(self, entry: Entry, case: Case) -> None:
        said = (entry.facts["operator"], entry.facts["verb"])
        expect(self.now() < case.until, "an opinion comes too late:", entry)
        state = self.outcome(case, *said)
        expect(state == entry.facts["case_state"], "a case becomes", entry.facts, "not", state)
        case.said.append(said)

    def outcome(self, case: Case, operator: str, verb: str) -> str:
        """Return what becomes of *case*, where *operator* says *verb*; or raise Refused."""
        if verb == "escalate":
            if case.said and case.said[-1] == (operator, verb):
                raise Refused(errors.SameOperator)
            return "escalated"
        decided = {"approve": "approved", "reject": "rejected"}[verb]
        if case.fen < FOUR_EYES and case.state != "escalated":
            return decided
        standing = None
        for one in case.said:
            standing = None if one[1] == "escalate" or standing is not None else one
        if standing is None:
            return case.state
        if standing[0] == operator:
            raise Refused(errors.SameOperator)
        return decided if standing[1] == verb else "escalated"

    def _opinion(self, entry: Entry) -> None:
        case = self.cases[entry.facts["case"]]
        expect(case.is_open, "an opinion on a closed case:", entry)
        self._spoken(entry, case)
        case.state = entry.facts["case_state"]

    def _escalated(self, entry: Entry) -> None:
        case = self.cases[entry.facts["case"]]
        expect(case.is_open, "an opinion on a closed case:", entry)
        self._spoken(entry, case)
        case.state = "escalated"

    def _check_decision(self, command: Command) -> None:
        case = self.case_of(command)
        if not case.is_open or self.now() >= case.until:
            raise Refused(errors.CaseClosed)
        self.outcome(case, command.args["operator"], command.args["verb"])

    def case_of(self, command: Command) -> Case:
        """Return the case that *command* is about."""
        case = self.cases.get(self.cases_of.get(command.args["case"], ""))
        if case is None:
            raise Refused(errors.CaseNotFound)
        return case

    # --- PINs ------------------------------------------------------------------------------------

    def tried(self, who: str, tries: int, cleared: int, until: datetime | None, by: Any) -> None:
        """Note what was committed of the tries at *who*'s PIN."""
        before_tries, before_cleared = self.pins[who]
        me = self.profiles[who]
        expect(by is not None and by.who == who, "a PIN is tried by another one:", by)
        most = before_tries + 1 + self.uncertain[who]
        # One that was killed may have noted, and not committed, that its try was right.
        is_kept = cleared == before_cleared or before_cleared < cleared < tries
        if (
            before_tries < tries <= most
            and is_kept
            and (cleared == before_cleared or self.uncertain[who])
        ):
            self.uncertain[who] = 0
            self.right[by.number] = me.pin in self._typed(by)
            locked = me.locked_until is not None and self.now() < me.locked_until
            expect(not locked, "a locked PIN is tried:", who)
            locks, odd = divmod(tries - cleared, self.rules.attempts_max)
            if odd:
                expect(until is None, "a PIN is locked until", until)
            else:
                hours = min(self.rules.lock_hours * 2 ** (locks - 1), self.rules.lock_hours * 16)
                locked_until = self.now() + timedelta(hours=hours)
                expect(until == locked_until, "a PIN is locked until", until, "not", locked_until)
        elif cleared > before_cleared:
            expect(self.right.get(by.number, False), "a wrong PIN is cleared:", by)
            expect(cleared <= tries == before_tries, "cleared", cleared, "of", tries)
        else:
            is_undone = by.fault is not None and (tries, cleared) >= (0, before_cleared)
            expect(is_undone, "tries go from", (before_tries, before_cleared), (tries, cleared))
        self.pins[who] = tries, cleared
        me.locked_until = until

    def _typed(self, command: Command) -> set[str]:
        """Return the PINs that *command* may show: a change that was done asks for the new one."""
        is_done = (command.who, command.request) in self.requests
        new = {command.args["new"]} if command.act == "pin_change" and is_done else set()
        return {command.pin, *new}

    def _pin_phase(self, command: Command) -> None:
        me = self.profiles[command.who]
        tries, cleared = self.pins[command.who]
        if me.locked_until is not None and self.now() < me.locked_until:
            raise Refused(errors.PinLocked)
        if command.pin != me.pin:
            if (tries + 1 - cleared) % self.rules.attempts_max == 0:
                raise Refused(errors.PinLocked)
            raise Refused(errors.WrongPin)

    # --- what a command may be refused with ------------------------------------------------------

    def phases(self, command: Command) -> list[type[errors.HongbaoError] | None]:
        """Return what each phase of *command* would be refused with now, in their order."""
        checks: dict[str, list[Callable[[Command], object]]] = {
            "topup": [self._has_card, self._pin_phase, self._check_topup],
            "withdraw": [self._has_card, self._pin_phase, self._check_withdraw],
            "send": [self._check_terms, self._check_recipient, self._pin_phase, self._check_send],
            "claim": [self._check_claim],
            "refund": [self._check_refund],
            "card_add": [self._pin_phase, lambda c: self._check_free(c.args["card"])],
            "card_remove": [self._owns_card, self._pin_phase, self._owns_card],
            "identify": [self._pin_phase, self._check_identity],
            "pin_change": [self._pin_phase],
            "decide": [self._check_decision],
            "lock": [self._pin_phase],
            "device_add": [self._check_device, self._pin_phase, self._check_device],
            "device_approve": [self._check_device, self._pin_phase, self._check_device],
            "device_remove": [self._check_device, self._pin_phase, self._check_device],
            "join": [self._check_new],
        }
        found: list[type[errors.HongbaoError] | None] = []
        if command.who not in self.profiles and command.act not in ("join", "restore"):
            return [errors.ProfileNotFound]
        known = self.requests.get((command.who, command.request or ""))
        if known is not None:
            if known.inputs != command.inputs:
                found.append(errors.RequestConflict)
            if command.act == "pin_change" and known.refusal is None:
                checks = {"pin_change": [self._pin_phase]}
                command = command.but(pin=command.args["new"])
            else:
                return found
        for check in checks.get(command.act, []):
            try:
                check(command)
            except Refused as refused:
                found.append(refused.error)
            else:
                found.append(None)
        return found

    def _has_card(self, command: Command) -> None:
        self.card(command.who, tail(command.args["card"]))

    def _owns_card(self, command: Command) -> None:
        self.card(command.who, tail(command.args["card"]))

    def _check_new(self, command: Command) -> None:
        if command.args["name"] in self.profiles:
            raise Refused(errors.NameTaken)

    # --- questions -------------------------------------------------------------------------------

    def balance_of(self, who: str) -> dict[str, int]:
        """Return what `balance` says of *who* now."""
        if who not in self.profiles:
            return {}
        mine = [p for p in self.packets.values() if p.sender == who and p.open]
        free = [p for p in mine if not self._is_held(p)]
        due_fen = sum(p.left_fen for p in free if p.expires_at <= self.now())
        return {
            "available_fen": self.profiles[who].balance_fen,
            "frozen_fen": sum(p.left_fen for p in free) - due_fen,
            "due_back_fen": due_fen,
        }

    def _is_held(self, packet: Sent) -> bool:
        assert isinstance(packet, Packet)
        return packet.held is not None

    def money_fen(self) -> dict[str, int]:
        """Return what the platform owes people, by kind of account."""
        return {
            "balance": sum(me.balance_fen for me in self.profiles.values()),
            "packet": sum(
                p.left_fen for p in self.packets.values() if p.open and not self._is_held(p)
            ),
            "held": self.held_fen,
            "pending": sum(
                p.fen + getattr(p, "fee_fen", 0)
                for p in self.payments
                if p.reason in ("withdraw", "refund") and p.state not in FINAL
            ),
            "fees": self.fees_fen,
        }

    def came_back(self, copy: "Books") -> "Books":
        """Return *copy*, restored: what was tried at PINs since stays tried."""
        back = copy.copy()
        for who, tried in self.pins.items():
            if who in back.pins and tried > back.pins[who]:
                back.pins[who] = tried
                back.profiles[who].locked_until = self.profiles[who].locked_until
        return back


def tail(card: str | None) -> str | None:
    """Return what a person calls a card by."""
    return None if card is None else card[-4:]
