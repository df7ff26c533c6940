"""A repair on the terminal: what is kept and lost, and whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.events import title
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Repair, RepairAct

_ACTS_MAX = 20
"""How many lost acts are shown; with --json all of them are there."""


def better_backup(found: Repair) -> str | None:
    """Return the backup that has all that would be kept, if there is one."""
    return next((each["file"] for each in found["backups"] if each["is_better"]), None)


def show_repair(found: Repair) -> None:
    """Print what was made, or what could be."""
    if found["into"] is None:
        show_found(found)
        return
    if not is_terminal():
        _pipe(found)
        return
    line(
        say(
            N_("made a repaired wallet in {path} · up to entry {entry}"),
            path=safe(found["into"]),
            entry=found["kept_entry"],
        )
    )


def show_found(found: Repair) -> None:
    """Print what can be kept and what is lost, and whose."""
    if not is_terminal():
        _pipe(found)
        return
    if found["pages"]:
        line(counted("{count} page cannot be read", "{count} pages cannot be read", found["pages"]))
    else:
        line(_("every page can be read"))
    if found["lost"]:
        line(
            say(
                N_("proven up to entry {kept} · entries {first} to {last} would be lost"),
                kept=found["kept_entry"],
                first=found["kept_entry"] + 1,
                last=found["last_entry"],
            )
        )
    else:
        line(say(N_("proven up to entry {kept} · nothing is lost"), kept=found["kept_entry"]))
    if found["from_backups"]:
        line(
            counted(
                "{count} entry comes from a backup",
                "{count} entries come from backups",
                found["from_backups"],
            )
        )
    print()
    table(
        [
            Column(_("whose"), gives=True),
            Column(_("before"), right=True),
            Column(_("kept"), right=True),
            Column(_("lost"), right=True),
        ],
        [
            [
                safe(row["profile"]) if row["profile"] is not None else _("unknown"),
                _fen(row["before_fen"]),
                yuan(row["kept_fen"]),
                Cell(_fen(row["lost_fen"]), "red" if row["lost_fen"] else ""),
            ]
            for row in found["people"]
        ],
    )
    if found["acts"]:
        print()
        table(
            [
                Column(_("entry"), right=True),
                Column(_("time"), below=True),
                Column(_("lost"), gives=True),
                Column(_("whose")),
                Column(_("amount"), right=True),
                Column(_("seal")),
            ],
            [_act(row) for row in found["acts"][:_ACTS_MAX]],
        )
    if (unlisted := len(found["acts"]) - _ACTS_MAX) > 0:
        line(counted("and {count} more", "and {count} more", unlisted))
    if (unknown := found["lost"] - len(found["acts"])) > 0:
        print()
        line(
            counted(
                "{count} lost entry cannot be read: what it moved is not known",
                "{count} lost entries cannot be read: what they moved is not known",
                unknown,
            )
        )
    for backup in found["backups"]:
        text = N_("backup {path}: up to entry {entry}")
        line(say(text, path=safe(backup["file"]), entry=backup["entry"]))


def _act(row: RepairAct) -> list[Cell | str]:
    return [
        str(row["entry"]),
        Cell(wording.when_short(row["at"]), "dim"),
        title(row["act"]),
        safe(row["profile"] or ""),
        yuan(row["amount_fen"]) if row["amount_fen"] else "",
        _("whole") if row["sealed"] else Cell(_("broken"), "yellow"),
    ]


def _fen(fen: int | None) -> str:
    return "?" if fen is None else yuan(fen)


def _pipe(found: Repair) -> None:
    pipe(
        ("pages", found["pages"]),
        ("kept", found["kept_entry"]),
        ("last", found["last_entry"]),
        ("lost", found["lost"]),
        ("from_backups", found["from_backups"]),
        *(
            (
                "person",
                row["profile"],
                _plain(row["before_fen"]),
                yuan(row["kept_fen"]),
                _plain(row["lost_fen"]),
            )
            for row in found["people"]
        ),
        *(
            (
                "act",
                row["entry"],
                row["at"],
                row["act"],
                row["profile"],
                yuan(row["amount_fen"]),
                "whole" if row["sealed"] else "broken",
            )
            for row in found["acts"]
        ),
        *(("backup", row["file"], row["entry"], row["is_better"]) for row in found["backups"]),
        *((("into", found["into"]),) if found["into"] is not None else ()),
    )


def _plain(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)
