"""What something costs: processor time of every process that took part, and time on the clock."""

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

_PROC = Path("/proc")


class Cost(NamedTuple):
    """Seconds of processor time, and seconds."""

    cpu: float
    wall: float


def cost_of(act: Callable[[], object], server: int | None = None) -> Cost:
    """
    Return the cost of *act*: this process's, and that of the *server* with all its children.

    The system counts a server's time in nanoseconds, by each of its threads.
    """
    served, spent, begun = _cpu_of(server), process_time(), perf_counter()
    act()
    wall, cpu = perf_counter() - begun, process_time() - spent
    return Cost(cpu + _cpu_of(server) - served, wall)


def cost_of_program(command: Sequence[str | Path], env: dict[str, str], cwd: Path) -> Cost:
    """Return the cost of *command* from its start to its end, which must be a good one."""
    begun = perf_counter()
    process = subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _pid, status, used = os.wait4(process.pid, 0)
    wall = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said)
    return Cost(used.ru_utime + used.ru_stime, wall)


def middle(costs: Iterable[Cost], count: int = 1) -> Cost:
    """Return the medians of *costs*, each of *count* things."""
    each = [*costs]
    return Cost(median(c.cpu for c in each) / count, median(c.wall for c in each) / count)


def _cpu_of(server: int | None) -> float:
    if server is None:
        return 0.0
    return sum(map(_cpu_of_one, (server, *_children(server))))


def _children(pid: int) -> list[int]:
    found = list[int]()
    for task in (_PROC / str(pid) / "task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def _cpu_of_one(pid: int) -> float:
    """Return the seconds that the threads of *pid* have run."""
    total = 0
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except FileNotFoundError:  # it has ended in the meantime
        return 0.0
    return total / 1e9
