"""
How a command is run: as a process, or as a fork of this one.

A `Run` takes a command's words, the folder to run it in, its environment and its screen, and
returns its exit code and what it said on both outputs. Either way the command has its own session,
folder, streams and environment, and finds no terminal to ask on. A fork prints the same, to the
byte, and saves the time that Python and the imports take.
"""

import gc
import importlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

SECONDS_MAX = 60
"""How long a command may be silent; then it hangs, and is ended."""


class Screen(NamedTuple):
    """A terminal's size, for commands that are to answer as they do on one."""

    columns: int
    lines: int


class Ran(NamedTuple):
    """How a command ended, as `subprocess` tells it, and what it said."""

    exit_code: int
    out: bytes
    err: bytes


Run = Callable[[list[str], Path, Mapping[str, str], Screen | None], Ran]
"""
A way to run ``hongbao`` with words, in a folder, with variables, on a screen or in a pipe.

Raises `subprocess.TimeoutExpired` if the command is silent for `SECONDS_MAX`; it is ended then, and
so are the processes that it has started, as they are if the caller is interrupted.
"""


# --- a process -----------------------------------------------------------------------------------


class Started(NamedTuple):
    """
    A command that runs, in a session of its own.

    *outputs* are our ends of what it prints: standard output, standard error. *wait* waits for its
    end and returns its exit code.
    """

    pid: int
    outputs: Sequence[BinaryIO]
    wait: Callable[[], int]


Start = Callable[[list[str], Path, Mapping[str, str], Screen | None], Started]
"""A way to start ``hongbao`` as a `Run` does; the caller reads its outputs and waits for it."""


def start(
    words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
) -> Started:
    """
    Start a command as a process: a new Python with the same hongbao (see `Run`).

    Its own session keeps it from finding a terminal to ask on, and a Ctrl-C ends the caller
    and not the command alone.
    """
    # UTF-8 in every locale; and no file of the folder is taken for a module.
    program = [sys.executable, "-P", "-X", "utf8", "-m", "hongbao"]
    command = [*program, *map(_in_utf_8, words)]
    with ExitStack() as closing:
        ours, theirs = _outputs(screen, closing)
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            cwd=folder,
            env={name: _in_utf_8(text) for name, text in variables.items()},
            stdin=subprocess.DEVNULL,
            stdout=theirs[0],
            stderr=theirs[1],
            start_new_session=True,
        )
        closing.pop_all()
        for output in theirs:
            output.close()
    return Started(process.pid, ours, lambda: process.wait(SECONDS_MAX))


def _in_utf_8(text: str) -> str | bytes:
    """Return *text* as a command that speaks UTF-8 reads it, from a process that may not."""
    if os.name == "nt" or sys.getfilesystemencoding() == "utf-8":
        return text
    return text.encode("utf-8", "surrogateescape")


def process(
    words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
) -> Ran:
    """Run a command as a process (see `Run`)."""
    started = start(words, folder, variables, screen)
    with ExitStack() as closing:
        for output in started.outputs:
            closing.enter_context(output)
        try:
            out, err = heard(started.outputs, words)
            return Ran(started.wait(), out, err)
        except BaseException:
            end(started.pid)
            started.wait()
            raise


def _outputs(
    screen: Screen | None, closing: ExitStack
) -> tuple[tuple[BinaryIO, ...], tuple[BinaryIO, ...]]:
    """Open a command's two outputs: our ends, and the command's."""
    ours, theirs = zip(*(opened_output(screen, closing) for _ in range(2)), strict=True)
    return ours, theirs


def opened_output(screen: Screen | None, closing: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """Open an output, a terminal where there is a *screen*: our end of it, and the command's."""
    if screen is None:
        ends = os.pipe()
    else:
        import pty
        import termios

        ends = pty.openpty()
        termios.tcsetwinsize(ends[1], (screen.lines, screen.columns))
    ours, theirs = os.fdopen(ends[0], "rb", 0), os.fdopen(ends[1], "wb", 0)
    return closing.enter_context(ours), closing.enter_context(theirs)


def heard(outputs: Iterable[BinaryIO], words: list[str]) -> list[bytes]:
    """Read *outputs* to their ends, in whatever order they produce data."""
    said = {output.fileno(): b"" for output in outputs}
    with selectors.SelectSelector() as waiting:
        for number in said:
            waiting.register(number, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(SECONDS_MAX)
            if not ready:
                raise subprocess.TimeoutExpired(["hongbao", *words], SECONDS_MAX)
            for key, _events in ready:
                piece = b""
                with suppress(OSError):  # how Linux says that a terminal's other side is closed
                    piece = os.read(key.fd, 1 << 16)
                said[key.fd] += piece
                if not piece:
                    waiting.unregister(key.fd)
    return list(said.values())


def end(pid: int) -> None:
    """End the command that is process *pid*, and what it has started; the caller waits for it."""
    if not hasattr(os, "killpg"):  # Windows
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):  # it may not lead a session yet
        os.kill(pid, signal.SIGKILL)


# --- a fork --------------------------------------------------------------------------------------


def forks(main: Callable[[], int], *, may_fork: Callable[[], bool] = lambda: True) -> Run:
    """
    Return a `Run` that forks this process where it can be done, and starts a process otherwise.

    *main* is hongbao's entry point, which reads ``sys.argv``. *may_fork* says whether a fork is
    safe now as far as its caller knows: no ledger may be open, for SQLite keeps its locks by
    process, and a fork would take them for its own.
    """

    def run(
        words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
    ) -> Ran:
        if can_fork(variables) and may_fork():
            return fork(main, words, folder, variables, screen)
        return process(words, folder, variables, screen)

    return run


def fork_starts(main: Callable[[], int], may_fork: Callable[[], bool]) -> Start:
    """Return a `Start` that forks where `forks` does."""

    def start_either(
        words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
    ) -> Started:
        if can_fork(variables) and may_fork():
            return start_fork(main, words, folder, variables, screen)
        return start(words, folder, variables, screen)

    return start_either


def can_fork(variables: Mapping[str, str]) -> bool:
    """
    Return whether a fork would say the same as a process with *variables*.

    Not where Python itself would read one of them as it starts, or does not speak UTF-8 here; where
    another thread may hold a lock; nor under macOS, whose own libraries do not survive a fork.
    """
    return (
        hasattr(os, "fork")
        and sys.platform != "darwin"
        and sys.getfilesystemencoding() == "utf-8"
        and threading.active_count() == 1
        and not variables.get("HONGBAO_DEBUG")
        and all(name in _HARMLESS for name in variables if name.startswith("PYTHON"))
    )


_HARMLESS = {
    *("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONNOUSERSITE", "PYTHONUTF8"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONHASHSEED", "PYTHONUNBUFFERED"),
}
"""What says where modules come from, which is settled here, or changes nothing that is printed."""


def fork(
    main: Callable[[], int],
    words: list[str],
    folder: Path,
    variables: Mapping[str, str],
    screen: Screen | None,
) -> Ran:
    """Run *main* as a command in a fork of this process, which `can_fork` (see `Run`)."""
    mask = _hold_signals()
    started = None
    try:
        with ExitStack() as closing:
            started = _forked(main, words, folder, variables, screen, mask)
            for output in started.outputs:
                closing.enter_context(output)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # from here on it would be ended
            out, err, modules = heard(started.outputs, words)
    except BaseException:
        if started is not None:
            end(started.pid)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        exit_code = 1 if started is None else started.wait()
    learn(modules)
    return Ran(exit_code, out, err)


def start_fork(
    main: Callable[[], int],
    words: list[str],
    folder: Path,
    variables: Mapping[str, str],
    screen: Screen | None,
) -> Started:
    """
    Start *main* as a command in a fork of this process, which `can_fork`.

    On a third output it says what it had to import, for `learn`.
    """
    mask = _hold_signals()
    started = None
    try:
        started = _forked(main, words, folder, variables, screen, mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    except BaseException:
        if started is not None:  # a Ctrl-C that had to wait
            end(started.pid)
            started.wait()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return started


def _hold_signals() -> set[int]:
    """
    Let signals wait, and return the mask from before.

    One that comes after a fork, and before what would end the command, would leave it running; and
    one that comes before the command has its own handlers would be handled as ours.
    """
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))


def _forked(
    main: Callable[[], int],
    words: list[str],
    folder: Path,
    variables: Mapping[str, str],
    screen: Screen | None,
    mask: Iterable[int],
) -> Started:
    """Fork, and be the command in it, where the signals of *mask* are blocked and no others."""
    with ExitStack() as closing:
        ours, theirs = _outputs(screen, closing)
        learned, learns = opened_output(None, closing)
        pid = os.fork()
        if pid == 0:
            _be(main, words, folder, variables, [*theirs, learns], mask)
        closing.pop_all()
        for output in (*theirs, learns):
            output.close()
    return Started(pid, (*ours, learned), lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _be(
    main: Callable[[], int],
    words: list[str],
    folder: Path,
    variables: Mapping[str, str],
    outputs: Sequence[BinaryIO],
    mask: Iterable[int],
) -> NoReturn:
    """Be the command: nothing of the caller is left but what it has imported."""
    code = 1
    try:
        gc.freeze()  # garbage of the caller would close files by numbers that are ours now
        os.setsid()
        _forget_handlers()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, stream in enumerate((nothing, *(output.fileno() for output in outputs))):
            os.dup2(stream, number, inheritable=number < _LEARNS)
        os.closerange(_LEARNS + 1, os.sysconf("SC_OPEN_MAX"))
        take_place(folder, variables)
        sys.argv = ["hongbao", *words]
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        known = len(sys.modules)
        code = entered(main)
        came = islice(reversed(sys.modules), max(len(sys.modules) - known, 0))
        os.write(_LEARNS, " ".join(came).encode()[:_NAMES_MAX])
    finally:
        os._exit(code)


_LEARNS = 3
"""The descriptor on which a fork says what it has imported."""

_NAMES_MAX = 1 << 16


def _forget_handlers() -> None:
    """Handle signals as a program does that has just been started."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_callers_streams: list[Any] = []
"""Streams that a fork was born with: closed, they would write what the caller has not yet."""


def take_place(folder: Path | str, variables: Mapping[str, str]) -> None:
    """Be in *folder*, with *variables* as the environment, and with what is open as 0 to 2."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    tempfile.tempdir = None  # TMPDIR is looked at again
    sys.path[:] = filter(None, sys.path)  # no file of the folder is taken for a module
    _callers_streams.extend((sys.stdin, sys.stdout, sys.stderr))
    _callers_streams.extend((sys.__stdin__, sys.__stdout__, sys.__stderr__))
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = open(  # noqa: SIM115 - as long as the command lives
            number,
            mode,
            encoding="utf-8",
            errors="backslashreplace" if name == "stderr" else "surrogateescape",
            buffering=1 if mode == "w" and (name == "stderr" or os.isatty(number)) else -1,
            closefd=False,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def entered(main: Callable[[], int]) -> int:
    """Return the exit code of *main*, and leave the streams as Python does when it ends."""
    try:
        code = main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - shown as Python shows it
        sys.excepthook(*sys.exc_info())
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return 120
    return code


def learn(modules: bytes) -> None:
    """Import what a fork had to import, as it said itself, so that the next need not."""
    for name in modules.decode().split():
        if name not in sys.modules and is_light(name):
            with suppress(ImportError):  # some make modules that have no file
                importlib.import_module(name)


def is_light(module: str) -> bool:
    """Return whether importing *module* ahead pays: libraries for numbers start threads."""
    return module.partition(".")[0] not in ("__main__", "encodings", "sklearn", "scipy", "numpy")
