"""
What is done in a life, drawn from its seed, and a life played.

Every draw comes from the seed; which commands there are is drawn anew for each life, so that half
of them are missing in it (swarm testing: what one command crowds out is reached without it).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hongbao.domain.channel import Fault as BankFault
from tests.simulation.commands import (
    ALONE,
    OTHER_PIN,
    PIN,
    REQUESTED,
    WRONG_PIN,
    Command,
)
from tests.simulation.life import Failed, Life, Outcome, Round
from tests.simulation.model import HELD, HELD_BACK, HELD_SHARE, STOPPED, Packet
from tests.simulation.scheduler import Draws, Fault
from tests.wallet.world import YUAN, card, id_number

NAMES = ("Zhang", "Li", "Wang", "Zhao", "Chen")
CARDS = tuple(card(bank % 3, 11 + bank) for bank in range(6))
BANKS = ("icbc", "cmb", "ccb")
PERSONS = (("张三", id_number(1)), ("李四", id_number(2)))
LANES = 5
WEIGHTS = {
    "claim": 30,
    "send": 16,
    "topup": 8,
    "withdraw": 6,
    "refund": 5,
    "refund_due": 3,
    "balance": 4,
    "clock": 6,
    "settle": 2,
    "fault": 3,
    "decide": 6,
    "correct": 1,
    "card_add": 2,
    "card_remove": 1,
    "identify": 1,
    "pin_change": 1,
    "join": 1,
    "policy": 1,
    "operator_add": 1,
    "device_add": 2,
    "device_approve": 1,
    "device_remove": 1,
    "rekey": 1,
    "lock": 1,
    "unlock": 1,
    "backup": 3,
    "restore": 3,
    "check": 1,
}
OPTIONAL = tuple(name for name in WEIGHTS if name not in ("claim", "send", "clock"))
AMOUNTS = (1, 2, 3, 10, 99, 5 * YUAN, 7 * YUAN, 888, 20 * YUAN, 66_66, 150 * YUAN, 400 * YUAN)
MINUTES = (0, 1, 7, 30, 60, 119, 120, 121, 479, 480, 660, 719, 1439, 1440, 1441, 2880, 5760)
REST = 7 * 24 * 60
"""Minutes after which everything that is under way has come to its end."""

COMPARED_EVERY, CHECKED_EVERY = 6, 45


_GIVES = {"fault": "_bank"} | dict.fromkeys(
    ("device_add", "device_approve", "device_remove"), "_named_device"
)


def _gives_nothing(_life: Life, _who: str) -> dict[str, Any]:
    return {}


def drawn(rng: random.Random, often: float) -> Draws:
    """Draw who goes on: mostly who had the turn before, and otherwise anyone."""

    def draw(turn: int, lane: int, others: list[int]) -> int | None:
        return rng.choice(others) if rng.random() < often else None

    return draw


def given(switches: dict[int, int]) -> Draws:
    """Give the turns as they were given before, as far as that is possible."""

    def draw(turn: int, lane: int, others: list[int]) -> int | None:
        chosen = switches.get(turn)
        return chosen if chosen in others else None

    return draw


class Author:
    """Draws rounds, one after the other: what is worth doing depends on what has happened."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(f"hongbao {seed}")
        rng = self.rng
        off = set(rng.sample(OPTIONAL, len(OPTIONAL) // 2))
        self.acts = [act for act in WEIGHTS if act not in off]
        self.often = rng.choice((0.02, 0.1, 0.3, 0.5))
        self.people = NAMES[: rng.randint(3, 5)]
        self.has_holds = rng.random() < 0.6
        self.has_faults = rng.random() < 0.4
        self.has_wrong_pins = rng.random() < 0.5
        self.number = 0
        self.done: list[Command] = []

    def command(self, act: str, who: str, lane: int = 0, **args: Any) -> Command:
        self.number += 1
        return Command(self.number, lane, act, who, args)

    def beginning(self) -> list[Round]:
        """Return how a life begins: people, rules, operators, cards and some money."""
        first = self.people[0]
        commands = [self.command("join", name, name=name) for name in self.people[:-1]]
        pack = "simulated" if self.has_holds else "no-rules"
        commands.insert(1, self.command("risk", first, pack=pack, operator=None))
        commands.append(self.command("operator_add", first, name="Wu", operator=None))
        commands.append(self.command("operator_add", first, name="Bao", operator="Wu"))
        for name, number in zip(self.people, CARDS, strict=False):
            if name != self.people[-1]:
                commands.append(self.command("card_add", name, card=number))
                commands.append(self.command("topup", name, fen=500 * YUAN, card=None))
        return [Round([command]) for command in commands]

    def round(self, life: Life) -> Round:
        """Draw the next round."""
        rng = self.rng
        count = rng.choices((1, 2, 3, 4, LANES), (30, 30, 20, 12, 8))[0]
        lanes = rng.sample(range(LANES), count)
        kind = rng.random()
        commands: list[Command] = []
        if kind < 0.12 and count > 1:
            commands = self._everyone(life, lanes)
        elif kind < 0.2 and self.done and count > 1:
            commands = self._again(lanes)
        elif kind < 0.26 and self.done:
            commands = self._again(lanes[:1])
        if not commands:
            made = [self._any(life, lane) for lane in lanes]
            commands = [command for command in made if command is not None]
        if self.has_faults and commands and rng.random() < 0.25:
            place = rng.randrange(len(commands))
            commands[place] = commands[place].but(fault=self._fault())
        self.done += [c for c in commands if c.request is not None]
        return Round(commands)

    def _fault(self) -> Fault:
        rng = self.rng
        kind = rng.choice(("kill", "kill", "kill", "full", "io", "memory"))
        return Fault(
            kind, rng.choice((1, 2, 4, 8, 16, 24, 40, 80)) + rng.randrange(8), rng.random() < 0.4
        )

    def _everyone(self, life: Life, lanes: Sequence[int]) -> list[Command]:
        """Have one packet claimed by several, and perhaps fetched back, at the same moment."""
        packet = self._packet(life)
        if packet is None:
            return []
        commands = []
        for lane in lanes:
            act = "refund" if self.rng.random() < 0.15 else "claim"
            commands.append(self._named(self.command(act, self._who(life), lane, packet=packet)))
        if self.rng.random() < 0.2:
            sent = life.books.packets[life.books.of_command[packet]]
            left = int((sent.expires_at - life.books.now()) / timedelta(minutes=1))
            if left > 0:
                minutes = left + self.rng.choice((-1, 0, 0, 1))
                clock = self.command("clock", commands[-1].who, lanes[-1], minutes=max(minutes, 0))
                commands[-1] = clock
        return commands

    def _again(self, lanes: Sequence[int]) -> list[Command]:
        """Ask for something once more: after it, or, where there are several lanes, at once."""
        rng = self.rng
        before = rng.choice(self.done[-12:])
        commands = []
        for lane in lanes:
            self.number += 1
            again = before.but(number=self.number, lane=lane, fault=None)
            if rng.random() < 0.1 and "fen" in before.args:
                again = again.but(
                    args={**before.args, "fen": before.args["fen"] + before.args.get("count", 1)}
                )
            commands.append(again)
        if len(lanes) > 1 and rng.random() < 0.6:  # a new request, twice at the same moment
            name = f"r{commands[0].number}"
            commands = [command.but(request=name, args=before.args) for command in commands]
        return commands

    def _named(self, command: Command) -> Command:
        rng = self.rng
        changes: dict[str, Any] = {"fresh": rng.random() < 0.3}
        if command.act in REQUESTED and rng.random() < 0.6:
            changes["request"] = f"r{command.number}"
        if self.has_wrong_pins and rng.random() < 0.12:
            changes["pin"] = WRONG_PIN
        return command.but(**changes)

    def _who(self, life: Life) -> str:
        return self.rng.choice(list(life.books.profiles))

    def _packet(self, life: Life) -> int | None:
        """Return a packet: mostly a late one, which is likely to be open."""
        numbers = list(life.books.of_command)
        if not numbers:
            return None
        place = min(int(self.rng.expovariate(0.4)), len(numbers) - 1)
        return numbers[-1 - place]

    def _any(self, life: Life, lane: int) -> Command | None:
        acts = [act for act in self.acts if act != "restore" or life.kept]
        act = self.rng.choices(acts, [WEIGHTS[act] for act in acts])[0]
        who = self._who(life)
        args = getattr(self, _GIVES.get(act, f"_{act}"), _gives_nothing)(life, who)
        if args is None:
            return None
        command = self.command(act, args.pop("as", who), lane, **args)
        command = self._named(command)
        if command.pin == PIN and who in life.books.profiles:
            command = (
                command.but(pin=life.books.profiles[command.who].pin) if act != "join" else command
            )
        return command

    # --- what each command is given --------------------------------------------------------------

    def _amount(self, most_fen: int = 0) -> int:
        rng = self.rng
        special: list[int] = []
        if self.has_holds:
            special = [HELD, HELD_BACK, STOPPED, 2 * HELD_SHARE, HELD, HELD_BACK]
        if rng.random() < 0.25 and special:
            return rng.choice(special)
        if rng.random() < 0.1:
            return max(most_fen + rng.choice((-1, 0, 1)), 1)
        return rng.choice(AMOUNTS) if rng.random() < 0.6 else rng.randint(1, 3000)

    def _card(self, life: Life, who: str) -> str | None:
        mine = [one.number for one in life.books.cards(who)]
        return self.rng.choice([*mine, None]) if mine and self.rng.random() < 0.9 else None

    def _topup(self, life: Life, who: str) -> dict[str, Any]:
        fen = self._amount(100_000 * YUAN)
        return {"fen": fen, "card": self._card(life, who)}

    def _withdraw(self, life: Life, who: str) -> dict[str, Any]:
        fen = self._amount(life.books.profiles[who].balance_fen)
        return {"fen": fen, "card": self._card(life, who)}

    def _send(self, life: Life, who: str) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choice(("lucky", "lucky", "lucky", "equal", "exclusive"))
        fen, count, to = self._amount(life.books.profiles[who].balance_fen), 1, None
        if kind == "exclusive":
            to = self._who(life)
        else:
            count = rng.choice((1, 2, 2, 3, 4, 5))
        if kind == "equal":
            fen = max(fen // count, 1) * count
        deal = (
            rng.choice(("double-mean", "double-mean", "shuffled"))
            if kind == "lucky"
            else "double-mean"
        )
        mine = [one.number for one in life.books.cards(who)]
        paid_from = rng.choice(mine) if mine and rng.random() < 0.3 else "balance"
        return {"fen": fen, "count": count, "kind": kind, "deal": deal, "to": to, "from": paid_from}

    def _claim(self, life: Life, _who: str) -> dict[str, Any] | None:
        packet = self._packet(life)
        return None if packet is None else {"packet": packet}

    def _refund(self, life: Life, _who: str) -> dict[str, Any] | None:
        packet = self._packet(life)
        if packet is None:
            return None
        sender = life.books.packets[life.books.of_command[packet]].sender
        return {"packet": packet, **({"as": sender} if self.rng.random() < 0.8 else {})}

    def _clock(self, _life: Life, _who: str) -> dict[str, Any]:
        return {"minutes": self.rng.choice(MINUTES)}

    def _bank(self, _life: Life, _who: str) -> dict[str, Any]:
        rng = self.rng
        if rng.random() < 0.15:
            return {
                "place": rng.choice(("netsunion", "unionpay")),
                "fault": rng.choice(("down", None)),
            }
        fault = None if rng.random() < 0.4 else str(rng.choice([*BankFault]))
        return {"place": rng.choice(BANKS), "fault": fault}

    def _decide(self, life: Life, _who: str) -> dict[str, Any] | None:
        cases = life.books.cases_of
        if not cases:
            return None
        rng = self.rng
        case = rng.choice(list(cases)[-4:])
        verb = rng.choice(("approve", "approve", "reject", "reject", "escalate"))
        return {"case": case, "verb": verb, "operator": rng.choice(("Wu", "Bao"))}

    def _correct(self, life: Life, _who: str) -> dict[str, Any] | None:
        known = life.books.payments_of
        if not known:
            return None
        odd = life.books.odd if self.rng.random() < 0.8 else []
        return {
            "payment": self.rng.choice((odd or list(known))[-8:]),
            "operator": self.rng.choice(("Wu", "Bao")),
        }

    def _card_add(self, _life: Life, _who: str) -> dict[str, Any]:
        return {"card": self.rng.choice(CARDS)}

    def _card_remove(self, life: Life, who: str) -> dict[str, Any]:
        return {"card": self._card(life, who) or self.rng.choice(CARDS)}

    def _identify(self, _life: Life, _who: str) -> dict[str, Any]:
        real_name, number = self.rng.choice(PERSONS)
        if self.rng.random() < 0.1:
            real_name = PERSONS[0][0]
        return {"real_name": real_name, "number": number}

    def _pin_change(self, _life: Life, _who: str) -> dict[str, Any]:
        return {"new": self.rng.choice((PIN, OTHER_PIN))}

    def _join(self, _life: Life, _who: str) -> dict[str, Any]:
        name = self.rng.choice(self.people)
        return {"name": name, "as": name}

    def _policy(self, _life: Life, _who: str) -> dict[str, Any]:
        return {
            "policy": self.rng.choice(("standard", "strict")),
            "operator": self.rng.choice(("Wu", "Bao")),
        }

    def _operator_add(self, _life: Life, _who: str) -> dict[str, Any]:
        return {"name": self.rng.choice(("Wu", "Bao", "Lu")), "operator": "Wu"}

    def _named_device(self, _life: Life, _who: str) -> dict[str, Any]:
        return {"name": self.rng.choice(("tablet", "watch"))}

    def _restore(self, life: Life, _who: str) -> dict[str, Any]:
        return {"copy": self.rng.choice(list(life.kept)[-3:])}

    def ending(self) -> list[Round]:
        """Return how a life ends: all faults are over, and all that is under way is, too."""
        who = self.people[0]
        commands = [
            self.command("fault", who, place=place, fault=None)
            for place in (*BANKS, "netsunion", "unionpay")
        ]
        commands += [self.command("settle", who), self.command("clock", who, minutes=REST)]
        commands += [self.command("settle", who), self.command("clock", who, minutes=REST)]
        return [Round([command]) for command in commands]


@dataclass
class Lived:
    """A life that was played: its rounds, what was found, and what was reached."""

    seed: str
    rounds: list[Round]
    failed: Failed | None
    life: Life

    @property
    def turns(self) -> int:
        return self.life.scheduler.turns

    @property
    def commands(self) -> int:
        return sum(len(one.commands) for one in self.rounds)

    @property
    def digest(self) -> str:
        return self.life.digest.hexdigest()


def live(seed: str, turns: int, watch: Callable[[Life, Round], None] | None = None) -> Lived:
    """Play a life of about so many *turns*."""
    return lived(Author(seed), Life(seed), turns, watch)


def lived(
    author: Author, life: Life, turns: int, watch: Callable[[Life, Round], None] | None = None
) -> Lived:
    """Play *life* as *author* draws it."""
    seed = life.seed
    rounds: list[Round] = []
    found: Failed | None = None

    def play(one: Round) -> None:
        rounds.append(one)
        life.play(one, drawn(random.Random(f"{seed} {len(rounds)}"), author.often))
        if watch is not None:
            watch(life, one)

    with life.lived():
        try:
            for one in author.beginning():
                play(one)
            while life.scheduler.turns < turns:
                play(author.round(life))
                if life.round % CHECKED_EVERY == 0:
                    life.compare(check=True)
                elif life.round % COMPARED_EVERY == 0:
                    life.compare()
            for one in author.ending():
                play(one)
            at_rest(life)
            life.compare(check=True)
        except Failed as failed:
            found = failed
    return Lived(seed, rounds, found, life)


def again(seed: str, rounds: Sequence[Round], *, every: int = COMPARED_EVERY) -> Lived:
    """Play the same *rounds* again, with their turns; compare books *every* few, if at all."""
    life = Life(seed)
    copies = [Round(list(one.commands), dict(one.switches or {})) for one in rounds]
    found: Failed | None = None
    with life.lived():
        try:
            for one in copies:
                life.play(one, given(one.switches or {}))
                if every and life.round % every == 0:
                    life.compare()
            if every:
                life.compare(check=True)
        except Failed as failed:
            found = failed
    return Lived(seed, copies, found, life)


def at_rest(life: Life) -> None:
    """Raise Failed unless everything has come to its end."""
    books = life.books
    open_payments = [number for number, one in books.sent.items() if one.state in _UNDER_WAY]
    late = [p.id for p in books.packets.values() if p.open and p.expires_at <= books.now()]
    held = [c.id for c in books.cases.values() if c.is_open and c.until <= books.now()]
    left = {"payments": open_payments, "packets": late, "cases": held}
    if any(left.values()):
        raise Failed(f"never over: {left}", life.round, None)


_UNDER_WAY = ("created", "sent", "unknown")

__all__ = ["ALONE", "Author", "Lived", "Outcome", "Packet", "again", "live"]
