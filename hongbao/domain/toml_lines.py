"""Line numbers in a TOML text: `tomllib` reads values but does not say on which line."""

import re
import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""How a value is reached: ``("tier", 1, "limit", 0, "amount")``; () is the whole document."""

# What can hide a bracket or a line's end from a reader: strings and comments. TOML 1.0 lets up to
# two quotes stand right before the three that close a string.
_TOKEN = re.compile(
    r'''
      """(?:\\.|[^\\])*?"{3,5}
    | \'\'\'.*?\'{3,5}
    | "(?:\\.|[^"\\])*"
    | '[^']*'
    | \#[^\n]*
    | [\[{\]}\n]
    ''',
    re.VERBOSE | re.DOTALL,
)


def line_of(text: str, path: Path) -> int:
    """
    Return the line of *text*, counted from 1, on which *path* is written.

    *text* is valid TOML. What is not written (a missing key) is said to be where it belongs: at
    the header of its table, or on line 1. Something written over several lines is at its first.

    >>> line_of('a = 1\\n[[t]]\\nb = 2\\n[[t]]\\nb = 3\\n', ("t", 1, "b"))
    5
    >>> line_of('a = 1\\n[[t]]\\nb = 2\\n', ("t", 0, "missing"))
    2
    """
    lines = _index(text)
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _index(text: str) -> dict[Path, int]:
    """Map every table and key of *text* to its line."""
    lines: dict[Path, int] = {}
    lengths: dict[Path, int] = {}  # of the arrays of tables, as far as they have been read
    table: Path = ()
    for line, statement in _statements(text):
        content = tomllib.loads(statement)  # the parser itself says what the statement's keys are
        if statement.lstrip().startswith("["):
            table = _enter(content, lengths)
            lines[table] = line
        else:
            for path in _paths(content, table):
                lines.setdefault(path, line)
        for depth in range(1, len(table)):
            lines.setdefault(table[:depth], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Cut *text* into its statements, each with its first line's number."""
    line = start_line = 1
    start = depth = 0
    for token in _TOKEN.finditer(text):
        found = token.group()
        line += found.count("\n")
        depth += (found in "[{") - (found in "]}")
        if found == "\n" and depth == 0:
            yield start_line, text[start : token.end()]
            start, start_line = token.end(), line
    yield start_line, text[start:]


def _enter(header: Mapping[str, object], lengths: dict[Path, int]) -> Path:
    """Return the path of the table that *header* opens, counting it where it joins an array."""
    path: Path = ()
    inside: object = header
    while isinstance(inside, dict) and inside:
        ((name, inside),) = inside.items()
        path += (name,)
        if isinstance(inside, list):
            lengths[path] = lengths.get(path, 0) + 1
        if path in lengths:
            path += (lengths[path] - 1,)
    return path


def _paths(value: object, path: Path) -> Iterator[Path]:
    """List the path of every key in *value*, which lies at *path*."""
    if isinstance(value, dict):  # what is in a list is on the line of the list
        for name, item in value.items():
            yield (*path, name)
            yield from _paths(item, (*path, name))
