"""A race on the terminal: how far it has come while it runs, and who got what in the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hongbao.ui import meters
from hongbao.ui.bars import bar
from hongbao.ui.meters import Meter
from hongbao.ui.motion import Board
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.ui.script import columns
from hongbao.ui.wording import took
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Raced, Times
    from hongbao.story.parallel import Children
    from hongbao.ui.opening import Lines

_BAR = 12

# --- while it runs -------------------------------------------------------------------------------


@contextmanager
def watching(
    count: int, shares: int, may_move: Callable[[], bool]
) -> Iterator[Callable[[Children], None]]:
    """
    Show how far *count* processes have come, on standard error, whenever what is given is called.

    Nothing is shown without a terminal there, or where nothing *may move*.
    """
    with Board(is_wanted=sys.stderr.isatty() and may_move()) as board:

        def watch(children: Children) -> None:
            there = len(children.ready_at)
            won = sum(code == 0 for code in children.ended.values())
            refused = len(children.ended) - won
            board.show(
                lambda width: _live(
                    [
                        (_("at the gate"), there, count, "yellow"),
                        (_("claimed"), won, min(shares, count), "red"),
                        (_("refused"), refused, max(count - shares, 0), ""),
                    ],
                    width,
                )
            )

        yield watch


def _live(rows: list[tuple[str, int, int, str]], width: int) -> Lines:
    numbers = max(len(str(most)) for _name, _done, most, _colour in rows)
    return meters.drawn(
        [
            Meter(name, done, most, colour, f"{done:>{numbers}}/{most:<{numbers}}")
            for name, done, most, colour in rows
        ],
        width,
    )


# --- afterwards ----------------------------------------------------------------------------------


def show_raced(raced: Raced) -> None:
    """Print who got what, that nothing is lost, and how long it took."""
    if not is_terminal():
        _pipe_raced(raced)
        return
    line(
        say(
            N_("processes: {processes} · shares: {shares} · {total_fen} in all"),
            processes=raced["processes"],
            shares=raced["shares"],
            total_fen=raced["total_fen"],
        )
    )
    _show_winners(raced)
    print()
    counts = [counted("{count} winner", "{count} winners", raced["winners"])]
    for refusal in raced["refused"]:
        reason = refusal["error"] or say(N_("killed"))
        counts.append(say(N_("{count} refused: {reason}"), count=refusal["count"], reason=reason))
    line(" · ".join(counts))
    lost = say(N_("{lost_fen} lost"), lost_fen=raced["lost_fen"])
    line(
        say(
            N_("{claimed_fen} claimed · {left_fen} left · {lost}"),
            claimed_fen=raced["claimed_fen"],
            left_fen=raced["left_fen"],
            lost=lost,
        ),
        **{"bold_red" if raced["lost_fen"] else "bold_green": lost},
    )
    if raced["claims"] is not None:
        line(_timed(N_("from the gate: {times}"), raced["claims"]))
    if raced["starts"] is not None:
        line(_timed(N_("before it, to start: {times}"), raced["starts"]))
    if not raced["ok"]:
        line(say(N_("books checked: something is wrong")))
    elif raced["turns"] is None:
        line(
            say(
                N_("books checked, nothing found · digest {digest}, another one each time"),
                digest=raced["digest"],
            )
        )
        line(
            say(
                N_("people and packet follow from the seed {seed}; who wins does not"),
                seed=raced["seed"],
            )
        )
    else:
        line(say(N_("books checked, nothing found · digest {digest}"), digest=raced["digest"]))
        line(
            say(
                N_("given by the seed {seed}, every time: turns at the ledger: {turns}"),
                turns=" ".join(map(str, raced["turns"])),
                seed=raced["seed"],
            )
        )


def _show_winners(raced: Raced) -> None:
    winners = [racer for racer in raced["racers"] if racer["seat"] is not None]
    winners.sort(key=lambda racer: racer["seat"] or 0)
    if not winners:
        return
    most = max(racer["amount_fen"] or 0 for racer in winners)
    widest = max(columns(safe(racer["profile"])) for racer in winners)
    timed = any(racer["claim_micros"] is not None for racer in winners)
    print()
    table(
        [
            Column("", right=True),
            Column(_("who")),
            Column(""),
            Column(_("amount"), right=True),
            *([Column(_("time"), right=True)] if timed else []),
        ],
        [
            [
                Cell(str(racer["seat"]), "dim"),
                safe(racer["profile"]) + " " * (widest - columns(safe(racer["profile"]))),
                Cell(bar(racer["amount_fen"] or 0, most, _BAR), "red"),
                yuan(racer["amount_fen"] or 0),
                *([Cell(took(racer["claim_micros"] or 0), "dim")] if timed else []),
            ]
            for racer in winners
        ],
        titled=False,
    )


def _timed(sentence: str, times: Times) -> str:
    said = say(
        N_("median {median} · slowest {slowest} · n {count}"),
        median=took(times["median_micros"]),
        slowest=took(times["slowest_micros"]),
        count=times["count"],
    )
    return say(sentence, times=said)


def _pipe_raced(raced: Raced) -> None:
    """Print it for programs: a word, then what it is."""
    pipe(
        *(
            ("share", racer["seat"], racer["profile"], yuan(racer["amount_fen"] or 0))
            for racer in sorted(raced["racers"], key=lambda racer: racer["seat"] or 0)
            if racer["seat"] is not None
        ),
        ("processes", raced["processes"]),
        ("winners", raced["winners"]),
        *(("refused", each["count"], each["error"]) for each in raced["refused"]),
        ("total", yuan(raced["total_fen"])),
        ("claimed", yuan(raced["claimed_fen"])),
        ("left", yuan(raced["left_fen"])),
        ("lost", yuan(raced["lost_fen"])),
        *_pipe_times("claims", raced["claims"]),
        *_pipe_times("starts", raced["starts"]),
        ("check", "ok" if raced["ok"] else "failed"),
        ("digest", raced["digest"]),
        ("seed", raced["seed"]),
        *([("turns", *raced["turns"])] if raced["turns"] is not None else []),
    )


def _pipe_times(name: str, times: Times | None) -> list[tuple[object, ...]]:
    if times is None:
        return []
    return [(name, times["count"], times["median_micros"], times["slowest_micros"])]
