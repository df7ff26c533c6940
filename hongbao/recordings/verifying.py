"""
Verifying: whether a picture still shows what its story does, by this hongbao.

A picture is read strictly, for anyone may have written it: what it carries, and what is drawn. Its
story is played again; then three things are compared, as text: the lines that it carries with those
that appear now, the books at the end of each chapter, and the lines that are drawn with both.
"""

import json
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from hongbao.errors import FileNotReadable, NoStoryInIt, PictureDiffers
from hongbao.recordings import cast
from hongbao.recordings.film import Film
from hongbao.recordings.scenario import Carried, carried
from hongbao.ui.picture import pieces

ENDINGS = (".cast", ".svg", ".html")
"""How the names of pictures end."""

SIZE_MAX = 20_000_000
"""How many bytes of a picture are read."""


class Picture(NamedTuple):
    """
    A picture as it was read: what it carries, and the texts that are drawn, in order.

    One that *is_still* draws only the last screen.
    """

    carried: Carried
    drawn: tuple[str, ...]
    is_cast: bool
    is_still: bool


def is_picture(path: Path) -> bool:
    """Return whether *path* is the name of a picture."""
    return path.suffix.lower() in ENDINGS


def read(path: Path, shown: str) -> Picture:
    """
    Read the picture in *path*, which errors call *shown*.

    Raises FileNotReadable and NoStoryInIt.
    """
    if not is_picture(path):
        raise NoStoryInIt(path=shown, problem="no_picture")
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise FileNotReadable(path=shown, reason=error.strerror or str(error)) from None
    if len(content) > SIZE_MAX:
        raise NoStoryInIt(path=shown, problem="too_large")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise NoStoryInIt(path=shown, problem="unreadable") from None
    readers = {".cast": _of_cast, ".svg": _of_svg, ".html": _of_html}
    try:
        document, drawn, is_still = readers[path.suffix.lower()](text)
        found = None if document is None else json.loads(document)
    except (ValueError, RecursionError, KeyError, TypeError, ElementTree.ParseError):
        raise NoStoryInIt(path=shown, problem="unreadable") from None
    if found is None:
        raise NoStoryInIt(path=shown, problem="none")
    is_cast = path.suffix.lower() == ".cast"
    return Picture(carried(found, shown), tuple(drawn), is_cast, is_still)


def check(picture: Picture, film: Film, shown: str) -> None:
    """
    Raise PictureDiffers unless *picture*, which errors call *shown*, is what *film* shows.

    Raises NoStoryInIt if that would be different each time.
    """
    if film.had_race:
        raise NoStoryInIt(path=shown, problem="race")
    then, now = picture.carried, film.carried
    if (found := _first(then.lines, now.lines)) is not None:
        number, expected, got = found
        raise PictureDiffers(
            path=shown, problem="line", frame=number + 1, expected=expected, got=got
        )
    digests = [
        [f"{chapter.title} {chapter.digest}" for chapter in each.chapters] for each in (then, now)
    ]
    if (found := _first(*digests)) is not None:
        number, expected, got = found
        raise PictureDiffers(
            path=shown, problem="digest", frame=number + 1, expected=expected, got=got
        )
    places = [*_drawn(film, picture)]
    if (found := _first(picture.drawn, [text for _number, text in places])) is not None:
        number, got, expected = found
        line = places[number][0] if number < len(places) else len(now.lines)
        raise PictureDiffers(
            path=shown, problem="drawing", frame=line + 1, expected=expected, got=got
        )


def _first(then: Sequence[str], now: Sequence[str]) -> tuple[int, str, str] | None:
    """Return where two lists first differ, and what each has there; None if they are the same."""
    for number in range(max(len(then), len(now))):
        one, other = (each[number] if number < len(each) else "" for each in (then, now))
        if one != other or number >= min(len(then), len(now)):
            return number, one, other
    return None


def _drawn(film: Film, picture: Picture) -> Iterator[tuple[int, str]]:
    """Yield each text that such a *picture* of *film* draws, with the number of its line."""
    first = max(len(film.lines) - film.rows, 0) if picture.is_still else 0
    for number, line in enumerate(film.lines[first:], first):
        if picture.is_cast:
            yield number, line.text
            continue
        for piece in pieces(line.runs):
            if piece.kind == "text":
                yield number, piece.text


# --- reading --------------------------------------------------------------------------------------

_STYLE = re.compile(r"\x1b\[[\d;]*m")


Read = tuple[str | None, list[str], bool]
"""The document that a picture carries, the texts that it draws, and whether it is a still."""


def _of_cast(text: str) -> Read:
    head, *lines = text.split("\n")
    document = None
    if "hongbao" in (facts := json.loads(head)):
        document = json.dumps(facts["hongbao"])
    shown = ""
    for line in lines:
        if line.startswith(cast.CARRIED):
            document = line.removeprefix(cast.CARRIED)
        elif line and not line.startswith("#"):
            _time, code, data = json.loads(line)
            shown += data if code == "o" else ""
    return document, [line.rstrip() for line in _STYLE.sub("", shown).split("\r\n")[:-1]], False


def _of_svg(text: str) -> Read:
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise ValueError("a picture declares nothing")
    root = ElementTree.fromstring(text)  # noqa: S314 - without declarations nothing expands
    space = "{http://www.w3.org/2000/svg}"
    found = root.find(f"{space}metadata[@id='hongbao']")
    is_still = found is not None and found.get("data-shows") == "end"
    lines = root if is_still else root.find(f".//{space}g[@id='lines']")
    texts = [] if lines is None else lines.iter(f"{space}text")
    drawn = ["".join(each.itertext()) for each in texts]
    return None if found is None else found.text, drawn, is_still


def _of_html(text: str) -> Read:
    reader = _Page()
    reader.feed(text)
    reader.close()
    return reader.document, reader.texts, False


class _Page(HTMLParser):
    """Reads a page: the block that carries the story, and what the terminal draws."""

    def __init__(self) -> None:
        super().__init__()
        self.document: str | None = None
        self.texts: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "script" and (facts.get("id"), facts.get("type")) == (
            "hongbao",
            "application/json",
        ):
            self._in, self.document = "document", ""
        elif tag == "text":
            self._in = "text"
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "text"):
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "document":
            self.document = (self.document or "") + data
        elif self._in == "text":
            self.texts[-1] += data
