"""
A seeded scheduler: processes of one home as threads, of which exactly one runs at any time.

Each process is a thread with its own opened home. It changes only at a *turn*: before an SQL
statement of its connection, and before a file of the home is opened, renamed or removed. Who goes
on is drawn there, so the same draws give the same history. Nothing waits for real: a lock that is
taken, and every sleep, gives the turn away instead, and where all wait for one another, that is a
deadlock, which a real home would meet as minutes of waiting and `busy`.

A process can be killed at a turn: its connection is closed as it is, none of its code that would
undo something reaches the ledger or a file any more, and the next process finds what it left.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

from sqlcipher3 import dbapi2

from hongbao import outputs
from hongbao.engines.sqlcipher import engine as engine_module
from hongbao.vault import files

PATIENCE = 40
"""How often all who wait may find that nothing has moved, before it is a deadlock."""

WAITS_MAX = 20_000
"""How often one may wait in a row, while others move."""

TURNS_MAX = 20_000
"""Turns of one round, after which it is going round in circles."""

PAUSE = "PRAGMA busy_timeout"
"""How the engine is told to wait; here nobody waits for real."""

_FILE_EVENTS = {"open": 0, "os.rename": 0, "os.remove": 0}
"""What is a turn besides statements, and which argument of the event is the path."""

_CHANGES = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.link"})


class Killed(BaseException):
    """This process is killed here. It is no Exception, so no code of the product handles it."""


class Deadlock(Exception):
    """Every process waits for another one."""


class Fault(NamedTuple):
    """What goes wrong in a process: *kind*, at its turn number *at*, once or *ever* after."""

    kind: str
    at: int
    ever: bool = False


AFTER = "committed"
"""A turn of its own: what was committed is not told yet, nor noted next to the keys."""

REMEMBERED = ("UPDATE profile SET pin_tries", "INSERT OR IGNORE INTO refusal")
"""Changes that no entry tells of."""

MESSAGES = {"full": "database or disk is full", "io": "disk I/O error"}
"""Faults that the engine reports, and the sentence by which it does."""


class Draws(Protocol):
    """Draws who goes on; see `Drawn` and `Given`."""

    def __call__(self, turn: int, lane: int, others: list[int]) -> int | None: ...


class Lane:
    """One process: a thread that does one thing after another, as long as it has the turn."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.baton = threading.Semaphore(0)
        self.work: Callable[[], None] | None = None
        self.waiting = False
        self.is_dead = False
        self.fault: Fault | None = None
        self.fault_came = False
        self.turns = 0
        self.thread: threading.Thread | None = None


class Scheduler:
    """Gives turns to lanes. *watch* sees each commit, in the order in which they happen."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.lanes: list[Lane] = []
        self.running: list[Lane] = []
        self.now: Lane | None = None
        self.draws: Draws = lambda _turn, _lane, _others: None
        self.turn = 0
        """Turns in this round."""
        self.turns = 0
        """Turns altogether."""
        self.switches: dict[int, int] = {}
        self.history: Callable[[str], None] = lambda _line: None
        self.committed: Callable[[Any, Path], None] = lambda _db, _path: None
        self.copied: Callable[[Any, Path], None] = lambda _db, _path: None
        self.replaced: Callable[[Path, Path], None] = lambda _from, _to: None
        self.wrote: Callable[[str, tuple[Any, ...]], None] = lambda _sql, _values: None
        self.began: Callable[[str], None] = lambda _sql: None
        self._stuck = 0
        self._is_deadlocked = False
        self._done = threading.Semaphore(0)
        self._is_hooked = False

    # --- rounds ----------------------------------------------------------------------------------

    def together(self, works: Mapping[int, Callable[[], None]], draws: Draws) -> dict[int, int]:
        """Have each lane do its work, at once; return who was given the turn at which turn."""
        self.turn, self.draws, self.switches, self._stuck = 0, draws, {}, 0
        self._is_deadlocked = False
        while len(self.lanes) <= max(works):
            self._start(Lane(len(self.lanes)))
        self.running = [self.lanes[number] for number in sorted(works)]
        for lane in self.running:
            lane.work = works[lane.number]
            lane.waiting = lane.is_dead = lane.fault_came = False
            lane.turns = 0
        self.now = self.running[0]
        self.now.baton.release()
        self._done.acquire()
        self.now = None
        return self.switches

    def _start(self, lane: Lane) -> None:
        def life() -> None:
            while True:
                lane.baton.acquire()
                work, lane.work = lane.work, None
                if work is None:
                    return
                try:
                    work()
                finally:
                    self._leave(lane)

        lane.thread = threading.Thread(target=life, daemon=True, name=f"lane {lane.number}")
        self.lanes.append(lane)
        lane.thread.start()

    def _leave(self, lane: Lane) -> None:
        self.running.remove(lane)
        self._stuck = 0
        for other in self.running:
            other.waiting = False
        if self.running:
            self._give_to(self._next_after(lane))
        else:
            self._done.release()

    def close(self) -> None:
        """End all threads."""
        for lane in self.lanes:
            lane.work = None
            lane.baton.release()
            if lane.thread is not None:
                lane.thread.join()
        self.lanes.clear()

    # --- turns -----------------------------------------------------------------------------------

    def mine(self) -> Lane | None:
        """Return the lane of this thread, if it is one and has the turn."""
        now = self.now
        return now if now is not None and now.thread is threading.current_thread() else None

    def step(self, what: str) -> None:
        """Take a turn, after whoever is drawn to have one first."""
        lane = self.mine()
        if lane is None:
            return
        if lane.is_dead:
            raise Killed
        self.turn += 1
        self.turns += 1
        if self.turn > TURNS_MAX:
            raise Deadlock
        others = [other.number for other in self.running if other is not lane and not other.waiting]
        drawn = self.draws(self.turn, lane.number, others) if others else None
        if drawn is not None:
            self.switches[self.turn] = drawn
            self._give_to(self.lanes[drawn])
            lane.baton.acquire()
        self._stuck = 0
        for other in self.running:
            other.waiting = False
        lane.turns += 1
        self.history(f"{lane.number} {what}")
        self._go_wrong(lane, what)

    def wait(self) -> None:
        """Give the turn away, until somebody else has moved."""
        lane = self.mine()
        if lane is None:
            return
        if lane.is_dead:
            raise Killed
        if self._is_deadlocked:
            raise Deadlock
        lane.waiting = True
        self.turns += 1
        self._stuck += 1
        if self._stuck > PATIENCE * len(self.running):
            self._is_deadlocked = True
            raise Deadlock
        after = self._next_after(lane)
        if after is not lane:
            self._give_to(after)
            lane.baton.acquire()
        lane.waiting = False

    def _next_after(self, lane: Lane) -> Lane:
        """Return who goes on where *lane* cannot: the next that does not wait, or the next."""
        places = sorted(self.running, key=lambda one: (one.number <= lane.number, one.number))
        return next((one for one in places if not one.waiting), places[0])

    def _give_to(self, lane: Lane) -> None:
        self.now = lane
        lane.baton.release()

    # --- what goes wrong -------------------------------------------------------------------------

    def _go_wrong(self, lane: Lane, what: str) -> None:
        fault = lane.fault
        if fault is None or lane.turns < fault.at or (lane.fault_came and not fault.ever):
            return
        if fault.kind == "kill":
            lane.fault_came = lane.is_dead = True
            raise Killed
        if what.startswith(("ROLLBACK", "file", AFTER)):
            return  # the engine has rolled back by itself; and files are another harness's
        lane.fault_came = True
        if fault.kind == "memory":
            raise MemoryError
        raise dbapi2.OperationalError(MESSAGES[fault.kind])

    # --- the seams -------------------------------------------------------------------------------

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Have everything of this process pass here: connections, pauses, files, process ids."""
        scheduler = self

        class Connection(dbapi2.Connection):  # type: ignore[misc]
            path: Path

            def execute(self, sql: str, *values: Any) -> Any:
                return scheduler.statement(self, super().execute, sql, *values)

            def executemany(self, sql: str, *values: Any) -> Any:
                return scheduler.statement(self, super().executemany, sql, *values)

            def backup(self, target: Any, **options: Any) -> None:
                scheduler.step("backup")
                super().backup(target, **options)
                scheduler.replaced(self.path, target.path)

            def close(self) -> None:
                super().close()

        def connect(path: str, **options: Any) -> Any:
            scheduler.step("connect")
            chosen = {**options, "timeout": 0, "check_same_thread": False}
            made = dbapi2.connect(path, factory=Connection, **chosen)
            made.path = Path(path)
            return made

        seam = SimpleNamespace(**{name: getattr(dbapi2, name) for name in dir(dbapi2)})
        seam.connect = connect
        before = vars(engine_module)["engine"], vars(files)["time"], vars(outputs)["os"]
        pause = SimpleNamespace(sleep=lambda _seconds: scheduler.wait())
        system = SimpleNamespace(
            **{n: getattr(before[2], n) for n in dir(before[2]) if n[0] != "_"}
        )
        system.getpid = lambda: 100_000 + (lane.number if (lane := scheduler.mine()) else 99)
        tries = files.Guard._tries
        vars(engine_module)["engine"], vars(files)["time"], vars(outputs)["os"] = (
            seam,
            pause,
            system,
        )
        files.Guard._tries = WAITS_MAX
        _hook(self)
        try:
            yield
        finally:
            _hook(None)
            files.Guard._tries = tries
            vars(engine_module)["engine"], vars(files)["time"], vars(outputs)["os"] = before

    def statement(self, db: Any, execute: Callable[..., Any], sql: str, *values: Any) -> Any:
        """Execute *sql* when it is this lane's turn; where the ledger is locked, wait for it."""
        if self.mine() is None:
            return execute(sql, *values)
        if sql.startswith(PAUSE):
            return execute("SELECT 0")
        self.step(" ".join(sql.split()[:3]))
        for _ in range(WAITS_MAX):
            try:
                done = execute(sql, *values)
            except dbapi2.OperationalError as error:
                if "locked" not in str(error):
                    raise
                self.wait()
                continue
            if sql.startswith("PRAGMA wal_checkpoint"):
                row = done.fetchone()
                if row[0] and self._stuck < PATIENCE:  # somebody reads what was there before
                    self.wait()
                    continue
            break
        else:
            raise dbapi2.OperationalError("database is locked")
        if sql.startswith("BEGIN"):
            self.began(sql)
        elif sql.startswith(REMEMBERED):
            self.wrote(sql, *values)
        elif sql == "COMMIT":
            self.committed(db, db.path)
            self.step(AFTER)
        elif sql.startswith("VACUUM INTO"):
            self.copied(db, Path(values[0][0]))
        return done


# --- files of the home ----------------------------------------------------------------------------

_HEX = re.compile("[0-9a-f]{8,}")
"""What of a file's name is drawn by chance: keys are random even here."""

_watching: list[Scheduler] = []
_is_hooked = False


def _hook(scheduler: Scheduler | None) -> None:
    """Let *scheduler* see what is done to files of its folder; a hook cannot be taken away."""
    global _is_hooked  # noqa: PLW0603 - a process has one set of audit hooks, for its whole life
    _watching[:] = [] if scheduler is None else [scheduler]
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_seen)


def _seen(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in _CHANGES:
        return
    scheduler = _watching[0]
    lane = scheduler.mine()
    if lane is None:
        return
    path = arguments[0]
    if not isinstance(path, str | bytes | Path) or not str(path).startswith(scheduler.folder):
        return
    if lane.is_dead:
        raise Killed
    if event in _FILE_EVENTS:
        scheduler.step(f"file {event} {_HEX.sub('', Path(str(path)).name)}")
