"""
What each error means: its meaning, an example that was played, and what to do about it.

The texts are data, a file of TOML for each topic of `hongbao.errors.TOPICS`, in both languages. An
example is the end of a story that begins with ``start.txt``; ``played.json`` keeps what it gave
(``python -m tests.why`` writes it), so that the sentence can be shown in either language.
"""

import json
import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hongbao.errors import LEFT_OUT, Fact, HongbaoError, declarations, kinds, recall
from hongbao.words import N_

FOLDER = Path(__file__).parent
START = "start.txt"
PLAYED = FOLDER / "played.json"

UNPLAYED: Mapping[str, str] = {
    "bug": N_("nothing that can be typed leads to it; if something does, it is a bug"),
    "clock": N_("it takes a real clock: a virtual one returns the money at the moment it expires"),
    "bytes": N_("it takes bytes that are not text, which a story cannot have"),
    "damage": N_("it takes files that something else has changed, which no command does"),
    "elsewhere": N_("it takes a longer story: {seen}"),
    "indirect": N_("it comes only from inside another command"),
    "library": N_("it takes an installation without an optional part"),
    "lines": N_("it takes a file of many lines, which a story does not write"),
    "machine": N_("it takes a machine that refuses: a full disk, a missing permission"),
    "processes": N_("it takes two processes at the same time"),
    "servers": N_("it takes servers, which a story does not start"),
    "size": N_("it takes thousands of movements, or a minute of waiting"),
    "terminal": N_("it takes a person who presses keys at a terminal"),
    "version": N_("it takes a wallet that another version of hongbao wrote"),
    "wallets": N_("it takes a file from another wallet"),
}
"""Why an error has no example that can be played, by the word in the files of texts."""


class Said(NamedTuple):
    """What is said of an error in one language."""

    meaning: str
    remedy: str


class Example(NamedTuple):
    """An example that was played: the *lines* of its story as typed, and the *error* at its end."""

    lines: tuple[str, ...]
    error: HongbaoError


class Explanation(NamedTuple):
    """
    All that is known of an error's code.

    *story* is its example as a story, in the files of *start*; without one, *unplayed* is a key of
    `UNPLAYED`, and *seen* may be where something like it happens.
    """

    code: str
    topic: str
    said: Mapping[str, Said]
    start: str
    story: str | None
    unplayed: str | None
    seen: str | None


@cache
def explanations() -> Mapping[str, Explanation]:
    """Return the explanation of every code, in the order of the files."""
    import tomllib

    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for code, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[code] = _explanation(code, path.stem, entry)
    return found


def _explanation(code: str, topic: str, entry: Mapping[str, Any]) -> Explanation:
    said = {language: Said(*entry[language]) for language in ("en", "zh")}
    story = entry.get("play")
    return Explanation(
        code,
        topic,
        said,
        entry.get("start", "wallet"),
        None if story is None else story.strip() + "\n",
        entry.get("unplayed"),
        entry.get("seen"),
    )


@cache
def kinds_by_code() -> Mapping[str, list[type[HongbaoError]]]:
    """Return the kinds of error by their codes, in the order of the errors: nearly always one."""
    found: dict[str, list[type[HongbaoError]]] = {}
    for kind in kinds():
        found.setdefault(kind.code, []).append(kind)
    return found


def codes() -> list[str]:
    """Return every code once, in the order of the errors."""
    return [*kinds_by_code()]


def story_of(explanation: Explanation) -> str:
    """Return the whole story of an example, from its start: `hongbao play` plays it."""
    assert explanation.story is not None
    start = ""
    if explanation.start == "wallet":
        start = (FOLDER / START).read_text(encoding="utf-8")
    return start + explanation.story


@cache
def _played() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(PLAYED.read_text(encoding="utf-8"))
    return found


def example(code: str) -> Example:
    """Return the example of *code*, as it was played; without lines, as the error declares it."""
    kept = _played().get(code)
    if kept is None:
        return Example((), declared_example(kinds_by_code()[code][0]))
    return Example(tuple(kept["lines"]), recall(kept["error"]))


def declared_example(kind: type[HongbaoError], **other: object) -> HongbaoError:
    """Return an error of *kind* with the facts of its examples, but for the *other* ones."""
    declared = {name: fact for name, fact in declarations(kind).items() if isinstance(fact, Fact)}
    facts = {name: fact.example for name, fact in declared.items()} | other
    said = [kind.sentence, kind.advice or ""]
    said += [fact.words[str(facts[name])] for name, fact in declared.items() if fact.words]
    named = set().union(*map(placeholders, said), other)
    return kind(
        **{
            name: facts[name]
            for name, fact in declared.items()
            if fact.default is not LEFT_OUT or name in named
        }
    )


def placeholders(text: str) -> set[str]:
    """Return the facts that the template *text* names."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
