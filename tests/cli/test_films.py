"""``hongbao play`` with --cast, --svg, --html and --verify: recordings of stories."""

import json
from pathlib import Path

import pytest

from hongbao import cli
from tests import warm
from tests.every import every

STORY = """\
given sum = 8.88
file pin: 271828
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88   => 0
## One
card add 9999010000000003        => 0
topup [sum]                      => 0   …[sum]…
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a story."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HONGBAO_LANG", "en")
    (tmp_path / "a.txt").write_text(STORY, encoding="utf-8")
    return tmp_path


def plays(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str, str]:
    """Return how ``hongbao play`` with *typed* ended, and what it said on both outputs."""
    with warm.stories():
        code = cli.main(["play", *typed])
    return code, *capsys.readouterr()


def test_recordings_are_made_played_and_verified(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    With the names that were set, in any language, and only over others if that is said.
    """
    files = ["--cast", "a.cast", "--svg", "a.svg", "--html", "a.html", "--poster", "p.svg"]

    code, out, _ = plays(capsys, "a.txt", *files, "--set", "sum=9.99", "--json")
    made = json.loads(out)
    with pytest.MonkeyPatch.context() as abroad:
        abroad.setenv("HONGBAO_LANG", "zh")
        abroad.setenv("TZ", "Asia/Tokyo")
        seen = plays(capsys, "--verify", "a.cast", "a.svg", "a.html", "p.svg")
        assert 0 == plays(capsys, "a.txt", "--cast", "zh.cast", "--json")[0]
    assert "已" in (here / "zh.cast").read_text("utf-8")
    played = plays(capsys, "a.svg", "--check")
    set_again = plays(capsys, "a.svg", "--check", "--set", "sum=1.00")

    assert (0, ["a.cast", "a.svg", "a.html", "p.svg"]) == (code, made["files"])
    assert [each["title"] for each in made["chapters"]] == ["", "One"]
    assert (0, 4) == (seen[0], seen[1].count("true\t"))
    assert (0, True) == (played[0], played[1].startswith(f"ok\ta.svg\t3\t{made['digest']}"))
    assert (0, False) == (set_again[0], made["digest"] in set_again[1])
    assert b"271828" not in b"".join(path.read_bytes() for path in here.glob("?.[chs]*"))
    assert "9.99" in (here / "a.cast").read_text("utf-8")

    code, _, err = plays(capsys, "a.txt", "--svg", "a.svg", "--json")
    assert (2, "file_exists") == (code, json.loads(err)["error"]["code"])
    assert 0 == plays(capsys, "a.txt", "--svg", "a.svg", "--yes", "--loop", "--size", "40x6")[0]
    assert "infinite" in (here / "a.svg").read_text("utf-8")


@pytest.mark.slow
def test_a_picture_that_is_not_true_any_more_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """
    With the line that differs, and exit code 24; the others are looked at as well.
    """
    plays(capsys, "a.txt", "--cast", "a.cast", "--cast-version", "2")
    text = (here / "a.cast").read_text("utf-8")
    (here / "b.cast").write_text(text.replace("given sum = 8.88", "given sum = 7.77"), "utf-8")

    code, out, err = plays(capsys, "--verify", "b.cast", "a.cast")
    refused = json.loads(plays(capsys, "--verify", "b.cast", "--json")[2])["error"]

    assert (24, ["differs", "true"]) == (code, [line.split()[0] for line in out.splitlines()])
    assert "b.cast is not true any more: line " in err
    assert ("picture_differs", "line") == (refused["code"], refused["problem"])
    assert "8.88" in refused["expected"]
    assert "7.77" in refused["got"]


def test_a_story_that_fails_is_not_recorded(here: Path, capsys: pytest.CaptureFixture[str]):
    """
    What failed is said, and no file is written.
    """
    (here / "a.txt").write_text(
        STORY.replace("topup [sum]                      => 0", "topup [sum] => 12"), "utf-8"
    )

    code, _, err = plays(capsys, "a.txt", "--svg", "a.svg")

    assert 24 == code
    assert "a.txt:6 · One · `hongbao topup 8.88`\n  expected: exit code 12" in err
    assert not (here / "a.svg").exists()


@every(
    ("typed", "name"),
    [
        (["--verify"], "usage"),
        (["--verify", "a.txt"], "no_story_in_it"),
        (["--verify", "none.svg"], "file_not_readable"),
        (["--verify", "--check", "a.svg"], "conflicting_options"),
        (["--verify", "--svg", "b.svg", "a.svg"], "conflicting_options"),
        (["a.txt", "a.txt", "--svg", "a.svg"], "conflicting_options"),
        (["a.txt", "--svg", "a.svg", "--check"], "conflicting_options"),
        (["a.txt", "--svg", "a.svg", "--home", "b"], "conflicting_options"),
        (["a.txt", "--loop"], "usage"),
        (["a.txt", "--size", "80x24"], "usage"),
        (["a.txt", "--svg", "a.svg", "--size", "80"], "bad_size"),
        (["a.txt", "--svg", "a.svg", "--size", "39x24"], "bad_size"),
        (["a.txt", "--svg", "a.svg", "--size", "80x９"], "bad_size"),
        (["a.txt", "--cast", "a.cast", "--cast-version", "1"], "invalid_number"),
        (["a.txt", "--svg", "a.txt"], "file_exists"),
        (["a.txt", "--svg", "a.svg", "--set", "no=1"], "invalid_given"),
    ],
)
def test_what_cannot_be_recorded(
    typed: list[str], name: str, here: Path, capsys: pytest.CaptureFixture[str]
):
    """
    And nothing is written.
    """
    code, out, err = plays(capsys, "--json", *typed)

    assert ("", name) == (out, json.loads(err)["error"]["code"])
    assert code in (2, 10)
    assert {"a.txt"} == {path.name for path in here.iterdir()}
