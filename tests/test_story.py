"""The runner of stories: reading them, playing them, and holding commands to their word."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hongbao.errors import FileNotReadable, InvalidStory
from hongbao.story import parse, read
from hongbao.story.promises import differing, first_match, pattern_of, plain
from hongbao.story.script import Command, Expectation, Narration, Prop

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "hongbao" / "stories" / "demo.txt"


def command(line: str) -> Command:
    """Return the one command that *line* is."""
    [scene] = parse(line, "a.txt").scenes
    assert isinstance(scene, Command)
    return scene


# --- reading -------------------------------------------------------------------------------------


def test_a_command_ends_in_an_arrow_and_its_exit_code():
    """
    What stands before the arrow is typed as it is; spaces that align arrows are not.
    """
    assert Command(1, None, "topup 10", 0, ()) == command("topup 10         => 0")


def test_who_acts_may_stand_before_the_command():
    """
    In any script, with either colon.
    """
    assert ("李四", "claim 1") == (command("李四: claim 1 => 0").actor, "claim 1")
    assert "李四" == command("李四： claim 1 => 0").actor


@pytest.mark.parametrize(
    "typed",
    [
        "clock set 2026-02-16T20:00:00+08:00",
        "send 1 --greeting 'a => 9'",
        'send 1 --greeting "新年: 好"',
        "HONGBAO_LANG=zh balance",
    ],
)
def test_what_is_typed_is_not_mistaken_for_the_storys_own_signs(typed: str):
    """
    An arrow in quotes is no arrow, and a colon inside a word names nobody.
    """
    assert Command(1, None, typed, 0, ()) == command(f"{typed} => 0")


def test_an_answer_is_expected_beside_or_below_its_command():
    """
    Beside it on either output; below it on the one that is named, or as facts of a document.
    """
    [scene] = parse('balance => 0 1.00\n  > 1.00\n  2> no\n  {"a": 1}\n  2>', "a.txt").scenes

    assert isinstance(scene, Command)
    assert (
        Expectation(1, "either", "1.00"),
        Expectation(2, "out", "1.00"),
        Expectation(3, "err", "no"),
        Expectation(4, "json", '{"a": 1}'),
        Expectation(5, "err", ""),
    ) == scene.expected


def test_comments_tell_each_language_its_own():
    """
    Lines without a language go on with the one before; a line of both is for everyone.
    """
    text = "# en: Once upon\n#     a time.\n# zh: 从前，\n#     有一天。\n\n# 红包"

    assert (
        Narration(1, {"en": "Once upon a time.", "zh": "从前，有一天。"}),
        Narration(6, {"": "红包"}),
    ) == parse(text, "a.txt").scenes


@pytest.mark.parametrize(
    ("told", "language", "heard"),
    [
        ({"en": "hi", "zh": "好"}, "zh_CN", "好"),
        ({"en": "hi", "zh": "好"}, "en", "hi"),
        ({"": "hi"}, "zh_CN", "hi"),
        ({"en": "hi"}, "zh_CN", "hi"),
    ],
)
def test_a_reader_hears_their_language_or_what_there_is(
    told: Mapping[str, str], language: str, heard: str
):
    """
    A story in one language is told in it to everyone.
    """
    assert heard == Narration(1, told).told_in(language)


def test_a_file_is_one_line_ready_for_the_commands():
    """
    Even an empty one.
    """
    scenes = parse("file pin: 246810\nfile empty:", "a.txt").scenes

    assert (Prop(1, "pin", "246810"), Prop(2, "empty", "")) == scenes


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("balance", 1, "no_arrow"),
        ("balance =>", 1, "no_exit_code"),
        ("balance => fine", 1, "no_exit_code"),
        ("balance => 256", 1, "no_exit_code"),
        ("\n  > 1.00", 2, "no_command"),
        ("balance => 0\n\n  > 1.00", 3, "no_command"),
        ("# once\n  > 1.00", 2, "no_command"),
        ("file pin: 1\n  > 1.00", 2, "no_command"),
        (" => 0", 1, "no_command"),
        ("HONGBAO_LANG=zh => 0", 1, "no_command_word"),
        ("balance => 0\n  1.00", 2, "bad_expectation"),
        ("balance => 0\n  {1}", 2, "bad_json"),
        ("balance => 0 {", 1, "bad_json"),
        ("send 1 --greeting 'hi => 0", 1, "open_quote"),
        ("send 1 => 0\nclaim [packet] => 0", 2, "unknown_name"),
        ("HONGBAO_HOME=/ balance => 0", 1, "not_yours"),
        ("HONGBAO_LANG=zh HONGBAO_HOME=/ balance => 0", 1, "not_yours"),
    ],
)
def test_a_story_that_cannot_be_played_says_which_line(text: str, line: int, problem: str):
    """
    Before anything runs, and with what would be right.
    """
    with pytest.raises(InvalidStory) as caught:
        parse(text, "a.txt")

    assert (line, problem) == (caught.value.facts["line"], caught.value.facts["problem"])
    assert str(caught.value).startswith(f"story a.txt, line {line}: ")


def test_a_story_that_is_no_text_is_refused(tmp_path: Path):
    """
    Like one that is not there.
    """
    (tmp_path / "a.txt").write_bytes(b"\xff")

    for name in ("a.txt", "b.txt"):
        with pytest.raises(FileNotReadable):
            read(tmp_path / name)


# --- comparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "heard", "names"),
    [
        ("10.00", "10.00", {}),
        ("a b", "a b", {}),
        ("…10.00…", "balance 10.00 yuan", {}),
        ("balance … yuan", "balance 10.00 yuan", {}),
        ("balance ... yuan", "balance 10.00 yuan", {}),
        ("sent [packet] · …", "sent hb_7Q2M4K9X · 5 shares", {"packet": "hb_7Q2M4K9X"}),
        ("已发出[packet]，…", "已发出hb_7Q2M4K9X，共5份", {"packet": "hb_7Q2M4K9X"}),
        ("[known] again", "word again", {}),
        ("[a] is [a]", "x is x", {"a": "x"}),
        ("[a] is [a]", "x is y", None),
        ("10.00", "110.00", None),
        ("10.00", "10x00", None),
        ("[packet]", "hb_7Q2M4K9", None),
        ("[known]", "other", None),
    ],
)
def test_a_line_is_what_was_expected_or_not(
    expected: str, heard: str, names: dict[str, str] | None
):
    """
    Whole, but for … which is anything, and names, which are a word that is kept.
    """
    found = first_match(pattern_of(expected, {"known": "word"}), [heard])

    assert names == found


@pytest.mark.parametrize(
    ("expected", "got", "wrong"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ("a.b: 1", "a.b: 2")),
        ({"a": 1}, {}, ("a: 1", "no a")),
        ({"a": 1}, {"a": True}, ("a: 1", "a: true")),
        ({"a": None}, {"a": None}, None),
        ({"a": [{"b": 1}, {}]}, {"a": [{"b": 1}, {"c": 1}]}, None),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ("a[0].b: 1", "a[0].b: 2")),
        ({"a": [1]}, {"a": [1, 2]}, ("a: 1", "a: 2")),
        ({"a": "… over …"}, {"a": "5 is over 4"}, None),
        ({"a": "over"}, {"a": "5 is over 4"}, ('a: "over"', 'a: "5 is over 4"')),
    ],
)
def test_a_document_has_at_least_the_facts_expected(
    expected: Any, got: Any, wrong: tuple[str, str] | None
):
    """
    What differs first is named by its place, and 1 is not true.
    """
    assert wrong == differing(expected, got, {}, "")


def test_a_name_is_filled_from_a_document_and_kept():
    """
    The same name is the same word from then on.
    """
    names: dict[str, str] = {}

    first = differing({"packet": "[packet]"}, {"packet": "hb_7Q2M4K9X"}, names, "")
    again = differing({"packet": "[packet]"}, {"packet": "hb_7Q2M4K9W"}, names, "")

    assert first is None
    assert {"packet": "hb_7Q2M4K9X"} == names
    assert again is not None


def test_colours_do_not_count():
    """
    Nor links, nor the cursor's moves.
    """
    assert "红包 10" == plain("\x1b[1;31m红包\x1b[0m \x1b]8;;http://x\x1b\\10\x1b]8;;\x07\x1b[K")
