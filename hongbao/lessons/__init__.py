"""
Lessons: a goal on the books, step by step, in a home of the lesson's own.

A lesson is one TOML file in this folder, or anywhere (`hongbao learn FILE`). It holds every text in
both languages, facts that a step asks for (`hongbao.queries.facts`), and the ways that lead there
or do not, as lines of a story. `hongbao.lessons.runner` runs one, and `hongbao.lessons.proving`
proves that it does what it says. docs/howto/write-a-lesson.md shows how one is made.
"""

from pathlib import Path

from hongbao.errors import LessonNotFound
from hongbao.inputs import read_whole
from hongbao.lessons.script import Lesson, read

_FOLDER = Path(__file__).parent

ENDING = ".toml"

SIZE_MAX = 1 << 20
"""How many bytes a lesson has at most."""

ORDER = (
    *("packet", "double-entry", "reserve", "idempotency", "silent-bank", "netting", "penny"),
    *("midnight", "pin", "luckiest", "provable", "guards", "last-share"),
)
"""The lessons that others build on come first; the rest follow by name."""


def names() -> tuple[str, ...]:
    """Return the names of the lessons that ship with hongbao, in the order to take them."""
    found = sorted(path.stem for path in _FOLDER.glob(f"*{ENDING}"))
    return tuple(sorted(found, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)))


def lesson(name: str) -> Lesson:
    """
    Return the lesson called *name*, or the one in the file *name*.

    Raises LessonNotFound, FileNotReadable and InvalidLesson.
    """
    path = _FOLDER / f"{name}{ENDING}"
    if name in names():
        return read(path.read_text(encoding="utf-8"), name, path.name)
    path = Path(name)
    if not path.name.endswith(ENDING):
        raise LessonNotFound(name)
    return read(read_whole(path, SIZE_MAX, shown=name), path.stem, name)
