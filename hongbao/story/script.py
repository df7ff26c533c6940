"""The script of a story: its parts and its parser."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hongbao.errors import FileNotReadable, InvalidStory
from hongbao.words import N_

NAME = re.compile(r"\[([a-z][a-z0-9_]*)\]")
"""A name for a value that an earlier answer had."""

VARIABLE = re.compile(r"(?P<name>HONGBAO_[A-Z_]+)=(?P<value>.*)", re.DOTALL)
"""A setting that stands before a command, as in a shell."""


@dataclass(frozen=True, slots=True)
class Narration:
    """A paragraph of narration, by language; "" is every language."""

    line: int
    told: Mapping[str, str]

    def told_in(self, language: str) -> str:
        """Return the paragraph in *language*, or in what there is."""
        for spoken in (language.partition("_")[0], ""):
            if spoken in self.told:
                return self.told[spoken]
        return next(iter(self.told.values()))


@dataclass(frozen=True, slots=True)
class Prop:
    """A file of one line that lies ready for the commands, readable by its owner alone."""

    line: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    The expected output of a command: a line, or facts of its JSON document.

    *where* is ``out``, ``err``, or ``either`` of them. An empty *text* is silence.
    """

    line: int
    where: Literal["out", "err", "either", "json"]
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command as *typed*, who types it, and what should come of it."""

    line: int
    actor: str | None
    typed: str
    exit_code: int
    expected: tuple[Expectation, ...]


Scene = Narration | Prop | Command


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it was read; *source* is what it is called when it goes wrong."""

    source: str
    scenes: tuple[Scene, ...]


# --- reading -------------------------------------------------------------------------------------

_COMMENT = re.compile(r"#+\s*(?:(?P<language>en|zh)[:：])?\s*(?P<text>.*)")
_PROP = re.compile(r"file\s+(?P<name>[\w.-]+):(?:\s+(?P<text>.*))?")
_ACTOR = re.compile(r"(?P<actor>[^\s:：\"'=]+)[:：]\s+(?P<rest>.*)")
_ARROW = re.compile(r"\s=>(?=\s|$)")
_OUTCOME = re.compile(r"(?P<exit_code>\d{1,3})(?:\s+(?P<text>.*))?")
_EXPECTED = re.compile(r"(?P<where>2?>)(?:\s+(?P<text>.*))?|(?P<json>\{.*)")

_OURS = frozenset({"HONGBAO_HOME"})
"""What a story cannot choose: it plays on its own throw-away home and on no other."""


def read(path: Path) -> Story:
    """
    Read the story in *path*.

    Raises FileNotReadable, or InvalidStory with the line that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileNotReadable(path=str(path), reason=error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise FileNotReadable(path=str(path), reason=N_("it is not text")) from None
    return parse(text, path.name)


def parse(text: str, source: str) -> Story:
    """
    Read a story from its *text*; *source* is what its errors call it.

    >>> parse("balance  => 0  10.00", "tiny").scenes[0].typed
    'balance'
    """
    return Story(source, tuple(_Reader(source).scenes(text)))


class _Reader:
    """Reads line by line, and knows which names the lines so far have filled."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.line = 0
        self.filled: set[str] = set()

    def scenes(self, text: str) -> list[Scene]:
        scenes: list[Scene] = []
        last = "nothing"
        for self.line, raw in enumerate(text.splitlines(), start=1):
            line, kind = raw.strip(), _kind(raw)
            before = scenes[-1] if scenes else None
            if kind == "comment":
                joined = before if isinstance(before, Narration) and last == kind else None
                told = self._narration(line, joined)
                if told is None:
                    kind = "nothing"
                else:
                    scenes[len(scenes) - (joined is not None) :] = [told]
            elif kind == "expectation":
                if not isinstance(before, Command) or last not in ("scene", kind):
                    raise self._wrong("no_command")
                scenes[-1] = self._with(before, self._expectation(line))
            elif kind == "scene":
                scenes.append(self._prop(line) or self._command(line))
            last = kind
        return scenes

    def _narration(self, line: str, before: Narration | None) -> Narration | None:
        """Read a comment; if it continues the paragraph *before*, return both as one."""
        match = _COMMENT.fullmatch(line)
        assert match is not None
        language, text = match["language"], match["text"]
        if not text:
            return None
        if before is None:
            return Narration(self.line, {language or "": text})
        told = dict(before.told)
        language = language or next(reversed(told))
        told[language] = _joined(told.get(language, ""), text)
        return Narration(before.line, told)

    def _prop(self, line: str) -> Prop | None:
        match = _PROP.fullmatch(line)
        return match and Prop(self.line, match["name"], match["text"] or "")

    def _command(self, line: str) -> Command:
        typed, outcome = self._parted(line)
        match = _OUTCOME.fullmatch(outcome)
        if match is None or int(match["exit_code"]) > 255:
            raise self._wrong("no_exit_code")
        actor = _ACTOR.fullmatch(typed)
        if actor is not None:
            typed = actor["rest"]
        self._check(typed)
        speaker = actor and actor["actor"]
        command = Command(self.line, speaker, typed, int(match["exit_code"]), expected=())
        if not match["text"]:
            return command
        return self._with(command, self._text("either", match["text"]))

    def _parted(self, line: str) -> tuple[str, str]:
        """Part a command from what should come of it, at the first => that is not quoted."""
        quoted = False
        for arrow in _ARROW.finditer(line):
            typed = line[: arrow.start()].strip()
            try:
                shlex.split(typed)
            except ValueError:
                quoted = True
                continue
            return typed, line[arrow.end() :].strip()
        raise self._wrong("open_quote" if quoted else "no_arrow")

    def _check(self, typed: str) -> None:
        words = shlex.split(typed)
        while words and (variable := VARIABLE.fullmatch(words[0])):
            if variable["name"] in _OURS:
                raise self._wrong("not_yours", name=variable["name"])
            del words[0]
        if not words:
            raise self._wrong("no_command_word")
        for name in NAME.findall(typed):
            if name not in self.filled:
                raise self._wrong("unknown_name", name=f"[{name}]")

    def _expectation(self, line: str) -> Expectation:
        match = _EXPECTED.fullmatch(line)
        if match is None:
            raise self._wrong("bad_expectation")
        if match["json"]:
            return self._text("json", match["json"])
        return self._text("out" if match["where"] == ">" else "err", match["text"] or "")

    def _text(self, where: Literal["out", "err", "either", "json"], text: str) -> Expectation:
        if where in ("either", "json") and text.startswith("{"):
            where = "json"
            try:
                json.loads(text)
            except ValueError:
                raise self._wrong("bad_json") from None
        return Expectation(self.line, where, text)

    def _with(self, command: Command, expected: Expectation) -> Command:
        self.filled.update(NAME.findall(expected.text))
        return replace(command, expected=(*command.expected, expected))

    def _wrong(self, problem: str, **facts: str) -> InvalidStory:
        return InvalidStory(source=self.source, line=self.line, problem=problem, **facts)


def _kind(raw: str) -> str:
    if not raw.strip():
        return "nothing"
    if raw.lstrip().startswith("#"):
        return "comment"
    return "expectation" if raw[0].isspace() else "scene"


def _joined(before: str, after: str) -> str:
    """Join two lines of a paragraph: with a space, unless Chinese meets Chinese."""
    if not before:
        return after
    chinese = ord(before[-1]) > 0x2E7F and ord(after[0]) > 0x2E7F
    return before + ("" if chinese else " ") + after
