"""The service: the loop that does what falls due, and that nothing that fails ends."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from hongbao.errors import Busy, HongbaoError, LedgerUnreachable, Locked, Unusable
from hongbao.home.opened import Home
from hongbao.serving.server import Server
from hongbao.serving.stopping import Sleeper
from hongbao.units import iso
from hongbao.wallet.due import Due, Key, Task, nothing_done

if TYPE_CHECKING:
    from hongbao.answers import Done, NotDoneYet, Served, ServeLine

LOOK_SECONDS = 1.0
"""How often a service looks at what is due; it looks sooner when something falls due sooner."""

ACTS_PER_OPENING = 10_000
"""After how many acts the wallet is opened again: an opened one remembers what it has met."""


class Pause(NamedTuple):
    """How long something that fails waits for its next try: longer each time, up to a longest."""

    first: float
    longest: float

    def after(self, tries: int) -> float:
        """Return how many seconds to wait after that many *tries*."""
        return min(self.first * float(2 ** min(tries - 1, 30)), self.longest)


TASK_PAUSE = Pause(5, 300)
WALLET_PAUSE = Pause(1, 60)

_OPENING: Key = ("wallet", None)
"""The task to open the wallet, and to be able to do anything in it."""


class _Trouble(NamedTuple):
    """What failed: how often, with which error, and until when it waits (by `monotonic`)."""

    tries: int
    code: str
    until: float


class Troubles:
    """What has failed and waits for its next try; each kind of failure is reported once."""

    def __init__(self) -> None:
        self._known: dict[Key, _Trouble] = {}

    def waits(self, key: Key) -> bool:
        """Return whether what is called *key* has failed, and is not to be tried yet."""
        known = self._known.get(key)
        return known is not None and time.monotonic() < known.until

    def failed(self, key: Key, error: HongbaoError, pause: Pause) -> tuple[float, bool]:
        """Note that *key* has failed; return how long it waits, and whether that is news."""
        known = self._known.get(key)
        tries = 1 if known is None else known.tries + 1
        seconds = pause.after(tries)
        self._known[key] = _Trouble(tries, error.code, time.monotonic() + seconds)
        return seconds, known is None or known.code != error.code

    def over(self, key: Key) -> bool:
        """Forget the failures of *key*; return whether there were any."""
        return self._known.pop(key, None) is not None

    def keep(self, keys: set[Key]) -> None:
        """Forget all but *keys*: nothing else is due any more."""
        self._known = {key: known for key, known in self._known.items() if key in keys}


class Service:
    """
    Does what falls due in the home that *open_home* opens, until it is stopped.

    *report* hears of what happens, and *now* says the time of day. Nothing that fails ends the
    service: a task waits for its next try while the others are done, and where the wallet itself
    cannot be used, it is opened again. Only a wallet that could never be opened is refused, unless
    that may pass: another process is writing, or, if the service is *patient*, it is locked.
    """

    def __init__(
        self,
        open_home: Callable[[], AbstractContextManager[Home]],
        report: "Callable[[ServeLine], None]",
        *,
        now: Callable[[], datetime],
        patient: bool,
    ) -> None:
        self._open_home = open_home
        self._report = report
        self._now = now
        self._may_pass = (Busy, LedgerUnreachable, *((Locked,) if patient else ()))
        self._due = Due()
        self._troubles = Troubles()
        self._sleeper = Sleeper()
        self.server = Server(self._sleeper)
        """What takes claims, where it listens (`Server.listen`)."""
        self._is_ready = False
        self.is_opening = False
        """Whether it opens the wallet now, which may wait for a passphrase: no act is in hand."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.server.close()
        self._sleeper.close()

    def stop(self) -> None:
        """Stop when the act in hand is done; the handler of a signal may call this."""
        self._sleeper.stop()

    @property
    def is_stopped(self) -> bool:
        """Whether someone has stopped it."""
        return self._sleeper.is_stopped

    def run(self) -> None:
        """Serve until it is stopped. Raises why the wallet could not be opened the first time."""
        pause, problem = 0.0, None
        stopped_at: datetime | None = None
        while not self.is_stopped:
            stopped_at = None
            try:
                self.server.attend(None, pause, problem)
                self.is_opening = True
                with self._open_home() as home:
                    self.is_opening, pause = False, 0.0
                    self._serve(home)
                    stopped_at = home.now()
            except HongbaoError as error:
                self.is_opening = False
                if not (self._is_ready or isinstance(error, self._may_pass)):
                    raise
                pause, problem = self._failed(_OPENING, error, WALLET_PAUSE, self._now()), error
            except KeyboardInterrupt:
                if not (self.is_opening and self.is_stopped):
                    raise
        self._say("stopped", stopped_at or self._now())

    def _serve(self, home: Home) -> None:
        """Do what is due in *home*, again and again, while it is in its place."""
        if not self._is_ready:
            self._is_ready = True
            self._say("ready", home.now())
        acts = 0
        while not self.is_stopped and home.is_in_place() and acts < ACTS_PER_OPENING:
            done = self._look(home)
            acts += done
            if self._troubles.over(_OPENING):
                self._say("open", home.now())
            self.server.attend(home, 0 if done else self._seconds(home))

    def _look(self, home: Home) -> int:
        """Do what is due now, and return how much was done."""
        count = 0
        seen = {_OPENING}
        for task in self._due.tasks(home):
            if self.is_stopped:
                return count
            seen.add(task.key)
            self.server.attend(home, 0)  # no claim waits for all that is due
            if self._troubles.waits(task.key):
                continue
            done = _tried(task)
            if isinstance(done, HongbaoError):
                self.server.metrics.failed[task.kind] += 1
                self._failed(task.key, done, TASK_PAUSE, home.now())
                continue
            self._troubles.over(task.key)
            if done is not None:
                count += not done["sealed"]  # which has to be done again after each act
                self.server.metrics.due[task.kind] += 1
                self._say("done", home.now(), done)
        self._troubles.keep(seen)
        return count

    def _seconds(self, home: Home) -> float:
        """Return how long to sleep: until the next look, or until something falls due."""
        next_at = self._due.next_at(home)
        if next_at is None:
            return LOOK_SECONDS
        seconds = (next_at - home.now()).total_seconds()
        return seconds if 0 < seconds < LOOK_SECONDS else LOOK_SECONDS

    def _failed(self, key: Key, error: HongbaoError, pause: Pause, at: datetime) -> float:
        """Note that *key* has failed, and report it if it is news; return how long it waits."""
        seconds, is_news = self._troubles.failed(key, error, pause)
        if is_news:
            next_try_at = iso(at + timedelta(seconds=seconds))
            self._say("failed", at, failed=[_not_yet(key, error, next_try_at)])
        return seconds

    def _say(
        self,
        event: str,
        at: datetime,
        done: "Done | None" = None,
        *,
        failed: "Sequence[NotDoneYet]" = (),
    ) -> None:
        done = done or nothing_done()
        self._report(
            {
                "event": event,
                "at": iso(at),
                "listen_port": self.server.listen_port,
                "metrics_port": self.server.metrics_port,
                **done,
                "failed": list(failed),
            }
        )


def serve_once(home: Home, is_stopped: Callable[[], bool] = lambda: False) -> "Served":
    """
    Do all that is due in *home*, until there is nothing left but what has failed.

    It ends sooner, after the act in hand, if it *is_stopped*.
    """
    due, all_done = Due(), nothing_done()
    failed: dict[Key, NotDoneYet] = {}
    is_more = True
    while is_more:
        is_more = False
        for task in due.tasks(home):
            if is_stopped():
                break
            if task.key in failed:
                continue
            done = _tried(task)
            if isinstance(done, HongbaoError):
                failed[task.key] = _not_yet(task.key, done, None)
                continue
            if done is not None:
                is_more = is_more or not done["sealed"]
                all_done = _together(all_done, done)
    return {**all_done, "at": iso(home.now()), "failed": [*failed.values()]}


def _tried(task: Task) -> "Done | HongbaoError | None":
    """
    Do *task*; return what was done, if anything was, or why it could not be.

    Raises what is wrong with the wallet, and not with this task alone.
    """
    try:
        return task.do()
    except (Busy, Unusable):
        raise
    except HongbaoError as error:
        return error


def _together(first: "Done", then: "Done") -> "Done":
    return {
        "holds": first["holds"] + then["holds"],
        "refunds": first["refunds"] + then["refunds"],
        "resolved": first["resolved"] + then["resolved"],
        "settled": first["settled"] + then["settled"],
        "sealed": first["sealed"] + then["sealed"],
    }


def _not_yet(key: Key, error: HongbaoError, next_try_at: str | None) -> "NotDoneYet":
    kind, subject = key
    return {
        "kind": kind,
        "subject": subject,
        "error": error.as_dict(),
        "next_try_at": next_try_at,
    }
