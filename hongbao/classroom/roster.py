"""
Rosters: the students of a class, from a table that a spreadsheet or a school's program has saved.

The first line names the columns. One is the student's id, which always stays the same,
and one the name, which several may have. Other columns are not read, and not kept.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hongbao.errors import FileNotReadable, InvalidRoster
from hongbao.inputs import NotText, decoded
from hongbao.rows import Row
from hongbao.words import N_

STUDENTS_MAX = 500
SIZE_MAX = 1 << 20
NAME_MAX = 64

ID_COLUMNS = ("id", "student", "student_id", "学号", "编号")
NAME_COLUMNS = ("name", "姓名", "名字")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SEPARATORS = (",", ";", "\t", "，")
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\t\r")


class Student(Row):
    """A student of a class."""

    id: str
    name: str


class Roster(Row):
    """The students in order, and whether the file was taken for GB 18030, which nothing says."""

    students: tuple[Student, ...]
    is_gb_18030: bool


class _Problem(Row):
    line: int
    problem: str
    facts: dict[str, Any]


def read(path: Path) -> Roster:
    """Read the roster in *path*. Raises FileNotReadable, and InvalidRoster for its mistakes."""
    text, is_gb_18030 = _text(path)
    rows = list(_rows(text, path.name))
    header, *lines = rows or [(1, [])]
    problems: list[_Problem] = []
    students = tuple(_students(header, lines, problems))
    if not (students or problems):
        problems.append(_Problem(header[0], "empty", {}))
    if len(students) > STUDENTS_MAX:
        problems.append(_Problem(lines[STUDENTS_MAX][0], "too_large", {"most": STUDENTS_MAX}))
    if problems:
        first = problems[0]
        raise InvalidRoster(
            source=path.name,
            line=first.line,
            problem=first.problem,
            lines=", ".join(str(line) for line in dict.fromkeys(each.line for each in problems)),
            **first.facts,
        )
    return Roster(students, is_gb_18030)


def _text(path: Path) -> tuple[str, bool]:
    try:
        if not path.is_file() and path.exists():
            raise FileNotReadable(path=str(path), reason=N_("it is not a file"))
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise FileNotReadable(path=str(path), reason=error.strerror or str(error)) from None
    if len(content) > SIZE_MAX:
        raise FileNotReadable(path=str(path), reason=N_("it is far larger than a roster"))
    try:
        return decoded(content, guess=False), False
    except NotText:
        pass
    try:
        return decoded(content, guess=True), True
    except NotText as error:
        raise FileNotReadable(path=str(path), reason=error.reason) from None


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of the line that it begins in."""
    first = next(iter(text.lstrip().splitlines()), "")
    separator = next((each for each in _SEPARATORS if len(_header(first, each)) == 2), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            raise InvalidRoster(
                source=source, line=begins, problem="quotes", lines=str(begins)
            ) from None
        if row is None:
            return
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield begins, cells
        begins = reader.line_num + 1


def _header(line: str, separator: str) -> dict[str, int]:
    """Return the places of the two columns in a first *line*; what is missing is not in it."""
    try:
        return _places(next(csv.reader([line], delimiter=separator), []))
    except csv.Error:  # a cell of more than is ever read
        return {}


def _places(cells: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        called = cell.strip().casefold()
        for column, names in (("id", ID_COLUMNS), ("name", NAME_COLUMNS)):
            if called in names:
                found.setdefault(column, place)
    return found


def _students(
    header: tuple[int, list[str]], lines: Sequence[tuple[int, list[str]]], problems: list[_Problem]
) -> Iterator[Student]:
    """Yield the students in *lines*, and add what is wrong to *problems*."""
    places = _places(header[1])
    for column, known in (("id", "id (学号)"), ("name", "name (姓名)")):
        if column not in places:
            problems.append(_Problem(header[0], "no_column", {"known": known}))
            return
    lines_of: dict[str, int] = {}
    for line, found in lines:
        cells = [*found, *[""] * (len(header[1]) - len(found))]
        if len(cells) != len(header[1]) and any(cells[len(header[1]) :]):
            facts = {"text": str(len(cells)), "other": len(header[1])}
            problems.append(_Problem(line, "fields", facts))
            continue
        wrong = _wrong_id(cells[places["id"]]) or _wrong_name(cells[places["name"]])
        if wrong is not None:
            problems.append(_Problem(line, *wrong))
            continue
        student = Student(cells[places["id"]], cells[places["name"]])
        other = lines_of.setdefault(student.id.casefold(), line)
        if other != line:
            facts = {"text": student.id, "other": other}
            problems.append(_Problem(line, "id_twice", facts))
            continue
        yield student


def _wrong_id(text: str) -> tuple[str, dict[str, Any]] | None:
    if not text:
        return "no_id", {}
    if text[0] in _FORMULA:
        return "formula", {"text": text}
    return None if _ID.fullmatch(text) else ("bad_id", {"text": text})


def _wrong_name(text: str) -> tuple[str, dict[str, Any]] | None:
    if not text:
        return "no_name", {}
    if text[0] in _FORMULA:
        return "formula", {"text": text}
    is_name = len(text) <= NAME_MAX and text.isprintable()
    return None if is_name else ("bad_name", {"text": text, "most": NAME_MAX})
