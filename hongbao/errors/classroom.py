"""Classes: rosters and tasks that cannot be read, folders that are none, and what a check finds."""

from collections.abc import Sequence

from hongbao.errors.base import (
    LEFT_OUT,
    BooksDiffer,
    ExitCode,
    HongbaoError,
    NotFound,
    UsageError,
    example,
    shortened,
)
from hongbao.errors.rules import POLICY_PROBLEMS, InvalidPolicy
from hongbao.words import N_

ROSTER_PROBLEMS = {
    "empty": N_("there is no student in it"),
    "no_column": N_("its first line names the columns, and one of them is {known}"),
    "too_large": N_("a roster has at most {most} students"),
    "no_id": N_("the student has no ID"),
    "bad_id": N_("{text} cannot be an ID: use 1 to 32 letters, digits, - . or _"),
    "id_twice": N_("the ID {text} is also in line {other}"),
    "no_name": N_("the student has no name"),
    "formula": N_("a cell that a spreadsheet would calculate: {text}"),
    "bad_name": N_("{text} cannot be a name: it has 1 to {most} characters that can be printed"),
    "fields": N_("number of fields in the line: {text}; in the first line: {other}"),
    "quotes": N_("a quotation mark is not closed"),
}


class InvalidRoster(UsageError):
    """
    A roster has lines that cannot be used; *line* is the first, and *lines* names all.

    *problem* is one of `ROSTER_PROBLEMS`; which other facts there are depends on it.
    """

    source: str = example("roster.csv")
    line: int = example(7)
    problem: str = example("id_twice", also=("bad_id",), words=ROSTER_PROBLEMS)
    text: str = example("s03", default=LEFT_OUT, shape=shortened)
    other: int = example(4, default=LEFT_OUT)
    known: str = example("id", default=LEFT_OUT)
    most: int = example(500, default=LEFT_OUT)
    lines: str = example("7, 9")

    sentence = N_("roster {source}, line {line}: {problem}")
    advice = N_("lines to correct: {lines}")

    def chosen_advice(self) -> str | None:
        return self.advice if "," in self.lines else None


TASK_PROBLEMS = {
    **POLICY_PROBLEMS,
    "too_long": N_("a task has at most {length_max} characters"),
    "bad_text": N_("{key} must have 1 to {length_max} characters"),
    "not_list": N_("{key} must be a list, like {known}"),
    "no_bank": N_("a balance comes from a card: name its bank"),
    "bad_moment": N_("{key} must be a time with its offset, like 2026-02-16T20:00:00+08:00"),
    "only_commands": N_("{key} may have commands, files and names, and nothing else of a story"),
    "bad_number_name": N_("{text} cannot be the name of a number: use small letters, digits and _"),
    "bad_range": N_("there are 1 to {most} values at equal distances from `from` to `to`"),
    "no_number": N_("{text} is not a number of this task"),
    "not_its_value": N_("{text} is not a value of the number {key}"),
    "languages_differ": N_("{text} is in one language of {key} and not in the other"),
    "too_many": N_("{key} is here more than {most} times"),
    "refused": N_("{key}: {text}"),
}


class InvalidTask(InvalidPolicy):
    """A task's file breaks a rule of its form; *line* says where, as `InvalidPolicy` does."""

    line: int = example(12)
    problem: str = example("no_number", words=TASK_PROBLEMS)
    text: str = example("[amount]", default=LEFT_OUT)

    sentence = N_("task {source}, line {line}: {problem}")
    advice = N_("make one that is complete with `hongbao class task-new TASK`")


class TaskNotFound(NotFound):
    """There is no task of this name, and no file."""

    name: str = example("refunds", kw_only=False, shape=shortened)

    sentence = N_("there is no task called {name}")
    advice = N_("see all tasks with `hongbao class tasks`")


class ClassNotFound(NotFound):
    """There is no class in this folder."""

    path: str = example("class-7b")

    sentence = N_("there is no class in {path}")
    advice = N_("make one with `hongbao class new FILE`")


class ClassUnreadable(UsageError):
    """The file in which a class keeps its key and its students' numbers was edited."""

    path: str = example("class-7b/class.json")
    reason: str = example("it was edited", also=("it was written by a newer version",))

    sentence = N_("cannot read the class in {path}: {reason}")
    advice = N_("put the file back as it was")


class WorkNotFound(NotFound):
    """No task was started in this folder."""

    path: str = example("double-entry-s01")

    sentence = N_("no task was started in {path}")
    advice = N_("name its folder, or start one with `hongbao class start FILE`")


class FolderTaken(UsageError):
    """A class, or a task that is started, gets a new folder."""

    path: str = example("class-7b")

    sentence = N_("{path} already exists")
    advice = N_("name a folder that does not exist yet with --at")


class NothingDone(UsageError):
    """A task is handed in without any command that can be played."""

    path: str = example("double-entry-s01")

    sentence = N_("nothing was done yet in {path}")
    advice = N_("do the task first, in its shell")


class CannotHandIn(UsageError):
    """What was recorded is more than a task takes, or was edited into something else."""

    reason: str = example("it has more commands than a task takes")

    sentence = N_("cannot hand in: {reason}")


class NoMarksFile(UsageError):
    """Marks are written as CSV or as a workbook, and a file's name says which."""

    path: str = example("marks.ods")

    sentence = N_("marks are written to a .csv or .xlsx file, not to {path}")


class TaskFails(HongbaoError):
    """`hongbao class task-check` found what is wrong with tasks; *findings* has all of it."""

    failed: int = example(2)
    findings: Sequence[object] = example(())

    exit_code = ExitCode.EXPECTATION
    sentence = N_("findings in tasks: {failed}")


class ClassDiffers(BooksDiffer):
    """
    The money of a class does not add up: a book does not, or what was issued is not there.

    *failed* is the number of wallets in which that is so.
    """

    failed: int = example(1)
    issued_fen: int = example(80_000_000)
    kept_fen: int = example(79_999_999)

    sentence = N_("the money of the class does not add up; wallets in which it does not: {failed}")
