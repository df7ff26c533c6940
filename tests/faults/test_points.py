"""A fault at every point: whole or not at all, and told truthfully (see `harness`)."""

import json
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from hongbao.commands.house import root_command
from tests.cli.test_explain import commands
from tests.faults import table
from tests.faults.commands import BY_NAME, NOT_TYPED, TYPED
from tests.faults.harness import Bench, Point, Unharmed, verdicts
from tests.faults.preload import SOURCE, compiled, environment

SAMPLE = 3
"""How many points are tried daily."""

SIZE = os.environ.get("HONGBAO_FAULTS", "1")
"""Which points there are: more with a greater size, until it is every one of them."""

MOST = os.environ.get("HONGBAO_FAULTS_MOST", "135" if SIZE == "1" else "0")
"""How many of each command's are tried, by a seed that is printed; 0 is all."""

NEEDS_COMPILER = pytest.mark.skipif(compiled() is None, reason="no C compiler for the shim")


def test_the_engine_lets_its_calls_be_changed():
    """
    The sample below stands on a symbol of the engine's library: this says when it has vanished.
    """
    assert table.has_table()


def test_every_command_is_typed_or_named():
    """
    A new one is added to the commands that faults happen to, or it is said why not.
    """
    typed = [each.words for each in TYPED]
    every = {name for name, _command in commands(root_command())}
    named = {name for names in NOT_TYPED.values() for name in names}

    assert every == named | {
        name for name in every if any(f"{words} ".startswith(f"{name} ") for words in typed)
    }


def test_a_sample_of_faults_in_the_engines_calls(tmp_path: Path):
    """
    A claim is killed, its writes are torn, its disk is full or broken, once or from then on.
    """
    bench = Bench(tmp_path, None)
    typed = BY_NAME["claim-now"]
    names = bench.lay_out("real")
    words = typed.words.format_map(names).split()
    before = bench.picture()
    calls = os.memfd_create("calls")

    def count(number: int) -> None:
        os.pwrite(calls, number.to_bytes(4, "big"), 0)

    ran = bench.play(words, lambda: table.watch(count))
    once = bench.looked(words, typed, checks=False)
    unharmed = Unharmed(before, ran, once)
    last = int.from_bytes(os.pread(calls, 4, 0), "big")
    os.close(calls)
    assert (0, 30) < (ran.code, last)
    chance = random.Random(14)
    kinds = ("kill-before", "torn", *table.KINDS)
    codes = set()

    for number in range(SAMPLE):
        point = Point("changes", chance.randint(1, last), chance.choice(kinds))
        point = point._replace(lasts=point.kind in table.KINDS and chance.random() < 0.5)
        bench.lay_out("real")

        def happens(at: int, point: Point = point) -> str | None:
            is_now = at == point.number or (point.lasts and at > point.number)
            return point.kind if is_now else None

        ran = bench.play(words, partial(table.watch, happens))
        codes.add(ran.code)
        found = bench.looked(words, typed, checks=number == 0)
        assert [] == list(verdicts(typed, point, ran, found, unharmed)), point

    assert len(codes) > 1  # a fault that never happens proves nothing


@pytest.fixture(scope="module")
def shares() -> list[list[dict[str, object]]]:
    """What two processes tell that share all points of all commands."""
    cores = min(2, os.cpu_count() or 1)
    seed = os.environ.get("HONGBAO_FAULTS_SEED") or str(random.SystemRandom().randrange(1 << 32))
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-P", "-X", "utf8", "-m", "tests.faults.harness"),
                *("--size", SIZE, "--most", MOST, "--seed", seed),
                *("--share", f"{number}/{cores}"),
            ],
            env={**environment(), "PYTHONPATH": str(SOURCE.parents[2])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(cores)
    ]
    told = [process.communicate()[0] for process in processes]
    lines = [[json.loads(line) for line in text.splitlines()] for text in told]
    return [[*each[:-1], {"seed": seed, **each[-1]}] for each in lines]


@pytest.mark.slow
@NEEDS_COMPILER
def test_a_fault_at_every_point_of_every_command(
    shares: list[list[dict[str, object]]], capsys: pytest.CaptureFixture[str]
):
    """
    Killed, torn, refused by the system, out of memory, interrupted, under a clock that jumps: the
    home opens and checks, the command is done whole or not at all, and what it said is so.
    """
    wrong = [line for told in shares for line in told if "wrong" in line and "tried" not in line]
    tried = [told[-1] for told in shares]
    with capsys.disabled():
        sys.stdout.write(f"\nfaults tried: {tried}\n")
        sys.stdout.writelines(f"wrong: {line}\n" for line in wrong)  # pytest would cut them off

    assert [] == wrong
    assert all("tried" in line for line in tried)
