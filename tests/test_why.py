"""What `hongbao why` says: every error has its texts in both languages, and examples are real."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from hongbao import why, words
from hongbao.commands.house import root_command
from hongbao.commands.topics import EXIT_CODES, SCRIPTS
from hongbao.errors import TOPICS, kinds
from hongbao.story.script import parse
from tests import why as played
from tests.every import every
from tests.test_words import faults
from tools.catalogue import Message

ROOT = Path(__file__).parent.parent
EXPLAINED = why.explanations()
CODES = tuple(why.codes())
PLAYED = [each for each in EXPLAINED.values() if each.story is not None]

DAILY = (
    *("unanswered", "insufficient_balance", "wrong_pin", "home_not_found"),
    *("limit_exceeded", "not_for_you"),
)
"""Examples of every kind, which are played each day; all of them are by the slow test."""

HOUSE: Any = root_command()

_COMMAND = re.compile(r"`hongbao ([^`]+)`")
_CHINESE = re.compile("[一-鿿]")


def test_every_error_is_explained_and_nothing_else_is():
    """
    A new error comes with its texts: add them to the file of its topic in hongbao/why.
    """
    assert set(CODES) == set(EXPLAINED)
    assert {path.stem for path in why.FOLDER.glob("*.toml")} == set(TOPICS)
    assert [] == [
        kind.code
        for kind in kinds()
        if import_module(f"hongbao.errors.{EXPLAINED[kind.code].topic}").__name__ != kind.__module__
    ]


@every("code", CODES)
def test_every_error_has_a_meaning_and_a_remedy_in_both_languages(code: str):
    """
    Whole sentences, in the language that they claim to be in, and not much longer in one of them.
    """
    said = EXPLAINED[code].said

    assert ["en", "zh"] == list(said)
    for text in (said["en"].meaning, said["en"].remedy):
        assert re.fullmatch(r"(hongbao|[`A-Z]).*[.]", text, re.DOTALL), text
        assert len(text.split()) >= 4
    for text in (said["zh"].meaning, said["zh"].remedy):
        assert _CHINESE.search(text)
        assert text.endswith("。"), text
    for english, chinese in zip(said["en"], said["zh"], strict=True):
        assert [] == faults(Message(english, ["hongbao/why"], chinese))
        assert len(english) < 6 * len(chinese)


@every("code", CODES)
def test_commands_in_the_texts_exist(code: str):
    """
    With their subcommands and options.
    """
    for said in EXPLAINED[code].said.values():
        for typed in _COMMAND.findall(f"{said.meaning} {said.remedy}"):
            if typed.startswith(("COMMAND", "<命令>")):
                continue
            name, *rest = typed.split()
            command = HOUSE.get_command(typer.Context, name)
            assert command is not None, typed
            if rest and rest[0] in getattr(command, "commands", {}):
                command = command.commands[rest[0]]
            known = {option for param in command.params for option in param.opts} | {"--help"}
            assert {word for word in rest if word.startswith("-")} <= known, typed


@every("code", CODES)
def test_an_example_can_be_played_or_says_why_not(code: str):
    """
    For one of the reasons that there are; where something like it happens is a file.
    """
    explanation = EXPLAINED[code]

    assert (explanation.story is None) is (explanation.unplayed in why.UNPLAYED)
    assert explanation.unplayed is None or explanation.story is None
    if explanation.seen is not None:
        assert (ROOT / explanation.seen).exists()
    kept = json.loads(why.PLAYED.read_text(encoding="utf-8"))
    assert (code in kept) is (explanation.story is not None)
    if explanation.story is not None:
        parse(why.story_of(explanation), code)


def test_the_large_majority_can_be_played():
    """
    Of what needs no servers. Every reason for the others is used.
    """
    served = sum(each.unplayed == "servers" for each in EXPLAINED.values())
    assert len(PLAYED) >= (len(CODES) - served) * 2 // 3
    assert set(why.UNPLAYED) == {each.unplayed for each in EXPLAINED.values()} - {None}


@every("code", CODES)
def test_an_example_ends_with_its_error_in_both_languages(code: str):
    """
    With the facts of when it was played.
    """
    example = why.example(code)
    english = example.error.message, example.error.hint
    words.use_language("zh_CN")
    chinese = example.error.message, example.error.hint

    assert code == example.error.code
    assert english != chinese
    assert bool(example.lines) is (EXPLAINED[code].story is not None)


def test_examples_give_their_error_when_they_are_played():
    """
    A few of them; and the kept file has what they gave.
    """
    _play([each for each in PLAYED if each.code in DAILY])


@pytest.mark.slow
def test_each_example_gives_its_error_when_it_is_played():
    """
    All of them: ``python -m tests.why`` writes the kept file anew.
    """
    _play(PLAYED)


def _play(examples: list[why.Explanation]) -> None:
    kept = json.loads(why.PLAYED.read_text(encoding="utf-8"))
    with played.begun() as start:
        assert [] == [each.code for each in examples if kept[each.code] != played.play(each, start)]


def test_the_page_of_exit_codes_says_what_the_command_says():
    """
    What a script does about each; links are the page's own.
    """
    page = (ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*?) \| .*? \| (.*?) \|$", page, re.MULTILINE)

    assert {int(code): said for code, said in EXIT_CODES.items()} == {
        int(number): meaning for number, meaning, _does in rows
    }
    assert {int(code): said for code, said in SCRIPTS.items()} == {
        int(number): re.sub(r"\[(.*?)\]\(.*?\)", r"\1", does) for number, _meaning, does in rows
    }
