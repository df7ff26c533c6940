"""A learner's progress: one readable file, written whole, that can be copied to another machine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hongbao.documents import of_json
from hongbao.errors import ProgressUnreadable
from hongbao.outputs import save_as
from hongbao.vault.files import make_folder
from hongbao.words import N_

FORM = 1
FILE = "progress.json"

SOLVED, SHOWN, SKIPPED = "solved", "shown", "skipped"
"""How a step was passed."""


@dataclass(slots=True)
class Passed:
    """How a step was passed, with how many commands and hints; undo gives none of them back."""

    how: str
    commands: int
    hints: int


@dataclass(slots=True)
class Shot:
    """A snapshot that undo can go back to, and where in the lesson it was taken."""

    name: str
    step: str
    since: int
    logged: int
    fresh: bool


@dataclass(slots=True)
class Seen:
    """
    What was seen when the books were last looked at from outside, as a shell does.

    That is the home's *state*, how many commands had been *typed*, and a snapshot of it all, which
    undo goes back to once another command has changed something.
    """

    state: str
    typed: int
    shot: Shot


@dataclass(slots=True)
class Place:
    """
    Where a lesson stands: the step, and what has happened in it.

    The step began after entry *since*, and after that many lines of the log of commands; until it
    *arrived*, its preparations were not finished. *predicted* has what was answered to each of its
    questions. It is *fresh* if the learner was shown how the step is done, and now does the like
    of it.
    """

    step: str
    since: int = 0
    logged: int = 0
    arrived: bool = False
    fresh: bool = False
    commands: int = 0
    hints: int = 0
    shown: bool = False
    predicted: dict[str, str] = field(default_factory=dict)
    shots: list[Shot] = field(default_factory=list)
    taken: int = 0
    seen: Seen | None = None


@dataclass(slots=True)
class Record:
    """What one learner has done of one lesson."""

    finished: int = 0
    passed: dict[str, Passed] = field(default_factory=dict)
    place: Place | None = None


class Progress:
    """The file of progress in *folder*, which every lesson's record is in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def all(self) -> dict[str, Record]:
        """Return the record of each lesson that was begun. Raises ProgressUnreadable."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(str(error)) from None
        try:
            document = of_json(text)
        except ValueError:
            raise self._unreadable(N_("it is not JSON")) from None
        if not isinstance(document, dict) or document.get("form") != FORM:
            raise self._unreadable(N_("it was written by a newer version"))
        try:
            return {name: _record(each) for name, each in document["lessons"].items()}
        except (KeyError, TypeError, AttributeError):
            raise self._unreadable(N_("it was edited")) from None

    def of(self, lesson: str) -> Record:
        """Return the record of *lesson*; an empty one if it was never begun."""
        return self.all().get(lesson, Record())

    def save(self, lesson: str, record: Record) -> None:
        """Keep *record* as that of *lesson*, next to those of the others."""
        lessons = {name: asdict(each) for name, each in {**self.all(), lesson: record}.items()}
        text = json.dumps({"form": FORM, "lessons": lessons}, ensure_ascii=False, indent=1)
        make_folder(self.path.parent)
        save_as(self.path, lambda out: out.write(f"{text}\n".encode()), replace=True)

    def _unreadable(self, reason: str) -> ProgressUnreadable:
        return ProgressUnreadable(path=str(self.path), reason=reason)


def _record(kept: dict[str, Any]) -> Record:
    place, seen = kept["place"], None
    if place is not None and place["seen"] is not None:
        seen = Seen(**{**place["seen"], "shot": Shot(**place["seen"]["shot"])})
    shots = [] if place is None else [Shot(**each) for each in place["shots"]]
    return Record(
        finished=int(kept["finished"]),
        passed={name: Passed(**each) for name, each in kept["passed"].items()},
        place=None if place is None else Place(**{**place, "shots": shots, "seen": seen}),
    )
