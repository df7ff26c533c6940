"""What a command was given besides its words, and what it answered: for who records it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Notes:
    """
    What one command was given besides its words, and how it ended.

    *secrets* names each secret that it read (``pin``, ``code``, ``passphrase``), never what it was;
    *identity* is the name and ID number that a file had, and *replies* are what was typed when
    it asked, each with the option that would have said so. *wrong_tries* counts the wrong PINs
    before the one that counted. *was_challenged* if a person answered a challenge in between.
    """

    secrets: list[str] = field(default_factory=list)
    identity: tuple[str, str] | None = None
    replies: list[tuple[str, str]] = field(default_factory=list)
    wrong_tries: int = 0
    was_challenged: bool = False
    answer: Mapping[str, Any] | None = None
    error: str | None = None
