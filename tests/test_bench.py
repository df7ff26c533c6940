"""The measurements can be made; what they measure is no test's business on a busy machine."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it measures for seconds, and nothing else stands on it

ROOT = Path(__file__).parent.parent

RATIOS = (
    "start of `balance --json` / a program that does nothing",
    "durable claim / its SQL run bare",
    "claim in a ledger of 1,000 transfers / of 300",
    "a period's statement in a ledger of 1,000 transfers / of 300",
)
"""What docs/reference/performance.md sets goals for, at the sizes of a quick run."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "run.py", "--quick", "--json", "--folder", folder],
        capture_output=True,
        check=True,
        text=True,
    )
    assert not [*folder.iterdir()], "a run leaves nothing behind"
    return {result["name"]: result for result in json.loads(done.stdout)["results"]}


@pytest.mark.parametrize("name", RATIOS)
def test_every_goal_is_measured(measured, name):
    """
    Each ratio that has a goal is printed, with the goal and how far its pairs lie apart.
    """
    result = measured[name]

    assert result["goal"] is not None
    assert 0 < result["compared"]["low"] <= result["value"] <= result["compared"]["high"]


def test_a_whole_ledger_is_checked(measured):
    """
    The long ledger that is generated is one that `check` finds nothing wrong with.
    """
    [name] = [name for name in measured if name.startswith("check of ")]

    assert int(name.split()[2].replace(",", "")) >= 1000
    assert measured[name]["value"] > 0
    assert measured["check, transfers a second"]["value"] > 0


MEASURED_HERE = {
    ("claim", "hongbao, one by one"),
    ("claim", "hongbao, in bulk"),
    ("start", "hongbao --version"),
    ("start", "hongbao balance --json"),
}
"""What `make bench-peers` measures wherever it runs; each of the others may be missing."""


def test_others_are_measured_beside_us_or_it_is_said_why_not(tmp_path):
    """
    Every line has a cost or a reason, ours has a cost, and nothing is left running or lying about.
    """
    done = subprocess.run(
        [sys.executable, ROOT / "bench/peers/run.py", "--quick", "--json", "--folder", tmp_path],
        capture_output=True,
        check=False,
        text=True,
    )
    assert 0 == done.returncode, done.stderr
    results = json.loads(done.stdout)["results"]

    assert not [*tmp_path.iterdir()]
    for result in results:
        assert bool(result["why_not"]) == (result["cost"] is None), result
    assert {(r["what"], r["who"]) for r in results if r["cost"] is not None} >= MEASURED_HERE


def test_the_simulation_is_held_against_the_real_thing():
    """
    Each figure that is simulated was measured, too, and says how far apart they are.
    """
    done = subprocess.run(
        [sys.executable, ROOT / "bench/validation.py", "--quick"],
        capture_output=True,
        check=True,
        text=True,
    )
    _head, *lines = done.stdout.splitlines()

    assert 8 == len(lines)
    for line in lines:
        measured, simulated = map(float, re.findall(r" (\d+\.\d)(?: ms)?(?= )", line))
        assert min(measured, simulated) > 0, line
        assert line.endswith("%: met" if abs(simulated / measured - 1) < 0.145 else "met"), line
