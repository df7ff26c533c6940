"""The check of a whole home, and the chain's head."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from hongbao.auditing import PROBLEMS, Auditor
from hongbao.auditing.context import Context, Noted
from hongbao.errors import Damaged
from hongbao.home.opened import Home
from hongbao.home.tries import holders
from hongbao.queries.devices import device_keys
from hongbao.store import EMPTY_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hongbao.answers import Checked, HeadLine
    from hongbao.store import Holder
    from hongbao.vault import Tries


class Before(NamedTuple):
    """What was noted next to the keys before the snapshot that is judged."""

    head: tuple[int, bytes] | None
    tries: Mapping[Holder, Tries | None]


def noted_before(home: Home) -> Before:
    """Return what is noted next to the keys now; a snapshot that is taken later has all of it."""
    return Before(home.keys.head(), _tries_of(home))


def check(
    home: Home, names: Collection[str] = PROBLEMS, *, before: Before | None = None
) -> Checked:
    """
    Re-add everything and return all that was looked at, with what is wrong.

    With *names*, only those checks are made.

    One snapshot is judged, so that it may run while others write. A caller who has taken it already
    gives what was noted *before* it.
    """
    from hongbao.vault import verify
    from hongbao.vault.verifying import cores

    if before is None:
        before = noted_before(home)
    with home.looking():
        context = Context(
            home.store,
            home.vault,
            verify,
            device_keys(home),
            noted_of(home, before),
            threads=cores(),
        )
        auditor = Auditor(context)
        findings = auditor.findings(names)
        try:
            head = head_line(home, home.store.head().entry)
        except Damaged:  # which the findings say
            head = {"entry": EMPTY_HEAD.entry, "mac": EMPTY_HEAD.mac.hex()}
        return {
            "ok": all(finding["ok"] for finding in findings),
            "entries": auditor.entries,
            "transfers": auditor.transfers,
            "findings": findings,
            "head": head,
            "digest": auditor.books,
        }


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
    head = home.keys.head() if before is None else before.head
    return Noted(head, home.keys.noted_since(), tries)


def _tries_of(home: Home) -> dict[Holder, Tries | None]:
    """Return what is noted next to the keys of tries at each PIN; nothing of a damaged ledger."""
    from hongbao.vault import TriesFolder

    folder = TriesFolder(home.env.keys, home.vault)
    try:
        return {holder: folder.read(holder.label) for holder in holders(home.store)}
    except Damaged:  # which the findings say
        return {}


def head_line(home: Home, entry: int) -> HeadLine:
    """Return the chain's head as it was at *entry*."""
    head = home.store.head(entry) or EMPTY_HEAD
    return {"entry": entry, "mac": head.mac.hex()}
