"""How commands are run: a fork says what a process says, and has a world of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from hongbao import cli
from hongbao.engines.sqlcipher import engine
from hongbao.errors import Damaged, StoryFailed
from hongbao.story import Answered, parse, play, running
from hongbao.story.running import Ran, Run, Screen

STORY = """\
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0
balance                          => 0
topup 50                         => 10
HONGBAO_LANG=zh history          => 0
nonsense                         => 2
send --help                      => 0
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what is played, alone in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def forked(main: Callable[[], int]) -> Run:
    return partial(running.fork, main)


def ran(main: Callable[[], int], folder: Path, screen: Screen | None = None) -> Ran:
    return forked(main)(["balance", "红包"], folder, {"HONGBAO_LANG": "en"}, screen)


@pytest.mark.parametrize("screen", [None, pytest.param(Screen(40, 24), marks=pytest.mark.slow)])
def test_a_fork_says_what_a_process_says(here: Path, screen: Screen | None):
    """
    To the byte, in a pipe and on a screen, whatever the command before it has left.
    """
    said = []
    for run in (running.process, forked(cli.main)):
        with closing(play(parse(STORY, "a.txt"), screen=screen, run=run)) as events:
            said.append([event for event in events if isinstance(event, Answered)])

    assert said[0] == said[1]
    assert 6 == len(said[1])
    assert [] == list(here.iterdir())


def world() -> int:
    """Print what a command finds around it."""
    facts = {
        "argv": sys.argv,
        "variables": dict(os.environ),
        "folder": str(Path.cwd()),
        "session": os.getsid(0) == os.getpid(),
        "umask": os.umask(0o077),
        "handlers": [
            signal.getsignal(number) is signal.SIG_DFL
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
        ],
        "interrupts": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "files": [number for number in range(3, 256) if _is_open(number)],
        "input": sys.stdin.read(),
        "encoding": sys.stdout.encoding,
    }
    sys.stdout.write(json.dumps(facts, ensure_ascii=False))
    return 7


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_a_fork_has_a_world_of_its_own(here: Path):
    """
    Nothing of the caller is in it: not its folder, variables, handlers or files.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    old_mask = os.umask(0o027)
    try:
        code, out, err = ran(world, here)
    finally:
        os.umask(old_mask)
        signal.signal(signal.SIGTERM, before)

    assert (7, b"") == (code, err)
    assert {
        "argv": ["hongbao", "balance", "红包"],
        "variables": {"HONGBAO_LANG": "en"},
        "folder": str(here),
        "session": True,
        "umask": 0o027,
        "handlers": [True] * 3,
        "interrupts": True,
        "blocked": 0,
        "files": [3],
        "input": "",
        "encoding": "utf-8",
    } == json.loads(out)


def test_what_a_caller_has_not_printed_yet_is_printed_once(here: Path):
    """
    It lies in a stream that the fork inherits, and must not end up in the command's answer.
    """
    script = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from hongbao.story import running\n"
        "sys.stdout.write('once')\n"
        "print(running.fork(lambda: 0, [], Path(), {}, None).out)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=here)

    assert b"onceb''\n" == done.stdout


def test_a_command_that_is_killed_is_told_by_its_signal(here: Path):
    """
    The story that it belongs to fails, and leaves no folder.
    """

    def main() -> int:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert (-signal.SIGKILL, b"begun\n", b"") == ran(main, here)
    with (
        closing(play(parse("balance => 0", "a.txt"), run=forked(main))) as events,
        pytest.raises(StoryFailed, match="ended with -9, not with 0"),
    ):
        list(events)
    assert [] == list(here.iterdir())


@pytest.mark.parametrize("ends", ["hangs", "interrupted"])
def test_a_command_ends_with_all_that_it_has_started(
    here: Path, monkeypatch: pytest.MonkeyPatch, ends: str
):
    """
    Where it is silent for too long, and where the caller gets a Ctrl-C.
    """
    monkeypatch.setattr(running, "SECONDS_MAX", 0.2 if ends == "hangs" else 30)

    def main() -> int:
        child = os.fork()
        if child == 0:
            signal.pause()
        Path("pids").write_text(f"{os.getpid()} {child}", "utf-8")
        if ends == "interrupted":
            os.kill(os.getppid(), signal.SIGINT)
        signal.pause()
        return 0

    raised = subprocess.TimeoutExpired if ends == "hangs" else KeyboardInterrupt
    with pytest.raises(raised):
        ran(main, here)

    command, child = map(int, (here / "pids").read_text("utf-8").split())
    with pytest.raises(ChildProcessError):
        os.waitpid(command, 0)
    ends_at = time.monotonic() + 5
    while _is_running(child):
        assert time.monotonic() < ends_at


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("variables", "forks"),
    [
        ({}, True),
        ({"PYTHONPATH": "x", "PYTHONUNBUFFERED": "1"}, True),
        ({"PYTHONIOENCODING": "ascii"}, False),
        ({"HONGBAO_DEBUG": "1"}, False),
    ],
)
def test_what_python_reads_as_it_wakes_needs_a_process(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], forks: bool
):
    """
    And so does a caller that has another thread.
    """
    monkeypatch.setattr("threading.active_count", lambda: 1)
    assert forks is running.can_fork(variables)
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert not running.can_fork(variables)


def test_nothing_is_forked_while_a_ledger_is_open(here: Path, monkeypatch: pytest.MonkeyPatch):
    """
    SQLite takes the locks of its process for the fork's own.
    """
    monkeypatch.setattr(engine, "_open", set())  # without those of other tests
    store = engine.Ledger.create(here / "data" / "ledger.db", bytes(32))
    assert engine.is_any_open()
    store.close()
    assert not engine.is_any_open()
    with pytest.raises(Damaged):
        engine.Ledger.open(here / "data" / "ledger.db", bytes(31) + b"1")
    assert not engine.is_any_open()


def test_a_fork_learns_what_commands_import(here: Path):
    """
    The next command finds it awake.
    """
    name = "this_is_woken_by_a_command"
    (here / f"{name}.py").write_text("", "utf-8")
    sys.path.insert(0, str(here))

    def main() -> int:
        __import__(name)
        return 0

    try:
        assert 0 == ran(main, here).exit_code
        assert name in sys.modules
    finally:
        sys.path.remove(str(here))
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_a_caller_without_utf_8_starts_commands_in_it(here: Path):
    """
    Names and folders of a story are Chinese wherever it is played.
    """
    (here / "a.txt").write_text("balance -p 张三 => 10\n", encoding="utf-8")

    said = subprocess.run(
        [sys.executable, "-m", "hongbao", "play", "--check", "a.txt"],
        cwd=here,
        env={
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
        capture_output=True,
        check=False,
    )

    assert 0 == said.returncode, said
