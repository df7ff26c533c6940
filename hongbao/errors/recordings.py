"""Recordings: what cannot be recorded."""

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    NotFound,
    Unusable,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_


class NotARecording(UsageError):
    """HONGBAO_RECORDING names a file that is no log of a recording, or of another version."""

    path: str = example("log")

    sentence = N_("{path} is not the log of a recording")


class NothingRecorded(NotFound):
    """`hongbao record` has nothing to write: no command was recorded, or none is being recorded."""

    problem: str = example(
        "no_command",
        also=("not_recording",),
        words={
            "no_command": N_("no hongbao command was recorded"),
            "not_recording": N_("nothing is being recorded"),
        },
    )

    sentence = N_("nothing is written: {problem}")


class RecordingDiffers(HongbaoError):
    """A recording was written, but does not play as it was recorded; *differences* say where."""

    path: str = example("demo.txt")
    command: str = example("balance")
    differences: list[dict[str, object]] = example([])

    exit_code = ExitCode.EXPECTATION
    sentence = N_("{path} is written, but `{command}` comes out otherwise when it is played")


class NoStoryInIt(UsageError):
    """A picture cannot be played or verified, since it carries no story that can be read."""

    path: str = example("talk.svg")
    problem: str = example(
        "none",
        also=("unreadable", "other_form", "too_large", "race", "no_picture"),
        words={
            "none": N_("there is no story in it"),
            "unreadable": N_("what it carries cannot be read"),
            "other_form": N_("it is in a form that this hongbao does not know"),
            "too_large": N_("it is too large"),
            "no_picture": N_("it is not called .cast, .svg or .html"),
            "race": N_("it shows a race, which is a different one each time"),
        },
    )

    sentence = N_("{path} cannot be verified or played: {problem}")


class NoPseudoTerminals(Unusable):
    """`hongbao play` films stories on a pseudo-terminal, which this system has not."""

    sentence = N_("this system has no pseudo-terminals, which recordings of stories need")
    advice = N_("they need a Unix, such as Linux or macOS")


class PictureDiffers(HongbaoError):
    """
    A picture of a story does not show what this hongbao does.

    *frame* is the number of the first line that differs, or of the chapter whose books do.
    """

    path: str = example("talk.svg")
    problem: str = example(
        "line",
        also=("digest", "drawing"),
        words={
            "line": N_("line {frame} is now: {got}"),
            "digest": N_("the books differ at the end of chapter {frame}"),
            "drawing": N_("line {frame} was edited; its story says: {expected}"),
        },
    )
    frame: int = example(12)
    expected: str = example("balance 10.00")
    got: str = example("balance 12.00")

    exit_code = ExitCode.EXPECTATION
    sentence = N_("{path} is not true any more: {problem}")


class BadSize(UsageError):
    """`hongbao play --size` with what is no size of a terminal, or too small or too large."""

    text: str = example("80", kw_only=False, shape=shortened)
    least: str = example("40x6")
    most: str = example("500x500")

    sentence = N_("{text} is no size: write columns and rows as in 80x24, from {least} to {most}")
