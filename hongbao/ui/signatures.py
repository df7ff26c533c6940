"""Signatures on the terminal: keys, receipts, and the verdict on a file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.screen import can_show, console, is_terminal, line, pipe, safe
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import FileVerified, KeyShown, ReceiptWritten

_SHOWN_MAX = 120
_QUIET_ROWS = 2
_QUIET_COLUMNS = 4
_LIGHT_ON_DARK = "bright_white on black"


def show_key(shown: KeyShown) -> None:
    """Print the public key, and for a person what it is for."""
    if not is_terminal():
        print(shown["public_key"])
        return
    line(safe(shown["profile"]), dim=safe(shown["profile"]))
    print(shown["public_key"])
    print()
    line(
        _(
            "It signs your statements and receipts. Give it to anyone who verifies "
            "them: `hongbao verify-statement FILE --key KEY`."
        )
    )
    if shown["earlier"]:
        print()
        line(_("Before the wallet was rekeyed it was:"))
        for key in shown["earlier"]:
            print(key)


def fitting(rows: Sequence[str], *, lines: int = 1) -> list[str] | None:
    """
    Return the *rows* of a QR code as they fit on standard output, or None if they do not.

    On a terminal the whole code has to be seen at once, with so many *lines* below it. What is kept
    free around it may be half as much as the standard wants. Where the encoding lacks its blocks,
    no code fits.
    """
    if not can_show("█▀▄"):
        return None
    if not is_terminal():
        return list(rows)
    width, height = shutil.get_terminal_size()
    half, low = _QUIET_COLUMNS // 2, _QUIET_ROWS // 2
    for shown in (list(rows), [row[half:-half] for row in rows[low:-low]]):
        if len(shown[0]) <= width and len(shown) + lines <= height:
            return shown
    return None


def show_code(rows: Sequence[str]) -> None:
    """Draw the *rows* of a QR code, light on dark."""
    if not is_terminal():
        print(*rows, sep="\n")
        return
    from rich.text import Text

    out = console()
    for row in rows:
        out.print(Text(row, _LIGHT_ON_DARK), no_wrap=True, overflow="ignore", crop=False)


def as_printed(rows: Sequence[str]) -> str:
    """Return the text that `show_code` prints on a terminal."""
    from rich.text import Text

    out = console()
    with out.capture() as captured:
        for row in rows:
            out.print(Text(row, _LIGHT_ON_DARK), no_wrap=True, overflow="ignore", crop=False)
    return captured.get().rstrip("\n")


def show_receipt_written(written: ReceiptWritten) -> None:
    """Print what was written, and where to."""
    line(
        say(
            N_("wrote the receipt of {movement} to {path}"),
            movement=written["id"],
            path=safe(written["file"]),
        )
    )


def show_verified(verdict: FileVerified) -> None:
    """Print what a file is worth, whose it is, and what is wrong with it."""
    if not is_terminal():
        signed = verdict["signed"] or {}
        pipe(
            [
                *(verdict["verdict"], verdict["what"], verdict["format"], verdict["profile"]),
                *(signed.get("from"), signed.get("to"), signed.get("count")),
                _yuan(signed.get("closing_fen", signed.get("amount_fen"))),
                *(verdict["entry"], verdict["more"], verdict["public_key"]),
            ],
            *(["missing", movement] for movement in verdict.get("missing", [])),
        )
        if "line" in verdict:
            pipe(["line", verdict["line"], verdict["line_signed"], verdict["line_found"]])
        return
    is_good = verdict["verdict"] in ("genuine", "older")
    mark = "✓" if is_good else "✗"
    title = f"{mark} {safe(verdict['file'])} · {wording.verdict(verdict['verdict'])}"
    line(title, **{"green" if is_good else "bold_red": mark})
    if verdict["signed"] is not None and verdict["known_by"] is not None:
        for sentence in _signed(verdict, verdict["signed"]):
            line(f"  {sentence}")
    for sentence in _wrong(verdict):
        line(f"  {sentence}")
    if is_good:
        line(f"  {_standing(verdict)}")
    if is_good and "restored_entry" in verdict:
        sentence = N_(
            "the ledger was restored from a backup since, at entry {entry}, and has other seals: "
            "it was compared by its content"
        )
        line(f"  {say(sentence, entry=verdict['restored_entry'])}")


def _signed(verdict: FileVerified, signed: Mapping[str, object]) -> list[str]:
    """Return sentences on what was signed."""
    whose = safe(verdict["profile"] or "")
    if verdict["what"] == "receipt":
        who = safe(str(signed["payer"]))
        sentence = N_("{who} paid {amount_fen} · {act} · {at}")
        return [
            say(
                sentence,
                who=who,
                amount_fen=signed["amount_fen"],
                act=wording.act(str(signed["act"])),
                at=wording.when(str(signed["at"])),
            )
        ]
    return [
        counted(
            "{profile} · {since} to {until} · {count} movement · closing {closing_fen}",
            "{profile} · {since} to {until} · {count} movements · closing {closing_fen}",
            int(str(signed["count"])),
            profile=whose,
            since=_moment(signed["from"]) or _("the beginning"),
            until=_moment(signed["to"]) or say(N_("entry {entry}"), entry=verdict["entry"]),
            closing_fen=signed["closing_fen"],
        )
    ]


def _wrong(verdict: FileVerified) -> list[str]:
    """Return sentences on what is missing or differs."""
    said = [say(N_("missing: {what}"), what=_short(each)) for each in verdict.get("missing", [])]
    more = verdict.get("missing_count", 0) - len(said)
    if said and more:
        said.append(say(N_("and more lines: {count}"), count=more))
    if "line" in verdict:
        was, now = _short(verdict["line_signed"]), _short(verdict["line_found"])
        said += [
            say(N_("line {line} when it was signed: {what}"), line=verdict["line"], what=was),
            say(N_("line {line} now: {what}"), line=verdict["line"], what=now),
        ]
    return said


def _standing(verdict: FileVerified) -> str:
    """Return a sentence on a genuine file's relation to the ledger of today."""
    if not verdict["with_ledger"]:
        return _("the key is the one you gave; there is no ledger here to compare with")
    if not verdict["more"]:
        return _("the ledger agrees")
    if verdict["what"] == "receipt":
        return _("the payment has progressed since")
    return say(
        N_("movements added to the ledger in this period since: {more}"), more=verdict["more"]
    )


def _moment(at: object) -> str | None:
    return None if at is None else wording.when(str(at))


def _yuan(amount_fen: object) -> str | None:
    return yuan(amount_fen) if isinstance(amount_fen, int) else None


def _short(text: str | None) -> str:
    shown = safe(text or _("nothing"))
    return shown if len(shown) <= _SHOWN_MAX else shown[: _SHOWN_MAX - 1] + "…"
