"""The check of a whole home, and the chain's head."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hongbao.auditing import PROBLEMS, Auditor
from hongbao.auditing.context import Noted
from hongbao.auditing.digest import books_digest
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


def check(home: Home, names: Collection[str] = PROBLEMS) -> Checked:
    """
    Re-add everything and return all that was looked at, with what is wrong.

    With *names*, only those checks are made.

    One snapshot is judged, so that it may run while others write.
    """
    from hongbao.vault import verify

    before = _tries_of(home)
    with home.looking():
        auditor = Auditor(home.store, home.vault, verify, device_keys(home), noted_of(home, before))
        findings = auditor.findings(names)
        try:
            head = head_line(home, home.store.head().entry)
        except Damaged:  # which the findings say
            head = {"entry": EMPTY_HEAD.entry, "mac": EMPTY_HEAD.mac.hex()}
        try:
            digest = books_digest(home.store)
        except Damaged:
            digest = None
        return {
            "ok": all(finding["ok"] for finding in findings),
            "entries": auditor.entries,
            "transfers": auditor.transfers,
            "findings": findings,
            "head": head,
            "digest": digest,
        }


def noted_of(home: Home, before: Mapping[Holder, Tries | None] | None = None) -> Noted:
    """
    Return what is noted next to the keys about the ledger's progress.

    *before* has the tries at PINs as they were noted before the snapshot: a holder whose count has
    changed since is left out.
    """
    home.store.head()  # the snapshot is of now
    tries = _tries_of(home)
    if before is not None:
        tries = {
            holder: noted
            for holder, noted in tries.items()
            if holder in before and before[holder] == noted
        }
    return Noted(home.keys.head(), home.keys.noted_since(), tries)


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
