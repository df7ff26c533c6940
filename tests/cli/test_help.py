"""Help: one page a command, in the reader's language, that fits and leads with an example."""

import re
from collections.abc import Iterator

import pytest
import typer
from rich.cells import cell_len

from hongbao import cli, words
from tests.cli.shell import Shell

SIZES = [(language, columns) for language in ("en", "zh_CN") for columns in (40, 80)]


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command and subcommand by the words that call it."""
    house = typer.main.get_command(cli.app)
    with house.make_context("hongbao", [], resilient_parsing=True) as context:
        for name in house.list_commands(context):  # type: ignore[attr-defined]
            yield (name,)
            command = house.get_command(context, name)  # type: ignore[attr-defined]
            for inner in getattr(command, "commands", {}):
                yield (name, inner)


COMMANDS = list(commands())


@pytest.fixture(scope="module")
def pages(empty: Shell) -> dict[tuple[str, int], list[str]]:
    """Every help page, the house's own first, for each language and width."""
    return {
        (language, columns): [
            said.out
            for said in empty.plays(
                ("--help",),
                *((*name, "-h") for name in COMMANDS),
                HONGBAO_LANG=language,
                COLUMNS=str(columns),
            )
        ]
        for language, columns in SIZES
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("number", range(len(COMMANDS) + 1), ids=["", *map(" ".join, COMMANDS)])
def test_help_fits(pages: dict[tuple[str, int], list[str]], size: tuple[str, int], number: int):
    """
    Only a command to copy may be wider than the terminal; the usage line is not such a command.
    """
    page = pages[size][number].splitlines()

    wide = [line for line in page if cell_len(line) > size[1]]
    assert [] == [line for line in wide if not re.match(r" +(hongbao |eval )", line)]
    assert page[0].startswith({"en": "Usage: hongbao", "zh_CN": "用法：hongbao"}[size[0]])


@pytest.mark.parametrize("number", range(len(COMMANDS) + 1), ids=["", *map(" ".join, COMMANDS)])
def test_help_leads_with_an_example(pages: dict[tuple[str, int], list[str]], number: int):
    """
    Before any option is explained.
    """
    page = pages["en", 80][number]

    assert re.search(r"^  Examples?: (hongbao|eval) ", page, re.MULTILINE)
    assert page.index("Example") < page.index("Options:")


def test_every_option_is_explained(pages: dict[tuple[str, int], list[str]]):
    """
    A name alone is no help.
    """
    for page in pages["en", 80]:
        for line in page.splitlines():
            assert not re.match(r"^  (-\w, )?--[a-z-]+( [A-Z<].*)?$", line) or cell_len(line) > 28


def test_help_is_all_chinese_in_chinese(pages: dict[tuple[str, int], list[str]]):
    """
    What is left in Latin letters is what is typed, and names.
    """
    for page in pages["zh_CN", 80]:
        said = re.sub(r"`[^`]*`|(?m:^ +(hongbao|eval) .*$)|示例：.*", "", page)
        for line in said.splitlines():
            words_left = re.findall(r"(?<![-\w/~.@<|])[A-Za-z]{4,}(?![\w/.@|>-])", line)
            strangers = set(words_left) - LATIN
            assert (line, set()) == (line, strangers)


LATIN = {
    *("hongbao", "Shell", "JSON", "json", "HONGBAO_PROFILE", "HONGBAO_PASSPHRASE_FILE", "Python"),
    *("balance", "bash", "fish", "jsonl"),
    *(word for name in COMMANDS for word in name),
}


def test_without_a_command_there_is_help(empty: Shell):
    """
    Whoever types only the name wants to know what there is.
    """
    said = empty()

    assert (0, "") == (said.code, said.err)
    assert said.out.startswith("Usage: hongbao [OPTIONS] COMMAND [ARGS]...")


def test_the_language_is_the_locales_unless_told_otherwise(empty: Shell):
    """
    HONGBAO_LANG decides, then LC_ALL, LC_MESSAGES and LANG.
    """
    assert empty("--help", HONGBAO_LANG="", LANG="zh_CN.UTF-8").out.startswith("用法：")
    assert empty("--help", HONGBAO_LANG="en", LANG="zh_CN.UTF-8").out.startswith("Usage: ")


def test_the_version_is_told(empty: Shell):
    """
    As one line, and as one document.
    """
    assert re.match(r"hongbao \d+\.\d+\.\d+", empty("--version").out)
    assert {"version"} == set(empty.answers("--version"))


def test_building_a_command_twice_translates_it_anew():
    """
    One process may speak both languages, one after the other.
    """
    said = []
    for language in ("en", "zh_CN", "en"):
        words.use_language(language)
        house = typer.main.get_command(cli.app)
        with house.make_context("hongbao", [], resilient_parsing=True) as context:
            said.append(house.get_help(context).split()[0])

    assert ["Usage:", "用法：hongbao", "Usage:"] == said
