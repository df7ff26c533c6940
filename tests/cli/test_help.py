"""Help: one page a command, in the reader's language, that fits and leads with an example."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from hongbao import words
from hongbao.commands.house import root_command
from hongbao.commands.topics import TOPICS
from hongbao.documents import FORMAT
from hongbao.domain.channel import Fault
from hongbao.domain.identity import BANKS
from hongbao.statements import FORMATS
from hongbao.words import InContext
from tests.cli.shell import Shell

SIZES = [(language, columns) for language in ("en", "zh_CN") for columns in (40, 80)]


def parsers() -> dict[tuple[str, ...], Any]:
    """Return every command and subcommand, by the words that call it; the house by none."""
    house: Any = root_command()
    found: dict[tuple[str, ...], Any] = {(): house}
    with house.make_context("hongbao", [], resilient_parsing=True) as context:
        for name in house.list_commands(context):
            command = house.get_command(context, name)
            found[(name,)] = command
            for inner, below in getattr(command, "commands", {}).items():
                found[(name, inner)] = below
    return found


COMMANDS = [name for name in parsers() if name]


@pytest.fixture(scope="module")
def pages(empty: Shell) -> Callable[[str, int], dict[str, str]]:
    """Return what gives every help page in a language and a width, the house's own first."""

    @cache
    def shown(language: str, columns: int) -> dict[str, str]:
        asked = [(), *COMMANDS]
        said = empty.plays(
            *((*name, "-h") for name in asked), HONGBAO_LANG=language, COLUMNS=str(columns)
        )
        return {" ".join(name): each.out for name, each in zip(asked, said, strict=True)}

    return shown


Pages = Callable[[str, int], dict[str, str]]


@pytest.mark.parametrize(("language", "columns"), SIZES)
def test_help_fits(pages: Pages, language: str, columns: int):
    """
    Only a command to copy may be wider than the terminal; the usage line is not such a command.
    """
    usage = {"en": "Usage: hongbao", "zh_CN": "用法：hongbao"}[language]

    for name, page in pages(language, columns).items():
        wide = [line for line in page.splitlines() if cell_len(line) > columns]
        strangers = [line for line in wide if not re.match(r" +(hongbao |eval )", line)]
        assert (name, []) == (name, strangers)
        assert page.startswith(usage)


def test_help_leads_with_an_example(pages: Pages):
    """
    Before any option is explained.
    """
    for name, page in pages("en", 80).items():
        found = re.search(r"^  Examples?: (hongbao|eval) ", page, re.MULTILINE)
        assert (name, True) == (name, found is not None)
        rest = page.find("Options:")
        assert rest < 0 or page.index("Example") < rest


def test_every_option_is_explained(pages: Pages):
    """
    A name alone is no help.
    """
    for page in pages("en", 80).values():
        for line in page.splitlines():
            assert not re.match(r"^  (-\w, )?--[a-z-]+( [A-Z<].*)?$", line) or cell_len(line) > 28


def test_explanations_of_options_look_alike():
    """
    Each is a phrase: it begins small, unless with a placeholder, and has no full stop.
    """
    strangers = []
    for command in parsers().values():
        with command.make_context("hongbao", [], resilient_parsing=True) as context:
            told = [param.help for param in command.get_params(context) if param.help]
        strangers += [
            text for text in told if re.match(r"[A-Z][a-z]", text) or re.search(r"[^.]\.$", text)
        ]

    assert [] == strangers


def test_what_stands_for_a_value_is_known_to_every_language():
    """
    A placeholder without a translation, or one word for two things, would be a riddle elsewhere.
    """
    unknown = [
        (name, word)
        for name, command in parsers().items()
        for word in command.placeholders.values()
        if not isinstance(word, InContext)
    ]

    assert {"[card|balance]", "[=excel]"} == {word for _name, word in unknown}  # as typed


def test_a_value_that_is_needed_stands_bare_in_the_usage(pages: Pages):
    """
    Brackets say that it may be left out; braces would offer a choice.
    """
    assert [] == [name for name, page in pages("en", 80).items() if "{" in page.splitlines()[0]]
    assert "Usage: hongbao operator add [OPTIONS] NAME" in pages("en", 80)["operator add"]
    assert "Usage: hongbao init [OPTIONS] [NAME]" in pages("en", 80)["init"]  # asked for
    assert "[OPTIONS] [PACKET]" in pages("en", 80)["refund"]


@pytest.mark.parametrize(
    ("typed", "chinese", "english"),
    [
        (("claim",), "缺少<红包编号>", "PACKET is missing"),
        (("record",), "缺少<文件>", "FILE is missing"),
        (("init",), "缺少<用户名>", "NAME is missing"),
        (("operator", "add"), "缺少<操作员>", "NAME is missing"),
        (("send",), "缺少<金额>", "AMOUNT is missing"),
        (
            ("send", "1", "--each", "2"),
            "--each 和<金额>不能同时使用",
            "--each and AMOUNT cannot be given together",
        ),
    ],
)
def test_an_error_names_a_value_as_help_does(
    empty: Shell, typed: tuple[str, ...], chinese: str, english: str
):
    """
    In the reader's language for people; in English for programs, whatever is spoken.
    """
    said, told = empty.plays(typed, (*typed, "--json"), HONGBAO_LANG="zh")

    assert f"hongbao: 错误：{chinese}" == said.err.splitlines()[0]
    assert english == json.loads(told.err)["error"]["message"]


def test_one_word_for_two_things_is_two_words_in_chinese(pages: Pages):
    """
    NAME is a profile, a person or an operator; NUMBER a card's, an ID's or an answer.
    """
    shown = pages("zh_CN", 80)

    assert "用法：hongbao init [选项] [<用户名>]" in shown["init"]
    assert "用法：hongbao operator add [选项] <操作员>" in shown["operator add"]
    assert "--name <姓名>" in shown["identify"]
    assert "--id-number <身份证号>" in shown["identify"]
    assert "用法：hongbao card add [选项] [<卡号>]" in shown["card add"]


def test_help_is_all_chinese_in_chinese(pages: Pages):
    """
    What is left in Latin letters is what is typed, and names.
    """
    for page in pages("zh_CN", 80).values():
        said = re.sub(r"`[^`]*`|(?m:^ +(hongbao|eval) .*$)|示例：.*", "", page)
        for line in said.splitlines():
            words_left = re.findall(r"(?<![-\w/~.@<|])[A-Za-z]{4,}(?![\w/.@|>-])", line, re.ASCII)
            strangers = set(words_left) - LATIN
            assert (line, set()) == (line, strangers)


LATIN = {
    *("hongbao", "Hongbao", "HONGBAO_PROFILE", "HONGBAO_PASSPHRASE_FILE"),
    *("EDITOR", "LANG", "PAGER", "VISUAL"),
    *("Shell", "JSON", "json", "Python", "XLSX", "JUnit", "GitHub", "Actions", "Mermaid"),
    *("CloudEvents", "Kafka", "Prometheus", "SIGTERM", "Standard", "Webhook", "Webhooks"),
    *("balance", "bash", "fish", "jsonl"),
    *("excel", "help"),
    *("netsunion", "unionpay", "camt"),
    *("shuffled", "equal"),
    *("shanghai", "unknown", "replay", "forge", "none"),
    *("kill", "start", "bootstrap"),
    *("released", "returned", "approved", "rejected"),
    *("asciinema", "cron", "eval", "finished", "given", "name", "text"),
    *(bank.code for bank in BANKS),
    *(fault.value for fault in Fault),
    *(word for name in COMMANDS for word in name),
    *FORMATS,
    *(word for topic in TOPICS for word in topic.split("-")),
}


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
    told = empty.answers("--version")
    assert told == {"version": told["version"], "json_version": FORMAT}
    for typed in ("version", "-V"):
        assert told == empty.answers(typed)
        assert empty("--version") == empty(typed)


# --- layers ---------------------------------------------------------------------------------------

LONG = {
    # What is longer than a screen: its own options alone are.
    *("", "send", "packets", "history", "events", "export", "risk", "review", "bank fault"),
    *("device", "drill", "import", "init", "play", "storm", "watch"),
}


def test_a_page_fits_on_a_screen(pages: Pages):
    """
    24 rows at 80 columns, for all that a command alone takes.
    """
    long = {name for name, page in pages("en", 80).items() if len(page.splitlines()) > 24}

    assert set() == long - LONG


def test_what_every_command_takes_is_explained_once(pages: Pages, empty: Shell):
    """
    A page names it in one sentence at its end; the topic explains each.
    """
    topic = empty.does("help", "options").out
    foot = "--json, --profile, --yes, --no-input, --pin-file, --totp-file"

    for name, page in pages("en", 80).items():
        last = " ".join(page.rpartition("Every command also takes ")[2].split())
        assert (name, f"{foot}; see `hongbao help options`.") == (name, last)
        assert not re.search(r"^ +--pin-file FILE", page, re.MULTILINE), name
    for option in (*foot.split(", "), "-p", "-y", "-h"):
        assert re.search(rf"^ .*{option}\b.*  \w", topic, re.MULTILINE), option


def test_help_of_a_command_is_its_page(pages: Pages, empty: Shell):
    """
    `help card add` is `card add --help`, and `help` alone is `--help`.
    """
    said = empty.plays(*(("help", *name) for name in COMMANDS), ("help",), COLUMNS="80")

    for name, each in zip([*COMMANDS, ()], said, strict=True):
        assert each.out.startswith(pages("en", 80)[" ".join(name)]), name


@pytest.mark.parametrize(("language", "columns"), SIZES)
def test_topics_fit_and_are_in_one_language(empty: Shell, language: str, columns: int):
    """
    Every topic, at 80 columns and at 40.
    """
    said = empty.plays(
        *(("help", topic) for topic in TOPICS), HONGBAO_LANG=language, COLUMNS=str(columns)
    )

    for topic, each in zip(TOPICS, said, strict=True):
        lines = each.out.splitlines()
        wide = [line for line in lines if cell_len(line) > columns]
        assert (topic, 0, []) == (
            topic,
            each.code,
            [line for line in wide if not line.strip().startswith("hongbao ")],
        )
        assert (topic, language == "zh_CN") == (
            topic,
            bool(re.search("[\u4e00-\u9fff]。", each.out)),
        )


def test_the_list_of_commands_names_the_topics(pages: Pages):
    """
    At its foot, where a reader who has found no command still looks.
    """
    foot = pages("en", 80)[""].partition("Topics of `hongbao help`:")[2]

    assert [*TOPICS] == re.findall(r"[a-z-]+", foot.partition("\n\n")[0])


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        (("sned",), "send"),
        (("exit-cods",), "exit-codes"),
        (("card", "ad"), "card"),
        (("福",), None),
    ],
)
def test_help_for_what_there_is_not_names_the_nearest(
    empty: Shell, typed: tuple[str, ...], other: str | None
):
    """
    A command or a topic; nothing where nothing is near.
    """
    code, error = empty.refuses("help", *typed)

    assert (2, "no_such_topic", other) == (code, error["code"], error["other"])


def test_help_works_without_settings(empty: Shell, tmp_path: Path):
    """
    It is how a reader learns what may stand there.
    """
    broken = tmp_path / "config.toml"
    broken.write_text("motion = off\n")

    for typed in (("help",), ("help", "config"), ("version",), ("send", "--help")):
        assert 0 == empty(*typed, HONGBAO_CONFIG=str(broken)).code
    assert 2 == empty("demo", HONGBAO_CONFIG=str(broken)).code


def test_bare_shows_help_where_that_is_set(empty: Shell, pages: Pages, tmp_path: Path):
    """
    For people; a program gets the status in any case.
    """
    config = tmp_path / "config.toml"
    config.write_text('bare = "help"\n')

    assert pages("en", 80)[""] == empty.does(HONGBAO_CONFIG=str(config), COLUMNS="80").out
    assert empty.answers() == empty.answers(HONGBAO_CONFIG=str(config))


def test_building_a_command_twice_translates_it_anew():
    """
    One process may speak both languages, one after the other.
    """
    said = []
    for language in ("en", "zh_CN", "en"):
        words.use_language(language)
        house = root_command()
        with house.make_context("hongbao", [], resilient_parsing=True) as context:
            said.append(house.get_help(context).split()[0])

    assert ["Usage:", "用法：hongbao", "Usage:"] == said
