"""The mutants that no test kills are those of the code as it is: `tools/mutants_domain.txt`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LISTED = ROOT / "tools" / "mutants_domain.txt"


class Survivor(NamedTuple):
    """A mutant as it is listed: where it is, its line without and with it, and why it survives."""

    module: str
    function: str
    line: str
    mutated: str
    reason: str


def survivors(text: str) -> Iterator[Survivor]:
    """Yield what *text* lists; raise ValueError for a line that is no part of that."""
    _said, *modules = re.split(r"(?m)^== (.+)\n", text)
    entry = re.compile(r"(.+?)(?: \(time-out\)| \(no test\))?\n  - (.+)\n  \+ (.*)\n  = (.+)\n")
    for name, entries in zip(modules[::2], modules[1::2], strict=True):
        at, listed = 0, entries.strip() + "\n"
        while at < len(listed):
            found = entry.match(listed, at)
            if found is None:
                raise ValueError(listed[at:].partition("\n")[0])
            yield Survivor(name, *found.groups())
            at = found.end()


def lines_of(source: str) -> dict[str, set[str]]:
    """Return the lines of each function in *source*, by its name, with its class's before it."""
    lines, found = source.splitlines(), dict[str, set[str]]()

    def look(node: ast.AST, before: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = before + child.name
                if isinstance(child, ast.FunctionDef):
                    its = lines[child.lineno - 1 : child.end_lineno]
                    found.setdefault(name, set()).update(map(str.strip, its))
                look(child, f"{name}.")

    look(ast.parse(source), "")
    return found


def gone(text: str, root: Path) -> list[str]:
    """Return what *text* lists and the code below *root* does not have."""
    known: dict[str, dict[str, set[str]]] = {}
    lost = []
    for each in survivors(text):
        if each.module not in known:
            known[each.module] = lines_of((root / f"{each.module}.py").read_text("utf-8"))
        if each.line not in known[each.module].get(each.function, ()):
            lost.append(f"{each.module}: {each.function}: {each.line}")
    return lost


def test_each_survivor_is_of_a_line_that_is_there():
    """
    A line that has changed has other mutants: `make mutants MODULES=…` tries them.
    """
    text = LISTED.read_text("utf-8")

    assert len(re.findall("(?m)^  = ", text)) == len([*survivors(text)]) > 100
    assert [] == gone(text, ROOT / "hongbao" / "domain")


def test_a_survivor_whose_line_has_changed_is_noticed(tmp_path: Path):
    """
    In another function it is another line.
    """
    listed = "Why.\n\n== one\n\nBox.size\n  - return 1 + 1\n  + return 1 - 1\n  = it is\n"
    code = "class Box:\n  def size(self):\n    return {}\n  def all(self):\n    return 1 + 1\n"

    (tmp_path / "one.py").write_text(code.format("1 + 1"), "utf-8")
    assert [] == gone(listed, tmp_path)
    (tmp_path / "one.py").write_text(code.format("2"), "utf-8")
    assert ["one: Box.size: return 1 + 1"] == gone(listed, tmp_path)
