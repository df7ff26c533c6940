"""``hongbao completion``."""

from enum import StrEnum
from typing import Annotated

from hongbao.commands.declared import Argument, Context
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()


class Shell(StrEnum):
    """The shells that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(
    cls=Command,
    short_help=N_("Print a shell completion script."),
    help=N_("The line belongs in the shell's start-up file: ~/.bashrc, ~/.zshrc or config.fish."),
    epilog='eval "$(hongbao completion bash)"\nhongbao completion fish | source',
)
def completion(
    ctx: Context,
    shell: Annotated[Shell, Argument(metavar="SHELL", help=N_("bash, zsh or fish"))],
) -> None:
    from hongbao.commands.aliases import aliases_of
    from hongbao.commands.completing import levels, shared
    from hongbao.commands.root import app as house
    from hongbao.commands.scripts import script

    call = caller(ctx)
    written = script(shell.value, levels(house, aliases_of(call)), shared())
    call.answer({"shell": shell.value, "script": written}, lambda answer: print(answer["script"]))
