"""
The report of a class: every student's mark for every task, with its reasons, out of what is there.

Every file becomes a row: a student who handed in nothing, or something that cannot be
played, has no points and a reason, and the others have theirs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from hongbao.classroom.folder import Classroom, id_of
from hongbao.classroom.marking import SECONDS_MAX, STOPPED, Mark, Reached, mark
from hongbao.classroom.roster import Student
from hongbao.classroom.submission import (
    LEFT_OUT,
    PROBLEMS,
    Left,
    Submission,
    UnreadableError,
    read,
)
from hongbao.classroom.task import Task
from hongbao.domain.money import parse_yuan
from hongbao.domain.packet import PacketState
from hongbao.env import Env
from hongbao.errors import FileNotReadable, InvalidAmount
from hongbao.rows import Row
from hongbao.story import Run
from hongbao.ui import wording
from hongbao.words import N_, Filled, harmless, language, say

if TYPE_CHECKING:
    from hongbao.answers import ClassReport, GoalMarked, MarkLine, OddFile

HANDED_IN_MAX = 10_000
FOLDERS_MAX = 2
"""How deep folders are looked into: programs for teachers make one for each student."""

FILES_MAX = 5
"""How many files of one student for one task are played; the best counts."""

_LEFT_SHOWN = 5
_NAME_MAX, _TEXT_MAX = 60, 200
_MARK = re.compile("[0-9]{1,5}")

_ODD = {
    "unknown_student": N_("there is no student {text} in this class"),
    "unknown_task": N_("there is no task {text} in this class"),
}


class _Handed(Row):
    """A file that was handed in, as it was read."""

    file: str
    submission: Submission


class _Played(Row):
    """A hand-in, and what it came to."""

    handed: _Handed
    mark: Mark


def report(
    classroom: Classroom,
    folder: Path,
    env: Env,
    run: Run,
    *,
    reveal: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ClassReport:
    """
    Mark what lies in *folder*, and return every student's row; *reveal* what was expected.

    *progress* is called with how many rows are done, and how many there are.

    Raises FileNotReadable if there is no such folder, and TaskFails.
    """
    reporter = _Reporter(classroom, env, run, reveal=reveal)
    reporter.read(folder)
    wanted = [(task, each) for task in classroom.tasks for each in classroom.students]
    rows: list[MarkLine] = []
    for task, student in wanted:
        progress(len(rows), len(wanted))
        rows.append(reporter.row(task, student))
    wallets = [row for row in rows if row["state"] == "marked"]
    return {
        "folder": str(classroom.folder),
        "marks": rows,
        "files": reporter.odd,
        "wallets": len(wallets),
        "issued_fen": sum(row["issued_fen"] for row in wallets),
        "kept_fen": sum(row["kept_fen"] for row in wallets),
        "adds_up": all(row["adds_up"] for row in wallets),
    }


class _Reporter:
    """What was handed in, by task and student, and the files that are no one's."""

    def __init__(self, classroom: Classroom, env: Env, run: Run, *, reveal: bool) -> None:
        self.classroom = classroom
        self.env, self.run = env, run
        self.reveal = reveal
        self.handed: defaultdict[tuple[str, str], list[_Handed]] = defaultdict(list)
        self.unreadable: dict[tuple[str, str], OddFile] = {}
        self.odd: list[OddFile] = []

    # --- what is there ---------------------------------------------------------------------------

    def read(self, folder: Path) -> None:
        """Read every file in *folder*, and in the folders in it. Raises FileNotReadable."""
        try:
            paths = sorted(islice(_files(folder, FOLDERS_MAX), HANDED_IN_MAX))
        except OSError as error:
            raise FileNotReadable(path=str(folder), reason=error.strerror or str(error)) from None
        for path in paths:
            self._read_file(path, str(path.relative_to(folder)))
        for key, odd in self.unreadable.items():
            if key in self.handed:  # another file of the same name could be read
                self.odd.append(odd)

    def _read_file(self, path: Path, called: str) -> None:
        name = harmless(called.encode("utf-8", "replace").decode(), _NAME_MAX)
        try:
            submission = read(path)
        except UnreadableError as error:
            text = harmless(error.text, _TEXT_MAX)
            problem = say(PROBLEMS[error.problem], line=error.line, text=text)
            odd: OddFile = {"file": name, "problem": problem}
            whose = self._named_by(path.stem)
            if whose is None:
                self.odd.append(odd)
            else:
                self.unreadable[whose] = odd
            return
        task = self.classroom.task(submission.task)
        student = self.classroom.student(submission.student)
        if task is None or student is None:
            which = "unknown_task" if task is None else "unknown_student"
            text = submission.task if task is None else submission.student
            self.odd.append({"file": name, "problem": say(_ODD[which], text=harmless(text, 40))})
            return
        self.handed[task.name, student.id].append(_Handed(name, submission))

    def _named_by(self, stem: str) -> tuple[str, str] | None:
        """Return the task and the student that a hand-in is named after, as `hand-in` does it."""
        for task in self.classroom.tasks:
            for student in self.classroom.students:
                if stem == f"{task.name}-{student.id}":
                    return task.name, student.id
        return None

    # --- a student's row -------------------------------------------------------------------------

    def row(self, task: Task, student: Student) -> MarkLine:
        files = self.handed.get((task.name, student.id), [])
        hand_out = self.classroom.hand_out(task, student)
        own_task = task.with_numbers(hand_out.numbers)
        marked = [
            _Played(each, mark(own_task, hand_out.seed, each.submission, self.env, self.run))
            for each in files[:FILES_MAX]
        ]
        row: MarkLine = {
            "student": student.id,
            "name": student.name,
            "task": task.name,
            "state": "missing",
            "points": 0,
            "of": task.points,
            "file": None,
            "goals": [],
            "notes": [],
            "numbers_of": None,
            "same_as": [],
            "claimed": None,
            "digest": None,
            "issued_fen": 0,
            "kept_fen": 0,
            "adds_up": True,
        }
        if marked:
            best = max(marked, key=lambda each: each.mark.points)  # the first of equals
            self._fill(row, task, best)
        elif odd := self.unreadable.get((task.name, student.id)):
            row |= {"state": "unreadable", "file": odd["file"], "notes": [odd["problem"]]}
        else:
            row["notes"] = [say(N_("nothing was handed in"))]
        if len(files) > 1:
            sentence = N_("files of this student: {count}; the best of {most} counts")
            row["notes"].append(say(sentence, count=len(files), most=FILES_MAX))
        return row

    def _fill(self, row: MarkLine, task: Task, best: _Played) -> None:
        """Fill *row* with what its student's *best* hand-in came to."""
        submission, mark = best.handed.submission, best.mark
        claimed = submission.claimed
        row["state"] = "marked"
        row["points"] = mark.points
        row["file"] = best.handed.file
        row["goals"] = [goal_of(each, reveal=self.reveal) for each in mark.reached]
        row["numbers_of"] = self._numbers_of(task, row["student"], submission)
        row["same_as"] = self._same_as(task, row["student"], submission)
        row["claimed"] = int(claimed) if claimed and _MARK.fullmatch(claimed) else None
        row["digest"] = mark.digest
        row["issued_fen"], row["kept_fen"] = mark.issued_fen, mark.kept_fen
        row["adds_up"] = mark.adds_up and mark.issued_fen == mark.kept_fen
        row["notes"] = [*notes_of(mark)]
        if submission.task != id_of(task):
            row["notes"].append(say(N_("it was done on another copy of the task")))
        if claimed is not None and claimed != str(mark.points):
            sentence = N_("it says that its mark was {points}")
            row["notes"].append(say(sentence, points=harmless(claimed, 20)))
        if row["numbers_of"] is not None:
            sentence = N_("it has the numbers of {student}")
            row["notes"].append(say(sentence, student=row["numbers_of"]))
        if row["same_as"]:
            sentence = N_("the same commands as {students}")
            row["notes"].append(say(sentence, students=", ".join(row["same_as"])))

    # --- who has whose ---------------------------------------------------------------------------

    def _same_as(self, task: Task, student: str, submission: Submission) -> list[str]:
        """Return who else has handed in the very same commands."""
        if not submission.typed:
            return []
        return [
            other
            for (name, other), files in self.handed.items()
            if name == task.name
            and other != student
            and any(each.submission.typed == submission.typed for each in files)
        ]

    def _numbers_of(self, task: Task, student: str, submission: Submission) -> str | None:
        """Return another student, all of whose numbers are in *submission* and not its own."""
        amounts, words = _amounts_and_words(submission.typed)

        def has(numbers: Mapping[str, str]) -> bool:
            return all(
                parse_yuan(numbers[each.name]) in amounts
                if each.is_amount
                else numbers[each.name] in words
                for each in task.typed
            )

        every = self.classroom.numbers[task.name]
        if has(every[student]):
            return None
        return next((other for other, numbers in every.items() if has(numbers)), None)


def _files(folder: Path, below: int) -> Iterator[Path]:
    """Yield what is in *folder*, and so many folders *below* it, as programs that collect make."""
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        inside = below > 0 and path.is_dir() and not path.is_symlink()
        try:
            found = [*_files(path, below - 1)] if inside else [path]
        except OSError:  # it is named as what cannot be read
            found = [path]
        yield from found


def _amounts_and_words(typed: Iterable[str]) -> tuple[set[int], set[str]]:
    words = {word for line in typed for word in line.split()}
    amounts = set()
    for word in words:
        try:
            amounts.add(parse_yuan(word))
        except InvalidAmount:
            continue
    return amounts, words


# --- what is said of a mark ---------------------------------------------------------------------


def goal_of(reached: Reached, *, reveal: bool = False) -> GoalMarked:
    """Return what became of a goal; what was expected only where it is to *reveal* that."""
    goal = reached.goal
    marked: GoalMarked = {
        "text": goal.text.said_in(language()),
        "points": reached.points,
        "of": goal.points,
        "reasons": [
            *(_said(each.sentence) for each in reached.differs),
            *(_said(each.forbidden) for each in reached.happened),
        ],
    }
    if reveal:
        marked["expected"] = [
            *(
                say(N_("{fact} ({got})"), fact=each.of.text, got=each.got)
                for each in reached.differs
            ),
            *(say(N_("not: {fact}"), fact=each.of.text) for each in reached.happened),
        ]
    return marked


def _said(filled: Filled) -> str:
    """Return what is *filled* in the chosen language, with books, accounts and states in words."""
    return say(filled.sentence, **{name: _worded(name, of) for name, of in filled.facts.items()})


def _worded(name: str, of: object) -> object:
    if isinstance(of, Filled):
        return Filled(of.sentence, {key: _worded(key, each) for key, each in of.facts.items()})
    match name:
        case "account":
            return wording.account(str(of))
        case "book":
            return wording.book(str(of))
        case "got" if of in {*PacketState}:
            return wording.state(str(of))
    return of


def notes_of(mark: Mark) -> Iterator[str]:
    """Yield what else there is to say of a *mark*: what was not played, and why it ended early."""
    for left in mark.left[:_LEFT_SHOWN]:
        yield say(
            N_("line {line} was not played: {reason}"), line=left.line, reason=left_sentence(left)
        )
    if (more := len(mark.left) - _LEFT_SHOWN) > 0:
        yield say(N_("more lines that were not played: {count}"), count=more)
    if mark.stopped is not None:
        why, line = mark.stopped
        yield say(STOPPED[why], line=line, seconds=SECONDS_MAX)


def left_sentence(left: Left) -> str:
    """Return why a line is not played."""
    return say(LEFT_OUT[left.reason], word=harmless(left.word, 40))
