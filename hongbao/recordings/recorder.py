"""
The recorder: every command adds its words, its exit code and its facts to a log.

A log is a file of JSON lines. `begin` makes one, each command that finds it named in
HONGBAO_RECORDING adds a line as it ends (see `hongbao.commands.recorded`), and `read` returns what
is in it, for `hongbao.recordings.composing` to make a story of.

What is private never reaches the log. A secret is only named (``pin``), a path loses its folders,
and a real name, an ID number or a card number becomes a mark: the same for the same one, and
nothing that it could be worked out from without the log's own salt.
"""

import hmac
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from hongbao.documents import of_json
from hongbao.domain.identity import luhn_check_digit, parse_id_number
from hongbao.errors import HongbaoError, NotARecording

VARIABLE = "HONGBAO_RECORDING"
"""The variable that names the log of a recording."""

FORM = 1
"""The form of logs that this hongbao writes and reads."""

CLOCK = "2026-02-16T20:00:00+08:00"
SEED = "88"
"""The clock and the seed of a wallet that is recorded, unless its first command gives others."""

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends

MARK = "\0"
"""What is around a mark; no argument can hold one."""


class Head(NamedTuple):
    """
    The first line of a log: what everything below it stands on.

    *home* is the wallet that is recorded; commands in another one are left out. Where it *founds*,
    its first `init` gets a clock and a seed. *more* are further facts of the one who began it.
    """

    salt: str
    home: str
    founds: bool
    more: Mapping[str, Any]


class Recorded(NamedTuple):
    """
    A command as it was recorded.

    *words* are those typed, with answers to questions added and with marks for what is private.
    *secrets* names what it read besides them, each once; *identity* are the marks of the name and
    number that a file had. *facts* are the whole numbers, answers of yes and no, and ids at the top
    of its answer. One that was *left_out* cannot be played, for the reason named there.
    """

    words: tuple[str, ...]
    code: int
    error: str | None
    facts: Mapping[str, int | str]
    secrets: tuple[str, ...]
    identity: tuple[str, ...]
    wrong_tries: int
    profile: str | None
    left_out: str | None


OWN_WALLETS = frozenset(
    {"sandbox", "play", "demo", "learn", "lab", "race", "class", "storm", "drill"}
)
"""Commands that work in a separate wallet, or in none."""

ENDLESS = frozenset({"watch"})
"""Commands that are watched until they are stopped."""

SILENT = frozenset({"help", "version", "completion", "why", "record"})
"""Commands that explain, or record: they are no part of what happened."""

GIVEN_UP = frozenset({"not_answered", "declined", "pin_mismatch", "passphrase_mismatch"})
"""The errors of who left a question: nothing was done, and a story has no one to ask."""


def begin(log: Path, *, salt: bytes, home: Path, founds: bool, more: Mapping[str, Any]) -> None:
    """
    Begin a *log* in a new file that only its owner can read.

    Raises FileExistsError, and other OSErrors of the system.
    """
    head = {"form": FORM, "salt": salt.hex(), "home": str(home), "founds": founds, "more": more}
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    with open(file, "wb") as out:
        out.write(_line(head))


def head(log: Path) -> Head:
    """Read the first line of *log*. Raises NotARecording, and OSError."""
    with log.open("rb") as lines:
        return _head(log, lines.readline())


def read(log: Path) -> tuple[Head, list[Recorded]]:
    """
    Read *log* to its end; a last line that was cut short is left out.

    Raises NotARecording, and OSError.
    """
    first, *lines = log.read_bytes().split(b"\n")
    return _head(log, first), [_recorded(log, line) for line in lines[:-1]]


def add(log: Path, entry: Recorded) -> None:
    """Add *entry* to *log*, in one piece where the disk has room. Raises OSError."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | _BINARY)
    try:
        line = _line(entry._asdict())
        while line:
            line = line[os.write(file, line) :]
    finally:
        os.close(file)


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=True).encode() + b"\n"


def _head(log: Path, line: bytes) -> Head:
    try:
        facts = of_json(line)
        if facts.pop("form") != FORM:
            raise NotARecording(path=str(log))
        return Head(**facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotARecording(path=str(log)) from None


def _recorded(log: Path, line: bytes) -> Recorded:
    try:
        facts = of_json(line)
        lists = {name: tuple(facts[name]) for name in ("words", "secrets", "identity")}
        return Recorded(**{**facts, **lists})
    except (ValueError, KeyError, TypeError):
        raise NotARecording(path=str(log)) from None


# --- what is played, and what is not --------------------------------------------------------------


def founding(head: Head, words: Sequence[str]) -> list[str]:
    """Return *words*; the `init` that founds the recorded wallet gets a clock and a seed."""
    if not head.founds or not words or words[0] != "init" or _has(words, "--demo"):
        return [*words]
    from hongbao.home.places import LEDGER

    if (Path(head.home) / "data" / LEDGER).exists():
        return [*words]
    more = []
    for option, value in (("--clock", CLOCK), ("--dice", SEED)):
        if not _has(words, option):
            more += [option, value]
    return [*words, *more]


def _has(words: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def why_left_out(words: Sequence[str], *, code: int, error: str | None) -> str | None:
    """Return why a command cannot be played, by a name; None if it can."""
    first = next((word for word in words if not word.startswith("-")), "")
    if first in OWN_WALLETS:
        return "own_wallet"
    if (
        first in ENDLESS
        or (first == "config" and "edit" in words)
        or (first == "serve" and "--once" not in words)
    ):
        return "interactive"
    if first == "webhook" or (first == "events" and "resend" in words):
        return "receiver"
    if error in GIVEN_UP:
        return "given_up"
    if code == 130:  # Ctrl-C
        return "interrupted"
    return None


def is_silent(words: Sequence[str]) -> bool:
    """Whether a command only explains, and is not recorded at all."""
    return bool(
        not words
        or {"--help", "-h", "--version", "-V"} & {*words}
        or SILENT & {next((word for word in words if not word.startswith("-")), "")}
    )


# --- what is private ------------------------------------------------------------------------------

SECRETS = frozenset({"--pin-file", "--new-pin-file", "--totp-file", "--passphrase-file"})
"""The options that name a file with a secret: what was read is noted by the one who read it."""

NEEDED = {"--id-file": "identity", "--secret-file": "authenticator"}
"""Other options whose files a story has under other names."""

_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_CARD_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){15,18}(?![0-9A-Za-z])")
_DEMO_CARD = re.compile(r"99990[1-5]")
_ID = re.compile(r"(?:hb|rc|ch)_[0-9A-Z]{8}")


class Hider:
    """Replaces what is private in the words of a command by marks, under the salt of a log."""

    def __init__(self, salt: str) -> None:
        self._salt = bytes.fromhex(salt)

    def words(self, typed: Sequence[str]) -> tuple[list[str], list[str]]:
        """
        Return the words *typed* without what is private, and what is read instead of some.

        An option that names a file of secrets is gone, with its file.
        """
        kept: list[str] = []
        needed: list[str] = []
        rest = iter(typed)
        for word in rest:
            option, has_value, value = word.partition("=")
            if word == "--":
                kept += [word, *(self.text(_without_folders(each)) for each in rest)]
            elif option in SECRETS:
                if not has_value:
                    next(rest, None)
            elif option in NEEDED:
                needed.append(NEEDED[option])
                if not has_value:
                    next(rest, None)
            elif option == "--name":
                name = value if has_value else next(rest, None)
                kept += ["--name"] if name is None else ["--name", self.mark("name", name)]
            elif option.startswith("--") and has_value:
                kept.append(f"{option}={self.text(_without_folders(value))}")
            else:
                kept.append(self.text(_without_folders(word)))
        return kept, needed

    def text(self, text: str) -> str:
        """Return *text* with ID numbers and card numbers in it replaced by marks."""
        text = _ID_NUMBER.sub(lambda found: self.id_number(found[0]), text)
        return _CARD_NUMBER.sub(self._card_number, text)

    def id_number(self, number: str) -> str:
        """Return the mark of an ID number: of a valid one, or of one that is refused."""
        try:
            parse_id_number(number, date.max)
        except HongbaoError:
            return self.mark("bad_id_number", number)
        return self.mark("id_number", number.upper())

    def _card_number(self, found: re.Match[str]) -> str:
        number = found[0].replace(" ", "").replace("-", "")
        if _DEMO_CARD.match(number):
            return found[0]  # they are no one's
        is_valid = luhn_check_digit(number[:-1]) == number[-1]
        return self.mark("card_number" if is_valid else "bad_card_number", number)

    def mark(self, kind: str, text: str) -> str:
        """Return the mark of a private *text*."""
        tag = hmac.digest(self._salt, f"{kind}:{text}".encode(), "sha256").hex()[:16]
        return f"{MARK}{kind}:{tag}{MARK}"


def _without_folders(word: str) -> str:
    """Return *word* as it is, or only the last part of a path that leads somewhere."""
    leads = word.startswith(("/", "~", "./", "../")) or Path(word).is_absolute()
    if not leads and os.sep in word and not any(map(str.isspace, word)):
        leads = Path(word).parent.is_dir()
    return (Path(word).name or word) if leads else word


def facts_of(answer: Mapping[str, Any] | None) -> dict[str, int | str]:
    """Return the facts of an *answer* that are kept: whole numbers, yes and no, and ids."""
    return {
        name: value
        for name, value in (answer or {}).items()
        if isinstance(value, int) or (isinstance(value, str) and _ID.fullmatch(value))
    }


def marked(text: str, replacement: Callable[[str, str], str]) -> str:
    """Return *text* with each mark in it replaced, by its kind and its tag."""

    def replaced(found: re.Match[str]) -> str:
        return replacement(found["kind"], found["tag"])

    return re.sub(f"{MARK}(?P<kind>[a-z_]+):(?P<tag>[0-9a-f]+){MARK}", replaced, text)
