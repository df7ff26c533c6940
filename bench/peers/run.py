"""
Measure hongbao beside others: ``make bench-peers``, or ``python bench/peers/run.py``.

Each does the same work in turns, in one run, and each turn's cost is the processor time of every
process that took part, next to the time on the clock. What cannot be had here is said, with the
reason, and left out. docs/reference/performance.md says what each of the others does not do.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench import ledger  # noqa: E402
from bench.homes import env_of  # noqa: E402
from bench.peers import ours, postgres, programs, redis  # noqa: E402
from bench.peers.costs import Cost, cost_of, cost_of_program, middle  # noqa: E402
from bench.peers.programs import Missing, Program  # noqa: E402
from bench.peers.redis import Claim  # noqa: E402
from hongbao import statements  # noqa: E402
from hongbao.wallet import Wallet  # noqa: E402

MEMBER = "member0"
PIPELINED = 100
NOW = 1_800_000_000


class Sizes(NamedTuple):
    """How much is measured."""

    turns: int
    packets: int  # of ten claims each, a turn
    transfers: int  # of the ledger that is exported, of three people
    starts: int


FULL = Sizes(turns=5, packets=100, transfers=30_000, starts=15)
QUICK = Sizes(turns=1, packets=2, transfers=300, starts=1)


class Result(NamedTuple):
    """What one of *what* costs *who*, or why it is not known."""

    what: str
    who: str
    cost: Cost | None
    why_not: str = ""


Turn = Callable[[], Cost]


def measure(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Yield each result as soon as it is known; *folder* is for what nobody needs later."""
    yield from claims(sizes, folder)
    yield from journals(sizes, folder)
    yield from starts(sizes, folder)


def claims(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Measure a claim: decided, written down, and on the disk before it is answered."""
    count = sizes.packets * ours.SHARES
    with ExitStack() as stack:
        turns: dict[str, Callable[[int], Cost]] = {}
        for name, begin in _CLAIMERS.items():
            place = folder / f"claims-{len(turns)}"
            place.mkdir()
            try:
                turns |= begin(stack, place, sizes)
            except Missing as missing:
                yield Result("claim", name, None, str(missing))
        for turn in turns.values():
            turn(-1)  # once for nothing: caches, plans, compiled scripts
        spent: dict[str, list[Cost]] = {name: [] for name in turns}
        for number in range(sizes.turns):
            for name, turn in turns.items():
                spent[name].append(turn(number))
        for name, costs in spent.items():
            yield Result("claim", name, middle(costs, count))


def _work(packets: list[str], turn: int) -> list[Claim]:
    return [
        (packet, person, f"turn{turn}-{number}-{person}")
        for number, packet in enumerate(packets)
        for person in ours.PEOPLE
    ]


def _names(turn: int, sizes: Sizes, by: str = "") -> list[str]:
    return [f"packet{by}{turn}-{number}" for number in range(sizes.packets)]


def _checked(answers: list[str], sizes: Sizes) -> None:
    """See that everybody got a share, and nothing is left over."""
    total_fen = sum(map(int, answers))
    assert total_fen == sizes.packets * ours.TOTAL_FEN, (total_fen, answers[:20])


def _ours(stack: ExitStack, folder: Path, sizes: Sizes) -> dict[str, Callable[[int], Cost]]:
    def turn_of(name: str, claim: str) -> Callable[[int], Cost]:
        (folder / name).mkdir()
        home = ours.Ours(folder / name)
        stack.callback(home.close)

        def turn(number: int) -> Cost:
            work, answers = _work(home.packets(sizes.packets), number), list[str]()
            cost = cost_of(lambda: answers.extend(getattr(home, claim)(work)))
            _checked(answers, sizes)
            return cost

        return turn

    return {
        "hongbao, one by one": turn_of("alone", "claim"),
        "hongbao, in bulk": turn_of("bulk", "claim_in_bulk"),
    }


def _redis(stack: ExitStack, folder: Path, sizes: Sizes) -> dict[str, Callable[[int], Cost]]:
    server = stack.enter_context(redis.server(programs.debian("redis-server"), folder))

    def turn_of(pipelined: int) -> Callable[[int], Cost]:
        def turn(number: int) -> Cost:
            packets, answers = _names(number, sizes, f"-{pipelined}-"), list[str]()
            for packet in packets:
                server.open(packet, ours.SHARES, ours.TOTAL_FEN, 2 * NOW)
            work = [
                (packet, person, f"{pipelined}-{request}")
                for packet, person, request in _work(packets, number)
            ]
            cost = cost_of(lambda: answers.extend(server.claim(work, NOW, pipelined)), server.pid)
            _checked(answers, sizes)
            return cost

        return turn

    return {
        "Redis + Lua, fsync always, one by one": turn_of(1),
        f"Redis + Lua, fsync always, {PIPELINED} at a time": turn_of(PIPELINED),
    }


def _postgres(stack: ExitStack, folder: Path, sizes: Sizes) -> dict[str, Callable[[int], Cost]]:
    program, library = programs.debian("postgres"), programs.index("python", "psycopg[binary]")
    server = stack.enter_context(postgres.server(program, library, folder))

    def turn_of(claim: str) -> Callable[[int], Cost]:
        def turn(number: int) -> Cost:
            packets, answers = _names(number, sizes, f"-{claim}-"), list[str]()
            server.open(packets, ours.PEOPLE, ours.SHARES, ours.TOTAL_FEN)
            work = [
                (packet, person, f"{claim}-{request}")
                for packet, person, request in _work(packets, number)
            ]
            cost = cost_of(lambda: answers.extend(getattr(server, claim)(work, NOW)), server.pid)
            _checked(answers, sizes)
            return cost

        return turn

    return {
        "PostgreSQL FOR UPDATE, statement by statement": turn_of("claim"),
        "PostgreSQL FOR UPDATE, one function": turn_of("claim_by_function"),
    }


_CLAIMERS: dict[str, Callable[[ExitStack, Path, Sizes], dict[str, Callable[[int], Cost]]]] = {
    "hongbao": _ours,
    "Redis": _redis,
    "PostgreSQL": _postgres,
}


def journals(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Measure a whole file: exported by us, and read and checked by others, from one ledger."""
    home = folder / "home"
    home.mkdir()
    ledger.grow(home, sizes.transfers, 2)
    with Wallet.open(env_of(home), profile=MEMBER) as wallet, wallet.statement() as statement:
        for name in ("beancount", "hledger", "ledger"):
            with (folder / f"export.{name}").open("wb") as out:
                statements.write(statement, name, out)
        count = statement.count
    turns: dict[tuple[str, str], tuple[Turn, int]] = {}

    def add(what: str, who: str, program: Callable[[], Program], *words: str) -> Iterator[Result]:
        try:
            found = program()
        except Missing as missing:
            yield Result(what, who, None, str(missing))
            return
        turns[what, who] = (lambda: cost_of_program([found.path, *words], found.env, folder), 1)

    hongbao = _hongbao(home)
    exported, read = f"{count:,} movements exported", f"{count:,} movements read"
    for name in ("beancount", "hledger", "ledger", "jsonl"):
        words = ("--profile", MEMBER, "export", "-o", "-", "--format", name)
        yield from add(exported, f"hongbao, as {name}", hongbao, *words)
    bean_check, hledger, classic = "bean-check", "hledger check --strict", "ledger --strict balance"
    yield from add(
        *(read, bean_check, lambda: programs.index("bean-check")),
        *("--no-cache", "export.beancount"),
    )
    yield from add(
        *(read, hledger, lambda: programs.debian("hledger")),
        *("check", "--strict", "-f", "export.hledger"),
    )
    yield from add(
        *(read, classic, lambda: programs.debian("ledger")),
        *("--strict", "--pedantic", "-f", "export.ledger", "balance"),
    )
    everything = f"{sizes.transfers:,} transfers checked"
    yield from add(everything, "hongbao check --all", hongbao, "check", "--all")
    yield from add(everything, "hongbao check, which has proven them before", hongbao, "check")
    yield from _in_turns(turns, sizes.turns)


def starts(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Measure a program that has nothing to do but start."""
    hongbao = _hongbao(folder / "home")
    turns: dict[tuple[str, str], tuple[Turn, int]] = {}
    for who, program, words in (
        ("hongbao --version", hongbao, ("--version",)),
        ("hongbao balance --json", hongbao, ("balance", "--json")),
        ("nutshell: cashu --help", lambda: programs.index("cashu"), ("--help",)),
        ("sqlite-utils --version", lambda: programs.index("sqlite-utils"), ("--version",)),
        ("hledger --version", lambda: programs.debian("hledger"), ("--version",)),
    ):
        try:
            found = program()
            command = [found.path, *words]
            env = {**found.env, "HOME": str(folder), "CASHU_DIR": str(folder / "cashu")}
            cost_of_program(command, env, folder)  # once for nothing: bytecode, first files
        except Missing as missing:
            yield Result("start", who, None, str(missing))
            continue
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines() or ["nothing said"]
            yield Result("start", who, None, f"it is installed, but fails: {said[-1]}")
            continue

        def turn(command: list[str | Path] = command, env: dict[str, str] = env) -> Cost:
            return cost_of_program(command, env, folder)

        turns["start", who] = (turn, 1)
    yield from _in_turns(turns, sizes.starts)


def _in_turns(turns: dict[tuple[str, str], tuple[Turn, int]], times: int) -> Iterator[Result]:
    spent: dict[tuple[str, str], list[Cost]] = {each: [] for each in turns}
    for _ in range(times):
        for each, (turn, _of) in turns.items():
            spent[each].append(turn())
    for (what, who), (_turn, of) in turns.items():
        yield Result(what, who, middle(spent[what, who], of))


def _hongbao(home: Path) -> Callable[[], Program]:
    program = Path(sys.executable).with_name("hongbao")
    return lambda: Program(program, {**os.environ, "HONGBAO_HOME": str(home), "LANGUAGE": "en"})


def shown(result: Result) -> str:
    """Return *result* as a line for people."""
    name = f"{result.what:<26} {result.who:<46}"
    if result.cost is None:
        return f"{name} not measured: {result.why_not}"
    return f"{name} {_time(result.cost.cpu):>10} {_time(result.cost.wall):>10}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1_000_000:.1f} µs"


def main() -> None:
    """Measure, and print each result as it comes."""
    options = argparse.ArgumentParser(description="Measure hongbao beside others.")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    options.add_argument("--json", action="store_true", help="print one JSON document at the end")
    options.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp") if Path("/var/tmp").is_dir() else None,
        help="where to make homes and run servers, on the disk that is meant",
    )
    chosen = options.parse_args()
    if not Path("/proc/self/schedstat").exists():
        sys.exit("bench-peers counts what servers use as Linux tells it; there is none here")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # then what was begun is cleared away
    folder = Path(tempfile.mkdtemp(prefix="hongbao-peers-", dir=chosen.folder))
    folder.chmod(0o711)  # PostgreSQL is not root, and passes through
    results = []
    try:
        if not chosen.json:
            print(f"{'of one':<26} {'by':<46} {'CPU':>10} {'clock':>10}", flush=True)
        for result in measure(QUICK if chosen.quick else FULL, folder):
            results.append(result)
            if not chosen.json:
                print(shown(result), flush=True)
    finally:
        shutil.rmtree(folder)
    if chosen.json:
        listed = [{**each._asdict(), "cost": each.cost and each.cost._asdict()} for each in results]
        print(json.dumps({"results": listed}, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
