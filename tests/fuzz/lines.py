"""
Lines of words as nobody would type them, each run in this process in a throw-away home.

From a seed come blocks of lines; each block begins in a fresh copy of the same sandbox, so it can
be repeated without those before it. What a line may do is judged by `wrong`.

    .venv/bin/python -m tests.fuzz.lines --seed 7 --lines 100000
    .venv/bin/python -m tests.fuzz.lines --seed 7 --block 31
"""

import argparse
import gc
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache, wraps
from pathlib import Path
from typing import Any, NamedTuple

from hongbao import cli
from hongbao.commands import house, options
from hongbao.commands.declared import REQUIRED, App, Declared, Kind, Value
from hongbao.commands.library import LibraryGroup, built
from hongbao.commands.options import kept_options
from hongbao.errors import ExitCode, HongbaoError
from hongbao.words import language
from tests.cli import stage
from tests.cli.test_reading import LEVELS

BLOCK = 50
"""How many lines are typed in the same home."""

SECONDS_MAX = 60
"""After how long a line hangs."""

CODES = frozenset(int(code) for code in ExitCode) - {ExitCode.UNEXPECTED}

NOT_RUN = {
    # They start programs, wait for events or keys, or play hundreds of commands of their own: only
    # lines that the command-line library answers itself.
    *("class", "demo", "drill", "lab", "learn", "live", "manual", "play", "race", "record"),
    *("repair", "serve", "storm", "watch", "webhook", "config edit", "risk train", "sandbox shell"),
}


class Ran(NamedTuple):
    """A line, its exit code, and what it said where."""

    words: list[str]
    code: int
    out: str
    err: str


# --- lines ----------------------------------------------------------------------------------------

GOOD = (
    *("小红", "小明", "小刚", "888888", "271828", "5", "0.01", "66.66", "100", "3", "icbc", "ccb"),
    *("2026-02-16", "2026-02", "2026", "30m", "7d", "1h", "last", "all", "plain", "csv", "json"),
    *("standard", "pboc-2015", "strict", "even", "lucky", "ok", "down", "off", "on", "up", "{hb}"),
    *("{rc}", "{ch}", "9999010000000003", "m1-1", "1", "2", "phone", "zh", "en", "bash", "sum"),
    *("at,amount", "+status", "恭喜发财", "given", "nowhere.csv", "a.json", "a.csv", "a.pdf"),
    *("pin", "pin", "identity", "bill.csv"),
)
EXAMPLES = {"{hb}": "hb_7Q2M4K9X", "{ch}": "ch_7Q2M4K9X", "{rc}": "rc_7Q2M4K9X"}
"""Of what is met while a block runs, and until then."""

BAD = (
    *("", " ", "-", "--", "-1", "-0.001", "0", "1e9", "NaN", "inf", "9" * 30, "9" * 4400, "０．５"),
    *(
        "٣",
        "²",
        "½",
        "hb_",
        "hb_00000000",
        "hb_7Q2M4K9",
        "ch_",
        "rc_",
        "\n",
        "a\nb",
        "\t",
        "\x1b[2J",
    ),
    *(
        "\udcff",
        "\udc80a",
        "\u202e",
        "e\u0301" * 40,
        "👨‍👩‍👧",
        "\ufeff",
        "\u2028",
        "红" * 5000,
        "a" * 9000,
    ),
    *(
        "..",
        ".",
        "/",
        "~",
        "~nobody/x",
        "given/none",
        "'",
        '"',
        "%s",
        "{0}",
        "${HOME}",
        "*",
        "=",
        "@",
    ),
    *("0001-01-01", "9999-12-31T23:59:59-14:00", "2026-02-30", "99999999999d", "1d1d", "=5", "a=b"),
    *("--no-such", "-Z", "-yn", "--json=1", "--help=1", "-p", "--profile=", "--", "help"),
)


def words_of(chance: random.Random) -> list[str]:
    """Return a line: mostly of what a command takes, sometimes out of order, or anything."""
    level = chance.choice(_LEVEL_NAMES)
    path, declared, kind = LEVELS[level]
    values = _values(declared, kind)
    line: list[str] = []
    for value in values:
        wanted = (
            value.param_type_name == "argument"
            or value.default is REQUIRED
            or chance.random() < min(0.25, 2 / len(values))
        )
        if wanted and chance.random() < 0.93:
            line += _typed(value, chance)
    for _extra in range(chance.choice((0, 0, 0, 0, 1, 1, 2))):
        line.insert(chance.randint(0, len(line)), _any(chance))
    if chance.random() < 0.1:
        chance.shuffle(line)
    if line and chance.random() < 0.05:
        line += line * chance.choice((1, 1, 40))
    front = chance.choice(((), (), (), ("--json",), ("-p", "小红"), ("-y",), ("-p", _any(chance))))
    if level == "events":  # which waits for more if it is to follow
        line = [word for word in line if not re.match("-f|-[a-z]*f|--f", word)]
    if any(word.startswith("--people") for word in line):
        line += ["--people", "3"]  # a sandbox of thousands takes minutes
    if any(level == each or level.startswith(f"{each} ") for each in NOT_RUN):
        line.insert(0, chance.choice(("--help", "--no-such", "-h")))
    if chance.random() < 0.02:
        path = (*path[:-1], path[-1] + chance.choice("xé-"))
    return [*front, *path, *line]


_LEVEL_NAMES = sorted(LEVELS)


@cache
def _values(declared: Declared, kind: Kind) -> list[Value]:
    """Return what a command takes, with what every command does."""
    kept = kept_options(kind, lambda _ctx: "")
    return [*declared.params, *(option for options in kept for option in options)]


def _typed(value: Value, chance: random.Random) -> list[str]:
    kind = getattr(value.kind, "__args__", None) or (
        [each.value for each in value.kind] if hasattr(value.kind, "__members__") else None
    )
    if value.is_flag:
        return [chance.choice(value.names)]
    text = _any(chance)
    fits = [*kind] if kind else _fitting(value)
    if fits and chance.random() < 0.9:
        text = str(chance.choice(fits))
    if value.param_type_name == "argument":
        return [text]
    name = chance.choice(value.names)
    return [f"{name}={text}"] if name.startswith("--") and chance.random() < 0.3 else [name, text]


@cache
def _fitting(value: Value) -> list[str]:
    """Return which of the good words *value* takes."""
    fits = []
    for word in GOOD:
        try:
            if value.parser is not None:
                value.parser(EXAMPLES.get(word, word))
        except (HongbaoError, ValueError):
            continue
        fits.append(word)
    return fits


def _any(chance: random.Random) -> str:
    return chance.choice(GOOD if chance.random() < 0.75 else BAD)


# --- running them ---------------------------------------------------------------------------------


class HungError(BaseException):
    """A line has not come to its end; no `except Exception` stops it."""


def _hung(*_: object) -> None:
    raise HungError


@contextmanager
def made_once() -> Iterator[None]:
    """
    Have what does not change between lines be made once, which is more than half of what they cost.

    That is the library's form of each command, in each language, and what each command declares. A
    process makes them once as well; here each new world does. What is awake is no garbage, and is
    not looked through again and again.
    """
    made: dict[tuple[str, App, type], Any] = {}
    params: Any = vars(Declared)["params"]
    shared = options._shared_options

    @wraps(built)
    def once(app: App, group: type[LibraryGroup] = LibraryGroup) -> Any:
        key = language(), app, group
        if key not in made:
            made[key] = built(app, group)
        return made[key]

    gc.collect()
    gc.freeze()
    vars(house)["built"] = once
    vars(options)["_shared_options"] = cache(shared)
    setattr(Declared, "params", property(cache(params.fget)))  # noqa: B010 - mypy would object
    try:
        yield
    finally:
        setattr(Declared, "params", params)  # noqa: B010
        vars(options)["_shared_options"] = shared
        vars(house)["built"] = built
        gc.unfreeze()


class World:
    """A folder in which blocks of lines are run, each in a copy of the same sandbox."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.begun = place / "begun"
        self.now = place / "now"
        self.begun.mkdir()
        (self.begun / "pin").write_text("888888\n", encoding="utf-8")
        (self.begun / "identity").write_text("张三\n11010519491231002X\n", encoding="utf-8")
        shutil.copy(
            Path(__file__).parents[1] / "bills/comma-in-nickname.csv", self.begun / "bill.csv"
        )
        (self.begun / "given").mkdir()
        (self.begun / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        with self._in(self.begun):
            made = self.run(["sandbox", "--json"])
            assert made.code == 0, made.err
            shutil.copytree(json.loads(made.out)["home"], self.begun / "home")
            assert self.run(["balance", "--json"]).code == 0

    @contextmanager
    def _in(self, folder: Path) -> Iterator[None]:
        before, at = dict(os.environ), Path.cwd()
        os.environ.clear()
        os.environ.update(
            PATH=before["PATH"],
            HOME=str(folder),
            XDG_DATA_HOME=str(folder / "xdg"),
            XDG_STATE_HOME=str(folder / "xdg"),
            XDG_CONFIG_HOME=str(folder / "xdg"),
            XDG_CACHE_HOME=str(folder / "xdg"),
            TMPDIR=str(folder),
            EDITOR="true",
            PAGER="",
            HONGBAO_LANG="en",
        )
        kept_tempdir, tempfile.tempdir = tempfile.tempdir, str(folder)
        stage._enter(
            {
                "folder": str(folder),
                "home": str(folder / "home"),
                "pin": str(folder / "pin"),
                "now": "2026-02-16T20:00:00+08:00",
            }
        )
        try:
            yield
        finally:
            os.chdir(at)
            os.environ.clear()
            os.environ.update(before)
            tempfile.tempdir = kept_tempdir

    def run(self, words: Sequence[str]) -> Ran:
        """Run a line, with nothing to read and no terminal."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(), "utf-8")
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = int(cli.main([*words]))
            finally:
                sys.stdin = before
        return Ran([*words], code, stage._read(out, "replace"), stage._read(err))  # PDF is no text

    def block(self, seed: str) -> Iterator[Ran]:
        """Run a block of lines of *seed*, and yield each; the last may be one that broke out."""
        chance = random.Random(seed)
        shutil.rmtree(self.now, ignore_errors=True)
        shutil.copytree(self.begun, self.now)
        met: dict[str, list[str]] = {}
        signal.signal(signal.SIGALRM, _hung)
        with self._in(self.now):
            for _line in range(BLOCK):
                words = [_meant(word, met, chance) for word in words_of(chance)]
                signal.alarm(SECONDS_MAX)
                try:
                    ran = self.run(words)
                except HungError:
                    ran = Ran(words, -1, "", f"it hung for {SECONDS_MAX} seconds")
                except BaseException as error:  # noqa: BLE001 - that is what is looked for
                    ran = Ran(words, -1, "", f"Traceback: {type(error).__name__}: {error}")
                finally:
                    signal.alarm(0)
                for kind, new in re.findall(r"\b((?:hb|rc|ch))(_[0-9A-Z]{8})\b", ran.out + ran.err):
                    known = met.setdefault(kind, [])
                    if kind + new not in known and len(known) < 9:
                        known.append(kind + new)
                with suppress(FileNotFoundError):
                    os.chdir(self.now)
                yield ran


def _meant(word: str, met: dict[str, list[str]], chance: random.Random) -> str:
    kind = word.strip("{}")
    if word == f"{{{kind}}}" and met.get(kind):
        return chance.choice(met[kind])
    return EXAMPLES.get(word, word)


# --- judging them ---------------------------------------------------------------------------------


def wrong(ran: Ran) -> str | None:
    """Return what is wrong with how a line ended, or None."""
    if ran.code not in CODES:
        return f"exit code {ran.code}"
    if "Traceback" in ran.out + ran.err:
        return "a traceback"
    if ran.code and not ran.err.strip() and ran.code not in {19, 23, 24}:
        return "nothing on standard error"
    if ran.words[:1] != ["--json"]:
        if "hongbao: error:" in ran.out:
            return "an error on standard output"
        if not ran.code and "hongbao: error:" in ran.err:
            return "an error, and exit code 0"
        return None
    return _wrong_json(ran)


def _wrong_json(ran: Ran) -> str | None:
    found = [_documents(stream) for stream in (ran.out, ran.err)]
    if None in found:
        return "no JSON"
    counts = [len(each or ()) for each in found]
    if not ran.code:
        return None if counts[1] == 0 and counts[0] >= 1 else f"{counts} documents of success"
    if counts[1] == 1 and counts[0] <= 1:
        return None if "error" in found[1][0] else "no error"  # type: ignore[index]
    return f"{counts} documents of failure"


def _documents(text: str) -> list[dict[str, object]] | None:
    """Return the documents in *text*: one, or one a line; None if it is something else."""
    if not text:
        return []
    for parts in ([text], text.splitlines()):
        with suppress(ValueError):
            found = [json.loads(part) for part in parts]
            return found if all(isinstance(each, dict) for each in found) else None
    return None


def tried(seed: int, count: int) -> tuple[Counter[int], list[tuple[str, str, Ran]]]:
    """Run *count* lines of *seed*; return how often each exit code came, and what was wrong."""
    codes: Counter[int] = Counter()
    faults = []
    with made_once(), tempfile.TemporaryDirectory(prefix="hongbao-lines-") as place:
        world = World(Path(place))
        for number in range(-(-count // BLOCK)):
            for ran in world.block(f"{seed}/{number}"):
                codes[ran.code] += 1
                if problem := wrong(ran):
                    faults.append((f"--seed {seed} --block {number}", problem, ran))
    return codes, faults


def main() -> int:
    """Run lines, print each fault once, and how many lines came to what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--block", type=int)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)  # noqa: T201
    codes: Counter[int] = Counter()
    faults: Counter[tuple[str, str]] = Counter()
    blocks = range(-(-asked.lines // BLOCK)) if asked.block is None else [asked.block]
    with made_once(), tempfile.TemporaryDirectory(prefix="hongbao-lines-") as place:
        world = World(Path(place))
        for number in blocks:
            for ran in world.block(f"{asked.seed}/{number}"):
                codes[ran.code] += 1
                if problem := wrong(ran):
                    command = next((word for word in ran.words if word.isascii()), "")
                    faults[problem, command] += 1
                    if faults[problem, command] <= 2:
                        shown = [word if len(word) < 80 else word[:80] + "…" for word in ran.words]
                        said = (ran.err or ran.out)[:300]
                        print(f"--block {number}: {problem}: {shown!r}\n  {said!r}", flush=True)  # noqa: T201
            if number % 20 == 19:
                print(sum(codes.values()), dict(codes), flush=True)  # noqa: T201
    print(sum(codes.values()), dict(sorted(codes.items())), flush=True)  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
