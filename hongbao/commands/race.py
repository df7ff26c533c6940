"""``hongbao race``."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.demo import ending_tidily
from hongbao.commands.options import Command, caller, new_app, whole
from hongbao.commands.rules import read_policy
from hongbao.commands.throwaway import kept_anyway, prove, say_kept
from hongbao.errors import Interrupted, RaceStuck
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Checked, Raced, Racer, Times
    from hongbao.commands.caller import Caller
    from hongbao.story.parallel import Ended, Played

app = new_app()

TOTAL_FEN = 88_88
SEED = "race"

FORKS_MIN = 32
"""Forks share what they have imported, so every machine has room for this many."""

PER_CORE = 4
FORK_BYTES, PROCESS_BYTES = 20 << 20, 80 << 20
"""The memory that one of them may need for itself."""


@app.command(
    cls=Command,
    short_help=N_("Let many processes grab one packet at the same moment."),
    help=N_(
        "They wait behind one gate until all are there; then everyone claims. It happens in a "
        "throw-away wallet. Afterwards the money is counted: not a fen may be lost."
    ),
    epilog="hongbao race\nhongbao race --people 8 --shares 3 --turns",
)
def race(
    ctx: Context,
    people: Annotated[
        int,
        Option(
            "--people",
            metavar="COUNT",
            parser=whole("--people", 1, 100_000),
            help=N_("how many people grab it"),
        ),
    ] = 30,
    shares: Annotated[
        int,
        Option(
            "--shares",
            metavar="COUNT",
            parser=whole("--shares", 1),
            help=N_("how many shares the packet has"),
        ),
    ] = 10,
    processes: Annotated[
        int | None,
        Option(
            "--processes",
            metavar="COUNT",
            parser=whole("--processes", 1),
            show_default=False,
            help=N_("how many processes claim; default: one for each person"),
        ),
    ] = None,
    seed: Annotated[
        str,
        Option("--seed", metavar="TEXT", help=N_("decides people and packet, not who wins")),
    ] = SEED,
    turns: Annotated[
        bool,
        Option("--turns", help=N_("let the seed decide who is first, too")),
    ] = False,
    keep: Annotated[
        bool, Option("--keep", help=N_("keep the folder of the throw-away wallet"))
    ] = False,
) -> None:
    from hongbao.domain.policy import check_packet
    from hongbao.story.folders import lent_folder

    call = caller(ctx)
    check_packet(read_policy("standard").packet, TOTAL_FEN, shares)
    asked = people if processes is None else processes
    with (
        ending_tidily(),
        lent_folder("race", keep=keep) as folder,
        kept_anyway(call, folder, keep=keep),
    ):
        track = _Track(call, folder, seed)
        track.prepare(people, shares)
        count = track.fitting(asked)
        try:
            with ending_tidily():
                played = track.run(count, following_seed=seed if turns else None)
        except (Interrupted, SystemExit):
            track.say_interrupted()
            raise
        raced, checked = track.result(played, asked)
        raced["kept"] = str(track.home) if keep else None
    _answer(call, raced, checked)


def _answer(call: "Caller", raced: "Raced", checked: "Checked") -> None:
    """Answer with what was *raced*, or raise what went wrong with it."""
    from hongbao.ui.race import show_raced

    stuck = sum(racer["exit_code"] == _STUCK for racer in raced["racers"])
    call.answer(raced, show_raced)
    if raced["kept"] is not None:
        say_kept(call, raced["kept"])
    prove(raced["lost_fen"], raced["total_fen"], checked)
    if stuck:
        raise RaceStuck(failed=stuck)


_STUCK = -1000
"""What stands for the exit code of a process that did not end."""


class _Track:
    """Where a race takes place: a sandbox with one packet in it, and processes that want it."""

    def __init__(self, call: "Caller", folder: Path, seed: str) -> None:
        from hongbao.story.player import variables_in

        self.call = call
        self.folder = folder
        self.home = folder / "home"
        self.seed = seed
        self.env = call.env._replace(home=self.home)
        self.variables = variables_in(folder, self.home, "en", None, call.env.variables)
        self.people: list[str] = []
        self.packet = ""
        self.shares = 0

    def prepare(self, people: int, shares: int) -> None:
        """Make the people, and have one more of them send the packet."""
        from hongbao.wallet import Wallet
        from hongbao.wallet.sandbox import everyones_pin, make_sandbox

        policy = read_policy("standard")
        made = make_sandbox(self.env, self.home, policy, people=people + 1, seed=self.seed, rich=1)
        self.people = [person["profile"] for person in made["people"][1:]]
        self.shares = shares
        with Wallet.open(self.env) as wallet:
            sent = wallet.send(TOTAL_FEN, pin=everyones_pin, count=shares)
        self.packet = sent["packet"]

    def fitting(self, asked: int) -> int:
        """Return how many processes this machine has room for, and say if that is fewer."""
        from hongbao.story import running

        forks = running.can_fork(self.variables)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        most = max(PER_CORE * (cores or 1), FORKS_MIN if forks else 1)
        room = _free_bytes() // (2 * (FORK_BYTES if forks else PROCESS_BYTES))
        if asked <= min(most, room):
            return asked
        if room < most:
            self.call.remark(
                N_("note: {count} instead of {asked}, since there is no memory for more processes"),
                count=max(room, 1),
                asked=asked,
            )
            return max(room, 1)
        self.call.remark(
            N_("note: {count} instead of {asked}, as many processes as this machine is good for"),
            count=most,
            asked=asked,
        )
        return most

    def run(self, count: int, *, following_seed: str | None) -> "Played":
        """Have *count* processes claim, in turns that a seed gives if there is one."""
        from hongbao.story import running
        from hongbao.story.parallel import at_once, by_seed
        from hongbao.ui.race import watching

        start = self.call.start
        if running.can_fork(self.variables):  # import once what each of them would
            self.call.run(["claim", _NO_PACKET], self.folder, self.variables, None)
        starts = [
            partial(self._started, start, self.people[number % len(self.people)])
            for number in range(count)
        ]
        with watching(count, self.shares, self._may_move) as watch:
            return at_once(
                starts,
                None if following_seed is None else by_seed(following_seed),
                seconds_max=running.SECONDS_MAX,
                watch=watch,
            )

    def _started(self, start: Any, profile: str, place: dict[str, str]) -> Any:
        words = ["claim", self.packet, "-p", profile, "--json"]
        return start(words, self.folder, self.variables | place, None)

    def _may_move(self) -> bool:
        from hongbao.ui.motion import is_wanted

        return is_wanted(self.call.settings, self.call.env.variables)

    def say_interrupted(self) -> None:
        """Say what the books are like after all processes have been killed."""
        from hongbao.wallet import Wallet

        with Wallet.open(self.env, trusting=True) as wallet:
            checked = wallet.check()
            left = wallet.show(self.packet)["remaining_fen"] if checked["ok"] else None
        failed = sum(not finding["ok"] for finding in checked["findings"])
        if left is None:
            self.call.remark(N_("all processes were ended; failed checks: {failed}"), failed=failed)
        else:
            self.call.remark(
                N_("all processes were ended; {left_fen} is left in the packet, nothing is lost"),
                left_fen=left,
            )

    def result(self, played: "Played", asked: int) -> "tuple[Raced, Checked]":
        """Count what came of it, by what the processes were told and by the books."""
        from hongbao.wallet import Wallet

        with Wallet.open(self.env, trusting=True) as wallet:
            checked = wallet.check()
            shown = wallet.show(self.packet)
        racers = [
            _racer(self.people[number % len(self.people)], ended, played.opened_at)
            for number, ended in enumerate(played.ended)
        ]
        ends = {
            id(racer): ended.ended_at for racer, ended in zip(racers, played.ended, strict=True)
        }
        refused = Counter(racer["error"] for racer in racers if racer["exit_code"])
        claimed_fen = sum(racer["amount_fen"] or 0 for racer in racers)
        lost_fen = TOTAL_FEN - claimed_fen - shown["remaining_fen"]
        is_timed = played.opened_at is not None
        if is_timed:
            racers.sort(key=lambda racer: (racer["seat"] or self.shares + 1, ends[id(racer)] or 0))
        raced: Raced = {
            "ok": checked["ok"] and not lost_fen,
            "seed": self.seed,
            "people": len(self.people),
            "shares": self.shares,
            "asked_processes": asked,
            "processes": len(racers),
            "packet": self.packet,
            "total_fen": TOTAL_FEN,
            "turns": None if is_timed else played.turns,
            "racers": racers,
            "winners": sum(racer["seat"] is not None for racer in racers),
            "refused": [{"error": error, "count": count} for error, count in refused.most_common()],
            "claimed_fen": claimed_fen,
            "left_fen": shown["remaining_fen"],
            "lost_fen": lost_fen,
            "starts": _times([racer["start_micros"] for racer in racers]),
            "claims": _times([racer["claim_micros"] for racer in racers]),
            "entries": checked["entries"],
            "digest": checked["digest"],
            "kept": None,
        }
        return raced, checked


_NO_PACKET = "hb_00000000"


def _free_bytes() -> int:
    """Return how much memory is free; plenty, where the system does not say."""
    with suppress(OSError, ValueError, AttributeError):
        with suppress(OSError), Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) << 10
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 1 << 40


def _racer(profile: str, ended: "Ended", opened_at: float | None) -> "Racer":
    answer: dict[str, Any] = {}
    for said in ended.said[:2]:
        with suppress(ValueError):  # a killed process prints nothing, or half a document
            answer |= json.loads(said)
    start = claim = None
    if opened_at is not None and ended.ready_at is not None:
        start = _micros(ended.ready_at - ended.started_at)
        if ended.ended_at is not None:
            claim = _micros(ended.ended_at - opened_at)
    return {
        "profile": profile,
        "exit_code": _STUCK if ended.exit_code is None else ended.exit_code,
        "error": answer["error"]["code"] if "error" in answer else None,
        "seat": answer.get("seat"),
        "amount_fen": answer.get("amount_fen"),
        "start_micros": start,
        "claim_micros": claim,
    }


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _times(micros: "Sequence[int | None]") -> "Times | None":
    measured = [each for each in micros if each is not None]
    if not measured:
        return None
    return {
        "count": len(measured),
        "median_micros": median_low(measured),
        "slowest_micros": max(measured),
    }
