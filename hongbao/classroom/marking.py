"""
Marking: a submission is played in a new home, and the books say which goals were reached.

The home is made from the copy of the task on the machine that marks, with the numbers of the one
who is marked. The student's machine does the same before anything is handed in, so both come to the
same mark.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hongbao.classroom.submission import Left, Submission, filling, words_left_out
from hongbao.classroom.task import Goal, Task
from hongbao.domain.identity import BANKS
from hongbao.domain.ledger import CENTRAL, PLATFORM, SIDES, Kind
from hongbao.domain.policy import parse_policy
from hongbao.env import Env
from hongbao.errors import HongbaoError, TaskFails
from hongbao.home.opened import Home
from hongbao.policies import text_of
from hongbao.queries.check import check
from hongbao.queries.facts import Difference, Scope, differences, holding
from hongbao.rows import Row
from hongbao.story import HOME, Failed, Player, Run, Skipped
from hongbao.story.folders import lent_folder
from hongbao.story.script import NAME, Command, Given, Prop, Scene
from hongbao.wallet.practice import make_practice_home
from hongbao.words import N_

SECONDS_MAX = 30
"""How long all commands of a submission may take together."""

_AGAIN_SECONDS = 5
"""When an alarm comes again that was lost: a finaliser swallows what is raised in it."""

_HEARD_MAX = 16_384
"""How much of an answer is searched for the value of a name."""

STOPPED = {
    "slow": N_("line {line}: it took longer than {seconds} s up to here, and was ended"),
    "stuck": N_("line {line}: the command did not end"),
    "unusable": N_("after line {line} its wallet could not be opened any more"),
}


class Reached(Row):
    """Whether a *goal* was reached; *differs* and *happened* are what was against it."""

    goal: Goal
    is_reached: bool
    differs: tuple[Difference, ...] = ()
    happened: tuple[Difference, ...] = ()

    @property
    def points(self) -> int:
        return self.goal.points if self.is_reached else 0


class Mark(Row):
    """
    What a submission came to.

    *stopped* is why it was not played to its end, one of `STOPPED`, and the line. *adds_up* is
    whether every check of the books holds; *issued_fen* is the money that the central bank has
    issued, and *kept_fen* what is found of it with the banks' customers and the platform.
    """

    reached: tuple[Reached, ...]
    left: tuple[Left, ...]
    stopped: tuple[str, int] | None
    commands: int
    refused: int
    adds_up: bool
    issued_fen: int
    kept_fen: int
    digest: str | None

    @property
    def points(self) -> int:
        return sum(each.points for each in self.reached)


def mark(task: Task, seed: str, submission: Submission, env: Env, run: Run) -> Mark:
    """
    Play *submission* in a new home of *task*, and look at its books.

    Raises TaskFails if the task's own preparation does not do what it says.
    """
    with lent_folder("class") as lent:
        bench = Bench(lent, env, run)
        bench.make(task, seed)
        return bench.mark(task, submission.played, submission.left)


class Bench:
    """The *folder* in which a task is done: its home, and the files of its commands."""

    def __init__(self, folder: Path, env: Env, run: Run) -> None:
        self.folder = folder
        self.env = env._replace(home=folder / HOME)
        self.player = Player(folder, None, "en", None, env.variables, {}, run)
        self.since = 0
        self.ended: Counter[int] = Counter()
        self.left: list[Left] = []
        self.line = 0

    def make(self, task: Task, seed: str) -> None:
        """Make the home that *task* begins with. Raises TaskFails."""
        policy = parse_policy(text_of(task.policy), task.policy)
        make_practice_home(self.env, task.people, policy=policy, begins=task.begins, seed=seed)
        if task.prepare is not None:
            for outcome in self.player.outcomes(task.prepare):
                if isinstance(outcome, Failed | Skipped):
                    raise TaskFails(failed=1, findings=[_of_preparation(task, outcome)])
        with self.opened() as home:
            self.since = home.store.head().entry

    @contextmanager
    def opened(self) -> Iterator[Home]:
        with Home.open(self.env) as home:
            yield home

    def mark(self, task: Task, scenes: Sequence[Scene], left: tuple[Left, ...]) -> Mark:
        """Play *scenes* here, and return what they come to."""
        self.left = [*left]
        stopped = self._play(scenes)
        try:
            with self.opened() as home:
                reached = tuple(self._reached(home, goal) for goal in task.goals)
                checked = check(home)
                issued_fen, kept_fen = _money(home)
        except HongbaoError:
            return Mark(
                reached=tuple(Reached(goal, is_reached=False) for goal in task.goals),
                left=tuple(self.left),
                stopped=("unusable", self.line),
                commands=sum(self.ended.values()),
                refused=sum(self.ended.values()) - self.ended[0],
                adds_up=True,  # nothing is claimed of it
                issued_fen=0,
                kept_fen=0,
                digest=None,
            )
        return Mark(
            reached=reached,
            left=tuple(self.left),
            stopped=stopped,
            commands=sum(self.ended.values()),
            refused=sum(self.ended.values()) - self.ended[0],
            adds_up=checked["ok"],
            issued_fen=issued_fen,
            kept_fen=kept_fen,
            digest=checked["digest"],
        )

    def _reached(self, home: Home, goal: Goal) -> Reached:
        scope = Scope(self.since, self.ended)
        differs = tuple(differences(home, goal.want, scope))
        happened = tuple(holding(home, goal.must_not, scope))
        return Reached(goal, not (differs or happened), differs, happened)

    def _play(self, scenes: Sequence[Scene]) -> tuple[str, int] | None:
        """
        Play *scenes* to their end, also after a refusal, and count how they ended.

        Return why they were stopped, and in which line.
        """
        until = time.monotonic() + SECONDS_MAX
        try:
            with _at_most(SECONDS_MAX):
                for scene in scenes:
                    if time.monotonic() > until:
                        raise _TooLongError  # where a running command cannot be interrupted
                    self._play_one(scene)
        except _TooLongError:
            return "slow", self.line
        except subprocess.TimeoutExpired:
            return "stuck", self.line
        return None

    def _play_one(self, scene: Scene) -> None:
        match scene:
            case Given(name=name, text=text):
                self.player.names.setdefault(name, text)
            case Prop(line=line):
                try:
                    self.player.lay(scene)
                except OSError:
                    self.left.append(Left(line, "file_name", scene.name))
            case Command():
                self.line = scene.line
                names = NAME.findall(f"{scene.actor or ''} {scene.typed}")
                if missing := [name for name in names if name not in self.player.names]:
                    self.left.append(Left(scene.line, "name", f"[{missing[0]}]"))
                    return
                words, shown = self.player.spoken(scene)
                # Names stand for any text: only now it can be seen what they make of a command.
                if (left := words_left_out(scene.line, words)) is not None:
                    self.left.append(left)
                    return
                answered = self.player.ask(scene.line, shown, words)
                self.ended[answered.exit_code] += 1
                filling_names = filling(scene, self.player.names)
                answered = answered._replace(
                    out=answered.out[:_HEARD_MAX], err=answered.err[:_HEARD_MAX]
                )
                for _failed in self.player.check(filling_names, answered):
                    pass


def _of_preparation(task: Task, outcome: Failed | Skipped) -> dict[str, object]:
    command = outcome.command if isinstance(outcome, Failed) else f"[{outcome.name}]"
    return {"task": task.source, "problem": "preparation", "text": command}


def _money(home: Home) -> tuple[int, int]:
    """
    Return what the central bank has issued, and what customers, users and the platform have of it.

    What is on its way between two institutions counts as the receiver's.
    """
    with home.looking():
        central = home.store.held([CENTRAL], [Kind.ISSUE])
        rows = home.store.held([PLATFORM, *(bank.code for bank in BANKS)])
    kept_fen = sum(
        row.held_fen if SIDES[row.kind] == "credit" else -row.held_fen
        for row in rows
        if row.kind not in (Kind.RESERVE, Kind.SETTLEMENT)
    )
    return sum(row.held_fen for row in central), kept_fen


class _TooLongError(Exception):
    pass


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End what is done within after so many *seconds*, where the system can."""
    is_main = threading.current_thread() is threading.main_thread()
    if not (hasattr(signal, "setitimer") and is_main):
        yield
        return

    def end(_number: int, _frame: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
