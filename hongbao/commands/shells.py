"""The user's shell in a wallet that hongbao has made: its prompt says so."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from hongbao import words

OTHERS = ("HONGBAO_PIN_FILE", "HONGBAO_PROFILE", "HONGBAO_PASSPHRASE_FILE", "HONGBAO_TOTP_FILE")
"""Variables about another wallet, which such a shell does not have."""


def for_any_shell(variables: Mapping[str, str | None]) -> Iterator[str]:
    """
    Yield lines that set *variables*, or forget those without text, in POSIX's shells as in fish.

    SHELL names the shell that someone logs in with, and not the one that reads these lines: in
    fish there is no ``unset``, and what ``set -e NAME`` is there makes others end at any failure.

    >>> print(*for_any_shell({"A": "b c", "D": None}), sep="\\n")
    export A='b c';
    command -v unset >/dev/null && unset D || set -e D;
    """
    for name, text in variables.items():
        if text is None:
            yield f"command -v unset >/dev/null && unset {name} || set -e {name};"
        else:
            yield f"export {name}={quote(text)};"


@contextmanager
def marked_shell(
    before: Mapping[str, str], more: Mapping[str, str], mark: str, *, lesson: str | None = None
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """
    Give the command and the variables of a shell whose prompt begins with *mark*.

    Its variables are those of *before* without `OTHERS`, and *more*; it finds this hongbao.

    With *lesson*, the command that runs one, bash, zsh and fish look after each command at what
    has come of it, and ``lesson WORDS`` types words of the lesson.
    """
    shell = before.get("SHELL") or before.get("COMSPEC") or "/bin/sh"
    variables = {name: text for name, text in before.items() if name not in OTHERS}
    words.restore_language(variables)
    variables |= more
    if shutil.which("hongbao", path=variables.get("PATH")) is None:
        ours = str(Path(sys.argv[0]).parent.absolute())
        variables["PATH"] = os.pathsep.join(filter(None, (variables.get("PATH"), ours)))
    with tempfile.TemporaryDirectory(prefix="hongbao-shell-") as lent:
        files = Path(lent)
        match Path(shell).name:
            case "bash":
                script = _BASH.format(mark=mark) + _looking(_BASH_LOOKS, lesson)
                (files / "bashrc").write_text(script, "utf-8")
                yield [shell, "--rcfile", str(files / "bashrc")], variables
            case "zsh":
                theirs = quote(before.get("ZDOTDIR") or before.get("HOME", ""))
                for name, more_lines in ((".zshenv", ""), (".zshrc", _ZSH_PROMPT)):
                    script = (_ZSH + more_lines).format(theirs=theirs, name=name, mark=mark)
                    script += _looking(_ZSH_LOOKS, lesson) if more_lines else ""
                    (files / name).write_text(script, "utf-8")
                yield [shell], variables | {"ZDOTDIR": lent}
            case "fish":
                yield (
                    [
                        shell,
                        "--init-command",
                        _FISH.format(mark=mark) + _looking(_FISH_LOOKS, lesson),
                    ],
                    variables,
                )
            case _:
                yield [shell], variables | {"PS1": f"({mark}) $ "}


def _looking(script: str, lesson: str | None) -> str:
    return "" if lesson is None else script.format(lesson=lesson)


@contextmanager
def typed_in(
    before: Mapping[str, str], more: Mapping[str, str], mark: str, command: Sequence[str]
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give *command*, or a shell, with the variables of one (see `marked_shell`)."""
    with marked_shell(before, more, mark) as (shell, variables):
        yield ([*command] or shell), variables


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

_BASH_LOOKS = """\
PROMPT_COMMAND="{lesson} --look"
lesson() {{ {lesson} --type "$*"; }}
"""

_ZSH_LOOKS = """\
precmd() {{ {lesson} --look; }}
lesson() {{ {lesson} --type "$*"; }}
"""

_FISH_LOOKS = """\
function _hongbao_look --on-event fish_postexec; {lesson} --look; end
function lesson; {lesson} --type "$argv"; end
"""
