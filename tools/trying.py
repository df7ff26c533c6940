"""
Try mutants, each in a fork of one process that has collected the tests already.

`tools/mutants.py` starts this in a folder where mutmut has made mutants. It reads a line of JSON
for each mutant from standard input: its name, the tests that reach it, the quickest first, and how
many seconds those take; and it answers with an exit code and the name, as soon as they are known.
The tests that have killed other mutants of the same function are run before the rest.
"""

import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

import pytest

SURVIVED, KILLED, UNTESTED, TIMEOUT = 0, 1, 33, 36
PATIENCE = 15
"""How many times as long as without a mutant the tests may take, and as many seconds more."""

PAUSE_SECONDS = 0.002

KILLER = "killer"
"""The file in a mutant's folder that names the test which killed it."""


@dataclass(frozen=True)
class _Child:
    mutant: str
    folder: Path
    until: float


class Trying:
    """A plugin that tries mutants where pytest would run the tests it has collected."""

    def __init__(self, children_max: int) -> None:
        self._children_max = children_max
        self._running: dict[int, _Child] = {}
        self._killers: dict[str, list[str]] = {}
        """The tests that have killed mutants of a function, the last one first."""
        self._answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            sys.exit(report.longreprtext)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        factory: Any = vars(session.config)["_tmp_path_factory"]
        base = factory.getbasetemp()
        session.config.option.tbstyle = "native"  # a tenth of the time of what is nice to read
        for number, line in enumerate(sys.stdin):
            asked = json.loads(line)
            while len(self._running) >= self._children_max:
                self._wait()
            killers = self._killers.get(_function(asked["mutant"]), [])
            names = dict.fromkeys([*killers, *asked["tests"]])
            tests = [items[test] for test in names if test in items]
            if not number:  # all that others are tried with
                _wake(tests)
            if not tests:
                self._answer(asked["mutant"], UNTESTED)
                continue
            folder = base / f"mutant-{number}"
            folder.mkdir()
            seconds = PATIENCE * (1 + asked["seconds"])
            child = os.fork()
            if not child:
                factory._basetemp = folder  # noqa: SLF001 - so that nothing of it is left
                _try(asked["mutant"], tests, int(seconds), folder / KILLER)
            until = time.monotonic() + seconds
            self._running[child] = _Child(asked["mutant"], folder, until)
        while self._running:
            self._wait()
        return True

    def _wait(self) -> None:
        """Answer for those that have ended, or took too long; wait a moment if there is none."""
        for process, child in [*self._running.items()]:
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended and time.monotonic() < child.until:
                continue
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # with what its tests may have started
            if not ended:
                os.waitpid(process, 0)
                code = TIMEOUT
            else:
                code = os.waitstatus_to_exitcode(status)
            del self._running[process]
            with suppress(FileNotFoundError):
                killer = (child.folder / KILLER).read_text(encoding="utf-8")
                known = self._killers.setdefault(_function(child.mutant), [])
                known[:] = [killer, *(each for each in known if each != killer)]
            shutil.rmtree(child.folder, ignore_errors=True)
            self._answer(child.mutant, TIMEOUT if code == -signal.SIGXCPU else code)
            return
        time.sleep(PAUSE_SECONDS)

    def _answer(self, mutant: str, code: int) -> None:
        self._answers.write(f"{code} {mutant}\n")


def _wake(tests: list[pytest.Item]) -> None:
    """Import here what *tests* import while they run, which each mutant would have to otherwise."""
    mouth, pen = os.pipe()
    child = os.fork()
    if not child:
        for pair in zip(tests, [*tests[1:], None], strict=True):
            _fails(*pair)
        os.write(pen, " ".join(sys.modules).encode())
        os._exit(0)
    os.close(pen)
    with os.fdopen(mouth) as pipe:
        names = pipe.read().split()
    os.waitpid(child, 0)
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)


def _function(mutant: str) -> str:
    return mutant.rpartition("__mutmut_")[0]


def _try(mutant: str, tests: list[pytest.Item], seconds: int, killer: Path) -> None:
    """Run *tests* until one fails, which *killer* is to name, and end with what they say."""
    from mutmut.mutation.trampoline import set_mutant_under_test

    code = KILLED
    try:
        os.setsid()  # a session of its own, to be ended with all that it has started
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        limit = int(time.process_time()) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        set_mutant_under_test(mutant)
        following = [*tests[1:], None]
        for test, next_one in zip(tests, following, strict=True):
            if _fails(test, next_one):
                killer.write_text(test.nodeid, encoding="utf-8")
                break
        else:
            code = SURVIVED
    finally:
        os._exit(code)


def _fails(test: pytest.Item, following: pytest.Item | None) -> bool:
    failed = False

    class Reports:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            nonlocal failed
            failed = failed or report.failed

    reports = test.config.pluginmanager.register(plugin := Reports())
    assert reports is not None
    test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
    test.config.pluginmanager.unregister(plugin)
    return failed


if __name__ == "__main__":
    os.environ["MUTANT_UNDER_TEST"] = ""
    options = ["--rootdir=.", "-p", "no:terminal", "--capture=no", *sys.argv[2:]]
    sys.exit(pytest.main(options, plugins=[Trying(int(sys.argv[1]))]))
