"""
Mutation testing: what share of small faults in the rules, the vault and the engine the tests find.

`make mutants` runs this, on everything or on ``MODULES="hongbao.domain.fees hongbao.vault.*"``.
mutmut makes the mutants and tries them, and remembers what it has tried; then a table says, by
module, how many were killed. The score is killed / all: timeouts, and mutants that no test reaches,
are on the wrong side. A mutant that only changes what a programmer reads (`raise ValueError("…")`)
is not made; module constants, tables and defaults are never mutated, and have tests of their own.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTANTS = ROOT / "mutants"

KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {33}
"""The exit codes of a mutant's tests: they failed, they passed, there are none that reach it."""


def counted() -> dict[str, Counter[str]]:
    """Return what became of the mutants of each module, of those that were tried."""
    found = {}
    for path in sorted((MUTANTS / "hongbao").rglob("*.py.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        counts = Counter(_fate(code) for code in codes if code is not None)
        if counts:
            found[str(path.relative_to(MUTANTS)).removesuffix(".py.meta")] = counts
    return found


def _fate(code: int) -> str:
    if code in KILLED:
        return "killed"
    if code in SURVIVED:
        return "survived"
    return "untested" if code in UNTESTED else "timeout"


def table(found: dict[str, Counter[str]]) -> str:
    """Return *found* as a table in Markdown, with a line for all of it."""
    lines = [
        "| module | mutants | killed | survived | no test | timeout |",
        "|---|---|---|---|---|---|",
    ]
    whole: Counter[str] = Counter()
    for module, counts in found.items():
        whole += counts
        lines.append(_line(f"`{module}`", counts))
    lines.append(_line("all", whole))
    return "\n".join(lines)


def _line(name: str, counts: Counter[str]) -> str:
    made = counts.total()
    killed = f"{counts['killed']} ({counts['killed'] * 1000 // max(made, 1) / 10} %)"
    rest = (counts["survived"], counts["untested"], counts["timeout"])
    return f"| {name} | {made} | {killed} | " + " | ".join(map(str, rest)) + " |"


def main() -> None:
    """Try the mutants of the modules that were named, or of all, and print the table."""
    modules = [module if module.endswith("*") else f"{module}*" for module in sys.argv[1:]]
    program = Path(sys.executable).parent / "mutmut"
    code = subprocess.call([program, "run", *modules], cwd=ROOT)  # noqa: S603 - all of it is ours
    print(table(counted()))
    sys.exit(code)


if __name__ == "__main__":
    main()
