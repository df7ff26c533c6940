"""Completion in the shells themselves: bash, zsh and fish, where they are installed."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import consumers
from tests.cli.shell import COMMAND, ESCAPE, Shell

pytestmark = pytest.mark.slow  # each Tab starts a hongbao that wakes by itself

SECONDS_MAX = 30


@pytest.fixture
def environment(shell: Shell, tmp_path: Path) -> dict[str, str]:
    """The environment of a person whose hongbao is on the path; Ann Lee and `rp` are known."""
    shell.does("init", "Ann Lee")
    folder = tmp_path / "bin"
    folder.mkdir()
    words = " ".join(f"'{word}'" for word in COMMAND)
    program = folder / "hongbao"
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "config.toml").write_text('[aliases]\nrp = "send --count 5"\n', encoding="utf-8")
    return shell.environment(
        PATH=f"{folder}:{os.environ['PATH']}",
        HOME=str(tmp_path),
        HONGBAO_CONFIG=str(tmp_path / "config.toml"),
        TERM="xterm",
        LANG="C.UTF-8",
        HISTFILE="",
    )


OFFERED = [
    ("hongbao sen", "send"),
    ("hongbao r", "rp"),
    ("hongbao help exit", "exit-codes"),
    ("hongbao send --gree", "--greeting"),
    ("hongbao rp --gree", "--greeting"),
    ("hongbao use 小", "小红"),
    ("hongbao config set moti", "motion"),
    ("hongbao -p 'Ann Lee' balan", "balance"),
    ("hongbao send 5 --deal shu", "shuffled"),
    ("hongbao lab over", "oversell"),
    ("hongbao card rem", "remove"),
]


def test_bash_completes(environment: dict[str, str]):
    """
    By the function that the script defines, asked as bash asks it.
    """
    asked = "\n".join(
        f"COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); "
        '_hongbao_completion hongbao; echo "${COMPREPLY[*]}"'
        for typed, _ in OFFERED
    )
    script = f'eval "$(hongbao completion bash)"\n{asked}\n'

    said = run([consumers.program("bash"), "--norc", "-c", script], environment)

    for (typed, offered), line in zip(OFFERED, said.splitlines(), strict=True):
        assert (typed, True) == (typed, offered in line.split())


def test_fish_completes(environment: dict[str, str]):
    """
    By its own ``complete -C``.
    """
    asked = "; ".join(f'complete -C "{typed}"; echo ---' for typed, _ in OFFERED)

    said = run(
        [
            consumers.program("fish"),
            "--no-config",
            "-c",
            f"hongbao completion fish | source; {asked}",
        ],
        environment,
    )

    for (typed, offered), part in zip(OFFERED, said.split("---\n"), strict=False):
        assert (typed, True) == (typed, offered in re.split(r"[\s]+", part))


OLD = """\
_hongbao_completion() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(
        IFS=$'\\n'
        env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
            _HONGBAO_COMPLETE=complete_bash "$1"
    )
}
"""
"""What the script of an older version was: it asks hongbao for everything."""


def test_an_older_script_still_works(environment: dict[str, str]):
    """
    A start-up file may have one for years.
    """
    typed, offered = "hongbao send --gree", "--greeting"
    asked = f"COMP_WORDS=({typed}); COMP_CWORD=2; _hongbao_completion hongbao; echo $COMPREPLY"

    said = run([consumers.program("bash"), "--norc", "-c", f"{OLD}\n{asked}\n"], environment)

    assert offered == said.strip()


def run(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS_MAX,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


INTERACTIVE = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        'PS1="ready> "; eval "$(hongbao completion bash)"',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        'PS1="ready> "; autoload -U compinit; compinit -u -D; eval "$(hongbao completion zsh)"',
    ),
}


@pytest.mark.parametrize("name", INTERACTIVE)
def test_the_tab_key_completes(name: str, environment: dict[str, str]):
    """
    Pressed on a terminal, at an option, at a name with a space, and behind an alias.
    """
    consumers.program(name)
    argv, setting_up = INTERACTIVE[name]
    with terminal(argv, environment) as says:
        says(f"{setting_up}\n", "ready> ")
        says("hongbao receip\t", "hongbao receipt ")
        says("\x15hongbao send --gree\t", "hongbao send --greeting ")
        says("\x15hongbao rp --gree\t", "hongbao rp --greeting ")
        says("\x15hongbao send 5 --to 小红 --fr\t", "--from ")
        says("\x15hongbao balance -p An\t", "hongbao balance -p Ann\\ Lee ")
        says("\x15hongbao balance -p 'An\t", "hongbao balance -p 'Ann Lee' ")
        says("\x15hongbao help acc\t", "hongbao help accessibility ")


@contextmanager
def terminal(argv: list[str], environment: dict[str, str]):
    """Start *argv* on a terminal, and give what types some keys and waits for what they show."""
    pid, screen = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, environment)
    try:
        yield _talker(screen)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(screen)


def _talker(screen: int) -> Callable[[str, str], None]:
    def says(keys: str, expected: str) -> None:
        os.write(screen, keys.encode())
        shown, ends = "", time.monotonic() + SECONDS_MAX
        while time.monotonic() < ends:
            if select.select([screen], [], [], 0.2)[0]:
                with suppress(UnicodeDecodeError):
                    shown += os.read(screen, 4096).decode(errors="replace")
            if expected in ESCAPE.sub("", shown).replace("\r", ""):
                return
        pytest.fail(f"{keys!r} did not show {expected!r}, but {shown!r}")

    return says
