"""
Films: a story as it appears on a terminal, line by line, at times that are computed.

A film is what all three kinds of pictures are made of. It never waits and never looks at a clock:
the story is played as fast as it can be, and `hongbao.recordings.timing` says when each line
appears to a reader.
"""

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from hongbao.errors import NoPseudoTerminals, PlayFailed
from hongbao.recordings import timing
from hongbao.recordings.scenario import Carried, Chapter
from hongbao.story import (
    Answered,
    Asked,
    AtOnce,
    Began,
    Failed,
    Outcome,
    Run,
    Screen,
    Skipped,
    Story,
    Told,
    parse,
)
from hongbao.story.folders import lent_folder
from hongbao.story.player import WEBHOOK_SECRET, Player
from hongbao.story.reports import allowed
from hongbao.ui import picture
from hongbao.ui.picture import signs
from hongbao.ui.script import Sheet
from hongbao.ui.stories import MARGIN, failure_lines, show_event
from hongbao.words import language, use_language


class Line(NamedTuple):
    """
    A line on the terminal, from the moment on when it appears.

    One that is *typed* appears character by character, each so many milliseconds after the one
    before; what precedes it (*prompt*, in columns) is there at once.
    """

    runs: tuple[picture.Run, ...]
    at: int
    typed: tuple[int, ...] = ()
    prompt: int = 0

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs).rstrip()


class Moment(NamedTuple):
    """
    Something that happened: how many *lines* there are after it, and when.

    *kind* is ``narrated``, ``began``, ``asked`` or ``answered``; *label* the chapter's title or the
    command. *books* are the books afterwards, as `hongbao books --json` has them.
    """

    kind: str
    label: str
    lines: int
    at: int
    chapter: int
    books: Sequence[Mapping[str, Any]]


class Film(NamedTuple):
    """
    A story on a terminal of *columns* and *rows*, and the end of it in milliseconds.

    Where it *had_race*, the next film of the same story is a different one.
    """

    title: str
    columns: int
    rows: int
    lines: tuple[Line, ...]
    moments: tuple[Moment, ...]
    carried: Carried
    ends: int
    had_race: bool


COLUMNS, ROWS = 80, 24
COLUMNS_MIN, ROWS_MIN = 40, 6

_NOT_HERE = {
    *("NO_COLOR", "COLORTERM", "TERM", "TZ", "CI", "ACCESSIBLE", "REDUCED_MOTION"),
    *("PAGER", "SHELL", "COMSPEC", "VISUAL", "EDITOR"),
}
"""Variables of the one who makes a film that would show in it."""


def filmed(
    story: str,
    *,
    title: str,
    run: Run,
    variables: Mapping[str, str],
    given: Mapping[str, str],
    source: str | None = None,
    columns: int = COLUMNS,
    rows: int = ROWS,
    with_books: bool = False,
) -> Film:
    """
    Play the text of *story* in the language in use, and return the film of it.

    Its title is its first paragraph, or else *title*; errors call it *source*.

    Raises NoPseudoTerminals, InvalidStory, and PlayFailed if an expectation does not hold.
    """
    if not hasattr(os, "openpty"):  # Windows
        raise NoPseudoTerminals
    kept = {name: text for name, text in variables.items() if name not in _NOT_HERE}
    kept |= {"TERM": "xterm", "TZ": "UTC0"}
    with lent_folder("story", place=_folder()) as folder:
        player = Player(
            folder, None, language(), Screen(max(columns - MARGIN, 1), rows), kept, given, run
        )
        player.variables |= {"HONGBAO_MOTION": "off"}
        camera = _Camera(player, columns, with_books=with_books)
        camera.film(parse(story, source or title, folder))
    found = Carried(
        story=story,
        language=language(),
        given={**given},
        columns=columns,
        rows=rows,
        chapters=tuple(camera.chapters),
        lines=tuple(line.text for line in camera.lines),
    )
    return Film(
        title=camera.title or title,
        columns=columns,
        rows=rows,
        lines=tuple(camera.lines),
        moments=tuple(camera.moments),
        carried=found,
        ends=camera.now,
        had_race=player.had_race,
    )


def filmed_again(
    carried: Carried, *, title: str, run: Run, variables: Mapping[str, str], source: str
) -> Film:
    """Return the film of what a picture *carried*, in its language and size."""
    spoken = language()
    use_language(carried.language)
    try:
        return filmed(
            carried.story,
            title=title,
            run=run,
            variables=variables,
            given=carried.given,
            source=source,
            columns=carried.columns,
            rows=carried.rows,
        )
    finally:
        use_language(spoken)


def _folder() -> str | None:
    """
    Return where films are played: where the path is as long on every machine, if that can be.

    A line that names the wallet's folder is broken by the length of the whole path.
    """
    usual = Path("/tmp")  # noqa: S108 - the folder in it is made by mkdtemp
    return str(usual) if usual.is_dir() else None


class _Camera:
    """The film so far."""

    def __init__(self, player: Player, columns: int, *, with_books: bool) -> None:
        self.player = player
        self.columns = columns
        self.with_books = with_books
        self.lines: list[Line] = []
        self.moments: list[Moment] = []
        self.chapters: list[Chapter] = []
        self.title = ""
        self.now = 0
        self._chapter = ""
        self._books: Sequence[Mapping[str, Any]] = ()

    def film(self, story: Story) -> None:
        """Play *story*, and film it. Raises PlayFailed."""
        for outcome in self.player.outcomes(story):
            match outcome:
                case Told():
                    self.title = self.title or as_label(outcome.text)
                    self._show("narrated", "", outcome, slowly=True)
                case AtOnce():
                    self._show("narrated", "", outcome, slowly=True)
                case Began():
                    self._end_chapter()
                    self._chapter = as_label(outcome.title)
                    self._show("began", self._chapter, outcome, slowly=True)
                case Asked():
                    self._type(outcome)
                case Answered():
                    if self.with_books:
                        self._look()
                    self._show("answered", as_label(outcome.command), outcome)
                case Failed():
                    text = "\n".join(failure_lines(outcome))
                    raise PlayFailed(failed=1, skipped=0, failures=[{"text": text}])
                case Skipped():
                    raise PlayFailed(failed=1, skipped=1, failures=[])
        self._end_chapter()

    def _end_chapter(self) -> None:
        """Note the digest of the books, if anything has been shown since the last one."""
        if self.moments and (self.chapters or self._chapter or self._has_commands()):
            self.chapters.append(Chapter(self._chapter, self.player.close().digest))

    def _has_commands(self) -> bool:
        return any(moment.kind == "asked" for moment in self.moments)

    def _look(self) -> None:
        """Read the books, whose balances are shown next to the terminal."""
        command = ["books", "--json"]
        code, out, _ = self.player.run(command, self.player.folder, self.player.variables, None)
        if not code:
            self._books = json.loads(out)["books"]

    def _show(self, kind: str, label: str, event: Outcome, *, slowly: bool = False) -> None:
        """Add how *event* is shown: at once, or *slowly* line by line as one reads it."""
        for runs in self._printed(event):
            self.lines.append(Line(runs, self.now))
            text = self.lines[-1].text
            self.now += timing.reading(text) if slowly else timing.LINE
        self._add(kind, label)
        if not slowly:
            last = self.moments[-2].lines if len(self.moments) > 1 else 0
            self.now += timing.reading("\n".join(line.text for line in self.lines[last:]))

    def _type(self, asked: Asked) -> None:
        """Add the command that was *asked*, as it is typed."""
        self.now += timing.BEFORE_TYPING
        for number, runs in enumerate(self._printed(asked)):
            if not (text := "".join(run.text for run in runs)).strip():
                self.lines.append(Line(runs, self.now))
                continue
            typed = tuple(timing.typing(character) for character in text[len(_PROMPT) :])
            self.lines.append(Line(runs, self.now, typed, prompt=len(_PROMPT)))
            self.now += sum(typed) + (timing.LINE if number else 0)
        self.now += timing.BEFORE_ENTER
        self._add("asked", as_label(asked.command))

    def _add(self, kind: str, label: str) -> None:
        moment = Moment(kind, label, len(self.lines), self.now, len(self.chapters), self._books)
        self.moments.append(moment)

    def _printed(self, event: Outcome) -> Iterator[tuple[picture.Run, ...]]:
        """Yield the lines that *event* is shown in, none wider than the terminal."""
        sheet = Sheet(self.columns)
        with redirect_stdout(sheet):
            show_event(event)
        shown = "\n".join(map(without_durations, cleaned(sheet.getvalue()).split("\n")))
        shown = WEBHOOK_SECRET.sub("whsec_•••", shown)
        for secret in self.player.secrets:
            if len(secret) >= _SECRET_MIN:
                shown = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "•••", shown)
        for line in picture.screen(shown).lines:
            yield from folded(line, self.columns)


_PROMPT = "$ "
_SECRET_MIN = 6
"""How long a text in a file is that must not be on the screen: a PIN has six digits."""

_STYLE = re.compile(r"(\x1b\[[\d;]*m)")
_OTHER = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[^\[\]])")
_TAB = 8
_OBEYED = ("Cc", "Zl", "Zp")
"""The categories of characters that a terminal or an editor would obey."""


def cleaned(printed: str) -> str:
    r"""
    Return what is *printed* with nothing in it that a terminal would obey, but styles.

    >>> cleaned("a\x1b[2Jb\tc"), cleaned("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"
    ('ab      c', True)
    """
    lines = []
    for line in printed.replace("\r\n", "\n").split("\n"):
        kept = _OTHER.sub(lambda found: found[0] if _STYLE.fullmatch(found[0]) else "", line)
        text, column = "", 0
        for number, part in enumerate(_STYLE.split(kept)):
            if number % 2:
                text += part
                continue
            for character in allowed(part):
                if character == "\t":
                    shown = " " * (_TAB - column % _TAB)
                else:
                    shown = "" if unicodedata.category(character) in _OBEYED else character
                text += shown
                column += sum(cells for _sign, cells in signs(shown))
        lines.append(text)
    return "\n".join(lines)


def as_label(text: str) -> str:
    r"""
    Return *text* on one line, with nothing in it that anything would obey.

    >>> as_label("\x1b[31mred \n packet")
    'red packet'
    """
    return " ".join(_STYLE.sub("", cleaned(text)).split())


_DURATION = re.compile(
    r"(?P<before>(?: {2,}|^ *|全程用时)(?:\x1b\[[\d;]*m)*)(?P<gap> *)"
    r"(?P<number><?[0-9.]+)(?P<unit> m?s|毫?秒)"
    r"(?P<after>(?:\x1b\[[\d;]*m)*(?: in all.*|；.*)?)$"
)
"""How long an act's steps took, which is measured: at the end of a line, or all of it."""


def without_durations(line: str) -> str:
    """
    Return *line* without a duration that was measured: it is another one each time.

    >>> without_durations("① create   20:00   12 ms"), without_durations("  814 ms in all")
    ('① create   20:00    … ms', '  … ms in all')
    """

    def hidden(found: re.Match[str]) -> str:
        unit = "毫秒" if "秒" in found["unit"] else " ms"
        width = len(found["gap"] + found["number"] + found["unit"]) - len(unit)
        number = "…" if found["after"].strip("\x1b[0123456789;m") else "…".rjust(width)
        return f"{found['before']}{number}{unit}{found['after']}"

    return _DURATION.sub(hidden, line)


def folded(line: Sequence[picture.Run], columns: int) -> Iterator[tuple[picture.Run, ...]]:
    """Yield *line* as a terminal of *columns* shows it: broken where it is full."""
    row: list[picture.Run] = []
    column = 0
    for run in line:
        text = ""
        for sign, cells in signs(run.text):
            if column + cells > columns:
                if text:
                    row.append(picture.Run(text, run.style))
                yield tuple(row)
                row, text, column = [], "", 0
            text += sign
            column += cells
        if text:
            row.append(picture.Run(text, run.style))
    yield tuple(row)
