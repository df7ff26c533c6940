"""``hongbao storm``."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import Context, Option
from hongbao.commands.demo import ending_tidily
from hongbao.commands.options import Command, caller, new_app, whole
from hongbao.commands.rules import read_policy
from hongbao.commands.throwaway import prove, say_kept
from hongbao.units import iso
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Checked, Latency, Stormed
    from hongbao.commands.caller import Caller
    from hongbao.home.opened import Home
    from hongbao.load.storm import Plan, Storm

app = new_app()

SEED = "storm"
SENDERS = 30
"""How many people have money, and send the packets; there may be fewer people."""


@app.command(
    cls=Command,
    short_help=N_("Play New Year's Eve on one ledger, as fast as requests come."),
    help=N_(
        "From eight in the evening until half past midnight people send packets and grab them, "
        "most at midnight, in a throw-away wallet. Requests come when the evening's curve says, "
        "however long the answers take. Afterwards the money is counted and the ledger is "
        "checked. The same seed gives the same people the same amounts; only times are measured."
    ),
    epilog="hongbao storm\nhongbao storm --claims 50000 --seconds 20 --seed 2027",
)
def storm(
    ctx: Context,
    people: Annotated[
        int,
        Option(
            "--people", metavar="COUNT", parser=whole("--people", 2), help=N_("how many people")
        ),
    ] = 300,
    packets: Annotated[
        int,
        Option(
            "--packets",
            metavar="COUNT",
            parser=whole("--packets", 1),
            help=N_("how many packets they send"),
        ),
    ] = 60,
    shares: Annotated[
        int,
        Option(
            "--shares",
            metavar="COUNT",
            parser=whole("--shares", 1),
            help=N_("how many shares a packet has"),
        ),
    ] = 50,
    claims: Annotated[
        int,
        Option(
            "--claims",
            metavar="COUNT",
            parser=whole("--claims", 1),
            help=N_("how many times people ask to claim"),
        ),
    ] = 10_000,
    seconds: Annotated[
        int,
        Option(
            "--seconds",
            metavar="COUNT",
            parser=whole("--seconds", 1),
            help=N_("how long the evening takes"),
        ),
    ] = 10,
    seed: Annotated[
        str, Option("--seed", metavar="TEXT", help=N_("decides everything but the times"))
    ] = SEED,
    keep: Annotated[
        bool, Option("--keep", help=N_("keep the folder of the throw-away wallet"))
    ] = False,
) -> None:
    from hongbao.load.storm import Plan, Storm
    from hongbao.story.folders import lent_folder
    from hongbao.wallet import Wallet
    from hongbao.wallet.sandbox import make_sandbox

    call = caller(ctx)
    with ending_tidily(), lent_folder("storm", keep=keep) as folder:
        env = call.env._replace(home=folder / "home")
        senders = min(people, SENDERS)
        call.remark(N_("note: making {people} people …"), people=people)
        made = make_sandbox(
            env, env.home, read_policy("standard"), people=people, seed=seed, rich=senders
        )
        names = [person["profile"] for person in made["people"]]
        plan = Plan(seed, senders, packets, shares, claims, seconds * 1_000_000_000)
        with Wallet.open(env) as wallet:
            storm = Storm(wallet.home, names, plan)
            storm.prepare()
            began, cpu = time.perf_counter_ns(), time.process_time_ns()
            _play(call, storm)
            took = time.perf_counter_ns() - began, time.process_time_ns() - cpu
            checked = wallet.check()
            stormed = _result(storm, wallet.home, plan, checked, took)
        stormed["kept"] = str(env.home) if keep else None
    _answer(call, stormed, checked)


def _play(call: "Caller", storm: "Storm") -> None:
    """Play the evening, and show how things stand on a terminal."""
    from hongbao.ui.motion import is_wanted
    from hongbao.ui.storm import watching

    with watching(may_move=is_wanted(call.settings, call.env.variables)) as watch:
        for standing in storm.run():
            watch(standing, [tick.asked for tick in storm.ticks])


def _result(
    storm: "Storm", home: "Home", plan: "Plan", checked: "Checked", took: tuple[int, int]
) -> "Stormed":
    """Count what came of it, by the answers and by the books."""
    left_fen = 0
    for packet in storm.packets:
        row = home.store.packet(packet)
        assert row is not None
        left_fen += row.packet.remaining_fen
    lost_fen = storm.sent_fen - storm.claimed_fen - left_fen
    return {
        "ok": checked["ok"] and not lost_fen,
        "seed": plan.seed,
        "people": storm.people,
        "packets": len(storm.packets),
        "shares": plan.shares,
        "asked": len(storm.micros),
        "claimed": storm.claimed,
        "again": storm.again,
        "refused": [
            {"error": error, "count": count} for error, count in storm.refused.most_common()
        ],
        "sent_fen": storm.sent_fen,
        "claimed_fen": storm.claimed_fen,
        "left_fen": left_fen,
        "lost_fen": lost_fen,
        "micros": took[0] // 1000,
        "cpu_micros": took[1] // 1000,
        "peak_rate": storm.peak_rate,
        "backlog": max(tick.backlog for tick in storm.ticks),
        "latency": _latency(storm.micros),
        "ticks": [
            {
                "at": iso(tick.at),
                "asked": tick.asked,
                "claimed": tick.claimed,
                "refused": tick.refused,
                "groups": tick.groups,
                "backlog": tick.backlog,
                "slowest_micros": tick.slowest_micros,
            }
            for tick in storm.ticks
        ],
        "entries": checked["entries"],
        "digest": checked["digest"],
        "kept": None,
    }


def _latency(micros: "Sequence[int]") -> "Latency":
    """Return the percentiles of *micros*, each the least that so many of them do not exceed."""
    from hongbao.domain.arrivals import percentile

    ordered = sorted(micros)
    return {
        "p50_micros": percentile(ordered, 50),
        "p95_micros": percentile(ordered, 95),
        "p99_micros": percentile(ordered, 99),
        "slowest_micros": ordered[-1],
    }


def _answer(call: "Caller", stormed: "Stormed", checked: "Checked") -> None:
    """Answer with what was played, or raise what went wrong with it."""
    from hongbao.ui.storm import show_stormed

    call.answer(stormed, show_stormed)
    if stormed["kept"] is not None:
        say_kept(call, stormed["kept"])
    prove(stormed["lost_fen"], stormed["sent_fen"], checked)
