"""
The folder in which a student does a task: the task, its home, and the log of what was typed.

Nothing in it is ever believed by anyone else: what counts is what a recording comes to elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hongbao.classroom import text_of
from hongbao.classroom.folder import new_folder, with_hand_out
from hongbao.classroom.marking import Bench, Mark, mark
from hongbao.classroom.numbers import first_of
from hongbao.classroom.submission import (
    MARK,
    STUDENT,
    TASK,
    Submission,
    UnreadableError,
    parsed,
)
from hongbao.classroom.submission import read as read_submission
from hongbao.classroom.task import HandOut, Task, read
from hongbao.env import Env
from hongbao.errors import NothingDone, WorkNotFound
from hongbao.outputs import save_as
from hongbao.recordings import recorder
from hongbao.recordings.composing import Step, compose
from hongbao.rows import Row
from hongbao.story import HOME, Run

FILE = "task.toml"
LOG = "recording.jsonl"

PRACTICE = "practice"
"""The student's id in a task that was handed out to no one."""

_SALT_BYTES = 16
_SETTINGS = "config.toml"


class Work(Row):
    """A task that was started in a *folder*, with its student's numbers in it."""

    folder: Path
    task: Task
    hand_out: HandOut

    @property
    def home(self) -> Path:
        return self.folder / HOME

    @property
    def log(self) -> Path:
        return self.folder / LOG

    @property
    def variables(self) -> Mapping[str, str]:
        """What a shell has in which the task is done."""
        return {
            "HONGBAO_HOME": str(self.home),
            "HONGBAO_CONFIG": str(self.folder / _SETTINGS),
            recorder.VARIABLE: str(self.log),
        }


def hand_out_of(task: Task) -> HandOut:
    """Return whose copy *task* is; of one that was handed out to no one, it is for practice."""
    if task.hand_out is not None:
        return task.hand_out
    return HandOut(f"{task.name}-{PRACTICE}", PRACTICE, PRACTICE, PRACTICE, first_of(task.numbers))


def name_of(task: Task) -> str:
    """Return what the folder is called in which *task* is done."""
    hand_out = hand_out_of(task)
    return f"{hand_out.task.rpartition('-')[0]}-{hand_out.student}"


def start(task: Task, folder: Path, env: Env, run: Run) -> Work:
    """
    Make the home of *task* in *folder*, and begin to record.

    Raises FolderTaken, StorageRefused, and TaskFails; then nothing is left.
    """
    hand_out = hand_out_of(task)
    work = Work(folder, task, hand_out)
    content = task.content if task.hand_out is not None else with_hand_out(task, hand_out)
    with new_folder(folder):
        Bench(folder, env, run).make(task, hand_out.seed)
        save_as(folder / FILE, lambda out: out.write(content.encode()), replace=False)
        recorder.begin(
            work.log,
            salt=env.chance(_SALT_BYTES),
            home=work.home,
            founds=False,
            more={TASK: hand_out.task, STUDENT: hand_out.student},
        )
    return work


def opened(folder: Path) -> Work:
    """Return the work in *folder*. Raises WorkNotFound, FileNotReadable and InvalidTask."""
    path = folder / FILE
    if not path.is_file():
        raise WorkNotFound(path=str(folder))
    task = read(text_of(path), folder.name, path.name)
    return Work(folder, task, hand_out_of(task))


def recording(work: Work) -> str:
    """
    Return what was recorded, as the story that is handed in.

    Raises NothingDone, NotARecording and FileNotReadable.
    """
    try:
        _head, entries = recorder.read(work.log)
    except FileNotFoundError:
        raise WorkNotFound(path=str(work.folder)) from None
    draft = compose([each for each in entries if each.left_out != "own_wallet"])
    if not draft.steps:
        raise NothingDone(path=str(work.folder))
    draft = draft.expecting([_names_of(step) for step in draft.steps])
    head = (
        "# hongbao story 1" + _marking(0).rstrip(),
        f"given {TASK} = {work.hand_out.task}",
        f"given {STUDENT} = {work.hand_out.student}",
    )
    return draft.text(before="\n".join(head))


def _names_of(step: Step) -> Sequence[str]:
    """Return the lines that fill the names which *step* is the first to answer with."""
    if len(step.names) == 1:
        return [f"…[{name}]…" for name in step.names]
    return [f"> …[{name}]…" for name in step.names]


def marked(work: Work, text: str, env: Env, run: Run) -> tuple[Submission, Mark]:
    """Play *text*, which is to be handed in, as the teacher will, and return its mark."""
    submission = parsed(text, work.task.source)
    return submission, mark(work.task, work.hand_out.seed, submission, env, run)


def with_mark(text: str, points: int) -> str:
    """Return the recording in *text* with the mark in its head that its student was shown."""
    return text.replace(_marking(0), _marking(points), 1)


def _marking(points: int) -> str:
    return f"\ngiven {MARK} = {points}\n"


def is_ours(path: Path, work: Work) -> bool:
    """Return whether what is at *path* was written by an earlier hand-in of the same *work*."""
    try:
        before = read_submission(path)
    except UnreadableError:
        return False
    return (before.task, before.student) == (work.hand_out.task, work.hand_out.student)
