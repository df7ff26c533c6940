"""What every test stands on: the same language, the same chance, nothing of this machine's own."""

import compileall
import ctypes
import gc
import importlib
import mmap
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from hongbao import words
from tests import forks

if TYPE_CHECKING:
    from tests.cluster.nodes import Cluster

# Tests start hundreds of commands. Each would compile all of hongbao for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The collector took a tenth of all time: as rarely as in the command, where it is also set.
gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(optionalhook=True)  # mutants are tried without xdist
def pytest_xdist_auto_num_workers() -> int:
    """
    Return how many workers share the machine: three for two cores.

    A test that types at a terminal, or starts processes, waits a tenth of its time for them.
    """
    return max(1, (os.cpu_count() or 1) * 3 // 2)


# A home is synced to its disk with every act. Where memory can be a disk, nobody waits for one:
# what tests kill is a process, never the power.
_MEMORY = Path("/dev/shm")
_IS_ROOMY = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 << 30
if _IS_ROOMY and "TMPDIR" not in os.environ:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# Two cores that also run other tests make any deadline a coin toss, and how soon examples are made,
# too. By default the same examples come every time, so that a failure is about the change at hand;
# `make test-all` explores anew.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=500,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "mutants",  # the same examples for each mutant, whichever process tries it
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    phases=(Phase.explicit, Phase.generate),  # nobody reads the smallest example of a mutant
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("steady")


# A shell that starts something in the background has it ignore Ctrl-C, and so whatever that
# starts: here it is pressed on purpose. nohup does the same to a terminal that hangs up.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _resident_pages() -> int:
    """Return how much memory this process has, where the system says so."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0


def _give_back() -> None:
    """Have the C library return to the system what it keeps for later, where it can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to meet again what chance has found."""
    if settings().derandomize:
        return "chance: the same examples every time"
    seed = config.getoption("hypothesis_seed") or "none: name one, or a failure is gone"
    explored = f"--hypothesis-profile explore --hypothesis-seed {seed}"
    return f"chance: {explored}, all of it by `make SEED={seed} test-all`"


LAST = ("test_default_model.py", "test_training.py")
"""What brings a hundred megabytes of libraries along, which each fork after it pays for."""


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
    items.sort(key=lambda item: (item.path.name in LAST, _needs_three_nodes(item)))


def _needs_three_nodes(item: pytest.Item) -> bool:
    """Whether a test needs three nodes: in the time that `.ci/run` has, others come first."""
    return not {"galera", "sites"}.isdisjoint(getattr(item, "fixturenames", ()))


def _compile_a_share(config: pytest.Config) -> None:
    """
    Compile what was never run, each worker a part of it, before all of them need all of it.

    Workers collect in step: in a new clone each compiled everything, for seven seconds.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    root = Path(__file__).parent.parent
    files = {file for room in ("hongbao", "tests") for file in (root / room).rglob("*.py")}
    tests = {file for file in files if file.name.startswith("test_")}
    for file in sorted(files - tests)[number::count]:
        compileall.compile_file(file, quiet=2)
    for file in sorted(tests)[number::count]:  # pytest compiles them in its own way, on import
        if not any(file.parent.glob(f"__pycache__/{file.stem}.*-pytest-*.pyc")):
            with suppress(Exception, pytest.skip.Exception):  # it is raised again, and reported
                importlib.import_module(".".join(file.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage meanwhile: nearly all that collecting makes stays."""
    gc.disable()
    try:
        _compile_a_share(session.config)
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay until the end."""
    gc.collect()
    gc.freeze()


class _Kept:
    forks = forks.Often()
    pages = _resident_pages()
    grown = (16 << 20) // mmap.PAGESIZE


def pytest_runtest_logfinish() -> None:
    """
    Give back what a test has left behind, if it is much.

    Whatever this process has, each child that a later test forks pays for: a printed page leaves
    thirty megabytes in cycles of a few large objects, which the collector does not come to.
    """
    if _resident_pages() > _Kept.pages + _Kept.grown:
        gc.collect()
        _give_back()
        _Kept.pages = _resident_pages()
    if _Kept.forks.is_due():
        forks.in_large_pages()


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


@pytest.fixture(scope="session")
def one_node() -> "Iterator[Cluster]":
    """Have a MariaDB server of our own, for tests that are marked ``cluster``."""
    from tests.cluster import nodes

    yield from nodes.started("mariadb")


@pytest.fixture(scope="session")
def galera() -> "Iterator[Cluster]":
    """Have three MariaDB servers with Galera; a test leaves all of them running and joined."""
    from tests.cluster import nodes

    yield from nodes.started("galera")


@pytest.fixture(scope="session")
def sites() -> "Iterator[Cluster]":
    """Have three servers with Galera, whose networks can be parted; a test heals what it parts."""
    from tests.cluster import nodes

    yield from nodes.started("galera", sites=True)


@pytest.fixture(scope="session")
def seekdb() -> "Iterator[Cluster]":
    """Have OceanBase's SQL engine, on a Unix socket."""
    from tests.cluster import nodes

    yield from nodes.started("seekdb")
