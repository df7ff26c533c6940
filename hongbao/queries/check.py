"""The check of a whole home, and the chain's head."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hongbao.auditing import PROBLEMS, SHARED, Auditor
from hongbao.auditing.checkpoint import decode
from hongbao.auditing.context import Context, Noted
from hongbao.errors import Damaged, ForeignFile, StorageUnreadable, WitnessLost
from hongbao.home.opened import Home
from hongbao.home.tries import holders, tried_in
from hongbao.queries.devices import device_keys
from hongbao.store import EMPTY_HEAD
from hongbao.units import iso
from hongbao.vault.checkpoint import CheckpointFile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from hongbao.answers import Checked, FindingLine, HeadLine
    from hongbao.auditing.checkpoint import Checkpoint
    from hongbao.domain.log.checkpoint import Checkpoint as LogCheckpoint
    from hongbao.store import Head, Holder
    from hongbao.vault import Tries


class Before(NamedTuple):
    """What was noted next to the keys before the snapshot that is judged."""

    head: tuple[int, bytes] | None
    tries: Mapping[Holder, Tries | None]
    seen: LogCheckpoint | None = None


def noted_before(home: Home) -> Before:
    """Return what is noted next to the keys now; a snapshot that is taken later has all of it."""
    return Before(home.keys.head(), _tries_of(home), _seen_by(home))


def _seen_by(home: Home) -> LogCheckpoint | None:
    """Return the last checkpoint that this machine has seen, where the ledger has a log."""
    if home.store.log is None:
        return None
    from hongbao.home.log import MachineLog

    try:
        return MachineLog(home.env, home.vault, home.store).memory().seen
    except WitnessLost:  # which the findings say
        return None


class Scope(StrEnum):
    """How much a check proves: all of it, what is new while the rest is compared, or only that."""

    ALL = "all"
    USUAL = "usual"
    NEW = "new"


WHOLE_UPTO = 1_000
"""A ledger of so few entries is always proven whole: it takes less than a second."""

WHOLE_AGAIN = timedelta(days=30)
"""How long what is old may be compared only, until it is proven again."""


class _Whole(Exception):
    """Everything has to be proven: *reason* is a word of `hongbao.ui.records`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check(
    home: Home,
    names: Collection[str] = PROBLEMS,
    *,
    before: Before | None = None,
    scope: Scope = Scope.ALL,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """
    Re-add everything and return all that was looked at, with what is wrong.

    With *names*, only those checks are made. With another *scope* than all, what the last whole
    check has proven is not proven again (see `hongbao.auditing.checkpoint`), as long as nothing
    speaks against that: any doubt, and any finding, means the whole check. *progress* is called
    with how much is done, and of how much.

    One snapshot is judged, so that it may run while others write. A caller who has taken it already
    gives what was noted *before* it.
    """
    if before is None:
        before = noted_before(home)
    with home.looking():
        noted = noted_of(home, before)
        is_part = set(names) != set(PROBLEMS)
        reason = "asked" if scope is Scope.ALL else None
        if reason is None and not is_part:
            try:
                point = _checkpoint(home)
                auditor = _auditor(home, noted, progress, behind=point, scope=scope)
                findings = auditor.findings()
                if not all(finding["ok"] for finding in findings):
                    raise _Whole("found")
                if auditor.context.doubts:
                    raise _Whole("doubt")
            except _Whole as whole:
                reason = whole.reason
            else:
                return _checked(home, auditor, findings, scope=scope, point=point)
        auditor = _auditor(home, noted, progress)
        findings = auditor.findings(names)
        return _checked(home, auditor, findings, reason=None if is_part else reason)


def _checkpoint(home: Home) -> Checkpoint:
    """Return what is proven already. Raises _Whole if that is nothing, or not to be relied on."""
    if home.store.has_lanes:  # an entry may come before those that are proven
        raise _Whole("lanes")
    try:
        head = home.store.head()
        if head.entry <= WHOLE_UPTO:
            raise _Whole("small")
        file = CheckpointFile(home.env.keys, home.vault)
        generation = file.generation()
        if generation is None:
            raise _Whole("none")
        if generation != home.vault.generation:
            raise _Whole("rekeyed")
        point = decode(file.read())
    except (Damaged, ForeignFile, StorageUnreadable):
        raise _Whole("damaged") from None
    if point is None:
        raise _Whole("version")
    now = int(home.env.now().timestamp())
    if now < point.whole_at:
        raise _Whole("clock")
    if now - point.whole_at > WHOLE_AGAIN.total_seconds():
        raise _Whole("old")
    try:
        found = home.store.head(point.entry)
    except Damaged:
        found = None
    if found is None or found.mac != point.mac:
        raise _Whole("replaced")
    if head.entry - point.whole_entry > point.whole_entry:
        raise _Whole("grown")
    return point


def _auditor(
    home: Home,
    noted: Noted,
    progress: Callable[[int, int], None] | None,
    *,
    behind: Checkpoint | None = None,
    scope: Scope = Scope.ALL,
) -> Auditor:
    from hongbao.vault import verify
    from hongbao.vault.verifying import cores

    context = Context(
        home.store,
        home.vault,
        verify,
        device_keys(home),
        noted,
        behind=behind,
        reads_all=scope is not Scope.NEW,
        threads=cores(),
    )
    return Auditor(context, progress)


def _checked(
    home: Home,
    auditor: Auditor,
    findings: list[FindingLine],
    *,
    scope: Scope = Scope.ALL,
    point: Checkpoint | None = None,
    reason: str | None = None,
) -> Checked:
    """Return the answer, and note what is proven now if nothing is wrong."""
    ok = all(finding["ok"] for finding in findings)
    try:
        head = home.store.head()
        line = head_line(home, head.entry)
    except Damaged:  # which the findings say
        head, ok = EMPTY_HEAD, False
        line = {"entry": EMPTY_HEAD.entry, "mac": EMPTY_HEAD.mac.hex()}
    is_all = {finding["check"] for finding in findings} >= PROBLEMS.keys() - SHARED
    if ok and is_all and scope is not Scope.NEW:
        _note(home, auditor, head, point)
    before = 0 if point is None else point.entries
    books = auditor.books
    if books is None and point is not None and point.entry == head.entry:
        books = point.books
    return {
        "ok": ok,
        "entries": auditor.entries,
        "transfers": auditor.transfers,
        "findings": findings,
        "head": line,
        "digest": books,
        "proven": auditor.entries - before,
        "sealed": 0 if scope is Scope.NEW else before,
        "unread": before if scope is Scope.NEW else 0,
        "whole_at": None if point is None else iso(datetime.fromtimestamp(point.whole_at, UTC)),
        "whole_because": reason,
    }


def _note(home: Home, auditor: Auditor, head: Head, point: Checkpoint | None) -> None:
    """Note next to the keys that everything is proven up to *head*."""
    if home.store.has_lanes or head.entry <= WHOLE_UPTO:
        return
    if point is not None and point.entry == head.entry:
        return
    now = int(home.env.now().timestamp())
    whole = (now, head.entry) if point is None else (point.whole_at, point.whole_entry)
    proven = auditor.proven(head, *whole)
    CheckpointFile(home.env.keys, home.vault).write(proven.encode())


def noted_of(home: Home, before: Before | None = None) -> Noted:
    """
    Return what is noted next to the keys about the ledger's progress.

    *before* has what was noted before the snapshot. Its head counts: by now another process may
    have noted one that the snapshot does not have yet. A holder whose tries at the PIN have
    changed since is left out.
    """
    home.store.head()  # the snapshot is of now
    tries = _tries_of(home)
    if before is not None:
        tries = {
            holder: noted
            for holder, noted in tries.items()
            if holder in before.tries and before.tries[holder] == noted
        }
    if before is None:
        return Noted(home.keys.head(), home.keys.noted_since(), tries, _seen_by(home))
    return Noted(before.head, home.keys.noted_since(), tries, before.seen)


def _tries_of(home: Home) -> dict[Holder, Tries | None]:
    """
    Return what is noted next to the keys of tries at each PIN; nothing of a damaged ledger.

    On a cluster a note is behind the ledger where they were made on another machine.
    """
    from hongbao.vault import TriesFolder

    folder = TriesFolder(home.env.keys, home.vault)
    try:
        noted = {holder: folder.read(holder.label) for holder in holders(home.store)}
        if home.store.file is not None:
            return noted
        return {
            holder: max(counted, noted[holder] or counted)
            for holder, counted in tried_in(home.store).items()
            if holder in noted
        }
    except Damaged:  # which the findings say
        return {}


def head_line(home: Home, entry: int) -> HeadLine:
    """Return the chain's head as it was at *entry*."""
    head = home.store.head(entry) or EMPTY_HEAD
    return {"entry": entry, "mac": head.mac.hex()}
