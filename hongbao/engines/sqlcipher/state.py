"""The rows of state that acts change, as seals cover them."""

from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import SEALED, RowKey, StateRow, key_of

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


def state(engine: Engine, row: RowKey) -> StateRow:
    table, *key = row
    columns = ", ".join(f"live.{name}" for name in sealed_columns(engine, table))
    *values, generation, digest = engine.row(
        f"SELECT {columns}, seal.generation, seal.digest"
        f" FROM (SELECT 1) LEFT JOIN {table} AS live ON {key_columns(table)}"
        " LEFT JOIN (SELECT generation, digest FROM sealed_row"
        "  JOIN entry ON entry.id = sealed_row.entry WHERE place = ? AND key = ?"
        "  ORDER BY sealed_row.entry DESC LIMIT 1) AS seal",
        *key,
        table,
        key_of(row),
    )
    is_gone = all(value is None for value in values)  # a row has its key at least
    return StateRow(None if is_gone else tuple(values), generation, digest and bytes(digest))


def key_columns(table: str) -> str:
    """Return how a row of *table* is found by its key."""
    return _KEYS.get(table, "id = ?")


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
