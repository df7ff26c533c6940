"""A command that is recorded: it runs as ever, and is added to the log of its recording."""

import os
from collections.abc import Callable
from pathlib import Path

from hongbao.commands.caller import Caller, talk
from hongbao.errors import NotARecording
from hongbao.recordings import recorder
from hongbao.recordings.recorder import Head, Hider, Recorded
from hongbao.words import N_, say


def recorded(
    file: str, arguments: list[str], call: Caller, run: Callable[[list[str], Caller], int]
) -> int:
    """
    Run the command in *arguments* by *run*, add it to the log in *file*, and return its exit code.

    A log that cannot be read or written is said, and hinders no command.
    """
    log = Path(file)
    try:
        head = recorder.head(log)
    except (OSError, NotARecording) as error:
        code = run(arguments, call)
        _say_lost(log, error)
        return code
    arguments = recorder.founding(head, arguments)
    code = run(arguments, call)
    if not recorder.is_silent(arguments):
        try:
            recorder.add(log, _entry(head, arguments, call, code))
        except OSError as error:
            _say_lost(log, error)
    return code


def _entry(head: Head, arguments: list[str], call: Caller, code: int) -> Recorded:
    """Return what is kept of the command that has just ended."""
    notes, hider = call.notes, Hider(head.salt)
    typed = [*arguments]
    for option, reply in notes.replies:
        if not option.startswith("--"):
            typed.append(reply)
        elif reply:
            typed += ["--id-number" if option == "--id-file" else option, reply]
        else:
            typed.append(option)
    words, needed = hider.words(typed)
    identity = notes.identity or ()
    left_out = recorder.why_left_out(words, code=code, error=notes.error)
    if notes.was_challenged:
        left_out = "challenged"
    elif not _is_same(os.environ.get("HONGBAO_HOME"), head.home):
        left_out = "other_wallet"
    return Recorded(
        words=tuple(words),
        code=int(code),
        error=notes.error,
        facts=recorder.facts_of(notes.answer),
        secrets=tuple(dict.fromkeys([*notes.secrets, *needed])),
        identity=tuple(
            hider.mark("name", text) if number == 0 else hider.id_number(text)
            for number, text in enumerate(identity)
        ),
        wrong_tries=notes.wrong_tries,
        profile=None if call.profile is not None else os.environ.get("HONGBAO_PROFILE") or None,
        left_out=left_out,
    )


def _is_same(chosen: str | None, home: str) -> bool:
    return chosen is not None and os.path.realpath(chosen) == os.path.realpath(home)


def _say_lost(log: Path, error: OSError | NotARecording) -> None:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    sentence = N_("this command is not in the recording {path}: {reason}")
    talk(f"hongbao: {say(sentence, path=log, reason=reason or str(error))}")
