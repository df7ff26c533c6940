"""Cursors: how far a named reader has come in the events, kept across restarts."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from hongbao.errors import Busy, CursorInUse, Damaged, InvalidCursor
from hongbao.home.opened import Home
from hongbao.queries.watching import Place
from hongbao.vault import Notes

DEFAULT = "default"
"""The cursor of deliveries that name none."""

FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def notes_of(home: Home) -> Notes:
    """Return the notes of *home*."""
    return Notes(home.env.data / "delivery", home.vault)


def check_name(text: str) -> str:
    """Return *text* if it can name a cursor: 1 to 64 letters, digits, ``-`` or ``_``."""
    if _NAME.fullmatch(text) is None:
        raise InvalidCursor(text)
    return text


def cursors(notes: Notes) -> list[str]:
    """Return the names of all cursors."""
    return [name.removeprefix("cursor-") for name in notes.names("cursor-*")]


class Cursor:
    """
    A place in the events, kept in a note; one process at a time has it.

    It moves only after what lies before it was handed over: a reader that is killed in between gets
    the same events again.
    """

    def __init__(self, notes: Notes, name: str) -> None:
        self.name = name
        self._notes = notes
        self._note = f"cursor-{name}"

    @classmethod
    def of_inbox(cls, notes: Notes, profile: int) -> "Cursor":
        """Return the cursor of what *profile* has seen in its inbox."""
        cursor = cls(notes, f"inbox-{profile}")
        cursor._note = f"inbox-{profile}"
        return cursor

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Keep other processes from reading with this cursor. Raises CursorInUse."""
        try:
            with self._notes.guarded(self._note, wait=False):
                yield
        except Busy:
            raise CursorInUse(cursor=self.name) from None

    def place(self) -> Place | None:
        """Return where it is; None if it is new. Raises Damaged if its note cannot be read."""
        content = self._notes.read(self._note)
        if content is None:
            return None
        try:
            document = json.loads(content)
            if document["format"] != FORMAT:
                raise ValueError
            seals = tuple((int(number), str(seal)) for number, seal in document["seals"])
            return Place(int(document["mark"]), int(document["event"]), seals)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Damaged(path=str(self._notes.path(self._note))) from None

    def move(self, place: Place) -> None:
        """Move to *place*, durably."""
        document = {
            "format": FORMAT,
            "mark": place.mark,
            "event": place.event,
            "seals": [[number, seal] for number, seal in place.seals],
        }
        self._notes.write(self._note, json.dumps(document).encode() + b"\n")
