"""What it costs to start: `hongbao balance --json`, `claim` and help, as whole processes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.homes import CLAIMER, SENDER, env_of, found, send_packets
from bench.pairs import Comparison, compare

ROOT = Path(__file__).resolve().parent.parent

LAUNCH = "import sys; from {module} import main; sys.exit(main())"
"""What the script that pip installs for a command comes down to."""


def of_balance(folder: Path, pairs: int) -> tuple[Comparison, Comparison]:
    """
    Compare ``hongbao balance --json`` with a program that does nothing.

    Both are whole processes, started the same way from compiled files, and the home is where a
    person's would be. The second comparison names the home in HONGBAO_HOME, which spares a command
    the search for it.
    """
    variables = variables_in(folder)
    found(env_of(_home(variables)), SENDER)
    nothing = [sys.executable, "-c", LAUNCH.format(module="bench.nothing")]
    balance = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__")]
    balance += ["balance", "--json"]

    def compared(named: dict[str, str]) -> Comparison:
        for command in (nothing, balance):
            run(command, variables | named)  # once unmeasured: now all is compiled and cached
        return compare(
            lambda _number: run(balance, variables | named),
            lambda _number: run(nothing, variables | named),
            pairs,
        )

    return compared({}), compared({"HONGBAO_HOME": str(_home(variables))})


def of_help(folder: Path, pairs: int) -> Comparison:
    """Compare ``hongbao --help`` with the help of the program that does nothing."""
    variables = variables_in(folder)
    nothing = [sys.executable, "-c", LAUNCH.format(module="bench.nothing"), "--help"]
    ours = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__"), "--help"]
    for command in (nothing, ours):
        run(command, variables)  # once unmeasured
    return compare(
        lambda _number: run(ours, variables),
        lambda _number: run(nothing, variables),
        pairs,
    )


COUNTED = ("balance --json", "", "claim", "--help")
"""The commands whose instructions are counted."""


def counted(folder: Path) -> Iterator[tuple[str, float]]:
    """
    Yield each command of `COUNTED` with its instructions in units of the program's own.

    A busy machine does not change them. Both are counted by valgrind, from compiled files; nothing
    is yielded where there is none. The home lives by the rules that ship, as people's do.
    """
    if shutil.which("valgrind") is None:
        return
    variables = variables_in(folder)
    home = env_of(_home(variables))
    found(home, SENDER, topup_fen=50_000, patient=False)
    found(home, CLAIMER, patient=False)
    packets = iter(send_packets(home, 2))
    launch = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__")]
    nothing = [sys.executable, "-c", LAUNCH.format(module="bench.nothing")]
    for command in COUNTED:
        took = {}
        for counts in (False, True):  # the first time all is compiled
            arguments = command.split()
            if command == "claim":
                arguments += [next(packets), "--profile", CLAIMER]
            ours = [*launch, *arguments]
            theirs = [*nothing, *(["--help"] if command == "--help" else [])]
            for name, command_line in (("ours", ours), ("theirs", theirs)):
                if counts:
                    took[name] = _instructions(command_line, variables)
                else:
                    run(command_line, variables)
        yield command, took["ours"] / took["theirs"]


def _instructions(command: list[str], variables: dict[str, str]) -> int:
    counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(counting, env=variables, check=True, capture_output=True, text=True)
    total = re.search(r"Collected : (\d+)", done.stderr)
    assert total is not None
    return int(total[1])


def variables_in(folder: Path) -> dict[str, str]:
    """Return an environment in which a home, and what Python compiles, lies inside *folder*."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "HONGBAO", "XDG"))
    }
    return kept | {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }


def _home(variables: dict[str, str]) -> Path:
    """Return where hongbao looks for its home, in a process that has these *variables*."""
    ask = "from hongbao.env import system_env; print(system_env().home)"
    home = Path(run([sys.executable, "-c", ask], variables).strip())
    assert home.is_relative_to(variables["HOME"]), f"{home} is somebody's own"
    return home


def run(command: list[str], variables: dict[str, str]) -> str:
    """Run *command* with these *variables* and no others, and return what it prints."""
    done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    return done.stdout
