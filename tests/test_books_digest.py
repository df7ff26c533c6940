"""The books digest: the same for the same acts, whoever's machine they are done on."""

import json
import os
from collections.abc import Mapping
from contextlib import closing

import pytest

from hongbao.story import Answered, parse, play
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
    text: str, *, language: str = "en", variables: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Play the story *text*, and return the books digest at its end, and the seal of the head."""
    with closing(play(parse(text, "a.txt"), language=language, variables=variables or {})) as said:
        last = list(said)[-1]
    assert isinstance(last, Answered)
    checked = json.loads(last.out)
    return checked["digest"], checked["head"]["mac"]


def test_the_same_acts_have_the_same_digest_under_other_keys_zones_and_languages():
    """
    Two homes draw two sets of keys, so their heads differ; what was done is the same.
    """
    with warm.stories():
        here, our_head = digest_of(STORY)
        there, their_head = digest_of(STORY, language="zh_CN", variables=ABROAD)

    assert here == there
    assert our_head != their_head


@pytest.mark.parametrize(
    ("was", "instead"),
    [("topup 10 ", "topup 10.01 "), ("send 8.88", "send 8.87"), ("advance 1d", "advance 23h")],
)
def test_one_fen_makes_another_digest(was: str, instead: str):
    """
    One more paid in, one less sent; or what was left over has not come back yet.
    """
    with warm.stories():
        assert digest_of(STORY)[0] != digest_of(STORY.replace(was, instead))[0]


@pytest.mark.slow
def test_processes_with_other_hash_seeds_agree_on_the_digest():
    """
    Processes that wake by themselves, and order their sets otherwise.
    """
    found = {
        digest_of(STORY, language=language, variables={**os.environ, **variables})[0]
        for language, variables in (
            ("en", {"PYTHONHASHSEED": "1", "TZ": "UTC"}),
            ("zh_CN", {"PYTHONHASHSEED": "4711", **ABROAD}),
        )
    }

    assert 1 == len(found)
