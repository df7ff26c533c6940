"""``hongbao play``: stories of one's own, and what does not hold in them."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hongbao import cli
from hongbao.answers import StoryFailure, StoryOutcome
from hongbao.errors import ExitCode
from hongbao.story import accepting, reports, running
from hongbao.story.script import Expectation
from tests import warm

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands" / "play.md"
FACTS = ("line", "chapter", "problem", "expected")
BEGIN = "file pin: 246810\ninit 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88 => 0\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write stories in, and another for what they are played in."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plays(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str, str]:
    """Return how ``hongbao play`` with *typed* ended, and what it said on both outputs."""
    with warm.stories():
        code = cli.main(["play", *typed])
    return code, *capsys.readouterr()


def test_the_page_shows_what_is_played(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    Its story as it stands there holds, and with another amount fails as the page says.
    """
    page = PAGE.read_text(encoding="utf-8")
    story = page.partition("```story\n")[2].partition("```")[0]
    shown = page.partition("```console\n$ hongbao play --check friends.txt --set amount=12\n")[2]
    (here / "friends.txt").write_text(story, encoding="utf-8")

    code, out, err = plays(capsys, "--check", "friends.txt", "--set", "amount=12")

    assert shown.partition("```")[0] == out + err
    assert ExitCode.EXPECTATION == code
    code, out, _ = plays(capsys, "friends.txt")
    assert 0 == code
    assert re.search(
        r"\n## Money\n(?s:.*)\n## A packet\n(?s:.*)\nbooks digest [0-9a-f]{64}\n$", out
    )
    assert [] == list((here / "temporary").iterdir())


def test_a_failure_ends_its_chapter_and_the_next_one_plays(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """
    All that is wrong with the command is named; a chapter without its names is skipped; and what
    the story keeps in a file is not shown.
    """
    story = (
        f"{BEGIN}## One\nbalance => 12 …246810…\n    > 9.99\nuse [packet] => 0\n"
        "## Two\nclaim [packet] => 0\n## Three\nbalance => 0 0.00 …\nbalance => 0 1.00 …\n"
    ).replace("use [packet] => 0", 'send 1 --json => 0 {"packet": "[packet]"}')
    (here / "a.txt").write_text(story, encoding="utf-8")

    code, out, err = plays(capsys, "--check", "--json", "a.txt")
    error = json.loads(err)["error"]

    assert (24, "", "play_failed") == (code, out, error["code"])
    assert (4, 1) == (error["failed"], error["skipped"])
    assert [
        (4, "One", "exit_code", "12", "0"),
        (4, "One", "text", "…•••…", "0.00"),
        (5, "One", "text", "9.99", "0.00"),
        (11, "Three", "text", "1.00 …", "0.00"),
    ] == [
        (*(failure[key] for key in FACTS), failure["got"].partition("\t")[0])
        for failure in error["failures"]
    ]
    assert error["failures"][0]["text"].startswith(
        "a.txt:4 · One · `hongbao balance`\n"
        "  expected: exit code 12\n"
        "  came: exit code 0\n"
        "        0.00"
    )
    first = json.loads(plays(capsys, "--check", "--fail-fast", "--json", "a.txt")[2])["error"]
    assert error["failures"][:3] == first["failures"]


def test_a_colon_of_full_width_has_its_space_in_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    So what came follows it at once, and its further lines are below its first.
    """
    monkeypatch.setenv("HONGBAO_LANG", "zh")
    (here / "a.txt").write_text(f"{BEGIN}balance => 12\n", encoding="utf-8")

    code, out, _ = plays(capsys, "--check", "a.txt")

    assert 24 == code
    assert "\n  预期：退出码12\n  实际：退出码0\n        0.00" in out


def test_a_folder_is_played_file_by_file(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    By name; what others use is not played by itself, and failures there name its own line.
    """
    (here / "all").mkdir()
    (here / "all" / "_begin.txt").write_text(
        f"{BEGIN}given sum = 0.00\nbalance => 0 [sum] …\n", "utf-8"
    )
    (here / "all" / "b.txt").write_text("use _begin.txt\nbalance => 0 [sum] …\n", "utf-8")
    (here / "all" / "a.txt").write_text("given sum = 1\nuse _begin.txt\n", "utf-8")

    code, out, _ = plays(capsys, "--check", "all")

    assert 24 == code
    assert "all/_begin.txt:4 · `hongbao balance`" in out
    assert ["failed\tall/a.txt\t2", "ok\tall/b.txt\t3"] == re.findall(
        r"^((?:ok|failed)\t\S+\t\d+)\t[0-9a-f]{64}$", out, re.MULTILINE
    )
    assert 0 == plays(capsys, "--check", "all", "--set", "sum=0.00")[0]


def test_the_same_story_says_the_same_to_the_byte(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    In its own folder or in one that was chosen, and in another time zone.
    """
    (here / "a.txt").write_text(
        f"{BEGIN}note: smile\nbalance => 0\ncheck => 0\nkey => 0\n", "utf-8"
    )

    first = plays(capsys, "a.txt")
    with pytest.MonkeyPatch.context() as abroad:
        abroad.setenv("TZ", "America/New_York")
        again = plays(capsys, "a.txt", "--home", "mine")

    assert (0, first[1]) == again[:2]
    assert "head\t1\t[head]\n" in first[1]
    assert re.search(r"\n\$ hongbao key\n\[key\]\n", first[1])
    assert "smile" not in first[1]
    assert 0o700 == stat.S_IMODE((here / "mine").stat().st_mode)
    assert 2 == plays(capsys, "a.txt", "--home", "mine")[0]


def test_a_folder_that_is_kept_can_be_looked_into(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    The command that it names shows the wallet.
    """
    (here / "a.txt").write_text(BEGIN, "utf-8")

    _code, _out, err = plays(capsys, "a.txt", "--keep")
    found = re.search(r"HONGBAO_HOME=(\S+) hongbao status", err)

    assert found is not None
    with pytest.MonkeyPatch.context() as there:
        there.setenv("HONGBAO_HOME", found[1])
        assert 0 == cli.main(["status"])
    assert "张三" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "text", "code", "name"),
    [
        (["nowhere.txt"], "", 10, "file_not_readable"),
        (["--check", "temporary"], "", 10, "file_not_readable"),
        (["a.txt"], "balance\n", 2, "invalid_story"),
        (["a.txt"], "# hongbao story 2\n", 2, "invalid_story"),
        (["a.txt"], "use a.txt\n", 2, "invalid_story"),
        (["a.txt"], "use b.txt\n", 10, "file_not_readable"),
        (["a.txt", "--set", "sum"], "given sum = 1\n", 2, "invalid_given"),
        (["a.txt", "--set", "sun=1"], "given sum = 1\n", 2, "invalid_given"),
        (["a.txt", "a.txt", "--home", "new"], "", 2, "conflicting_options"),
        (["a.txt", "--home", "temporary"], "", 2, "home_taken"),
        (["a.txt", "--tap"], "", 2, "conflicting_options"),
        (["a.txt", "--junit", "-"], "", 2, "conflicting_options"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_runs(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    typed: list[str],
    text: str,
    code: int,
    name: str,
):
    """
    A file that is not there, or is no story; a name that no story is given.
    """
    (here / "a.txt").write_text(text, "utf-8")

    ended, out, err = plays(capsys, *typed, "--json")

    assert (code, "", name) == (ended, out, json.loads(err)["error"]["code"])


def test_a_command_that_does_not_end_is_no_failed_expectation(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    The story could not be played, which is another exit code.
    """
    (here / "a.txt").write_text("balance => 0\n", "utf-8")
    monkeypatch.setattr(running, "SECONDS_MAX", 0)

    code = cli.main(["play", "--json", "a.txt"])
    error = json.loads(capsys.readouterr().err)["error"]

    assert (21, "play_stuck") == (code, error["code"])
    assert "hangs" == error["failures"][0]["problem"]


def test_what_is_no_story_says_what_to_play_instead(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    A word that is neither a file nor a shipped story, and a folder without --check.
    """
    (here / "stories").mkdir()

    for typed, said in (("nosuch", "no story of this name"), ("stories", "--check plays")):
        assert 10 == cli.main(["play", typed])
        assert said in capsys.readouterr().err


def test_the_folder_cannot_be_made(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    That is the system's word, and no traceback.
    """
    (here / "a.txt").write_text("", "utf-8")
    (here / "temporary").rmdir()

    with pytest.MonkeyPatch.context() as full:
        full.setattr("tempfile.tempdir", str(here / "temporary"))
        assert 21 == cli.main(["play", "a.txt"])
    assert "No such file or directory" in capsys.readouterr().err


def failing(came: str) -> StoryOutcome:
    """A story in which a command printed *came*."""
    text = f"é.txt:1 · `hongbao balance`\n  expected: 1\n  came: {came}"
    failure: StoryFailure = {
        "source": "é.txt",
        "line": 1,
        "chapter": None,
        "problem": "text",
        "command": "hongbao balance",
        "expected": "1",
        "got": came,
        "said": came,
        "row": None,
        "text": text,
    }
    return {
        "story": '红包 & "é" #1.txt',
        "row": None,
        "ok": False,
        "chapters": 1,
        "commands": 1,
        "skipped": 0,
        "failures": [failure],
        "digest": "ab" * 32,
        "kept": None,
        "steps": [],
    }


EXACT = """\
init 李四                        => 0
card add 9999010000000003        => 0   bound icbc-0002
topup 10                         => 0
    > topped up 11.00 from icbc-0003 · balance 10.00
## Two
send 8.88 --count 1              => 0   …[packet]…
李四: claim [packet]             => 0   claimed 8.80 from 张三 · balance 8.88
    fact: balance 李四 = 8.88
## Three
balance                          => 0   1.13 …
balance                          => 10
balance --json                   => 0   {"available_fen": 113}
"""


@pytest.mark.slow
def test_exact_lines_are_accepted_and_nothing_else_is(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """
    All of them in one go, after they were shown; codes, …, names, JSON and facts say what is meant.
    """
    (here / "a.txt").write_text(BEGIN + EXACT, "utf-8")
    (here / "a.txt").chmod(0o644)

    code, out, err = plays(capsys, "--accept", "a.txt")
    assert (2, BEGIN + EXACT) == (code, (here / "a.txt").read_text("utf-8"))
    assert "hongbao: hint: give --yes" in err
    code, again, err = plays(capsys, "--accept", "a.txt", "--yes")

    assert (24, "hongbao: error: failed expectations: 1\n") == (code, err)
    assert again.startswith(out)
    assert [
        "-card add 9999010000000003        => 0   bound icbc-0002",
        "-    > topped up 11.00 from icbc-0003 · balance 10.00",
        "-李四: claim [packet]             => 0   claimed 8.80 from 张三 · balance 8.88",
    ] == re.findall(r"(?m)^-[^-].*$", out)
    accepted = (
        EXACT.replace("bound icbc-0002", "bound icbc-0003 · ICBC (demo) · **** 0003")
        .replace("11.00", "10.00")
        .replace("8.80", "8.88")
    )
    assert BEGIN + accepted == (here / "a.txt").read_text("utf-8")
    assert 0o644 == stat.S_IMODE((here / "a.txt").stat().st_mode)
    assert "nothing to accept" in plays(capsys, "--accept", "a.txt")[2]
    assert 2 == plays(capsys, "--accept", "--tap", "a.txt")[0]


@pytest.mark.parametrize(
    ("others", "said", "instead"),
    [
        ([], "one\ntwo", None),
        ([], "balance 1.00", "balance 1.00"),
        ([], "hint: x\nbalance is 2.00", "balance is 2.00"),
        (["balance is 2.00"], "balance is 2.00\nbalance is 3.00", "balance is 3.00"),
        (["balance is 2.00"], "balance is 2.00", None),
        ([], "a … b", None),
        ([], "pin •••", None),
        ([], '{"a": 1}', None),
        ([], "", None),
    ],
)
def test_what_came_instead_is_the_line_most_like_it(
    others: list[str], said: str, instead: str | None
):
    """
    Of those that nothing else expects; a line that could mean something else is never taken.
    """
    expected = Expectation(1, "out", "balance is 1.00")
    rest = [Expectation(2, "out", text) for text in others]

    assert instead == accepting._instead(expected, [expected, *rest], said.splitlines())


WILD = "\x1b[31m🧧 红包\x07\x00 <&]]> \ud800\ufffe\x85 end"


def test_any_failure_makes_xml_that_a_strict_parser_takes():
    """
    Escapes, bells, NULs, lone surrogates and what XML itself means something by.
    """
    took = [reports.Took(1.25, ("2026-02-16T20:00:00+08:00", "2026-02-18T20:00:00+08:00"))]
    outcomes: list[StoryOutcome] = [failing(WILD), {**failing(""), "ok": True, "failures": []}]
    text = reports.junit(outcomes, [*took, reports.Took(0.5, None)])

    suites = ElementTree.fromstring(text.encode("utf-8"))
    cases = suites.findall("testsuite/testcase")
    failed = cases[0].find("failure")

    assert ("2", "1") == (suites.get("tests"), suites.get("failures"))
    assert ['红包 & "é" #1.txt'] * 2 == [case.get("name") for case in cases]
    assert failed is not None
    assert failed.text is not None
    assert "came: �[31m🧧 红包�� <&]]> ��\x85 end" in failed.text
    assert ("text", "é.txt:1 · `hongbao balance`") == (failed.get("type"), failed.get("message"))
    assert cases[1].find("failure") is None
    assert ["1.250", "0.500"] == [case.get("time") for case in cases]
    assert "1.750" == suites.get("time")
    assert {
        "virtual_began": "2026-02-16T20:00:00+08:00",
        "virtual_ended": "2026-02-18T20:00:00+08:00",
    } == {each.get("name"): each.get("value") for each in cases[0].iter("property")}
    assert [] == list(cases[1].iter("property"))


def test_a_failure_stays_below_its_point():
    """
    Each line of it is indented, so none is taken for a point; a # in a name begins no directive.
    """
    lines = reports.tap([failing("x\nnot ok 3\u2028ok 4")]).splitlines()

    assert ["TAP version 14", "1..1", 'not ok 1 - 红包 & "é" \\#1.txt', "  ---"] == lines[:4]
    assert ["    not ok 3", "    ok 4", "  ..."] == lines[-3:]


def test_reports_say_what_the_terminal_says(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    In the same words; TAP stands for the lines of --check.
    """
    (here / "a.txt").write_text("balance => 0\n", "utf-8")
    (here / "b.txt").write_text("balance => 10\n", "utf-8")

    code, out, _ = plays(capsys, "--tap", "a.txt", "b.txt", "--junit", "report.xml")
    _, said, _ = plays(capsys, "--check", "a.txt")
    report = ElementTree.fromstring((here / "report.xml").read_bytes())

    words = said.strip("\n").rpartition("\n")[0]
    assert "a.txt:1 · `hongbao balance`\n  expected: exit code 0\n  came: exit code 10" in words
    assert words == report.findtext("testsuite/testcase/failure")
    assert [f"    {line}".rstrip() for line in words.splitlines()] == out.splitlines()[5:-2]
    untimed = re.compile(r' time="\d+\.\d{3}"')
    again = plays(capsys, "a.txt", "b.txt", "--junit", "-")[1]
    assert untimed.sub("", (here / "report.xml").read_text("utf-8")) == untimed.sub("", again)
    assert (24, "ok 2 - b.txt") == (code, out.splitlines()[-1])


@pytest.mark.slow
def test_processes_of_their_own_say_the_same_to_the_byte(here: Path):
    """
    In another zone, under another hash seed, in a small terminal, by another name.
    """
    story = PAGE.read_text(encoding="utf-8").partition("```story\n")[2].partition("```")[0]
    (here / "friends.txt").write_text(story, encoding="utf-8")
    said = [
        subprocess.run(
            [sys.executable, "-m", "hongbao", "play", "friends.txt"],
            env={**os.environ, **variables},
            capture_output=True,
            check=True,
        ).stdout
        for variables in (
            {"PYTHONHASHSEED": "1", "TZ": "UTC"},
            {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "COLUMNS": "40", "USER": "x"},
        )
    ]

    assert said[0] == said[1]
    assert b"books digest " in said[0]


def test_a_script_gets_the_code_of_an_error_and_its_reader_the_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    In the file that HONGBAO_ERROR_FILE names; that it cannot be written does not hide the error.
    """
    monkeypatch.setenv("HONGBAO_HOME", str(here / "home"))
    monkeypatch.setenv("HONGBAO_LANG", "en")
    monkeypatch.setenv("HONGBAO_ERROR_FILE", "code")
    assert 10 == cli.main(["balance"])
    assert "home_not_found\n" == Path("code").read_text("utf-8")
    capsys.readouterr()

    monkeypatch.setenv("HONGBAO_ERROR_FILE", "temporary")
    assert 10 == cli.main(["balance"])
    first = capsys.readouterr().err.partition("\n")[0]
    assert "hongbao: cannot write temporary: Is a directory" == first


TABLE = "who,amount\n李四,8.88\n\n王五,0.01\n"


@pytest.mark.slow
def test_a_table_plays_the_story_once_for_each_row(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    Each in a throw-away home of its own; what fails names the row, in every form.
    """
    (here / "a.txt").write_text(
        f"{BEGIN}given who = 赵六\ngiven amount = 1\n"
        "init [who] => 0\n[who]: balance => 0\n    fact: balance [who] = [amount]\n",
        "utf-8",
    )
    (here / "rows.csv").write_text(TABLE, "utf-8-sig")

    code, out, err = plays(capsys, "--check", "a.txt", "--table", "rows.csv")

    assert (24, "hongbao: error: failed expectations: 2\n") == (code, err)
    assert (
        "a.txt:7 · rows.csv:2 · `hongbao balance -p 李四`\n  expected: balance 李四 = 8.88" in out
    )
    assert (
        "a.txt:7 · rows.csv:4 · `hongbao balance -p 王五`\n  expected: balance 王五 = 0.01" in out
    )
    assert ["a.txt · rows.csv:2", "a.txt · rows.csv:4"] == re.findall(r"(?m)^failed\t(.*?)\t", out)
    error = json.loads(plays(capsys, "--check", "--json", "a.txt", "--table", "rows.csv")[2])
    assert ["rows.csv:2", "rows.csv:4"] == [each["row"] for each in error["error"]["failures"]]
    assert (
        "not ok 2 - a.txt · rows.csv:4\n"
        in plays(capsys, "--tap", "a.txt", "--table", "rows.csv")[1]
    )
    (here / "rows.csv").write_text("amount\n0.00\n0\n", "gb18030")
    assert 0 == plays(capsys, "--check", "a.txt", "--table", "rows.csv", "--set", "who=红红")[0]


@pytest.mark.parametrize(
    ("text", "typed", "name", "problem"),
    [
        ("", [], "invalid_table", "empty"),
        ("amount\n", [], "invalid_table", "empty"),
        ("amount,amount\n1,2\n", [], "invalid_table", "twice"),
        ("amount\n1,2\n", [], "invalid_table", "fields"),
        ('amount\n"1" 2\n', [], "invalid_table", "not_csv"),
        ("amount\n" + "1\n" * 1001, [], "invalid_table", "too_many"),
        ("sum\n1\n", [], "invalid_given", "unknown"),
        ("amount\n1\n", ["--set", "amount=2"], "invalid_given", "in_table"),
        ("amount\n1\n", ["--home", "new"], "conflicting_options", None),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_anything_runs(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    typed: list[str],
    name: str,
    problem: str | None,
):
    """
    With the line, and what is wrong with it.
    """
    (here / "a.txt").write_text("given amount = 1\n", "utf-8")
    (here / "rows.csv").write_text(text, "utf-8")

    code, out, err = plays(capsys, "a.txt", "--table", "rows.csv", *typed, "--json")
    error = json.loads(err)["error"]

    assert (2, "", name, problem) == (code, out, error["code"], error.get("problem"))


def test_github_and_junit_say_what_fails_whatever_is_in_it(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """
    With the words of the terminal, escaped as GitHub reads them, and no control characters.
    """
    (here / "a,b.txt").write_text("## 50%: one\nbalance => 10  🧧\x1b[31m红包\x07\x00%\n", "utf-8")

    code, out, _ = plays(capsys, "--github", "a,b.txt", "--junit", "report.xml")

    assert 24 == code
    report = ElementTree.fromstring((here / "report.xml").read_bytes())
    said = report.findtext("testsuite/testcase/failure") or ""
    assert "  expected: 🧧�[31m红包��%\n  came: " in said
    mark, last = out.splitlines()
    assert mark.startswith(
        "::error file=a%2Cb.txt,line=2,title=hongbao play · 50%25%3A one::"
        "a,b.txt:2 · 50%25: one · `hongbao balance`%0A  expected: 🧧�[31m红包��%25%0A  came: "
    )
    assert last.startswith("failed\ta,b.txt\t1\t")
    assert 2 == plays(capsys, "--github", "--json", "a,b.txt")[0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_player_that_is_ended_leaves_no_folder(here: Path, number: signal.Signals):
    """
    Neither its own, nor a command that still runs in it.
    """
    variables = {**os.environ, "TMPDIR": str(here / "temporary"), "HONGBAO_LANG": "en"}
    player = subprocess.Popen(
        [sys.executable, "-m", "hongbao", "play", "attacks"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
    )
    assert player.stdout is not None
    while b"topup" not in player.stdout.readline():
        pass
    player.send_signal(number)
    player.communicate(timeout=30)

    assert player.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert [] == list((here / "temporary").iterdir())
