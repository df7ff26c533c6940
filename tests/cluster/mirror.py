"""
The model's store over a real database: what it reads and appends goes through the engine's verbs.

Every transaction is done in both, in the database and in the model's dicts. Each has to take and
to refuse the same ones, and each row that is read has to be the same; what is lost is undone in
both.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from hongbao.domain.log.checkpoint import Checkpoint
from hongbao.domain.log.leaves import Sealed
from hongbao.domain.log.sealing import Lane, Step
from hongbao.domain.log.tiles import Tile
from hongbao.engines.mysql.engine import Ledger
from hongbao.store import Again as EngineAgain
from hongbao.store import LogStore, WitnessRow
from hongbao.vault import Vault
from tests.lanes import model
from tests.lanes.model import Again, Outcome, Unknown, Write

T = TypeVar("T")

AT = datetime(2026, 2, 17, tzinfo=UTC)

KEPT = ("lane", "lane_entry", "sealed_lane", "log", "leaf", "node", "checkpoint", "witness")
"""The tables of lanes and of the log."""

KEYS = {
    "lane": ("lane", "name"),
    "entry": ("lane_entry", "lane", "number"),
    "sealed": ("sealed_lane", "lane"),
    "log": ("log", "epoch"),
    "leaf": ("leaf", "epoch", "number"),
    "tiled": ("node", "epoch", "level", "place"),
    "checkpoint": ("checkpoint", "epoch", "size"),
    "witness": ("witness", "name"),
}
"""Each table of the model that the engine has, as it is called there, and its key."""


class Writes(list[Write]):
    """What a step writes, with the verbs that write it."""

    def __init__(self, writes: Iterable[Write], *verbs: Any) -> None:
        super().__init__(writes)
        self.verbs = list(verbs)

    def __add__(self, other: Any) -> Writes:  # type: ignore[override]
        return Writes([*self, *other], *self.verbs, *getattr(other, "verbs", ()))


class Database(model.Database):
    """The dicts of the model, and the tables of *ledger*, which do the same."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        with ledger.transaction():
            for table in KEPT:
                ledger.write(f"DELETE FROM {table}")

    def commit(self, writes: list[Write], outcome: Outcome = Outcome.ANSWERED) -> None:
        if outcome is Outcome.UNDONE:
            raise Unknown
        is_refused = any(
            self.tables[table].get(key) != before for table, key, before, _after in writes
        )
        try:
            with self.ledger.transaction():
                for verb in getattr(writes, "verbs", ()):
                    verb()
                for write in writes:
                    if write.table in ("lane", "entry"):
                        if self._row(write) != write.before:
                            raise EngineAgain(elsewhere=False)
                        self._set(write, write.after)
        except EngineAgain:
            assert is_refused
            raise Again from None
        assert not is_refused
        super().commit(writes, outcome)

    def _undo(self, writes: list[Write]) -> None:
        super()._undo(writes)
        with self.ledger.transaction():
            for write in reversed(writes):
                if write.table in KEYS:
                    self._set(write, write.before)

    def _row(self, write: Write) -> Any:
        """Return a row of a lane as the model has it, or None."""
        table, *key = KEYS[write.table]
        where = " AND ".join(f"{column} = ?" for column in key)
        values = write.key if isinstance(write.key, tuple) else (write.key,)
        if write.table == "lane":
            row = self.ledger.row(f"SELECT upto, head FROM {table} WHERE {where}", *values)
            return None if row is None else (row[0], bytes(row[1]))
        row = self.ledger.row(f"SELECT mac FROM {table} WHERE {where}", *values)
        return None if row is None else self.tables["entry"][write.key]

    def _set(self, write: Write, row: Any) -> None:
        table, *key = KEYS[write.table]
        values = write.key if isinstance(write.key, tuple) else (write.key,)
        where = " AND ".join(f"{column} = ?" for column in key)
        self.ledger.write(f"DELETE FROM {table} WHERE {where}", *values)
        if row is not None:
            columns = dict(zip(key, values, strict=True)) | _columns(write.table, row)
            self.ledger.write(
                f"INSERT INTO {table} ({', '.join(columns)})"
                f" VALUES ({', '.join('?' for _ in columns)})",
                *columns.values(),
            )


def _columns(table: str, row: Any) -> dict[str, Any]:
    """Return the columns of *row* that are not its key."""
    match table:
        case "lane":
            return {"upto": row[0], "head": row[1], "entry": 1, "at": 0}
        case "entry":
            return {"mac": row[1], "entry": 1}
        case "sealed":
            epoch, leaf = row.leaf or (None, None)
            return {"upto": row.upto, "head": row.head, "epoch": epoch, "leaf": leaf}
        case "log":
            checkpoint, seal, is_closed = row
            head = {"name": checkpoint.origin.log, "size": checkpoint.size, "seal": seal}
            return head | {"root": checkpoint.root, "closed": int(is_closed)}
        case "leaf":
            return {"content": row}
        case "tiled":
            return {"hash": row}
        case "checkpoint":
            return {"root": row.root, "seal": b""}
        case "witness":
            epoch, size, note = row
            signed = {"note": note, "public": bytes(32), "seal": b"", "at": 0}
            return {"epoch": epoch, "size": size} | signed
    raise AssertionError(table)


class Store(model.Store):
    """The model's verbs; those of the log are the engine's, and have to say what the model says."""

    def __init__(self, database: model.Database, vault: Vault) -> None:
        super().__init__(database, vault)
        assert isinstance(database, Database)
        self.ledger = database.ledger
        self.log: LogStore = self.ledger.log

    def _same(self, found: T, expected: T) -> T:
        assert expected == found
        return found

    def newest(self) -> tuple[Checkpoint, bytes] | None:
        found = self.log.newest()
        return self._same(None if found is None else found[:2], super().newest())

    def lanes_moved(self, count: int | None = None) -> list[Lane]:
        recent = self.log.lanes_moved(None, datetime.fromtimestamp(0, UTC))
        assert [lane for lane in super().lanes_moved() if lane.upto] == recent
        return self._same(self.log.lanes_moved(count), super().lanes_moved(count))

    def unsealed(self, name: str) -> Lane:
        return self._same(self.log.unsealed(name), super().unsealed(name))

    def tile(self, epoch: int, tile: Tile) -> bytes:
        return self._same(self.log.tile(epoch, tile), super().tile(epoch, tile))

    def leaves(self, epoch: int, size: int) -> list[bytes]:
        return self._same(list(self.log.leaves(epoch, size)), super().leaves(epoch, size))

    def opening(self, epoch: int) -> bytes:
        (found,) = self.log.leaves(epoch, 1)
        return self._same(found, super().opening(epoch))

    def mac(self, lane: str, number: int) -> bytes | None:
        found = self.log.macs([(lane, number)]).get((lane, number))
        return self._same(found, super().mac(lane, number))

    def append(self, before: Checkpoint | None, step: Step, seal: bytes) -> list[Write]:
        writes = super().append(before, step, seal)
        return Writes(writes, partial(self.log.append, before, step, seal))

    def forget(self, lanes: Iterable[str]) -> list[Write]:
        lanes = sorted(lanes)
        return Writes(super().forget(lanes), partial(self.log.forget, lanes))

    def acknowledged(self, witness: str) -> tuple[int, int, bytes] | None:
        row = self.log.acknowledged(witness)
        found = None if row is None else (row.epoch, row.size, row.note)
        return self._same(found, super().acknowledged(witness))

    def acknowledge(self, witness: str, checkpoint: Checkpoint, note: bytes) -> None:
        epoch, size = checkpoint.origin.epoch, checkpoint.size
        row = WitnessRow(witness, epoch, size, note, bytes(32), b"", AT)
        with self.ledger.transaction():
            self.log.acknowledge(row)
        before = super().acknowledged(witness)
        if before != (epoch, size, note):
            write = Write("witness", witness, before, (epoch, size, note))
            model.Database.commit(self.database, [write])


def sealed_rows(ledger: Ledger) -> dict[str, Sealed]:
    """Return how far each lane is sealed, by the database."""
    rows = ledger.rows("SELECT lane, upto, head, epoch, leaf FROM sealed_lane WHERE upto > 0")
    return {
        lane: Sealed(upto, bytes(head), (epoch, leaf)) for lane, upto, head, epoch, leaf in rows
    }
