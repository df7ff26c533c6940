"""Usage: arguments, prompts, files and output of a command."""

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
from hongbao.parser_words import in_our_words
from hongbao.words import N_


class Unanswered(UsageError):
    """A question needs an answer, and there is no terminal to prompt on."""

    question: str = example("payment PIN")
    flag: str = example("--pin-file")

    sentence = N_("{question} needs an answer, and this is not a terminal")
    advice = N_("give {flag}")


class NotAnswered(Unanswered):
    """Ctrl-D at a question: the input was ended instead."""

    sentence = N_("there was no answer to '{question}'; nothing was changed")
    advice = N_("enter an answer, or give {flag}")


class Declined(UsageError):
    """The person said no."""

    sentence = N_("nothing was done")


class BadCommandLine(UsageError):
    """
    The command line itself cannot be read; *problem* is the parser's own sentence for it.

    If a value is missing, *list_command* lists what could be meant.
    """

    problem: str = example(
        "No such command 'sned'. Did you mean 'send'?", kw_only=False, shape=in_our_words
    )
    command: str = example("hongbao")
    list_command: str = example("hongbao packets", default=LEFT_OUT)

    code = "usage"
    sentence = "{problem}"
    advice = N_("see `{command} --help`")
    _advice_to_list = N_("see what there is with `{list_command}`, or `{command} --help`")

    def chosen_advice(self) -> str | None:
        listing = self.facts.get("list_command", f"{self.command} --help")
        return self.advice if listing == f"{self.command} --help" else self._advice_to_list


NOTHING = {
    "bill": N_("no bill is imported"),
    "card": N_("no card is bound"),
    "case": N_("there is no case"),
    "challenge": N_("no challenge is open"),
    "claimable": N_("there is no packet that you can claim"),
    "closed": N_("no packet is closed yet"),
    "device": N_("there is no such device"),
    "difference": N_("no payment of today differs"),
    "due": N_("no packet of yours has money to return"),
    "movement": N_("there is no movement yet"),
    "open_case": N_("no case is open"),
    "operator": N_("there is no operator yet"),
    "other_device": N_("there is no other device"),
    "packet": N_("there is no packet yet"),
    "profile": N_("there is no other profile"),
    "waiting_device": N_("no device is waiting for approval"),
}
"""What there is none of, where one was to be chosen."""


class NothingFits(NotFound):
    """There is nothing to choose from: neither the newest, nor any."""

    nothing: str = example("claimable", kw_only=False, also=tuple(NOTHING), words=NOTHING)
    list_command: str = example("hongbao packets --claimable")

    sentence = "{nothing}"
    advice = N_("see what there is with `{list_command}`")


class NoSuchTopic(UsageError):
    """`hongbao help` got a word that is neither a command nor a topic."""

    topic: str = example("sned", kw_only=False, shape=shortened)
    other: str | None = example("send", also=(None,))

    sentence = N_("there is no command or topic {topic}; did you mean {other}?")
    _sentence_without_other = N_("there is no command or topic {topic}")
    advice = N_("see all of them: `hongbao help`")

    def chosen_sentence(self) -> str:
        return self._sentence_without_other if self.other is None else self.sentence


class NoSuchCode(UsageError):
    """`hongbao why` got a word that is neither an error's code nor an exit code."""

    text: str = example("wrong_pim", kw_only=False, shape=shortened)
    other: str | None = example("wrong_pin", also=(None,))

    sentence = N_("there is no error code or exit code {text}; did you mean {other}?")
    _sentence_without_other = N_("there is no error code or exit code {text}")
    advice = N_("see all codes: `hongbao why --all`")

    def chosen_sentence(self) -> str:
        return self._sentence_without_other if self.other is None else self.sentence


class ConflictingOptions(UsageError):
    """Two things were typed of which only one can be meant."""

    first: str = example("--to", kw_only=False)
    second: str = example("--count", kw_only=False)
    command: str = example("hongbao send")

    sentence = N_("{first} and {second} cannot be given together")
    advice = N_("see `{command} --help`")


class TerminalNeeded(UsageError):
    """What an option does is for a person at a terminal, and there is none."""

    option: str = example("--step", kw_only=False)

    sentence = N_("{option} needs a terminal, with a keyboard and a screen")


class UnknownColumn(UsageError):
    """A list has no column of that name."""

    column: str = example("amont", kw_only=False)
    known: str = example("packet, kind, state")

    sentence = N_("there is no column '{column}'")
    advice = N_("the columns are: {known}")


class FileExists(UsageError):
    """A file would be overwritten."""

    path: str = example("november.csv")

    sentence = N_("{path} already exists")
    advice = N_("choose another name, or overwrite it with --yes")


class InvalidPath(UsageError):
    """The text cannot be the path of a file or a folder."""

    path: str = example("~nobody/november.csv", kw_only=False, shape=lambda path: path or "''")
    reason: str = example("there is no user of that name")

    sentence = N_("{path} cannot be used as a path: {reason}")


class NotUtf8(UsageError):
    """
    Bytes that are not UTF-8, in an argument, in a variable of ours, or at a prompt.

    No answer in JSON and no row of the ledger could repeat them.
    """

    field: str = example("'caf\\udce9.csv'", kw_only=False)

    sentence = N_("{field} is not UTF-8")
    advice = N_("use a terminal that is set to UTF-8; rename a file whose name is not")


class InsideHome(UsageError):
    """A file would be written among those that the home itself consists of."""

    path: str = example("keys/master.json")
    folder: str = example("~/.local/share/hongbao/keys")

    sentence = N_("{path} is inside {folder}, where this wallet keeps its own files")
    advice = N_("choose a place outside that folder")


class FileNotReadable(NotFound):
    """A file that was named cannot be read."""

    path: str = example("mine.toml")
    reason: str = example("No such file or directory")

    sentence = N_("cannot read {path}: {reason}")


class SystemRefused(Unusable):
    """The system refused to use a file, or (without a *path*) to do anything more at all."""

    path: str | None = example("/mnt/usb/hongbao/keys", also=(None,))
    reason: str = example("Input/output error")

    sentence = N_("the system refused to use {path}: {reason}")
    _sentence_without_path = N_("the system refused: {reason}")
    advice = N_(
        "your request may have been carried out, in whole or in part; see `hongbao history`"
    )

    def chosen_sentence(self) -> str:
        return self._sentence_without_path if self.path is None else self.sentence


class AnswerUnwritable(Unusable):
    """Standard output does not take the answer. What was asked for has been done by then."""

    reason: str = example("No space left on device")

    sentence = N_("the answer cannot be written to standard output: {reason}")
    advice = N_("your request may have completed; check `hongbao history`")


class Unexpected(HongbaoError):
    """A bug of ours: an exception that no error declares."""

    kind: str = example("KeyError")

    sentence = N_(
        "this is a bug in hongbao ({kind}); "
        "your request may have been carried out, in whole or in part"
    )
    advice = N_("check `hongbao history`, and report the output with HONGBAO_DEBUG=1")


class Interrupted(HongbaoError):
    """Ctrl-C at a question, before anything was changed."""

    exit_code = ExitCode.INTERRUPTED
    sentence = N_("interrupted; nothing was changed")


class Stopped(Interrupted):
    """Ctrl-C while something was being done: each act of it is done whole, or not at all."""

    sentence = N_("interrupted; your request may have been carried out, in whole or in part")
    advice = N_("check `hongbao history`")


class SandboxExists(UsageError):
    """A sandbox is only ever made in a new folder."""

    path: str = example("lessons/sandbox")
    chosen: bool = example(False)

    sentence = N_("{path} already exists")
    advice = N_(
        "enter the sandbox with `hongbao sandbox shell`, or make another one: "
        "`hongbao sandbox --fresh`"
    )
    _advice_elsewhere = N_("a sandbox is made in a new folder only: choose another one with --at")

    def chosen_advice(self) -> str | None:
        return self._advice_elsewhere if self.chosen else self.advice
