"""Acts that are appended to the chain: one, or many at once."""

from collections.abc import Sequence

from hongbao.domain.chain import entry_of
from hongbao.engines.sql.books import ENTRY, ENTRY_MARKS, head, post
from hongbao.engines.sql.engine import Engine, write_one
from hongbao.store import Decided, Seal, key_of, written_out


def append(
    engine: Engine, acts: Sequence[Decided], seal: Seal, *, more: bool = False
) -> bytes | None:
    previous, group = engine.read.pop("group", None) or (head(engine).mac, list[str]())
    group.extend(map(written_out, acts))
    if more:
        mac = None
        engine.read["group"] = previous, group
    else:
        mac = seal(previous, entry_of(group)) if group else None
    engine.read.pop("head", None)
    if len(acts) > 1:
        from hongbao.engines.sql.bulk import append_many  # which few commands need

        append_many(engine, acts, [*[None] * (len(acts) - 1), mac])
    elif acts:
        append_one(engine, acts[0], mac)
    elif mac is not None:
        write_one(engine, _SEAL_LAST, mac)
    return mac


def append_one(engine: Engine, act: Decided, mac: bytes | None) -> None:
    """Write the entry of *act*, move what it moves, and seal its rows."""
    engine.write(
        f"INSERT INTO entry ({ENTRY}, took, mac) VALUES ({ENTRY_MARKS})", *act.fields, act.took, mac
    )
    post(engine, int(str(act.fields[0])), act.transfers)
    for row, digest in act.rows:
        engine.write(
            "INSERT INTO sealed_row (place, key, entry, digest) VALUES (?, ?, ?, ?)",
            row[0],
            key_of(row),
            act.fields[0],
            digest,
        )


_SEAL_LAST = (
    "UPDATE entry SET mac = ? WHERE mac IS NULL"
    " AND id = (SELECT id FROM (SELECT max(id) AS id FROM entry) AS newest)"
)
