"""A drill on the terminal: how it stands while it runs, and what it has shown."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from hongbao.ui.bars import sparkline
from hongbao.ui.motion import Board
from hongbao.ui.picture import Run, Style
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.ui.script import columns, terminal_columns
from hongbao.ui.wording import took
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hongbao.answers import Drilled, DrillPart, DrillTask
    from hongbao.ui.opening import Lines

PARTS = {
    "all": N_("all sites"),
    "site_lost": N_("lost: {sites}"),
    "site_back": N_("back: {sites}"),
    "city_lost": N_("lost: all of {city}"),
    "taken_over": N_("takes over: {sites}"),
    "city_back": N_("back: all of {city}"),
}
BY_HAND = {
    "start": N_("start {site}"),
    "bootstrap": N_("let {site} write alone"),
}

# --- while it runs -------------------------------------------------------------------------------


class Standing(NamedTuple):
    """How a drill stands: its part, since when it runs, and the answers in each second."""

    what: str
    sites: Sequence[str]
    micros: int
    per_second: Sequence[int]


@contextmanager
def watching(*, may_move: bool) -> Iterator[Callable[[Callable[[], Standing]], None]]:
    """
    Show how a drill stands, on standard error, whenever what is given is called.

    Nothing is shown without a terminal there, or where nothing *may move*.
    """
    is_wanted = sys.stderr.isatty() and may_move
    with Board(is_wanted=is_wanted) as board:

        def watch(standing: Callable[[], Standing]) -> None:
            if is_wanted:
                now = standing()
                board.show(lambda width: live(now, width))

        yield watch


def live(standing: Standing, width: int) -> Lines:
    """Return how things stand, for a terminal that many columns wide."""
    clock = _clock(standing.micros)
    what = f"{clock}  {_called(standing.what, standing.sites)}"
    says = say(N_("{count} answered"), count=sum(standing.per_second))
    return (
        (Run(what if columns(what) < width else clock, Style("cyan")),),
        (Run(sparkline(standing.per_second[-max(width - 2, 1) :])),),
        (Run(says if columns(says) < width else ""),),
    )


# --- afterwards ----------------------------------------------------------------------------------


def show_drilled(drilled: Drilled) -> None:
    """Print what clients saw in each part, what had to be done by hand, and the proof."""
    if not is_terminal():
        _pipe_drilled(drilled)
        return
    names = ", ".join(site["site"] for site in drilled["sites"])
    line(
        say(
            N_("sites: {sites} · clients: {clients} · {time}"),
            sites=safe(names),
            clients=drilled["clients"],
            time=took(drilled["micros"]),
        )
    )
    print()
    table(
        (
            Column(_("at")),
            Column(_("what happened"), gives=True),
            Column(_("answered"), right=True, below=True, named=True),
            Column(_("refused"), right=True, below=True, named=True),
            Column(_("retries"), right=True, below=True, named=True),
            Column(_("gap"), right=True, below=True, named=True),
            Column(_("slowest"), right=True, below=True, named=True),
        ),
        [
            (
                _clock(part["from_micros"]),
                Cell(_called(part["what"], part["sites"]), _style(part)),
                f"{part['answered']}",
                f"{_count(part, 'refused')}",
                f"{_count(part, 'failed')}",
                took(part["silence_micros"]),
                took(part["slowest_micros"]),
            )
            for part in drilled["parts"]
        ],
    )
    print()
    line(say(N_("answers each second: {curve}"), curve=_curve(drilled["per_second"])))
    line(_("what had to be done by hand:"))
    for task in drilled["tasks"]:
        line(f"  {_task(task)}")
    print()
    _show_proof(drilled)


def _show_proof(drilled: Drilled) -> None:
    found = drilled["confirmed"] - len(drilled["lost"])
    line(
        say(
            N_("confirmed: {confirmed} · in the ledger: {found} · refused: {refused}"),
            confirmed=drilled["confirmed"],
            found=found,
            refused=drilled["refused"],
        )
    )
    for sentence, requests in (
        (N_("lost: {requests}"), drilled["lost"]),
        (N_("done twice: {requests}"), drilled["twice"]),
        (N_("done otherwise: {requests}"), drilled["changed"]),
        (N_("done, though no client was answered: {requests}"), drilled["unasked"]),
        (N_("outcome unknown: {requests}"), drilled["unresolved"]),
        (N_("balances that are not what the answers say: {requests}"), drilled["poorer"]),
    ):
        if requests:
            text = say(sentence, requests=safe(", ".join(requests)))
            line(text, bold_red=text)
    for site in drilled["sites"]:
        if not site["ok"]:
            line(say(N_("{site}: `check` finds something wrong"), site=safe(site["site"])))
    if drilled["ok"]:
        text = _("every confirmed act is there once, and no other")
        line(text, bold_green=text)
        digests = {site["digest"] for site in drilled["sites"]}
        if len(digests) == 1:
            line(
                say(
                    N_("books checked at every site, nothing found · digest {digest}"),
                    digest=drilled["sites"][0]["digest"],
                )
            )


def _called(what: str, sites: Sequence[str]) -> str:
    city = sites[0].partition("-")[0]
    return say(PARTS[what], sites=safe(", ".join(sites)), city=safe(city))


def _task(task: DrillTask) -> str:
    what = say(BY_HAND[task["what"]], site=safe(_(", ").join(task["sites"])))
    return f"{_clock(task['at_micros'])}  {what} · {took(task['micros'])}"


def _style(part: DrillPart) -> str:
    return "red" if part["what"].endswith("lost") else ""


def _count(part: DrillPart, which: str) -> int:
    rows = part["refused"] if which == "refused" else part["failed"]
    return sum(each["count"] for each in rows)


def _clock(micros: int) -> str:
    minutes, seconds = divmod(micros // 1_000_000, 60)
    return f"{minutes}:{seconds:02}"


def _curve(counts: Sequence[int]) -> str:
    """Return the curve of answers; on a narrow terminal, a cell is several seconds."""
    room = max(terminal_columns() - columns(_("answers each second: {curve}")), 1)
    step = -(-len(counts) // room)
    return sparkline([sum(counts[at : at + step]) for at in range(0, len(counts), step)])


def _pipe_drilled(drilled: Drilled) -> None:
    """Print it for programs: a word, then what it is."""
    pipe(
        *(("site", site["site"], site["node"]) for site in drilled["sites"]),
        ("clients", drilled["clients"]),
        ("took", drilled["micros"]),
        *(
            (
                "part",
                part["what"],
                ",".join(part["sites"]),
                part["from_micros"],
                part["answered"],
                _count(part, "refused"),
                _count(part, "failed"),
                part["silence_micros"],
                part["slowest_micros"],
            )
            for part in drilled["parts"]
        ),
        *(
            ("task", task["what"], ",".join(task["sites"]), task["at_micros"], task["micros"])
            for task in drilled["tasks"]
        ),
        ("confirmed", drilled["confirmed"]),
        ("refused", drilled["refused"]),
        *(("lost", request) for request in drilled["lost"]),
        *(("twice", request) for request in drilled["twice"]),
        *(("changed", request) for request in drilled["changed"]),
        *(("unasked", request) for request in drilled["unasked"]),
        *(("unresolved", request) for request in drilled["unresolved"]),
        *(("poorer", profile) for profile in drilled["poorer"]),
        ("check", "ok" if all(site["ok"] for site in drilled["sites"]) else "failed"),
        *(("digest", site["site"], site["digest"]) for site in drilled["sites"]),
        ("seed", drilled["seed"]),
    )
