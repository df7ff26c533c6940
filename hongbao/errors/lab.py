"""The laboratory: what its engines do not understand, and what is not in it."""

from hongbao.errors.base import LEFT_OUT, NotFound, UsageError, example, shortened
from hongbao.words import N_


class ExperimentNotFound(NotFound):
    """The laboratory has no fault of that name."""

    name: str = example("overshell", kw_only=False, shape=shortened)
    known: str = example("float, oversell")

    sentence = N_("the laboratory has no fault {name}")
    advice = N_("its faults are: {known}")


class BadLabCommand(UsageError):
    """The engines of the laboratory understand few of hongbao's commands."""

    typed: str = example("totp add", kw_only=False)
    understood: str = example("topup AMOUNT, send AMOUNT, claim PACKET")
    source: str = example("lesson.txt", default=LEFT_OUT)
    line: int = example(7, default=LEFT_OUT)

    sentence = N_(
        "story {source}, line {line}: the engines of the laboratory do not understand `{typed}`"
    )
    _sentence_without_line = N_("the engines of the laboratory do not understand `{typed}`")
    advice = N_("they understand: {understood}")

    def chosen_sentence(self) -> str:
        return self.sentence if "line" in self.facts else self._sentence_without_line


class UnequalShares(UsageError):
    """Whole fen cannot be parted equally."""

    total_fen: int = example(1_000)
    count: int = example(3)

    sentence = N_("{total_fen} cannot be parted equally among {count}")
