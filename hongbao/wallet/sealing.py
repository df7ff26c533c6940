"""
Sealing: the lanes that moved are appended to the log, and an epoch records what was lost.

A step is one transaction: leaves, hashes, the checkpoint, and how far each lane is sealed. What
comes of its COMMIT needs no answer: afterwards the newest checkpoint is read back, this machine's
witness takes it, and only that is signed. So a step can be repeated at any time, and of two
sealers at once one begins again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hongbao.auditing.log import is_sound, parts_of, torn_lanes
from hongbao.domain.log.checkpoint import Checkpoint, Malformed, NotSigned, Origin, opened
from hongbao.domain.log.checkpoint import parse_checkpoint as parsed
from hongbao.domain.log.leaves import Epoch
from hongbao.domain.log.merkle import Edge
from hongbao.domain.log.sealing import LANES_MAX, LaneTorn, Step, moved, step
from hongbao.domain.log.tiles import bundle, tiled, tiles_of
from hongbao.errors import (
    Busy,
    FileExists,
    HongbaoError,
    LogAltered,
    LogRefused,
    NothingLost,
    OutcomeUnknown,
)
from hongbao.home.kept import Gone, Kept
from hongbao.home.log import MachineLog
from hongbao.home.opened import Home
from hongbao.outputs import check_outside, save_as
from hongbao.store import RuleBroken
from hongbao.units import iso
from hongbao.vault import verify
from hongbao.vault.files import storage
from hongbao.wallet.again import repeat
from hongbao.wallet.authorise import authorise
from hongbao.wallet.lost import lost_lines
from hongbao.wallet.operators import By
from hongbao.wallet.rules import answering, check_operator
from hongbao.wallet.unit_of_work import perform_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hongbao.answers import (
        CheckpointLine,
        EpochOpened,
        LogExported,
        LogShown,
        LossShown,
        Sealed,
        WitnessLine,
    )
    from hongbao.domain.log.leaves import Index
    from hongbao.wallet.acts import Doing
    from hongbao.wallet.authorise import AskPin

RECENT = timedelta(minutes=12)
"""
How long before this machine's last step the last act of a lane may be for the next step to see it.

An act is committed ten minutes after its moment at most; the rest is for clocks that differ.
"""

WHOLE_NS = 60 * 10**9
"""How often one who seals again and again compares all lanes: an act may have committed late."""

HEADS_MAX = 100
"""How many abandoned heads an epoch may name: they have to fit into its first leaf."""


def log_of(home: Home) -> MachineLog:
    """Return the log as this machine sees it. Raises NotShared where the ledger is a file."""
    return MachineLog(home.env, home.vault, home.store)


def seal(home: Home, count: int = LANES_MAX) -> Sealed:
    """
    Seal up to *count* of the lanes that moved, and return what the log has come to.

    The first time in a process, and each minute, all lanes are compared with what is sealed of
    them; in between those of the last minutes. The answer names the lanes that are torn: they do
    not continue what was sealed of them, so they are never sealed again before an epoch records it.

    Raises what `MachineLog.look` raises.
    """
    log = log_of(home)
    before = log.look()
    torn: list[str] = []
    begun_ns = monotonic_ns()
    is_whole = home.compared_at_ns is None or begun_ns - home.compared_at_ns > WHOLE_NS
    since = None if is_whole else _recent(home, log)
    with suppress(OutcomeUnknown):  # what the ledger has is what counts
        torn = repeat(home, lambda: _step(home, log, count, since))
        if is_whole:
            home.compared_at_ns = begun_ns
    after = log.look()
    Kept(home).release(log)
    grown = after.size - before.size if after.origin == before.origin else after.size
    return {**_checkpoint(after), "leaves": grown, "torn": torn}


def _checkpoint(checkpoint: Checkpoint) -> CheckpointLine:
    return {
        "epoch": checkpoint.origin.epoch,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
    }


def _step(home: Home, log: MachineLog, count: int, since: datetime | None) -> list[str]:
    """Append a leaf for each lane that moved *since*, and return the lanes that are torn."""
    before, begun = log.look(), home.env.now()
    log.is_whole = False
    with home.changing():
        leaves, torn = [], []
        for lane in log.log.lanes_moved(count, since):
            try:
                leaves.append(moved(lane))
            except LaneTorn:
                torn.append(lane.name)
        if leaves:
            edge = Edge.of(before.size, log.nodes(before))
            if edge.root() != before.root:
                raise LogAltered(where=home.store.where)
            _insert(log, before, step(before.origin, edge, leaves))
    if len(leaves) + len(torn) < count:  # nothing was left
        log.note_compared(begun)
        log.is_whole = not torn
    return torn


def _recent(home: Home, log: MachineLog) -> datetime | None:
    """
    Return since when lanes are looked at that are new: None for all, where the clock is virtual.

    What was done before this machine's last step that had nothing left was compared then, also what
    other machines did and never sealed.
    """
    last = log.compared() if home.row.virtual_at is None else None
    return None if last is None else min(last, home.env.now()) - RECENT


def _insert(log: MachineLog, before: Checkpoint | None, decided: Step) -> None:
    """Append a step. Raises LogAltered if rows are there that no sealer has written."""
    try:
        log.log.append(before, decided, log.seal(decided.checkpoint))
    except RuleBroken:
        raise LogAltered(where=log.store.where) from None


def afterwards(home: Home) -> None:
    """
    Seal what a command has done, where the ledger has a log; once, and without waiting.

    The command has its answer already. Another sealer may be faster, and what is found wrong now
    is found by the next command as well, before it does anything.
    """
    if home.store.log is None or not home.begun:
        return
    log = log_of(home)
    try:
        _step(home, log, LANES_MAX, _recent(home, log))
        log.look()
        Kept(home).release(log)
    except HongbaoError:
        return


# --- epochs ---------------------------------------------------------------------------------------


class _Loss(NamedTuple):
    """
    What an epoch would account for.

    Of a log that is damaged nothing is *kept*, and every head that is known is abandoned.
    """

    kept: Checkpoint | None
    abandoned: tuple[Checkpoint, ...]
    torn: Mapping[str, Index]
    acts: tuple[Gone, ...]


def loss(home: Home, *, give_up: bool = False) -> LossShown:
    """
    Return what is missing, by this machine's memory, its devices, others' words, and the lanes.

    Raises NothingLost, also if only acts are missing, unless it is to *give up* these; and what
    keeps the log from being read.
    """
    log = log_of(home)
    with home.looking():
        return _shown(home, _found(home, log, give_up))


def _shown(home: Home, found: _Loss) -> LossShown:
    return {
        "kept": None if found.kept is None else _checkpoint(found.kept),
        "abandoned": [_checkpoint(head) for head in found.abandoned],
        "torn": sorted(found.torn),
        "acts": lost_lines(home, found.acts),
    }


def _found(home: Home, log: MachineLog, give_up: bool) -> _Loss:
    heads = {log.memory().seen, *_words(log)}
    acts = tuple(Kept(home).all_gone())
    kept: Checkpoint | None = None
    torn: Mapping[str, Index] = {}
    with suppress(LogAltered):
        newest = log.newest()
        heads.add(newest)
        torn = torn_lanes(log.log, newest, log.store.where)
        if is_sound(log.log, newest, log.seal):
            kept = newest
    if kept is None:
        return _Loss(None, tuple(sorted(heads)[-HEADS_MAX:]), {}, acts)
    abandoned = sorted(head for head in heads if not log.is_kept(head, kept))
    if not abandoned and not torn and not (acts and give_up):
        raise NothingLost(acts=len(acts))
    return _Loss(kept, tuple(abandoned[-HEADS_MAX:]), torn, acts)


def _words(log: MachineLog) -> Iterable[Checkpoint]:
    """Yield what witnesses have acknowledged, of which the home's own signature is there."""
    for row in log.log.witnesses():
        if row.seal != log.seal_word(row):
            continue
        try:
            origin = Origin(log.name, row.epoch)
            text, _signers = opened(row.note, [log.key_of(origin)], verify)
            yield parsed(text)
        except (NotSigned, Malformed):
            continue


def open_epoch(
    home: Home, confirmed: LossShown, *, by: By | AskPin, give_up: bool = False
) -> EpochOpened:
    """
    Open another epoch, which accounts for what was *confirmed*: see `loss`.

    Acts that devices here were answered, and that are gone, stay noted: they are to be presented
    again. To *give up* these is to note nothing of them any more.

    The same transaction closes the epoch before, seals every lane that is not sealed, those that
    are torn from their beginning, and is an act of the ledger. An operator answers for it (*by*),
    or where there are none, this profile, with its own PIN. It needs no device: that the profile
    had one here, or had logged in with it, may be among what was lost, and nothing else can be done
    on this machine before.

    Raises RulesNeedOperator or OperatorNotFound, and what `authorise` raises; NothingLost; and
    Busy if by now something else is missing.
    """
    home.trusting = False  # it was opened so, because the log is refused; the rest is not
    operator = answering(home, by if isinstance(by, By) else None)
    if not isinstance(by, By):
        authorise(home, by)
    log = log_of(home)
    number = 0

    def work(doing: Doing) -> Mapping[str, object]:
        nonlocal number
        check_operator(home, operator is not None)
        found = _found(home, log, give_up)
        if (list(found.abandoned), sorted(found.torn)) != _said(confirmed, log):
            raise Busy
        number = _append(log, found)
        doing.request_id = f"/epoch/{number}"
        return {
            **doing.common,
            "epoch": number,
            "kept": 0 if found.kept is None else found.kept.size,
            "abandoned": len(found.abandoned),
            "torn": len(found.torn),
            "operator": operator,
        }

    perform_step(home, "home_epoch", "/epoch/", work, step=1)
    if give_up:
        Kept(home).forget()
    else:
        Kept(home).miss()
    return {**confirmed, "opened": _checkpoint(log.look())}


def _said(confirmed: LossShown, log: MachineLog) -> tuple[list[Checkpoint], list[str]]:
    heads = [
        Checkpoint(Origin(log.name, head["epoch"]), head["size"], bytes.fromhex(head["root"]))
        for head in confirmed["abandoned"]
    ]
    return heads, confirmed["torn"]


def _append(log: MachineLog, found: _Loss) -> int:
    """Open the epoch that accounts for what was *found*, and return its number."""
    row = log.log.newest()
    before = None if row is None else row[0]
    heads = [head for head in (found.kept, before, *found.abandoned) if head is not None]
    number = 1 + max(head.origin.epoch for head in heads)
    epoch = Epoch(number, found.kept, found.abandoned, tuple(sorted(found.torn.values())))
    if found.kept is None:  # then no leaf says how far any lane is sealed
        log.log.forget(log.log.sealed_lanes())
    # An act that was safe by an abandoned head may still be there, and now nothing seals it.
    others = [lane for lane in log.log.lanes_moved() if lane.name not in found.torn]
    begun = [lane for lane in map(log.log.unsealed, sorted(found.torn)) if lane.upto]
    again = [moved(lane) for lane in (*begun, *others)]
    decided = step(Origin(log.name, number), Edge(), [epoch, *again])
    _insert(log, before, decided)
    log.log.forget(set(found.torn) - {leaf.lane for leaf in again})
    return number


# --- for other programs ---------------------------------------------------------------------------


def export(home: Home, folder: Path) -> LogExported:
    """
    Write the log to *folder*, in the form of C2SP's tiled logs: each epoch in a separate folder.

    Programs that verify other logs verify it, by the key that the answer has. It may be written
    there again, when it has grown. Raises FileExists where another log is there, InsideHome,
    StorageRefused, and LogAltered if the leaves are not those of the checkpoint.
    """
    check_outside(folder, home.env.data, home.env.keys)
    log = log_of(home)
    log.look()
    memory = log.memory()
    with home.looking():
        parts = parts_of(log.log, memory.seen)
        for end, leaves in parts:
            tiles = _tiles(home, end, leaves)
            note, _public = log.note(memory) if end == memory.seen else (log.home_note(end), b"")
            place = folder / f"epoch-{end.origin.epoch}"
            _check_same_log(place / "checkpoint", end)
            for path, content in {**tiles, "checkpoint": note}.items():
                with storage(place / path):
                    (place / path).parent.mkdir(parents=True, exist_ok=True)
                save_as(place / path, partial(_write, content), replace=True)
    return {
        **_checkpoint(memory.seen),
        "folder": str(folder),
        "epochs": len(parts),
        "key": str(log.key_of(memory.seen.origin)),
    }


def _tiles(home: Home, end: Checkpoint, leaves: list[bytes]) -> dict[str, bytes]:
    """Return the files of an epoch's tiles, made from its *leaves*."""
    edge, levels = Edge(), list[list[bytes]]()
    for leaf in leaves:
        for node in tiled(edge.append(leaf)):
            if node.level == len(levels):
                levels.append([])
            levels[node.level].append(node.hash)
    if edge.root() != end.root:
        raise LogAltered(where=home.store.where)
    files = {}
    for tile in tiles_of(end.size):
        span = slice(tile.first, tile.first + tile.width)
        files[tile.path] = b"".join(levels[tile.level][span])
        if not tile.level:
            files[tile.entries_path] = bundle(leaves[span])
    return files


def _check_same_log(path: Path, end: Checkpoint) -> None:
    """Raise FileExists if there is a checkpoint of another log at *path*."""
    with storage(path):
        content = path.read_bytes() if path.exists() else None
    if content is not None and content.partition(b"\n")[0] != str(end.origin).encode():
        raise FileExists(path=str(path))


def _write(content: bytes, out: BinaryIO) -> None:
    out.write(content)


# --- what is shown --------------------------------------------------------------------------------


def log_shown(home: Home) -> LogShown:
    """
    Return how far the log is, who has seen how much of it, and what is not sealed yet.

    What this machine has seen is what it remembers, also where the ledger was put back; then
    *refused* says why it takes no such ledger.
    """
    log = log_of(home)
    memory = log.memory()
    seen = memory.seen
    with home.looking():
        newest = log.newest()
        count = log.log.unsealed_count(_recent(home, log))
        rows = log.log.witnesses()
        refused = None
        try:
            log.judge(seen, newest)
        except LogRefused as problem:
            refused = problem.as_dict()
    noted = next((row for row in rows if row.name == memory.name), None)
    here: WitnessLine = {
        "witness": memory.name,
        "here": True,
        "epoch": seen.origin.epoch,
        "size": seen.size,
        "at": None if noted is None else iso(noted.at),
    }
    others: list[WitnessLine] = [
        {
            "witness": row.name,
            "here": False,
            "epoch": row.epoch,
            "size": row.size,
            "at": iso(row.at),
        }
        for row in rows
        if row is not noted
    ]
    return {
        **_checkpoint(newest),
        "origin": str(newest.origin),
        "unsealed": count,
        "witnesses": sorted([here, *others], key=lambda line: line["witness"]),
        "refused": refused,
    }
