"""
The commands that an engine of the laboratory understands: hongbao's own words, and few of them.

A story is the only language here: the same lines are typed to a broken engine and to hongbao.
"""

import shlex
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hongbao.domain.dates import parse_duration
from hongbao.domain.ids import parse_packet_id
from hongbao.errors import BadLabCommand
from hongbao.lab.detectors import PIN
from hongbao.lab.engine import Act, Answer, Machine

UNDERSTOOD = (
    *("init NAME", "card add NUMBER", "topup AMOUNT", "withdraw AMOUNT", "send AMOUNT"),
    *("claim PACKET", "refund PACKET", "balance", "clock advance DURATION", "check"),
)
"""What can be typed to an engine."""

_SWITCHES = {"--json", "--yes", "-y", "--no-input"}
"""Options that change nothing here."""

_IGNORED = {"--clock", "--dice", "--policy", "--greeting", "-g", "--pin-file"}
"""Options with a value that changes nothing here: the laboratory has its own clock and seed."""


def not_understood(typed: str) -> BadLabCommand:
    """Return the refusal of a command that no engine here understands."""
    return BadLabCommand(typed, understood=", ".join(UNDERSTOOD))


class Words(NamedTuple):
    """A command's words, sorted: what it is, its arguments, and its options with their values."""

    typed: str
    command: str
    given: list[str]
    options: Mapping[str, str]

    @property
    def person(self) -> str | None:
        """The profile that acts, if one is named."""
        return self.options.get("-p", self.options.get("--profile"))

    @property
    def key(self) -> str:
        return self.options.get("--request-id", "")

    @property
    def as_json(self) -> bool:
        return "--json" in self.options

    def one(self) -> str:
        """Return the only argument."""
        if len(self.given) != 1:
            raise not_understood(self.typed)
        return self.given[0]

    def allow(self, *options: str) -> None:
        """Refuse every option but *options*, and those that all commands have."""
        usual = {*_SWITCHES, *_IGNORED, "-p", "--profile", "--request-id"}
        if not self.options.keys() <= {*usual, *options}:
            raise not_understood(self.typed)


def sorted_words(words: list[str]) -> Words:
    """
    Sort the words of a command.

    >>> sorted_words(["send", "10", "--count", "2", "--json"]).options
    {'--count': '2', '--json': ''}
    """
    typed = shlex.join(words)
    given: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in _SWITCHES:
            options[word] = ""
        elif word.startswith("-") and len(word) > 1:
            name, is_set, value = word.partition("=")
            found = value if is_set else next(rest, None)
            if found is None:
                raise not_understood(typed)
            options[{"-c": "--count"}.get(name, name)] = found
        else:
            given.append(word)
    if given[:1] in (["card"], ["clock"]):
        given[:2] = [" ".join(given[:2])]
    if not given:
        raise not_understood(typed)
    return Words(typed, given[0], given[1:], options)


class Speaker:
    """Types commands to a *machine*; what is not an act takes no turn, and is done at once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.first: str | None = None

    def begin(self, words: Words) -> Act:
        """
        Return the act that *words* ask for, before its first turn.

        Raises BadLabCommand where the laboratory does not understand them.
        """
        person = words.person or self.first or ""
        machine, key = self.machine, words.key
        match words.command:
            case "init":
                words.allow()
                return self._at_once(lambda: self._init(words.one()))
            case "card add":
                words.allow()
                return self._at_once(dict)
            case "topup":
                words.allow()
                return machine.topup(person, words.one(), key=key)
            case "withdraw":
                words.allow()
                return machine.withdraw(person, words.one(), key=key)
            case "send":
                words.allow("--count", "--to")
                return machine.send(
                    person,
                    words.one(),
                    count=self._count(words),
                    to=words.options.get("--to"),
                    key=key,
                )
            case "claim":
                words.allow()
                return machine.claim(person, self._packet(words), key=key)
            case "refund":
                words.allow()
                return machine.refund(person, self._packet(words), key=key)
            case "balance":
                words.allow()
                return self._at_once(lambda: self._balance(person))
            case "clock advance":
                words.allow()
                return self._at_once(lambda: self._advance(words.one()))
            case "check":
                words.allow()
                return self._at_once(lambda: {"ok": True})
        raise not_understood(words.typed)

    def _at_once(self, do: Callable[[], Answer]) -> Act:
        answer = do()
        yield from ()
        return answer

    def _init(self, name: str) -> Answer:
        self.machine.open(name, PIN)
        self.first = self.first or name
        return {"profile": name}

    def _balance(self, person: str) -> Answer:
        return {"available_fen": self.machine.books().balances[f"balance {person}"]}

    def _advance(self, typed: str) -> Answer:
        self.machine.advance(parse_duration(typed))
        return {}

    def _packet(self, words: Words) -> str:
        return parse_packet_id(words.one())

    def _count(self, words: Words) -> int:
        typed = words.options.get("--count", "1")
        if not typed.isdecimal():
            raise not_understood(words.typed)
        return int(typed)
