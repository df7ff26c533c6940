"""Aliases: a person's own names for the beginnings of commands, which hide no command."""

import re
import shlex
from collections.abc import Collection, Sequence

from hongbao import settings
from hongbao.errors import InvalidSetting, shortened

CONSENT = frozenset(
    {
        *("--yes", "--operator", "--pin-file", "--new-pin-file", "--totp-file"),
        *("--passphrase-file", "--id-file"),
    }
)
"""Options that are consent or secrets: typed each time, by the one who means them."""

_SHORT_YES = re.compile(r"-[a-zA-Z]*y[a-zA-Z]*")


def check(name: str, text: str, commands: Collection[str]) -> None:
    """Raise InvalidSetting unless *name* may be short for *text*, the beginning of a command."""
    if name in commands:
        raise InvalidSetting(problem="alias_is_command", text=shortened(name))
    if re.fullmatch(r"\w[\w-]{0,31}", name) is None:
        raise InvalidSetting(problem="alias_name", text=shortened(name))
    problem = _problem_of(text, commands)
    if problem is not None:
        raise InvalidSetting(problem=problem, key=f"aliases.{name}")


def _problem_of(text: str, commands: Collection[str]) -> str | None:
    try:
        words = shlex.split(text)
    except ValueError:
        return "alias_quotes"
    if any(word.partition("=")[0] in CONSENT or _SHORT_YES.fullmatch(word) for word in words):
        return "alias_consent"
    return None if words and words[0] in commands else "alias_no_command"


def expanded(
    words: Sequence[str], found: settings.Settings, commands: Collection[str]
) -> list[str]:
    """
    Return *words*, which begin with an alias, with what it is short for in its place.

    Raises InvalidSettings where it is short for no command: an alias is never one of another.
    """
    name, *rest = words
    text = found.aliases[name]
    problem = _problem_of(text, commands)
    if problem is None:
        return [*shlex.split(text), *rest]
    assert found.path is not None
    document = settings.document_of(settings.read(found.path) or "", str(found.path))
    raise document.refuse(("aliases", name), problem, key=f"aliases.{name}")
