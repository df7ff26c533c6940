"""No command imports what it does not use: read off `sys.modules`, in a process for each."""

import json
import sys
from pathlib import Path

from tests.cli.shell import Shell

WATCHED = {
    # Libraries that take longer to import than most commands take, of ours and of Python's,
    *("argon2", "cryptography", "keyring", "platformdirs", "prompt_toolkit", "rich", "segno"),
    *("sqlcipher3", "sqlite_utils", "tomlkit", "typer", "xlsxwriter"),
    *("asyncio", "csv", "dataclasses", "decimal", "email", "gettext", "http", "inspect"),
    *("multiprocessing", "socket", "ssl", "subprocess", "tempfile", "tomllib", "xml"),
    # and our rooms that only some commands enter.
    *("hongbao.auditing", "hongbao.classroom", "hongbao.delivery", "hongbao.lab"),
    *("hongbao.lessons", "hongbao.recordings", "hongbao.statements", "hongbao.story"),
}

LEDGER = {"sqlcipher3", "cryptography"}
"""What opening a home takes: the ledger, and the keys that open it."""

TABLE = {"tomllib"}
"""What reading a file in TOML takes: the settings, or rules that did not ship with hongbao."""

STORY = LEDGER | {"decimal", "dataclasses", "inspect", "subprocess", "tempfile", "hongbao.story"}
"""What reading a story takes, which is played by the wallet."""

STATEMENT = LEDGER | {"decimal", "dataclasses", "inspect", "hongbao.auditing"}
"""What reading a period takes, with cards unmasked and the head that a check would find."""

HELP = {"typer", "inspect", "subprocess", "gettext"}
"""What the command-line library stands on; it gives help, and says what is wrong with a line."""

COMMANDS: dict[str, set[str]] = {
    "": LEDGER,
    "balance --json": LEDGER,
    "history --limit 3": LEDGER,
    "card list": LEDGER,
    "events": LEDGER,
    "packets": LEDGER,
    "profiles": LEDGER,
    "limits": LEDGER,
    "claim last": LEDGER,
    "topup 1": LEDGER | {"argon2", "dataclasses", "inspect"},  # two of them are argon2's
    "check": LEDGER | TABLE | {"decimal", "dataclasses", "inspect", "hongbao.auditing"},
    "key": STATEMENT,
    "export --format json -o -": STATEMENT | {"hongbao.statements", "tempfile"},
    "config list": TABLE,
    "alias": set(),
    "why 13": {"tomllib"},
    "lab": STORY - LEDGER | {"hongbao.auditing", "hongbao.lab"},
    "learn": STORY - LEDGER | TABLE | {"hongbao.auditing", "hongbao.lessons"},
    "--help": set(),
    "send --help": HELP,
    "sned": HELP,
}


def test_no_command_imports_what_it_does_not_use(new_year: Shell, tmp_path: Path):
    """
    Nor does one that shows help, or that is refused before it begins.
    """
    shell = new_year.copied_to(tmp_path / "home")
    script = """\
import json, os, sys
from hongbao import cli
watched = set(json.loads(sys.argv[1]))
for line in json.loads(sys.argv[2]):
    sys.stdout.flush()
    if os.fork() == 0:
        output = os.dup(1)
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        sys.argv = ["hongbao", *line.split()]
        cli.main()
        os.write(output, json.dumps([line, sorted(watched & set(sys.modules))]).encode() + b"\\n")
        os._exit(0)
    os.wait()
"""
    argv = [sys.executable, "-c", script, json.dumps([*WATCHED]), json.dumps([*COMMANDS])]

    said = shell.run(argv)

    imported = {line: set(found) for line, found in map(json.loads, said.out.splitlines())}
    assert {line: COMMANDS[line] for line in imported} == imported
    assert set(COMMANDS) == set(imported)
