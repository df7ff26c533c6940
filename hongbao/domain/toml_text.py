"""A TOML writer for documents of texts, whole numbers, lists of texts, and tables of these."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def dumped(document: Mapping[str, Any]) -> str:
    r"""
    Return *document* as TOML: every value before the first table, as the form asks for.

    >>> dumped({"form": 1, "fact": [{"want": ["a"], "text": {"en": "1\n2"}}]})
    'form = 1\n\n[[fact]]\nwant = ["a"]\n\n[fact.text]\nen = "1\\n2"\n'
    """
    return "\n".join([*_lines(document, ()), ""]).lstrip()


def _lines(table: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if _is_inner(value)}
    for key, value in table.items():
        if key not in inner:
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in inner.items():
        below = (*path, key)
        for each in [value] if isinstance(value, Mapping) else value:
            named = ".".join(below)
            yield ""
            yield f"[{named}]" if isinstance(value, Mapping) else f"[[{named}]]"
            yield from _lines(each, below)


def _is_inner(value: object) -> bool:
    """Whether *value* is a table, or some of them."""
    is_list = isinstance(value, list) and bool(value)
    return isinstance(value, Mapping) or (is_list and isinstance(value[0], Mapping))  # type: ignore[index]
