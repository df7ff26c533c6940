"""Recordings: what cannot be recorded."""

from hongbao.errors.base import ExitCode, HongbaoError, NotFound, UsageError, example
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
