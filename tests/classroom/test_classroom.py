"""Classes, within one process: rosters, numbers, tasks, and what is read of a hand-in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from hongbao import classroom
from hongbao.classroom import folder, marking, numbers, roster, submission
from hongbao.classroom.numbers import Number
from hongbao.classroom.roster import Student
from hongbao.classroom.submission import UnreadableError
from hongbao.classroom.task import LANGUAGES, read
from hongbao.commands.house import root_command
from hongbao.errors import FileNotReadable, FolderTaken, InvalidRoster, InvalidTask
from tests.every import every

# --- rosters --------------------------------------------------------------------------------------

STUDENTS = (Student("s01", "张三"), Student("s02", "李四"), Student("s03", "张三"))


@every(
    "content",
    [
        "id,name\ns01,张三\ns02,李四\ns03,张三\n".encode(),
        "\ufeff学号,姓名,班级\r\ns01,张三,7b\r\n\r\ns02,李四,7b\r\ns03,张三,\r\n".encode(),
        "姓名;学号\n张三;s01\n李四;s02\n张三;s03".encode("utf-16"),
        'Name\tID\n"张三"\ts01\n李四\ts02\n 张三 \ts03\n'.encode(),
        "学号,姓名\ns01,张三\ns02,李四\ns03,张三\n".encode("gb18030"),
    ],
    ids=["plain", "Excel's", "UTF-16, semicolons", "tabs, spaces", "GB 18030"],
)
def test_a_roster_is_read_however_a_program_saved_it(tmp_path: Path, content: bytes):
    """
    With or without a mark, whatever separates its cells; an encoding that is guessed is said.
    """
    path = tmp_path / "roster.csv"
    path.write_bytes(content)

    found = roster.read(path)

    assert STUDENTS == found.students
    assert (b"\xd1\xa7" in content) == found.is_gb_18030


@every(
    ("text", "line", "problem", "lines"),
    [
        ("", 1, "no_column", "1"),
        ("s01,张三\n", 1, "no_column", "1"),
        ("id,name\n", 1, "empty", "1"),
        ("id,name\ns01,a\n,b\ns01,c\nS01,d\n", 3, "no_id", "3, 4, 5"),
        ("id,name\n=1+1,a\n", 2, "formula", "2"),
        ("id,name\ns01,@SUM(A1)\n\ns02,\n", 2, "formula", "2, 4"),
        ("id,name\ns01,＝1\n", 2, "formula", "2"),
        ("id,name\n../s01,a\n", 2, "bad_id", "2"),
        (f"id,name\n{'s' * 33},a\n", 2, "bad_id", "2"),
        (f"id,name\ns01,{'a' * 65}\n", 2, "bad_name", "2"),
        ("id,name\ns01,a\x1b[2J\n", 2, "bad_name", "2"),
        ("id,name\ns01,a,b\n", 2, "fields", "2"),
        ('id,name\ns01,a\ns02,"b\n', 3, "quotes", "3"),
        ("id,name\n" + "".join(f"s{n},a\n" for n in range(501)), 502, "too_large", "502"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    tmp_path: Path, text: str, line: int, problem: str, lines: str
):
    """
    The first by its number and reason, and the numbers of all.
    """
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8", newline="")

    with pytest.raises(InvalidRoster) as refused:
        roster.read(path)

    facts = refused.value.facts
    assert (line, problem, lines) == (facts["line"], facts["problem"], facts["lines"])


@every("content", [b"id,name\n\xff\xfe\x00", b"\0" * 100, b"id,name\n" + b"x" * (1 << 20)])
def test_what_is_no_roster_is_refused(tmp_path: Path, content: bytes):
    """
    Noise, and a file far larger than any class.
    """
    path = tmp_path / "roster.csv"
    path.write_bytes(content)

    with pytest.raises(FileNotReadable):
        roster.read(path)


# --- numbers --------------------------------------------------------------------------------------

KEY = folder.key_of("test")
AMOUNT = Number("amount", 1207, 10, 30, True)
SHARES = Number("shares", 3, 1, 4, False)


def drawn(students: int, *of: Number) -> list[dict[str, str]]:
    taken: list[dict[str, str]] = []
    for student in range(students):
        taken.append(numbers.drawn(of, KEY, "task", f"s{student}", taken))
    return taken


def test_no_two_students_have_a_number_in_common_while_there_are_enough():
    """
    Then no two have all in common, as long as there are enough combinations.
    """
    few, more, most = (drawn(count, AMOUNT, SHARES) for count in (4, 30, 120))

    for name in ("amount", "shares"):
        assert len(few) == len({each[name] for each in few})
    assert 30 == len({tuple(each.values()) for each in more})
    assert 120 == len({tuple(each.values()) for each in most})
    assert 121 == len(drawn(121, AMOUNT, SHARES))


def test_numbers_are_of_one_form():
    """
    Every value is a step of the task's, so no one's is rounder than another's.
    """
    found = drawn(30, AMOUNT)

    assert all(each["amount"].endswith("7") and len(each["amount"]) == 5 for each in found)
    assert sorted(each["amount"] for each in found) == sorted(AMOUNT.values)


def test_numbers_are_the_same_in_every_process():
    """
    Under another hash seed, in another zone and language; other keys, tasks and students differ.
    """
    program = (
        "from hongbao.classroom.numbers import Number, drawn, seed_of\n"
        "n = (Number('amount', 1207, 10, 30, True),)\n"
        f"print(drawn(n, {KEY!r}, 'task', 's01', []), seed_of({KEY!r}, 'task', 's01'))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": "7", "TZ": "America/New_York", "LANG": "zh_CN.UTF-8"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    here = numbers.drawn((AMOUNT,), KEY, "task", "s01", [])
    seed = numbers.seed_of(KEY, "task", "s01")

    assert f"{here} {seed}\n" == ran.stdout
    others = [(folder.key_of("x"), "task", "s01"), (KEY, "other", "s01"), (KEY, "task", "s02")]
    assert all(seed != numbers.seed_of(*other) for other in others)


# --- tasks ----------------------------------------------------------------------------------------

TASK = """\
form = 1
begins = "2026-02-16T20:00:00+08:00"
title = "A packet"
text = "Send [amount]."
right = ["send [amount] => 0"]

[[number]]
name = "amount"
from = "12.07"
to = "14.97"
step = "0.10"

[[person]]
name = "小明"
bank = "icbc"
balance = "[amount]"

[[fact]]
points = 2
text = "It was sent"
want = ["packet 小明 total = [amount]"]
"""


def test_a_task_has_its_students_numbers():
    """
    In its text, its balances and its facts; a hand-out has them, too, and none of the answers.
    """
    task = read(TASK, "rent", "rent.toml")
    own = task.with_numbers({"amount": "13.17"})

    assert ("Send 13.17.", 1317) == (own.text.en, own.people[0].balance_fen)
    assert "packet 小明 total = 13.17" == own.goals[0].want[0].text
    assert (2, 30, ("amount",)) == (own.points, own.capacity, tuple(n.name for n in own.typed))


def test_a_hand_out_has_no_answers(tmp_path: Path):
    """
    Only the task and whose it is, and it reads back with that student's numbers.
    """
    made = folder.make(tmp_path / "class", STUDENTS, [read(TASK, "rent", "rent.toml")], KEY)
    text = (tmp_path / "class" / "hand-out" / "rent" / "s02.toml").read_text("utf-8")
    back = read(text, "s02", "s02.toml")

    assert "right" not in text
    assert made.key.hex() not in text
    assert back.hand_out == made.hand_out(made.tasks[0], STUDENTS[1])
    assert f"Send {made.numbers['rent']['s02']['amount']}." == back.text.en
    assert made == folder.opened(tmp_path / "class")


def test_a_student_who_comes_later_changes_no_ones_numbers(tmp_path: Path):
    """
    Whoever is there keeps what they have, and the new one has something else.
    """
    made = folder.make(tmp_path / "class", STUDENTS, [read(TASK, "rent", "rent.toml")], KEY)
    late = Student("s00", "王五")

    larger, new = folder.add(made, [late, *STUDENTS, Student("S01", "张三")])

    before, after = made.numbers["rent"], larger.numbers["rent"]
    assert (late,) == new
    assert {*before} | {"s00"} == {*after}
    assert all(after[student] == numbers for student, numbers in before.items())
    assert after["s00"] not in [*before.values()]
    assert (tmp_path / "class" / "hand-out" / "rent" / "s00.toml").is_file()
    assert 4 == len(folder.opened(tmp_path / "class").students)


def test_a_class_is_made_whole_or_not_at_all(tmp_path: Path):
    """
    A folder that is there is left as it is; one that cannot be filled is gone again.
    """
    task = read(TASK, "rent", "rent.toml")
    (tmp_path / "class").mkdir()

    with pytest.raises(FolderTaken):
        folder.make(tmp_path / "class", STUDENTS, [task], KEY)
    with pytest.raises(ValueError, match="null byte"):
        folder.make(tmp_path / "other", [Student("\0", "x")], [task], KEY)

    assert [tmp_path / "class"] == [*tmp_path.iterdir()]


@every(
    ("before", "after", "problem"),
    [
        ("[amount].", "[rent].", "no_number"),
        ("total = [amount]", "total = [rent]", "no_number"),
        ("total = [amount]", "totals = [amount]", "refused"),
        ('["packet 小明 total = [amount]"]', "[]", "not_list"),
        ('to = "14.97"', 'to = "14.98"', "bad_range"),
        ('to = "14.97"', 'to = "1.97"', "bad_range"),
        ('from = "12.07"', "from = 12.07", "not_whole"),
        ('name = "amount"', 'name = "Amount"', "bad_number_name"),
        ('bank = "icbc"\n', "", "no_bank"),
        ("send [amount]", "use x.txt\\nsend [amount]", "only_commands"),
        ("send [amount] => 0", "send [amount]", "refused"),
        ("+08:00", "", "bad_moment"),
        ('title = "A packet"', 'title = {en = "[amount]", zh = "x"}', "languages_differ"),
        ("points = 2", "points = 0", "not_whole"),
        ("form = 1", "form = 2", "not_whole"),
        ("form = 1", "form = 1\nnumbers = 2", "unknown_key"),
    ],
)
def test_a_task_that_breaks_the_form_is_refused(before: str, after: str, problem: str):
    """
    Before anyone gets it.
    """
    assert before in TASK
    with pytest.raises(InvalidTask) as refused:
        read(TASK.replace(before, after), "rent", "rent.toml")

    assert problem == refused.value.facts["problem"]


def test_tasks_that_ship_are_in_both_languages():
    """
    At least three, each with numbers for any class.
    """
    assert {"double-entry", "refund", "penny"} <= {*classroom.names()}
    for name in classroom.names():
        task = classroom.task(name)
        texts = [task.title, task.text, *(goal.text for goal in task.goals)]
        assert all(getattr(text, language).strip() for text in texts for language in LANGUAGES)
        assert all(text.en != text.zh for text in texts)
        assert task.capacity > 10_000
        assert len(task.right) >= 2


# --- what is handed in ----------------------------------------------------------------------------

HEAD = "# hongbao story 1\ngiven task = rent-12345678\ngiven student = s01\n"


@every(
    "content",
    {
        "a pipe's noise": b"\x80\x81",
        "nothing": b"",
        "of no one": b"balance => 0\n",
        "no story": f"{HEAD}balance\n".encode(),
        "another file": f"{HEAD}use /etc/passwd\n".encode(),
        "another device": f"{HEAD}use /dev/zero\n".encode(),
        "another file, after a line that only Python ends": (
            f"{HEAD}balance => 0\x0buse /dev/zero\n".encode()
        ),
        "another file, behind a wide space": f"{HEAD}use\u3000/dev/zero\n".encode(),
        "a NUL": f"{HEAD}balance \0 => 0\n".encode(),
        "an endless quote": f"{HEAD}balance ' {' =>' * 40_000}\n".encode(),
        "deep JSON": (HEAD + "balance => 0\n    {" + "[" * 900 + "\n").encode(),
        "a race": f"{HEAD}race 2\n    balance\nend\n".encode(),
        "too large": HEAD.encode() + b"#" * submission.SIZE_MAX,
        "too long": (HEAD + "balance => 0\n" * 301).encode(),
    }.items(),
    ids=str,
)
def test_what_cannot_be_played_is_told_apart(tmp_path: Path, content: tuple[str, bytes]):
    """
    By a sentence, and without opening anything that it names.
    """
    path = tmp_path / "s01.txt"
    path.write_bytes(content[1])

    with pytest.raises(UnreadableError) as refused:
        submission.read(path)

    assert refused.value.problem in submission.PROBLEMS


def test_the_page_has_the_bounds_of_a_submission():
    """
    What is too much, how long it may take, and how many count.
    """
    page = (Path(__file__).parents[2] / "docs/reference/commands/class.md").read_text("utf-8")

    kilobytes, commands = submission.SIZE_MAX >> 10, submission.COMMANDS_MAX
    assert f"more than {kilobytes} KB or {commands} commands" in page
    assert f"more than {marking.SECONDS_MAX} seconds together" in page


def test_a_line_that_is_no_storys_is_named_once(tmp_path: Path):
    """
    The file has a column of its own, and the line stands before what is wrong with it.
    """
    path = tmp_path / "s01.txt"
    path.write_text(f"{HEAD}HONGBAO_HOME=/tmp balance => 0\n", "utf-8")

    with pytest.raises(UnreadableError) as refused:
        submission.read(path)

    assert (4, "a story cannot set HONGBAO_HOME") == (refused.value.line, refused.value.text)


def test_what_is_no_file_is_not_opened(tmp_path: Path):
    """
    A pipe would never end, a link leads elsewhere.
    """
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "folder").mkdir()

    for name in ("pipe", "link", "folder", "nothing"):
        with pytest.raises(UnreadableError):
            submission.read(tmp_path / name)


@every(
    ("line", "reason"),
    [
        ("restore other.db --yes => 0", "command"),
        ("import bill.csv => 0", "command"),
        ("config set alias.x 'restore y' => 0", "command"),
        ("play other.txt => 0", "command"),
        ("events -f => 0", "command"),
        ("watch --exec sh => 0", "command"),
        ("class hand-in => 0", "command"),
        ("--home /tmp balance => 0", "command"),
        ("-p 小明 balance => 0", "command"),
        ("HONGBAO_PIN_FILE=/etc/shadow balance => 0", "setting"),
        ("pin change --new-pin-file /etc/shadow => 0", "file"),
        ("pin change --new-pin-file=../x => 0", "file"),
        ("topup 1 --pin-file ~/pin => 0", "file"),
        ("topup 1 --pin-file - => 0", "file"),
        ("books --svg /tmp/x.svg => 0", "file"),
        ("books --html=x => 0", "file"),
        ("reconcile --statement /dev/zero => 0", "file"),
        ("init Eve --ledger mysql://eve@db.example/ledger => 0", "file"),
        ("bank statement icbc -no x => 0", "file"),
        ("file config.toml: x", "file_name"),
        ("file .bashrc: x", "file_name"),
    ],
)
def test_a_line_that_reaches_out_is_not_played(line: str, reason: str):
    """
    The others are, so a slip costs no one a mark.
    """
    read = submission.parsed(f"{HEAD}topup 5 => 0\n{line}\n", "s01.txt")

    assert [(5, reason)] == [(left.line, left.reason) for left in read.left]
    assert ["topup 5"] == [command.typed for command in read.commands]


@every(
    "text",
    [
        "…a…a…a…",
        "…[packet]…" + "x" * 200,
        "[one][two][three][four]",
        "…",
        "0",
    ],
)
def test_only_short_patterns_that_fill_a_name_are_looked_for(text: str):
    """
    A pattern that someone made up could keep a computer busy for hours.
    """
    read = submission.parsed(f"{HEAD}send 1 => 0\n    > {text}\n    > …[packet]…\n", "s01.txt")

    kept = submission.filling(read.commands[0], {"known"})
    assert ["…[packet]…"] == [each.text for each in kept.expected]
    assert () == submission.filling(read.commands[0], {"packet"}).expected


def test_every_option_with_a_file_is_known():
    """
    A command that a task can be about gets no new option that names a file, unnoticed.
    """
    house: Any = root_command()
    context = typer.Context(house)
    found, every = set(), set[str]()
    for name in submission.COMMANDS:
        for command in _commands(house.get_command(context, name), name):
            for param in command.params:
                every |= {*param.opts}
                files = str(param.metavar) in ("FILE", "FOLDER")
                if files and (name, command.name) not in submission._WRITING:
                    found |= {(command.name, option) for option in param.opts}

    allowed = submission._FILES | submission._OUTSIDE
    assert set() == {each for each in found if each[1] not in allowed}
    assert ("books", "--svg") in found
    assert every.isdisjoint({"--follow", "--exec", "--webhook"})


def _commands(command: Any, name: str) -> list[Any]:
    below = getattr(command, "commands", {})
    command.name = name
    return [command, *(each for key, each in below.items() for each in _commands(each, key))]


def test_numbers_are_kept_as_they_were_drawn(tmp_path: Path):
    """
    In the class's own file, which tells anyone who edits it that a number is missing.
    """
    from hongbao.errors import ClassUnreadable

    folder.make(tmp_path / "class", STUDENTS, [read(TASK, "rent", "rent.toml")], KEY)
    path = tmp_path / "class" / "class.json"
    document = json.loads(path.read_text("utf-8"))
    del document["numbers"]["rent"]["s02"]
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ClassUnreadable):
        folder.opened(tmp_path / "class")
