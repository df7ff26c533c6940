"""Composing: a story out of the commands in a log, with made-up secrets and names for ids."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

from hongbao.domain.identity import id_check_character, luhn_check_digit
from hongbao.domain.pin import Pin, check_strength
from hongbao.errors import HongbaoError
from hongbao.recordings import recorder
from hongbao.recordings.recorder import Recorded
from hongbao.story.script import NAME
from hongbao.words import N_, shell_word, spoken

LEFT_OUT = {
    "own_wallet": N_("it works in a separate wallet"),
    "other_wallet": N_("it was used on another wallet"),
    "interactive": N_("it is watched or edited by a person"),
    "receiver": N_("it is about a receiver outside of the wallet"),
    "given_up": N_("it was given up at a question"),
    "challenged": N_("a challenge was answered in it; `hongbao challenge answer` can be played"),
    "interrupted": N_("it was interrupted"),
    "line_break": N_("a line of a story cannot contain a line break"),
}
"""Why a command cannot be played."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    A command of the story: *typed* as its line has it, and what was recorded.

    *names* are the ids that it is the first to answer with, by their name. Of a wrong try that
    stands before a command, *entry* is None. *expected* are the lines of what should come.
    """

    actor: str | None
    typed: str
    code: int
    entry: Recorded | None
    names: Mapping[str, str] = field(default_factory=dict)
    expected: tuple[str, ...] = ()


class LeftOut(NamedTuple):
    """A command that the story cannot play, and the name of the reason in `LEFT_OUT`."""

    typed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A story before it is written: *laid* are the lines that lay its files and names down.

    Where something private was *replaced*, the books of a play differ from those recorded.
    """

    laid: tuple[str, ...]
    scenes: tuple[Step | LeftOut, ...]
    replaced: bool

    @property
    def steps(self) -> list[Step]:
        return [scene for scene in self.scenes if isinstance(scene, Step)]

    @property
    def left_out(self) -> list[LeftOut]:
        return [scene for scene in self.scenes if isinstance(scene, LeftOut)]

    def expecting(self, expected: Sequence[Sequence[str]]) -> "Draft":
        """Return the same with these lines expected of each step."""
        lines = iter(expected)
        scenes = (
            replace(scene, expected=tuple(next(lines))) if isinstance(scene, Step) else scene
            for scene in self.scenes
        )
        return replace(self, scenes=tuple(scenes))

    def text(self, *, before: str = "") -> str:
        """Return the story as its file has it, after the text of the one *before*."""
        lines = [] if before.startswith(_FORM) else [_FORM]
        lines += [f"{before.rstrip()}\n"] if before else []
        lines += self.laid
        for scene in self.scenes:
            if isinstance(scene, LeftOut):
                lines += _notes(scene)
            else:
                lines += _lines(scene)
        return "\n".join([*lines, ""])


def _notes(left_out: LeftOut) -> Iterator[str]:
    """Yield a note in each language: who presents the story knows what else was done."""
    for language, code in (("en", "en"), ("zh_CN", "zh")):
        say = spoken(language)
        reason = say(LEFT_OUT[left_out.reason])
        said = say(N_("left out: `{typed}` ({reason})"), typed=left_out.typed, reason=reason)
        yield f"note {code}: {said}"


def _lines(step: Step) -> Iterator[str]:
    typed = step.typed if step.actor is None else f"{step.actor}: {step.typed}"
    after = ""
    below = list(step.expected)
    if len(below) == 1 and below[0].startswith("…"):
        after = f"  {below.pop()}"
    yield f"{typed}  => {step.code}{after}"
    yield from (f"    {line}" for line in below)


def compose(
    entries: Sequence[Recorded], *, taken: Collection[str] = (), lays_pin: bool = True
) -> Draft:
    """
    Return the story of what was recorded, in order.

    What is played before it has *taken* some names of ids and files; if that lays down the PIN of
    everyone, this must not (*lays_pin*).
    """
    composer = _Composer(taken, lays_pin)
    scenes = [scene for entry in entries for scene in composer.scenes(entry)]
    return Draft(tuple(composer.laid()), tuple(scenes), composer.replaced)


# --- what a story has instead ---------------------------------------------------------------------

_FORM = "# hongbao story 1"
PIN_FILE = "pin"
_WRONG = {"wrong_pin", "wrong_pin_or_code", "wrong_pin_or_identity"}
_TEXTS = {
    "me": "",
    "passphrase": "correct horse battery staple",
    "other-passphrase": "incorrect horse battery staple",
    "weak-passphrase": "horse",
    "weak-pin": "123456",
    "short-pin": "12",
}
"""Files whose text is always the same."""

_PEOPLE = ("张三", "李四", "王五", "赵六", "钱七", "孙八", "周九", "吴十")
_ORDINALS = (
    *("", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
)
_THINGS = ("packet", "case", "challenge")
_ACTOR = re.compile(r"[^\s:：\"'=\[\]]+")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_PLAIN_WORD = re.compile(r"[a-z][a-z-]*")


def made_up_pins() -> Iterator[str]:
    """Yield PINs that are no one's, and that no rule finds weak; the same ones every time."""
    yield from ("246810", "135790", "975310", "864209")
    for number in count():
        digits = str(int(hashlib.sha256(f"pin {number}".encode()).hexdigest(), 16))[-6:]
        try:
            check_strength(Pin(digits), None)
        except HongbaoError:
            continue
        yield digits


def made_up_id_number(number: int, *, valid: bool = True) -> str:
    """
    Return the *number*-th ID number that no one has: of someone born in 1949, as in examples.

    >>> made_up_id_number(0), made_up_id_number(0, valid=False)
    ('11010519491231002X', '110105194912310020')
    """
    payload = f"11010519491231{2 + 2 * number:03}"
    check = id_check_character(payload)
    return payload + (check if valid else "0" if check != "0" else "1")


def made_up_card_number(number: int, *, valid: bool = True) -> str:
    """
    Return the *number*-th card number that no one has, of a bank that no one knows.

    >>> made_up_card_number(0)
    '9999000000000004'
    """
    payload = f"999900{number:09}"
    check = luhn_check_digit(payload)
    return payload + (check if valid else str((int(check) + 1) % 10))


class _Composer:
    """What has been made up so far, and which names ids have."""

    def __init__(self, taken: Collection[str], lays_pin: bool) -> None:
        self._pins = made_up_pins()
        self._taken = {*taken}
        self._files = {PIN_FILE: next(self._pins)}
        self._lays_pin = lays_pin
        self._wrong_pin = next(self._pins)
        self._made_up: dict[tuple[str, str], str] = {}
        self._kinds: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._literals: dict[str, str] = {}
        self._pin_of: dict[str | None, str] = {}
        self._current: str | None = None
        self.replaced = False

    def laid(self) -> Iterator[str]:
        """Yield the lines that lay down files and names."""
        yield from (f"given {name} = {text}" for text, name in self._literals.items())
        for name, text in self._files.items():
            if name != PIN_FILE or self._lays_pin:
                yield f"file {name}: {text}"

    def scenes(self, entry: Recorded) -> Iterator[Step | LeftOut]:
        """Yield the wrong tries before *entry*, and then itself."""
        actor, words = _parted(entry)
        private = [recorder.marked(word, self._replacement) for word in words]
        if entry.left_out is not None:
            yield LeftOut(_shown(private), entry.left_out)
            return
        if any(_BREAKS.search(word) for word in private):
            yield LeftOut(_shown(private), "line_break")
            return
        person = self._current if actor is None else actor.partition("@")[0]
        if actor is not None and _ACTOR.fullmatch(actor) is None:
            private += ["-p", actor]
            actor = None
        settings, options = self._secrets(entry, person)
        for _ in range(entry.wrong_tries):
            wrong = self._typed(private, settings, {**options, "--pin-file": self._wrong()})
            yield Step(actor, wrong, 14, None)
        typed = self._typed(private, settings, options)
        names = self._new_names(entry)
        self._follow(entry, words, person, options)
        yield Step(actor, typed, entry.code, entry, names)

    def _replacement(self, kind: str, tag: str) -> str:
        """Return what the story has instead of something private."""
        self.replaced = True
        if (kind, tag) not in self._made_up:
            number = self._kinds[kind] = self._kinds.get(kind, -1) + 1
            match kind:
                case "name":
                    made_up = _PEOPLE[number % len(_PEOPLE)] * (1 + number // len(_PEOPLE))
                case "id_number" | "bad_id_number":
                    made_up = made_up_id_number(number, valid=kind == "id_number")
                case _:
                    made_up = made_up_card_number(number, valid=kind == "card_number")
            self._made_up[kind, tag] = made_up
        return self._made_up[kind, tag]

    def _file(self, name: str) -> str:
        self._files.setdefault(name, _TEXTS.get(name, ""))
        return name

    def _wrong(self) -> str:
        self._files.setdefault("wrong-pin", self._wrong_pin)
        return "wrong-pin"

    def _secrets(self, entry: Recorded, person: str | None) -> tuple[list[str], dict[str, str]]:
        """Return the settings and the options by which *entry* is given its secrets."""
        settings: list[str] = []
        options: dict[str, str] = {}
        for secret in entry.secrets:
            match secret:
                case "pin" if entry.error in _WRONG:
                    options["--pin-file"] = self._wrong()
                case "pin" if (file := self._pin_of.get(person, PIN_FILE)) != PIN_FILE:
                    options["--pin-file"] = file
                case "first_pin" if entry.error == "weak_pin":
                    options["--pin-file"] = self._file("weak-pin")
                case "first_pin" | "pin" if entry.error == "invalid_pin":
                    options["--pin-file"] = self._file("short-pin")
                case "operator_pin":
                    wrong = entry.error in _WRONG
                    options["--pin-file"] = self._wrong() if wrong else self._operator_pin()
                case "new_operator_pin":
                    weak = entry.error == "weak_pin"
                    options["--new-pin-file"] = (
                        self._file("weak-pin") if weak else self._operator_pin()
                    )
                case "new_pin" if entry.error in ("weak_pin", "invalid_pin"):
                    weak = entry.error == "weak_pin"
                    options["--new-pin-file"] = self._file("weak-pin" if weak else "short-pin")
                case "new_pin":
                    options["--new-pin-file"] = self._new_pin()
                case "code":
                    options["--totp-file"] = "authenticator"
                case "authenticator":
                    options["--secret-file"] = "authenticator"
                case "identity":
                    self._files["me"] = " ".join(
                        recorder.marked(mark, self._replacement) for mark in entry.identity
                    )
                    options["--id-file"] = "me"
                case "passphrase":
                    wrong = entry.error == "wrong_passphrase"
                    file = self._file("other-passphrase" if wrong else "passphrase")
                    settings = [f"HONGBAO_PASSPHRASE_FILE={file}"]
                case "new_passphrase":
                    weak = entry.error in ("weak_passphrase", "common_passphrase")
                    file = self._file("weak-passphrase" if weak else "passphrase")
                    options["--passphrase-file"] = file
        return settings, options

    def _operator_pin(self) -> str:
        if "operator-pin" not in self._files:
            self._files["operator-pin"] = next(self._pins)
        return "operator-pin"

    def _new_pin(self) -> str:
        name = f"pin-{sum(name.startswith('pin') for name in self._files) + 1}"
        self._files[name] = next(self._pins)
        return name

    def _typed(self, words: Sequence[str], settings: Sequence[str], more: Mapping[str, str]) -> str:
        """Return *words* as a line of a story has them, with names for ids."""
        spelt = [*settings]
        for number, word in enumerate(words):
            spelt.append(self._named(word, is_first=number == 0))
        place = spelt.index("--") if "--" in spelt else len(spelt)
        spelt[place:place] = [part for option in more.items() for part in option]
        return " ".join(spelt)

    def _named(self, word: str, *, is_first: bool) -> str:
        if is_first and _PLAIN_WORD.fullmatch(word) is None:
            return "'" + word.replace("'", "'\"'\"'") + "'"
        if word in self._names:
            return f"[{self._names[word]}]"
        if NAME.search(word):  # it was typed so, and names nothing
            name = self._literals.setdefault(word, f"text_{len(self._literals) + 1}")
            return f"[{name}]"
        return shell_word(word)

    def _new_names(self, entry: Recorded) -> dict[str, str]:
        """Name the ids that *entry* is the first to answer with; return them by name."""
        found = {}
        for thing in _THINGS:
            value = entry.facts.get(thing)
            if isinstance(value, str) and value not in self._names:
                name = next(name for name in _names_of(thing) if name not in self._taken)
                self._names[value] = name
                self._taken.add(name)
                found[name] = value
        return found

    def _follow(
        self,
        entry: Recorded,
        words: Sequence[str],
        person: str | None,
        options: Mapping[str, str],
    ) -> None:
        """Keep up with who acts where no one is named, and with whose PIN is which."""
        if entry.code:
            return
        if words[0] == "use" or (words[0] == "init" and self._current is None):
            named = next((word for word in words[1:] if not word.startswith("-")), None)
            self._current = named
            self._pin_of.setdefault(named, self._pin_of.get(None, PIN_FILE))
        if "new_pin" in entry.secrets:
            self._pin_of[person] = options["--new-pin-file"]


def _names_of(thing: str) -> Iterator[str]:
    """Yield the names of the first thing, the second, and so on."""
    for number in count():
        ordinal = _ORDINALS[number] if number < len(_ORDINALS) else f"n{number + 1}"
        yield f"{ordinal}_{thing}" if ordinal else thing


def _parted(entry: Recorded) -> tuple[str | None, list[str]]:
    """Return who acts in *entry*, if it says so, and its words without that."""
    actor, words = entry.profile, []
    rest = iter(entry.words)
    for word in rest:
        if word == "--":
            words += [word, *rest]
        elif word in ("-p", "--profile"):
            actor = next(rest, actor)
        elif word.startswith("--profile="):
            actor = word.partition("=")[2]
        elif word.startswith("-p") and word != "-p" and not word.startswith("--"):
            actor = word.removeprefix("-p")
        else:
            words.append(word)
    return actor, words


def _shown(words: Sequence[str]) -> str:
    text = " ".join(["hongbao", *map(shell_word, words)])
    return _BREAKS.sub(" ", text)
