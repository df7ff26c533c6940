"""
A fault at every point of every command: ``python -m tests.faults.harness`` with the shim preloaded.

For each command a home is made once. It is played unharmed, which counts its points; then for each
of them in a copy of the home, in a fork of this process that has a fault there. Another fork opens
what is left, looks at it, types the same again, and checks. What is wrong is printed, a JSON
document a line; the last line tells how much was tried.
"""

import argparse
import gc
import json
import os
import random
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from hongbao.outputs import save_as
from hongbao.story import running
from tests.faults import statements
from tests.faults.commands import BY_NAME, PASSPHRASE, SECRETS, TYPED, Typed, make, names_of
from tests.faults.preload import APPLIES, Shim

CHEAP = (1, 8, 1)
SECONDS_MAX = 40
PENDING, INTERRUPTED = 17, 130
UNKNOWN = "may have been carried out"
"""What a command says of which it is not known how far it came."""
KILLED = -signal.SIGKILL

KILLS = ("kill-before", "kill-after", "torn")
ERRORS = ("short", "no-space", "io-error", "no-permission", "interrupted", "ctrl-c")
LASTING = ("short", "no-space", "io-error", "no-permission")
"""What may go on from there; a call that is interrupted for ever is tried again for ever."""

JUMPS = (40 * 86_400, -40 * 86_400)


_PARTIAL = re.compile(r"\.hongbao-[0-9]+-[0-9]+\.")
"""What a file is called until it is whole: what was killed leaves it to the next saving."""


_ENGINES = ("ledger.db-shm", "ledger.db-wal")
"""What the engine leaves of a ledger that was not closed, and takes away when it opens it."""


class Point(NamedTuple):
    """Where a fault happens: at which call or statement of a series, and what happens there."""

    series: str
    number: int
    kind: str
    lasts: bool = False
    seconds: int = 0
    what: str = ""

    def __str__(self) -> str:
        lasting = " from then on" if self.lasts else ""
        by = f" {self.seconds:+}s" if self.seconds else ""
        return f"{self.kind}{by} at {self.series} {self.number} ({self.what}){lasting}"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Picture(NamedTuple):
    """What can be seen of a home and of what was written beside it."""

    acts: list[str]
    rows: dict[str, int]
    keys: list[object]
    files: dict[str, int]
    entries: list[int]


class After(NamedTuple):
    """What the next commands find: the home, the same request again, and the home then."""

    opened: int
    said: str
    before: Picture | None
    again: Ran
    after: Picture | None
    checked: str
    names: list[str]


class Bench:
    """A place in which homes are made, broken and looked at."""

    def __init__(self, place: Path, shim: Shim | None) -> None:
        self.place = place
        self.point = place / "point"
        self.shim = shim
        self.names = names_of(place)
        self._homes: dict[str, tuple[Path, dict[str, str]]] = {}
        if shim is not None:
            shim.watch(self.point)

    # --- homes -----------------------------------------------------------------------------------

    def lay_out(self, home: str) -> dict[str, str]:
        """Put a fresh copy of the *home* of that name in the place where commands look for it."""
        if home not in self._homes:
            self._make(home)
        kept, names = self._homes[home]
        shutil.rmtree(self.point, ignore_errors=True)
        shutil.copytree(kept, self.point)
        return names

    def _make(self, home: str) -> None:
        shutil.rmtree(self.point, ignore_errors=True)
        for name in ("out", "tmp", "config"):
            (self.point / name).mkdir(parents=True)
        names = dict(self.names)
        if home not in ("none", "real", "busy"):
            names.update(self.lay_out("busy"))

        def play(words: str, *, fails: bool = False) -> str:
            ran = self.play(shlex.split(words))
            assert fails or ran.code == 0, (words, ran)
            return ran.out + ran.err

        make(home, play, names, self.point)
        kept = self.place / f"home-{home}"
        self.point.rename(kept)
        self._homes[home] = kept, names

    # --- commands --------------------------------------------------------------------------------

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.point),
            "TMPDIR": str(self.point / "tmp"),
            "HONGBAO_HOME": str(self.point / "home"),
            "HONGBAO_CONFIG": str(self.point / "config" / "config.toml"),
            "HONGBAO_LANG": "en",
            "HONGBAO_PIN_FILE": self.names["pin"],
            "HONGBAO_PASSPHRASE_FILE": self.names["passphrase"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "PAGER": "",
            "COLUMNS": "400",
        }

    def play(
        self,
        words: Sequence[str],
        begin: Callable[[], None] = lambda: None,
        variables: Mapping[str, str] = {},
    ) -> Ran:
        """Run the command *words* in a fork; it calls *begin* when it is about to."""
        outputs = [os.memfd_create(name) for name in ("out", "err")]
        pid = os.fork()
        if pid == 0:
            self._be(words, outputs, begin, {**self.variables, **variables})
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Ran(code, *(_content(output) for output in outputs))

    def _be(
        self,
        words: Sequence[str],
        outputs: Sequence[int],
        begin: Callable[[], None],
        variables: Mapping[str, str],
    ) -> None:
        code = 99
        try:
            gc.disable()
            os.setsid()
            signal.alarm(SECONDS_MAX)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, output in enumerate(outputs, 1):
                os.dup2(output, number)
            running.take_place(self.point / "out", variables)
            sys.argv = ["hongbao", *words]
            _hurry()
            begin()
            code = running.entered(_main)
        finally:
            os._exit(code)

    def looked(self, words: Sequence[str], typed: Typed, *, checks: bool) -> After:
        """Return what the next process finds; see `After`."""
        heard = os.memfd_create("after")
        heard_by_none = os.open(os.devnull, os.O_WRONLY)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                gc.disable()
                os.setsid()
                signal.alarm(3 * SECONDS_MAX)
                for number in (1, 2):  # what a command starts would write into our lines
                    os.dup2(heard_by_none, number)
                running.take_place(self.point / "out", {**self.variables, **typed.variables})
                _hurry()
                after = self._after(words, checks=checks)
                os.write(heard, json.dumps(after).encode())
                code = 0
            except BaseException:  # noqa: BLE001 - told to whoever looks
                import traceback

                os.write(heard, traceback.format_exc().encode())
            finally:
                os._exit(code)
        os.close(heard_by_none)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        text = _content(heard)
        if code:
            return After(code, text, None, Ran(code, "", ""), None, "", [])
        opened, said, before, again, after, checked, names = json.loads(text)
        return After(
            opened,
            said,
            before and Picture(*before),
            Ran(*again),
            after and Picture(*after),
            checked,
            names,
        )

    def _after(self, words: Sequence[str], *, checks: bool) -> After:
        opened = _typed(["balance", "--json"])
        before = self.picture()
        again = _typed(words)
        after = self.picture()
        for folder in {path.parent for path in self.point.rglob(".hongbao-*")}:
            save_as(folder / "sweeps", lambda _out: None, replace=False)  # the next saving sweeps
            (folder / "sweeps").unlink()
        checked = ""
        if checks and after.acts:
            check = _typed(["check", "--json"])
            checked = check.err if check.code else ""
        return After(
            opened.code, opened.err, before, again, after, checked, sorted(_names(self.point))
        )

    def picture(self) -> Picture:
        """Return what can be seen now; no acts where no home is yet."""
        from hongbao.errors import HongbaoError
        from hongbao.wallet import Wallet
        from tests.wallet.world import World, below

        acts: list[str] = []
        entries: list[int] = []
        rows: dict[str, int] = {}
        keys: list[object] = []
        env = World(self.point / "home").env
        try:
            with Wallet.open(env, trusting=True, passphrase=lambda: PASSPHRASE) as wallet:
                ledger = below(wallet)
                for number, act in ledger.rows("SELECT id, act FROM entry ORDER BY id"):
                    entries.append(number)
                    acts.append(act)
                tables = ledger.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
                union = " UNION ALL ".join(
                    f"SELECT '{name}', count(*) FROM {name}" for (name,) in tables
                )
                rows = dict(ledger.rows(union))
                rows.pop("refusal", None)
                home = wallet.home
                keys = [home.keys.wrapping(), home.vault.generation, home.row.current_profile]
        except HongbaoError as error:
            if error.code != "home_not_found":
                keys = [error.code]
        files = {
            _plain(str(path.relative_to(self.point))): path.stat().st_size
            for path in self.point.rglob("*")
            if path.is_file() and not path.is_relative_to(self.point / "home")
            if not _is_passing(path.relative_to(self.point))
        }
        return Picture(acts, rows, keys, files, entries)


def _main() -> int:
    from hongbao import __main__ as hongbao

    return hongbao.main()


def _hurry() -> None:
    """Make what a try at a PIN costs, and how long others are waited for, less."""
    from hongbao.commands import caller
    from hongbao.engines.sqlcipher import engine
    from hongbao.env import system_env
    from hongbao.vault import files

    vars(caller)["system_env"] = lambda: system_env()._replace(hash_cost=CHEAP)
    vars(engine).update(BUSY_SECONDS=1, READER_SECONDS=0.1)
    files.Guard._tries = 4


def _typed(words: Sequence[str]) -> Ran:
    from hongbao import cli

    out, err = (TextIOWrapper(BytesIO(), "utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = int(cli.main(list(words)))
    said = []
    for stream in (out, err):
        stream.flush()
        written = stream.buffer
        assert isinstance(written, BytesIO)
        said.append(written.getvalue().decode("utf-8", "replace"))
    return Ran(code, *said)


def _content(descriptor: int) -> str:
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.name not in _ENGINES or path.is_relative_to(folder / "home"):
            yield _plain(str(path.relative_to(folder)))


def _is_passing(path: Path) -> bool:
    """Return whether *path* is of a file that is not whole yet, or of an open engine."""
    if path.parts[0] == "tmp" and re.fullmatch(r"[a-z0-9_]{8}", path.name):
        return True  # by which Python tries whether it can write there
    return path.name in _ENGINES or any(
        _PARTIAL.match(part) or re.fullmatch(r"\.\w+-.{8}|hongbao-book-.*", part)
        for part in path.parts
    )


def _plain(name: str) -> str:
    """Return *name* without what chance has given it."""
    name = re.sub(
        r"device-[0-9a-f]{16}", "device-*", re.sub(r"devices/[0-9a-f]+", "devices/*", name)
    )
    return re.sub(r"tmp/[^/]*(/tmp[^/]*)?", "tmp/*", name)


# --- what is right --------------------------------------------------------------------------------


class Unharmed(NamedTuple):
    """What a command does where nothing happens: what is there before, after, and after again."""

    before: Picture | None
    ran: Ran
    once: After


def verdicts(
    typed: Typed, point: Point, ran: Ran, found: After, unharmed: Unharmed
) -> Iterator[str]:
    """Yield what is wrong with how *typed* ended at *point*, and with what it left."""
    said = ran.out + ran.err
    is_killed = ran.code == KILLED
    if is_killed and not point.kind.startswith(KILLS):
        yield "killed, and nobody did"
    is_of_child = typed.plays and "ended with -9" in said  # a story of ours, killed in the midst
    if (ran.code in (1, 99, 120) and not is_of_child) or (ran.code < 0 and not is_killed):
        yield f"ended with {ran.code}"
    if "Traceback" in said:
        yield "a traceback"
    for secret in SECRETS:
        if secret in said and not typed.plays:  # stories have known ones
            yield f"a secret in the output: {secret[:2]}..."
    if found.before is None or found.after is None:
        yield f"cannot be looked at: {found.said}"
        return
    if found.checked:
        yield f"does not check: {found.checked}"
    if point.kind == "clock" or typed.plays:  # risk control may log the device out, as it should
        return
    assert unharmed.before is not None
    assert unharmed.once.before is not None
    assert unharmed.once.after is not None
    start, end, twice = unharmed.before, unharmed.once.before, unharmed.once.after
    if found.opened not in (0, unharmed.once.opened) and found.before.acts:
        yield f"does not open: {found.said}"
    yield from _untold(ran, found.before, start, end, unharmed.ran.code)
    ends = ((unharmed.ran.code, end), (unharmed.once.again.code, twice))
    is_named = typed.names and found.again.code == 2 and "already exists" in found.again.err
    is_named |= typed.again != 0 and found.again.code == typed.again
    if not (is_named and ran.code in (KILLED, INTERRUPTED, 21)) and not any(
        found.again.code == code and _is(found.after, wanted) for code, wanted in ends
    ):
        yield (
            f"asked again it ends with {found.again.code}, {found.again.err.strip()!r}: "
            f"{_difference(found.after, end)}"
        )
    surplus = Counter(found.names) - Counter(unharmed.once.names)
    is_cut = is_killed or point.lasts or point.kind.startswith(("ctrl-c", "no-memory", "heap"))
    if is_cut:  # no device has that key: see `keys_with_their_devices`
        surplus.pop("home/keys/devices/*.key", None)
    if typed.name == "export-xlsx":  # rows that wait to be packed: swept when they are old
        surplus = Counter({name: left for name, left in surplus.items() if name != "tmp/*"})
    if surplus:
        yield f"left over: {sorted(surplus)}"


def _untold(ran: Ran, left: Picture, start: Picture, end: Picture, code: int) -> Iterator[str]:
    """Yield where what was *left* is neither whole nor nothing, or not what the command said."""
    is_done, is_undone = _is(left, end), _is(left, start)
    before = len(start.acts)
    new, whole = left.acts[before:], end.acts[before:]
    is_replaced = end.acts[:before] != start.acts  # by a copy
    if not (is_done or is_undone or is_replaced):
        if left.acts[:before] != start.acts:
            yield "acts of before are gone"
        elif new != whole[: len(new)]:
            yield f"other acts than when unharmed: {new} instead of {whole}"
    if ran.code == code and not is_done:
        yield f"told as done, and is not: {_difference(left, end)}"
    may_be_done = ran.code in (KILLED, code, PENDING, INTERRUPTED) or UNKNOWN in ran.err
    if not may_be_done and not is_undone:
        yield f"told refused, and is done: {_difference(left, start)}"


def _is(found: Picture, wanted: Picture) -> bool:
    return (
        (found.acts, found.keys, found.files) == (wanted.acts, wanted.keys, wanted.files)
        and all(found.rows.get(name) == count for name, count in wanted.rows.items())
    )  # fmt: skip


def _difference(found: Picture, wanted: Picture) -> str:
    parts = []
    if found.acts != wanted.acts:
        pairs = enumerate(zip(found.acts, wanted.acts, strict=False))
        shorter = min(len(found.acts), len(wanted.acts))
        at = next((number for number, (one, other) in pairs if one != other), shorter)
        parts.append(f"acts {found.acts[at:]} for {wanted.acts[at:]}")
    if found.keys != wanted.keys:
        parts.append(f"keys {found.keys} for {wanted.keys}")
    for name in ("rows", "files"):
        one, other = getattr(found, name), getattr(wanted, name)
        names = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
        parts += [f"{name} {[(key, one.get(key), other.get(key)) for key in names]}"] * bool(names)
    return "; ".join(parts) or "nothing"


# --- which points ---------------------------------------------------------------------------------


def points_of(
    typed: Typed,
    changes: Sequence[str],
    looks: int,
    told: Sequence[str],
    sample: random.Random,
    size: float,
) -> Iterator[Point]:
    """
    Yield the points of a command: its *changes*, its *looks* and the statements that it *told*.

    A *size* of 1 has it killed at each change and each statement (of a long row of the same ones,
    at the first, the last and some between), and errors at each of those of commands that move
    money or keys; of the rest a sample. A greater size takes more of them, until it is all.
    """

    def is_taken(share: float) -> bool:
        return sample.random() < share * size

    errors = 1.0 if typed.moves else 0.08
    for number, what in _thinned(changes, typed.stride, size):
        call = what.split(" ")[0]
        for kind in KILLS:
            # Killed after one is killed before the next, but for what mapped memory holds.
            if _applies(kind, call) and (kind != "kill-after" or is_taken(0.1)):
                yield Point("changes", number, kind, what=what)
        for kind in ERRORS:
            for lasts in (False, True)[: 1 + (kind in LASTING)]:
                if _applies(kind, call) and is_taken(errors * _SHARES.get(kind, 1)):
                    yield Point("changes", number, kind, lasts, what=what)
        if typed.home == "real":
            for seconds in JUMPS:
                if is_taken(0.5):
                    yield Point("changes", number, "clock", True, seconds, what)
    for number in range(1, looks + 1):
        if is_taken((0.15 if typed.moves else 0.02) / typed.stride):
            kind = sample.choice(("io-error", "no-permission", "interrupted", "ctrl-c"))
            yield Point("looks", number, kind, kind in LASTING and sample.random() < 0.5)
    for number, what in _thinned(told, typed.stride, size):
        for kind in statements.KINDS:
            for lasts in (False, True)[: 1 + (kind in statements.LASTING)]:
                is_kill = kind == "kill-before"
                if is_taken(1.0 if is_kill else errors * _SHARES.get(kind, 0.5)):
                    yield Point("statements", number, kind, lasts, what=what)


_SHARES = {"short": 0.2, "interrupted": 0.3, "ctrl-c": 0.5, "kill-after": 0.3}
"""How many of the points of some kinds are enough: what differs little from another."""


def _thinned(lines: Sequence[str], stride: int, size: float) -> Iterator[tuple[int, str]]:
    """Yield the number of each of *lines* and itself; of long rows of the same, some."""
    for number, line in enumerate(lines, 1):
        if stride > 1 and size < stride and number % stride != stride // 2:
            continue
        near = lines[max(0, number - 5) : number + 4]
        if size < 7 and number % 7 and len(near) == 9 and len({*near}) == 1:
            continue
        yield number, line


def _applies(kind: str, call: str) -> bool:
    calls = APPLIES[kind]
    return calls is None or call in calls


# --- the work -------------------------------------------------------------------------------------


class Work:
    """One command on a bench: its unharmed run, and each of its points."""

    def __init__(self, bench: Bench, typed: Typed, sample: random.Random, size: float) -> None:
        self.bench = bench
        self.typed = typed
        self.variables: Mapping[str, str] = {}
        names = bench.lay_out(typed.home)
        self.words = [word.format_map(names) for word in shlex.split(typed.words)]
        before = bench.looked(["version"], typed, checks=False)
        bench.lay_out(typed.home)
        shim = bench.shim
        assert shim is not None
        shim.clear()
        with statements.Log() as log:

            def begin() -> None:
                shim.arm()
                log.begin()

            ran = bench.play(self.words, begin, typed.variables)
            counted, told = shim.counted(), log.read()
        assert ran.code == typed.code, (typed.name, ran)
        once = bench.looked(self.words, typed, checks=True)
        assert before.before is not None, before
        assert once.before is not None, (typed.name, once)
        assert not once.checked, (typed.name, once.checked)
        self.unharmed = Unharmed(before.before, ran, once)
        self.counted = counted
        self.statements = told
        self.points = list(points_of(typed, counted.changes, counted.looks, told, sample, size))

    def tried(self, point: Point, *, checks: bool) -> tuple[Ran, list[str], str]:
        """Let *point* happen, and return how the command ended and what is wrong."""
        bench, shim = self.bench, self.bench.shim
        assert shim is not None
        bench.lay_out(self.typed.home)
        shim.clear()

        def begin() -> None:
            if point.series == "statements":
                statements.arm(point.kind, point.number, lasts=point.lasts)
                return
            shim.turn_clock(point.seconds)
            shim.arm(point.kind, point.series, point.number, lasts=point.lasts)

        ran = bench.play(self.words, begin, {**self.typed.variables, **self.variables})
        where = shim.where or point.what
        shim.arm()
        found = bench.looked(self.words, self.typed, checks=checks)
        return ran, list(verdicts(self.typed, point, ran, found, self.unharmed)), where


def wake(bench: Bench) -> None:
    """Have done once what every command would do for itself: imports, patterns, parsers."""
    bench.lay_out("busy")
    environment, variables = dict(os.environ), bench.variables
    folder = Path.cwd()
    out = TextIOWrapper(BytesIO(), "utf-8")
    import hongbao.cli as cli

    os.environ.clear()
    os.environ.update(variables)
    os.chdir(bench.point / "out")
    _hurry()
    with redirect_stdout(out), redirect_stderr(out):
        for words in (
            ["balance"],
            ["history"],
            ["topup", "1", "--json"],
            ["send", "1"],
            ["check"],
            ["export", "-o", "w.csv"],
            ["export", "-o", "w.xlsx"],
            ["settle"],
            ["reconcile"],
            ["rekey", "--yes"],
            ["why", "busy"],
            ["class", "new", bench.names["roster"], "--at", "class", "--task", "refund"],
        ):
            cli.main(words)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    gc.collect()
    gc.freeze()


def main() -> int:
    """Try points, and print what is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", default=",".join(typed.name for typed in TYPED))
    parser.add_argument("--share", default="0/1", help="which part of the points: I/N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=0, help="at most so many points of a command")
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--debug", action="store_true", help="let commands show tracebacks")
    parser.add_argument("--only", default="", help="only points whose description matches")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--count", action="store_true", help="only say how many points there are")
    asked = parser.parse_args()
    part, parts = map(int, asked.share.split("/"))
    os.environ.pop("LD_PRELOAD", None)
    shim = Shim()
    began = time.monotonic()
    tried: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="hongbao-faults-") as place:
        bench = Bench(Path(place), shim)
        wake(bench)
        for name in asked.commands.split(","):
            sample = random.Random(f"{asked.seed}/{name}")
            try:
                work = Work(bench, BY_NAME[name], sample, asked.size)
            except AssertionError as error:
                wrong += 1
                _print(command=name, wrong=[f"cannot be tried: {error}"[:2000]])
                continue
            points = [point for point in work.points if asked.only in str(point)]
            if asked.most and len(points) > asked.most:
                points = sample.sample(points, asked.most)
            mine = [] if asked.count else points[part::parts]
            if asked.count:
                for point in points:
                    tried[_class_of(point)] += 1
            checks = random.Random(f"{asked.seed}/{name}/checks")
            codes: Counter[int] = Counter()
            seconds = time.monotonic()
            found = 0
            if asked.debug:
                work.variables = {"HONGBAO_DEBUG": "1"}
            for point in mine:
                ran, problems, where = work.tried(point, checks=checks.random() < 0.1)
                codes[ran.code] += 1
                tried[_class_of(point)] += 1
                if problems:
                    wrong += 1
                    found += 1
                    _print(
                        command=name,
                        point=str(point),
                        where=where,
                        code=ran.code,
                        said=ran.err[-4000 if asked.debug else -300 :],
                        wrong=problems,
                    )
                elif asked.verbose:
                    _print(command=name, point=str(point), where=where, code=ran.code)
            _print(
                done=name,
                changes=len(work.counted.changes),
                looks=work.counted.looks,
                statements=len(work.statements),
                points=len(mine) or len(points),
                found=found,
                seconds=round(time.monotonic() - seconds, 1),
                codes=dict(codes),
            )
    _print(
        tried=dict(tried),
        all=sum(tried.values()),
        wrong=wrong,
        seconds=round(time.monotonic() - began),
    )
    return min(wrong, 1)


def _class_of(point: Point) -> str:
    if point.series == "looks":
        return "looks"
    return "kills" if point.kind.startswith(("kill", "torn")) else "errors"


def _print(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
