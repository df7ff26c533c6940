"""
What came is what is expected from now on: exact lines of a story are rewritten.

A line with ``…`` or a name, an exit code, JSON, silence and facts say what a command *means*; those
are never touched.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from hongbao.story.player import Failed
from hongbao.story.promises import first_match, pattern_of
from hongbao.story.script import NAME, Command, Expectation, Story

_LIKENESS_MIN = 0.3
"""How much a line has to be like the one that was expected, to have come in its place."""


def accepted(story: Story, text: str, failures: Iterable[Failed]) -> str:
    """
    Return the *text* of *story* with what came in *failures* in the place of what was expected.

    Failures of what is not exact, or of stories that it uses, leave it as it is.
    """
    lines = text.splitlines(keepends=True)
    commands = {
        expected.line: (scene, expected)
        for scene in story.scenes
        if isinstance(scene, Command)
        for expected in scene.expected
        if is_exact(expected)
    }
    for failed in failures:
        if failed.problem != "text" or failed.source != story.source or failed.line not in commands:
            continue
        command, expected = commands[failed.line]
        came = _instead(expected, command.expected, failed.got.splitlines())
        if came is not None:
            lines[failed.line - 1] = _rewritten(lines[failed.line - 1], expected.text, came)
    return "".join(lines)


def is_exact(expected: Expectation) -> bool:
    """Return whether *expected* is one line, word for word."""
    return expected.where in ("out", "err", "either") and _is_word_for_word(expected.text)


def _is_word_for_word(text: str) -> bool:
    return (
        bool(text)
        and not any(sign in text for sign in ("…", "...", "•••"))
        and (NAME.search(text) is None)
    )


def _instead(
    expected: Expectation, others: Sequence[Expectation], said: Sequence[str]
) -> str | None:
    """Return the line of what was *said* that came instead of *expected*: the one most like it."""
    came = Counter(filter(None, (" ".join(line.split()) for line in said)))
    for other in others:
        if other is not expected and other.where != "json" and other.text:
            pattern = pattern_of(other.text, {})
            met = next((line for line in came if first_match(pattern, [line]) is not None), None)
            if met is not None:
                came[met] -= 1
    left = [line for line in +came if _is_word_for_word(line) and line[0] not in "{>"]
    if len(left) == 1:
        return left[0]
    text = " ".join(expected.text.split())
    return next(iter(difflib.get_close_matches(text, left, 1, _LIKENESS_MIN)), None)


def _rewritten(line: str, expected: str, came: str) -> str:
    """Return the *line* of a story that ends in what was *expected*, with what *came* instead."""
    kept = line.rstrip()
    return kept[: len(kept) - len(expected)] + came + line[len(kept) :]


def diff(before: str, after: str, source: str) -> list[str]:
    """Return how *after* differs from *before*, as ``diff -u`` has it."""
    return [
        line.rstrip("\n")
        for line in difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), source, source, n=1
        )
    ]
