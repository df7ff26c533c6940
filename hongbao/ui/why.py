"""What an error means, on the terminal: meaning, example, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from hongbao.errors import recall
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Column, is_terminal, line, safe
from hongbao.ui.script import columns, folded, terminal_columns
from hongbao.why import UNPLAYED
from hongbao.words import N_, _, in_language, say

if TYPE_CHECKING:
    from hongbao.answers import CodesListed, ErrorExplained, ExitExplained

_MARGIN = "  "

_COLUMNS_MAX = 80

_LINES_MAX = 8
"""How many lines of an example are shown; of a longer one, the last."""


CODES = Listing(
    rows="codes",
    fields=(
        Field("code", Column(N_("error code")), says=N_("the code that --json has")),
        Field("exit_code", Column(N_("exit"), right=True), says=N_("the exit code")),
        Field(
            "meaning",
            Column(N_("meaning"), gives=True),
            lambda row: in_language(row["meaning"]),
            lambda row: row["meaning"]["en"],
            says=N_("what it means, in English"),
        ),
    ),
    more=(
        Field(
            "remedy",
            Column(N_("what to do")),
            lambda row: in_language(row["remedy"]),
            lambda row: row["remedy"]["en"],
            says=N_("what to do about it, in English"),
        ),
    ),
)


def show_codes(listed: CodesListed, exit_codes: Mapping[int, str]) -> None:
    """Print every code under its exit code."""
    ordered = sorted(listed["codes"], key=lambda row: row["exit_code"])
    for number, (exit_code, rows) in enumerate(groupby(ordered, lambda row: row["exit_code"])):
        if number:
            print()
        _head(str(exit_code), _(exit_codes[exit_code]))
        _flow([row["code"] for row in rows])


def show_error(explained: ErrorExplained, exit_codes: Mapping[int, str]) -> None:
    """Print what one error means."""
    exit_code = explained["exit_code"]
    _head(explained["code"], f"{exit_code} {_(exit_codes[exit_code])}")
    _paragraph(in_language(explained["meaning"]))
    print()
    line(_("What to do"), bold=_("What to do"))
    _paragraph(in_language(explained["remedy"]))
    print()
    line(_("For example"), bold=_("For example"))
    _example(explained["example"])
    error = recall(explained["refusal"])
    line(_MARGIN + say(N_("hongbao: error: {message}"), message=safe(error.message)))
    if error.hint is not None:
        line(_MARGIN + say(N_("hongbao: hint: {hint}"), hint=safe(error.hint)))
    if (unplayed := explained["unplayed"]) is not None:
        print()
        text = say(UNPLAYED[unplayed], seen=explained["seen"])
        line(say(N_("this example was not played: {text}"), text=text))


def show_exit_code(explained: ExitExplained, texts: tuple[str, str]) -> None:
    """Print what an exit code means, what a script does about it, and the codes that have it."""
    meaning, script = texts
    _head(str(explained["exit_code"]), _(meaning))
    _paragraph(say(N_("A script {does}."), does=_(script)))
    for row in explained["codes"]:
        print()
        line(row["code"], bold=row["code"])
        _paragraph(in_language(row["meaning"]))


def _head(name: str, what: str) -> None:
    line(f"{name} · {what}", bold=name)


def _paragraph(text: str) -> None:
    if not is_terminal():
        print(f"{_MARGIN}{text}")
        return
    for row in folded(text, terminal_columns() - len(_MARGIN)):
        line(f"{_MARGIN}{row.strip()}")


def _example(lines: Sequence[str]) -> None:
    left_out = len(lines) - _LINES_MAX
    if left_out > 1:
        line(_MARGIN + say(N_("earlier lines: {n}; see all with --story"), n=left_out))
        lines = lines[-_LINES_MAX:]
    for each in lines:
        line(f"{_MARGIN}$ {safe(each)}" if "hongbao " in each else f"{_MARGIN}{safe(each)}")


def _flow(words: Iterable[str]) -> None:
    """Print *words* one after another, as many on a line as fit."""
    width, row = terminal_columns() if is_terminal() else _COLUMNS_MAX, ""
    for word in words:
        if row and columns(f"{row}  {word}") > width:
            print(row)
            row = ""
        row = f"{row}  {word}" if row else f"{_MARGIN}{word}"
    print(row)
