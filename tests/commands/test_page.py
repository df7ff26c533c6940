"""Help fits the terminal, whatever its width and whichever the language."""

import re
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from hongbao import words
from hongbao.commands.library import Speaking
from hongbao.commands.page import COLUMNS_MIN
from hongbao.ui.script import columns, wrapped

ENGLISH = "Send a red packet to whoever is quickest, or to one person alone."
CHINESE = "发一个红包，先到先得；也可以只发给一个人（专属红包），24小时内没人领的会退回。"


class Command(TyperCommand):
    context_class = Speaking


class Group(TyperGroup):
    context_class = Speaking


def page(*argv: str, told: str = ENGLISH) -> str:
    """Return the help that a program of one command and one group prints."""
    app = typer.Typer(cls=Group, rich_markup_mode=None, add_completion=False)

    @app.command(cls=Command, help=f"{told}\n\nhongbao send 66.66 --count 5", short_help=told)
    def send(
        amount: Annotated[str, typer.Argument(help=told)],
        greeting: Annotated[str, typer.Option("--greeting", "-g", help=told)] = "hi",
        dry: Annotated[bool, typer.Option("--dry-run", "-n", help=told)] = False,
    ) -> None: ...

    @app.command(cls=Command, help=told, short_help=told)
    def claim(packet: str) -> None: ...

    command: Any = get_command(app)
    context = command.make_context("hongbao", [], resilient_parsing=True)
    for name in argv:
        command = command.get_command(context, name)
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    return str(command.get_help(context))


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("width", [24, 40, 60, 80])
@pytest.mark.parametrize("argv", [[], ["send"]])
def test_no_line_is_wider_than_the_terminal(
    language: str, width: int, argv: list[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Counted in columns, of which a Chinese character fills two.
    """
    monkeypatch.setenv("COLUMNS", str(width))
    words.use_language(language)

    lines = page(*argv, told=CHINESE if language == "zh_CN" else ENGLISH).splitlines()

    copyable = "  hongbao send 66.66 --count 5"
    assert [] == [line for line in lines if columns(line) > width and line != copyable]


def test_all_of_a_page_is_in_the_readers_language(monkeypatch: pytest.MonkeyPatch):
    """
    The library's own words too: headings, the usage line and notes.

    What --help does is ours to say: tests/cli/test_help.py reads it.
    """
    monkeypatch.setenv("COLUMNS", "80")
    words.use_language("zh_CN")

    both = page(told="发红包") + page("send", told="发红包")
    both = both.replace("Show this message and exit.", "")

    english = set(re.findall(r"[A-Za-z]{2,}", both))
    ours = {"hongbao", "send", "claim", "help", "greeting", "dry", "run", "count"}
    assert {"TEXT", "AMOUNT", "hi"} >= english - ours - {"amount", "text", "str"}
    assert "用法：hongbao [选项] 命令 [参数]..." in both
    assert "默认：hi" in both
    assert "必填" in both


def test_the_same_page_reads_as_english(monkeypatch: pytest.MonkeyPatch):
    """
    English is not a translation of a translation.
    """
    monkeypatch.setenv("COLUMNS", "80")

    lines = page().splitlines()

    assert "Usage: hongbao [OPTIONS] COMMAND [ARGS]..." == lines[0]
    assert "Options:" in lines


def test_an_example_keeps_its_line(monkeypatch: pytest.MonkeyPatch):
    """
    A command on a line of its own is there to be copied, and is never broken.
    """
    monkeypatch.setenv("COLUMNS", "24")

    assert "  hongbao send 66.66 --count 5" in page("send").splitlines()


def test_an_explanation_goes_below_its_term_where_there_is_no_room_beside(
    monkeypatch: pytest.MonkeyPatch,
):
    """
    A column of three words each is not help.
    """
    monkeypatch.setenv("COLUMNS", "36")
    narrow = page().splitlines()
    monkeypatch.setenv("COLUMNS", "80")
    wide = page().splitlines()

    assert "  send" in narrow
    assert any(line.startswith("  send   Send a red packet") for line in wide)


TEXT = st.text(st.sampled_from("红包 send，。（）: --greeting 66.66"), max_size=80)


@given(text=TEXT, width=st.integers(COLUMNS_MIN, 80))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int):
    """
    Every character but spaces survives; only a word wider than a line may stand out.
    """
    lines = wrapped(text, width)

    assert "".join(text.split()) == "".join("".join(lines).split())
    for line in lines:
        assert columns(line) <= width or " " not in line


@given(text=TEXT, width=st.integers(COLUMNS_MIN, 80))
def test_punctuation_clings_to_its_sentence(text: str, width: int):
    """
    No line begins with a comma or ends with an opening bracket, unless the text itself does.
    """
    lines = wrapped(" ".join(re.findall(r"[^\s，。（）]+[，。]?", text)), width)

    assert [] == [line for line in lines if line.startswith(("，", "。"))]
