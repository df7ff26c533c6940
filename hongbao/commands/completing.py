"""
What a shell completes without asking hongbao: its commands, their options, and fixed values.

All that is in the script that ``hongbao completion`` prints, as a table that the shell's own words
look things up in. hongbao is asked for what only a home knows: people, cards, packets. Names and
ids are never written into a file that is not encrypted, and this script is one.

The scripts in `hongbao.commands.scripts` explain how a shell walks through the table.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from hongbao.commands.choices import Listed
from hongbao.commands.declared import ASKING_HELP, App, Declared, Kind, Value
from hongbao.commands.options import kept_options
from hongbao.commands.table import COMMANDS, app_of
from hongbao.parser_words import SHOW_HELP
from hongbao.words import _

FLAG, ASKED, FILE, FREE, FIXED = "", "?", "/", ":", "="
"""What stands behind a word: none, hongbao's answer, a file, anything, one of the following."""

PLACES = frozenset({"FILE", "FOLDER", "PROGRAM"})
"""The placeholders of what a shell completes as a file."""


class Word(NamedTuple):
    """A word that can be typed, with what it is for."""

    text: str
    about: str


class Taken(NamedTuple):
    """What stands behind an option, or at an argument's place: its kind, and its fixed values."""

    kind: str
    values: tuple[str, ...] = ()
    repeats: bool = False

    def __str__(self) -> str:
        return f"{self.kind}{','.join(self.values)}{'*' * self.repeats}"


class Option(NamedTuple):
    """An option by one of its names."""

    word: Word
    taken: Taken


class Level(NamedTuple):
    """What can be typed behind a command, or behind a group and its options."""

    path: str
    commands: tuple[Word, ...]
    more: tuple[str, ...]
    """What a group takes for a command besides: the names of lessons."""

    arguments: tuple[Taken, ...]
    options: tuple[Option, ...]


def levels(house: App, aliases: Mapping[str, str]) -> Iterator[Level]:
    """Yield the table: *house* with a person's *aliases*, every command, and all below them."""
    assert house.own is not None
    every = {name: text for commands in COMMANDS.values() for name, text in commands.items()}
    words = [Word(name, _(text)) for name, text in every.items()]
    yield _level("", house.own, house.kind, [*words, *(Word(*each) for each in aliases.items())])
    for name in every:
        app = app_of(name)
        assert app is not None
        if app.alone is not None:
            yield _level(name, app.alone, app.alone.kind, [])
            continue
        assert app.own is not None
        inner = [Word(each, _(below.short_help)) for each, below in app.commands.items()]
        yield _level(name, app.own, app.kind, inner)
        for each, below in app.commands.items():
            yield _level(f"{name} {each}", below, below.kind, [])


def shared() -> tuple[Option, ...]:
    """Return the options of every command."""
    *_others, options = kept_options(Kind(), lambda _ctx: "")
    asking = [Option(Word(name, _(SHOW_HELP)), Taken(FLAG)) for name in ASKING_HELP]
    return (*_options(options), *asking)


def _level(path: str, declared: Declared, kind: Kind, commands: list[Word]) -> Level:
    own = [value for value in declared.params if value.param_type_name == "option"]
    *kept, _shared = kept_options(kind, lambda _ctx: "")
    places = [value for value in declared.params if value.param_type_name == "argument"]
    return Level(
        path,
        tuple(commands),
        tuple(kind.offered("")) if kind.offered is not None else (),
        tuple(map(_taken, places)),
        tuple(_options([*own, *(option for options in kept for option in options)])),
    )


def _options(values: list[Value]) -> Iterator[Option]:
    for value in values:
        taken = _taken(value)
        yield from (Option(Word(name, _(value.help)), taken) for name in value.names)


def _taken(value: Value) -> Taken:
    """Return what a shell completes for *value*."""
    if value.is_flag:
        return Taken(FLAG)
    if isinstance(value.kind, type) and issubclass(value.kind, Enum):
        return Taken(FIXED, tuple(str(each.value) for each in value.kind))
    listed = getattr(value.autocompletion, "__self__", None)
    if isinstance(listed, Listed):
        return Taken(FIXED, listed.values(), value.is_list)
    if value.autocompletion is not None:
        if value.is_offered_everywhere:
            return Taken(FIXED, tuple(value.autocompletion("")), value.is_list)
        return Taken(ASKED, (), value.is_list)
    if literals := [text for text in getattr(value.kind, "__args__", ()) if isinstance(text, str)]:
        return Taken(FIXED, tuple(literals))
    return Taken(FILE if value.metavar in PLACES else FREE, (), value.is_list)
