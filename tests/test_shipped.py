"""The stories that come with hongbao: they hold, and say the same everywhere."""

import os
import re
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from hongbao import cli
from hongbao.story import Answered, Closed, Failed, Skipped, perform, shipped
from hongbao.story.script import Chapter, Command, Narration, Note
from tests import warm
from tests.every import every

ROOT = Path(__file__).parents[1]

NAMES = [story.name for story in shipped.all_of_them()]
DAILY = ("outage",)
DIGESTS = {
    "attacks": "79a773385d968343",
    "demo": "8d6320a956111038",
    "luck": "75662de67adf8780",
    "midnight": "de485fea4a73368f",
    "outage": "e958d6921e5cd85e",
    "packet": "3ba64cdbc4e2d33c",
    "refund": "9c09cfd19c217481",
    "retry": "9ff5987eb5f7b124",
    "turns": "1c098c4029d15d56",
}
"""How the books' digest of each begins, on every machine; it changes with the story alone."""

FEW = ("outage", "turns")
"""Those that are short, and of which one needs processes at a gate."""

WORLDS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C", "TERM": "dumb"},
    {"PYTHONHASHSEED": "4711", "TZ": "America/New_York", "LANG": "zh_CN.UTF-8", "COLUMNS": "40"},
)


def test_each_has_a_digest():
    """
    A packet's life, a bank that fails, midnight, attacks, retries and so on.
    """
    assert NAMES == list(DIGESTS)


@every("story", shipped.all_of_them(), ids=lambda story: story.name)
def test_each_is_told_in_both_languages(story: shipped.Shipped):
    """
    Every paragraph, title and note, and Chinese where it says zh; it begins with what it is about.
    """
    for scene in story.story.scenes:
        if isinstance(scene, Narration | Chapter | Note):
            assert {"en", "zh"} == set(scene.told), scene
            assert re.search("[\u4e00-\u9fff]", scene.told["zh"])
    assert len(story.about("en")) <= 100


@every("story", shipped.all_of_them(), ids=lambda story: story.name)
def test_no_line_depends_on_a_language(story: shipped.Shipped):
    """
    A sentence ends otherwise in Chinese, so what is expected of one is open at both ends.
    """
    commands = [scene for scene in story.story.scenes if isinstance(scene, Command)]
    texts = [
        expected.text
        for command in commands
        for expected in command.expected
        if expected.where in ("out", "err", "either")
    ]
    assert [] == [text for text in texts if not (text.startswith("…") and text.endswith("…"))]


def test_play_without_a_file_lists_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Each on a line, in the language of who asks; a program gets English.
    """
    monkeypatch.setenv("HONGBAO_LANG", "zh")
    assert 0 == cli.main(["play"])
    lines = capsys.readouterr().out.splitlines()
    assert NAMES == [line.partition("\t")[0] for line in lines]
    assert all(re.search("[\u4e00-\u9fff]", line) for line in lines)
    assert 0 == cli.main(["play", "--json"])
    assert "midnight: a day is" in capsys.readouterr().out


def test_a_file_of_ones_own_comes_before_one_of_that_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    What is typed is a file, if there is one.
    """
    monkeypatch.chdir(tmp_path)
    Path("retry").write_text("balance => 10", "utf-8")
    with warm.stories():
        assert 0 == cli.main(["play", "--check", "retry"])
        assert "ok\tretry\t1\t" in capsys.readouterr().out
    assert 10 == cli.main(["play", "../retry"])


@pytest.mark.parametrize(
    "name",
    [name if name in DAILY else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_each_holds_in_both_languages_with_the_same_books(name: str, tmp_path: Path):
    """
    Nothing fails, nothing is skipped, and the digest knows no language.
    """
    path = shipped.path_of(name)
    assert path is not None
    digests = set()
    # Processes at once are real: they would hash again the PINs that a warm one hashed cheaply.
    is_parallel = "\ntogether" in path.read_text("utf-8")
    with nullcontext() if is_parallel else warm.stories():
        for language in ("en", "zh_CN"):
            folder = tmp_path / language
            folder.mkdir(0o700)
            story = next(each.story for each in shipped.all_of_them() if each.name == name)
            events = list(perform(story, folder, language=language))
            assert [] == [each for each in events if isinstance(each, Failed | Skipped)]
            assert isinstance(events[-1], Closed)
            digests.add(events[-1].digest)
            assert any(isinstance(each, Answered) for each in events)
    assert [DIGESTS[name]] == [digest and digest[:16] for digest in digests]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_says_the_same_in_every_world(name: str, language: str, tmp_path: Path):
    """
    As processes, in an empty folder, with no home: other zones, hash seeds, locales and widths.
    """
    said = []
    for number, world in enumerate(WORLDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        variables = {"PATH": os.environ["PATH"], "HONGBAO_LANG": language, **world}
        done = subprocess.run(
            [sys.executable, "-m", "hongbao", "play", name],
            cwd=folder,
            env=variables,
            capture_output=True,
            check=False,
        )
        assert (0, b"") == (done.returncode, done.stderr)
        assert [] == list(folder.iterdir())
        said.append(done.stdout)
    assert said[0] == said[1]
    assert b"hongbao" in said[0]


FROM_A_WHEEL = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
from hongbao import cli
assert cli.__file__.startswith(sys.path[0])
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_stories_play_from_the_wheel_in_an_empty_folder(tmp_path: Path):
    """
    It brings whatever stories, lessons, tasks and tables are made of, and needs no variable.
    """
    site, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "hongbao").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    played = subprocess.run(
        [sys.executable, "-c", FROM_A_WHEEL, site, "play", "--check", *FEW],
        cwd=here,
        env={"PATH": os.defpath, "HOME": str(here), "LANG": "C", "TERM": "dumb", "COLUMNS": "40"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert set() == ours - {str(path.relative_to(site)) for path in site.rglob("*")}
    assert (0, "") == (played.returncode, played.stderr)
    rows = [row.split("\t") for row in played.stdout.splitlines()]
    assert [(name, DIGESTS[name]) for name in FEW] == [
        (row[1].removesuffix(".txt"), row[3][:16]) for row in rows
    ]
    assert [] == [*here.iterdir()]
