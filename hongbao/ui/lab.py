"""The laboratory on the terminal: a broken engine on the left, and hongbao on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.listing import Field, Listing
from hongbao.ui.picture import Run, Style
from hongbao.ui.screen import Column, console, is_terminal, line, pipe, safe
from hongbao.ui.script import columns, cut, folded
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import LabCaught, LabCracked, LabRow, LabShown, LabStep
    from hongbao.ui.opening import Lines

FAULTS = Listing(
    rows="faults",
    fields=(
        Field("fault", Column(N_("fault")), says=N_("the name to type")),
        Field("title", Column(N_("title"), gives=True), says=N_("the name in words")),
        Field("file", says=N_("the file with the rule that prevents it")),
    ),
    more=(
        Field("what", says=N_("what the broken engine does")),
        Field("example", says=N_("a public example")),
        Field("loss", says=N_("the loss in it")),
        Field("source", says=N_("where the example is described")),
        Field("rule", says=N_("the rule that prevents it")),
    ),
    screen=("fault", "title"),
)

_BAR = " │ "
_TWO_COLUMNS_MIN = 72

BROKEN, RIGHT = "broken", "hongbao"
"""What lines of either engine begin with in a pipe."""
_ROWS_MAX = 14
"""More rows than that are shown from both ends."""

_ENDS = (7, 3)


def show_experiment(shown: LabShown) -> None:
    """Print both engines step by step, what the detector found, the public case and our rule."""
    if not is_terminal():
        _pipe(shown)
        return
    line(say(N_("{title} · the laboratory"), title=shown["title"]), bold_red=shown["title"])
    line(shown["what"])
    line(_("throw-away ledgers, no one's money; what is marked as broken is wrong on purpose"))
    print()
    _show_head()
    rows = shown["rows"]
    if len(rows) > _ROWS_MAX:
        first, last = rows[: _ENDS[0]], rows[-_ENDS[1] :]
        for row in first:
            _show_row(row, shown["measure"])
        left_out = len(rows) - len(first) - len(last)
        more = counted("{count} more command", "{count} more commands", left_out)
        line(f"… {more}")
        rows = last
    for row in rows:
        _show_row(row, shown["measure"])
    print()
    _show_end(shown)
    if shown["cracked"] is not None:
        print()
        _show_cracked(shown["cracked"])
    print()
    _show_case(shown)


def _pipe(shown: LabShown) -> None:
    """Print steps, findings and the sums of both engines, each line after its engine's name."""
    for row in shown["rows"]:
        for mark, steps in ((BROKEN, row["broken"]), (RIGHT, row["right"])):
            for step in steps:
                pipe((mark, "step", "; ".join(row["commands"]), step["refused"], step["said"]))
        pipe((BROKEN, "lost", yuan(row["broken_lost_fen"])))
        pipe((RIGHT, "lost", yuan(row["right_lost_fen"])))
    for mark, end in ((BROKEN, shown["broken"]), (RIGHT, shown["right"])):
        for found in end["found"]:
            pipe((mark, "found", yuan(found["amount_fen"]), found["said"]))
        pipe((mark, "owed", yuan(end["owed_fen"])))
        pipe((mark, "reserve", yuan(end["reserve_fen"])))
    if (cracked := shown["cracked"]) is not None:
        pipe((BROKEN, "pin", cracked["pin"], cracked["fast_tries"], cracked["fast_per_second"]))
        pipe((RIGHT, "try", cracked["slow_micros"], cracked["slow_all_seconds"]))
    pipe(("example", shown["example"], shown["loss"], shown["source"]))
    pipe(("rule", shown["rule"], shown["file"]))


def _mark() -> str:
    """Return what each line of the broken engine begins with."""
    return _("broken")


def _is_wide() -> bool:
    return console().width >= _TWO_COLUMNS_MIN


def _show_head() -> None:
    if _is_wide():
        _show_pair([(_("the broken engine"), "bold red")], [("hongbao", "bold green")])
        half = (console().width - len(_BAR)) // 2
        print("─" * half + "─┼─" + "─" * half)


Said = Sequence[tuple[str, str]]
"""Lines, each with its style."""


def _show_row(row: LabRow, measure: str) -> None:
    """Print what was typed, and below it what either engine did, and lost."""
    typed = " & ".join(row["commands"])
    line(f"> {typed}", bold=typed)
    broken, right = [*_said(row["broken"])], [*_said(row["right"])]
    if row["broken_lost_fen"] or row["right_lost_fen"]:
        broken.append(_lost(row["broken_lost_fen"], measure))
        right.append(_lost(row["right_lost_fen"], measure))
    _show_pair(broken, right)


def _said(steps: Sequence[LabStep]) -> Iterator[tuple[str, str]]:
    for step in steps:
        said = safe(step["said"])
        if step["refused"] and step["person"]:
            said = say(N_("{person}: {said}"), person=safe(step["person"]), said=said)
        if said:
            yield said, "yellow" if step["refused"] else ""
        if step["killed"]:
            yield _("and here its process is killed; the request is made again"), "bold yellow"


_MEASURES = {
    "lost": N_("lost: {lost_fen}"),
    "at_risk": N_("at risk: {lost_fen}"),
    "over_limit": N_("over the limit: {lost_fen}"),
    "not_moved": N_("not moved: {lost_fen}"),
    "uneven": N_("more than their half: {lost_fen}"),
}


def _lost(lost_fen: int, measure: str) -> tuple[str, str]:
    text = say(_MEASURES[measure], lost_fen=lost_fen)
    return text, "bold red" if lost_fen else "dim"


def _show_pair(broken: Said, right: Said) -> None:
    """Print two columns where there is room for them, and else one after the other."""
    from rich.text import Text

    out = console()
    if not _is_wide():
        for mark, said in ((_mark(), broken), (RIGHT, right)):
            for text, style in _folded(said, mark, out.width):
                out.print(Text(text, style), no_wrap=True, overflow="ignore", crop=False)
        return
    half = (out.width - len(_BAR)) // 2
    left, other = _folded(broken, _mark(), half), _folded(right, "", half)
    for (ours, our_style), (theirs, their_style) in zip_longest(left, other, fillvalue=("", "")):
        shown = Text(ours, our_style).append(" " * max(half - columns(ours), 0), "default")
        shown.append(_BAR).append(theirs, their_style)
        shown.rstrip()
        out.print(shown, no_wrap=True, overflow="ignore", crop=False)


def _folded(said: Said, mark: str, width: int) -> list[tuple[str, str]]:
    """Break each of the lines *said* to *width*, and begin each part with *mark*."""
    before = f"{mark} " if mark else ""
    return [
        (f"{before}{part}", style)
        for text, style in said
        for part in folded(text, width - columns(before))
    ]


def _show_end(shown: LabShown) -> None:
    """Print what the detector found in both books."""
    for mark, end in ((_mark(), shown["broken"]), ("hongbao", shown["right"])):
        sums = say(
            N_("users are owed {owed_fen} · the reserve has {reserve_fen}"),
            owed_fen=end["owed_fen"],
            reserve_fen=end["reserve_fen"],
        )
        _show_marked(mark, sums)
        for found in end["found"]:
            text = say(N_("detector: {said}"), said=safe(found["said"]))
            _show_marked(mark, text, "red")
        if end["found"]:
            _show_marked(mark, *_lost(end["lost_fen"], shown["measure"]))
        else:
            _show_marked(mark, _("detector: nothing found"), "green")


def _show_marked(mark: str, text: str, style: str = "") -> None:
    """Print *text*, with *mark* at the beginning of each line that it takes."""
    from rich.text import Text

    out = console()
    for part, _style in _folded([(text, "")], mark, out.width):
        out.print(Text(part, style), no_wrap=True, overflow="ignore", crop=False)


def _show_cracked(cracked: LabCracked) -> None:
    """Print what a thief does with a copy of either ledger, and how long it takes."""
    for mark, text in (
        (
            _mark(),
            say(
                N_("a fast hash gave PIN {pin} away: tried {tries} · {rate} a second"),
                pin=cracked["pin"],
                tries=f"{cracked['fast_tries']:,}",
                rate=f"{cracked['fast_per_second']:,}",
            ),
        ),
        (
            _mark(),
            say(
                N_("Argon2id, but no key: {time} for one try, {all} for all 1,000,000"),
                time=wording.took(cracked["slow_micros"]),
                all=wording.duration(timedelta(seconds=cracked["slow_all_seconds"])),
            ),
        ),
        (
            "hongbao",
            say(
                N_("with the key elsewhere, a copy of the ledger does not even confirm {pin}"),
                pin=cracked["pin"],
            ),
        ),
        (
            "hongbao",
            say(
                N_("and at the wallet, locks make all 1,000,000 take at least {time}"),
                time=counted("{count} year", "{count} years", cracked["lock_days"] // 365),
            ),
        ),
    ):
        _show_marked(mark, text)
    line(_("measured here, with one process; a thief has faster machines, and more of them"))


def _show_case(shown: LabShown) -> None:
    line(say(N_("it happened: {example}"), example=shown["example"]))
    line(say(N_("loss: {loss}"), loss=shown["loss"]))
    line(say(N_("source: {source}"), source=shown["source"]))
    line(say(N_("our rule: {rule}"), rule=shown["rule"]))
    line(say(N_("to read: {file}"), file=shown["file"]))


# --- motion --------------------------------------------------------------------------------------

_ROW_SECONDS, _SECONDS_MAX = 0.9, 8.0


def seconds(shown: LabShown) -> float:
    """Return how long an experiment moves; a PIN has been cracked before one's eyes already."""
    if shown["cracked"] is not None:
        return 0.0
    return min(_ROW_SECONDS * len(shown["rows"]), _SECONDS_MAX)


_DIM = Style(dim=True)
_BOLD = Style(bold=True)
_RED = Style(colour="red", bold=True)
_GREEN = Style(colour="green", bold=True)


def frame(shown: LabShown, gone: float, width: int) -> Lines:
    """Return the lines that are shown *gone* seconds after the beginning: one row, and the loss."""
    rows = shown["rows"]
    whole = max(seconds(shown), _ROW_SECONDS)
    row = rows[min(int(gone / whole * len(rows)), len(rows) - 1)]
    lost = _lost(row["broken_lost_fen"], shown["measure"])[0]
    ours = _lost(row["right_lost_fen"], shown["measure"])[0]
    last = row["broken"][-1]["said"] if row["broken"] else ""
    texts = [
        (f"> {' & '.join(row['commands'])}", _BOLD),
        (f"{_mark()} {safe(last)}", Style()),
        (f"{_mark()} {lost}", _RED if row["broken_lost_fen"] else _DIM),
        (f"hongbao {ours}", _GREEN),
    ]
    return tuple((Run(cut(text, width), style),) for text, style in texts)


SEARCH_SECONDS = 2.0
"""How long a search for a PIN is watched; what is left of it then is done at once."""


def search_frame(pin: str, done: str, rate: int, width: int, *, is_found: bool) -> Lines:
    """Return the lines of a search that has come to *pin*, with what is *done* as a bar."""
    text = say(N_("trying PIN {pin} · {rate} a second"), pin=pin, rate=f"{rate:,}")
    style = _RED if is_found else Style()
    return ((Run(cut(f"{_mark()} {text}", width), style),), (Run(done, style),))


# --- catching ------------------------------------------------------------------------------------

CAUGHT = Listing(
    rows="engines",
    fields=(
        Field("fault", Column(N_("fault")), says=N_("the name of the broken engine")),
        Field(
            "lines",
            Column(N_("caught by line")),
            lambda row: _lines(row["lines"]),
            text=lambda row: _lines(row["lines"]),
            says=N_("the lines of the story that catch it; empty if it got away"),
        ),
    ),
    more=(Field("title", says=N_("the name in words")),),
)


def _lines(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def show_caught(caught: LabCaught) -> None:
    """Print which broken engines were caught, by which lines, and which got away."""
    line(say(N_("{story}: as expected on hongbao."), story=safe(caught["story"])))
    line(_("Now it was played on programs that are broken on purpose, one fault in each:"))
    print()
    for each in caught["engines"]:
        if each["lines"]:
            text = say(
                N_("caught · {title} · line {lines}"),
                title=each["title"],
                lines=_lines(each["lines"]),
            )
            line(text, green=text)
    for each in caught["engines"]:
        if not each["lines"]:
            text = say(N_("got away · {title}"), title=each["title"])
            line(text, bold_red=text)
    print()
    score = say(N_("caught {caught} of {all}"), caught=caught["caught"], all=len(caught["engines"]))
    line(score, bold=score)
    if caught["chance_lines"]:
        line(
            say(
                N_("lines that depend on chance, and catch nothing: {lines}"),
                lines=_lines(caught["chance_lines"]),
            )
        )
    if not next(each for each in caught["engines"] if each["fault"] == "pin")["lines"]:
        line(_("no answer gives away how a PIN is kept; the experiment `pin` does"))
