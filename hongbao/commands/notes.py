"""What a command was given besides its words, and what it answered: for who records it."""

from collections.abc import Mapping
from typing import Any


class Notes:
    """
    What one command was given besides its words, and how it ended.

    *secrets* names each secret that it read (``pin``, ``code``, ``passphrase``), never what it was;
    *identity* is the name and ID number that a file had, and *replies* are what was typed when
    it asked, each with the option that would have said so. *wrong_tries* counts the wrong PINs
    before the one that counted. *was_challenged* if a person answered a challenge in between.
    """

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.identity: tuple[str, str] | None = None
        self.replies: list[tuple[str, str]] = []
        self.wrong_tries = 0
        self.was_challenged = False
        self.answer: Mapping[str, Any] | None = None
        self.error: str | None = None
