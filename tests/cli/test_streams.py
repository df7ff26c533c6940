"""Data to standard output, talk to standard error, whatever stands at the other end."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, Shell

BALANCE_KEYS = {
    *("profile", "at", "available_fen", "frozen_fen", "due_back_fen", "on_its_way_fen"),
    "held_fen",
    "unanswered",
    *("total_fen", "withdrawable_fen", "withdrawable_later_fen", "withdrawable_from"),
}


def test_programs_are_not_talked_to(shell: Shell):
    """
    With --json there is one document on standard output, and no hint beside it.
    """
    said = shell("send", "5", "--count", "2", "--json")

    assert (0, "") == (said.code, said.err)
    assert 1 == len(said.lines)
    assert "packet" in json.loads(said.out)


def test_people_are_told_the_next_step_beside_the_data(shell: Shell):
    """
    The hint is talk, and does not end up in a pipe.
    """
    said = shell("send", "5", "--count", "2")

    assert said.out.startswith("sent hb_")
    assert said.err.startswith("hint: others claim their shares with `hongbao claim hb_")


@pytest.mark.parametrize(
    "typed", [("--json", "balance"), ("balance", "--json"), ("--json", "balance", "--json")]
)
def test_an_option_of_every_command_may_stand_before_it(new_year: Shell, typed: tuple[str, ...]):
    """
    `hongbao -p 小红 claim …` reads as people speak.
    """
    assert BALANCE_KEYS == set(json.loads(new_year(*typed).out))


def test_a_profile_is_named_by_option_before_variable(new_year: Shell):
    """
    The nearest word counts: an option, then HONGBAO_PROFILE, then `use`.
    """

    def acting(*typed: str, **variables: str) -> str:
        return str(new_year.answers(*typed, **variables)["profile"])

    assert "小明" == acting("balance")
    assert "小红" == acting("balance", HONGBAO_PROFILE="小红")
    assert "小刚" == acting("balance", "-p", "小刚", HONGBAO_PROFILE="小红")
    assert "小刚" == acting("-p", "小刚", "balance", HONGBAO_PROFILE="小红")


@pytest.mark.parametrize(
    "typed", [("sned",), ("balance", "--fast"), ("send", "5", "--count"), ("claim",)]
)
def test_a_usage_error_is_a_document_too(new_year: Shell, typed: tuple[str, ...]):
    """
    A script never has to read prose.
    """
    said = new_year("--json", *typed)

    error = json.loads(said.err)["error"]
    assert (2, "", "usage") == (said.code, said.out, error["code"])
    assert {"code", "message", "hint"} <= set(error)


def test_an_error_that_tells_back_what_was_typed_is_still_a_document(new_year: Shell):
    """
    What a terminal would obey is escaped as JSON escapes it, so that a program reads it back whole.
    """
    typed = "/nowhere/\x7f\x9b2J\x1b\u202e"
    said = new_year("totp", "code", "--secret-file", typed, "--json")

    assert 10 == said.code
    assert typed == json.loads(said.err)["error"]["path"]
    assert said.err.rstrip("\n").isprintable()


def test_a_word_after_two_dashes_is_no_option(new_year: Shell):
    """
    Whoever writes `-- --json` means the word.
    """
    said = new_year("claim", "--", "--json")

    assert (2, "") == (said.code, said.out)
    assert said.err.startswith("hongbao: error: '--json' is not a packet ID")


@pytest.mark.parametrize(
    "typed", [("balance",), ("balance", "--json"), ("--help",), ("policy", "show", "standard")]
)
def test_a_full_disk_behind_standard_output_is_told(new_year: Shell, typed: tuple[str, ...]):
    """
    One sentence, exit code 21, and no complaint of Python's.
    """
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *typed],
            env=new_year.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )

    assert 21 == done.returncode
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == (1 if "--json" in typed else 2)


LIMITED = {
    # What the system allows no more of, what is typed then, and how it is refused.
    "a file for the answer": (
        'ulimit -f 0; exec "$@" > answer',
        "completion bash",
        "answer_unwritable",
    ),
    "a file for a copy": ('ulimit -f 64; exec "$@"', "backup copy", "storage_refused"),
    "temporary files": ('ulimit -f 0; exec "$@"', "demo --fast", "system_refused"),
    "open files": ('ulimit -n 8; exec "$@"', "export --format xlsx -o x.xlsx", "storage_refused"),
}


@pytest.mark.parametrize(("limit", "typed", "code"), LIMITED.values(), ids=LIMITED)
def test_only_an_answer_is_not_written_to_standard_output(
    shell: Shell, tmp_path: Path, limit: str, typed: str, code: str
):
    """
    What the system refuses elsewhere is told as what it is.
    """
    here = tmp_path / "here"
    here.mkdir()

    done = subprocess.run(
        ["/bin/bash", "-c", limit, "bash", *COMMAND, *typed.split(), "--json"],
        # Python itself would leave half a module behind, where no more can be written.
        env=shell.environment(PYTHONDONTWRITEBYTECODE="1"),
        cwd=here,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert code == json.loads(done.stderr)["error"]["code"]
    assert (21, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize(
    ("raised", "code", "path"),
    [
        ("OSError(5, 'Input/output error')", "system_refused", None),
        ("OSError(5, 'Input/output error', '/where')", "system_refused", "/where"),
        ("OSError(13, 'Permission denied', b'/wh\\xffre')", "system_refused", "/wh\udcffre"),
        ("BrokenPipeError(32, 'Broken pipe')", "unexpected", None),
        ("OSError('nobody knows')", "unexpected", None),
    ],
)
def test_what_a_system_says_within_a_command_is_not_about_the_answer(
    new_year: Shell, raised: str, code: str, path: str | None
):
    """
    With a path, or of the machine itself, it is the system's word; anything else is a bug of ours.
    """
    broken = f"def fail(self): raise {raised}\n"
    broken += "import hongbao.queries.balance as module; module.balance = fail\n"
    main = "from hongbao import cli; raise SystemExit(cli.main(['balance', '--json']))"

    said = new_year.run([sys.executable, "-c", broken + main])

    error = json.loads(said.err)["error"]
    assert ({"system_refused": 21, "unexpected": 1}[code], code) == (said.code, error["code"])
    assert path == error.get("path")
    assert "standard output" not in error["message"]


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="needs a small pipe, as Linux has")
def test_a_slow_reader_is_waited_for(new_year: Shell):
    """
    A pipe that does not block, as other programs leave theirs, takes the whole answer in the end.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    typed = ["policy", "show", "standard"]
    with (
        os.fdopen(reading, "rb") as reader,
        subprocess.Popen(
            ["/bin/bash", "-c", '"$@" && "$@" && "$@"', "bash", *COMMAND, *typed],
            env=new_year.environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        os.close(writing)
        time.sleep(0.5)  # longer than it takes to fill the pipe
        told = reader.read()
        assert process.stderr is not None
        assert b"" == process.stderr.read()

    assert 0 == process.returncode
    assert told == 3 * new_year("policy", "show", "standard").out.encode()


@pytest.mark.parametrize("command", ['"$0" policy show standard', '"$0" export --format csv'])
def test_a_reader_who_has_had_enough_is_let_go(new_year: Shell, command: str):
    """
    `| head` ends it quietly.
    """
    said = new_year.run(["/bin/bash", "-c", f"set -o pipefail; {command} | true", *COMMAND[:1]])

    assert (0, "") == (said.code, said.err)


@pytest.mark.skipif(len(COMMAND) != 1, reason="needs the installed command")
@pytest.mark.parametrize(
    ("closed", "code"), [(">&-", 21), ("2>&-", 0), ("<&-", 0), ("<&- 2>&-", 0)]
)
def test_a_closed_stream_is_never_given_to_the_ledger(unchanged: Shell, closed: str, code: int):
    """
    The next file to open would get its number, and what is printed would go there.
    """
    said = unchanged.run(["/bin/bash", "-c", f'"$0" balance {closed}', COMMAND[0]])

    assert code == said.code


def test_no_file_gets_the_number_of_a_closed_stream(empty: Shell):
    """
    The first file to open after 0 and 2 were closed is not 0, and the next one is not 2.
    """
    opening = "import os, sys; from hongbao.commands import streams; streams.prepare_streams();"
    opening += "sys.stdout.write(str([os.open('/dev/null', 0) > 2 for _ in range(2)]))"

    said = empty.run(["/bin/bash", "-c", '"$0" -c "$1" <&- 2>&-', sys.executable, opening])

    assert "[True, True]" == said.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_cannot_say_is_escaped(new_year: Shell, encoding: str):
    """
    A terminal of another age gets escapes, never a crash.
    """
    said = new_year("profiles", PYTHONIOENCODING=encoding)

    assert 0 == said.code
    assert "\\u5c0f\\u660e" in said.out


def test_a_bug_is_a_sentence_and_not_a_traceback(new_year: Shell):
    """
    It says that it is ours, and how to see where.
    """
    broken = "import hongbao.queries.balance as module; module.balance = None"
    argv = [sys.executable, "-c"]
    main = "from hongbao import cli; raise SystemExit(cli.main(['balance', '--json']))"

    said = new_year.run([*argv, f"{broken}; {main}"])

    assert (1, "") == (said.code, said.out)
    assert "unexpected" == json.loads(said.err)["error"]["code"]
