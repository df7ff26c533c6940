"""
Mutation testing: what share of small faults in a room the tests find.

`make mutants` runs this, on the rooms that are tried whole or on ``MODULES="hongbao.domain.fees
hongbao.vault.*"``; ``SAMPLE=300`` tries so many of each room, drawn by ``SEED``; ``AGAIN=1`` tries
again what was not killed, and ``SURVIVORS=1`` only prints it, each as a change of the code.
mutmut makes the mutants and tries them, in a folder for each room under ``mutants/``, with the
tests of that room alone, and remembers what it has tried; then a table says, by module, how many
were killed. The score is killed / all: timeouts, and mutants that no test reaches, are on the
wrong side.

A mutant that only changes what a programmer reads (`raise ValueError("…")`) is not made; module
constants, tables and defaults are never mutated, and have tests of their own.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTANTS = ROOT / "mutants"
MUTMUT = str(Path(sys.executable).parent / "mutmut")

KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {33}
"""The exit codes of a mutant's tests: they failed, they passed, there are none that reach it."""


@dataclass(frozen=True)
class Room:
    """A package that is mutated, and the tests that each of its mutants is tried with."""

    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """
    Tests that wait, or that start, race or kill processes, are too slow to be run for each mutant;
    those that measure time would kill mutants that change nothing on a machine that is busy.
    """
    is_sampled: bool = False
    """Too large to be tried whole unless it is named."""


ROOMS = {
    "domain": Room(("tests/domain",)),
    "vault": Room(
        ("tests/vault",),
        left_out=(
            "tests/vault/test_crashes.py",
            "tests/vault/test_folder.py::test_a_rekey_under_way_is_not_mended_by_others",
            "tests/vault/test_folder.py::test_opening_wakes_only_what_it_needs",
            "tests/vault/test_folder.py::test_opening_while_others_lock_and_unlock_never_fails",
            "tests/vault/test_folder.py::test_eight_processes_that_create_at_once_have_one_key",
            "tests/vault/test_devices.py::test_processes_that_create_at_once_all_get_their_key",
            "tests/vault/test_authenticator.py::test_a_command_without_codes_does_not_wake_them",
            "tests/vault/test_head.py::test_a_note_takes_microseconds",
            "tests/vault/test_vault.py::test_a_chain_mac_takes_microseconds",
        ),
    ),
    "engines": Room(
        ("tests/engines", "tests/store"),
        left_out=(
            "tests/engines/test_kills.py",
            "tests/engines/test_processes.py",
        ),
    ),
    "wallet": Room(("tests/wallet",), is_sampled=True),
}

BESIDE = (
    "CHANGELOG.md",
    "Makefile",
    "README.md",
    "README.zh.md",
    "bench",
    "docs",
    "hatch_build.py",
    "hongbao",
    "pyproject.toml",
    "requirements",
    "tests",
    "tools",
)
"""What tests look at, beside the code."""


def laid_out(name: str) -> Path:
    """Return the folder in which mutmut tries the mutants of the room called *name*."""
    room, folder = ROOMS[name], MUTANTS / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in BESIDE:
        if not (folder / each).is_symlink():
            (folder / each).symlink_to(ROOT / each)
    settings = {
        "source_paths": ["hongbao"],
        "only_mutate": [f"hongbao/{name}/*"],
        "do_not_mutate_patterns": [r"raise (ValueError|TypeError)\("],
        "also_copy": [each for each in BESIDE if each != "hongbao"],
        "pytest_add_cli_args": (
            ["-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
        ),
        "pytest_add_cli_args_test_selection": (
            [*room.tests, *(f"--deselect={test}" for test in room.left_out)]
        ),
    }
    lines = ["[mutmut]"]
    for key, values in settings.items():
        lines.append(f"{key} = " + "\n    ".join(values if len(values) == 1 else ["", *values]))
    (folder / "setup.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def tried(name: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield each mutant of the room called *name*: its module, its name and its exit code."""
    made = MUTANTS / name / "mutants"
    for path in sorted((made / "hongbao" / name).rglob("*.py.meta")):
        module = str(path.relative_to(made)).removesuffix(".py.meta")
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        for mutant, code in codes.items():
            yield module, mutant, code


def counted(name: str, modules: list[str]) -> dict[str, Counter[str]]:
    """Return what became of the mutants of each module, of those that were tried."""
    found: dict[str, Counter[str]] = {}
    for module, mutant, code in tried(name):
        if code is not None and _is_asked_for(mutant, modules):
            found.setdefault(module, Counter())[fate(code)] += 1
    return found


def _is_asked_for(mutant: str, modules: list[str]) -> bool:
    return not modules or any(fnmatch(mutant, module) for module in modules)


def fate(code: int) -> str:
    """Return in a word what the exit *code* of a mutant's tests says."""
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


def sample_of(names: list[str], size: int, seed: int) -> list[str]:
    """Return *size* of *names*, the same ones for each *seed*, whatever order they come in."""
    return sorted(random.Random(seed).sample(sorted(names), min(size, len(names))))  # noqa: S311


def _run(name: str, mutants: list[str], children: int) -> int:
    """Have mutmut try *mutants* of a room, or all that were not tried yet; return its exit code."""
    command = [MUTMUT, "run", "--max-children", str(children), *mutants]
    return subprocess.call(command, cwd=laid_out(name))  # noqa: S603 - all of it is ours


def _made(name: str) -> list[str]:
    """Have mutmut make the mutants of a room without trying one, and return their names."""
    command = [MUTMUT, "run", "none of them"]
    ran = subprocess.run(  # noqa: S603 - all of it is ours
        command, cwd=laid_out(name), capture_output=True, text=True, check=False
    )
    if "nothing matches" not in ran.stderr:
        sys.exit(ran.stdout + ran.stderr)
    return [mutant for _, mutant, _ in tried(name)]


def _print_survivors(name: str, modules: list[str]) -> None:
    for _, mutant, code in tried(name):
        if code is not None and fate(code) != "killed" and _is_asked_for(mutant, modules):
            subprocess.call([MUTMUT, "show", mutant], cwd=laid_out(name))  # noqa: S603 - as above


def _rooms_of(modules: list[str]) -> dict[str, list[str]]:
    """Return the rooms in which some of *modules* may lie, each with the patterns for mutmut."""
    if not modules:
        return {name: [] for name, room in ROOMS.items() if not room.is_sampled}
    asked: dict[str, list[str]] = {}
    for module in modules:
        name = module.split(".")[1]
        asked.setdefault(name, []).append(module if module.endswith("*") else f"{module}*")
    return asked


def main() -> None:
    """Try the mutants of the modules that were named, or of all, and print the table."""
    parser = argparse.ArgumentParser(description="try mutants, and count those that tests find")
    parser.add_argument("modules", nargs="*", help="hongbao.domain.fees, hongbao.vault.*")
    parser.add_argument("--sample", type=int, help="try only so many of each room")
    parser.add_argument("--seed", type=int, default=1, help="which ones those are")
    parser.add_argument("--again", action="store_true", help="try again what was not killed")
    parser.add_argument("--survivors", action="store_true", help="only print what was not killed")
    parser.add_argument("--children", type=int, default=2, help="how many are tried at once")
    args = parser.parse_args()
    worst = 0
    found: dict[str, Counter[str]] = {}
    for name, modules in _rooms_of(args.modules).items():
        if args.survivors:
            _print_survivors(name, modules)
            continue
        mutants = modules
        if args.sample:
            names = [each for each in _made(name) if _is_asked_for(each, modules)]
            mutants = sample_of(names, args.sample, args.seed)
            print(f"{name}: {len(mutants)} of {len(names)} mutants, seed {args.seed}")
        elif args.again:
            codes = [each for each in tried(name) if _is_asked_for(each[1], modules)]
            mutants = [each for _, each, code in codes if code is None or code not in KILLED]
        if mutants or not args.again:
            worst = max(worst, _run(name, mutants, args.children))
        found |= counted(name, mutants if args.sample else modules)
    if not args.survivors:
        print(table(found))
    sys.exit(worst)


if __name__ == "__main__":
    main()
