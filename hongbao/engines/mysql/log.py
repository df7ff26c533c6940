"""The log of a ledger on a cluster, in SQL: its leaves, hashes, checkpoints and witnesses."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from hongbao.domain.log.checkpoint import Checkpoint, Origin
from hongbao.domain.log.leaves import UNSEALED, Moved, Sealed, decode
from hongbao.domain.log.sealing import Lane, Step
from hongbao.domain.log.tiles import Tile
from hongbao.engines.sql.engine import Engine
from hongbao.store import Again, LedRow, PublicationRow, RuleBroken, WitnessRow
from hongbao.units import from_micros, to_micros

FIRST_MAC = bytes(32)
"""What a lane's first entry continues."""

_AT_ONCE = 64
"""How many rows one statement inserts, or asks for."""

_LEAVES_READ = 4096
"""How many leaves are read at once: a leaf may have 64 KiB, and has about 150 bytes."""


class Log:
    """The verbs of `hongbao.store.LogStore` on a connection to a cluster."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- what is there ---------------------------------------------------------------------------

    def newest(self, witness: str = "") -> tuple[Checkpoint, bytes, tuple[int, int] | None] | None:
        row = self._engine.row(
            "SELECT log.name, log.epoch, log.size, log.root, log.seal, seen.epoch, seen.size"
            " FROM log LEFT JOIN witness AS seen ON seen.name = ?"
            " ORDER BY log.epoch DESC LIMIT 1",
            witness,
        )
        if row is None:
            return None
        name, epoch, size, root, seal, *seen = row
        acknowledged = None if seen[0] is None else (int(seen[0]), int(seen[1]))
        return Checkpoint(Origin(name, epoch), size, bytes(root)), bytes(seal), acknowledged

    def lanes_moved(self, count: int | None = None, since: datetime | None = None) -> list[Lane]:
        found = [] if since is not None else self._lanes_gone()
        rows = self._engine.rows(
            "SELECT lane.at, lane.name, lane.upto, lane.head,"
            " was.upto, was.head, was.epoch, was.leaf"
            " FROM lane LEFT JOIN sealed_lane AS was ON was.lane = lane.name"
            " WHERE lane.at >= ?"
            " AND (was.lane IS NULL OR was.upto <> lane.upto OR was.head <> lane.head)",
            0 if since is None else to_micros(since),
        )
        rows.sort(key=lambda row: row[:2])  # those that have waited longest first
        moved = [
            (name, upto, bytes(head), _sealed(sealed))
            for _at, name, upto, head, *sealed in rows[:count]
        ]
        still = self.macs([(name, sealed.upto) for name, _upto, _head, sealed in moved])
        for name, upto, head, sealed in moved:
            found.append(Lane(name, upto, head, sealed, still.get((name, sealed.upto))))
        return found[:count]

    def _lanes_gone(self) -> list[Lane]:
        rows = self._engine.rows(
            "SELECT was.lane, was.upto, was.head, was.epoch, was.leaf"
            " FROM sealed_lane AS was LEFT JOIN lane ON lane.name = was.lane"
            " WHERE lane.name IS NULL AND was.upto > 0 ORDER BY was.lane"
        )
        return [Lane(name, 0, FIRST_MAC, _sealed(sealed), None) for name, *sealed in rows]

    def unsealed(self, lane: str) -> Lane:
        row = self._engine.row("SELECT upto, head FROM lane WHERE name = ?", lane)
        upto, head = (0, FIRST_MAC) if row is None else row
        return Lane(lane, upto, bytes(head), UNSEALED, None)

    def tile(self, epoch: int, tile: Tile) -> bytes:
        rows = self._engine.rows(
            "SELECT hash FROM node WHERE epoch = ? AND level = ? AND place >= ? AND place < ?"
            " ORDER BY place",
            epoch,
            tile.level,
            tile.first,
            tile.first + tile.width,
        )
        return b"".join(bytes(found) for (found,) in rows)

    def leaves(self, epoch: int, size: int, first: int = 0) -> Iterator[bytes]:
        for begin in range(first, size, _LEAVES_READ):
            upto = min(begin + _LEAVES_READ, size)
            rows = self._engine.rows(
                "SELECT number, content FROM leaf WHERE epoch = ? AND number >= ? AND number < ?",
                epoch,
                begin,
                upto,
            )
            found = {number: bytes(content) for number, content in rows}
            yield from (found.get(number, b"") for number in range(begin, upto))

    def macs(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        found = {}
        for first in range(0, len(places), _AT_ONCE):
            some = places[first : first + _AT_ONCE]
            rows = self._engine.rows(
                "SELECT lane, number, mac FROM lane_entry"
                f" WHERE (lane, number) IN ({', '.join(['(?, ?)'] * len(some))})",
                *(value for place in some for value in place),
            )
            found.update({(lane, number): bytes(mac) for lane, number, mac in rows})
        return found

    def former_seal(self, entry: int) -> bytes | None:
        row = self._engine.row(
            "SELECT mac FROM former_seal WHERE entry >= ? ORDER BY entry LIMIT 1", entry
        )
        return None if row is None else bytes(row[0])

    def checkpoints(self) -> Iterator[tuple[int, int, bytes, bytes]]:
        for epoch, size, root, seal in self._engine.each(
            "SELECT epoch, size, root, seal FROM checkpoint ORDER BY epoch, size"
        ):
            yield epoch, size, bytes(root), bytes(seal)

    def sealed_lanes(self) -> dict[str, Sealed]:
        rows = self._engine.each(
            "SELECT lane, upto, head, epoch, leaf FROM sealed_lane WHERE upto > 0"
        )
        return {lane: _sealed(sealed) for lane, *sealed in rows}

    def unsealed_count(self, since: datetime | None = None) -> int:
        (count,) = self._engine.row(
            "SELECT count(*) FROM lane"
            " LEFT JOIN sealed_lane AS was ON was.lane = lane.name"
            " WHERE lane.at >= ?"
            " AND (was.lane IS NULL OR was.upto <> lane.upto OR was.head <> lane.head)",
            0 if since is None else to_micros(since),
        )
        return int(count)

    # --- a step of the sealer --------------------------------------------------------------------

    def append(self, before: Checkpoint | None, step: Step, seal: bytes) -> None:
        checkpoint = step.checkpoint
        origin, size, root = checkpoint
        continues = before is not None and before.origin == origin
        if before is not None:
            self._leave(before, step, seal, continues=continues)
        if not continues:
            self._begin(
                "INSERT INTO log (epoch, name, size, root, seal, closed) VALUES (?, ?, ?, ?, ?, 0)",
                origin.epoch,
                origin.log,
                size,
                root,
                seal,
            )
        self._engine.write(
            "INSERT INTO checkpoint (epoch, size, root, seal) VALUES (?, ?, ?, ?)",
            origin.epoch,
            size,
            root,
            seal,
        )
        leaves = list(enumerate(step.leaves, step.first))
        self._insert(
            "leaf", ("epoch", "number", "content"), [(origin.epoch, *leaf) for leaf in leaves]
        )
        self._insert(
            "node", ("epoch", "level", "place", "hash"), [(origin.epoch, *n) for n in step.tiled]
        )
        said = ((number, decode(content)) for number, content in leaves)
        self._insert(
            "sealed_lane",
            _SEALED,
            [
                (leaf.lane, leaf.upto, leaf.head, origin.epoch, number)
                for number, leaf in said
                if isinstance(leaf, Moved)
            ],
            _UPSERT,
        )

    def _leave(self, before: Checkpoint, step: Step, seal: bytes, *, continues: bool) -> None:
        """Change the row of the log where *before* is the newest, if it still is, and open."""
        after = step.checkpoint if continues else before
        change = "size = ?, root = ?, seal = ?" if continues else "closed = 1"
        values = (after.size, after.root, seal) if continues else ()
        met = self._engine.write(
            f"UPDATE log SET {change} WHERE epoch = ? AND size = ? AND root = ? AND closed = 0",
            *values,
            before.origin.epoch,
            before.size,
            before.root,
        )
        if met != 1:
            raise Again(elsewhere=False)

    def _begin(self, sql: str, *values: object) -> None:
        """Insert a row that another one may have been first with. Raises Again."""
        try:
            self._engine.write(sql, *values)
        except RuleBroken:
            raise Again(elsewhere=False) from None

    def _insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        otherwise: str = "",
    ) -> None:
        row = f"({', '.join('?' for _ in columns)})"
        into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "
        whole = len(rows) - len(rows) % _AT_ONCE
        for first in range(0, whole, _AT_ONCE):
            some = [value for values in rows[first : first + _AT_ONCE] for value in values]
            self._engine.write(f"{into}{', '.join([row] * _AT_ONCE)}{otherwise}", *some)
        self._engine.write_many(f"{into}{row}{otherwise}", rows[whole:])

    def forget(self, lanes: Iterable[str]) -> None:
        rows = [(lane, 0, None, None, None) for lane in sorted(lanes)]
        self._insert("sealed_lane", _SEALED, rows, _UPSERT)

    # --- what is published -----------------------------------------------------------------------

    def led(self, spans: Sequence[tuple[str, int, int]]) -> list[LedRow]:
        found = []
        for first in range(0, len(spans), _AT_ONCE):
            some = spans[first : first + _AT_ONCE]
            among = " OR ".join(["(lane = ? AND number > ? AND number <= ?)"] * len(some))
            rows = self._engine.rows(
                f"SELECT lane, number, entry FROM lane_entry JOIN entry ON entry.id = entry"
                f" WHERE ({among}) AND {_LEADS} ORDER BY lane, number",
                *(value for span in some for value in span),
            )
            found += [LedRow._make(row) for row in rows]
        return found

    def led_upto(self, lane: str, number: int) -> int:
        (count,) = self._engine.row(
            "SELECT count(*) FROM lane_entry JOIN entry ON entry.id = entry"
            f" WHERE lane = ? AND number <= ? AND {_LEADS}",
            lane,
            number,
        )
        return int(count)

    def publication(self, target: str) -> PublicationRow | None:
        row = self._engine.row(f"{_PUBLICATIONS} WHERE target = ?", target)
        return None if row is None else _publication(row)

    def publications(self) -> list[PublicationRow]:
        return [_publication(row) for row in self._engine.rows(f"{_PUBLICATIONS} ORDER BY target")]

    def take_publication(self, row: PublicationRow, seconds: int) -> bool:
        if row.fence == 1:
            self._begin(
                "INSERT INTO publication (target, place, seal, fence, holder, until)"
                f" VALUES (?, ?, ?, 1, ?, {_NOW} + ?)",
                row.target,
                row.place,
                row.seal,
                row.holder,
                seconds,
            )
            return True
        met = self._engine.write(
            f"UPDATE publication SET fence = ?, holder = ?, until = {_NOW} + ?"
            f" WHERE target = ? AND fence = ? AND until <= {_NOW}",
            row.fence,
            row.holder,
            seconds,
            row.target,
            row.fence - 1,
        )
        return met == 1

    def keep_publication(self, row: PublicationRow, seconds: int) -> bool:
        met = self._engine.write(
            f"UPDATE publication SET place = ?, seal = ?, until = {_NOW} + ?"
            " WHERE target = ? AND fence = ?",
            row.place,
            row.seal,
            seconds,
            row.target,
            row.fence,
        )
        return met == 1

    # --- witnesses -------------------------------------------------------------------------------

    def acknowledged(self, witness: str) -> WitnessRow | None:
        row = self._engine.row(f"{_WITNESSES} WHERE name = ?", witness)
        return None if row is None else _witness(row)

    def witnesses(self) -> list[WitnessRow]:
        return [_witness(row) for row in self._engine.rows(f"{_WITNESSES} ORDER BY name")]

    def acknowledge(self, row: WitnessRow) -> None:
        said = (*row[:-1], to_micros(row.at))
        if not self._engine.write(_SAYS_MORE, *said):
            # It is noted, or goes beyond this, or it is this witness's first note.
            self._engine.write(_SAYS_FIRST, *said)


_LEADS = (
    "lane = CASE WHEN entry.packet IS NOT NULL THEN concat('packet/', entry.packet)"
    " WHEN entry.profile IS NOT NULL THEN concat('profile/', entry.profile)"
    " ELSE (SELECT max(other.lane) FROM lane_entry AS other WHERE other.entry = entry.id) END"
)
"""That a lane leads an entry: each entry is led by one of its lanes."""

_NOW = "unix_timestamp()"
_PUBLICATIONS = (
    f"SELECT target, place, seal, fence, holder, max(until - {_NOW}, 0) FROM publication"
)

_SEALED = ("lane", "upto", "head", "epoch", "leaf")
_UPSERT = (
    " ON CONFLICT (lane) DO UPDATE SET upto = excluded.upto, head = excluded.head,"
    " epoch = excluded.epoch, leaf = excluded.leaf"
)
_WITNESS = WitnessRow._fields
_WITNESSES = f"SELECT {', '.join(_WITNESS)} FROM witness"
_SAYS_MORE = (
    f"UPDATE witness SET {', '.join(f'{name} = ?{n}' for n, name in enumerate(_WITNESS, 1))}"
    " WHERE name = ?1 AND (epoch < ?2 OR (epoch = ?2 AND size < ?3))"
)
_SAYS_FIRST = (
    f"INSERT OR IGNORE INTO witness ({', '.join(_WITNESS)})"
    f" VALUES ({', '.join('?' for _ in _WITNESS)})"
)


def _publication(row: Sequence[Any]) -> PublicationRow:
    target, place, seal, fence, holder, seconds = row
    return PublicationRow(target, bytes(place), bytes(seal), fence, holder, int(seconds))


def _sealed(row: Sequence[Any]) -> Sealed:
    upto, head, epoch, leaf = row
    if not upto:
        return UNSEALED
    return Sealed(upto, bytes(head), (epoch, leaf))


def _witness(row: Sequence[Any]) -> WitnessRow:
    name, epoch, size, note, public, seal, at = row
    return WitnessRow(name, epoch, size, bytes(note), bytes(public), bytes(seal), from_micros(at))
