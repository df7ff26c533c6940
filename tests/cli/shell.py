"""The shell that tests type into: a subprocess for programs, a pseudo-terminal for people."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests import warm

INSTALLED = Path(sys.executable).with_name("hongbao")
COMMAND = [str(INSTALLED)] if INSTALLED.exists() else [sys.executable, "-m", "hongbao"]
STAGE = [sys.executable, str(Path(__file__).with_name("stage.py"))]

SECONDS_MAX = 120  # two cores that also run other tests play a long page in a minute
LINES = 60
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|.)")


Reply = tuple[str, str | Callable[[str], str]]


class Said(NamedTuple):
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Shell:
    """One person's shell: *home* is theirs, and *pin* what they type."""

    def __init__(self, home: Path, pin: str) -> None:
        self.home = home
        self.pin = pin
        self.pin_file = home.with_name(f"{home.name}.pin")
        self.pin_file.parent.mkdir(parents=True, exist_ok=True)
        self.pin_file.write_text(f"{pin}\n")
        self.packets: dict[str, str] = {}

    def copied_to(self, home: Path) -> "Shell":
        copy = Shell(home, self.pin)
        if self.home.exists():
            shutil.copytree(self.home, home)
        copy.packets = dict(self.packets)
        return copy

    def environment(self, **variables: str) -> dict[str, str]:
        """Return a plain world: nothing of this machine's own but the way to programs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home.parent),
            "EDITOR": "sh -c :",
            "HONGBAO_HOME": str(self.home),
            "HONGBAO_CONFIG": str(self.home.parent / "config.toml"),
            "HONGBAO_LANG": "en",
            "HONGBAO_PIN_FILE": str(self.pin_file),
            "PYTHONDONTWRITEBYTECODE": "",
            "LANG": "C.UTF-8",
            "PAGER": "",  # a long list would wait for a key
            **variables,
        }

    # --- as a program ----------------------------------------------------------------------------

    def __call__(self, *typed: str, stdin: str = "", **variables: str) -> Said:
        """Type a command with no terminal anywhere."""
        return self._type([*COMMAND, *typed], stdin, variables)

    def play(self, acts: str, **variables: str) -> list[list[Said]]:
        """Play *acts* as `stage` does with no terminal, and return what each line said."""
        said = self._type([*STAGE, "apart"], acts, variables)
        assert 0 == said.code, said.err
        return [[Said(*each) for each in answers] for answers in json.loads(said.out)]

    def _type(self, argv: Sequence[str], stdin: str, variables: Mapping[str, str]) -> Said:
        typed = _warm(argv)
        if typed is None or not warm.can_be(variables):
            return self.run(argv, stdin=stdin, **variables)
        with ExitStack() as closing:
            files = [closing.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            files[0].write(stdin.encode())
            files[0].seek(0)
            variables = self.environment(**variables)
            with warm.playing(typed[0], typed[1:], variables=variables, streams=files) as command:
                code = command.wait(SECONDS_MAX)
            for file in files[1:]:
                file.seek(0)
            return Said(code, *(file.read().decode() for file in files[1:]))

    def run(self, argv: Sequence[str], *, stdin: str = "", **variables: str) -> Said:
        done = subprocess.run(
            argv,
            input=stdin,
            env=self.environment(**variables),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS_MAX,
            start_new_session=True,  # or a question would find the terminal that runs the tests
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def does(self, *typed: str, **variables: str) -> Said:
        """Type a command that has to succeed."""
        said = self(*typed, **variables)
        assert 0 == said.code, said.err
        return said

    def answers(self, *typed: str, **variables: str) -> Any:
        """Return the one document that a command answers with, and nothing else."""
        said = self(*typed, "--json", **variables)
        assert (0, "") == (said.code, said.err), said
        return json.loads(said.out)

    def refuses(self, *typed: str, **variables: str) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the one document by which a command refuses."""
        said = self(*typed, "--json", **variables)
        assert "" == said.out
        document = json.loads(said.err)
        assert ["error"] == list(document)
        return said.code, document["error"]

    def sends(self, *typed: str) -> str:
        """Send a packet and return its id."""
        return str(self.answers("send", *typed)["packet"])

    def files(self) -> dict[str, bytes]:
        """Return all that lies in this home: where it is the same, so is the ledger."""
        found = [path for path in self.home.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.home)): path.read_bytes() for path in found}

    def ledger(self) -> object:
        """Return what changes with every act: how many there were, and the last one's seal."""
        checked = self.answers("check")
        assert checked["ok"]
        return checked["entries"], checked["transfers"], checked["head"]

    def plays(self, *lines: Sequence[str], now: str = "", **variables: str) -> list[Said]:
        """Type many commands, in one process: for looking at many answers quickly."""
        acts = json.dumps([self.act(*lines, now=now)])
        return self.play(acts, **variables)[0]

    def act(self, *lines: Sequence[str], now: str = "") -> dict[str, object]:
        """Return *lines*, typed in this home's folder, as `stage` plays them."""
        return {
            "lines": lines,
            "home": str(self.home),
            "folder": str(self.home.parent),
            "pin": str(self.pin_file),
            "now": now,
        }

    # --- as a person -----------------------------------------------------------------------------

    def at_terminal(
        self,
        *typed: str,
        replies: Sequence[Reply] = (),
        columns: int = 80,
        lines: int = LINES,
        argv: Sequence[str] = COMMAND,
        **variables: str,
    ) -> Said:
        """
        Type a command at a terminal of *columns* and *lines*, and return all that stood on it.

        *replies* are what is typed when a question has appeared: the question's end, and the keys,
        or what works them out from the screen.
        """
        still = {} if argv is not COMMAND else {"HONGBAO_MOTION": "off"}
        environment = self.environment(
            **{"TERM": "xterm-256color", "HONGBAO_PIN_FILE": "", **still, **variables}
        )
        whole = _warm([*argv, *typed])
        if whole is not None and warm.can_be(variables):
            return _at_warm_terminal(whole, environment, (lines, columns), replies)
        process, terminal = pty.fork()
        if process == 0:
            # Before it runs: whoever looks at the width early must not see another.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(shutil.which(argv[0]) or argv[0], [*argv, *typed], environment)
        try:
            screen = _talk(terminal, replies)
        finally:
            os.close(terminal)
        _, status = os.waitpid(process, 0)
        return Said(os.waitstatus_to_exitcode(status), screen, "")

    def screens(
        self, *lines: Sequence[str], columns: int, now: str = "", **variables: str
    ) -> list[str]:
        """Return what a terminal shows for each of *lines*, typed in one process."""
        return self.shows([self.act(*lines, now=now)], columns=columns, **variables)

    def shows(
        self, acts: Sequence[dict[str, object]], *, columns: int, **variables: str
    ) -> list[str]:
        """Return what a terminal shows for each line of *acts*."""
        script = self.home.with_name("acts.json")
        script.write_text(json.dumps(acts), encoding="utf-8")
        said = self.at_terminal(
            *(STAGE[1], str(script)),
            columns=columns,
            argv=STAGE[:1],
            **variables,  # type: ignore[arg-type]  # never one of the names above
        )
        assert 0 == said.code, said.out
        return said.out.split("\x1e")[1:]


def _warm(argv: Sequence[str]) -> Sequence[str] | None:
    """Return *argv* as a warm parent is asked for it, or None if it is nothing that one can be."""
    for before, program in ((COMMAND, COMMAND[0]), (STAGE, STAGE[1])):
        if list(argv[: len(before)]) == before:
            return [program, *argv[len(before) :]]
    return None


def _at_warm_terminal(
    typed: Sequence[str],
    environment: Mapping[str, str],
    size: tuple[int, int],
    replies: Sequence[Reply],
) -> Said:
    are_plain = all(isinstance(keys, str) and keys.strip().isprintable() for _, keys in replies)
    # Ctrl-C is for the one command alone.
    begin: Callable[..., AbstractContextManager[Any]] = warm.playing if are_plain else warm.started
    terminal, theirs = pty.openpty()
    with ExitStack() as closing:
        closing.callback(os.close, terminal)
        try:
            termios.tcsetwinsize(theirs, size)
            command = closing.enter_context(
                begin(
                    typed[0],
                    typed[1:],
                    variables=environment,
                    streams=[theirs] * 3,
                    is_terminal=True,
                )
            )
        finally:
            os.close(theirs)
        screen = _talk(terminal, replies)
        return Said(command.wait(SECONDS_MAX), screen, "")


def _talk(terminal: int, replies: Sequence[Reply]) -> str:
    screen, seen = b"", 0
    waiting = list(replies)
    ends_at = time.monotonic() + SECONDS_MAX
    while time.monotonic() < ends_at:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if not ready:
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            chunk = b""
        if not chunk:
            return screen.decode(errors="surrogateescape").replace("\r\n", "\n")
        screen += chunk
        if waiting and waiting[0][0].encode() in screen[seen:]:
            seen = len(screen)
            time.sleep(0.01)  # getpass turns the echo off before it asks; a raw mode comes after
            keys = waiting.pop(0)[1]
            typed = keys if isinstance(keys, str) else keys(screen.decode().replace("\r\n", "\n"))
            os.write(terminal, typed.encode("utf-8", "surrogateescape"))  # "\udcff" is a lone FF
    raise AssertionError(f"still waiting for {waiting}, on the screen: {screen.decode()!r}")


def plain(text: str) -> str:
    """Return *text* without its escapes: what stands on the screen."""
    return ESCAPE.sub("", text)


CTRL_C = chr(3)
CTRL_D = chr(4)
INTERRUPTED = 128 + signal.SIGINT
