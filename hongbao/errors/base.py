"""
The base of errors: a declaration of facts, a sentence and a hint.

    class PacketExpired(NotClaimable):
        expires_at: datetime = example(THEN)

        sentence = N_("{packet} expired at {expires_at}")
        advice = N_("its sender gets the rest back with `hongbao refund {packet}`")

Its family gives the exit code, its name the code for programs, its annotations the facts, and each
of them an example for docs/reference/errors.md. A type checker sees the constructor that follows;
`HongbaoError.__init__` is that constructor. A property is a fact found from the others.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum, unique
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar, cast, dataclass_transform

from hongbao.units import iso
from hongbao.words import N_, fill, harmless, say

__all__ = [
    "LEFT_OUT",
    "BooksDiffer",
    "ExitCode",
    "Fact",
    "HeldByRisk",
    "HongbaoError",
    "Insufficient",
    "Locked",
    "LogRefused",
    "NotClaimable",
    "NotFound",
    "NotIntact",
    "NotPaid",
    "OverLimit",
    "PinError",
    "Unusable",
    "UsageError",
    "declarations",
    "shortened",
]

T = TypeVar("T")

THEN = datetime.fromisoformat("2026-02-17T20:00:00+08:00")
"""The moment in most examples."""


@unique
class ExitCode(IntEnum):
    """Scripts depend on these numbers: append, never renumber."""

    OK = 0
    UNEXPECTED = 1  # a bug of ours
    USAGE = 2  # wrong arguments; the number every command line uses
    NOT_FOUND = 10
    NOT_CLAIMABLE = 11  # finished, expired, already claimed, not for you
    INSUFFICIENT = 12
    LIMIT = 13
    PIN = 14
    BUSY = 15  # another hongbao is writing; try again
    HELD = 16  # stopped by risk control; an act whose money is held ends with 0
    PENDING = 17  # the outcome is not known yet
    CONFLICT = 18  # a request id reused with other inputs
    DAMAGED = 19  # or tampered with
    LOCKED = 20
    UNUSABLE = 21  # the home as it is: disk full, read-only, written by a newer version
    DECLINED = 22  # the bank said no, or cannot be reached
    DIFFERENCES = 23  # two institutions' books do not agree
    EXPECTATION = 24  # a story's command did not do what the story says
    UNDELIVERED = 25  # an event was not delivered, and is not tried again
    INTERRUPTED = 130  # Ctrl-C


# --- facts ---------------------------------------------------------------------------------------

_REQUIRED: Any = object()
LEFT_OUT: Any = object()
"""The default of a fact that only some errors of a kind have: the others do not mention it."""


class Fact:
    """
    A declared fact of an error.

    On the class it is the declaration, and on an error what was given for it.
    """

    __slots__ = ("also", "default", "example", "kw_only", "name", "shape", "words")

    def __init__(
        self,
        example: object,
        also: tuple[object, ...],
        default: object,
        kw_only: bool,
        shape: Callable[[Any], object] | None,
        words: Mapping[str, str] | None,
    ) -> None:
        self.name = ""
        self.example = example
        self.also = also
        self.default = default
        self.kw_only = kw_only
        self.shape = shape
        self.words = words

    def __set_name__(self, kind: type, name: str) -> None:
        self.name = name

    def __get__(self, error: "HongbaoError | None", kind: type) -> object:
        if error is None:
            return self
        try:
            return error.facts[self.name]
        except KeyError:
            raise AttributeError(f"{kind.__name__} says nothing of {self.name}") from None


def example(
    value: T,
    *,
    also: tuple[T, ...] = (),
    default: T = _REQUIRED,
    kw_only: bool = True,
    shape: Callable[[T], T] | None = None,
    words: Mapping[str, str] | None = None,
) -> T:
    """
    Declare a fact, with the *value* that it has in the gallery's example.

    *also* are values with which the error says something else: the gallery shows those, too.
    A fact with a *default* may be missing in a call, and with ``kw_only=False`` it may be given
    by its place. *shape* is what it passes through before it is kept (see `shortened`). *words*
    are what the sentences say instead of each value; they may name other facts in turn.
    """
    return cast(T, Fact(value, also, default, kw_only, shape, words))


def shortened(text: str, length_max: int = 40) -> str:
    """
    Return *text* quoted for a sentence: escapes shown as text, and never longer than a line.

    >>> shortened("1e3"), shortened("a\\x1b[31m")
    ("'1e3'", "'a\\\\x1b[31m'")
    """
    return f"'{harmless(text, length_max)}'"


# --- the error -----------------------------------------------------------------------------------

Tell = Callable[[str, Mapping[str, object]], str]
"""Fills a sentence with facts, in English (`fill`) or in the reader's language."""


class _CodeFromName:
    """The code of an error that declares none: its class's name in snake case."""

    def __get__(self, error: "HongbaoError | None", kind: "type[HongbaoError]") -> str:
        return "".join(
            f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__
        )[1:]


@dataclass_transform(kw_only_default=True, field_specifiers=(example,))
class HongbaoError(Exception):
    """
    A refusal that a person can understand.

    *code* is for programs and never changes; *exit_code* is for shells; *sentence* and *advice*
    are templates for people, filled from *facts* (see `hongbao.words.fill` for how each is shown).
    Sentences are lower case, without a full stop, and never hold a secret.
    """

    code: ClassVar[str] = cast(str, _CodeFromName())
    final: ClassVar[bool] = False
    """Whether the same request can never be answered otherwise, however often it is made."""
    is_of_device: ClassVar[bool] = False
    """Whether the request's device is the obstacle: another device has to be used."""
    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    sentence: ClassVar[str] = ""
    advice: ClassVar[str | None] = None
    begun: bool = False
    """Whether something of what was asked for may be done: then none says that nothing is."""

    def __init__(self, *given: object, **named: object) -> None:
        """Take the declared facts, as a dataclass would."""
        super().__init__()
        self.facts: Mapping[str, object] = _kept(type(self), given, named)
        self.facts = {  # and those that are found from them, in the order of the declarations
            name: getattr(self, name)
            for name, fact in declarations(type(self)).items()
            if name in self.facts or isinstance(fact, property)
        }

    @classmethod
    def with_facts(cls, facts: Mapping[str, object]) -> Self:
        """Return the error that *facts* were once written down from, as they are."""
        error = cls.__new__(cls)
        error.facts = facts
        return error

    def __str__(self) -> str:
        """Return the sentence in English, which is what programs and logs get."""
        return self._filled(self.chosen_sentence(), fill)

    @property
    def message(self) -> str:
        """The sentence in the reader's language."""
        return self._filled(self.chosen_sentence(), _say)

    @property
    def hint(self) -> str | None:
        """The next step in the reader's language, if there is one."""
        advice = self.chosen_advice()
        return None if advice is None else self._filled(advice, _say)

    def as_dict(self) -> dict[str, object]:
        """Return the error for programs: code, message and hint in English, and the facts."""
        facts = {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in self.facts.items()
        }
        advice = self.chosen_advice()
        hint = None if advice is None else self._filled(advice, fill)
        return {"code": self.code, "message": str(self), "hint": hint, **facts}

    def chosen_sentence(self) -> str:
        """Return the sentence that the facts call for, for an error that has several."""
        return self.sentence

    def chosen_advice(self) -> str | None:
        """Return the advice that the facts call for, for an error that has several."""
        return self.advice

    def _filled(self, sentence: str, tell: Tell) -> str:
        words = {
            name: tell(fact.words[str(self.facts[name])], self.facts)
            for name, fact in declarations(type(self)).items()
            if isinstance(fact, Fact) and fact.words is not None
        }
        return tell(sentence, {**self.facts, **words})


def _kept(
    kind: type[HongbaoError], given: tuple[object, ...], named: dict[str, object]
) -> dict[str, object]:
    """Return the facts of a call, or raise TypeError where one is missing or is not declared."""
    declared = {name: fact for name, fact in declarations(kind).items() if isinstance(fact, Fact)}
    places = [name for name, fact in declared.items() if not fact.kw_only]
    if len(given) > len(places):
        raise TypeError(f"{kind.__name__} takes {len(places)} facts by place, not {len(given)}")
    placed = dict(zip(places, given, strict=False))
    for name in placed.keys() & named.keys():
        raise TypeError(f"{kind.__name__} was given {name} twice")
    for name in named.keys() - declared.keys():
        raise TypeError(f"{kind.__name__} has no fact {name}")

    kept = {}
    for name, fact in declared.items():
        value = placed.get(name, named.get(name, fact.default))
        if value is _REQUIRED:
            raise TypeError(f"{kind.__name__} was not given {name}")
        if value is not LEFT_OUT:
            kept[name] = value if fact.shape is None else fact.shape(value)
    return kept


def _say(sentence: str, facts: Mapping[str, object]) -> str:
    return say(sentence, **facts)


def declarations(kind: type[HongbaoError]) -> Mapping[str, Fact | property]:
    """Return the facts that *kind* declares, by name and in order, its family's first."""
    return MappingProxyType(
        {
            name: fact
            for each in reversed(kind.__mro__[: kind.__mro__.index(HongbaoError)])
            for name, fact in vars(each).items()
            if isinstance(fact, Fact)
            or (isinstance(fact, property) and not hasattr(HongbaoError, name))
        }
    )


# --- the families, each with its exit code --------------------------------------------------------


class UsageError(HongbaoError):
    """Something typed cannot be used as it stands."""

    exit_code = ExitCode.USAGE


class NotFound(HongbaoError):
    """The named thing does not exist."""

    exit_code = ExitCode.NOT_FOUND


class NotClaimable(HongbaoError):
    """The packet cannot be resolved this way, and where *final* never will be."""

    packet: str = example("hb_7Q2M4K9X", kw_only=False)

    exit_code = ExitCode.NOT_CLAIMABLE
    final = True


class Insufficient(HongbaoError):
    """There is less money than the act needs."""

    exit_code = ExitCode.INSUFFICIENT


class OverLimit(HongbaoError):
    """A rule of the policy leaves less room than the act needs."""

    exit_code = ExitCode.LIMIT


class PinError(HongbaoError):
    """The payment PIN is missing its form, its strength or its match."""

    exit_code = ExitCode.PIN


class HeldByRisk(HongbaoError):
    """
    Risk control does not let an act happen, or not yet.

    *rule* names the rule of the pack, and *why* is its sentence in both languages.
    """

    exit_code = ExitCode.HELD


class NotIntact(HongbaoError):
    """Something is not as it was written, or was signed: damaged, or tampered with."""

    exit_code = ExitCode.DAMAGED


class LogRefused(NotIntact):
    """What the ledger's log offers does not continue what this machine has seen of it."""

    where: str = example("mysql://pay@db1,db2/ledger")
    epoch: int = example(1)
    size: int = example(40)
    seen_epoch: int = example(1)
    seen_size: int = example(57)

    advice = N_(
        "see what is there with `hongbao check`; then record the loss with `hongbao home epoch`"
    )


class Locked(HongbaoError):
    """The home's key is wrapped, and what opens it was not given."""

    exit_code = ExitCode.LOCKED


class Unusable(HongbaoError):
    """The home, or the system that it is on, cannot be used as it is."""

    exit_code = ExitCode.UNUSABLE


class NotPaid(HongbaoError):
    """No money moved: the payment failed."""

    exit_code = ExitCode.DECLINED


class BooksDiffer(HongbaoError):
    """Two books that should say the same do not."""

    exit_code = ExitCode.DIFFERENCES
