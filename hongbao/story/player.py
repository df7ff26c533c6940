"""The player of stories: runs a story's real commands in a temporary folder."""

import json
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from hongbao.errors import StoryFailed
from hongbao.story import running
from hongbao.story.parallel import Next, at_once, by_seed, in_order
from hongbao.story.promises import differing, first_match, pattern_of, plain, tightened, total_of
from hongbao.story.running import Run, Screen
from hongbao.story.script import (
    NAME,
    VARIABLE,
    Chapter,
    Command,
    Expectation,
    Given,
    Narration,
    Note,
    Prop,
    Race,
    Scene,
    Story,
    Together,
    Used,
)
from hongbao.words import shell_word


class Told(NamedTuple):
    """A paragraph of narration."""

    line: int
    text: str


class Asked(NamedTuple):
    """A command was typed, and is about to run."""

    line: int
    command: str


class Answered(NamedTuple):
    """The command ran: its exit code, and what it said on standard output and standard error."""

    line: int
    command: str
    exit_code: int
    out: str
    err: str


class Began(NamedTuple):
    """A chapter began."""

    line: int
    title: str


class AtOnce(NamedTuple):
    """
    Commands were done at once: *kind* is ``race`` or ``together``.

    In the latter, *turns* are the numbers of those who had each turn at the ledger.
    """

    line: int
    kind: str
    processes: int
    turns: list[int]


class Noted(NamedTuple):
    """A note for the person who presents."""

    line: int
    text: str


class Failed(NamedTuple):
    """
    An expectation that does not hold; *problem* is one of `StoryFailed`'s.

    *said* is all that the command printed. A secret that the story lays down is shown as •••.
    """

    line: int
    source: str
    chapter: str | None
    problem: str
    command: str
    expected: str
    got: str
    said: str


class Skipped(NamedTuple):
    """A chapter ended early: *name* would have been filled in one that failed."""

    line: int
    source: str
    chapter: str | None
    name: str


class Closed(NamedTuple):
    """
    The story is over: the digest of its books.

    Where `hongbao check` refuses, there is its error's code instead. Where there was a race, there
    is none: it is another one each time.
    """

    digest: str | None
    refusal: str | None
    had_race: bool = False


Event = Told | Asked | Answered | AtOnce | Began | Noted
Outcome = Event | Failed | Skipped | Closed


# --- playing -------------------------------------------------------------------------------------

_HUSHED = ("HONGBAO_", "LC_", "LANG", "COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR")
"""Settings of the person who plays a story, which would change the story."""

_PACKAGE = Path(__file__).parents[2]
HOME = "home"
"""The folder of a story's home, in the one that it plays in."""

_SETTINGS = "config.toml"
_PIN = "pin"


def play(
    story: Story,
    *,
    language: str = "en",
    screen: Screen | None = None,
    variables: Mapping[str, str] = os.environ,
    run: Run | None = None,
) -> Generator[Event, None, None]:
    """
    Play *story* in *language* on a throw-away home, and yield what happens as it happens.

    Each command is a separate process, or what *run* makes of it: the same hongbao as this one, in
    a folder that is gone afterwards, without a terminal to ask on. With a *screen* it answers as it
    does on a terminal of that size; otherwise as it does in a pipe. *variables* are the environment
    to begin from.

    Close the iterator (`contextlib.closing`) to leave early, and the folder is gone then, too.

    Raises StoryFailed at the first expectation that does not hold, after its `Answered`.
    """
    with tempfile.TemporaryDirectory(prefix="hongbao-story-") as lent:
        player = Player(Path(lent), None, language, screen, variables, {}, run)
        for outcome in player.outcomes(story):
            if isinstance(outcome, Failed):
                raise StoryFailed(
                    source=outcome.source,
                    line=outcome.line,
                    problem=outcome.problem,
                    command=outcome.command,
                    expected=outcome.expected,
                    got=outcome.got,
                )
            assert not isinstance(outcome, Skipped | Closed)
            yield outcome


def perform(
    story: Story,
    folder: Path,
    *,
    home: Path | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
    language: str = "en",
    screen: Screen | None = None,
    variables: Mapping[str, str] = os.environ,
    run: Run | None = None,
) -> Generator[Outcome, None, None]:
    """
    Play *story* in *folder* to its end, and yield what happens as it happens.

    Its home is made there, or is *home*; *given* are values for its names (see `Story.givens`).
    *run* runs its commands; each is a process otherwise.
    The first command that fails ends its chapter, and the next chapter is played. The last outcome
    is `Closed`.
    """
    player = Player(folder, home, language, screen, variables, given, run)
    yield from player.outcomes(story)
    yield player.close()


def _unrolled(story: Story) -> Iterator[tuple[str, Scene]]:
    """Yield every scene of *story*, and of those that it uses in their place, with its file."""
    for scene in story.scenes:
        if isinstance(scene, Used):
            yield from _unrolled(scene.story)
        else:
            yield story.source, scene


class Player:
    """
    The folder that stories play in, one after the other, and the names that they have filled.

    The home is in it, as `HOME`, unless another is given.
    """

    def __init__(
        self,
        folder: Path,
        home: Path | None,
        language: str,
        screen: Screen | None,
        variables: Mapping[str, str],
        given: Mapping[str, str],
        run: Run | None,
    ) -> None:
        self.run = run or running.process
        self.source = ""
        self.chapter: str | None = None
        self.folder = folder.resolve()
        self.home = self.folder / HOME if home is None else home
        self.language = language
        self.screen = screen
        self.names = dict(given)
        self.had_race = False
        self.secrets: list[str] = []
        self.variables = {
            name: value for name, value in variables.items() if not name.startswith(_HUSHED)
        }
        self.variables |= {
            "HONGBAO_HOME": str(self.home),
            "HONGBAO_CONFIG": str(self.folder / _SETTINGS),
            "HONGBAO_LANG": language,
            "HONGBAO_PAGER": "",
            # This hongbao, wherever it was started from.
            "PYTHONPATH": os.pathsep.join((str(_PACKAGE), variables.get("PYTHONPATH", ""))),
        }
        if screen is not None:
            self.variables |= {"COLUMNS": str(screen.columns), "LINES": str(screen.lines)}

    def outcomes(self, story: Story) -> Iterator[Event | Failed | Skipped]:
        """Play *story*, chapter by chapter."""
        is_over = False
        for source, scene in _unrolled(story):
            self.source = source
            if isinstance(scene, Chapter):
                self.chapter, is_over = scene.told_in(self.language), False
                yield Began(scene.line, self.chapter)
            elif not is_over:
                for outcome in self._played(scene):
                    is_over = is_over or isinstance(outcome, Failed | Skipped)
                    yield outcome

    def _played(self, scene: Scene) -> Iterator[Event | Failed | Skipped]:
        match scene:
            case Note():
                yield Noted(scene.line, scene.told_in(self.language))
            case Narration():
                yield Told(scene.line, scene.told_in(self.language))
            case Given():
                self.names.setdefault(scene.name, scene.text)
            case Prop():
                if (name := self._missing(scene.text)) is not None:
                    yield Skipped(scene.line, self.source, self.chapter, name)
                    return
                self.lay(scene)
            case Command():
                name = self._missing(f"{scene.actor or ''} {scene.typed}")
                if name is not None:
                    yield Skipped(scene.line, self.source, self.chapter, name)
                    return
                words, shown = self.spoken(scene)
                yield Asked(scene.line, shown)
                try:
                    answered = self.ask(scene.line, shown, words)
                except subprocess.TimeoutExpired:
                    nothing = Answered(scene.line, shown, -1, "", "")
                    yield self._failed(scene.line, "hangs", nothing, f"{running.SECONDS_MAX} s", "")
                    return
                yield answered
                yield from self.check(scene, answered)
            case Race() | Together():
                typed = (f"{each.actor or ''} {each.typed}" for each in scene.commands)
                if (name := self._missing(" ".join(typed))) is not None:
                    yield Skipped(scene.line, self.source, self.chapter, name)
                    return
                yield from self._at_once(scene)

    def _at_once(self, block: Race | Together) -> Iterator[Event | Failed]:
        """Do all commands of *block* at once, and tell in their order what became of them."""
        is_race = isinstance(block, Race)
        self.had_race = self.had_race or is_race
        times = block.times if isinstance(block, Race) else 1
        commands = [command for command in block.commands for _ in range(times)]
        following = None if isinstance(block, Race) else self._following(block)
        spoken = [self.spoken(command) for command in commands]
        played = at_once(
            [partial(self._started, words) for words, _shown in spoken],
            following,
            seconds_max=running.SECONDS_MAX,
        )
        yield AtOnce(block.line, "race" if is_race else "together", len(commands), played.turns)
        answers: list[Answered] = []
        for command, (_words, shown), ended in zip(commands, spoken, played.ended, strict=True):
            yield Asked(command.line, shown)
            out, err = map(self._plain, ended.said)
            code = -1 if ended.exit_code is None else ended.exit_code
            answers.append(Answered(command.line, shown, code, out, err))
            if ended.exit_code is None:
                yield self._failed(
                    command.line, "hangs", answers[-1], f"{running.SECONDS_MAX} s", ""
                )
            else:
                yield answers[-1]
                yield from self.check(command, answers[-1])
        if isinstance(block, Race):
            yield from self._check_totals(block, answers)

    def _following(self, block: Together) -> Next:
        if block.order:
            return in_order(block.order)
        return by_seed(self._filled(block.seed))

    def _check_totals(self, race: Race, answers: list[Answered]) -> Iterator[Failed]:
        all_of_it = Answered(race.line, "race", 0, "", "")
        for total in race.expected:
            expected = replace(total, wanted=tuple(map(self._filled, total.wanted)))
            came = total_of(expected, [(each.exit_code, each.out) for each in answers])
            if came != expected.text:
                yield self._failed(total.line, "total", all_of_it, expected.text, came)

    def _missing(self, text: str) -> str | None:
        """Return a name in *text* that nothing has filled: the chapter that would have failed."""
        return next((name for name in NAME.findall(text) if name not in self.names), None)

    def close(self) -> Closed:
        """Check the books, and return their digest."""
        try:
            code, out, err = self.run(["check", "--json"], self.folder, self.variables, None)
        except subprocess.TimeoutExpired:
            return Closed(None, "hangs", self.had_race)
        if code:
            return Closed(None, json.loads(err)["error"]["code"], self.had_race)
        return Closed(None if self.had_race else json.loads(out)["digest"], None, self.had_race)

    def lay(self, prop: Prop) -> None:
        """Put a file in place; the one called ``pin`` is the PIN that commands are given."""
        file, text = self.folder / prop.name, self._filled(prop.text)
        self.secrets.append(text)
        file.touch(0o600)
        file.write_text(f"{text}\n", encoding="utf-8")
        if prop.name == _PIN:
            self.variables["HONGBAO_PIN_FILE"] = _PIN

    def spoken(self, command: Command) -> tuple[list[str], str]:
        """Return *command*'s words with all names filled in, and how a person would type it."""
        words = [self._filled(word) for word in shlex.split(command.typed)]
        shown = NAME.sub(lambda name: shell_word(self.names[name[1]]), command.typed)
        if command.actor is not None:
            actor = self._filled(command.actor)
            words += ["-p", actor]
            shown += f" -p {shell_word(actor) if NAME.search(command.actor) else actor}"
        settings = next(n for n, word in enumerate(words) if not VARIABLE.fullmatch(word))
        first = shown.split(maxsplit=settings)
        return words, " ".join([*first[:settings], "hongbao", *first[settings:]])

    def _filled(self, text: str) -> str:
        return NAME.sub(lambda name: self.names.get(name[1], name[0]), text)

    def ask(self, line: int, shown: str, words: list[str]) -> Answered:
        """Run the command that *words* spell."""
        words, variables = self._set(words)
        exit_code, out, err = self.run(words, self.folder, variables, self.screen)
        return Answered(line, shown, exit_code, self._plain(out), self._plain(err))

    def _set(self, words: list[str]) -> tuple[list[str], dict[str, str]]:
        """Return *words* without the variables that they begin with, and all variables."""
        variables = dict(self.variables)
        while variable := VARIABLE.fullmatch(words[0]):
            variables[variable["name"]] = variable["value"]
            words = words[1:]
        return words, variables

    def _started(self, words: list[str], place: dict[str, str]) -> running.Started:
        """Start the command that *words* spell, with a *place* at a gate."""
        words, variables = self._set(words)
        return running.start(words, self.folder, variables | place, self.screen)

    def _plain(self, output: bytes) -> str:
        text = output.decode(errors="backslashreplace").replace("\r\n", "\n")
        text = text.replace(str(self.home), f"./{HOME}")
        return text.replace(str(self.folder), ".")  # which is where the commands were run

    def check(self, command: Command, answered: Answered) -> Iterator[Failed]:
        """Hold what was *answered* to what the story expects; yield what does not hold."""
        if command.exit_code not in (answered.exit_code, None):
            codes = str(command.exit_code), str(answered.exit_code)
            yield self._failed(command.line, "exit_code", answered, *codes)
        for expected in command.expected:
            if expected.where == "json":
                yield from self._check_facts(expected, answered)
            else:
                yield from self._check_line(expected, answered)

    def _check_line(self, expected: Expectation, answered: Answered) -> Iterator[Failed]:
        outputs = {"out": answered.out, "err": answered.err}
        heard = plain(outputs.get(expected.where, answered.out + answered.err))
        if not expected.text:
            if heard.strip():
                yield self._failed(expected.line, "silence", answered, "", heard)
            return
        if self.screen is None:
            pattern = pattern_of(expected.text, self.names)
            found = first_match(pattern, (" ".join(line.split()) for line in heard.splitlines()))
        else:
            # A narrow screen breaks a line where it has to: only what is said, in order, is left.
            pattern = pattern_of(f"…{tightened(expected.text)}…", self.names)
            found = first_match(pattern, [tightened(heard)])
        if found is None:
            text = self._filled(expected.text)
            yield self._failed(expected.line, "text", answered, text, heard)
            return
        self.names |= found

    def _check_facts(self, expected: Expectation, answered: Answered) -> Iterator[Failed]:
        heard = answered.out or answered.err
        try:
            document = json.loads(heard)
        except ValueError:
            text = self._filled(expected.text)
            yield self._failed(expected.line, "text", answered, text, heard)
            return
        wrong = differing(json.loads(expected.text), document, self.names, "")
        if wrong is not None:
            yield self._failed(expected.line, "fact", answered, *wrong)

    def _failed(
        self, line: int, problem: str, answered: Answered, expected: str, got: str
    ) -> Failed:
        said = plain(answered.out + answered.err).strip()
        texts = answered.command, expected, got.strip(), said
        return Failed(line, self.source, self.chapter, problem, *map(self._hidden, texts))

    def _hidden(self, text: str) -> str:
        """Return *text* without what the story lays down in files: PINs, and other secrets."""
        for secret in filter(None, self.secrets):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "•••", text)
        return text
