"""Every hint in the code: a sentence that shows a command to type."""

import ast
from collections.abc import Iterator
from pathlib import Path

import hongbao

HOUSE = Path(hongbao.__file__).parent


def hints() -> dict[str, str]:
    """Return every hint with a command in it, by its English, and the file that shows it."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        place = path.relative_to(HOUSE).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        for sentence in _advice(tree, place):
            if "`" in sentence:
                found[sentence] = place
    return found


def _advice(tree: ast.AST, place: str) -> Iterator[str]:
    if place.startswith("errors/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                name = getattr(node.targets[0], "id", "")
                if "advice" in name:
                    yield from _marked(node)
            if isinstance(node, ast.FunctionDef) and node.name == "chosen_advice":
                yield from _marked(node)
    elif place.startswith("commands/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("hint", "remark"):
                yield from _marked(node)
    elif place.startswith(("ui/", "auditing/", "wallet/", "statements/")):
        yield from _marked(tree)


def _marked(tree: ast.AST) -> Iterator[str]:
    """Yield the sentences marked in *tree*; of two forms, the plural."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("N_", "_"):
                arguments = node.args[:1]
            elif node.func.id in ("ngettext", "counted"):
                arguments = node.args[1:2]
            else:
                continue
            for argument in arguments:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
