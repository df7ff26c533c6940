"""A storm on the terminal: how it stands while it blows, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hongbao.ui import meters
from hongbao.ui.bars import sparkline
from hongbao.ui.meters import Meter
from hongbao.ui.motion import Board
from hongbao.ui.picture import Run, Style
from hongbao.ui.screen import is_terminal, line, pipe
from hongbao.ui.script import columns, terminal_columns
from hongbao.ui.wording import took
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import Latency, Stormed
    from hongbao.domain.arrivals import Standing
    from hongbao.ui.opening import Lines


# --- while it blows ------------------------------------------------------------------------------


@contextmanager
def watching(*, may_move: bool) -> Iterator[Callable[[Standing, Sequence[int]], None]]:
    """
    Show how a storm stands, on standard error, whenever what is given is called.

    It takes how many were asked for in each tick so far, too.

    Nothing is shown without a terminal there, or where nothing *may move*.
    """
    with Board(is_wanted=sys.stderr.isatty() and may_move) as board:

        def watch(standing: Standing, asked: Sequence[int]) -> None:
            board.show(lambda width: live(standing, asked, width))

        yield watch


def live(standing: Standing, asked: Sequence[int], width: int) -> Lines:
    """Return how things stand, for a terminal that many columns wide."""
    from hongbao.domain.arrivals import percentile

    waiting, moving_fen = standing.backlog, standing.sent_fen - standing.claimed_fen
    rows = [
        Meter(_("answered"), standing.answered, standing.asked, "green", f"{standing.rate:,}/s"),
        Meter(_("backlog"), waiting, standing.asked // 10, "yellow", f"{waiting:,}"),
        Meter(_("in packets"), moving_fen, standing.sent_fen, "red", yuan(moving_fen)),
    ]
    most = max((node.claims for node in standing.nodes), default=0)
    rows += [
        Meter(node.name, node.claims, most, "cyan" if node.is_up else "red", f"{node.claims:,}")
        for node in standing.nodes
    ]
    ordered = sorted(standing.latest_micros) or [0]
    late = say(
        N_("late: half within {p50} · 95% {p95} · 99% {p99}"),
        p50=took(percentile(ordered, 50)),
        p95=took(percentile(ordered, 95)),
        p99=took(percentile(ordered, 99)),
    )
    return (
        (
            Run(f"{standing.at:%H:%M}".ljust(meters.label_width(rows)), Style("cyan")),
            Run(sparkline(asked[-meters.bar_width(rows, width) :])),
        ),
        *meters.drawn(rows, width),
        (Run(late if columns(late) < width else ""),),
        *(((Run(_conflicts(standing, width)),),) if standing.nodes else ()),
    )


def _conflicts(standing: Standing, width: int) -> str:
    again = sum(node.begun_again for node in standing.nodes)
    text = say(N_("begun again after a conflict: {count}"), count=f"{again:,}")
    return text if columns(text) < width else ""


# --- afterwards ----------------------------------------------------------------------------------


def show_stormed(stormed: Stormed) -> None:
    """Print the evening's curve, how it was answered, and that nothing is lost."""
    if not is_terminal():
        _pipe_stormed(stormed)
        return
    line(
        say(
            N_("people: {people} · packets: {packets} · {sent_fen} sent"),
            people=stormed["people"],
            packets=stormed["packets"],
            sent_fen=stormed["sent_fen"],
        )
    )
    print()
    line(f"20:00 {_curve([tick['asked'] for tick in stormed['ticks']])} 00:30")
    print()
    counts = [
        say(N_("{count} asked"), count=stormed["asked"]),
        say(N_("{count} claimed"), count=stormed["claimed"]),
        *([say(N_("{count} asked again"), count=stormed["again"])] if stormed["again"] else []),
        *(
            say(N_("{count} refused: {reason}"), count=each["count"], reason=each["error"])
            for each in stormed["refused"]
        ),
    ]
    line(" · ".join(counts))
    lost = say(N_("{lost_fen} lost"), lost_fen=stormed["lost_fen"])
    line(
        say(
            N_("{claimed_fen} claimed · {left_fen} left · {lost}"),
            claimed_fen=stormed["claimed_fen"],
            left_fen=stormed["left_fen"],
            lost=lost,
        ),
        **{"bold_red" if stormed["lost_fen"] else "bold_green": lost},
    )
    line(
        say(
            N_("busiest second: {rate} answers · at most {backlog} waited"),
            rate=stormed["peak_rate"],
            backlog=stormed["backlog"],
        )
    )
    line(_late(stormed["latency"]))
    for node in stormed["nodes"]:
        line(
            say(
                N_("{node} · claims: {claims} · groups: {groups} · begun again: {again}")
                if node["up"]
                else N_("{node}, which went away · claims: {claims} · groups: {groups}"),
                node=node["node"],
                claims=f"{node['claims']:,}",
                groups=f"{node['groups']:,}",
                again=f"{node['begun_again']:,}",
            )
        )
    line(
        say(
            N_("the evening took {time} here, {cpu} of it work"),
            time=took(stormed["micros"]),
            cpu=took(stormed["cpu_micros"]),
        )
    )
    if not stormed["ok"]:
        line(say(N_("books checked: something is wrong")))
    else:
        line(say(N_("books checked, nothing found · digest {digest}"), digest=stormed["digest"]))
        if stormed["nodes"]:
            return
        line(
            say(
                N_("from the seed {seed}, every time: who got what, and the digest"),
                seed=stormed["seed"],
            )
        )


def _curve(asked: Sequence[int]) -> str:
    """Return the evening's curve; on a narrow terminal, a cell is several ticks."""
    room = max(terminal_columns() - len("20:00  00:30") - 2, 1)  # `line` keeps two for an indent
    step = -(-len(asked) // room)
    return sparkline([sum(asked[at : at + step]) for at in range(0, len(asked), step)])


def _late(latency: Latency) -> str:
    return say(
        N_("answered within: half {p50} · 95% {p95} · 99% {p99} · slowest {slowest}"),
        p50=took(latency["p50_micros"]),
        p95=took(latency["p95_micros"]),
        p99=took(latency["p99_micros"]),
        slowest=took(latency["slowest_micros"]),
    )


def _pipe_stormed(stormed: Stormed) -> None:
    """Print it for programs: a word, then what it is."""
    latency = stormed["latency"]
    pipe(
        ("people", stormed["people"]),
        ("packets", stormed["packets"]),
        ("asked", stormed["asked"]),
        ("claimed", stormed["claimed"], yuan(stormed["claimed_fen"])),
        ("again", stormed["again"]),
        *(("refused", each["count"], each["error"]) for each in stormed["refused"]),
        ("sent", yuan(stormed["sent_fen"])),
        ("left", yuan(stormed["left_fen"])),
        ("lost", yuan(stormed["lost_fen"])),
        ("took", stormed["micros"], stormed["cpu_micros"]),
        ("rate", stormed["peak_rate"]),
        ("backlog", stormed["backlog"]),
        (
            "latency",
            *(latency["p50_micros"], latency["p95_micros"]),
            *(latency["p99_micros"], latency["slowest_micros"]),
        ),
        *(
            ("node", node["node"], node["claims"], node["groups"], node["begun_again"])
            for node in stormed["nodes"]
        ),
        ("check", "ok" if stormed["ok"] else "failed"),
        ("digest", stormed["digest"]),
        ("seed", stormed["seed"]),
    )
