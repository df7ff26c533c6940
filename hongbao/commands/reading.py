"""
Reads a well-formed line, by what the commands declare, and runs it.

The command-line library is not imported for it: importing it costs more than most commands take to
answer. Nothing is decided here that the library would decide otherwise: a line that asks for help,
is wrong, or is not sure to be right is left to the library, before anything is done. Both read a
line the same; tests/cli/test_reading.py compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from hongbao.commands import lists
from hongbao.commands.declared import (
    ASKING_HELP,
    REQUIRED,
    App,
    Context,
    Declared,
    Finished,
    Kind,
    Value,
)
from hongbao.commands.options import asked_of, check, complete, kept_options
from hongbao.errors import HongbaoError
from hongbao.rows import Row


class Step(Row):
    """A command of the line, or a group before it, with what was typed for it."""

    declared: Declared
    kind: Kind
    name: str
    params: dict[str, Any]
    kept: dict[str, Any]
    """What the caller keeps of the options."""

    asked_for: frozenset[str]
    """The values that were left out, and can be asked for."""


class Unsure(Exception):
    """The line is not sure to be well-formed."""


def read(
    house: App, words: Sequence[str], open_app: Callable[[str], App | None]
) -> list[Step] | None:
    """
    Return the commands of the line of *words*, from the *house* on, with their values.

    *open_app* finds the app of a command. None if the line is for the library.
    """
    try:
        return _read(house, words, open_app)
    except Unsure:
        return None


def _read(house: App, words: Sequence[str], open_app: Callable[[str], App | None]) -> list[Step]:
    steps: list[Step] = []
    app: App | None = house
    name, rest = "hongbao", [*words]
    while True:
        if app is None:
            raise Unsure
        if app.own is None:
            (alone,) = app.commands.values()
            return [*steps, _command(alone, name, rest, steps)]
        step, rest = _group(app, name, rest)
        steps.append(step)
        if not rest:
            if not app.own.settings.get("invoke_without_command"):
                raise Unsure
            return steps
        if app is house:
            name, *rest = rest
            app = open_app(name)
            continue
        if app.kind.implied is not None:
            rest = app.kind.implied(rest, app.commands)
        name, *rest = rest
        if name not in app.commands:
            raise Unsure
        return [*steps, _command(app.commands[name], name, rest, steps)]


def _group(app: App, name: str, words: list[str]) -> tuple[Step, list[str]]:
    """Return the step of the group *app*, and the words behind its options."""
    assert app.own is not None
    given, rest = _given(app.own, app.kind, words, in_any_order=False)
    return _step(app.own, app.kind, name, given, {}), rest


def _command(declared: Declared, name: str, words: list[str], before: Sequence[Step]) -> Step:
    """Return the step of a command."""
    if declared.settings:  # it wants something special of the library
        raise Unsure
    kind = declared.kind
    if not kind.listed and any(option in step.kept for step in before for option in lists.KEPT):
        raise Unsure  # a group's option, which its command does not have
    given, rest = _given(declared, kind, words, in_any_order=True)
    return _step(declared, kind, name, given, _placed(declared, rest))


def _given(
    declared: Declared, kind: Kind, words: list[str], *, in_any_order: bool
) -> tuple[dict[str, tuple[Value, list[Any]]], list[str]]:
    """Return the options among *words* (not *in_any_order*: the first), and the others."""
    values = [value for value in declared.params if value.param_type_name == "option"]
    values += [option for options in kept_options(kind, kind.list_of) for option in options]
    options = {name: value for value in values for name in value.names}
    left = lists.with_values(words) if kind.listed else [*words]
    given: dict[str, tuple[Value, list[Any]]] = {}
    others: list[str] = []

    def take(name: str, attached: str | None) -> None:
        value = options.get(name)
        if value is None or (value.is_flag and attached is not None):
            raise Unsure
        if not value.is_flag and attached is None:
            if not left:
                raise Unsure
            attached = left.pop(0)
        given.setdefault(value.name, (value, []))[1].append(True if value.is_flag else attached)

    while left:
        word = left.pop(0)
        if word == "--":
            return given, others + left
        if word in ASKING_HELP:
            raise Unsure
        if word.startswith("--"):
            name, equals, attached = word.partition("=")
            take(name, attached if equals else None)
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                name, letters = f"-{letters[0]}", letters[1:]
                if name in ASKING_HELP:
                    raise Unsure
                is_flag = name in options and options[name].is_flag
                take(name, None if is_flag or not letters else letters)
                letters = letters if is_flag else ""
        elif in_any_order:
            others.append(word)
        else:
            return given, [word, *left]
    return given, others


def _placed(declared: Declared, words: list[str]) -> dict[str, tuple[Value, list[Any]]]:
    """Return which argument each of *words* is for, by their places."""
    placed = {}
    left = [*words]
    arguments = [value for value in declared.params if value.param_type_name == "argument"]
    for value in arguments:
        if value.is_list:
            if value is not arguments[-1]:
                raise Unsure
            placed[value.name], left = (value, left), []
        elif left:
            placed[value.name] = value, [left.pop(0)]
    if left:
        raise Unsure
    return placed


def _step(
    declared: Declared,
    kind: Kind,
    name: str,
    given: Mapping[str, tuple[Value, list[Any]]],
    placed: Mapping[str, tuple[Value, list[Any]]],
) -> Step:
    """Return the step of *declared*, each of its values read from what was typed for it."""
    typed = {**given, **placed}
    params, asked_for = {}, set()
    for value in declared.params:
        _value, texts = typed.pop(value.name, (value, []))
        if texts:
            params[value.name] = _taken(value, texts)
        elif value.default is not REQUIRED:
            params[value.name] = value.default
        elif asked_of(value):
            params[value.name] = None
            asked_for.add(value.name)
        else:
            raise Unsure
    kept = {name: texts[-1] for name, (value, texts) in typed.items()}
    return Step(declared, kind, name, params, kept, frozenset(asked_for))


def _taken(value: Value, texts: list[Any]) -> Any:
    """Return what *texts* mean for *value*."""
    if value.is_list:
        return texts
    text = texts[-1]
    if value.is_flag or (value.kind is str and value.parser is None):
        return text
    if value.parser is not None:
        try:
            return value.parser(text)
        except (HongbaoError, ValueError):
            raise Unsure from None  # said by the library, after what comes before it
    if text in getattr(value.kind, "__args__", ()):  # of a Literal
        return text
    if isinstance(value.kind, type) and issubclass(value.kind, Enum):
        try:
            return value.kind(text)
        except ValueError:
            raise Unsure from None
    raise Unsure


# --- running it -----------------------------------------------------------------------------------


def run(steps: Sequence[Step], caller: object) -> None:
    """Run the commands of a line for the *caller*, as the library does: a group before its own."""
    context: Context | None = None
    for number, step in enumerate(steps):
        path = step.name if context is None else f"{context.command_path} {step.name}"
        context = Context(step.declared, path, caller, context)
        context.params = step.params
        for name, value in step.kept.items():
            setattr(caller, name, value)
        if step is steps[-1]:
            complete(context, step.declared.params, step.asked_for)
        else:
            context.invoked_subcommand = steps[number + 1].name
        try:
            check(context, step.kind)
            step.declared.function(context, **context.params)
        except Finished:
            return
