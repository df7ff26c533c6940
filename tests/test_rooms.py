"""
The map of the house, read off the imports: who may know whom, and which library has which door.

This is a mirror, not a fence. When the house changes, change the map in the same commit.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePath
from typing import NamedTuple

import pytest

from tests.every import every

HOUSE = Path(__file__).parent.parent / "hongbao"

FLOORS = (
    # From the ground up. A room knows the floors below its own, and no other room on its floor.
    {"__init__"},
    {"documents", "questions", "rows", "units"},
    {"words"},
    {"parser_words"},
    {"errors"},
    {"domain"},
    {"answers", "gate", "parsed", "paths", "render", "terminal"},
    {"env", "inputs", "outputs", "packs", "policies", "training", "vault", "why"},
    {"settings", "store"},
    {"changes"},
    {"engines"},
    {"auditing"},
    {"home"},
    {"queries"},
    {"story", "wallet"},
    {"statements", "ui"},
    {"delivery", "lab", "recordings", "serving"},
    {"load"},
    {"classroom", "lessons"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

DOORS: dict[str, set[str]] = {
    "typer": {"commands"},
    "rich": {"ui"},
    "prompt_toolkit": {"ui"},
    "sqlcipher3": {"engines"},
    "sqlite_utils": {"engines"},
    "pymysql": {"engines"},
    "confluent_kafka": {"delivery"},
    "cryptography": {"vault"},
    "argon2": {"vault"},
    "keyring": {"vault"},
    "simpy": {"load"},
    "sklearn": {"training"},
    "platformdirs": {"env"},
    "xlsxwriter": {"statements"},
    "segno": {"statements"},
    "fpdf": {"statements"},
    "fontTools": {"statements"},
    "tomlkit": {"settings"},
    # Of the standard library, what says too much about its room to be met anywhere else.
    "gettext": {"words"},
    "tomllib": {"domain", "parsed", "why"},
    "getpass": {"terminal"},
    # Of the network's: one room sends events out; another takes claims at a socket that its owner
    # alone can open, or at this machine's own address, and is told to stop by a pair of sockets.
    "socket": {"delivery", "serving"},
    "ssl": {"delivery", "engines"},
    "http": {"delivery"},
    "urllib": {"delivery"},
    # And what has no door: a ledger outside SQLCipher would lie open, and there is no server.
    "sqlite3": set(),
    "pickle": set(),
    "asyncio": set(),
    "logging": set(),
}

SLOW = {
    *("argon2", "confluent_kafka", "cryptography", "fontTools", "fpdf", "keyring", "platformdirs"),
    *(
        "prompt_toolkit",
        "rich",
        "pymysql",
        "segno",
        "simpy",
        "sklearn",
        "sqlite_utils",
        "tomlkit",
        "xlsxwriter",
    ),
}
"""Libraries that cost more to wake than most commands take: only the function that needs one."""

WORLDLY = {
    *("os", "sys", "io", "pathlib", "shutil", "tempfile", "glob", "fcntl", "locale", "subprocess"),
    *("threading", "multiprocessing", "time", "random", "secrets", "importlib"),
}
"""What the rules never import: no files, no clock, no dice."""

CLOCK_AND_DICE = {
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    *("datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime"),
    *("time.ctime", "time.asctime", "time.strftime", "time.clock_gettime"),
    *("os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4"),
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM.generate_key",
}
"""What only `env` asks the system for. Measuring a duration is not asking what time it is."""

DICE = {"random", "secrets"}

EXCEPTIONS = {
    # Keys, salts and nonces never come from dice that a demo scripts: one repeated nonce would
    # open what AES-GCM sealed. So the safe takes the system's own source unless it is handed one.
    ("vault", "os.urandom"),
}

MONEY = {
    *("answers", "auditing", "domain", "engines", "statements", "store", "units"),
    *("home", "queries", "wallet"),
}
"""Rooms that touch amounts, where no float may be."""

MEASURING = {"domain/risk/magnitude.py", "domain/risk/places.py"}
"""Files in them that measure how large or how far, in whole steps: nothing they say is paid."""


class Import(NamedTuple):
    """A module that a file asks for, and whether it does so as soon as it is itself imported."""

    module: str
    line: int
    at_once: bool


parsed = lru_cache(maxsize=1)(ast.parse)
"""The tree of a source: one at a time, because those of all of them are a quarter of a gigabyte."""


@lru_cache(maxsize=1)
def walked(source: str) -> tuple[ast.AST, ...]:
    """Return every node of *source*."""
    return tuple(ast.walk(parsed(source)))


@cache
def imports(source: str) -> tuple[Import, ...]:
    """Return what *source* imports, by statement or by `importlib`, wherever it stands."""
    found: list[Import] = []
    _add_imports(parsed(source), found, at_once=True, calls="import_module" in source)
    return tuple(found)


_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


def _add_imports(node: ast.AST, found: list[Import], *, at_once: bool, calls: bool) -> None:
    match node:
        case ast.Import(names=names):
            found += [Import(name.name, node.lineno, at_once) for name in names]
        case ast.ImportFrom(module="hongbao", names=names):
            found += [Import(f"hongbao.{name.name}", node.lineno, at_once) for name in names]
        case ast.ImportFrom(module=module, level=level):
            found.append(Import("." * level + (module or ""), node.lineno, at_once))
        case ast.Call(
            func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=name), *_]
        ):
            found.append(Import(str(name), node.lineno, at_once))
    deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
        isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")
    )
    for child in ast.iter_child_nodes(node):
        if calls or isinstance(child, _STATEMENTS):
            _add_imports(child, found, at_once=at_once and not deferred, calls=calls)


def room_of(place: str) -> str:
    """Return the room that *place*, a path under the house, belongs to."""
    first = PurePath(place).parts[0]
    return PurePath(first).stem if first.endswith(".py") else first


def top(module: str) -> str:
    return module.partition(".")[0]


def looking_up(place: str, source: str) -> list[str]:
    """Return the imports in *source* that look up, across, or at a room that is not on the map."""
    room = room_of(place)
    found = []
    for module, line, _ in imports(source):
        if module.startswith("."):
            found.append(f"{line}: {module} is relative")
        if top(module) != "hongbao":
            continue
        other = module.split(".")[1] if "." in module else "__init__"
        if other == room:
            continue
        if other.startswith("__version__"):
            other = "__init__"
        if FLOOR.get(other, len(FLOORS)) >= FLOOR[room]:
            found.append(f"{line}: {room} imports {other}")
    return found


def strangers(place: str, source: str) -> list[str]:
    """Return the libraries that *source* meets although their door is elsewhere, or nowhere."""
    room = room_of(place)
    return [
        f"{line}: {module}"
        for module, line, _ in imports(source)
        if not module.startswith((".", "hongbao"))
        and room not in DOORS.get(top(module), {room} if top(module) in _STANDARD else set())
    ]


_STANDARD = sys.stdlib_module_names


def worldly(place: str, source: str) -> list[str]:
    """Return what a rule's *source* imports or calls that is not pure."""
    if room_of(place) != "domain":
        return []
    found = [f"{line}: {module}" for module, line, _ in imports(source) if top(module) in WORLDLY]
    for node in walked(source):
        match node:
            case ast.Call(func=ast.Name(id="open" | "print" | "input" | "exec" | "eval" as name)):
                found.append(f"{node.lineno}: {name}()")
    return found


def early(source: str) -> list[str]:
    """Return the slow libraries that *source* wakes although nobody has asked for them yet."""
    return [
        f"{line}: {module}"
        for module, line, at_once in imports(source)
        if at_once and top(module) in SLOW
    ]


def clock_and_dice(place: str, source: str) -> list[str]:
    """Return where *source* asks the system itself for the time or for chance."""
    room = room_of(place)
    if room == "env":
        return []
    meant = _meanings(source)
    found = [f"{line}: {module}" for module, line, _ in imports(source) if top(module) in DICE]
    for node in walked(source):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = dotted(node).partition(".")
            full = meant.get(first, first) + (f".{rest}" if rest else "")
            if full in CLOCK_AND_DICE and (room, full) not in EXCEPTIONS:
                found.append(f"{node.lineno}: {full}")
    return found


def dotted(node: ast.AST) -> str:
    """Return the name that *node* spells, as in ``os.path``; empty where it begins with no name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            before = dotted(value)
            return before and f"{before}.{attr}"
    return ""


def _meanings(source: str) -> dict[str, str]:
    """Return what each imported name in *source* stands for, in full."""
    meant = {}
    for node in walked(source):
        match node:
            case ast.Import(names=names):
                for name in names:
                    meant[name.asname or top(name.name)] = (
                        name.name if name.asname else top(name.name)
                    )
            case ast.ImportFrom(module=str(module), names=names):
                for name in names:
                    meant[name.asname or name.name] = f"{module}.{name.name}"
    return meant


def sql_clock_and_dice(source: str) -> list[str]:
    """Return where SQL in *source* would ask the system for the time or for chance."""
    return [
        f"{node.lineno}: {word}"
        for node in walked(source)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for word in ("current_timestamp", "current_date", "'now'", "randomblob(", "random()")
        if word in node.value.lower()
    ]


def floats(place: str, source: str) -> list[str]:
    """
    Return where *source*, in a room that touches money, has a float or makes one.

    `/` makes one of two whole numbers. Beyond the rules it also joins paths, so there it is only
    refused beside a name that ends in ``_fen``. A field of seconds may be a float: it is no money.
    """
    room = room_of(place)
    if room not in MONEY or place in MEASURING:
        return []
    seconds = {
        id(part)
        for node in walked(source)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target).endswith("_seconds")
        for part in ast.walk(node)
    }
    found = []
    for node in walked(source):
        if id(node) in seconds:
            continue
        match node:
            case ast.Constant(value=float(value)):
                found.append(f"{node.lineno}: {value}")
            case ast.Name(id="float"):
                found.append(f"{node.lineno}: float")
            case ast.BinOp(op=ast.Div(), left=ast.Call(func=ast.Name(id="Fraction"))):
                pass  # exact
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                if room in ("domain", "units") or "_fen" in ast.unparse(node):
                    found.append(f"{node.lineno}: {ast.unparse(node)}")
            case ast.Constant(value=str(text)) if " REAL" in text:
                found.append(f"{node.lineno}: REAL in SQL")
    return found


# --- the house ------------------------------------------------------------------------------------

PLACES = sorted(path.relative_to(HOUSE).as_posix() for path in HOUSE.rglob("*.py"))


def read(place: str) -> str:
    return (HOUSE / place).read_text(encoding="utf-8")


class Seen(NamedTuple):
    """All that is asked of one file: where it does what it should not, and its classes' bases."""

    looking_up: list[str]
    strangers: list[str]
    early: list[str]
    worldly: list[str]
    clock_and_dice: list[str]
    floats: list[str]
    broken: list[str]
    sql: list[str]
    json_in_sql: list[str]
    bases: dict[str, list[str]]


@cache
def seen(place: str) -> Seen:
    """Return what is asked of the file at *place*, at once, so that its tree need not be kept."""
    source = read(place)
    return Seen(
        looking_up(place, source),
        strangers(place, source),
        early(source),
        worldly(place, source),
        [*clock_and_dice(place, source), *sql_clock_and_dice(source)],
        floats(place, source),
        broken(place, source),
        sql(source),
        json_in_sql(source),
        {
            node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
            for node in walked(source)
            if isinstance(node, ast.ClassDef)
        },
    )


def test_every_room_is_on_the_map():
    """
    A new room is given its floor before anyone moves in.
    """
    assert set() == {room_of(place) for place in PLACES} - set(FLOOR)


@every("place", PLACES)
def test_imports_run_one_way(place: str):
    """
    Nothing looks up, and rooms on one floor do not know each other.
    """
    assert [] == seen(place).looking_up


@every("place", PLACES)
def test_each_library_has_one_door(place: str):
    """
    A reader who wants to know what we do with a library opens one room, and is done.
    """
    assert [] == seen(place).strangers


@every("place", PLACES)
def test_slow_libraries_sleep_until_they_are_needed(place: str):
    """
    A command wakes only the rooms that it needs.
    """
    assert [] == seen(place).early


@every("place", PLACES)
def test_the_rules_touch_nothing_of_the_world(place: str):
    """
    `domain` is the standard library and arithmetic: chance, time and files come in as arguments.
    """
    assert [] == seen(place).worldly


@every("place", PLACES)
def test_only_env_reads_the_clock_or_draws_chance(place: str):
    """
    So a test, a demo and a lesson can turn the clock and script the dice.
    """
    assert [] == seen(place).clock_and_dice


@every("place", PLACES)
def test_no_float_is_near_money(place: str):
    """
    Amounts are whole fen from the first character typed to the last row written.
    """
    assert [] == seen(place).floats


BROKEN = "hongbao.lab.broken"


def broken(place: str, source: str) -> list[str]:
    """Return where *source* imports an engine that is broken on purpose, without being the lab."""
    if room_of(place) == "lab":
        return []
    lines = [line for module, line, _ in imports(source) if module.startswith(BROKEN)]
    for node in walked(source):
        match node:
            case ast.ImportFrom(module="hongbao.lab", names=names):
                lines += [node.lineno for name in names if name.name == "broken"]
            case ast.Constant(value=str(text)) if text.startswith(BROKEN):
                lines.append(node.lineno)
    return [f"{line}: {BROKEN}" for line in sorted(set(lines))]


@every("place", PLACES)
def test_only_the_laboratory_imports_what_is_broken(place: str):
    """
    The engines in it lose money on purpose.
    """
    assert [] == seen(place).broken


def needed(node: ast.AST) -> Iterator[str]:
    """Yield the modules that *node* imports when it runs, and what might be modules in them."""
    match node:
        case ast.If() if dotted(node.test).endswith("TYPE_CHECKING"):
            return
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield from (f"{module}.{name.name}" for name in names)
            yield module
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _STATEMENTS):
            yield from needed(child)


def circle(sources: Mapping[str, str]) -> list[str]:
    """Return a circle of files that import each other, also in functions; empty without one."""
    files = {
        ".".join(PurePath("hongbao", place).with_suffix("").parts).removesuffix(".__init__"): place
        for place in sources
    }
    ties: dict[str, set[str]] = {}
    for place, source in sources.items():
        ties[place] = {files[module] for module in needed(ast.parse(source)) if module in files} - {
            place,
            str(PurePath(place).parent / "__init__.py"),
        }
    try:
        TopologicalSorter(ties).prepare()
    except CycleError as error:
        return [*error.args[1]]
    return []


def test_no_files_import_each_other_in_a_circle():
    """
    Also not by an import that waits in a function: such files cannot be read one after the other.

    A file of a package may import the package, whose functions choose among its files.
    """
    assert [] == circle({place: (HOUSE / place).read_text() for place in PLACES})


# --- each check has a fault that trips it ---------------------------------------------------------


@every(
    ("sources", "expected"),
    [
        (["from hongbao.b import f", "from hongbao.a import g"], True),
        (["from hongbao import b", "def f():\n    from hongbao.a import g"], True),
        (["import hongbao.b", "try:\n    import hongbao.a\nexcept ImportError:\n    pass"], True),
        (["import hongbao.b", "if TYPE_CHECKING:\n    import hongbao.a"], False),
        (["import hongbao.b", "x = 1"], False),
    ],
)
def test_a_circle_is_noticed(sources: list[str], expected: bool):
    """
    Types alone tie no files: they are gone when the program runs.
    """
    assert expected is bool(circle(dict(zip(("a.py", "b.py"), sources, strict=True))))


@every(
    ("place", "source"),
    [
        ("domain/packet.py", "from hongbao.store import Store"),
        ("domain/packet.py", "from hongbao import wallet"),
        ("domain/packet.py", "import hongbao.wallet.claim"),
        ("wallet/claim.py", "def f():\n    from hongbao.ui import show"),
        ("store.py", "if TYPE_CHECKING:\n    from hongbao.wallet import Wallet"),
        ("vault/vault.py", "from hongbao.env import Env"),
        ("wallet/claim.py", "from hongbao.attic import Box"),
        ("wallet/claim.py", "from .cards import add_card"),
        ("errors/values.py", "from hongbao.domain.money import parse"),
    ],
)
def test_looking_up_is_noticed(place: str, source: str):
    """
    At the top, in a function, for types only, relative, across a floor, or at an unknown room.
    """
    assert 1 == len(looking_up(place, source))


@every(
    ("place", "source"),
    [
        ("wallet/claim.py", "import typer"),
        ("cli.py", "from rich.table import Table"),
        ("cli.py", "import sqlcipher3.dbapi2"),
        ("wallet/claim.py", "def f():\n    from argon2 import Type"),
        ("vault/vault.py", "import sqlite3"),
        ("wallet/claim.py", "import requests"),
        ("wallet/claim.py", "import click"),
        ("wallet/claim.py", "import importlib\nimportlib.import_module('keyring')"),
        ("domain/money.py", "import urllib.request"),
        ("ui.py", "import gettext"),
    ],
)
def test_a_library_out_of_its_room_is_noticed(place: str, source: str):
    """
    Ours, another's, the standard library's, or one that nobody has weighed yet.
    """
    assert 1 == len(strangers(place, source))


@every(
    "source",
    [
        "from hongbao.lab.broken import engine",
        "def f():\n    from hongbao.lab.broken.oversell import Broken",
        "from hongbao.lab import broken",
        "import hongbao.lab.broken.pin",
        "importlib.import_module(f'hongbao.lab.broken.{name}')",
    ],
)
def test_importing_what_is_broken_is_noticed(source: str):
    """
    By name, in a function, or by a name that is put together.
    """
    assert 1 == len(broken("wallet/claim.py", source))
    assert [] == broken("lab/detectors.py", source)


@pytest.mark.parametrize(
    "source",
    [
        "from rich.console import Console",
        "class Safe:\n    import argon2",
        "try:\n    import keyring\nexcept ImportError:\n    pass",
    ],
)
def test_waking_a_slow_library_early_is_noticed(source: str):
    """
    In a class or a try it is still waked on import.
    """
    assert 1 == len(early(source))


@pytest.mark.parametrize(
    "source",
    [
        "def show():\n    from rich.console import Console",
        "if TYPE_CHECKING:\n    from sqlite_utils import Database",
    ],
)
def test_waking_a_slow_library_late_is_fine(source: str):
    """
    In the function that needs it, or only for types.
    """
    assert [] == early(source)


@every(
    "source",
    ["import os", "from pathlib import Path", "import time", "open('rules')", "print(1)"],
)
def test_a_worldly_rule_is_noticed(source: str):
    """
    Files, time and talk have no place in a rule.
    """
    assert 1 == len(worldly("domain/money.py", source))


@every(
    "source",
    [
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
        "import datetime as dt\ndt.datetime.now()",
        "import datetime\nnow = datetime.datetime.utcnow",
        "from datetime import date as day\nday.today()",
        "import time\ntime.time()",
        "from time import time_ns\ntime_ns()",
        "import os\nos.urandom(16)",
        "from os import urandom as noise\nnoise(16)",
        "import uuid\nuuid.uuid4()",
        "import secrets",
        "from random import shuffle",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\nAESGCM.generate_key(256)",
    ],
)
def test_asking_the_system_for_time_or_chance_is_noticed(source: str):
    """
    By any name that an import gives it.
    """
    assert 1 == len(clock_and_dice("wallet/claim.py", source))


@every(
    "source",
    [
        "import time\ntime.perf_counter_ns()",
        "def claim(self):\n    return self.now()",
        "env.now()",
        "from datetime import datetime\ndatetime.fromisoformat('2026-02-16')",
        "chance = env.chance(32)",
    ],
)
def test_measuring_and_being_handed_a_clock_is_fine(source: str):
    """
    A duration is not the time, and a clock that was passed in is the ledger's.
    """
    assert [] == clock_and_dice("wallet/claim.py", source)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO entry VALUES (CURRENT_TIMESTAMP)",
        "SELECT datetime('now')",
        "SELECT hex(randomblob(16))",
        "ORDER BY random()",
    ],
)
def test_sql_that_asks_for_time_or_chance_is_noticed(sql: str):
    """
    The engine's own clock and dice are the system's too.
    """
    assert 1 == len(sql_clock_and_dice(f"RUN = {sql!r}"))


@every(
    ("place", "source"),
    [
        ("domain/fees.py", "rate = 0.001"),
        ("domain/fees.py", "def fee(amount: float) -> int: ..."),
        ("domain/fees.py", "half = total // 2 + total / 2"),
        ("domain/risk/measures.py", "share = out_fen / in_fen"),
        ("wallet/cash.py", "float('66.66')"),
        ("wallet/cash.py", "share_fen = total_fen / count"),
        ("store.py", "total_fen /= 2"),
        ("store.py", "SCHEMA = 'amount REAL NOT NULL'"),
        ("statements/csv.py", "f'{amount_fen / 100:.2f}'"),
    ],
)
def test_a_float_near_money_is_noticed(place: str, source: str):
    """
    Written, named, made by dividing, or stored.
    """
    assert 1 == len(floats(place, source))


@every(
    ("place", "source"),
    [
        ("wallet/homes.py", "ledger = env.data / 'ledger.db'"),
        ("domain/deal.py", "mean_fen, rest = divmod(total_fen, count)"),
        ("answers.py", "finished_in_seconds: float | None"),
        ("domain/policy.py", "rate = Fraction('0.1') / 100"),
        ("ui.py", "pause_seconds = 0.2"),
        ("domain/risk/places.py", "degrees = lat / 100"),
    ],
)
def test_what_is_no_money_is_fine(place: str, source: str):
    """
    A path is not divided, // keeps fen whole, a fraction is exact, and time is not money.
    """
    assert [] == floats(place, source)


WRITING = {"apply", "append", "overwrite_with", "rekey", "changing", "transaction"}
"""The verbs by which a ledger is changed, and what opens a transaction for it."""


def changes(source: str) -> list[str]:
    """Return where *source* asks the store for a change, or opens a transaction for one."""
    return [
        f"{node.lineno}: {node.func.attr}"
        for node in walked(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            node.func.attr in WRITING - {"append"}
            or (node.func.attr == "append" and ast.unparse(node.func.value).endswith("store"))
        )
    ]


def test_queries_change_nothing():
    """
    Whoever only looks cannot write, nor can what they call: the map has no way from them to an act.
    """
    found = {
        f"{place}:{line}"
        for place in PLACES
        if place.startswith("queries/")
        for line in changes(read(place))
    }

    assert set() == found


@pytest.mark.parametrize("source", ["home.store.apply([change])", "with home.changing(): pass"])
def test_a_query_that_writes_is_noticed(source: str):
    """
    By one of the store's verbs, or in a transaction of its own.
    """
    assert 1 == len(changes(source))


def test_every_change_to_the_ledger_passes_one_gate():
    """
    Nobody at the desk opens a transaction of their own: `Home.changing` keeps keys and pages as
    they are until it is over. What a machine has seen of the log is noted while the home is opened.
    """
    places = {
        place
        for place in PLACES
        if place.startswith(("home/", "queries/", "wallet/", "commands/"))
        and ".transaction(" in read(place)
    }

    assert {"home/log.py", "home/opened.py"} == places


SQL = re.compile(
    r"\s*(SELECT\s.+|INSERT\s+(OR\s+\w+\s+)?INTO\s.+|UPDATE\s+(\w+\s+SET\s.+)?|DELETE\s+FROM\s.+"
    r"|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|TRIGGER|VIEW)\s.+|PRAGMA\s.+|WITH\s+\w+\s.*AS\s*\(.*"
    r"|BEGIN(\s+IMMEDIATE)?|COMMIT|ROLLBACK|VACUUM.*)",
    re.DOTALL,
)


def sql(source: str) -> list[str]:
    """Return the texts in *source* that begin as a statement in SQL does."""
    return [
        f"{node.lineno}: {node.value[:40]}"
        for node in walked(source)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SQL.fullmatch(node.value)
    ]


@pytest.mark.parametrize(
    "source",
    [
        'db.execute("SELECT 1 FROM entry")',
        'x = f"UPDATE {table} SET a = 1"',
        'y = "DELETE FROM entry"',
        'ASK = """\n    WITH moved (a) AS (SELECT 1)\n"""',
        'db.execute("BEGIN IMMEDIATE")',
    ],
)
def test_sql_is_noticed(source: str):
    """
    In a call, in a name of its own, over several lines.
    """
    assert 1 == len(sql(source))


def test_nothing_outside_the_engines_knows_sql():
    """
    What asks the ledger speaks the words of `hongbao.store`; another engine need not know SQL.
    """
    found = {place: seen(place).sql for place in PLACES if not place.startswith("engines/")}

    assert {} == {place: texts for place, texts in found.items() if texts}


JSON_IN_SQL = re.compile(
    r"\bjsonb?_?\w*\s*\(|->|\binstr\s*\("
    r"|\b(facts|risk|terms|puzzle|error|text)\b\s+(NOT\s+)?(LIKE|GLOB|REGEXP|MATCH)\b",
    re.IGNORECASE,
)


def json_in_sql(source: str) -> list[str]:
    """Return the texts in *source* with which SQL would look into what is written as JSON."""
    return [
        f"{node.lineno}: {found[0]}"
        for node in walked(source)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and (found := JSON_IN_SQL.search(node.value)) is not None
    ]


@pytest.mark.parametrize(
    "text",
    [
        "facts ->> '$[1]'",
        "facts -> 1",
        "iif(json_valid(risk), 1, 0)",
        "json_extract(facts, '$[2]')",
        "SELECT value FROM json_each(facts)",
        "instr(risk, '\"reports\":[]') = 0",
        "WHERE risk LIKE '%asked%'",
        "WHERE terms NOT GLOB '*hold*'",
    ],
)
def test_sql_that_reads_json_is_noticed(text: str):
    """
    By its operators, its functions, or as if it were text.
    """
    assert 1 == len(json_in_sql(f"ASK = {text!r}"))


def test_no_sql_reads_json():
    """
    What the engine looks for, joins or adds up has a column; the rest is for those who know it.
    """
    found = {place: seen(place).json_in_sql for place in PLACES if place.startswith("engines/")}

    assert found
    assert {} == {place: texts for place, texts in found.items() if texts}


def test_no_class_has_more_than_two_ancestors_of_ours():
    """
    What classes share they call, so that each can be read alone; errors are families by design.
    """
    bases = {
        name: those
        for place in PLACES
        if not place.startswith("errors")
        for name, those in seen(place).bases.items()
    }

    def ancestors(name: str) -> set[str]:
        above = [base for base in bases.get(name, []) if base in bases]
        return set(above).union(*map(ancestors, above))

    assert set() == {name for name in bases if len(ancestors(name)) > 2}


VERBS_MAX = 55
"""
How many verbs the ledger's interface has; each takes work in every engine, so it only falls.

It has risen with lanes: the next entry's number and what readers may follow is the engine's, and a
worker asks it whether what it has kept has moved.
"""


def test_the_ledgers_interface_stays_small():
    """
    A verb for each question would be a thing that no second engine could keep up with.
    """
    (store,) = (
        node
        for node in ast.walk(parsed(read("store.py")))
        if isinstance(node, ast.ClassDef) and node.name == "Store"
    )
    verbs = {
        node.name
        for node in store.body
        if isinstance(node, ast.FunctionDef)
        and "property" not in map(ast.unparse, node.decorator_list)
    }

    assert VERBS_MAX == len(verbs)


def test_few_modules_know_which_engine_there_is():
    """
    Opening a home, making and restoring a copy, and repairing one; all others have the interface.
    """
    knowing = {
        place
        for place in PLACES
        if not place.startswith("engines/")
        and any(name.module.startswith("hongbao.engines") for name in imports(read(place)))
    }

    assert {
        "home/arrival.py",
        "home/clusters.py",
        "home/opening.py",
        "wallet/copies.py",
        "wallet/homes.py",
        "wallet/repair.py",
    } == knowing


# --- what really wakes ----------------------------------------------------------------------------


def test_the_first_import_of_each_room_wakes_nothing_slow():
    """
    What the imports say, the interpreter confirms: no library hides behind another of ours.
    """
    rooms = sorted({f"hongbao.{room_of(place)}" for place in PLACES} - {"hongbao.__main__"})
    woken = f"import sys, {', '.join(rooms)}; print(*sorted({SLOW!r} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", woken], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
