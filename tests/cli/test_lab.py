"""`hongbao lab`, as it is typed."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, Shell, plain

NO_WALLET = {"LANG": "C", "TERM": "dumb"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a wallet, and with nothing set."""
    return Shell(tmp_path / "home", "246813")


def test_the_faults_are_listed_and_run(shell: Shell):
    """
    Without a wallet, which is not made either; nothing is left behind.
    """
    listed = shell.answers("lab")["faults"]
    shown = shell.answers("lab", "reused-key")

    assert 11 == len(listed)
    assert shown.items() >= listed[6].items()
    assert ("not_moved", 800, 0) == (
        shown["measure"],
        shown["broken"]["lost_fen"],
        shown["right"]["lost_fen"],
    )
    assert not shell.home.exists()


def test_each_line_for_a_pipe_begins_with_its_engine(shell: Shell):
    """
    In any locale, without a terminal, in an empty folder; `run` may be left out.
    """
    short = shell("lab", "run", "utc-day", **NO_WALLET)

    assert (0, "") == (short.code, short.err)
    assert {"broken", "hongbao", "example", "rule"} == {line.split("\t")[0] for line in short.lines}
    assert "hongbao\tlost\t0.00" in short.lines
    assert "broken\tlost\t1000.00" in short.lines


def test_a_fault_that_is_not_there_has_its_code(shell: Shell):
    """
    With the names of those that are.
    """
    said = shell("lab", "overshell")

    assert (10, "") == (said.code, said.out)
    assert "oversell" in said.err


def test_fairness_is_measured_and_drawn(shell: Shell, tmp_path: Path):
    """
    As JSON, for a pipe and as a picture, always the same.
    """
    options = ("lab", "fairness", "9", "--count", "3", "--deals", "40")
    answer = shell.answers(*options)
    piped = shell(*options)
    picture = tmp_path / "fairness.svg"
    saved = shell(*options, "--svg", str(picture))

    assert 12 == len(answer["lines"]) == len(piped.lines)
    assert [40 * 900] * 4 == [
        sum(row["sum_fen"] for row in answer["lines"][place : place + 3])
        for place in range(0, 12, 3)
    ]
    assert 0 == saved.code
    assert "biased-deal" in picture.read_text(encoding="utf-8")
    assert 2 == shell("lab", "fairness", "10", "--count", "3", "--rule", "equal").code
    assert 2 == shell("lab", "fairness", "--deals", "0").code


def test_a_person_sees_two_columns(shell: Shell):
    """
    On a terminal, at its end, with what moves moved on.
    """
    said = shell.at_terminal("lab", "double-refund")
    shown = plain(said.out)

    assert 0 == said.code
    assert " │ hongbao" in shown
    assert "broken lost: 5.00" in shown


def test_expectations_are_graded_if_they_hold_on_hongbao(shell: Shell, tmp_path: Path):
    """
    One line that holds catches an engine; one that does not is named, and nothing is graded.
    """
    mine = tmp_path / "mine.txt"
    begun = "file pin: 246810\ninit 张三 => 0\ncard add 9999010000000003 => 0\n"
    mine.write_text(f"{begun}topup 4.35 => 0\nbalance => 0 4.35 …\n", encoding="utf-8")
    answer = shell.answers("lab", "catch", str(mine))

    assert (1, ["float"]) == (
        answer["caught"],
        [each["fault"] for each in answer["engines"] if each["lines"] == [5]],
    )

    mine.write_text(f"{begun}topup 4.35 => 0\nbalance => 0 4.34 …\n", encoding="utf-8")
    said = shell("lab", "catch", str(mine))

    assert 24 == said.code
    assert "mine.txt:5" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_experiment_that_is_ended_leaves_no_folder(
    shell: Shell, tmp_path: Path, number: signal.Signals
):
    """
    Neither the broken ledger nor the throw-away wallet.
    """
    lent = tmp_path / "lent"
    lent.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "lab", "biased-deal"],
        env=shell.environment(TMPDIR=str(lent)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    began = time.monotonic()
    while not list(lent.glob("hongbao-lab-*/home")):
        assert process.poll() is None
        assert time.monotonic() - began < 30
        time.sleep(0.01)
    process.send_signal(number)
    process.wait(30)

    assert [] == list(lent.iterdir())
    assert 0 != process.returncode
