"""``hongbao drill``."""

import errno
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import Argument, Context, Option
from hongbao.commands.demo import ending_tidily
from hongbao.commands.home import PasswordFile
from hongbao.commands.options import Command, caller, new_app, whole
from hongbao.commands.rules import read_policy
from hongbao.commands.throwaway import kept_anyway, say_kept
from hongbao.errors import DrillCommandFailed, DrillFoundFaults, DrillInterrupted, Interrupted
from hongbao.words import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hongbao.answers import Drilled, DrillPart, Refusals
    from hongbao.commands.caller import Caller
    from hongbao.load.drill import Drill, Plan, Proven
    from hongbao.ui.drill import Standing

app = new_app()

SEED = "drill"
CLIENTS, CLIENTS_MAX = 6, 20


@app.command(
    cls=Command,
    short_help=N_("Lose a site of a cluster, then a whole city, while clients send and claim."),
    help=N_(
        "Clients at every site send packets and claim shares. One site of the first city is lost "
        "and comes back, then all of that city. It shows what clients saw and what had to be done "
        "by hand, and proves that every act that was confirmed is in the ledger once, and no "
        "other. The nodes are yours; the ledger is a throw-away one in an empty database."
    ),
    epilog="hongbao drill mysql://owner@db1,db2,db3/drill --nodes ./nodes",
)
def drill(
    ctx: Context,
    address: Annotated[
        str,
        Argument(
            metavar="ADDRESS", help=N_("an empty database on the cluster, with all its nodes")
        ),
    ],
    nodes: Annotated[
        str,
        Option(
            "--nodes",
            metavar="COMMAND",
            help=N_("a command of yours that does kill, start or bootstrap at a site"),
        ),
    ],
    sites: Annotated[
        str | None,
        Option(
            "--sites",
            metavar="TEXT",
            help=N_("the nodes' sites in their order, such as a-1,a-2,b-1"),
        ),
    ] = None,
    password_file: PasswordFile = None,
    clients: Annotated[
        int,
        Option(
            "--clients",
            metavar="COUNT",
            parser=whole("--clients", 1, CLIENTS_MAX),
            help=N_("how many clients there are, 20 at most"),
        ),
    ] = CLIENTS,
    seconds: Annotated[
        int,
        Option(
            "--seconds",
            metavar="COUNT",
            parser=whole("--seconds", 1, 3600),
            help=N_("how long each part takes at least"),
        ),
    ] = 12,
    seed: Annotated[
        str, Option("--seed", metavar="TEXT", help=N_("decides what clients want to do"))
    ] = SEED,
    keep: Annotated[
        bool, Option("--keep", help=N_("keep the folder with the wallets and the clients' notes"))
    ] = False,
) -> None:
    from hongbao.delivery.programs import parse_program
    from hongbao.home.clusters import parse_address
    from hongbao.load.drill import Drill, Plan, sites_of
    from hongbao.story.folders import lent_folder

    call = caller(ctx)
    names = [] if sites is None else [name.strip() for name in sites.split(",")]
    plan = Plan(
        sites_of(parse_address(address), names),
        clients,
        seconds,
        seed,
        tuple(parse_program(nodes)),
    )
    if shutil.which(plan.command[0]) is None:
        is_there = Path(plan.command[0]).exists()  # and may not be run
        reason = os.strerror(errno.EACCES if is_there else errno.ENOENT)
        raise DrillCommandFailed(command=nodes, reason=reason, drilling=False)
    access = call.ledger_access(address, password_file)
    call.leave_terminal()
    try:
        with (
            ending_tidily(),
            lent_folder("drill", keep=keep) as folder,
            kept_anyway(call, folder, keep=keep),
        ):
            drill = Drill(call.env, folder, access, plan)
            call.remark(N_("note: making a ledger, and a machine for each site …"))
            drill.prepare(read_policy("standard"))
            _play(call, drill)
            drilled = _result(drill, plan, drill.prove())
            drilled["kept"] = str(folder) if keep else None
            home = str(folder / plan.sites[0].name)
    except Interrupted:
        raise DrillInterrupted from None
    _answer(call, drilled, home)


def _play(call: "Caller", drill: "Drill") -> None:
    """Play the drill, and show how it stands on a terminal."""
    from hongbao.ui.drill import watching
    from hongbao.ui.motion import is_wanted

    with watching(may_move=is_wanted(call.settings, call.env.variables)) as watch:
        for _moment in drill.run():
            watch(lambda: _standing(drill))


def _standing(drill: "Drill") -> "Standing":
    from hongbao.load.proving import per_second
    from hongbao.ui.drill import Standing

    begun, now = drill.parts[0].at, time.monotonic_ns()
    counts = per_second(drill.attempts(), begun, now)
    return Standing(drill.parts[-1].what, drill.parts[-1].sites, (now - begun) // 1000, counts)


def _result(drill: "Drill", plan: "Plan", proven: "Proven") -> "Drilled":
    """Return what came of it, as it is answered."""
    from hongbao.load.proving import per_second

    attempts, proof = drill.attempts(), proven.proof
    begun = drill.parts[0].at
    checks = dict(proven.checked)
    return {
        "ok": not proof.wrong
        and not proven.poorer
        and all(checked["ok"] for checked in checks.values()),
        "seed": plan.seed,
        "clients": plan.clients,
        "sites": [
            {
                "site": site.name,
                "node": site.node,
                "ok": checks[site.name]["ok"],
                "entries": checks[site.name]["entries"],
                "digest": checks[site.name]["digest"],
            }
            for site in plan.sites
        ],
        "micros": (drill.ended - begun) // 1000,
        "parts": _parts(drill),
        "tasks": [
            {
                "what": task.what,
                "sites": [*task.sites],
                "at_micros": (task.at - begun) // 1000,
                "micros": task.took // 1000,
            }
            for task in drill.by_hand
        ],
        "per_second": per_second(attempts, begun, drill.ended),
        "confirmed": proof.confirmed,
        "refused": proof.refused,
        "lost": [*proof.lost],
        "twice": [*proof.twice],
        "changed": [*proof.changed],
        "unasked": [*proof.unasked],
        "unresolved": [*proof.unresolved],
        "poorer": [*proven.poorer],
        "kept": None,
    }


def _parts(drill: "Drill") -> "list[DrillPart]":
    from hongbao.load.proving import seen

    attempts = drill.attempts()
    begun = drill.parts[0].at
    ends = [*(part.at for part in drill.parts[1:]), drill.ended]
    parts: list[DrillPart] = []
    for part, end in zip(drill.parts, ends, strict=True):
        saw = seen(attempts, part.at, end)
        parts.append(
            {
                "what": part.what,
                "sites": [*part.sites],
                "from_micros": (part.at - begun) // 1000,
                "to_micros": (end - begun) // 1000,
                "answered": saw.answered,
                "refused": _refusals(saw.refused),
                "failed": _refusals(saw.failed),
                "slowest_micros": saw.slowest // 1000,
                "silence_micros": saw.silence // 1000,
            }
        )
    return parts


def _refusals(counts: "Mapping[str, int]") -> "list[Refusals]":
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [{"error": error, "count": count} for error, count in ordered]


def _answer(call: "Caller", drilled: "Drilled", home: str) -> None:
    """Answer with what was found, or raise it where it is not as it should be."""
    from hongbao.ui.drill import show_drilled

    call.answer(drilled, show_drilled)
    if drilled["kept"] is not None:
        say_kept(call, home, folder=drilled["kept"])
    if not drilled["ok"]:
        raise DrillFoundFaults(
            lost=len(drilled["lost"]),
            twice=len(drilled["twice"]),
            changed=len(drilled["changed"]),
            unasked=len(drilled["unasked"]),
            unresolved=len(drilled["unresolved"]),
            poorer=len(drilled["poorer"]),
            nodes=sum(not site["ok"] for site in drilled["sites"]),
        )
