"""The player of stories: runs a story's real commands in a temporary folder."""

import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from hongbao.errors import ExitCode, Interrupted, StoryFailed, StoryStopped
from hongbao.story import running
from hongbao.story.books import Keys, differing_facts, last_entry, virtual_span
from hongbao.story.folders import lent_folder
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
    Pause,
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
    """
    The command ran: its exit code, and what it said on standard output and standard error.

    If it ended with an error, that has a code for programs.
    """

    line: int
    command: str
    exit_code: int
    out: str
    err: str
    error_code: str | None = None


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


class Readied(NamedTuple):
    """Commands are about to be done at once, as they would be typed; *kind* is as in `AtOnce`."""

    line: int
    kind: str
    commands: tuple[str, ...]


class Noted(NamedTuple):
    """A note for the person who presents."""

    line: int
    text: str


class Paused(NamedTuple):
    """The story stops for its audience, where there is one."""

    line: int


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
    row: str | None = None


class Skipped(NamedTuple):
    """A chapter ended early: *name* would have been filled in one that failed."""

    line: int
    source: str
    chapter: str | None
    name: str
    row: str | None = None


class Closed(NamedTuple):
    """
    The story is over: the digest of its books.

    Where `hongbao check` refuses, there is its error's code instead. Where there was a race, there
    is none: it is another one each time.
    """

    digest: str | None
    refusal: str | None
    had_race: bool = False
    span: tuple[str, str] | None = None
    """When the home was made and how late it is there, if its clock is virtual."""


Event = Told | Asked | Answered | AtOnce | Began | Noted | Paused | Readied
Outcome = Event | Failed | Skipped | Closed


# --- playing -------------------------------------------------------------------------------------

_HUSHED = ("HONGBAO_", "LC_", "LANG", "COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR")
"""Settings of the person who plays a story, which would change the story."""

_PACKAGE = Path(__file__).parents[2]
HOME = "home"
"""The folder of a story's home, in the one that it plays in."""

_SETTINGS = "config.toml"
_ERROR = ".error-"
"""How the files are called that the codes of errors are left in."""

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

    Raises StoryFailed at the first expectation that does not hold, after its `Answered`; or
    StoryStopped, where the system refused the command what it needs, and Interrupted, where Ctrl-C
    reached the command and not its story.
    """
    with lent_folder() as lent:
        player = Player(lent, None, language, screen, variables, {}, run)
        for outcome in player.outcomes(story):
            if isinstance(outcome, Failed):
                ended = outcome.got if outcome.problem == "exit_code" else None
                if ended == str(int(ExitCode.INTERRUPTED)):
                    raise Interrupted
                if ended == str(int(ExitCode.UNUSABLE)):
                    raise StoryStopped(
                        source=outcome.source,
                        line=outcome.line,
                        command=outcome.command,
                        got=outcome.got,
                    )
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
    before: Sequence[str] = (),
) -> Generator[Outcome, None, None]:
    """
    Play *story* in *folder* to its end, and yield what happens as it happens.

    Its home is made there, or is *home*; *given* are values for its names (see `Story.givens`).
    *run* runs its commands; each is a process otherwise. *before* are words that each of them
    begins with, whatever the story says.
    The first command that fails ends its chapter, and the next chapter is played. The last outcome
    is `Closed`.
    """
    player = Player(folder, home, language, screen, variables, given, run)
    player.before = list(before)
    yield from player.outcomes(story)
    yield player.close()


def unrolled(story: Story) -> Iterator[tuple[str, Scene]]:
    """Yield every scene of *story*, and of those that it uses in their place, with its file."""
    for scene in story.scenes:
        if isinstance(scene, Used):
            yield from unrolled(scene.story)
        else:
            yield story.source, scene


def _asks_books(scene: Scene) -> bool:
    """Return whether something is expected of the books in *scene*."""
    if isinstance(scene, Race) and scene.books:
        return True
    commands = scene.commands if isinstance(scene, Race | Together) else (scene,)
    return any(
        expected.where == "books"
        for command in commands
        if isinstance(command, Command)
        for expected in command.expected
    )


def variables_in(
    folder: Path,
    home: Path,
    language: str,
    screen: Screen | None,
    variables: Mapping[str, str],
) -> dict[str, str]:
    """
    Return *variables* as commands have them that are played in *folder*, on the wallet in *home*.

    Nothing of what the player has set for a wallet, or for a terminal, is left in them.
    """
    kept = {name: value for name, value in variables.items() if not name.startswith(_HUSHED)}
    kept |= {
        "HONGBAO_HOME": str(home),
        "HONGBAO_CONFIG": str(folder / _SETTINGS),
        "HONGBAO_LANG": language,
        "HONGBAO_PAGER": "",
        # This hongbao, wherever it was started from.
        "PYTHONPATH": os.pathsep.join((str(_PACKAGE), variables.get("PYTHONPATH", ""))),
    }
    if screen is not None:
        kept |= {"COLUMNS": str(screen.columns), "LINES": str(screen.lines)}
    return kept


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
        self.before: list[str] = []
        self.source = ""
        self.chapter: str | None = None
        self.folder = folder.resolve()
        self.home = self.folder / HOME if home is None else home
        self.language = language
        self.screen = screen
        self.names = dict(given)
        self.had_race = False
        self.since = 0
        self.ended: Counter[int] = Counter()
        self.asks_books = False
        self.secrets: list[str] = []
        self.keys = Keys(self.home)
        self.variables = variables_in(self.folder, self.home, language, screen, variables)

    def outcomes(self, story: Story) -> Iterator[Event | Failed | Skipped]:
        """Play *story*, chapter by chapter."""
        is_over = False
        self.asks_books = any(_asks_books(scene) for _source, scene in unrolled(story))
        for source, scene in unrolled(story):
            self.source = source
            if isinstance(scene, Chapter):
                self.chapter, is_over = scene.told_in(self.language), False
                self.ended.clear()
                if self.asks_books:
                    self.since = last_entry(self.home)
                yield Began(scene.line, self.chapter)
            elif not is_over:
                for outcome in self._played(scene):
                    is_over = is_over or isinstance(outcome, Failed | Skipped)
                    yield self._without_keys(outcome)

    def _without_keys(self, outcome: Event | Failed | Skipped) -> Event | Failed | Skipped:
        """Return *outcome* as it is shown: the same in each play."""
        hidden = self.keys.hidden
        match outcome:
            case Asked():
                return outcome._replace(command=hidden(outcome.command))
            case Answered(command=command, out=out, err=err):
                return outcome._replace(command=hidden(command), out=hidden(out), err=hidden(err))
            case Failed(command=command, got=got, said=said):
                return outcome._replace(command=hidden(command), got=hidden(got), said=hidden(said))
        return outcome

    def _played(self, scene: Scene) -> Iterator[Event | Failed | Skipped]:
        match scene:
            case Note():
                yield Noted(scene.line, scene.told_in(self.language))
            case Narration():
                yield Told(scene.line, scene.told_in(self.language))
            case Pause():
                yield Paused(scene.line)
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
        files = [self._error_file(number) for number in range(len(commands))]
        kind = "race" if is_race else "together"
        yield Readied(block.line, kind, tuple(shown for _words, shown in spoken))
        played = at_once(
            [
                partial(self._started, words, file)
                for (words, _shown), file in zip(spoken, files, strict=True)
            ],
            following,
            seconds_max=running.SECONDS_MAX,
        )
        yield AtOnce(block.line, kind, len(commands), played.turns)
        answers: list[Answered] = []
        for command, (_words, shown), file, ended in zip(
            commands, spoken, files, played.ended, strict=True
        ):
            yield Asked(command.line, shown)
            code = -1 if ended.exit_code is None else ended.exit_code
            answers.append(self._answered(command.line, shown, code, ended.said[:2], file))
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
        yield from self._check_books(race.books, all_of_it)

    def _missing(self, text: str) -> str | None:
        """Return a name in *text* that nothing has filled: the chapter that would have failed."""
        return next((name for name in NAME.findall(text) if name not in self.names), None)

    def close(self) -> Closed:
        """Check the books, and return their digest."""
        try:
            code, out, err = self.run(
                [*self.before, "check", "--json"], self.folder, self.variables, None
            )
        except subprocess.TimeoutExpired:
            return Closed(None, "hangs", self.had_race)
        span = virtual_span(self.home)
        if code:
            try:
                refused = json.loads(err)["error"]["code"]
            except ValueError:  # it was killed, and says nothing
                refused = f"exit code {code}"
            return Closed(None, refused, self.had_race, span)
        digest = None if self.had_race else json.loads(out)["digest"]
        return Closed(digest, None, self.had_race, span)

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
        file = self._error_file(0)
        words, variables = self._set(words, file)
        exit_code, out, err = self.run(words, self.folder, variables, self.screen)
        return self._answered(line, shown, exit_code, (out, err), file)

    def _error_file(self, number: int) -> Path:
        return self.folder / f"{_ERROR}{number}"

    def _answered(
        self, line: int, shown: str, exit_code: int, said: Sequence[bytes], file: Path
    ) -> Answered:
        """Return what came of a command, which has left the code of its error in *file*."""
        self.ended[exit_code] += 1
        error_code = None
        if file.exists():
            error_code = file.read_text(encoding="utf-8").strip()
            file.unlink()
        out, err = map(self._plain, said)
        return Answered(line, shown, exit_code, out, err, error_code)

    def _set(self, words: list[str], file: Path) -> tuple[list[str], dict[str, str]]:
        """Return *words* without the variables that they begin with, and all variables."""
        variables = {**self.variables, "HONGBAO_ERROR_FILE": str(file)}
        while variable := VARIABLE.fullmatch(words[0]):
            variables[variable["name"]] = variable["value"]
            words = words[1:]
        return [*self.before, *words], variables

    def _started(self, words: list[str], file: Path, place: dict[str, str]) -> running.Started:
        """Start the command that *words* spell, with a *place* at a gate (see `_answered`)."""
        words, variables = self._set(words, file)
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
        elif command.error_code not in (answered.error_code, None):
            codes = f"{command.exit_code}:{command.error_code}", _code(answered)
            yield self._failed(command.line, "error_code", answered, *codes)
        for expected in command.expected:
            if expected.where == "json":
                yield from self._check_facts(expected, answered)
            elif expected.where != "books":
                yield from self._check_line(expected, answered)
        books = [each for each in command.expected if each.where == "books"]
        yield from self._check_books(books, answered)

    def _check_books(self, expected: Sequence[Expectation], answered: Answered) -> Iterator[Failed]:
        """Compare the books with all that is *expected* of them, at one moment."""
        texts = [self._filled(each.text) for each in expected]
        for place, came in differing_facts(self.home, texts, self.since, self.ended).items():
            yield self._failed(expected[place].line, "books", answered, texts[place], came)

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
        """Return *text* without what the story lays down in files, and secrets of webhooks."""
        text = WEBHOOK_SECRET.sub("whsec_•••", text)
        for secret in filter(None, self.secrets):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "•••", text)
        return text


WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{20,}")


def _code(answered: Answered) -> str:
    """Return the exit code and the error's, as a story has them."""
    if answered.error_code is None:
        return str(answered.exit_code)
    return f"{answered.exit_code}:{answered.error_code}"
