"""A well-formed line is read without the command-line library, and as the library would read it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao import settings as configured
from hongbao.commands import house as library
from hongbao.commands import reading
from hongbao.commands.caller import Caller
from hongbao.commands.choices import NEWEST, Chosen
from hongbao.commands.declared import REQUIRED, Command, Declared, Kind, Value
from hongbao.commands.library import UsageError
from hongbao.commands.options import kept_options
from hongbao.commands.overview import overview
from hongbao.commands.root import app
from hongbao.commands.table import COMMANDS, NAMES, app_of
from hongbao.errors import HongbaoError
from hongbao.words import use_language
from tests.every import every

LINES = int(os.environ.get("HONGBAO_LINES", "300"))
"""How many lines of each command the slow test tries."""

KEPT = vars(Caller()).keys() - {"_env", "_main", "notes", "_settings", "_known_pin"}


def levels() -> Iterator[tuple[tuple[str, ...], Declared, Kind]]:
    """Yield each command and each group, by the words that call it."""
    for name in sorted(NAMES):
        found = app_of(name)
        assert found is not None
        if found.own is not None:
            yield (name,), found.own, found.kind
            for below, declared in found.commands.items():
                yield (name, below), declared, declared.kind
        else:
            (declared,) = found.commands.values()
            yield (name,), declared, declared.kind


LEVELS = {" ".join(words): (words, declared, kind) for words, declared, kind in levels()}


@cache
def whole() -> Any:
    """Return the library's command line, which makes each command once."""
    command: Any = library.root_command()
    made = cache(partial(command.get_command, None))
    command.get_command = lambda _ctx, name: made(name)
    return command


def as_passed(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the library's *params* as it passes them to a function: none, or a list."""
    return {
        name: value if not isinstance(value, tuple) else [*value] or None
        for name, value in params.items()
    }


def by_library(words: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
    """Return what the library reads for each command of a line, and what the caller keeps of it."""
    call = Caller()
    call.as_json = False
    values = []
    try:
        command: Any = whole()
        context = command.make_context("hongbao", [*words], obj=call)
        values.append(as_passed(context.params))
        while rest := [*getattr(context, "_protected_args", ()), *context.args]:
            name, command, rest = command.resolve_command(context, rest)
            context = command.make_context(name, rest, parent=context)
            values.append(as_passed(context.params))
            if not hasattr(command, "commands"):
                break
    except (UsageError, HongbaoError, typer.Exit):
        return None
    return values, {name: vars(call)[name] for name in KEPT}


def by_us(words: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
    """Return what we read, in the same form; None for a line that is left to the library."""
    steps = reading.read(app, words, app_of)
    if steps is None or any(step.asked_for for step in steps):
        return None
    call = Caller()
    for step in steps:
        for name, value in step.kept.items():
            assert name in KEPT
            setattr(call, name, value)
    return [step.params for step in steps], {name: vars(call)[name] for name in KEPT}


WORDS = st.sampled_from(
    [
        *("小红", "Ann Lee", "5", "66.66", "-5", "0", "hb_7Q2M4K9X", "last", "icbc", "2026-02-16"),
        *("30d", "plain", "excel", "", "-", "--", "card", "csv", "sum", "list", "10", "a=b"),
        *(
            "--json",
            "-p",
            "-y",
            "-yn",
            "-p小红",
            "--profile=小红",
            "--csv",
            "--columns",
            "--header",
        ),
        *(
            "--columns",
            "-h",
            "--help",
            "--no-such",
            "-Z",
            "--json=1",
            "--limit",
            "--svg",
            "-o",
            "-n",
        ),
    ]
)


@st.composite
def lines(draw: st.DrawFn, level: str) -> list[str]:
    """A line of the command *level*: mostly what it takes, sometimes anything."""
    words, declared, kind = LEVELS[level]
    values = [*declared.params]
    values += [option for options in kept_options(kind, lambda _ctx: "") for option in options]
    names = sorted({name for value in values for name in value.names})
    before = draw(st.sampled_from([[], ["-p", "小红"], ["--json"], ["--profile=小红", "-y"]]))
    word = st.sampled_from(names) | WORDS if names else WORDS
    return [*before, *words, *draw(st.lists(word, max_size=6))]


@every("level", sorted(LEVELS))
def test_both_read_a_line_the_same(level: str):
    """
    Whatever we read, the library reads so, too; and what it refuses, we never read.
    """
    compare(level, 6)


@pytest.mark.slow
@every("level", sorted(LEVELS))
def test_both_read_many_lines_the_same(level: str):
    """
    HONGBAO_LINES lines of each command, each of them a different one.
    """
    compare(level, LINES)


def compare(level: str, count: int) -> None:
    """Compare *count* lines; what `last` is called stays open, since there is no wallet to ask."""

    @settings(max_examples=count, deadline=None, database=None)
    @given(lines(level))
    def both(line: list[str]) -> None:
        ours = by_us(line)
        if ours is not None:
            assert ours == by_library(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chosen, "newest", lambda _self, _call: NEWEST)
        both()


NOT_READ = {
    *("class", "pin"),  # groups that do nothing alone: the library says so
    "lab do",  # takes options of any kind as its words
}


def test_a_command_alone_is_read_without_the_library():
    """
    With what it needs behind it; only these are always left to the library.
    """
    left = set()
    for level, (words, declared, _kind) in LEVELS.items():
        needed = [value for value in declared.params if value.default is REQUIRED]
        typed = [*words, *(word for value in needed for word in (*value.names[:1], fitting(value)))]
        if reading.read(app, typed, app_of) is None:
            left.add(level)

    assert NOT_READ == left


def fitting(value: Value) -> str:
    """Return a text that *value* takes."""
    if value.parser is None:
        return "a" if value.is_list or value.kind is str else str(next(iter(value.kind)))
    for text in FITTING:
        with suppress(HongbaoError):
            value.parser(text)
            return text
    raise AssertionError(value.name)


FITTING = ("hb_7Q2M4K9X", "ch_7Q2M4K9X", "小红", "10", "2026-02-16", "30m")


def test_the_table_says_what_each_commands_own_help_says():
    """
    The list of all commands is printed from it, and imports none of them.
    """
    said = {}
    for names in COMMANDS.values():
        for name in names:
            found = app_of(name)
            assert found is not None
            said[name] = (found.own or next(iter(found.commands.values()))).short_help

    assert said == {name: text for names in COMMANDS.values() for name, text in names.items()}


@every(("language", "columns"), [(each, size) for each in ("en", "zh_CN") for size in (40, 80)])
def test_the_list_of_commands_is_what_the_library_prints(language: str, columns: int):
    """
    It is made without it, and has a person's aliases, too.
    """
    call = Caller()
    call._settings = configured.Settings(aliases={"rp": "send --count 5"}, path=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        use_language(language)
        try:
            whole = library.root_command()
            with whole.make_context("hongbao", [], obj=call, resilient_parsing=True) as context:
                assert context.get_help() == overview(call, app)
                assert "rp" in overview(call, app)
        finally:
            use_language("en")


def test_the_library_is_not_imported_for_a_well_formed_line(tmp_path):
    """
    Neither for a group and its option, nor for a command that refuses.
    """
    script = (
        "import sys; from hongbao import cli; print(cli.main(sys.argv[1:]), 'typer' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, "balance", "-p", "小红"],
        env={"HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "10 False" == said.stdout.strip()


def test_kinds_of_commands_are_shared():
    """
    A plain command takes the options that every command takes, and no others.
    """
    *others, shared = kept_options(Command, lambda _ctx: "")

    assert [[], [], []] == others
    assert "--json" in {name for option in shared for name in option.names}
