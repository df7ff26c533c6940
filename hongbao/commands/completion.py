"""``hongbao completion``."""

from enum import StrEnum
from typing import Annotated

import typer

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
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help=N_("bash, zsh or fish"))],
) -> None:
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(
        prog_name="hongbao", complete_var="_HONGBAO_COMPLETE", shell=shell.value
    )
    caller(ctx).answer(
        {"shell": shell.value, "script": script}, lambda answer: print(answer["script"])
    )
