"""
The shapes in ``docs/json.md``: what each command answers programs with, read off `hongbao.answers`.

``python -m tests.shapes`` writes that part of the page anew; the test that calls `page` refuses one
that is behind.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hongbao import answers

PAGE = Path(__file__).parent.parent / "docs" / "json.md"
MARK = "<!-- from here on, made from hongbao/answers.py -->\n"


def page() -> str:
    """Return the page with its shapes as they are in the code."""
    told = PAGE.read_text("utf-8").partition(MARK)[0]
    return told + MARK + "\n" + "\n".join(_sections())


def _sections() -> Iterator[str]:
    source = Path(answers.__file__).read_text("utf-8")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        yield f"### {node.name}\n"
        yield (ast.get_docstring(node) or "").replace("\n", " ")
        for base in map(ast.unparse, node.bases):
            if base != "TypedDict":
                yield f"It has the keys of [{base}](#{base.lower()}), too."
        yield "\n| key | type | |\n|---|---|---|"
        for item in node.body:
            if isinstance(item, ast.AnnAssign):
                comment = lines[item.lineno - 1].partition("  # ")[2].replace("``", "`")
                kind = _kind(ast.unparse(item.annotation))
                yield f"| `{ast.unparse(item.target)}` | {kind} | {comment} |"
        yield ""


def keys() -> Iterator[str]:
    """Yield every key of every shape, with its type: ``Held.case: str``."""
    for node in ast.parse(Path(answers.__file__).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign):
                    kind = ast.unparse(item.annotation).replace("'", "")
                    yield f"{node.name}.{ast.unparse(item.target)}: {kind}"


def _kind(annotation: str) -> str:
    """Return *annotation* in a reader's words."""
    kind = annotation.replace("'", "")
    optional = kind.startswith("NotRequired[")
    kind = re.sub(r"NotRequired\[(.*)\]$", r"\1", kind)
    kind = re.sub(r"list\[(.*?)\]", r"list of \1", kind)
    kind = kind.replace(" | None", " or null")
    for code, said in (("str", "text"), ("int", "number"), ("bool", "true or false")):
        kind = re.sub(rf"\b{code}\b", said, kind)
    return kind + (", where it applies" if optional else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit()
