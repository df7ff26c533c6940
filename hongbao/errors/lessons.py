"""Lessons: files that cannot be read, lessons that are not there, and what their check finds."""

from hongbao.errors.base import (
    LEFT_OUT,
    ExitCode,
    HongbaoError,
    NotFound,
    Unusable,
    UsageError,
    example,
    shortened,
)
from hongbao.errors.rules import POLICY_PROBLEMS, InvalidPolicy
from hongbao.words import N_

LESSON_PROBLEMS = {
    **POLICY_PROBLEMS,
    "too_long": N_("a lesson has at most {length_max} characters"),
    "bad_text": N_("{key} must have 1 to {length_max} characters"),
    "not_list": N_("{key} must be a list, like {known}"),
    "ask_or_want": N_("a step has either `want` or `ask`"),
    "no_bank": N_("a balance comes from a card: name its bank"),
    "bad_moment": N_("{key} must be a time with its offset, like 2026-02-16T20:00:00+08:00"),
    "only_commands": N_("{key} may have commands, files and names, and nothing else of a story"),
    "refused": N_("{key}: {text}"),
}


class InvalidLesson(InvalidPolicy):
    """A lesson's file breaks a rule of its form; *line* says where, as `InvalidPolicy` does."""

    source: str = example("mine.toml")
    line: int = example(12)
    problem: str = example("ask_or_want", words=LESSON_PROBLEMS)
    key: str = example("want", default=LEFT_OUT)

    sentence = N_("lesson {source}, line {line}: {problem}")
    advice = N_("make one that is complete with `hongbao learn new NAME`")


class LessonNotFound(NotFound):
    """There is no lesson of this name, and no file."""

    name: str = example("packets", kw_only=False, shape=shortened)

    sentence = N_("there is no lesson called {name}")
    advice = N_("see all lessons with `hongbao learn`")


class StepNotFound(NotFound):
    """The lesson has no such step."""

    step: str = example("12", kw_only=False, shape=shortened)

    sentence = N_("there is no step {step} in this lesson")
    advice = N_("see all steps with `list`")


class NothingToUndo(UsageError):
    """No command of this lesson has changed anything yet."""

    sentence = N_("there is nothing to undo")


class NotALessonsFolder(UsageError):
    """Lessons would be run in a folder that holds something else."""

    path: str = example("lessons")

    sentence = N_("{path} is not a folder of lessons")
    advice = N_("name another folder, or one that does not exist yet")


class ProgressUnreadable(Unusable):
    """The file of a learner's progress was edited, or is of a newer hongbao."""

    path: str = example("lessons/progress.json")
    reason: str = example("it is not JSON", also=("it was written by a newer version",))

    sentence = N_("cannot read your progress in {path}: {reason}")
    advice = N_("move the file away to begin again")


class LessonFails(HongbaoError):
    """`hongbao learn check` found what is wrong with lessons; *findings* has all of it."""

    failed: int = example(2)
    findings: list[dict[str, object]] = example([])

    exit_code = ExitCode.EXPECTATION
    sentence = N_("findings in lessons: {failed}")
