"""``hongbao completion``."""

from enum import StrEnum
from typing import Annotated

from hongbao.commands.declared import Argument, Context
from hongbao.commands.options import Command, caller, new_app
from hongbao.words import N_

app = new_app()

BASH = """\
_hongbao_completion() {
    local word begins=${COMP_WORDS[COMP_CWORD]:0:1}
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == *[[:space:]]* && $begins != "'" && $begins != '"' ]]; then
            word=$(printf %q "$word")
        fi
        COMPREPLY+=("$word")
    done < <(
        IFS=$'\\n'
        env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
            _HONGBAO_COMPLETE=complete_bash "$1"
    )
}

complete -o default -F _hongbao_completion hongbao"""
"""What bash is taught; the library's own script does not quote a name that has a space."""


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
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = BASH
    if shell is not Shell.BASH:
        script = get_completion_script(
            prog_name="hongbao", complete_var="_HONGBAO_COMPLETE", shell=shell.value
        )
    caller(ctx).answer(
        {"shell": shell.value, "script": script}, lambda answer: print(answer["script"])
    )
