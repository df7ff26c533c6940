"""Records on the terminal: history, exports and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.listing import SIGNED, Field, Listing, mark
from hongbao.ui.screen import Cell, Column, Row, is_terminal, line, pipe, safe
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Checked, Exported, FindingLine, History, MovementLine, PendingLine


def show_history(history: History) -> None:
    """Print the newest movements first, and above them payments that have moved nothing yet."""
    waiting = {row["entry"] for row in history["pending"]}
    moved = {row["entry"] for row in history["movements"]}
    HISTORY.showing(act=lambda row: _what(row, is_pending=row["entry"] in waiting)).draw(
        history["movements"],
        before=[_pending(row) for row in history["pending"] if row["entry"] not in moved],
    )


def _pending(row: PendingLine) -> Row:
    """Return a payment that has moved nothing yet: what it asks of a card, and no balance."""
    asked_fen = row["amount_fen"] if row["act"] in ("withdraw", "refund") else -row["amount_fen"]
    return [
        _time(row["at"]),
        Cell(say(N_("{what}, pending"), what=wording.reason(row["act"])), "yellow"),
        safe(row["card"]),
        _packet(row["packet"]),
        Cell(f"({_signed(asked_fen)})", "dim"),
        "",
    ]


def _what(row: MovementLine, *, is_pending: bool = False) -> Cell | str:
    what = wording.act(row["act"])
    if row["card_gone"]:
        what = say(N_("{what}, card removed"), what=what)
    return Cell(say(N_("{what}, pending"), what=what), "yellow") if is_pending else what


def _amount(row: MovementLine) -> Cell:
    amount_fen = row["amount_fen"]
    if row["card_fen"] is not None and not amount_fen:
        return Cell(f"({_signed(row['card_fen'])})", "dim")  # the card's money, not the balance's
    if row["act"] == "claim" and not amount_fen:
        return Cell(_("held"), "yellow")
    return Cell(_signed(amount_fen), "green" if amount_fen > 0 else "")


def _time(at: str) -> Cell:
    return Cell(wording.when_short(at), "dim")


def _packet(packet: str | None) -> Cell:
    return Cell(packet or "", "red")


def _signed(amount_fen: int) -> str:
    return f"+{yuan(amount_fen)}" if amount_fen > 0 else yuan(amount_fen)


HISTORY = Listing(
    rows="movements",
    fields=(
        Field("entry"),
        Field("at", Column(N_("time"), below=True), lambda row: _time(row["at"])),
        Field("act", Column(N_("what")), _what),
        Field("amount_fen", Column(N_("amount"), right=True), _amount, says=SIGNED),
        Field("balance_fen", Column(N_("balance"), right=True, below=True, named=True)),
        Field("packet", Column(N_("packet"), below=True), lambda row: _packet(row["packet"])),
        Field(
            "counterparty",
            Column(N_("with"), gives=True, below=True),
            lambda row: safe(row["counterparty"] or row["card"] or ""),
        ),
        Field("card"),
        Field("card_fen"),
        Field("fee_fen"),
    ),
    more=(
        Field("id"),
        Field("packet_kind"),
        Field("shares"),
        Field("greeting"),
        Field("refunded_fen"),
        Field("bank"),
        Field("card_tail"),
        Field("card_gone"),
        Field("status"),
        Field("request_id"),
    ),
    screen=("at", "act", "counterparty", "packet", "amount_fen", "balance_fen"),
    empty=N_("no movements"),
)


def show_exported(exported: Exported) -> None:
    """Print what was written, and where to."""
    line(
        counted(
            "wrote {count} movement to {path} · opening {opening_fen} · closing {closing_fen}",
            "wrote {count} movements to {path} · opening {opening_fen} · closing {closing_fen}",
            exported["count"],
            path=safe(exported["file"]),
            opening_fen=exported["opening_fen"],
            closing_fen=exported["closing_fen"],
        )
    )
    if exported["signature_file"] is not None:
        line(say(N_("signed in {path}"), path=safe(exported["signature_file"])))


FINDINGS = Listing(
    rows="findings",
    fields=(
        Field("ok", text=mark("ok", "ok", "failed"), says=N_("ok or failed")),
        Field("check", says=N_("what was checked, as a code")),
        Field("count", says=N_("the number of rows that fail")),
        Field("rows", says=N_("the rows that fail, the first of them")),
    ),
    more=(
        Field("problem", says=N_("what is wrong, in English")),
        Field("next_step", says=N_("what to do, in English")),
    ),
    is_part=True,
)


def show_checked(checked: Checked) -> None:
    """Print a line for each check, and under those that failed what is wrong and what to do."""
    if not is_terminal():
        pipe(
            *(
                ("ok" if row["ok"] else "failed", row["check"], *row["rows"])
                for row in checked["findings"]
            ),
            ("entries", checked["entries"]),
            ("transfers", checked["transfers"]),
            ("digest", checked["digest"] or "-"),
            ("proven", checked["proven"]),
            ("sealed", checked["sealed"]),
            ("unread", checked["unread"]),
            ("head", checked["head"]["entry"], checked["head"]["mac"]),
        )
        return
    for finding in checked["findings"]:
        _show_finding(finding)
    print()
    line(
        " · ".join(
            (
                counted("{count} entry", "{count} entries", checked["entries"]),
                counted("{count} transfer", "{count} transfers", checked["transfers"]),
                say(
                    N_("head {entry} {seal}"),
                    entry=checked["head"]["entry"],
                    seal=checked["head"]["mac"][:16],
                ),
            )
        )
    )
    if checked["digest"] is not None:
        line(say(N_("books digest {digest}"), digest=checked["digest"][:16]))
    if checked["whole_at"] is not None:
        _show_scope(checked, checked["whole_at"])
    elif checked["whole_because"] in WHOLE:
        line(say(WHOLE[checked["whole_because"]], entries=checked["proven"]))


def _show_scope(checked: Checked, whole_at: str) -> None:
    """Print what was proven and what was not proven again."""
    line(say(N_("new entries proven: {entries}"), entries=checked["proven"]))
    at = wording.when_short(whole_at)
    if checked["unread"]:
        known = N_("older entries not read: {entries}, proven by the whole check of {at}")
        line(say(known, entries=checked["unread"], at=at))
    else:
        known = N_("older entries unchanged since the whole check of {at}: {entries}")
        line(say(known, entries=checked["sealed"], at=at))


WHOLE = {
    "asked": N_("all entries proven: {entries}"),
    "none": N_("all entries proven: {entries} (no earlier check is noted)"),
    "damaged": N_("all entries proven: {entries} (the note of the last check is damaged)"),
    "rekeyed": N_("all entries proven: {entries} (the keys are newer than the last check)"),
    "version": N_("all entries proven: {entries} (this version checks differently)"),
    "clock": N_("all entries proven: {entries} (the last check has a later date than today)"),
    "old": N_("all entries proven: {entries} (the last whole check was 30 days ago)"),
    "grown": N_("all entries proven: {entries} (more than half of them are new)"),
    "replaced": N_("all entries proven: {entries} (the last check was of another ledger)"),
    "found": N_("all entries proven: {entries} (something was wrong)"),
    "doubt": N_("all entries proven: {entries} (older ones have changed since the last check)"),
}
"""
Why everything was proven, by `whole_because`.

A small ledger always is, and nothing is said of that.
"""


def _show_finding(finding: FindingLine) -> None:
    from hongbao.auditing import PROBLEMS

    title = wording.check_title(finding["check"])
    if finding["ok"]:
        line(f"✓ {title}", green="✓")
        return
    problem, next_step = PROBLEMS[finding["check"]]
    line(f"✗ {title}", bold_red="✗")
    line(f"  {say(problem, count=finding['count'])}")
    for row in finding["rows"]:
        line(f"    {safe(row)}")
    line(f"  → {_(next_step)}")
