"""
What a picture carries: its story as one text, and what it needs to be played again.

A story's secrets are never carried: PINs, passphrases and ID numbers in its files are made up, each
by the same one every time, before anything is played.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from hongbao.domain.passphrase import check_passphrase
from hongbao.domain.pin import COMMON
from hongbao.errors import HongbaoError, NoStoryInIt
from hongbao.recordings.composing import made_up_id_number, made_up_pins
from hongbao.story.script import Given, Story, parse

FORM = 1
"""The form of what pictures carry, as this hongbao writes and reads it."""

KEY = "hongbao_recording"
"""The key whose value is the form."""

_FILE = re.compile(r"^(?P<file>file[ \t]+(?P<name>[\w.-]+):[ \t]+)(?P<text>.*)$", re.MULTILINE)
_PIN = re.compile(r"[0-9]{6}")
_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_PASSPHRASE = re.compile(r"(?:--passphrase-file[ =]|HONGBAO_PASSPHRASE_FILE=)([\w.-]+)")


class Chapter(NamedTuple):
    """A chapter: its title, empty before the first heading, and the books' digest at its end."""

    title: str
    digest: str | None


class Carried(NamedTuple):
    """
    What a picture carries.

    *story* is its whole text, *given* are the names that were set, *columns* and *rows* the size
    of the terminal, *lines* the text that was on it, from the first line to the last.
    """

    story: str
    language: str
    given: Mapping[str, str]
    columns: int
    rows: int
    chapters: tuple[Chapter, ...]
    lines: tuple[str, ...]

    def as_story(self, source: str) -> Story:
        """Return it as a story that errors call *source*; its names are given what they were."""
        scenes = (
            replace(scene, text=self.given.get(scene.name, scene.text))
            if isinstance(scene, Given)
            else scene
            for scene in parse(self.story, source).scenes
        )
        return Story(source, tuple(scenes))

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        facts = self._asdict()
        facts["chapters"] = [chapter._asdict() for chapter in self.chapters]
        return {KEY: FORM, **facts, "given": {**self.given}, "lines": [*self.lines]}


SIZE_MAX = 500
"""How many columns or rows a terminal may have."""


def carried(document: Any, path: str) -> Carried:
    """Read what a picture carries out of its *document*. Raises NoStoryInIt."""
    try:
        if document.pop(KEY) != FORM:
            raise NoStoryInIt(path=path, problem="other_form")
        found = Carried(
            story=_text(document["story"]),
            language=_text(document["language"]),
            given={_text(name): _text(text) for name, text in document["given"].items()},
            columns=_size(document["columns"]),
            rows=_size(document["rows"]),
            chapters=tuple(
                Chapter(_text(each["title"]), each["digest"] and _text(each["digest"]))
                for each in document["chapters"]
            ),
            lines=tuple(map(_text, document["lines"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NoStoryInIt(path=path, problem="unreadable") from None
    if found.language not in ("en", "zh_CN"):
        raise NoStoryInIt(path=path, problem="unreadable")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _size(value: object) -> int:
    if type(value) is not int or not 1 <= value <= SIZE_MAX:
        raise ValueError
    return value


def without_secrets(story: str) -> str:
    """
    Return the text of *story* with every secret in its files replaced by one that is made up.

    What is weak stays weak, what is the same stays the same, and what is no PIN, passphrase or ID
    number stays as it is.

    >>> without_secrets("file pin: 271828\\nfile wrong: 111111\\nfile new: 271828").split("\\n")
    ['file pin: 246810', 'file wrong: 111111', 'file new: 246810']
    """
    texts = {match["text"].strip() for match in _FILE.finditer(story)}
    pins = (pin for pin in made_up_pins() if pin not in texts)
    known: dict[str, str] = {}
    passphrases = set(_PASSPHRASE.findall(story))
    # What is made up already keeps its place, so that to do this twice changes nothing.
    ours = [pin for pin, _ in zip(made_up_pins(), range(20), strict=False)]

    def made_up(found: re.Match[str]) -> str:
        text = found["text"].strip()
        if _PIN.fullmatch(text) and text not in COMMON and text not in ours:
            known.setdefault(text, next(pins))
        elif found["name"] in passphrases and text not in _PHRASES:
            phrases = sum(phrase.startswith(_PHRASES[0]) for phrase in known.values())
            known.setdefault(text, _phrase(phrases, text))
        for number in _ID_NUMBER.findall(text):
            known.setdefault(number, made_up_id_number(sum(map(_is_id, known))))
            text = text.replace(number, known[number])
        return found["file"] + known.get(text, text)

    return _FILE.sub(made_up, story)


_PHRASES = ("correct horse battery staple", "incorrect horse battery staple", "horse")


def _phrase(number: int, text: str) -> str:
    """Return a passphrase instead of *text*: a weak one stays weak."""
    try:
        check_passphrase(text)
    except HongbaoError:
        return _PHRASES[2]
    return _PHRASES[0] if number == 0 else f"{_PHRASES[0]} {number}"


def _is_id(text: str) -> bool:
    return _ID_NUMBER.fullmatch(text) is not None
