"""Paths that no one should type, in every place where a path is taken."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hongbao.commands.house import root_command
from tests.cli.shell import COMMAND, Said, Shell

HOSTILE = (
    *("", ".", "..", "/", "~nobody-of-that-name/x", "~", "-", " ", "--", "~root"),
    *("caf\udce9.csv", "\udcff/x", "x" * 300, "a/" * 3000, "missing/x", "file/x", "loop", "loop/x"),
    *("/dev/null", "/dev/full", "/proc/self/mem", "/proc/self/nothing/x", "file:x.db?mode=ro"),
    *("\x1b[2J", "a\nb", "%s{}%n", "gone", "sealed/x"),
)
"""With a few that are in order, and stand beside the others to show that they are."""

DRAWN = ("books", "history", "lab fairness", "show", "trace", "year")
"""The commands whose answer can be a picture."""

HOOK = "http://127.0.0.1:9/"

PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    # Each place where a path is typed, and a command line that is otherwise in order.
    ("backup", "file"): ("backup", "PATH"),
    ("bank statement", "--output"): ("bank", "statement", "icbc", "--output", "PATH"),
    ("books", "--svg"): ("books", "--svg", "PATH"),
    ("books", "--html"): ("books", "--html", "PATH"),
    ("events publish", "--settings"): (
        *("events", "publish", "--to", "kafka://127.0.0.1:9/x"),
        *("--settings", "PATH"),
    ),
    ("class add", "roster"): ("class", "add", "PATH"),
    ("class hand-in", "--output"): ("class", "hand-in", "--output", "PATH"),
    ("class new", "roster"): ("class", "new", "PATH"),
    ("class new", "--task"): ("class", "new", "file", "--task", "PATH"),
    ("class report", "--output"): ("class", "report", "--output", "PATH"),
    ("class start", "file"): ("class", "start", "PATH"),
    ("class task-check", "files"): ("class", "task-check", "PATH"),
    ("device add", "--id-file"): ("device", "add", "tablet", "--id-file", "PATH"),
    ("device approve", "--id-file"): ("device", "approve", "tablet", "--id-file", "PATH"),
    ("export", "--output"): ("export", "--format", "csv", "--output", "PATH"),
    ("history", "--svg"): ("history", "--by", "day", "--svg", "PATH"),
    ("history", "--html"): ("history", "--chart", "--html", "PATH"),
    ("identify", "--id-file"): ("identify", "--id-file", "PATH", "-p", "小红"),
    ("import", "file"): ("import", "PATH"),
    ("drill", "--ledger-password-file"): (
        *("drill", "mysql://pay@localhost:1,localhost:2,localhost:3/ledger", "--nodes", "true"),
        *("--ledger-password-file", "PATH"),
    ),
    ("home connect", "--ledger-password-file"): (
        *("home", "connect", "mysql://pay@localhost:1/ledger"),
        *("--ledger-password-file", "PATH"),
    ),
    ("home invite", "file"): ("home", "invite", "PATH", "--passphrase-file", "file"),
    ("home invite", "--passphrase-file"): ("home", "invite", "it", "--passphrase-file", "PATH"),
    ("home join", "file"): ("home", "join", "PATH"),
    ("home join", "--ledger-password-file"): (
        "home",
        "join",
        "it",
        "--ledger-password-file",
        "PATH",
    ),
    ("home join", "--passphrase-file"): ("home", "join", "it", "--passphrase-file", "PATH"),
    ("init", "--ledger-password-file"): (
        *("init", "小芳", "--ledger", "mysql://pay@localhost:1/ledger"),
        *("--ledger-password-file", "PATH"),
    ),
    ("init", "--policy"): ("init", "小芳", "--policy", "PATH"),
    ("lab catch", "file"): ("lab", "catch", "PATH"),
    ("lab fairness", "--svg"): ("lab", "fairness", "--deals", "10", "--svg", "PATH"),
    ("lab fairness", "--html"): ("lab", "fairness", "--deals", "10", "--html", "PATH"),
    ("lab race", "--story"): ("lab", "race", "oversell", "--story", "PATH"),
    ("lab race", "--output"): ("lab", "race", "oversell", "--story", "file", "--output", "PATH"),
    ("learn check", "names"): ("learn", "check", "PATH", "none.toml"),
    ("learn env", "name"): ("learn", "env", "PATH"),
    ("learn run", "name"): ("learn", "run", "PATH"),
    ("operator add", "--new-pin-file"): ("operator", "add", "op", "--new-pin-file", "PATH"),
    ("pin change", "--new-pin-file"): ("pin", "change", "--new-pin-file", "PATH"),
    ("play", "files"): ("play", "PATH"),
    ("play", "--junit"): ("play", "file", "--junit", "PATH"),
    ("play", "--cast"): ("play", "file", "--cast", "PATH"),
    ("play", "--html"): ("play", "file", "--html", "PATH"),
    ("play", "--notes"): ("play", "file", "--notes", "PATH"),
    ("play", "--poster"): ("play", "file", "--svg", "picture.svg", "--poster", "PATH"),
    ("play", "--svg"): ("play", "file", "--svg", "PATH"),
    ("play", "--table"): ("play", "file", "--table", "PATH"),
    ("policy show", "name"): ("policy", "show", "PATH"),
    ("policy use", "name"): ("policy", "use", "PATH"),
    ("receipt", "--output"): ("receipt", "{1}", "--output", "PATH"),
    ("record", "file"): ("record", "PATH", "--", "true"),
    ("record", "--after"): ("record", "typed.txt", "--after", "PATH", "--", "true"),
    ("reconcile", "--statement"): ("reconcile", "icbc", "--statement", "PATH"),
    ("repair", "--backup"): ("repair", "--backup", "PATH"),
    ("restore", "--ledger-password-file"): (
        *("restore", "file", "--ledger", "mysql://pay@localhost:1/ledger"),
        *("--ledger-password-file", "PATH"),
    ),
    ("restore", "file"): ("restore", "PATH"),
    ("review report", "--output"): ("review", "report", "--format", "csv", "--output", "PATH"),
    ("risk replay", "--pack"): ("risk", "replay", "--pack", "PATH"),
    ("risk rules", "name"): ("risk", "rules", "PATH"),
    ("risk use", "name"): ("risk", "use", "PATH"),
    ("show", "--svg"): ("show", "{1}", "--svg", "PATH"),
    ("show", "--html"): ("show", "{1}", "--html", "PATH"),
    ("storm", "--costs"): (
        *("storm", "--simulate", "1", "--people", "2", "--packets", "1", "--shares", "2"),
        *("--claims", "60", "--costs", "PATH"),
    ),
    ("storm", "--ledger-password-file"): (
        *("storm", "--ledger", "mysql://pay@localhost:1/ledger"),
        *("--ledger-password-file", "PATH"),
    ),
    ("topup", "--pin-file"): ("topup", "1", "--pin-file", "PATH"),
    ("topup", "--totp-file"): ("topup", "1", "--totp-file", "PATH"),
    ("totp add", "--secret-file"): ("totp", "add", "--secret-file", "PATH"),
    ("totp code", "--secret-file"): ("totp", "code", "--secret-file", "PATH"),
    ("totp remove", "--id-file"): ("totp", "remove", "--id-file", "PATH"),
    ("trace", "--svg"): ("trace", "{1}", "--diagram", "--svg", "PATH"),
    ("trace", "--html"): ("trace", "{1}", "--diagram", "--html", "PATH"),
    ("verify-statement", "file"): ("verify-statement", "PATH"),
    ("verify-statement", "--sig"): ("verify-statement", "file", "--sig", "PATH"),
    ("verify-statement", "--key"): ("verify-statement", "file", "--key", "PATH"),
    ("watch", "--ready-file"): ("watch", "--for", "0s", "--ready-file", "PATH"),
    ("webhook add", "--secret-file"): ("webhook", "add", HOOK, "--secret-file", "PATH"),
    ("webhook rotate", "--secret-file"): ("webhook", "rotate", HOOK, "--secret-file", "PATH"),
    ("webhook verify", "request"): ("webhook", "verify", "PATH", "--secret-file", "file"),
    ("webhook verify", "--body"): ("webhook", "verify", "file", "--body", "PATH"),
    ("webhook verify", "--secret-file"): ("webhook", "verify", "file", "--secret-file", "PATH"),
    ("year", "--svg"): ("year", "--svg", "PATH"),
    ("year", "--html"): ("year", "--html", "PATH", "--yes"),
    ("unlock", "--passphrase-file"): ("unlock", "--passphrase-file", "PATH"),
    ("lock", "--passphrase-file"): ("lock", "--passphrase-file", "PATH"),  # after which all is shut
}

VARIABLES = (
    *("HONGBAO_HOME", "HONGBAO_PIN_FILE", "HONGBAO_TOTP_FILE", "HONGBAO_PASSPHRASE_FILE"),
    *("HONGBAO_FONT", "HONGBAO_PROFILE", "HONGBAO_LANG", "HOME", "XDG_DATA_HOME"),
)


def taking_paths() -> Iterator[tuple[str, str]]:
    """Yield each command with each of its parameters that says that it takes a file."""
    house = root_command()

    def walk(command: Any, name: str) -> Iterator[tuple[str, str]]:
        for part in getattr(command, "commands", ()):
            yield from walk(command.get_command(None, part), f"{name} {part}".strip())
        for param in command.params:
            said = f"{getattr(param, 'metavar', '')} {getattr(param, 'help', '')}"
            is_option = param.opts[0].startswith("-")
            if re.search(r"\bFILE\b|\bfile\b", said) and "--format" not in param.opts:
                yield name, max(param.opts, key=len) if is_option else param.name

    return walk(house, "")


def test_every_place_where_a_path_is_typed_is_tried_here():
    """
    A new option that takes a file is missing from `PATHS` until it is put there.
    """
    shared = {"--pin-file", "--totp-file"}  # of every command

    found = {place for place in taking_paths() if place[1] not in shared} - {
        # These only speak of one.
        ("unlock", "--keyring"),
        ("risk rules", "--text"),
        ("play", "--check"),
        *((name, option) for name in DRAWN for option in ("--names", "--no-amounts")),
    }

    assert found == {place for place in PATHS if place[1] not in shared}


@pytest.fixture
def place(shell: Shell) -> Shell:
    """Commands are typed in a folder with what hostile paths lead to."""
    folder = shell.home.parent
    (folder / "file").write_text("not what it should be\n")
    (folder / "loop").symlink_to("loop")
    (folder / "gone").symlink_to("nowhere/at/all")
    (folder / "sealed").mkdir(mode=0o500)
    return shell


SHARES = pytest.mark.parametrize(
    "share", [0, *(pytest.param(share, marks=pytest.mark.slow) for share in range(1, 8))]
)
"""An eighth of all that there is to be tried, in each."""


def faults_of(typed: Sequence[Sequence[str]], said: Sequence[Said]) -> list[tuple[object, ...]]:
    """Return each command that did not end with an answer, or with one sentence and its code."""
    return [
        (line, *each)
        for line, each in zip(typed, said, strict=True)
        if each.code not in (0, 2, 10, 14, 16, 17, 19, 20, 21)  # 17: a broker is waited for in vain
        or "Traceback" in each.err
        or bool(each.code) != bool(re.search("hongbao: (error|pending): ", each.err))
    ]


@SHARES
def test_a_path_that_leads_nowhere_is_one_sentence(place: Shell, share: int):
    """
    Whatever is typed as a path, in whichever place: a sentence and the right exit code, or it was
    a path. Never a bug of ours.
    """
    packet = place.packets["lucky"]
    typed = [
        [{"PATH": path, "{1}": packet}.get(word, word) for word in line]
        for number, line in enumerate(PATHS.values())
        for path in HOSTILE[(number + share) % 8 :: 8]
    ]

    typed.insert(next(at for at, line in enumerate(typed) if line[0] == "lock"), ["check"])

    said = place.plays(*typed)

    assert [] == faults_of(typed, said)
    assert 0 == said[typed.index(["check"])].code
    assert sum(each.code == 0 for each in said) < len(said) / 2


def test_no_file_is_called_like_standard_output(place: Shell):
    """
    What a script pipes on is not found in a file called ``-``: it is printed, or refused.
    """
    packet = place.packets["lucky"]
    shut = {"lock", "unlock"}
    typed = [
        [{"PATH": "-", "{1}": packet}.get(word, word) for word in line]
        for line in PATHS.values()
        if line[0] not in shut
    ]
    typed += [["lab", "race", "oversell", "-o", "-"], ["play", "file", "--svg", "-"]]
    typed += [["record", "-", "--start"], ["home", "log", "-"]]

    said = place.plays(*typed)

    assert [] == faults_of(typed, said)
    assert not (place.home.parent / "-").exists()
    backup = said[typed.index(["backup", "-"])]
    assert (2, True) == (backup.code, "- cannot be used as a path" in backup.err)


@SHARES
def test_a_variable_that_leads_nowhere_is_one_sentence(place: Shell, share: int):
    """
    The same of what the environment says.
    """
    pdf = ("export", "--format", "pdf", "-o", "november.pdf", "--yes")
    typed = [
        (f"{name}={path}", *(pdf if name == "HONGBAO_FONT" else ("topup", "1")))
        for number, name in enumerate(VARIABLES)
        for path in HOSTILE[(number + share) % 8 :: 8]
        if "\n" not in path
    ]

    assert [] == faults_of(typed, place.plays(*typed))


@pytest.mark.parametrize("argument", [b"caf\xe9", b"\xff", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf_8_are_refused_as_typed(shell: Shell, argument: bytes):
    """
    In names, amounts, paths and variables, by the process that the system hands them to.
    """
    lines = ([b"balance", b"-p", argument], [b"init", argument], [b"backup", argument], [argument])
    environment = {name.encode(): text.encode() for name, text in shell.environment().items()}
    for line in lines:
        done = subprocess.run(
            [COMMAND[0].encode(), *COMMAND[1:], *line],
            env=environment,
            capture_output=True,
            cwd=shell.home.parent,
            check=False,
        )
        assert 2 == done.returncode
        assert done.stderr.startswith(b"hongbao: error: '")
        assert b" is not UTF-8\n" in done.stderr
    done = subprocess.run(
        [COMMAND[0].encode(), b"balance"],
        env={**environment, b"HONGBAO_HOME": argument},
        capture_output=True,
        check=False,
    )
    assert (2, b"HONGBAO_HOME is not UTF-8") == (done.returncode, done.stderr[16:41])


FROM_NOWHERE = """
import os, sys
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs what follows the name of a folder in that folder, which it has removed."""


def test_a_home_that_is_relative_to_nowhere(shell: Shell, tmp_path: Path):
    """
    In a folder that was removed: a home by its whole path is there, a relative one is not.
    """
    gone = tmp_path / "gone"
    gone.mkdir()

    def typed(home: str, *line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", FROM_NOWHERE, str(gone), *COMMAND, *line],
            env=shell.environment(HONGBAO_HOME=home),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    refused = typed("home", "balance")
    gone.mkdir()
    helped = typed("home", "balance", "--help")
    gone.mkdir()
    fine = typed(str(shell.home), "balance")
    gone.mkdir()
    copied = typed(str(shell.home), "backup", "copy")

    assert (2, "") == (refused.returncode, refused.stdout)
    assert (
        "hongbao: error: home cannot be used as a path:"
        " the folder it starts from does not exist any more\n"
    ) == refused.stderr
    assert (0, 0) == (helped.returncode, fine.returncode)
    assert (21, 1) == (copied.returncode, copied.stderr.count("hongbao: error: "))


@pytest.mark.parametrize(
    ("typed", "question"),
    [(("topup", "1"), "payment PIN: "), (("totp", "add"), "the code it shows now: ")],
)
def test_keys_that_are_not_utf_8_are_refused_as_typed(
    unchanged: Shell, typed: tuple[str, ...], question: str
):
    """
    At a question that shows them, and at one that does not.
    """
    replies = [("payment PIN: ", "246813\n")] if question != "payment PIN: " else []
    replies.append((question, "\udcff\udcfe\n"))

    said = unchanged.at_terminal(*typed, replies=replies)

    assert 2 == said.code, said.out
    assert "hongbao: error: the input is not UTF-8" in said.out
