"""
Reports of what was played, for programs that run tests: JUnit's XML, TAP, GitHub's annotations.

All say what a terminal says, in the same words. JUnit alone has measured times: but for the
attributes ``time``, the same stories give the same report to the byte.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from hongbao.answers import StoryFailure, StoryOutcome

_NOT_A_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 allows nowhere, not even escaped (its production `Char`)."""


def allowed(text: str) -> str:
    """
    Return *text* with what XML 1.0 forbids shown as U+FFFD: control characters, lone surrogates.

    >>> allowed("\\x1b[31m红包\\x00")
    '�[31m红包�'
    """
    return _NOT_A_CHARACTER.sub("\ufffd", text)


class Took(NamedTuple):
    """How long a story took: in real *seconds*, and from when to when on its virtual clock."""

    seconds: float
    span: tuple[str, str] | None


def junit(outcomes: Sequence["StoryOutcome"], took: Sequence[Took]) -> str:
    """
    Return JUnit's XML: a case for each story, with all that failed in it.

    The attributes *time* are real; when a story began and ended on its own clock are properties.
    """
    failed = sum(not outcome["ok"] for outcome in outcomes)
    counts = f'tests="{len(outcomes)}" failures="{failed}"'
    seconds = f'time="{sum(each.seconds for each in took):.3f}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts} {seconds}>",
        f'<testsuite name="hongbao play" {counts} errors="0" {seconds}>',
    ]
    for outcome, each in zip(outcomes, took, strict=True):
        name = _attribute(label_of(outcome))
        lines.append(f'<testcase classname="hongbao play" name={name} time="{each.seconds:.3f}">')
        if each.span is not None:
            began, ended = map(_attribute, each.span)
            lines += [
                "<properties>",
                f'<property name="virtual_began" value={began}/>',
                f'<property name="virtual_ended" value={ended}/>',
                "</properties>",
            ]
        if not outcome["ok"]:
            problem = _attribute(outcome["failures"][0]["problem"])
            message = _attribute(outcome["failures"][0]["text"].partition("\n")[0])
            text = escape(allowed(_texts(outcome)))
            lines.append(f"<failure type={problem} message={message}>{text}</failure>")
        if outcome["digest"] is not None:
            lines.append(f"<system-out>books digest {outcome['digest']}</system-out>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])


def label_of(outcome: "StoryOutcome") -> str:
    """Return what a story is called: its file, and the row of the table that it was played with."""
    return " · ".join(filter(None, (outcome["story"], outcome["row"])))


def annotation(failure: "StoryFailure") -> str:
    """
    Return a workflow command of GitHub's that marks the line of *failure*, with what it says.

    >>> _property("a,b:c%"), _message("1\\n2")
    ('a%2Cb%3Ac%25', '1%0A2')
    """
    title = " · ".join(filter(None, ("hongbao play", failure["chapter"], failure["row"])))
    return (
        f"::error file={_property(failure['source'])},line={failure['line']},"
        f"title={_property(title)}::{_message(failure['text'])}"
    )


def _message(text: str) -> str:
    for sign in "%\r\n":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return allowed(text)


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def tap(outcomes: Sequence["StoryOutcome"]) -> str:
    """Return TAP, version 14: a point for each story, with all that failed in it below."""
    lines = ["TAP version 14", f"1..{len(outcomes)}"]
    for number, outcome in enumerate(outcomes, start=1):
        name = re.sub(r"([\\#])", r"\\\1", allowed(label_of(outcome)))
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
