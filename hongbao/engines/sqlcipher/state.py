"""The rows of state that acts change, as seals cover them."""

from typing import Any

from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import SEALED, RowKey, key_of

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


def state(engine: Engine, row: RowKey) -> tuple[Any, ...] | None:
    table, *key = row
    found = engine.row(f"{selecting(engine, table)} WHERE {key_columns(table)}", *key)
    return None if found is None else tuple(found)


def last_seal(engine: Engine, row: RowKey) -> tuple[int, bytes | None] | None:
    found = engine.row(
        "SELECT generation, digest FROM sealed_row JOIN entry ON entry.id = sealed_row.entry"
        " WHERE place = ? AND key = ? ORDER BY sealed_row.entry DESC LIMIT 1",
        row[0],
        key_of(row),
    )
    return None if found is None else (int(found[0]), found[1] and bytes(found[1]))


def key_columns(table: str) -> str:
    """Return how a row of *table* is found by its key."""
    return _KEYS.get(table, "id = ?")


def selecting(engine: Engine, table: str) -> str:
    """Return the query of the columns of *table* that a seal covers."""
    return f"SELECT {', '.join(sealed_columns(engine, table))} FROM {table}"


def sealed_columns(engine: Engine, table: str) -> list[str]:
    """Return the columns of *table* that a seal covers, as the file itself has them."""
    assert table in SEALED
    if table not in engine.sealed:
        columns = engine.rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
        engine.sealed[table] = [name for (name,) in columns if name not in UNSEALED.get(table, ())]
    return engine.sealed[table]


_KEYS = {
    "enrolment": "profile = ? AND device = ?",
    "challenge": "number = ?",
    **dict.fromkeys(("policy", "risk_pack", "risk_model"), "ref = ?"),
}
"""How a row is found by its key, if that is not its id."""
