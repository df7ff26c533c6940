"""The script of a story: its parts and its parser."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

from hongbao.documents import of_json
from hongbao.errors import InvalidFact, InvalidStory, kinds
from hongbao.inputs import read_whole
from hongbao.words import Filled

NAME = re.compile(r"\[([a-z][a-z0-9_]*)\]")
"""A name for a value that an earlier answer had."""

VARIABLE = re.compile(r"(?P<name>HONGBAO_[A-Z_]+)=(?P<value>.*)", re.DOTALL)
"""A setting that stands before a command, as in a shell."""


FORM = 1
"""The form of stories that this hongbao plays, as a file's first line may say it."""


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
class Chapter(Narration):
    """The heading of a chapter: a command that fails ends it, and the next one may still play."""


@dataclass(frozen=True, slots=True)
class Note(Narration):
    """What only the person who presents the story is to see."""


@dataclass(frozen=True, slots=True)
class Given:
    """A name's value, unless it has another one already: from outside, or from an earlier line."""

    line: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A place where a live audience is waited for."""

    line: int


@dataclass(frozen=True, slots=True)
class Used:
    """Another story, whose lines are played in this place."""

    line: int
    story: "Story"


@dataclass(frozen=True, slots=True)
class Prop:
    """A file of one line that lies ready for the commands, readable by its owner alone."""

    line: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    What is expected of a command: a line of its output, facts of its JSON document or of the books.

    *where* is ``out``, ``err``, or ``either`` of them; ``json``; or ``books``. An empty *text* is
    silence.
    """

    line: int
    where: Literal["out", "err", "either", "json", "books"]
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command as *typed*, who types it, and what should come of it.

    The *exit_code* is None if it may be any: in a race, that depends on who is first. An
    *error_code* is expected as well, if there is one.
    """

    line: int
    actor: str | None
    typed: str
    exit_code: int | None
    expected: tuple[Expectation, ...]
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """
    What all commands of a race come to, in whatever order they were done.

    *what* is how many of them end with the exit code *field*, the sum of a *field* of their JSON
    documents, or all its values, in any order. *wanted* is what is expected, as it is typed.
    """

    line: int
    what: Literal["count", "sum", "values"]
    field: str
    wanted: tuple[str, ...]

    @property
    def text(self) -> str:
        """How it is written in a story."""
        wanted = " ".join(self.wanted)
        if self.what == "count":
            return f"{wanted} => {self.field}"
        return f"{self.what} {self.field} = {wanted}"


@dataclass(frozen=True, slots=True)
class Race:
    """Commands that are done at once, each by as many processes: nobody knows who is first."""

    line: int
    commands: tuple[Command, ...]
    times: int
    expected: tuple[Total, ...]
    books: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """
    Commands that are done at once, while their turns at the ledger are given.

    That is in the *order* of these numbers, which starts over, or as the *seed* has them drawn.
    """

    line: int
    commands: tuple[Command, ...]
    seed: str
    order: tuple[int, ...]


Scene = Narration | Chapter | Note | Given | Pause | Used | Prop | Command | Race | Together


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it was read; *source* is what it is called when it goes wrong."""

    source: str
    scenes: tuple[Scene, ...]

    @property
    def givens(self) -> dict[str, str]:
        """The names that can be set from outside, with the value that each has otherwise."""
        found: dict[str, str] = {}
        for scene in self.scenes:
            if isinstance(scene, Given):
                found.setdefault(scene.name, scene.text)
            elif isinstance(scene, Used):
                found = scene.story.givens | found
        return found


# --- reading -------------------------------------------------------------------------------------

_COMMENT = re.compile(r"#+\s*(?:(?P<language>en|zh)[:：])?\s*(?P<text>.*)")
_FORM = re.compile(r"#\s*hongbao\s+story\s+(?P<form>\d{1,9})\s*")
_CHAPTER = re.compile(r"##\s*(?:(?P<language>en|zh)[:：])?\s*(?P<text>[^#\s].*)")
_NOTE = re.compile(r"note(?:\s+(?P<language>en|zh))?[:：](?:\s+(?P<text>.*))?")
_GIVEN = re.compile(r"given\s+(?P<name>[a-z][a-z0-9_]*)\s*=(?!>)\s*(?P<text>.*)")
_USE = re.compile(r"use\s+(?P<file>\S.*)")
_PROP = re.compile(r"file\s+(?P<name>[\w.-]+):(?:\s+(?P<text>.*))?")
_ACTOR = re.compile(r"(?P<actor>[^\s:：\"'=]+)[:：]\s+(?P<rest>.*)")
_ARROW = re.compile(r"\s=>(?=\s|$)")
_OUTCOME = re.compile(r"(?P<exit_code>\d{1,3})(?::(?P<error_code>[a-z_]+))?(?:\s+(?P<text>.*))?")
_BLOCK = re.compile(r"(?P<kind>race|together)(?:\s+(?P<rest>\S+))?")
_END = "end"
_ORDER = re.compile(r"order[:：]\s*(?P<numbers>\d[\d\s]*)")
_COUNT = re.compile(r"(?P<wanted>\d{1,3}|\[[a-z][a-z0-9_]*\])\s+=>\s+(?P<code>\d{1,3})")
_TOTAL = re.compile(r"(?P<what>sum|values)\s+(?P<field>[\w.]+)\s*=\s*(?P<wanted>\S.*)")
_EXPECTED = re.compile(
    r"(?P<where>2?>)(?:\s+(?P<text>.*))?|(?P<json>\{.*)|fact[:：]\s+(?P<fact>\S.*)"
)
_PAUSE = "!pause"

_TAKEN = frozenset({".", "..", "home"})
"""What a file of a story cannot be called: it is a folder already, or will be."""

_OURS = frozenset({"HONGBAO_HOME", "HONGBAO_CONFIG", "HONGBAO_GATE", "HONGBAO_ERROR_FILE"})
"""What a story cannot choose: it plays on a throw-away home, with settings that go with it."""

SIZE_MAX = 1 << 20
"""How many bytes a story has at most."""

PROCESSES_MAX = 100
"""How many processes a race of a story starts at most."""


def read(path: Path, source: str | None = None) -> Story:
    """
    Read the story in *path*; *source* is what its errors call it, its name if nothing else.

    Raises FileNotReadable, or InvalidStory with the line that cannot be read.
    """
    return parse(_text_of(path), path.name if source is None else source, path.parent)


def _text_of(path: Path) -> str:
    return read_whole(path, SIZE_MAX)


def whole_text(path: Path) -> str:
    """
    Return the text of the story in *path* with those that it uses in their place.

    Raises FileNotReadable.
    """
    lines: list[str] = []
    for line in _text_of(path).splitlines():
        used = None if _ARROW.search(line) else _USE.fullmatch(line.rstrip())
        if used is None:
            lines.append(line)
        else:
            lines += ["", *_text_of(path.parent / used["file"]).splitlines(), ""]
    kept = [line for n, line in enumerate(lines) if n == 0 or _FORM.fullmatch(line) is None]
    return "\n".join([*kept, ""])


def parse(text: str, source: str, folder: Path | None = Path()) -> Story:
    """
    Read a story from its *text*; *source* is what its errors call it.

    The files that it uses are in *folder*; without one it may use none, and none is opened.

    >>> parse("balance  => 0  10.00", "tiny").scenes[0].typed
    'balance'
    """
    return Story(source, tuple(_Reader(source, folder, set()).scenes(text)))


@dataclass(slots=True)
class _Block:
    """What was read so far of a `race` or `together`."""

    line: int
    kind: str
    rest: str | None
    commands: list[Command] = field(default_factory=list)
    ordered: tuple[int, tuple[int, ...]] | None = None
    filled: set[str] = field(default_factory=set)


class _Reader:
    """
    Reads line by line, and knows which names the lines so far have filled.

    Without a *folder*, the story is one that another uses, and uses none itself.
    """

    def __init__(self, source: str, folder: Path | None, filled: set[str]) -> None:
        self.source = source
        self.folder = folder
        self.line = 0
        self.filled = filled

    def scenes(self, text: str) -> list[Scene]:
        scenes: list[Scene] = []
        last = "nothing"
        block: _Block | None = None
        for self.line, raw in enumerate(text.splitlines(), start=1):
            line, kind = raw.strip(), _kind(raw)
            before = scenes[-1] if scenes else None
            if block is not None:
                if line == _END:
                    scenes.append(self._closed(block))
                    block, last = None, "end"
                else:
                    self._add(block, raw)
                continue
            if self.line == 1 and (form := _FORM.fullmatch(line)):
                if int(form["form"]) != FORM:
                    raise self._wrong("other_form", name=form["form"])
                continue
            if (headed := _CHAPTER.fullmatch(line)) and kind == "comment":
                kind = "chapter"
                _put(scenes, Chapter(self.line, _by_language(headed)), last == kind)
            elif (noted := _NOTE.fullmatch(line)) and kind == "scene":
                kind = "note"
                _put(scenes, Note(self.line, _by_language(noted)), last == kind)
            elif kind == "comment":
                joined = before if type(before) is Narration and last == kind else None
                told = self._narration(line, joined)
                if told is None:
                    kind = "nothing"
                else:
                    scenes[len(scenes) - (joined is not None) :] = [told]
            elif kind == "expectation" and last == "end" and isinstance(before, Race):
                scenes[-1] = self._with_total(before, line)
                kind = "end"
            elif kind == "scene" and (opened := _BLOCK.fullmatch(line)):
                block = self._opened(opened)
            elif kind == "expectation":
                if not isinstance(before, Command) or last not in ("scene", kind):
                    raise self._wrong("no_command")
                scenes[-1] = self._with(before, self._expectation(line))
            elif kind == "scene":
                scenes.append(
                    self._pause(line)
                    or self._given(line)
                    or self._use(line)
                    or self._prop(line)
                    or self._command(line)
                )
            last = kind
        if block is not None:
            self.line = block.line
            raise self._wrong("no_end")
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

    def _pause(self, line: str) -> Pause | None:
        return Pause(self.line) if line == _PAUSE else None

    def _given(self, line: str) -> Given | None:
        match = _GIVEN.fullmatch(line)
        if match is None:
            return None
        self.filled.add(match["name"])
        return Given(self.line, match["name"], match["text"])

    def _use(self, line: str) -> Used | None:
        """Read the story that *line* names; with an arrow it is the command `hongbao use`."""
        match = _USE.fullmatch(line)
        if match is None or _ARROW.search(line):
            return None
        if self.folder is None:
            raise self._wrong("nested_use")
        source = str(Path(self.source).parent / match["file"])
        text = _text_of(self.folder / match["file"])
        return Used(
            self.line, Story(source, tuple(_Reader(source, None, self.filled).scenes(text)))
        )

    def _prop(self, line: str) -> Prop | None:
        match = _PROP.fullmatch(line)
        if match is None:
            return None
        if match["name"] in _TAKEN:
            raise self._wrong("file_taken", name=match["name"])
        text = match["text"] or ""
        self._check_names(text)
        return Prop(self.line, match["name"], text)

    def _command(self, line: str) -> Command:
        typed, outcome = self._parted(line)
        match = _OUTCOME.fullmatch(outcome)
        if match is None or int(match["exit_code"]) > 255:
            raise self._wrong("no_exit_code")
        command = self._typed(typed, int(match["exit_code"]))
        if match["error_code"]:
            self._check_error(match["error_code"], int(match["exit_code"]))
            command = replace(command, error_code=match["error_code"])
        if not match["text"]:
            return command
        return self._with(command, self._text("either", match["text"]))

    def _check_error(self, code: str, exit_code: int) -> None:
        """Refuse an error code that there is not, or that has another exit code."""
        exits = _exit_codes()
        if code not in exits:
            raise self._wrong("no_error_code", name=code)
        if exits[code] != exit_code:
            raise self._wrong("other_exit_code", name=f"{exits[code]}:{code}")

    def _typed(self, typed: str, exit_code: int | None) -> Command:
        actor = _ACTOR.fullmatch(typed)
        if actor is not None:
            typed = actor["rest"]
            self._check_names(actor["actor"])
        self._check(typed)
        return Command(self.line, actor and actor["actor"], typed, exit_code, expected=())

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
        self._check_names(typed)

    def _check_names(self, text: str) -> None:
        for name in NAME.findall(text):
            if name not in self.filled:
                raise self._wrong("unknown_name", name=f"[{name}]")

    def _expectation(self, line: str) -> Expectation:
        match = _EXPECTED.fullmatch(line)
        if match is None:
            raise self._wrong("bad_expectation")
        if match["json"]:
            return self._text("json", match["json"])
        if match["fact"]:
            return self._fact(match["fact"])
        return self._text("out" if match["where"] == ">" else "err", match["text"] or "")

    def _fact(self, text: str) -> Expectation:
        """Read what is expected of the books; names in brackets must have been filled."""
        from hongbao.errors.stories import FACT_PROBLEMS
        from hongbao.queries import facts  # few stories look at the books

        self._check_names(text)
        try:
            facts.parse(NAME.sub("1", text))  # which is an amount, a count and a person's name
        except InvalidFact as error:
            reason = Filled(FACT_PROBLEMS[error.problem], error.facts)
            raise self._wrong("bad_fact", name=reason) from None
        return Expectation(self.line, "books", text)

    def _text(self, where: Literal["out", "err", "either", "json"], text: str) -> Expectation:
        if where in ("either", "json") and text.startswith("{"):
            where = "json"
            try:
                of_json(text)
            except ValueError:
                raise self._wrong("bad_json") from None
        return Expectation(self.line, where, text)

    def _opened(self, match: re.Match[str]) -> _Block:
        """Read the line that a block begins with."""
        rest = match["rest"]
        if match["kind"] == "together":
            self._check_names(rest or "")
        elif rest is not None and not (rest.isascii() and rest.isdigit() and int(rest)):
            raise self._wrong("bad_times")
        return _Block(self.line, match["kind"], rest)

    def _add(self, block: _Block, raw: str) -> None:
        """Read a line of *block*."""
        line, is_race = raw.strip(), block.kind == "race"
        match _kind(raw):
            case "nothing":
                return
            case "scene" if not is_race and (order := _ORDER.fullmatch(line)):
                if block.commands or block.ordered is not None:
                    raise self._wrong("late_order")
                block.ordered = self.line, tuple(map(int, order["numbers"].split()))
            case "scene" if not any(
                each.fullmatch(line) for each in (_NOTE, _GIVEN, _PROP, _BLOCK)
            ):
                block.commands.append(
                    self._of_race(line) if is_race else self._of_together(line, block)
                )
            case "expectation" if block.commands and not is_race:
                expected = self._expectation(line)
                block.filled.update(NAME.findall(expected.text))
                command = block.commands.pop()
                block.commands.append(replace(command, expected=(*command.expected, expected)))
            case "expectation" if block.commands:
                raise self._wrong("not_order_free")
            case _:
                raise self._wrong("not_in_block", name=block.kind)

    def _of_race(self, line: str) -> Command:
        """Read a command that may end with any code, unless one is said."""
        if not _ARROW.search(line):
            return self._typed(line, None)
        command = self._command(line)
        if command.expected:
            raise self._wrong("not_order_free")
        return command

    def _of_together(self, line: str, block: _Block) -> Command:
        """Read a command whose answer fills names when *block* is over: all begin at once."""
        before = set(self.filled)
        command = self._command(line)
        block.filled |= self.filled - before
        self.filled.intersection_update(before)
        return command

    def _closed(self, block: _Block) -> Race | Together:
        """Return *block*, which ends here."""
        commands = tuple(block.commands)
        if not commands:
            raise self._wrong("empty_block", name=block.kind)
        self.filled |= block.filled
        if block.kind == "race":
            times = int(block.rest or 1)
            if times * len(commands) > PROCESSES_MAX:
                self.line = block.line
                raise self._wrong("too_many", name=str(PROCESSES_MAX))
            return Race(block.line, commands, times, ())
        line, order = block.ordered or (block.line, ())
        if order and set(order) != set(range(1, len(commands) + 1)):
            self.line = line
            raise self._wrong("bad_order", name=str(len(commands)))
        return Together(block.line, commands, block.rest or "", order)

    def _with_total(self, race: Race, line: str) -> Race:
        """Read what *race* comes to, in its processes or in the books."""
        if (match := _EXPECTED.fullmatch(line)) and match["fact"]:
            return replace(race, books=(*race.books, self._fact(match["fact"])))
        return replace(race, expected=(*race.expected, self._total(line)))

    def _total(self, line: str) -> Total:
        """Read what the processes of a race come to."""
        self._check_names(line)
        if count := _COUNT.fullmatch(line):
            return Total(self.line, "count", count["code"], (count["wanted"],))
        if total := _TOTAL.fullmatch(line):
            what: Literal["sum", "values"] = "sum" if total["what"] == "sum" else "values"
            wanted = tuple(total["wanted"].split())
            if what == "values" or len(wanted) == 1:
                return Total(self.line, what, total["field"], wanted)
        raise self._wrong("bad_total")

    def _with(self, command: Command, expected: Expectation) -> Command:
        self.filled.update(NAME.findall(expected.text))
        return replace(command, expected=(*command.expected, expected))

    def _wrong(self, problem: str, **facts: str) -> InvalidStory:
        return InvalidStory(source=self.source, line=self.line, problem=problem, **facts)


@cache
def _exit_codes() -> dict[str, int]:
    """Return the exit code of each error, by the error's own code."""
    return {kind.code: int(kind.exit_code) for kind in kinds()}


def _by_language(match: re.Match[str]) -> dict[str, str]:
    return {match["language"] or "": match["text"] or ""}


def _put(scenes: list[Scene], scene: Chapter | Note, follows: bool) -> None:
    """Add *scene*, or what it says in another language to the one that it directly *follows*."""
    before = scenes[-1] if scenes else None
    if (
        follows
        and isinstance(before, Chapter | Note)
        and "" not in before.told.keys() | scene.told.keys()
        and before.told.keys().isdisjoint(scene.told)
    ):
        scenes[-1] = replace(before, told={**before.told, **scene.told})
    else:
        scenes.append(scene)


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
