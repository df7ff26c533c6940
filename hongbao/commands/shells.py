"""The user's shell in a wallet that hongbao has made: its prompt says so."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from hongbao import words

OTHERS = ("HONGBAO_PIN_FILE", "HONGBAO_PROFILE", "HONGBAO_PASSPHRASE_FILE", "HONGBAO_TOTP_FILE")
"""Variables about another wallet, which such a shell does not have."""


@contextmanager
def marked_shell(
    before: Mapping[str, str], more: Mapping[str, str], mark: str
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """
    Give the command and the variables of a shell whose prompt begins with *mark*.

    Its variables are those of *before* without `OTHERS`, and *more*.
    """
    shell = before.get("SHELL") or before.get("COMSPEC") or "/bin/sh"
    variables = {name: text for name, text in before.items() if name not in OTHERS}
    words.restore_language(variables)
    variables |= more
    with tempfile.TemporaryDirectory(prefix="hongbao-shell-") as lent:
        files = Path(lent)
        match Path(shell).name:
            case "bash":
                (files / "bashrc").write_text(_BASH.format(mark=mark), "utf-8")
                yield [shell, "--rcfile", str(files / "bashrc")], variables
            case "zsh":
                theirs = quote(before.get("ZDOTDIR") or before.get("HOME", ""))
                for name, more_lines in ((".zshenv", ""), (".zshrc", _ZSH_PROMPT)):
                    (files / name).write_text(
                        (_ZSH + more_lines).format(theirs=theirs, name=name, mark=mark), "utf-8"
                    )
                yield [shell], variables | {"ZDOTDIR": lent}
            case "fish":
                yield [shell, "--init-command", _FISH.format(mark=mark)], variables
            case _:
                yield [shell], variables | {"PS1": f"({mark}) $ "}


_BASH = """\
[ ! -f ~/.bashrc ] || . ~/.bashrc
PS1="({mark}) $PS1"
"""

_ZSH = """\
[[ ! -f {theirs}/{name} ]] || source {theirs}/{name}
"""

_ZSH_PROMPT = """\
PROMPT="({mark}) $PROMPT"
ZDOTDIR={theirs}
"""

_FISH = """\
functions -q fish_prompt; and functions -c fish_prompt _hongbao_prompt
function fish_prompt; echo -n '({mark}) '; functions -q _hongbao_prompt; and _hongbao_prompt; end
"""
