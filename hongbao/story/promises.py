"""Expectations: the comparison of what a story expects with a command's output."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hongbao.documents import of_json
from hongbao.domain.ids import CASE_PREFIX, CHALLENGE_PREFIX, PACKET_PREFIX
from hongbao.story.script import NAME, Total

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-Z\\^_])")
_BREAKABLE = re.compile(r"[\s·]+")
_ANYTHING = re.compile(r"\s*(?:…+|\.{3})\s*")
_PIECE = re.compile(r"(…|\[[a-z][a-z0-9_]*\])")


def plain(text: str) -> str:
    """
    Return *text* as it reads, without the colours of a terminal.

    >>> plain("\\x1b[31m红包\\x1b[0m")
    '红包'
    """
    return _ANSI.sub("", text)


def tightened(text: str) -> str:
    """
    Return *text* without what a line may be broken at.

    >>> tightened("sent hb_7Q2M4K9X · 5 shares\\n  of 2.00")
    'senthb_7Q2M4K9X5sharesof2.00'
    """
    return _BREAKABLE.sub("", text)


def pattern_of(text: str, names: Mapping[str, str]) -> re.Pattern[str]:
    """Return the pattern of *text*: … is anything, a name is its value or, once, any word."""
    text = _ANYTHING.sub("…", " ".join(text.split()))
    pattern, seen = "", set()
    for piece in _PIECE.split(text):
        name = NAME.fullmatch(piece)
        if piece == "…":
            pattern += ".*?"
        elif name is None:
            pattern += re.escape(piece)
        elif name[1] in names:
            pattern += re.escape(names[name[1]])
        elif name[1] in seen:
            pattern += f"(?P={name[1]})"
        else:
            seen.add(name[1])
            pattern += f"(?P<{name[1]}>{_word(name[1])})"
    return re.compile(pattern, re.DOTALL)


_IDS = {"packet": PACKET_PREFIX, "case": CASE_PREFIX, "challenge": CHALLENGE_PREFIX}
"""How the ids of things begin, by what names in brackets call them."""


def _word(name: str) -> str:
    """Return the pattern of a name: the id of what its last word calls, else any word."""
    prefix = next((prefix for thing, prefix in _IDS.items() if name.endswith(thing)), None)
    return r"[A-Za-z0-9_.:+-]+" if prefix is None else rf"{prefix}[0-9A-Z]{{8}}"


def first_match(pattern: re.Pattern[str], lines: Iterable[str]) -> dict[str, str] | None:
    """Return the names that the first of *lines* to match *pattern* fills; None if none does."""
    for line in lines:
        if (match := pattern.fullmatch(line)) is not None:
            return match.groupdict()
    return None


def differing(
    expected: object, got: object, names: dict[str, str], place: str
) -> tuple[str, str] | None:
    """
    Return the first fact that *got* has otherwise than *expected*, as both say it; None if none.

    *got* may hold more than is expected of it. A text may have … and names in it, which this fills.
    """
    match expected, got:
        case dict(), dict():
            for key, value in expected.items():
                inside = f"{place}.{key}" if place else str(key)
                if key not in got:
                    return f"{inside}: {_as_json(value)}", f"no {inside}"
                if wrong := differing(value, got[key], names, inside):
                    return wrong
            return None
        case list(), list():
            if len(expected) != len(got):
                return f"{place}: {len(expected)}", f"{place}: {len(got)}"
            pairs = enumerate(zip(expected, got, strict=True))
            found = (differing(*pair, names, f"{place}[{n}]") for n, pair in pairs)
            return next((wrong for wrong in found if wrong), None)
        case str(), str():
            filled = first_match(pattern_of(expected, names), [" ".join(got.split())])
            if filled is not None:
                names |= filled
                return None
        case _ if type(expected) is type(got) and expected == got:
            return None
    return f"{place}: {_as_json(expected)}", f"{place}: {_as_json(got)}"


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def total_of(total: Total, answers: Iterable[tuple[int, str]]) -> str:
    """
    Return what *answers*, exit codes and documents, come to, as a story would say it.

    Where it is what *total* expects, it is said in the same words. Those who have not got the
    field do not count.

    >>> answers = [(0, '{"fen": 3}'), (0, '{"fen": 1}'), (11, "")]
    >>> total_of(Total(7, "values", "fen", ("1", "3")), answers)
    'values fen = 1 3'
    >>> total_of(Total(8, "count", "0", ("1",)), answers)
    '2 => 0, 1 => 11'
    """
    answers = list(answers)
    if total.what == "count":
        codes = Counter(code for code, _document in answers)
        if total.wanted == (str(codes[int(total.field)]),):
            return total.text
        return ", ".join(f"{count} => {code}" for code, count in sorted(codes.items()))
    found = [value for _code, text in answers if (value := _field(text, total.field)) is not None]
    if total.what == "sum":
        came = [str(sum(value for value in found if isinstance(value, int)))]
    else:
        came = sorted(value if isinstance(value, str) else _as_json(value) for value in found)
    if sorted(total.wanted) == sorted(came):
        return total.text
    return replace(total, wanted=tuple(sorted(came, key=_by_size))).text


def _by_size(text: str) -> tuple[int, str]:
    return (int(text), "") if text.lstrip("-").isdigit() else (0, text)


def _field(text: str, field: str) -> object:
    """Return what stands at *field*, as in ``seal.entry``, in the document *text*; None if not."""
    try:
        value = of_json(text)
    except ValueError:
        return None
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
