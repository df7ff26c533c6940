"""Each sentence that the installed command-line library says of bad usage is one we know."""

import os
import re
from enum import Enum
from pathlib import Path
from typing import Annotated
from unittest import mock

import pytest
import typer
from typer.exceptions import TyperException
from typer.main import get_command

from hongbao import words
from hongbao.errors import BadCommandLine, recall
from hongbao.parser_words import SENTENCES, in_our_words
from tests.every import every


class Form(Enum):
    CSV = "csv"
    JSON = "json"


def _app() -> typer.Typer:
    """Build a program with one of everything that a person can get wrong."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)

    @app.command()
    def send(
        amount: str,
        count: Annotated[int, typer.Option("--count", "-n", min=1)] = 1,
        each: Annotated[int, typer.Option()] = 1,
        yes: Annotated[bool, typer.Option("--yes")] = False,
        pair: Annotated[tuple[str, str], typer.Option()] = ("a", "b"),
        form: Annotated[Form, typer.Option()] = Form.CSV,
        loud: Annotated[bool, typer.Option("--loud", envvar="LOUD")] = False,
        seed: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
        home: Annotated[Path | None, typer.Option(exists=True, file_okay=False)] = None,
    ) -> None: ...

    @app.command()
    def export(
        form: Annotated[Form, typer.Argument()],
        to: Annotated[Form, typer.Option()],
        pair: Annotated[tuple[str, str], typer.Argument()],
    ) -> None: ...

    @app.command()
    def gamble() -> None:
        raise typer.BadParameter("no luck.")

    return app


def refusal(argv: list[str]) -> str:
    """Return how the library refuses *argv*, which may begin with a variable, in its own words."""
    environment = {}
    if argv and "=" in argv[0]:
        name, value = argv.pop(0).split("=")
        environment[name] = value
    with mock.patch.dict(os.environ, environment), pytest.raises(TyperException) as caught:
        get_command(_app()).main(argv, prog_name="hongbao", standalone_mode=False)
    return str(caught.value.format_message())


CASES = [
    ([], "a command is missing", "缺少命令"),
    (["frobnicate"], "there is no command 'frobnicate'", "没有命令“frobnicate”"),
    (
        ["sned"],
        "there is no command 'sned'; did you mean 'send'?",
        "没有命令“sned”，你要的是“send”吗？",
    ),
    (["--foo"], "there is no option --foo", "没有选项 --foo"),
    (
        ["send", "1", "--cuont", "2"],
        "there is no option --cuont; did you mean --count?",
        "没有选项 --cuont，你要的是 --count 吗？",
    ),
    (["send", "1", "-q"], "there is no option -q", "没有选项 -q"),
    (["send"], "'amount' is missing", "缺少“amount”"),
    (["send", "1", "2", "3"], "too many arguments: 2 3", "多余的参数：2 3"),
    (["send", "1", "--count"], "--count needs a value", "--count 需要一个值"),
    (["send", "1", "--yes=1"], "--yes takes no value", "--yes 不带值"),
    (["send", "1", "--pair", "a"], "--pair needs 2 values", "--pair 需要2个值"),
    (
        ["send", "1", "--count", "x"],
        "--count / -n: 'x' is not a whole number",
        "--count / -n：“x”不是整数",
    ),
    (["send", "1", "--each", "x"], "--each: 'x' is not a whole number", "--each：“x”不是整数"),
    (
        ["send", "1", "-n", "0"],
        "--count / -n: 0 is not in the range x>=1",
        "--count / -n：0超出范围 x>=1",
    ),
    (
        ["send", "1", "--form", "pdf"],
        "--form: 'pdf' is not one of 'csv', 'json'",
        "--form：“pdf”不在可选值之中：“csv”、“json”",
    ),
    (["export"], "'form' is missing: one of csv, json", "缺少“form”，可选：csv、json"),
    (
        ["export", "csv", "a", "b"],
        "--to is missing: one of csv, json",
        "缺少 --to，可选：csv、json",
    ),
    (
        ["send", "1", "--seed", "nowhere"],
        "--seed: there is no 'nowhere'",
        "--seed：“nowhere”不存在",
    ),
    (["send", "1", "--seed", "."], "--seed: '.' is a folder", "--seed：“.”是文件夹"),
    (
        ["send", "1", "--home", __file__],
        f"--home: {__file__!r} is a file",
        f"--home：“{__file__}”是文件",
    ),
    (["export", "csv", "a", "--to", "csv"], "'pair' needs 2 values", "“pair”需要2个值"),
    (
        ["LOUD=maybe", "send", "1"],
        "--loud, set by 'LOUD': 'maybe' is neither yes nor no",
        "--loud（来自“LOUD”）：请回答“是”或“否”，不是“maybe”",
    ),
    (["gamble"], "no luck", "no luck"),
]


@every(("argv", "english", "chinese"), CASES, ids=[c[1] for c in CASES])
def test_what_the_library_says_is_said_our_way(argv: list[str], english: str, chinese: str):
    """
    People read our words in their language, programs read them in English.
    """
    words.use_language("zh_CN")

    error = BadCommandLine(refusal([*argv]), command="hongbao")

    assert english == error.as_dict()["message"]
    assert chinese == error.message


@every(("argv", "english", "chinese"), CASES, ids=[c[1] for c in CASES])
def test_a_refusal_that_was_kept_is_said_again_in_any_language(
    argv: list[str], english: str, chinese: str
):
    """
    `hongbao why` explains the last refusal, of which the English is kept.
    """
    words.use_language("zh_CN")
    error = BadCommandLine(refusal([*argv]), command="hongbao")

    again = recall(error.as_dict())

    assert (english, chinese) == (again.as_dict()["message"], again.message)


def test_an_unknown_sentence_is_kept():
    """
    A library's new sentence is shown in English rather than swallowed.
    """
    words.use_language("zh_CN")

    assert "The moon is full" == BadCommandLine("The moon is full.", command="hongbao").message


def test_every_sentence_that_we_recognise_is_one_that_the_library_says():
    """
    A sentence that the installed library no longer has would stand in our list for nothing.
    """
    said = " ".join(" ".join(refusal([*argv]).split()) for argv, *_ in CASES)

    unsaid = [
        theirs
        for theirs in SENTENCES
        if not re.search(re.sub(r"\\{\w+\\}", ".+?", re.escape(theirs)), said)
    ]

    assert [] == unsaid


def test_what_was_typed_is_told_back_harmlessly():
    """
    An option that is ten pages long, or turns the line around, does nothing to the screen.
    """
    said = in_our_words(f"No such option: --\u202e\x1b[2J{'x' * 100_000}")

    assert said.startswith("there is no option --\\u202e\\x1b[2Jxxx")
    assert len(said) < 250
