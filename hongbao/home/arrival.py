"""
A copy of a ledger that comes to a cluster: into an empty database, where its log begins again.

The copy is a file, whose entries have one chain; there they have lanes (`relaned`). Until the last
row is there nothing opens, so it can be cut off anywhere, and begun again by the same call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.auditing.context import Context, Noted
from hongbao.auditing.relaned import relane
from hongbao.domain.log.leaves import Moved
from hongbao.domain.log.sealing import LANES_MAX
from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.filling import Copied, Filling, in_batches
from hongbao.engines.mysql.numbers import is_serial
from hongbao.engines.sqlcipher.engine import Ledger as LedgerInFile
from hongbao.engines.sqlcipher.laned import Laned
from hongbao.errors import DatabaseNotEmpty
from hongbao.home.clusters import check_nodes
from hongbao.home.log import MachineLog
from hongbao.home.opening import place_of
from hongbao.home.places import is_on_cluster
from hongbao.vault import DeviceKeys, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Self

    from hongbao.env import Env
    from hongbao.home.clusters import Access
    from hongbao.store import LedgerFile, Store
    from hongbao.vault import Vault

_TURN_BYTES = 16

PROVING_PERCENT = 10
"""How much of the way is over when the chain is proven: filling a database takes far longer."""

REPORT_EVERY = 500
"""The rows between two reports of progress: a node takes as many in a part of a second."""


class _Way:
    """How far a copy has come: first its entries are proven, then its rows are put there."""

    def __init__(self, laned: Laned, progress: Callable[[int, int], None]) -> None:
        self._laned = laned
        self._progress = progress
        self._entries, self._total = laned.count("entry"), laned.count()
        self._proven = self._done = 0
        self._rows = 1

    def proven(self, entries: int) -> None:
        """Report that so many more entries are proven."""
        self._proven += entries
        percent = PROVING_PERCENT * self._proven // self._entries
        self._progress(self._total * percent // 100, self._total)

    def begin_filling(self) -> None:
        """Count the rows again: lanes have come to them."""
        self._rows = self._laned.count() + self._entries  # and the seals of before

    def counted(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield *rows*, and report each time that some more of them are there."""
        for row in rows:
            yield row
            self._done += 1
            if not self._done % REPORT_EVERY:
                share = self._total * (100 - PROVING_PERCENT) * self._done // (100 * self._rows)
                self._progress(self._total * PROVING_PERCENT // 100 + share, self._total)


class Arrival:
    """The database that *access* leads to, while a copy with *vault*'s keys comes into it."""

    def __init__(self, env: Env, vault: Vault, access: Access) -> None:
        self._vault = vault
        self._env = env
        self._ledger = Ledger.create(access.address, access.password, vault.page_key)
        try:
            check_nodes(self._ledger)
        except BaseException:
            self.close()
            raise
        self._filling = Filling(self._ledger, vault.random(_TURN_BYTES))

    @property
    def store(self) -> Store:
        return self._ledger

    def close(self) -> None:
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def is_there(self, entry: int, mac: bytes) -> bool:
        """
        Return whether the copy that ends with *entry* has come before, all of it.

        Raises DatabaseNotEmpty where anything else is there, also what was done since then in the
        ledger that this home has in use.
        """
        came = self._filling.is_there(self._copied(entry, mac))
        if came and self._is_in_use() and self._last_act() != "restore":
            raise DatabaseNotEmpty(where=self._ledger.where)
        return came

    def _is_in_use(self) -> bool:
        return is_on_cluster(self._env) and place_of(self._env) == self._ledger.where

    def _last_act(self) -> str | None:
        last = self._ledger.head().entry
        return next((row.act for row in self._ledger.acts(after=last - 1, limit=1)), None)

    def _copied(self, entry: int, mac: bytes) -> Copied:
        return Copied(self._vault.fingerprint, entry, mac)

    def fill(
        self, copy: LedgerFile, entry: int, mac: bytes, progress: Callable[[int, int], None]
    ) -> None:
        """
        Put all of *copy* there, which ended with *entry* before the act of the restore.

        The log gets an epoch that says so. The *copy* has more tables afterwards. *progress* is
        called with how many rows of how many have come. Raises
        DatabaseNotEmpty, Busy where another process fills the database, and StorageRefused.
        """
        assert isinstance(copy, LedgerInFile)
        home = copy.home()
        assert home is not None
        laned = Laned(copy)
        way = _Way(laned, progress)
        with laned.growing():
            devices = DeviceKeys(self._env.keys, self._vault)
            noted = Noted(None)
            context = Context(copy, self._vault, verify, devices, noted, progress=way.proven)
            relane(context, laned, serial=is_serial(home))
        self._filling.begin(self._copied(entry, mac))
        way.begin_filling()
        for table, columns, rows in (*laned.tables(), laned.seals()):
            self._filling.add(table, columns, way.counted(rows))
        log = MachineLog(self._env, self._vault, self._ledger)
        moved = (Moved(name, 0, upto, head, None) for name, upto, head in laned.lanes())
        log.begin_with(entry, mac, in_batches(moved, LANES_MAX), self._filling.step)
        self._filling.finish(*laned.home())
