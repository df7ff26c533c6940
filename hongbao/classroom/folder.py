"""
The folder of a class: its key and its students' numbers, its tasks, and what is handed out and in.

The numbers are kept as they were drawn, so that a roster that changes later changes no one's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hongbao.classroom import ENDING, text_of
from hongbao.classroom.numbers import drawn, seed_of
from hongbao.classroom.roster import Student
from hongbao.classroom.task import HandOut, Task, read
from hongbao.documents import of_json
from hongbao.domain.toml_table import Document
from hongbao.domain.toml_text import dumped
from hongbao.errors import ClassNotFound, ClassUnreadable, FileExists, FolderTaken, HongbaoError
from hongbao.outputs import save_as, whole_folder
from hongbao.rows import Row
from hongbao.vault.files import make_folder, storage
from hongbao.words import N_

FILE = "class.json"
"""What is the teacher's alone."""

FORM = 1
TASKS, OUT, IN = "tasks", "hand-out", "handed-in"
KEY_BYTES = 32

_ANSWERS = ("right", "wrong")
"""What of a task its students do not get."""


class Classroom(Row):
    """A class: its *students* in the roster's order, and who has which *numbers* in which task."""

    folder: Path
    key: bytes
    students: tuple[Student, ...]
    tasks: tuple[Task, ...]
    numbers: Mapping[str, Mapping[str, Mapping[str, str]]]

    def student(self, called: str) -> Student | None:
        return next((each for each in self.students if each.id == called), None)

    def task(self, called: str) -> Task | None:
        """Return the task that *called*, an id in a hand-out, names."""
        name = called.rpartition("-")[0]
        return next((each for each in self.tasks if each.name == name), None)

    def hand_out(self, task: Task, student: Student) -> HandOut:
        return HandOut(
            task=id_of(task),
            student=student.id,
            name=student.name,
            seed=seed_of(self.key, task.name, student.id),
            numbers=self.numbers[task.name][student.id],
        )


def id_of(task: Task) -> str:
    """Return the id of *task*: its name, and what changes with every letter of its file."""
    return f"{task.name}-{hashlib.sha256(task.content.encode()).hexdigest()[:8]}"


def key_of(seed: str) -> bytes:
    """Return the key of a class whose numbers are to be the same each time that it is made."""
    return hashlib.sha256(f"hongbao class\0{seed}".encode()).digest()


def make(folder: Path, students: Sequence[Student], tasks: Iterable[Task], key: bytes) -> Classroom:
    """
    Make a class in *folder*, which is not there yet, and every student's file.

    Raises FolderTaken and StorageRefused; then nothing is left.
    """
    try:
        with whole_folder(folder) as making:
            classroom = with_students(Classroom(making, key, (), tuple(tasks), {}), students)
            for task in classroom.tasks:
                _write(making / TASKS / f"{task.name}{ENDING}", task.content)
            _write_hand_outs(classroom, classroom.students)
            make_folder(making / IN)
            _keep(classroom)
    except FileExists:
        raise FolderTaken(path=str(folder)) from None
    return classroom._replace(folder=folder)


def add(classroom: Classroom, students: Sequence[Student]) -> tuple[Classroom, tuple[Student, ...]]:
    """
    Add those of *students* whose ids are not in *classroom* yet, and write their files.

    Return the class as it is now, and who was added. No one else's numbers change.
    """
    known = {student.id.casefold() for student in classroom.students}
    new = tuple(student for student in students if student.id.casefold() not in known)
    larger = with_students(classroom, new)
    try:
        _write_hand_outs(larger, new)
        _keep(larger)
    except HongbaoError as error:
        error.begun = True  # some files may be there, which the next try writes again
        raise
    return larger, new


def with_students(classroom: Classroom, students: Sequence[Student]) -> Classroom:
    """Return *classroom* with more *students*, each with numbers drawn for every task."""
    numbers = {name: dict(given) for name, given in classroom.numbers.items()}
    for task in classroom.tasks:
        given = numbers.setdefault(task.name, {})
        for student in students:
            taken = list(given.values())
            given[student.id] = drawn(task.numbers, classroom.key, task.name, student.id, taken)
    return classroom._replace(students=(*classroom.students, *students), numbers=numbers)


def _write_hand_outs(classroom: Classroom, students: Sequence[Student]) -> None:
    for task in classroom.tasks:
        for student in students:
            _write(
                classroom.folder / OUT / task.name / f"{student.id}{ENDING}",
                with_hand_out(task, classroom.hand_out(task, student)),
                replace=True,
            )


def _keep(classroom: Classroom) -> None:
    text = json.dumps(_document(classroom), ensure_ascii=False, indent=1)
    _write(classroom.folder / FILE, text, replace=True)


class new_folder:  # noqa: N801 - a context manager
    """Make a folder, and remove it again if what is done within fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        if self._folder.exists() or self._folder.is_symlink():
            raise FolderTaken(path=str(self._folder))
        make_folder(self._folder)

    def __exit__(self, kind: object, *_raised: object) -> None:
        if kind is not None:
            shutil.rmtree(self._folder, ignore_errors=True)  # ours alone, made just now


def opened(folder: Path) -> Classroom:
    """
    Return the class in *folder*.

    Raises ClassNotFound, ClassUnreadable, FileNotReadable, and InvalidTask of a task that the
    teacher has edited.
    """
    path = folder / FILE
    try:
        content = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ClassNotFound(path=str(folder)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ClassUnreadable(path=str(path), reason=str(error)) from None
    try:
        document = of_json(content)
        if document["form"] != FORM:
            raise ClassUnreadable(path=str(path), reason=N_("it was written by a newer version"))
        students = tuple(Student(each["id"], each["name"]) for each in document["students"])
        numbers = {name: dict(given) for name, given in document["numbers"].items()}
        key = bytes.fromhex(document["key"])
        names = [*numbers]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClassUnreadable(path=str(path), reason=N_("it was edited")) from None
    tasks = tuple(_task(folder / TASKS / f"{name}{ENDING}") for name in names)
    for task in tasks:
        for student in students:
            own = numbers[task.name].get(student.id)
            if own is None or {*own} != {number.name for number in task.numbers}:
                raise ClassUnreadable(path=str(path), reason=N_("it was edited"))
    return Classroom(folder, key, students, tasks, numbers)


def _task(path: Path) -> Task:
    return read(text_of(path), path.stem, path.name)


def _document(classroom: Classroom) -> dict[str, Any]:
    return {
        "form": FORM,
        "key": classroom.key.hex(),
        "students": [each._asdict() for each in classroom.students],
        "numbers": classroom.numbers,
    }


def with_hand_out(task: Task, hand_out: HandOut) -> str:
    """Return the file of *task* that one student gets: without the ways, and with whose it is."""
    document = Document(task.content, task.source).content()
    given = {name: each for name, each in document.items() if name not in _ANSWERS}
    return dumped({**given, "hand_out": hand_out._asdict()})


def _write(path: Path, text: str, *, replace: bool = False) -> None:
    with storage(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_as(path, lambda out: out.write(text.encode()), replace=replace)
