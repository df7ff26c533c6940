"""All acts in any order, against a model in plain Python; the books are looked at after each."""

import copy
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hongbao import errors
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.domain.pin import Pin
from hongbao.domain.policy import parse_policy
from hongbao.policies import text_of
from hongbao.units import iso
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.wallet.guards import pack_of
from tests.wallet.model import Model, Payment, Refused, Rules, Sent, Then
from tests.wallet.world import PIN, WRONG, YUAN, World, card, id_number, tail

NAMES = ("Zhang", "Li", "Wang", "Zhao")
NUMBERS = (card(0, 1), card(1, 2), card(2, 3))
PERSONS = (("张三", id_number(1)), ("李四", id_number(2)))
OTHER_PIN = "975312"
STEPS = ("entry", "message", "bank_message", "habit")
"""What a payment leaves that its bank has declined: the record of it, and nothing else."""

ARRIVALS = ("account", "transfer", "bank_line")
"""What else a refund leaves that reaches its card."""

COUNTER = 7
"""Its column in a device: it has signed that it asked for the payment."""

PIN_COLUMNS = range(7, 11)
"""Its column: a right PIN has its hash renewed after a rekey, whatever it was asked for."""

STRICT_TEXT = (
    text_of("standard")
    .replace('name = "standard"', 'name = "strict"', 1)
    .replace('share_max = "200.00"', 'share_max = "50.00"')
    .replace("shares_max = 100", "shares_max = 4")
    .replace('total_max = "20000.00"', 'total_max = "150.00"')
    .replace("expires_hours = 24", "expires_hours = 2")
    .replace('amount = "1000.00"', 'amount = "120.00"')
    .replace('amount = "200000.00"', 'amount = "300.00"')
    .replace("attempts_max = 5", "attempts_max = 2")
    .replace("lock_hours = 3", "lock_hours = 1")
    .replace('free = "1000.00"', 'free = "10.00"')
    .replace("sender_may_claim_group = true", "sender_may_claim_group = false")
    .replace("profiles_per_person = 5", "profiles_per_person = 1", 1)
)
STANDARD, STRICT = parse_policy(text_of("standard"), "test"), parse_policy(STRICT_TEXT, "test")
RULES = {
    STANDARD: Rules("standard@2"),
    STRICT: Rules(
        "strict@2",
        share_max_fen=50 * YUAN,
        shares_max=4,
        packet_max_fen=150 * YUAN,
        expires_hours=2,
        unverified_day_fen=120 * YUAN,
        verified_year_fen=300 * YUAN,
        attempts_max=2,
        lock_hours=1,
        free_fen=10 * YUAN,
        sender_may_claim=False,
        profiles_max=1,
    ),
}

people = st.sampled_from(NAMES)
numbers = st.sampled_from(NUMBERS)
rights = st.sampled_from((True,) * 11 + (False,))
"""Whether the PIN that is typed is the right one."""

small = st.sampled_from((1, 2, 3, 10, 99, 5 * YUAN, 7 * YUAN, 10 * YUAN)) | st.integers(1, 3000)
amounts = small | st.sampled_from(
    (50 * YUAN, 120 * YUAN, 150 * YUAN, 200 * YUAN, 400 * YUAN, 1000 * YUAN)
)
hours = st.sampled_from((0, 0, 1, 2, 3, 5, 11, 23, 24, 25, 24 * 40, 24 * 330))
names_requests = st.booleans()


class Desk(RuleBasedStateMachine):
    """One home, and what the model says it should be."""

    made: type[World] = World

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hongbao-"))
        self.world = self.made(self.folder / "home")
        self.model = Model(self.world.at, RULES[STANDARD])
        self.desks: dict[str, Wallet] = {}
        self.db: Any = None
        self.before: dict[str, Any] = {}
        self.done: list[tuple[str, str, Callable[..., Any], Any]] = []
        self.declined: list[tuple[str, str, Callable[..., Any], errors.HongbaoError]] = []
        self.copies: list[tuple[Path, Model, list[Any], list[Any]]] = []
        self.asked_pin = False
        self.steps = 0

    def teardown(self) -> None:
        try:
            if self.model.profiles:
                assert {} == self.world.findings()
        finally:
            self._close()
            shutil.rmtree(self.folder)

    # --- how an act is done ----------------------------------------------------------------------

    def _close(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.desks.clear()
        self.world.close()
        if self.db is not None:
            self.db.close()
            self.db = None

    def _desk(self, name: str) -> Wallet:
        if name not in self.desks:
            self.desks[name] = Wallet.open(self.world.env, profile=name)
        return self.desks[name]

    def _dump(self) -> dict[str, Any]:
        if self.db is None:
            self.db = self.world.raw()
        return self.world.dump_of(self.db)

    def _digits(self, who: str, right: bool) -> str:
        return self.model.profiles[who].pin if right else WRONG

    def _pin(self, digits: str) -> Callable[[], Pin]:
        def asked() -> Pin:
            self.asked_pin = True
            return Pin(digits)

        return asked

    def _do(
        self,
        who: str,
        named: bool,
        expected: Callable[[], Then],
        act: Callable[..., Any],
        *,
        many: bool = False,
    ) -> None:
        """
        Have the desk *act* and the model say what is *expected*: the same answer or refusal.

        A refusal changes nothing but the counter of a PIN that was asked for, and where it was
        for good and the request *named*, the one row that remembers it. What a bank has declined
        leaves the steps that it took, and who pays has refunds that are due arrive first.
        """
        request = f"r{self.steps}" if named else None
        self.asked_pin = False
        model = copy.deepcopy(self.model)
        try:
            then, refusal = expected(), None
        except Refused as refused:
            then, refusal = None, refused
        if then is None or refusal is not None:
            assert refusal is not None
            with pytest.raises(refusal.error) as told:
                act(self._desk(who), request_id=request)
            assert refusal.error is type(told.value)
            arrived = len(waiting(model)) > len(waiting(self.model))
            self._expect_unchanged(
                remembered=named and told.value.final, declined=refusal.declined, arrived=arrived
            )
            if request is not None and refusal.declined:
                self.declined.append((who, request, act, told.value))
            return
        answer = act(self._desk(who), request_id=request)
        then(answer)
        assert "replayed" not in answer
        if request is not None and answer.get("refunds") != []:  # nothing due is nothing done
            self.done.append((who, request, act, answer))
        if not many:
            assert self.model.entries > model.entries

    def _expect_unchanged(
        self, *, remembered: bool = False, declined: bool = False, arrived: bool = False
    ) -> None:
        after, before = self._dump(), dict(self.before)
        if self.asked_pin:  # behind new keys its hash is renewed, whatever it was asked for
            renewed = {row[0] for row in after["entry"] if row[1] == "pin_renewed"}
            for rows in (before, after):
                rows["entry"] = [row for row in rows["entry"] if row[0] not in renewed]
                rows["sealed_row"] = [row for row in rows["sealed_row"] if row[2] not in renewed]
        if remembered:
            assert len(before.pop("refusal")) + 1 == len(after.pop("refusal"))
        if declined or arrived:
            for rows in (before, after):
                for table in STEPS + (ARRIVALS if arrived else ()):
                    del rows[table]
                rows["device"] = [(*row[:COUNTER], *row[COUNTER + 1 :]) for row in rows["device"]]
                for table in ("usage", "usage_year"):  # counted, and given back
                    rows[table] = [row for row in rows[table] if row[3]]
        if self.asked_pin:
            before["profile"], after["profile"] = without_pins(before), without_pins(after)
        assert before == after

    # --- people ----------------------------------------------------------------------------------

    @initialize(count=st.integers(1, 3), virtual=st.booleans())
    def begin(self, count: int, virtual: bool) -> None:
        for name in NAMES[:count]:
            clock = self.world.at if virtual and name == NAMES[0] else None
            self.model.join(name)({})
            self.world.found(name, policy=STANDARD, clock=clock)
            if name == NAMES[0]:  # as much in one moment as no person does: see test_guards_machine
                self.world.open().use_risk_pack(pack_of("no-rules"))
                self.model.entered()
        if virtual:
            self.model.virtual_at = self.world.at
        for name, number in zip(NAMES[:count], NUMBERS, strict=False):
            self.add_card(name, number, right=True, named=False)
            self.move(name, "topup", 500 * YUAN, None, right=True, named=False)

    @rule(name=people)
    def join(self, name: str) -> None:
        try:
            then = self.model.join(name)
        except Refused as refused:
            with pytest.raises(refused.error):
                self.world.found(name)
            self._expect_unchanged()
            return
        self.world.found(name)
        then({})

    def _who(self, name: str) -> str:
        """Return *name*, or the first profile where nobody is called that yet."""
        return name if name in self.model.profiles else NAMES[0]

    @rule(
        name=people,
        person=st.integers(0, 1),
        other=st.booleans(),
        right=rights,
        named=names_requests,
    )
    def identify(self, name: str, person: int, other: bool, right: bool, named: bool) -> None:
        who, (real_name, number) = self._who(name), PERSONS[person]
        pin = self._digits(who, right)
        real_name = PERSONS[1 - person][0] if other and person else real_name
        self._do(
            who,
            named,
            lambda: self.model.identify(who, real_name, number, pin),
            lambda desk, **o: desk.identify(real_name, number, pin=self._pin(pin), **o),
        )

    @rule(name=people, right=rights, new=st.sampled_from((PIN, OTHER_PIN)))
    def change_pin(self, name: str, right: bool, new: str) -> None:
        who = self._who(name)
        old = self._digits(who, right)
        self._do(
            who,
            False,
            lambda: self.model.change_pin(who, old, new),
            lambda desk, **o: desk.change_pin(self._pin(old), self._pin(new), **o),
        )

    @rule(name=people)
    def use(self, name: str) -> None:
        who = self._who(name)
        self._desk(who).use(who)
        assert who == self.world.open().me.name

    # --- cards and money -------------------------------------------------------------------------

    @rule(name=people, number=numbers, right=rights, named=names_requests)
    def add_card(self, name: str, number: str, right: bool, named: bool) -> None:
        who = self._who(name)
        pin = self._digits(who, right)
        self._do(
            who,
            named,
            lambda: self.model.add_card(who, number, pin),
            lambda desk, **o: desk.add_card(number, pin=self._pin(pin), **o),
        )

    @rule(name=people, number=numbers, right=rights, named=names_requests)
    def remove_card(self, name: str, number: str, right: bool, named: bool) -> None:
        who = self._who(name)
        pin = self._digits(who, right)
        self._do(
            who,
            named,
            lambda: self.model.remove_card(who, tail(number), pin),
            lambda desk, **o: desk.remove_card(tail(number), pin=self._pin(pin), **o),
        )

    @rule(
        name=people,
        act=st.sampled_from(("topup", "withdraw")),
        fen=amounts | st.just(100_000 * YUAN),
        number=st.none() | numbers,
        right=rights,
        named=names_requests,
    )
    def move(
        self, name: str, act: str, fen: int, number: str | None, right: bool, named: bool
    ) -> None:
        who, called = self._who(name), None if number is None else tail(number)
        pin = self._digits(who, right)
        self._do(
            who,
            named,
            lambda: getattr(self.model, act)(who, fen, called, pin),
            lambda desk, **o: getattr(desk, act)(fen, card=called, pin=self._pin(pin), **o),
        )

    @rule(name=people, by_send=st.booleans(), named=names_requests)
    def ask_too_much(self, name: str, by_send: bool, named: bool) -> None:
        """Ask a card for more than it has."""
        who = self._who(name)
        cards = self.model.cards(who)
        if not cards:
            return
        number = cards[0].number
        if by_send and self.model.deposits[number] > 1:
            fen = self.model.deposits[number] - 1
            self.move(who, "topup", fen, number, right=True, named=False)
            self.before = self._dump()
        fen = self.model.deposits[number] + 1
        if by_send:
            kind, deal = PacketKind.LUCKY, DealRule.DOUBLE_MEAN
            self.send(who, fen, 1, kind, deal, who, tail(number), right=True, named=named)
        else:
            self.move(who, "topup", fen, number, right=True, named=named)

    # --- packets ---------------------------------------------------------------------------------

    @rule(
        name=people,
        fen=amounts,
        count=st.sampled_from((1, 2, 2, 3, 4, 5, 101)),
        kind=st.sampled_from(PacketKind),
        deal=st.sampled_from((DealRule.DOUBLE_MEAN, DealRule.SHUFFLED)),
        to=people,
        paid_from=st.just("balance") | st.just("balance") | numbers.map(tail),
        right=rights,
        named=names_requests,
    )
    def send(
        self,
        name: str,
        fen: int,
        count: int,
        kind: PacketKind,
        deal: DealRule,
        to: str,
        paid_from: str,
        right: bool,
        named: bool,
    ) -> None:
        who, recipient = self._who(name), None
        pin = self._digits(who, right)
        if kind is PacketKind.EXCLUSIVE:
            count, recipient = 1, self._who(to)
        elif kind is PacketKind.EQUAL:
            fen = max(fen // count, 1) * count
        self._do(
            who,
            named,
            lambda: self.model.send(who, fen, count, str(kind), recipient, paid_from, pin),
            lambda desk, **o: desk.send(
                fen,
                count=count,
                kind=kind,
                deal=deal,
                recipient=recipient,
                paid_from=paid_from,
                pin=self._pin(pin),
                **o,
            ),
        )

    @rule(name=people, fen=small, count=st.integers(1, 4), by_card=st.booleans())
    def give(self, name: str, fen: int, count: int, by_card: bool) -> None:
        """Send a packet that nothing speaks against, most of the time."""
        who = self._who(name)
        cards = self.model.cards(who)
        self.send(
            who,
            fen * count,
            count,
            PacketKind.LUCKY,
            DealRule.DOUBLE_MEAN,
            who,
            tail(cards[0].number) if by_card and cards else "balance",
            right=True,
            named=False,
        )

    @rule(name=people, fen=small, count=st.integers(1, 4), by_card=st.booleans())
    def party(self, name: str, fen: int, count: int, by_card: bool) -> None:
        """Send a packet that everyone claims at once."""
        self.give(name, fen, count, by_card)
        if self.model.packets:
            self.everyone_claims(0)

    def _packet(self, place: int) -> Sent:
        """Return one of the packets: mostly a late one, that is likely to be open."""
        packets = list(self.model.packets.values())
        return packets[max(len(packets) - 1 - place, 0)]

    @precondition(lambda self: self.model.packets)
    @rule(name=people, place=st.integers(0, 5), named=names_requests)
    def claim(self, name: str, place: int, named: bool) -> None:
        who, packet = self._who(name), self._packet(place)
        self._do(
            who,
            named,
            lambda: self.model.claim(who, packet),
            lambda desk, **o: desk.claim(packet.id, **o),
        )

    @precondition(lambda self: self.model.packets)
    @rule(place=st.integers(0, 5))
    def everyone_claims(self, place: int) -> None:
        for name in list(self.model.profiles):
            self.before = self._dump()
            self.claim(name, place, named=False)

    @precondition(lambda self: self.model.packets)
    @rule(name=people, kind=st.sampled_from(("refund", "turn")))
    def the_last_one_expires(self, name: str, kind: str) -> None:
        """Go to the instant at which the last packet expires, and claim it and fetch it back."""
        packet = self._packet(0)
        if self.model.virtual_at is None and kind == "refund":
            self.world.at = max(self.world.at, packet.expires_at)
            self.model.system_at = self.world.at
        elif self.model.virtual_at is not None and packet.expires_at > self.model.now():
            self.turn_the_homes_clock(0, 0)
            self._turn(packet.expires_at)
        self.before = self._dump()
        self.claim(name, 0, named=False)
        self.before = self._dump()
        self.refund(name, 0, named=False, mine=True)

    @precondition(lambda self: self.model.packets)
    @rule(name=people, place=st.integers(0, 5), named=names_requests, mine=st.booleans())
    def refund(self, name: str, place: int, named: bool, mine: bool) -> None:
        packet = self._packet(place)
        who = packet.sender if mine else self._who(name)
        self._do(
            who,
            named,
            lambda: self.model.refund(who, packet),
            lambda desk, **o: desk.refund(packet.id, **o),
        )

    @precondition(lambda self: bool(waiting(self.model)))
    @rule(goes=st.booleans(), name=people)
    def a_refund_arrives(self, goes: bool, name: str) -> None:
        """Go to the instant at which a refund reaches its card, which may be gone by then."""
        payment = waiting(self.model)[0]
        if goes and payment.card.bound:
            number = payment.card.number
            self.remove_card(payment.profile, number, right=True, named=False)
        if self.model.virtual_at is None:
            self.world.at = max(self.world.at, payment.due_at)
            self.model.system_at = self.world.at
        elif payment.due_at > self.model.now():
            self._turn(payment.due_at)
        self.before = self._dump()
        self.refund_due(name, named=False)

    @rule(name=people, fen=small, count=st.integers(1, 4), goes=st.booleans())
    def there_and_back(self, name: str, fen: int, count: int, goes: bool) -> None:
        """Send a packet by card that nobody wants, up to the day on which its money is back."""
        self.give(name, fen, count, by_card=True)
        if self.model.packets:
            self.before = self._dump()
            self.the_last_one_expires(name, "refund")
        if waiting(self.model):
            self.before = self._dump()
            self.a_refund_arrives(goes, name)

    @rule(name=people, named=names_requests)
    def refund_due(self, name: str, named: bool) -> None:
        who = self._who(name)
        self._do(
            who,
            named,
            lambda: self.model.refund_due(who),
            lambda desk, **o: desk.refund_due(**o),
            many=True,
        )

    # --- time ------------------------------------------------------------------------------------

    @rule(by=hours, micros=st.integers(-1, 1), back=st.booleans())
    def turn_the_system_clock(self, by: int, micros: int, back: bool) -> None:
        turned = timedelta(hours=by, microseconds=micros)
        self.world.at += -turned / 7 if back else turned
        self.model.system_at = self.world.at

    @precondition(lambda self: self.model.virtual_at is not None or self.steps % 9 == 8)
    @rule(by=hours, micros=st.integers(-1, 1))
    def turn_the_homes_clock(self, by: int, micros: int) -> None:
        at = self.model.now() + timedelta(hours=by, microseconds=micros)
        try:
            self._turn(at)
        except Refused as refused:
            with pytest.raises(refused.error):
                self._desk(NAMES[0]).set_clock(at)
            self._expect_unchanged()

    def _turn(self, at: datetime) -> None:
        back, arrived, batches = self.model.turn(at)
        told = self._desk(NAMES[0]).set_clock(at)
        assert back == [refund["packet"] for refund in told["refunds"]]
        assert arrived == [line["packet"] for line in told["resolved"]]
        assert batches == len(told["settled"])

    @rule(name=people, dry_run=st.booleans())
    def settle(self, name: str, dry_run: bool) -> None:
        desk = self._desk(self._who(name))
        model = copy.deepcopy(self.model) if dry_run else self.model
        batches, settled_fen = model.batches, model.settled_fen

        arrived = model.settle()
        told = desk.settle(dry_run=dry_run)

        assert arrived == [line["packet"] for line in told["resolved"]]
        assert (model.batches > batches) == (told["batch"] is not None)
        assert model.settled_fen - settled_fen == told["gross_fen"]
        if dry_run:
            self._expect_unchanged()

    # --- the same again --------------------------------------------------------------------------

    @precondition(lambda self: self.done)
    @rule(place=st.integers(0, 8))
    def ask_again(self, place: int) -> None:
        """An act that was done is answered as it was, and nothing is done twice."""
        who, request, act, answer = self.done[-1 - place % len(self.done)]
        self.asked_pin = False
        arrived = False
        refunds = answer.get("refunds", ())
        if "refunds" in answer and request not in {each["request_id"] for each in refunds}:
            if not refunds or self.model.due(who):
                return  # of everything due: by now there is more
            arrived = bool(self.model.deliver(who))

        again = act(self._desk(who), request_id=request)

        assert again.pop("replayed") is True
        for refund in again.get("refunds", ()):
            assert refund.pop("replayed") is True
        assert answer == again
        assert not self.asked_pin
        self._expect_unchanged(arrived=arrived)

    @precondition(lambda self: self.declined)
    @rule(place=st.integers(0, 3))
    def ask_again_what_was_declined(self, place: int) -> None:
        """What a bank has declined is told as it was, and it is not asked a second time."""
        who, request, act, error = self.declined[-1 - place % len(self.declined)]
        self.asked_pin = False

        with pytest.raises(type(error)) as again:
            act(self._desk(who), request_id=request)

        assert error.as_dict() == again.value.as_dict()
        assert not self.asked_pin
        self._expect_unchanged()

    @precondition(lambda self: self.done)
    @rule(place=st.integers(0, 8), fen=st.integers(60_000, 60_100))
    def ask_for_something_else(self, place: int, fen: int) -> None:
        who, request, _, _ = self.done[-1 - place % len(self.done)]
        self.asked_pin = False

        with pytest.raises(errors.RequestConflict):
            self._desk(who).topup(fen, pin=self._pin(PIN), request_id=request)

        assert not self.asked_pin
        self._expect_unchanged()

    # --- the home --------------------------------------------------------------------------------

    @rule()
    def reopen(self) -> None:
        self._close()

    @rule(policy=st.sampled_from((STANDARD, STRICT)), seldom=st.integers(0, 4))
    def use_policy(self, policy: Any, seldom: int) -> None:
        if seldom:
            return
        self._do(
            NAMES[0],
            False,
            lambda: self.model.use_policy(RULES[policy]),
            lambda desk, **o: desk.use_policy(policy, **o),
        )

    @rule(seldom=st.integers(0, 3))
    def rekey(self, seldom: int) -> None:
        if seldom:
            return
        self._close()
        told = self._desk(NAMES[0]).rekey()
        self.model.entered()
        self.model.generation += 1
        self.declined.clear()
        self.done.clear()  # blind indexes are new: a card is asked for in other words now
        assert self.model.generation == told["generation"]

    @rule()
    def backup(self) -> None:
        file = self.folder / f"copy{self.steps}"
        self._desk(NAMES[0]).backup(file)
        kept = (list(self.done), list(self.declined))
        self.copies.append((file, copy.deepcopy(self.model), *kept))

    @precondition(lambda self: self.copies)
    @rule(place=st.integers(0, 3), seldom=st.integers(0, 2))
    def restore(self, place: int, seldom: int) -> None:
        if seldom:
            return
        self._close()
        file, model, done, declined = self.copies[-1 - place % len(self.copies)]
        if model.generation != self.model.generation:
            with pytest.raises(errors.Damaged):
                restore(self.world.env, file, accept_older=lambda *_: True)
            self._expect_unchanged()
            return
        restore(self.world.env, file, accept_older=lambda *_: True)
        self.model.restored(model)
        self.done, self.declined = list(done), list(declined)

    # --- after every step ------------------------------------------------------------------------

    @invariant()
    def the_books_are_as_the_model_has_them(self) -> None:
        if not self.model.profiles:
            return
        self.steps += 1
        rows = self.before = self._dump()
        check_books(rows)
        check_model(rows, self.model)
        who = list(self.model.profiles)[self.steps % len(self.model.profiles)]
        check_balance(self._desk(who).balance(), self.model, who)
        if self.steps % 6 == 0:
            assert {} == self.world.findings()


def without_pins(rows: dict[str, Any]) -> list[Any]:
    return [
        [value for place, value in enumerate(row) if place not in PIN_COLUMNS]
        for row in rows["profile"]
    ]


def check_books(rows: dict[str, Any]) -> None:
    """Nothing is made or lost, nothing is below zero, accounts are the sum of their transfers."""
    moved: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for _, _, _, debit, credit, fen, _ in rows["transfer"]:
        moved[debit][0] += fen
        moved[credit][1] += fen
    books: defaultdict[str, int] = defaultdict(int)
    for number, book, _, _, side, debits_fen, credits_fen in rows["account"]:
        assert [debits_fen, credits_fen] == moved[number]
        assert debits_fen <= credits_fen if side == "credit" else credits_fen <= debits_fen
        books[book] += credits_fen - debits_fen
    assert set(books.values()) <= {0}


def check_model(rows: dict[str, Any], model: Model) -> None:
    """Every balance, card, packet and counter is what the model says."""
    held = {row[1:4]: abs(row[6] - row[5]) for row in rows["account"]}
    names = {row[0]: row[1] for row in rows["profile"]}
    persons = {row[3]: model.profiles[row[1]].person for row in rows["profile"]}

    balances = {row[1]: held["platform", "balance", row[0]] for row in rows["profile"]}
    assert {p.name: p.balance_fen for p in model.profiles.values()} == balances
    deposits = [held[row[1], "deposit", row[0]] for row in rows["deposit"]]
    assert sorted(model.deposits.values()) == sorted(deposits)
    assert model.fees_fen == sum(fen for (_, kind, _), fen in held.items() if kind == "fees")
    renewed = [row for row in rows["entry"] if row[1] == "pin_renewed"]  # behind new keys
    assert model.entries == len(rows["entry"]) - len(renewed)
    packets = {
        row[1]: (
            held["platform", "packet", row[0]],
            *(names[row[3]], row[16], row[17], row[18] is None),
        )
        for row in rows["packet"]
    }
    assert packets == {
        packet.id: (
            packet.left_fen if packet.open else 0,
            packet.sender,
            packet.total_fen - packet.left_fen,
            len(packet.shares),
            packet.open,
        )
        for packet in model.packets.values()
    }
    cards = {row[0]: row[2] for row in rows["card"]}
    payments = [
        (names[row[5]], row[7], row[8], cards[row[4]], row[16], row[18] is not None)
        for row in rows["message"]
    ]
    assert payments == [
        (p.profile, p.reason, p.fen, p.card.name, p.state, p.settled) for p in model.payments
    ]
    assert model.batches == len(rows["batch"])
    for bank, number in BANK_NUMBERS.items():
        for inward, ours, theirs in (
            (True, "incoming", "outgoing"),
            (False, "outgoing", "incoming"),
        ):
            fen = model.in_transit_fen(bank, inward=inward)
            assert fen == held_by(rows, "platform", ours, number) == held_by(rows, bank, theirs)
    used = {(persons[who], flow, day): fen for who, flow, day, fen in rows["usage"] if fen}
    assert {key: fen for key, fen in model.used.items() if fen} == used
    tries = {row[1]: row[8] - row[9] for row in rows["profile"]}
    assert {p.name: p.tries for p in model.profiles.values()} == tries


def held_by(rows: dict[str, Any], book: str, kind: str, owner: int = 0) -> int:
    return sum(
        abs(row[6] - row[5]) for row in rows["account"] if (book, kind, owner) == tuple(row[1:4])
    )


def check_balance(told: Any, model: Model, name: str) -> None:
    """What a person is told of their money is where the model has it."""
    mine = [packet for packet in model.packets.values() if packet.sender == name and packet.open]
    expired = [packet for packet in mine if packet.expires_at <= model.now()]
    available_fen = model.profiles[name].balance_fen
    due_back_fen = sum(packet.left_fen for packet in expired)
    frozen_fen = sum(packet.left_fen for packet in mine) - due_back_fen
    on_its_way_fen = model.on_its_way_fen(name)
    assert {
        "profile": name,
        "available_fen": available_fen,
        "withdrawable_fen": available_fen,
        "withdrawable_later_fen": 0,
        "withdrawable_from": None,
        "frozen_fen": frozen_fen,
        "held_fen": 0,
        "due_back_fen": due_back_fen,
        "on_its_way_fen": on_its_way_fen,
        "unanswered": 0,
        "total_fen": available_fen + frozen_fen + due_back_fen + on_its_way_fen,
        "at": iso(model.now()),
    } == told


def waiting(model: Model) -> list[Payment]:
    return [payment for payment in model.payments if payment.state == "created"]


def test_all_acts_in_any_order_do_what_the_model_does():
    """
    Four lives of a home by default; under ``explore`` many more.
    """
    default = settings()
    explore = default.max_examples > 100
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=300 if explore else 4,
            stateful_step_count=60 if explore else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Making a failing life shorter takes minutes, each of its acts being a real one; the
            # first that fails is told as it was, which is short enough to be read.
            phases=(Phase.generate,),
            report_multiple_bugs=False,
        ),
    )
