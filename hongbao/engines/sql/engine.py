"""What the functions of this folder ask of a connection to an engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from hongbao.domain.ledger import Account
from hongbao.store import RESTORE, Overtaken, RuleBroken

T = TypeVar("T")


class Engine(Protocol):
    """
    A connection to an engine that speaks SQL: `row`, `rows` and `each` ask it, `write` changes it.

    `hongbao.engines.sql.Verbs` adds `once`, `existing` and the verbs of the interface.
    """

    has_lanes: bool
    """See `hongbao.store.Store.has_lanes`."""

    sealed: dict[str, list[str]]
    """The columns that seals cover, by table."""

    read: dict[str, Any]
    """What was read in this transaction and is asked for again and again: see `once`."""

    @property
    def where(self) -> str:
        """Where the ledger is, for messages."""
        ...

    @property
    def in_transaction(self) -> bool: ...

    def once(self, name: str, read: Callable[[], T]) -> T:
        """
        Return what *read* gives, asking once in a transaction or snapshot.

        No other process changes it in between; a change of it here takes *name* out of `read`.
        """
        ...

    def row(self, sql: str, *values: object) -> Any:
        """Ask in SQL for one row, or None."""
        ...

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Ask in SQL for all rows."""
        ...

    def each(self, sql: str, *values: object) -> Iterator[Any]:
        """Ask in SQL for one row after the other: there may be as many as the ledger has."""
        ...

    def behind(self, sql: str, entry: object) -> Iterator[Any]:
        """
        Ask for the rows behind an *entry*, one after the other: a chain may be longer than memory.

        They begin with their entry, in whose order they come, and one value of *sql* is an entry.
        """
        ...

    def existing(self, row: Any) -> Any:
        """Return *row*, which another one names. Raises Damaged where it is gone."""
        ...

    def write(self, sql: str, *values: object) -> int:
        """Run a change, and return how many rows it met."""
        ...

    def write_many(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        """Run a change once for the values of each row, and return how many rows were met."""
        ...

    def add_to(self, account: Account, side: str, amount_fen: int) -> int | None:
        """
        Add to one *side* of *account* where it lies, and return its id; None if it is not open.

        Raises what a broken rule raises if that takes the account below zero.
        """
        ...

    def by_moment(self, table: str) -> int | None:
        """
        Return the number of the act's next row in *table* that its moment gives.

        None where the next one is the one after the highest.
        """
        ...

    def columns(self, table: str) -> list[str]:
        """Return the columns of *table* as the ledger itself has them."""
        ...

    def problems(self) -> list[str]:
        """Return what the engine itself finds wrong with how the ledger is kept."""
        ...


NOT_HELD = (
    "NOT EXISTS (SELECT 1 FROM review_case"
    " WHERE review_case.message = message.number AND closed IS NULL)"
)
"""That no open case keeps a message from being sent."""

LAST_RESTORE = (
    f"coalesce((SELECT max(CAST(substr(request_id, {len(RESTORE) + 1}) AS INTEGER)) FROM entry"
    f" WHERE request_id >= '{RESTORE}' AND request_id < '{RESTORE[:-1]}0'), 0)"
)
"""Found by the index of request ids: 0 is the character after the slash."""


def write_one(engine: Engine, sql: str, *values: object) -> None:
    """
    Run a change that meets one row: its WHERE says how the row has to be for that.

    Raises RuleBroken if it meets none, so the rule does not rest on the engine.
    """
    if engine.write(sql, *values) != 1:
        raise RuleBroken(sql)


def write_first(engine: Engine, sql: str, rows: Sequence[Sequence[object]]) -> None:
    """
    Run a change once for the values of each of *rows*: each meets one row, as it was read.

    Raises Overtaken if one does not.
    """
    if engine.write_many(sql, rows) != len(rows):
        raise Overtaken(sql)


def marks(values: Iterable[object]) -> str:
    """Return a placeholder for each of *values*."""
    return ", ".join("?" for _ in values)
