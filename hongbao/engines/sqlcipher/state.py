"""The state that acts change: typed changes applied, and the rows that seals are made of."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import SEALED, Change, RowKey, key_of

UNSEALED = {
    "home": frozenset({"clock", "clock_at", "current_profile", "dice_drawn"}),
    "profile": frozenset({"pin_tries", "pin_cleared", "pin_locked_until", "totp_step"}),
    "operator": frozenset({"pin_tries", "pin_cleared", "pin_locked_until"}),
    "device": frozenset({"counter"}),
    "challenge": frozenset({"tries"}),
}
"""
Columns of sealed tables that change without an entry, or that the chain itself gives again.

A device's counter is that of its last act. Tries at a PIN and the last step of an authenticator lie
next to the keys as well, where the greater count is believed. Which profile acts where none is
named, and how far a demo's clock and dice have come, any user of the home may change. An answer to
a challenge is counted before it is checked, and a wrong one leaves no entry.
"""


@cache
def _handler(change: type) -> str:
    """Return which method of the engine applies a *change*: `AddClaim` is ``_add_claim``."""
    name = change.__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


_POINTED_AT = ("KeepRules", "AddProfile", "AddDevice", "AddPacket", "AddMessage")
"""Changes whose rows the foreign keys of others look for: they come first."""


def _rank(change: Change) -> int:
    name = type(change).__name__
    return _POINTED_AT.index(name) if name in _POINTED_AT else len(_POINTED_AT)


class State(Engine):
    """Applies typed changes, all together or not at all."""

    def apply(self, changes: Iterable[Change]) -> None:
        for change in sorted(changes, key=_rank):  # stable: rows without references stay in order
            getattr(self, _handler(type(change)))(*change)

    def state(self, row: RowKey) -> tuple[Any, ...] | None:
        table, *key = row
        found = self.row(f"{self._columns(table)} WHERE {_KEYS.get(table, 'id = ?')}", *key)
        return None if found is None else tuple(found)

    def _states(self, table: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
        keys = [part.split()[0] for part in _KEYS.get(table, "id = ?").split(" AND ")]
        columns = self._sealed_columns(table)
        where = [columns.index(key) for key in keys]
        for row in self.each(self._columns(table)):
            yield "/".join(str(row[at]) for at in where), tuple(row)

    def last_seal(self, row: RowKey) -> tuple[int, bytes | None] | None:
        found = self.row(
            "SELECT generation, digest FROM sealed_row JOIN entry ON entry.id = sealed_row.entry"
            " WHERE place = ? AND key = ? ORDER BY sealed_row.entry DESC LIMIT 1",
            row[0],
            key_of(row),
        )
        return None if found is None else (int(found[0]), found[1] and bytes(found[1]))

    def _last_seals(self) -> Iterator[tuple[str, str, int, bytes | None]]:
        for place, key, generation, digest in self.each(
            "SELECT place, key, generation, digest FROM sealed_row"
            " JOIN entry ON entry.id = sealed_row.entry"
            " WHERE sealed_row.entry = (SELECT max(entry) FROM sealed_row AS later"
            "  WHERE later.place = sealed_row.place AND later.key = sealed_row.key)"
        ):
            yield place, key, generation, digest and bytes(digest)

    def _columns(self, table: str) -> str:
        return f"SELECT {', '.join(self._sealed_columns(table))} FROM {table}"

    def _sealed_columns(self, table: str) -> list[str]:
        """Return the columns of *table* that a seal covers, as the file itself has them."""
        assert table in SEALED
        if table not in self._sealed:
            columns = self.rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
            self._sealed[table] = [
                name for (name,) in columns if name not in UNSEALED.get(table, ())
            ]
        return self._sealed[table]


_KEYS = {
    "enrolment": "profile = ? AND device = ?",
    "challenge": "number = ?",
    **dict.fromkeys(("policy", "risk_pack", "risk_model"), "ref = ?"),
}
"""How a row is found by its key, if that is not its id."""
