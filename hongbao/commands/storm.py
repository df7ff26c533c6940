"""``hongbao storm``."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import Context, Option, wrong_usage
from hongbao.commands.demo import ending_tidily
from hongbao.commands.home import PasswordFile, chosen_ledger
from hongbao.commands.options import Command, caller, new_app, whole
from hongbao.commands.rules import read_policy
from hongbao.commands.throwaway import kept_anyway, prove, say_kept
from hongbao.documents import to_json
from hongbao.errors import ConflictingOptions, Interrupted, InvalidCosts, StormInterrupted
from hongbao.units import iso
from hongbao.words import N_

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hongbao.answers import Checked, Latency, Stormed
    from hongbao.commands.caller import Caller
    from hongbao.env import Env
    from hongbao.home.clusters import Access
    from hongbao.home.opened import Home
    from hongbao.load.costs import Costs
    from hongbao.load.measuring import Evening
    from hongbao.load.storm import Plan, Storm

app = new_app()

COSTS_BYTES_MAX = 4_000_000

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
    epilog=(
        "hongbao storm\n"
        "hongbao storm --claims 50000 --seconds 20 --seed 2027\n"
        "hongbao storm --simulate 8"
    ),
)
def storm(
    ctx: Context,
    people: Annotated[
        int,
        Option(
            "--people",
            metavar="COUNT",
            parser=whole("--people", 2, 100_000),
            help=N_("how many people"),
        ),
    ] = 300,
    packets: Annotated[
        int,
        Option(
            "--packets",
            metavar="COUNT",
            parser=whole("--packets", 1, 100_000),
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
            parser=whole("--claims", 1, 10_000_000),
            help=N_("how many times people ask to claim"),
        ),
    ] = 10_000,
    seconds: Annotated[
        int,
        Option(
            "--seconds",
            metavar="COUNT",
            parser=whole("--seconds", 1, 86_400),
            help=N_("how long the evening takes"),
        ),
    ] = 10,
    seed: Annotated[
        str, Option("--seed", metavar="TEXT", help=N_("decides everything but the times"))
    ] = SEED,
    keep: Annotated[
        bool, Option("--keep", help=N_("keep the folder of the throw-away wallet"))
    ] = False,
    simulate: Annotated[
        int | None,
        Option(
            "--simulate",
            metavar="COUNT",
            parser=whole("--simulate", 1, 100_000),
            help=N_("measure what claims cost, and simulate so many nodes"),
        ),
    ] = None,
    costs: Annotated[
        str | None,
        Option(
            "--costs",
            metavar="FILE",
            help=N_("simulate with the costs in FILE, or keep them there"),
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        Option(
            "--ledger",
            metavar="ADDRESS",
            help=N_("play it in this empty database on a cluster"),
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    from hongbao.load.crowd import check_packets
    from hongbao.load.storm import Plan

    call = caller(ctx)
    if simulate is not None and keep:
        raise ConflictingOptions("--simulate", "--keep", command=ctx.command_path)
    if simulate is None and costs is not None:
        raise wrong_usage("Missing option '--simulate'.", command=ctx.command_path)
    senders = min(people, SENDERS)
    rules = read_policy("standard").packet
    check_packets(rules, people=senders, packets=packets, shares=shares)
    file = None if costs is None else call.output(costs)
    access = chosen_ledger(ctx, call, ledger, password_file)
    call.leave_terminal()
    if simulate is not None:
        evening = _in_small(seed, people, packets, shares, claims)
        _simulate(call, evening, simulate, file, access)
        return
    with _in_folder(call, access, keep=keep) as folder:
        plan = Plan(seed, senders, packets, shares, claims, seconds * 1_000_000_000)
        env, names = _made(call, folder, people, senders, seed, access)
        stormed, checked = _stormed(call, folder, env, names, plan, access)
        stormed["kept"] = str(env.home) if keep else None
    _answer(call, stormed, checked)


@contextmanager
def _in_folder(call: "Caller", access: "Access | None", *, keep: bool = False) -> "Iterator[Path]":
    """
    Lend a folder, and end tidily on Ctrl-C.

    Raises Interrupted, or StormInterrupted where *access* leads to the ledger.
    """
    from hongbao.story.folders import lent_folder

    try:
        with (
            ending_tidily(),
            lent_folder("storm", keep=keep) as folder,
            kept_anyway(call, folder, keep=keep),
        ):
            yield folder
    except Interrupted:
        if access is None:
            raise
        raise StormInterrupted from None


def _made(
    call: "Caller",
    folder: "Path",
    people: int,
    senders: int,
    seed: str,
    access: "Access | None",
) -> "tuple[Env, list[str]]":
    """Make *people*, the first *senders* of whom have money; return their home and names."""
    from hongbao.wallet.sandbox import make_sandbox

    env = call.env._replace(home=folder / "home")
    call.remark(N_("note: making {people} people …"), people=people)
    made = make_sandbox(
        env,
        env.home,
        read_policy("standard"),
        people=people,
        seed=seed,
        rich=senders,
        access=access,
    )
    if access is not None:
        call.remark(
            N_("note: the ledger stays in {where}; drop that database when you are done"),
            where=access.address.where,
        )
    return env, [person["profile"] for person in made["people"]]


def _stormed(
    call: "Caller",
    folder: "Path",
    env: "Env",
    names: list[str],
    plan: "Plan",
    access: "Access | None",
) -> "tuple[Stormed, Checked]":
    """Play the evening, at nodes of their own where the ledger is on a cluster, and check it."""
    from hongbao.load.storm import Storm
    from hongbao.wallet import Wallet

    with ExitStack() as closing:
        if access is None:
            wallet = closing.enter_context(Wallet.open(env))
            storm = Storm(wallet.home, names, plan)
        else:
            from hongbao.load.rush import Rush, started

            nodes = closing.enter_context(started(env.home, folder, access.address))
            wallet = closing.enter_context(Wallet.open(env))
            storm = Rush(wallet.home, names, plan, nodes)
        storm.prepare()
        began, cpu = time.perf_counter_ns(), time.process_time_ns()
        _play(call, storm)
        took = time.perf_counter_ns() - began, time.process_time_ns() - cpu
        storm.finish()
        checked = wallet.check()
        return _result(storm, wallet.home, plan, checked, took), checked


SAMPLE = 3000
"""How many claims of an evening are measured."""


def _in_small(seed: str, people: int, packets: int, shares: int, claims: int) -> "Evening":
    """Return an evening like that one, with fewer claims and as many fewer people and packets."""
    from hongbao.domain.arrivals import packets_max
    from hongbao.load.measuring import Evening

    some = min(claims, SAMPLE)
    people = max(people * some // claims, 2)
    senders = max(people // 10, 1)
    packets = max(packets * some // claims, 1)
    return Evening(
        seed=seed,
        people=people,
        senders=senders,
        packets=min(packets, packets_max(people=senders, shares=shares)),
        shares=shares,
        claims=some,
    )


def _simulate(
    call: "Caller",
    evening: "Evening",
    nodes: int,
    file: "Path | None",
    access: "Access | None",
) -> None:
    """Simulate *nodes* with the costs in *file*, or with those of this machine."""
    from hongbao.env import chance_from
    from hongbao.load.platform import Study
    from hongbao.load.simulation import environment
    from hongbao.ui.simulation import show_simulated

    environment()  # before anything is measured
    costs = None if file is None else _kept_costs(file)
    if costs is None:
        costs = _measured(call, evening, access)
        if file is not None:
            _keep_costs(costs, file)
            call.remark(N_("the costs are in {path}"), path=file)
    call.remark(N_("note: simulating …"))
    study = Study(costs, nodes, chance_from, evening.seed)
    call.answer(study.simulated(), show_simulated)


def _kept_costs(file: "Path") -> "Costs | None":
    """Return the costs in *file*; None if it is not there. Raises InvalidCosts."""
    from hongbao.documents import of_json
    from hongbao.inputs import read_whole
    from hongbao.load.costs import costs_of
    from hongbao.outputs import check_writable

    if not os.path.exists(file):  # noqa: PTH110 - which takes what cannot be for what is not
        check_writable(file)
        return None
    try:
        return costs_of(of_json(read_whole(file, COSTS_BYTES_MAX)))
    except ValueError:
        raise InvalidCosts(path=str(file)) from None


def _keep_costs(costs: "Costs", file: "Path") -> None:
    from hongbao.outputs import save_as

    text = to_json(costs.document()) + "\n"
    save_as(file, lambda out: out.write(text.encode()), replace=False)


def _measured(call: "Caller", evening: "Evening", access: "Access | None") -> "Costs":
    """Measure what claims cost on this machine, in a throw-away wallet."""
    from hongbao.load.measuring import measure
    from hongbao.story.player import variables_in
    from hongbao.story.running import process
    from hongbao.wallet import Wallet

    with _in_folder(call, access) as folder:
        env, names = _made(call, folder, evening.people, evening.senders, evening.seed, access)
        variables = variables_in(folder, env.home, "en", None, call.env.variables)

        def start() -> None:
            ran = process(["balance", "--json"], folder, variables, None)
            assert ran.exit_code == 0, ran

        call.remark(N_("note: measuring {claims} claims …"), claims=evening.claims)
        with Wallet.open(env) as wallet:
            return measure(wallet.home, names, evening, start)


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
        "nodes": [
            {
                "node": node.name,
                "up": node.is_up,
                "claims": node.claims,
                "groups": node.groups,
                "begun_again": node.begun_again,
            }
            for node in storm.standings()
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
