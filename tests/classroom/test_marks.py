"""``hongbao class``: what is handed in, what it comes to, and that both sides say the same."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.errors import ExitCode
from tests import warm
from tests.every import every

Said = tuple[int, str, str]


class Classroom:
    """A class in a folder, commands typed there, and hand-ins as anyone could write them."""

    def __init__(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.here, self._capsys = here, capsys

    def does(self, *typed: str) -> Said:
        with warm.stories():
            code = cli.main([*typed])
        return code, *self._capsys.readouterr()

    def read(self) -> Any:
        """Return what was printed since it was last read."""
        return self._capsys.readouterr()

    def json(self, *typed: str) -> dict[str, Any]:
        code, out, err = self.does(*typed, "--json")
        assert code == 0, err
        answer: dict[str, Any] = json.loads(out)
        return answer

    def begin(self, students: Sequence[str] = ("s01", "s02", "s03"), *tasks: str) -> None:
        rows = "".join(f"{each},张三\n" for each in students)
        (self.here / "roster.csv").write_text(f"id,name\n{rows}", encoding="utf-8")
        named = [word for task in tasks or ("double-entry",) for word in ("--task", task)]
        made = self.json("class", "new", "roster.csv", "--seed", "test", *named)
        self.numbers = {each["student"]: each["numbers"] for each in made["students"]}

    def commands(self, student: str, **other: str) -> str:
        """Return the right commands for *student*; *other* numbers in the place of theirs."""
        given = {**self.numbers[student]["double-entry"], **other}
        return (
            f"topup {given['topup']}  => 0\n"
            f"send {given['amount']} --to 小红  => 0  …[packet]…\n"
            "小红: claim [packet]  => 0\n"
        )

    def hands_in(
        self, student: str, commands: str, *, name: str | None = None, mark: str = ""
    ) -> None:
        hand_out = (self.here / "class/hand-out/double-entry/s01.toml").read_text("utf-8")
        task = hand_out.partition('[hand_out]\ntask = "')[2].partition('"')[0]
        head = f"# hongbao story 1\ngiven task = {task}\ngiven student = {student}\n{mark}"
        file = self.here / "class" / "handed-in" / (name or f"{student}.txt")
        file.write_text(head + commands, encoding="utf-8")

    def marks(self, *more: str) -> dict[str, dict[str, Any]]:
        report = self.json("class", "report", *more)
        assert report["adds_up"]
        assert report["issued_fen"] == report["kept_fen"] == report["wallets"] * 20_000_000
        return {row["student"]: row for row in report["marks"]}


@pytest.fixture
def room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Classroom]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HONGBAO_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("HONGBAO_LANG", "en")
    monkeypatch.chdir(tmp_path)
    yield Classroom(tmp_path, capsys)
    assert [] == [*(tmp_path / "temporary").iterdir()]
    assert not (tmp_path / "mine").exists()


def test_the_mark_at_hand_in_is_the_reports(room: Classroom, monkeypatch: pytest.MonkeyPatch):
    """
    What was typed, and recorded, comes to the same on both sides; whatever was edited meanwhile
    in the student's own folder was never handed in.
    """
    room.begin(("s01",))
    started = room.json("class", "start", "class/hand-out/double-entry/s01.toml")
    given = room.numbers["s01"]["double-entry"]
    typed = ("topup " + given["topup"], "send 10 --to 小红", "claim last -p 小红", "events")
    monkeypatch.setenv("HONGBAO_HOME", started["home"])
    monkeypatch.setenv("HONGBAO_RECORDING", started["recording"])
    for line in typed:
        assert 0 == cli.main(line.split())
    monkeypatch.setenv("HONGBAO_HOME", str(room.here / "mine"))
    monkeypatch.delenv("HONGBAO_RECORDING")
    room.read()

    assert room.json("class", "show") == room.json("class", "show", "double-entry-s01")
    handed = room.json("class", "hand-in", "double-entry-s01", "-o", "class/handed-in/s01.txt")
    row = room.marks()["s01"]

    assert 3 == handed["points"] == row["points"] == row["claimed"]
    assert handed["goals"] == row["goals"]
    assert ["line 10 was not played: `events` is no part of a task"] == handed["notes"]
    assert handed["notes"] == row["notes"]
    again = room.json("class", "hand-in", "double-entry-s01", "-o", "class/handed-in/s01.txt")
    assert handed == again


def test_an_edited_recording_earns_what_its_commands_do(room: Classroom):
    """
    Not what it says that they print, or that its mark was; and another's numbers earn nothing.
    """
    room.begin()
    nothing = (
        '# en: I did everything.\nbalance --json  => 0  {"available_fen": 100000}\n'
        "topup 999999999  => 0  …done…\n"
    )
    room.hands_in("s01", nothing, mark="given mark = 10\n")
    room.hands_in("s02", room.commands("s03"))
    room.hands_in("s03", room.commands("s03"))

    marks = room.marks()

    assert {"s01": 0, "s02": 0, "s03": 10} == {name: row["points"] for name, row in marks.items()}
    assert ["it says that its mark was 10"] == marks["s01"]["notes"]
    assert ("s03", ["s03"]) == (marks["s02"]["numbers_of"], marks["s02"]["same_as"])
    assert (None, ["s02"]) == (marks["s03"]["numbers_of"], marks["s03"]["same_as"])


slow = pytest.mark.slow


REACHING_OUT = {
    "restore /tmp/rich.db --yes  => 0": "`restore`",
    "import rich.csv  => 0": "`import`",
    "config set language zh  => 0": "`config`",
    "HONGBAO_LANG=zh balance  => 0": "settings",
    "topup 1 --pin-file /etc/passwd  => 0": "a file",
    "books [picture]  => 0": "a file",
    "[other] --yes  => 0": "`[other]`",
    "claim [nothing]  => 0": "[nothing]",
}


@slow
def test_a_line_that_reaches_out_costs_nothing_and_earns_nothing(room: Classroom):
    """
    It is named, and the others are played; a name that stands for it is no way around.
    """
    room.begin(("s01",))
    laid = f"given picture = --svg={room.here}/x.svg\ngiven other = restore\n"
    fills = "balance  => 0\n    > [nothing] is what this never says\n"
    lines = "".join(f"{line}\n" for line in REACHING_OUT)
    room.hands_in("s01", laid + fills + lines + room.commands("s01"))

    handed = room.marks()["s01"]

    assert 10 == handed["points"]
    notes = " ".join(handed["notes"])
    assert all(word in notes for word in [*REACHING_OUT.values()][:5])
    assert "more lines that were not played: 3" in notes
    assert not (room.here / "x.svg").exists()


@slow
def test_what_is_missing_or_unreadable_is_a_row(room: Classroom):
    """
    And no one else's mark waits for it.
    """
    room.begin(("s01", "s02", "s03", "s04"))
    inside = room.here / "class" / "handed-in"
    room.hands_in("s01", room.commands("s01"))
    room.hands_in("s01", "balance  => 0\n", name="a.txt")
    (inside / "double-entry-s02.txt").write_bytes(b"\xff" * 100)
    (inside / "huge.txt").write_bytes(b"#" * 1_000_000)
    (inside / "link").symlink_to("/")
    (inside / "李四_1234").mkdir()
    room.hands_in("s99", "balance  => 0\n", name="李四_1234/s99.txt")
    room.hands_in("s03", room.commands("s03"), name="李四_1234/s03.txt")

    report = room.json("class", "report")
    rows = {row["student"]: row for row in report["marks"]}

    assert ["marked", "unreadable", "marked", "missing"] == [r["state"] for r in rows.values()]
    assert (10, "李四_1234/s03.txt") == (rows["s03"]["points"], rows["s03"]["file"])
    assert (10, "s01.txt") == (rows["s01"]["points"], rows["s01"]["file"])
    assert ["it is not text in UTF-8"] == rows["s02"]["notes"]
    assert ["huge.txt", "link", "李四_1234/s99.txt"] == [odd["file"] for odd in report["files"]]


@slow
def test_a_recording_that_runs_on_is_ended(room: Classroom, monkeypatch: pytest.MonkeyPatch):
    """
    After its time is up, the books are looked at as they are.
    """
    from hongbao.classroom import marking

    room.begin(("s01",))
    room.hands_in("s01", room.commands("s01") + "balance  => 0\n" * 290)
    monkeypatch.setattr(marking, "SECONDS_MAX", 0.3)

    # By forks of this process: a warm parent is not made to be interrupted.
    assert 0 == cli.main(["class", "report", "--json"])
    row = json.loads(room.read().out)["marks"][0]

    assert "it took longer than" in row["notes"][0]
    assert "marked" == row["state"]
    assert 3 == len(row["goals"])


@slow
def test_clock_games_and_new_cards_earn_nothing(room: Classroom):
    """
    A year that passes, a refund that returns, money from a second card: the facts see it.
    """
    room.begin(("s01", "s02"))
    room.hands_in("s01", "clock advance 9000h  => 0\n" + room.commands("s01"))
    more = "card add 9999020000033334 -p 小红  => 0\ntopup 1 -p 小红  => 0\n"
    room.hands_in("s02", room.commands("s02") + more)

    report = room.json("class", "report")
    rows = {row["student"]: row for row in report["marks"]}

    assert 10 == rows["s01"]["points"]  # it is only another day
    assert 3 == rows["s02"]["points"]
    assert report["adds_up"]


@slow
def test_a_task_can_be_practised(room: Classroom):
    """
    By its name alone; it is the same task when it is looked at again.
    """
    started = room.json("class", "start", "refund")

    assert started == room.json("class", "show", "refund-practice")
    assert ("refund-practice", "practice") == (started["task"], started["student"])
    assert ExitCode.USAGE == room.does("class", "hand-in", "refund-practice")[0]


@slow
def test_a_report_is_the_same_on_any_machine(room: Classroom):
    """
    As a process of its own, in another zone and language, under another hash seed.
    """
    room.begin(("s01", "s02"))
    room.hands_in("s01", room.commands("s01"))
    here = room.json("class", "report")

    ran = subprocess.run(
        [sys.executable, "-m", "hongbao", "class", "report", "--json"],
        cwd=room.here,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONHASHSEED": "7",
            "TZ": "America/New_York",
            "HONGBAO_LANG": "zh",
            "HONGBAO_HOME": str(room.here / "mine"),
        },
        capture_output=True,
        check=True,
    )

    assert here == json.loads(ran.stdout)
    assert here["marks"][0]["digest"]


@slow
def test_nothing_is_revealed_unless_it_is_asked_for(room: Classroom):
    """
    Reasons say what differs in the books; an expected amount is only for the teacher.
    """
    room.begin(("s01",))
    amount = room.numbers["s01"]["double-entry"]["amount"]
    room.hands_in("s01", room.commands("s01", amount="1"))

    hidden = room.does("class", "report")[1] + room.does("class", "report", "--json")[1]
    shown = room.does("class", "report", "--reveal")[1]

    assert amount not in hidden
    assert f"packet 小明 total = {amount} (1.00)" in shown


@slow
def test_marks_are_written_for_spreadsheets(room: Classroom):
    """
    CSV behind a mark, a workbook, and no cell that calculates.
    """
    room.begin(("s01", "s02"))
    room.hands_in("s01", room.commands("s01"), name="=cmd.txt")

    assert 0 == room.does("class", "report", "-o", "marks.csv")[0]
    assert 0 == room.does("class", "report", "-o", "marks.xlsx")[0]
    assert ExitCode.USAGE == room.does("class", "report", "-o", "marks.csv")[0]
    assert ExitCode.USAGE == room.does("class", "report", "-o", "marks.ods")[0]

    content = (room.here / "marks.csv").read_bytes()
    rows = [*csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    assert content.startswith(b"\xef\xbb\xbf")
    assert [("s01", "10", "'=cmd.txt"), ("s02", "0", "")] == [
        (row["student"], row["points"], row["file"]) for row in rows
    ]
    with zipfile.ZipFile(room.here / "marks.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "nothing was handed in" in sheet


@slow
@every("name", ["double-entry", "penny", "refund"])
def test_tasks_that_ship_do_what_they_say(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
):
    """
    With several students' numbers, on every way.
    """
    monkeypatch.chdir(tmp_path)
    room = Classroom(tmp_path, capsys)

    assert room.json("class", "task-check", name)["ok"]


@slow
def test_a_task_that_can_be_copied_is_found(room: Classroom):
    """
    A fact that hangs on no number, one that is true from the start, ways that earn something else.
    """
    room.does("class", "task-new", "mine")
    text = (room.here / "mine.toml").read_text("utf-8")
    text += '\n[[fact]]\npoints = 1\ntext = "x"\nwant = ["acts topup 小明 = 1"]\n'
    text += '\n[[fact]]\npoints = 1\ntext = "y"\nwant = ["balance 小明 >= 0"]\n'
    (room.here / "mine.toml").write_text(text, encoding="utf-8")

    code, _out, err = room.does("class", "task-check", "mine.toml", "--json")
    found = {each["problem"] for each in json.loads(err)["error"]["findings"]}

    assert ExitCode.EXPECTATION == code
    assert {"copied", "nothing", "wrong"} == found
