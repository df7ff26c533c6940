"""Records on the terminal: history, exports and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.screen import Cell, Column, Row, is_terminal, line, pipe, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Checked, Exported, FindingLine, History, MovementLine, PendingLine


def show_history(history: History) -> None:
    """Print the newest movements first; a pipe gets one line each, the same in every language."""
    if not is_terminal():
        pipe(
            *(
                (
                    row["entry"],
                    row["at"],
                    row["act"],
                    yuan(row["amount_fen"]),
                    yuan(row["balance_fen"]),
                    row["packet"],
                    row["counterparty"],
                    row["card"],
                    None if row["card_fen"] is None else yuan(row["card_fen"]),
                    None if row["fee_fen"] is None else yuan(row["fee_fen"]),
                )
                for row in history["movements"]
            )
        )
        return
    waiting = {row["entry"] for row in history["pending"]}
    moved = {row["entry"] for row in history["movements"]}
    rows = [
        *(_pending(row) for row in history["pending"] if row["entry"] not in moved),
        *(_movement(row, is_pending=row["entry"] in waiting) for row in history["movements"]),
    ]
    if not rows:
        line(_("no movements"))
        return
    table(
        [
            Column(_("time"), below=True),
            Column(_("what")),
            Column(_("with"), gives=True, below=True),
            Column(_("packet"), below=True),
            Column(_("amount"), right=True),
            Column(_("balance"), right=True, below=True, named=True),
        ],
        rows,
    )


def _pending(row: PendingLine) -> Row:
    """Return a payment that has moved nothing yet: what it asks of a card, and no balance."""
    asked_fen = row["amount_fen"] if row["act"] in ("withdraw", "refund") else -row["amount_fen"]
    return [
        Cell(wording.when_short(row["at"]), "dim"),
        Cell(say(N_("{what}, pending"), what=wording.reason(row["act"])), "yellow"),
        safe(row["card"]),
        Cell(row["packet"] or "", "red"),
        Cell(f"({_signed(asked_fen)})", "dim"),
        "",
    ]


def _movement(row: MovementLine, *, is_pending: bool) -> Row:
    amount_fen = row["amount_fen"]
    other = row["counterparty"] or row["card"] or ""
    what = wording.act(row["act"])
    if row["card_gone"]:
        what = say(N_("{what}, card removed"), what=what)
    if row["card_fen"] is not None and not amount_fen:
        amount = Cell(f"({_signed(row['card_fen'])})", "dim")  # the card's money, not the balance's
    elif row["act"] == "claim" and not amount_fen:
        amount = Cell(_("held"), "yellow")
    else:
        amount = Cell(_signed(amount_fen), "green" if amount_fen > 0 else "")
    return [
        Cell(wording.when_short(row["at"]), "dim"),
        Cell(say(N_("{what}, pending"), what=what), "yellow") if is_pending else what,
        safe(other),
        Cell(row["packet"] or "", "red"),
        amount,
        yuan(row["balance_fen"]),
    ]


def _signed(amount_fen: int) -> str:
    return f"+{yuan(amount_fen)}" if amount_fen > 0 else yuan(amount_fen)


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


def show_checked(checked: Checked) -> None:
    """Print a line for each check, and under those that failed what is wrong and what to do."""
    if not is_terminal():
        pipe(
            *(
                ("ok" if row["ok"] else "failed", row["check"], *row["rows"])
                for row in checked["findings"]
            )
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
