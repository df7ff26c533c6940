"""
A failing life made as short as it can be, and told as a story that `hongbao play` plays.

What is tried, in this order: everything after the failure is dropped; then rounds (ddmin: halves,
quarters, … down to one), then whole processes and people, then single commands from the back, then
what goes wrong by itself, then who is given the turn when. Each is kept where the life still fails
in the same way. No limit of the shrinker decides what is told: the last life is played once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from hongbao.errors import HongbaoError
from tests.simulation.commands import OTHER_PIN, PIN, WRONG_PIN, Command, typed
from tests.simulation.life import Round
from tests.simulation.plan import Lived, again

TRIES_MAX = 600


_PLAINER: tuple[dict[str, Any], ...] = (
    {"fault": None},
    {"fresh": False},
    {"request": None},
    {"pin": PIN},
)


class Shrinker:
    """Makes the rounds of a life that failed fewer; *tries* says how many lives it took."""

    def __init__(self, lived: Lived, tries_max: int = TRIES_MAX) -> None:
        assert lived.failed is not None
        self.seed, self.kind = lived.seed, lived.failed.kind
        self.tries, self.tries_max = 0, tries_max
        self.comparing = self.kind.startswith(": books")
        self.last = lived
        self.rounds = lived.rounds

    def fails(self, rounds: Sequence[Round]) -> bool:
        """Return whether *rounds* fail in the same way, and keep them if so."""
        rounds = [one for one in rounds if one.commands]
        if self.tries >= self.tries_max or not rounds:
            return False
        self.tries += 1
        lived = again(self.seed, rounds, every=1 if self.comparing else 0)
        if lived.failed is None or lived.failed.kind != self.kind:
            return False
        self.rounds = lived.rounds[: lived.failed.place]
        self.last = lived
        return True

    def shrunk(self) -> Lived:
        """Return the shortest life that was found, as it was played last."""
        if not self.fails(self.rounds[: _place(self.last)]):
            return self.last  # it is not the same twice: that is the finding
        before = None
        while before != (size := _size(self.rounds)):
            before = size
            self._drop_rounds()
            self._drop_groups(lambda command: command.who)
            self._drop_groups(lambda command: command.lane)
            self._drop_commands()
            self._plainer()
            self._drop_switches()
        return self.last

    def _drop_rounds(self) -> None:
        count = 2
        while len(self.rounds) > 1:
            rounds = self.rounds
            length = -(-len(rounds) // count)
            parts = [rounds[at : at + length] for at in range(0, len(rounds), length)]
            for place in reversed(range(len(parts))):
                rest = [one for n, part in enumerate(parts) if n != place for one in part]
                if self.fails(rest):
                    count = max(count - 1, 2)
                    break
            else:
                if length == 1:
                    return
                count = min(count * 2, len(rounds))

    def _drop_groups(self, group: Callable[[Command], Any]) -> None:
        for one in sorted({group(c) for r in self.rounds for c in r.commands}, key=str):
            self.fails(self._without(partial(_is_of, group, one)))

    def _without(self, drop: Callable[[Command], bool]) -> list[Round]:
        return [
            Round([c for c in one.commands if not drop(c)], one.switches) for one in self.rounds
        ]

    def _drop_commands(self) -> None:
        for command in reversed(self._commands()):
            self.fails(self._without(partial(_is_of, _number, command.number)))

    def _commands(self) -> list[Command]:
        return [command for one in self.rounds for command in one.commands]

    def _plainer(self) -> None:
        """Try each command without what goes wrong, without a name, and with a small amount."""
        for number in [command.number for command in self._commands()]:
            for changes in _PLAINER:
                self._change(number, partial(_changed, changes))
            self._change(number, _smaller)

    def _change(self, number: int, change: Callable[[Command], Command]) -> None:
        rounds = [
            Round([change(c) if c.number == number else c for c in one.commands], one.switches)
            for one in self.rounds
        ]
        if [one.commands for one in rounds] != [one.commands for one in self.rounds]:
            self.fails(rounds)

    def _drop_switches(self) -> None:
        for place in range(len(self.rounds)):
            if place >= len(self.rounds):
                return
            one = self.rounds[place]
            if len(one.commands) > 1:
                apart = [Round([command]) for command in one.commands]
                before, after = self.rounds[:place], self.rounds[place + 1 :]
                if self.fails([*before, *apart, *after]):
                    continue
                if self.fails([*before, *reversed(apart), *after]):
                    continue
            if self._switched(place, {}):
                continue
            switches = dict(self.rounds[place].switches or {})
            length = max(len(switches) // 2, 1)
            while switches:
                turns = sorted(switches)
                for at in range(0, len(turns), length):
                    fewer = {t: switches[t] for t in turns if t not in turns[at : at + length]}
                    if self._switched(place, fewer):
                        switches = dict(self.rounds[place].switches or {})
                        break
                else:
                    if length == 1:
                        break
                    length //= 2

    def _switched(self, place: int, switches: dict[int, int]) -> bool:
        one = self.rounds[place]
        if not one.switches or switches == one.switches:
            return False
        changed = Round(one.commands, switches)
        return self.fails([*self.rounds[:place], changed, *self.rounds[place + 1 :]])


def _is_of(group: Callable[[Command], Any], one: object, command: Command) -> bool:
    return bool(group(command) == one)


def _number(command: Command) -> int:
    return command.number


def _changed(changes: Mapping[str, Any], command: Command) -> Command:
    return command.but(**changes)


def _place(lived: Lived) -> int:
    assert lived.failed is not None
    return lived.failed.place


def _size(rounds: Iterable[Round]) -> tuple[int, int, int]:
    listed = list(rounds)
    return (
        len(listed),
        sum(len(one.commands) for one in listed),
        sum(len(one.switches or {}) for one in listed),
    )


def _smaller(command: Command) -> Command:
    count = command.args.get("count", 1)
    fen = command.args.get("fen")
    if fen is None or fen <= 100 * count or command.act == "topup":
        return command
    return command.but(args={**command.args, "fen": 100 * count})


# --- told as a story ------------------------------------------------------------------------------

FILES = {"pin": PIN, "other": OTHER_PIN, "wrong": WRONG_PIN}


def story(lived: Lived) -> str:
    """
    Return *lived* as a story: what was done, and what the model expects of it.

    Where something cannot be typed (a process killed at a statement, a disk that is full), or where
    turns were given inside of one act, a note says so.
    """
    lines = ["# hongbao story 1", f"# en: Found by simulation, seed {lived.seed}."]
    lines += [f"# zh: 由模拟发现，种子 {lived.seed}。"]
    commands = [command for one in lived.rounds for command in one.commands]
    texts = [typed(command) for command in commands]
    for name, pin in FILES.items():
        if name == "pin" or any(f" {name}" in text for text in texts):
            lines.append(f"file {name}: {pin}")
    if any("operator add" in text for text in texts):
        lines.append("file operator: 864209")
    if any(command.act == "lock" for command in commands):
        lines.append("file passphrase: seven lanterns over the old harbour")
    for pack in ("simulated", "no-rules", "strict", "standard"):
        if any(f"[{pack}]" in text for text in texts):
            lines.append(f"given {pack} = {pack}.toml")
    needed = {c.args["packet"] for c in commands if "packet" in c.args}
    needed_cases = {c.args["case"] for c in commands if "case" in c.args}
    payments = {c.args["payment"] for c in commands if "payment" in c.args}
    is_first = True
    for number, one in enumerate(lived.rounds, start=1):
        done = [c for c in one.commands if lived.life.outcomes[c.number].kind != "skipped"]
        if not done:
            continue
        body = []
        for command in done:
            body += _notes(command)
        several = len(done) > 1
        if several:
            order = _order(lived, number, done)
            body += ["note: turns inside of an act cannot be given here: its statements were apart"]
            body += ["together", *([f"order: {order}"] if order else [])]
        for command in done:
            captures = _captures(command, needed, needed_cases, payments)
            body.append(_line(lived, command, captures, is_first=is_first))
            is_first = False
        body += ["end"] if several else []
        lines += body
    if _is_judged(lived):
        lines += [
            f'balance --json -p {me.name} => 0 {{"available_fen": {me.balance_fen}}}'
            for me in lived.life.books.profiles.values()
        ]
    lines.append("check => 0")
    return "\n".join(lines) + "\n"


def _is_judged(lived: Lived) -> bool:
    """Return whether the model has gone over all that was done, so that its balances count."""
    last = lived.rounds[-1].commands
    kinds = {lived.life.outcomes[command.number].kind for command in last}
    return len(last) == 1 and kinds <= {"ok", "mismatch", "refused"}


def _notes(command: Command) -> list[str]:
    if command.fault is None:
        return []
    kind, at, ever = command.fault
    often = "from then on" if ever else "once"
    return [f"note: not to be typed: {kind}, at turn {at} of #{command.number}, {often}"]


def _order(lived: Lived, number: int, done: Sequence[Command]) -> str:
    places = {command.lane: place for place, command in enumerate(done, start=1)}
    order = [places[lane] for lane in lived.life.orders.get(number, []) if lane in places]
    missing = [place for place in places.values() if place not in order]
    return " ".join(map(str, [*order, *missing]))


def _captures(
    command: Command, packets: set[int], cases: set[int], payments: set[int]
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if command.act == "send" and command.number in packets:
        facts["packet"] = f"[p{command.number}_packet]"
    if command.number in cases:
        facts["held"] = {"case": f"[p{command.number}_case]"}
    if command.number in payments:
        facts["payment"] = f"[p{command.number}_payment]"
    return facts


def _line(lived: Lived, command: Command, captures: dict[str, Any], *, is_first: bool) -> str:
    text = typed(command)
    if command.act == "join" and is_first:
        text += f" --clock 2026-02-16T12:00:00+08:00 --dice {lived.seed}"
    who = "" if command.act == "join" else f"{command.who}: "
    code = _expected(lived, command)
    if captures and code == "0":
        return f"{who}{text} --json => 0 {json.dumps(captures, ensure_ascii=False)}"
    return f"{who}{text} => {code}"


def _expected(lived: Lived, command: Command) -> str:
    """Return how the model has *command* end."""
    outcome = lived.life.outcomes[command.number]
    error: type[HongbaoError] | None
    failed = lived.failed
    if failed is not None and failed.command is not None and failed.command == command:
        error = lived.life.expected.get(command.number)
    elif outcome.kind == "refused" and isinstance(outcome.error, HongbaoError):
        error = type(outcome.error)
    else:
        error = None
    return "0" if error is None else f"{int(error.exit_code)}:{error.code}"
