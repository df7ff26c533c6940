"""``hongbao demo``: the first thing anyone sees, and it holds what it promises."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hongbao import cli
from hongbao.commands import demo
from hongbao.errors import Interrupted
from hongbao.story import Answered, Screen, Told, play, read
from hongbao.story.promises import plain
from hongbao.story.running import Ran
from hongbao.story.script import Command, Narration
from hongbao.ui.script import columns
from tests import warm

STORY = read(demo.STORY)
ROOT = Path(__file__).parents[2]

TINY = """
# en: Nothing is here yet.
# zh: 这里还什么都没有。
balance --json  => 10
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo of one command."""
    story = tmp_path / "tiny.txt"
    story.write_text(TINY, encoding="utf-8")
    monkeypatch.setattr(demo, "STORY", story)
    return story


# --- the story that ships ------------------------------------------------------------------------


def test_the_demo_shows_the_whole_job():
    """
    Several people, every kind of packet, a refusal of each kind, a bank that keeps silent, what
    comes back and where to, what institutions settle, a robot that is caught, money that is held
    and let go by a reviewer, and the proof.
    """
    commands = [scene for scene in STORY.scenes if isinstance(scene, Command)]
    typed = "\n".join(command.typed for command in commands)

    assert 3 <= typed.count("init ")
    for shown in (
        "--count",
        "--each",
        "--to",
        "--from",
        "identify",
        "withdraw",
        "settle",
        "risk why",
        "review",
    ):
        assert shown in typed
    for shown in ("clock advance", "history", "check"):
        assert shown in typed
    assert {0, 11, 13, 14, 16, 17} == {command.exit_code for command in commands}


def test_the_demo_is_told_in_both_languages():
    """
    Every paragraph, and Chinese where it says zh.
    """
    for scene in STORY.scenes:
        if isinstance(scene, Narration):
            assert {"en", "zh"} == set(scene.told)
            assert scene.told["zh"] != scene.told["en"]


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.slow), "zh_CN"])
def test_the_demo_holds_on_a_narrow_screen(language: str):
    """
    At 40 columns every promise is kept, and no line runs over the edge, but for a command that is
    wider than the screen: it stays whole, to be copied.
    """
    screen = Screen(40 - 2, 24)

    with warm.stories(), closing(play(STORY, language=language, screen=screen)) as events:
        answers = [event for event in events if isinstance(event, Answered)]

    for answer in answers:
        said = plain(answer.out + answer.err).splitlines()

        assert [] == [
            line
            for line in said
            if columns(line) > screen.columns and not re.fullmatch(r" *`[^`]+`,?", line)
        ]


def test_the_page_shows_what_the_demo_shows():
    """
    The paragraph and the answers of its example, as a terminal of 80 columns has them.
    """
    page = (ROOT / "docs" / "reference" / "commands" / "demo.md").read_text(encoding="utf-8")
    block = page.partition("```console\n$ hongbao demo\n…\n")[2].partition("\n…\n```")[0]
    wanted = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    told = ""
    shown: list[str] = []

    with warm.stories(), closing(play(STORY, language="en", screen=Screen(80, 24))) as events:
        for event in events:
            if isinstance(event, Told):
                told = event.text
            elif isinstance(event, Answered) and event.command in wanted:
                said = plain(event.out + event.err).replace("\r\n", "\n").strip("\n")
                lines = [line.rstrip() for line in said.split("\n")]
                shown += [] if shown else [f"# {told}"]
                shown.append("\n".join([f"$ {event.command}", *lines]))
                if len(shown) > len(wanted):
                    break

    assert wanted
    assert "\n\n".join(shown) == block


# --- how it is shown -----------------------------------------------------------------------------


def test_a_pipe_gets_a_transcript(tiny: Path, capsys: pytest.CaptureFixture[str]):
    """
    Comments, commands behind a $ and what they said, without colour and without waiting.
    """
    assert 0 == cli.main(["demo"])

    comment, command, error, ended = filter(None, capsys.readouterr().out.splitlines())

    assert "# Nothing is here yet." == comment
    assert "$ hongbao balance --json" == command
    assert "home_not_found" == json.loads(error)["error"]["code"]
    assert "[exit code 10]" == ended


def test_json_is_one_document_of_steps(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Each a paragraph or a command, the same in every language.
    """
    assert 0 == cli.main(["demo", "--json"])
    monkeypatch.setenv("HONGBAO_LANG", "zh")
    first = json.loads(capsys.readouterr().out)
    assert 0 == cli.main(["demo", "--json"])

    assert first == json.loads(capsys.readouterr().out)
    assert "tiny" == first["story"]
    told, ran = first["steps"]
    assert (2, "Nothing is here yet.", None) == (told["line"], told["told"], told["command"])
    assert ("hongbao balance --json", 10, "") == (ran["command"], ran["exit_code"], ran["out"])


def test_a_demo_that_breaks_its_word_says_where(tiny: Path, capsys: pytest.CaptureFixture[str]):
    """
    It ends with 1, and names the line, the command and what was expected of it.
    """
    tiny.write_text("balance => 0\n", encoding="utf-8")

    assert 1 == cli.main(["demo", "--json"])
    out, err = capsys.readouterr()
    error = json.loads(err)["error"]

    assert "" == out
    assert ("story_failed", 1) == (error["code"], error["line"])
    assert ("hongbao balance", "0", "10") == (error["command"], error["expected"], error["got"])


def test_a_demo_whose_disk_refuses_it_is_stopped_and_no_bug(
    tiny: Path, capsys: pytest.CaptureFixture[str]
):
    """
    The story is right, so it ends with the code of a full disk, and says where the folder was.
    """
    tiny.write_text(
        "file pin: 246813\ninit 张三 => 0\nbackup /dev/null/copy => 0\n", encoding="utf-8"
    )

    with warm.stories():
        assert 21 == cli.main(["demo", "--json"])
    error = json.loads(capsys.readouterr().err)["error"]

    assert ("story_stopped", 3, "21") == (error["code"], error["line"], error["got"])
    assert "temporary folders" in error["hint"]


def test_a_demo_of_which_only_a_command_heard_ctrl_c_is_interrupted(tiny: Path):
    """
    As a shell's script is: the story is right, and is not reported as a bug.
    """

    def interrupted(words: list[str], *_where: object) -> Ran:
        ended = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, *words], capture_output=True, check=False
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    with pytest.raises(Interrupted), closing(play(read(tiny), run=interrupted)) as events:
        list(events)


INTERRUPTED = """
import os, signal
from hongbao import cli
from hongbao.commands.caller import Caller

def killed(*_): os.kill(os.getpid(), signal.SIGINT)
Caller.wallet = killed
raise SystemExit(cli.main())
"""


# --- leaving -------------------------------------------------------------------------------------


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that has just begun, its throw-away folder in *tmp_path*."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hongbao", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests under nohup has this signal ignored, and so would the demo.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
    )
    with process:
        while not list(tmp_path.glob("*/home")) and process.poll() is None:
            time.sleep(0.01)
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)],
)
def test_a_demo_that_is_cut_short_leaves_nothing_behind(
    running: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, exit_code: int
):
    """
    By Ctrl-C, by being told to end, or by closing the terminal.
    """
    running.send_signal(number)

    assert exit_code == running.wait(10)
    assert [] == list(tmp_path.iterdir())


def test_a_reader_who_goes_away_ends_the_demo(running: subprocess.Popen[str], tmp_path: Path):
    """
    As with any command in a pipe: quietly, and with nothing left behind.
    """
    assert running.stdout is not None
    running.stdout.close()

    assert 0 == running.wait(10)
    assert [] == list(tmp_path.iterdir())
