"""``hongbao record``: what was typed in a shell, as a story that plays itself."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.commands.shells import for_any_shell
from hongbao.story import parse
from tests import warm
from tests.cli.shell import Shell
from tests.consumers import program
from tests.every import every

BEGIN = [["init", "张三"], ["init", "李四"], ["card", "add", "9999010000000003"], ["topup", "50"]]
TYPIST = """\
import sys
from hongbao import cli
from hongbao.commands import caller
from hongbao.env import system_env

caller.system_env = lambda: system_env()._replace(hash_cost=(1, 8, 1))
for line in {lines}:
    cli.main(line)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write in, and another for what is recorded and played."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HONGBAO_LANG", "en")
    for name in ("HONGBAO_HOME", "HONGBAO_PIN_FILE", "HONGBAO_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def typed(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return a command that types *lines*."""
    Path("typist.py").write_text(TYPIST.format(lines=[*lines]), encoding="utf-8")
    return ["--", sys.executable, "typist.py"]


def records(*words: str) -> int:
    """Return how ``hongbao record`` with *words* ended."""
    with warm.stories():
        return cli.main(["record", *words])


def plays(*words: str) -> int:
    with warm.stories():
        return cli.main(["play", "--check", *words])


def test_a_recording_plays_itself(here: Path, capfd: pytest.CaptureFixture[str]):
    """
    With the books of what was recorded, in either language; nothing else is left behind.
    """
    evening = [*BEGIN, ["send", "8.88", "--count", "2"], ["claim", "last", "-p", "李四"]]

    code = records("a.txt", "--json", *typed([*evening, ["balance"], ["demo", "--help"], ["send"]]))
    made: Any = json.loads(capfd.readouterr().out)

    assert (0, "a.txt", 8, True, False, []) == (
        code,
        *(made[key] for key in ("file", "commands", "agrees", "made_up", "differences")),
    )
    assert made["digest"] == made["recorded_digest"]
    assert (
        "file pin: 246810\n"
        "init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88  => 0\n"
        "init 李四  => 0\n"
        "card add 9999010000000003  => 0\n"
        "topup 50  => 0  …50.00…\n"
        "send 8.88 --count 2  => 0\n"
        "    > …[packet]…\n"
        "    > …8.88…\n"
        "    > …41.12…\n"
        "李四: claim last  => 0  …7.36…\n"
        "balance  => 0  …41.12…1.52…42.64…\n"
        "send  => 2\n"
    ) == (here / "a.txt").read_text("utf-8").partition("\n")[2]
    assert 0 == plays("a.txt")
    assert 0o600 == (here / "a.txt").stat().st_mode & 0o777
    assert [] == [*(here / "temporary").iterdir()]
    assert 2 == records("a.txt", *typed(BEGIN))  # it is there


@pytest.mark.slow
def test_exact_lines_are_what_both_plays_print(here: Path, capfd: pytest.CaptureFixture[str]):
    """
    With names for ids, and … for what each wallet has otherwise.
    """
    assert 0 == records("a.txt", "--exact", *typed([*BEGIN, ["send", "1", "--json"], ["key"]]))

    text = (here / "a.txt").read_text("utf-8")
    assert "topup 50  => 0\n    > topped up 50.00 from icbc-0003 · balance 50.00\n    2>\n" in text
    assert '"packet": "[packet]"' in text
    assert text.endswith("key  => 0\n    > …\n    2>\n")
    assert 0 == plays("a.txt")


@pytest.mark.slow
def test_a_recording_goes_on_where_a_story_ends(here: Path, capfd: pytest.CaptureFixture[str]):
    """
    Its text comes first, with what it uses in place; its PIN and its names stay as they are.
    """
    (here / "part.txt").write_text("# hongbao story 1\ninit 李四 => 0\n", encoding="utf-8")
    (here / "first.txt").write_text(
        "file pin: 975310\ninit 张三 --clock 2026-02-16T20:00:00+08:00 --dice 5 => 0\n"
        "use part.txt\ncard add 9999010000000003 => 0\ntopup 9 => 0\n"
        'send 1 --json => 0 {"packet": "[packet]"}\n',
        encoding="utf-8",
    )

    code = records("b.txt", "--after", "first.txt", *typed([["send", "2"], ["balance"]]))

    text = (here / "b.txt").read_text("utf-8")
    assert 0 == code
    assert "\nuse" not in text
    assert ["file pin: 975310"] == re.findall("^file.*$", text, re.MULTILINE)
    assert "send 2  => 0\n    > …[second_packet]…\n    > …2.00…\n    > …6.00…\n" in text
    assert 0 == plays("b.txt")

    (here / "first.txt").write_text("balance => 0\n", encoding="utf-8")
    assert 24 == records("c.txt", "--after", "first.txt", *typed([["balance"]]))
    assert not (here / "c.txt").exists()
    assert [] == [*(here / "temporary").iterdir()]


@pytest.mark.slow
@pytest.mark.slow
def test_a_recording_that_plays_otherwise_is_kept_and_said(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """
    As one that reads a file which no story can lay down.
    """
    (here / "mine.toml").write_text("# not rules\n# at all\n", encoding="utf-8")

    code = records("a.txt", "--json", *typed([*BEGIN, ["policy", "use", "mine.toml"]]))
    error = json.loads(capfd.readouterr().err.splitlines()[-1])["error"]

    assert (24, "recording_differs", "a.txt") == (code, error["code"], error["path"])
    assert [("hongbao policy use mine.toml", "2", "10")] == [
        tuple(each.values()) for each in error["differences"]
    ]
    assert "policy use mine.toml  => 2\n" in (here / "a.txt").read_text("utf-8")


def test_a_shell_can_begin_and_end_a_recording(tmp_path: Path):
    """
    By lines for eval, which put back what they have changed.
    """
    shell = Shell(tmp_path / "mine", "271828")
    begun = shell.does("record", "--start", "a.txt", "--home", "new", "--yes").out
    settings = dict(re.findall(r"^export (\w+)=(.*);$", begun, re.MULTILINE))
    assert ["HONGBAO_PROFILE", "HONGBAO_PASSPHRASE_FILE", "HONGBAO_TOTP_FILE"] == re.findall(
        r"unset (\w+) ", begun, re.MULTILINE
    )
    assert str(tmp_path / "new") == settings["HONGBAO_HOME"]

    lines = [[f"{name}={text}" for name, text in settings.items()] + line for line in BEGIN]
    assert [0] * 4 == [each.code for each in shell.plays(*lines)]
    ended = shell("record", "--stop", **settings)

    assert 0 == ended.code
    assert f"export HONGBAO_HOME={shell.home};\n" not in begun
    assert f"export HONGBAO_HOME={shell.home};\n" in ended.out
    assert "unset HONGBAO_RECORDING ||" in ended.out
    assert re.search(r"^agrees\ta.txt\t4\t[0-9a-f]{64}$", ended.err, re.MULTILINE)
    assert "file pin: 246810\n" in (tmp_path / "a.txt").read_text("utf-8")
    assert "" == shell("profiles", HONGBAO_HOME=str(tmp_path / "new")).err
    assert not Path(settings["HONGBAO_RECORDING"]).parent.exists()
    assert not shell.home.exists()


@every("name", ["bash", "dash", "zsh", "fish"])
def test_any_shell_reads_the_lines_whichever_one_logs_in(name: str):
    """
    Also one that ends at a failure or at a variable that is not set.
    """
    lines = for_any_shell({"HONGBAO_A": "it's  b", "HONGBAO_B": None, "HONGBAO_C": None})
    strict = "" if name == "fish" else "set -eu; "
    done = subprocess.run(
        [program(name), "-c", f'{strict}eval "$TEXT"; env'],
        env={"PATH": os.environ["PATH"], "TEXT": "\n".join(lines), "HONGBAO_B": "b"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    found = [line for line in done.stdout.splitlines() if line.startswith("HONGBAO_")]
    assert ["HONGBAO_A=it's  b"] == found


@pytest.mark.slow
def test_a_person_records_in_a_shell(tmp_path: Path):
    """
    Its prompt is marked, their own PIN is asked for where they name no file, and `exit` ends it.
    """
    shell = Shell(tmp_path / "home", "271828")

    said = shell.at_terminal(
        *("record", "a.txt"),
        replies=[
            ("(recording) $ ", "hongbao init 小明\n"),
            ("(recording) $ ", "hongbao balance\n"),
            ("(recording) $ ", "exit\n"),
        ],
        SHELL="/bin/sh",
        HONGBAO_PIN_FILE=str(shell.pin_file),
    )

    assert 0 == said.code
    assert "wrote a.txt: 2 commands" in said.out
    assert "it played itself twice: the same books each time" in said.out
    story = parse((tmp_path / "a.txt").read_text("utf-8"), "a.txt")
    assert 3 == len(story.scenes)
    assert shell.pin not in (tmp_path / "a.txt").read_text("utf-8")


@every(
    ("words", "code", "name"),
    [
        (["--stop"], 10, "nothing_recorded"),
        (["a.txt", "--", sys.executable, "-c", "pass"], 10, "nothing_recorded"),
        (["--start", "--stop"], 2, "conflicting_options"),
        (["a.txt", "--stop"], 2, "conflicting_options"),
        (["a.txt", "--start", "--", "true"], 2, "conflicting_options"),
        (["a.txt", "--home", "temporary"], 2, "home_taken"),
        (["a.txt", "--after", "none.txt"], 10, "file_not_readable"),
        (["a.txt", "--", "/no/such/program"], 21, "system_refused"),
        ([], 2, "usage"),
    ],
)
def test_what_cannot_be_recorded(
    words: list[str], code: int, name: str, tmp_path_factory: pytest.TempPathFactory
):
    """
    And nothing is written.
    """
    shell = Shell(tmp_path_factory.mktemp("record") / "home", "271828")
    (shell.home.parent / "temporary").mkdir()

    assert (code, name) == (
        (
            refused := shell(
                "record", "--json", *words, TMPDIR=str(shell.home.parent / "temporary")
            )
        ).code,
        json.loads(refused.err.splitlines()[-1])["error"]["code"],
    )
    assert not (shell.home.parent / "a.txt").exists()
    assert [] == [*(shell.home.parent / "temporary").iterdir()]


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_typed(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """
    What was typed for an hour would be lost.
    """
    assert 21 == records("nowhere/a.txt", *typed([["init", "张三"]]))
    assert "nowhere/a.txt: No such file" in capfd.readouterr().err
    assert [] == [*(here / "temporary").iterdir()]
