"""
Classes: a task with each student's own numbers, and marks by replay.

A teacher makes a class out of a roster (`folder`, `roster`) and hands out one file to each student:
the task with that student's numbers (`task`, `numbers`). A student works in a home that is made
from it (`work`), where every command is recorded, and hands in the recording, which is a story
(`submission`). The teacher's machine plays it in a new home, made from the teacher's own copy of
the task with the numbers that the class gave that student, and looks at the books (`marking`).
Nothing else of the student's is believed. `proving` checks that a task does what it says.
"""

from pathlib import Path

from hongbao.classroom.task import Task, read
from hongbao.errors import TaskNotFound
from hongbao.inputs import read_whole

_FOLDER = Path(__file__).parent / "tasks"

ENDING = ".toml"

SIZE_MAX = 1 << 18
"""The largest file of a task that is read."""


def names() -> tuple[str, ...]:
    """Return the names of the tasks that ship with hongbao."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{ENDING}")))


def task(name: str) -> Task:
    """
    Return the task called *name*, or the one in the file *name*.

    Raises TaskNotFound, FileNotReadable and InvalidTask.
    """
    if name in names():
        path = _FOLDER / f"{name}{ENDING}"
        return read(text_of(path), name, path.name)
    if not name.endswith(ENDING):
        raise TaskNotFound(name)
    path = Path(name)
    return read(text_of(path), path.stem, path.name)


def text_of(path: Path) -> str:
    """Return the text of a task's file. Raises FileNotReadable."""
    return read_whole(path, SIZE_MAX)
