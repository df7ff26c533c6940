"""The check of a whole home, and the chain's head."""

from collections.abc import Collection

from hongbao.answers import Checked, HeadLine
from hongbao.auditing import PROBLEMS, Auditor
from hongbao.auditing.context import Noted
from hongbao.errors import Damaged
from hongbao.home.opened import Home
from hongbao.queries.devices import device_keys
from hongbao.store import EMPTY_HEAD


def check(home: Home, names: Collection[str] = PROBLEMS) -> Checked:
    """
    Re-add everything and return all that was looked at, with what is wrong.

    With *names*, only those checks are made.

    One snapshot is judged, so that it may run while others write.
    """
    from hongbao.vault import verify

    with home.looking():
        auditor = Auditor(home.store, home.vault, verify, device_keys(home), noted_of(home))
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
        }


def noted_of(home: Home) -> Noted:
    """Return what is noted beside the keys of how far the ledger had come."""
    return Noted(home.keys.head(), home.keys.noted_since())


def head_line(home: Home, entry: int) -> HeadLine:
    """Return the chain's head as it was at *entry*."""
    mac = home.store.mac_of(entry) or EMPTY_HEAD.mac
    return {"entry": entry, "mac": mac.hex()}
