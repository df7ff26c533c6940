"""A world for the desk's tests: homes whose clock is turned by hand and whose chance repeats."""

import hashlib
import hmac
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as engine

from hongbao.domain.identity import BANKS, demo_card_number, id_check_character
from hongbao.domain.pin import Pin
from hongbao.domain.policy import Policy, parse_policy
from hongbao.engines.sqlcipher import Ledger
from hongbao.env import Env
from hongbao.policies import text_of
from hongbao.units import CHINA
from hongbao.wallet import Wallet

CHEAP = (1, 8, 1)
"""What hashing a PIN costs where its strength is not the point."""

NOON = datetime(2026, 2, 16, 12, 0, tzinfo=CHINA)
"""New Year's Eve, when every world begins."""

YUAN = 100
PIN = "246813"
WRONG = "135790"
ZHANG, LI, WANG = "Zhang", "Li", "Wang"
CARD = demo_card_number(BANKS[1], 333)
OTHER_CARD = demo_card_number(BANKS[0], 444)
OPENING_FEN = 100_000 * YUAN
"""What a newly bound card's account holds."""

Rows = list[tuple[Any, ...]]
Dump = dict[str, Rows]

PINS = {"profile": ("pin_tries", "pin_cleared", "pin_locked_until")}
"""The columns that counting a try at a PIN changes: not what a refused act must leave alone."""

TOOK = "took"
"""The column of an entry that says how long its steps took, which is never twice the same."""


def below(wallet: Wallet) -> Ledger:
    """Return the engine below *wallet*, which can be asked in SQL."""
    assert isinstance(wallet.store, Ledger)
    return wallet.store


def right() -> Pin:
    return Pin(PIN)


def wrong() -> Pin:
    return Pin(WRONG)


def unasked() -> Pin:
    raise AssertionError("the PIN was asked for")


def id_number(serial: int, born: date = date(1990, 5, 7)) -> str:
    """Return a valid resident ID number of an invented person."""
    payload = f"110105{born:%Y%m%d}{serial:03d}"
    return payload + id_check_character(payload)


def card(bank: int, serial: int) -> str:
    return demo_card_number(BANKS[bank], serial)


def tail(number: str) -> str:
    """Return what a person calls a card by."""
    return number[-4:]


@cache
def policy(name: str = "standard", changes: tuple[tuple[str, str], ...] = ()) -> Policy:
    """Return a shipped policy, with some of its lines *changed*; the name tells them apart."""
    text = text_of(name)
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse_policy(text, name)


def changed(**numbers: str) -> Policy:
    """
    Return `standard` under another name, with each of *numbers* in its place.

    ``share_max='"5.00"'`` reads as the line does in the file.
    """
    text = text_of("standard")
    label = hashlib.sha256(repr(sorted(numbers.items())).encode()).hexdigest()[:8]
    lines = text.replace('name = "standard"', f'name = "test-{label}"', 1).split("\n")
    for key, value in numbers.items():
        place = next(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))
        lines[place] = f"{key} = {value}"
    return parse_policy("\n".join(lines), "test")


class World:
    """
    A home in *folder* and all that the world lends it.

    `at` is what the system's clock says. Chance is a stream that begins anew with each world, so
    that the same acts give the same ids, and *chances* tells how much of it was drawn.
    """

    def __init__(self, folder: Path, at: datetime = NOON) -> None:
        self.folder = folder
        self.at = at.astimezone(UTC)
        self.chances = 0
        self._open: list[Wallet] = []

    @property
    def env(self) -> Env:
        return Env(self.folder, lambda: self.at, self._chance, _nobody, _nobody, {}, CHEAP)

    def _chance(self, length: int) -> bytes:
        self.chances += 1
        return hmac.digest(b"tests", b"%d" % self.chances, "sha256")[:length]

    def turn(self, **by: float) -> None:
        """Turn the system's clock, forward or back."""
        self.at += timedelta(**by)

    # --- people ----------------------------------------------------------------------------------

    def found(self, name: str, pin: Callable[[], Pin] = right, **choices: Any) -> Wallet:
        choices.setdefault("policy", policy())
        wallet, _ = Wallet.found(self.env, name, pin=pin, **choices)
        self._open.append(wallet)
        return wallet

    def open(self, name: str | None = None, **choices: Any) -> Wallet:
        """Open the home as *name*, until the test is over."""
        wallet = Wallet.open(self.env, profile=name, **choices)
        self._open.append(wallet)
        return wallet

    @property
    def zhang(self) -> Wallet:
        return self.open(ZHANG)

    @property
    def li(self) -> Wallet:
        return self.open(LI)

    @property
    def wang(self) -> Wallet:
        return self.open(WANG)

    def close(self) -> None:
        """Close every desk: a process that is forked must not bring a ledger along."""
        while self._open:
            with suppress(engine.ProgrammingError):
                self._open.pop().close()

    def copy(self, folder: Path) -> "World":
        """Return a world whose home is a copy of this one's, keys and all."""
        self.close()
        shutil.copytree(self.folder, folder)
        other = World(folder, self.at)
        other.chances = self.chances
        return other

    # --- behind the desk -------------------------------------------------------------------------

    @property
    def ledger(self) -> Path:
        return self.env.data / "ledger.db"

    def raw(self) -> Any:
        """Open the ledger past the desk, as whoever stole its page key can."""
        with Wallet.open(self.env, profile=None, trusting=True) as wallet:
            key = wallet.vault.page_key
        return raw(self.ledger, key)

    def edit(self, *statements: str, values: Mapping[str, object] | None = None) -> None:
        """Change rows as no act would: no triggers, no checks, no foreign keys."""
        db = self.raw()
        try:
            for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                db.execute(f"DROP TRIGGER {trigger}")
            db.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                db.execute(statement, values or {})
        finally:
            db.close()

    def dump(self, ignoring: Mapping[str, tuple[str, ...]] | None = None) -> Dump:
        """
        Return every row of every table, without the columns to be ignored.

        How long the steps of an act took is never among them: it is measured, not decided.
        """
        with Wallet.open(self.env, profile=None, trusting=True) as wallet:
            return self.dump_of(below(wallet)._db, ignoring)

    def dump_of(self, db: Any, ignoring: Mapping[str, tuple[str, ...]] | None = None) -> Dump:
        """Return what `dump` does, by a connection of `raw`."""
        return dump(db, ignoring or {})

    def findings(self) -> dict[str, list[str]]:
        """Return what `check` finds wrong: the name of each failed check, and its rows."""
        with Wallet.open(self.env, trusting=True) as wallet:
            checked = wallet.check()
        assert checked["ok"] == all(finding["ok"] for finding in checked["findings"])
        return {
            finding["check"]: finding["rows"]
            for finding in checked["findings"]
            if not finding["ok"]
        }


def raw(ledger: Path, page_key: bytes) -> Any:
    db = engine.connect(str(ledger), isolation_level=None, timeout=10)
    db.execute("PRAGMA cipher_log_level = NONE")
    db.execute(f"PRAGMA key = \"x'{page_key.hex()}'\"")
    return db


def dump(db: Any, ignoring: Mapping[str, tuple[str, ...]]) -> Dump:
    ignoring = {**ignoring, "entry": (*ignoring.get("entry", ()), TOOK)}
    tables = [
        name
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    found: Dump = {}
    for table in tables:
        rows = db.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in rows.description]
        kept = [at for at, name in enumerate(columns) if name not in ignoring.get(table, ())]
        found[table] = [tuple(row[at] for at in kept) for row in rows]
    return found


def _nobody(question: str) -> str:
    raise EOFError
