"""JSON output: one document, readable by any program under any encoding."""

import codecs
import json
from typing import Any

FORMAT = 1
"""The version of the documents: keys may be added, and nothing else (docs/reference/json.md)."""


_ENCODER = json.JSONEncoder(ensure_ascii=False)
"""What `json.dumps` would make again for each document."""


def to_json(facts: object, *, encoding: str | None = "utf-8", indent: int | None = None) -> str:
    """
    Return *facts* as a JSON document for a stream of that *encoding*, on one line by default.

    In UTF-8 Chinese stays as it is, and what a screen would obey is escaped. Any other encoding
    lacks some character, and what a stream puts in its place is not JSON: there all that is not
    ASCII is escaped as JSON escapes it.

    >>> print(to_json({"counterparty": "小明"}), to_json("\\u2028\\x9b"))
    {"counterparty": "小明"} "\\u2028\\u009b"
    >>> print(to_json("é🧧", encoding="gbk"))
    "\\u00e9\\ud83e\\udde7"
    """
    if indent is None and _is_utf_8(encoding):
        text = _ENCODER.encode(facts)
    else:
        text = json.dumps(facts, ensure_ascii=not _is_utf_8(encoding), indent=indent)
    if text.isprintable():
        return text
    # No line ends inside a string: one that is there indents the document.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _is_utf_8(encoding: str | None) -> bool:
    return encoding is None or codecs.lookup(encoding).name == "utf-8"


def of_json(text: str | bytes) -> Any:
    """
    Return the document that *text* from outside is. Raises ValueError if it is none.

    So it does where `json.loads` would raise RecursionError.

    >>> of_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it is nested too deep
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
