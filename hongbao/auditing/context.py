"""The context of an audit: rows, keys and the noted head, shared by all checks."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hongbao.domain.ledger import Kind
from hongbao.errors import Damaged
from hongbao.questions import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hongbao.auditing.checkpoint import Checkpoint
    from hongbao.domain.log.checkpoint import Checkpoint as LogCheckpoint
    from hongbao.store import Holder, Store

ROWS_MAX = 20
"""How many rows of one finding are named; the problem says how many there are."""


class Fits(Protocol):
    """Says whether a signature is of a message, by its public key (see `hongbao.vault.verify`)."""

    def __call__(self, public: bytes, message: bytes, signature: bytes) -> bool: ...


class DeviceKeys(Protocol):
    """The keys of devices that are this machine (see `hongbao.vault.DeviceKeys`)."""

    def check(self, public: bytes) -> None: ...


class Keys(Protocol):
    """What makes the ledger's MACs, seals and marks again (see `hongbao.vault.Vault`)."""

    @property
    def generation(self) -> int: ...

    def chain_mac(
        self, previous: bytes, entry: bytes, *, generation: int | None = None
    ) -> bytes: ...

    def row_mac(self, state: bytes, *, generation: int | None = None) -> bytes: ...

    def session_key(
        self, profile: int, request_id: str, *, generation: int | None = None
    ) -> bytes: ...

    def unseal(self, profile: int, place: str, sealed: bytes) -> str: ...

    def blind(self, kind: str, text: str) -> bytes: ...


Counts = tuple[int, int, int, int]
"""Tries at a PIN, those that are cleared, the last step of an authenticator, the end of a lock."""


class Noted(NamedTuple):
    """
    What is noted next to the keys about the ledger's progress: the *head*, if there is one.

    *since* is the first entry that was noted, where the ledger was further by then: what was noted
    before is gone. *tries* has what was tried at each holder's PIN (see `hongbao.vault.Tries`), or
    None where that is gone; a holder who tries just now is left out. *seen* is the last checkpoint
    that this machine has seen of a shared ledger's log.
    """

    head: tuple[int, bytes] | None
    since: int | None = None
    tries: Mapping[Holder, Counts | None] = MappingProxyType({})
    seen: LogCheckpoint | None = None


class Context:
    """
    One snapshot of *store*, to be checked.

    *keys* make MACs, seals and marks again, and *fits* verifies what devices have signed, in that
    many *threads*; *device_keys* are the keys of the devices that are this machine, and *noted* is
    what is noted next to the keys.

    *behind* is the checkpoint that is believed for what it has proven, and *unread* the same one
    where the entries up to it are not read again. What speaks against it is among the *doubts*.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        fits: Fits,
        device_keys: DeviceKeys,
        noted: Noted,
        *,
        behind: Checkpoint | None = None,
        reads_all: bool = True,
        threads: int = 1,
        progress: Callable[[int], None] = lambda _entries: None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.fits = fits
        self.device_keys = device_keys
        self.noted = noted
        self.behind = behind
        self.unread = None if reads_all else behind
        self.threads = threads
        self.progress = progress
        """Called with how many more entries have been read."""
        self.doubts: list[str] = []

    def doubt(self, what: str) -> None:
        """Note that *what* the checkpoint rests on is not as it was."""
        self.doubts.append(what)

    def held_by_kind(self) -> Mapping[tuple[str, str], int]:
        """Return the balance of each kind of account in each book, as credits less debits."""
        held: dict[tuple[str, str], int] = defaultdict(int)
        for book, kind, fen in self.rows(Question.BALANCES_BY_KIND):
            held[book, kind] = fen
        return held

    def by_owner(self, book: str, kind: Kind) -> Mapping[int, int]:
        return defaultdict(
            int,
            self.rows(
                Question.BALANCES_BY_OWNER,
                book,
                kind,
            ),
        )

    def rows(self, question: Question, *values: object) -> Iterator[Any]:
        return self.store.audit(question, *values)

    def row(self, question: Question, *values: object) -> Any:
        return next(self.store.audit(question, *values), None)

    def count(self, question: Question) -> int:
        try:
            return int(self.row(question)[0])
        except Damaged:
            return 0
