"""No line of words ends with a traceback, with exit code 1, or on the wrong stream."""

import os
import random

import pytest

from tests.every import every
from tests.fuzz import lines
from tests.fuzz.lines import Ran


def test_no_line_breaks_out():
    """
    A few lines, the same ones every day.
    """
    tried(seed=1, count=100)


@pytest.mark.slow
def test_none_of_very_many_lines_breaks_out():
    """
    HONGBAO_FUZZ_LINES lines, from HONGBAO_FUZZ_SEED or a seed that is printed.
    """
    seed = os.environ.get("HONGBAO_FUZZ_SEED") or random.SystemRandom().randrange(1 << 32)
    tried(seed=int(seed), count=int(os.environ.get("HONGBAO_FUZZ_LINES", "3000")))


def tried(seed: int, count: int) -> None:
    codes, faults = lines.tried(seed, count)
    by_code = dict(sorted(codes.items()))
    print(f"seed {seed}: {codes.total()} lines, by exit code: {by_code}")  # noqa: T201

    assert codes[0]
    assert not faults


@every(
    "ran",
    [
        Ran(["balance"], 1, "", "hongbao: error: unexpected"),
        Ran(["balance"], -1, "", "it hung"),
        Ran(["balance"], 3, "", "hongbao: error: not a documented code"),
        Ran(["balance"], 10, "", "Traceback (most recent call last):"),
        Ran(["balance"], 10, "", ""),
        Ran(["balance"], 10, "hongbao: error: no profile", "no"),
        Ran(["balance"], 0, "", "hongbao: error: no profile"),
        Ran(["--json", "balance"], 0, "10.00", ""),
        Ran(["--json", "balance"], 0, "", "{}"),
        Ran(["--json", "balance"], 0, "{}", "a note"),
        Ran(["--json", "balance"], 10, '{"error": {}}', ""),
        Ran(["--json", "balance"], 10, "", "{}"),
        Ran(["--json", "balance"], 10, "", '{"error": {}}\n{"error": {}}'),
    ],
)
def test_what_is_wrong_is_seen(ran: Ran):
    """
    A harness that sees nothing would find nothing.
    """
    assert lines.wrong(ran)
