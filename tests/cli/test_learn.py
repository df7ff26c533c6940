"""``hongbao learn``: at a prompt, in a pipe, for scripts, and for teachers."""

import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, INSTALLED, Shell
from tests.cli.typist import typing

PLACE = Path(".local", "share", "hongbao-lessons")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A learner who has no wallet, and never gets one here."""
    return Shell(tmp_path / "home", "246813")


def test_a_learner_types_at_the_prompt(shell: Shell):
    """
    A word is completed, an answer is judged, a command moves the lesson's money and not one's own;
    Ctrl-C drops a line, Ctrl-D leaves, and the next time it continues there.
    """
    with typing(shell, "learn", "packet") as typist:
        typist.until("packet 1>")
        typist.type("bal\t")
        typist.until("packet 1> balance")
        typist.type("\r")
        typist.until("available")
        typist.settle()
        typist.type("nonsense\x03")
        typist.type("100\r")
        typist.until("packet 2>")
        typist.type("70\r")
        typist.until("noted: 70.00")
        typist.type("send 30 --count 2\r")
        typist.until("packet 3>")
        assert "✓ right: 70.00" in typist.settle()
        typist.type("\x04")
        assert 0 == typist.ends()
        assert typist.given_state == typist.state
    assert not shell.home.exists()
    left = shell.answers("learn", "packet", "--look")
    assert ("freeze", 3, {"before": "solved", "create": "solved"}) == (
        left["step"],
        left["number"],
        left["passed"],
    )


def test_a_narrow_dumb_terminal_and_a_kill(shell: Shell):
    """
    With nothing but 40 columns in the locale C the same lesson runs; killed, it is taken up.
    """
    with typing(shell, "learn", "packet", columns=40, TERM="dumb", LANG="C") as typist:
        typist.until("packet 1>")
        typist.type("100\r")
        screen = typist.until("packet 2>")
        assert "✓ right: 100.00" in typist.raw.decode()
        assert max(map(len, screen.splitlines())) <= 40
        typist.kill(signal.SIGKILL)
        assert typist.ends() == -signal.SIGKILL

    assert "create" == shell.answers("learn", "packet", "--look")["step"]


@pytest.mark.slow
def test_ones_own_shell(shell: Shell):
    """
    After each command the books are looked at; the prompt is marked, and `lesson` types its words.
    """
    path = os.pathsep.join((str(INSTALLED.parent), os.environ["PATH"]))
    with typing(shell, "learn", "packet", "--shell", SHELL="/bin/bash", PATH=path) as typist:
        typist.until("(packet)")
        typist.type("lesson 100\r")
        typist.until("2 of 7")
        typist.type("hongbao send 30\r")
        typist.until("single share")
        typist.type("lesson undo\r")
        typist.until("is undone")
        typist.type("hongbao send 30 --count 2\r")
        typist.until("3 of 7")
        typist.type("exit\r")
        assert 0 == typist.ends()
    assert not shell.home.exists()


def test_lines_from_a_pipe_and_in_chinese(shell: Shell):
    """
    Every text is in the reader's language; the lesson's words are, too.
    """
    said = shell("learn", "packet", stdin="100\n提示\nsend 30\n撤销\n离开\n", HONGBAO_LANG="zh_CN")

    assert 0 == said.code
    assert "## 红包的八个步骤 · 第1至3步" in said.out
    assert "· 提示：方向" in said.out
    assert "· 这个红包只有一份" in said.out
    assert "已撤销" in said.out
    shown = re.sub(r"\[[^]]*\]|`[^`]*`", "", said.out)
    assert not re.search(r"\b(the|you|your|is)\b", shown)


def test_a_script_gets_a_document(shell: Shell):
    """
    With all that happened, in English; lists and places, too, and no wallet of one's own.
    """
    run = shell.answers("learn", "packet", "--type", "100", "--type", "send 300 --count 2")

    assert ["shown", "judged", "done", "shown", "ran", "mistaken"] == [
        each["event"] for each in run["events"]
    ]
    assert (12, "too-much") == (run["events"][4]["exit_code"], run["events"][5]["step"])
    listed = shell.answers("learn")["lessons"]
    packet = next(each for each in listed if each["name"] == "packet")
    assert (1, "create", 0) == (packet["passed"], packet["at"], packet["finished"])
    variables = shell.answers("learn", "env", "packet")["variables"]
    assert "sent hb_" in shell.does("send", "30", "--count", "2", **variables).out
    looked = shell.answers("learn", "packet", "--look")
    assert ["done", "shown"] == [each["event"] for each in looked["events"]]
    assert "freeze" == looked["step"]


def test_a_word_of_the_lesson_is_answered_without_the_step_again(shell: Shell):
    """
    In a shell each of them is a command: who asks for a hint gets it, and `where` has the rest.
    """
    begun = shell.does("learn", "packet", "--type", "hint").out
    hinted = shell.does("learn", "packet", "--type", "hint").out
    shown = shell.does("learn", "packet", "--type", "where").out

    title = "What there is before anything moves"
    assert [True, False, True] == [title in said for said in (begun, hinted, shown)]
    assert "hint: which command" in hinted


def test_where_lessons_are(shell: Shell, tmp_path: Path):
    """
    Next to the usual wallet, or in a folder that is named; never among other things.
    """
    shell.does("learn", "packet", "--type", "leave")
    assert (tmp_path / PLACE / "progress.json").is_file()
    other = tmp_path / "other"
    shell.does("learn", "packet", "--type", "leave", "--at", str(other))
    assert json.loads((other / "progress.json").read_text("utf-8"))["form"] == 1
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    assert (2, "not_a_lessons_folder") == refused(shell, "packet", "--at", str(tmp_path / "full"))
    (other / "progress.json").write_text("{", encoding="utf-8")
    assert (21, "progress_unreadable") == refused(shell, "packet", "--at", str(other))


def refused(shell: Shell, *typed: str) -> tuple[int, str]:
    code, error = shell.refuses("learn", *typed)
    return code, error["code"]


def test_what_is_no_lesson(shell: Shell, tmp_path: Path):
    assert (10, "lesson_not_found") == refused(shell, "packets")
    assert (10, "file_not_readable") == refused(shell, "mine.toml")
    file = tmp_path / "mine.toml"
    file.write_text("form = 1\n", encoding="utf-8")
    assert (2, "invalid_lesson") == refused(shell, str(file))
    assert (2, "conflicting_options") == refused(shell, "packet", "--look", "--shell")


def test_a_teacher_begins_a_lesson(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    A new file is never written over another; unfilled it fails its check, which names every blank.
    """
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.toml"
    assert {"file": "mine.toml"} == shell.answers("learn", "new", "mine")
    assert (2, "file_exists") == refused(shell, "new", "mine")
    code, error = shell.refuses("learn", "check", str(file))
    assert (24, "lesson_fails") == (code, error["code"])
    assert {"blank"} == {each["problem"] for each in error["findings"]}
    assert (2, "invalid_lesson") == refused(shell, "new", "Mine!")


@pytest.mark.slow
@pytest.mark.parametrize("after", [n / 10 for n in range(1, 16)])
def test_a_lesson_is_taken_up_wherever_it_was_killed(shell: Shell, after: float):
    """
    By a signal that no one can handle, with all that it had started; then it is brought to its end.
    """
    lines = ["100", "send 30", "undo", "send 30 --count 2", "hint", "again", "balance -> packet 30"]
    typed = [part for line in lines for part in ("--type", line)]
    running = subprocess.Popen(
        [*COMMAND, "learn", "packet", *typed],
        env=shell.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with suppress(subprocess.TimeoutExpired):
        running.wait(after)
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()

    looked = shell.answers("learn", "packet", "--look")
    assert 0 == looked["finished"]
    steps = 7 - (looked["number"] or 1) + 1
    ended = shell.answers("learn", "packet", *["--type", "skip"] * steps)

    assert 1 == ended["finished"]
