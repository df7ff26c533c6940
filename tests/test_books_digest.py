"""The books digest: the same for the same acts, whoever's machine they are done on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from hongbao.story import HOME, Answered, Closed, parse, perform
from hongbao.story.running import process
from tests import warm

STORY = """
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice 88 => 0
init 李四                                  => 0
card add 9999010000000003                  => 0
topup 10                                   => 0
send 8.88 --count 2 --json                 => 0  {"packet": "[packet]"}
李四: claim [packet]                       => 0
clock advance 1d                           => 0
backup copy.hongbao                        => 0
check --json                               => 0
"""

ABROAD = {"TZ": "America/New_York"}


def digest_of(
    text: str, folder: Path, *, language: str = "en", variables: Mapping[str, str] | None = None
) -> str:
    """Play the story *text* in the new *folder*, and return the books digest at its end."""
    folder.mkdir()
    *said, closed = perform(
        parse(text, "a.txt"), folder, language=language, variables=variables or {}
    )
    assert isinstance(closed, Closed)
    assert closed.digest is not None
    [checked] = [
        each.out for each in said if isinstance(each, Answered) and "check" in each.command
    ]
    assert closed.digest == json.loads(checked)["digest"]
    return closed.digest


def head_of(folder: Path) -> str:
    """Return the seal of the last entry; in what a story shows, it reads [head]."""
    ran = process(
        ["check", "--json"], folder, {**os.environ, "HONGBAO_HOME": str(folder / HOME)}, None
    )
    head: str = json.loads(ran.out)["head"]["mac"]
    return head


def test_the_same_acts_have_the_same_digest_under_other_keys_zones_and_languages(tmp_path: Path):
    """
    Two homes draw two sets of keys, so their heads differ; what was done is the same.
    """
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with warm.stories():
        here = digest_of(STORY, ours)
        there = digest_of(STORY, theirs, language="zh_CN", variables=ABROAD)

    assert here == there
    assert head_of(ours) != head_of(theirs)


@pytest.mark.parametrize(
    ("was", "instead"),
    [("topup 10 ", "topup 10.01 "), ("send 8.88", "send 8.87"), ("advance 1d", "advance 23h")],
)
def test_one_fen_makes_another_digest(tmp_path: Path, was: str, instead: str):
    """
    One more paid in, one less sent; or what was left over has not come back yet.
    """
    with warm.stories():
        ours = digest_of(STORY, tmp_path / "ours")
        assert ours != digest_of(STORY.replace(was, instead), tmp_path / "theirs")


@pytest.mark.slow
def test_processes_with_other_hash_seeds_agree_on_the_digest(tmp_path: Path):
    """
    Processes that wake by themselves, and order their sets otherwise.
    """
    found = {
        digest_of(
            STORY, tmp_path / language, language=language, variables={**os.environ, **variables}
        )
        for language, variables in (
            ("en", {"PYTHONHASHSEED": "1", "TZ": "UTC"}),
            ("zh_CN", {"PYTHONHASHSEED": "4711", **ABROAD}),
        )
    }

    assert 1 == len(found)
