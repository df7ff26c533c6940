"""
What is handed in: a story with the ids of student and task, and the commands that were recorded.

It comes from someone who wants points. So it is read with every bound there is, it may have
commands and files and nothing else of a story, and of the commands only those that a task can be
about. Any other line is not played, and the report says so.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hongbao.errors import InvalidStory
from hongbao.rows import Row
from hongbao.story import parse
from hongbao.story.script import (
    NAME,
    VARIABLE,
    Chapter,
    Command,
    Given,
    Narration,
    Note,
    Prop,
    Scene,
)
from hongbao.words import N_

SIZE_MAX = 1 << 17
LINE_MAX = 1000
COMMANDS_MAX = 300

FORM = 1

ENDING = ".txt"

TASK, STUDENT, MARK = "task", "student", "mark"
"""The names that a submission gives, of what its head says."""

PROBLEMS = {
    "not_a_file": N_("it is not a regular file"),
    "not_readable": N_("the system does not let it be read"),
    "too_large": N_("it is far larger than a recording of a task"),
    "not_text": N_("it is not text in UTF-8"),
    "not_a_story": N_("line {line}: {text}"),
    "uses": N_("line {line}: it uses another file"),
    "scene": N_("line {line}: there are only commands and files in a recording of a task"),
    "long_line": N_("line {line}: it is longer than any command of a task"),
    "too_many": N_("it has more commands than a task takes"),
    "no_student": N_("it does not say whose it is, and of which task"),
}
"""Why a submission cannot be played at all."""

LEFT_OUT = {
    "command": N_("`{word}` is no part of a task"),
    "setting": N_("settings before a command are not part of a task"),
    "file": N_("it names a file that is not in the recording"),
    "name": N_("nothing has filled {word}"),
    "file_name": N_("a file cannot be called {word}"),
}
"""Why a line of a submission is not played."""

COMMANDS = frozenset(
    {
        *("init", "profiles", "use", "identify", "card", "pin", "status", "balance", "topup"),
        *("withdraw", "limits", "send", "claim", "show", "packets", "refund", "verify", "bank"),
        *("settle", "reconcile", "operator", "device", "totp", "challenge", "review", "history"),
        *("year", "trace", "books", "check", "clock"),
    }
)
"""The commands that a task can be about: people, money, packets, banks, and looking at them."""

_FILES = frozenset({"--pin-file", "--new-pin-file", "--totp-file", "--secret-file", "--id-file"})
"""Options that read a file, which then lies in the recording itself."""

_OUTSIDE = frozenset(
    {"--svg", "--html", "--output", "--statement", "--ledger", "--ledger-password-file"}
)
"""Options that name any other file, or a database on a network."""

_WRITING = {("bank", "statement"), ("review", "report")}
"""Commands of those above that are there to write a file."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class Left(Row):
    """A line that is not played, and why."""

    line: int
    reason: str
    word: str


class Submission(Row):
    """
    A submission as it was read: what is *played* of it, and what was *left* out.

    *claimed* is the mark that the student was shown.
    """

    task: str
    student: str
    claimed: str | None
    played: tuple[Scene, ...]
    left: tuple[Left, ...]

    @property
    def commands(self) -> list[Command]:
        return [scene for scene in self.played if isinstance(scene, Command)]

    @property
    def typed(self) -> tuple[str, ...]:
        """Its commands, as one hand-in is compared with another."""
        return tuple(
            " ".join([each.actor or "", *shlex.split(each.typed)]) for each in self.commands
        )


class UnreadableError(Exception):
    """A submission that cannot be played at all; *problem* is one of `PROBLEMS`."""

    def __init__(self, problem: str, *, line: int = 0, text: str = "") -> None:
        super().__init__(problem)
        self.problem, self.line, self.text = problem, line, text


def read(path: Path) -> Submission:
    """Read the submission in *path*. Raises UnreadableError."""
    return parsed(_text(path), path.name)


def _text(path: Path) -> str:
    """Return the text of a file that could be anything: a link, a pipe, a gigabyte of noise."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise UnreadableError("not_a_file")
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError("not_a_file")
            content = file.read(SIZE_MAX + 1)
    except OSError:
        raise UnreadableError("not_readable") from None
    if len(content) > SIZE_MAX:
        raise UnreadableError("too_large")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("not_text") from None
    if "\0" in text:  # which no argument of a command can hold
        raise UnreadableError("not_text")
    return text


def parsed(text: str, source: str) -> Submission:
    """Read a submission from its *text*. Raises UnreadableError."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE_MAX:  # long ones would keep the parser busy
            raise UnreadableError("long_line", line=number)
    try:
        story = parse(text, source, folder=None)  # so that it opens no other file
    except InvalidStory as error:
        problem = "uses" if error.problem == "nested_use" else "not_a_story"
        raise UnreadableError(problem, line=error.line, text=error.problem_in_words()) from None
    given = {scene.name: scene.text for scene in reversed(story.scenes) if isinstance(scene, Given)}
    if not (given.get(TASK) and given.get(STUDENT)):
        raise UnreadableError("no_student")
    for scene in story.scenes:
        if type(scene) not in (Narration, Chapter, Note, Given, Prop, Command):
            raise UnreadableError("scene", line=getattr(scene, "line", 0))
    played = [scene for scene in story.scenes if isinstance(scene, Given | Prop | Command)]
    if sum(isinstance(scene, Command) for scene in played) > COMMANDS_MAX:
        raise UnreadableError("too_many")
    left = {id(scene): why for scene in played if (why := left_out(scene)) is not None}
    return Submission(
        task=given[TASK],
        student=given[STUDENT],
        claimed=given.get(MARK),
        played=tuple(scene for scene in played if id(scene) not in left),
        left=tuple(left.values()),
    )


def left_out(scene: Scene) -> Left | None:
    """Return why *scene* is not played; None if it is, as far as it can be seen before."""
    if isinstance(scene, Prop):
        is_file = _FILE_NAME.fullmatch(scene.name) is not None
        return None if is_file else Left(scene.line, "file_name", scene.name)
    if not isinstance(scene, Command):
        return None
    return words_left_out(scene.line, shlex.split(scene.typed))


def words_left_out(line: int, words: Sequence[str]) -> Left | None:
    """Return why the command that *words* spell is not run; None if it is."""
    if VARIABLE.fullmatch(words[0]):
        return Left(line, "setting", words[0])
    if words[0] not in COMMANDS:  # nor an option before the command, or an alias
        return Left(line, "command", words[0])
    if any(_reaches_out(words)) or any((words[0], word) in _WRITING for word in words):
        return Left(line, "file", words[0])
    return None


def _reaches_out(words: Sequence[str]) -> Iterator[bool]:
    """Yield, for each of *words*, whether it names a file that is not in the recording."""
    before = ""
    for word in words:
        option, has_value, value = word.partition("=")
        if before in _FILES:
            yield _FILE_NAME.fullmatch(word) is None
        elif option in _FILES and has_value:
            yield _FILE_NAME.fullmatch(value) is None
        else:
            yield option in _OUTSIDE
        before = word


# --- what fills names -----------------------------------------------------------------------------

_ANYTHING = re.compile(r"…|\.\.\.")
_ANYTHINGS_MAX, _NAMES_MAX = 2, 3
_FILLING_MAX = 200


def filling(command: Command, known: Container[str]) -> Command:
    """
    Return *command* with only those expectations that fill names which are not *known* yet.

    Nothing else depends on what a submission expects. One that would take long to look for is
    left out as well: a pattern that someone made up could keep a computer busy for hours.
    """
    return replace(
        command,
        expected=tuple(each for each in command.expected if _fills(each.text, known)),
    )


def _fills(text: str, known: Container[str]) -> bool:
    names = NAME.findall(text)
    anythings = _ANYTHING.findall(text)
    return (
        any(name not in known for name in names)
        and len(text) <= _FILLING_MAX
        and len(names) <= _NAMES_MAX
        and len(anythings) <= _ANYTHINGS_MAX
    )
