"""
Mutation testing: what share of small faults in a room the tests find.

`make mutants` runs this, on the rooms that are tried whole or on ``MODULES="hongbao.domain.fees
hongbao.vault.*"``; ``SAMPLE=300`` tries so many of each room, drawn by ``SEED``; ``AGAIN=1`` tries
again what was not killed, and ``SURVIVORS=1`` only prints it, each as a change of the code.
Those of the wallet are tried with its quickest tests; ``ALL=1`` tries them with all of theirs.
mutmut makes the mutants and tries them, in a folder for each room under ``mutants/``, with the
tests of that room alone, and remembers what it has tried; then a table says, by module, how many
were killed. The score is killed / all: timeouts, and mutants that no test reaches, are on the
wrong side.

A mutant that only changes what a programmer reads (`raise ValueError("…")`) is not made; module
constants, tables and defaults are never mutated, and have tests of their own.
"""

import argparse
import ast
import json
import math
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTANTS = ROOT / "mutants"
MUTMUT = str(Path(sys.executable).parent / "mutmut")

TRYING = str(Path(__file__).with_name("trying.py"))

KILLED, SURVIVED, UNTESTED, SAME = {1, 3}, {0}, {33}, 34
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
    code: tuple[str, ...] = ()
    """The files that are mutated, where they are not the package of the room's name."""
    spared: tuple[str, ...] = ()
    """Those of them that have tests of their own elsewhere."""
    seconds_max: float = math.inf
    """What does not find a mutant in so many seconds, the quickest tests first, is not run."""
    is_sampled: bool = False
    """Too large to be tried whole unless it is named."""

    @property
    def selection(self) -> list[str]:
        return [*self.tests, *(f"--deselect={test}" for test in self.left_out)]


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
            "tests/engines/test_address.py",
            "tests/engines/test_changes.py::test_what_is_interrupted_leaves_nothing",
            "tests/engines/test_kills.py",
            "tests/engines/test_processes.py",
            "tests/store/test_damage.py::test_a_full_disk_keeps_the_ledger_that_was_to_be_replaced",
            "tests/store/test_damage.py::test_a_full_disk_leaves_a_rekey_for_later",
            "tests/store/test_damage.py::test_a_full_disk_leaves_no_half_backup",
            "tests/store/test_damage.py::test_a_full_disk_makes_no_home",
            "tests/store/test_damage.py::test_a_full_disk_refuses_an_act_whole",
            "tests/store/test_damage.py::test_a_ledger_that_was_cut_short_is_damaged",
            "tests/store/test_damage.py::test_a_payment_that_others_keep_waiting_half_way_is_pending",
            "tests/store/test_damage.py::test_a_whole_log_is_played_after_a_crash",
            "tests/store/test_damage.py::test_pages_are_not_copied_onto_a_ledger_that_somebody_writes",
            "tests/store/test_damage.py::test_one_wrong_byte_anywhere_in_the_ledger_is_found",
            "tests/store/test_damage.py::test_one_wrong_byte_in_the_log_is_found",
            "tests/store/test_strings.py",
        ),
        spared=("hongbao/engines/sqlcipher/salvage.py", "hongbao/engines/mysql/*"),
    ),
    "wallet": Room(
        tuple(
            f"tests/wallet/test_{name}.py"
            for name in (
                *("backup", "bill_import", "bulk", "bulk_groups", "cash", "challenges"),
                *("channel", "checkpoint", "clock", "clock_turned_back", "devices", "draws"),
                *("epochs", "facade", "facts", "foreign_files", "groups", "habits", "holds"),
                *("homes", "named_facts", "packets", "people", "queries", "receipts"),
                *("reconciliation", "recorded", "records", "refusals", "replay", "requests"),
                *("review", "risk", "settlement", "state", "strangers", "witness"),
            )
        ),
        left_out=tuple(
            f"tests/wallet/test_{test}"
            for test in (
                "bill_import.py::test_ten_who_bring_the_same_bill_at_once_bring_it_once",
                "bulk.py::test_any_claims_in_bulk_are_what_they_are_one_by_one",
                "bulk_groups.py::test_a_group_that_is_killed_happened_whole_or_not_at_all",
                "bulk_groups.py::test_workers_share_packets",
                "challenges.py::test_many_processes_guess_and_every_try_counts",
                "challenges.py::test_many_processes_use_one_pass_once",
                "clock.py::test_advancing_25_hours_is_advancing_25_times_one",
                "clock.py::test_however_the_clock_is_turned_the_ledger_is_the_same",
                "devices.py::test_many_devices_that_come_at_once_all_wait",
                "devices.py::test_of_many_with_one_code_one_goes_through",
                "devices.py::test_of_many_with_one_name_one_is_added",
                "groups.py::test_a_group_that_is_killed_happened_whole_or_not_at_all",
                "groups.py::test_groups_of_several_processes_stand_one_after_the_other",
                "holds.py::test_whatever_is_held_and_however_it_ends_no_money_is_made_or_lost",
                "reconciliation.py::test_a_large_day_is_reconciled_in_little_memory",
                "reconciliation.py::test_a_large_settlement_takes_little_memory",
                "records.py::test_any_period_opens_with_what_the_one_before_closed_with",
                "review.py::test_two_reviewers_at_once_are_one_decision",
                "risk.py::test_a_model_is_learned_from_what_happened_here",
            )
        ),
        spared=("hongbao/wallet/repair.py",),
        seconds_max=3,
        is_sampled=True,
    ),
    "repair": Room(
        ("tests/corruption/test_repair.py",),
        code=("hongbao/engines/sqlcipher/salvage.py", "hongbao/wallet/repair.py"),
    ),
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


OPTIONS = ["-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]


def laid_out(name: str) -> Path:
    """Return the folder in which mutmut makes the mutants of the room called *name*."""
    room, folder = ROOMS[name], MUTANTS / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in BESIDE:
        if not (folder / each).is_symlink():
            (folder / each).symlink_to(ROOT / each)
    settings = {
        "source_paths": ["hongbao"],
        "only_mutate": list(room.code) or [f"hongbao/{name}/*"],
        "do_not_mutate": list(room.spared),
        "do_not_mutate_patterns": [r"raise (ValueError|TypeError)\("],
        "also_copy": [each for each in BESIDE if each != "hongbao"],
        "pytest_add_cli_args": OPTIONS,
        "pytest_add_cli_args_test_selection": room.selection,
    }
    lines = ["[mutmut]"]
    for key, values in settings.items():
        if values:
            lines.append(f"{key} = " + "\n    ".join(values if len(values) == 1 else ["", *values]))
    (folder / "setup.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _metas(name: str) -> Iterator[Path]:
    """Yield the files in which mutmut keeps what became of the mutants of a room."""
    return iter(sorted((MUTANTS / name / "mutants" / "hongbao").rglob("*.py.meta")))


def tried(name: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield each mutant of the room called *name*: its module, its name and its exit code."""
    for path in _metas(name):
        module = str(path.relative_to(MUTANTS / name / "mutants")).removesuffix(".py.meta")
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        for mutant, code in codes.items():
            if code != SAME:
                yield module, mutant, code


def counted(name: str, mutants: list[str]) -> dict[str, Counter[str]]:
    """Return what became of those *mutants* of each module that were tried."""
    found: dict[str, Counter[str]] = {}
    asked = set(mutants)
    for module, mutant, code in tried(name):
        if code is not None and mutant in asked:
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


def _made(name: str) -> list[str]:
    """
    Have mutmut make the mutants of a room, and find which tests reach them; return their names.

    Those that differ in nothing that a machine reads are marked, and are not among them.
    """
    command = [MUTMUT, "run", "none of them"]
    ran = subprocess.run(  # noqa: S603 - all of it is ours
        command, cwd=laid_out(name), capture_output=True, text=True, check=False
    )
    if "nothing matches" not in ran.stderr:
        sys.exit(ran.stdout + ran.stderr)
    for path in _metas(name):
        kept = json.loads(path.read_text(encoding="utf-8"))
        source = path.with_suffix("").read_text(encoding="utf-8")
        same = _same_to_machines(source, is_sql="engines" in path.parts)
        for mutant in kept["exit_code_by_key"]:
            if mutant.rpartition(".")[2] in same:
                kept["exit_code_by_key"][mutant] = SAME
        path.write_text(json.dumps(kept, indent=4), encoding="utf-8")
    return [mutant for _, mutant, _ in tried(name)]


_SQL = re.compile(
    r"\b(select|from|where|join|and|or|order|group|values|union|pragma|set|using|limit|then|in)\b"
    r"|[=<>] ?\?"
)
"""What only SQL says, in `engines`."""

_CODECS = {"utf-8", "ascii"}


def _same_to_machines(source: str, *, is_sql: bool) -> set[str]:
    """
    Return the mutants in *source* that are their originals but for letter case that has no meaning.

    That of SQL outside of its quotes, and that of the names of codecs.
    """
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }
    plain = {name: _without_case(node, is_sql=is_sql) for name, node in functions.items()}
    return {
        name
        for name, text in plain.items()
        if not name.endswith("_orig") and text == plain[f"{name.rpartition('_')[0]}_orig"]
    }


def _without_case(function: ast.FunctionDef, *, is_sql: bool) -> str:
    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr):
            pieces = [each for each in node.values if isinstance(each, ast.Constant)]
            whole = " ".join(str(each.value) for each in pieces)
            if is_sql and _SQL.search(whole.lower()):
                _lower(pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if is_sql and _SQL.search(node.value.lower()):
                _lower([node])
            elif node.value.lower() in _CODECS:
                node.value = node.value.lower()
    function.name = ""
    return ast.dump(function)


def _lower(pieces: list[ast.Constant]) -> None:
    """Write in small letters what stands outside of quotes in *pieces* of one SQL text."""
    quote = ""
    for piece in pieces:
        letters = []
        for letter in str(piece.value):
            letters.append(letter if quote else letter.lower())
            if letter == quote:
                quote = ""
            elif not quote and letter in "'\"":
                quote = letter
        piece.value = "".join(letters)


def _run(name: str, mutants: list[str], children: int, most: float) -> None:
    """Try *mutants* of a room with their tests, the quickest first, for *most* seconds."""
    made = MUTANTS / name / "mutants"
    stats = json.loads((made / "mutmut-stats.json").read_text(encoding="utf-8"))
    seconds, reached = stats["duration_by_test"], stats["tests_by_mangled_function_name"]
    asked = []
    for mutant in mutants:
        tests = [
            test for test in reached.get(mutant.rpartition("__mutmut_")[0], []) if test in seconds
        ]
        tests.sort(key=seconds.__getitem__)
        sums = accumulate(map(seconds.__getitem__, tests))
        quick = [test for test, total in zip(tests, sums, strict=True) if total <= most]
        tests = quick or tests[:1]
        asked.append((sum(map(seconds.__getitem__, tests)), mutant, tests))
    used = {test for _total, _mutant, tests in asked for test in tests}
    control = (sum(map(seconds.__getitem__, used)), NO_MUTANT, sorted(used))
    lines = [
        json.dumps({"mutant": mutant, "tests": tests, "seconds": total})
        for total, mutant, tests in [control, *sorted(asked)]
    ]
    command = [sys.executable, TRYING, str(children), *OPTIONS, *ROOMS[name].selection]
    with tempfile.TemporaryFile("w+") as file:
        file.write("\n".join(lines))
        file.seek(0)
        with subprocess.Popen(  # noqa: S603 - all of it is ours
            command, cwd=made, stdin=file, stdout=subprocess.PIPE, text=True
        ) as trying:
            assert trying.stdout is not None
            codes: dict[str, int] = {}
            for number, line in enumerate(trying.stdout, 1):
                code, _, mutant = line.strip().partition(" ")
                codes[mutant] = int(code)
                if mutant == NO_MUTANT and codes[mutant] not in SURVIVED | UNTESTED:
                    trying.terminate()
                    sys.exit(f"{name}: tests fail without a mutant")
                if number % NOTED_EVERY == 0:
                    _note(name, codes)
                    print(f"{name}: {number} of {len(lines)}", flush=True)
            _note(name, codes)
    if trying.returncode or len(codes) < len(lines):
        sys.exit(f"{name}: {len(codes)} of {len(lines)} mutants were tried")


NOTED_EVERY = 25
NO_MUTANT = "none"
"""Tried first, with all tests that others are tried with: they have to pass."""


def _note(name: str, codes: dict[str, int]) -> None:
    """Keep what became of mutants where mutmut keeps it."""
    for path in _metas(name):
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = kept["exit_code_by_key"]
        new = {mutant: code for mutant, code in codes.items() if mutant in known}
        if any(known[mutant] != code for mutant, code in new.items()):
            known.update(new)
            path.write_text(json.dumps(kept, indent=4), encoding="utf-8")


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
        pattern = module if module.endswith("*") else f"{module}*"
        for name, room in ROOMS.items():
            codes = [_dotted(code) for code in room.code or (f"hongbao/{name}/",)]
            is_spared = any(pattern.startswith(_dotted(spared)) for spared in room.spared)
            is_met = any(fnmatch(code, pattern) or pattern.startswith(code) for code in codes)
            if all(fnmatch(code, pattern) for code in codes):
                asked[name] = []  # all of it
            elif is_met and not is_spared and asked.get(name, [pattern]):
                asked.setdefault(name, []).append(pattern)
    return asked


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("*").replace("/", ".")


def main() -> None:
    """Try the mutants of the modules that were named, or of all, and print the table."""
    parser = argparse.ArgumentParser(description="try mutants, and count those that tests find")
    parser.add_argument("modules", nargs="*", help="hongbao.domain.fees, hongbao.vault.*")
    parser.add_argument("--sample", type=int, help="try only so many of each room")
    parser.add_argument("--seed", type=int, default=1, help="which ones those are")
    parser.add_argument("--again", action="store_true", help="try again what was not killed")
    parser.add_argument("--all-tests", action="store_true", help="run slower tests, too")
    parser.add_argument("--survivors", action="store_true", help="only print what was not killed")
    parser.add_argument("--children", type=int, default=2, help="how many are tried at once")
    args = parser.parse_args()
    found: dict[str, Counter[str]] = {}
    for name, modules in _rooms_of(args.modules).items():
        if args.survivors:
            _print_survivors(name, modules)
            continue
        names = [each for each in _made(name) if _is_asked_for(each, modules)]
        if args.sample:
            sample = sample_of(names, args.sample, args.seed)
            print(f"{name}: {len(sample)} of {len(names)} mutants, seed {args.seed}")
            names = sample
        codes = {mutant: code for _, mutant, code in tried(name)}
        left = [each for each in names if _is_left(codes[each], again=args.again)]
        if left:
            most = math.inf if args.all_tests else ROOMS[name].seconds_max
            _run(name, left, args.children, most)
        found |= counted(name, names)
    if not args.survivors:
        print(table(found))


def _is_left(code: int | None, *, again: bool) -> bool:
    """Return whether a mutant is to be tried: it was not yet, or may be killed by newer tests."""
    return code is None or code in UNTESTED or (again and code not in KILLED)


if __name__ == "__main__":
    main()
