"""What it costs to start: `hongbao balance --json`, and help, as whole processes."""

import os
import subprocess
import sys
from pathlib import Path

from bench.homes import SENDER, env_of, found
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
    variables = _variables(folder)
    found(env_of(_home(variables)), SENDER)
    nothing = [sys.executable, "-c", LAUNCH.format(module="bench.nothing")]
    balance = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__")]
    balance += ["balance", "--json"]

    def compared(named: dict[str, str]) -> Comparison:
        for command in (nothing, balance):
            _run(command, variables | named)  # once unmeasured: now all is compiled and cached
        return compare(
            lambda _number: _run(balance, variables | named),
            lambda _number: _run(nothing, variables | named),
            pairs,
        )

    return compared({}), compared({"HONGBAO_HOME": str(_home(variables))})


def of_help(folder: Path, pairs: int) -> Comparison:
    """Compare ``hongbao --help`` with the help of the program that does nothing."""
    variables = _variables(folder)
    nothing = [sys.executable, "-c", LAUNCH.format(module="bench.nothing"), "--help"]
    ours = [sys.executable, "-c", LAUNCH.format(module="hongbao.__main__"), "--help"]
    for command in (nothing, ours):
        _run(command, variables)  # once unmeasured
    return compare(
        lambda _number: _run(ours, variables), lambda _number: _run(nothing, variables), pairs
    )


def _variables(folder: Path) -> dict[str, str]:
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
    home = Path(_run([sys.executable, "-c", ask], variables).strip())
    assert home.is_relative_to(variables["HOME"]), f"{home} is somebody's own"
    return home


def _run(command: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    return done.stdout
