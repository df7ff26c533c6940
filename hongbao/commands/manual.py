"""
The man pages: the same help and topics, written for `man` instead of a terminal.

The wheel brings them along (hatch_build.py), and `hongbao help --man` prints them. Making one needs
the command-line library alone.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hongbao import words
from hongbao.commands.library import Speaking
from hongbao.commands.topics import TOPICS
from hongbao.parser_words import COMMAND, OPTIONS
from hongbao.words import N_, _, say

FOLDERS = {"en": "man", "zh_CN": "man/zh_CN"}
"""Where the pages of each language are, under ``share``."""

NAME = N_("Name")
SYNOPSIS = N_("Synopsis")
DESCRIPTION = N_("Description")
EXAMPLES = N_("Examples")
SEE_ALSO = N_("See also")


_BREAK = re.compile(
    # Before a Chinese character, and behind Chinese punctuation; never before that.
    r"(?<=[\u3000-\u9fff\uff00-\uffef])(?=[\u4e00-\u9fff])"
    r"|(?<=[\u3001-\u3002\uff0c-\uff1b])(?=[\w\\])"
)


class Roff:
    """A page for `man`, with the verbs of `hongbao.commands.page.Page`."""

    width = 80

    def __init__(self, *, below: bool = False) -> None:
        self._heading = ".SS" if below else ".SH"
        self._lines: list[str] = []
        self._is_below_heading = False

    def getvalue(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def write_title(self, name: str, section: int, version: str, said: str) -> None:
        """Write the page's own name, and what it is about in one line."""
        self._lines.append(f'.TH "{escaped(name.upper())}" {section} "" "hongbao {version}"')
        self._lines.append(".ad l")  # Chinese has no spaces to make wider
        self.write_heading(_(NAME))
        self._line(f"{escaped(name)} \\- {text(said.rstrip('.。'))}")

    def write_usage(self, prog: str, args: str = "") -> None:
        """Write how *prog* is called."""
        self.write_heading(_(SYNOPSIS))
        for word in (OPTIONS, COMMAND):
            args = args.replace(word, _(word))
        self._line(f"\\fB{escaped(prog)}\\fR {text(args)}".rstrip())
        self.write_heading(_(DESCRIPTION))

    def write_heading(self, heading: str) -> None:
        self._lines.append(f"{self._heading} {text(heading, capitals=True)}")
        self._is_below_heading = True

    def write_paragraph(self) -> None:
        """Do nothing: what follows begins a paragraph anyway."""

    def write_text(self, said: str) -> None:
        """Write *said*, in its paragraphs."""
        for paragraph in re.split(r"\n\s*\n", said.strip("\n")):
            self._begin()
            self._line(text(" ".join(paragraph.split())))

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write terms with their explanations."""
        for term, explanation in rows:
            self._lines.append(".TP")
            self._line(f"\\fB{text(term)}\\fR")
            self._line(text(_(explanation)) if explanation else "\\&")
        self._is_below_heading = False

    def write_examples(self, examples: Sequence[str]) -> None:
        """Write commands to copy, one on each line."""
        self.write_heading(_(EXAMPLES))
        self._lines.append(".nf")
        for example in examples:
            self._line(text(example, breaks=False))
        self._lines.append(".fi")
        self._is_below_heading = False

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        self.write_heading(name)
        yield

    @contextmanager
    def indentation(self) -> Iterator[None]:
        yield

    def indent(self) -> None:
        """Do nothing: `man` indents."""

    def dedent(self) -> None:
        """Do nothing: `man` indents."""

    def _begin(self) -> None:
        if not self._is_below_heading:
            self._lines.append(".PP")
        self._is_below_heading = False

    def _line(self, line: str) -> None:
        self._lines.append(f"\\&{line}" if line.startswith((".", "'")) else line)
        self._is_below_heading = False


def escaped(said: str) -> str:
    """Return *said* with what `man` would obey or make prettier as plain characters."""
    plain = said.replace("\\", "\\(rs").replace("-", "\\-")
    for sign, name in (("'", "aq"), ("`", "ga"), ("^", "ha"), ("~", "ti"), ('"', "dq")):
        plain = plain.replace(sign, f"\\({name}")
    return plain


def text(said: str, *, breaks: bool = True, capitals: bool = False) -> str:
    """
    Return *said* for a line of text, its commands in bold; Chinese may break anywhere.

    With *capitals* it is a heading, and has no bold commands.

    >>> text("see `hongbao help`")
    'see \\\\fBhongbao help\\\\fR'
    """
    if capitals:
        return escaped(said.replace("`", "").upper())
    parts = re.split(r"`([^`]*)`", said)
    made = "".join(
        f"\\fB{escaped(part)}\\fR" if place % 2 else escaped(part)
        for place, part in enumerate(parts)
    )
    if breaks:
        made = _BREAK.sub(r"\\:", made)
    return made


def pages(house: Any, version: str) -> Iterator[tuple[str, str]]:
    """Yield the path under ``share`` of each page of *house*, in each language, and its text."""
    spoken = words.language()
    try:
        for language, folder in FOLDERS.items():
            words.use_language(language)
            for name, section, page in _pages(house(), version):
                yield f"{folder}/man{section}/{name}.{section}", page
    finally:
        words.use_language(spoken)


def _pages(house: Any, version: str) -> Iterator[tuple[str, int, str]]:
    context = Speaking(house, info_name="hongbao")
    yield "hongbao", 1, command_page(house, context, version)
    for name in house.list_commands(context):
        command = house.get_command(context, name)
        below = Speaking(command, info_name=name, parent=context)
        yield f"hongbao-{name}", 1, command_page(command, below, version)
    for name, topic in TOPICS.items():
        yield f"hongbao-{name}", topic.section, topic_page(name, version)


def command_page(command: Any, context: Any, version: str) -> str:
    """Return the page of *command*, with those of the commands below it."""
    page = Roff()
    name = context.command_path.replace(" ", "-")
    page.write_title(name, 1, version, command.get_short_help_str())
    command.format_help(context, page)
    made = page.getvalue()
    if command.name != "hongbao":
        for each, inner in getattr(command, "commands", {}).items():
            made += _below(inner, Speaking(inner, info_name=each, parent=context))
    return made + _see_also(name)


def _below(command: Any, context: Any) -> str:
    page = Roff(below=True)
    command.format_help(context, page)
    heading = escaped(context.command_path)
    return f'.SH "{heading}"\n{page.getvalue()}'


def topic_page(name: str, version: str) -> str:
    """Return the page of the topic *name*."""
    page = Roff()
    topic = TOPICS[name]
    page.write_title(f"hongbao-{name}", topic.section, version, _(topic.title))
    page.write_heading(_(DESCRIPTION))
    topic.write(page)
    return page.getvalue() + _see_also(f"hongbao-{name}")


def _see_also(name: str) -> str:
    page = Roff()
    page.write_heading(_(SEE_ALSO))
    others = [
        ("hongbao", 1),
        *((f"hongbao-{each}", topic.section) for each, topic in TOPICS.items()),
    ]
    listed = ", ".join(f"{other}({section})" for other, section in others if other != name)
    page.write_text(say(N_("{pages}, and `hongbao help`"), pages=listed))
    return page.getvalue()
