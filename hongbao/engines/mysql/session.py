"""
The settings of a session: set, read back, and refused by their names if they differ.

A node whose settings may lose what it has confirmed is refused as well: each node is checked
whenever a connection to it is opened.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hongbao.errors import ClusterRefused
from hongbao.store import Again

Run = Callable[[str], list[Any]]
"""Runs a statement, and returns its rows."""

LOCK_SECONDS = 5
"""How long one statement waits for a lock; who waits for a lane asks again."""

SQL_MODE = (
    "STRICT_ALL_TABLES,PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ZERO_DATE,NO_ZERO_IN_DATE"
)

COMMON = {
    "autocommit": "OFF",
    "sql_mode": SQL_MODE,
    "time_zone": "+00:00",
    "completion_type": "NO_CHAIN",
    "collation_connection": "utf8mb4_bin",
    "foreign_key_checks": "ON",
    "unique_checks": "ON",
}
PATIENCE = {"innodb_lock_wait_timeout": str(LOCK_SECONDS), "group_concat_max_len": "1048576"}
"""What is set and not insisted on: an engine that has it otherwise is slower, and not wrong."""

GALERA = {
    "wsrep_sync_wait": "7",
    "wsrep_dirty_reads": "OFF",
    "wsrep_retry_autocommit": "0",
    "wsrep_trx_fragment_size": "0",
    "wsrep_osu_method": "TOI",
}
TIDB = {
    "tidb_txn_mode": "pessimistic",
    "tidb_disable_txn_auto_retry": "ON",
    "tidb_constraint_check_in_place_pessimistic": "ON",
    "tidb_replica_read": "leader",
    "tidb_read_staleness": "0",
    "tidb_snapshot": "",
    "tidb_dml_type": "standard",
    "tidb_load_based_replica_read_threshold": "0s",
}
OCEANBASE = {"ob_read_consistency": "STRONG"}
OCEANBASE_PATIENCE = {"ob_trx_lock_timeout": str(LOCK_SECONDS * 1_000_000)}
GROUP = {"group_replication_consistency": "BEFORE"}

ISOLATION = "REPEATABLE-READ"
_ISOLATION = ("transaction_isolation", "tx_isolation")

NODE = {
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_doublewrite": "ON",
}
"""What a node has to have whose storage is InnoDB."""
GALERA_NODE = {"wsrep_on": "ON", "binlog_format": "ROW", "innodb_autoinc_lock_mode": "2"}
GALERA_STATUS = {"wsrep_cluster_status": "Primary", "wsrep_ready": "ON"}

_ASKED = tuple(
    dict.fromkeys(
        (
            *(*COMMON, *GALERA, *TIDB, *OCEANBASE, *OCEANBASE_PATIENCE, *GROUP),
            *(*_ISOLATION, *NODE, *GALERA_NODE),
        )
    )
)


def prepare(run: Run, node: str) -> None:
    """
    Make *run*'s session on *node* one that an act can rely on.

    Raises ClusterRefused, which names the setting that is not as it has to be, and Again where this
    node takes no part at the moment.
    """
    run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    run(_setting(COMMON | PATIENCE))
    found = _read(run)
    if found.get("wsrep_on") == "ON" or found.get("wsrep_cluster_address"):
        _prepare_more(run, GALERA)
        found = _read(run)
        _check(node, found, GALERA)
        _check(node, found, GALERA_NODE)
        status = dict(run(_listing("STATUS", GALERA_STATUS)))
        if any(status.get(name) != value for name, value in GALERA_STATUS.items()):
            raise Again(elsewhere=True)  # cut off from the others, or catching up with them
    for settings, mark in ((TIDB, "tidb_txn_mode"), (OCEANBASE, "ob_read_consistency")):
        if mark in found:
            known = {name: value for name, value in settings.items() if name in found}
            _prepare_more(run, known)
            found = _read(run)
            _check(node, found, known)
    if "ob_trx_lock_timeout" in found:
        _prepare_more(run, OCEANBASE_PATIENCE)
    if found.get("group_replication_consistency") not in (None, "BEFORE", "AFTER"):
        _prepare_more(run, GROUP)
        found = _read(run)
    _check(node, found, COMMON)
    isolation = next((found[name] for name in _ISOLATION if name in found), "?")
    if isolation != ISOLATION:
        raise ClusterRefused(node=node, setting=_ISOLATION[0], value=isolation, wanted=ISOLATION)
    _check(node, found, {name: value for name, value in NODE.items() if name in found})


def _prepare_more(run: Run, settings: dict[str, str]) -> None:
    run(_setting(settings))


def _setting(settings: dict[str, str]) -> str:
    parts = (
        f"SESSION {name} = {value if value.isdigit() or value in ('ON', 'OFF') else repr(value)}"
        for name, value in settings.items()
    )
    return f"SET {', '.join(parts)}"


def _listing(kind: str, names: Iterable[str]) -> str:
    quoted = ", ".join(f"'{name}'" for name in names)
    return f"SHOW {kind} WHERE Variable_name IN ({quoted})"


def _read(run: Run) -> dict[str, str]:
    return {str(name): str(value) for name, value in run(_listing("VARIABLES", _ASKED))}


def _check(node: str, found: dict[str, str], wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        has = found.get(name, "")
        if set(has.upper().split(",")) != set(value.upper().split(",")):
            raise ClusterRefused(node=node, setting=name, value=has, wanted=value)
