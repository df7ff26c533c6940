"""The player of stories: runs a story's real commands in a temporary folder."""

import json
import os
import selectors
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from hongbao.errors import StoryFailed
from hongbao.story.promises import differing, first_match, pattern_of, plain, tightened
from hongbao.story.script import (
    NAME,
    VARIABLE,
    Command,
    Expectation,
    Narration,
    Prop,
    Story,
)

SECONDS_MAX = 60
"""How long one command of a story may be silent; then it hangs, and is ended."""


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


Event = Told | Asked | Answered


class Screen(NamedTuple):
    """A terminal's size, for commands that are to answer as they do on one."""

    columns: int
    lines: int


# --- playing -------------------------------------------------------------------------------------

_HUSHED = ("HONGBAO_", "LC_", "LANG", "COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR")
"""Settings of the person who plays a story, which would change the story."""

_PACKAGE = Path(__file__).parents[2]
_HOME = "home"
_SETTINGS = "config.toml"
_PIN = "pin"


def play(
    story: Story,
    *,
    language: str = "en",
    screen: Screen | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Generator[Event, None, None]:
    """
    Play *story* in *language* on a throw-away home, and yield what happens as it happens.

    Each command is a separate process: the same hongbao as this one, in a folder that is gone
    afterwards, without a terminal to ask on. With a *screen* it answers as it does on a terminal
    of that size; otherwise as it does in a pipe. *variables* are the environment to begin from.

    Close the iterator (`contextlib.closing`) to leave early, and the folder is gone then, too.

    Raises StoryFailed at the first expectation that does not hold, after its `Answered`.
    """
    with tempfile.TemporaryDirectory(prefix="hongbao-story-") as lent:
        player = _Player(story.source, Path(lent).resolve(), language, screen, variables)
        for scene in story.scenes:
            match scene:
                case Narration():
                    yield Told(scene.line, scene.told_in(language))
                case Prop():
                    player.lay(scene)
                case Command():
                    words, shown = player.spoken(scene)
                    yield Asked(scene.line, shown)
                    answered = player.ask(scene.line, shown, words)
                    yield answered
                    player.check(scene, answered)


class _Player:
    """The folder that a story plays in, and the names that it has filled so far."""

    def __init__(
        self,
        source: str,
        folder: Path,
        language: str,
        screen: Screen | None,
        variables: Mapping[str, str],
    ) -> None:
        self.source = source
        self.folder = folder
        self.screen = screen
        self.names: dict[str, str] = {}
        self.variables = {
            name: value for name, value in variables.items() if not name.startswith(_HUSHED)
        }
        self.variables |= {
            "HONGBAO_HOME": str(folder / _HOME),
            "HONGBAO_CONFIG": str(folder / _SETTINGS),
            "HONGBAO_LANG": language,
            "HONGBAO_PAGER": "",
            # This hongbao, wherever it was started from.
            "PYTHONPATH": os.pathsep.join((str(_PACKAGE), variables.get("PYTHONPATH", ""))),
        }
        if screen is not None:
            self.variables |= {"COLUMNS": str(screen.columns), "LINES": str(screen.lines)}

    def lay(self, prop: Prop) -> None:
        """Put a file in place; the one called ``pin`` is the PIN that commands are given."""
        file = self.folder / prop.name
        file.touch(0o600)
        file.write_text(f"{prop.text}\n", encoding="utf-8")
        if prop.name == _PIN:
            self.variables["HONGBAO_PIN_FILE"] = _PIN

    def spoken(self, command: Command) -> tuple[list[str], str]:
        """Return *command*'s words with all names filled in, and how a person would type it."""
        words = [self._filled(word) for word in shlex.split(command.typed)]
        shown = self._filled(command.typed)
        if command.actor is not None:
            words += ["-p", command.actor]
            shown += f" -p {command.actor}"
        settings = next(n for n, word in enumerate(words) if not VARIABLE.fullmatch(word))
        first = shown.split(maxsplit=settings)
        return words, " ".join([*first[:settings], "hongbao", *first[settings:]])

    def _filled(self, text: str) -> str:
        return NAME.sub(lambda name: self.names.get(name[1], name[0]), text)

    def ask(self, line: int, shown: str, words: list[str]) -> Answered:
        """Run the command that *words* spell."""
        variables = dict(self.variables)
        while variable := VARIABLE.fullmatch(words[0]):
            variables[variable["name"]] = variable["value"]
            words = words[1:]
        try:
            exit_code, out, err = _run(words, self.folder, variables, self.screen)
        except subprocess.TimeoutExpired:
            raise self._failed(line, "hangs", shown, f"{SECONDS_MAX} s", "") from None
        return Answered(line, shown, exit_code, self._plain(out), self._plain(err))

    def _plain(self, output: bytes) -> str:
        text = output.decode(errors="backslashreplace").replace("\r\n", "\n")
        return text.replace(str(self.folder), ".")  # which is where the commands were run

    def check(self, command: Command, answered: Answered) -> None:
        """Hold what was *answered* to what the story expects; raise StoryFailed."""
        if command.exit_code != answered.exit_code:
            codes = str(command.exit_code), str(answered.exit_code)
            raise self._failed(command.line, "exit_code", answered.command, *codes)
        for expected in command.expected:
            if expected.where == "json":
                self._check_facts(expected, answered)
            else:
                self._check_line(expected, answered)

    def _check_line(self, expected: Expectation, answered: Answered) -> None:
        outputs = {"out": answered.out, "err": answered.err}
        heard = plain(outputs.get(expected.where, answered.out + answered.err))
        if not expected.text:
            if heard.strip():
                raise self._failed(expected.line, "silence", answered.command, "", heard)
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
            raise self._failed(expected.line, "text", answered.command, text, heard)
        self.names |= found

    def _check_facts(self, expected: Expectation, answered: Answered) -> None:
        heard = answered.out or answered.err
        try:
            document = json.loads(heard)
        except ValueError:
            text = self._filled(expected.text)
            raise self._failed(expected.line, "text", answered.command, text, heard) from None
        wrong = differing(json.loads(expected.text), document, self.names, "")
        if wrong is not None:
            raise self._failed(expected.line, "fact", answered.command, *wrong)

    def _failed(
        self, line: int, problem: str, command: str, expected: str, got: str
    ) -> StoryFailed:
        return StoryFailed(
            source=self.source,
            line=line,
            problem=problem,
            command=command,
            expected=expected,
            got=got.strip(),
        )


# --- running -------------------------------------------------------------------------------------


def _run(
    words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
) -> tuple[int, bytes, bytes]:
    """
    Run ``hongbao`` with *words* in *folder*; return its exit code and both outputs.

    It gets its own session, so that it finds no terminal to ask on, and a Ctrl-C ends the
    story and not the command alone.
    """
    # UTF-8 in every locale; and no file of a story's folder is taken for a module.
    command = [sys.executable, "-P", "-X", "utf8", "-m", "hongbao", *words]
    with ExitStack() as closing:
        ours, theirs = zip(*(_output(screen, closing) for _ in range(2)), strict=True)
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=theirs[0],
            stderr=theirs[1],
            start_new_session=True,
        )
        try:
            for output in theirs:
                output.close()
            out, err = _heard(ours, command)
            return process.wait(SECONDS_MAX), out, err
        except BaseException:
            process.kill()
            process.wait()
            raise


def _output(screen: Screen | None, closing: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """Open an output, a terminal where there is a *screen*: our end of it, and the command's."""
    if screen is None:
        ends = os.pipe()
    else:
        import pty
        import termios

        ends = pty.openpty()
        termios.tcsetwinsize(ends[1], (screen.lines, screen.columns))
    ours, theirs = os.fdopen(ends[0], "rb", 0), os.fdopen(ends[1], "wb", 0)
    return closing.enter_context(ours), closing.enter_context(theirs)


def _heard(outputs: Iterable[BinaryIO], command: list[str]) -> list[bytes]:
    """Read *outputs* to their ends, in whatever order they produce data."""
    heard = {output.fileno(): b"" for output in outputs}
    with selectors.SelectSelector() as waiting:
        for number in heard:
            waiting.register(number, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(SECONDS_MAX)
            if not ready:
                raise subprocess.TimeoutExpired(command, SECONDS_MAX)
            for key, _events in ready:
                piece = b""
                with suppress(OSError):  # how Linux says that a terminal's other side is closed
                    piece = os.read(key.fd, 1 << 16)
                heard[key.fd] += piece
                if not piece:
                    waiting.unregister(key.fd)
    return list(heard.values())
