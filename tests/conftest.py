"""What every test stands on: the same language, the same chance, nothing of this machine's own."""

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from hongbao import words

# Tests start hundreds of commands. Each would compile all of hongbao for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A home is synced to its disk with every act. Where memory can be a disk, nobody waits for one:
# what tests kill is a process, never the power.
_MEMORY = Path("/dev/shm")
_IS_ROOMY = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 << 30
if _IS_ROOMY and "TMPDIR" not in os.environ:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# Two cores that also run other tests make any deadline a coin toss. By default the same examples
# come every time, so that a failure is about the change at hand; `make test-all` explores anew.
settings.register_profile(
    "steady", deadline=None, derandomize=True, max_examples=50, print_blob=True
)
settings.register_profile("explore", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("steady")


# A shell that starts something in the background has it ignore Ctrl-C, and so whatever that
# starts: here it is pressed on purpose.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to meet again what chance has found."""
    if settings().derandomize:
        return "chance: the same examples every time"
    seed = config.getoption("hypothesis_seed") or "none: name one, or a failure is gone"
    return f"chance: --hypothesis-profile explore --hypothesis-seed {seed}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Leave most cases of tests that are tried ``in_turn`` to `make test-all`.

    ``in_turn(n, first)`` keeps each n-th case from *first* on, which of a matrix is a diagonal:
    each thing is tried, but not with each other thing.
    """
    met: Counter[str] = Counter()
    for item in items:
        for turn in item.iter_markers("in_turn"):
            test = item.nodeid.partition("[")[0]
            stride, first = (*turn.args, 0)[:2]
            if met[test] % stride != first:
                item.add_marker("slow")
            met[test] += 1


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _plain_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin in English, without the settings that whoever runs the tests has for a wallet."""
    for name in os.environ:
        if name.startswith("HONGBAO_"):
            monkeypatch.delenv(name)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HONGBAO_CONFIG", f"{os.devnull}/none")
    words.use_language("en")
    yield
    words.use_language("en")
