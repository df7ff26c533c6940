"""
What an engine's error codes mean for an act: one table.

An error within a transaction has rolled it back, or we do, so the act can be done again: here, or
on another node. At COMMIT that is only so for a white list of codes; after any other answer, or
none, the act may be done.
"""

from enum import Enum, auto

from hongbao.errors import (
    Busy,
    Damaged,
    HongbaoError,
    LedgerDenied,
    LedgerUnreachable,
    OutcomeUnknown,
    StorageRefused,
)
from hongbao.store import Again, RuleBroken


class Meaning(Enum):
    """What an error says about the statement that it answers."""

    AGAIN = auto()
    """It was rolled back for the sake of another transaction."""
    ELSEWHERE = auto()
    """This node does not answer, or takes no part; another one may."""
    RULE = auto()
    """It breaks a rule that the tables keep."""
    DENIED = auto()
    """The user may not do this, or is not known."""
    FULL = auto()
    """There is no room."""
    DAMAGED = auto()
    """The tables are not those of a ledger."""


_CROWDED = (1040, 1203)
_SILENT = (2002, 2003, 2006, 2013, 2055)
_DENIED = {
    **dict.fromkeys((1045, 1698), "login"),
    **dict.fromkeys((2049, 2059), "method"),
    1130: "machine",
    **dict.fromkeys((1044, 1049), "database"),
    **dict.fromkeys((1142, 1143, 1227), "rights"),
}
"""What a user is denied, by the engine's code."""

CODES: dict[int, Meaning] = {
    **dict.fromkeys(
        (
            1213,  # deadlock, or lost against another node (Galera)
            1020,  # the record has changed since it was read
            1205,  # waited too long for a lock, or for this node to catch up (Galera)
            3101,  # rolled back by the group (Group Replication)
            6235,  # OceanBase: the row has changed since the snapshot
            8002,  # TiDB: write conflict under a lock
            8022,  # TiDB: the transaction is to be tried again
            8028,  # TiDB: the schema has changed
            9007,  # TiDB: write conflict
        ),
        Meaning.AGAIN,
    ),
    **dict.fromkeys(
        (
            *(1047, 1053, 1180),  # no primary component; shutting down; refused by the group
            *(1290, 1836),  # the server is read-only
            *_SILENT,  # no connection, or none any more
            *_CROWDED,  # too many connections
            *(1927, 1317),  # the connection, or its statement, was killed
            *(9001, 9002, 9005),  # TiDB: its parts do not answer
        ),
        Meaning.ELSEWHERE,
    ),
    **dict.fromkeys(
        (
            1062,  # a unique key
            *(1048, 1364),  # NULL where none may be
            *(1264, 1406, 1366),  # more than the column takes
            *(4025, 3819),  # a CHECK: MariaDB, MySQL and its kin
        ),
        Meaning.RULE,
    ),
    **dict.fromkeys(_DENIED, Meaning.DENIED),
    **dict.fromkeys((1021, 1041, 1114), Meaning.FULL),
    **dict.fromkeys((1054, 1146, 1932), Meaning.DAMAGED),
}

ROLLED_BACK = frozenset({1213, 1020, 3101, 8002, 8022, 9007})
"""What at COMMIT surely means that the transaction was rolled back."""

_DUPLICATE = 1062

_OCEANBASE_ROLLED_BACK = 6002
_SAYS_SO = ("rollback", "rolled back", "killed")


def code_of(error: BaseException) -> int:
    """Return the number of the engine's *error*, or 0 if it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def meaning_of(error: BaseException) -> Meaning | None:
    """Return what *error* means within a transaction; None if nothing is known of it."""
    code = code_of(error)
    if code == _OCEANBASE_ROLLED_BACK and _is_rolled_back(error):
        return Meaning.AGAIN
    if code == 0:  # what the driver says of a connection that is gone
        return Meaning.ELSEWHERE
    return CODES.get(code)


def is_taken(error: BaseException) -> bool:
    """Return whether *error* says that another row has the same key."""
    return code_of(error) == _DUPLICATE


def in_words(error: BaseException, where: str) -> BaseException:
    """Return what is raised for the engine's *error* within a transaction, or outside of one."""
    match meaning_of(error):
        case Meaning.AGAIN:
            return Again(elsewhere=False)
        case Meaning.ELSEWHERE:
            return Again(elsewhere=True)
        case Meaning.RULE:
            return RuleBroken(str(error))
        case Meaning.DENIED:
            return LedgerDenied(where=where, problem=_DENIED[code_of(error)])
        case Meaning.FULL:
            return StorageRefused(path=where, reason="No space left on device")
        case Meaning.DAMAGED:
            return Damaged(path=where)
    return error


def unreached(error: BaseException) -> str:
    """Return why the node that answered a connection with *error* cannot be used now."""
    reason = getattr(error, "original_exception", None)
    if type(reason).__name__ == "gaierror":  # of a library that is not imported for its name
        return "unknown_name"
    match reason:
        case FileNotFoundError():
            return "no_socket"
        case ConnectionRefusedError():
            return "refused"
    if code_of(error) in _CROWDED:
        return "crowded"
    return "silent" if code_of(error) in (0, *_SILENT) else "no_writes"


def at_commit(error: BaseException) -> BaseException:
    """Return what is raised for the engine's *error* where it answers a COMMIT."""
    code = code_of(error)
    if code in ROLLED_BACK or (code == _OCEANBASE_ROLLED_BACK and _is_rolled_back(error)):
        return Again(elsewhere=False)
    unknown = OutcomeUnknown()
    unknown.begun = True
    return unknown


def exhausted(again: Again, where: str) -> HongbaoError:
    """Return the error for what was tried again for long enough."""
    return LedgerUnreachable(where=where) if again.elsewhere else Busy()


def _is_rolled_back(error: BaseException) -> bool:
    said = " ".join(map(str, error.args[1:])).lower()
    return any(word in said for word in _SAYS_SO)
