"""
One life of a home, from one seed: rounds of commands, each of which the model looks at.

A round is what one process does, or what several do at once, under the scheduler. Between two
rounds nobody is doing anything: that is where money is counted and books are compared.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from hongbao import errors
from hongbao.domain.facts import Columns
from hongbao.domain.policy import Policy
from hongbao.env import Env
from hongbao.errors import HongbaoError
from hongbao.errors.base import PinError
from hongbao.render import render
from hongbao.units import from_micros, iso
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from hongbao.wallet.restoring import restore
from tests.simulation.commands import (
    ALONE,
    ASKS_PIN,
    COMMANDS,
    MINE,
    PASSPHRASE,
    Command,
)
from tests.simulation.model import (
    HELD,
    HELD_BACK,
    HELD_SHARE,
    STOPPED,
    Books,
    Entry,
    Known,
    Mismatch,
    expect,
)
from tests.simulation.scheduler import Deadlock, Draws, Killed, Scheduler
from tests.wallet.guards import _rule, exactly, pack_of
from tests.wallet.model import Refused
from tests.wallet.test_machine import RULES, STANDARD, STRICT
from tests.wallet.world import CHEAP, NOON, below

PACKS = {
    "simulated": pack_of(
        "simulated",
        _rule("refuse", exactly(STOPPED), '"send", "give", "topup", "withdraw"'),
        _rule(
            "hold",
            exactly(HELD),
            '"send", "give", "withdraw"',
            'hold_hours = 24\nthen = "release"',
        ),
        _rule(
            "hold",
            exactly(HELD_BACK),
            '"send", "give", "withdraw"',
            'hold_hours = 24\nthen = "return"',
            name="back",
        ),
        _rule(
            "hold",
            exactly(HELD_SHARE),
            '"claim"',
            'hold_hours = 24\nthen = "release"',
            name="share",
        ),
    ),
    "no-rules": pack_of("no-rules"),
}
POLICIES: dict[str, Policy] = {"standard": STANDARD, "strict": STRICT}
DECLINED = (
    errors.InsufficientCard,
    errors.BankDeclined,
    errors.CardAccountClosed,
    errors.PaymentReversed,
    errors.BankDown,
    errors.WithdrawalHeldBack,
)
"""What a payment may come to, other than its answer."""

BY_CARD = frozenset({"topup", "withdraw", "send"})
AT_ONCE = frozenset({"claim", "card_add", "card_remove", "identify", "pin_change"}) | frozenset(
    {"device_add", "device_approve", "device_remove"}
)
"""Acts of one entry: where that stands, the command says that it is done."""

ADMITTED: dict[str, tuple[type[HongbaoError], ...]] = {
    "clock": (errors.ClockBackwards,),
    "operator_add": (errors.OperatorExists, errors.OperatorNeeded),
    "decide": (errors.CaseClosed, errors.SameOperator, errors.OperatorNotFound),
    "correct": (errors.DifferenceNotFound, errors.InsufficientCard),
    "policy": (errors.OperatorNotFound, errors.RulesNeedOperator),
    "risk": (errors.OperatorNotFound, errors.RulesNeedOperator),
    "refund_due": (errors.PacketRefunded,),
    "rekey": (errors.HomeLocked,),  # one that was opened before it was locked has no passphrase
    "device_add": (errors.DeviceKeyMissing,),
    "device_approve": (errors.DeviceKeyMissing,),
}
"""Refusals that the model does not foresee."""


class Skipped(Exception):
    """What the command is about was never made: the command before was left out."""


@dataclass
class Round:
    """What is done at once, and who was given the turn at which turn."""

    commands: list[Command]
    switches: dict[int, int] | None = None


@dataclass
class Outcome:
    """What a command came to: its answer, its refusal, or how it ended otherwise."""

    kind: str
    answer: Any = None
    error: BaseException | None = None

    def __str__(self) -> str:
        if isinstance(self.error, HongbaoError):
            return type(self.error).__name__
        return self.kind if self.error is None else f"{self.kind} {self.error!r}"


@dataclass
class Flight:
    """A command under way: what it may be refused with in each state that it has seen."""

    command: Command
    first: list[type[HongbaoError] | None]
    seen: set[type[HongbaoError]] = field(default_factory=set)
    moved: int = 0
    entries: list[Entry] = field(default_factory=list)
    balances: list[dict[str, int]] = field(default_factory=list)
    was_pending: bool = False
    is_stale: bool = False
    alone: bool = False
    tried: int = 0
    is_uncertain: bool = False
    turns: list[int] = field(default_factory=list)


class Failed(Exception):
    """The simulation found something: *what*, in the round *place*, at *command*."""

    def __init__(self, what: str, place: int, command: Command | None) -> None:
        super().__init__(what)
        self.what, self.place, self.command = what, place, command

    @property
    def kind(self) -> str:
        """What sort of failure it is: two of one sort are the same to a shrinker."""
        words = [word for word in self.what.split() if word.isalpha() or word.endswith(":")]
        act = self.command.act if self.command else ""
        return f"{act}: {' '.join(words[:5])}"


class Life:
    """A home, its model, and the processes that are open."""

    schedules: type[Scheduler] = Scheduler

    def __init__(self, seed: str, folder: Path | None = None) -> None:
        self.seed = seed
        self.folder = folder or Path(tempfile.mkdtemp(prefix="hongbao-sim-"))
        self.home = self.folder / "home"
        self.copies = self.folder / "copies"
        self.copies.mkdir(parents=True, exist_ok=True)
        self.books = Books(NOON.astimezone(UTC), RULES[STANDARD])
        self.policies = POLICIES
        self.packs = PACKS
        self.scheduler = self.schedules(self.home)
        self.scheduler.committed = self._committed
        self.scheduler.copied = self._copied
        self.scheduler.replaced = self._replaced
        self.scheduler.wrote = self._wrote
        self.scheduler.began = self._began
        self.scheduler.history = self._note
        self.digest = hashlib.sha256()
        self.desks: dict[int, tuple[str, Wallet, int]] = {}
        self.flights: dict[int, Flight] = {}
        self.snapshots: dict[int, Books] = {}
        self.kept: dict[int, Books] = {}
        self.coming: Books | None = None
        self.coming_from: int | None = None
        self.names: dict[int, str] = {}
        self.written: dict[int, list[tuple[str, tuple[Any, ...]]]] = {}
        self.failure: tuple[str, Command | None] | None = None
        self.epoch = 0
        self.round = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.outcomes: dict[int, Outcome] = {}
        self.expected: dict[int, type[HongbaoError] | None] = {}
        self.gates: list[int] = []
        """Who had the ledger's lock, in this round: the turns of a story's `together`."""
        self.at_gate: set[int] = set()
        self.orders: dict[int, list[int]] = {}
        self.checked = 0
        self.chances: Counter[int] = Counter()

    def close(self) -> None:
        for lane in list(self.desks):
            self._drop(lane)
        self.scheduler.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def lived(self) -> Iterator[Life]:
        try:
            with self.scheduler.installed():
                yield self
        finally:
            self.close()

    # --- the world -------------------------------------------------------------------------------

    def env(self, lane: int) -> Env:
        def chance(length: int) -> bytes:
            self.chances[lane] += 1
            drawn = b"%s %d %d" % (self.seed.encode(), lane, self.chances[lane])
            return hmac.digest(b"simulation", drawn, "sha512")[:length]

        def nobody(_question: str) -> str:
            raise EOFError

        at = NOON.astimezone(UTC)
        return Env(
            self.home,
            lambda: at,
            chance,
            nobody,
            nobody,
            {},
            CHEAP,
            take_turn=lambda: self.at_gate.add(lane),
        )

    def _note(self, line: str) -> None:
        self.digest.update(line.encode() + b"\n")

    def copy_of(self, number: int) -> Path:
        return self.copies / f"copy{number}"

    def packet_id(self, number: int) -> str:
        if number not in self.books.of_command:
            raise Skipped
        return self.books.of_command[number]

    def case_id(self, command: Command) -> str:
        case = self.books.cases_of.get(command.args["case"])
        if case is None:
            raise Skipped
        return case

    # --- processes -------------------------------------------------------------------------------

    def _desk(self, command: Command) -> Wallet | None:
        if command.act == "join":
            self._drop(command.lane)
            return None
        who, desk, epoch = self.desks.get(command.lane, ("", None, 0))
        if desk is not None and who == command.who and not command.fresh:
            self.flights[command.lane].is_stale = epoch < self.epoch
            return desk
        self._drop(command.lane)
        epoch = self.epoch
        desk = Wallet.open(
            self.env(command.lane), profile=command.who, passphrase=lambda: PASSPHRASE
        )
        self.desks[command.lane] = command.who, desk, epoch
        return desk

    def _drop(self, lane: int) -> None:
        if lane in self.desks:
            with suppress(Killed, HongbaoError):
                self.desks.pop(lane)[1].close()

    def join(self, command: Command) -> Any:
        is_first = not self.home.exists()
        desk, told = Wallet.found(
            self.env(command.lane),
            command.args["name"],
            pin=command.ask,
            policy=STANDARD,
            clock=NOON if is_first else None,
            dice=self.seed if is_first else None,
            passphrase=lambda: PASSPHRASE,
            **(self.place() if is_first else {}),
        )
        self.desks[command.lane] = command.who, desk, self.epoch
        return told

    def place(self) -> dict[str, Any]:
        """Return what a home is told of where its ledger is to be."""
        return {}

    def restore(self, command: Command) -> Any:
        number = command.args["copy"]
        self.desks.pop(command.lane, None)
        if number not in self.kept:
            raise Skipped
        self.coming_from = number
        return restore(
            self.env(command.lane),
            self.copy_of(number),
            passphrase=lambda: PASSPHRASE,
            accept_older=lambda *_: True,
        )

    def correct(self, desk: Wallet, command: Command, by: By) -> Any:
        payment = self.books.payments_of.get(command.args["payment"])
        if payment is None:
            raise Skipped
        return desk.correct(payment, why="simulated", operator=by.operator, pin=by.pin)

    # --- a round ---------------------------------------------------------------------------------

    def play(self, one: Round, draws: Draws) -> None:
        """Do what *one* round has, and raise Failed where the model does not agree."""
        self.round += 1
        self.flights, self.gates = {}, []
        works: dict[int, Callable[[], None]] = {}
        for command in one.commands:
            if command.act != "join" and command.who not in self.books.profiles:
                self.outcomes[command.number] = Outcome("skipped")
                continue
            first = self.books.phases(command)
            flight = Flight(command, first, {error for error in first if error is not None})
            self.expected[command.number] = next((e for e in first if e is not None), None)
            self.flights[command.lane] = flight
            works[command.lane] = lambda flight=flight: self._do(flight)  # type: ignore[misc]
        is_alone = any(command.act in ALONE for command in one.commands)
        for flight in self.flights.values():
            flight.alone = is_alone and len(self.flights) > 1
            flight.balances.append(self._balance(flight.command))
            self._look(flight)
        if works:
            one.switches = self.scheduler.together(works, draws)
        self.orders[self.round] = list(self.gates)
        for flight in self.flights.values():
            self._judge_safely(flight)
            self._note(f"{flight.command.act} {self.outcomes[flight.command.number]}")
        if self.failure is not None:
            raise Failed(self.failure[0], self.round, self.failure[1])
        self._conserved()

    def _do(self, flight: Flight) -> None:
        command = flight.command
        lane = self.scheduler.lanes[command.lane]
        lane.fault = command.fault
        try:
            outcome = Outcome("ok", self._done(command))
        except Killed:
            outcome = Outcome("killed")
        except Skipped:
            outcome = Outcome("skipped")
        except Mismatch as error:
            self._fail(str(error), command)
            outcome = Outcome("mismatch", error=error)
        except Deadlock as error:
            self._fail("deadlock: everyone waits for someone else", command)
            outcome = Outcome("deadlock", error=error)
        except HongbaoError as error:
            outcome = Outcome("refused", error=error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
            outcome = Outcome("crashed", error=error)
        finally:
            came, lane.fault = lane.fault_came, None
        if (
            came
            or outcome.kind in ("killed", "crashed", "deadlock", "mismatch")
            or isinstance(outcome.error, errors.Busy)
            or command.act in ("rekey", "lock", "unlock")
        ):
            self._drop(command.lane)
        if command.act in ALONE:  # one that was refused half-way is finished by the next
            self.epoch += 1
        if outcome.kind == "ok" and command.act == "backup":
            self.kept[command.number] = self.snapshots[command.lane]
        self.outcomes[command.number] = outcome
        name = "ok" if outcome.kind == "ok" else str(outcome).split(" ")[0]
        if isinstance(outcome.error, HongbaoError):
            name = outcome.error.code
        self.counts[command.act, name] += 1
        if came:
            assert command.fault is not None
            is_noted = command.fault.kind == "kill" or command.fault.ever
            if command.act in ASKS_PIN and is_noted:
                self.books.uncertain[command.who] += 1
            self.counts[f"fault {command.fault.kind}", outcome.kind] += 1

    def _done(self, command: Command) -> Any:
        """Do *command*; a ledger that cannot be read is looked at again, as a `with` does."""
        desk = self._desk(command)
        try:
            return COMMANDS[command.act][0](self, desk, command)
        except (errors.Damaged, errors.StorageRefused) as error:
            if desk is not None and command.lane in self.desks:
                self.desks.pop(command.lane)
                desk.__exit__(type(error), error, None)
            raise

    def _fail(self, what: str, command: Command | None) -> None:
        if self.failure is None:
            self.failure = what, command

    # --- what is seen of the ledger --------------------------------------------------------------

    def _flight(self) -> Flight | None:
        lane = self.scheduler.mine()
        return None if lane is None else self.flights.get(lane.number)

    def _wrote(self, sql: str, values: tuple[Any, ...]) -> None:
        lane = self.scheduler.mine()
        assert lane is not None
        self.written.setdefault(lane.number, []).append((sql, values))

    def _began(self, sql: str) -> None:
        lane = self.scheduler.mine()
        assert lane is not None
        if sql == "BEGIN IMMEDIATE" and lane.number in self.at_gate:
            self.at_gate.remove(lane.number)
            self.gates.append(lane.number)
        self.written.pop(lane.number, None)

    def _committed(self, db: Any, path: Path) -> None:
        """Have the model do what was committed, in this order."""
        flight = self._flight()
        lane = self.scheduler.mine()
        written = self.written.pop(lane.number, []) if lane else []
        try:
            if path.name.endswith(".incoming"):
                self._came(db)
            elif path.name == "ledger.db":
                self._see(db, flight, written)
        except Mismatch as error:
            self._fail(str(error), flight.command if flight else None)
            raise
        except Refused as error:
            self._fail(f"the model refuses: {error}", flight.command if flight else None)
            raise Mismatch(str(error)) from None

    def _see(self, db: Any, flight: Flight | None, written: list[Any]) -> None:
        books, command = self.books, flight.command if flight else None
        execute = self._asking(db)
        row = execute("SELECT clock_at FROM home").fetchone()
        if row is None:
            return
        entries = execute(_ENTRIES, (books.last_entry,)).fetchall()
        books.turned(from_micros(row[0]), command, by_entry=bool(entries))
        for one in entries:
            entry = self._entry(execute, one, command)
            self._note(f"entry {entry.act} {entry.who} {entry.amount_fen} {entry.balance_fen}")
            books.apply(entry)
            if flight is not None:
                flight.entries.append(entry)
        for sql, values in written:
            if sql.startswith("UPDATE profile SET pin_tries"):
                tries, cleared, until, profile = values
                who = self._name(execute, profile)
                if flight is not None:
                    flight.tried += 1 if tries > books.pins[who][0] else 0
                    flight.tried -= 1 if tries < books.pins[who][0] else 0
                books.tried(who, tries, cleared, until and from_micros(until), command)
            else:
                request, profile, _inputs, answered = values[:4]
                self._remember(self._name(execute, profile), request, answered, command)
        for other in self.flights.values():
            if other is not flight or entries or written:
                other.moved += other is not flight
                self._look(other)

    def _remember(self, who: str, request: str, answered: str, command: Command | None) -> None:
        known = self.books.requests.get((who, request))
        if known is not None and known.refusal == json.loads(answered)["code"]:
            return  # told once more
        expect(known is None, "a refusal is remembered of a request that was done:", request)
        assert command is not None
        self.books.requests[who, request] = Known(
            command.inputs, refusal=json.loads(answered)["code"]
        )

    def _entry(self, execute: Any, row: Any, command: Command | None) -> Entry:
        number, act, profile, request, amount_fen, balance_fen, at, facts = row
        moment = from_micros(at)
        told = render(act, facts, Columns(request, iso(moment), balance_fen))
        who = None if profile is None else self._name(execute, profile)
        return Entry(number, act, who, request, amount_fen, balance_fen, moment, told, command)

    def _name(self, execute: Any, profile: int) -> str:
        found = execute("SELECT name FROM profile WHERE id = ?", (profile,)).fetchone()
        return str(found[0])

    def _look(self, flight: Flight) -> None:
        """Note what *flight* may be told now."""
        found = self.books.phases(flight.command)
        flight.is_uncertain |= self.books.uncertain[flight.command.who] > 0
        flight.seen.update(error for error in found if error is not None)
        balance = self._balance(flight.command)
        if balance != flight.balances[-1]:
            flight.balances.append(balance)
        known = self.books.requests.get((flight.command.who, flight.command.request or ""))
        if known is not None and known.payment is not None and known.answer is None:
            flight.was_pending = True

    def _balance(self, command: Command) -> dict[str, int]:
        if command.act != "balance":
            return {}
        return self.books.balance_of(command.who)

    def _copied(self, _db: Any, _path: Path) -> None:
        lane = self.scheduler.mine()
        assert lane is not None
        self.snapshots[lane.number] = self.books.copy()

    def _came(self, db: Any) -> None:
        """A copy was made to be the ledger: its restoring stands in it already."""
        assert self.coming_from is not None
        copy = self.books.came_back(self.kept[self.coming_from])
        execute = _bare(db)
        [row] = execute(_ENTRIES, (copy.last_entry,)).fetchall()
        number, act = row[:2]
        expect(act == "restore", "a copy comes with another act:", act)
        expect(number > self.books.last_entry, "an entry's number is given twice:", number)
        copy.last_entry, copy.last_at = number, max(copy.last_at, from_micros(row[6]))
        for who in copy.profiles:
            tries, cleared, until = execute(
                "SELECT pin_tries, pin_cleared, pin_locked_until FROM profile WHERE name = ?",
                (who,),
            ).fetchone()
            expect(
                (tries, cleared) >= copy.pins[who],
                f"tries at the PIN of {who} came back as",
                (tries, cleared),
                copy.pins[who],
            )
            copy.pins[who] = tries, cleared
            copy.profiles[who].locked_until = until and from_micros(until)
        self.coming = copy

    def _replaced(self, source: Path, target: Path) -> None:
        if target.name != "ledger.db" or not source.name.endswith(".incoming"):
            return
        assert self.coming is not None
        self.books = self.coming
        self.epoch += 1
        self._note("restored")
        for flight in self.flights.values():
            flight.moved += 1
            self._look(flight)

    # --- judging ---------------------------------------------------------------------------------

    def _judge_safely(self, flight: Flight) -> None:
        if self.failure is not None:
            return
        try:
            self._judge(flight, self.outcomes[flight.command.number])
        except Mismatch as error:
            self._fail(str(error), flight.command)

    def _judge(self, flight: Flight, outcome: Outcome) -> None:
        command, error = flight.command, outcome.error
        if outcome.kind in ("skipped", "killed"):
            return
        hit = command.fault is not None
        if outcome.kind == "crashed":
            is_ours = hit and isinstance(error, MemoryError)
            expect(is_ours, f"{command.act} crashed:", type(error).__name__, error)
            return
        if outcome.kind == "ok":
            self._judge_answer(flight, outcome.answer)
            return
        assert isinstance(error, HongbaoError)
        is_done = [entry for entry in flight.entries if _is_asked_for(command, entry)]
        if command.act in AT_ONCE:
            expect(not is_done, f"{command.act} is refused and was done:", error.code, is_done)
        if hit and isinstance(error, errors.StorageRefused | errors.Busy | errors.PaymentPending):
            return
        self._judge_refusal(flight, error)

    def _judge_answer(self, flight: Flight, answer: Any) -> None:
        command, act = flight.command, flight.command.act
        if act == "balance":
            told = {name: answer[name] for name in _TOLD}
            expect(told in flight.balances, "balance told", told, "of", flight.balances)
        elif act == "check":
            wrong = [f"{f['check']} {f['rows']}" for f in answer["findings"] if not f["ok"]]
            expect(answer["ok"], "check found", wrong)
        elif act in MINE and act not in ("decide", "operator_add", "join"):
            self._judge_act(flight, answer)
        if not flight.moved and command.fault is None and "replayed" not in answer:
            refusal = next((error for error in flight.first if error is not None), None)
            expect(refusal is None, f"{act} was done; expected", refusal and refusal.__name__)

    def _judge_act(self, flight: Flight, answer: Any) -> None:
        command = flight.command
        if command.act == "refund":
            [answer] = answer["refunds"]
        who = command.who
        known = self.books.requests.get((who, answer["request_id"]))
        if flight.alone:  # a restore may have taken it back in between
            mine = [e.facts for e in flight.entries if e.act in _ANSWERS[command.act]]
            if mine and mine[-1]["request_id"] == answer["request_id"]:
                known = Known(command.inputs, mine[-1])
        if command.request is not None:
            expect(answer["request_id"] == command.request, "answered to", answer["request_id"])
        elif command.act == "refund":
            return
        expect(known is not None, f"{command.act} is answered, and no entry has it:", answer)
        assert known is not None
        if known.payment is not None and known.answer is None:
            expect(answer.get("held") is not None, "answered, and still pending:", answer)
            return
        if answer.get("held") is not None and command.act == "withdraw":
            return  # the hold may have ended in between
        expect(known.answer is not None, f"{command.act} is answered, and was refused:", answer)
        assert known.answer is not None
        for name, value in answer.items():
            if name != "replayed" and name in known.answer:
                kept = known.answer[name]
                expect(value == kept, f"{command.act} answers {name}", value, "not", kept)
        is_mine = any(_is_asked_for(command, entry) for entry in flight.entries)
        expect(
            ("replayed" in answer) != is_mine,
            f"{command.act} replayed: {'replayed' in answer}, done: {is_mine}",
        )

    def _judge_refusal(self, flight: Flight, error: HongbaoError) -> None:
        command, kind = flight.command, type(error)
        known = self.books.requests.get((command.who, command.request or ""))
        if isinstance(error, errors.Busy):
            expect(flight.alone or flight.is_stale, f"{command.act} is told that it is busy")
            return
        if command.act in ADMITTED and isinstance(error, ADMITTED[command.act]):
            return
        if command.act == "restore" and isinstance(error, errors.Damaged):
            copy = self.kept[command.args["copy"]]
            expect(copy.generation != self.books.generation, "a copy does not open:", command)
            return
        if command.request is not None and error.final and command.act in ("claim", "refund"):
            is_known = known is not None and known.refusal == error.code
            expect(is_known or flight.alone, "a refusal for good is not remembered:", error.code)
        if isinstance(error, PinError) and flight.is_uncertain:
            return
        if isinstance(error, errors.WrongPin):
            expect(flight.tried > 0, "a wrong PIN was not counted:", command)
        if known is not None and known.refusal == error.code:
            return
        if command.act in BY_CARD and isinstance(error, errors.PaymentPending):
            is_pending = flight.was_pending or self._own_payment(flight) is not None
            expect(is_pending, "told that it is pending, which it never was:", command)
            return
        if command.act in BY_CARD and isinstance(error, DECLINED):
            payment = self.books.sent.get(known.payment or "") if known else None
            own = payment or self._own_payment(flight)
            if own is not None:
                state = own.state
                expect(state in ("rejected", "reversed"), f"{error.code} of one that is", state)
                return
        if not flight.moved:
            expected = next((one for one in flight.first if one is not None), None)
            name = expected.__name__ if expected else "an answer"
            expect(kind is expected, f"{command.act} is refused as {kind.__name__}, expected", name)
        expect(kind in flight.seen, f"{command.act} is refused as {kind.__name__}:", flight.seen)

    def _own_payment(self, flight: Flight) -> Any:
        mine = [
            e for e in flight.entries if e.act in ("instruct_topup", "instruct_send", "withdraw")
        ]
        return self.books.sent[mine[-1].facts["payment"]] if mine else None

    def _conserved(self) -> None:
        """Nothing is made or lost: what people have is what came in, less what went out."""
        owed_fen = sum(self.books.money_fen().values())
        came_fen = 0
        for payment in self.books.payments:
            if payment.state == "accepted":
                came_fen += payment.fen if payment.inward else -payment.fen
        if owed_fen != came_fen:
            raise Failed(f"the model: {owed_fen} owed of {came_fen}", self.round, None)

    # --- whole books -----------------------------------------------------------------------------

    def compare(self, *, check: bool = False) -> None:
        """Compare all that the ledger has with the model; with *check*, have it checked, too."""
        if not self.books.profiles:
            return
        try:
            with Wallet.open(self.env(99), passphrase=lambda: PASSPHRASE, trusting=check) as desk:
                self._compare(self._asking_of(desk))
                if check:
                    self.checked += 1
                    told = desk.check()
                    wrong = [f"{f['check']} {f['rows']}" for f in told["findings"] if not f["ok"]]
                    expect(told["ok"], "check found", wrong)
        except (Mismatch, HongbaoError) as error:
            raise Failed(f"books: {error}", self.round, None) from error

    def _asking(self, db: Any) -> Any:
        """Return how to ask *db*, which has just committed, in SQL and without a turn."""
        return _bare(db)

    def _asking_of(self, desk: Wallet) -> Any:
        """Return how to ask the ledger of *desk* in SQL, between two rounds."""
        return _bare(below(desk)._db)

    def _compare(self, execute: Any) -> None:
        books = self.books
        for book, fen in execute(
            "SELECT book, sum(credits_fen - debits_fen) FROM account GROUP BY 1"
        ):
            expect(fen == 0, "the book of", book, "is off by", fen)
        held = dict(
            execute(
                "SELECT kind, sum(abs(credits_fen - debits_fen)) FROM account"
                " WHERE book = 'platform' GROUP BY 1"
            )
        )
        for kind, fen in books.money_fen().items():
            expect(fen == held.get(kind, 0), f"accounts of {kind} hold", held.get(kind, 0), fen)
        balances = dict(
            execute(
                "SELECT name, credits_fen - debits_fen FROM profile, account"
                " WHERE book = 'platform' AND kind = 'balance' AND owner = profile.id"
            )
        )
        mine = {me.name: me.balance_fen for me in books.profiles.values()}
        expect(mine == balances, "balances", balances, mine)
        pins = {
            name: (tries, cleared)
            for name, tries, cleared in execute("SELECT name, pin_tries, pin_cleared FROM profile")
        }
        expect(pins == books.pins, "tries at PINs", pins, books.pins)
        packets = {
            row[0]: tuple(row[1:])
            for row in execute(
                "SELECT id, claimed_fen, claimed_count, closed_at IS NULL, held IS NOT NULL"
                " FROM packet"
            )
        }
        ours = {
            p.id: (p.total_fen - p.left_fen, len(p.shares), int(p.open), int(books._is_held(p)))
            for p in books.packets.values()
        }
        expect(packets == ours, "packets", _difference(packets, ours))
        states = dict(execute("SELECT id, state FROM message"))
        theirs = {number: payment.state for number, payment in books.sent.items()}
        expect(states == theirs, "payments", _difference(states, theirs))
        cases = dict(execute("SELECT id, state FROM review_case"))
        ours_cases = {case.id: case.state for case in books.cases.values()}
        expect(cases == ours_cases, "cases", _difference(cases, ours_cases))
        deposits = [
            fen
            for (fen,) in execute(
                "SELECT credits_fen - debits_fen FROM account WHERE kind = 'deposit' ORDER BY 1"
            )
        ]
        expect(deposits == sorted(books.deposits.values()), "cards hold", deposits, books.deposits)
        usage = Counter[tuple[str, str]]()
        for flow, day, fen in execute("SELECT flow, day, used_fen FROM usage WHERE used_fen > 0"):
            usage[flow, day] += fen
        used = Counter[tuple[str, str]]()
        for (_, flow, day), fen in books.used.items():
            used[flow, day] += fen
        used = +used
        expect(usage == used, "limits have used", _difference(usage, used))


_TOLD = ("available_fen", "frozen_fen", "due_back_fen")

_ANSWERS = {**MINE, "topup": {"topup"}, "withdraw": {"withdraw", "paid_out"}, "send": {"send"}}
"""The acts whose entries have the answer of a command."""

_ENTRIES = (
    "SELECT entry.id, act, profile, request_id, amount_fen, balance_fen, at, facts"
    " FROM entry WHERE entry.id > ? ORDER BY entry.id"
)


def _is_asked_for(command: Command, entry: Entry) -> bool:
    """Return whether *entry* is the act of *command*, and no later step of a payment."""
    is_step = entry.act == "send" and entry.facts["payment"] is not None
    return entry.act in MINE.get(command.act, ()) and not is_step


def _bare(db: Any) -> Callable[..., Any]:
    """Return how to ask *db* in SQL, without a turn."""
    return lambda sql, values=(): dbapi2.Connection.execute(db, sql, values)


def _difference(here: Any, there: Any) -> str:
    keys = [key for key in {**here, **there} if here.get(key) != there.get(key)]
    return str([(key, here.get(key), there.get(key)) for key in keys[:5]])
