"""
The commands as the command-line library has them: for help, for completion, and for mistakes.

They are made from what the commands declare (`hongbao.commands.declared`), with the help of
`hongbao.commands.page` and the options which every command takes.
"""

import re
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from hongbao.commands import lists
from hongbao.commands.declared import ASKING_HELP, App, Command, Declared, Kind, Value
from hongbao.commands.options import EVERY_COMMAND, asked_of, caller, check, complete, kept_options
from hongbao.commands.placeholders import placeholder
from hongbao.errors import InvalidAmount
from hongbao.parser_words import ARGUMENTS, OPTIONS_HEADING, SHOW_HELP
from hongbao.words import N_, _, say, share_catalogue

share_catalogue()

UsageError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)
"""The parser's base exception for wrong usage. Of its family, typer publishes one."""


class Speaking(typer.Context):
    """A command's context whose help is written on a `hongbao.commands.page.Page`."""

    def make_formatter(self) -> Any:
        from hongbao.commands.page import Page

        return Page(width=self.terminal_width, max_width=self.max_content_width)


class _Spoken:
    """Help in the reader's language, and the options which every command takes."""

    context_class: Any = Speaking
    kind: Kind
    placeholders: dict[str, str]
    """The placeholders, by what the reader's language calls them."""

    elsewhere: dict[str, list[TyperOption]]
    """The options that a page only names, by the sentence that says where they are explained."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        explaining, of_pictures, of_lists, shared = (
            [_kept(option) for option in options]
            for options in kept_options(self.kind, lambda ctx: self.kind.list_of(ctx.params))
        )
        self.elsewhere = {
            N_("As a list, it also takes {options}; see `hongbao help formatting`."): [
                *of_lists,
                *of_pictures,
            ],
            EVERY_COMMAND: shared,
        }
        own = [*(settings.get("params") or ()), *explaining]
        settings["params"] = [*own, *of_pictures, *of_lists, *shared]
        for param in settings["params"]:
            if getattr(param, "help", None):
                param.help = _(param.help)
        self.placeholders = {}
        for param in settings["params"]:
            if param.metavar:
                word = placeholder(param.metavar)
                param.metavar = _(word)
                self.placeholders[param.metavar] = word
        super().__init__(*args, **settings)

    @property
    def listed(self) -> str:
        """Where the list that it answers with is declared (see `declared.listing`)."""
        return self.kind.listed

    @property
    def listed_by(self) -> Mapping[str, str]:
        """Where the other lists that it answers with are, by the option that asks for one."""
        return self.kind.listed_by

    @property
    def pictured(self) -> bool:
        """Whether its screen can be saved as a picture."""
        return self.kind.pictured

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.kind.listed:
            args = lists.with_values(args)
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc, no-any-return]
        except UsageError as error:  # the parser does not always say whose page explains it
            error.ctx = error.ctx or ctx  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        check(ctx, self.kind)
        return super().invoke(ctx)  # type: ignore[misc]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line; the library's braces would mean a choice."""
        pieces = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece[1:-1] if re.fullmatch(r"\{.*\}", piece) else piece for piece in pieces]

    def get_short_help_str(self, limit: int = 45) -> str:
        return _said(self, "short_help")

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the command does, then examples to copy: help leads with an example."""
        said = [_said(self, "short_help"), _said(self, "help")]
        examples: str = getattr(self, "epilog", None) or ""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join(text for text in said if text))
            if examples:
                formatter.write_paragraph()
                formatter.write_examples(examples.splitlines())

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what only this command takes; then, in a line, what others take as well."""
        known = {option.name for options in self.elsewhere.values() for option in options}
        params = [param for param in self.get_params(ctx) if param.name not in known]  # type: ignore[attr-defined]
        help_option = self.get_help_option(ctx)
        for heading, kind in ((ARGUMENTS, "argument"), (OPTIONS_HEADING, "option")):
            records = [
                param.get_help_record(ctx)
                for param in params
                if param.param_type_name == kind and param is not help_option
            ]
            if shown := [record for record in records if record is not None]:
                with formatter.section(_(heading)):
                    formatter.write_dl(shown)
        if hasattr(self, "format_commands"):
            self.format_commands(ctx, formatter)
        formatter.write_paragraph()
        for sentence, options in self.elsewhere.items():
            names = [option.opts[0] for option in options]
            if names:
                formatter.write_text(say(sentence, options=", ".join(names)))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write nothing more: the examples stand at the top."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _(SHOW_HELP)
            option.callback = _show_help
        return option


def _show_help(ctx: Any, _option: Any, is_wanted: bool) -> None:
    if is_wanted and not ctx.resilient_parsing:
        caller(ctx).answer({"command": ctx.command_path, "help": ctx.get_help()}, _print_help)
        ctx.exit()


def _print_help(shown: Mapping[str, str]) -> None:
    print(shown["help"])


def _said(command: Any, which: str) -> str:
    sentence: str | None = getattr(command, which, None)
    return _(sentence) if sentence else ""


class LibraryCommand(_Spoken, TyperCommand):
    """
    A command that also takes the options which every command takes.

    What can be asked for may be left out; without a terminal that is the parser's refusal, with the
    command that lists what there is.
    """

    values: list[Value]
    """What it declares."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        asked = {value.name for value in self.values if asked_of(value)}
        self.asked_for = [param for param in self.params if param.required and param.name in asked]
        for param in self.asked_for:
            param.required = False

    def invoke(self, ctx: Any) -> Any:
        if not self.kind.listed and (typed := caller(ctx).list_options):
            # Its group is a list, and was given an option for lists.
            raise UsageError(f"No such option: {typed[0]}", ctx)
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        typed = [*args]
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except UsageError as error:
            # A sum below zero looks like an option to the parser. No option of ours is a digit.
            start = str(getattr(error, "option_name", ""))
            if re.fullmatch(r"-[0-9.]", start) and "amount" in (p.name for p in self.params):
                raise InvalidAmount(next(arg for arg in typed if arg.startswith(start))) from None
            raise
        if not ctx.resilient_parsing:
            complete(ctx, self.values, {str(param.name) for param in self.asked_for})
        return rest


class LibraryGroup(_Spoken, TyperGroup):
    """Commands that stand together under one name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.kind.implied is not None:
            args = self.kind.implied(args, self.commands)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a shell may offer: the names that imply a command as well."""
        found = super().shell_complete(ctx, incomplete)
        if self.kind.offered is None:
            return found
        item = type(next(iter(found or super().shell_complete(ctx, ""))))
        return [*found, *map(item, self.kind.offered(incomplete))]


# --- made from what is declared -------------------------------------------------------------------


def built(app: App, group: type[LibraryGroup] = LibraryGroup) -> Any:
    """Return the library's command, or its group of the class *group*, that *app* declares."""
    made = typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **app.settings
    )
    if app.own is not None:
        own = app.own
        kind = type(group.__name__, (group,), {"kind": app.kind})
        made.callback(cls=kind, **_sentences(own))(_function(own))
    for name, declared in app.commands.items():
        facts = {"kind": declared.kind, "values": declared.params}
        kind = type("Command", (LibraryCommand,), facts)
        made.command(name, cls=kind, **_sentences(declared))(_function(declared))
    return typer.main.get_command(made)


def _sentences(declared: Declared) -> dict[str, Any]:
    said = {"short_help": declared.short_help, "help": declared.help, "epilog": declared.epilog}
    return {**said, **declared.settings}


def _function(declared: Declared) -> Callable[..., Any]:
    """Return the function of *declared*, annotated as the library wants it."""
    theirs: Any = declared.function
    ours: Any = FunctionType(
        theirs.__code__,
        theirs.__globals__,
        theirs.__name__,
        theirs.__defaults__,
        theirs.__closure__,
    )
    first = theirs.__code__.co_varnames[0]
    ours.__annotations__ = {**theirs.__annotations__, first: typer.Context}
    for value in declared.params:
        annotation = theirs.__annotations__[value.name]
        ours.__annotations__[value.name] = Annotated[annotation.__origin__, _info(value)]
    return ours  # type: ignore[no-any-return]


def _info(value: Value) -> Any:
    """Return *value* as the library declares it."""
    settings: dict[str, Any] = {
        "metavar": value.metavar,
        "parser": value.parser,
        "autocompletion": _autocompletion(value),
        "show_default": value.show_default,
        "help": value.help,
        "min": value.between[0],
        "max": value.between[1],
    }
    if value.param_type_name == "option":
        return typer.Option(*value.names, **settings)
    return typer.Argument(**settings)


def _autocompletion(value: Value) -> Callable[..., Any] | None:
    """Return what completes *value*, with its arguments as the library wants them."""
    if value.autocompletion is None:
        return None
    offered = value.autocompletion
    if value.is_offered_everywhere:
        return lambda incomplete: offered(incomplete)  # noqa: PLW0108 - its names count
    return lambda ctx, incomplete: offered(ctx, incomplete)  # noqa: PLW0108


def _kept(option: Value) -> TyperOption:
    """Return the library's form of an option that the caller keeps, not the command."""

    def keep(ctx: Any, param: Any, value: Any) -> None:
        if value is not None:
            setattr(caller(ctx), param.name, value)

    offered = _autocompletion(option)
    return TyperOption(
        param_decls=[*option.names, option.name],
        help=option.help,
        metavar=option.metavar,
        is_flag=option.is_flag or None,
        autocompletion=None
        if offered is None
        else lambda ctx, _args, incomplete: offered(ctx, incomplete),
        expose_value=False,
        callback=keep,
        default=None,
    )


def shared_options() -> list[tuple[str, str]]:
    """Return how each option of every command is written, and what it is for, as help has them."""
    kind = type("Command", (LibraryCommand,), {"kind": Command, "values": []})
    command: Any = kind("hongbao")
    context = Speaking(command, help_option_names=[*ASKING_HELP])
    options = [*next(reversed(command.elsewhere.values())), command.get_help_option(context)]
    return [record for option in options if (record := option.get_help_record(context))]
