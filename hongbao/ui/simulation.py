"""A simulated platform on the terminal: what was measured, and what follows for many nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hongbao.ui.bars import bar, sparkline
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, room_left, table
from hongbao.ui.script import terminal_columns
from hongbao.ui.wording import took
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import (
        Interval,
        Simulated,
        SimulatedCost,
        SimulatedCosts,
        SimulatedKill,
        SimulatedLoad,
        SimulatedNeed,
    )

_BAR, _BAR_MIN = 20, 4
_WIDE = 76
"""From how many columns there is room for bars."""


def show_simulated(simulated: Simulated) -> None:
    """Print what was measured, what was simulated, and what is extrapolated."""
    if not is_terminal():
        _pipe_simulated(simulated)
        return
    _show_costs(simulated["costs"])
    print()
    _show_loads(simulated)
    print()
    _show_kill(simulated["kill"])
    print()
    _show_need(simulated["need"])


def _show_costs(costs: SimulatedCosts) -> None:
    title = _("measured, of one node on this machine")
    line(title, bold=title)
    line(
        say(
            N_("{where} · claims: {claims} · groups: {groups}"),
            where=(
                _("the ledger on a cluster")
                if costs["engine"] == "cluster"
                else _("the ledger in a file")
            ),
            claims=f"{costs['claims']:,}",
            groups=f"{costs['groups']:,}",
        )
    )
    is_wide = terminal_columns() >= _WIDE
    table(
        [
            Column(_("group of"), right=True),
            Column(_("gateway"), right=True),
            Column(_("worker"), right=True),
            Column(_("database"), right=True),
            Column(_("a claim"), right=True),
        ],
        [_cost_cells(cost, is_wide=is_wide) for cost in costs["sizes"]],
    )
    line(
        say(
            N_("a node that was killed opens the wallet again within {time}"),
            time=took(costs["start_micros"]),
        )
    )


def _cost_cells(cost: SimulatedCost, *, is_wide: bool) -> list[str]:
    parts = cost["gateway_ns"], cost["worker_ns"], cost["database_ns"]
    whole = _nanos(sum(parts)) if is_wide else ""
    return [f"{cost['group']:,}", *map(_nanos, parts), whole]


def _nanos(nanos: int) -> str:
    """
    Return a time that is short as people read it.

    >>> _nanos(41_757), _nanos(4_094_049)
    ('42 µs', '4.1 ms')
    """
    if nanos < 999_500:
        return say(N_("{n} µs"), n=(nanos + 500) // 1000)
    return took(nanos // 1000)


def _show_loads(simulated: Simulated) -> None:
    nodes, loads = simulated["nodes"], simulated["loads"]
    title = say(
        N_("simulated · nodes: {nodes} · runs: {runs}")
        if nodes == 1
        else N_("extrapolated · nodes: {nodes} · runs: {runs}"),
        nodes=f"{nodes:,}",
        runs=simulated["runs"],
    )
    line(title, bold=title)
    most = max(load["answered"]["high"] for load in loads)
    is_wide = terminal_columns() >= _WIDE
    heads = [
        Column(_("asked/s"), right=True),
        Column(""),
        Column(_("answered/s"), right=True),
        Column(_("half within"), right=True),
        Column(_("99% within"), right=True),
        Column(_("refused"), right=True, extra=True),
    ]
    rows = [
        [
            f"{load['rate']:,}",
            "",
            _interval(load["answered"]) if is_wide else f"{load['answered']['mean']:,}",
            took(load["p50_micros"]["mean"]) if is_wide else "",
            _took(load["p99_micros"]) if is_wide else took(load["p99_micros"]["mean"]),
            _share(load["refused"] + load["again"]),
        ]
        for load in loads
    ]
    room = min(room_left(heads, rows), _BAR) if is_wide else 0
    drawn = [
        Cell(bar(load["answered"]["mean"], most, room) if room >= _BAR_MIN else "", _style(load))
        for load in loads
    ]
    table(
        heads, [[rate, cell, *more] for [rate, _bar, *more], cell in zip(rows, drawn, strict=True)]
    )
    if is_wide:
        line(_("± is the half of a 95% interval"))
    line(_("who is refused asks again, twice at most"))
    begun_again = max(load["begun_again"] for load in loads)
    if begun_again:
        line(
            say(N_("groups begun again after a conflict: up to {share}"), share=_share(begun_again))
        )


def _style(load: SimulatedLoad) -> str:
    return "yellow" if load["refused"] + load["again"] else "green"


def _half(interval: Interval) -> int:
    return (interval["high"] - interval["low"] + 1) // 2


def _interval(interval: Interval) -> str:
    """
    Return a mean and the half of its interval.

    >>> _interval({"mean": 17978, "low": 17503, "high": 18453})
    '17,978 ±475'
    """
    return f"{interval['mean']:,} ±{_half(interval):,}"


def _took(interval: Interval) -> str:
    return say(N_("{time} ±{half}"), time=took(interval["mean"]), half=took(_half(interval)))


def _share(millionths: int) -> str:
    """
    Return a share in percent, and nothing where there is none.

    >>> _share(0), _share(12), _share(14_454), _share(500_000)
    ('', '<0.1%', '1.4%', '50.0%')
    """
    if millionths == 0:
        return ""
    if millionths < 1000:
        return "<0.1%"
    whole, tenths = divmod((millionths + 500) // 1000, 10)
    return f"{whole}.{tenths}%"


def _show_kill(kill: SimulatedKill) -> None:
    title = say(
        N_("the node is killed, at {rate} claims a second")
        if kill["nodes"] == 1
        else N_("one of the nodes is killed, at {rate} claims a second"),
        rate=f"{kill['rate']:,}",
    )
    line(title, bold=title)
    seconds = len(kill["answered"]) * kill["slice_micros"] // 1_000_000
    ends = f" {seconds} s"
    line(f"0 {_narrowed(kill['answered'], terminal_columns() - len(ends) - 6)}{ends}")
    line(
        say(
            N_("slowest {slowest} · as before after {over} · refused {share}"),
            slowest=took(kill["slowest_micros"]["mean"]),
            over=took(kill["over_micros"]["mean"]),
            share=_share(kill["refused"]) or "0",
        )
    )
    line(
        _("the other nodes take its claims until it is back")
        if kill["elsewhere"]
        else _("its claims wait for it: its ledger is nowhere else")
    )


def _narrowed(counts: Sequence[int], room: int) -> str:
    step = -(-len(counts) // max(room, 1))
    return sparkline([sum(counts[at : at + step]) for at in range(0, len(counts), step)])


def _show_need(need: SimulatedNeed) -> None:
    answer = say(
        N_("for {rate} claims a second · such nodes: {nodes} ({low} to {high})"),
        rate=f"{need['rate']:,}",
        nodes=f"{need['nodes']:,}",
        low=f"{need['nodes_low']:,}",
        high=f"{need['nodes_high']:,}",
    )
    line(answer, bold=answer)
    line(
        say(
            N_("simulated: one carries {rate} a second without its queue growing"),
            rate=_interval(need["of_one"]),
        )
    )
    line(
        _(
            "extrapolated: that many nodes do so many times as much. Each has a ledger, or a part "
            "of one, for itself; the network between them takes no time"
        )
    )


def _pipe_simulated(simulated: Simulated) -> None:
    """Print it for programs: a word, then what it is."""

    def three(interval: Interval) -> tuple[int, int, int]:
        return interval["mean"], interval["low"], interval["high"]

    costs, kill, need = simulated["costs"], simulated["kill"], simulated["need"]
    pipe(
        ("measured", costs["engine"], costs["claims"], costs["groups"]),
        *(
            ("cost", cost["group"], cost["gateway_ns"], cost["worker_ns"], cost["database_ns"])
            for cost in costs["sizes"]
        ),
        ("start", costs["start_micros"]),
        ("nodes", simulated["nodes"]),
        ("runs", simulated["runs"]),
        ("most", *three(simulated["most"])),
        *(
            (
                "load",
                load["rate"],
                *three(load["answered"]),
                *three(load["p50_micros"]),
                *three(load["p99_micros"]),
                load["refused"],
                load["again"],
                load["begun_again"],
            )
            for load in simulated["loads"]
        ),
        (
            "killed",
            kill["rate"],
            *three(kill["slowest_micros"]),
            *three(kill["over_micros"]),
            kill["refused"],
        ),
        ("need", need["rate"], need["nodes"], need["nodes_low"], need["nodes_high"]),
        ("seed", simulated["seed"]),
    )
