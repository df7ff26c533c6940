"""``hongbao alias``."""

from typing import Annotated

from hongbao.answers import AliasChanged, AliasLine
from hongbao.commands.config import settings_file
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.commands.placeholders import ALIAS
from hongbao.commands.table import NAMES
from hongbao.errors import AliasNotFound, ConflictingOptions
from hongbao.words import N_

app = new_app()


def _names(ctx: Context, incomplete: str) -> list[str]:
    return [name for name in caller(ctx).settings.aliases if name.startswith(incomplete)]


@app.command(
    cls=listing("settings:ALIASES"),
    short_help=N_("List, add and remove your own names for commands."),
    help=N_(
        "An alias is short for the beginning of a command; what you type behind it is added. It "
        "never takes a command's name. Without a NAME, your aliases are listed."
    ),
    epilog="hongbao alias rp 'send --count 5'\nhongbao rp 66.66\nhongbao alias --remove rp",
)
def alias(
    ctx: Context,
    name: Annotated[
        str | None,
        Argument(metavar=ALIAS, autocompletion=_names, help=N_("the alias")),
    ] = None,
    command: Annotated[
        str | None,
        Argument(metavar="TEXT", help=N_("what it is short for, in quotes")),
    ] = None,
    remove: Annotated[bool, Option("--remove", help=N_("remove the alias"))] = False,
) -> None:
    from hongbao.settings import aliases, editing
    from hongbao.ui import settings as shown

    call = caller(ctx)
    if remove and command is not None:
        raise ConflictingOptions("--remove", "TEXT", command=ctx.command_path)
    if remove and name is None:
        raise wrong_usage(
            "Missing argument 'NAME'.",
            command=ctx.command_path,
            placeholders=ctx.command.placeholders,
        )
    if name is None:
        lines = [AliasLine(alias=each, command=text) for each, text in _all(ctx).items()]
        call.answer_list({"aliases": lines}, shown.ALIASES)
        return
    if call.list_options:
        raise ConflictingOptions("NAME", call.list_options[0], command=ctx.command_path)
    if command is None and name not in _all(ctx):
        raise AliasNotFound(name)
    if command is None and not remove:
        call.answer(AliasLine(alias=name, command=_all(ctx)[name]), shown.show_alias)
        return
    file = settings_file()
    if command is None:
        editing.remove(file, f"aliases.{name}")
    else:
        aliases.check(name, command, NAMES)
        editing.write(file, f"aliases.{name}", command)
    call.answer(AliasChanged(alias=name, command=command), shown.show_alias_changed)


def _all(ctx: Context) -> dict[str, str]:
    return dict(caller(ctx).settings.aliases)
