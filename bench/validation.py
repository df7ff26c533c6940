"""
Hold the simulation against the real thing: ``python bench/validation.py``.

Two loads that were measured predict a third, and a kill at that one.
What is measured is the server of `hongbao serve --claims`, with real connections, a real ledger and
a real SIGKILL. Only its clock is one of ours: it counts the processor's time of its thread, and
waiting is skipped, so that other processes on this machine matter less.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hongbao.domain.arrivals import Sending, arrivals  # noqa: E402
from hongbao.domain.policy import parse_policy  # noqa: E402
from hongbao.domain.risk.pack import parse_pack  # noqa: E402
from hongbao.env import Env, chance_from, system_env  # noqa: E402
from hongbao.load.costs import Costs, Drawn, Group  # noqa: E402
from hongbao.load.crowd import Crowd  # noqa: E402
from hongbao.load.drill import NO_RULES  # noqa: E402
from hongbao.load.simulation import Kill, Limits, Load, Patience, Played, play, poisson  # noqa: E402
from hongbao.policies import text_of  # noqa: E402
from hongbao.serving import server as server_module  # noqa: E402
from hongbao.serving.protocol import request_line  # noqa: E402
from hongbao.serving.server import Server  # noqa: E402
from hongbao.serving.stopping import Sleeper  # noqa: E402
from hongbao.wallet import Wallet  # noqa: E402
from hongbao.wallet.bulk import BulkClaims  # noqa: E402
from hongbao.wallet.sandbox import make_sandbox  # noqa: E402
from hongbao.wallet.sessions import ClaimRequest  # noqa: E402


class Sizes(NamedTuple):
    """How much is measured."""

    claims: int  # of each run
    rounds: int

    @property
    def warm_up(self) -> int:
        """How many claims are answered before it counts: people and packets are known then."""
        return self.claims // 5


FULL, QUICK = Sizes(2500, 4), Sizes(800, 2)

PEOPLE = 60
PACKETS = 12
SHARES = 50
LINKS = 40

RECONNECT = 0.2
NOTICED = 0.1
ALL_ANSWERED = 2.0
"""How many seconds after the last claim all are answered, also those who asked a killed server."""
TOLERANCE = 0.15
"""How far a simulated figure may be from the measured one."""


class Clock:
    """The time of a node, in which only its own work passes, and waiting is skipped."""

    def __init__(self, now: float = 0.0) -> None:
        self._before = now
        self._since: float | None = time.thread_time()

    def monotonic(self) -> float:
        return self._before + (0.0 if self._since is None else time.thread_time() - self._since)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let what others do take no time of the node."""
        self._before, self._since = self.monotonic(), None
        try:
            yield
        finally:
            self._since = time.thread_time()

    def skip_to(self, moment: float) -> None:
        self._before += max(moment - self.monotonic(), 0.0)


class Coming(NamedTuple):
    """A claim that comes at some moment, and when it was first to come."""

    at: float
    planned: float
    asked: ClaimRequest


class Measured(NamedTuple):
    """How *late* each answer was, when it was *done*, and what the server's work has cost."""

    late: list[float]
    done: list[float]
    groups: list[Group]
    gateway_ns: int


def attended(
    wallet: Wallet,
    clock: Clock,
    coming: Sequence[Coming],
    warm_up: int,
    answered: Callable[[str, float], None],
) -> Measured:
    """Have the server answer all that is *coming*, in the time of *clock*."""
    groups: list[Group] = []
    in_groups: list[float] = []

    class Timed(BulkClaims):
        def claim(self, requests: Any) -> Any:
            began = time.thread_time_ns()
            answers = super().claim(requests)
            took = time.thread_time_ns() - began
            in_groups.append(took / 1e9)
            if len(late) >= warm_up:
                groups.append(Group(len(requests), took, 0))
            return answers

    left = sorted(coming, key=lambda each: each.at, reverse=True)
    planned = {each.asked.request_id: each.planned for each in left}
    late, done = [], []
    began = clock.monotonic()
    skipped = 0.0
    with ExitStack() as closing:
        closing.enter_context(patch.object(server_module, "time", clock))
        closing.enter_context(patch.object(server_module, "BulkClaims", Timed))
        sleeper = Sleeper()
        closing.callback(sleeper.close)
        server = closing.enter_context(Server(sleeper))
        with clock.stopped():
            links = [closing.enter_context(server.connected()) for _ in range(LINKS)]
            for link in links:
                link.setblocking(False)
            read = [b""] * LINKS
        number = 0
        while planned:
            with clock.stopped():
                while left and left[-1].at <= clock.monotonic():
                    links[number % LINKS].sendall(request_line(left.pop().asked, 60_000))
                    number += 1
            server.attend(wallet.home, 0)
            now = clock.monotonic()
            with clock.stopped():
                for place, link in enumerate(links):
                    try:
                        read[place] += link.recv(1 << 20)
                    except BlockingIOError:
                        continue
                    *lines, read[place] = read[place].split(b"\n")
                    for line in lines:
                        name = json.loads(line)["request_id"]
                        late.append(now - planned.pop(name))
                        done.append(now)
                        answered(name, now)
                wakes = [server.wakes_at(float("inf"))]
                wakes += [left[-1].at] if left else []
                until = min(wakes)
                if planned and until > clock.monotonic():
                    skipped += until - clock.monotonic()
                    clock.skip_to(until)
    work = clock.monotonic() - began - skipped - sum(in_groups)
    return Measured(late[warm_up:], done[warm_up:], groups, round(work * 1e9 / len(late)))


class Evening:
    """A home with people who ask for shares of packets that are sent just before."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self._sizes = sizes
        self.env: Env = system_env()._replace(home=folder / "home", variables={})
        policy = parse_policy(text_of("standard"), "standard")
        made = make_sandbox(self.env, self.env.home, policy, people=PEOPLE, seed="eve", rich=6)
        self._names = [person["profile"] for person in made["people"]]
        self._runs = 0
        with Wallet.open(self.env) as wallet:
            wallet.use_risk_pack(parse_pack(NO_RULES, "validation"))  # which would stop the flood
            self._crowd = Crowd(wallet.home, self._names, shares=SHARES)
            self._crowd.prepare()

    def coming(self, rate: float, seed: str) -> list[Coming]:
        """Send new packets, and return claims that come at random, so many a second."""
        self._runs += 1
        with Wallet.open(self.env) as wallet:
            self._crowd.use(wallet.home)
            for number in range(PACKETS):
                refused = self._crowd.send(Sending(0, number % 6, 100))
                assert refused is None, refused
        moments = poisson(rate, chance_from(seed))
        wanted = arrivals(
            seed.encode(),
            0,
            self._sizes.claims,
            people=PEOPLE,
            packets=len(self._crowd.packets),
        )
        return [
            Coming(at, at, self._crowd.request(f"{self._runs}-{number}", each))
            for number, (at, each) in enumerate(
                zip(moments, (each._replace(is_again=False) for each in wanted), strict=False)
            )
        ]

    def measured(self, rate: float, seed: str) -> Measured:
        coming = self.coming(rate, seed)
        with Wallet.open(self.env) as wallet:
            return attended(wallet, Clock(), coming, self._sizes.warm_up, lambda _name, _at: None)

    def killed(self, rate: float, seed: str, at: float) -> tuple[Measured, float]:
        """
        Kill the server at a moment of that load.

        Return what came of it, and how long the server was away.
        """
        coming = self.coming(rate, seed)
        notes = self.env.home.parent / f"answers-{seed}"

        def lives() -> None:
            clock = Clock()
            with Wallet.open(self.env) as wallet, notes.open("w") as file:
                clock = Clock()

                def answered(name: str, now: float) -> None:
                    file.write(f"{name} {now}\n")

                def dies(*_args: object) -> None:
                    if clock.monotonic() >= at:
                        file.flush()
                        os.kill(os.getpid(), signal.SIGKILL)

                append = wallet.store.append

                def appended(*args: Any, **named: Any) -> Any:
                    done = append(*args, **named)
                    dies()  # what it has written is not committed
                    return done

                wallet.store.append = appended  # type: ignore[method-assign]
                attended(wallet, clock, coming, self._sizes.warm_up, answered)

        assert _ended(lives) == -signal.SIGKILL
        told = {
            name: float(now)
            for name, now in (line.split() for line in notes.read_text().splitlines())
        }
        before = time.thread_time()
        with Wallet.open(self.env) as wallet:
            down = time.thread_time() - before + NOTICED
            back = at + down
            uniform = chance_from(f"{seed}/again")
            again = []
            for each in coming:
                if each.asked.request_id in told:
                    continue
                moment = each.at
                if moment < back:
                    moment = max(moment, at)
                    while moment < back:
                        moment += RECONNECT * uniform()
                again.append(each._replace(at=moment))
            clock = Clock(back)
            second = attended(
                wallet,
                clock,
                again,
                self._sizes.warm_up,
                lambda name, now: told.update({name: now}),
            )
        planned = {each.asked.request_id: each.planned for each in coming}
        ends = sorted((now, now - planned[name]) for name, now in told.items())[
            self._sizes.warm_up :
        ]
        late, done = [late for _now, late in ends], [now for now, _late in ends]
        return Measured(late, done, second.groups, second.gateway_ns), down


BINS = (1, 2, 4, 8, 12, 16, 24, 32, 49, 50)
"""Groups of up to so many are taken together: few of them are of exactly the same size."""


def costs_from(runs: Sequence[Measured]) -> Costs:
    """Return the costs that were measured in *runs*, as `storm --simulate` has them."""
    bins: dict[int, list[Group]] = {}
    for run in runs:
        for group in run.groups:
            bins.setdefault(next(most for most in BINS if group.size <= most), []).append(group)
    groups = [
        Group(round(sum(group.size for group in some) / len(some)), each.worker_ns, 0)
        for some in bins.values()
        if len(some) > 5
        for each in some
    ]
    return Costs("file", tuple(run.gateway_ns for run in runs), tuple(groups), (1,))


def predicted(costs: Costs, rate: float, sizes: Sizes, kill: Kill | None = None) -> list[Played]:
    """
    Return runs of a simulation with *costs*, to which as many claims come as were measured.

    With a *kill* they end when all are answered, as what is measured does: who waits longest would
    be missing from one that ends with the last claim that comes.
    """
    found = []
    last = sizes.claims / rate
    for seed in range(20):
        uniform = chance_from(f"predicted {seed}")
        drawn = Drawn(costs, uniform, again=False)
        found.append(
            play(
                Load(
                    rate,
                    seconds=last - sizes.warm_up / rate + (0 if kill is None else ALL_ANSWERED),
                    warm_up=sizes.warm_up / rate,
                ),
                drawn,
                uniform,
                Limits(reading=drawn.reading, refusal=drawn.refusal),
                patience=Patience(reconnect=RECONNECT),
                kill=kill,
                arrivals=[takewhile(last.__gt__, poisson(rate, uniform))],
            )
        )
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that a *share* of *values* is below."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Figure(NamedTuple):
    """A figure of the third load, *measured* and *simulated* from the two others."""

    name: str
    measured: float
    simulated: float

    @property
    def is_within(self) -> bool:
        """Whether the simulation came as near as `TOLERANCE`."""
        return abs(self.simulated / self.measured - 1) < TOLERANCE


def validate(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """Measure two loads, and yield what they predict of a third, and of a kill at that one."""
    evening = Evening(folder, sizes)
    flood = evening.measured(1e6, "most")
    work = sum(group.worker_ns for group in flood.groups)
    claims = sum(group.size for group in flood.groups)
    most = 1e9 / (work / claims + flood.gateway_ns)
    low, third, high = (round(most * share) for share in (0.2, 0.4, 0.6))
    runs: dict[int, list[Measured]] = {low: [], third: [], high: []}
    for number in range(sizes.rounds):
        for rate, found in runs.items():  # in turns, since a machine has its moods
            found.append(evening.measured(rate, f"{rate} {number}"))
    costs = costs_from(runs[low] + runs[high])
    yield Figure("claims a second that come", third, third)
    simulated = predicted(costs, third, sizes)
    for name, share in (("half within", 0.5), ("95% within", 0.95), ("99% within", 0.99)):
        yield Figure(
            name,
            median(quantile(run.late, share) for run in runs[third]),
            mean(quantile(run.late, share) for run in simulated),
        )
    seconds = (sizes.claims - sizes.warm_up) / third
    yield Figure(
        "answers a second",
        median(len(run.late) / (max(run.done) - min(run.done)) for run in runs[third]),
        mean(run.answered / seconds for run in simulated),
    )
    yield Figure(
        "claims in a group",
        median(len(run.late) / len(run.groups) for run in runs[third]),
        mean(run.answered / run.groups for run in simulated),
    )
    at = sizes.claims / third / 2
    kills = [evening.killed(third, f"killed {number}", at) for number in range(sizes.rounds)]
    down = median(each for _run, each in kills)
    simulated = predicted(costs, third, sizes, Kill(at, down))
    for name, share in (("99% within", 0.99), ("the slowest", 1.0)):
        yield Figure(
            f"killed, and back after {1000 * down:.0f} ms: {name}",
            median(quantile(run.late, share) for run, _down in kills),
            mean(quantile(run.late, share) for run in simulated),
        )


def _ended(act: Callable[[], object]) -> int:
    """Do *act* in a child, and return how that ended: 0, 1 if it raised, -9 if it was killed."""
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told(figure: Figure) -> str:
    """Return *figure* as a line."""
    scale, unit = (1000, " ms") if "within" in figure.name or "slowest" in figure.name else (1, "")
    measured, simulated = (f"{scale * each:.1f}{unit}" for each in figure[1:])
    off = 100 * (figure.simulated / figure.measured - 1)
    verdict = "met" if figure.is_within else "not met"
    return (
        f"{figure.name:<42}{measured:>12}{simulated:>12}{off:>+6.0f} %"
        f"  goal ≤ {100 * TOLERANCE:.0f} %: {verdict}"
    )


def main() -> None:
    """Measure, and print each figure as it comes."""
    options = argparse.ArgumentParser(description="Hold the simulation against the real thing.")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hongbao-bench-") as folder:
        print(f"{'':<42}{'measured':>12}{'simulated':>12}", flush=True)
        for figure in validate(Path(folder), QUICK if chosen.quick else FULL):
            print(told(figure), flush=True)


if __name__ == "__main__":
    main()
