"""
Measure what hongbao costs, as ratios: ``make bench``, or ``python bench/run.py``.

A time says more about the machine than about the program, so each goal is a ratio of two things
measured in turns on the same machine (see `bench.pairs`).
docs/reference/performance.md says what each means.
"""

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import bulk, claims, ledger, others, start, statements  # noqa: E402
from bench.pairs import Comparison  # noqa: E402
from hongbao.queries.check import Scope  # noqa: E402


class Sizes(NamedTuple):
    """How much is measured."""

    starts: int
    claims: int
    shorter: int  # transfers
    longer: int
    shares: int  # of each of its packets
    tries: int
    people: int  # who claim in bulk
    packets: int
    groups: tuple[int, ...]
    rounds: int


FULL = Sizes(
    *(60, 400, 10_000, 1_000_000, 100, 9),  # in their order above
    people=200,
    packets=100,
    groups=(10, 100, 1000),
    rounds=5,
)
QUICK = Sizes(*(3, 4, 300, 1_000, 5, 1), people=100, packets=2, groups=(5,), rounds=1)


START_GOALS = {"balance --json": 1.25, "": 1.25, "claim": 1.7, "--help": 1.3}
"""How many times the instructions of a program that does nothing each command may take."""


class Result(NamedTuple):
    """One line of the report: a ratio with its *goal*, or a plain figure in its *unit*."""

    name: str
    value: float
    unit: str = "×"
    goal: float | None = None
    compared: Comparison | None = None


def measure(sizes: Sizes, folder: Path) -> Iterator[Result]:
    """Yield each result as soon as it is known; *folder* is for homes that nobody needs later."""

    def place(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    def ratio(name: str, compared: Comparison, goal: float | None = None) -> Result:
        return Result(name, compared.ratio, goal=goal, compared=compared)

    unnamed, named = start.of_balance(place("start"), sizes.starts)
    yield ratio("start of `balance --json` / a program that does nothing", unnamed, 1.25)
    yield ratio("the same with the home named in HONGBAO_HOME", named)
    helped = start.of_help(place("help"), sizes.starts)
    yield ratio("`--help` / that program's own `--help`", helped, 1.3)

    for command, instructions in start.counted(place("counted")):
        name = f"`{command}`" if command else "bare `hongbao`"
        goal = START_GOALS[command]
        yield Result(
            f"instructions of {name} / a program that does nothing", instructions, goal=goal
        )

    claimed = claims.against_sql(place("claims"), sizes.claims)
    yield ratio("durable claim / its SQL run bare", claimed.against_sql, 2.2)
    added = claimed.against_sql.ours_seconds - claimed.against_sql.theirs_seconds
    yield Result("what the wallet adds to a claim's SQL", added * 1_000_000, "µs")
    yield ratio("durable claim / only its writes run bare", claimed.against_writes)
    yield ratio("a claim's SQL encrypted / the same in clear", claimed.encrypted)

    homes = place("homes")
    ledger.grow(homes / "shorter", sizes.shorter, sizes.shares)
    ledger.grow(homes / "longer", sizes.longer, sizes.shares)
    checked = others.check(homes / "longer")
    compared = others.check(homes / "longer", Scope.USUAL)
    only_new = others.check(homes / "longer", Scope.NEW)
    yield ratio(
        f"claim in a ledger of {sizes.longer:,} transfers / of {sizes.shorter:,}",
        claims.in_longer_ledger(homes / "longer", homes / "shorter", sizes.claims),
        1.1,
    )
    yield ratio(
        f"a period's statement in a ledger of {sizes.longer:,} transfers / of {sizes.shorter:,}",
        statements.of_a_period(
            homes / "longer",
            homes / "shorter",
            timedelta(seconds=sizes.shorter // 2),  # of one transfer a second
            sizes.claims // 4 + 2,
        ),
        1.1,
    )
    written = statements.whole(homes / "longer")
    yield Result("export, movements a second", written.movements_a_second, "/s")
    yield Result(f"check of {checked.transfers:,} transfers", checked.seconds, "s")
    yield Result("check, transfers a second", checked.transfers_a_second, "/s")
    yield Result("check --all, a transfer, of all cores", checked.cpu_micros, "µs")
    yield Result("check behind a checkpoint, a transfer", compared.cpu_micros, "µs")
    yield Result("check --new, a transfer", only_new.cpu_micros, "µs")
    for group in bulk.by_group(
        place("bulk"), sizes.people, sizes.packets, sizes.groups, sizes.rounds
    ):
        of = f"claims in groups of {group.group:,}"
        yield Result(f"{of}, a CPU second", group.claims_a_second, "/s")
        yield Result(f"{of}, as many as one by one", group.alone_seconds / group.seconds)
        yield Result(
            f"{of}, CPU time / only its writes run bare", group.seconds / group.sql_seconds
        )
    opened = others.opening(homes / "longer", sizes.tries)
    yield Result("opening a home, in a process that is awake", opened * 1000, "ms")
    tried = others.pin_try(place("pin"), sizes.tries)
    yield Result("one try at a PIN", tried * 1000, "ms")


def told(result: Result) -> str:
    """Return *result* as a line for people."""
    compared = result.compared
    if compared is None:
        digits = {"/s": 0, "×": 2}.get(result.unit, 1)
        line = f"{result.name:<62} {result.value:>9,.{digits}f} {result.unit}"
        return line + _verdict(result)
    line = f"{result.name:<62} {result.value:>9.2f} ×  [{compared.low:.2f} – {compared.high:.2f}]"
    line += f"  {_short(compared.ours_seconds)} / {_short(compared.theirs_seconds)}"
    return line + _verdict(result)


def _verdict(result: Result) -> str:
    if result.goal is None:
        return ""
    verdict = "met" if result.value <= result.goal else "not met"
    return f"  goal ≤ {result.goal:.2f}: {verdict}"


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.01 else f"{seconds * 1_000_000:.0f} µs"


def machine() -> dict[str, Any]:
    """Return what decides the times, if not the ratios."""
    from sqlcipher3 import dbapi2

    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "sqlite": dbapi2.sqlite_version,
    }


def main() -> None:
    """Measure, and print each result as it comes."""
    options = argparse.ArgumentParser(description="Measure what hongbao costs, as ratios.")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    options.add_argument("--json", action="store_true", help="print one JSON document at the end")
    options.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp") if Path("/var/tmp").is_dir() else None,
        help="where to make the homes, on the disk that is meant; it needs 2 GB for some minutes",
    )
    chosen = options.parse_args()
    results = []
    gc.freeze()
    with tempfile.TemporaryDirectory(prefix="hongbao-bench-", dir=chosen.folder) as folder:
        if not chosen.json:
            print(" · ".join(f"{name} {value}" for name, value in machine().items()), flush=True)
            print("median of pairs [their middle half]", flush=True)
        for result in measure(QUICK if chosen.quick else FULL, Path(folder)):
            results.append(result)
            if not chosen.json:
                print(told(result), flush=True)
    if chosen.json:
        document = {
            "machine": machine(),
            "results": [
                result._asdict() | {"compared": result.compared and result.compared._asdict()}
                for result in results
            ],
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
