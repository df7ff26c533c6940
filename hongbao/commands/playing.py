"""Stories as `hongbao play` plays them: shown as they happen, or checked, and counted."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import NamedTuple

from hongbao.answers import StoriesPlayed, StoryFailure, StoryOutcome
from hongbao.commands import live
from hongbao.commands.caller import Caller
from hongbao.commands.demo import LINES, step_of
from hongbao.commands.throwaway import say_kept
from hongbao.story import (
    HOME,
    Answered,
    Began,
    Closed,
    Failed,
    Outcome,
    Screen,
    Skipped,
    Story,
    perform,
)
from hongbao.story.folders import lent_folder
from hongbao.story.reports import Took, annotation, label_of
from hongbao.story.tables import Row
from hongbao.ui import stories as shown
from hongbao.ui.screen import is_terminal
from hongbao.ui.script import terminal_columns
from hongbao.words import language

FOLDER = "story"
"""The folder that a story is played in, where snapshots lie next to it."""


class Wanted(NamedTuple):
    """How stories are played."""

    home: Path | None
    given: Mapping[str, str]
    checks: bool
    fail_fast: bool
    reports_only: bool
    github: bool
    keep: bool
    paces: bool
    steps: bool
    notes: Path | None
    engine: str | None


def play_all(
    call: Caller, plays: Sequence[tuple[Story, Row | None]], wanted: Wanted
) -> tuple[StoriesPlayed, list[Took]]:
    """Play each story with the names of its row, and return what became of all, and their times."""
    played: StoriesPlayed = {"ok": True, "stories": []}
    took: list[Took] = []
    for story, row in plays:
        began = time.monotonic()
        play = _Play(call, story, row, wanted)
        if play.is_shown and len(plays) > 1:
            shown.show_source(label_of(play.outcome))
        play.play()
        took.append(Took(time.monotonic() - began, play.span))
        played["stories"].append(play.outcome)
        played["ok"] = played["ok"] and play.outcome["ok"]
        if wanted.fail_fast and not play.outcome["ok"]:
            break
    return played, took


class _Play:
    """One play of a story: what becomes of it is counted in its *outcome*."""

    def __init__(self, call: Caller, story: Story, row: Row | None, wanted: Wanted) -> None:
        self._call = call
        self._story = story
        self._given = wanted.given if row is None else {**wanted.given, **row.given}
        self._wanted = wanted
        self.is_shown = not (wanted.checks or call.as_json)
        self._is_checked = wanted.checks and not (call.as_json or wanted.reports_only)
        self._had_race = False
        self.span: tuple[str, str] | None = None
        """When it began and ended on its own clock, if that was virtual."""
        self.outcome: StoryOutcome = {
            "story": story.source,
            "row": None if row is None else row.place,
            "ok": True,
            "chapters": 0,
            "commands": 0,
            "skipped": 0,
            "failures": [],
            "digest": None,
            "kept": None,
            "steps": [],
        }

    def play(self) -> None:
        """Play the story in a throw-away folder, and show it as it happens."""
        wanted = self._wanted
        with lent_folder(keep=wanted.keep) as lent:
            folder = lent / FOLDER if wanted.steps else lent
            folder.mkdir(0o700, exist_ok=True)
            self.outcome["kept"] = str(folder) if wanted.keep else None
            width = max(terminal_columns() - shown.MARGIN, 1)
            events = perform(
                self._story,
                folder,
                home=wanted.home,
                given=self._given,
                language="en" if self._call.as_json else language(),
                screen=Screen(width, LINES) if self.is_shown and is_terminal() else None,
                variables=self._call.env.variables,
                run=self._call.run,
                before=() if wanted.engine is None else ("lab", "do", wanted.engine),
            )
            with closing(events), self._showing() as show:
                if wanted.steps:
                    live.step(
                        self._call, self._story, events, folder, wanted.notes, heard=self._hear
                    )
                    events.close()
                for event in map(self._in_row, events):
                    if wanted.fail_fast and not (self.outcome["ok"] or isinstance(event, Failed)):
                        break
                    if self.is_shown:
                        show(event)
                    self._hear(event)
        self.outcome["chapters"] = self.outcome["chapters"] or 1
        if self._is_checked:
            shown.show_checked(self.outcome)
        elif self.is_shown:
            shown.show_closed(self.outcome, had_race=self._had_race)
        if wanted.keep:
            say_kept(self._call, str(wanted.home or folder / HOME), folder=str(folder))

    def _showing(self) -> AbstractContextManager[Callable[[Outcome], None]]:
        if self._wanted.paces and is_terminal():
            return live.pace(self._call)
        return nullcontext(shown.show_event)

    def _in_row(self, event: Outcome) -> Outcome:
        """Return *event*, which names the row that it happened in if it is a failure."""
        if isinstance(event, Failed | Skipped):
            return event._replace(row=self.outcome["row"])
        return event

    def _hear(self, event: Outcome) -> None:
        """Count *event*; a failure is named at once, where only failures are shown."""
        outcome = self.outcome
        if not self._wanted.checks and (step := step_of(event)) is not None:
            outcome["steps"].append(step)
        match event:
            case Began():
                outcome["chapters"] += 1
            case Answered():
                outcome["commands"] += 1
            case Failed():
                outcome["ok"] = False
                outcome["failures"].append(_failure(event))
                if self._wanted.github:
                    print(annotation(outcome["failures"][-1]))
                elif self._is_checked:
                    shown.show_event(event)
            case Skipped():
                outcome["skipped"] += 1
                if self._is_checked:
                    shown.show_event(event)
            case Closed():
                outcome["digest"], self.span = event.digest, event.span
                self._had_race = event.had_race


def _failure(failed: Failed) -> StoryFailure:
    return {
        "source": failed.source,
        "line": failed.line,
        "chapter": failed.chapter,
        "problem": failed.problem,
        "command": failed.command,
        "expected": failed.expected,
        "got": failed.got,
        "said": failed.said,
        "row": failed.row,
        "text": "\n".join(shown.failure_lines(failed)),
    }
