"""
Proving a task: that it can be done, that nothing else earns its points, and that no copy does.

Every way in its file is played with the numbers of several students who do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hongbao.classroom.marking import Mark, mark
from hongbao.classroom.numbers import drawn
from hongbao.classroom.submission import COMMANDS_MAX, Submission, left_out
from hongbao.classroom.task import Task
from hongbao.env import Env
from hongbao.errors import HongbaoError, TaskFails
from hongbao.rows import Row
from hongbao.story import Run, Story
from hongbao.story.script import Command
from hongbao.words import N_, say

if TYPE_CHECKING:
    from hongbao.answers import TaskFinding

STUDENTS = ("ann", "ben", "cho")
"""Who a task is tried with."""

_KEY = b"task-check"
_CLASS = 40

FINDINGS = {
    "preparation": N_("its preparation does not do what it says: {text}"),
    "no_right": N_("it has no right way, so nothing shows that it can be done"),
    "right": N_("right way {number}: {got} with the numbers of {student}"),
    "nothing": N_("fact {number} earns its points when nothing is done"),
    "wrong": N_("wrong way {number}: {got}, not {expected}"),
    "copied": N_("fact {number} earns its points by right way {way} with another's numbers"),
    "not_played": N_("way {number}, line {line}: a student could not do this: {text}"),
    "few": N_("its numbers are too few; students that they suffice for: {capacity}"),
    "refused": N_("it cannot be made: {text}"),
}
"""What can be wrong with a task that can be read."""


class _Trial(Row):
    """A task with the numbers of a student who does not exist."""

    student: str
    task: Task


def findings(task: Task, env: Env, run: Run) -> Iterator[TaskFinding]:
    """Yield what is wrong with *task*."""
    try:
        yield from _findings(task, env, run)
    except TaskFails as error:
        text = str(next(iter(error.findings), {}).get("text", ""))  # type: ignore[attr-defined]
        yield _finding(task, "preparation", text=text)
    except HongbaoError as error:
        yield _finding(task, "refused", text=error.message)


def _findings(task: Task, env: Env, run: Run) -> Iterator[TaskFinding]:
    if task.capacity < _CLASS:
        yield _finding(task, "few", capacity=task.capacity)
    if not task.right:
        yield _finding(task, "no_right")
    for number, way in enumerate((*task.right, *(wrong.way for wrong in task.wrong)), 1):
        yield from _unplayed(task, number, way)
    trials = [*_trials(task)]

    def marked(trial: _Trial, way: Story | None) -> Mark:
        scenes = () if way is None else way.scenes
        return mark(trial.task, trial.student, Submission("", "", None, scenes, ()), env, run)

    for number, reached in enumerate(marked(trials[0], None).reached, 1):
        if reached.points:
            yield _finding(task, "nothing", number=number)
    for trial in trials[: len(task.right) + 1]:
        for number, way in enumerate(trial.task.right, 1):
            points = marked(trial, way).points
            if points != task.points:
                facts = {"number": number, "got": f"{points}/{task.points}"}
                yield _finding(task, "right", student=trial.student, **facts)
    for number, wrong in enumerate(trials[0].task.wrong, 1):
        if (points := marked(trials[0], wrong.way).points) != wrong.points:
            facts = {"number": number, "got": points, "expected": wrong.points}
            yield _finding(task, "wrong", **facts)
    for way_number, way in enumerate(trials[1].task.right, 1):
        for number, reached in enumerate(marked(trials[0], way).reached, 1):
            if reached.points:
                yield _finding(task, "copied", number=number, way=way_number)


def _trials(task: Task) -> Iterator[_Trial]:
    taken: list[dict[str, str]] = []
    for student in STUDENTS:
        numbers = drawn(task.numbers, _KEY, task.name, student, taken)
        taken.append(numbers)
        yield _Trial(student, task.with_numbers(numbers))


def _unplayed(task: Task, number: int, way: Story) -> Iterator[TaskFinding]:
    """Yield each line of *way* that would be left out of a submission."""
    from hongbao.classroom.report import left_sentence

    for scene in way.scenes:
        if (left := left_out(scene)) is not None:
            text = left_sentence(left)
            yield _finding(task, "not_played", number=number, line=left.line, text=text)
    if sum(isinstance(scene, Command) for scene in way.scenes) > COMMANDS_MAX:
        yield _finding(task, "not_played", number=number, line=0, text=str(COMMANDS_MAX))


def _finding(task: Task, problem: str, **facts: object) -> TaskFinding:
    text = say(FINDINGS[problem], **facts)
    return {"task": task.source, "problem": problem, "text": text}
