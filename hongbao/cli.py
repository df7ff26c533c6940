"""The command line: finds the command, runs it, and reports errors with an exit code."""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hongbao import words
from hongbao.commands.aliases import of_alias
from hongbao.commands.caller import Caller, addressed, talk
from hongbao.commands.declared import ASKING_HELP, App
from hongbao.commands.reading import read, run
from hongbao.commands.root import app
from hongbao.commands.streams import ReaderGone, answering, forget_output, prepare_streams
from hongbao.commands.table import NAMES, app_of
from hongbao.documents import to_json
from hongbao.env import forbid_core_dumps
from hongbao.errors import (
    AnswerUnwritable,
    ExitCode,
    HongbaoError,
    NotUtf8,
    Stopped,
    SystemRefused,
    Unexpected,
)
from hongbao.settings import place_of_command
from hongbao.words import N_, say

OF_THE_LIBRARY = frozenset({"help"})
"""The commands that need the command-line library's view of the others."""

RECORDING = "HONGBAO_RECORDING"
"""The variable that names the log of a recording (see `hongbao record`)."""

ERROR_FILE = "HONGBAO_ERROR_FILE"
"""The variable that names a file for the code of the error that a command ends with."""

COMPLETE = "_HONGBAO_COMPLETE"
"""The variable by which a shell asks what could be typed next (see `hongbao completion`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in *arguments* (default: the command line's), and return the exit code."""
    call = Caller(main=main, carry_out=_run)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with suppress(HongbaoError, OSError):  # said when the command is looked for
        arguments = _expanded(arguments, call)
    call.typed = arguments
    if os.environ.get(RECORDING) and COMPLETE not in os.environ:
        from hongbao.commands.recorded import recorded

        return recorded(os.environ[RECORDING], arguments, call, _answered)
    return _answered(arguments, call)


def _answered(arguments: list[str], call: Caller) -> int:
    """Run the command in *arguments*, say what is wrong with it, and return the exit code."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = "--json" in options
    words.use_language(words.preferred(os.environ, _language(call)))
    asks_help = any(option in ASKING_HELP for option in options)
    if as_json and asks_help:
        words.use_language("en")  # programs get the same in every language
    try:
        prepare_streams()
        forbid_core_dumps()
        call.asks_help = asks_help
        call.as_json = as_json and asks_help  # help comes before the parser sees other options
        _run(arguments, call)
    except AnswerUnwritable as error:
        _say(error, call=call, as_json=as_json)
        forget_output()
        return error.exit_code
    except HongbaoError as error:
        _say(error, call=call, as_json=as_json)
        _keep(error, call)
        return error.exit_code
    except KeyboardInterrupt:
        forget_output()  # it may have been written already
        _say(Stopped(), call=call, as_json=as_json)
        return ExitCode.INTERRUPTED
    except ReaderGone:
        forget_output()
    except Exception as error:
        if os.environ.get("HONGBAO_DEBUG"):
            raise
        refusal = _refusal(error)
        _say(refusal, call=call, as_json=as_json)
        return refusal.exit_code
    finally:
        if call is not None:
            call.leave_terminal()
    return ExitCode.OK


_OF_THE_MACHINE = {
    *(errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ENOSPC, errno.EROFS),
    errno.ENOENT,  # the folder that we are in, or every one that is meant for temporary files
}
"""What a system says of itself, for any operation."""


def _refusal(error: Exception) -> HongbaoError:
    """Return the refusal for an unexpected *error*: the system's, or a bug of ours."""
    if isinstance(error, MemoryError):
        return SystemRefused(path=None, reason=os.strerror(errno.ENOMEM))
    if isinstance(error, OSError):
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        if path is not None or error.errno in _OF_THE_MACHINE:
            return SystemRefused(path=path, reason=error.strerror or type(error).__name__)
    return Unexpected(kind=type(error).__name__)


def _expanded(arguments: list[str], call: Caller) -> list[str]:
    """Return *arguments* with an alias replaced by its text, where no command has its name."""
    place = place_of_command(arguments)
    if place is None or arguments[place] in NAMES:
        return arguments
    words = of_alias(arguments[place:], call)
    return arguments if words is None else [*arguments[:place], *words]


def _language(call: Caller) -> str | None:
    """Return the language that *call*'s settings ask for; what is wrong with them is said later."""
    try:
        return call.settings.language
    except (HongbaoError, OSError):
        return None


def _run(arguments: Sequence[str], call: Caller) -> None:
    _check_encoding(arguments)
    if COMPLETE not in os.environ and (steps := read(app, arguments, _app_of)) is not None:
        with answering():
            run(steps, call)
        return
    if COMPLETE not in os.environ and [*arguments] in ([option] for option in ASKING_HELP):
        from hongbao.commands.overview import answer_overview

        answer_overview(call, app)
        return
    from hongbao.commands import house

    if COMPLETE in os.environ:
        house.complete(COMPLETE, call)
    house.run(arguments, call)


def _app_of(name: str) -> App | None:
    """Return the app of the command *name*, unless the library has to run it."""
    return None if name in OF_THE_LIBRARY else app_of(name)


def _check_encoding(arguments: Sequence[str]) -> None:
    """Raise NotUtf8 if an argument, or a variable meant for us, has bytes that are not UTF-8."""
    meant = {name: text for name, text in os.environ.items() if name.startswith("HONGBAO_")}
    for name, text in (*((None, argument) for argument in arguments), *meant.items()):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            shown = text.encode("utf-8", "backslashreplace").decode()
            raise NotUtf8(name or f"'{shown}'") from None


def _keep(error: HongbaoError, call: Caller) -> None:
    """Remember *error* for `hongbao why`."""
    from hongbao.commands import last_refusal  # woken by refusals only

    last_refusal.keep(call, error)


def _leave_code(error: HongbaoError, file: Path) -> None:
    """Write the code of *error* to *file*; where that cannot be, it is said with the error."""
    try:
        file.write_text(f"{error.code}\n", encoding="utf-8")
    except OSError as refused:
        reason = refused.strerror or str(refused)
        talk(say(N_("hongbao: cannot write {path}: {reason}"), path=file, reason=reason))


def _say(error: HongbaoError, *, call: Caller, as_json: bool) -> None:
    call.notes.error = error.code
    if file := os.environ.get(ERROR_FILE):
        _leave_code(error, Path(file))
    acting_as = call.named_profile
    if acting_as is not None and error.is_of_device:  # another device has to act, or none
        acting_as = acting_as.partition("@")[0] or None
    if as_json:
        encoding = getattr(sys.stderr, "encoding", None)
        text = error.as_dict()
        if isinstance(text["hint"], str):
            text["hint"] = addressed(text["hint"], acting_as)
        document: dict[str, object] = {"error": text}
        if call.explained is not None:
            document["explained"] = call.explained
        talk(to_json(document, encoding=encoding), wrapped=False)
        return
    if error.exit_code is ExitCode.PENDING:  # not an error: the outcome is only not known yet
        talk(say(N_("hongbao: pending: {message}"), message=error.message))
    else:
        talk(say(N_("hongbao: error: {message}"), message=error.message))
    if error.hint is not None:
        talk(say(N_("hongbao: hint: {hint}"), hint=addressed(error.hint, acting_as)))
