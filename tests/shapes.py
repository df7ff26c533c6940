"""
The documents by command, ``docs/reference/json-by-command.md``: read off `hongbao.answers`.

``python -m tests.shapes`` writes the page; the test that calls `page` refuses one that is behind.
A document's docstring begins with the commands that answer with it; one without is part of others.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hongbao import answers
from hongbao.commands.table import COMMANDS as COMMANDS_OF_HELP

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "json-by-command.md"
RULES = ROOT / "docs" / "reference" / "json.md"
COMMANDS = ROOT / "docs" / "reference" / "commands"

_TOP = """\
# JSON by command

What each command answers with `--json`, key by key.
[The rules]({rules}) say what holds for all of them: streams, exit codes, refusals, what stays stable.
A key that only some answers have says *where it applies*; amounts are whole fen, moments are ISO 8601 at +08:00.

This page is made from the code, and a test keeps it so.
"""  # noqa: E501

_MEANINGS = {
    "amount_fen": "the amount",
    "at": "when it was done",
    "balance_fen": "the balance after it",
    "bank": "the bank's code",
    "card": "the card's name",
    "case": "the case's ID",
    "challenge": "the challenge's ID",
    "device": "the device's name",
    "entry": "the number of its entry in the ledger",
    "fee_fen": "the fee",
    "message": "the message's ID",
    "operator": "the operator's name",
    "packet": "the packet's ID",
    "payment": "the payment's ID",
    "profile": "the profile's name",
    "reason": "the reason that was given",
    "request_id": "the request's ID",
}
"""What a key means wherever the code says nothing else about it."""


class Document(NamedTuple):
    """One shape: the class that declares it, and where the page has it."""

    name: str
    heading: str
    commands: list[str]
    node: ast.ClassDef

    @property
    def anchor(self) -> str:
        return re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")


def page() -> str:
    """Return the whole page, as the code has it now."""
    return "\n".join(_lines())


@cache
def _source() -> str:
    return Path(answers.__file__).read_text("utf-8")


@cache
def _documents() -> dict[str, Document]:
    found: dict[str, Document] = {}
    headings: set[str] = set()
    for node in ast.parse(_source()).body:
        if isinstance(node, ast.ClassDef):
            heading, commands = _head(_says(node))
            if not commands or heading in headings:
                heading, commands = node.name, []
            headings.add(heading)
            found[node.name] = Document(node.name, heading, commands, node)
    return found


def _says(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split())


def _head(says: str) -> tuple[str, list[str]]:
    """Return the heading of a document that *says* this, and its commands; none for a part."""
    named = re.match(
        r"(?P<one>One of )?(?P<commands>(?:`[a-z -]+`(?:, | and )?)+)(?P<file> into a file)?", says
    )
    if named is None:
        return "", []
    commands = re.findall(r"`([^`]+)`", named["commands"])
    words = named["commands"].replace("`", "").removesuffix(", ").removesuffix(" and ")
    ending = ": one of the list" if named["one"] else named["file"] or ""
    return words + ending, commands


def _lines() -> Iterator[str]:
    yield _TOP.format(rules=_way(RULES))
    names = [name for group in COMMANDS_OF_HELP.values() for name in group]
    by_command = {
        name: [
            document
            for document in _documents().values()
            if document.commands and document.commands[0].split()[0] == name
        ]
        for name in names
    }
    yield "| command | documents |\n|---|---|"
    for name, documents in by_command.items():
        if documents:
            links = " · ".join(f"[{each.heading}](#{each.anchor})" for each in documents)
            yield f"| [`{name}`]({_way(COMMANDS / name)}.md) | {links} |"
    yield "\n## The documents\n"
    for documents in by_command.values():
        for document in documents:
            yield from _section(document)
    yield "## Parts of documents\n"
    for document in sorted(_documents().values()):
        if not document.commands:
            yield from _section(document)


def _section(document: Document) -> Iterator[str]:
    lines = _source().splitlines()
    yield f"### {document.heading}\n"
    yield _says(document.node)
    for base in map(ast.unparse, document.node.bases):
        if base != "TypedDict":
            yield f"It has the keys of {_link(base)} as well."
    yield "\n| key | type | |\n|---|---|---|"
    for item in document.node.body:
        if isinstance(item, ast.AnnAssign):
            key = ast.unparse(item.target)
            comment = lines[item.lineno - 1].partition("  # ")[2].replace("``", "`")
            kind = _kind(ast.unparse(item.annotation))
            yield f"| `{key}` | {kind} | {comment or _MEANINGS.get(key, '')} |"
    yield ""


def _way(path: Path) -> str:
    return Path(os.path.relpath(path, PAGE.parent)).as_posix()


def _link(name: str) -> str:
    return f"[{name}](#{_documents()[name].anchor})"


def keys() -> Iterator[str]:
    """Yield every key of every shape, with its type: ``Held.case: str``."""
    for name, document in _documents().items():
        for item in document.node.body:
            if isinstance(item, ast.AnnAssign):
                kind = ast.unparse(item.annotation).replace("'", "")
                yield f"{name}.{ast.unparse(item.target)}: {kind}"


def _kind(annotation: str) -> str:
    """Return *annotation* in a reader's words."""
    kind = annotation.replace("'", "")
    optional = kind.startswith("NotRequired[")
    kind = re.sub(r"NotRequired\[(.*)\]$", r"\1", kind)
    kind = re.sub(r"list\[(.*?)\]", r"list of \1", kind)
    kind = kind.replace(" | None", " or null")
    kind = re.sub(
        r"\b[A-Z]\w+", lambda found: _link(found[0]) if found[0] in _documents() else found[0], kind
    )
    for code, said in (("str", "text"), ("int", "number"), ("bool", "true or false")):
        kind = re.sub(rf"\b{code}\b", said, kind)
    return kind + (", where it applies" if optional else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit()
