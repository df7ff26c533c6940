"""
Reports of what was played, for programs that run tests: JUnit's XML, and TAP.

Both say what a terminal says, in the same words. They hold no measured times, so the same stories
give the same report to the byte.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from hongbao.answers import StoryOutcome

_NOT_A_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 allows nowhere, not even escaped (its production `Char`)."""


def allowed(text: str) -> str:
    """
    Return *text* with what XML 1.0 forbids shown as U+FFFD: control characters, lone surrogates.

    >>> allowed("\\x1b[31m红包\\x00")
    '�[31m红包�'
    """
    return _NOT_A_CHARACTER.sub("\ufffd", text)


def junit(outcomes: Sequence["StoryOutcome"]) -> str:
    """Return JUnit's XML: a case for each story, with all that failed in it."""
    failed = sum(not outcome["ok"] for outcome in outcomes)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites tests="{len(outcomes)}" failures="{failed}">',
        f'<testsuite name="hongbao play" tests="{len(outcomes)}" failures="{failed}" errors="0">',
    ]
    for outcome in outcomes:
        name = _attribute(outcome["story"])
        lines.append(f'<testcase classname="hongbao play" name={name}>')
        if not outcome["ok"]:
            problem = _attribute(outcome["failures"][0]["problem"])
            message = _attribute(outcome["failures"][0]["text"].partition("\n")[0])
            text = escape(allowed(_texts(outcome)))
            lines.append(f"<failure type={problem} message={message}>{text}</failure>")
        if outcome["digest"] is not None:
            lines.append(f"<system-out>books digest {outcome['digest']}</system-out>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])


def tap(outcomes: Sequence["StoryOutcome"]) -> str:
    """Return TAP, version 14: a point for each story, with all that failed in it below."""
    lines = ["TAP version 14", f"1..{len(outcomes)}"]
    for number, outcome in enumerate(outcomes, start=1):
        name = re.sub(r"([\\#])", r"\\\1", allowed(outcome["story"]))
        lines.append(f"{'ok' if outcome['ok'] else 'not ok'} {number} - {name}")
        if not outcome["ok"]:
            texts = re.split(r"[\n\r\x85\u2028\u2029]", allowed(_texts(outcome)))
            lines += [
                "  ---",
                "  message: |-",
                *(f"    {text}".rstrip() for text in texts),
                "  ...",
            ]
    return "\n".join([*lines, ""])


def _texts(outcome: "StoryOutcome") -> str:
    return "\n".join(failure["text"] for failure in outcome["failures"])


def _attribute(text: str) -> str:
    return quoteattr(allowed(text))
