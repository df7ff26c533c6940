"""
The command-line library's messages, in our words and in both languages.

The headings of its help ask gettext, and `hongbao.words.use_language` points gettext at our
catalogue. The rest are English sentences fixed in its code. Those that a person can meet through us
are recognised here and said our way; tests/test_parser_words.py makes it say each of them.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from hongbao.words import N_, Filled, harmless

USAGE = N_("Usage: ")
OPTIONS = N_("[OPTIONS]")
COMMAND = N_("COMMAND [ARGS]...")
ARGUMENTS = N_("Arguments")
OPTIONS_HEADING = N_("Options")
SHOW_HELP = N_("show this help and exit")
"""The words of a help page that the library never translates."""

_LENGTH_MAX = 200  # what was typed is quoted, but not by the page

_ABOUT = N_("{name}: {problem}")

SENTENCES = {
    # What the library says: what we say. A {problem} is a sentence as well.
    "Invalid value for {name} (env var: {variable}): {problem}": N_(
        "{name}, set by {variable}: {problem}"
    ),
    "Invalid value for {name}: {problem}": _ABOUT,
    "Invalid value: {problem}": "{problem}",
    "{problem}. Did you mean {names}?": N_("{problem}; did you mean {names}?"),
    "{problem} (Possible options: {names})": N_("{problem}; did you mean {names}?"),
    "Missing argument {name}. Choose from: {choices}": N_("{name} is missing: one of {choices}"),
    "Missing option {name}. Choose from: {choices}": N_("{name} is missing: one of {choices}"),
    "Missing argument {name}": N_("{name} is missing"),
    "Missing option {name}": N_("{name} is missing"),
    "Missing command": N_("a command is missing"),
    "No such command {name}": N_("there is no command {name}"),
    "No such option: {name}": N_("there is no option {name}"),
    "Option {name} does not take a value": N_("{name} takes no value"),
    "Option {name} requires an argument": N_("{name} needs a value"),
    "Option {name} requires {count} arguments": N_("{name} needs {count} values"),
    "Argument {name} takes {count} values": N_("{name} needs {count} values"),
    "Got unexpected extra argument(s) ({arguments})": N_("too many arguments: {arguments}"),
    "{value} is not a valid int": N_("{value} is not a whole number"),
    "{value} is not a valid int range": N_("{value} is not a whole number"),
    "{value} is not a valid boolean. Recognized values: {choices}": N_(
        "{value} is neither yes nor no"
    ),
    "{value} is not one of {choices}": N_("{value} is not one of {choices}"),
    "{value} is not in the range {range}": N_("{value} is not in the range {range}"),
    "{kind} {path} does not exist": N_("there is no {path}"),
    "{kind} {path} is a directory": N_("{path} is a folder"),
    "{kind} {path} is a file": N_("{path} is a file"),
}


_NO_PLACEHOLDERS: Mapping[str, str] = MappingProxyType({})


def in_our_words(problem: str, placeholders: Mapping[str, str] = _NO_PLACEHOLDERS) -> str:
    """
    Return the parser's sentence *problem* in our words, which `say` says in the reader's language.

    *placeholders* are the placeholders, by what *problem* calls them. A
    sentence that is not known is kept as it is, since a person helps themselves better with the
    library's English than with nothing.

    >>> in_our_words("No such command 'sned'. Did you mean 'send'?")
    "there is no command 'sned'; did you mean 'send'?"
    >>> in_our_words("Missing argument '<文件>'.", {"<文件>": "FILE"})
    'FILE is missing'
    >>> in_our_words("Missing argument 'FILE'.", {"<文件>": "FILE"})
    'FILE is missing'
    >>> in_our_words("there is no option --cuont; did you mean --count?").sentence
    '{problem}; did you mean {names}?'
    """
    if isinstance(problem, Filled):
        return problem

    def fact(name: str, value: str) -> str:
        if name == "problem":
            return in_our_words(value, placeholders)
        word = value.strip("'")
        for shown, placeholder in placeholders.items():
            if word in (shown, placeholder):
                return placeholder
        if name == "name" and word.startswith("-"):
            value = value.replace("'", "")  # an option looks like one
        return harmless(value, _LENGTH_MAX)

    problem = " ".join(problem.split()).removesuffix(".")
    for forms in (_theirs, _ours):
        for form, sentence in forms():
            if match := form.fullmatch(problem):
                facts = {name: fact(name, each) for name, each in match.groupdict().items()}
                return Filled(sentence, facts)
    return harmless(problem, _LENGTH_MAX)


@cache
def _theirs() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the pattern of each sentence of the library, with what we say for it."""
    return tuple((re.compile(_pattern(theirs)), ours) for theirs, ours in SENTENCES.items())


@cache
def _ours() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the pattern of each sentence of ours: a refusal that was kept has it in English."""
    ours = [*dict.fromkeys(SENTENCES.values()), _ABOUT]
    ours.remove(_ABOUT)  # it fits too much to be tried before the others
    return tuple((re.compile(_pattern(each)), each) for each in ours if each != "{problem}")


def _pattern(template: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))
