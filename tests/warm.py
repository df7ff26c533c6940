"""
Commands from a warm parent: processes of their own, forked from one that has imported everything.

A command that tests type spends nearly all of its time in waking up and in hashing a PIN as dearly
as a person's has to be. Here a parent imports hongbao once; each command is then a fork of it, with
its own arguments, environment, folder, streams and session, at a terminal if it is to have one, and
with a cheap hash. What it does besides is what the installed command does, from
`hongbao.__main__.main` on.

Where no key is pressed that a terminal acts on, a fork goes on with the next command, up to `TURNS`
of them: a fork and the pages that it copies cost more than most commands do (see `_Resident`).

What only a command that wakes by itself can show (imports, start-up, the true cost, settings of
Python's own) is for tests that start one: a story, demos, whatever is killed, raced, or fed through
a shell's pipe, and whatever sets a variable that Python reads when it wakes.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, Self

from hongbao.story import running
from hongbao.story.running import Ran, Run, Screen

CHEAP = (1, 8, 1)
"""What a try at a PIN costs here: Argon2id's passes, KiB and lanes."""

TURNS = 25
"""How many commands one fork plays, where each needs none of its own."""

WAKING = ("init a", "init b", "balance", "history", "send 1 --json", "check", "check --json", "-h")
"""What a parent plays once."""

_MESSAGE_MAX = 1 << 20
_parents: list["_Parent"] = []
_residents: list["_Resident"] = []
_learned: set[str] = set()


class Warm:
    """A command that a warm parent has started; it is ended where nobody waits for it any more."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._status: int | None = None
        self.pid = int(asked.recv(32))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        with self._asked:
            if self._status is None:
                os.kill(self.pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Return whether `wait` would return at once."""
        return bool(select.select([self._asked], [], [], 0)[0])

    def wait(self, seconds: float) -> int:
        """Return the exit code; raise TimeoutExpired if there is none within *seconds*."""
        self._asked.settimeout(seconds)
        try:
            self._status = int(self._asked.recv(32))
        except TimeoutError:
            raise subprocess.TimeoutExpired("hongbao", seconds) from None
        return os.waitstatus_to_exitcode(self._status)


def can_be(variables: Mapping[str, str]) -> bool:
    """Whether a command with *variables* may come from a warm parent: Python reads some itself."""
    return not any(
        name.startswith(("PYTHON", "LC_", "LANG")) or name == "HONGBAO_DEBUG" for name in variables
    )


def started(
    program: str,
    typed: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str],
    streams: Sequence[BinaryIO | int],
    is_terminal: bool = False,
) -> Warm:
    """
    Start the command *typed*, called *program*, on three *streams* that may then be closed.

    If the first *is_terminal*, it becomes the one that the command is controlled from.
    """
    if not _parents:
        _parents.append(_Parent())
    asked = [program, *typed], str(folder or Path.cwd()), dict(variables), is_terminal
    return _parents[0].start(
        asked, [each if isinstance(each, int) else each.fileno() for each in streams]
    )


@contextmanager
def playing(
    program: str,
    typed: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str],
    streams: Sequence[BinaryIO | int],
    is_terminal: bool = False,
) -> Iterator["_Resident"]:
    """
    Play the command *typed*, called *program*, on three *streams*: it has ended before they do.

    If the first *is_terminal*, it becomes the one that the command is controlled from.

    It is the next one of a fork that plays some. Ask what is yielded for the exit code.
    """
    if _residents and _residents[0].turns == TURNS:
        _residents.pop().end()
    if not _residents:
        if not _parents:
            _parents.append(_Parent())
        _residents.append(_parents[0].resident())
    asked = [program, *typed], str(folder or Path.cwd()), dict(variables), is_terminal
    try:
        _residents[0].play(
            asked, [each if isinstance(each, int) else each.fileno() for each in streams]
        )
        yield _residents[0]
    except BaseException:
        _residents.pop().end()
        raise


@contextmanager
def stories() -> Iterator[None]:
    """Have the commands of stories come from a warm parent, too."""

    def run(
        typed: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
    ) -> Ran:
        with ExitStack() as closing, open(os.devnull, "rb") as nothing:
            ours, theirs = zip(
                *(running.opened_output(screen, closing) for _ in range(2)), strict=True
            )
            command = closing.enter_context(
                playing(
                    "hongbao", typed, folder=folder, variables=variables, streams=[nothing, *theirs]
                )
            )
            for output in theirs:
                output.close()
            out, err = running.heard(ours, typed)
            return Ran(command.wait(running.SECONDS_MAX), out, err)

    with _running_as(run):
        yield


@contextmanager
def _running_as(run: Run) -> Iterator[None]:
    """Have *run* run the commands of stories, whatever they are played by."""
    before = running.process, running.can_fork
    vars(running).update(process=run, can_fork=lambda _variables: False)
    try:
        yield
    finally:
        vars(running).update(process=before[0], can_fork=before[1])


class _Parent:
    """The parent's process, and the line to it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-X", "utf8", __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        atexit.register(self._end)

    def start(self, asked: object, streams: list[int]) -> Warm:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._line, [json.dumps(asked).encode()], [*streams, theirs.fileno()])
        return Warm(ours)

    def resident(self) -> "_Resident":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            names = " ".join(sorted(_learned)).encode()[: 1 << 15]
            socket.send_fds(self._line, [names or b" "], [theirs.fileno()])
        return _Resident(ours)

    def _end(self) -> None:
        while _residents:
            _residents.pop().end()
        self._line.close()
        self._process.wait()


class _Resident:
    """
    A fork that plays one command after another, as `stage` does: the line to it.

    Each has streams, a folder and an environment of its own, and leaves by the same way as ever.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._pid = int(line.recv(32))
        self._is_playing = False
        self.turns = 0

    def play(self, asked: object, streams: list[int]) -> None:
        self.turns += 1
        socket.send_fds(self._line, [json.dumps(asked).encode()], streams)
        self._is_playing = True

    def wait(self, seconds: float) -> int:
        """Return the exit code; raise TimeoutExpired if there is none within *seconds*."""
        self._line.settimeout(seconds)
        try:
            code, *names = self._line.recv(1 << 16).split()
        except TimeoutError:
            raise subprocess.TimeoutExpired("hongbao", seconds) from None
        self._is_playing = False
        _learned.update(name.decode() for name in names)
        return int(code)

    def end(self) -> None:
        if self._is_playing:
            os.kill(self._pid, signal.SIGKILL)
        self._line.close()  # and it ends


def bash(line: str) -> None:
    """
    Have bash run *line*, in whose path ``hongbao`` is a fork of this process, as warm as it is.

    So is ``python SCRIPT``. What bash finds there is a small program: it hands over its words, its
    folder, its environment and its streams, and ends as the fork does.
    """
    with (
        tempfile.TemporaryDirectory() as place,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door,
    ):
        door.bind(f"{place}/door")
        door.listen()
        for program in (Path(place, "hongbao"), Path(place, "python")):
            program.write_text(f"#!{sys.executable} -ISs\n{_HANDS_OVER}", encoding="utf-8")
            program.chmod(0o700)
        path = os.pathsep.join([place, str(Path(sys.executable).parent), os.environ["PATH"]])
        shell = subprocess.Popen(["bash", "-c", line], env={**os.environ, "PATH": path})
        ended = os.pidfd_open(shell.pid)
        forks = []
        while door.fileno() in select.select([door.fileno(), ended], [], [])[0]:
            asker, _ = door.accept()
            with asker:
                forks.append(_forked(asker, [door.fileno(), ended], place))
        os.close(ended)
        for fork in forks:
            os.waitpid(fork, 0)
        shell.wait()


_HANDS_OVER = """
import _socket, os, sys
door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
door.connect(os.path.dirname(sys.argv[0]) + "/door")
words = [str(len(sys.argv)), *sys.argv, os.getcwd(), *map("=".join, os.environ.items())]
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
door.sendmsg(
    ["\\0".join(words).encode("utf-8", "surrogateescape")],
    [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)],
)
os._exit(int(door.recv(32) or 137))
"""
"""What stands for hongbao in a shell's path; the least that it can import keeps it quick."""


def _forked(asker: socket.socket, ours: Sequence[int], place: str) -> int:
    """Fork the command that *asker* hands over, without what is *ours*, and return its process."""
    message, streams, _, _ = socket.recv_fds(asker, _MESSAGE_MAX, 3)
    fork = os.fork()
    if fork == 0:
        code = 1
        try:
            count, *words = message.decode("utf-8", "surrogateescape").split("\0")
            sys.argv, folder = words[: int(count)], words[int(count)]
            variables = dict(word.split("=", 1) for word in words[int(count) + 1 :])
            variables["PATH"] = variables["PATH"].removeprefix(place + os.pathsep)
            for number in ours:
                os.close(number)
            _take(streams, folder, variables)
            code = _scripted() if Path(sys.argv[0]).name == "python" else _played()
        finally:
            asker.send(str(code).encode())
            os._exit(code)
    for stream in streams:
        os.close(stream)
    return fork


def _scripted() -> int:
    """Run the script that is named, and each command of a story that it plays as a fork of this."""
    vars(running).update(process=partial(running.fork, _played), can_fork=lambda _variables: False)
    del sys.argv[0]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)  # noqa: T201 - as Python does
            return 1
        return leaving.code or 0
    except BaseException:  # noqa: BLE001 - told as Python tells it
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
    return 0


def _take(streams: Sequence[int], folder: str, variables: Mapping[str, str]) -> None:
    """Make the *streams*, the *folder* and the *variables* this process's own."""
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    running.take_place(folder, variables)


# --- the parent -----------------------------------------------------------------------------------


class _Started(NamedTuple):
    """A command that is played, who asked for it, and the names that it has told so far."""

    pid: int
    asker: socket.socket
    names: bytearray


def main() -> None:
    """
    Fork a command for each message on the line, until nobody is at its other end.

    While one is played others can be asked for: a test may type at a terminal and elsewhere.
    """
    sys.path.append(str(Path(__file__).parents[1]))  # after all that an installed command finds
    line = socket.socket(fileno=int(sys.argv[1]))
    _wake()
    gc.freeze()
    tried: set[str] = set()
    residents: set[int] = set()
    started: dict[int, _Started] = {}  # by the descriptor that the names come from

    def leave_to_parent() -> None:
        line.close()
        for learned, other in started.items():
            os.close(learned)
            other.asker.close()

    while True:
        ready = select.select([line.fileno(), *started], [], [])[0]
        for learned in started.keys() & set(ready):
            names = os.read(learned, 1 << 16)
            started[learned].names.extend(names)
            if not names:
                _end_of(started.pop(learned), learned, tried)
        if line.fileno() not in ready:
            continue
        message, streams, _, _ = socket.recv_fds(line, _MESSAGE_MAX, 4)
        if not message:
            for command in started.values():
                os.kill(command.pid, signal.SIGKILL)
            for pid in (*residents, *(command.pid for command in started.values())):
                os.waitpid(pid, 0)
            return
        if len(streams) == 1:
            _learn(message.decode().split(), tried)
            residents -= {pid for pid in residents if os.waitpid(pid, os.WNOHANG)[0]}
            with socket.socket(fileno=streams[0]) as asker:
                resident = os.fork()
                if resident == 0:
                    leave_to_parent()
                    _stay(asker)
                residents.add(resident)
                asker.send(str(resident).encode())
            continue
        learned, learns = os.pipe()
        child = os.fork()
        if child == 0:
            leave_to_parent()
            os.close(learned)
            _be(json.loads(message), streams, learns)
        os.close(learns)
        for stream in streams[:3]:
            os.close(stream)
        asker = socket.socket(fileno=streams[3])
        started[learned] = _Started(child, asker, bytearray())
        with suppress(OSError):
            asker.send(str(child).encode())


def _end_of(command: _Started, learned: int, tried: set[str]) -> None:
    """Say how *command* has ended, and learn from it."""
    os.close(learned)
    status = str(os.waitpid(command.pid, 0)[1]).encode()
    with command.asker, suppress(OSError):  # a test that failed does not wait for it
        command.asker.send(status)
    _learn(command.names.decode().split(), tried)


def _learn(modules: Sequence[str], tried: set[str]) -> None:
    """Wake what one command has woken, so that the next finds it awake."""
    for name in modules:
        if name not in tried:
            tried.add(name)
            with suppress(ImportError):  # some make modules that have no file
                importlib.import_module(name)
    gc.freeze()


def _wake() -> None:
    """
    Play a few commands in a home that nobody sees: what a library does once, it has then done.

    Catalogues are read, patterns and parsers made, ciphers found. Each command did that for itself.
    """
    from tests import forks
    from tests.cli import stage

    before, folder = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        Path(place, "pin").write_text("246813\n", encoding="utf-8")
        act = {"folder": place, "home": f"{place}/home", "pin": f"{place}/pin", "now": ""}
        for language in ("zh_CN", "en"):
            lines = [[f"HONGBAO_LANG={language}", *line.split()] for line in WAKING]
            stage._apart({**act, "lines": lines})
        os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)
    gc.collect()
    forks.in_large_pages()


class _Imports:
    """What is looked for among modules: asked first, this finder notes the name and knows none."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, *_where: object) -> None:
        self.names.append(name)

    def found(self) -> bytes:
        """Return which of them there are, and may as well be awake before the next command."""
        names = {name for name in self.names if name in sys.modules and running.is_light(name)}
        return " ".join(sorted(names)).encode()[: 1 << 15]


def _be(
    asked: tuple[list[str], str, dict[str, str], bool], streams: list[int], learns: int
) -> NoReturn:
    """Be the command: nothing of the parent is left but what it has imported."""
    code = 1
    try:
        sys.argv, folder, variables, is_terminal = asked
        os.setsid()
        _take(streams, folder, variables)
        if is_terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        imports = _Imports()  # to look through all that is awake would touch, and so copy, it all
        sys.meta_path.insert(0, imports)
        code = _played()
        os.write(learns, imports.found())
    finally:
        os._exit(code)


def _stay(line: socket.socket) -> NoReturn:
    """Be the commands that come over the *line*, one after another, until nobody is there."""
    try:
        os.setsid()
        imports = _Imports()
        sys.meta_path.insert(0, imports)
        nothing = os.open(os.devnull, os.O_RDWR)
        while True:
            message, streams, _, _ = socket.recv_fds(line, _MESSAGE_MAX, 3)
            if not message:
                break
            sys.argv, folder, variables, is_terminal = json.loads(message)
            _take(streams, folder, variables)
            if is_terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            code = _played()
            if is_terminal:
                before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
                fcntl.ioctl(0, termios.TIOCNOTTY)  # which hangs up
                signal.signal(signal.SIGHUP, before)
            for number in range(3):
                os.dup2(nothing, number)
            line.send(b"%d %s" % (code, imports.found()))
            imports.names.clear()
    finally:
        os._exit(0)


def _played() -> int:
    """Play the command in this world, but for what a PIN costs, and leave as Python does."""
    from hongbao import __main__ as hongbao
    from hongbao.commands import caller
    from hongbao.env import system_env
    from tests.cli import stage

    program = stage if Path(sys.argv[0]).name == "stage.py" else hongbao
    vars(caller)["system_env"] = lambda: system_env()._replace(hash_cost=CHEAP)
    return running.entered(program.main)


if __name__ == "__main__":
    main()
