"""One look over the ledger: what every check is made of."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from hongbao.domain.ledger import Kind
from hongbao.errors import Damaged
from hongbao.store import Store

ROWS_MAX = 20
"""How many rows of one finding are named; the problem says how many there are."""


class Seal(Protocol):
    """Makes an entry's MAC (see `hongbao.vault.Vault.chain_mac`)."""

    def __call__(
        self, previous: bytes, entry: bytes, *, generation: int | None = None
    ) -> bytes: ...


class Fits(Protocol):
    """Says whether a signature is of a message, by its public key (see `hongbao.vault.verify`)."""

    def __call__(self, public: bytes, message: bytes, signature: bytes) -> bool: ...


class Look:
    """
    One snapshot of *store*, to be checked.

    *seal* makes the MACs again, and *fits* verifies what devices have signed; *noted* is the head
    that was noted beside the keys. A check is a method that yields the rows which fail it, named
    so that a person can find them.
    """

    def __init__(
        self, store: Store, seal: Seal, fits: Fits, noted: tuple[int, bytes] | None
    ) -> None:
        self._store = store
        self._seal = seal
        self._fits = fits
        self._noted = noted

    def _held_by_kind(self) -> Mapping[tuple[str, str], int]:
        """Return what each kind of account holds in each book, as credits less debits."""
        held: dict[tuple[str, str], int] = defaultdict(int)
        for book, kind, fen in self._rows(
            "SELECT book, kind, sum(credits_fen - debits_fen) FROM account GROUP BY book, kind"
        ):
            held[book, kind] = fen
        return held

    def _by_owner(self, book: str, kind: Kind) -> Mapping[int, int]:
        return defaultdict(
            int,
            self._store.rows(
                "SELECT owner, credits_fen - debits_fen FROM account WHERE book = ? AND kind = ?",
                book,
                kind,
            ),
        )

    def _rows(self, sql: str) -> Iterator[Any]:
        return self._store.each(sql)

    def _count(self, table: str) -> int:
        try:
            return int(self._store.row(f"SELECT count(*) FROM {table}")[0])
        except Damaged:
            return 0
