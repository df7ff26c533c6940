"""The whole command line as the command-line library has it."""

from collections.abc import Sequence
from typing import Any

import typer

from hongbao.commands.aliases import aliases_of, of_alias
from hongbao.commands.caller import Caller
from hongbao.commands.declared import ASKING_HELP, Finished
from hongbao.commands.library import LibraryGroup, UsageError, built
from hongbao.commands.options import caller
from hongbao.commands.overview import write_commands
from hongbao.commands.root import app
from hongbao.commands.streams import answering
from hongbao.commands.table import COMMANDS, NAMES, app_of
from hongbao.errors import BadCommandLine, HongbaoError
from hongbao.parser_words import in_our_words


class House(LibraryGroup):
    """All commands; a file is imported only when its command is wanted."""

    def __init__(self, **settings: Any) -> None:
        settings["context_settings"] = {"help_option_names": [*ASKING_HELP]}
        super().__init__(**settings)
        # The parser suggests from these names what a mistyped command may have meant.
        self.commands: Any = {name: None for names in COMMANDS.values() for name in names}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that *args* begin with; the text of an alias is completed, too."""
        if args[0] not in NAMES:
            try:
                args = of_alias(args, caller(ctx)) or args
            except HongbaoError:
                if not ctx.resilient_parsing:  # as it is where a shell completes
                    raise
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a shell may offer: a person's aliases as well."""
        found = super().shell_complete(ctx, incomplete)
        item = type(next(iter(found or super().shell_complete(ctx, ""))))
        aliases = aliases_of(ctx.find_object(Caller))
        return [*found, *(item(name) for name in aliases if name.startswith(incomplete))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        declared = app_of(cmd_name)
        if declared is None:
            return None
        command = built(declared)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        write_commands(formatter, ctx.find_object(Caller))


def root_command() -> Any:
    """Return the command of the library that all others stand below."""
    command = built(app, House)
    command.name = "hongbao"
    return command


def run(arguments: Sequence[str], call: Caller) -> None:
    """
    Have the library read *arguments*, and run their command for *call*.

    Raises BadCommandLine for what it does not understand, and what the command raises.
    """
    whole = root_command()
    try:
        with (
            answering(),
            whole.make_context("hongbao", [*arguments], obj=call) as context,
        ):
            whole.invoke(context)
    except (Finished, typer.Exit):
        pass  # help was shown, or what there is to choose from
    except UsageError as error:
        where = getattr(error, "ctx", None)
        command = "hongbao" if where is None else where.command_path
        problem = error.format_message()  # type: ignore[attr-defined]  # as all of its family have
        placeholders = getattr(getattr(where, "command", None), "placeholders", {})
        raise BadCommandLine(in_our_words(problem, placeholders), command=command) from None


def complete(variable: str, call: Caller) -> None:
    """Print the completions that a shell asks for by *variable*, and exit."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    root_command().main([], prog_name="hongbao", complete_var=variable, obj=call)
