"""The service for claims: too many of them, and what is none."""

from typing import ClassVar

from hongbao.errors.base import ExitCode, HongbaoError, Unusable, UsageError, example
from hongbao.words import N_


class Overloaded(HongbaoError):
    """More claims are waiting than the service answers in time, so this one was not begun."""

    waiting: int = example(500)

    exit_code = ExitCode.BUSY
    sentence = N_("too many claims are waiting: {waiting}")
    advice = N_("nothing was changed; try again in a moment")


class NotAClaim(UsageError):
    """A line that was sent to the service is not a claim; nothing was done."""

    sentence = N_("the service was sent a line that is not a claim")
    advice = N_("docs/reference/commands/serve.md says what a claim looks like")


class CannotListen(Unusable):
    """The service cannot listen there: another program does, or the system refuses it."""

    _reasons: ClassVar[tuple[str, ...]] = (
        N_("Address already in use"),
        N_("another service listens there"),
    )

    place: str = example("127.0.0.1:9464")
    reason: str = example("Address already in use")

    sentence = N_("the service cannot listen at {place}: {reason}")
